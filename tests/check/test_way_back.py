"""One wrong step on the way back through forward's operations, in cells, attention, pools and losses: each is named."""

from importlib import import_module

import numpy as np
import pytest

from mlp import check_gradients, check_layer, dense_layers
from mlp.check.diagnosis.way_back.windows import _otherwise_apart
from mlp.nn.activations import Tanh
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential

RNG = np.random.RandomState(0)
X, SEQUENCES, IMAGES = RNG.standard_normal((6, 5)), RNG.standard_normal((3, 4, 3)), RNG.standard_normal((2, 2, 4, 6))
SHORT = SEQUENCES[:2, :3].copy()  # for what takes long: two samples of three steps


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Faulty(Layer):
    """A layer whose backward asks `self.is_(name)` where it makes the fault of this name."""

    fault = ""

    def is_(self, name):
        return self.fault == name


class Cell(Faulty):
    """An LSTM of three inputs and four units; its gates stand side by side in W and U."""

    parameter_names = ("W", "U")

    def __init__(self):
        rng = np.random.RandomState(1)
        self.W, self.U = 0.5 * rng.standard_normal((3, 16)), 0.5 * rng.standard_normal((4, 16))

    def forward(self, x):
        self.x, self.kept, out = x, [], np.zeros((*x.shape[:2], 4))
        h = c = np.zeros((len(x), 4))
        for t in range(x.shape[1]):
            z = x[:, t] @ self.W + h @ self.U
            i, f, o, g = sigmoid(z[:, :4]), sigmoid(z[:, 4:8]), sigmoid(z[:, 8:12]), np.tanh(z[:, 12:])
            state = f * c + i * g
            self.kept.append((h, c, i, f, o, g, state))
            c = state
            h = out[:, t] = o * np.tanh(c)
        return out

    def backward(self, dy):
        dx, dh, dc = np.zeros_like(self.x), 0.0, 0.0
        self.grad_W, self.grad_U = np.zeros_like(self.W), np.zeros_like(self.U)
        for t in range(dy.shape[1])[:: 1 if self.is_("order") else -1]:
            h, c, i, f, o, g, state = self.kept[max(t - 1, 0) if self.is_("before") else t]
            state, c = (self.kept[-1][-1],) * 2 if self.is_("one state") else (state, c)
            dh = dy[:, t] + dh
            dc = dc + dh * o * (1 - (state if self.is_("state") else np.tanh(state)) ** 2)
            di, df, do = dc * g * i * (1 - i), dc * c * (1.0 if self.is_("slope") else f * (1 - f)), dh * np.tanh(state)
            gates = (df, di) if self.is_("exchanged") else (di, df)
            dz = np.concatenate([*gates, do * o * (1 - o), dc * i * (1 - g**2)], axis=1)
            self.grad_W += self.x[:, t].T @ dz
            self.grad_U += (o * np.tanh(state) if self.is_("late") else h).T @ dz
            dx[:, t] = dz @ self.W.T
            dh, dc = 0.0 if self.is_("no h") else dz @ self.U.T, dc if self.is_("gate") else dc * f
        return dx


class Attention(Faulty):
    parameter_names = ("Q", "K", "V")

    def __init__(self):
        self.Q, self.K, self.V = np.random.RandomState(2).standard_normal((3, 3, 4))

    def forward(self, x):
        self.x, self.q, self.k, self.v = x, x @ self.Q, x @ self.K, x @ self.V
        self.a = softmax(self.q @ self.k.transpose(0, 2, 1) / 2.0)
        return self.a @ self.v

    def backward(self, dy):
        da, dv = dy @ self.v.transpose(0, 2, 1), (self.a if self.is_("a") else self.a.transpose(0, 2, 1)) @ dy
        axis = 1 if self.is_("axis") else 2
        ds = da if self.is_("softmax") else self.a * (da - (da * self.a).sum(axis, keepdims=True))
        ds = ds if self.is_("scale") else ds / 2.0
        dq, dk = ds @ self.k, (ds if self.is_("ds") else ds.transpose(0, 2, 1)) @ self.q
        dq, dk = (dk, dq) if self.is_("exchanged") else (dq, dk)
        self.grad_Q, self.grad_K, self.grad_V = (np.einsum("nti,ntj->ij", self.x, one) for one in (dq, dk, dv))
        return dq @ self.Q.T + dk @ self.K.T + dv @ self.V.T


