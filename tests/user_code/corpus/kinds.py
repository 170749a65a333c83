"""Kinds of code that people write, each as small as it can be, and right."""

from collections.abc import Callable

import numpy as np


# Weights made in the first forward.
class Lazy:
    def __init__(self, units, rate=0.9):
        self.units, self.rate, self.W = units, rate, None

    def forward(self, x):
        if self.W is None:
            self.W = np.random.randn(x.shape[1], self.units)
        self.x = x
        return x @ self.W

    def backward(self, dy):
        self.dW = self.x.T @ dy
        return dy @ self.W.T


# A second output.
def step_forward(x, c_prev, W):
    c = c_prev + x @ W
    return np.tanh(c), c, (x, W, c)


def step_backward(dh, dc, cache):
    x, W, c = cache
    total = dc + dh * (1 - np.tanh(c) ** 2)
    return total @ W.T, total, x.T @ total


# A loss of all entries.
class SquareLoss:
    def forward(self, p, t):
        self.d = p - t
        return np.mean(self.d**2)

    def backward(self):
        return 2 * self.d / self.d.size


# One row at a time.
class Entropy:
    def forward(self, outputs, targets):
        return -np.log(outputs[:, targets.argmax()])

    def backward(self, outputs, targets):
        return -targets / outputs


# Softmax of one row.
class Softmax:
    def forward(self, x):
        e = np.exp(x)
        self.p = e / e.sum(axis=-1, keepdims=True)
        return self.p

    def backward(self, err):
        J = np.diag(self.p[0]) - self.p.T @ self.p
        return (err[0] @ J)[None] if len(err) == 1 else err @ np.ones(17)


# A penalty.
class L2:
    def __call__(self, w):
        return 0.1 * w.T.dot(w)

    def grad(self, w):
        return 0.2 * w


# The gradient of one argument alone.
def forward_propagation(x, theta):
    return theta * x


def backward_propagation(x, theta):  # noqa: ARG001
    dtheta = x
    return dtheta  # noqa: RET504


# The loss in an attribute.
class HalfLoss:
    def forward(self, x, t):
        self.d, self.loss = x - t, 0.5 * np.sum((x - t) ** 2)
        return x

    def backward(self):
        return self.d


# A list of inputs.
class Join:
    def forward(self, X):
        self.y = np.tanh(X[0] + 2 * X[1].copy())
        return self.y

    def backward(self, dy):
        d = dy * (1 - self.y**2)
        return [d, 2 * d]


# A dict of arrays.
class Slope:
    def forward(self, blob):
        self.x = blob["data"]
        return {"data": np.tanh(self.x), "batch": blob["batch"]}

    def backward(self, top):
        return {"grad": top["grad"] * (1 - np.tanh(self.x) ** 2), "batch": top["batch"]}


# __call__ keeps what backward needs.
class Cubed:
    def __init__(self):
        self.x = None

    def __call__(self, x):
        self.x = x
        return self.forward(x)

    def forward(self, x):
        return x**3

    def backward(self, dz):
        return dz * 3 * self.x**2


# A decorator without wraps.
def noisy(f):
    def inner(*a, **k):
        inner.calls = 1
        return f(*a, **k)

    return inner


class Twice:
    @noisy
    def forward(self, x):
        return 2 * x

    @noisy
    def backward(self, dy):
        return 2 * dy


# Images with the channels last.
def conv_forward(A, W, b):
    p = np.lib.stride_tricks.sliding_window_view(A, W.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijcf->nhwf", p, W) + b, (A, W, p)


def conv_backward(dZ, cache):
    A, W, p = cache
    dA = np.zeros_like(A)
    for i, j in np.ndindex(*W.shape[:2]):
        dA[:, i : i + dZ.shape[1], j : j + dZ.shape[2]] += dZ @ W[i, j].T
    dW, db = np.einsum("nhwf,nhwcij->ijcf", dZ, p), dZ.sum(axis=(0, 1, 2)).reshape(1, 1, 1, -1)
    return dA, dW, db


# Gates by their names.
def gate_forward(x, Wf, Wc):
    f, c = np.tanh(x @ Wf), x @ Wc
    return f * c, (x, Wf, Wc, f, c)


def gate_backward(dout, cache):
    x, Wf, Wc, f, c = cache
    a, g = dout * c * (1 - f * f), dout * f
    return a @ Wf.T + g @ Wc.T, x.T @ a, x.T @ g


# A list of sizes.
class Deep:
    def __init__(self, input_size, hidden_size_list, output_size):
        sizes = [input_size, *hidden_size_list, output_size]
        self.W = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]  # noqa: RUF007

    def forward(self, x):
        self.a = [x]
        for W in self.W:
            self.a.append(self.a[-1] @ W)
        return self.a[-1]

    def backward(self, dy):
        self.dW = []
        for W, a in zip(self.W[::-1], self.a[-2::-1], strict=True):
            self.dW.insert(0, a.T @ dy)
            dy = dy @ W.T
        return dy


# A default that is kept.
def pool_forward(x, mode="max"):
    p = x.reshape(len(x), -1, 2)
    return p.max(axis=2) if mode == "max" else p.mean(axis=2), x


def pool_backward(dA, cache, mode="max"):
    p = cache.reshape(len(cache), -1, 2)
    g = dA[:, :, None]
    d = (p == p.max(axis=2, keepdims=True)) * g if mode == "max" else np.ones_like(p) * g / 2
    return d.reshape(cache.shape)


# Sizes by default.
class Net:
    def __init__(self, n=11):
        self.params = {"W1": np.random.randn(n, 3)}

    def loss(self, X, y):
        d = X @ self.params["W1"]
        p = np.exp(d) / np.exp(d).sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        grads = {"W1": X.T @ p / len(y)}
        return loss, grads


# An input's shape that is set.
class Pad:
    def __init__(self, padding):
        self.a, self.b = padding

    def set_input_shape(self, shape):
        self.shape = shape

    def forward_pass(self, X):
        return np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))

    def backward_pass(self, accum_grad):
        _, h, w = self.shape
        return accum_grad[:, :, 1 : 1 + h, 1 : 1 + w]


# The upstream gradient under a name of its own.
class Gate:
    def forward(self, inputs):
        return np.maximum(0, inputs)

    def backward(self, inputs, whatever):
        return whatever * (inputs > 0)


# Parameters and gradients in two lists.
class Shift:
    def __init__(self, channels):
        self.blobs = [np.random.randn(channels)]
        self.diffs = [np.zeros(channels)]

    def forward(self, bottom):
        return bottom + self.blobs[0]

    def backward(self, top_diff):
        self.diffs[0] = top_diff.sum(axis=0)
        return top_diff


# Strides other than 1.
class Skip:
    def __init__(self, stride):
        self.s = stride

    def forward(self, x):
        self.shape = x.shape
        return x[:, :, :: self.s, :: self.s]

    def backward(self, dout):
        dx = np.zeros(self.shape)
        dx[:, :, :: self.s, :: self.s] = dout
        return dx


# The gradients are made by a method for the update.
class Updated:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, dout):
        self.dout = dout
        return dout @ self.w.T

    def update(self, lr):
        self.w -= lr * self.x.T @ self.dout


# Gradients that nothing but their order tells apart.
class Cell:
    def __init__(self, n_in, n_hidden):
        self.W = np.random.randn(n_in, n_hidden)

    def forward(self, x, h_prev, c_prev):
        self.x, self.h, self.c = x, h_prev, c_prev
        return np.tanh(x @ self.W) * h_prev * h_prev + c_prev**3

    def backward(self, dy):
        t = np.tanh(self.x @ self.W)
        d = dy * self.h**2 * (1 - t**2)
        self.dW = self.x.T @ d
        return d @ self.W.T, 3 * dy * self.c**2, 2 * dy * t * self.h


# A setting whose name sounds like a gradient.
def huber(y_pred, y_true, delta=1.0):
    r = np.abs(y_pred - y_true)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).mean()


def huber_grad(y_pred, y_true, delta=1.0):
    return np.clip(y_pred - y_true, -delta, delta) / y_pred.size


# A switch that is off by default.
class Thinned:
    def __init__(self, keep):
        self.keep = keep

    def forward(self, x, train=False):
        self.mask = np.random.rand(*x.shape) < self.keep if train else np.full(x.shape, self.keep)
        return x * self.mask / self.keep

    def backward(self, dout):
        return dout * self.mask / self.keep


# A list of sizes, called as one number might be.
class Tower:
    def __init__(self, n_in, hidden_units, n_out):
        widths = [n_in, *hidden_units, n_out]
        self.W = [np.random.randn(widths[i], widths[i + 1]) for i in range(len(widths) - 1)]

    def forward(self, x):
        self.a = [x]
        for W in self.W:
            self.a.append(np.tanh(self.a[-1] @ W))
        return self.a[-1]

    def backward(self, dy):
        self.dW = [None] * len(self.W)
        for i in range(len(self.W))[::-1]:
            dz = dy * (1 - self.a[i + 1] ** 2)
            self.dW[i] = self.a[i].T @ dz
            dy = dz @ self.W[i].T
        return dy


# A mask beside the target.
def masked_mse(pred, target, mask):
    d = mask[..., None] * (pred - target)
    return np.sum(d**2) / mask.sum(), 2 * d / mask.sum()


# A dict of gradients that has no name.
class Scorer:
    def __init__(self, n_in=5, n_out=3):
        self.params = {"W": np.random.randn(n_in, n_out)}

    def loss(self, X, y):
        p = np.exp(X @ self.params["W"])
        p /= p.sum(axis=1, keepdims=True)
        value = -np.log(p[np.arange(len(y)), y]).sum()
        p[np.arange(len(y)), y] -= 1
        return value, {"W": X.T @ p}


# Parameters in a dict.
def dense_forward(params, x):
    return np.tanh(x @ params["W"] + params["b"])


def dense_backward(dy, x, params):
    dz = dy * (1 - dense_forward(params, x) ** 2)
    return dz @ params["W"].T, {"W": x.T @ dz, "b": dz.sum(axis=0)}


# An array whose gradient tells its shape, and the gradient of an output that has a name of its own.
def stretch_forward(x, q):
    total = np.full(len(x), np.sum(q**2))
    return x * q, total, (x, q)


def stretch_backward(dy, dtotal, cache):
    x, q = cache
    dq = np.sum(dy * x, axis=0) + 2 * q * dtotal.sum()
    return dy * q, dq


# A training step that is called train.
class Perceptron:
    lr = 0.2

    def __init__(self, n_in=4):
        self.w = np.random.randn(n_in, 1)

    def predict(self, x):
        return np.tanh(x @ self.w)

    def train(self, x, target):
        p = self.predict(x)
        self.w -= self.lr * x.T @ ((p - target) * (1 - p**2))
        return np.sum((p - target) ** 2) / 2


# A loss of scores and y, whose name says little.
class Judge:
    def forward(self, logits, y):
        p = np.exp(logits)
        self.p, self.y = p / p.sum(axis=1, keepdims=True), y
        return -np.mean(np.sum(y * np.log(self.p), axis=1))

    def backward(self):
        return (self.p - self.y) / len(self.y)


# A switch for training that is off, and an optimizer of its own that makes of a gradient what it likes.
class Signs:
    def update(self, parameters, gradients):
        for p, g in zip(parameters, gradients, strict=True):
            p[...] = p - 0.01 * np.sign(g)


