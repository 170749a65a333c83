"""What forward takes out of an array, or puts into a larger one, is elsewhere on the way back.

Windows that lie some steps apart are put back, or taken again, one beside the other; a frame is cut off unevenly.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mlp.check.diagnosis.way_back.arrays import sources, with_arrays
from mlp.check.diagnosis.way_back.steps import pulled
from mlp.check.diagnosis.way_back.ways import Way, Wrong
from mlp.check.tape.operations import of_index
from mlp.check.tape.tape import Change, Tape
from mlp.nn.arrays import Array

WINDOWS = "windows elsewhere"
_MOST_BOXES = 50


def without_stride(tape: Tape, every: Sequence[Way]) -> Iterator[Wrong]:
    """The stride is forgotten along one axis or all: where windows go back to, or where they are taken again."""
    users = [(way, taken) for way in every if (taken := _windows_used(tape, way))]
    for way in every:
        whole = tape.nodes[way.edges[0].parent]
        for words, indices in _otherwise_apart([np.asarray(edge.source) for edge in way.edges], whole.value.shape):
            pulls = (of_index(0, 0, index, whole.value.shape).pull for index in indices)
            rules = {(number, way.operand): pulled(pull) for number, pull in zip(way.numbers, pulls, strict=True)}
            yield Wrong(WINDOWS, f"what goes back {way.words} is put {words}", Change(rules))
            entries = np.append(0.0, whole.value)
            for user, taken in users:
                if [number for number, _ in taken] == list(way.numbers):
                    used = [np.append(0.0, entries[index])[own] for index, (_, own) in zip(indices, taken, strict=True)]
                    told = f"{way.site.text} is taken again {words}, for the way back {user.words}"
                    yield Wrong(WINDOWS, told, with_arrays(user, used))


def _windows_used(tape: Tape, way: Way) -> list[tuple[int, Array]]:
    """The node of the window that each derivative is computed from, and which of its entries; none if it has none."""
    found = []
    for source in sources(tape, way) if all(edge.with_used for edge in way.edges) else ():
        number, index = source, np.arange(1, tape.nodes[source].value.size + 1).reshape(tape.nodes[source].value.shape)
        while number >= 0 and tape.nodes[number].site.operation != "selection":
            edges = (*tape.nodes[number].edges, *tape.nodes[number].idle)
            if len(edges) != 1 or edges[0].source is None:
                return []
            number, index = edges[0].parent, np.append(0, edges[0].source)[index]
        found.append((number, index))
    return found if all(number >= 0 for number, _ in found) else []


def _otherwise_apart(indices: Sequence[Array], shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """The same windows one entry apart, or as far apart as they are long, along an axis of the whole or several."""
    if not shape or any(index.ndim == 0 or index.shape != indices[0].shape for index in indices):
        return
    taken = np.stack(indices)
    places = list(np.unravel_index(np.maximum(taken - 1, 0), shape))
    for distance, words in (
        (lambda _: 1, "one entry apart along axis {}, without the stride or dilation of forward"),
        (_longest, "as far apart as they are long along axis {}, with the size where the stride should be"),
    ):
        moved = {axis: _apart(place, distance) for axis, place in enumerate(places)}
        others = [axis for axis, place in moved.items() if np.any(place != places[axis])]
        for axes in dict.fromkeys((tuple(others), *((axis,) for axis in others))) if others else ():
            some = [moved[axis] if axis in axes else place for axis, place in enumerate(places)]
            is_inside = np.all([one < size for one, size in zip(some, shape, strict=True)], axis=0)
            index = np.ravel_multi_index(some, shape, mode="clip") + 1
            yield words.format(" and ".join(map(str, axes))), np.where((taken > 0) & is_inside, index, 0)


def _longest(places: Array) -> int:
    """How many places along one axis of the whole a window takes, of those that start at different ones."""
    return int(np.max(np.ptp(places.reshape(len(places), -1), axis=1))) + 1


def _apart(places: Array, distance: Callable[[Array], int]) -> Array:
    """Places along one axis of the whole, by time and by the axes of a window, with another distance."""
    for axis, size in enumerate(places.shape):
        by_window = np.moveaxis(places, axis, 0)
        start = by_window.reshape(size, -1)[:, 0]
        steps = start - start.min()
        apart = int(np.gcd.reduce(steps))
        if apart:
            moved = steps // apart * distance(by_window)
            if np.array_equal(moved, steps):  # of several windows and within one it is the one that is changed
                continue
            return places - np.expand_dims(steps - moved, [k for k in range(places.ndim) if k != axis])
    return places


def cut_elsewhere(tape: Tape, way: Way) -> Iterator[Wrong]:
    """A box in a larger array, as of what was padded or is cropped, is taken from another place in it."""
    source, inner = way.edges[0].source, tape.nodes[way.edges[0].parent].value.shape
    if len(way.numbers) > 1 or source is None or len(inner) != source.ndim:
        return
    is_padded = source.size > int(np.prod(inner))
    small, large = (inner, source.shape) if is_padded else (source.shape, inner)
    free = [range(whole - part + 1) for part, whole in zip(small, large, strict=True)]
    if not all(free) or np.prod([len(some) for some in free]) > _MOST_BOXES:
        return
    boxes = {start: _box(start, small, large, is_padded) for start in itertools.product(*free)}
    own = next((start for start, box in boxes.items() if np.array_equal(box, source)), None)
    for start, box in boxes.items() if own else ():
        if start != own:
            words = f"what goes back {way.words} is cut out from {list(start)} on, and not from {list(own or ())} on"
            yield Wrong(WINDOWS, words, way.ruled(pulled(of_index(0, 0, box, inner).pull)))


def _box(start: Sequence[int], small: Sequence[int], large: Sequence[int], is_padded: bool) -> Array:
    """Which entries of the one are taken for the other: of a large array by a box in it, or of a box by the large."""
    place = tuple(slice(one, one + size) for one, size in zip(start, small, strict=True))
    if not is_padded:
        return np.arange(1, int(np.prod(large)) + 1).reshape(large)[place]
    index = np.zeros(large, dtype=int)
    index[place] = np.arange(1, int(np.prod(small)) + 1).reshape(small)
    return index
