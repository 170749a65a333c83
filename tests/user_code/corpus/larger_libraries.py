# ruff: noqa: ARG002, RUF007  (written as other people write)
"""Layers as larger libraries have them: lazy weights, lists of weights, containers, images, running statistics."""

from abc import ABC, abstractmethod

import numpy as np


class LayerBase(ABC):
    def __init__(self, optimizer=None):
        self.X = []
        self.gradients = {}
        self.parameters = {}

    @abstractmethod
    def forward(self, z, **kwargs): ...

    @abstractmethod
    def backward(self, out, **kwargs): ...


class FullyConnected(LayerBase):
    def __init__(self, n_out, act_fn=None, optimizer=None):
        super().__init__(optimizer)
        self.n_in, self.n_out = None, n_out
        self.parameters = {"W": None, "b": None}
        self.is_initialized = False

    def _init_params(self):
        self.parameters = {"W": np.random.randn(self.n_in, self.n_out), "b": np.zeros((1, self.n_out))}
        self.gradients = {name: np.zeros_like(value) for name, value in self.parameters.items()}
        self.is_initialized = True

    def forward(self, X, retain_derived=True):
        if not self.is_initialized:
            self.n_in = X.shape[1]
            self._init_params()
        Y = np.tanh(X @ self.parameters["W"] + self.parameters["b"])
        if retain_derived:
            self.X.append((X, Y))
        return Y

    def backward(self, dLdy, retain_grads=True):
        grads = []
        for dy, (X, Y) in zip(dLdy if isinstance(dLdy, list) else [dLdy], self.X, strict=True):
            dZ = dy * (1 - Y**2)
            self.gradients["W"] += X.T @ dZ
            self.gradients["b"] += dZ.sum(axis=0, keepdims=True)
            grads.append(dZ @ self.parameters["W"].T)
        return grads[0] if len(self.X) == 1 else grads


class DenseWithName:
    def __init__(self, input_dim, output_dim, activation):
        self.W = np.random.randn(input_dim, output_dim) * 0.1
        self.b = np.zeros((1, output_dim))
        self.activation = activation

    def forward(self, X):
        self.X, self.Z = X, X @ self.W + self.b
        if self.activation == "relu":
            return np.maximum(0, self.Z)
        if self.activation == "sigmoid":
            return 1 / (1 + np.exp(-self.Z))
        raise ValueError(f"unknown activation {self.activation}")

    def backward(self, dA):
        s = 1 / (1 + np.exp(-self.Z))
        dZ = dA * (self.Z > 0) if self.activation == "relu" else dA * s * (1 - s)
        self.dW = self.X.T @ dZ
        self.db = np.sum(dZ, axis=0, keepdims=True)
        return dZ @ self.W.T


class Lists:
    def __init__(self, layer_sizes):
        pairs = list(zip(layer_sizes[:-1], layer_sizes[1:], strict=True))
        self.weights = [np.random.randn(a, b) for a, b in pairs]
        self.biases = [np.zeros((1, b)) for _, b in pairs]

    def forward(self, x):
        self.activations = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            self.activations.append(np.tanh(self.activations[-1] @ w + b))
        return self.activations[-1]

    def backward(self, grad):
        self.grad_weights, self.grad_biases = [None] * len(self.weights), [None] * len(self.weights)
        for i in reversed(range(len(self.weights))):
            grad = grad * (1 - self.activations[i + 1] ** 2)
            self.grad_weights[i] = self.activations[i].T @ grad
            self.grad_biases[i] = grad.sum(axis=0, keepdims=True)
            grad = grad @ self.weights[i].T
        return grad


class SigmoidLayer:
    def forward(self, x):
        self.s = 1 / (1 + np.exp(-x))
        return self.s

    def backward(self, grad):
        return grad * self.s * (1 - self.s)


class Model:
    def __init__(self, *layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.weights = np.random.randn(out_channels, in_channels, kernel_size, kernel_size)
        self.bias = np.zeros(out_channels)
        self.k = kernel_size

    def forward(self, x):
        self.x, k = x, self.k
        n, _, h, w = x.shape
        out = np.zeros((n, len(self.weights), h - k + 1, w - k + 1))
        for i in range(h - k + 1):
            for j in range(w - k + 1):
                patch = x[:, :, i : i + k, j : j + k]
                out[:, :, i, j] = np.tensordot(patch, self.weights, axes=([1, 2, 3], [1, 2, 3])) + self.bias
        return out

    def backward(self, grad_output):
        k = self.k
        self.grad_weights, dx = np.zeros_like(self.weights), np.zeros_like(self.x)
        for i in range(grad_output.shape[2]):
            for j in range(grad_output.shape[3]):
                g = grad_output[:, :, i, j]
                self.grad_weights += np.tensordot(g, self.x[:, :, i : i + k, j : j + k], axes=([0], [0]))
                dx[:, :, i : i + k, j : j + k] += np.tensordot(g, self.weights, axes=([1], [0]))
        self.grad_bias = grad_output.sum(axis=(0, 2, 3))
        return dx


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(x.shape[0], -1)

    def backward(self, dout):
        return dout.reshape(self.shape)


class MaxPool2D:
    def __init__(self, pool_size=2, stride=2):
        self.pool_size, self.stride = pool_size, stride

    def forward(self, x):
        self.x = x
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        out = blocks.max(axis=(3, 5))
        self.mask = blocks == out[:, :, :, None, :, None]
        return out

    def backward(self, dout):
        return (self.mask * dout[:, :, :, None, :, None]).reshape(self.x.shape)


class BatchNormalization:
    def __init__(self, gamma, beta, momentum=0.9, running_mean=None):
        self.gamma, self.beta, self.momentum, self.running_mean = gamma, beta, momentum, running_mean

    def forward(self, x, train_flg=True):
        if self.running_mean is None:
            self.running_mean = np.zeros(x.shape[1])
        mu = x.mean(axis=0) if train_flg else self.running_mean
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mu
        self.std = np.sqrt(x.var(axis=0) + 1e-6)
        self.x_hat = (x - mu) / self.std
        return self.gamma * self.x_hat + self.beta

    def backward(self, dout):
        self.dbeta, self.dgamma = dout.sum(axis=0), np.sum(self.x_hat * dout, axis=0)
        d = self.gamma * dout
        return (d - d.mean(axis=0) - self.x_hat * (d * self.x_hat).mean(axis=0)) / self.std
