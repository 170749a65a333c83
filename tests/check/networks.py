"""Random networks of every kind, and right networks with something in their gradients changed."""

from itertools import pairwise

import numpy as np

from mlp import ACTIVATIONS, INITIALISATIONS, LOSSES, Sequential, dense_layers
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import Problem


class Scaled(Loss):
    """A loss times a factor."""

    def __init__(self, inner, factor):
        super().__init__()
        self.inner, self.factor, self.kinks = inner, factor, inner.kinks

    def as_target(self, target, y):
        return self.inner.as_target(target, y)

    def apply(self, y, target):
        return self.factor * self.inner.apply(y, target)

    def forward(self, y, target):
        return self.factor * self.inner.forward(y, target)

    def backward(self):
        return self.factor * self.inner.backward()


class Changed(Layer):
    """A network whose gradient of one tensor is passed through a function: a planted fault."""

    def __init__(self, network, name, change):
        self.network, self.name, self.change = network, name, change

    def apply(self, x):
        return self.network.apply(x)

    def forward(self, x):
        return self.network.forward(x)

    def backward(self, dy):
        dx = self.network.backward(dy)
        return self.change(dx) if self.name == "x" else dx

    def parameters(self):
        return self.network.parameters()

    def gradients(self):
        gradients = self.network.gradients()
        if self.name in gradients:
            gradients[self.name] = self.change(gradients[self.name])
        return gradients

    def replaced(self, name, value):
        return Changed(self.network.replaced(name, value), self.name, self.change)


def random_problem(seed, scaled=True):
    """A network, loss, input and target: every activation, loss and initialisation, with depth, batch and scale."""
    rng = np.random.RandomState(seed)
    sizes = tuple(int(size) for size in rng.randint(1, 9, rng.randint(2, 7)))
    activation, loss, initialisation = _kinds(rng)
    batch = (None, None, 1, 3, 8)[rng.randint(5)]
    network = Sequential(**dense_layers(sizes, activation, rng, initialisation))
    factor = 10.0 ** rng.randint(-12, 13) if scaled else 1.0
    x = rng.standard_normal(_shape(batch, sizes[0])) * 10.0 ** rng.choice([0, 0, 0, -1, 1])
    target = loss.random_target(rng, _shape(batch, sizes[-1]))
    return Problem(network, Scaled(loss(), factor), x, target)


def _kinds(rng):
    """An activation, a loss and an initialisation."""
    return [list(registry.values())[rng.randint(len(registry))] for registry in (ACTIVATIONS, LOSSES, INITIALISATIONS)]


def _log_uniform(rng, low, high):
    return int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))


def large_problem(seed, most=3_000_000):
    """A network as people train them: batches to 2,000, outputs to 1,000, to twelve layers, data of every scale.

    Sizes are drawn evenly in their logarithm, and drawn again until weights x rows x outputs, which is about what all
    steps compute, are at most `most`.
    """
    rng = np.random.RandomState(seed)
    while True:
        depth = rng.randint(1, 13)
        sizes = (*(_log_uniform(rng, 1, 64) for _ in range(depth)), _log_uniform(rng, 1, 1000))
        batch = _log_uniform(rng, 1, 2000)
        if batch * sizes[-1] * sum(a * b for a, b in pairwise(sizes)) <= most:
            break
    activation, loss, initialisation = _kinds(rng)
    network = Sequential(**dense_layers(sizes, activation, rng, initialisation))
    scales = 10.0 ** rng.uniform(-8, 8, sizes[0]) if rng.rand() < 0.2 else 10.0 ** rng.choice([0, 0, 0, -6, -2, 2, 6])
    x = rng.standard_normal((batch, sizes[0])) * scales
    target = loss.random_target(rng, (batch, sizes[-1]))
    if rng.rand() < 0.3 and (np.sum(target, axis=-1) == 1).all():  # soft targets instead of one-hot ones
        target = rng.dirichlet(np.ones(sizes[-1]), batch)
    return Problem(network, loss(), x, target)


def _shape(batch, features):
    return (features,) if batch is None else (batch, features)
