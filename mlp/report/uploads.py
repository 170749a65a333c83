"""Gradients that were computed elsewhere, read from files that nobody vouches for: nothing is run, little is believed.

NPZ files are read member by member: sizes are checked in the zip's directory and in the array's header before any array
is made, and pickled objects are refused. CSV files are text, either one row for each entry (tensor, i, j, gradient) or
one plain matrix for each tensor.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from math import prod
from pathlib import PurePath

import numpy as np

from mlp.nn.arrays import Array

MAX_BYTES = 16_000_000
MAX_ARRAYS = 500
MAX_CELLS = 2_000_000  # as Python objects each takes some sixty bytes
_VALUES = ("gradient", "analytical")
_DELIMITERS = (",", ";", "\t")


class UploadError(ValueError):
    """A file that cannot be used; the message is a sentence that says why."""


def read_files(files: Mapping[str, bytes]) -> dict[str, Array]:
    """Read every uploaded file.

    Args:
        files: content by file name; .npz or .csv.

    Returns:
        Finite float64 arrays by the names they have in the files; a plain matrix is named as its file.

    Raises:
        UploadError: a file is malformed, too large, or no such file at all; or a name comes twice.
    """
    if not files:
        raise UploadError("There is no file.")
    arrays: dict[str, Array] = {}
    for file, content in files.items():
        if len(content) > MAX_BYTES:
            raise UploadError(f"{file} has {len(content):,} bytes; the limit is {MAX_BYTES:,}.")
        for name, array in _reader(file)(file, content).items():
            if name in arrays:
                raise UploadError(f"{name} comes twice, the second time in {file}.")
            arrays[name] = _finite(file, name, array)
    return arrays


def _reader(file: str) -> Callable[[str, bytes], dict[str, Array]]:
    suffix = PurePath(file).suffix.lower()
    if suffix not in _READERS:
        raise UploadError(f"{file} is neither an .npz nor a .csv file.")
    return _READERS[suffix]


def read_npz(file: str, content: bytes) -> dict[str, Array]:
    """The arrays of an NPZ file by name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if len(members) > MAX_ARRAYS:
                raise UploadError(f"{file} holds {len(members):,} arrays; the limit is {MAX_ARRAYS:,}.")
            if total > MAX_BYTES:
                raise UploadError(f"{file} unpacks to {total:,} bytes; the limit is {MAX_BYTES:,}.")
            return {
                member.filename.removesuffix(".npy"): _read_member(file, member.filename, archive.read(member))
                for member in members
            }
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise UploadError(f"{file} is not a readable NPZ file ({error}).") from error


def _read_member(file: str, name: str, content: bytes) -> Array:
    """One array, whose header must announce exactly the bytes that are there."""
    try:
        stream = io.BytesIO(content)
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
    except (ValueError, SyntaxError) as error:
        raise UploadError(f"{name} in {file} is not a numpy array.") from error
    if dtype.hasobject:
        raise UploadError(
            f"{name.removesuffix('.npy')} in {file} holds pickled Python objects, which are never loaded, since that "
            "would run code. Save plain arrays of numbers."
        )
    if prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise UploadError(f"{name} in {file} announces shape {shape}, but its data has another size.")
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))


