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
from mlp.report.files import UploadError
from mlp.report.files.csv_files import read_csv

MAX_BYTES = 64_000_000  # our own CSV of half a million gradients has sixty
MAX_UNPACKED = 16_000_000
MAX_ARRAYS = 500


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
                raise UploadError(f"{name} comes twice, the second time in {file}. Take one of the files out.")
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
            if total > MAX_UNPACKED:
                raise UploadError(f"{file} unpacks to {total:,} bytes; the limit is {MAX_UNPACKED:,}.")
            return {
                member.filename.removesuffix(".npy"): _read_member(
                    file, member.filename, _unpacked(file, archive, member)
                )
                for member in members
            }
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise UploadError(f"{file} is not a readable NPZ file ({error}).") from error


def _unpacked(file: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, as many as it announces: a directory may lie, and a few bytes unpack to gigabytes."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UploadError(f"{member.filename} in {file} is compressed in a way that numpy never writes; use np.savez.")
    with archive.open(member) as stream:
        return stream.read(member.file_size)


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
