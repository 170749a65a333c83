"""Losses of another kind, limit, target or weighting than the one whose value is computed."""

from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, IsolatedLayer, Role
from mlp.check.diagnosis.losses import means_over, target_of
from mlp.nn.arrays import Array
from mlp.nn.losses import LOSSES

_MOST_VALUES = 4
_FEWEST = 4


def smoothing_terms(case: IsolatedLayer) -> Iterator[tuple[str, Array]]:
    """What a loss's gradient has beside the right one if its target is smoothed or scaled."""
    target = target_of(case)
    yield "the target less one over the classes, as of label smoothing", target - 1 / max(1, target.shape[-1])
    yield "the target less one half, as of label smoothing", target - 0.5
    yield "the target", target


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
    for number, (name, loss) in enumerate(LOSSES.items()):
        if name == here:
            continue
        with np.errstate(all="ignore"):
            gradient = loss.gradient(case.x, target) * case.x.size
        for count in means_over(case):
            yield Prediction(gradient / count, f"it is that of {name} where {here} should be", values=(number,))


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


def _factors_of_both(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The prediction and the target, each with a factor of its own, where their difference should have one."""
    said, target = case.said[tensor].astype(np.float64), _target(case)
    if target is None or said.shape != target.shape or said.size < _FEWEST:
        return
    columns = np.stack([case.x.ravel(), target.ravel()], axis=1)
    (a, b), *_ = np.linalg.lstsq(columns, said.ravel(), rcond=None)
    if abs(a * b) > 0 and abs(a + b) > APART * abs(a):
        words = f"it is {a:.6g} times y and {b:.6g} times the target, as of a bracket left out"
        yield Prediction(a * case.x + b * target, words, 2, (a, b))


OTHER_LOSSES: tuple[Hypothesis, ...] = (
    Hypothesis("another loss's gradient", "{tensor} is right for another loss: {measured}.", _of_another_loss),
    Hypothesis("clipped elsewhere", "{tensor} is right but for where it is clipped: {measured}.", _another_limit),
    Hypothesis(
        "different factors",
        "{tensor} has different factors for the prediction and for the target: {measured}.",
        _factors_of_both,
    ),
    Hypothesis("weights of classes", "{tensor} is right but for weights: {measured}.", _factor_by_target),
)
