# ruff: noqa: ARG002, RUF059  (written as other people write)
"""Cells, networks, lookups and losses with one well-known mistake each; the comment names it."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class LabelsNotDivided:
    """Right for one-hot targets; with class labels the division by the batch is missing."""

    def forward(self, x, t):
        self.t, self.y = t, softmax(x)
        labels = t.argmax(axis=1) if t.size == x.size else t
        return -np.log(self.y[np.arange(len(x)), labels] + 1e-7).mean()

    def backward(self, dout=1):
        if self.t.size == self.y.size:
            return (self.y - self.t) / len(self.t)
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dx


class SingleSign:
    """float32, and the bias has the wrong sign."""

    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out).astype(np.float32)
        self.b = np.zeros(n_out, dtype=np.float32)

    def forward(self, x):
        self.x = x
        return (x @ self.W + self.b).astype(np.float32)

    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, -dy.sum(axis=0)
        return dy @ self.W.T


class LookupOverwrites:
    """An id that comes twice counts once."""

    def __init__(self, W):
        self.W = W

    def forward(self, ids):
        self.ids = ids
        return self.W[ids]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        self.dW[self.ids] += dout


class DerivativeOfSomethingElse:
    """Returns a derivative, that of another function."""

    def forward(self, Z):
        self.A = np.tanh(Z)
        return self.A

    def backward(self):
        return 1 - self.A


class NoSlopeInside:
    """The hidden delta is not multiplied by the slope of the sigmoid."""

    def __init__(self):
        self.W1, self.W2 = np.random.randn(2, 3), np.random.randn(3, 1)

    def forward(self, X):
        self.hidden = sigmoid(X @ self.W1)
        return sigmoid(self.hidden @ self.W2)

    def backward(self, X, y, o):
        delta = (o - y) * o * (1 - o)
        self.W1 -= X.T @ (delta @ self.W2.T)
        self.W2 -= self.hidden.T @ delta


class SlopeForgotten:
    """The error of a sigmoid under squared errors lacks the slope."""

    @staticmethod
    def fn(a, y):
        return np.sum((a - y) ** 2) / 2

    @staticmethod
    def delta(z, a, y):
        return a - y + 0 * z


def half_penalty_loss(W, X, y, reg):
    """The penalty's gradient lacks its 2."""
    p = softmax(X @ W)
    loss = -np.log(p[np.arange(len(y)), y]).mean() + reg * np.sum(W**2)
    p[np.arange(len(y)), y] -= 1
    return loss, X.T @ p / len(y) + reg * W


def cell_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def cell_backward(dnext_h, cache):
    """The gradient of Wh is taken with the new state."""
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    dx, dprev_h, dWx, dWh, db = da @ Wx.T, da @ Wh.T, x.T @ da, next_h.T @ da, da.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db


def conv_forward(x, w, b):
    patches = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", patches, w) + b[:, None, None], (x, w, patches)


def conv_backward(dout, cache):
    """The bias is averaged over the batch; images are nothing that a diagnosis of rows knows."""
    x, w, patches = cache
    dx = np.zeros_like(x)
    for i, j in np.ndindex(*w.shape[2:]):
        height, width = dout.shape[2:]
        dx[:, :, i : i + height, j : j + width] += np.einsum("nfhw,fc->nchw", dout, w[:, :, i, j])
    dw, db = np.einsum("nfhw,nchwij->fcij", dout, patches), dout.mean(axis=0).sum(axis=(1, 2))
    return dx, dw, db


class CategoricalNotDivided:
    """Forward takes the mean over the samples, backward does not divide."""

    def loss(self, y_true, y_pred):
        return -np.sum(y_true * np.log(y_pred + 1e-7)) / len(y_true)

    def gradient(self, y_true, y_pred):
        return -y_true / y_pred


class MeanInForwardOnly:
    """Forward takes the mean, backward does not divide."""

    def loss(self, y_true, y_pred):
        return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))

    def gradient(self, y_true, y_pred):
        return (y_pred - y_true) / (y_pred * (1 - y_pred))


class AddsUp:
    """Right in one call of backward; the next one adds to it."""

    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.dW = np.zeros_like(self.W)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dy):
        self.dW += self.x.T @ dy
        return dy @ self.W.T


class HalfPenalty:
    """The 2 of the derivative is left out; the output is a single number."""

    def __call__(self, w):
        return 0.3 * np.sum(w**2)

    def grad(self, w):
        return 0.3 * w
