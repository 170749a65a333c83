"""The inputs of the exercise's single layers, drawn as its test cells draw them."""

from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.nn.layers import Linear


class LayerInput(NamedTuple):
    """What goes into a layer forward, and what comes back to it."""

    x: Array
    dy: Array


class LinearProblem(NamedTuple):
    """A linear layer's input, its parameters, and the gradient that comes back to it."""

    x: Array
    W: Array
    b: Array
    dy: Array

    def layer(self) -> Linear:
        """The layer that has these parameters."""
        return Linear(self.W.shape[1], self.W.shape[0]).replaced("W", self.W).replaced("b", self.b)


def activation_input(seed: int, features: int = 3) -> LayerInput:
    """Draw x after `np.random.seed(seed)`; dy is 1, 2, 3, ... as in the exercise's test of Tanh."""
    return LayerInput(np.random.RandomState(seed).standard_normal(features), counted(features))


def linear_problem(seed: int, inputs: int = 2, outputs: int = 3) -> LinearProblem:
    """Draw x, then W, then b after `np.random.seed(seed)`, as the exercise tests its linear layer; dy is 1, 2, 3."""
    rng = np.random.RandomState(seed)
    x, W, b = rng.standard_normal(inputs), rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs)
    return LinearProblem(x, W, b, counted(outputs))


def counted(size: int) -> Array:
    """The gradient dy = 1, 2, 3, ... that the exercise's tests hand to backward."""
    return np.arange(1.0, size + 1)
