"""Sums on the way back: with a factor outside, with terms that do not count alike, with more or fewer parts."""

import numpy as np
import pytest

from mlp import check_layer, check_model

RNG = np.random.RandomState(0)
X, STEPS = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 4, 3))
PAIRS = RNG.standard_normal((6, 2))


class Faulty:
    """A layer or loss whose backward makes its fault if it is wrong."""

    wrong = ""


class Standardise(Faulty):
    """Columns in units of their own deviation."""

    def forward(self, x):
        self.s = np.sqrt(x.var(axis=0) + 1e-3)
        self.y = (x - x.mean(axis=0)) / self.s
        return self.y

    def backward(self, dy):
        part = self.y * (dy * self.y).mean(axis=0)
        if self.wrong:
            part = {"missing": self.y * dy.mean(axis=0), "outside": self.y**2 * dy.mean(axis=0)}[self.wrong]
        return (dy - dy.mean(axis=0) - part) / self.s


class OfFeatures(Faulty):
    """Rows without their mean, which is divided by how many rows there are."""

    def forward(self, x):
        return x - x.mean(axis=1, keepdims=True)

    def backward(self, dy):
        return dy - dy.sum(axis=1, keepdims=True) / (len(dy) if self.wrong else dy.shape[1])


class OfRows(Faulty):
    """Columns in units of their deviation, whose derivative has one of its factors."""

    def forward(self, x):
        self.s = np.sqrt(x.var(axis=1, keepdims=True) + 1e-3)
        self.y = (x - x.mean(axis=1, keepdims=True)) / self.s
        return self.y

    def backward(self, dy):
        part = (dy * self.y).mean(axis=1, keepdims=True) * (1 if self.wrong else self.y)
        return (dy - dy.mean(axis=1, keepdims=True) - part) / self.s


class Unit(Faulty):
    """Rows of length 1."""

    def forward(self, x):
        self.n = np.linalg.norm(x, axis=1, keepdims=True)
        self.y = x / self.n
        return self.y

    def backward(self, dy):
        dx = dy - self.y * (dy * self.y).sum(axis=1, keepdims=True)
        return dx if self.wrong else dx / self.n


class MaskedMean(Faulty):
    """The mean of the steps that count."""

    mask = np.array([[1.0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]])[:, :, None]

    def forward(self, x):
        self.n = self.mask.sum(axis=1)
        return (x * self.mask).sum(axis=1) / self.n

    def backward(self, dy):
        return (dy / (4 if self.wrong else self.n))[:, None, :] * self.mask


class Observed(Faulty):
    """Squares of what is known, less an offset for each column."""

    known = np.array([[1.0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 0]])

    def __init__(self):
        self.offset = np.array([0.3, -0.2, 0.5])

    def forward(self, x):
        self.d = (x - self.offset) * self.known
        return self.d**2

    def backward(self, dy):
        dx = 2 * dy * self.d * self.known
        self.doffset = -dx.sum(axis=0) / (self.known.sum(axis=0) if self.wrong else 1)
        return dx


class Gates(Faulty):
    """Two gates by one function, of which one goes back with the wrong sign."""

    def __init__(self):
        self.V, self.W = RNG.standard_normal((2, 3, 3))

    def gate(self, z):
        return 1 / (1 + np.exp(-z))

    def forward(self, x):
        self.x, self.v, self.w = x, self.gate(x @ self.V), self.gate(x @ self.W)
        return self.v * self.w + (1 - self.v) * x

    def backward(self, dy):
        dv = dy * (self.x - self.w if self.wrong else self.w - self.x) * self.v * (1 - self.v)
        dw = dy * self.v * self.w * (1 - self.w)
        self.dV, self.dW = self.x.T @ dv, self.x.T @ dw
        return dy * (1 - self.v) + dv @ self.V.T + dw @ self.W.T


class Tied(Faulty):
    """A matrix that is used twice."""

    def __init__(self):
        self.W = RNG.standard_normal((3, 3))

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        return self.h @ self.W

    def backward(self, dy):
        dz = dy @ self.W.T * (1 - self.h**2)
        self.dW = (self.x.T @ dz + self.h.T @ dy) / (2 if self.wrong else 1)
        return dz @ self.W.T


