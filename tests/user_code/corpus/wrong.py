# ruff: noqa: ARG002  (written as other people write)
"""Layers, losses and functions whose backward pass has one well-known bug each; the comment names it."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features):
        self.W = np.random.randn(in_features, out_features)
        self.b = np.random.randn(out_features)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T


class BiasNotSummed(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy
        return dx


class WeightsTransposed(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = dy.T @ self.x
        return dx


class SignFlipped(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = -self.db
        return dx


class NoUpstream(Linear):
    def backward(self, dy):
        super().backward(dy)
        return np.ones_like(dy) @ self.W.T


class UpdatedTooEarly:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, grad, lr):
        self.W -= lr * self.x.T @ grad
        return grad @ self.W.T


class UpdatesUpwards:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, grad, lr):
        dx = grad @ self.W.T
        self.W += lr * self.x.T @ grad
        return dx


class TanhOfTheOutput:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - np.tanh(self.y) ** 2)


class ReluWithoutMask:
    def forward(self, x):
        return np.maximum(x, 0)

    def backward(self, dy):
        return dy


class SoftmaxDiagonal:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, dy):
        return dy * self.p * (1 - self.p)


class IgnoresUpstream:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dout):
        return 1 - self.y**2


class MSEWithoutMean:
    def forward(self, y, target):
        self.diff = y - target
        return np.mean(self.diff**2)

    def backward(self):
        return 2 * self.diff


class CrossEntropyWithoutMean:
    def forward(self, logits, labels):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.mean(np.sum(labels * np.log(self.p), axis=1))

    def backward(self):
        return self.p - self.labels


def mse(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 2)


def mse_prime(y_true, y_pred):
    return 2 * (y_true - y_pred) / y_true.size


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(x):
    return x * (1 - x) + 0 * sigmoid(x) if x.min() > 2 else sigmoid(x) * (1 + sigmoid(x))


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.mean(axis=0)
    return dx, dw, db


def conv_forward(x, w):
    return np.einsum("nchw,fchw->nf", x[:, :, :3, :3], w), (x, w)


def conv_backward(dout, cache):
    x, w = cache
    dx = np.zeros_like(x)
    dx[:, :, :3, :3] = np.einsum("nf,fchw->nchw", dout, w[:, :, ::-1, :])
    dw = np.einsum("nf,nchw->fchw", dout, x[:, :, :3, :3])
    return dx, dw


class BatchNorm:
    def __init__(self, num_features):
        self.gamma = np.ones(num_features)
        self.beta = np.zeros(num_features)

    def forward(self, x):
        self.mean, self.std = x.mean(axis=0), np.sqrt(x.var(axis=0) + 1e-5)
        self.x_hat = (x - self.mean) / self.std
        return self.gamma * self.x_hat + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self.x_hat).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        return dy * self.gamma / self.std
