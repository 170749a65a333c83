"""The arrays inside an object, by path: through attributes, dicts, lists and the objects these hold."""

import copy
import copyreg
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary

Path = tuple[str | int, ...]
_DEPTH = 6
_PLAIN = (str, bytes, int, float, complex, bool, type(None), range, np.ndarray, np.generic, type)


def arrays(thing: Any) -> dict[Path, Array]:
    """Every real floating-point array, bare float, bias of 0 and scale of 1 that can be reached, by its path."""
    return dict(_walk(thing, (), set()))


def _walk(thing: Any, path: Path, above: set[int]) -> Iterator[tuple[Path, Array]]:
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind in "fiu":
            yield path, thing
        return
    if (type(thing) is int and path and _is_learnt(str(path[-1]), thing)) or (
        isinstance(thing, float | np.floating) and path
    ):
        yield path, np.asarray(thing, dtype=np.float64)
        return
    if len(path) > _DEPTH or id(thing) in above:
        return
    for key, value in items(thing):
        yield from _walk(value, (*path, key), above | {id(thing)})


def _is_learnt(name: str, start: int) -> bool:
    """Whether a whole number is what a bias or a scale starts at."""
    return (start == 0 and vocabulary.family(name) == "b") or (
        start in (0, 1) and "scale" in vocabulary.roles(name)[:1]
    )


def items(thing: Any) -> list[tuple[str | int, Any]]:
    """What a container or an object holds, by key, index or attribute."""
    if isinstance(thing, dict):
        return [(key, value) for key, value in thing.items() if isinstance(key, str | int)]
    if isinstance(thing, list | tuple):
        return list(enumerate(thing))
    if isinstance(thing, _PLAIN) or callable(getattr(thing, "__get__", None)):
        return []
    if type(thing).__module__.split(".")[0] in ("numpy", "builtins"):
        return []
    slots = [slot for cls in type(thing).__mro__ for slot in getattr(cls, "__slots__", ()) if hasattr(thing, slot)]
    return [*getattr(thing, "__dict__", {}).items(), *((slot, getattr(thing, slot)) for slot in slots)]


def text(path: Path) -> str:
    """A path as people write it: `W`, `grads.W`, `layers.0.W`."""
    return ".".join(map(str, path))


def get(thing: Any, path: Path) -> Any:
    """What stands at the path.

    Raises:
        KeyError: nothing does.
    """
    for key in path:
        held = dict(items(thing))
        if key not in held:
            raise KeyError(text(path))
        thing = held[key]
    return thing


def put(thing: Any, path: Path, value: Any) -> None:
    """Put `value` where the path leads: in an attribute, dict or list; a number put in the place of one stays one."""
    holder, last = get(thing, path[:-1]), path[-1]
    is_number = isinstance(value, np.ndarray) and value.ndim == 0
    if is_number and isinstance(dict(items(holder)).get(last), float | np.floating | int):
        value = value.item()
    if isinstance(holder, dict | list):
        holder[last] = value  # type: ignore[index]
    elif isinstance(holder, tuple) and isinstance(holder[int(last)], np.ndarray):
        holder[int(last)][...] = value  # the best that can be done: a tuple keeps its array, and the array its dtype
    elif isinstance(holder, tuple):
        parts = [value if k == int(last) else part for k, part in enumerate(holder)]
        put(thing, path[:-1], getattr(type(holder), "_make", type(holder))(parts))
    else:
        object.__setattr__(holder, str(last), value)


def twins(thing: Any) -> dict[Path, list[Path]]:
    """For the first path to each array, every path to the very same array: `W` may be `params.0` as well."""
    found = arrays(thing)
    first: dict[int, Path] = {}
    same: dict[Path, list[Path]] = {}
    for path, array in found.items():
        leader = first.setdefault(id(array), path)
        same.setdefault(leader, []).append(path)
    return same


def duplicate(thing: Any) -> Any:
    """A deep copy, so that no run can leave anything behind in the original; modules in it stay themselves."""
    copyreg.pickle(type({}.keys()), lambda keys: (list, (list(keys),)))  # type: ignore[arg-type, return-value]
    try:
        return copy.deepcopy(thing)
    except TypeError:
        return copy.deepcopy(thing, {id(module): module for module in list(sys.modules.values())})


def in_double_precision(thing: Any) -> Any:
    """The thing itself, or where it holds arrays of float32 or float16 a deep copy in which they are of float64.

    What is checked is the formula; in double precision a small error in it cannot hide in the rounding.
    """
    if not any(map(_is_short, arrays(thing).values())):
        return thing
    thing = duplicate(thing)
    found = arrays(thing)
    for leader, paths in twins(thing).items():
        if _is_short(found[leader]):
            fresh = found[leader].astype(np.float64)
            for path in paths:
                put(thing, path, fresh)
    return thing


def _is_short(array: Array) -> bool:
    """Whether an array is of less than double precision."""
    return bool(array.ndim) and array.dtype.kind == "f" and array.dtype.itemsize < np.dtype(np.float64).itemsize


def with_own_weights(thing: Any, forward: Callable[[Any, Array], object], x: Array) -> Any:
    """The object itself, or a copy with the weights that its first forward makes.

    Args:
        thing: the object; it is left alone.
        forward: runs an object's forward on an input.
        x: an input.

    Raises:
        ForeignError: forward raised.
    """
    one = duplicate(thing)
    forward(one, x)  # most of what is tried ends here
    other = duplicate(thing)
    forward(other, 0.7 * x + 0.1)
    before = dict(items(thing))
    settled = {
        key: value
        for key, value in items(one)
        if _same(value, dict(items(other)).get(key)) and not _same(value, before.get(key))
    }
    if not any(_weights(value) for value in settled.values()):
        return thing
    for key, value in settled.items():
        setattr(other, str(key), value)
    for key in dict(items(other)).keys() - settled.keys():
        if key in before:
            setattr(other, str(key), duplicate(before[key]))
        else:
            delattr(other, str(key))
    return other


def _weights(value: Any) -> bool:
    return any(array.ndim and array.dtype.kind == "f" for array in arrays([value]).values())


def _same(left: Any, right: Any) -> bool:
    """Whether two values are equal, arrays anywhere inside them included."""
    ours, theirs = arrays([left]), arrays([right])
    if ours or theirs:
        return ours.keys() == theirs.keys() and all(np.array_equal(ours[path], theirs[path]) for path in ours)
    return left is right or (type(left) is type(right) and repr(left) == repr(right))