class Tied(Faulty):
    parameter_names = ("W",)

    def __init__(self):
        self.W = np.random.RandomState(2).standard_normal((5, 3))

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        return self.h @ self.W.T

    def backward(self, dy):
        dz = dy @ self.W * (1 - self.h**2)
        if self.is_("mask"):
            dz = np.where(self.h > 0, dy @ self.W, 0.0) * (1 - self.h**2)
        inner, outer = self.x.T @ dz, dy.T @ self.h
        self.grad_W = {"inner": inner, "minus": inner - outer, "twice": 2 * inner}.get(self.fault, inner + outer)
        return dz @ self.W.T


class Hidden(Faulty):
    """tanh(x W) of sequences, whose dz is not what it should be."""

    parameter_names = ("W",)

    def __init__(self):
        self.W = np.random.RandomState(2).standard_normal((3, 2))

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W)
        return self.h

    def backward(self, dy):
        dz = dy * (1 - self.h**2)
        dz = {
            "summed": dz.sum(axis=1, keepdims=True) + 0 * dz,
            "shifted": np.roll(dz, 1, axis=1),
            "clipped": np.clip(dz, -0.2, 0.2),
            "reshaped": dz.reshape(3, 2, 4).transpose(0, 2, 1),
        }.get(self.fault, dz)
        self.grad_W = np.einsum("nti,ntj->ij", self.x, dz)
        return dz @ self.W.T


class Gated(Faulty):
    """relu(x W) times tanh(beta x W)."""

    parameter_names = ("W",)

    def __init__(self):
        self.W, self.beta = np.random.RandomState(2).standard_normal((5, 3)), 2.0

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        self.r, self.t = np.maximum(self.z, 0), np.tanh(self.beta * self.z)
        return self.r * self.t

    def backward(self, dy):
        r, t = (self.t, self.r) if self.is_("exchanged") else (self.r, self.t)
        beta = 1.0 if self.is_("beta") else self.beta
        t = np.tanh(beta * self.z) if self.is_("beta") else t
        slope = np.where(self.z > 0, 1.0, 0.1 if self.is_("leak") else 0.0)
        dz = dy * (t * slope + r * beta * (1 - np.tanh(beta * self.z) ** 2))
        self.grad_W = self.x.T @ dz
        W = self.W - 0.5 * self.grad_W if self.is_("updated") else self.W
        return dz @ W.T


