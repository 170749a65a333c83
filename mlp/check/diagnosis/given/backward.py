"""The backward pass that gradients are held against: layers that have run forward, and the dy at their output."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mlp.check.passes import Visit, parameter_name
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import INPUT


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
