"""One derivative by every method side by side, with its error, or with the reason why there is none."""

from dataclasses import dataclass

import numpy as np

from mlp.differences.derivatives import sample
from mlp.differences.examples import Example
from mlp.differences.methods import METHODS, Method
from mlp.nn.arrays import Array


@dataclass(frozen=True)
class MethodEstimate:
    """What one method makes of one derivative.

    Attributes:
        method: the method.
        value: the derivative, NaN if there is none.
        error: value minus the analytical derivative, NaN if there is either not.
        remark: in words, why a number is missing; else empty.
    """

    method: Method
    value: float
    error: float
    remark: str = ""


def estimates(example: Example, x: Array, index: tuple[int, ...], output: int, eps: float) -> list[MethodEstimate]:
    """Differentiate one output of an example with respect to the entry `index` of x, by every method in METHODS.

    Raises:
        ValueError, TypeError: as `numerical_gradient`.
    """
    exact = float(example.jacobian(x)[output, np.ravel_multi_index(index, x.shape)])
    return [_estimate(example, x, index, output, eps, method, exact) for method in METHODS.values()]


def _estimate(
    example: Example, x: Array, index: tuple[int, ...], output: int, eps: float, method: Method, exact: float
) -> MethodEstimate:
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(sample(example.function, x, index, eps, method).quotient.flat[output])
    except TypeError:
        if not method.is_complex:
            raise
        remark = "does not apply, for the function returns a real number even for a complex one"
        return MethodEstimate(method, np.nan, np.nan, remark)
    if not np.isfinite(value):
        return MethodEstimate(method, np.nan, np.nan, _why_not_finite(example, x, index, eps, method))
    if np.isnan(exact):
        return MethodEstimate(method, value, np.nan, "there is no derivative here to compare with")
    return MethodEstimate(method, value, value - exact)


def _why_not_finite(example: Example, x: Array, index: tuple[int, ...], eps: float, method: Method) -> str:
    if not sample(lambda varied: varied, x, index, eps, method).step:
        return "no step is taken, for x + eps is rounded to x"
    for offset in method.offsets:
        shifted = x.copy()
        shifted[index] += np.real(offset) * eps
        if example.domain(shifted):
            return f"f would be needed at {shifted[index]:g}, where it has no value"
    return "a value of f is beyond floating point"
