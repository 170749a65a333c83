"""The derivative of any function of an array: shift one entry of x at a time and combine the function's values."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.nn.arrays import Array, as_numbers, as_real

Function = Callable[[Array], ArrayLike]


def numerical_gradient(fun: Function, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> Array:
    """Compute the derivatives of `fun` at `x` numerically.

    Args:
        fun: takes an array in the shape of x (always a fresh one, so it may do with it what it likes) and returns a
            number or an array.
        x: where to differentiate; a number or an array of any shape.
        eps: the step h, positive, in the units of x. The quotient is taken over the step that floating point really
            took, (x + h) - x; where that is zero, because x is too large for so small a step, the derivative is NaN.
        method: a method or the name of one in METHODS.

    Returns:
        For a vector x and a number or vector as output, as in the exercise: a matrix of shape (ny, nx), whose entry
        [i, j] is the derivative of output i with respect to x[j]. Otherwise an array of shape
        (*output.shape, *x.shape), so that no reshaping is needed.

    Raises:
        ValueError: eps is not positive and finite, x is empty, or there is no method of this name.
        TypeError: x is not real, a complex step meets a function that returns real numbers for complex ones, or a
            real method one that returns numbers with an imaginary part for real ones.
    """
    x = as_real("x", x)
    derivative = _derivative(fun, x, eps, as_method(method))
    if x.ndim == 1 and derivative.ndim <= 2:
        return derivative.reshape(-1, x.size)
    return derivative


@dataclass(frozen=True)
class Samples:
    """What stands behind one numerical derivative: the values of the function and the step that was really taken."""

    points: tuple[complex, ...]
    values: tuple[Array, ...]
    step: float
    method: Method

    @property
    def quotient(self) -> Array:
        """Re(sum_k w_k f_k) / h; NaN where no step was taken at all."""
        weighted = np.zeros_like(self.values[0])
        for weight, value in zip(self.method.weights, self.values, strict=True):
            weighted = weighted + weight * value
        return np.real(weighted) / self.step if self.step else np.full(weighted.shape, np.nan)


def sample(fun: Function, x: ArrayLike, index: tuple[int, ...], eps: float, method: str | Method) -> Samples:
    """Evaluate `fun` at x with its entry `index` shifted by each of the method's offsets.

    Raises:
        ValueError, TypeError: as `numerical_gradient`.
    """
    x, method = as_real("x", x), as_method(method)
    require_step(eps)
    points, values, step = [], [], 0.0
    for offset, weight in zip(method.offsets, method.weights, strict=True):
        shifted = x.astype(np.result_type(x, np.complex64)) if method.is_complex else x.copy()
        shifted[index] += offset * eps
        points.append(shifted[index])
        # sum_k w_k ((x + o_k h) - x) is the step that was really taken: it makes linear functions come out exactly.
        step += np.real(weight * (shifted[index] - x[index]))
        values.append(_evaluate(fun, shifted, method))
    return Samples(tuple(points), tuple(values), float(step), method)


def require_step(eps: float) -> None:
    """Raise a ValueError unless eps is a positive, finite number."""
    if isinstance(eps, bool) or not isinstance(eps, int | float | np.floating) or not 0 < eps < np.inf:
        raise ValueError(f"eps must be a positive, finite number, not {eps!r}")


def _derivative(fun: Function, x: Array, eps: float, method: Method) -> Array:
    """The derivatives in the shape (*output.shape, *x.shape)."""
    if x.size == 0:
        raise ValueError("x must not be empty")
    quotients = [sample(fun, x, index, eps, method).quotient for index in np.ndindex(x.shape)]
    return np.stack(quotients, axis=-1).reshape(quotients[0].shape + x.shape)


def _evaluate(fun: Function, shifted: Array, method: Method) -> Array:
    # A copy, for a function may write all its results into one buffer.
    value = as_numbers("the function's output", np.array(fun(shifted)))
    if method.is_complex and value.dtype.kind != "c":
        raise TypeError(
            f"the {method.name} method needs a function that returns complex numbers for complex ones, but this one "
            f"returned {value.dtype}; take a real method such as central"
        )
    if not method.is_complex and np.any(np.imag(value)):
        raise TypeError(
            f"the {method.name} method is for real functions, but this one returned complex numbers at a real x; "
            "differentiate its real and its imaginary part one by one"
        )
    return value
