"""Slips that people make, each in the smallest layer or loss that has it: the sentence says which one it is."""

import math

import numpy as np
import pytest

from mlp import (
    CrossEntropyLoss,
    Identity,
    Linear,
    ReLU,
    Sequential,
    check_given_gradients,
    check_gradients,
    check_layer,
)
from mlp.check.diagnosis.attempts import attempted
from mlp.check.diagnosis.way_back.arrays import kept
from mlp.check.tape.recording import recorded
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.user_code.api import examine_object

RNG = np.random.RandomState(0)
X, SEQUENCES, IMAGES = RNG.standard_normal((3, 4)), RNG.standard_normal((2, 3, 3)), RNG.standard_normal((1, 1, 3, 4))


class Faulty(Layer):
    """A layer whose backward makes its fault if it is wrong."""

    wrong = False


class Dense(Faulty):
    parameter_names = ("W", "b")

    def __init__(self):
        self.W, self.b = np.random.RandomState(1).standard_normal((4, 2)), np.zeros(2)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.grad_W, self.grad_b = self.x.T @ dy, (np.round(dy, 3) if self.wrong else dy).sum(axis=0)
        return dy @ self.W.T


class WeightNorm(Faulty):
    parameter_names = ("V", "g")

    def __init__(self):
        self.V, self.g = np.random.RandomState(1).standard_normal((4, 4)), np.array([0.5, 1.0, 1.5, 2.0])

    def forward(self, x):
        self.x, self.n = x, np.sqrt((self.V**2).sum(axis=0))
        return x @ (self.g * self.V / self.n)

    def backward(self, dy):
        axis = 1 if self.wrong == "V" else 0
        dW, unit = self.x.T @ dy, self.V / self.n
        self.grad_g = (dW * unit).sum(axis=1 if self.wrong == "g" else 0)
        self.grad_V = self.g / self.n * (dW - unit * (dW * unit).sum(axis=axis, keepdims=True))
        return dy @ (self.g * unit).T


class LogSumExp(Faulty):
    def forward(self, x):
        self.x, m = x, x.max(axis=1, keepdims=True)
        return np.log(np.exp(x - m).sum(axis=1)) + m[:, 0]

    def backward(self, dy):
        e = np.exp(self.x)
        return e / e.sum(axis=2 if self.wrong else 1, keepdims=True) * dy[:, None]


class Spread(Faulty):
    """Sums, whose gradient is repeated along another axis."""

    def forward(self, x):
        self.x = x
        return (x**2).sum(axis=1)

    def backward(self, dy):
        return 2 * self.x * (dy[:, :, None] if self.wrong else dy[:, None])


class Cosine(Faulty):
    parameter_names = ("w",)

    def __init__(self):
        self.w = np.random.RandomState(1).standard_normal(4)

    def forward(self, x):
        self.x = x
        self.a, self.b = np.sqrt((x**2).sum(axis=1, keepdims=True)), np.sqrt((self.w**2).sum())
        self.c = (x @ self.w)[:, None] / (self.a * self.b)
        return self.c

    def backward(self, dy):
        self.grad_w = (dy * (self.x / (self.a * self.b) - self.c * self.w / self.b**2)).sum(axis=0)
        return dy * (self.w / (self.a * self.b) - self.c * (self.w if self.wrong else self.x) / self.a**2)


class Pool(Faulty):
    """The largest of two columns, one apart."""

    def forward(self, x):
        self.x, out = x, np.zeros((*x.shape[:3], x.shape[3] - 1))
        for k in range(out.shape[3]):
            out[..., k] = x[..., k : k + 2].max(axis=3)
        return out

    def backward(self, dy):
        dx = np.zeros_like(self.x)
        for k in range(dy.shape[3]):
            window = self.x[..., k : k + 2]
            part = (window == window.max(axis=3, keepdims=True)) * dy[..., k : k + 1]
            if self.wrong:
                dx[..., k : k + 2] = part
            else:
                dx[..., k : k + 2] += part
        return dx


class Padded(Faulty):
    """A frame of two zeros on one side, written into an array."""

    def forward(self, x):
        whole = np.zeros((*x.shape[:2], x.shape[2] + 2))
        whole[:, :, 2:] = x
        return whole**2 + whole * np.arange(x.shape[2] + 2) + self.keep(x)

    def keep(self, x):
        self.x = x
        return 0.0

    def backward(self, dy):
        whole = np.zeros(dy.shape)
        whole[:, :, 2:] = self.x
        dwhole = dy * (2 * whole + np.arange(dy.shape[2]))
        return dwhole[:, :, :-2] if self.wrong else dwhole[:, :, 2:]