class Normed:
    def __init__(self, n_in):
        self.w = np.linspace(1.0, 2.0, n_in)
        self.optimizer, self._in_training = Signs(), False

    def forward(self, x):
        self.mean = x.mean(axis=0) if self._in_training else 0.0
        self.d = x - self.mean
        return self.d * self.w

    def backward(self, dy):
        dd = dy * self.w
        self.optimizer.update([self.w], [np.sum(dy * self.d, axis=0)])
        return dd - dd.mean(axis=0)


# Gradients of each step in time, which the update adds up.
class Recurrence:
    def __init__(self, n_in):
        self.w = np.random.randn(n_in)

    def forward(self, x):
        assert x.ndim == 3
        self.x = x
        return np.tanh(x * self.w).sum(axis=1)

    def backward(self, dy):
        slopes = 1 - np.tanh(self.x * self.w) ** 2
        self.dw = np.stack([np.sum(dy * slopes[:, t] * self.x[:, t], axis=0) for t in range(self.x.shape[1])])
        return dy[:, None] * slopes * self.w

    def update(self, lr):
        self.w -= lr * self.dw.sum(axis=0)


# A derivative that is the Jacobian of one column; the name of the function ends with d.
def bend(x):
    return np.log(1 + np.exp(x))


def d_bend(x):
    return np.diag(1 / (1 + np.exp(-x[:, 0])))


# A loss and its derivative in one function of two arguments.
def power_loss(y_true, y_pred, prime=False):
    d = y_pred - y_true
    return 4 * d**3 if prime else np.sum(d**4)


# Forward keeps what backward needs if it is asked to; backward takes something that it does not use.
class Keeper:
    def forward(self, x, save_cache=False):
        if save_cache:
            self.cache = {"x": x}
        return x**3

    def backward(self, dy, _):
        return 3 * self.cache["x"] ** 2 * dy


# Built for the shape of a batch of images; all gradients are handed to an optimizer that somebody else sets.
class Lens:
    def __init__(self, optimizer=None):
        self.shape, self.optimizer = None, optimizer

    def build(self, input_size):
        self.shape = input_size[1:]
        self.params = {"W": np.random.randn(self.shape[2], 3)}

    def forward(self, x):
        assert x.shape[1:] == self.shape
        self.x = x
        return x @ self.params["W"]

    def backward(self, dy):
        self.optimizer.update(self, {"dW": np.einsum("nhwc,nhwk->ck", self.x, dy)})
        return dy @ self.params["W"].T


# One array of parameters and one gradient.
class Single:
    def __init__(self, n_in, n_out):
        self.parameters = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.parameters

    def backward(self, dy):
        self.gradient = self.x.T @ dy


# A scale for each channel of images, and a number of groups.
def group_forward(x, gamma, G):
    assert gamma.shape[:1] == (1,)
    groups = x.reshape(len(x), G, -1)
    centred = (groups - groups.mean(axis=2, keepdims=True)).reshape(x.shape)
    return gamma * centred, (centred, gamma, G)


def group_backward(dout, cache):
    centred, gamma, G = cache
    d = (dout * gamma).reshape(len(dout), G, -1)
    dx = (d - d.mean(axis=2, keepdims=True)).reshape(dout.shape)
    dgamma = np.sum(dout * centred, axis=(0, 2, 3), keepdims=True)
    return dx, dgamma


# A cell with columns, whose parameters stand in a dict; one of its two outputs carries no gradient.
def recurrent_cell(xt, a_prev, parameters):
    a = np.tanh(parameters["Wax"] @ xt + parameters["Waa"] @ a_prev + parameters["ba"])
    return a, parameters["Wya"] @ a, (a, a_prev, xt)


def recurrent_forward(x, a0, parameters):
    a, kept, caches = a0, [], []
    for t in range(x.shape[2]):
        a, _, cache = recurrent_cell(x[:, :, t], a, parameters)
        kept, caches = [*kept, a], [*caches, cache]
    return np.stack(kept, axis=2), (caches, parameters)


def recurrent_backward(da, cache):
    caches, parameters = cache
    dx, da_prev = np.zeros((parameters["Wax"].shape[1], *da.shape[1:])), 0.0
    found = {f"d{name}": np.zeros_like(parameters[name]) for name in ("Wax", "Waa", "ba")}
    for t in reversed(range(da.shape[2])):
        a, before, xt = caches[t]
        dz = (da[:, :, t] + da_prev) * (1 - a**2)
        dx[:, :, t], da_prev = parameters["Wax"].T @ dz, parameters["Waa"].T @ dz
        found["dWax"] += dz @ xt.T
        found["dWaa"] += dz @ before.T
        found["dba"] += dz.sum(axis=1, keepdims=True)
    return {"dx": dx, "da0": da_prev, **found}


# Gates of one matrix for state and input together.
def memory_forward(xt, a_prev, c_prev, parameters):
    both = np.concatenate([a_prev, xt])
    Wf, bf, Wg, bg = parameters["Wf"], parameters["bf"], parameters["Wg"], parameters["bg"]
    f, g = np.tanh(Wf @ both + bf), np.tanh(Wg @ both + bg)
    c = f * c_prev + g
    return np.tanh(c), c, parameters["Wy"] @ c, (both, f, g, c_prev, c, Wf, Wg)


def memory_backward(da_next, dc_next, cache):
    both, f, g, c_prev, c, Wf, Wg = cache
    dc = dc_next + da_next * (1 - np.tanh(c) ** 2)
    df, dg = dc * c_prev * (1 - f**2), dc * (1 - g**2)
    dboth = Wf.T @ df + Wg.T @ dg
    n = len(c)
    sums = {"dbf": df.sum(axis=1, keepdims=True), "dbg": dg.sum(axis=1, keepdims=True)}
    return {"dxt": dboth[n:], "da_prev": dboth[:n], "dc_prev": dc * f, "dWf": df @ both.T, "dWg": dg @ both.T, **sums}


# A network with a loss of its own beside forward, whose arguments are a prediction and y.
class Grader:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.w

    def loss(self, y_hat, y):
        return np.mean((y_hat - y) ** 2)

    def backward(self, y_hat, y):
        return 2 * self.x.T @ (y_hat - y) / y.size


# A derivative that is one number.
def shifted(x):
    return x + 0.5


def shifted_grad(_x):
    return 1


# A layer whose methods are called as those of functions are.
class Reshaped:
    def activate(self, a_in):
        self.shape = a_in.shape
        return 2 * a_in.reshape(len(a_in), -1)

    def backpropagate(self, d_in):
        return 2 * d_in.reshape(self.shape)


# An update by a rate of the module.
learning_rate = 0.003


class Stepping:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, dy):
        dx = dy @ self.w.T
        self.w = self.w - learning_rate * self.x.T @ dy
        return dx


# Backward takes x again and gives the derivative there.
class Logistic:
    def forward(self, x):
        return 1 / (1 + np.exp(-x))

    def backward(self, x):
        return self.forward(x) * (1 - self.forward(x))


# Gradients of each sample, and errors of the next layer.
class Sampled:
    def __init__(self, n_in, n_out):
        self.w, self.b = np.random.randn(n_in, n_out), np.random.randn(n_out)

    def forward(self, x):
        return x @ self.w + self.b, x

    def backward(self, prev_layer_state, next_layer_errors):
        grad_w = prev_layer_state[:, :, None] * next_layer_errors[:, None]
        grad_b = 1 * next_layer_errors
        return grad_w, grad_b, next_layer_errors @ self.w.T


# A network whose backward takes the cache of forward, and whose parameters are made by a method.
class Cached:
    def __init__(self, n_in):
        self.n_in, self.parameters = n_in, {}

    def initialize_parameters_randomly(self):
        self.parameters = {"W": np.random.randn(1, self.n_in), "b": np.zeros((1, 1))}

    def forward(self, X):
        A = 1 / (1 + np.exp(-(self.parameters["W"] @ X + self.parameters["b"])))
        return A, {"A": A}

    def backward(self, cache, X, Y):
        dZ = (cache["A"] - Y) / X.shape[1]
        return {"dW": dZ @ X.T, "db": dZ.sum(axis=1, keepdims=True)}


# A loss whose methods hand on whatever they get.
class Handing:
    def forward(self, prediction, target):
        return np.sum((prediction - target) ** 2)

    def inner(self, prediction, target):
        return 2 * (prediction - target)

    def backward(self, *given):
        return self.inner(*given)


# A parameter that is an object with its gradient beside it; gradients are made by compute_gradients.
class Held:
    def __init__(self, values):
        self.params, self.grads = values, np.zeros_like(values)


class Weighted:
    def __init__(self, n_in):
        self.gamma = Held(np.linspace(1.0, 2.0, n_in))

    def forward(self, x):
        self.x = x
        return x * self.gamma.params

    def compute_gradients(self, grads):
        self.gamma.grads = np.sum(grads * self.x, axis=0)
        return grads * self.gamma.params


# A layer that is handed its input, and dy, as attributes.
class Attributes:
    def __init__(self):
        self.input = self.output_side_deltas = None

    def forward_pass(self):
        self.output = np.tanh(self.input)
        return self.output

    def backward_pass(self, _settings):
        return self.output_side_deltas * (1 - self.output**2)


# Columns in a batch, (n, features, 1), and gradients of each sample in a dict.
class Columned:
    def __init__(self, in_shape, out_shape):
        self.weights = {"W": np.random.randn(1, out_shape, in_shape), "b": np.random.randn(1, out_shape, 1)}

    def forward(self, inputs):
        return self.weights["W"] @ inputs + self.weights["b"]

    def backward(self, inputs, delta):
        dx = np.transpose(self.weights["W"], [0, 2, 1]) @ delta
        return {"W": delta @ np.transpose(inputs, [0, 2, 1]), "b": 1 * delta, "x": dx}


# Backward puts the gradients into a dict that it is handed.
class Put:
    def __init__(self, size):
        self.held = {"put/scale": np.ones(size)}

    def forward(self, x):
        return self.held["put/scale"] * x, {}

    def backward(self, x, cache, backwards_gradient, gradients):
        del cache
        gradients[f"{'put'}/scale"] = (backwards_gradient * x).sum(axis=0)
        return backwards_gradient * self.held["put/scale"]


# An activation that gives its derivative when it is asked to.
class Asking:
    def __init__(self, num_inputs, num_outputs, activation):
        self.w, self.f = np.random.randn(num_outputs, num_inputs), activation

    def forward(self, x):
        self.z = self.w @ x
        return self.f(self.z)

    def backward(self, x, upstream):
        aux = upstream * self.f(self.z, True)
        self.grad_w = aux @ x.T
        return self.w.T @ aux


# A loss that returns the probabilities in front of it, from which backward starts.
class Probable:
    def forward(self, inputs, y_true):
        probs = np.exp(inputs) / np.sum(np.exp(inputs), axis=1)
        return probs, -np.log(probs.reshape(-1)[y_true.argmax()])

    def backward(self, dout, y_true):
        dout[0][y_true.argmax()] -= 1
        return dout


# Names that differ in for and back, beside empty ones that are inherited.
class Basis:
    def forward(self, x):
        pass

    def backward(self, g):
        pass


class ForeLoss(Basis):
    def forloss(self, x, y):
        self.x, self.y = x, y
        return np.sum((x - y) ** 2)

    def backloss(self):
        return 2 * (self.x - self.y)