class Pool(Faulty):
    def forward(self, x):
        n, c, h, w = x.shape
        self.blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        return self.blocks.max(axis=(3, 5))

    def backward(self, dy):
        largest = self.blocks == self.blocks.max(axis=(3, 5), keepdims=True)
        if self.is_("all"):
            largest = np.ones_like(largest)
        if self.is_("smallest"):
            largest = self.blocks == self.blocks.min(axis=(3, 5), keepdims=True)
        n, c, h, w = dy.shape
        return (largest * dy[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)


class Embedding(Faulty):
    parameter_names = ("E",)
    ids = np.array([[0, 2, 2], [3, 0, 0], [1, 1, 2]])

    def __init__(self):
        self.E = np.random.RandomState(2).standard_normal((5, 5))

    def forward(self, x):
        self.x = x
        return self.E[self.ids[:, :2].ravel()] * x

    def backward(self, dy):
        self.grad_E, ids = np.zeros_like(self.E), self.ids[:, :2].ravel()
        if self.is_("assigned"):
            self.grad_E[ids] += dy * self.x
        else:
            np.add.at(self.grad_E, ids, dy if self.is_("factor") else dy * self.x)
        return dy * self.E[ids]


class LayerNorm(Faulty):
    def forward(self, x):
        self.deviation = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        self.y = (x - x.mean(axis=-1, keepdims=True)) / self.deviation
        return self.y

    def backward(self, dy):
        axis, times = (0 if self.is_("axis") else -1), 2.0 if self.is_("twice") else 1.0
        mean = 0.0 if self.is_("mean") else dy.mean(axis, keepdims=True)
        mean = dy.sum(axis, keepdims=True) if self.is_("sum") else mean
        deviation = self.deviation**2 if self.is_("square") else self.deviation
        return (dy - mean - times * self.y * (dy * self.y).mean(axis, keepdims=True)) / deviation


class Residual(Faulty):
    parameter_names = ("W",)

    def __init__(self):
        self.W = np.random.RandomState(2).standard_normal((5, 5))

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        self.y = x + np.maximum(self.z, 0)
        return self.y

    def backward(self, dy):
        dz = dy * ((self.y if self.is_("mask") else self.z) > 0)
        self.grad_W = self.x.T @ dz
        return dy + dz @ self.W.T


class Scaled(Faulty):
    """Each row in units of its root mean square, times a factor for each feature."""

    parameter_names = ("g",)

    def __init__(self):
        self.g = np.random.RandomState(2).uniform(0.5, 2, 3)

    def forward(self, x):
        self.x, self.s = x, np.sqrt(np.mean(x**2, axis=-1, keepdims=True))
        self.y = x / self.s
        return self.y * self.g + x.mean(axis=1, keepdims=True)

    def backward(self, dy):
        self.grad_g, dg = (dy * self.y).sum(axis=(0, 1)), dy * self.g
        axis = (0, 2) if self.is_("axis") else 2
        second = ((dy if self.is_("one way") or self.is_("two") else dg) * self.x / self.s**2).mean(axis, keepdims=True)
        third = 0.0 if self.is_("two") else dy.sum(axis=1, keepdims=True) / 4
        return dg / self.s - self.y * second + third


class Product(Faulty):
    """Three operands in one sum of products."""

    parameter_names = ("A", "B")

    def __init__(self):
        self.A, self.B = np.random.RandomState(2).standard_normal((2, 3, 3))

    def forward(self, x):
        self.x = x
        return np.einsum("nti,ij,jk->ntk", x, self.A, self.B)

    def backward(self, dy):
        self.grad_A = np.einsum("nti,ntk,jk->ij", self.x, dy, np.ones((3, 3)) if self.is_("factor") else self.B)
        self.grad_B = np.einsum("nti,ij,ntk->jk", self.x, self.A.T if self.is_("transposed") else self.A, dy)
        return np.einsum("ntk,ij,jk->nti", dy, self.A, self.B)


class Blur(Faulty):
    """The mean of three by three pixels, with zeros around the image."""

    def forward(self, x):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        return sum(padded[:, :, i : i + 4, j : j + 6] for i in range(3) for j in range(3)) / 9

    def backward(self, dy):
        padded = np.zeros((*dy.shape[:2], 6, 8))
        for i in range(3):
            for j in range(3):
                padded[:, :, i : i + 4, j : j + 6] += dy / 9
        return padded[:, :, :-2, :-2] if self.is_("crop") else padded[:, :, 1:-1, 1:-1]


class Unit(Faulty):
    """Rows in units of their length and a little more, times a factor."""

    def __init__(self):
        self.eps, self.g = 0.01, 1.5

    def forward(self, x):
        self.x, self.n = x, np.sqrt((x**2).sum(axis=-1, keepdims=True) + self.eps)
        return x / self.n * self.g

    def backward(self, dy):
        n = np.sqrt((self.x**2).sum(axis=-1, keepdims=True)) if self.is_("eps") else self.n
        axis = None if self.is_("all") else -1
        one, two = (1.0, self.g) if self.is_("factor") else (self.g, self.g)
        return one * dy / self.n - two * self.x * (dy * self.x).sum(axis=axis, keepdims=True) / n**3


class Shifted(Faulty):
    """tanh(x W + c), whose backward lacks its brackets."""

    parameter_names = ("W", "c")

    def __init__(self):
        rng = np.random.RandomState(2)
        self.W, self.c = rng.standard_normal((5, 3)), rng.standard_normal(3)

    def forward(self, x):
        self.x, self.a = x, np.tanh(x @ self.W + self.c)
        return self.a

    def backward(self, dy):
        dz = dy * 1 - self.a**2 if self.is_("brackets") else dy * (1 - self.a**2)
        self.grad_W, self.grad_c = self.x.T @ dz, dz.sum(axis=0)
        if self.is_("mean"):
            self.grad_c = dy.mean(axis=0)
        return dz @ self.W.T


KINDS = [
    (Unit, X),
    (Shifted, X),
    (Cell, SHORT),
    (Attention, SEQUENCES),
    (Hidden, SEQUENCES),
    (Tied, X),
    (Gated, X),
    (Pool, IMAGES),
    (Embedding, X),
    (LayerNorm, X),
    (Residual, X),
    (Scaled, SEQUENCES),
    (Product, SEQUENCES),
    (Blur, IMAGES),
]


@pytest.mark.parametrize(("kind", "x"), KINDS)
def test_without_a_fault_each_of_them_passes(kind, x):
    assert check_layer(kind(), x).passed


@pytest.mark.parametrize(
    ("kind", "x", "fault", "words"),
    [
        (Cell, SHORT, "state", "multiplied by 1 - x^2 where the derivative of `np.tanh(c)` should stand"),
        (Cell, SHORT, "slope", "the derivative of `sigmoid(z[:, 4:8])` is missing, on the way back to `z`"),
        (Cell, SHORT, "exchanged", "the gradients by `z[:, :4]` and by `z[:, 4:8]` are exchanged"),
        (
            Cell,
            SHORT,
            "late",
            "`o * np.tanh(c)`, which is the same one step later, stands where `h` (`o * np.tanh(c)`) should",
        ),
        (
            Cell,
            SHORT,
            "no h",
            "from `h @ self.U` to `h` (`o * np.tanh(c)`) (and so nothing to the earlier steps), as if",
        ),
        (Cell, SHORT, "gate", "the factor `f` (`sigmoid(z[:, 4:8])`) is missing, on the way back to `c`"),
        (
            Attention,
            SEQUENCES,
            "a",
            "transposed, with axis-1 positions and axis-2 positions exchanged stands where `self.a` (`softmax(",
        ),
        (Cell, SHORT, "order", "the 3 steps go back in the order of forward"),
        (Cell, SHORT, "before", "each step goes back with what the step before it has computed; at the end its own"),
        (Cell, SHORT, "one state", "every step goes back with `f * c + i * g` of the last step"),
        (Scaled, SEQUENCES, "one way", "is missing, on the way back to `self.y`, in what goes from `x / self.s` to"),
        (
            Scaled,
            SEQUENCES,
            "two",
            "dx has two steps wrong: nothing goes back from `self.y * self.g + x.mean(axis=1, keep",
        ),
        (Scaled, SEQUENCES, "axis", "averaged over axis 0 and 2 where it should be over 2"),
        (Product, SEQUENCES, "factor", "the factor made of `self.B` is missing, with 1 in its place"),
        (Product, SEQUENCES, "transposed", "A transposed, with rows and columns exchanged stands where A should"),
        (Blur, IMAGES, "crop", "is cut out from [0, 0, 0, 0] on, and not from [0, 0, 1, 1] on"),
        (
            Attention,
            SEQUENCES,
            "axis",
            "to `e.sum(axis=-1, keepdims=True)` is summed over axis 1 where it should be over 2",
        ),
        (Attention, SEQUENCES, "softmax", "the derivative of `softmax(self.q @ self.k.transpose(0, 2, 1) / 2.0)` is"),
        (Attention, SEQUENCES, "scale", "the division by `2.0` (2) is missing"),
        (
            Attention,
            SEQUENCES,
            "ds",
            "the gradient by `self.q @ self.k.transpose(0, 2, 1)` transposed, with axis-1 positions and",
        ),
        (Attention, SEQUENCES, "exchanged", "the gradients by `x @ self.Q` and by `x @ self.K` are exchanged"),
        (Tied, X, "inner", "nothing goes back from `self.h @ self.W.T` to `self.W.T`"),
        (Tied, X, "minus", "what goes back from `self.h @ self.W.T` to `self.W.T` has the wrong sign"),
        (Tied, X, "twice", "and what goes back from `x @ self.W` to `self.W` counts 2 times"),
        (
            Hidden,
            SEQUENCES,
            "summed",
            "the sum of the gradient by `x @ self.W` over the axis-1 positions, the same for all",
        ),
        (
            Hidden,
            SEQUENCES,
            "shifted",
            "the gradient by `x @ self.W` of the axis-1 position before it, one out of step",
        ),
        (Hidden, SEQUENCES, "clipped", "the gradient by `x @ self.W` is cut off at 0.2"),
        (Hidden, SEQUENCES, "reshaped", "the gradient by `x @ self.W` reshaped where it should be transposed"),
        (Gated, X, "exchanged", "each factor of `self.r * self.t` goes back with itself: the two are exchanged"),
        (Gated, X, "leak", "the derivative of `np.maximum(self.z, 0)` is 0.1 where it should be zero, as of a leak"),
        (Gated, X, "updated", "`self.W` less 0.5 times its gradient, on the way back"),
        (Pool, IMAGES, "all", "goes to all entries"),
        (Pool, IMAGES, "smallest", "goes to the smallest entry alone"),
        (Embedding, X, "assigned", "entries that are used several times get only the last of their gradients"),
        (Embedding, X, "factor", "the factor `x` is missing, on the way back to `self.E[self.ids[:, :2].ravel()]`"),
        (LayerNorm, X, "axis", "it has that of a normalisation with its sums over axis 0"),
        (
            LayerNorm,
            X,
            "sum",
            "the division by 5 is missing, as of a sum, in the derivative of `x.mean(axis=-1, keepdims",
        ),
        (Residual, X, "mask", "`x + np.maximum(self.z, 0)` stands where `self.z` (`x @ self.W`) should"),
        (LayerNorm, X, "mean", "nothing goes back from `x - x.mean(axis=-1, keepdims=True)` to `x.mean(axis=-1"),
        (LayerNorm, X, "square", "the factor `np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)` is missing"),
        (
            LayerNorm,
            X,
            "twice",
            "to `self.deviation` (`np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)`) (the denominator) counts 2 times",
        ),
        (
            Unit,
            X,
            "eps",
            "it is as if `self.eps` (0.01) were left out of `(x**2).sum(axis=-1, keepdims=True) + self.eps`, in what "
            "goes back from `x / self.n` to `self.n`",
        ),
        (
            Unit,
            X,
            "factor",
            "it is as if `self.g` (1.5) were left out of `x / self.n * self.g`, in what goes back from `x / self.n` "
            "to `x`",
        ),
        (Unit, X, "all", "is summed over axis 0 and 1 where it should be over 1"),
        (
            Shifted,
            X,
            "brackets",
            "-1 times what goes back if `np.tanh(x @ self.W + self.c)`^2 is the gradient by `x @ self.W + self.c`",
        ),
        (
            Shifted,
            X,
            "mean",
            "the factor 1 - y^2 is missing, where each place of dy comes in, or a division by it is too much, and "
            "all of it counts 0.1667 times (perhaps one over the number",
        ),
    ],
)
@pytest.mark.one_in(4)
def test_a_wrong_step_is_named_by_the_code_of_forward(kind, x, fault, words):
    (finding,) = check_layer(type(kind.__name__, (kind,), {"fault": fault})(), x).diagnosis
    assert words in finding.sentence


WEIGHTS = np.array([0.5, 2.0, 1.0])
CLASSES = np.eye(3)[RNG.randint(0, 3, 8)]
NUMBERS = RNG.standard_normal((8, 3))


def weighted(y, t):
    p = softmax(y)
    return -np.mean(np.sum(WEIGHTS * t * np.log(p), axis=1))


def smoothed(y, t):
    soft = 0.9 * t + 0.1 / 3
    return -np.mean(np.sum(soft * np.log(softmax(y)), axis=1))


def focal(y, t):
    p = np.sum(t * softmax(y), axis=1)
    return np.mean(-((1 - p) ** 2) * np.log(p))


def focal_in_part(y, t):
    p = np.sum(t * softmax(y), axis=1, keepdims=True)
    return -((1 - p) ** 2) * (t - softmax(y)) / len(y)


def hinge(y, t):
    return np.mean(np.maximum(0, 1 - np.sign(t) * y))


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("value", "gradient", "target", "words"),
    [
        (weighted, lambda y, t: (softmax(y) - t) / len(y), CLASSES, "`target` stands where `WEIGHTS * t` should"),
        (
            smoothed,
            lambda y, t: (softmax(y) - t) / len(y),
            CLASSES,
            "`target` stands where `soft` (`0.9 * t + 0.1 / 3`) should",
        ),
        (focal, focal_in_part, CLASSES, "nothing goes back from `-((1 - p) ** 2) * np.log(p)` to `-(1 - p) ** 2`"),
        (
            hinge,
            lambda y, t: -np.sign(t) * (np.sign(t) * y < 0) / y.size,
            NUMBERS,
            "the gradient by `np.sign(t) * y` has the factor (`np.sign(t) * y` < 0) too much",
        ),
        (
            lambda y, t: np.mean((y - t) ** 2),
            lambda y, t: 2 * y / y.size - 2 * t,
            NUMBERS,
            "`t` counts 24 times (perhaps the number of samples times the number of outputs, as where a sum",
        ),
    ],
    ids=range(5),
)
def test_what_is_wrong_with_somebodys_loss_is_named(value, gradient, target, words):
    class Mine(Loss):
        def apply(self, y, t):
            return value(y, t)

        def forward(self, y, t):
            self._gradient = gradient(y, t)
            return value(y, t)

    rng = np.random.RandomState(1)
    network = Sequential(**dense_layers((4, 5, 3), Tanh, rng))
    report = check_gradients(network, Mine(), rng.standard_normal((8, 4)), target)
    assert report.diagnosis[0].layer == "loss"
    assert words in report.diagnosis[0].sentence


