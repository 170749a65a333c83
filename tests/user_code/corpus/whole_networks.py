# ruff: noqa: ARG002, ARG004, RUF007  (written as other people write)
"""Networks and losses with everything inside: backprop(x, y), loss(X, y), gradient(x, t), (W, X, y, reg)."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


class Quadratic:
    @staticmethod
    def fn(a, y):
        return np.sum((a - y) ** 2) / 2

    @staticmethod
    def delta(z, a, y):
        return (a - y) * sigmoid_prime(z)


class CrossEntropy:
    @staticmethod
    def fn(a, y):
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))

    @staticmethod
    def delta(z, a, y):
        return a - y


class Columns:
    """One sample at a time, as a column; the cost says what the error of the last layer is."""

    def __init__(self, sizes, cost=CrossEntropy):
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, m) for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
        self.cost = cost

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases, strict=True):
            a = sigmoid(w @ a + b)
        return a

    def backprop(self, x, y):
        zs, activations = [], [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            zs.append(w @ activations[-1] + b)
            activations.append(sigmoid(zs[-1]))
        delta = self.cost.delta(zs[-1], activations[-1], y)
        nabla_b, nabla_w = [delta], [delta @ activations[-2].T]
        for k in range(2, len(activations)):
            delta = self.weights[-k + 1].T @ delta * sigmoid_prime(zs[-k])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ activations[-k - 1].T)
        return nabla_b, nabla_w


class Tiny:
    """Sizes of its own, and an update upwards along y - o."""

    def __init__(self):
        self.W1 = np.random.randn(2, 3)
        self.W2 = np.random.randn(3, 1)

    def forward(self, X):
        self.hidden = sigmoid(X @ self.W1)
        return sigmoid(self.hidden @ self.W2)

    def backward(self, X, y, o):
        delta = (y - o) * o * (1 - o)
        below = delta @ self.W2.T * self.hidden * (1 - self.hidden)
        self.W1 += X.T @ below
        self.W2 += self.hidden.T @ delta

    def train(self, X, y):
        self.backward(X, y, self.forward(X))


def scored(scores, y):
    scores = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


class TwoLayers:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {
            "W1": np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }

    def loss(self, X, y=None, reg=0.0):
        p = self.params
        hidden = np.maximum(0, X @ p["W1"] + p["b1"])
        scores = hidden @ p["W2"] + p["b2"]
        if y is None:
            return scores
        loss, dscores = scored(scores, y)
        dhidden = dscores @ p["W2"].T * (hidden > 0)
        grads = {"W2": hidden.T @ dscores, "b2": dscores.sum(axis=0), "W1": X.T @ dhidden, "b1": dhidden.sum(axis=0)}
        return loss, grads


class WithGradient(TwoLayers):
    def loss(self, x, t):
        return super().loss(x, t)[0]

    def gradient(self, x, t):
        return super().loss(x, t)[1]


def softmax_loss(W, X, y, reg):
    loss, dscores = scored(X @ W, y)
    return loss + reg * np.sum(W**2), X.T @ dscores + 2 * reg * W


def logistic_loss(w, X, y):
    p = sigmoid(X @ w)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss, X.T @ (p - y) / len(y)