class Recurrent(Faulty):
    def __init__(self):
        self.V, self.W = RNG.standard_normal((2, 3, 3))

    def forward(self, x):
        self.x, self.h = x, [np.zeros((len(x), 3))]
        for t in range(x.shape[1]):
            self.h.append(np.tanh(x[:, t] @ self.V + self.h[-1] @ self.W))
        return np.stack(self.h[1:], axis=1)

    def backward(self, dy):
        self.dV, self.dW, dx, dh = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros_like(self.x), np.zeros((len(dy), 3))
        for t in reversed(range(1 if self.wrong == "first" else 0, dy.shape[1])):
            slope = 1 - self.h[t + 1] ** 2
            dz = dy[:, t] + dh * slope if self.wrong == "bracket" else (dy[:, t] + dh) * slope
            self.dV += self.x[:, t].T @ dz
            self.dW += self.h[t].T @ dz
            dx[:, t] = dz @ self.V.T
            dz = {"own": dy[:, t], "one step": dy[:, t] * slope}.get(self.wrong, dz)
            dh = dz @ self.W.T / (2 if self.wrong == "halved" else 1) + (dh if self.wrong == "running" else 0)
        return dx


class Gated(Faulty):
    """A state that goes through a gate in each step."""

    def __init__(self):
        self.U, self.V, self.W = RNG.standard_normal((3, 3, 3))

    def forward(self, x):
        self.x, self.steps, h = x, [], np.zeros((len(x), 3))
        out = []
        for t in range(x.shape[1]):
            g, s = 1 / (1 + np.exp(-x[:, t] @ self.U)), np.tanh(x[:, t] @ self.V + h @ self.W)
            self.steps.append((h, g, s))
            h = g * s
            out.append(h)
        return np.stack(out, axis=1)

    def backward(self, dy):
        self.dU, self.dV, self.dW, dh = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((len(dy), 3))
        dx = np.zeros_like(self.x)
        for t in reversed(range(dy.shape[1])):
            h, g, s = self.steps[t]
            d = dy[:, t] + dh
            dg = (dy[:, t] if self.wrong else d) * s * g * (1 - g)
            ds = d * g * (1 - s**2)
            self.dU += self.x[:, t].T @ dg
            self.dV += self.x[:, t].T @ ds
            self.dW += h.T @ ds
            dx[:, t] = dg @ self.U.T + ds @ self.V.T
            dh = ds @ self.W.T
        return dx


class Causal(Faulty):
    """Attention in which no step sees a later one."""

    def forward(self, x):
        self.x = x
        s = np.where(np.tri(x.shape[1], dtype=bool), x @ x.swapaxes(1, 2), -1e9)
        e = np.exp(s - s.max(axis=2, keepdims=True))
        self.p = e / e.sum(axis=2, keepdims=True)
        return self.p @ np.tanh(x)

    def backward(self, dy):
        dp = dy @ np.tanh(self.x).swapaxes(1, 2)
        ds = (1 if self.wrong else self.p) * (dp - (dp * self.p).sum(axis=2, keepdims=True))
        dv = self.p.swapaxes(1, 2) @ dy
        return ds @ self.x + ds.swapaxes(1, 2) @ self.x + dv * (1 - np.tanh(self.x) ** 2)


class Scaled(Faulty):
    """The square of the distance from a centre, in units; slope of it with brackets in other places."""

    def __init__(self):
        self.centre, self.unit, self.units = 0.4, 1.7, np.array([1.5, 0.7, 2.0])

    def forward(self, x):
        self.x = x
        if self.wrong == "array":
            return np.tanh((x - self.centre) ** 2 / self.units)
        return ((x - self.centre) / self.unit) ** 2

    def backward(self, dy):
        if self.wrong == "array":
            slope = 1 - np.tanh((self.x - self.centre) ** 2 / self.units) ** 2
            return dy * slope * 2 * (self.x - self.centre / self.units)
        inner = self.x - self.centre / self.unit if self.wrong else (self.x - self.centre) / self.unit
        return dy * 2 * inner / self.unit


class Squared(Faulty):
    def forward(self, y, target):
        self.y, self.t = y, target
        return np.sum((y - target) ** 2) / len(y)

    def backward(self):
        if self.wrong:
            return 2 * self.y - self.t / len(self.y)
        return 2 * (self.y - self.t) / len(self.y)


class Share(Faulty):
    """What is common over all there is."""

    def forward(self, y, target):
        self.y, self.t, self.all = y, target, np.sum(y**2) + 1
        return -np.sum(target * y) / self.all

    def backward(self):
        common = np.sum(self.t * self.y)
        return -(self.t * self.all - 2 * self.y * common) / (self.all if self.wrong else self.all**2)


class Ranked(Faulty):
    """The first of two should be larger, by a margin."""

    def forward(self, y, target):
        self.d, self.t = y[:, 0] - y[:, 1], target
        return np.maximum(0.5 - target * self.d, 0).mean()

    def backward(self):
        a = (0.5 - self.t * self.d > (0.5 if self.wrong else 0)) * self.t / len(self.t)
        return np.stack([-a, a], axis=1)