class Strided(Faulty):
    """A convolution of images that takes every second window, of entries two apart."""

    parameter_names = ("W",)

    def __init__(self):
        self.W = np.random.RandomState(2).standard_normal((3, 2, 2, 2))

    def windows(self, image, stride=2, dilation=2):
        for i in range(2):
            for j in range(2):
                rows, columns = (slice(stride * k, stride * k + 1 + dilation, dilation) for k in (i, j))
                yield i, j, image[:, :, rows, columns]

    def forward(self, x):
        self.x, out = x, np.zeros((len(x), 3, 2, 2))
        for i, j, window in self.windows(x):
            out[:, :, i, j] = window.reshape(len(x), -1) @ self.W.reshape(3, -1).T
        return out

    def backward(self, dy):
        dx, self.grad_W = np.zeros_like(self.x), np.zeros_like(self.W)
        of_x = {"taken": {"stride": 1}}.get(self.fault, {})
        of_dx = {"put": {"stride": 1}, "size": {"stride": 3}}.get(self.fault, {})
        for (i, j, window), (_, _, back) in zip(self.windows(self.x, **of_x), self.windows(dx, **of_dx), strict=True):
            self.grad_W += np.einsum("no,ncij->ocij", dy[:, :, i, j], window)
            back[...] += np.einsum("no,ocij->ncij", dy[:, :, i, j], self.W)
        return dx


