"""What comes in from outside is checked here once, so that the formulas can trust it.

Every error names what was expected and what came.
"""

import sys
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

# What a message quotes; of anything else it names the type, for a repr may be long or raise.
_QUOTED = (bool, int, float, complex, str, bytes, type(None), np.number)
LARGEST = 2**31 - 1


def shown(value: object) -> str:
    """What came in the place of what was expected, in a few words: 'text', None, a list, the class Tanh itself."""
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if not isinstance(value, _QUOTED):
        return f"an object of type {type(value).__name__}"
    if isinstance(value, int) and abs(value) > LARGEST:  # Python writes no integer of more than 4,300 digits
        return f"a whole number of {value.bit_length()} bits"
    return f"{value!r:.40}"


def require_methods(name: str, value: object, what: str, *methods: str) -> None:
    """Raise a TypeError unless `value` is an object with these methods; a class whose objects have them is none."""
    try:
        suits = not isinstance(value, type) and all(callable(getattr(value, method, None)) for method in methods)
    except Exception:  # an object that raises whatever it is asked for
        suits = False
    if not suits:
        raise TypeError(f"{name} must be {what}, not {shown(value)}")


def require_function(name: str, value: object) -> None:
    """Raise a TypeError unless `value` can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, not {shown(value)}")


def as_array(name: str, value: ArrayLike) -> Array:
    """Return `value` as an array of whatever it holds.

    Raises:
        TypeError: numpy makes no array of it.
        ValueError: it is a masked array with masked entries, of which an array would take what is behind the mask.
    """
    if type(value) is np.ndarray:
        return value
    try:
        array = np.asarray(value)
    except Exception as error:  # of lists that do not fit together, or whatever a person's class raises
        raise TypeError(f"{name} must be a number or an array of numbers, not {shown(value)} ({error})") from error
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} has masked entries, which have no value here; fill them, or leave them out")
    return array


def as_numbers(name: str, value: ArrayLike) -> Array:
    """Return `value` as an array of real or complex floating-point numbers.

    Integers become float64, as in any numpy arithmetic; float32 and complex arrays stay as they are.

    Raises:
        TypeError, ValueError: `value` holds anything but numbers (booleans, strings, objects), or entries are masked.
    """
    array = as_array(name, value)
    if array.dtype.kind in "fc":
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    raise TypeError(f"{name} must hold numbers (float or integer), not {array.dtype}")


def as_real(name: str, value: ArrayLike) -> Array:
    """Return `value` as an array of real floating-point numbers.

    Raises:
        TypeError, ValueError: `value` holds complex numbers or no numbers at all, or entries are masked.
    """
    array = as_numbers(name, value)
    if array.dtype.kind == "c":
        raise TypeError(f"{name} must be real, not {array.dtype}; only apply() takes complex numbers")
    return array


def root_mean_square(values: ArrayLike, axis: int | None = None) -> Array:
    """The root of the mean of the squares along an axis, or of all values; as exact for those whose squares are 0.

    Numbers below 1e-162 have squares below the smallest float64, 5e-324.
    """
    flat = np.ravel(values) if axis is None else np.asarray(values)
    return np.hypot.reduce(flat, axis=axis or 0) / np.sqrt(flat.shape[axis or 0])


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is one real number, and no larger than a float can be."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        return False
    return not isinstance(value, int) or abs(value) <= sys.float_info.max


def as_positive(name: str, value: object) -> float:
    """Return `value` as a float; ValueError unless it is a positive, finite number."""
    if not is_number(value) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive, finite number, not {shown(value)}")
    return float(value)


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
        ValueError: zero or negative, or more than an array can have.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, not {shown(value)}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {shown(value)}")
    if value > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST:,}, not {shown(value)}")
