"""What backward passes do to an array by mistake: to each of its values, or along one of its axes.

The same tables serve for the right gradient and for each ingredient of it: x, dy, the target, a parameter. In the
words, {} stands for the array and {place} for what an axis runs over.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mlp.nn.arrays import Array
from mlp.nn.functional import log_softmax, sigmoid

Change = Callable[[Array], Array]


def _bfloat16(array: Array) -> Array:
    """Rounded to the upper half of a float32."""
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


PRECISIONS: tuple[tuple[str, Change, float], ...] = (
    ("bfloat16, of about 2 digits", _bfloat16, 2.0**-7),
    ("float16, of about 3 digits", lambda a: a.astype(np.float16).astype(np.float64), 2.0**-10),
    ("float32, of about 7 digits", lambda a: a.astype(np.float32).astype(np.float64), 2.0**-23),
)
"""Arithmetic that is coarser than float64: what it is called, what it makes of numbers, and its unit of rounding."""


def of_digits(array: Array, digits: int) -> Array:
    """Rounded to so many significant digits."""
    return np.reshape([float(f"{value:.{digits - 1}e}") for value in array.ravel().tolist()], array.shape)


VALUES: tuple[tuple[str, Change], ...] = (
    ("-{}", np.negative),
    ("the absolute value |{}|", np.abs),
    ("-|{}|", lambda a: -np.abs(a)),
    ("{}^2", np.square),
    ("{}^3", lambda a: a**3),
    ("the square root of {}, with its sign", lambda a: np.sign(a) * np.sqrt(np.abs(a))),
    ("max({}, 0), with zeros for what is negative,", lambda a: np.maximum(a, 0)),
    ("min({}, 0), with zeros for what is positive,", lambda a: np.minimum(a, 0)),
    ("the sign of {}", np.sign),
    ("1 - {}", lambda a: 1 - a),
    ("{} + 1", lambda a: a + 1),
    ("{} / 2", lambda a: a / 2),
    ("2 {}", lambda a: 2 * a),
    ("{} rounded to whole numbers", np.round),
    ("{} rounded down to whole numbers", np.floor),
    ("{} rounded up to whole numbers", np.ceil),
    ("{} cut off to whole numbers, as in an array of integers,", np.trunc),
    *((f"{{}} rounded to {words},", rounded) for words, rounded, _ in PRECISIONS),
    ("ones in the place of {}", np.ones_like),
    ("tanh({})", np.tanh),
    ("sigmoid({})", sigmoid),
    ("softmax({})", lambda a: np.exp(log_softmax(a))),
)


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
    ("{} (1 - {})", lambda v: v * (1 - v)),
)
INNER: tuple[tuple[str, Change], ...] = (
    ("1 - tanh({})^2, the derivative of tanh", lambda v: 1 - np.tanh(v) ** 2),
    ("s (1 - s) with s = sigmoid({}), the derivative of a sigmoid or gate", lambda v: sigmoid(v) * sigmoid(-v)),
    ("tanh({})", np.tanh),
    ("the gate sigmoid({})", sigmoid),
    ("1 less the gate sigmoid({})", lambda v: sigmoid(-v)),
    ("exp({}), which is s / (1 - s) for the gate s = sigmoid({})", np.exp),
)

MOVES: tuple[tuple[str, Callable[[Array, int], Array]], ...] = (
    ("for each {place} the {} of the {place} before it, one out of step,", lambda a, axis: np.roll(a, 1, axis)),
    ("for each {place} the {} of the {place} after it, one out of step,", lambda a, axis: np.roll(a, -1, axis)),
    ("{} with its {place}s in reverse order", np.flip),
)


def _alike(make: Callable[..., Array]) -> Callable[[Array, int | None], Array]:
    return lambda a, axis: np.broadcast_to(make(a, axis=axis, keepdims=True), a.shape)


def _one(index: int) -> Callable[[Array, int], Array]:
    return lambda a, axis: np.broadcast_to(np.take(a, [index], axis=axis), a.shape)


TOGETHER: tuple[tuple[str, Callable[[Array, int | None], Array]], ...] = (
    ("the sum of {} over the {place}s, the same for all of them,", _alike(np.sum)),
    ("the mean of {} over the {place}s, the same for all of them,", _alike(np.mean)),
    ("{} less its mean over the {place}s", lambda a, axis: a - a.mean(axis=axis, keepdims=True)),
)
"""What is done over one axis, or over all of them."""

ALONG: tuple[tuple[str, Callable[[Array, int], Array]], ...] = (
    *TOGETHER,
    ("{} summed up to each {place}", np.cumsum),
    ("{} summed up from each {place} on", lambda a, axis: np.flip(np.cumsum(np.flip(a, axis), axis), axis)),
    ("for all {place}s the {} of the first", _one(0)),
    ("for all {place}s the {} of the last", _one(-1)),
)


def changed(name: str, array: Array, places: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """The array after each change, with what that is in words.

    Args:
        name: what the words call the array.
        array: of any shape.
        places: what each of its axes runs over, in the singular.
    """
    for words, change in VALUES:
        yield words.replace("{}", name), change(array)
    for axis, place in enumerate(places):
        if array.shape[axis] > 1:
            for words, along in ALONG:
                yield words.replace("{}", name).replace("{place}", place), along(array, axis)
    for words, together in TOGETHER if array.ndim > 1 else ():
        yield words.replace("{}", name).replace("{place}s", "entries"), together(array, None)


def moved(name: str, array: Array, places: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """The array with its numbers in other places; arguments as of `changed`."""
    for axis, place in enumerate(places):
        if array.shape[axis] > 1:
            for words, move in MOVES:
                yield words.replace("{}", name).replace("{place}", place), move(array, axis)
    for second in range(1, array.ndim):
        for first in range(second):
            axes = f"{places[first]}s and {places[second]}s"
            if array.shape[first] == array.shape[second]:
                yield f"{name} transposed, with {axes} exchanged", np.swapaxes(array, first, second)
            yield f"{name} turned around, with {axes} in reverse order", np.flip(array, (first, second))