@pytest.mark.parametrize(
    ("fault", "tensors", "words"),
    [
        ("put", ("dx",), "to `image` is put one entry apart along axis 2 and 3, without the stride"),
        ("size", ("dx",), "to `image` is put as far apart as they are long along axis 2 and 3, with the size where"),
        ("taken", ("dW",), "`image[:, :, rows, columns]` is taken again one entry apart along axis 2 and 3"),
    ],
)
def test_windows_that_lie_otherwise_apart_than_those_of_forward_are_named(fault, tensors, words):
    images = RNG.standard_normal((2, 2, 7, 7))
    layer = Strided()
    layer.fault = fault
    (finding,) = check_layer(layer, images).diagnosis
    assert finding.tensors == tensors
    assert words in finding.sentence
    assert check_layer(Strided(), images).passed


class InSteps(Faulty):
    """Layer normalisation whose backward gives nothing from the variance to the mean: its parts add up to nothing."""

    def forward(self, x):
        self.centred = x - x.mean(axis=1, keepdims=True)
        self.inverse = 1 / np.sqrt((self.centred**2).mean(axis=1, keepdims=True) + 1e-3)
        return self.centred * self.inverse

    def backward(self, dy):
        axis = 0 if self.is_("axis") else 1
        dvar = -0.5 * (dy * self.centred).sum(axis=axis, keepdims=True) * self.inverse**3
        direct = dy * self.inverse
        return direct - direct.mean(axis=1, keepdims=True) + 2 * dvar * self.centred / dy.shape[1]