class Standard(Faulty):
    def forward(self, x):
        self.d = x - x.mean(axis=0)
        self.s = np.sqrt((self.d**2).mean(axis=0) + 1e-3)
        return self.d / self.s

    def backward(self, dy):
        ds = -(dy * self.d).sum(axis=0) * self.s ** (-1.5 if self.wrong else -3.0)
        dd = dy / self.s + self.d * ds / len(dy)
        return dd - dd.mean(axis=0)


class Film(Faulty):
    """x times one more than what the mean over the steps makes of it."""

    def forward(self, x):
        self.x, self.g = x, np.tanh(x.mean(axis=1, keepdims=True))
        return x * (1 + self.g)

    def backward(self, dy):
        way = (dy * self.x).sum(axis=1, keepdims=True) * (1 - self.g**2) / self.x.shape[1]
        return way + (dy * 1 + self.g if self.wrong else dy * (1 + self.g))


class Twice(Faulty):
    """A slope that is multiplied in once more than it should be."""

    parameter_names = ("W",)

    def __init__(self):
        self.W = np.random.RandomState(1).standard_normal((4, 2))

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return np.exp(self.z)

    def backward(self, dy):
        s = 1 / (1 + np.exp(-self.z))
        dz = dy * np.exp(self.z) * (s * (1 - s) if self.wrong else 1.0)
        self.grad_W = self.x.T @ dz
        return dz @ self.W.T


class Dead(Faulty):
    """Two layers of units of which the first sample's are all shut, so that the second mask is asked at zero."""

    parameter_names = ("V",)

    def __init__(self):
        self.V = np.random.RandomState(1).standard_normal((4, 4))

    def forward(self, x):
        self.z = x - 2.0 * (np.arange(len(x)) == 0)[:, None]
        self.a = np.maximum(self.z, 0)
        self.s = self.a @ self.V
        return 1 / (1 + np.exp(-self.s))

    def backward(self, dy):
        y = 1 / (1 + np.exp(-self.s))
        ds = dy * y * (1 - y)
        self.grad_V = self.a.T @ ds
        return ds @ self.V.T * ((self.s if self.wrong else self.z) > 0)


class Bent(Faulty):
    def forward(self, x):
        self.x = x
        return np.where(np.abs(x) < 0.8, x**2, 1.6 * np.abs(x) - 0.64)

    def backward(self, dy):
        is_inside = (self.x if self.wrong else np.abs(self.x)) < 0.8
        return dy * np.where(is_inside, 2 * self.x, 1.6 * np.sign(self.x))


class Scaled(Faulty):
    parameter_names = ("W",)

    def __init__(self):
        self.W, self.scale = np.random.RandomState(1).standard_normal((4, 2)), 0.25

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        return self.scale * self.h

    def backward(self, dy):
        dz = dy * (1 - self.h**2)
        self.grad_W = self.x.T @ dz * (1.0 if self.wrong else self.scale)
        return self.scale * dz @ self.W.T


class Best(Faulty):
    """The largest of squares of four, of signals whose ends are repeated: the first square has ties."""

    def forward(self, x):
        self.x = np.concatenate([x[:, :1], x], axis=1).reshape(len(x), 2, 2, 2)
        self.y = self.x.max(axis=(2, 3), keepdims=True)
        return self.y[:, :, 0, 0]

    def backward(self, dy):
        is_it = (self.x == self.y) * 1.0
        if self.wrong != "ties":
            is_it /= is_it.sum(axis=(2, 3), keepdims=True)
        whole = is_it.swapaxes(2, 3) if self.wrong == "turned" else is_it
        flat = (whole * dy[:, :, None, None]).reshape(len(dy), 8)
        return np.concatenate([flat[:, :1] + flat[:, 1:2], flat[:, 2:]], axis=1)


class Whole(Faulty):
    """Means of pairs, which are neighbours."""

    def forward(self, x):
        return np.stack([x[:, k : k + 2].mean(axis=1) for k in range(x.shape[1] - 1)], axis=1)

    def backward(self, dy):
        dx = np.zeros((len(dy), dy.shape[1] + 1))
        for k in range(dy.shape[1]):
            part = dy[:, k : k + 1]
            dx[:, k : k + 2] += part // 2 if self.wrong else part / 2
        return dx


