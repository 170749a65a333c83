"""A person's own table as a data set: which columns are features, and which one is to be predicted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlp.lab.dataset import Dataset, split
from mlp.lab.settings_text import shortened
from mlp.nn.arrays import Array

MIN_ROWS = 10
MAX_CLASSES = 20
FEW = 10
"""So many different whole numbers are taken for classes, more for numbers to be fitted."""


class Table(NamedTuple):
    """A table as it was read.

    Attributes:
        name: the file's.
        columns: the names of all columns, in order.
        rows: the number that each row has in the file, as an array of shape (n,).
        numbers: the columns that hold finite numbers alone, as arrays of shape (n,).
        texts: all other columns, as n cells each.
        strays: for each of these the place, from 0 to n - 1, of the first cell that holds no finite number.
    """

    name: str
    columns: tuple[str, ...]
    rows: Array
    numbers: dict[str, Array]
    texts: dict[str, tuple[str, ...]]
    strays: dict[str, int]

    def suggested(self) -> tuple[tuple[str, ...], str]:
        """What people mostly mean: the last column is the target, all other columns of numbers are features."""
        *others, target = self.columns
        return tuple(name for name in others if name in self.numbers), target


def table_data(table: Table, features: Sequence[str], target: str, seed: int) -> Dataset:
    """Make a data set of some columns of a table.

    A target of text, or of at most FEW different whole numbers, is the class of each row; any other numbers are to be
    fitted.

    Args:
        table: the table.
        features: the names of columns of numbers.
        target: the name of another column.
        seed: shuffles the rows, 0 to 2^32 - 1.

    Raises:
        ValueError: a column cannot be what it is chosen for, or there are too few rows; a sentence that says which.
    """
    if len(table.rows) < MIN_ROWS:
        raise ValueError(f"{table.name} has {_rows(len(table.rows))}; to train and to test take at least {MIN_ROWS}.")
    if not features:
        raise ValueError("Choose at least one column of numbers as a feature.")
    if target in features:
        raise ValueError(f"The column {shortened(target)} is the target, so it cannot be a feature as well.")
    x = np.stack([_numbers(table, name) for name in features], axis=1)
    about = f"Columns of {table.name}, {_rows(len(table.rows))}."
    rng = np.random.RandomState(seed)
    if not _is_class(table, target):
        numbers = _numbers(table, target)[:, None]
        return split(table.name, about, x, numbers, tuple(features), (target,), False, rng)
    classes, labels = _classes(table, target)
    return split(table.name, about, x, np.eye(len(classes))[labels], tuple(features), classes, True, rng)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def _known(table: Table, name: str) -> None:
    if name not in table.columns:
        raise ValueError(f"{table.name} has no column {shortened(name)}.")


def _numbers(table: Table, name: str) -> Array:
    """The column as numbers."""
    _known(table, name)
    if name not in table.numbers:
        place = table.strays[name]
        raise ValueError(
            f"The column {shortened(name)} is no column of numbers: row {table.rows[place]:,} "
            f"{_holds(table.texts[name][place])}. Mend it, or leave the column out."
        )
    return table.numbers[name]


def _holds(cell: str) -> str:
    return f"holds {shortened(cell)}" if cell else "is empty there"


def _is_class(table: Table, name: str) -> bool:
    _known(table, name)
    if name in table.texts:
        return True
    distinct = np.unique(table.numbers[name])
    return len(distinct) <= FEW and bool(np.all(distinct == np.round(distinct)))


def _classes(table: Table, name: str) -> tuple[tuple[str, ...], Array]:
    """The names of the classes, and which of them each row is of."""
    cells = table.texts.get(name)
    if cells is None:
        distinct, labels = np.unique(table.numbers[name], return_inverse=True)
        classes = tuple(f"{value:.0f}" for value in distinct)
    else:
        if "" in cells:
            raise ValueError(f"The target {shortened(name)} is empty in row {table.rows[cells.index('')]:,}.")
        classes = tuple(sorted(set(cells)))
        index = {label: k for k, label in enumerate(classes)}
        labels = np.array([index[cell] for cell in cells])
    if len(classes) == 1:
        raise ValueError(
            f"The target {shortened(name)} is {shortened(classes[0])} in every row, so there is nothing to learn."
        )
    if len(classes) > MAX_CLASSES:
        place = table.strays[name]
        raise ValueError(
            f"The target {shortened(name)} has {len(classes):,} different values: too many for classes, of which there "
            f"can be {MAX_CLASSES}, and no numbers, for row {table.rows[place]:,} {_holds(table.texts[name][place])}."
        )
    return classes, labels
