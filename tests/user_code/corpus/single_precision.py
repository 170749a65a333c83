"""Layers that compute in float32, whatever they are given."""

import numpy as np

FLOAT = np.float32


class Swish:
    def forward(self, x):
        self.x = x.astype(FLOAT)
        self.gate = 1 / (1 + np.exp(-self.x))
        return self.x * self.gate

    def backward(self, grad):
        return (grad * (self.gate + self.x * self.gate * (1 - self.gate))).astype(FLOAT)


class Projection:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out).astype(FLOAT)
        self.b = np.zeros((1, n_out), dtype=FLOAT)

    def forward(self, x):
        self.x = x
        return (x @ self.w + self.b).astype(FLOAT)

    def backward(self, grad):
        self.w_grad = (self.x.T @ grad).astype(FLOAT)
        self.b_grad = grad.sum(axis=0, keepdims=True, dtype=FLOAT)
        return (grad @ self.w.T).astype(FLOAT)


class RoundsItsInput:
    def forward(self, x):
        self.x = np.array(x, dtype="f").astype(float)
        return np.sin(self.x)

    def backward(self, grad):
        return grad * np.cos(self.x)