def test_a_sum_over_the_wrong_axis_is_named_where_backward_leaves_out_what_adds_up_to_nothing():
    layer = InSteps()
    layer.fault = "axis"
    (finding,) = check_layer(layer, X).diagnosis
    assert finding.pattern == "wrong axis"
    assert "is summed over axis 0 where it should be over 1" in finding.sentence


class Normed(Faulty):
    """Layer normalisation in one formula, whose backward may leave out the epsilon where it divides."""

    def forward(self, x):
        self.deviation = np.sqrt(x.var(axis=1, keepdims=True) + 1e-3)
        self.y = (x - x.mean(axis=1, keepdims=True)) / self.deviation
        return self.y

    def backward(self, dy):
        bare = np.sqrt(self.deviation**2 - 1e-3)
        deviation = bare if self.is_("epsilon") else self.deviation
        y = self.y * self.deviation / bare if self.is_("y") else self.y
        return (dy - dy.mean(1, keepdims=True) - y * (dy * y).mean(1, keepdims=True)) / deviation


@pytest.mark.parametrize("fault", ["epsilon", "y"])
def test_a_number_that_is_left_out_of_one_place_is_named(fault):
    layer = Normed()
    layer.fault = fault
    (finding,) = check_layer(layer, X).diagnosis
    assert "it is as if `0.001` were left out of `x.var(axis=1, keepdims=True) + 1e-3`, in the one" in finding.sentence


