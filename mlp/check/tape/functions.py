"""The methods of a traced array, and functions of numpy, by the operations that a tape knows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlp.check.tape.operations import Axes, of_einsum, of_extreme, of_sum, onto, times
from mlp.check.tape.sites import BOTH
from mlp.check.tape.traced import KNOWN, Traced, moved, noted, number_of, plain, same, tape_of, traced


def _sum(self: Traced, axis: Axes = None, keepdims: bool = False, **_: Any) -> Any:
    return _over(self, "sum", axis, keepdims, 1.0)


def _mean(self: Traced, axis: Axes = None, keepdims: bool = False, **_: Any) -> Any:
    return _over(self, "mean", axis, keepdims, 1 / _count(self, axis))


def _count(self: Traced, axis: Axes) -> int:
    """How many entries come together over some axes."""
    return self.size // max(1, plain(self).sum(axis=axis).size)


def _over(self: Traced, name: str, axis: Axes, keepdims: bool, scale: float) -> Any:
    value = plain(self)
    result = value.sum(axis=axis, keepdims=keepdims) * scale
    return noted(self.tape, name, result, [of_sum(self.number, value, axis, scale)])


def _var(self: Traced, axis: Axes = None, ddof: int = 0, keepdims: bool = False, **_: Any) -> Any:
    value, count = plain(self), _count(self, axis) - ddof
    result = value.var(axis=axis, ddof=ddof, keepdims=keepdims)
    slope = 2 * (value - value.mean(axis=axis, keepdims=True)) / count
    return noted(self.tape, "var", result, [onto(self.number, slope, axis)])


def _std(self: Traced, axis: Axes = None, ddof: int = 0, keepdims: bool = False, **_: Any) -> Any:
    return np.sqrt(self.var(axis=axis, ddof=ddof, keepdims=keepdims))


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Traced, axis: Axes = None, keepdims: bool = False, **_: Any) -> Any:
        value = plain(self)
        result = np.asarray(function(value, axis=axis, keepdims=keepdims))
        return noted(self.tape, function.__name__, result, [of_extreme(self.number, value, result, axis)])

    return method


def _clip(self: Traced, low: Any = None, high: Any = None, **_: Any) -> Any:
    above = self if low is None else np.maximum(self, low)
    return above if high is None else np.minimum(above, high)


def _cumsum(self: Traced, axis: int | None = None, **_: Any) -> Any:
    flat = self.ravel() if axis is None else self
    size = flat.shape[axis or 0]
    sums = np.moveaxis(flat, axis or 0, -1) @ np.triu(np.ones((size, size)))
    return np.moveaxis(sums, -1, axis or 0)


def _astype(self: Traced, dtype: Any, *_: Any, **__: Any) -> Any:
    """On a tape all arithmetic is that of float64."""
    if np.dtype(dtype).kind != "f":
        return plain(self).astype(dtype)
    if self.tape is not None:
        self.tape.is_finer |= np.dtype(dtype).itemsize < self.itemsize
    return same(self)


def _taking(name: str) -> Callable[..., Any]:
    """A method that only takes entries and puts them elsewhere."""
    original = getattr(np.ndarray, name)
    return lambda self, *args, **kwargs: moved(name, lambda a: original(a, *args, **kwargs), (self,))


_METHODS: dict[str, Any] = {
    "sum": _sum,
    "mean": _mean,
    "var": _var,
    "std": _std,
    "max": _extreme(np.max),
    "min": _extreme(np.min),
    "clip": _clip,
    "cumsum": _cumsum,
    "astype": _astype,
    "copy": lambda self, *_, **__: same(self),
    "item": lambda self, *args: plain(self).item(*args) if args else self.reshape(()),
    "dot": lambda self, other, **_: _dot(self, other),
    "T": property(lambda self: self.transpose()),
    "real": property(lambda self: self),
}
_TAKING = ("reshape", "transpose", "swapaxes", "ravel", "flatten", "squeeze", "repeat", "take", "diagonal")
for _name, _method in (*_METHODS.items(), *((name, _taking(name)) for name in _TAKING)):
    setattr(Traced, _name, _method)


def _dot(a: Any, b: Any, **_: Any) -> Any:
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else np.matmul(a, b)


def _inner(a: Any, b: Any) -> Any:
    return np.sum(a * b) if np.ndim(a) == np.ndim(b) == 1 else a @ np.swapaxes(b, -1, -2)


def _einsum(subscripts: str, *operands: Any, **_: Any) -> Any:
    subscripts = subscripts.replace(" ", "")
    if "->" not in subscripts:
        letters = subscripts.replace(",", "")
        subscripts += "->" + "".join(sorted(one for one in set(letters) if letters.count(one) == 1))
    inputs, result = subscripts.split("->")
    return _products(inputs.split(","), result, operands, range(len(operands)))


def _products(names: Sequence[str], result: str, operands: Sequence[Any], numbers: Sequence[int]) -> Any:
    """A sum of products, the first two operands first: so each factor of another operand is one of two."""
    tape = tape_of(operands)
    if len(names) > 2:
        first, later = f"{names[0]}{names[1]}", "".join([*names[2:], result])
        kept = "".join(letter for letter in dict.fromkeys(first) if letter in later)
        both = _products(names[:2], kept, operands[:2], numbers[:2])
        return _products([kept, *names[2:]], result, [both, *operands[2:]], [BOTH, *numbers[2:]])
    values = [np.asarray(plain(one), dtype=np.float64) for one in operands]
    subscripts = f"{','.join(names)}->{result}"
    edges = of_einsum(subscripts, values, [number_of(one) for one in operands], numbers)
    return noted(
        tape, "einsum" if BOTH not in numbers else "einsum of a product", np.einsum(subscripts, *values), edges
    )


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    pairs = (range(np.ndim(a) - axes, np.ndim(a)), range(axes)) if isinstance(axes, int) else axes
    first, second = (np.atleast_1d(np.array(pair)) for pair in pairs)
    left, right = np.arange(np.ndim(a)), np.ndim(a) + np.arange(np.ndim(b))
    right[second] = left[first]
    result = [one for one in (*left, *right) if not (one in left and one in right)]
    one, other, both = ("".join(chr(ord("a") + k) for k in numbers) for numbers in (left, right, result))
    return _einsum(f"{one},{other}->{both}", a, b)


def _where(condition: Any, *choices: Any) -> Any:
    """By a mask for each choice; an entry that is not taken has no part in it."""
    mask = np.asarray(plain(condition)).astype(bool)
    if not choices:
        return np.where(mask)
    tape = tape_of(choices)
    a, b = (traced(tape, one) for one in choices)
    result = np.where(mask, plain(a), plain(b))
    masks = ((a, 1, mask * 1.0), (b, 2, ~mask * 1.0))
    edges = [times(one.number, operand, part, one.shape, result.shape) for one, operand, part in masks]
    return noted(tape, "where", result, edges)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002  # numpy's name
    if ord not in (None, 2, "fro"):
        return np.linalg.norm(plain(x), ord, axis, keepdims)
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


def _moving(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: moved(function.__name__, lambda *a: function(*a, **kwargs), args)


def _on_plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: function(*(plain(one) for one in args), **kwargs)


KNOWN |= {
    np.dot: _dot,
    np.inner: _inner,
    np.outer: lambda a, b, **_: np.ravel(a)[:, None] * np.ravel(b)[None, :],
    np.einsum: _einsum,
    np.tensordot: _tensordot,
    np.where: _where,
    np.linalg.norm: _norm,
    np.iscomplexobj: lambda _: False,
    np.array_equal: _on_plain(np.array_equal),
    np.argmax: _on_plain(np.argmax),
    np.argsort: _on_plain(np.argsort),
}
_MOVING: tuple[Callable[..., Any], ...] = (
    np.concatenate,
    np.pad,
    np.roll,
    np.tile,
    np.broadcast_to,
    np.moveaxis,
    np.rot90,
    np.flip,
    np.lib.stride_tricks.sliding_window_view,
    np.triu,
    np.tril,
    np.diag,
)
KNOWN |= {function: _moving(function) for function in _MOVING}