class Margin(Faulty):
    """Squares of what lies within a margin."""

    def forward(self, y, target):
        self.y, self.t, self.gap = y, target, np.maximum(1.5 - y, 0)
        return np.mean(target * y**2 + (1 - target) * self.gap**2)

    def backward(self):
        gap = {"": self.gap, "everywhere": 1.5 - self.y, "plain": 1.0 * (self.gap > 0)}[self.wrong]
        return 2 * (self.t * self.y - (1 - self.t) * gap) / self.y.size


class Distilled(Faulty):
    def softmax(self, z):
        e = np.exp(z)
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, y, target):
        self.q, self.p = self.softmax(y / 3), self.softmax(target / 3)
        return -np.sum(self.p * np.log(self.q))

    def backward(self):
        return ((self.softmax(self.q) if self.wrong else self.q) - self.p) / 3


class Shifted(Faulty):
    """A cross-entropy whose softmax goes on under the name of what it is given."""

    def softmax(self, z, axis=1):
        z = np.exp(z - z.max(axis=axis, keepdims=True))
        return z / z.sum(axis=axis, keepdims=True)

    def forward(self, y, target):
        self.y, self.t = y, self.softmax(target)
        return -np.sum(self.t * np.log(self.softmax(y))) / len(y)

    def backward(self):
        return (self.softmax(self.y, axis=0 if self.wrong else 1) - self.t) / len(self.y)


class Directions(Faulty):
    """Rows of length 1."""

    def directions(self, x, axis=1):
        return x / np.sqrt(np.sum(x**2, axis=axis, keepdims=True))

    def forward(self, x):
        self.x = x
        return self.directions(x)

    def backward(self, dy):
        axis = 0 if self.wrong else 1
        y = self.directions(self.x, axis)
        return (dy - y * np.sum(dy * y, axis=axis, keepdims=True)) * y / self.x


class Shares(Faulty):
    """Softmax over axis 1, which backward computes anew."""

    def softmax(self, x, axis=1):
        e = np.exp(x)
        return e / e.sum(axis=axis, keepdims=True)

    def forward(self, x):
        self.x = x
        return self.softmax(x)

    def backward(self, dy):
        p = self.softmax(self.x, 0 if self.wrong else 1)
        return p * (dy - np.sum(p * dy, axis=0 if self.wrong == "whole" else 1, keepdims=True))


class Minimal(Faulty):
    """A gate of -x @ W, and what goes through it."""

    def __init__(self):
        self.W, self.V = RNG.standard_normal((2, 3, 3))

    def forward(self, x):
        self.x, self.g, self.c = x, 1 / (1 + np.exp(-x @ self.W)), np.tanh(x @ self.V)
        return self.g * self.c

    def backward(self, dy):
        d = dy * self.c * (1 - self.g**2 if self.wrong else self.g * (1 - self.g))
        e = dy * self.g * (1 - self.c**2)
        self.dW, self.dV = self.x.T @ d, self.x.T @ e
        return d @ self.W.T + e @ self.V.T


class Weighted(Faulty):
    """A cross-entropy with a weight for each class."""

    def __init__(self):
        self.weights = np.array([0.5, 2.0, 1.3])

    def forward(self, y, target):
        z = np.exp(y)
        self.p, self.t, self.of_rows = z / z.sum(axis=1, keepdims=True), target, self.weights[target]
        return -np.sum(self.of_rows * np.log(self.p[np.arange(len(y)), target])) / len(y)

    def backward(self):
        d, count = self.p.copy(), self.of_rows.sum() if self.wrong == "sum" else len(self.p)
        d[np.arange(len(d)), self.t] -= self.of_rows if self.wrong == "twice" else 1
        return d * (self.weights if self.wrong == "columns" else self.of_rows[:, None]) / count


NUMBERS, CLASSES = RNG.standard_normal((4, 3)), np.array([0, 2, 1, 2])
TWO = np.array([[0.0, 1, 1], [1, 0, 0], [0, 0, 1], [1, 1, 0]])
SIGNS = np.array([1.0, -1, 1, -1, 1, -1])
OUTSIDE = "the factor `(x - x.mean(axis=0)) / self.s` {} the sum that goes back from `(x - x.mean(axis=0)) / self.s` to"


