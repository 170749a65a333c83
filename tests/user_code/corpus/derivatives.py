"""Activations that return their derivative, and layers that hold their gradients before there are any."""

import numpy as np


class Logistic:
    def forward(self, Z):
        self.A = 1 / (1 + np.exp(-Z))
        return self.A

    def backward(self):
        return self.A * (1 - self.A)


class HyperbolicTangent:
    def forward(self, Z):
        self.A = np.tanh(Z)
        return self.A

    def backward(self):
        return 1 - self.A**2


class WithState:
    def forward(self, Z):
        self.A = np.tanh(Z)
        return self.A

    def backward(self, state=None):
        A = self.A if state is None else state
        return 1 - A**2


class Linear:
    def __init__(self, in_features, out_features):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.dLdW = np.zeros((out_features, in_features))
        self.dLdb = np.zeros((out_features, 1))
        self.momentum_W = np.zeros((out_features, in_features))

    def forward(self, A):
        self.A = A
        return A @ self.W.T + self.b.T

    def backward(self, dLdZ):
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.sum(axis=0)[:, None]
        self.momentum_W = 0.9 * self.momentum_W + self.dLdW
        return dLdZ @ self.W


class Private:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.__x = x
        return x @ self.W

    def backward(self, grad):
        self.__dW = self.__x.T @ grad
        return grad @ self.W.T


class Convolution1d:
    def __init__(self, in_channels, out_channels, kernel_size):
        self.W = np.random.randn(out_channels, in_channels, kernel_size)
        self.b = np.zeros(out_channels)
        self.dLdW, self.dLdb = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, A):
        _, channels, length = A.shape
        assert channels == self.W.shape[1]
        self.A, k = A, self.W.shape[2]
        columns = [np.tensordot(A[:, :, i : i + k], self.W, ([1, 2], [1, 2])) for i in range(length - k + 1)]
        return np.stack(columns, axis=2) + self.b[:, None]

    def backward(self, dLdZ):
        k, dLdA = self.W.shape[2], np.zeros_like(self.A)
        self.dLdW, self.dLdb = np.zeros_like(self.W), dLdZ.sum(axis=(0, 2))
        for i in range(dLdZ.shape[2]):
            self.dLdW += np.tensordot(dLdZ[:, :, i], self.A[:, :, i : i + k], ([0], [0]))
            dLdA[:, :, i : i + k] += np.tensordot(dLdZ[:, :, i], self.W, ([1], [0]))
        return dLdA
