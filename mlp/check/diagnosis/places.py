"""Gradients whose numbers are right but stand in the wrong places, or are wrong in a few places only."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mlp.check.diagnosis.hypotheses import Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.nn.arrays import Array

_MOST_ROWS = 512
_NEARLY = 0.9


def permuted(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Rows or columns matched one by one to the nearest ones of the right gradient."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape:
        return
    words = {1: ("entries",), 2: ("rows", "columns")}
    for axis, word in enumerate(words.get(right.ndim, [f"slices along axis {axis}" for axis in range(right.ndim)])):
        order = _matching(np.moveaxis(said, axis, 0), np.moveaxis(right, axis, 0))
        if order is not None:
            yield Prediction(
                np.take(right, order, axis=axis), f"the {word} come in the order {_brief(order)}", 1, (axis, *order)
            )


def _matching(said: Array, right: Array) -> list[int] | None:
    """For each row of `said` the nearest of `right`, if that is a permutation and not the trivial one."""
    said, right = said.reshape(len(said), -1), right.reshape(len(right), -1)
    if len(right) > _MOST_ROWS:
        return None
    order: list[int] = []
    for row in said:
        distance = np.sum(np.square(right - row), axis=1)
        distance[order] = np.inf  # each row once: several can be equal, such as rows of zeros
        order.append(int(np.argmin(distance)))
    return order if order != sorted(order) else None


def _brief(order: list[int]) -> str:
    return str(order) if len(order) <= 8 else f"{str(order[:6])[:-1]}, ...]"


def zero_in_part(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Everything is right but one entry, row or column, which is zero."""
    said, right = case.said[tensor], case.right(tensor)
    wrong = _wrong(case, tensor)
    place, values = place_of(np.argwhere(wrong), right.shape, right != 0) if np.any(wrong) else ("", ())
    if place and not np.any(said[wrong]):
        yield Prediction(np.where(wrong, 0.0, right), f"{place}, which stayed zero", int(np.sum(wrong)), values)


def wrong_in_part(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Everything is right but one entry, in which the number is any."""
    said, right = case.said[tensor], case.right(tensor)
    wrong = _wrong(case, tensor)
    if np.sum(wrong) == 1:
        index = [int(i) for i in np.argwhere(wrong)[0]]
        words = f"entry {index}, {said[wrong][0]:.4g} instead of {right[wrong][0]:.4g}"
        yield Prediction(np.where(wrong, np.nan_to_num(said), right), words, 1, tuple(index))


def _wrong(case: IsolatedLayer, tensor: str) -> NDArray[np.bool_]:
    """Which entries are wrong; none if it has another shape, or only one."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or said.size < 2:
        return np.zeros(0, dtype=bool)
    return np.asarray(~(np.abs(said - right) <= case.report[tensor].error_bar))


def place_of(where: Array, shape: tuple[int, ...], active: Array | None = None) -> tuple[str, tuple[float, ...]]:
    """What to call wrong entries, with the numbers in the name; "" if they are no lines of the tensor.

    Args:
        where: the indices of the wrong entries, one a row.
        shape: the tensor's.
        active: the entries that could be wrong at all; None for all.
    """
    active = np.ones(shape, dtype=bool) if active is None else active
    if len(where) == 1:
        index = [int(i) for i in where[0]]
        return f"entry {index}", tuple(index)
    words = {1: ("place",), 2: ("row", "column")}.get(len(shape))
    for axis in range(len(shape)):
        lines = [int(i) for i in np.unique(where[:, axis])]
        if 2 * len(lines) <= shape[axis] and _fill(where, np.take(active, lines, axis=axis)):
            few = f" {lines[0]}" if len(lines) == 1 else f"s {_brief(lines)}"
            return f"{words[axis]}{few}" if words else f"slice{few} along axis {axis}", (axis, *lines)
        right = [k for k in range(shape[axis]) if k not in lines]
        if right and 2 * len(right) <= shape[axis] and _fill(where, np.take(active, lines, axis=axis)):
            few = f" {right[0]}" if len(right) == 1 else f"s {_brief(right)}"
            name = f"{words[axis]}{few}" if words else f"slice{few} along axis {axis}"
            return f"everything but {name}", (axis, *right)
    return "", ()


def _fill(where: Array, active: Array) -> bool:
    """Whether nearly all of the entries that could be wrong are."""
    return len(where) >= _NEARLY * int(np.sum(active))