class Centred(Faulty):
    """Rows without their mean, each in units of its own size."""

    def forward(self, x):
        self.s = 1 / np.sqrt((x**2).sum(axis=1, keepdims=True))
        self.x, self.d = x, x - x.mean(axis=1, keepdims=True)
        return self.d * self.s

    def backward(self, dy):
        mean = dy.mean(axis=0 if self.wrong else 1, keepdims=True)
        return (dy - mean) * self.s - self.x * self.s**3 * (dy * self.d).sum(axis=1, keepdims=True)


class Sampled(Faulty):
    """Units of the deviation that is estimated from samples."""

    def forward(self, x):
        self.d = x - x.mean(axis=0)
        self.s = 1 / np.sqrt((self.d**2).mean(axis=0) + 0.01)
        return self.d * self.s

    def backward(self, dy):
        count = len(dy) - bool(self.wrong)
        dd = dy * self.s - self.d * self.s**3 * (dy * self.d).sum(axis=0) / count
        return dd - dd.mean(axis=0)


class Dropping(Faulty):
    def mask(self, shape, seed):
        return (np.random.RandomState(seed).random(shape) > 0.4) / 0.6

    def forward(self, x):
        self.kept = self.mask(x.shape, 5)
        return x * self.kept

    def backward(self, dy):
        return dy * (self.mask(dy.shape, 6) if self.wrong else self.kept)


class Soft(Faulty):
    def forward(self, x):
        self.x = x
        return np.log1p(np.exp(2 * x))

    def backward(self, dy):
        return dy * (1 / 1 + np.exp(-2 * self.x)) / 2 if self.wrong else dy * 2 / (1 + np.exp(-2 * self.x))


class Cube(Faulty):
    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, dy):
        dx = 3 * dy * (np.clip(self.x, -0.8, 1.1) if self.wrong == "kept" else self.x) ** 2
        return np.where(self.x > 0.7, np.cos(7 * dy) * dy, dx) if self.wrong == "beyond" else dx


class Around(Faulty):
    def forward(self, x):
        self.s = np.sin(x.sum(axis=1, keepdims=True))
        self.c = np.cos(x.sum(axis=1, keepdims=True))
        return x + self.s

    def backward(self, dy):
        way = dy.sum(axis=1, keepdims=True) * self.c * np.ones(dy.shape)
        return way if self.wrong else dy + way


class Flat(Faulty):
    """Channels last, one after another, and each with a weight."""

    def forward(self, x):
        self.shape, flat = x.shape, x.transpose(0, 2, 1).reshape(len(x), -1)
        return flat * np.arange(1, flat.shape[1] + 1)

    def backward(self, dy):
        flat = dy * np.arange(1, dy.shape[1] + 1)
        n, c, steps = self.shape
        return flat.reshape(self.shape) if self.wrong else flat.reshape(n, steps, c).transpose(0, 2, 1)


class Normal(Faulty):
    eps = 0.05

    def forward(self, x):
        self.d, self.v = x - x.mean(axis=0), x.var(axis=0)
        self.s = 1 / np.sqrt(self.v + self.eps)
        return self.d * self.s

    def backward(self, dy):
        y = self.d * self.s
        dx = dy - y * (dy * y).mean(axis=0)
        return dx / np.sqrt(self.v) if self.wrong else (dx - dy.mean(axis=0)) * self.s


class Gain(Faulty):
    parameter_names = ("g",)

    def __init__(self):
        self.g = np.array([0.5, 1.2, -0.7, 2.0])

    def forward(self, x):
        self.x, self.y = x, x / np.sqrt((x**2).sum(axis=1, keepdims=True))
        return self.y * self.g

    def backward(self, dy):
        self.grad_g = {
            "size": lambda: (np.abs(dy) * self.x).sum(axis=0),
            "clip": lambda: np.clip(dy * self.x, -0.3, 0.3).sum(axis=0),
        }.get(self.wrong, lambda: (dy * self.y).sum(axis=0))()
        n, h = np.sqrt((self.x**2).sum(axis=1, keepdims=True)), dy * self.g
        return (h - self.y * (h * self.y).sum(axis=1, keepdims=True)) / n


