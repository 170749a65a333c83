"""Random networks with their losses, for the comparisons with other libraries: every pair of choices, by name."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest

from mlp.nn.activations import ACTIVATIONS
from mlp.nn.arrays import Array
from mlp.nn.initialisations import INITIALISATIONS
from mlp.nn.losses import LOSSES, Loss
from mlp.nn.network import Sequential, dense_layers

HIDDEN = (7, 7, 5, 6)  # two equal ones, so that a weight matrix is square and could be transposed unnoticed
SAMPLES = {"one sample": (), "batch of 1": (1,), "batch of 9": (9,)}


class Problem(NamedTuple):
    """A network, its loss, and what they are applied to."""

    network: Sequential
    loss: Loss
    x: Array
    target: Array


def choices() -> Iterator[tuple[str, str, int, str, str]]:
    """Every activation with every loss at every depth; initialisation and number of samples take turns.

    So each of them meets every activation with every loss, and each initialisation each number of samples.
    """
    for i, activation in enumerate(ACTIVATIONS):
        for j, loss in enumerate(LOSSES):
            for depth in range(len(HIDDEN) + 1):
                initialisation = list(INITIALISATIONS)[(i + j + depth) % len(INITIALISATIONS)]
                yield activation, loss, depth, initialisation, list(SAMPLES)[(i + 2 * j + depth) % len(SAMPLES)]


every_problem = pytest.mark.parametrize(("activation", "loss", "depth", "initialisation", "samples"), [*choices()])


def draw(activation: str, loss: str, depth: int, initialisation: str, samples: str) -> Problem:
    """Draw a problem of 6 inputs, `depth` hidden layers and 4 outputs; the same names give the same numbers.

    The target is the mean of three random ones. Of a classification that makes soft labels, so that no sample is
    classified so well that its loss and gradient, differences of numbers near 1, are nothing but rounding errors.
    """
    rng = np.random.RandomState(depth)
    sizes = (6, *HIDDEN[:depth], 4)
    network = Sequential(**dense_layers(sizes, ACTIVATIONS[activation], rng, INITIALISATIONS[initialisation]))
    x = rng.standard_normal((*SAMPLES[samples], sizes[0]))
    targets = [LOSSES[loss].random_target(rng, (*SAMPLES[samples], sizes[-1])) for _ in range(3)]
    return Problem(network, LOSSES[loss](), x, np.mean(targets, axis=0))