@pytest.mark.parametrize(
    ("kind", "target", "fault", "words"),
    [
        (Standardise, None, "missing", OUTSIDE.format("is missing in")),
        (Standardise, None, "outside", OUTSIDE.format("stands outside of")),
        (OfFeatures, None, "count", "counts 0.75 times (perhaps the number of inputs over the number of samples"),
        (
            OfRows,
            None,
            "factor",
            "the factor `(x - x.mean(axis=1, keepdims=True)) / self.s` is missing, on the way back",
        ),
        (
            Unit,
            None,
            "norm",
            "the factor `np.linalg.norm(x, axis=1, keepdims=True)` is too much, where each place of dy",
        ),
        (MaskedMean, None, "count", "what comes from samples 0, 1, 2 of dy has a factor, 0.25 times `self.n`"),
        (Observed, None, "count", "the factor the sum of `self.known` over axis 0 is missing, where each place of dy"),
        (Gates, None, "sign", "has the wrong sign, in `self.gate(x @ self.V)`"),
        (Tied, None, "mean", "the factor is 0.5 (perhaps one over the number of times W is used, as of a mean over"),
        (Recurrent, None, "halved", "`np.tanh(x[:, t] @ self.V + self.h[-1] @ self.W)` of the step before counts 0.5"),
        (Recurrent, None, "first", "the first of the 4 times it is computed does not go back"),
        (Gated, None, "gate", "in what goes from `g * s` to `g` (`1 / (1 + np.exp(-x[:, t] @ self.U))`) alone"),
        (Causal, None, "outside", "it has that of softmax without the probabilities before its sum over axis 2"),
        (Share, NUMBERS, "square", "the factor `np.sum(y**2) + 1` is too much, or a division by it is missing"),
        (Ranked, SIGNS, "mask", "has the factor (`target * self.d` < 0) too much"),
        (Margin, TWO, "everywhere", "it is as if `0` were left out of `np.maximum(1.5 - y, 0)`"),
        (
            Margin,
            TWO,
            "plain",
            "the factor made of `self.gap` (`np.maximum(1.5 - y, 0)`) is missing, with 1 in its place",
        ),
        (
            Distilled,
            NUMBERS,
            "twice",
            "it has that of the logarithm of softmax with softmax applied twice, over axis 1",
        ),
        (Directions, None, "whole", "should stand, it has that of the same function over axis 0."),
        (Shares, None, "whole", "should stand, it has that of the same function over axis 0."),
        (Shares, None, "part", "it has that of the same function over axis 0, with its sums over axis 1."),
        (Minimal, None, "tanh", "1 - y^2, as of tanh, where the derivative of `1 / (1 + np.exp(-x @ self.W))` should"),
        (Minimal, None, "tanh", "The same goes for dx."),
        (Shifted, NUMBERS, "axis", "the logarithm of softmax with the probabilities of one over axis 0"),
        (Recurrent, None, "running", "has all that has gone back to that of the later ones in it, as where += stands"),
        (
            Recurrent,
            None,
            "own",
            "own dy alone: the derivatives on the way through the step are missing in it, and",
        ),
        (Recurrent, None, "one step", "comes back from later steps is missing in it, so it reaches one step back only"),
        (Recurrent, None, "bracket", "the factor 1 - y^2 is missing, where each place of dy comes in"),
        (Scaled, None, "number", "in `(x - self.centre) / self.unit`, on the way back from"),
        (Scaled, None, "number", "`x` counts 1.7 times (perhaps `self.unit`)"),
        (Scaled, None, "array", "`x` alone is multiplied with `self.units`"),
        (Squared, NUMBERS, "brackets", "`y` counts 4 times (perhaps `len(y)`, or the number of samples, as where"),
        (Squared, NUMBERS, "brackets", "and `target` counts 0.5 times"),
        (Weighted, CLASSES, "sum", "(perhaps one over the mean of `self.of_rows`, as where their sum stands for their"),
        (Weighted, CLASSES, "twice", "the factor `self.of_rows` is there twice, squared, on the way back to"),
        (Weighted, CLASSES, "columns", "each column has a factor, `self.weights`, and each row one, 1 over `self.of_"),
    ],
)
def test_what_is_wrong_with_a_sum_is_named(kind, target, fault, words):
    x = STEPS if kind in (Recurrent, MaskedMean, Gated, Causal) else PAIRS if kind is Ranked else X
    given = {} if target is None else {"target": target}
    constants = {"constants": {Weighted: ["weights"], Scaled: ["units"]}.get(kind, [])}
    right = type(kind.__name__, (kind,), {})
    assert fault == "array" or check_layer(right(), x, **given, **constants).passed
    (finding,) = check_layer(type(kind.__name__, (kind,), {"wrong": fault})(), x, **given, **constants).diagnosis
    assert words in finding.sentence


