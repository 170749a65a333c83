# ruff: noqa: ARG001, ARG002  (written as other people write)
"""What stands beside layers and is none: optimisers, models that only train, helpers, functions still to be written."""

import numpy as np


class Momentum:
    def __init__(self, lr):
        self.lr = lr

    def update(self, w, grad):
        return w - self.lr * grad


class NeuralNetwork:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def fit(self, x, y):
        raise RuntimeError("this takes an hour")


class Layer:
    def forward(self, x):
        raise NotImplementedError

    def backward(self, grad):
        raise NotImplementedError


class Loss:
    def loss(self, y_true, y_pred):
        return NotImplementedError()

    def gradient(self, y_true, y_pred):
        raise NotImplementedError


def max_pool_forward(x, pool_param):
    pass


def max_pool_backward(dout, cache):
    pass


def accuracy(predictions, targets):
    return np.mean(predictions == targets)


def plot_loss(losses):
    raise RuntimeError("there is no screen")


def numerical_gradient(f, x):
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
