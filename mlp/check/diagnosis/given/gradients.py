"""Given gradients with their errors, and the backward passes that they are held against."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mlp.check.passes import Visit, parameter_name
from mlp.check.verdict import ROUNDING_FACTOR
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import INPUT

# How well the gradients that a fault would give are known, as a part of the largest entry: where its numbers were found
# from all gradients by least squares, and where they were found from those of one layer.
FITTED = 1e-8
FOUND = 1e-5
_MOST_ENTRIES = 1000  # of a tensor, in equations


@dataclass(frozen=True)
class GivenGradients:
    """Gradients that somebody gave.

    Attributes:
        gradients: by tensor name; what is not finite in them is not looked at.
        errors: how far rounding may have moved each entry.
    """

    gradients: Mapping[str, Array]
    errors: Mapping[str, Array]

    @cached_property
    def finite(self) -> dict[str, Array]:
        """Which entries are numbers, by tensor name."""
        return {name: np.isfinite(gradient) for name, gradient in self.gradients.items()}

    def of(self, visit: Visit, expected: Mapping[str, Array]) -> dict[str, Array]:
        """What was given of a layer's parameters, by their names in the layer.

        Args:
            visit: the layer.
            expected: its gradients as they should be, which stand where the given ones are not finite.
        """
        names = {key: parameter_name(visit.name, key) for key in expected}
        return {key: np.where(self.finite[name], self.gradients[name], expected[key]) for key, name in names.items()}

    def agrees(self, visit: Visit, key: str, expected: Array, slack: float = 0.0) -> bool:
        """Whether the gradient of a layer's parameter is this, as in `is_as`."""
        return self.is_as(parameter_name(visit.name, key), expected, slack)

    @property
    def has_input(self) -> bool:
        """Whether a gradient of the input was given."""
        return INPUT in self.gradients

    def agreeing(self, expected: Mapping[str, Array], slack: float = FITTED) -> frozenset[str]:
        """The names of the tensors whose gradients are these, as in `is_as`."""
        return frozenset(
            name for name in expected if name in self.gradients and self.is_as(name, expected[name], slack)
        )

    def vector(self, gradients: Mapping[str, Array], names: Iterable[str]) -> Array:
        """Gradients of some tensors as one vector, each tensor in the unit of its largest given entry.

        Of a large tensor it takes entries at equal distances, and everywhere none that is not finite in what was given.
        """
        return np.concatenate([gradients[name].ravel()[self._taken[name]] / self._units[name] for name in names])

    @cached_property
    def _taken(self) -> dict[str, Array]:
        places = {name: np.flatnonzero(finite) for name, finite in self.finite.items()}
        return {name: place[:: max(1, place.size // _MOST_ENTRIES)] for name, place in places.items()}

    @cached_property
    def _units(self) -> dict[str, float]:
        largest = {name: np.abs(gradient[self.finite[name]]) for name, gradient in self.gradients.items()}
        return {name: float(np.max(sizes, initial=0.0)) or 1.0 for name, sizes in largest.items()}

    def is_as(self, name: str, expected: Array, slack: float = 0.0) -> bool:
        """Whether a tensor's gradient is this, as far as rounding lets one see.

        Args:
            name: the tensor's.
            expected: what it should be.
            slack: how well `expected` is known, as a part of its largest entry.
        """
        # Both sides are rounded, so their bar is twice that of one.
        bar = 2 * ROUNDING_FACTOR * self.errors[name] + slack * float(np.max(np.abs(expected), initial=0.0))
        return bool(np.all((np.abs(self.gradients[name] - expected) <= bar) | ~self.finite[name]))

    def with_gradients(self, gradients: Mapping[str, Array]) -> "GivenGradients":
        """The same with others in the place of some."""
        return replace(self, gradients={**self.gradients, **gradients})


class Setup(NamedTuple):
    """What gradients are taken of.

    Attributes:
        layers: the layers by name, in order.
        loss: the loss.
        x: the input.
        target: the target, in the shape of the output.
    """

    layers: Sequence[tuple[str, Layer]]
    loss: Loss
    x: Array
    target: Array

    def with_layer(self, name: str, layer: Layer) -> "Setup":
        """The same with another layer under a name."""
        return self._replace(layers=[(key, layer if key == name else old) for key, old in self.layers])


@dataclass(frozen=True)
class Backward:
    """A right backward pass, of the right problem or of another one.

    Attributes:
        visits: the layers in order, each with what it was given and gave.
        dy: the derivative of the loss with respect to the output.
    """

    visits: Sequence[Visit]
    dy: Array

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """The gradient of every tensor by name."""
        return self.gradients_for(self.dy)

    def gradients_for(self, dy: Array) -> dict[str, Array]:
        """The gradients that another dy at the output would give; they are linear in it."""
        gradients: dict[str, Array] = {}
        for visit in reversed(self.visits):
            dy = visit.layer.backward(dy)
            gradients |= {parameter_name(visit.name, key): value for key, value in visit.layer.gradients().items()}
        return {**gradients, INPUT: dy}


def backward_of(setup: Setup) -> Backward:
    """Run copies of the layers and the loss; they may raise errors, as for a target that a loss cannot take."""
    visits: list[Visit] = []
    y = setup.x
    for name, layer in setup.layers:
        visits.append(Visit(name, copy.copy(layer), y, y))
        y = visits[-1].layer.forward(y)
        visits[-1].y = y
    loss = copy.copy(setup.loss)
    loss.forward(y, setup.target)
    return Backward(visits, loss.backward())


class Alternative(NamedTuple):
    """What may have been computed in the place of the right gradients.

    Attributes:
        pattern: the name of the fault.
        place: where it is: a layer's name, "loss", "target" or "x"; "" for the whole network.
        words: what is otherwise, so that it can follow a colon.
        backward: the backward pass that gives such gradients.
        left: how many numbers agree beyond those that were chosen to fit.
        weights: how many were.
    """

    pattern: str
    place: str
    words: str
    backward: Backward
    left: int
    weights: int = 0