class Running(Faulty):
    """The sums of all rows up to each, the last of which is left out of dg."""

    def __init__(self):
        self.g = np.array([0.5, 2.0, 1.3])

    def forward(self, x):
        self.x = x
        return np.cumsum(np.sin(x) * self.g, axis=0)

    def backward(self, dy):
        down = np.cumsum(dy[::-1], axis=0)[::-1]
        self.dg = (down * np.sin(self.x))[:3].sum(axis=0)
        return down * np.cos(self.x) * self.g


class Between(Faulty):
    """What each row is apart from the mean of all rows; what goes back from the first counts too much."""

    def forward(self, x):
        self.s = np.sin(x)
        return self.s - self.s.mean(axis=0)

    def backward(self, dy):
        centred = dy - dy.mean(axis=0)
        centred[0] *= 1.5
        return centred * np.sqrt(1 - self.s**2)


@pytest.mark.parametrize(("layer", "x", "name"), [(Running, X, "step"), (Between, X / 2, "row")])
def test_the_first_axis_is_none_of_samples_where_outputs_depend_on_what_stands_elsewhere_on_it(layer, x, name):
    sentence = " ".join(one.sentence for one in check_layer(layer(), x).diagnosis)
    assert "sample" not in sentence
    assert name in sentence


def test_the_lengths_of_a_mean_over_all_axes_may_be_a_factor():
    def model(w):
        r = X @ w
        return np.mean(r**2), 2 * X.T @ r / len(r)

    (finding,) = check_model(model, RNG.standard_normal((3, 2))).diagnosis
    assert (
        "the factor is 2 (perhaps the length of axis 1 of `r ** 2`, as where a mean leaves it out)" in finding.sentence
    )


def test_ingredients_that_would_give_the_same_numbers_are_both_named():
    t = RNG.standard_normal((4, 3))

    def model(w):
        y = np.tanh(X @ w)
        return np.mean((y - t) ** 2), 2 * X.T @ ((1 - y**2) * (y - t[::-1])) / y.size

    (finding,) = check_model(model, RNG.standard_normal((3, 3))).diagnosis
    assert "in its numbers it is the same as: `t` with its rows in reverse order stands where `t`" in finding.sentence


def test_two_gradients_with_the_wrong_sign_are_not_said_to_be_exchanged():
    def halves(w):
        v, u = X @ w["v"], np.tanh(X @ w["u"])
        d = u / 3 + 0.5 * (1 - np.exp(v))
        value = np.sum(u * v) / 3 - 0.5 * np.sum(1 + v - u**2 - np.exp(v))
        return value, {"v": X.T @ d, "u": X.T @ ((v / 3 + u) * (1 - u**2))}

    parts = {"v": RNG.standard_normal(3), "u": RNG.standard_normal(3)}
    (finding,) = check_model(halves, parts).diagnosis
    assert "the gradients by `1 + v` and by `np.exp(v)` have the wrong sign" in finding.sentence


def test_a_slope_that_is_there_twice_is_called_a_factor_and_not_another_derivative():
    def model(w):
        p, t = 1 / (1 + np.exp(-(X @ w))), np.array([0.0, 1.0, 1.0, 0.0])
        return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)), X.T @ ((p - t) * p * (1 - p)) / len(t)

    (finding,) = check_model(model, RNG.standard_normal(3)).diagnosis
    assert "the gradient by `1 / (1 + np.exp(-(X @ w)))` has the factor `1 / (1 + np.exp(-(X @ w)))` (1 - `1 /" in (
        finding.sentence
    )
    assert "should stand" not in finding.sentence


class Adding:
    """A layer whose gradients are added up until somebody sets them to zero."""

    def __init__(self):
        self.W, self.dW = RNG.standard_normal((3, 3)), np.zeros((3, 3))

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dy):
        self.dW += self.x.T @ dy
        return dy @ self.W.T


class Network(Faulty):
    def __init__(self):
        self.first, self.second = Adding(), Adding()

    def forward(self, x):
        self.h = np.tanh(self.first.forward(x))
        return self.second.forward(self.h)

    def backward(self, dy):
        for layer in (self.first, self.second):
            layer.dW[...] = 0
        if self.wrong == "twice":
            self.second.backward(dy)
        dh = self.second.backward(dy) + (dy if self.wrong == "around" else 0)
        return self.first.backward(dh * (1 - self.h**2))


def test_a_layer_that_is_asked_twice_on_one_way_back_is_named():
    assert check_layer(Network(), X).passed
    (finding,) = check_layer(type("Network", (Network,), {"wrong": "twice"})(), X).diagnosis
    assert "the backward of second is called 2 times, so what it adds up counts as often" in finding.sentence
