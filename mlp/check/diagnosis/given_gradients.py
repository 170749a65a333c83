"""Given gradients with their errors, and whether one is what it should be."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlp.check.passes import Visit, parameter_name
from mlp.check.verdict import ROUNDING_FACTOR
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

# What a wrong dy further up leads to is known from numerical derivatives, to this part of the largest entry at least.
_LEFT = 1e-5


@dataclass(frozen=True)
class GivenGradients:
    """Gradients that somebody gave.

    Attributes:
        gradients: by tensor name.
        errors: how far rounding may have moved each entry.
    """

    gradients: Mapping[str, Array]
    errors: Mapping[str, Array]

    def of(self, visit: Visit) -> dict[str, Array]:
        """What was given of a layer's parameters, by their names in the layer."""
        return {key: self.gradients[parameter_name(visit.name, key)] for key in visit.layer.parameters()}

    def agrees(self, visit: Visit, key: str, expected: Array, is_exact: bool = False) -> bool:
        """Whether the gradient of a layer's parameter is this."""
        return self.is_as(parameter_name(visit.name, key), expected, is_exact)

    @property
    def has_input(self) -> bool:
        """Whether a gradient of the input was given."""
        return INPUT in self.gradients

    @property
    def input(self) -> Array:
        """The gradient of the input."""
        return self.gradients[INPUT]

    def agrees_at_input(self, expected: Array, is_exact: bool = False) -> bool:
        """Whether the gradient of the input was given and is this."""
        return self.has_input and self.is_as(INPUT, expected, is_exact)

    def is_as(self, name: str, expected: Array, is_exact: bool = False) -> bool:
        """Whether a tensor's gradient is this, as far as rounding lets one see.

        Args:
            name: the tensor's.
            expected: what it should be.
            is_exact: whether `expected` is known as exactly as arithmetic allows.
        """
        left = 0.0 if is_exact else _LEFT * float(np.max(np.abs(expected), initial=0.0))
        bar = 2 * ROUNDING_FACTOR * self.errors[name] + left  # twice, since both sides are rounded
        return bool(np.all(np.abs(self.gradients[name] - expected) <= bar))
