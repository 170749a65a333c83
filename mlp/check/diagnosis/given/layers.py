"""Cases made of given gradients: a right layer of ours, and what somebody says in the place of its backward."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.compare import compare_gradients
from mlp.check.contract import other_input
from mlp.check.diagnosis.given.arrivals import Arrival
from mlp.check.diagnosis.given.gradients import GivenGradients
from mlp.check.diagnosis.isolated_layer import EPS, IsolatedLayer
from mlp.check.passes import LOSS, Visit, parameter_name
from mlp.check.projection import Projection
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
        case = _case(self.name, function, loss, self.x, self.dy, {INPUT: arrival.dy})
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
    case = _case(visit.name, visit.layer, Projection(), visit.x, dy, said)
    checks = {
        tensor: replace(case.report[tensor], rounding=case.report[tensor].rounding + given.errors[name])
        for tensor, name in names.items()
    }
    case = replace(case, report=replace(case.report, checks={**case.report.checks, **checks}))
    finite = given.finite[next(iter(names.values()))]
    return case if np.all(finite) else replace(case, seen=lambda gradient: np.where(finite, gradient, 0.0))


def _case(name: str, function: Layer, loss: Loss, x: Array, dy: ArrayLike, said: Mapping[str, Array]) -> IsolatedLayer:
    report = compare_gradients(as_problem(function, loss, x, dy), EPS, CENTRAL)
    checks = {
        tensor: replace(check, analytical=said[tensor]) if tensor in said else check for tensor, check in report.items()
    }
    return IsolatedLayer(name, function, function, loss, x, dy, other_input(x), replace(report, checks=checks), said)
