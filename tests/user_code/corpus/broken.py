# ruff: noqa: ARG002, RUF007, F821  (written as other people write)
"""Layers with something else the matter: they raise, loop, lack a method, draw random numbers of their own."""

import os

import numpy as np


class Fine:
    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, dy):
        return 3 * self.x**2 * dy


class RaisesInForward:
    def forward(self, x):
        return self._multiply(x)

    def _multiply(self, x):
        return x @ np.ones((17, 2))

    def backward(self, dy):
        return dy


class RaisesInBackward:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return dy * self.slope


class NoBackward:
    def forward(self, x):
        return 2 * x


class NotANumber:
    def forward(self, x):
        return np.log(x - 100)

    def backward(self, dy):
        return dy


class NotANumberBackward:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return dy * np.nan


class LoopsForever:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        while True:
            dy = dy + 0


class EndsTheProcess:
    def forward(self, x):
        os._exit(3)

    def backward(self, dy):
        return dy


class TrulyRandom:
    def forward(self, x):
        self.mask = np.frombuffer(os.urandom(x.size), np.uint8).reshape(x.shape) < 128
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


class ChangesInput:
    def forward(self, x):
        x *= 2
        return x

    def backward(self, dy):
        return 2 * dy


class NeedsAnArgument:
    def __init__(self, flux_capacitor: "FluxCapacitor"):
        self.gain = flux_capacitor.gain()

    def forward(self, x):
        return self.gain * x

    def backward(self, dy):
        return self.gain * dy


class NoGradientKept:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dy):
        return dy @ self.W.T


class WholeNetwork:
    def __init__(self, sizes):
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:], strict=True)]

    def feedforward(self, a):
        for w in self.weights:
            a = np.tanh(w @ a)
        return a

    def backprop(self, x, y):
        return [np.zeros_like(w) for w in self.weights]


class LastOfAll:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy
