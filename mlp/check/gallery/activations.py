"""Bugs of activations: each class has one wrong line; the activation it replaces lends it f and f'."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.gallery.bug import bug
from mlp.nn.activations import LeakyReLU, ReLU, SiLU, Tanh
from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Activation


class WrongActivation(Activation):
    """An activation to spoil."""

    replaces: tuple[type, ...] = (Activation,)

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
        """Return the dx of `_wrong`."""
        if self.x is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        return self._wrong(np.asarray(dy), self.x)

    def _wrong(self, dy: Array, x: Array) -> Array:
        """The dx of this activation, which each subclass gets wrong."""
        return dy * self.inner.derivative(x)


@bug(
    "derivative missing",
    wrong="dx = dy",
    right="dx = dy * f'(x)",
    pattern="derivative missing",
)
class DerivativeMissing(WrongActivation):
    """dy passes through as if the activation were not there. Where f rises the signs stay right, so training may still
    get somewhere, only badly.
    """

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy.copy()


@bug(
    "derivative at the output",
    wrong="dx = dy * f'(y)",
    right="dx = dy * f'(x)",
    pattern="derivative at the wrong place",
)
class DerivativeAtOutput(WrongActivation):
    """The layer keeps y, and the formula wants x: for tanh, np.cosh(y) where np.cosh(x) belongs."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy * self.inner.derivative(self.apply(x))


@bug(
    "derivative twice",
    wrong="dx = dy * f'(x) * f'(x)",
    right="dx = dy * f'(x)",
    pattern="derivative doubled",
)
class DerivativeDoubled(WrongActivation):
    """Both the activation and the layer above it multiply by f'(x)."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy * self.inner.derivative(x) * self.inner.derivative(x)


@bug(
    "value for derivative",
    wrong="dx = dy * f(x)",
    right="dx = dy * f'(x)",
    pattern="function taken for its derivative",
)
class ValueForDerivative(WrongActivation):
    """f where its derivative belongs: for the sigmoid, s in place of s (1 - s)."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy * self.apply(x)


@bug(
    "dy left out",
    wrong="dx = f'(x)",
    right="dx = dy * f'(x)",
    pattern="dy ignored",
)
class UpstreamIgnored(WrongActivation):
    """The layer returns its own derivative. It looks right in a test where dy happens to be one."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return self.inner.derivative(x)


@bug(
    "x kept from the first forward",
    wrong="if self.x is None: self.x = x",
    right="self.x = x",
    pattern="stale cache",
)
class CachedOnce(WrongActivation):
    """The slope belongs to the first input that the layer ever saw."""

    def forward(self, x: ArrayLike) -> Array:
        """Compute f(x) and keep x, but only if nothing is kept yet."""
        if self.x is None:
            self.x = as_real("x", x).copy()
        return self.apply(x)


@bug(
    "a sign too many",
    wrong="dx = -dy * f'(x)",
    right="dx = dy * f'(x)",
    pattern="sign flipped",
)
class Negated(WrongActivation):
    """A second such layer hides it: all that lies before both gets its right sign back."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return -dy * self.inner.derivative(x)


@bug(
    "dy changed in place",
    wrong="dy *= f'(x); return dy",
    right="return dy * f'(x)",
    pattern="changes its input in place",
)
class InPlace(WrongActivation):
    """Saves one array and spoils the caller's. Harmless in a chain; with a second path through the network that one
    gets the wrong numbers.
    """

    def _wrong(self, dy: Array, x: Array) -> Array:
        dy *= self.inner.derivative(x)
        return dy


@bug(
    "mask of dy",
    wrong="dx = dy * (dy > 0)",
    right="dx = dy * (x > 0)",
    pattern="gated by dy",
    replaces=(ReLU,),
)
class MaskedByGradient(WrongActivation):
    """ReLU's mask is made of dy. An entry is right only where x and dy happen to have the same sign."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy * (dy > 0)


@bug(
    "mask the wrong way round",
    wrong="dx = dy * (x < 0)",
    right="dx = dy * (x > 0)",
    pattern="derivative at the wrong place",
    replaces=(ReLU, LeakyReLU),
)
class MaskInverted(WrongActivation):
    """The two slopes have changed sides: what should pass is held back, and what should be held back passes. The
    lines are those of ReLU.
    """

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy * self.inner.derivative(-x)


@bug(
    "leak forgotten",
    wrong="dx = dy * (x > 0)",
    right="dx = dy * np.where(x > 0, 1, 0.01)",
    pattern="wrong slope on one side",
    replaces=(LeakyReLU,),
)
class LeakForgotten(WrongActivation):
    """forward is leaky, backward is a plain ReLU: off by a hundredth of dy wherever x is negative."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy * (x > 0)


@bug(
    "square forgotten",
    wrong="dx = dy * (1 - y)",
    right="dx = dy * (1 - y**2)",
    pattern="wrong derivative",
    replaces=(Tanh,),
)
class SquareForgotten(WrongActivation):
    """tanh' is 1 - y**2; the square is easily lost."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy * (1 - self.apply(x))


@bug(
    "half of the product rule",
    wrong="dx = dy * s",
    right="dx = dy * (s + x * s * (1 - s))",
    pattern="wrong derivative",
    replaces=(SiLU,),
)
class HalfOfProductRule(WrongActivation):
    """SiLU is a product of x and its sigmoid, and only the x has been differentiated."""

    def _wrong(self, dy: Array, x: Array) -> Array:
        return dy / (1 + np.exp(-x))