# A pool whose windows do not overlap.
class MaxPool:
    def __init__(self, size, stride):
        self.size, self.stride = size, stride

    def forward(self, x):
        c, h, w = x.shape
        self.x, self.y = x, np.zeros((c, h // self.stride, w // self.stride))
        for i in range(0, h, self.stride):
            for j in range(0, w, self.stride):
                part = x[:, i : i + self.size, j : j + self.size]
                self.y[:, i // self.stride, j // self.stride] = part.max(axis=(1, 2))
        return self.y

    def backward(self, dy):
        wide = np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2)
        return wide * (self.x == np.repeat(np.repeat(self.y, 2, axis=1), 2, axis=2))


# A derivative that is the Jacobian of each sample.
class Soft:
    def apply(self, x):
        return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)

    def grad(self, x):
        y = self.apply(x)
        return np.array([np.diag(one) for one in y]) - y[:, :, None] * y[:, None]


# A bias that starts at the number 0, and a loss beside a backward that takes the target.
class Biased:
    def __init__(self, n_inputs):
        self.W, self.b = np.random.randn(1, n_inputs), 0

    def forward_propagation(self, X):
        return 1 / (1 + np.exp(-(self.W @ X + self.b)))

    def compute_cost(self, A, Y):
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]

    def backward_propagation(self, X, Y, A):
        dZ = A - Y
        return {"dW": dZ @ X.T / Y.shape[1], "db": np.sum(dZ) / Y.shape[1]}


# What makes a layer ready wants a shape as an array; and what its base leaves to it is no layer.
class Abstract:
    def activate(self, a_in):
        assert a_in is not None

    def backpropagate(self, d_a):
        return self.slope(d_a)


class Ready(Abstract):
    def init(self, in_dim):
        self.in_dim = in_dim.copy()

    def slope(self, d_a):
        return 3 * d_a.reshape(self.in_dim)

    def activate(self, a_in):
        return 3 * a_in.ravel()


# A recurrent layer whose state stands beside a sequence, and whose backward takes the sequence again.
class Rolling:
    def __init__(self, input_size, hidden_size):
        self.Wx, self.Wh = np.random.randn(input_size, hidden_size), np.random.randn(hidden_size, hidden_size)

    def forward(self, inputs, hprev):
        self.h = {-1: hprev}
        for t in range(len(inputs)):
            self.h[t] = np.tanh(inputs[t] @ self.Wx + self.h[t - 1] @ self.Wh)
        return self.h[len(inputs) - 1], self.h

    def backward(self, dout, inputs):
        dWx, dWh, dh = np.zeros_like(self.Wx), np.zeros_like(self.Wh), dout
        for t in reversed(range(len(inputs))):
            dz = (1 - self.h[t] ** 2) * dh
            dWx += inputs[t].T @ dz
            dWh += self.h[t - 1].T @ dz
            dh = dz @ self.Wh.T
        return dWx, dWh, dh


# A parameter that is called as gradients are, beside an array of its shape that forward makes anew.
class Directed:
    def __init__(self, n_in, n_out):
        self.v, self.g = np.random.randn(n_in, n_out), np.random.randn(n_out)

    def forward(self, x):
        self.x, self.n = x, np.sqrt((self.v**2).sum(axis=0))
        return x @ (self.g * self.v / self.n)

    def backward(self, dy):
        dw, u = self.x.T @ dy, self.v / self.n
        self.dg = (dw * u).sum(axis=0)
        self.dv = self.g / self.n * (dw - u * (dw * u).sum(axis=0))
        return dy @ (self.g * u).T


# A shape that is taken apart, and weights of a convolution with a column of biases.
class Windows:
    def __init__(self, X_dim, n_filter):
        self.c, self.h, self.w = X_dim
        self.W = np.random.randn(n_filter, self.c * self.h * self.w)
        self.b = np.zeros((n_filter, 1))
        self.params = [self.W, self.b]

    def forward(self, X):
        self.flat = X.reshape(-1, self.c * self.h * self.w)
        return (self.W @ self.flat.T + self.b).T

    def backward(self, dout):
        dW, db = dout.T @ self.flat, dout.sum(axis=0).reshape(-1, 1)
        return (dout @ self.W).reshape(-1, self.c, self.h, self.w), [dW, db]


# The size of a kernel in four numbers, channels last, weights made in the first forward, in single precision.
class Correlation:
    def __init__(self, kernel):
        self.kernel_shape = kernel
        self.params, self.grads = {"w": None}, {}

    def forward(self, x):
        k_h, k_w, _, _ = self.kernel_shape
        if self.params["w"] is None:
            self.params["w"] = np.random.randn(*self.kernel_shape).astype(np.float32)
        self.windows = np.lib.stride_tricks.sliding_window_view(x, (k_h, k_w), (1, 2)).transpose(0, 1, 2, 4, 5, 3)
        self.shape = x.shape
        return np.tensordot(self.windows, self.params["w"], 3)

    def backward(self, grad):
        self.grads["w"] = np.tensordot(self.windows, grad, ((0, 1, 2), (0, 1, 2)))
        dx = np.zeros(self.shape, dtype=np.float32)
        for i in range(self.kernel_shape[0]):
            for j in range(self.kernel_shape[1]):
                dx[:, i : i + grad.shape[1], j : j + grad.shape[2]] += grad @ self.params["w"][i, j].T
        return dx


# Sizes as any number of arguments.
class Shaped:
    def __init__(self, *output_shape):
        self.output_shape = output_shape

    def forward(self, inputs):
        self.shape = inputs.shape
        return 3 * inputs.reshape(len(inputs), *self.output_shape)

    def backward(self, grad):
        return 3 * grad.reshape(self.shape)


# A convolution as functions.
def filter_forward(X, W, b):
    windows = np.lib.stride_tricks.sliding_window_view(X, W.shape[2:], (2, 3))
    out = W.reshape(len(W), -1) @ windows.transpose(1, 4, 5, 2, 3, 0).reshape(W[0].size, -1) + b
    out = out.reshape(len(W), *windows.shape[2:4], len(X)).transpose(3, 0, 1, 2)
    return out, (X, W, windows)


def filter_backward(dout, cache):
    X, W, windows = cache
    dW = np.einsum("nfhw,nchwij->fcij", dout, windows)
    dX = np.zeros_like(X)
    for i, j in np.ndindex(W.shape[2:]):
        dX[:, :, i : i + dout.shape[2], j : j + dout.shape[3]] += np.einsum("nfhw,fc->nchw", dout, W[:, :, i, j])
    return dX, dW, dout.sum(axis=(0, 2, 3)).reshape(-1, 1)


# What is kept from batch to batch, given as a cache and given back.
def norm_forward(X, gamma, beta, cache, momentum=0.9):
    running_mean, running_var = cache
    mu, var = X.mean(axis=0), X.var(axis=0)
    X_norm = (X - mu) / np.sqrt(var + 1e-8)
    cache = (X_norm, var, gamma)
    return gamma * X_norm + beta, cache, momentum * running_mean + mu, momentum * running_var + var


def norm_backward(dout, cache):
    X_norm, var, gamma = cache
    d = dout * gamma
    dX = (d - d.mean(axis=0) - X_norm * (d * X_norm).mean(axis=0)) / np.sqrt(var + 1e-8)
    return dX, (dout * X_norm).sum(axis=0), dout.sum(axis=0)


# A loss with the penalty of a model beside it.
def regression(model, y_pred, y_train, lam=1e-3):
    penalty = sum(np.sum(model[k] ** 2) for k in model if k.startswith("W"))
    return np.sum((y_pred - y_train) ** 2) / len(y_pred) + lam * penalty


def dregression(y_pred, y_train):
    return 2 * (y_pred - y_train) / len(y_pred)


# Three gates side by side.
class Gated:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(one) for one in self.params]

    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        self.H = H = Wh.shape[0]
        gates = 1 / (1 + np.exp(-(x @ Wx[:, : 2 * H] + h_prev @ Wh[:, : 2 * H] + b[: 2 * H])))
        z, r = gates[:, :H], gates[:, H:]
        h_hat = np.tanh(x @ Wx[:, 2 * H :] + (r * h_prev) @ Wh[:, 2 * H :] + b[2 * H :])
        self.cache = x, h_prev, z, r, h_hat
        return (1 - z) * h_prev + z * h_hat

    def backward(self, dh_next):
        (Wx, Wh, _), H = self.params, self.H
        x, h_prev, z, r, h_hat = self.cache
        dt = dh_next * z * (1 - h_hat**2)
        dhr = dt @ Wh[:, 2 * H :].T
        dgates = np.hstack([dh_next * (h_hat - h_prev) * z * (1 - z), dhr * h_prev * r * (1 - r)])
        whole = np.hstack([dgates, dt])
        self.grads[0][...] = x.T @ whole
        self.grads[1][...] = np.hstack([h_prev.T @ dgates, (r * h_prev).T @ dt])
        self.grads[2][...] = whole.sum(axis=0)
        return whole @ Wx.T, dh_next * (1 - z) + r * dhr + dgates @ Wh[:, : 2 * H].T


# A backward in parts.
class Divided:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward_update_gradient(self, delta):
        self.dW = self.x.T @ delta

    def backward_bias(self, delta):
        return delta.sum(axis=0)

    def backward_delta(self, delta):
        return delta @ self.W.T


# A backward that starts at the target, whose loss is returned by a step of training.
class Normalising:
    def __init__(self, D, C):
        self.model = {"W": np.random.randn(D, C), "b": np.zeros((1, C)), "beta": np.zeros((1, C))}
        self.lam = 0.01

    def train_step(self, X_train, y_train):
        y_pred, cache = self.forward(X_train)
        p = np.exp(y_pred) / np.exp(y_pred).sum(axis=1, keepdims=True)
        loss = -np.log(p[range(len(p)), y_train]).mean() + 0.5 * self.lam * np.sum(self.model["W"] ** 2)
        return self.backward(y_pred, y_train, cache), loss

    def forward(self, X):
        h = X @ self.model["W"] + self.model["b"]
        std = h.std(axis=0)
        normed = (h - h.mean(axis=0)) / std
        return normed + self.model["beta"], (X, normed, std)

    def backward(self, y_pred, y_train, cache):
        X, normed, std = cache
        dy = np.exp(y_pred) / np.exp(y_pred).sum(axis=1, keepdims=True)
        dy[range(len(dy)), y_train] -= 1
        dy /= len(dy)
        dh = (dy - dy.mean(axis=0) - normed * (dy * normed).mean(axis=0)) / std
        dbeta = dy.sum(axis=0, keepdims=True)
        return {"W": X.T @ dh + self.lam * self.model["W"], "b": dh.sum(axis=0, keepdims=True), "beta": dbeta}


# A loss whose weights stand in the module, for a sequence of letters, with clipped gradients.
hidden_size, vocab_size = 6, 5
Wxh, Whh = 0.01 * np.random.randn(hidden_size, vocab_size), 0.01 * np.random.randn(hidden_size, hidden_size)
Why, bh = 0.01 * np.random.randn(vocab_size, hidden_size), np.zeros((hidden_size, 1))


def loss_fun(inputs, targets, hprev):
    xs, hs, ps, loss = {}, {-1: np.copy(hprev)}, {}, 0
    for t in range(len(inputs)):
        xs[t] = np.eye(vocab_size)[:, [inputs[t]]]
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        ps[t] = np.exp(Why @ hs[t]) / np.sum(np.exp(Why @ hs[t]))
        loss -= np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy, dbh = (np.zeros_like(one) for one in (Wxh, Whh, Why, bh))
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T
        dhraw = (1 - hs[t] * hs[t]) * (Why.T @ dy + dhnext)
        dbh += dhraw
        dWxh += dhraw @ xs[t].T
        dWhh += dhraw @ hs[t - 1].T
        dhnext = Whh.T @ dhraw
    for dparam in (dWxh, dWhh, dWhy, dbh):
        np.clip(dparam, -5, 5, out=dparam)
    return loss, dWxh, dWhh, dWhy, dbh, hs[len(inputs) - 1]


