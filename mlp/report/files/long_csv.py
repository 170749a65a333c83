"""A CSV with one row for each entry of a gradient: tensor, i, j, gradient, and whatever else there may be."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mlp.nn.arrays import Array
from mlp.report.files.cells import UploadError, index, number

_VALUES = ("gradient", "analytical")
_NONE = -1


@dataclass
class _Entries:
    """The entries of one tensor as they come; j is _NONE in a vector. Plain numbers, for there may be many."""

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    i: "array[int]" = field(default_factory=lambda: array("q"))
    j: "array[int]" = field(default_factory=lambda: array("q"))
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
    tensor, i, j, gradient = (header.index(name) for name in ("tensor", "i", "j", value))
    tensors: dict[str, _Entries] = {}
    for place, row in enumerate(rows, start=2):
        if len(row) <= max(tensor, i, j, gradient):
            raise UploadError(f"{file}: row {place} has {len(row)} cells, the header has {len(header)}.")
        entries = tensors.setdefault(row[tensor], _Entries())
        entries.rows.append(place)
        entries.i.append(index(file, place, row[i]) if row[i] else 0)
        entries.j.append(index(file, place, row[j]) if row[j] else _NONE)
        entries.values.append(number(file, f"row {place}", row[gradient], delimiter))
    return {name: _assembled(file, name, entries) for name, entries in tensors.items()}


def _assembled(file: str, name: str, entries: _Entries) -> Array:
    i, j = np.array(entries.i), np.array(entries.j)
    is_vector = j[0] == _NONE
    if np.any((j == _NONE) != is_vector):
        raise UploadError(f"{file}: some entries of {name} have a column index j and some have none.")
    shape: tuple[int, ...] = (int(i.max()) + 1,) if is_vector else (int(i.max()) + 1, int(j.max()) + 1)
    # Indices have nine digits at most, so their places fit into 64 bits, whatever shape the file claims.
    places = i if is_vector else i * shape[1] + j
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    again = order[1:][ordered[1:] == ordered[:-1]]
    if again.size:
        k = int(again.min())
        entry = _entry(int(places[k]), shape)
        raise UploadError(f"{file}: row {entries.rows[k]} gives entry {entry} of {name} a second time.")
    gaps = np.flatnonzero(ordered != np.arange(len(ordered)))
    if gaps.size or np.prod(shape, dtype=object) != len(ordered):
        first = int(gaps[0]) if gaps.size else len(ordered)
        raise UploadError(f"{file}: {name} has no entry {_entry(first, shape)}.")
    return np.array(entries.values)[order].reshape(shape)


def _entry(place: int, shape: tuple[int, ...]) -> list[int]:
    """The index of the entry that comes at this place in row order."""
    return [place] if len(shape) == 1 else list(divmod(place, shape[1]))
