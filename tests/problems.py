"""Random networks with their losses, for the comparisons with other libraries: every combination, by name."""

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


def every_problem(function):
    """Parametrise a test over every activation, loss, initialisation, depth 0 to 4, one sample and batches."""
    for name, values in (
        ("samples", SAMPLES),
        ("initialisation", INITIALISATIONS),
        ("depth", range(len(HIDDEN) + 1)),
        ("loss", LOSSES),
        ("activation", ACTIVATIONS),
    ):
        function = pytest.mark.parametrize(name, values)(function)
    return function


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