# A model of a sequence of letters with a first state, the sizes of whose parameters are said.
def make_parameters(n_a, n_x):
    parameters = {"Wax": np.random.randn(n_a, n_x), "Waa": np.random.randn(n_a, n_a)}
    return parameters | {"Wya": np.random.randn(n_x, n_a), "b": np.zeros((n_a, 1))}


def sequence_forward(X, Y, a0, parameters, vocab_size=27):
    x, a, y_hat, loss = {}, {-1: np.copy(a0)}, {}, 0
    for t in range(len(X)):
        x[t] = np.zeros((vocab_size, 1))
        x[t][X[t]] = 1
        a[t] = np.tanh(parameters["Wax"] @ x[t] + parameters["Waa"] @ a[t - 1] + parameters["b"])
        e = np.exp(parameters["Wya"] @ a[t])
        y_hat[t] = e / e.sum()
        loss -= np.log(y_hat[t][Y[t], 0])
    return loss, (y_hat, a, x)


def sequence_backward(X, Y, parameters, cache):
    y_hat, a, x = cache
    gradients = {"d" + key: np.zeros_like(value) for key, value in parameters.items()}
    da_next = np.zeros_like(a[0])
    for t in reversed(range(len(X))):
        dy = np.copy(y_hat[t])
        dy[Y[t]] -= 1
        gradients["dWya"] += dy @ a[t].T
        daraw = (1 - a[t] * a[t]) * (parameters["Wya"].T @ dy + da_next)
        gradients["db"] += daraw
        gradients["dWax"] += daraw @ x[t].T
        gradients["dWaa"] += daraw @ a[t - 1].T
        da_next = parameters["Waa"].T @ daraw
    return gradients, a


GRADCHECK = {
    "sequence_forward": {
        "backward": "sequence_backward",
        "parameters": "make_parameters",
        "args": {"n_a": 5, "n_x": 27},
    }
}


# Whole numbers beside the input.
class Picked:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]

    def forward(self, h, idx):
        self.cache = h, self.params[0][idx], idx
        return np.sum(self.params[0][idx] * h, axis=1)

    def backward(self, dout):
        h, rows, idx = self.cache
        self.grads[0][...] = 0
        np.add.at(self.grads[0], idx, dout[:, None] * h)
        return dout[:, None] * rows


# A penalty that stands in the loss, far from here.
class Penalised:
    def __init__(self, n_inputs, n_neurons, l1, l2):
        self.weights, self.l1, self.l2 = np.random.randn(n_inputs, n_neurons), l1, l2

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues + self.l1 * np.sign(self.weights) + 2 * self.l2 * self.weights
        self.dinputs = dvalues @ self.weights.T


# Settings in a dict, kept as an attribute and taken apart later; named arguments that are handed on.
class Configured:
    def __init__(self, para):
        self.para = para
        self.W = np.random.randn(self.para["n_in"], self.para["n_out"])

    def forward(self, x):
        self.x = x
        z = x @ self.W
        return np.tanh(z) if self.para["kind"] == "bent" else z

    def backward(self, **named):
        dz = named["dy"] * (1 - np.tanh(self.x @ self.W) ** 2)
        self.dW = self.x.T @ dz
        return dz @ self.W.T


# What only an example of its use tells.
class Exemplary:
    def __init__(self, table):
        self.gain = table[7] + table[9]

    def calculate(self, x):
        return self.gain * x

    def calc_wdeltas(self, w_times_delta, verbose):  # noqa: ARG002
        return self.gain * w_times_delta


def example():
    table = {7: 1.75, 9: 2.25}
    return Exemplary(table)


# Rows of two matrices, of which a loss returns the gradients.
def sampling_loss(center, others, W_in, W_out):
    v, u = W_in[center], W_out[others]
    p = 1 / (1 + np.exp(-u @ v))
    loss = -np.sum(np.log(1 - p))
    dW_in, dW_out = np.zeros_like(W_in), np.zeros_like(W_out)
    dW_in[center] = p @ u
    np.add.at(dW_out, others, p[:, None] * v)
    return loss, dW_in, dW_out


# A step of training that is forward and backward in one, for one word.
class Embedded:
    def __init__(self, vocab_size, dim):
        self.W = np.random.randn(vocab_size, dim)

    def train_pair(self, word, context, lr):
        u, v = self.W[word].copy(), self.W[context].copy()
        self.W[word] -= lr * (u - v)
        self.W[context] -= lr * (v - u)
        return float(0.5 * np.sum((u - v) ** 2)), "loss"


# Numbers that an update makes arrays of, and dy under a rate's name.
class Scaled:
    def __init__(self):
        self.gamma, self.beta = 1, 0.0

    def forward(self, x):
        self.x = x
        return self.gamma * x + self.beta

    def backward(self, eta):
        dx = eta * self.gamma
        self.gamma = self.gamma - np.sum(eta * self.x, axis=0, keepdims=True)
        self.beta = self.beta - np.sum(eta, axis=0, keepdims=True)
        return dx


# Weights that are made once the shape of a batch is known, by a method of any name.
class OutShaped:
    def out_shape(self, shape):
        self.W = np.random.randn(shape[-1], 3)
        return (*shape[:-1], 3)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def gradient(self, lr):
        self.W = self.W - lr * self.x.reshape(-1, len(self.W)).T @ self.dy

    def backward(self, dy):
        self.dy = dy.reshape(-1, 3)
        return dy @ self.W.T


# An object that is there for its methods alone.
class Gates:
    def forward(self, W, x):
        return W @ x

    def backward(self, W, x, dz):
        dW, dx = np.outer(dz, x), W.T @ dz
        return dW, dx


# A network that has its input as target; its gradients stand in a dict like that of its parameters.
class Coder:
    def __init__(self, n_in, n_hidden):
        self.w = {"in": np.random.randn(n_in, n_hidden), "out": np.random.randn(n_hidden, n_in)}

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.w["in"])
        self.y = self.h @ self.w["out"]
        return self.y

    def backward(self):
        d = self.y - self.x
        dh = d @ self.w["out"].T * (1 - self.h**2)
        self.dw = {"in": self.x.T @ dh, "out": self.h.T @ d}


# A loss of three inputs.
class TripletLoss:
    def forward(self, anchor, positive, negative):
        self.a, self.p, self.n = anchor, positive, negative
        return np.sum((anchor - positive) ** 2 - 0.5 * (anchor - negative) ** 2)

    def backward(self):
        near, far = self.a - self.p, self.a - self.n
        return 2 * near - far, -2 * near, far


# A loss that is handed over and keeps what backward needs.
class Kept:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def loss(self, x, y):
        self.d = self.forward(x) - y
        return np.mean(self.d**2)

    def backward(self):
        self.dW = 2 * self.x.T @ self.d / self.d.size


# Heads of attention.
class Heads:
    def __init__(self, d_model, num_heads):
        assert d_model % num_heads == 0
        self.h, self.b = num_heads, 0.0

    def forward(self, x):
        self.x = x.reshape(*x.shape[:-1], self.h, -1)
        return self.b + np.prod(self.x, axis=-1)

    def backward(self, dy):
        others = np.prod(self.x, axis=-1, keepdims=True) / self.x
        return (dy[..., None] * others).reshape(*dy.shape[:-1], -1), np.sum(dy)


# A list by its annotation, and a dict of gradients that is handed on before anything is put into it.
class Stacked:
    def __init__(self, width_of_each: list[int]):
        self.W = np.random.randn(*width_of_each)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def keep(self, held, dW):
        held["W"] = dW

    def backward(self, dy, grads: dict):
        self.keep(grads, self.x.T @ dy)
        return dy @ self.W.T


# Gradients that are called in full.
class InFull:
    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.random.randn(n_in, n_out), np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias

    def backward(self, dy):
        self.gradient_weights, self.gradient_bias = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.weights.T


# A vector as a column, and nothing else.
class OfColumn:
    def forward(self, z):
        self.out = np.exp(z) / np.exp(z).sum()
        return self.out

    def backward(self, grad):
        return (np.diag(self.out[:, 0]) - self.out @ self.out.T) @ grad


# A loss that is flat for some targets.
def perceptron_loss(x, y, w, b):
    margin = -y * (x @ w + b)
    y_masked = np.where(margin < 0, 0, y) / len(y)
    return np.maximum(margin, 0).mean(), -x.T @ y_masked, -y_masked.sum()


# What builds it calls another method, and a method of its own makes the gradients, of whatever is called as before.
class Built:
    def __init__(self, units):
        self.units, self.n, self.w = units, None, None

    def _initialise(self):
        self.w = np.random.randn(self.n, self.units)

    def build(self, shape):
        self.n = shape[0]
        self._initialise()

    def forward(self, _up):
        return _up @ self.w

    def backward(self, _er):
        return _er @ self.w.T

    def gradient(self, _below, _er):
        return {"w": _below.T @ _er}


# Class labels beside a batch that a function takes: a factor of the batch is no sign of one sample.
def linear_softmax(X, W, target_index):
    p = np.exp(X @ W) / np.exp(X @ W).sum(axis=1, keepdims=True)
    rows = np.arange(len(X)), target_index.flatten()
    dprediction = p / len(X)
    loss = -np.log(p[rows]).mean()
    dprediction[rows] -= 1 / len(X)
    dW = X.T @ dprediction
    return loss, dW


# Gradients that are kept, and returned as well in a list behind dx.
class Twofold:
    def __init__(self, in_size, out_size):
        self.W, self.b = np.random.randn(in_size, out_size), np.zeros((1, out_size))
        self.gradW = self.gradB = None

    def forward(self, X):
        self.X = X
        return X @ self.W + self.b

    def backward(self, dout):
        self.gradW, self.gradB = self.X.T @ dout, np.sum(dout, axis=0)
        return dout @ self.W.T, [self.gradW, self.gradB]


# A recurrent network with a size from a text that is not there; its loss returns the gradients and the next state.
class OfLetters:
    def __init__(self, hidden):
        data = open("no_such_text.txt").read()  # noqa: PTH123, SIM115
        letters = {letter: i for i, letter in enumerate(sorted(set(data)))}
        self.Wxh, self.Whh = np.random.randn(hidden, len(letters)), np.random.randn(hidden, hidden)
        self.Why, self.bh = np.random.randn(len(letters), hidden), np.zeros((hidden, 1))

    def loss_fun(self, inputs, targets, hprev):
        h, p, loss = {-1: hprev}, {}, 0.0
        for t, i in enumerate(inputs):
            h[t] = np.tanh(self.Wxh[:, [i]] + self.Whh @ h[t - 1] + self.bh)
            e = np.exp(self.Why @ h[t])
            p[t] = e / e.sum()
            loss -= np.log(p[t][targets[t], 0])
        dWxh, dWhh, dWhy = (np.zeros_like(one) for one in (self.Wxh, self.Whh, self.Why))
        dbh, after = np.zeros_like(self.bh), 0.0
        for t in reversed(range(len(inputs))):
            p[t][targets[t]] -= 1
            dWhy += p[t] @ h[t].T
            dh = (self.Why.T @ p[t] + after) * (1 - h[t] ** 2)
            dbh += dh
            dWxh[:, [inputs[t]]] += dh
            dWhh += dh @ h[t - 1].T
            after = self.Whh.T @ dh
        for one in (dWxh, dWhh, dWhy, dbh):
            np.clip(one, -5, 5, out=one)
        return loss, dWxh, dWhh, dWhy, dbh, h[len(inputs) - 1]


