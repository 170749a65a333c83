"""Data to train on: sets of points in the plane, a noisy curve, Iris; and what any data set is.

Whatever is random comes from `np.random.RandomState(seed)`, whose stream numpy has frozen.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
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


# Each of these stands by itself: its first line says what the data are, and programs that a page offers quote it whole.


def xor(rng: np.random.RandomState, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Four clouds at the corners of a square; opposite corners are of one class."""
    corners = 2 * rng.randint(2, size=(count, 2)) - 1
    labels = (corners[:, 0] != corners[:, 1]).astype(int)
    return corners + 0.3 * rng.standard_normal((count, 2)), labels


def circles(rng: np.random.RandomState, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A ring around another one."""
    labels = np.arange(count) % 2
    angles = 2 * np.pi * rng.random_sample(count)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.where(labels, 0.4, 1)[:, None]
    return points + 0.1 * rng.standard_normal((count, 2)), labels


def moons(rng: np.random.RandomState, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles, each with an end inside the other."""
    labels = np.arange(count) % 2
    angles = np.pi * rng.random_sample(count)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.where(labels[:, None], [1, 0.5] - upper, upper)
    return points + 0.15 * rng.standard_normal((count, 2)), labels


def spirals(rng: np.random.RandomState, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two spirals, wound into each other."""
    labels = np.arange(count) % 2
    radii = np.sqrt(rng.random_sample(count))
    angles = 3 * np.pi * radii + np.pi * labels
    points = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    return points + 0.03 * rng.standard_normal((count, 2)), labels


def curve(rng: np.random.RandomState, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A wave with noise on it: numbers to be fitted."""
    x = 2 * rng.random_sample((count, 1)) - 1
    return x, np.sin(4 * x) + 0.5 * x + 0.15 * rng.standard_normal((count, 1))


def iris(_rng: np.random.RandomState, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Three species of iris, measured by E. Anderson (1935) in centimetres and printed by R. A. Fisher in "The use of
    multiple measurements in taxonomic problems" (1936).
    """
    with IRIS_FILE.open(encoding="utf-8") as file:
        table = list(csv.reader(file))[1 : rows + 1]
    x = np.array([row[:-1] for row in table], dtype=float)
    return x, np.array([IRIS_SPECIES.index(row[-1]) for row in table])


class Source(NamedTuple):
    """Where a data set is from: the function that draws its rows, how many, and their columns as in `Dataset`."""

    draw: Callable[[np.random.RandomState, int], tuple[Array, Array]]
    rows: int
    features: tuple[str, ...]
    outputs: tuple[str, ...]
    is_classification: bool

    def dataset(self, name: str, seed: int) -> Dataset:
        """Draw it."""
        rng = np.random.RandomState(seed)
        x, target = self.draw(rng, self.rows)
        if self.is_classification:
            target = np.eye(len(self.outputs))[target]
        about = " ".join((self.draw.__doc__ or "").split())
        return split(name, about, x, target, self.features, self.outputs, self.is_classification, rng)


IRIS_FILE = Path(__file__).with_name("iris.csv")
IRIS_SPECIES = ("setosa", "versicolor", "virginica")
_IRIS = (("sepal length", "sepal width", "petal length", "petal width"), IRIS_SPECIES, True)
_PLANE = (("x1", "x2"), ("A", "B"), True)
DATASETS: dict[str, Source] = {
    "XOR": Source(xor, 200, *_PLANE),
    "circles": Source(circles, 200, *_PLANE),
    "moons": Source(moons, 200, *_PLANE),
    "spirals": Source(spirals, 400, *_PLANE),
    "noisy curve": Source(curve, 100, ("x",), ("y",), False),
    "Iris": Source(iris, 150, *_IRIS),
}
"""The data sets by the names that are shown."""


@lru_cache(maxsize=64)
def dataset(name: str, seed: int) -> Dataset:
    """The data set of this name in DATASETS, its rows drawn or shuffled by the seed, 0 to 2^32 - 1."""
    return DATASETS[name].dataset(name, seed)
