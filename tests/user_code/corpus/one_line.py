"""Correct layers that no guess can get right, each with the one line in GRADCHECK that says what it is."""

import numpy as np

GRADCHECK = {
    "RowsAveraged": {"average": True},
    "OddNames": {"pairs": {"mixing": "slope_of_mixing"}, "forward": "run", "backward": "unrun"},
    "OwnRandomness": {"seed": "rng"},
    "PositiveOnly": {"x": np.array([[0.5, 1.5], [2.5, 0.7], [1.1, 3.0]])},
    "unusual": {"backward": "slope_it_has"},
    "Unfinished": {"skip": True},
}


class RowsAveraged:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dy):
        self.dW = np.true_divide(self.x.T @ dy, len(dy))
        return dy @ self.W.T


class OddNames:
    def __init__(self, n_in, n_out):
        self.mixing = np.random.randn(n_in, n_out)

    def run(self, x):
        self.x = x
        return x @ self.mixing

    def unrun(self, dy):
        self.slope_of_mixing = self.x.T @ dy
        return dy @ self.mixing.T


class Scaled:
    def __init__(self, settings):
        self.gain = settings["gain"]

    def forward(self, x):
        return self.gain * x

    def backward(self, dy):
        return self.gain * dy


class OwnRandomness:
    rng = np.random.default_rng()

    def forward(self, x):
        self.mask = self.rng.random(x.shape) < 0.5
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


class PositiveOnly:
    def forward(self, x):
        self.x = x
        return np.log(x - 0.4)

    def backward(self, dy):
        return dy / (self.x - 0.4)


def unusual(x):
    return x**2


def slope_it_has(x):
    return 2 * x


class Unfinished:
    def forward(self, x):
        return x
