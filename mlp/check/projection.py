"""One layer made checkable like a network: its output times dy, summed, is the loss; and it gets an `apply`."""

import copy
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_numbers, as_real, require_shape
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss, Scalar, summed


class Projection(Loss):
    """c = sum(dy * y), whose gradient with respect to y is dy itself; y may have any shape, and dy is the target."""

    @staticmethod
    def value(y: Array, target: Array) -> Scalar:
        """sum(dy * y)."""
        return np.sum(target * y)

    def values(self, ys: Array, target: Array) -> Array:
        """The same for each of a stack."""
        return summed(target[..., None] * ys)

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        """The dy itself; `y` only lends its shape."""
        return np.broadcast_to(target, y.shape).copy()

    def apply(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Compute sum(dy * y)."""
        y = as_numbers("y", y)
        require_shape("dy", np.asarray(target), y.shape)
        return self.value(y, as_real("dy", target))


class ByForward(Layer):
    """A layer without `apply`, given one: `forward` on a copy, so that what the layer keeps stays as it is."""

    def __init__(self, inner: Layer) -> None:
        self.inner = inner
        self.kinks = getattr(inner, "kinks", ())  # type: ignore[misc]  # a constant of the class for all others

    def apply(self, x: ArrayLike) -> Array:
        """Compute y from x and keep nothing."""
        return copy.deepcopy(self.inner).forward(np.array(x))

    def forward(self, x: ArrayLike) -> Array:
        """The layer's own forward."""
        return self.inner.forward(x)

    def backward(self, dy: ArrayLike) -> Array:
        """The layer's own backward."""
        return self.inner.backward(dy)

    def parameters(self) -> dict[str, Array]:
        """The layer's own parameters."""
        return self.inner.parameters()

    def gradients(self) -> dict[str, Array]:
        """The layer's own gradients."""
        return self.inner.gradients()

    def replaced(self, name: str, value: Array) -> Self:
        """A copy with another array as its parameter `name`."""
        return type(self)(self.inner.replaced(name, value))


def with_apply(layer: Layer) -> Layer:
    """The layer itself if it has an `apply` of its own, or `ByForward` of it."""
    own = getattr(type(layer), "apply", None)
    return layer if own is not None and own is not Layer.apply else ByForward(layer)


def random_source(number: int) -> np.random.RandomState:
    """A stream of random numbers, the same each time, that no seed of a single number gives.

    With a seed such as 2, somebody's own x may be the very dy, and a backward that takes one for the other would be
    called right.
    """
    return np.random.RandomState([number, 2**32 - 5])


def random_dy(shape: tuple[int, ...]) -> Array:
    """Standard normal numbers, the same each time; a single one is positive, so that signs stay what they are."""
    dy = random_source(2).standard_normal(shape)
    return np.abs(dy) if dy.size == 1 else dy
