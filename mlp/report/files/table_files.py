"""A table of a person's own as CSV: the first row names the columns, each further row is one sample."""

from itertools import islice

import numpy as np

from mlp.lab.tables import Table
from mlp.report.files import MAX_NUMBERS, UploadError, brief
from mlp.report.files.csv_files import Numbers, counted, csv_rows, is_number

MAX_BYTES = 32_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 1_000


def read_table(file: str, content: bytes) -> Table:
    """Read a table; commas, semicolons or tabs part the cells, and beside the latter a comma may be a decimal point.

    Args:
        file: its name.
        content: its bytes.

    Raises:
        UploadError: it is no table, or too large; the sentence names row and column.
    """
    shown = brief(file)
    if len(content) > MAX_BYTES:
        raise UploadError(f"{shown} has {len(content):,} bytes; the limit is {MAX_BYTES:,}.")
    rows, delimiter = csv_rows(file, content)
    _, header = next(rows)
    names = _names(shown, header, delimiter)
    most = min(MAX_ROWS, MAX_NUMBERS // len(names))
    taken = list(islice(rows, most + 1))
    if len(taken) > most:
        raise UploadError(f"{shown} has more than {most:,} rows of {len(names):,} columns, which is the limit.")
    if not taken:
        raise UploadError(f"{shown} names its columns, but has no further row.")
    for place, row in taken:
        if len(row) != len(names):
            raise UploadError(
                f"{shown}: row {place} has {counted(row)}, the first row has {len(names):,}. If commas are decimal "
                "points, part the cells with semicolons."
            )
    return _table(shown, names, taken, delimiter)


def _names(shown: str, header: list[str], delimiter: str) -> list[str]:
    """The names of the columns; one that has none is called by its place."""
    if len(header) == 1:
        raise UploadError(f"{shown} has one column only; part the cells with commas, semicolons or tabs.")
    if len(header) > MAX_COLUMNS:
        raise UploadError(f"{shown} has {len(header):,} columns; the limit is {MAX_COLUMNS:,}.")
    number = next((cell for cell in header if is_number(cell, delimiter)), "")
    if number:
        raise UploadError(f"{shown}: the first row must name the columns, and {brief(number)!r} is a number.")
    names = [name or f"column {place}" for place, name in enumerate(header, start=1)]
    again = next((name for name in names if names.count(name) > 1), "")
    if again:
        raise UploadError(f"{shown} has two columns named {brief(again)!r}; rename one.")
    return names


def _table(shown: str, names: list[str], rows: list[tuple[int, list[str]]], delimiter: str) -> Table:
    table = Table(shown, tuple(names), np.array([place for place, _ in rows]), {}, {}, {})
    numbers = Numbers(shown, delimiter)
    for name, cells in zip(names, zip(*(row for _, row in rows), strict=True), strict=True):
        stray = next((k for k, cell in enumerate(cells) if not _is_finite(cell, delimiter)), None)
        if stray is None:
            label = f"column {brief(name)!r}"
            table.numbers[name] = np.array([numbers.read(label, cell) for cell in cells])
        else:
            table.texts[name] = cells
            table.strays[name] = stray
    return table


def _is_finite(cell: str, delimiter: str) -> bool:
    return is_number(cell, delimiter) and cell.lower().strip("+-") not in ("nan", "inf", "infinity")