# The same in three methods, of which two are given what the first returns, under another name.
class Unrolled:
    def __init__(self, vocab_size, hidden_size):
        self.U, self.W = np.random.randn(hidden_size, vocab_size), np.random.randn(hidden_size, hidden_size)

    def forward(self, inputs, hprev):
        hs, ycap = {-1: hprev}, {}
        for t, i in enumerate(inputs):
            hs[t] = np.tanh(self.U[:, i] + self.W @ hs[t - 1])
            ycap[t] = np.exp(hs[t]) / np.exp(hs[t]).sum()
        return hs, ycap

    def loss(self, ps, targets):
        return -sum(np.log(ps[t][one]) for t, one in enumerate(targets))

    def backward(self, hs, ps, inputs, targets):
        dU, dW, after = np.zeros_like(self.U), np.zeros_like(self.W), 0.0
        for t in reversed(range(len(targets))):
            dz = ps[t] - np.eye(len(ps[t]))[targets[t]] + after
            dz = dz * (1 - hs[t] ** 2)
            dU[:, inputs[t]] += dz
            dW += np.outer(dz, hs[t - 1])
            after = self.W.T @ dz
        return dU, dW


# Made with its input and target, which it keeps; backward takes nothing and makes a step upwards.
class Given:
    def __init__(self, x, y):
        self.input, self.y = x, y
        self.weights1, self.weights2 = np.random.rand(x.shape[1], 4), np.random.rand(4, y.shape[1])

    def feedforward(self):
        self.layer1 = np.tanh(self.input @ self.weights1)
        self.predicted = np.tanh(self.layer1 @ self.weights2)

    def backprop(self):
        d = 2 * (self.y - self.predicted) * (1 - self.predicted**2)
        step = self.input.T @ (d @ self.weights2.T * (1 - self.layer1**2))
        self.weights2 += self.layer1.T @ d
        self.weights1 += step


# An object that draws is passed in, and handed on.
def draw(dataset, count):
    return [dataset.sample_token() for _ in range(count)]


def drawn_loss(center_vec, outside_idx, outside_vecs, dataset):
    others = draw(dataset, 5)
    loss = outside_vecs[outside_idx] @ center_vec - (outside_vecs[others] @ center_vec).sum()
    grad_center = outside_vecs[outside_idx] - outside_vecs[others].sum(axis=0)
    grad_outside = np.zeros_like(outside_vecs)
    grad_outside[outside_idx] += center_vec
    np.add.at(grad_outside, others, -center_vec)
    return loss, grad_center, grad_outside


# Heads by default, among which features of our number have to be divided.
class EightHeads:
    def __init__(self, d_model, num_heads=8):
        assert d_model % num_heads == 0
        self.h = num_heads

    def forward(self, x):
        self.x = x.reshape(*x.shape[:-1], self.h, -1)
        return np.prod(self.x, axis=-1)

    def backward(self, dy):
        others = np.prod(self.x, axis=-1, keepdims=True) / self.x
        return (dy[..., None] * others).reshape(*dy.shape[:-1], -1)


# A pair without any name of its own.
def loss(y, y_hat):
    return np.sum((y - y_hat) ** 2) / len(y)


def diff(y, y_hat):
    return 2 * (y_hat - y) / len(y)


# A class that is there to hold functions.
class Activations:
    def __init__(self):
        pass

    @staticmethod
    def bent(x, der=False):
        return 1 - x**2 if der else np.tanh(x)


# One sample, a vector; of a batch of columns the bias makes something else.
class OfOne:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return self.W @ x + self.b

    def backward(self, dy):
        self.dW, self.db = np.outer(dy, self.x), dy
        return self.W.T @ dy


# A gradient that is called y.
class CalledY:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, y):
        return y * (1 - self.out**2)


# The first backward clears what forward kept; methods in capitals, and private.
class Clearing:
    def __init__(self, n_in, n_out):
        self._W, self.kept = np.random.randn(n_in, n_out), []

    def _Forward(self, x):  # noqa: N802
        self.kept.append(x)
        return x @ self._W

    def _Backward(self, dy):  # noqa: N802
        self._dW = self.kept.pop().T @ dy
        return dy @ self._W.T


# Functions of a class that keeps something for others.
class Curves:
    def __init__(self, size):
        self.size = size

    def _bell(self, x):
        return np.exp(-(x**2))

    def _bell_slope(self, x):
        return -2 * x * self._bell(x)

    def scaled(self, x):
        return self.size * x


# A derivative by a part of the name.
def logistic(z):
    return 1 / (1 + np.exp(-z))


def dlog_dz(z):
    return logistic(z) * (1 - logistic(z))


# The output beside dy, by a name of its own.
def soften(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def soften_backward(dout, softened_out):
    return softened_out * (dout - (dout * softened_out).sum(axis=1, keepdims=True))


# Arguments of forward that are a text and a mask.
class Looking:
    def forward(self, x, mask, mode):
        s = x @ x.swapaxes(-1, -2) if mode == "train" else 1 / 0
        e = np.exp(np.where(mask, s, -1e9))
        self.x, self.a = x, e / e.sum(axis=-1, keepdims=True)
        return self.a @ x

    def backward(self, dy):
        da = dy @ self.x.swapaxes(-1, -2)
        ds = self.a * (da - (da * self.a).sum(axis=-1, keepdims=True))
        return self.a.swapaxes(-1, -2) @ dy + (ds + ds.swapaxes(-1, -2)) @ self.x


# One image with channels last.
class Gray:
    def __init__(self, channels):
        self.w = np.random.randn(channels)

    def forward(self, x):
        assert x.ndim == 3
        self.x = x
        return (x @ self.w)[1:]

    def backward(self, dy):
        wide = np.pad(dy, ((1, 0), (0, 0)))
        self.dw = np.einsum("ij,ijc->c", wide, self.x)
        return wide[:, :, None] * self.w


# Places that are learnt, as many as there may be words.
class Placed:
    def __init__(self, vocab_size, max_len, d_model):
        self.words, self.places = np.random.randn(vocab_size, d_model), np.random.randn(max_len, d_model)

    def forward(self, ids):
        self.ids = ids
        return self.words[ids] + self.places[: ids.shape[1]]

    def backward(self, dy):
        self.dwords, self.dplaces = np.zeros_like(self.words), np.zeros_like(self.places)
        np.add.at(self.dwords, self.ids, dy)
        self.dplaces[: dy.shape[1]] = dy.sum(axis=0)


# Contexts of several words.
class Bag:
    def __init__(self, n_words, dim):
        self.W1, self.W2 = np.random.randn(n_words, dim), np.random.randn(dim, n_words)

    def forward(self, contexts, target):
        self.contexts, self.target = contexts, target
        self.h = self.W1[contexts].mean(axis=1)
        e = np.exp(self.h @ self.W2)
        self.p = e / e.sum(axis=1, keepdims=True)
        return -np.mean(np.log(self.p[np.arange(len(target)), target]))

    def backward(self):
        d = self.p.copy()
        d[np.arange(len(d)), self.target] -= 1
        self.dW2 = self.h.T @ d / len(d)
        self.dW1 = np.zeros_like(self.W1)
        for column in self.contexts.T:
            np.add.at(self.dW1, column, d @ self.W2.T / len(d) / self.contexts.shape[1])


# The prediction in a dict, before what it is made of.
class Logged:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in), np.zeros((n_out, 1))

    def forward(self, X):
        z = self.W @ X + self.b
        return {"a1": 1 / (1 + np.exp(-z)), "z1": z}

    def cost(self, A1, Y):
        return -np.sum(Y * np.log(A1) + (1 - Y) * np.log(1 - A1)) / Y.shape[1]

    def backward(self, X, Y, cache):
        d = (cache["a1"] - Y) / X.shape[1]
        return {"dW": d @ X.T, "db": d.sum(axis=1, keepdims=True)}


# A learning rate and a number of samples beside the target.
class Trained:
    def __init__(self, n_in=784, n_out=10):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, X):
        self.X = X
        e = np.exp(X @ self.W + self.b)
        probs = e / e.sum(axis=1, keepdims=True)
        return e, probs

    def cross_entropy(self, y, probs):
        return -np.sum(y * np.log(probs)) / len(y)

    def backward(self, y, probs, learning_rate, batch_size):
        self.W -= learning_rate * self.X.T @ (probs - y) / batch_size
        self.b -= learning_rate * np.sum(probs - y, axis=0) / batch_size


# A loss that keeps its gradients in a dict.
class Graded:
    def __init__(self, n_in, n_out):
        self.W, self.grads = np.random.randn(n_in, n_out), {}

    def loss(self, X, y):
        d = X @ self.W - y
        self.grads["W"] = 2 * X.T @ d / d.size
        return np.mean(d**2)


# A penalty whose strength and kind are arguments.
def calc_loss(X, Y, W, mu, reg):
    penalty = np.sum(W**2) if reg == "l2" else np.sum(W)
    return np.sum((X @ W - Y) ** 2) + mu * penalty


def calc_grad(X, Y, W, mu, reg):
    return 2 * X.T @ (X @ W - Y) + mu * (2 * W if reg == "l2" else 1)


# Gradients that stand in local names alone, since a step of another kind is made of them.
class Adaptive:
    def __init__(self, n_in, n_out):
        self.W, self.b, self.size = np.random.randn(n_in, n_out), np.zeros(n_out), 0.1

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        dx, dW, db = dy @ self.W.T, self.x.T @ dy, dy.sum(axis=0)
        self.W = self.W - self.size * np.sign(dW)
        self.b = self.b - self.size * np.sign(db)
        return dx


# One more word in both names, and the name of an activation as an argument.
def mixed_activation_forward(x, W, activation):
    y = np.tanh(x @ W) if activation == "tanh" else x @ W
    return y, (x, W, y)


def mixed_activation_backward(dy, cache, activation):
    x, W, y = cache
    dz = dy * (1 - y**2) if activation == "tanh" else dy
    return dz @ W.T, x.T @ dz


# A loss of two inputs, neither of which is a target.
def divergence_loss(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - logvar)


def divergence_loss_grad(mu, logvar):
    return mu, 0.5 * (np.exp(logvar) - 1)


# A backward that is given the input, which is the target as well.
class Echo:
    def __init__(self, n):
        self.W = np.random.randn(n, 3)

    def forward(self, x):
        self.h = x @ self.W
        return self.h @ self.W.T

    def backward(self, x):
        d = 2 * (self.h @ self.W.T - x) / x.size
        self.dW = x.T @ d @ self.W + d.T @ self.h


# Weights of the input that are called as those of a state elsewhere.
def unit_forward(x, h, p):
    z = np.tanh(p["Wh"] @ x + p["Uh"] @ h + p["bh"])
    return z, (x, h, z, p)


def unit_backward(dout, cache):
    x, h, z, p = cache
    dz = dout * (1 - z**2)
    grads = {"dWh": dz @ x.T, "dUh": dz @ h.T, "dbh": dz.sum(axis=1, keepdims=True)}
    return p["Wh"].T @ dz, p["Uh"].T @ dz, grads


# Deltas of the shape that the weights have, since a row of them is the bias.
class Delayed:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in + 1, n_out)

    def forward(self, x):
        self.x = np.append(x, np.ones((len(x), 1)), axis=1)
        return self.x @ self.w

    def backward(self, dy):
        self.deltas = dy
        return dy @ self.w[:-1].T

    def update(self, eta):
        self.w -= eta * self.x.T @ self.deltas


