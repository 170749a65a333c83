# ruff: noqa  (written as other people write, each thing in a module of its own)
"""Code whose answer suggests a line of GRADCHECK."""

import numpy as np


# a constant
class Scale:
    def __init__(self):
        self.s = np.arange(1.0, 5.0)

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward(self, dy):
        return dy * self.s


# an argument of forward
def mix_forward(x, blend):
    return x * blend, (x, blend)


def mix_backward(dout, cache):
    x, blend = cache
    return {"dx": dout * blend, "dblend": dout * x}


# a method of another name
class Back:
    def forward(self, x):
        return 2 * x

    def undo(self, dy):
        return 2 * dy


# averages forbidden
def linear_forward(A, W, b):
    return W @ A + b, (A, W)


def linear_backward(dZ, cache):
    A, W = cache
    m = A.shape[1]
    return W.T @ dZ, dZ @ A.T / m, dZ.sum(axis=1, keepdims=True) / m


# averages meant
class Mean:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dy):
        self.dW = np.true_divide(self.x.T @ dy, len(dy))
        return dy @ self.W.T


# a seed
class Noise:
    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.count = [0]

    def reseed(self, seed):
        self.generator = np.random.default_rng(seed)

    def forward(self, x):
        self.mask = getattr(self, "generator", None) or FRESH
        self.kept = self.mask.random(x.shape) > 0.3
        return x * self.kept

    def backward(self, dy):
        return dy * self.kept


class _Fresh:
    def random(self, shape):
        import os

        return np.frombuffer(os.urandom(int(np.prod(shape))), np.uint8).reshape(shape) / 255


FRESH = _Fresh()


# a slope handed to a loss
class CubicCost:
    @staticmethod
    def fn(a, y):
        return np.sum(np.abs(a - y) ** 3)

    @staticmethod
    def delta(act_prime_z, a, y):
        return 3 * (a - y) * np.abs(a - y) * act_prime_z


# a slope that a loss cancels
class LogCost:
    def value(self, a, y):
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))

    def delta(self, slope_at_z, a, y):
        return a - y