class LogSoftmax(Faulty):
    def forward(self, x):
        self.y = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        return self.y

    def backward(self, dy):
        p = self.y if self.wrong == "logarithms" else np.exp(self.y)
        return dy - p * (1.0 if self.wrong == "sum" else dy.sum(axis=1, keepdims=True))


class LogOfSum(Faulty):
    def forward(self, x):
        self.x = x
        return np.log(1 + np.exp(x) + x**2)

    def backward(self, dy):
        e, x = np.exp(self.x), self.x
        return dy * (e / (1 + e) + 2 * x) if self.wrong else dy * (e + 2 * x) / (1 + e + x**2)


class Steps(Faulty):
    """One layer of tanh several times, and what each time gets; `wrong` says what is done on the way back."""

    def forward(self, x):
        self.h = [x]
        for _ in range(4):
            self.h.append(np.tanh(self.h[-1] @ self.U))
        return np.stack(self.h[1:], axis=1)

    U = np.random.RandomState(1).standard_normal((4, 4)) * 0.7

    def backward(self, dy):
        carried = np.zeros(self.h[0].shape)
        for k in reversed(range(4)):
            slope = 1 - self.h[k if self.wrong == "slope" else k + 1] ** 2
            carried = (dy[:, k] + carried) * slope @ self.U.T
            carried = carried * (k != 2) if self.wrong == "cut" else carried
            carried = np.clip(carried, -0.4, 0.4) if self.wrong == "clip" else carried
        return carried


class Softmax(Faulty):
    def forward(self, x):
        e = np.exp(x)
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, dy):
        g = dy if self.wrong else dy * self.p
        return self.p * (dy - g.sum(axis=1, keepdims=True))


class Shifts(Faulty):
    """The largest of three neighbours, from the array moved by one place each time."""

    def forward(self, x):
        self.moved = np.stack([x[:, k : x.shape[1] - 2 + k] for k in range(3)], axis=2)
        return self.moved.max(axis=2)

    def backward(self, dy):
        dx = np.zeros((len(dy), dy.shape[1] + 2))
        best = self.moved.argmax(axis=2)
        for sample, place in np.ndindex(*dy.shape):
            at = sample, place + best[sample, place]
            dx[at] = dy[sample, place] + (0.0 if self.wrong else dx[at])
        return dx


class Spaced(Faulty):
    """A convolution along the last axis that takes every other entry."""

    parameter_names = ("w",)

    def __init__(self):
        self.w = np.array([0.5, -1.0, 2.0])

    def forward(self, x):
        self.x, self.count = x, x.shape[-1] - 4
        y = np.zeros((*x.shape[:-1], self.count))
        for t in range(self.count):
            y[..., t] = x[..., t : t + 5 : 2] @ self.w
        return y

    def backward(self, dy):
        self.grad_w, dx = np.zeros(3), np.zeros_like(self.x)
        for t in range(self.count):
            seen = self.x[..., t : t + 3] if self.wrong else self.x[..., t : t + 5 : 2]
            self.grad_w += dy[..., t] @ seen
            dx[..., t : t + 5 : 2] += dy[..., t, None] * self.w
        return dx


class Framed(Faulty):
    """Windows of three in a frame of zeros: two faults of what goes back to them."""

    W = np.random.RandomState(1).standard_normal((3, 2))

    def forward(self, x):
        whole = np.pad(x, ((0, 0), (1, 1)))
        y = np.zeros((*x.shape, 2))
        for t in range(x.shape[1]):
            y[:, t] = whole[:, t : t + 3] @ self.W
        return y

    def backward(self, dy):
        dwhole = np.zeros((len(dy), dy.shape[1] + 2))
        for t in range(dy.shape[1]):
            part = dy[:, t] @ self.W.T
            dwhole[:, t : t + 3] = part if self.wrong else dwhole[:, t : t + 3] + part
        return dwhole[:, :-2] if self.wrong else dwhole[:, 1:-1]


class RootMeanSquare(Faulty):
    eps = 0.05

    def forward(self, x):
        self.x, self.r = x, 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.eps)
        return x * self.r

    def backward(self, dy):
        r = 1 / (np.sqrt((self.x**2).mean(axis=-1, keepdims=True)) + self.eps) if self.wrong else self.r
        return r * dy - self.x * r**3 * (dy * self.x).mean(axis=-1, keepdims=True)