def read_csv(file: str, content: bytes) -> dict[str, Array]:
    """The arrays of a CSV file: of all its tensors, or the one matrix that it is."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UploadError(f"{file} is not text in UTF-8, so it is no CSV file.") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise UploadError(f"{file} is empty.")
    delimiter = max(_DELIMITERS, key=lines[0].count)
    cells = text.count(delimiter) + len(lines)
    if cells > MAX_CELLS:
        raise UploadError(f"{file} has {cells:,} cells; the limit is {MAX_CELLS:,}.")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise UploadError(f"{file} is not a readable CSV file ({error}).") from error
    header = [cell.lower() for cell in rows[0]]
    if "tensor" in header:
        return _long(file, header, rows[1:], delimiter)
    return {PurePath(file).stem: _matrix(file, rows, delimiter)}


def _matrix(file: str, rows: list[list[str]], delimiter: str) -> Array:
    first = 1 if len(rows) > 1 and not any(_is_number(cell, delimiter) for cell in rows[0]) else 0
    for number, row in enumerate(rows[first:], start=first + 1):
        if len(row) != len(rows[first]):
            raise UploadError(f"{file}: row {number} has {len(row)} cells, the row before has {len(rows[first])}.")
    cells = [
        [_number(file, f"row {i}, column {j}", cell, delimiter) for j, cell in enumerate(row, start=1)]
        for i, row in enumerate(rows[first:], start=first + 1)
    ]
    return np.array(cells)


def _long(file: str, header: list[str], rows: list[list[str]], delimiter: str) -> dict[str, Array]:
    value = next((name for name in _VALUES if name in header), "")
    lacking = [name for name in ("i", "j") if name not in header] + ([] if value else [" or ".join(_VALUES)])
    if lacking:
        raise UploadError(f"{file} has no column {lacking[0]}; it needs tensor, i, j and {' or '.join(_VALUES)}.")
    at = {name: header.index(name) for name in ("tensor", "i", "j", value)}
    entries: dict[str, dict[tuple[int, ...], float]] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) < max(at.values()) + 1:
            raise UploadError(f"{file}: row {number} has {len(row)} cells, the header has {len(header)}.")
        index = tuple(_index(file, number, row[at[axis]]) for axis in ("i", "j") if row[at[axis]])
        tensor = entries.setdefault(row[at["tensor"]], {})
        if index in tensor:
            raise UploadError(f"{file}: row {number} gives entry {list(index)} of {row[at['tensor']]} a second time.")
        tensor[index] = _number(file, f"row {number}", row[at[value]], delimiter)
    return {name: _assembled(file, name, tensor) for name, tensor in entries.items()}


def _assembled(file: str, name: str, entries: dict[tuple[int, ...], float]) -> Array:
    if len({len(index) for index in entries}) > 1:
        raise UploadError(f"{file}: some entries of {name} have a column index j and some have none.")
    shape = tuple(max(indices) + 1 for indices in zip(*entries, strict=True))
    if prod(shape) != len(entries):
        # Of the first len + 1 places one must be free; no more are looked at, for shape is whatever the file says.
        places = (_place(flat, shape) for flat in range(len(entries) + 1))
        raise UploadError(f"{file}: {name} has no entry {list(next(one for one in places if one not in entries))}.")
    array = np.empty(shape)
    for index, number in entries.items():
        array[index] = number
    return array


def _place(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of the entry that comes at this place in row order."""
    return (flat,) if len(shape) == 1 else divmod(flat, shape[1])


def _index(file: str, row: int, cell: str) -> int:
    if not cell.isascii() or not cell.isdigit() or len(cell) > 9:
        raise UploadError(f"{file}: row {row} has the index {cell[:20]!r}; indices are whole numbers from 0.")
    return int(cell)


def _number(file: str, place: str, cell: str, delimiter: str) -> float:
    if not _is_number(cell, delimiter):
        raise UploadError(f"{file}: {place} holds {cell[:20]!r}, which is no number.")
    return float(_with_point(cell, delimiter))


def _is_number(cell: str, delimiter: str) -> bool:
    try:
        float(_with_point(cell, delimiter))
    except ValueError:
        return False
    return True


def _with_point(cell: str, delimiter: str) -> str:
    """Where cells are not separated by commas, a comma is a decimal point, as some spreadsheets write it."""
    return cell if delimiter == "," else cell.replace(",", ".")


def _finite(file: str, name: str, array: Array) -> Array:
    """The array as float64, if it holds finite real numbers."""
    if array.dtype.kind not in "fiu":
        raise UploadError(f"{name} in {file} holds {array.dtype}, not real numbers.")
    if array.size == 0:
        raise UploadError(f"{name} in {file} is empty.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        index = [int(i) for i in bad[0]]
        raise UploadError(f"{name} in {file} is {array[tuple(index)]} at {index}; every gradient must be finite.")
    return array.astype(np.float64)


_READERS = {".npz": read_npz, ".csv": read_csv}
