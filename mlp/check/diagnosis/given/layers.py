"""Cases made of given gradients: a right layer of ours, and what somebody says in the place of its backward."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.contract import other_input
from mlp.check.diagnosis.given.arrivals import Arrival
from mlp.check.diagnosis.given.gradients import FITTED, GivenGradients
from mlp.check.diagnosis.isolated_layer import EPS, IsolatedLayer
from mlp.check.passes import LOSS, Visit, parameter_name, run_passes
from mlp.check.projection import Projection
from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.differences.methods import CENTRAL
from mlp.nn.activations import Identity
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import INPUT, as_problem


@dataclass(frozen=True)
class Upstream:
    """A loss or layer that hands a dy down to a linear layer, through the rest of the layers between them.

    Attributes:
        name: the layer's name, or "loss".
        subject: the layer or the loss.
        x: what went into it in the forward pass.
        dy: the gradient that it is given; for a loss, its target.
        rest: the layers through which its dx goes on, in the order of backward.
    """

    name: str
    subject: Layer | Loss
    x: Array
    dy: ArrayLike
    rest: Sequence[Layer]

    def handed_down(self, dx: Array) -> Array:
        """What becomes of this dx further down."""
        for layer in self.rest:
            dx = layer.backward(dx)
        return dx

    def case(self, arrival: Arrival) -> IsolatedLayer:
        """The source on its own, if all but its backward was right and this arrived."""
        function = self.subject if isinstance(self.subject, Layer) else Identity()
        loss = self.subject if isinstance(self.subject, Loss) else Projection()
        case = _case(self.name, function, loss, self.x, self.dy, {INPUT: arrival.dy}, {})
        return replace(case, subject=self.subject, seen=lambda dx: arrival.seen(self.handed_down(dx)))


def sources(above: Sequence[tuple[Visit, Array]]) -> Iterator[Upstream]:
    """The layers that may have spoiled what a linear layer is given, the nearest first.

    Args:
        above: the layers from the linear layer above, or from the last layer, down to this one, each with its dy.
    """
    layers = [visit.layer for visit, _ in above]
    for k in reversed(range(len(above))):
        visit, dy = above[k]
        yield Upstream(visit.name, visit.layer, visit.x, dy, layers[k + 1 :])


def loss_source(loss: Loss, target: ArrayLike, y: Array, above: Sequence[tuple[Visit, Array]]) -> Upstream:
    """The loss as what may have spoiled the dy of the last linear layer."""
    return Upstream(LOSS, loss, y, target, [visit.layer for visit, _ in above])


def own_cases(visit: Visit, dy: Array, tensors: Sequence[str], given: GivenGradients) -> list[IsolatedLayer]:
    """A linear layer on its own, given this dy, with what is said of some of its gradients.

    It is one case, or one for each tensor if some are not finite throughout, of which only the finite entries show.
    """
    names = {tensor: INPUT if tensor == INPUT else parameter_name(visit.name, tensor) for tensor in tensors}
    if all(np.all(given.finite[name]) for name in names.values()):
        return [_own_case(visit, dy, names, given)]
    return [_own_case(visit, dy, {tensor: name}, given) for tensor, name in names.items()]


def _own_case(visit: Visit, dy: Array, names: Mapping[str, str], given: GivenGradients) -> IsolatedLayer:
    said = {tensor: np.where(given.finite[name], given.gradients[name], 0.0) for tensor, name in names.items()}
    errors = {tensor: given.errors[name] for tensor, name in names.items()}
    case = _case(visit.name, visit.layer, Projection(), visit.x, dy, said, errors)
    finite = given.finite[next(iter(names.values()))]
    return case if np.all(finite) else replace(case, seen=lambda gradient: np.where(finite, gradient, 0.0))


class _KnownLayer(IsolatedLayer):
    """A layer of ours on its own: its backward is right, and is run where others have to be differentiated."""

    def gradient(
        self, tensor: str, x: Array | None = None, dy: ArrayLike | None = None, function: Layer | None = None
    ) -> Array:
        """The gradient of a tensor if something had been otherwise."""
        return _backward(
            self.function if function is None else function,
            self.loss,
            self.x if x is None else x,
            self.dy if dy is None else dy,
        )[tensor]


def _case(
    name: str,
    function: Layer,
    loss: Loss,
    x: Array,
    dy: ArrayLike,
    said: Mapping[str, Array],
    errors: Mapping[str, Array],
) -> IsolatedLayer:
    checks = {tensor: _check(tensor, right, said, errors) for tensor, right in _backward(function, loss, x, dy).items()}
    report = GradientReport(checks, 0.0, EPS, CENTRAL)
    return _KnownLayer(name, function, function, loss, x, dy, other_input(x), report, said)


def _backward(function: Layer, loss: Loss, x: Array, dy: ArrayLike) -> dict[str, Array]:
    return run_passes(as_problem(function, loss, x, dy).copied()).gradients


def _check(tensor: str, right: Array, said: Mapping[str, Array], errors: Mapping[str, Array]) -> TensorCheck:
    """The check of what was said against what is right and known exactly."""
    nothing = np.zeros(right.shape)
    error = errors.get(tensor, nothing) + FITTED * float(np.max(np.abs(right), initial=0.0))
    return TensorCheck(tensor, said.get(tensor, right), right, nothing, nothing, error, nothing.astype(bool))
