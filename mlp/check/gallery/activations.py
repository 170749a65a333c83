"""Activations whose backward is wrong. Each class has one wrong line; the activation it replaces lends it f and f'."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Activation


class WrongActivation(Activation):
    """An activation to spoil: `wrong` is right here, and each subclass gets it wrong."""

    def __init__(self, right: Activation) -> None:
        self.inner = right
        self.kinks = right.kinks  # type: ignore[misc]  # a constant of the class for all others
        self.x: Array | None = None

    def apply(self, x: ArrayLike) -> Array:
        """The right f(x)."""
        return self.inner.apply(x)

    def forward(self, x: ArrayLike) -> Array:
        """Compute f(x) and keep x."""
        self.x = as_real("x", x).copy()
        return self.apply(x)

    def backward(self, dy: ArrayLike) -> Array:
        """Return the dx of `wrong`."""
        if self.x is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        return self.wrong(np.asarray(dy), self.x)

    def wrong(self, dy: Array, x: Array) -> Array:
        """The dx of this activation, which is wrong."""
        return dy * self.inner.derivative(x)


class DerivativeMissing(WrongActivation):
    """Passes dy on unchanged."""

    def wrong(self, dy: Array, x: Array) -> Array:  # noqa: ARG002 - that is the bug
        """Wrong: f'(x) is missing."""
        return dy.copy()


class DerivativeAtOutput(WrongActivation):
    """Keeps y, and takes the derivative there."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: f'(y) instead of f'(x)."""
        return dy * self.inner.derivative(self.apply(x))


class DerivativeDoubled(WrongActivation):
    """Is one of two places that multiply by the derivative."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: f'(x) squared."""
        return dy * self.inner.derivative(x) * self.inner.derivative(x)


class ValueForDerivative(WrongActivation):
    """Multiplies by f(x)."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: f(x) instead of f'(x)."""
        return dy * self.apply(x)


class UpstreamIgnored(WrongActivation):
    """Returns its own derivative and forgets the chain rule."""

    def wrong(self, dy: Array, x: Array) -> Array:  # noqa: ARG002 - that is the bug
        """Wrong: dy is missing."""
        return self.inner.derivative(x)


class CachedOnce(WrongActivation):
    """Keeps the input of the first forward for good."""

    def forward(self, x: ArrayLike) -> Array:
        """Compute f(x) and keep x, but only if nothing is kept yet."""
        if self.x is None:
            self.x = as_real("x", x).copy()
        return self.apply(x)


class Negated(WrongActivation):
    """Has a sign too many."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: the minus."""
        return -dy * self.inner.derivative(x)


class InPlace(WrongActivation):
    """Saves an array and spoils the caller's."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: dy belongs to somebody else."""
        dy *= self.inner.derivative(x)
        return dy


class MaskedByGradient(WrongActivation):
    """Looks at the sign of dy for the mask."""

    def wrong(self, dy: Array, x: Array) -> Array:  # noqa: ARG002 - that is the bug
        """Wrong: the mask belongs to x."""
        return dy * (dy > 0)


class MaskInverted(WrongActivation):
    """Has the comparison the wrong way round."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: blocks what it should pass."""
        return dy * self.inner.derivative(-x)


class LeakForgotten(WrongActivation):
    """Uses ReLU's mask for a leaky ReLU."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: 0 instead of 0.01 on the negative side."""
        return dy * (x > 0)


class SquareForgotten(WrongActivation):
    """Writes 1 - y for 1 - y^2."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: y is not squared."""
        return dy * (1 - self.apply(x))


class HalfOfProductRule(WrongActivation):
    """Differentiates one factor of x s(x) only."""

    def wrong(self, dy: Array, x: Array) -> Array:
        """Wrong: x s'(x) is missing."""
        return dy / (1 + np.exp(-x))
