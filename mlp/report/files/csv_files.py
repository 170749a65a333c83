"""A CSV file of gradients: one row for each entry (tensor, i, j, ..., gradient, and whatever else), or one matrix."""

import csv
import io
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import isinf, prod
from pathlib import PurePath

import numpy as np

from mlp.check.entries import AXES
from mlp.nn.arrays import Array
from mlp.report.files import MAX_ARRAYS, MAX_NUMBERS, UploadError, brief

MAX_CELLS = 6_000_000
MAX_ROW = 1_000_000  # cells, of which each becomes an object
_VALUES = ("gradient", "analytical")
_NONE = -1

Rows = Iterator[tuple[int, list[str]]]
"""The rows that hold something, each with its number in the file, which counts all lines as an editor does."""


def read_csv(file: str, content: bytes) -> dict[str, Array]:
    """The arrays of a CSV file: of all its tensors, or the one matrix that it is."""
    rows, delimiter = csv_rows(file, content, comment="#")
    number, first = next(rows)
    numbers = Numbers(brief(file), delimiter)
    if "tensor" in map(str.lower, first):
        return _read_long([cell.lower() for cell in first], rows, numbers)
    return {PurePath(file).stem: _matrix(chain([(number, first)], rows), numbers)}


def csv_rows(file: str, content: bytes, comment: str = "") -> tuple[Rows, str]:
    """The rows that are not blank, at least one, and the delimiter, which the first of them shows.

    Args:
        file: its name.
        content: its bytes.
        comment: what a line begins with that is left out; "" for nothing.

    Raises:
        UploadError: it is too large, empty, no text or no CSV; some of it only while the rows are taken.
    """
    cells = _count(content)
    if cells > MAX_CELLS:
        raise UploadError(f"{brief(file)} has {cells:,} cells; the limit is {MAX_CELLS:,}.")
    lines = _lines(file, content, comment)
    before: list[str] = []
    for line in lines:
        before.append(line)
        if line:
            break
    if not before or not before[-1]:
        raise UploadError(f"{brief(file)} is empty.")
    # Beside a tab or a semicolon, a comma is a decimal point.
    delimiter = next((mark for mark in "\t;" if mark in before[-1]), ",")
    return _rows(file, chain(before, lines), delimiter), delimiter


def _count(content: bytes) -> int:
    """About how many cells there are, before any is made."""
    lines = max(content.count(b"\n"), content.count(b"\r")) + (not content.endswith((b"\n", b"\r")))
    return lines + max(map(content.count, (b",", b";", b"\t")))


def _lines(file: str, content: bytes, comment: str) -> Iterator[str]:
    """The lines, those empty that are blank or a comment; UploadError if one has too many cells to be taken apart."""
    try:
        for line in io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline=""):
            if max(map(line.count, ",;\t")) >= MAX_ROW:
                raise UploadError(f"{brief(file)} has a row of more than {MAX_ROW:,} cells, which is the limit.")
            words = line.strip()
            yield line if words and not (comment and words.startswith(comment)) else ""
    except UnicodeDecodeError as error:
        raise UploadError(f"{brief(file)} is not text in UTF-8, so it is no CSV file.") from error


def _rows(file: str, lines: Iterable[str], delimiter: str) -> Rows:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for row in reader:
            if row:
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise UploadError(f"{brief(file)} is not a readable CSV file ({error}).") from error


@dataclass
class Numbers:
    """Reads the numbers of one file, which have one decimal mark.

    Where the delimiter is no comma, that may be a comma, as some spreadsheets write it. Both in one file would be
    thousands in one of them, and nobody knows in which.
    """

    file: str
    delimiter: str
    marks: set[str] = field(default_factory=set)

    def read(self, place: str, cell: str) -> float:
        """The number in a cell; UploadError if it holds none."""
        if not is_number(cell, self.delimiter):
            raise UploadError(f"{self.file}: {place} holds {brief(cell[:20])!r}, which is no number.")
        self.marks.update(mark for mark in ",." if mark in cell)
        if len(self.marks) > 1:
            raise UploadError(
                f"{self.file}: {place} holds {cell[:20]!r}, but the numbers before it have the other decimal mark; "
                "write all with the same, and none for thousands."
            )
        number = float(cell.replace(",", "."))
        if isinf(number) and any(map(str.isdigit, cell)):
            raise UploadError(f"{self.file}: {place} holds {cell[:20]!r}, which is too large for float64.")
        return number


