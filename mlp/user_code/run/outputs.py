"""What forward computed: its outputs as one array, and the cache that it returned beside them.

Most code has one output. A cell that returns h, c and a cache has two, if its backward takes a gradient of both: these
are put into one vector, so that whatever is compared is compared for all of them at once, and taken apart again for
backward.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.messages import problem
from mlp.user_code.run import object_arrays
from mlp.user_code.run.sources import attributes_of_self

Place = int | str
_OUTPUT = re.compile(r"^(?!.*(diff|deriv|grad|prime|slope|^d_)).*out(put)?s?$", re.IGNORECASE)


class Outputs(NamedTuple):
    """The outputs of one forward run, in the order of the gradients that backward takes, their names, and the cache.

    Of several, `gradients` are the arguments of backward that take their gradients.
    """

    arrays: tuple[Array, ...]
    names: tuple[str, ...]
    cache: Any = None
    gradients: tuple[str, ...] = ()

    def packed(self) -> Array:
        """One array: the only output as it is, several as one vector."""
        return self.arrays[0] if len(self.arrays) == 1 else np.concatenate([array.ravel() for array in self.arrays])

    def unpacked(self, dy: Array) -> tuple[Array, ...]:
        """The gradients of the outputs from that of the packed one."""
        if len(self.arrays) == 1:
            return (dy,)
        ends = np.cumsum([array.size for array in self.arrays])[:-1]
        parts = np.split(dy, ends)
        return tuple(part.reshape(array.shape) for part, array in zip(parts, self.arrays, strict=True))


def outputs_of(
    thing: Any,
    returned: Any,
    chosen: Sequence[Place],
    labels: Sequence[Place],
    upstream: Sequence[str],
    what: str,
    forward: Callable[..., Any],
) -> Outputs:
    """Tell outputs from cache.

    Args:
        thing: the object that ran, None if there is none.
        returned: what forward returned.
        chosen: the outputs as GRADCHECK names them: by position, name in the return statement, key or attribute.
        labels: the names in the return statement, or positions.
        upstream: the arguments of backward that are gradients of outputs.
        what: for a sentence.
        forward: what ran.

    Raises:
        ForeignError: it returned nothing and kept no `output`, or something that is no array of numbers.
    """
    if chosen:
        arrays = tuple(as_output(_named(thing, returned, labels, one, what), what) for one in chosen)
        return Outputs(arrays, tuple(map(str, chosen)), returned)
    if isinstance(returned, tuple) and returned:
        gradients = _with_a_gradient(returned, labels, upstream)
        places = list(gradients.values()) or [0]
        rest = [value for place, value in enumerate(returned) if place not in places]
        # Of several others one is the cache by its name, or the last if it looks like one: an LSTM returns h, c, cache.
        named = [
            value for place, value in zip(labels, returned, strict=True) if "cache" in vocabulary.roles(str(place))
        ]
        is_last = rest and (len(rest) == 1 or isinstance(rest[-1], tuple | list | dict))
        cache = named[0] if named else rest[-1] if is_last else tuple(rest) or None
        names = tuple(str(labels[place]) for place in places)
        return Outputs(tuple(as_output(returned[place], what) for place in places), names, cache, tuple(gradients))
    if isinstance(returned, dict) and not any(type(key) is int for key in returned):
        held = {str(key): one for key, one in returned.items() if isinstance(one, np.ndarray) and one.dtype.kind == "f"}
        place = next(iter(_called_after(upstream, [*held]).values()), 0)
        y = [*held.values(), *object_arrays.arrays(returned).values(), returned][place]
        return Outputs((as_output(y, what),), ("y",), returned)
    if returned is None and thing is not None:
        stored = attributes_of_self(getattr(forward, "__func__", forward))[1]
        stored = [name for name in stored if isinstance(getattr(thing, name, None), np.ndarray)]
        likely = [name for name in vocabulary.OUTPUTS if name in stored or not stored]
        sounding = [name for name in stored if _OUTPUT.search(name)]
        kept = (getattr(thing, name, None) for name in (*likely, *reversed(sounding), *reversed(stored)))
        returned = next((value for value in kept if isinstance(value, np.ndarray | float | np.floating)), None)
    if returned is None:
        raise problem(f"{what} returns nothing and keeps no `output`")
    return Outputs((as_output(returned, what),), ("y",))


def _with_a_gradient(returned: tuple[Any, ...], labels: Sequence[Place], upstream: Sequence[str]) -> dict[str, int]:
    """The arguments of backward that are gradients, and the places of what is returned they are of; {} for one."""
    numbers = [i for i, value in enumerate(returned) if isinstance(value, np.ndarray) and value.dtype.kind == "f"]
    places = {name: numbers[i] for name, i in _called_after(upstream, [str(labels[i]) for i in numbers]).items()}
    if len(upstream) < 2 or len(numbers) < 2:
        return places
    for name in upstream:
        free = [i for i in numbers if i not in places.values()]
        if name not in places and free:
            places[name] = free[0]
    return {name: places[name] for name in upstream if name in places}


def _called_after(upstream: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
    """The arguments of backward that are called after outputs, dh after h, and the places of these."""
    ways: tuple[Callable[[str], str], ...] = (str.lower, vocabulary.family)  # first those that are called the very same
    called = [[vocabulary.bare(way(one)) for one in labels] for way in ways]
    places: dict[str, int] = {}
    for name in upstream:
        is_alone = len(upstream) == 1  # then it is that of the first, unless its very name says more
        stems = {vocabulary.bare(one) for one in vocabulary.gradient_of(name) if not is_alone or one in name.lower()}
        match = [i for names in called for i, one in enumerate(names) if i not in places.values() and one in stems]
        places |= {name: match[0]} if match else {}
    return places


def _named(thing: Any, returned: Any, labels: Sequence[Place], place: Place, what: str) -> Any:
    """The output of this position, name, key or attribute.

    Raises:
        ForeignError: there is none.
    """
    if isinstance(returned, dict) and place in returned:
        return returned[place]
    if isinstance(returned, tuple | list):
        index = labels.index(place) if place in labels else place
        if isinstance(index, int) and -len(returned) <= index < len(returned):
            return returned[index]
    elif place == 0:
        return returned
    if isinstance(place, str) and hasattr(thing, place):
        return getattr(thing, place)
    raise problem(f'{what} has no output {place!r}, as "outputs" in GRADCHECK says')


def as_output(value: Any, what: str) -> Array:
    """An array of floating-point numbers of its own.

    Raises:
        ForeignError: it is none.
    """
    if isinstance(value, dict) and value and all(type(key) is int for key in value):
        value = [value[key] for key in sorted(value) if key >= 0]  # by time steps; at -1 stands what it starts with
    try:
        y = np.asarray(value)
        if y.dtype == object:
            y = y.astype(np.float64)
        if y.dtype.kind not in "biufc":
            raise TypeError(y.dtype)
        y = y if y.dtype.kind == "c" else y.astype(np.result_type(y, np.float32), copy=True)
    except (TypeError, ValueError) as error:
        raise problem(f"{what} returns {type(value).__name__}, not an array of numbers") from error
    return np.array(y)
