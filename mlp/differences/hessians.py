"""Second derivatives: the Hessian, and its product with a vector, each with the size of its error.

From the function alone, an entry is [f(x + h_i + h_j) - f(x + h_i - h_j) - f(x - h_i + h_j) + f(x - h_i - h_j)] / 4 h^2
with h = u^(1/4), which balances truncation h^2 against round-off u |f| / h^2. From a gradient, given by formula or by
backpropagation, it is a central difference of that, with h = u^(1/3). (Press et al., Numerical Recipes, section 5.7.)
The error is twice the truncation, seen from a second step twice as long, plus four times the round-off.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.derivatives import Function, evaluate
from mlp.differences.methods import CENTRAL, optimal_step
from mlp.nn.arrays import Array, as_real, require_function

Gradient = Callable[[Array], ArrayLike]


class SecondDerivative(NamedTuple):
    """A second derivative and how far off it may be, in the same shape."""

    value: Array
    error: Array


def hessian(fun: Function, x: ArrayLike, gradient: Gradient | None = None) -> SecondDerivative:
    """The Hessian of a function of one array to one number.

    Args:
        fun: takes an array in the shape of x and returns a number.
        x: where; an array of any shape, of n entries.
        gradient: takes the same and returns the gradient in the shape of x, if there is one: it makes the Hessian more
            accurate, and takes 4 n + 1 evaluations instead of 4 n (n + 1) + 1.

    Steps are taken in float64, whatever the type of x.

    Returns:
        Value and error, each of shape (n, n), in the order of the entries of x.

    Raises:
        ValueError: x is empty, or fun returns no single number.
        TypeError: x is not real, or fun or gradient is no function.
    """
    _require(fun, gradient)
    x = as_real("x", x).astype(np.float64)
    if x.size == 0:
        raise ValueError("x must not be empty")
    if gradient is None:
        steps = np.finfo(np.float64).eps ** (1 / 4) * np.maximum(1, np.abs(x))
        near, far = _second_differences(fun, x, steps), _second_differences(fun, x, 2 * steps)
        return _estimated(near, far, abs(_number(fun, x)), steps**2)
    size = _largest(gradient, x)
    columns = [_product(gradient, x, unit.reshape(x.shape), size) for unit in np.eye(x.size)]
    return SecondDerivative(*(np.stack([column[k].ravel() for column in columns], axis=1) for k in range(2)))


def hessian_vector_product(
    fun: Function, x: ArrayLike, v: ArrayLike, gradient: Gradient | None = None
) -> SecondDerivative:
    """The product of the Hessian and a vector, in the shape of x: from a gradient, without the Hessian itself.

    Args:
        fun: as in `hessian`.
        x: likewise.
        v: the vector, in the shape of x.
        gradient: as in `hessian`: the product then takes five evaluations of it. Without one, the whole Hessian is
            taken from the function.

    Raises:
        ValueError: v has another shape than x, or as in `hessian`.
        TypeError: x or v is not real.
    """
    _require(fun, gradient)
    x, v = as_real("x", x).astype(np.float64), as_real("v", v)
    if v.shape != x.shape:
        raise ValueError(f"v must have the shape of x, {x.shape}, not {v.shape}")
    if not np.any(v):
        return SecondDerivative(np.zeros(x.shape), np.zeros(x.shape))
    if gradient is None:
        matrix, error = hessian(fun, x)
        return SecondDerivative((matrix @ v.ravel()).reshape(x.shape), (error @ np.abs(v).ravel()).reshape(x.shape))
    return _product(gradient, x, v, _largest(gradient, x))


def _require(fun: Function, gradient: Gradient | None) -> None:
    require_function("fun", fun)
    if gradient is not None:
        require_function("gradient", gradient)


def _product(gradient: Gradient, x: Array, v: Array, size: float) -> SecondDerivative:
    """The Hessian times v, from a gradient whose largest entry at x is `size`."""
    step = float(np.min(optimal_step(CENTRAL, x))) / float(np.max(np.abs(v)))
    near, far = ((_copied(gradient, x + h * v) - _copied(gradient, x - h * v)) / (2 * h) for h in (step, 2 * step))
    return _estimated(near, far, size, np.array(step))


def _copied(gradient: Gradient, x: Array) -> Array:
    """The gradient at x; a copy, for backward may write all its gradients into one buffer."""
    return as_real("the gradient", np.array(gradient(x)))


def _largest(gradient: Gradient, x: Array) -> float:
    return float(np.max(np.abs(_copied(gradient, x.copy()))))


def _second_differences(fun: Function, x: Array, steps: Array) -> Array:
    steps = steps.ravel()

    def at(i: int, j: int, sides: tuple[int, int]) -> float:
        moved = x.copy().ravel()
        moved[i] += sides[0] * steps[i]
        moved[j] += sides[1] * steps[j]
        return _number(fun, moved.reshape(x.shape))

    result = np.empty((x.size, x.size))
    for i in range(x.size):
        for j in range(i + 1):
            total = at(i, j, (1, 1)) - at(i, j, (1, -1)) - at(i, j, (-1, 1)) + at(i, j, (-1, -1))
            result[i, j] = result[j, i] = total / (4 * steps[i] * steps[j])
    return result


def _estimated(near: Array, far: Array, size: float, divisor: Array) -> SecondDerivative:
    """The value at the smaller step; both methods are of second order, so 3 of the difference are its truncation."""
    roundoff = 4 * np.finfo(np.float64).eps * size / float(np.min(divisor))
    return SecondDerivative(near, 2 * np.abs(near - far) / 3 + roundoff)


def _number(fun: Function, x: Array) -> float:
    value = evaluate(fun, x.copy(), CENTRAL)
    if value.size != 1:
        raise ValueError(f"the function must return a single number, not an array of shape {value.shape}")
    return float(value.reshape(()))
