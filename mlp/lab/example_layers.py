"""An example of a module to check: one right layer, one right pair of functions, and one layer with a mistake."""

import numpy as np

# What is guessed wrong can be said here, such as: GRADCHECK = {"Dense": {"args": {"n_in": 4, "n_out": 3}}}


class Dense:
    """Right: y = x W + b."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.weights = np.random.randn(n_in, n_out)
        self.bias = np.zeros(n_out)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Take a batch of shape (n, n_in) to one of shape (n, n_out)."""
        self.inputs = x
        return x @ self.weights + self.bias

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return dx and keep the gradients of the parameters."""
        self.dweights = self.inputs.T @ dy
        self.dbias = dy.sum(axis=0)
        return dy @ self.weights.T


class Tanh:
    """Wrong: the derivative of tanh is 1 - tanh(x)^2, but it is taken at the output here."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Apply tanh."""
        self.output = np.tanh(x)
        return self.output

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return dx."""
        return dy * (1 - np.tanh(self.output) ** 2)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Right, with the function below."""
    return 1 / (1 + np.exp(-x))


def sigmoid_prime(x: np.ndarray) -> np.ndarray:
    """Return the derivative of the sigmoid."""
    return sigmoid(x) * (1 - sigmoid(x))
