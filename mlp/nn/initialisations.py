"""How a linear layer's first weights are drawn: W, then b, from the random source that is passed in.

All of them ask the source for standard normal numbers only. `np.random.RandomState`, whose stream numpy has frozen,
then gives the same network on every machine and in every version.
"""

from collections.abc import Callable
from math import sqrt
from typing import Protocol

import numpy as np

from mlp.nn.arrays import Array, require_methods, require_size


class RandomSource(Protocol):
    """What np.random.RandomState, np.random.Generator and the module np.random have in common."""

    def standard_normal(self, size: int | tuple[int, ...]) -> Array:
        """Draw independent numbers of mean 0 and variance 1."""
        ...


Initialisation = Callable[[RandomSource, int, int], tuple[Array, Array]]


def standard_normal(rng: RandomSource, in_features: int, out_features: int) -> tuple[Array, Array]:
    """The exercise's: every weight and bias of mean 0 and variance 1. Deep networks saturate."""
    _require(rng, in_features, out_features)
    return rng.standard_normal((out_features, in_features)), rng.standard_normal(out_features)


def glorot(rng: RandomSource, in_features: int, out_features: int) -> tuple[Array, Array]:
    """Weights of variance 2 / (in + out), biases zero: Glorot and Bengio (2010), formula 12, as a normal law."""
    _require(rng, in_features, out_features)
    return _scaled(rng, in_features, out_features, variance=2 / (in_features + out_features))


def he(rng: RandomSource, in_features: int, out_features: int) -> tuple[Array, Array]:
    """Weights of variance 2 / in, biases zero, made for ReLU: He, Zhang, Ren and Sun (2015), formula 10."""
    _require(rng, in_features, out_features)
    return _scaled(rng, in_features, out_features, variance=2 / in_features)


def _require(rng: RandomSource, in_features: int, out_features: int) -> None:
    """Raise a TypeError or ValueError that names what is wrong."""
    require_methods("rng", rng, "a random source, such as np.random.RandomState(0)", "standard_normal")
    require_size("in_features", in_features)
    require_size("out_features", out_features)


def _scaled(rng: RandomSource, in_features: int, out_features: int, variance: float) -> tuple[Array, Array]:
    return sqrt(variance) * rng.standard_normal((out_features, in_features)), np.zeros(out_features)


INITIALISATIONS: dict[str, Initialisation] = {"standard normal": standard_normal, "Glorot": glorot, "He": he}