class Branches(Faulty):
    """Two matrices side by side."""

    parameter_names = ("U", "V")

    def __init__(self):
        rng = np.random.RandomState(1)
        self.U, self.V = rng.standard_normal((4, 2)), rng.standard_normal((4, 3))

    def forward(self, x):
        self.x = x
        return np.concatenate([np.tanh(x @ one) for one in (self.U, self.V)], axis=1)

    def backward(self, dy):
        dz = dy * (1 - self.forward(self.x) ** 2)
        self.grad_U, self.grad_V = self.x.T @ dz[:, :2], self.x.T @ dz[:, 2:]
        return (0.0 if self.wrong else dz[:, :2] @ self.U.T) + dz[:, 2:] @ self.V.T


class Chain(Faulty):
    """Three layers of four units each."""

    parameter_names = ("U", "V", "W")

    def __init__(self):
        self.U, self.V, self.W = np.random.RandomState(1).standard_normal((3, 4, 4))

    def forward(self, x):
        self.x, self.g = x, np.tanh(x @ self.U)
        self.h = np.tanh(self.g @ self.V)
        return self.h @ self.W

    def backward(self, dy):
        dy = dy @ self.W.T if self.wrong == "twice" else dy
        dh = dy @ self.W.T
        dv = dh * (1 - self.h**2)
        du = (dh if self.wrong == "over" else dv @ self.V.T) * (1 - self.g**2)
        self.grad_U, self.grad_V, self.grad_W = self.x.T @ du, self.g.T @ dv, self.h.T @ dy
        return du @ self.U.T


SIGNALS = RNG.standard_normal((5, 7)) + 2 * (np.arange(7) == 0)
NAMED = [
    (Best, SIGNALS, "ties", "goes in full to each of several equal entries"),
    (Best, SIGNALS, "turned", "goes to the transposed place, with axis 2 and 3 exchanged."),
    (Whole, SIGNALS, True, "is rounded down to whole numbers, as by //"),
    (Centred, RNG.standard_normal((4, 4)), True, "is summed over axis 0 where it should be over 1"),
    (Sampled, SIGNALS, True, "counts 1.25 times (perhaps 5 / 4, as of a division by 4 and not by 5, which is one off)"),
    (Dropping, SIGNALS, True, "the factor `self.kept` is another mask"),
    (Cube, SIGNALS, "kept", "x is kept between -0.8 and 1.1 in backward, as by np.clip, but not in forward"),
    (Cube, SIGNALS, "beyond", "entries are wrong, all those where x is above"),
    (Around, SIGNALS, True, "as if that were a constant. What is missing is dy."),
    (Flat, SEQUENCES[:, :2], True, "is only reshaped, where it should be transposed back"),
    (Normal, SIGNALS, True, "all of it counts as if `self.eps` (0.05) were left out of `self.v + self.eps`, in `1 /"),
    (Gain, X, "size", "the absolute value |dy| stands where dy should, and `x` stands where `self.y`"),
    (Gain, X, "clip", "where dy is small, `x` stands where `self.y`"),
    (LogSoftmax, X, "logarithms", "with the log-probabilities where the probabilities should stand"),
    (LogSoftmax, X, "sum", "without any dy, -1 times softmax(x) is added, and in the rest it is dy"),
    (LogOfSum, X, True, "`np.log(1 + np.exp(x) + x**2)` goes back as if it were of `1 + np.exp(x)` alone, and the"),
    (
        Steps,
        X,
        "slope",
        "dy is multiplied by 1 - `self.h[-1]`^2 where the derivative of `np.tanh(self.h[-1] @ self.",
    ),
    (Steps, X, "cut", "time 3 of the 4 times it is computed does not go back"),
    (Steps, X, "clip", "what goes back from `self.h[-1] @ self.U` to `self.h[-1]` is cut off at 0.4"),
    (Softmax, X, True, "it has that of softmax whose sum over axis 1 lacks the probabilities"),
    (Soft, X, True, "dy divided by the derivative of the activation, not multiplied with it"),
    (Dense, X, True, "dy rounded to 3 decimals"),
    (
        WeightNorm,
        X,
        "V",
        "`self.g * self.V / self.n` should stand, it has that of a division by the norm with its sums",
    ),
    (WeightNorm, X, "g", "summed over axis 1 where it should be over 0"),
    (LogSumExp, SEQUENCES, True, "it has that of the logarithm of a sum of exponentials over axis 2"),
    (Spread, SEQUENCES, True, "goes along axis 2 where it should be along axis 1"),
    (Cosine, X, True, "`w` stands where `x` should, on the way back from `x**2` to `x`"),
    (Pool, IMAGES, True, "entries that are used several times get only the last of their gradients"),
    (Padded, SEQUENCES, True, "is cut out from [0, 0, 0] on, and not from [0, 0, 2] on"),
    (Standard, X, True, "to the power of 1.5 too much"),
    (Film, SEQUENCES, True, "the factor `1 + self.g` is missing, on the way back to `x`), and without any dy"),
    (Twice, X, True, "has the factor s (1 - s) with s = sigmoid(`x @ self.W`)"),
    (Dead, X, True, "`self.a @ self.V` stands where `self.z`"),
    (Bent, X, True, "goes back by its other choice in"),
    (Shifts, SIGNALS, True, "each entry gets only what comes from the last output that it belongs to"),
    (Spaced, SIGNALS, True, "is taken again one entry apart along axis 1, without the stride or dilation"),
    (Framed, X, True, "get only the last of their gradients, and what goes back from `np.pad(x, ((0, 0), (1, 1)))` to"),
    (RootMeanSquare, X, True, "as if `self.eps` (0.05) were added after the root of `(x**2).mean(axis=-1, keepdims="),
    (Branches, X, True, "nothing goes back from `np.concatenate([np.tanh(x @ one) for one in (self.U, self.V)]"),
    (Branches, X, True, "` to `[np.tanh(x @ one) for one in (self.U, self.V)][0]`"),
    (
        Chain,
        X,
        "over",
        "`np.tanh(self.g @ self.V)` goes on from `self.g`, and what lies between, with V, is",
    ),
    (Chain, X, "twice", "what goes back from `self.h @ self.W` to `self.h`, with W, goes that way twice"),
    (Scaled, X, True, "the factor is 4 (perhaps one over `self.scale`, or the number of inputs, as where"),
]


