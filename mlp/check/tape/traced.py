"""An array that notes on a tape what is done with it.

What numpy makes out of such arrays is one again. What is lost on the way, such as through `float`, shows in gradients
that are not right; who asks for a tape must compare them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mlp.check.tape.operations import PAIRS, SLOPES, of_einsum, of_function, of_index, of_unknown, product_subscripts
from mlp.check.tape.tape import Edge, Tape
from mlp.nn.arrays import Array

KNOWN: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What is done in the place of functions of numpy that are no ufuncs; `functions` writes them here."""
REDUCTIONS = {np.add: "sum", np.maximum: "max", np.minimum: "min"}


class Traced(np.ndarray[Any, Any]):
    """A float64 array with its place on the tape. It holds numbers of its own: no two share memory."""

    tape: Tape | None
    number: int

    def __array_finalize__(self, _obj: object) -> None:
        self.tape, self.number = None, -1

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        """A function of elements, a matrix product, or a sum over axes."""
        tape, goal = tape_of(inputs), out[0] if out else None
        if method == "reduce" and ufunc in REDUCTIONS and tape and goal is None:
            over = getattr(traced(tape, inputs[0]), REDUCTIONS[ufunc])
            return over(axis=kwargs.get("axis", 0), keepdims=kwargs.get("keepdims", False))
        values, numbers = [plain(one) for one in inputs], [number_of(one) for one in inputs]
        if tape is not None and method == "__call__" and len(inputs) > 1:
            name, found = ufunc.__name__, list(zip(values, numbers, strict=True))
            operands = [tape.operand(name, k, value, number) for k, (value, number) in enumerate(found)]
            values, numbers = [value for value, _ in operands], [number for _, number in operands]
        result = getattr(ufunc, method)(*values, **kwargs)
        if tape is not None and method == "__call__" and _is_real(result):
            edges = _edges(ufunc, values, numbers, np.asarray(result))
            if edges is not None:
                result = noted(tape, ufunc.__name__, result, edges)
        return result if goal is None else put(goal, result)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Any other function of numpy: one of those known here, or its own code run on these arrays."""
        if func in KNOWN:
            return KNOWN[func](*args, **kwargs)
        return super().__array_function__(func, types, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return moved("selection", lambda a: a[key], (self,))

    def __setitem__(self, key: Any, value: Any) -> None:
        if self.tape is None:
            super().__setitem__(key, plain(value))
            return
        held, given = plain(self), np.asarray(plain(value), dtype=np.float64)
        index = np.arange(1, held.size + 1).reshape(held.shape)
        index[key] = 0
        edges = [of_index(self.number, 0, index, held.shape)]
        if isinstance(value, Traced):
            taken = np.zeros(held.shape, dtype=int)
            taken[key] = np.arange(1, given.size + 1).reshape(given.shape)
            edges.append(of_index(value.number, 1, taken, given.shape))
        held[key] = given
        put(self, noted(self.tape, "assignment", held, edges))

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __deepcopy__(self, _memo: dict[int, Any] | None) -> "Traced":
        return same(self)


def _is_real(result: object) -> bool:
    return isinstance(result, np.ndarray | np.floating) and result.dtype.kind == "f"


def _edges(ufunc: np.ufunc, values: Sequence[Any], parents: Sequence[int], result: Array) -> list[Edge] | None:
    """The edges of a function; None if its derivative is not known."""
    floats = [np.asarray(value, dtype=np.float64) for value in values]
    if ufunc is np.matmul:
        return of_einsum(product_subscripts(*floats), floats, parents)
    if ufunc in SLOPES or ufunc in PAIRS:
        return of_function(ufunc, floats, parents, result)
    is_another_s = getattr(np, ufunc.__name__, None) is not ufunc  # such as scipy's erf
    return [of_unknown(ufunc, floats[0], parents[0])] if is_another_s and len(floats) == 1 else None


def plain(one: Any) -> Any:
    """The numbers of a traced array, anew; anything else as it is."""
    return np.array(one.view(np.ndarray)) if isinstance(one, Traced) else one


def number_of(one: Any) -> int:
    """The number of the node that holds an array; -1 if none does."""
    return one.number if isinstance(one, Traced) else -1


def tape_of(inputs: Sequence[Any]) -> Tape | None:
    """The tape of the traced arrays among these."""
    return next((one.tape for one in inputs if isinstance(one, Traced) and one.tape is not None), None)


def noted(tape: Tape | None, operation: str, value: Any, edges: Sequence[Edge] = (), is_leaf: bool = False) -> Traced:
    """A traced array with these numbers and these ways back."""
    found = np.array(value, dtype=np.float64).view(Traced)
    if tape is not None:
        found.tape, found.number = tape, tape.add(operation, value, edges, is_leaf)
    return found


def traced(tape: Tape | None, one: Any) -> Traced:
    """An array as a traced one."""
    return one if isinstance(one, Traced) else noted(tape, "constant", np.asarray(one))


def same(one: Traced) -> Traced:
    """The same numbers in memory of their own, at the same place of the tape."""
    twin = plain(one).view(Traced)
    twin.tape, twin.number = one.tape, one.number
    return twin


def put(goal: Any, result: Any) -> Any:
    """Write a result into an array, which is then what the result is."""
    np.ndarray.__setitem__(goal, ..., plain(result))
    if isinstance(goal, Traced) and isinstance(result, Traced):
        goal.tape, goal.number = result.tape, result.number
    return goal


def moved(name: str, function: Callable[..., Any], args: Sequence[Any]) -> Any:
    """A function that only takes entries and puts them elsewhere: it is carried out on their numbers as well.

    Args:
        name: the operation's.
        function: of the arrays among the arguments; what it adds, as padding does, must be zero.
        args: traced arrays, lists of arrays, and whatever else the function takes.
    """
    tape = tape_of([*args, *(inner for one in args if isinstance(one, list | tuple) for inner in one)])
    parts: list[Traced] = []
    value = function(*_each(args, tape, plain))

    def as_index(one: Traced) -> Array:
        start = 1 + sum(part.size for part in parts)
        parts.append(one)
        return np.arange(start, start + one.size).reshape(one.shape)

    index, edges, start = np.asarray(function(*_each(args, tape, as_index))), [], 0
    for operand, part in enumerate(parts):
        own = np.where((index > start) & (index <= start + part.size), index - start, 0)
        edges.append(of_index(part.number, operand, own, part.shape))
        start += part.size
    return noted(tape, name, value, edges)


def _each(args: Sequence[Any], tape: Tape | None, change: Callable[[Traced], Any]) -> list[Any]:
    """Arguments with the arrays among them, and in lists among them, changed."""
    return [
        change(one)
        if isinstance(one, Traced)
        else [change(traced(tape, inner)) for inner in one]
        if isinstance(one, list | tuple) and any(isinstance(inner, Traced) for inner in one)
        else one
        for one in args
    ]
