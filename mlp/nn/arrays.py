"""What comes in from outside is checked here once, so that the formulas can trust it.

Every error names what was expected and what came.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def as_numbers(name: str, value: ArrayLike) -> Array:
    """Return `value` as an array of real or complex floating-point numbers.

    Integers become float64, as in any numpy arithmetic; float32 and complex arrays stay as they are.

    Raises:
        TypeError: `value` holds anything but numbers (booleans, strings, objects).
    """
    array = np.asarray(value)
    if array.dtype.kind in "fc":
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    raise TypeError(f"{name} must hold numbers (float or integer), not {array.dtype}")


def as_real(name: str, value: ArrayLike) -> Array:
    """Return `value` as an array of real floating-point numbers.

    Raises:
        TypeError: `value` holds complex numbers or no numbers at all.
    """
    array = as_numbers(name, value)
    if array.dtype.kind == "c":
        raise TypeError(f"{name} must be real, not {array.dtype}; only apply() takes complex numbers")
    return array


def require_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless `array` has exactly this shape."""
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}")


def require_features(name: str, array: Array, features: int) -> None:
    """Raise a ValueError unless `array` is one sample (features,) or a batch (n, features) of at least one sample."""
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one sample of {features} features, not the shape {array.shape}")
    if array.ndim not in (1, 2) or array.shape[-1] != features:
        raise ValueError(f"{name} must have shape ({features},) or (n, {features}), not {array.shape}")


def require_elements(name: str, array: Array) -> None:
    """Raise a ValueError unless `array` has at least one axis and is not empty: a sample, a batch, images."""
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have at least one axis and not be empty, not the shape {array.shape}")


def require_size(name: str, value: int) -> None:
    """Raise an error unless `value` is a whole number of at least one.

    Raises:
        TypeError: not a whole number (True and 3.0 are none).
        ValueError: zero or negative.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