def is_number(cell: str, delimiter: str) -> bool:
    """Whether a cell holds a number in ASCII, without the underscores that Python allows."""
    try:
        float(cell if delimiter == "," else cell.replace(",", "."))
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell


def _matrix(rows: Rows, numbers: Numbers) -> Array:
    values, width, height = array("d"), 0, 0
    header: tuple[int, list[str]] | None = None
    for place, row in rows:
        if width == 0 and header is None and not any(is_number(cell, numbers.delimiter) for cell in row):
            header = place, row
            width = len(row)
            continue
        if width and len(row) != width:
            raise UploadError(f"{numbers.file}: row {place} has {counted(row)}, the row before has {width:,}.")
        if len(values) + len(row) > MAX_NUMBERS:
            raise UploadError(f"{numbers.file} holds more than {MAX_NUMBERS:,} numbers, which is the limit.")
        width, height = len(row), height + 1
        values.extend(numbers.read(f"row {place}, column {j}", cell) for j, cell in enumerate(row, start=1))
    if header is not None and not height:  # one row of words is no header, but a matrix of no numbers
        numbers.read(f"row {header[0]}, column 1", header[1][0])
    return np.array(values).reshape(height, width)


def counted(row: list[str]) -> str:
    """How many cells a row has, in words."""
    return "1 cell" if len(row) == 1 else f"{len(row):,} cells"


@dataclass
class _Entries:
    """The entries of one tensor as they come, with _NONE for an index that is empty.

    Plain numbers, for there may be many.
    """

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    indices: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))


def _read_long(header: list[str], rows: Rows, numbers: Numbers) -> dict[str, Array]:
    """The tensors of the file by name; UploadError if a column or an entry is missing, comes twice, or is no number."""
    file = numbers.file
    value = next((name for name in _VALUES if name in header), "")
    lacking = [name for name in ("i", "j") if name not in header] + ([] if value else [" or ".join(_VALUES)])
    if lacking:
        raise UploadError(f"{file} has no column {lacking[0]}; it needs tensor, i, j and {' or '.join(_VALUES)}.")
    again = next((name for name in ("tensor", value, *AXES) if header.count(name) > 1), "")
    if again:
        raise UploadError(f"{file} has two columns {again}; leave one out.")
    axes = [header.index(name) for name in AXES if name in header]
    tensor, gradient = header.index("tensor"), header.index(value)
    tensors: dict[str, _Entries] = {}
    for place, row in rows:
        if len(row) != len(header):
            raise UploadError(
                f"{file}: row {place} has {counted(row)}, the header has {len(header):,}. If commas are decimal "
                "points, part the cells with semicolons."
            )
        if not row[tensor]:
            raise UploadError(f"{file}: row {place} names no tensor.")
        entries = tensors.setdefault(row[tensor], _Entries())
        if len(tensors) > MAX_ARRAYS:
            raise UploadError(f"{file} holds more than {MAX_ARRAYS:,} tensors, which is the limit.")
        entries.rows.append(place)
        entries.indices.extend(_index(file, place, row[axis]) if row[axis] else _NONE for axis in axes)
        entries.values.append(numbers.read(f"row {place}", row[gradient]))
    if not tensors:
        raise UploadError(f"{file} has a header and no entry.")
    return {name: _assembled(file, brief(name), entries, len(axes)) for name, entries in tensors.items()}


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
        raise UploadError(f"{file}: row {row} has the index {brief(cell[:20])!r}; indices are whole numbers from 0.")
    return int(cell)
