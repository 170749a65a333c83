"""`numerical_gradient`: the derivative by a method, with a warning wherever it is not what it seems."""

import warnings

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.derivatives import Function, as_steps, differentiate, evaluate, sample
from mlp.differences.errors import taken_step
from mlp.differences.methods import CENTRAL, METHODS, Method, as_method
from mlp.nn.arrays import Array, as_real

FORWARD, BACKWARD = METHODS["forward"], METHODS["backward"]


class DifferenceWarning(UserWarning):
    """A numerical derivative that is not what it seems: its step was lost, or taken to one side alone."""


def numerical_gradient(fun: Function, x: ArrayLike, eps: ArrayLike = 1e-4, method: str | Method = CENTRAL) -> Array:
    """Compute the derivatives of `fun` at `x` numerically.

    Args:
        fun: takes an array in the shape of x (always a fresh one, so it may do with it what it likes) and returns a
            number or an array.
        x: where to differentiate; a number or an array of any shape.
        eps: the step h, positive, in the units of x: one number, or one for each entry in the shape of x, such as
            `optimal_step(method, x)`. The quotient is taken over the step that floating point really took,
            (x + h) - x; where that is zero, because x is too large for so small a step, the derivative is NaN.
        method: a method or the name of one in METHODS.

    Returns:
        For a vector x and a number or vector as output, as in the exercise: a matrix of shape (ny, nx), whose entry
        [i, j] is the derivative of output i with respect to x[j]. Otherwise an array of shape
        (*output.shape, *x.shape), so that no reshaping is needed.

    Raises:
        ValueError: eps is not positive and finite or has another shape, x is empty, or there is no method of this name.
        TypeError: x is not real, a complex step meets a function that returns real numbers for complex ones or loses
            their imaginary part on the way, or a real method one that returns numbers with an imaginary part for real
            ones.

    Warns:
        DifferenceWarning: a step is lost in x, or in the rounding of the function; or it led to where the function has
            no value, and the derivative is a one-sided one.
    """
    x, method = as_real("x", x), as_method(method)
    with np.errstate(invalid="ignore", divide="ignore"):  # beyond the function's domain
        derivative = differentiate(fun, x, eps, method)
        wide, steps = derivative.reshape(-1, *x.shape), as_steps(eps, x)
        lost = taken_step(x, steps, method) == 0
        if method.is_complex:
            _require_analytic(fun, x, method)
        else:
            wide = _one_sided(fun, x, steps, wide, lost)
        _warn_of_lost_steps(lost)
        if not method.is_complex:
            _warn_of_rounding(fun, x, ~lost & ~np.any(wide, axis=0))
    return wide.reshape(derivative.shape)


def _one_sided(fun: Function, x: Array, steps: Array, derivative: Array, lost: Array) -> Array:
    """The derivatives, (outputs, *x.shape), with one-sided ones where the method led out of the function's domain."""
    mended, broken = derivative.copy(), np.any(~np.isfinite(derivative), axis=0) & ~lost
    if not np.any(broken) or not np.all(np.isfinite(evaluate(fun, x.copy(), FORWARD))):
        return derivative
    indices = [tuple(index) for index in np.argwhere(broken)]
    for index in indices:
        for side in (FORWARD, BACKWARD):
            found = sample(fun, x, index, float(steps[index]), side).quotient.ravel()
            mended[:, *index] = np.where(np.isfinite(mended[:, *index]), mended[:, *index], found)
    count = sum(bool(np.any(np.isfinite(mended[:, *index]) & ~np.isfinite(derivative[:, *index]))) for index in indices)
    if count:
        _warn(f"{_counted(count)} led to where the function has no value; the derivative there is one-sided")
    return mended


# Within such a part of x, or of 1, most functions change if they depend on x at all.
_WIDE = 1e-3


def _warn_of_lost_steps(lost: Array) -> None:
    if np.any(lost):
        _warn(f"{_counted(int(np.sum(lost)))} is lost in x, which is too large for it; the derivative there is NaN")


def _warn_of_rounding(fun: Function, x: Array, zero: Array) -> None:
    """Warn if the function does depend on entries whose derivative is zero throughout."""
    if not np.any(zero):
        return
    here = evaluate(fun, x.copy(), FORWARD)
    count = sum(_changes(fun, x, tuple(index), here) for index in np.argwhere(zero))
    if count:
        _warn(
            f"{_counted(count)} is lost in the rounding of the function, which does change within {_WIDE:g}; the "
            "derivative 0 there means nothing"
        )


def _changes(fun: Function, x: Array, index: tuple[int, ...], here: Array) -> bool:
    """Whether a large step on this entry changes the function's value at x."""
    moved = x.copy()
    moved[index] += _WIDE * max(1.0, abs(float(x[index])))
    return not np.array_equal(evaluate(fun, moved, FORWARD), here, equal_nan=True)


def _counted(count: int) -> str:
    return "1 step" if count == 1 else f"each of {count:,} steps"


def _warn(text: str) -> None:
    warnings.warn(text, DifferenceWarning, stacklevel=4)


def _require_analytic(fun: Function, x: Array, method: Method) -> None:
    """Raise a TypeError if a complex step misses what a real step sees.

    That is so for a function that is none of complex numbers: np.abs, or whatever else drops the imaginary part on the
    way. Two real steps along one direction, which must agree with each other first, are compared with a complex one.
    """
    direction = np.asarray(np.random.RandomState(0).standard_normal(x.shape), x.dtype)
    moved = np.array(x + 1e-20j * direction, np.result_type(x, np.complex64))
    complex_slope = np.imag(evaluate(fun, moved, method)).ravel() / 1e-20
    slopes = []
    for step in (1e-5, 1e-6):
        up, down = (evaluate(fun, np.array(x + side * step * direction, x.dtype), FORWARD).ravel() for side in (1, -1))
        slopes.append((up - down).real / (2 * step))
    coarse, fine = slopes
    agreed = np.abs(coarse - fine) < 1e-3 * np.abs(coarse)  # not where both are 0, lost in rounding
    if np.any(agreed & (np.abs(complex_slope - coarse) > 1e-2 * np.abs(coarse))):
        raise TypeError(
            "the complex-step method needs a function of complex numbers, but this one loses their imaginary part "
            "somewhere, as np.abs does: real steps give another derivative; take a real method such as central"
        )
