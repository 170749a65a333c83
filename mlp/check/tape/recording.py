"""A function is run once, and what it computes from some tensors is written on a tape."""

import contextlib
import functools
import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mlp.check.tape import functions
from mlp.check.tape.operations import of_unknown
from mlp.check.tape.sites import is_inside
from mlp.check.tape.tape import Instead, Tape
from mlp.check.tape.traced import Traced, noted, plain, same
from mlp.nn.arrays import Array

_METHODS = functions  # the methods of a traced array stand there


class _Thread(threading.local):
    tape: Tape | None = None


_THREAD = _Thread()
_LOCK = threading.Lock()


def recorded(
    function: Callable[[Mapping[str, Array]], Any],
    tensors: Mapping[str, Array],
    constants: Mapping[str, Array],
    instead: Instead | None = None,
    spaces: Sequence[dict[str, Any]] = (),
) -> Tape:
    """The tape of a function of these tensors and constants.

    Args:
        function: from both by name to an array or a number.
        tensors: real arrays by name.
        constants: arrays of which no gradients are asked for, by other names.
        instead: what is done to operands on which no tensor has an influence, where an operation takes them.
        spaces: the names of modules whose arrays are put on the tape, and whose `float` leaves what is on it there: of
            `X.dot(W)`, with a method of an array that is not on it, and of `float(loss)` numpy says nothing.

    Raises:
        TooLongError: it takes too many operations.
        Exception: whatever the function raises when it is given such arrays.
    """
    tape = Tape(instead=instead or {})
    with _recording(tape):
        given = {name: noted(tape, "tensor", value, is_leaf=True) for name, value in tensors.items()}
        tape.leaves = {name: leaf.number for name, leaf in given.items()}
        given |= {name: noted(tape, "constant", value) for name, value in constants.items()}
        tape.names = {one.number: name for name, one in given.items()}
        with _noting_arrays(tape, spaces), _keeping_floats(spaces):
            result = function(given)
        tape.output = result.number if isinstance(result, Traced) else tape.find(result)
    return tape


@contextlib.contextmanager
def _recording(tape: Tape) -> Iterator[None]:
    """Within it `np.array`, `np.zeros` and their like make traced arrays, for this thread; one thread after another.

    Numpy has no other way to make an array of somebody's class where the code says `np.zeros(shape)`. To any other
    thread, and to numpy's own code, they are what they always were.
    """
    with _LOCK:
        _THREAD.tape = tape
        for name, made in _PLACES.items():
            setattr(np, name, made)
        np.vectorize.__call__ = _by_elements  # type: ignore[method-assign]  # numpy has no other way for this either
        try:
            yield
        finally:
            np.vectorize.__call__ = _VECTORIZED  # type: ignore[method-assign]
            for name, original in _ORIGINALS.items():
                setattr(np, name, original)
            _THREAD.tape = None


@contextlib.contextmanager
def _noting_arrays(tape: Tape, spaces: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Within it the arrays of real numbers under these names are constants on the tape."""
    arrays = [
        (space, name, value)
        for space in spaces
        for name, value in space.items()
        if type(value) is np.ndarray and value.dtype.kind == "f" and value.ndim
    ]
    try:
        for space, name, value in arrays:
            space[name] = constant = noted(tape, "constant", value)
            tape.names[constant.number] = name
        yield
    finally:
        for space, name, value in arrays:
            space[name] = value


class _IsFloat(type):
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, float)


class _Float(metaclass=_IsFloat):
    """What `float` is in code that is recorded: as it was, but that a single number on the tape stays there."""

    dtype = np.dtype(np.float64)  # what numpy makes of astype(float)

    def __new__(cls, one: Any = 0.0) -> Any:
        return one if isinstance(one, Traced) and one.size == 1 else float(one)


class _Math:
    """What `math` is in code that is recorded: of a single number on the tape it makes another one."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(math, name)
        return functools.partial(_by_number, found) if callable(found) else found


def _by_number(function: Callable[..., Any], *args: Any) -> Any:
    if len(args) != 1 or not isinstance(args[0], Traced) or args[0].size != 1:
        return function(*args)
    x = plain(args[0])

    def value(x: Array) -> Array:
        return np.reshape(float(function(x.item())), x.shape)

    return noted(args[0].tape, function.__name__, value(x), [of_unknown(value, x, args[0].number)])


@contextlib.contextmanager
def _keeping_floats(spaces: Sequence[dict[str, Any]]) -> Iterator[None]:
    changed = [space for space in spaces if "float" not in space]
    using = [space for space in spaces if space.get("math") is math]
    try:
        for space in changed:
            space["float"] = _Float
        for space in using:
            space["math"] = _Math()
        yield
    finally:
        for space in changed:
            del space["float"]
        for space in using:
            space["math"] = math


def _is_recording() -> bool:
    """Whether this thread records, and somebody else's code is at work rather than numpy's or ours."""
    return _THREAD.tape is not None and not is_inside(sys._getframe(2))


def _converting(original: Callable[..., Any]) -> Callable[..., Any]:
    """np.array or its like, which keeps a traced array traced, and makes one of a list of such."""

    def made(one: Any, *args: Any, **kwargs: Any) -> Any:
        dtype = kwargs.get("dtype", args[0] if args else None)
        if not _is_recording() or (dtype is not None and np.dtype(dtype).kind != "f"):
            return original(plain(one), *args, **kwargs)
        _note_precision(dtype)
        if isinstance(one, Traced):
            return same(one) if original is _ORIGINALS["array"] else one
        return _stacked(one) if _holds_traced(one) else original(one, *args, **kwargs)

    return made


def _note_precision(dtype: Any) -> None:
    if _THREAD.tape is not None and dtype is not None:
        _THREAD.tape.is_finer |= np.dtype(dtype).itemsize < np.dtype(np.float64).itemsize


def _stacked(one: Any) -> Any:
    return np.stack([_stacked(inner) for inner in one]) if isinstance(one, list | tuple) else one


def _holds_traced(one: Any) -> bool:
    return isinstance(one, Traced) or (isinstance(one, list | tuple) and any(_holds_traced(inner) for inner in one))


def _filling(original: Callable[..., Any]) -> Callable[..., Any]:
    """np.zeros or its like, whose array others may be written into."""

    def made(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if not _is_recording() or result.dtype.kind != "f":
            return result
        _note_precision(result.dtype)
        return noted(_THREAD.tape, original.__name__, result)

    return made


_VECTORIZED = np.vectorize.__call__


def _by_elements(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What np.vectorize makes of a function of one number, such as math.erf, with a place on the tape."""
    if not _is_recording() or len(args) != 1 or kwargs or not isinstance(args[0], Traced):
        return _VECTORIZED(function, *map(plain, args), **{name: plain(one) for name, one in kwargs.items()})
    x = plain(args[0])

    def values(x: Array) -> Array:
        return np.asarray(_VECTORIZED(function, x), dtype=np.float64)

    return noted(_THREAD.tape, "vectorize", values(x), [of_unknown(values, x, args[0].number)])


_CONVERTING = ("array", "asarray", "ascontiguousarray")
_FILLING = ("zeros", "empty", "ones", "full", "zeros_like", "empty_like", "ones_like", "full_like")
_ORIGINALS: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in (*_CONVERTING, *_FILLING)}
_PLACES = {name: _converting(_ORIGINALS[name]) for name in _CONVERTING} | {
    name: _filling(_ORIGINALS[name]) for name in _FILLING
}
