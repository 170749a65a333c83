"""Gradients that were computed elsewhere, read from files that nobody vouches for: nothing is run, little is believed.

NPZ files are read member by member: sizes are checked in the zip's directory and in the array's header before any array
is made, and pickled objects are refused. CSV files are text, either one row for each entry (tensor, i, j, gradient) or
one plain matrix for each tensor.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from math import prod
from pathlib import PurePath

import numpy as np

from mlp.nn.arrays import Array
from mlp.report.files import MAX_ARRAYS, MAX_NUMBERS, UploadError, brief
from mlp.report.files.csv_files import read_csv

MAX_BYTES = 64_000_000  # our own CSV of half a million gradients has sixty
MAX_UNPACKED = 8 * MAX_NUMBERS
# Stands before each name in a zip's directory.
_ENTRY = b"PK\x01\x02"


def read_files(files: Mapping[str, bytes]) -> dict[str, Array]:
    """Read every uploaded file.

    Args:
        files: content by file name; .npz or .csv.

    Returns:
        Finite float64 arrays by the names they have in the files; a plain matrix is named as its file.

    Raises:
        UploadError: a file is malformed, too large, or no such file at all; or a name comes twice. The sentence has at
            most 200 characters, all printable, whatever the file holds.
    """
    if not files:
        raise UploadError("There is no file.")
    arrays: dict[str, Array] = {}
    for file, content in files.items():
        if len(content) > MAX_BYTES:
            raise UploadError(f"{brief(file)} has {len(content):,} bytes; the limit is {MAX_BYTES:,}.")
        for name, array in _reader(file)(file, content).items():
            if name in arrays:
                raise UploadError(
                    f"{brief(name)} comes twice, the second time in {brief(file)}. Take one of the files out."
                )
            arrays[name] = _finite(f"{brief(name)} in {brief(file)}", array)
    return arrays


def _reader(file: str) -> Callable[[str, bytes], dict[str, Array]]:
    suffix = PurePath(file).suffix.lower()
    if suffix not in _READERS:
        raise UploadError(f"{brief(file)} is neither an .npz nor a .csv file.")
    return _READERS[suffix]


def read_npz(file: str, content: bytes) -> dict[str, Array]:
    """The arrays of an NPZ file by name."""
    # Counted before zipfile makes an object of each, of which 64 MB can hold a million.
    count = content.count(_ENTRY)
    if count > MAX_ARRAYS:
        raise UploadError(f"{brief(file)} holds {count:,} arrays; the limit is {MAX_ARRAYS:,}.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read_members(file, archive)
    except UploadError:
        raise
    except Exception as error:  # a damaged file may raise anything, with its bytes in the message
        raise UploadError(f"{brief(file)} is not a readable NPZ file. Write it with np.savez.") from error


def _read_members(file: str, archive: zipfile.ZipFile) -> dict[str, Array]:
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if total > MAX_UNPACKED:
        raise UploadError(f"{brief(file)} unpacks to {total:,} bytes; the limit is {MAX_UNPACKED:,}.")
    arrays: dict[str, Array] = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        label = f"{brief(name)} in {brief(file)}"
        if name in arrays:
            raise UploadError(f"{label} comes twice, and only one of the two can be its gradient.")
        arrays[name] = _read_member(label, _unpacked(label, archive, member))
    return arrays


def _unpacked(label: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, as many as it announces: a directory may lie, and a few bytes unpack to gigabytes."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UploadError(f"{label} is compressed in a way that numpy never writes; use np.savez.")
    with archive.open(member) as stream:
        return stream.read(member.file_size)


def _read_member(label: str, content: bytes) -> Array:
    """One array, whose header must announce exactly the bytes that are there."""
    try:
        stream = io.BytesIO(content)
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
    except Exception as error:  # numpy reads a header as Python text: TokenError, IndexError and others come out of it
        raise UploadError(f"{label} is not a numpy array.") from error
    if dtype.hasobject:
        raise UploadError(
            f"{label} holds pickled Python objects, which are never loaded, since that would run code. Save plain "
            "arrays of numbers."
        )
    if prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise UploadError(f"{label} announces shape {brief(str(shape))}, but its data has another size.")
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))


def _finite(label: str, array: Array) -> Array:
    """The array as float64, if it holds finite real numbers that fit."""
    if array.dtype.kind not in "fiu":
        raise UploadError(f"{label} holds {brief(str(array.dtype))}, not real numbers.")
    if array.size == 0:
        raise UploadError(f"{label} is empty.")
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float64)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        index = [int(i) for i in bad[0]]
        value = array[tuple(index)]
        if np.isfinite(value):
            raise UploadError(f"{label} holds a number at {index} that is too large for float64.")
        raise UploadError(f"{label} is {value} at {index}; every gradient must be finite.")
    return numbers


_READERS = {".npz": read_npz, ".csv": read_csv}
