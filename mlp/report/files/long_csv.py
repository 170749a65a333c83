"""A CSV with one row for each entry of a gradient: tensor, i, j, ..., gradient, and whatever else there may be."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from mlp.check.entries import AXES
from mlp.nn.arrays import Array
from mlp.report.files.cells import UploadError, index, number

_VALUES = ("gradient", "analytical")
_NONE = -1


@dataclass
class _Entries:
    """The entries of one tensor as they come, with _NONE for an index that is empty.

    Plain numbers, for there may be many.
    """

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    indices: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))


def read_long(file: str, header: list[str], rows: Iterable[list[str]], delimiter: str) -> dict[str, Array]:
    """The tensors of the file by name.

    Args:
        file: its name, for messages.
        header: the names of its columns, in lower case.
        rows: the rows below the header.
        delimiter: what parts the cells.

    Raises:
        UploadError: a column or an entry is missing, comes twice, or is no number.
    """
    value = next((name for name in _VALUES if name in header), "")
    lacking = [name for name in ("i", "j") if name not in header] + ([] if value else [" or ".join(_VALUES)])
    if lacking:
        raise UploadError(f"{file} has no column {lacking[0]}; it needs tensor, i, j and {' or '.join(_VALUES)}.")
    axes = [header.index(name) for name in AXES if name in header]
    tensor, gradient = header.index("tensor"), header.index(value)
    tensors: dict[str, _Entries] = {}
    for place, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise UploadError(
                f"{file}: row {place} has {len(row)} cells, the header has {len(header)}. If commas are decimal "
                "points, part the cells with semicolons."
            )
        entries = tensors.setdefault(row[tensor], _Entries())
        entries.rows.append(place)
        entries.indices.extend(index(file, place, row[axis]) if row[axis] else _NONE for axis in axes)
        entries.values.append(number(file, f"row {place}", row[gradient], delimiter))
    return {name: _assembled(file, name, entries, len(axes)) for name, entries in tensors.items()}


def _assembled(file: str, name: str, entries: _Entries, axes: int) -> Array:
    table = np.array(entries.indices).reshape(-1, axes)
    present = table != _NONE
    rank = int(present[0].sum())
    if not np.all(present == (np.arange(axes) < rank)):
        raise UploadError(f"{file}: some entries of {name} have indices that others lack.")
    indices = table[:, :rank]
    order = np.lexsort(indices.T[::-1]) if rank else np.arange(len(table))
    ordered = indices[order]
    again = order[1:][np.all(ordered[1:] == ordered[:-1], axis=1)]
    if again.size:
        k = int(again.min())
        raise UploadError(f"{file}: row {entries.rows[k]} gives entry {indices[k].tolist()} of {name} a second time.")
    shape = tuple(int(size) for size in indices.max(axis=0) + 1)
    # In row order the last index runs fastest. A file may claim 10^9 in each axis, so strides are cut to what fits.
    wanted = np.zeros((len(table) + 1, rank), dtype=np.int64)
    for k in range(rank):
        wanted[:, k] = np.arange(len(table) + 1) // min(prod(shape[k + 1 :]), 2**62) % shape[k]
    gaps = np.flatnonzero(np.any(ordered != wanted[:-1], axis=1))
    if gaps.size or prod(shape) != len(table):
        first = int(gaps[0]) if gaps.size else len(table)
        raise UploadError(f"{file}: {name} has no entry {wanted[first].tolist()}.")
    return np.array(entries.values)[order].reshape(shape)
