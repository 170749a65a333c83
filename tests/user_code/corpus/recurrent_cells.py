"""One step and many steps of recurrent cells: a state beside x, a second output, several gates in one matrix."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class SimpleCell:
    def __init__(self, input_size, hidden_size):
        self.W_ih = np.random.randn(hidden_size, input_size)
        self.W_hh = np.random.randn(hidden_size, hidden_size)
        self.b = np.zeros(hidden_size)
        self.dW_ih, self.dW_hh, self.db = np.zeros_like(self.W_ih), np.zeros_like(self.W_hh), np.zeros(hidden_size)

    def forward(self, x, h_prev):
        self.x, self.h_prev = x, h_prev
        self.h = np.tanh(x @ self.W_ih.T + h_prev @ self.W_hh.T + self.b)
        return self.h

    def backward(self, dh):
        da = dh * (1 - self.h**2)
        self.dW_ih, self.dW_hh, self.db = da.T @ self.x, da.T @ self.h_prev, da.sum(axis=0)
        return da @ self.W_ih, da @ self.W_hh


class GatedCell:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]

    def forward(self, x, h_prev, c_prev):
        Wx, Wh, b = self.params
        f, g, i, o = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
        f, g, i, o = sigmoid(f), np.tanh(g), sigmoid(i), sigmoid(o)
        c = f * c_prev + g * i
        self.cache = x, h_prev, c_prev, f, g, i, o, c
        return o * np.tanh(c), c

    def backward(self, dh_next, dc_next):
        Wx, Wh, _ = self.params
        x, h_prev, c_prev, f, g, i, o, c = self.cache
        t = np.tanh(c)
        dc = dc_next + dh_next * o * (1 - t**2)
        slopes = (dc * c_prev * f * (1 - f), dc * i * (1 - g**2), dc * g * i * (1 - i), dh_next * t * o * (1 - o))
        da = np.hstack(slopes)
        for grad, value in zip(self.grads, (x.T @ da, h_prev.T @ da, da.sum(axis=0)), strict=True):
            grad[...] = value
        return da @ Wx.T, da @ Wh.T, dc * f


def cell_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def cell_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    dx, dprev_h, dWx, dWh, db = da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db


def run_forward(x, h0, Wx, Wh, b):
    states, h, caches = [], h0, []
    for t in range(x.shape[1]):
        h, cache = cell_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


def run_backward(dh, caches):
    dx, dprev, dWx, dWh, db = [], 0, 0, 0, 0
    for t in reversed(range(len(caches))):
        dx_t, dprev, dWx_t, dWh_t, db_t = cell_backward(dh[:, t] + dprev, caches[t])
        dx.insert(0, dx_t)
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    dx, dh0 = np.stack(dx, axis=1), dprev
    return dx, dh0, dWx, dWh, db