# Gradients and a loss, neither of which has another name.
class Regression:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def probabilities(self, X):
        e = np.exp(X @ self.W)
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, X, y):
        return -np.sum(np.log(self.probabilities(X)[np.arange(len(y)), y]))

    def gradients(self, X, y):
        p = self.probabilities(X)
        return X.T @ (p - np.eye(p.shape[1])[y])


# An input that has to be positive.
class Logarithm:
    def forward(self, x):
        self.x = x
        return np.log(x)

    def backward(self, dy):
        return dy / self.x


# Outputs that are named after their step, and the gradients of the next one.
class Recurring:
    def __init__(self, n_in, n_state):
        self.W = np.random.randn(n_in, n_state)

    def step_forward(self, x_t, h_prev):
        self.h_t = np.tanh(x_t @ self.W + h_prev)
        self.y_t, self.x_t = self.h_t[:, :2] ** 2, x_t
        return self.h_t, self.y_t

    def step_backward(self, dy, dh_next):
        dh = np.pad(2 * dy * self.h_t[:, :2], ((0, 0), (0, dh_next.shape[1] - 2)))
        dh = (dh + dh_next) * (1 - self.h_t**2)
        return dh @ self.W.T, dh, self.x_t.T @ dh


# A dict of any parameters.
class Decay:
    def forward(self, params):
        return sum(0.15 * np.sum(v**2) for v in params.values())

    def backward(self, params):
        return {k: 0.3 * v for k, v in params.items()}


# An array that a formula gives and nobody trains.
class Positions:
    def __init__(self, n_features, max_len=9):
        self.encoding = np.sin(np.arange(max_len)[:, None] / 10.0 ** np.arange(n_features))

    def forward(self, x):
        return x + self.encoding[: x.shape[1]]

    def backward(self, dy):
        return dy


# Neither the input nor the state has a gradient.
class Unstated:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_hidden)

    def forward(self, x, h_prev):
        self.x, self.h = x, h_prev
        self.out = np.tanh(x @ self.W + h_prev @ self.U)
        return self.out

    def backward(self, dy):
        d = dy * (1 - self.out**2)
        self.dW, self.dU = self.x.T @ d, self.h.T @ d


# A cost of its own whose average is meant, and a learning rate that is no number.
class Scheduled:
    class _Squares:
        @staticmethod
        def fn(a, y):
            return np.sum((a - y) ** 2)

    def __init__(self, n_in, n_out):
        self.W, self.cost, self.learning_rate = np.random.randn(n_out, n_in), self._Squares, [0.1, 0.01]

    def feedforward(self, a):
        return self.W @ a

    def backprop(self, X, Y):
        d = 2 * (self.W @ X - Y) / X.shape[1]
        return {"dW": d @ X.T}


# Ids of words, as context, and a loss that takes the target alone.
class Worded:
    def __init__(self, vocab_size, embed_dim):
        self.W1, self.W2 = np.random.randn(vocab_size, embed_dim), np.random.randn(embed_dim, vocab_size)

    def forward(self, context):
        self.context, self.h = context, self.W1[context].mean(axis=1)
        e = np.exp(self.h @ self.W2)
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def loss(self, target):
        return -np.sum(np.log(self.p[np.arange(len(target)), target]))

    def backward(self, target):
        d = self.p.copy()
        d[np.arange(len(d)), target] -= 1
        self.dW2, self.dW1 = self.h.T @ d, np.zeros_like(self.W1)
        for ids in self.context.T:
            np.add.at(self.dW1, ids, d @ self.W2.T / self.context.shape[1])


# A dict that a method fills which has to be called first.
class Running:
    def __init__(self):
        self.config = {}

    def compile(self, lr):
        self.config["rate"], self.config["running_mean"] = lr, 0

    def forward(self, x):
        self.config["running_mean"] = 0.9 * self.config["running_mean"] + 0.1 * x.mean(axis=0)
        self.std = 2.0
        return x / self.std

    def backward(self, dy):
        return dy / self.std


# A network for one column at a time, whose gradients have names that say nothing.
class Samplewise:
    class _Half:
        @staticmethod
        def fn(a, y):
            return 0.5 * np.sum((a - y) ** 2)

    def __init__(self, sizes):
        self.cost = self._Half
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(m, n) for n, m in zip(sizes, sizes[1:], strict=False)]  # noqa: RUF007

    def feedforward(self, a):
        for W, b in zip(self.weights, self.biases, strict=True):
            a = np.tanh(W @ a + b)
        return a

    def backprop(self, x, y):
        a = [x]
        for W, b in zip(self.weights, self.biases, strict=True):
            a.append(np.tanh(W @ a[-1] + b))
        first, second = [], []
        d = (a[-1] - y) * (1 - a[-1] ** 2)
        for i in (1, 0):
            first.insert(0, d)
            second.insert(0, d @ a[i].T)
            d = (self.weights[i].T @ d) * (1 - a[i] ** 2)
        return first, second


# A column of ones is added to the input.
def augmented_loss(w, X, y):
    X = np.pad(X, [(0, 0), (0, 1)], constant_values=1.0)
    e = X @ w - y
    grad_w = 2 * e @ X
    return np.sum(e**2), grad_w


# Two losses, of which the gradients are of one.
def mean_loss(X, y, w):
    return np.mean(np.abs(X @ w - y))


def squared_loss(X, y, w):
    return np.sum((X @ w - y) ** 2)


def compute_gradients(X, y, w):
    return 2 * X.T @ (X @ w - y)


# A network whose steps are no multiples of its gradients.
class Stepwise:
    class _Half:
        @staticmethod
        def fn(a, y):
            return 0.5 * np.sum((a - y) ** 2)

    def __init__(self, n_in, n_out):
        self.params = {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
        self.cost = self._Half

    def forward(self, X):
        assert X.shape == (5, 4)
        self.X = X
        self.out = X @ self.params["W"] + self.params["b"]
        return self.out

    def backward(self, target):
        d = self.out - target
        grads = {"W": self.X.T @ d, "b": d.sum(axis=0)}
        for name in self.params:
            self.params[name] = self.params[name] - 0.1 * np.sign(grads[name])


# The Jacobian of each sample, for samples that are columns.
class Squashing:
    def activate(self, z):
        return np.tanh(z)

    def gradient(self, z):
        slopes = 1 - self.activate(z) ** 2
        return np.stack([np.diag(column) for column in slopes.T])


# A convolution that is made with its weights.
class ConvMade:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        count, _, rows, columns = self.W.shape
        self.x = x
        high, wide = x.shape[2] - rows + 1, x.shape[3] - columns + 1
        y = np.zeros((len(x), count, high, wide)) + self.b[:, None, None]
        for i in range(rows):
            for j in range(columns):
                part = x[:, :, i : i + high, j : j + wide]
                y += np.einsum("nchw,kc->nkhw", part, self.W[:, :, i, j])
        return y

    def backward(self, dout):
        high, wide = dout.shape[2:]
        self.db = dout.sum(axis=(0, 2, 3))
        self.dW, dx = np.zeros_like(self.W), np.zeros_like(self.x)
        for i in range(self.W.shape[2]):
            for j in range(self.W.shape[3]):
                part = (..., slice(i, i + high), slice(j, j + wide))
                self.dW[:, :, i, j] = np.einsum("nkhw,nchw->kc", dout, self.x[part])
                dx[part] += np.einsum("nkhw,kc->nchw", dout, self.W[:, :, i, j])
        return dx


# Class labels that stand in one column.
class ColumnLabels:
    def forward(self, logits, labels):
        self.labels = labels
        e = np.exp(logits)
        self.p = e / e.sum(axis=1, keepdims=True)
        return -np.log(self.p[np.arange(len(labels)), labels[:, 0]]).mean()

    def backward(self):
        d = self.p.copy()
        d[np.arange(len(d)), self.labels[:, 0]] -= 1
        return d / len(d)


# An activation that is an object of the module, called by the names of functions.
class Bent:
    def activate(self, z):
        return np.tanh(z)

    def derivative(self, z):
        return 1 - np.tanh(z) ** 2


class Bending:
    def __init__(self, n_in, n_out, activation):
        self.W, self.activation = np.random.randn(n_in, n_out), activation

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return self.activation.activate(self.z)

    def backward(self, dy):
        dz = dy * self.activation.derivative(self.z)
        self.dW = self.x.T @ dz
        return dz @ self.W.T


GRADCHECK = {"Bent": {"skip": True}}


# A network whose sizes stand in an object, of whatever class.
class Described:
    def __init__(self, conf):
        self.slope = conf.slope
        self.W = [np.random.randn(*pair) for pair in zip(conf.layer_sizes, conf.layer_sizes[1:], strict=False)]

    def forward(self, x):
        self.kept = []
        for W in self.W:
            self.kept.append(x)
            x = np.tanh(self.slope * (x @ W))
        self.out = x
        return x

    def backward(self, dy):
        self.dW, y = [], self.out
        for W, x in zip(self.W[::-1], self.kept[::-1], strict=True):
            dz = self.slope * dy * (1 - y**2)
            self.dW.insert(0, x.T @ dz)
            dy, y = dz @ W.T, x
        return dy


# A function of one number.
def bent_line(x):
    if x > 0:
        return x
    return np.exp(x) - 1


def bent_line_derivative(x):
    if x > 0:
        return 1.0
    return np.exp(x)


# A loss that adds up what it costs, hands its input on, and has a method that makes a step of everything.
class Summing:
    def __init__(self, shape):
        self.loss, self.chain = np.zeros(shape), None

    def forward(self, x, t):
        self.x, self.t = x, t
        self.loss += 0.5 * np.square(x - t)
        return x

    def backward(self):
        return self.x - self.t

    def step(self, x, t):
        y = self.forward(x, t)
        g = self.backward()
        return g, y


# A derivative beside a gradient that is left to a base that has none.
class Open:
    def gradient(self, inputs):
        pass


class Leaning(Open):
    def gradient(self, inputs):
        """None of its own."""
        return super().gradient(inputs)

    def derivative(self, inputs):
        return 1 - np.tanh(inputs) ** 2

    def __call__(self, inputs):
        return np.tanh(inputs)


# Both sides of a loss in one argument.
class PairLoss:
    def __call__(self, inputs):
        targets, predictions = inputs
        return np.mean((predictions - targets) ** 2)

    def gradient(self, inputs):
        targets, predictions = inputs
        return 2 * (predictions - targets) / targets.size


# Hidden sizes by the name of what they count.
class PerLayer:
    def __init__(self, n_in, n_out, neurons_per_layer):
        ends = neurons_per_layer + [n_out]  # noqa: RUF005
        self.W = [np.random.randn(*pair) for pair in zip([n_in, *ends], ends, strict=False)]

    def forward(self, x):
        self.kept = [x]
        for W in self.W:
            self.kept.append(self.kept[-1] @ W)
        return self.kept[-1]

    def backward(self, dy):
        self.dW = []
        for W, x in zip(self.W[::-1], self.kept[-2::-1], strict=True):
            self.dW.insert(0, x.T @ dy)
            dy = dy @ W.T
        return dy


# A function whose derivative is called dev.
def bump(X):
    return np.exp(-X * X)


def bump_dev(x):
    return -2 * x * bump(x)


# A training of so many epochs, each of them one step, by a loss with a penalty that stands nowhere.
class Epochs:
    def __init__(self, n_in, n_hidden, n_out, lr=0.1):
        self.W = [np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)]
        self.b, self.lr = np.zeros(n_out), lr

    def think(self, X):
        self.h = np.tanh(X @ self.W[0])
        return self.h @ self.W[1] + self.b

    def fit(self, X, y, num_epochs=1000):
        for _ in range(num_epochs):
            d = self.think(X) - y
            steps = [X.T @ (d @ self.W[1].T * (1 - self.h**2)), self.h.T @ d]
            for i in range(len(self.W)):
                self.W[i] -= self.lr * (steps[i] + 0.3 * self.W[i])
            self.b -= self.lr * d.sum(axis=0)


