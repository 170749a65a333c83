"""A CSV file of gradients: one row for each entry (tensor, i, j, ..., gradient, and whatever else), or one matrix."""

import csv
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from pathlib import PurePath

import numpy as np

from mlp.check.entries import AXES
from mlp.nn.arrays import Array
from mlp.report.files import UploadError

MAX_CELLS = 6_000_000
_VALUES = ("gradient", "analytical")
_NONE = -1


def read_csv(file: str, content: bytes) -> dict[str, Array]:
    """The arrays of a CSV file: of all its tensors, or the one matrix that it is."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UploadError(f"{file} is not text in UTF-8, so it is no CSV file.") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise UploadError(f"{file} is empty.")
    # Beside a tab or a semicolon, a comma is a decimal point.
    delimiter = next((mark for mark in "\t;" if mark in lines[0]), ",")
    cells = text.count(delimiter) + len(lines)
    if cells > MAX_CELLS:
        raise UploadError(f"{file} has {cells:,} cells; the limit is {MAX_CELLS:,}.")
    try:
        rows = ([cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter))
        first = next(rows)
        if "tensor" in map(str.lower, first):
            return _read_long(file, [cell.lower() for cell in first], rows, delimiter)
        return {PurePath(file).stem: _matrix(file, [first, *rows], delimiter)}
    except csv.Error as error:
        raise UploadError(f"{file} is not a readable CSV file ({error}).") from error


def _matrix(file: str, rows: list[list[str]], delimiter: str) -> Array:
    first = 1 if len(rows) > 1 and not any(_is_number(cell, delimiter) for cell in rows[0]) else 0
    for place, row in enumerate(rows[first:], start=first + 1):
        if len(row) != len(rows[first]):
            raise UploadError(f"{file}: row {place} has {len(row)} cells, the row before has {len(rows[first])}.")
    return np.array(
        [
            [_number(file, f"row {i}, column {j}", cell, delimiter) for j, cell in enumerate(row, start=1)]
            for i, row in enumerate(rows[first:], start=first + 1)
        ]
    )


@dataclass
class _Entries:
    """The entries of one tensor as they come, with _NONE for an index that is empty.

    Plain numbers, for there may be many.
    """

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    indices: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))


def _read_long(file: str, header: list[str], rows: Iterable[list[str]], delimiter: str) -> dict[str, Array]:
    """The tensors of the file by name; UploadError if a column or an entry is missing, comes twice, or is no number."""
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
        entries.indices.extend(_index(file, place, row[axis]) if row[axis] else _NONE for axis in axes)
        entries.values.append(_number(file, f"row {place}", row[gradient], delimiter))
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
    if prod(shape) != len(table):  # none comes twice, so one is lacking
        raise UploadError(f"{file}: {name} has no entry {_first_gap(ordered, shape)}.")
    return np.array(entries.values)[order].reshape(shape)


def _first_gap(ordered: Array, shape: tuple[int, ...]) -> list[int]:
    """The first index that is lacking among indices in row order, where the last one runs fastest."""
    count = np.arange(len(ordered) + 1)
    # A file may claim 10^9 in each axis: a stride beyond what is counted is cut, so that it fits.
    strides = (min(prod(shape[k + 1 :]), count.size) for k in range(len(shape)))
    wanted = np.stack([count // stride % size for stride, size in zip(strides, shape, strict=True)], axis=1)
    differs = np.any(ordered != wanted[:-1], axis=1)
    first: list[int] = wanted[differs.argmax() if differs.any() else -1].tolist()
    return first


def _index(file: str, row: int, cell: str) -> int:
    """The index in a cell; UploadError if it holds no whole number from 0."""
    if not cell.isascii() or not cell.isdigit() or len(cell) > 9:
        raise UploadError(f"{file}: row {row} has the index {cell[:20]!r}; indices are whole numbers from 0.")
    return int(cell)


def _number(file: str, place: str, cell: str, delimiter: str) -> float:
    """The number in a cell; UploadError if it holds none.

    Where the delimiter is no comma, a comma is a decimal point, as some spreadsheets write it.
    """
    try:
        return float(cell if delimiter == "," else cell.replace(",", "."))
    except ValueError:
        raise UploadError(f"{file}: {place} holds {cell[:20]!r}, which is no number.") from None


def _is_number(cell: str, delimiter: str) -> bool:
    """Whether a cell holds a number."""
    try:
        _number("", "", cell, delimiter)
    except UploadError:
        return False
    return True