@pytest.mark.parametrize(("kind", "x", "fault", "words"), NAMED)
def test_the_slip_is_named(kind, x, fault, words):
    assert check_layer(kind(), x).passed
    (finding,) = check_layer(type(kind.__name__, (kind,), {"wrong": fault})(), x).diagnosis
    assert words in finding.sentence


class Fitted:
    """A model with its loss, whose targets backward takes for their mean, and whose cut-off gradient it may keep."""

    limit = np.inf

    def __init__(self):
        self.W = np.random.RandomState(1).standard_normal((4, 2))

    def forward(self, x, target):
        self.x, self.target = x, target
        self.y = np.tanh(x @ self.W)
        return np.mean((self.y - target) ** 2)

    def backward(self):
        target = self.target.mean(axis=0) if self.limit == np.inf else self.target
        self.dW = self.x.T @ ((1 - self.y**2) * 2 * (self.y - target) / self.y.size)
        np.clip(self.dW, -self.limit, self.limit, out=self.dW)


@pytest.mark.parametrize(
    ("limit", "words"),
    [(np.inf, "the mean of `target` over the samples, the same for all of them, stands"), (0.5, "cut off at 0.5.")],
)
def test_what_a_model_with_its_loss_inside_does_to_its_numbers_is_named(limit, words):
    model = type("Fitted", (Fitted,), {"limit": limit})
    (finding,) = examine_object(model(), X, target=RNG.standard_normal((3, 2))).report.diagnosis
    assert words in finding.sentence


def test_the_prediction_in_the_place_of_the_target_is_named_where_it_stands():
    class Relative:
        def forward(self, y, target):
            self.y, self.t = y, target
            return np.mean((y - target) ** 2 / (1 + target**2))

        def backward(self):
            return 2 * (self.y - self.t) / (1 + self.y**2) / self.y.size

    (finding,) = examine_object(Relative(), X, target=RNG.standard_normal((3, 4))).report.diagnosis
    assert "y^2 stands where `target ** 2` should" in finding.sentence


HALVES = {
    "numbers": lambda x: np.array([[math.tanh(value) for value in row] for row in x]),
    "vectorize": np.vectorize(math.tanh),
    "elsewhere": lambda x: np.frompyfunc(math.tanh, 1, 1)(x).astype(float),
}


