"""A layer maps x to y, remembers what backward needs, and turns dy into dx and its parameters' gradients."""

import copy
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import (
    Array,
    as_numbers,
    as_real,
    require_features,
    require_sample_or_batch,
    require_shape,
    require_size,
)
from mlp.nn.functional import linear_backward, linear_forward
from mlp.nn.initialisations import Initialisation, RandomSource, standard_normal


class Layer:
    """What every layer offers.

    A subclass writes `apply`, `forward` and `backward`, and names its parameters in `parameter_names`; the gradient
    of the parameter `W` stands in the attribute `grad_W`.
    """

    parameter_names: ClassVar[tuple[str, ...]] = ()
    kinks: ClassVar[tuple[float, ...]] = ()
    """The inputs at which the layer, an element-wise function, has a corner."""

    def apply(self, x: ArrayLike) -> Array:
        """Compute y from x and keep nothing. Real or complex; one sample (features,) or a batch (n, features)."""
        raise NotImplementedError

    def forward(self, x: ArrayLike) -> Array:
        """Compute y from a real x, and keep what `backward` needs."""
        raise NotImplementedError

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx for this dy, both of the last forward's shapes, and set the parameters' gradients.

        A gradient is that of this one backward pass: nothing is accumulated, nothing is updated.

        Raises:
            RuntimeError: there was no forward yet.
            ValueError: dy has another shape than the forward's y.
        """
        raise NotImplementedError

    def parameters(self) -> dict[str, Array]:
        """The parameters by name: the arrays themselves, not copies."""
        return {name: getattr(self, name) for name in self.parameter_names}

    def gradients(self) -> dict[str, Array]:
        """The gradients of the last backward, under the parameters' names.

        Raises:
            RuntimeError: there was no backward yet.
        """
        return {name: _present(getattr(self, f"grad_{name}"), "backward") for name in self.parameter_names}

    def replaced(self, name: str, value: Array) -> Self:
        """Return a copy that has `value` as its parameter `name` and shares all the rest.

        This is how a parameter is varied without touching the network that others may be using.
        """
        if name not in self.parameter_names:
            known = ", ".join(self.parameter_names) or "none"
            raise KeyError(f"{type(self).__name__} has no parameter {name!r}; it has: {known}")
        twin = copy.copy(self)
        setattr(twin, name, value)
        return twin


class Linear(Layer):
    """The linear layer y = W x + b.

    Attributes:
        W: weight matrix of shape (out_features, in_features); b: bias of shape (out_features,).
        grad_W, grad_b: their gradients after `backward`, before it None.
    """

    parameter_names = ("W", "b")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rng: RandomSource | None = None,
        initialisation: Initialisation = standard_normal,
    ) -> None:
        """Draw W, then b.

        Args:
            in_features: number of inputs, at least 1.
            out_features: number of outputs, at least 1.
            rng: a np.random.RandomState or Generator; None for numpy's global stream, so that after
                `np.random.seed(3)` this layer holds the numbers that the exercise's holds.
            initialisation: draws both from rng.

        Raises:
            TypeError, ValueError: a size is not a whole number of at least 1.
        """
        require_size("in_features", in_features)
        require_size("out_features", out_features)
        self.W, self.b = initialisation(rng if rng is not None else np.random, in_features, out_features)
        self.grad_W: Array | None = None
        self.grad_b: Array | None = None
        self._x: Array | None = None

    def apply(self, x: ArrayLike) -> Array:
        """Compute W x + b, shape (out_features,) or (n, out_features)."""
        return linear_forward(x, self.W, self.b)

    def forward(self, x: ArrayLike) -> Array:
        """Compute W x + b and keep a copy of x."""
        x = as_real("x", x)
        require_features("x", x, self.W.shape[1])
        self._x = x.copy()  # a copy, so that a caller who reuses x as a buffer cannot spoil backward
        return self.apply(x)

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx and set grad_W and grad_b."""
        dx, self.grad_W, self.grad_b = linear_backward(dy, _present(self._x, "forward"), self.W, self.b)
        return dx


class Activation(Layer):
    """A function applied to each element by itself: y_i = f(x_i), so dx_i = f'(x_i) dy_i.

    A subclass writes the two static methods `function` (real or complex arrays) and `derivative` (real arrays), and
    both as LaTeX in `formula` and `derivative_formula`.
    """

    formula: ClassVar[str]
    derivative_formula: ClassVar[str]

    def __init__(self) -> None:
        self._slope: Array | None = None

    @staticmethod
    def function(x: Array) -> Array:
        """f, element by element."""
        raise NotImplementedError

    @staticmethod
    def derivative(x: Array) -> Array:
        """f', element by element; at a kink one of the one-sided derivatives."""
        raise NotImplementedError

    def apply(self, x: ArrayLike) -> Array:
        """Compute f(x), in the shape of x."""
        x = as_numbers("x", x)
        require_sample_or_batch("x", x)
        return self.function(x)

    def forward(self, x: ArrayLike) -> Array:
        """Compute f(x), and f'(x) for backward at once: nothing that could be changed behind our back is kept."""
        x = as_real("x", x)
        y = self.apply(x)
        self._slope = self.derivative(x)
        return y

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx = f'(x) dy."""
        slope = _present(self._slope, "forward")
        dy = as_real("dy", dy)
        require_shape("dy", dy, slope.shape)
        return dy * slope


def _present(value: Array | None, step: str) -> Array:
    if value is None:
        raise RuntimeError(f"call {step}() first: there is nothing to go on yet")
    return value
