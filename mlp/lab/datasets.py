"""The data sets that come along: points in the plane, a noisy curve, and Iris.

Whatever is random comes from `np.random.RandomState(seed)`, whose stream numpy has frozen.
"""

import csv
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlp.lab.dataset import Dataset, split
from mlp.nn.arrays import Array

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
