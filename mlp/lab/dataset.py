"""What a data set is: rows to train on and rows to test on, standardised by the former."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mlp.lab.settings_text import shortened
from mlp.nn.arrays import Array

TEST_PART = 5
"""One row of this many is kept for the test."""


class Scale(NamedTuple):
    """How columns were standardised: (value - mean) / deviation, both of shape (columns,)."""

    mean: Array
    deviation: Array

    def apply(self, values: Array) -> Array:
        """Standardise values of shape (n, columns)."""
        return (values - self.mean) / self.deviation

    def undo(self, values: Array) -> Array:
        """Turn standardised values of shape (n, columns) back into those of the source."""
        return values * self.deviation + self.mean


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to train on and rows to test on; its arrays cannot be written to.

    Attributes:
        name: what it is called.
        about: what it is and where it is from, in a sentence.
        x, target: training rows, shapes (n, features) and (n, outputs). The features are standardised: of mean 0 and
            deviation 1 over the training rows. The target of a class is one-hot, that of a number standardised.
        test_x, test_target: the test rows, standardised by the training rows' means; there may be none.
        features: the names of the columns of x.
        outputs: the names of the columns of the target: the classes, or the numbers.
        is_classification: whether the outputs are classes.
        x_scale: how x was standardised: `x_scale.undo(x)` are the values of the source.
        target_scale: how the target was; None for classes.
    """

    name: str
    about: str
    x: Array
    target: Array
    test_x: Array
    test_target: Array
    features: tuple[str, ...]
    outputs: tuple[str, ...]
    is_classification: bool
    x_scale: Scale
    target_scale: Scale | None

    def __post_init__(self) -> None:
        """Lock the arrays: one data set serves many runs."""
        for array in (self.x, self.target, self.test_x, self.test_target):
            array.setflags(write=False)

    @cached_property
    def labels(self) -> Array:
        """The class of each training row as an index into `outputs`, shape (n,)."""
        return self.target.argmax(axis=1)

    @property
    def counted(self) -> str:
        """How many inputs and outputs there are, in words."""
        kind = ("class", "classes") if self.is_classification else ("number to fit", "numbers to fit")
        pairs = ((len(self.features), ("feature", "features")), (len(self.outputs), kind))
        return " and ".join(f"{count:,} {words[count != 1]}" for count, words in pairs)

    def fitting(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """These layer sizes with as many inputs and outputs as the data have."""
        return (len(self.features), *sizes[1:-1], len(self.outputs))


def without_test(
    name: str, about: str, x: Array, target: Array, is_classification: bool, target_scale: Scale | None
) -> Dataset:
    """Make a data set of rows that are taken as they are, all to train on, with columns x1, x2, ... and y1, y2, ...

    Args:
        name: what it is called.
        about: what it is, in a sentence.
        x: finite numbers, shape (n, features).
        target: one-hot classes or numbers, shape (n, outputs).
        is_classification: whether these are classes.
        target_scale: how the target was standardised.
    """
    inputs, outputs = x.shape[1], target.shape[1]
    return Dataset(
        name,
        about,
        x,
        target,
        x[:0],
        target[:0],
        tuple(f"x{k}" for k in range(1, inputs + 1)),
        tuple(f"y{k}" for k in range(1, outputs + 1)),
        is_classification,
        unscaled(inputs),
        target_scale,
    )


def unscaled(columns: int) -> Scale:
    """The scale of so many columns that were left as they are."""
    return Scale(np.zeros(columns), np.ones(columns))


def split(
    name: str,
    about: str,
    x: Array,
    target: Array,
    features: tuple[str, ...],
    outputs: tuple[str, ...],
    is_classification: bool,
    rng: np.random.RandomState,
) -> Dataset:
    """Make a data set of raw rows: shuffle, keep one row of TEST_PART for the test, standardise.

    Args:
        name: what it is called.
        about: what it is, in a sentence.
        x: finite numbers, shape (n, features).
        target: one-hot classes or numbers, shape (n, outputs).
        features: the names of the columns of x.
        outputs: the names of the columns of the target.
        is_classification: whether these are classes.
        rng: shuffles the rows.

    Raises:
        ValueError: a column is constant over the training rows, or has numbers too large to be standardised.
    """
    order = rng.permutation(len(x))
    test, train = np.split(order, [len(x) // TEST_PART])
    x_scale = _scale(x[train], features)
    target_scale = None if is_classification else _scale(target[train], outputs)
    x = x_scale.apply(x)
    target = target if target_scale is None else target_scale.apply(target)
    return Dataset(
        name,
        about,
        x[train],
        target[train],
        x[test],
        target[test],
        features,
        outputs,
        is_classification,
        x_scale,
        target_scale,
    )


def _scale(values: Array, names: tuple[str, ...]) -> Scale:
    with np.errstate(over="ignore", invalid="ignore"):
        scale = Scale(values.mean(axis=0), values.std(axis=0))
    for name, column, deviation in zip(names, values.T, scale.deviation, strict=True):
        if column.min() == column.max():
            told = f"The column {shortened(name)} is {column[0]:g} in every row to train on"
            raise ValueError(f"{told}: it tells nothing, so leave it out.")
        if not 0 < deviation < np.inf:
            raise ValueError(f"The numbers in the column {shortened(name)} are too large or too small to compute with.")
    return scale
