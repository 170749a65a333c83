"""Faults of an activation's backward, and of any layer whose outputs depend on several inputs."""

from collections.abc import Callable, Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, MOST_OUTPUTS, IsolatedLayer
from mlp.check.diagnosis.sentences import apart
from mlp.nn.activations import ACTIVATIONS, Identity
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_HALVINGS = 30  # until a limit is known to all digits that are told


def _times_dy(slope: Callable[[IsolatedLayer], Array]) -> Callable[[IsolatedLayer, str], Iterator[Prediction]]:
    """The dx = slope * dy that a wrong slope would give."""

    def predict(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
        yield Prediction(slope(case) * np.asarray(case.dy))

    return predict


def _inverse(slope: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(1 / slope)


def _wrong_places(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
    """f' taken at something else than x."""
    dy = np.asarray(case.dy)
    for number, (place, words) in enumerate(
        ((case.y, "the output y"), (dy, "dy"), (-case.x, "-x, on the opposite side of zero"))
    ):
        yield Prediction(case.slope_at(place) * dy, f"it is taken at {words}", values=(number,))


def _dy_as_gate(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
    """ReLU's mask applied to dy: once where dy > 0, once where both are."""
    dy = np.asarray(case.dy)
    yield Prediction(np.where(dy > 0, dy, 0.0), "it passes where dy > 0")
    yield Prediction(np.where(dy > 0, case.slope * dy, 0.0), "it passes where both x > 0 and dy > 0")


def _other_side(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The slope of one half-line replaced by 0 or 1."""
    dy = np.asarray(case.dy)
    for side, words in ((case.x <= 0, "x <= {}"), (case.x > 0, "x > {}")):
        for value in (0.0, 1.0):
            gradient = np.where(side, value, case.slope) * dy
            is_it = not case.is_companion and np.allclose(gradient, case.said[tensor])
            limit = f"{_limit(case, side, value):.4g}" if is_it else "0"
            measured = f"of {limit if float(limit) else 'zero'}: where {words.format(limit)} the slope is {value:g}"
            yield Prediction(gradient, measured, key=f"{words} {value:g}")


def _limit(case: IsolatedLayer, side: Array, value: float) -> float:
    """From where on a slope is none on its side of zero; that is 0 where it is none on all of it."""
    is_wrong = np.abs(case.slope - value) > APART
    right, wrong = np.abs(case.x[side & ~is_wrong]), np.abs(case.x[side & is_wrong])
    if not right.size or not wrong.size or right.max() > wrong.min():
        return 0.0
    sign = 1.0 if np.all(case.x[side] > 0) else -1.0
    near, far = float(right.max()), float(wrong.min())
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        slope = float(case.slope_at(np.full(case.x.shape, sign * middle)).flat[0])
        near, far = (middle, far) if abs(slope - value) <= APART else (near, middle)
    return sign * near


def _wrong_slope(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The dx is dy times something that is not f'(x), but the same for any dy."""
    paths = case.paths.get(tensor)
    if (
        paths is None
        or tensor != INPUT
        or len(paths.said) != paths.right.shape[1]
        or len(paths.said) < 2
        or np.any(paths.constant)
    ):
        return
    said, slope = np.diag(paths.said), np.diag(paths.right)
    if np.any(paths.said - np.diag(said)) or np.any(paths.there & ~np.eye(len(slope), dtype=bool)):
        return
    worst = int(np.argmax(np.abs(said - slope)))
    one, other = apart(float(said[worst]), float(slope[worst]))
    measured = f"at x = {case.x.flat[worst]:.4g} it uses the slope {one} instead of {other}"
    yield Prediction(paths.gradient(np.diag(said)), measured, fitted=1)


def _of_another_activation(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    if tensor == INPUT:
        for number, (name, activation) in enumerate(ACTIVATIONS.items()):
            if activation is not Identity:
                slope = activation.derivative(case.x)
                yield Prediction(slope * np.asarray(case.dy), f"it is that of {name}", values=(number,))


ELEMENTWISE: tuple[Hypothesis, ...] = (
    Hypothesis(
        "derivative missing",
        "{tensor} is dy, passed on unchanged: the derivative of the activation is missing.",
        _times_dy(lambda case: np.ones(case.x.shape)),
    ),
    Hypothesis(
        "derivative doubled",
        "{tensor} has the derivative of the activation in it twice, squared.",
        _times_dy(lambda case: np.square(case.slope)),
    ),
    Hypothesis(
        "wrong derivative",
        "{tensor} is dy divided by the derivative of the activation, not multiplied with it: one over it stands there, "
        "as where brackets are missing and 1 / (1 + a) becomes 1 / 1 + a.",
        _times_dy(lambda case: _inverse(case.slope)),
    ),
    Hypothesis(
        "gated by dy",
        "{tensor} looks at the sign of dy ({measured}). The activation's slope depends on x, not on dy.",
        _dy_as_gate,
    ),
    Hypothesis(
        "derivative at the wrong place",
        "{tensor} uses the derivative of the activation in the wrong place: {measured}. It belongs at x, the input of "
        "the forward pass.",
        _wrong_places,
    ),
    Hypothesis(
        "function taken for its derivative",
        "{tensor} is multiplied by the activation's value f(x) where its derivative f'(x) should stand.",
        _times_dy(lambda case: case.y),
    ),
    Hypothesis(
        "wrong slope on one side",
        "{tensor} has the wrong slope on one side {measured}.",
        _other_side,
    ),
)

WRONG_SLOPE = Hypothesis(
    "wrong derivative",
    "{tensor} multiplies dy by a slope that is not the activation's: {measured}. The formula of the derivative is "
    "wrong.",
    _wrong_slope,
)


ANOTHER_SLOPE = Hypothesis(
    "wrong derivative", "{tensor} multiplies dy by the slope of another activation: {measured}.", _of_another_activation
)


def _through_jacobian(change: Callable[[Array, Array], Array]) -> Callable[[IsolatedLayer, str], Iterator[Prediction]]:
    """The dx that a wrong use of the Jacobian J, (outputs, inputs), would give, from J and dy."""

    def predict(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
        if case.x.shape == case.y.shape and case.x.size <= MOST_OUTPUTS:
            yield Prediction(change(case.jacobian(INPUT), np.ravel(case.dy)).reshape(case.x.shape))

    return predict


DIAGONAL = Hypothesis(
    "diagonal taken for the Jacobian",
    "{tensor} uses the diagonal of the Jacobian alone. Here an output depends on other inputs too, so what stands "
    "beside the diagonal counts as well.",
    _through_jacobian(lambda J, dy: np.diag(J) * dy),
)

TRANSPOSED = Hypothesis(
    "Jacobian transposed",
    "{tensor} is J dy where it should be dy J: the Jacobian is transposed, as where a matrix is not, or a loop goes "
    "in the direction of forward.",
    _through_jacobian(lambda J, dy: J @ dy),
)
