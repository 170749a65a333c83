"""Faults of a loss's backward, beyond those that any gradient can have."""

from collections.abc import Callable, Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, IsolatedLayer, Role
from mlp.nn import losses
from mlp.nn.arrays import Array
from mlp.nn.functional import log_softmax, sigmoid

Formula = Callable[[Array, Array], Array]


def _up_to_mean(*formulas: tuple[Formula, str]) -> Callable[[IsolatedLayer, str], Iterator[Prediction]]:
    """A wrong formula of y and t, with or without the loss's mean over samples or over everything."""

    def predict(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
        y, target = case.x, target_of(case)
        if target.shape != y.shape:
            return
        for formula, words in formulas:
            with np.errstate(all="ignore"):
                gradient = formula(y, target)
            for count in means_over(case):
                yield Prediction(gradient / count, words)

    return predict


def means_over(case: IsolatedLayer) -> tuple[int, ...]:
    """How many numbers a loss may be the mean over: all of them, the samples, or a single one, which is the sum."""
    return tuple(dict.fromkeys((case.x.size, case.samples, 1)))


def target_of(case: IsolatedLayer) -> Array:
    """The target in the shape of y where the loss can put it so, such as classes as probabilities."""
    convert = getattr(case.loss, "as_target", None)
    return np.asarray(convert(case.dy, case.x) if convert else case.dy)


def _softmax(y: Array) -> Array:
    return np.exp(log_softmax(y))


def _squared_slope(y: Array, target: Array) -> Array:
    return (sigmoid(y) - target) * sigmoid(y) * sigmoid(-y)


def _unclipped(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The y - t of a loss whose right gradient is y - t cut off at -1 and 1."""
    clipped = _up_to_mean((lambda y, t: np.clip(y - t, -1, 1), ""))(case, tensor)
    if any(np.allclose(case.right(tensor), one.gradient, rtol=1e-4, atol=1e-6) for one in clipped):
        yield from _up_to_mean((lambda y, t: y - t, ""))(case, tensor)


def _unsquashed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The y - t of a loss that is not a parabola, whose right gradient is that."""
    target, right = target_of(case), case.right(tensor)
    if not target.shape == case.x.shape == right.shape:
        return
    d = case.x - target
    is_parabola = np.allclose(right * np.sum(d * d), d * np.sum(d * right), rtol=1e-4)
    if not is_parabola and not any(_unclipped(case, tensor)):
        yield from _up_to_mean((lambda y, t: y - t, "it is y - t"))(case, tensor)


LOSSES: tuple[Hypothesis, ...] = (
    Hypothesis(
        "target forgotten",
        "{tensor} does not depend on the target: {measured}.",
        _up_to_mean(
            (lambda y, _: _softmax(y), "it is softmax(y) alone"),
            (lambda y, _: sigmoid(y), "it is sigmoid(y) alone"),
            (lambda y, _: 2 * y, "it is 2 y alone"),
            (lambda y, _: y, "it is y alone"),
        ),
    ),
    Hypothesis(
        "not clipped",
        "{tensor} grows with the error without limit, but where |y - t| > 1 the loss is linear and its slope constant.",
        _unclipped,
    ),
    Hypothesis(
        "derivative missing",
        "{tensor} is the gradient of a squared error: {measured}. What else the loss does to y, be it softmax, a "
        "sigmoid or a limit, is missing from it.",
        _unsquashed,
    ),
    Hypothesis(
        "derivative doubled",
        "{tensor} has the sigmoid's derivative in it once too often. In the cross-entropy with logits it cancels, "
        "and sigmoid(y) - t is all that is left.",
        _up_to_mean((_squared_slope, "")),
    ),
    Hypothesis(
        "derivative at the wrong place",
        "{tensor} is the derivative with respect to the probability, not to the logit y: {measured}.",
        _up_to_mean(
            (lambda y, t: (sigmoid(y) - t) / (sigmoid(y) * sigmoid(-y)), "the sigmoid's own slope is still to come"),
            (lambda y, t: -t / _softmax(y), "the softmax's own Jacobian is still to come"),
            (lambda y, t: _softmax(_softmax(y)) - t, "softmax is applied twice"),
            (lambda y, t: sigmoid(sigmoid(y)) - t, "sigmoid is applied twice"),
        ),
    ),
    Hypothesis(
        "diagonal taken for the Jacobian",
        "{tensor} uses the diagonal of softmax's Jacobian alone, p (1 - p). Raising one output lowers all the other "
        "probabilities, so every column counts.",
        _up_to_mean((lambda y, t: -t * (1 - _softmax(y)), "")),
    ),
    Hypothesis(
        "sign taken for the error",
        "{tensor} has only the sign of y - t, as the absolute error would; near zero the loss is a parabola.",
        _up_to_mean((lambda y, t: np.sign(y - t), "")),
    ),
)


_MOST_VALUES = 4


def _target(case: IsolatedLayer) -> Array | None:
    """The target of a loss whose target has the shape of its y; None for any other, and for layers."""
    target = target_of(case) if case.role is Role.LOSS else None
    return target if target is not None and target.shape == case.x.shape else None


def _of_another_loss(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
    """The gradient of another of the usual losses, up to its mean."""
    target = _target(case)
    if target is None:
        return
    here = type(getattr(case.subject, "inner", case.subject)).__name__
    for number, (name, loss) in enumerate(losses.LOSSES.items()):
        if name == here:
            continue
        with np.errstate(all="ignore"):
            gradient = loss.gradient(case.x, target) * case.x.size
        for count in means_over(case):
            how = "" if count == case.x.size else ", summed" if count == 1 else ", averaged over the samples alone,"
            words = f"it is that of {name}{how} where {here} should be"
            yield Prediction(gradient / count, words, values=(number,))


def _another_limit(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The error y - t, clipped at another place than the loss's."""
    target = _target(case)
    if target is None or case.said[tensor].shape != target.shape:
        return
    error = case.x - target
    for count in means_over(case):
        limit = float(np.max(np.abs(case.said[tensor]))) * count
        if limit < np.max(np.abs(error)):
            yield Prediction(np.clip(error, -limit, limit) / count, f"it is y - t cut off at {limit:.6g}", 1, (limit,))


def _factor_by_target(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """One factor for each value of the target, as weights of classes are."""
    said, right, target = case.said[tensor].astype(np.float64), case.right(tensor), _target(case)
    if target is None or said.shape != right.shape:
        return
    values = np.unique(target)
    if not 2 <= len(values) <= _MOST_VALUES:
        return
    factor, found = np.ones(right.shape), []
    for value in values:
        there = target == value
        found.append(float(np.sum(said[there] * right[there]) / np.sum(np.square(right[there]))))
        factor[there] = found[-1]
    words = ", ".join(f"{one:.4g} where the target is {value:g}" for one, value in zip(found, values, strict=True))
    if np.ptp(found) > APART:
        yield Prediction(factor * right, f"the factor is {words}", len(found), tuple(found))


OTHER_LOSSES: tuple[Hypothesis, ...] = (
    Hypothesis("another loss's gradient", "{tensor} is right for another loss: {measured}.", _of_another_loss),
    Hypothesis("clipped elsewhere", "{tensor} is right but for where it is clipped: {measured}.", _another_limit),
    Hypothesis("weights of classes", "{tensor} is right but for weights: {measured}.", _factor_by_target),
)
