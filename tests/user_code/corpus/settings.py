# ruff: noqa  (written as other people write, each thing in a module of its own)
"""For each setting of GRADCHECK a layer that passes with it, and not without."""

import numpy as np


# args
class Gain:
    def __init__(self, key):
        self.gain = {"a": 2.0}[key]

    def forward(self, x):
        self.x = x
        return x * self.gain

    def backward(self, dy):
        return dy * self.gain


# first_calls
class Late:
    def prepare_it(self, key):
        self.k = {"steep": 3.0}[key]

    def forward(self, x):
        self.x = x
        return x * self.k

    def backward(self, dy):
        return dy * self.k


# x
class Three:
    def forward(self, x):
        a, b, c = x
        assert c == "sum"
        self.b = b
        return a * b

    def backward(self, dy):
        return dy * self.b


# arrays
def mix_forward(x, blend):
    return x @ blend, (x, blend)


def mix_backward(dout, cache):
    x, blend = cache
    return {"dx": dout @ blend.T, "dblend": x.T @ dout}


# target
class OddLoss:
    def forward(self, p, t):
        assert np.all(t == 7)
        self.d = p - t
        return np.sum(self.d**2)

    def backward(self):
        return 2 * self.d


# forward
class Odd:
    def there(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


# backward
class Split:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def for_input(self, dy):
        return dy @ self.W.T

    def for_weights(self, dy):
        self.dW = self.x.T @ dy


# forward_args
class Mode:
    def forward(self, x, how=None):
        return {"twice": 2}[how] * x

    def backward(self, dy):
        return 2 * dy


# backward_args
class Order:
    def forward(self, x):
        return 3 * x

    def backward(self, grads, g):
        assert grads == "all"
        return 3 * g


# outputs
class Pair:
    def forward(self, x):
        self.x = x
        return np.ones(3), x**2, None

    def backward(self, dy):
        self.kept = dy
        return 2 * self.x * dy


# pairs
class Named:
    def __init__(self):
        self.mixing = np.random.randn(4)

    def forward(self, x):
        self.x = x
        return x * self.mixing

    def backward(self, dy):
        self.slope = (self.x * dy).sum(axis=0)
        return dy * self.mixing


# constants
class Fixed:
    def __init__(self):
        self.s = np.arange(1.0, 5.0)

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward(self, dy):
        return dy * self.s


# per_sample
class Each:
    def __init__(self):
        self.b = np.random.randn(4)

    def forward(self, x):
        return x + self.b

    def backward(self, dy):
        self.db = dy
        return dy


# orientation
class Shared:
    def __init__(self):
        self.s = np.random.randn(1)

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward(self, dy):
        self.ds = np.array([(self.x * dy).sum() / self.x.shape[1]])
        return dy * self.s


# loss
def run_it(X, params):
    return X @ params["W"] + params["b"]


def badness(pred, Y):
    return np.sum((pred - Y) ** 4)


def slopes(X, Y, pred, params):
    d = 4 * (pred - Y) ** 3
    return {"dW": X.T @ d, "db": d.sum(axis=0)}


# parameters
def forward_all(X, params):
    return X @ params["mixing"] * params["stretch"]


def squared_loss(pred, Y):
    return np.sum((pred - Y) ** 2)


def backward_all(X, Y, pred, params):
    d = 2 * (pred - Y)
    return {"mixing": X.T @ (d * params["stretch"]), "stretch": np.sum(d * (X @ params["mixing"]), axis=0)}
