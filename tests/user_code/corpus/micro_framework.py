"""Micro-frameworks: dicts of params and grads, lists side by side, parameter objects, pairs from a method."""

import numpy as np


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)


class Layer:
    def __init__(self):
        self.params = {}
        self.grads = {}

    def forward(self, inputs):
        raise NotImplementedError

    def backward(self, grad):
        raise NotImplementedError


class Linear(Layer):
    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.params["w"] = np.random.randn(input_size, output_size)
        self.params["b"] = np.random.randn(output_size)

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["b"] = np.sum(grad, axis=0)
        self.grads["w"] = self.inputs.T @ grad
        return grad @ self.params["w"].T


class Activation(Layer):
    def __init__(self, f, f_prime):
        super().__init__()
        self.f, self.f_prime = f, f_prime

    def forward(self, inputs):
        self.inputs = inputs
        return self.f(inputs)

    def backward(self, grad):
        return self.f_prime(self.inputs) * grad


class Affine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b

    def backward(self, dout):
        W, _ = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T)


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class ParamLinear:
    def __init__(self, in_features, out_features, bias=True):
        self.weight = Parameter(np.random.randn(out_features, in_features).astype(np.float32))
        self.bias = Parameter(np.zeros(out_features, dtype=np.float32)) if bias else None

    def __call__(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backprop(self, delta):
        self.weight.grad += delta.T @ self.x
        self.bias.grad += delta.sum(0)
        return delta @ self.weight.data


class Paired:
    def __init__(self, n_in, n_out):
        self._kernel = np.random.randn(n_in, n_out)
        self._offset = np.zeros(n_out)

    def forward(self, x):
        self._x = x
        return x @ self._kernel + self._offset

    def backward(self, gradient):
        self._first, self._second = self._x.T @ gradient, gradient.sum(axis=0)
        return gradient @ self._kernel.T

    def params_and_grads(self):
        yield self._kernel, self._first
        yield self._offset, self._second


class ReturnsAll:
    def __init__(self, in_dim, hidden_dim):
        self.W = np.random.randn(in_dim, hidden_dim)
        self.b = np.random.randn(hidden_dim)

    def forward(self, x):
        cache = x
        return x @ self.W + self.b, cache

    def back(self, dy, cache):
        dW = cache.T @ dy
        db = dy.sum(0)
        dx = dy @ self.W.T
        return dW, db, dx


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {
            "W1": np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }

    def forward(self, x):
        p = self.params
        self.x = x
        self.h = np.tanh(x @ p["W1"] + p["b1"])
        return self.h @ p["W2"] + p["b2"]

    def backward(self, dscores):
        p = self.params
        grads = {"W2": self.h.T @ dscores, "b2": dscores.sum(0)}
        dh = dscores @ p["W2"].T * (1 - self.h**2)
        grads["W1"] = self.x.T @ dh
        grads["b1"] = dh.sum(0)
        self.grads = grads
        return dh @ p["W1"].T


class Stack:
    def __init__(self):
        self.layers = [Linear(4, 6), Sigmoid(), Linear(6, 3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


class MSE:
    def loss(self, predicted, actual):
        return np.sum((predicted - actual) ** 2)

    def grad(self, predicted, actual):
        return 2 * (predicted - actual)


class SoftmaxWithLoss:
    def __init__(self):
        self.loss = None
        self.y = None
        self.t = None

    def forward(self, x, t):
        self.t = t
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        self.loss = -np.sum(t * np.log(self.y + 1e-12)) / t.shape[0]
        return self.loss

    def backward(self, dout=1):
        return dout * (self.y - self.t) / self.t.shape[0]


class MulLayer:
    def __init__(self):
        self.x = None
        self.y = None

    def forward(self, x, y):
        self.x = x
        self.y = y
        return x * y

    def backward(self, dout):
        dx = dout * self.y
        dy = dout * self.x
        return dx, dy


class RNN:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
        self.cache = None

    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        h_next = np.tanh(np.dot(h_prev, Wh) + np.dot(x, Wx) + b)
        self.cache = (x, h_prev, h_next)
        return h_next

    def backward(self, dh_next):
        Wx, Wh, _ = self.params
        x, h_prev, h_next = self.cache
        dt = dh_next * (1 - h_next**2)
        self.grads[0][...] = np.dot(x.T, dt)
        self.grads[1][...] = np.dot(h_prev.T, dt)
        self.grads[2][...] = np.sum(dt, axis=0)
        dx = np.dot(dt, Wx.T)
        dh_prev = np.dot(dt, Wh.T)
        return dx, dh_prev


class HoldsAModule:
    def __init__(self, in_features, out_features):
        self.np = np
        self.W = np.random.randn(out_features, in_features).astype(np.float32)

    def forward(self, x):
        self.x = x
        return self.np.dot(x, self.W.T)

    def backward(self, dy):
        self.dW = self.np.dot(dy.T, self.x).astype(np.float64)
        return self.np.dot(dy, self.W)