class Decaying(Faulty):
    parameter_names = ("a",)

    def __init__(self):
        self.a = np.array([0.3, 0.5, 0.8])

    def forward(self, x):
        self.states, state = np.zeros_like(x), np.zeros_like(x[:, 0])
        for t in range(x.shape[1]):
            state = self.states[:, t] = self.a * state + x[:, t]
        return self.states.copy()

    def backward(self, dy):
        dx, self.grad_a, late = np.zeros_like(dy), np.zeros(3), 0.0
        for t in reversed(range(dy.shape[1])):
            dx[:, t] = dy[:, t] + late
            if t > 0:
                self.grad_a += (dx[:, t] * self.states[:, t - (0 if self.is_("now") else 1)]).sum(axis=0)
            late = self.a * dx[:, t]
        return dx


def test_the_state_of_the_same_step_in_a_loop_that_spares_the_first_is_named():
    layer = Decaying()
    layer.fault = "now"
    (finding,) = check_layer(layer, SEQUENCES).diagnosis
    assert "of the same time, save where that should be zeros, stands where `state`" in finding.sentence


def form(x, A):
    return np.einsum("ni,ij,nj->n", x, A, x)


class Form(Faulty):
    """A quadratic form, of which one side is left out."""

    def __init__(self):
        self.A = np.random.RandomState(0).standard_normal((5, 5))

    def forward(self, x):
        self.x = x
        return form(x, self.A)

    def backward(self, dy):
        return dy[:, None] * (self.x @ self.A.T)