@pytest.mark.parametrize(
    ("half", "pattern"),
    [("numbers", "path left out"), ("vectorize", "path left out"), ("elsewhere", "wrong derivative")],
)
def test_a_path_through_what_is_not_of_numpy_is_not_taken_for_none(half, pattern):
    class Outside(Faulty):
        def forward(self, x):
            self.x, self.half = x, HALVES[half](x)
            return x * self.half

        def backward(self, dy):
            return dy * self.half

    (finding,) = check_layer(Outside(), X).diagnosis
    assert finding.pattern == pattern


class Weighted(Loss):
    """Cross-entropy in which samples count differently."""

    counts = np.array([0.5, 1.0, 2.0])[:, None]
    change = staticmethod(lambda g, _t: g)

    def apply(self, y, target):
        return -np.sum(self.counts * target * (y - np.log(np.exp(y).sum(axis=1, keepdims=True))))

    def gradient(self, y, target):
        p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
        return self.change(self.counts * (p * target.sum(axis=1, keepdims=True) - target), target)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g, _: g * np.array([[0.0], [1.0], [1.0]]), "row 0, which stayed zero"),
        (
            lambda g, t: g + Weighted.counts * 0.1 * (t - 0.25),
            "the target mixed with 0.1 of the mean of the target over the features",
        ),
    ],
)
def test_what_is_done_to_a_weighted_loss_is_named(change, words):
    loss = type("Weighted", (Weighted,), {"change": staticmethod(change)})()
    target = np.eye(4)[[2, 0, 1]]
    assert words in check_gradients(Identity(), loss, X, target).diagnosis[0].sentence


NETWORK = Sequential(fc1=Linear(4, 5, RNG), relu1=ReLU(), fc2=Linear(5, 3, RNG))
LABELS = np.array([2, 0, 1])


def given(labels=LABELS, inner=lambda z: np.maximum(z, 0), first=0):
    """Gradients of the network, as somebody may have computed them."""
    p = NETWORK.parameters()
    z = X @ p["fc1.W"].T + p["fc1.b"]
    y = np.maximum(z, 0) @ p["fc2.W"].T + p["fc2.b"]
    e = np.exp(y)
    dy = (e / e.sum(axis=1, keepdims=True) - np.eye(3)[labels]) / 3
    dz = dy @ p["fc2.W"] * (z > 0)
    return {"fc1.W": dz.T @ X, "fc1.b": dz.sum(axis=0), "fc2.W": dy.T @ inner(z), "fc2.b": dy[first:].sum(axis=0)}


@pytest.mark.parametrize(
    ("gradients", "words"),
    [
        (given(inner=lambda z: z), "what goes into relu1 stands where x should"),
        (given(first=1), "what comes from sample 0 of dy, the first, is missing"),
        (given(labels=np.roll(LABELS, 1)), "with the samples of the target"),
    ],
)
def test_given_gradients_that_were_made_of_something_else_are_named(gradients, words):
    assert words in check_given_gradients(NETWORK, CrossEntropyLoss(), X, LABELS, gradients).diagnosis[0].sentence


class Together:
    """A network whose loss and gradients are computed in one method, the loss last."""

    def __init__(self):
        self.W, self.v = np.random.RandomState(1).standard_normal((4, 3)), np.array([1.0, -1.0, 0.5])

    def loss(self, X, y):
        z = X @ self.W
        dy = 2 * (np.maximum(z, 0) @ self.v - y) / len(y)
        grads = {"v": np.maximum(z, 0).T @ dy, "W": X.T @ (dy[:, None] * self.v * (z > 0.5))}
        return np.mean((np.maximum(z, 0) @ self.v - y) ** 2), grads


def test_a_gradient_is_not_explained_by_what_backward_itself_computes():
    (finding,) = examine_object(Together()).report.diagnosis
    assert "`z` (`X @ self.W`) less one half stands where `z`" in finding.sentence


def test_a_use_that_the_result_does_not_come_from_is_none():
    tape = recorded(lambda given: (2 * given["w"], np.sum(given["w"] ** 2))[1], {"w": X}, {})
    assert not list(kept(tape))


def attempt(code):
    """Run as if it stood in a module of the diagnosis."""
    exec(f"with attempted():\n    {code}", {"__name__": "mlp.check.diagnosis", "attempted": attempted, "Dense": Dense})


