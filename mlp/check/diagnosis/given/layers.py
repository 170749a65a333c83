"""Cases made of given gradients: a right layer of ours, and what somebody says in the place of its backward.

What a linear layer's gradients tell of the dy that it was given: dW = dy.T @ x and db = dy.sum(axis=0). Where somebody
gives dW and db and no dy, these are linear equations for dy: (dy).T [x 1] = [dW db]. With at most one sample more than
the layer has inputs they have one solution. With more samples only the part of dy that lies in the span of the columns
of [x 1] shows, and any other part stays unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.contract import other_input
from mlp.check.diagnosis.given.gradients import FITTED, GivenGradients
from mlp.check.diagnosis.isolated_layer import EPS, IsolatedLayer
from mlp.check.passes import LOSS, Visit, parameter_name, run_passes
from mlp.check.projection import Projection
from mlp.check.report import GradientReport
from mlp.check.tape.tape import Instead
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

    def case(self, arrival: "Arrival") -> IsolatedLayer:
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

    def gradients(
        self,
        x: Array | None = None,
        dy: ArrayLike | None = None,
        function: Layer | None = None,
        fixed: Instead | None = None,  # noqa: ARG002  # our layers have no arrays beside their tensors
    ) -> Mapping[str, Array]:
        """The gradients if something had been otherwise."""
        return _backward(
            self.function if function is None else function,
            self.loss,
            self.x if x is None else x,
            self.dy if dy is None else dy,
        )


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
    return _KnownLayer(name, function, function, loss, x, dy, other_input(x), lambda: report, said)


def _backward(function: Layer, loss: Loss, x: Array, dy: ArrayLike) -> dict[str, Array]:
    return run_passes(as_problem(function, loss, x, dy).copied()).gradients


def _check(tensor: str, right: Array, said: Mapping[str, Array], errors: Mapping[str, Array]) -> TensorCheck:
    """The check of what was said against what is right and known exactly."""
    nothing = np.zeros(right.shape)
    error = errors.get(tensor, nothing) + FITTED * float(np.max(np.abs(right), initial=0.0))
    return TensorCheck(tensor, said.get(tensor, right), right, nothing, nothing, error, nothing.astype(bool))


# A system worse than this says little about some part of dy.
_RCOND = 1e-9
_FITS = 1e-5


@dataclass(frozen=True)
class Arrival:
    """The dy that given gradients of a linear layer come from.

    Attributes:
        x: what went into the layer, (features,) or (n, features).
        weights: the given gradient of W, (out, in).
        bias: the given gradient of b, (out,).
    """

    x: Array
    weights: Array
    bias: Array

    @cached_property
    def _inputs(self) -> Array:
        """The columns [x 1] as rows: (in + 1, n)."""
        rows = np.atleast_2d(self.x)
        return np.hstack([rows, np.ones((len(rows), 1))]).T

    @cached_property
    def _inverse(self) -> Array:
        return np.linalg.pinv(self._inputs, rcond=_RCOND)

    @cached_property
    def rank(self) -> int:
        """How many numbers of dy show, for each output."""
        return int(np.linalg.matrix_rank(self._inputs, tol=_RCOND * np.linalg.norm(self._inputs, 2)))

    @property
    def told(self) -> int:
        """How many numbers of dy show in all."""
        return self.rank * len(self.bias)

    @property
    def is_told(self) -> bool:
        """Whether not just any dW and db come from some dy: there are more numbers in them than can be chosen."""
        return self.rank < self._inputs.shape[0]

    @cached_property
    def dy(self) -> Array:
        """The dy, or as much of it as shows, in the shape of the layer's output."""
        return self._shaped(self._inverse @ self._given)

    @property
    def is_one(self) -> bool:
        """Whether some dy gives both dW and db, as it always does unless `is_told`."""
        rest = self._inputs @ np.atleast_2d(self.dy) - self._given
        return float(np.linalg.norm(rest)) <= _FITS * float(np.linalg.norm(self._given))

    def seen(self, dy: Array) -> Array:
        """The part that shows of another dy."""
        return self._shaped(self._inverse @ (self._inputs @ np.atleast_2d(dy)))

    @property
    def _given(self) -> Array:
        return np.hstack([self.weights, self.bias[:, None]]).T

    def _shaped(self, dy: Array) -> Array:
        return dy if self.x.ndim > 1 else dy[0]
