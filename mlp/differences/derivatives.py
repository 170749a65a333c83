"""The derivative of any function of an array: shift one entry of x at a time and combine the function's values."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.nn.arrays import Array, as_array, as_numbers, as_positive, as_real, require_function

Function = Callable[[Array], ArrayLike]


def differentiate(fun: Function, x: ArrayLike, eps: ArrayLike = 1e-4, method: str | Method = CENTRAL) -> Array:
    """The derivatives by a method, as it gives them: those of `numerical_gradient`, without its warnings.

    Arguments, shape and the errors raised are as there.
    """
    require_function("fun", fun)
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
    eps = as_positive("eps", eps)
    points, values, step = [], [], 0.0
    for offset, weight in zip(method.offsets, method.weights, strict=True):
        shifted = x.astype(np.result_type(x, np.complex64)) if method.is_complex else x.copy()
        shifted[index] += offset * eps
        points.append(shifted[index])
        # sum_k w_k ((x + o_k h) - x) is the step that was really taken: it makes linear functions come out exactly.
        step += np.real(weight * (shifted[index] - x[index]))
        values.append(evaluate(fun, shifted, method))
    return Samples(tuple(points), tuple(values), float(step), method)


def as_steps(eps: ArrayLike, x: Array) -> Array:
    """The step for each entry of x.

    Raises:
        ValueError: a step is not positive and finite, or eps has neither one number nor the shape of x.
    """
    steps = as_array("eps", eps)
    if steps.ndim == 0:
        return np.full(x.shape, as_positive("eps", eps), dtype=float)
    if steps.shape != x.shape:
        raise ValueError(f"eps must be a number or have the shape of x, {x.shape}, not {steps.shape}")
    if steps.dtype.kind not in "fiu" or not np.all((steps > 0) & np.isfinite(steps)):
        raise ValueError("every step in eps must be a positive, finite number")
    return steps.astype(float)


def _derivative(fun: Function, x: Array, eps: ArrayLike, method: Method) -> Array:
    """The derivatives in the shape (*output.shape, *x.shape)."""
    if x.size == 0:
        raise ValueError("x must not be empty")
    steps = as_steps(eps, x)
    quotients = [sample(fun, x, index, float(steps[index]), method).quotient for index in np.ndindex(x.shape)]
    return np.stack(quotients, axis=-1).reshape(quotients[0].shape + x.shape)


def evaluate(fun: Function, shifted: Array, method: Method) -> Array:
    """The function's value; errors raised as by `numerical_gradient`."""
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