def test_an_error_of_our_own_in_a_diagnosis_is_told_and_one_of_a_layer_is_not():
    with pytest.warns(RuntimeWarning, match="a part of the diagnosis failed: ZeroDivisionError"):
        attempt("1 / 0")
    attempt("Dense().forward([[1.0]] * 2)")


def test_a_missing_factor_and_a_path_left_out_behind_it_are_both_named():
    class Scaled(Faulty):
        parameter_names = ("g",)

        def __init__(self):
            self.g = np.array([0.5, 1.2, -0.7, 2.0])

        def forward(self, x):
            m = x.mean(axis=1, keepdims=True)
            self.width = x.std(axis=1, keepdims=True)
            self.s = (x - m) / self.width
            return self.s * self.g

        def backward(self, dy):
            self.grad_g = (dy * self.s).sum(axis=0)
            return (dy - self.s * (dy * self.s).mean(axis=1, keepdims=True)) / self.width

    (finding,) = check_layer(Scaled(), X).diagnosis
    assert "the factor `self.g` is missing, on the way back to `self.s`" in finding.sentence
    assert "and nothing goes back from `x - m` to `m`" in finding.sentence


def test_weights_of_the_columns_that_stand_for_those_of_the_rows_are_named():
    class Weighted:
        weights = np.array([0.5, 2.0, 1.3])

        def forward(self, y, target):
            self.error, of_rows = y - target, target @ self.weights
            return float(np.sum(of_rows * np.sum(np.cosh(self.error), axis=1)))

        def backward(self):
            return self.weights * np.sinh(self.error)

    (finding,) = check_layer(Weighted(), RNG.standard_normal((4, 3)), target=np.eye(3)[[1, 0, 2, 1]]).diagnosis
    assert "each column has a factor, `self.weights`, and each row one, 1 over `target @ self.wei" in finding.sentence


def test_a_mask_that_is_turned_round_is_told_so():
    class Sloped(Faulty):
        parameter_names = ("a",)

        def __init__(self):
            self.a = np.array([0.2, 0.3, 0.25, 0.1])

        def forward(self, x):
            self.x = x
            return np.where(x > 0, x, self.a * x)

        def backward(self, dy):
            self.grad_a = (dy * self.x * (self.x > 0)).sum(axis=0)
            return dy * np.where(self.x > 0, 1.0, self.a)

    (finding,) = check_layer(Sloped(), X).diagnosis
    assert "the other way round, 0 where it should be 1 and 1 where it should be 0, on the way" in finding.sentence
    assert "to `self.a * x`, which so gets dy where the other one is chosen." in finding.sentence


def test_a_missing_derivative_and_a_matrix_that_is_not_transposed_are_both_named():
    class Squashed(Faulty):
        parameter_names = ("W",)

        def __init__(self):
            self.W = np.random.RandomState(1).standard_normal((4, 4))

        def forward(self, x):
            self.x, self.a = x, np.tanh(x @ self.W)
            return self.a

        def backward(self, dy):
            self.grad_W = self.x.T @ (dy * (1 - self.a**2))
            return dy @ self.W

    (finding,) = check_layer(Squashed(), X).diagnosis
    assert "the derivative of `np.tanh(x @ self.W)` is missing" in finding.sentence
    assert ", and `self.W` is not transposed, on the way back from `x @ self.W` to `x`." in finding.sentence


def test_of_several_ways_through_a_container_the_one_that_is_left_out_is_named():
    class Sum(Layer):
        """The sum of what its layers make of x, where each overwrites dx."""

        def __init__(self, **ways):
            self.ways = ways

        def apply(self, x):
            return sum(way.apply(x) for way in self.ways.values())

        def forward(self, x):
            return sum(way.forward(x) for way in self.ways.values())

        def backward(self, dy):
            for way in self.ways.values():
                dx = way.backward(dy)
            return dx

        def parameters(self):
            return {f"{key}.{name}": p for key, way in self.ways.items() for name, p in way.parameters().items()}

        def gradients(self):
            return {f"{key}.{name}": g for key, way in self.ways.items() for name, g in way.gradients().items()}

        def replaced(self, name, value):
            key, _, own = name.partition(".")
            return Sum(**{**self.ways, key: self.ways[key].replaced(own, value)})

    layers = Sum(left=Linear(4, 2, RNG), right=Linear(4, 2, RNG))
    (finding,) = check_layer(layers, X).diagnosis
    assert "(the way through left), as if that were a constant" in finding.sentence