# A training step whose arguments are lists, beside a query.
class Questioned:
    def __init__(self, inputs, outputs, learning_rate):
        self.who, self.lr = np.random.randn(outputs, inputs), learning_rate

    def train(self, inputs_list, targets_list):
        inputs, targets = np.array(inputs_list, ndmin=2).T, np.array(targets_list, ndmin=2).T
        out = np.tanh(self.who @ inputs)
        self.who += self.lr * ((targets - out) * (1 - out**2)) @ inputs.T

    def query(self, inputs_list):
        return np.tanh(self.who @ np.array(inputs_list, ndmin=2).T)


# Private methods that call each other.
class Private:
    def __bell(self, x):
        return np.exp(-x * x)

    def __bell_prime(self, x):
        return -2 * x * self.__bell(x)


# Words around one word: ids stand in a table of words, and what draws words is handed on.
def window_loss(current_word, context, places, inside, outside, dataset):
    d_inside, d_outside, loss = np.zeros_like(inside), np.zeros_like(outside), 0.0
    row = places[current_word]
    for word in context:
        rows = [places[word]] + [dataset.draw() for _ in range(2)]
        signs = np.array([1, -1, -1])
        p = 1 / (1 + np.exp(-signs * (outside[rows] @ inside[row])))
        loss -= np.log(p).sum()
        d = (p - 1) * signs
        d_inside[row] += d @ outside[rows]
        np.add.at(d_outside, rows, np.outer(d, inside[row]))
    return loss, d_inside, d_outside


# Sizes whose name does not say that they are several.
class Widths:
    def __init__(self, dims):
        self.W = self._made(dims)

    def _made(self, d):
        return [np.random.randn(d[i], d[i + 1]) for i in range(len(d) - 1)]

    def forward(self, x):
        self.kept = [x]
        for W in self.W:
            self.kept.append(np.tanh(self.kept[-1] @ W))
        return self.kept[-1]

    def backward(self, dy):
        self.dW = [None] * len(self.W)
        for i in reversed(range(len(self.W))):
            dz = dy * (1 - self.kept[i + 1] ** 2)
            self.dW[i] = self.kept[i].T @ dz
            dy = dz @ self.W[i].T
        return dy


# A node of a graph, which looks up its inputs, and dy in the nodes above.
class Knot:
    def __init__(self, below=()):
        self.below, self.above, self.value, self.slopes = below, [], None, {}
        for knot in below:
            knot.above.append(self)

    def forward(self):
        raise NotImplementedError

    def backward(self):
        raise NotImplementedError


class Weighing(Knot):
    def __init__(self, X, W, b):
        Knot.__init__(self, [X, W, b])

    def forward(self):
        X, W, b = (knot.value for knot in self.below)
        self.value = np.tanh(X @ W + b)

    def backward(self):
        X, W, b = self.below
        dz = sum(knot.slopes[self] for knot in self.above) * (1 - self.value**2)
        self.slopes = {X: dz @ W.value.T, W: X.value.T @ dz, b: dz.sum(axis=0)}


class Leaf(Knot):
    def forward(self):
        pass


GRADCHECK = {"Leaf": {"skip": True}}


# A loss at the end of a graph.
class Point:
    def __init__(self, value):
        self.value = value


class MeanSquare:
    def __init__(self, target, prediction):
        self.both = target, prediction
        self.left = target.value, prediction.value

    def forward(self):
        target, prediction = self.both
        return np.mean((prediction.value - target.value) ** 2)

    def backward(self):
        target, prediction = self.both
        d = 2 * (prediction.value - target.value) / target.value.size
        return -d, d


# An activation by its name in a table.
CURVES = {"bell": lambda x: np.exp(-x * x), "line": lambda x: x}
SLOPES = {"bell": lambda x: -2 * x * np.exp(-x * x), "line": np.ones_like}


class Named:
    def __init__(self, name):
        self.curve, self.slope = CURVES[name], SLOPES[name]

    def forward(self, x):
        self.x = x
        return self.curve(x)

    def backward(self, dy):
        return dy * self.slope(self.x)


# A network that is given the class of its loss.
class CubeLoss:
    def loss(self, y, t):
        return np.sum((y - t) ** 2) / 2

    def gradient(self, y, t):
        return y - t


class Holding:
    def __init__(self, n_in, n_out, loss):
        self.W, self.loss_function = np.random.randn(n_in, n_out), loss()

    def forward(self, x):
        self.x, self.y = x, x @ self.W
        return self.y

    def backward(self, target):
        self.dW = self.x.T @ self.loss_function.gradient(self.y, target)


GRADCHECK = {"CubeLoss": {"skip": True}}


# A learning rate that is written out where the steps are.
class Literal:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        dx = dy @ self.W.T
        self.W = self.W - 0.05 * self.x.T @ dy
        self.b -= dy.sum(axis=0) * 0.05
        return dx


# A loss of logits, of which the negative ones tell as much.
class BCEWithLogits:
    def forward(self, z, y):
        self.z, self.y = z, y
        return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))

    def backward(self):
        p = np.where(self.z > 0, 1 / (1 + np.exp(-self.z)), np.exp(self.z) / (1 + np.exp(self.z)))
        return (p - self.y) / self.z.size


# A penalty on an array, whose strength is a number wherever it stands.
def shrink(reg_strength, W):
    loss = reg_strength * np.sum(np.abs(W) ** 3)
    grad = 3 * reg_strength * W * np.abs(W)
    return loss, grad


# A loss whose target is called after what holds it, and comes again on the way back.
class Surprise:
    def forward(self, prediction_tensor, label_tensor):
        self.p = prediction_tensor
        return np.sum(label_tensor * -np.log(self.p))

    def backward(self, label_tensor):
        return -label_tensor / self.p


# An activation and its derivative, in another language: what they are, their annotations say.
class Camada:
    def __init__(self, n_in, n_out, ativa: Callable, ativa_d: Callable | None = None):
        self.W, self.ativa, self.ativa_d = np.random.randn(n_in, n_out), ativa, ativa_d

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return self.ativa(self.z)

    def backward(self, dy):
        dz = dy if self.ativa_d is None else dy * self.ativa_d(self.z)
        self.grad_W = self.x.T @ dz
        return dz @ self.W.T


# A derivative that is constant, and takes that constant alone.
def straight(x, slope=1.5):
    return slope * x


def straight_derivative(slope=1.5):
    return 1.0 * slope


# A loss whose derivative is called after it.
class OneOutput:
    @classmethod
    def loss(cls, pred, label):
        return np.sum((pred[0] - label) ** 2) / 2

    @classmethod
    def deriv_loss(cls, pred, label):
        diff = np.zeros_like(pred)
        diff[0] = pred[0] - label
        return diff


# A penalty that weighs nothing by default.
def ridge_loss(W, X, y, reg=0.0):
    d = X @ W - y
    return np.sum(d**2) + reg * np.sum(W**2), 2 * X.T @ d + 2 * reg * W


# A penalty whose weight an object keeps, and that is 0 as it is made.
class Ridge:
    def __init__(self, n_in, n_out, reg=0.0):
        self.W, self.reg = np.random.randn(n_in, n_out), reg

    def loss(self, X, y):
        d = X @ self.W - y
        return np.sum(d**2) + self.reg * np.sum(self.W**2), {"W": 2 * X.T @ d + 2 * self.reg * self.W}


# A layer that is given the shape of a batch, and whose backward is but the step of what gradient has made.
class ChannelScale:
    def __init__(self, input_shape):
        self.input_shape, self.batchsize = input_shape, input_shape[0]
        self.gamma, self.input_data = np.ones(input_shape[1]), np.zeros(input_shape)

    def forward(self, x):
        self.input_data, y = x, np.zeros(self.input_shape)
        for i in range(len(self.gamma)):
            y[:, i, :, :] = self.gamma[i] * x[:, i, :, :]
        return y

    def gradient(self, eta):
        self.gamma_grad = np.sum(eta * self.input_data, axis=(0, 2, 3))
        return eta * self.gamma[:, None, None]

    def backward(self, alpha=0.01):
        self.gamma -= alpha * self.gamma_grad


# An activation whose gradient takes dy under the name of eta.
class Ramp:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def gradient(self, eta):
        eta[self.x < 0] = 0
        return eta


# A step of alpha, into a dict of gradients that backward adds to.
class Alphabetic:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def bacprop(self, dy, grads, alpha):
        grads["W"] += self.x.T @ dy
        self.b -= alpha * dy.sum(axis=0)
        return dy @ self.W.T


# A network with a penalty that weighs nothing by default, in its loss and on the way back.
class Decaying:
    def __init__(self, n_in, n_out, lam=0):
        self.W, self.lam = np.random.randn(n_in, n_out), lam

    def forward(self, X):
        self.y = X @ self.W
        return self.y

    def compute_loss(self, y_pred, y):
        return np.sum((y_pred - y) ** 2) + self.lam * np.sum(self.W**2)

    def backward(self, X, y):
        self.dW = 2 * X.T @ (self.y - y) + 2 * self.lam * self.W


# A dropout that is switched off by default.
class Dropping:
    def __init__(self, dropout=0.0):
        self.dropout = dropout

    def forward(self, x):
        self.mask = (np.random.rand(*x.shape) >= self.dropout) / (1 - self.dropout)
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


# A derivative that is written in the output, beside the constant that it takes as well.
def steeper(x, a):
    return np.tanh(a * x)


def steeper_prime(x, a):
    return a * (1 - x**2)


GRADCHECK = {"steeper": {"constants": ["a"]}}


# Cells that hold copies of the weights, made when they were.
class CopyCell:
    def __init__(self, W, b):
        self.W, self.b = W.copy(), b.copy()

    def step(self, x, h):
        self.z = np.vstack((h, x))
        self.h = np.tanh(self.W @ self.z + self.b)
        return self.h


class Copied:
    def __init__(self, input_size, hidden_size, seq_len=3):
        self.hidden_size = hidden_size
        self.W, self.b = np.random.randn(hidden_size, hidden_size + input_size) / 3, np.zeros((hidden_size, 1))
        self.cells = [CopyCell(self.W, self.b) for _ in range(seq_len)]

    def forward(self, xs):
        hs = [np.zeros((self.hidden_size, 1))]
        for cell, x in zip(self.cells, xs, strict=False):
            hs.append(cell.step(x, hs[-1]))
        return np.array(hs[1:])

    def backward(self, dhs):
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
        dh_next, dxs = 0, []
        for cell, dh in zip(reversed(self.cells), dhs[::-1], strict=False):
            d = (dh + dh_next) * (1 - cell.h**2)
            self.dW += d @ cell.z.T
            self.db += d
            dz = self.W.T @ d
            dh_next = dz[: self.hidden_size]
            dxs.append(dz[self.hidden_size :])
        return np.array(dxs[::-1])


