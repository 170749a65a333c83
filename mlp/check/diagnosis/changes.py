"""What backward passes do to an array by mistake: to each of its values, or along some of its axes.

The same tables serve for the right gradient, for each ingredient of it (x, dy, the target, a parameter), and for what
each operation goes back with. In the words, {} stands for the array and {places} for what the axes run over.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mlp.nn.arrays import Array
from mlp.nn.functional import log_softmax, sigmoid

Change = Callable[[Array], Array]


def _bfloat16(array: Array) -> Array:
    """Rounded to the upper half of a float32."""
    bits = array.astype(np.float32).view(np.uint32)
    return _upper_half(bits + 0x7FFF + ((bits >> 16) & 1))


def _upper_half(bits: NDArray[np.uint32]) -> Array:
    return (bits & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


PRECISIONS: tuple[tuple[str, Change, float], ...] = (
    ("bfloat16, of about 2 digits", _bfloat16, 2.0**-7),
    ("bfloat16, its other bits cut off", lambda a: _upper_half(a.astype(np.float32).view(np.uint32)), 2.0**-6),
    ("float16, of about 3 digits", lambda a: a.astype(np.float16).astype(np.float64), 2.0**-10),
    ("float32, of about 7 digits", lambda a: a.astype(np.float32).astype(np.float64), 2.0**-23),
)
"""Arithmetic that is coarser than float64: what it is called, what it makes of numbers, and its unit of rounding."""


def _in_steps(array: Array, start: float, step: float) -> Array:
    return start + step * np.round((array - start) / step) if step > 0 else array


STEPS: tuple[tuple[str, Change, float], ...] = (
    (
        "steps of a 127th of the largest, as in int8",
        lambda a: _in_steps(a, 0.0, float(np.max(np.abs(a), initial=0.0)) / 127),
        1 / 254,
    ),
    (
        "255 steps between the smallest and the largest, as in 8 bits",
        lambda a: _in_steps(a, float(np.min(a)), float(np.ptp(a)) / 255),
        1 / 255,
    ),
)
"""Whole numbers of steps, in the same form."""


def _to_decimals(decimals: int) -> Change:
    return lambda array: np.round(array, decimals)


def of_digits(array: Array, digits: int) -> Array:
    """Rounded to so many significant digits."""
    return np.reshape([float(f"{value:.{digits - 1}e}") for value in array.ravel().tolist()], array.shape)


def largest(array: Array) -> Array:
    """One at all entries as large as the largest along the last axis, zero at all others."""
    return (array == array.max(axis=-1, keepdims=True)) * 1.0 if array.ndim else np.ones(())


def marked(array: Array) -> Array:
    """One at the largest entry along the last axis, zero at all others."""
    return (np.arange(array.shape[-1]) == array.argmax(axis=-1)[..., None]) * 1.0 if array.ndim else np.ones(())


# What stands as a factor in backward passes.
FORMS: tuple[tuple[str, Change], ...] = (
    ("{}", lambda v: v),
    ("|{}|", np.abs),
    ("the sign of {}", np.sign),
    ("({} > 0)", lambda v: (v > 0).astype(float)),
    ("({} < 0)", lambda v: (v < 0).astype(float)),
    ("{}^2", np.square),
    ("1 - {}", lambda v: 1 - v),
    ("1 + {}", lambda v: 1 + v),
    ("1 - {}^2", lambda v: 1 - v**2),
    ("1 + {}^2", lambda v: 1 + v**2),
    ("(1 - {})^2", lambda v: (1 - v) ** 2),
    ("{} (1 - {})", lambda v: v * (1 - v)),
)
INNER: tuple[tuple[str, Change], ...] = (
    ("1 - tanh({})^2, the derivative of tanh", lambda v: 1 - np.tanh(v) ** 2),
    ("s (1 - s) with s = sigmoid({}), the derivative of a sigmoid or gate", lambda v: sigmoid(v) * sigmoid(-v)),
    ("1 / (1 + {}^2), the derivative of arctan", lambda v: 1 / (1 + v**2)),
    ("tanh({})", np.tanh),
    ("the gate sigmoid({})", sigmoid),
    ("1 less the gate sigmoid({})", lambda v: sigmoid(-v)),
    ("exp({}), which is s / (1 - s) for the gate s = sigmoid({})", np.exp),
)

VALUES: tuple[tuple[str, Change], ...] = (
    ("the absolute value |{}|", np.abs),
    *FORMS[2:],
    ("-{}", np.negative),
    ("-|{}|", lambda a: -np.abs(a)),
    ("{}^3", lambda a: a**3),
    ("the square root of {}, with its sign", lambda a: np.sign(a) * np.sqrt(np.abs(a))),
    ("max({}, 0), with zeros for what is negative,", lambda a: np.maximum(a, 0)),
    ("min({}, 0), with zeros for what is positive,", lambda a: np.minimum(a, 0)),
    ("{} less one half", lambda a: a - 0.5),
    ("{} / 2", lambda a: a / 2),
    ("2 {}", lambda a: 2 * a),
    ("{} rounded to whole numbers", np.round),
    ("{} rounded down to whole numbers", np.floor),
    ("{} rounded up to whole numbers", np.ceil),
    ("{} cut off to whole numbers, as in an array of integers,", np.trunc),
    *((f"{{}} rounded to {words},", rounded) for words, rounded, _ in (*PRECISIONS, *STEPS)),
    *((f"{{}} rounded to {n} decimal{'s' * (n > 1)},", _to_decimals(n)) for n in range(1, 5)),
    ("a one for the largest entry of {}, and zeros for all others,", marked),
    ("a one for all entries of {} that are as large as the largest, and zeros for all others,", largest),
    ("ones in the place of {}", np.ones_like),
    ("tanh({})", np.tanh),
    ("sigmoid({})", sigmoid),
    ("softmax({})", lambda a: np.exp(log_softmax(np.atleast_1d(a))).reshape(a.shape)),
)
"""What is done to each value."""

MOVES: tuple[tuple[str, Callable[..., Array]], ...] = (
    ("for each {place} the {} of the {place} before it, one out of step,", lambda a, axis: np.roll(a, 1, axis)),
    ("for each {place} the {} of the {place} after it, one out of step,", lambda a, axis: np.roll(a, -1, axis)),
    ("{} with its {places} in reverse order", np.flip),
)
Axes = tuple[int, ...]


def _alike(make: Callable[..., Array]) -> Callable[[Array, Axes], Array]:
    return lambda a, axes: np.broadcast_to(make(a, axis=axes, keepdims=True), a.shape)


def _one(index: int) -> Callable[[Array, int], Array]:
    return lambda a, axis: np.broadcast_to(np.take(a, [index], axis=axis), a.shape)


TOGETHER: tuple[tuple[str, Callable[..., Array]], ...] = (
    ("the sum of {} over the {places}, the same for all of them,", _alike(np.sum)),
    ("the mean of {} over the {places}, the same for all of them,", _alike(np.mean)),
    ("{} less its mean over the {places}", lambda a, axes: a - a.mean(axis=axes, keepdims=True)),
    ("{} divided by its norm over the {places}", lambda a, axes: a / np.sqrt(np.sum(a * a, axis=axes, keepdims=True))),
)
"""What is done over one axis, two, or all of them."""

ALONG: tuple[tuple[str, Callable[..., Array]], ...] = (
    ("for all {places} the {} of the first", _one(0)),
    ("for all {places} the {} of the last", _one(-1)),
)


def changes(name: str, shape: Sequence[int], places: Sequence[str]) -> Iterator[tuple[str, Change]]:
    """What may be done to the values of an array, with what comes of it in words.

    Args:
        name: what the words call the array.
        shape: the array's.
        places: what each of its axes runs over, in the singular.
    """
    long = [axis for axis, size in enumerate(shape) if size > 1]
    for axis in long:
        for words, along in ALONG:
            yield _told(words, name, places[axis]), functools.partial(along, axis=axis)
    for count in sorted({1, 2, len(long)} & set(range(len(long) + 1))):
        for axes in itertools.combinations(long, count):
            over = "entries" if 1 < count == len(shape) else " and ".join(f"{places[axis]}s" for axis in axes)
            for words, together in TOGETHER:
                yield words.replace("{}", name).replace("{places}", over), functools.partial(together, axes=axes)
    for words, change in VALUES:
        yield words.replace("{}", f"({name})" if " by " in name else name), change


def moves(name: str, shape: Sequence[int], places: Sequence[str]) -> Iterator[tuple[str, Change]]:
    """What puts the numbers of an array in other places; arguments as of `changes`."""
    for axis, place in enumerate(places):
        if shape[axis] > 1:
            for words, move in MOVES:
                yield _told(words, name, place), functools.partial(move, axis=axis)
    for first, second in itertools.combinations(range(len(shape)), 2):
        axes = f"{places[first]}s and {places[second]}s"
        exchange = functools.partial(np.swapaxes, axis1=first, axis2=second)
        if shape[first] == shape[second]:
            yield f"{name} transposed, with {axes} exchanged", exchange
        elif 1 not in (shape[first], shape[second]):
            words = f"{name} reshaped where it should be transposed, with {axes} mixed up"
            yield words, functools.partial(_read_exchanged, exchange=exchange)
            yield words, functools.partial(_written_exchanged, exchange=exchange)
        yield f"{name} turned around, with {axes} in reverse order", functools.partial(np.flip, axis=(first, second))


def _read_exchanged(array: Array, exchange: Change) -> Array:
    return exchange(array).reshape(array.shape)


def _written_exchanged(array: Array, exchange: Change) -> Array:
    return exchange(array.reshape(exchange(array).shape))


def _told(words: str, name: str, place: str) -> str:
    words = words.replace("{place}", place).replace("{places}", f"{place}s")
    return words.replace("the {}", "{}" if name.startswith("the ") else "the {}").replace("{}", name)
