"""By which ways dy becomes a gradient: the derivative of every output by every entry, as backward has it and as it is.

A backward pass that is linear in dy is a matrix: its gradient is the sum over outputs i of dy[i] A[i, j]. Right is the
Jacobian J of the layer. So whatever is wrong with it shows in A and J, number by number, and a few words about these
numbers that hold for all of them are no coincidence. A path is a pair (i, j) with an A or J that is not zero.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlp.nn.arrays import Array

# Numerical derivatives have some ten digits: what is smaller than this part of the largest counts as zero.
_NOTHING = 1e-7
_LEFT = 1e-6


@dataclass(frozen=True)
class Paths:
    """All paths from the entries of one tensor to the outputs.

    Attributes:
        said: A, of shape (outputs, entries).
        right: J, of the same shape.
        dy: what each output counts: dy, in its shape.
        shape: the shape of the tensor.
        constant: what backward says without any dy; right is nothing.
    """

    said: Array
    right: Array
    dy: Array
    shape: tuple[int, ...]
    constant: Array | float = 0.0

    @cached_property
    def outputs(self) -> Array:
        """The index of each output along each axis, (axes, outputs)."""
        return np.indices(self.dy.shape).reshape(self.dy.ndim, -1)

    @cached_property
    def entries(self) -> Array:
        """The index of each entry along each axis, (axes, entries)."""
        return np.indices(self.shape).reshape(len(self.shape), -1)

    @cached_property
    def there(self) -> Array:
        """Where there is a path: J is not zero."""
        return np.abs(self.right) > _NOTHING * np.max(np.abs(self.right), initial=0.0)

    @cached_property
    def given(self) -> Array:
        """Where backward has a path: A is not zero."""
        return np.abs(self.said) > _NOTHING * np.max(np.abs(self.said), initial=0.0)

    def explained_by(self, model: Array) -> bool:
        """Whether a model of A leaves next to nothing of the difference to J."""
        size = float(np.linalg.norm(self.said - self.right))
        return size > 0 and float(np.linalg.norm(self.said - model)) <= _LEFT * size

    def weight(self, where: Array) -> float | None:
        """How many times these paths count, if they all count alike and there are any."""
        said, right = self.said[where], self.right[where]
        squares = float(np.sum(np.square(right)))
        if np.sum(self.there[where]) < 2:  # one is always some multiple
            return None
        weight = float(np.sum(said * right)) / squares
        rest = float(np.linalg.norm(said - weight * right))
        return weight if rest <= _LEFT * float(np.sqrt(squares)) * max(1.0, abs(weight)) else None

    def gradient(self, model: Array) -> Array:
        """The gradient that a model of A gives."""
        return np.asarray(self.dy.reshape(-1) @ model).reshape(self.shape) + self.constant