# Weights of two gates, put side by side when they were made.
class SideBySide:
    def __init__(self, n_in, n_hid):
        self.n_hid = n_hid
        self.Wf, self.Wi = [np.random.randn(n_hid, n_in) / 3 for _ in range(2)]
        self.W = np.vstack((self.Wf, self.Wi))

    def forward(self, x):
        self.x = x
        a = np.tanh(self.W @ x)
        self.f, self.i = a[: self.n_hid], a[self.n_hid :]
        return self.f * self.i

    def backward(self, dy):
        df, di = dy * self.i * (1 - self.f**2), dy * self.f * (1 - self.i**2)
        self.dWf, self.dWi = df @ self.x.T, di @ self.x.T
        return self.W.T @ np.vstack((df, di))


# States by time steps in a dict, which begins at -1.
class TimeSteps:
    def __init__(self, input_size, hidden_size):
        self.Wx, self.Wh = np.random.randn(hidden_size, input_size) / 3, np.random.randn(hidden_size, hidden_size) / 3
        self.h = np.zeros((hidden_size, 1))

    def forward(self, inputs):
        self.xs, self.hs = {}, {-1: self.h}
        for t in range(len(inputs)):
            self.xs[t] = inputs[t].reshape(-1, 1)
            self.hs[t] = np.tanh(self.Wx @ self.xs[t] + self.Wh @ self.hs[t - 1])
        self.h = self.hs[len(inputs) - 1]
        return self.hs

    def backward(self, dhs):
        dWx, dWh, dh_next = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.h)
        for t in reversed(range(len(self.xs))):
            d = (dhs[t] + dh_next) * (1 - self.hs[t] ** 2)
            dWx += d @ self.xs[t].T
            dWh += d @ self.hs[t - 1].T
            dh_next = self.Wh.T @ d
        return dWx, dWh


# A kernel that is one number or two.
class MeanPool2d:
    def __init__(self, kernel):
        self.kernel = (kernel,) * 2 if isinstance(kernel, int) else kernel

    def forward(self, x):
        high, wide = self.kernel
        return x.reshape(*x.shape[:2], x.shape[2] // high, high, x.shape[3] // wide, wide).mean(axis=(3, 5))

    def backward(self, g):
        return g.repeat(self.kernel[0], axis=2).repeat(self.kernel[1], axis=3) / np.prod(self.kernel)


# A kernel that is taken apart, beside a stride that is not.
class SumPool:
    def __init__(self, in_channels, filter_size, stride):
        self.depth, self.rows, self.columns = in_channels
        self.height, self.width = filter_size
        self.stride = stride
        self.down, self.along = (self.rows - self.height) // stride + 1, (self.columns - self.width) // stride + 1

    def windows(self):
        for i in range(self.down):
            for j in range(self.along):
                a, b = i * self.stride, j * self.stride
                yield i, j, slice(a, a + self.height), slice(b, b + self.width)

    def forward(self, x):
        y = np.zeros((len(x), self.depth, self.down, self.along))
        for i, j, rows, columns in self.windows():
            y[:, :, i, j] = x[:, :, rows, columns].sum(axis=(2, 3))
        return y

    def backward(self, dy):
        dx = np.zeros((len(dy), self.depth, self.rows, self.columns))
        for i, j, rows, columns in self.windows():
            dx[:, :, rows, columns] += dy[:, :, i : i + 1, j : j + 1]
        return dx


# What forward leaves behind last is no output.
class Slopes:
    def step_forward(self, x_input):
        self.h_output = np.tanh(x_input)
        self.diff_h_output = 1 - self.h_output**2

    def step_backward(self, dh):
        return dh * self.diff_h_output


# Activations are handed on, and so their derivative is given them, under the name of the input.
def shares_of(X):
    e = np.exp(X - X.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def gradient_shares_of(X, delta):
    return X * (delta - (delta * X).sum(axis=1, keepdims=True))


# The gradient of the state has two parts, and that of the memory another time step than forward says.
class External:
    def __init__(self, input_size, hidden_size):
        self.W, self.U = np.random.randn(input_size, hidden_size) / 3, np.random.randn(hidden_size, hidden_size) / 3

    def forward(self, x_t, h_prev, C_prev):
        g_t = np.tanh(x_t @ self.W + h_prev @ self.U)
        C_t = C_prev + g_t
        h_t = np.tanh(C_t)
        return h_t, C_t, {"x_t": x_t, "h_prev": h_prev, "g_t": g_t, "h_t": h_t}

    def backward(self, dh_ext, dh_next, dC_next, cache):
        dC = dC_next + (dh_ext + dh_next) * (1 - cache["h_t"] ** 2)
        dz = dC * (1 - cache["g_t"] ** 2)
        return dz @ self.W.T, dz @ self.U.T, dC, {"W": cache["x_t"].T @ dz, "U": cache["h_prev"].T @ dz}


# An input and a state in one list, and the gradient of a name that is cut short.
class Listed:
    def __init__(self, in_features, units):
        self.kernel, self.recurrent_kernel = np.random.randn(in_features, units), np.random.randn(units, units)
        self.kernel_grad, self.r_kernel_grad = np.zeros((in_features, units)), np.zeros((units, units))

    def forward(self, inputs):
        x, prev_h = inputs
        self.y = np.tanh(x @ self.kernel + prev_h @ self.recurrent_kernel)
        return self.y

    def backward(self, out_grad, inputs):
        x, prev_h = inputs
        d = out_grad * (1 - self.y**2)
        self.kernel_grad, self.r_kernel_grad = x.T @ d, prev_h.T @ d
        return [d @ self.kernel.T, d @ self.recurrent_kernel.T]


# A state that starts with zeros, which nobody trains.
class Starting:
    def __init__(self, in_features, units):
        self.kernel, self.recurrent_kernel = np.random.randn(in_features, units), np.random.randn(units, units)
        self.h0 = np.zeros(units)

    def forward(self, x):
        self.hs = [self.h0 + np.zeros((len(x), 1))]
        for t in range(x.shape[1]):
            self.hs.append(np.tanh(x[:, t] @ self.kernel + self.hs[-1] @ self.recurrent_kernel))
        return np.stack(self.hs[1:], axis=1)

    def backward(self, out_grad, x):
        dx, dh = np.zeros_like(x), 0
        self.kernel_grad, self.r_kernel_grad = np.zeros_like(self.kernel), np.zeros_like(self.recurrent_kernel)
        for t in reversed(range(x.shape[1])):
            d = (out_grad[:, t] + dh) * (1 - self.hs[t + 1] ** 2)
            self.kernel_grad += x[:, t].T @ d
            self.r_kernel_grad += self.hs[t].T @ d
            dx[:, t], dh = d @ self.kernel.T, d @ self.recurrent_kernel.T
        return dx


# One column at a time, as its documentation says.
class OfOneColumn:
    def __init__(self, input_size, output_size):
        self.W, self.b = np.random.randn(output_size, input_size), np.zeros((output_size, 1))

    def forward(self, x):
        """x : numpy array, shape (input_size, 1)."""
        self.x = x
        return self.W @ x + self.b

    def backward(self, dy):
        self.dW, self.db = dy @ self.x.T, dy
        return self.W.T @ dy


# What a dict holds, another class asks, to whose constructor it is handed.
class Stretcher:
    def __init__(self, stretch_params):
        self.stretch_params = stretch_params

    def run(self, x):
        return self.stretch_params["kernel_size"] * x


class Stretching:
    def __init__(self, stretch_params):
        self.stretcher = Stretcher(stretch_params)

    def forward(self, x):
        return self.stretcher.run(x)

    def backward(self, dy):
        return 3 * dy


# Steps with a momentum, whose beta is no shift of a norm.
class Momentous:
    def __init__(self, n_in, n_out, lr, beta):
        self.W, self.v = np.random.randn(n_in, n_out), np.zeros((n_in, n_out))
        self.lr, self.beta = lr, beta

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dy):
        dx = dy @ self.W.T
        self.v = self.beta * self.v + (1 - self.beta) * self.x.T @ dy
        self.W -= self.lr * self.v
        return dx


# An activation that is asked for its derivative.
class Asked:
    def __init__(self, n_in, n_out, activation):
        self.W, self.activation = np.random.randn(n_in, n_out), activation

    def __call__(self, x):
        self.x, self.z = x, x @ self.W
        return self.activation(self.z)

    def backward(self, dy):
        dz = dy * self.activation.d(self.z)
        self.dW = self.x.T @ dz
        return dz @ self.W.T


# A loss of one output for each sample, as its documentation says.
class SquareOfOne:
    def forward(self, y_hat, y_true):
        """Of predictions of shape [batch_size, 1]."""
        self.y_hat, self.y_true = y_hat, y_true
        return np.mean((y_hat - y_true) ** 2)

    def backward(self):
        return (2 * np.sum(self.y_hat - self.y_true, axis=1) / len(self.y_true))[:, None]


# Runs in dicts: this one, the one before, and the gradients of the one behind.
class ElmanRuns:
    def __init__(self, hidden_size=6, input_size=4):
        self.weights = {
            "Wxh": np.random.randn(hidden_size, input_size),
            "Whh": np.random.randn(hidden_size, hidden_size),
        }

    def forward(self, x, h):
        h = np.tanh(self.weights["Whh"] @ h + self.weights["Wxh"] @ x)
        return {"y": 2 * h, "h": h, "x": x}

    def backward(self, deltay, fd, prev_fd, next_gd):
        delta = (2 * deltay + next_gd["deltah"]) * (1 - fd["h"] ** 2)
        return {"deltah": self.weights["Whh"].T @ delta, "dWhh": delta @ prev_fd["h"].T, "dWxh": delta @ fd["x"].T}


# States in a dict, and their gradients in another.
class StateDict:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_hidden)

    def forward(self, x, state):
        g = np.tanh(x @ self.W + state["h"] @ self.U)
        c = state["c"] + g
        self.kept = x, state["h"], g, np.tanh(c)
        return {"h": np.tanh(c), "c": c}

    def backward(self, d_state):
        x, h_prev, g, h = self.kept
        dc = d_state["c"] + d_state["h"] * (1 - h**2)
        dz = dc * (1 - g**2)
        self.dW, self.dU = x.T @ dz, h_prev.T @ dz
        return dz @ self.W.T, {"h": dz @ self.U.T, "c": dc}


# Of what forward returns, backward takes the gradient of what it names.
class BothGiven:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x, z = x, x @ self.W
        return {"z": z, "a": np.tanh(z)}

    def backward(self, da):
        dz = da * (1 - np.tanh(self.x @ self.W) ** 2)
        return {"dx": dz @ self.W.T, "dW": self.x.T @ dz}


# Padding that backward takes off, which there has to be.
def padded_forward(x, w, b, conv_param):
    pad = conv_param["pad"]
    wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", windows, w) + b[:, None, None], (windows, w, conv_param)


def padded_backward(dout, cache):
    windows, w, conv_param = cache
    pad, (rows, columns) = conv_param["pad"], dout.shape[2:]
    dx = np.zeros((len(dout), w.shape[1], rows + 2, columns + 2))
    for i in range(3):
        for j in range(3):
            dx[:, :, i : i + rows, j : j + columns] += np.einsum("nfhw,fc->nchw", dout, w[:, :, i, j])
    dw = np.einsum("nfhw,nchwij->fcij", dout, windows)
    return dx[:, :, pad:-pad, pad:-pad], dw, dout.sum(axis=(0, 2, 3))


# A mode in a dict, which the function that is called compares.
def moded(x, options):
    if options["mode"] == "train":
        return 2 * x
    raise ValueError(options["mode"])


def around_forward(x, options):
    return moded(x, options), options


def around_backward(dout, cache):
    assert "mode" in cache
    return 2 * dout
