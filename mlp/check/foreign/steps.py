"""The step for code that computes in single precision, whatever the dtype of what it is given."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlp.check.foreign.adapter import Foreign
from mlp.differences.methods import Method, as_method, optimal_step
from mlp.nn.arrays import Array

# A relative change far below the last bit of float32, 1.2e-7, and far above that of float64, 2.2e-16.
_UNSEEN = 1e-10


def computes_in_single(layer: Foreign, x: Array) -> bool:
    """Whether the output is of single precision, or comes of an input that was rounded to it."""
    y = layer.apply(x)
    if y.dtype.itemsize < np.dtype(np.float64).itemsize:
        return True
    seen = layer.apply(x * (1 + 1e-3))
    return bool(np.array_equal(y, layer.apply(x * (1 + _UNSEEN))) and not np.array_equal(y, seen))


class Stretched(NamedTuple):
    """A method with longer offsets and the step for it; `reach` is their product, the step that is really taken."""

    method: Method
    step: float
    reach: float


def stretched(layer: Foreign, x: Array, eps: float, method: str) -> Stretched | None:
    """The method for single precision, where a step of 1e-4 would drown in round-off; None where eps will do.

    The error of a method is measured with a second step that is best for float64. With offsets that are longer by as
    much as the best step for float32 is, that second step is a good one for float32.
    """
    plain = as_method(method)
    if plain.is_complex or not computes_in_single(layer, x):
        return None
    reach = max(eps, float(optimal_step(plain, np.zeros((), np.float32))))
    best = float(optimal_step(plain, 1.0))
    factor = reach / best
    offsets = tuple(offset * factor for offset in plain.offsets)
    weights = tuple(weight / factor for weight in plain.weights)
    return Stretched(replace(plain, offsets=offsets, weights=weights), best, reach)
