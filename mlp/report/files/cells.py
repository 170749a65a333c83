"""One cell of an uploaded table: a finite or infinite number, or a sentence that says what it is instead."""


class UploadError(ValueError):
    """A file that cannot be used; the message is a sentence that says why."""


def number(file: str, place: str, cell: str, delimiter: str) -> float:
    """The number in a cell.

    Args:
        file: its name, for the message.
        place: where in the file the cell stands, for the message.
        cell: its text.
        delimiter: what parts the cells of the file. Where that is no comma, a comma is a decimal point, as some
            spreadsheets write it.

    Raises:
        UploadError: it holds no number.
    """
    try:
        return float(cell if delimiter == "," else cell.replace(",", "."))
    except ValueError:
        raise UploadError(f"{file}: {place} holds {cell[:20]!r}, which is no number.") from None


def is_number(cell: str, delimiter: str) -> bool:
    """Whether a cell holds a number."""
    try:
        number("", "", cell, delimiter)
    except UploadError:
        return False
    return True


def index(file: str, row: int, cell: str) -> int:
    """The index in a cell.

    Raises:
        UploadError: it holds no whole number from 0.
    """
    if not cell.isascii() or not cell.isdigit() or len(cell) > 9:
        raise UploadError(f"{file}: row {row} has the index {cell[:20]!r}; indices are whole numbers from 0.")
    return int(cell)
