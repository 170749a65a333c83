"""Where a network is checked: what the numerical side knows, and on which side of its corners each unit stands."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlp.check.passes import LOSS, from_layer_on, leaves, shown
from mlp.differences.methods import Method
from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem, is_ours

_MOST_EXAMINED = 300
# Multiplications that may be spent, and what the call of a network costs beside them, in multiplications.
_BUDGET = 500_000_000
_CALL = 20_000

Index = tuple[int, ...]


@dataclass(frozen=True)
class EvaluationPoint:
    """The point where a network is checked, and how.

    Attributes:
        problem: the network, in float64, with its loss, input and target.
        eps, method: the step and the method of the numerical gradients.
    """

    problem: Problem[Layer]
    eps: float
    method: Method

    def function(self, name: str) -> Callable[[Array], float]:
        """The loss as a function of one tensor alone; what comes before a parameter's layer is computed once."""
        part, tensor = from_layer_on(self.problem, name)

        def value(varied: Array) -> float:
            moved = part.replaced(tensor, varied)
            return float(np.real(moved._replace(x=moved.x.copy()).value()))  # theirs may change what it is given

        return value

    def tensor(self, name: str) -> Array:
        """The tensor of this name, a parameter or the input."""
        return as_real(name, self.problem.tensors()[name])

    def pattern(self, name: str, varied: Array) -> dict[str, Array]:
        """On which side of its corners each unit stands, by layer, if the tensor has these values instead."""
        network, loss, x, target = self.problem.replaced(name, varied)
        sides: dict[str, Array] = {}
        for layer_name, layer in leaves(network):
            for kink in _corners(layer):
                sides[f"{shown(layer_name, layer)} at {kink:g}"] = np.sign(x - kink)
            x = layer.apply(x)
        for kink in _corners(loss):
            sides[f"{LOSS} at {kink:g}"] = np.sign(x - loss.as_target(target, x) - kink)
        return sides

    @property
    def has_declared_kinks(self) -> bool:
        """Whether some layer or the loss says that it has corners."""
        return any(_corners(part) for part in self._parts())

    @property
    def may_hide_kinks(self) -> bool:
        """Whether some layer, or the loss, is somebody else's, which may have corners that it does not declare."""
        return not all(map(is_ours, self._parts()))

    @property
    def affordable(self) -> int:
        """How many entries of a tensor can be examined one by one in about a tenth of a second."""
        parameters, x = self.problem.network.parameters().values(), self.problem.x
        samples = x.shape[0] if x.ndim > 1 else 1
        cost = sum(value.size for value in parameters) * samples + _CALL
        return int(np.clip(_BUDGET // (cost * (len(parameters) + 1)), 4, _MOST_EXAMINED))

    def _parts(self) -> list[object]:
        """The loss and the layers that do the work."""
        return [self.problem.loss, *(layer for _, layer in leaves(self.problem.network))]


def _corners(part: object) -> tuple[float, ...]:
    """Where a layer or loss says that it has corners; one that somebody else wrote says nothing."""
    return getattr(part, "kinks", ())
