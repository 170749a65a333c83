"""The activations: a function and its derivative each, and the registry from which everything lists them."""

import numpy as np

from mlp.nn.arrays import Array
from mlp.nn.functional import relu, sigmoid, softplus
from mlp.nn.layers import Activation


class Tanh(Activation):
    """tanh(x), between -1 and 1."""

    formula = r"\tanh x"
    derivative_formula = r"\frac{1}{\cosh^2 x} = 1 - \tanh^2 x"

    @staticmethod
    def function(x: Array) -> Array:
        """tanh(x)."""
        return np.tanh(x)

    @staticmethod
    def derivative(x: Array) -> Array:
        """1 / cosh(x)^2 = 4 e / (1 + e)^2 with e = exp(-2 |x|).

        cosh itself overflows beyond 710, and 1 - tanh(x)^2 has no correct digit left beyond |x| = 19.
        """
        e = np.exp(-2 * np.abs(x))
        return 4 * e / np.square(1 + e)


class Sigmoid(Activation):
    """1 / (1 + exp(-x)), between 0 and 1."""

    formula = r"\sigma(x) = \frac{1}{1 + e^{-x}}"
    derivative_formula = r"\sigma(x)\,(1 - \sigma(x))"

    @staticmethod
    def function(x: Array) -> Array:
        """1 / (1 + exp(-x))."""
        return sigmoid(x)

    @staticmethod
    def derivative(x: Array) -> Array:
        """s(x) s(-x), which unlike s (1 - s) keeps its digits where s is nearly 1."""
        return sigmoid(x) * sigmoid(-x)


class ReLU(Activation):
    """max(x, 0), with a kink at 0."""

    formula = r"\max(x, 0)"
    derivative_formula = r"1 \text{ if } x > 0, \text{ else } 0"
    kinks = (0.0,)

    @staticmethod
    def function(x: Array) -> Array:
        """max(x, 0)."""
        return relu(x)

    @staticmethod
    def derivative(x: Array) -> Array:
        """1 where x > 0, else 0; at the kink 0, as PyTorch has it."""
        return (x > 0).astype(x.dtype)


class LeakyReLU(Activation):
    """x for x > 0, else x / 100 (PyTorch's default slope), with a kink at 0."""

    formula = r"x \text{ if } x > 0, \text{ else } 0.01\,x"
    derivative_formula = r"1 \text{ if } x > 0, \text{ else } 0.01"
    kinks = (0.0,)
    negative_slope = 0.01

    @staticmethod
    def function(x: Array) -> Array:
        """x, or 0.01 x where x <= 0."""
        return np.where(x.real > 0, x, LeakyReLU.negative_slope * x)

    @staticmethod
    def derivative(x: Array) -> Array:
        """1 where x > 0, else 0.01."""
        return np.where(x > 0, 1, LeakyReLU.negative_slope).astype(x.dtype)


class Softplus(Activation):
    """log(1 + exp(x)), a smooth ReLU.

    Exact everywhere; PyTorch's switches to x beyond x = 20, which is off by up to 2e-9 there.
    """

    formula = r"\log(1 + e^x)"
    derivative_formula = r"\sigma(x) = \frac{1}{1 + e^{-x}}"

    @staticmethod
    def function(x: Array) -> Array:
        """log(1 + exp(x))."""
        return softplus(x)

    @staticmethod
    def derivative(x: Array) -> Array:
        """The sigmoid."""
        return sigmoid(x)


class SiLU(Activation):
    """x times its sigmoid, also called swish."""

    formula = r"x\,\sigma(x) = \frac{x}{1 + e^{-x}}"
    derivative_formula = r"\sigma(x)\,(1 + x\,(1 - \sigma(x)))"

    @staticmethod
    def function(x: Array) -> Array:
        """The product x s(x)."""
        return x * sigmoid(x)

    @staticmethod
    def derivative(x: Array) -> Array:
        """s(x) (1 + x s(-x))."""
        return sigmoid(x) * (1 + x * sigmoid(-x))


class Identity(Activation):
    """x itself: with it, a deep network is one linear map."""

    formula = r"x"
    derivative_formula = r"1"

    @staticmethod
    def function(x: Array) -> Array:
        """A copy of x, so that y and x are never the same array."""
        return x.copy()

    @staticmethod
    def derivative(x: Array) -> Array:
        """1."""
        return np.ones_like(x)


ACTIVATIONS: dict[str, type[Activation]] = {
    activation.__name__: activation for activation in (Tanh, Sigmoid, ReLU, LeakyReLU, Softplus, SiLU, Identity)
}