def test_operands_of_one_name_are_told_apart_by_their_number():
    (finding,) = check_layer(Form(), X).diagnosis
    assert "to `x` (its third operand), as if that were a constant" in finding.sentence
    assert "in its numbers it is the same" not in finding.sentence


def weighed_by_class(y, t):
    w = (COSTS * t).sum(axis=1, keepdims=True)
    return -(w * np.log((softmax(y) * t).sum(axis=1, keepdims=True))).sum()


COSTS = np.array([0.5, 2.0, 4.0])


def test_a_factor_in_the_place_of_another_is_named():
    class Weighed(Loss):
        def apply(self, y, target):
            return weighed_by_class(y, target)

        def forward(self, y, target):
            self.y, self.t = y, target
            return self.apply(y, target)

        def backward(self):
            return COSTS * (softmax(self.y) - self.t)

    (finding,) = check_gradients(Sequential(same=Same()), Weighed(), NUMBERS, CLASSES).diagnosis
    assert "each entry has a factor, `COSTS` over `(COSTS * t).sum(axis=1, keepdims=True)`" in finding.sentence


class Same(Layer):
    def apply(self, x):
        return np.array(x)

    forward = apply

    def backward(self, dy):
        return dy


def test_a_single_number_has_no_windows():
    assert list(_otherwise_apart([np.ones(3, int)], ())) == []


class Unbent(Layer):
    """y = tanh(x W + c) V, dW without the derivative of tanh and as a mean."""

    parameter_names = ("W",)

    def __init__(self):
        self.W, self.V = np.random.RandomState(0).standard_normal((2, 5, 5))
        self.c = np.arange(5) / 5

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.c)
        return self.h @ self.V

    def backward(self, dy):
        dh = dy @ self.V.T
        self.grad_W = self.x.T @ dh / len(dy)
        return dh * (1 - self.h**2) @ self.W.T


def test_a_derivative_left_out_is_not_that_of_a_sign():
    (finding,) = check_layer(Unbent(), X).diagnosis
    assert "the derivative of `np.tanh(x @ self.W + self.c)` is missing" in finding.sentence
    assert "the sign of" not in finding.sentence


def test_a_layer_is_checked_once_whatever_settings_it_may_have_had(monkeypatch):
    module, inputs = import_module("mlp.check.diagnosis.diagnose"), []
    check = module.compare_gradients
    monkeypatch.setattr(
        module, "compare_gradients", lambda problem, *how: inputs.append(problem.x) or check(problem, *how)
    )
    (finding,) = check_layer(type("Gated", (Gated,), {"fault": "beta"})(), X).diagnosis
    assert "what it would be if `beta` were 1, as where it is left out, and not 2" in finding.sentence
    # The input itself, and those on which no explanation holds by chance.
    assert len(inputs) == len({x.tobytes() for x in inputs})


UNREAD = """
class Unread(Layer):
    def forward(self, x):
        return x @ np.arange(5.0) @ MATRIX

    def backward(self, dy):
        return np.outer(np.abs(MATRIX) @ dy, np.arange(5.0))
"""


@pytest.mark.filterwarnings("error")
def test_of_code_that_cannot_be_read_operations_of_one_name_are_told_apart_by_what_they_are_done_to():
    space = {"np": np, "Layer": Layer, "MATRIX": np.random.RandomState(0).standard_normal((6, 4))}
    exec(UNREAD, space)
    (finding,) = check_layer(space["Unread"](), X).diagnosis
    assert "the absolute value" in finding.sentence
