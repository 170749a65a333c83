"""Files that go out and come in: archives, problems to take along, uploads."""

from collections.abc import Collection

MAX_ARRAYS = 500
MAX_NUMBERS = 2_000_000  # in float64, of one file
SHOWN = 5


class UploadError(ValueError):
    """A file that cannot be used; the message is a sentence that says why."""


def brief(name: str) -> str:
    """The name of a file or an array as a sentence shows it: printable, and cut after 40 characters."""
    printable = "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in name)
    return printable if len(printable) <= 40 else f"{printable[:40]}..."


def listed(names: Collection[str]) -> str:
    """The names one after the other, of many the first five and how many more there are."""
    first = ", ".join(brief(name) for name, _ in zip(names, range(SHOWN), strict=False))
    return first if len(names) <= SHOWN else f"{first} and {len(names) - SHOWN:,} more"
