# ruff: noqa  (written as other people write it)
"""Whole models as functions, each as small as it can be, and right."""

import numpy as np


# columns
def initialize(n_x, n_h, n_y):
    return {
        "W1": np.random.randn(n_h, n_x) * 0.01,
        "b1": np.zeros((n_h, 1)),
        "W2": np.random.randn(n_y, n_h) * 0.01,
        "b2": np.zeros((n_y, 1)),
    }


def forward_propagation(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    return A2, {"A1": A1, "A2": A2}


def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]


def backward_propagation(parameters, cache, X, Y):
    A1, A2, m = cache["A1"], cache["A2"], X.shape[1]
    dZ2 = A2 - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - A1**2)
    return {
        "dW1": dZ1 @ X.T / m,
        "db1": dZ1.sum(axis=1, keepdims=True) / m,
        "dW2": dZ2 @ A1.T / m,
        "db2": dZ2.sum(axis=1, keepdims=True) / m,
    }


# penalty
def forward(X, params):
    H = np.maximum(0, X @ params["W1"] + params["b1"])
    return H @ params["W2"] + params["b2"], H


def compute_cost_with_penalty(pred, Y, params, lambd=0.3):
    return np.sum((pred - Y) ** 2) / 2 + lambd * np.sum(params["W1"] ** 2)


def backward_with_penalty(X, Y, pred, H, params, lambd=0.3):
    dZ = pred - Y
    dH = dZ @ params["W2"].T * (H > 0)
    return X.T @ dH + 2 * lambd * params["W1"], dH.sum(axis=0), H.T @ dZ, dZ.sum(axis=0)


# any depth
def L_model_forward(X, parameters):
    A, caches = X, []
    for l in range(1, len(parameters) // 2 + 1):
        caches.append(A)
        A = np.tanh(parameters["W" + str(l)] @ A + parameters["b" + str(l)])
    return A, caches + [A]


def squared_cost(AL, Y):
    return np.sum((AL - Y) ** 2)


def L_model_backward(AL, Y, caches, parameters):
    grads, d = {}, 2 * (AL - Y)
    for l in range(len(caches) - 1, 0, -1):
        d = d * (1 - caches[l] ** 2)
        grads["dW" + str(l)], grads["db" + str(l)] = d @ caches[l - 1].T, d.sum(axis=1, keepdims=True)
        d = parameters["W" + str(l)].T @ d
    return grads


# cost from forward
def forward_propagation_n(X, Y, parameters):
    W1, W2 = (parameters[k] for k in ("W1", "W2"))
    A1 = np.tanh(W1 @ X)
    A2 = W2 @ A1
    return np.sum((A2 - Y) ** 2) / X.shape[1], (A1, A2, W2)


def backward_propagation_n(X, Y, cache):
    A1, A2, W2 = cache
    d = 2 * (A2 - Y) / X.shape[1]
    return {"dW2": d @ A1.T, "dW1": (W2.T @ d * (1 - A1**2)) @ X.T}


# gradients first
def propagate(w, b, X, Y):
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    grads = {"dw": X @ (A - Y).T / X.shape[1], "db": np.mean(A - Y)}
    return grads, cost


# classes by number
def scores_of(net, X):
    return np.tanh(X @ net["W1"]) @ net["W2"]


def calculate_loss(net, X, y):
    s = scores_of(net, X)
    return np.mean(np.log(np.exp(s).sum(axis=1)) - s[range(len(y)), y])


def gradients(net, X, y):
    h = np.tanh(X @ net["W1"])
    p = np.exp(h @ net["W2"])
    p /= p.sum(axis=1, keepdims=True)
    p[range(len(y)), y] -= 1
    p /= len(y)
    return {"W1": X.T @ (p @ net["W2"].T * (1 - h**2)), "W2": h.T @ p}


# no loss
def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = np.exp(W2 @ A1 + b2)
    return Z1, A1, A2 / A2.sum(axis=0)


def backward_prop(Z1, A1, A2, W1, W2, X, Y):
    dZ2 = A2 - np.eye(Y.max() + 1)[Y].T
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    m = X.shape[1]
    return dZ1 @ X.T / m, dZ1.sum(axis=1, keepdims=True) / m, dZ2 @ A1.T / m, dZ2.sum(axis=1, keepdims=True) / m


# layers
def init_layers(sizes):
    return [{"W": np.random.randn(a, b), "b": np.zeros(b)} for a, b in zip(sizes, sizes[1:])]


def loss_and_gradients(params, X, y):
    a, kept = X, [X]
    for layer in params:
        a = np.tanh(a @ layer["W"] + layer["b"])
        kept.append(a)
    loss, d, grads = np.sum((a - y) ** 2) / 2, a - y, [None] * len(params)
    for i in range(len(params) - 1, -1, -1):
        d = d * (1 - kept[i + 1] ** 2)
        grads[i] = {"dW": kept[i].T @ d, "db": d.sum(axis=0)}
        d = d @ params[i]["W"].T
    return loss, grads


# training step
class Regression:
    def __init__(self, n_in=3, n_hidden=5, n_out=2, lr=0.1):
        self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)
        self.lr = lr

    def forward(self, X):
        self.h = np.tanh(X @ self.W1)
        return self.h @ self.W2

    def train_step(self, X, T):
        d = self.forward(X) - T
        g1, g2 = X.T @ (d @ self.W2.T * (1 - self.h**2)), self.h.T @ d
        self.W2 -= self.lr * g2
        self.W1 -= self.lr * g1
        return np.sum(d**2) / 2


# target in backward
class Columns:
    def __init__(self, n_in=3, n_hidden=5, n_out=2):
        self.W1, self.W2 = np.random.randn(n_hidden, n_in), np.random.randn(n_out, n_hidden)

    def forward(self, X):
        self.X, self.H = X, np.tanh(self.W1 @ X)
        self.Y = 1 / (1 + np.exp(-self.W2 @ self.H))
        return self.Y

    def backward(self, T, lr=0.5):
        d = (self.Y - T) / T.shape[1]
        dW1, dW2 = (self.W2.T @ d * (1 - self.H**2)) @ self.X.T, d @ self.H.T
        self.W1 -= lr * dW1
        self.W2 -= lr * dW2


# shape that does not fit
class Classifier:
    def __init__(self, n_features, n_classes):
        self.W, self.b = np.random.randn(n_features, n_classes), np.zeros(n_classes)

    def forward(self, x):
        e = np.exp(x @ self.W + self.b)
        return e / e.sum(axis=1, keepdims=True)

    def backward(self, x, targets, probas):
        return {"dW": x.T @ (probas - targets), "db": np.sum(probas - targets, axis=0)}


# cell methods
class Cell:
    def __init__(self, n_x=3, n_h=4):
        self.Wx, self.Wh = np.random.randn(n_x, n_h), np.random.randn(n_h, n_h)

    def cell_forward(self, x, h_prev):
        h = np.tanh(x @ self.Wx + h_prev @ self.Wh)
        return h, (x, h_prev, h)

    def cell_backward(self, dh, cache):
        x, h_prev, h = cache
        da = dh * (1 - h**2)
        return da @ self.Wx.T, da @ self.Wh.T, x.T @ da, h_prev.T @ da


# scores
def margin_loss(score, y):
    right = score[np.arange(len(y)), y][:, None]
    margins = np.maximum(0, score - right + 1)
    margins[np.arange(len(y)), y] = 0
    dscore = (margins > 0) * 1.0
    dscore[np.arange(len(y)), y] = -dscore.sum(axis=1)
    return margins.sum() / len(y), dscore / len(y)


# labels
class Labelled:
    def __init__(self, layers=[3, 5, 2], reg=0.1):
        self.params, self.grads, self.reg = {}, {}, reg
        self.params = {f"W{i}": np.random.randn(a, b) for i, (a, b) in enumerate(zip(layers, layers[1:]))}

    def forward(self, X):
        self.X, self.H = X, np.tanh(X @ self.params["W0"])
        e = np.exp(self.H @ self.params["W1"])
        return e / e.sum(axis=1, keepdims=True)

    def compute_loss(self, y_pred, y):
        penalty = sum(np.sum(W**2) for W in self.params.values())
        return -np.log(y_pred[np.arange(len(y)), y]).mean() + self.reg * penalty

    def backward(self, y_pred, y):
        d = y_pred / len(y)
        d[np.arange(len(y)), y] -= 1 / len(y)
        W0, W1 = self.params["W0"], self.params["W1"]
        self.grads["W1"] = self.H.T @ d + 2 * self.reg * W1
        self.grads["W0"] = self.X.T @ (d @ W1.T * (1 - self.H**2)) + 2 * self.reg * W0


# step of a function
def make_params(n_in, n_hidden, n_out):
    return {"W1": np.random.randn(n_in, n_hidden), "W2": np.random.randn(n_hidden, n_out)}


def train_step(params, X, y, lr=0.1):
    h = np.tanh(X @ params["W1"])
    d = h @ params["W2"] - y
    dW1, dW2 = X.T @ (d @ params["W2"].T * (1 - h**2)), h.T @ d
    params["W1"] -= lr * dW1
    params["W2"] -= lr * dW2
    return np.sum(d**2) / 2


# a vector
def compute_cost(X, y, w, b):
    return np.sum((X @ w + b - y) ** 2) / (2 * len(y))


def compute_gradient(X, y, w, b):
    error = X @ w + b - y
    dj_db, dj_dw = np.mean(error), X.T @ error / len(y)
    return dj_db, dj_dw


# one vector of all
def nn_cost(nn_params, input_size, hidden_size, num_labels, X, y, lam):
    cut = hidden_size * (input_size + 1)
    first = nn_params[:cut].reshape(hidden_size, input_size + 1)
    second = nn_params[cut:].reshape(num_labels, hidden_size + 1)
    a = np.hstack([np.ones((len(X), 1)), X])
    h = np.hstack([np.ones((len(X), 1)), np.tanh(a @ first.T)])
    d = h @ second.T - np.eye(num_labels)[y.ravel()]
    cost = (np.sum(d**2) + lam * np.sum(nn_params**2)) / (2 * len(X))
    dh = (d @ second)[:, 1:] * (1 - h[:, 1:] ** 2)
    grad = np.concatenate([(dh.T @ a).ravel(), (d.T @ h).ravel()])
    grad = (grad + lam * nn_params) / len(X)
    return cost, grad


# a bias inside
def forward_pass(X, theta1, theta2):
    a = np.insert(X, 0, 1, axis=1)
    h = np.insert(np.tanh(a @ theta1.T), 0, 1, axis=1)
    return a, h, h @ theta2.T


def square_cost(theta1, theta2, X, y):
    return np.sum((forward_pass(X, theta1, theta2)[2] - y) ** 2) / len(X)


def backprop_pass(theta1, theta2, X, y):
    a, h, out = forward_pass(X, theta1, theta2)
    d = 2 * (out - y) / len(X)
    dh = (d @ theta2)[:, 1:] * (1 - h[:, 1:] ** 2)
    return dh.T @ a, d.T @ h


# a list of layers
architecture = [
    {"rows": 2, "columns": 5, "activation": "tanh"},
    {"rows": 5, "columns": 3, "activation": "none"},
]


def init_layers(architecture):
    return {f"W{i}": np.ones((one["rows"], one["columns"])) for i, one in enumerate(architecture, 1)}


def full_forward(X, params, architecture):
    memory = {"A0": X}
    for i, one in enumerate(architecture, 1):
        X = X @ params["W" + str(i)]
        X = memory["A" + str(i)] = np.tanh(X) if one["activation"] == "tanh" else X
    return X, memory


def full_cost(Y_hat, Y):
    return np.sum((Y_hat - Y) ** 2) / 2


def full_backward(Y_hat, Y, memory, params, architecture):
    grads, d = {}, Y_hat - Y
    for i, one in reversed(list(enumerate(architecture, 1))):
        dZ = d * (1 - memory["A" + str(i)] ** 2) if one["activation"] == "tanh" else d
        grads["dW" + str(i)] = memory["A" + str(i - 1)].T @ dZ
        d = dZ @ params["W" + str(i)].T
    return grads


# probabilities that forward computed
def softmax_forward(X, W, b):
    scores = np.exp(X @ W.T + b)
    return scores / scores.sum(axis=1, keepdims=True)


def cross_entropy_loss(P, Y):
    return -np.sum(Y * np.log(P)) / len(Y)


def softmax_gradients(X, Y, P):
    dS = (P - Y) / len(X)
    dW, db = dS.T @ X, dS.sum(axis=0)
    return dW, db


# one sample at a time, in layers that are kept
class Perceptron:
    def __init__(self, *args):
        self.shape = args
        self.layers = [np.ones(args[0] + 1), *map(np.ones, args[1:])]
        self.weights = [np.random.randn(a.size, b.size) for a, b in zip(self.layers, self.layers[1:])]
        self.dw = [0] * len(self.weights)

    def propagate_forward(self, data):
        self.layers[0][:-1] = data
        for i, W in enumerate(self.weights):
            self.layers[i + 1][...] = np.tanh(self.layers[i] @ W)
        return self.layers[-1]

    def propagate_backward(self, target, lrate=0.1, momentum=0.1):
        error = target - self.layers[-1]
        delta = error * (1 - self.layers[-1] ** 2)
        for i in reversed(range(len(self.weights))):
            dw = np.outer(self.layers[i], delta)
            delta = self.weights[i] @ delta * (1 - self.layers[i] ** 2)
            self.weights[i] += lrate * dw + momentum * self.dw[i]
            self.dw[i] = dw
        return np.sum(error**2)


# one vector of an autoencoder
def autoencoder_cost(theta, visible_size, hidden_size, lambda_, sparsity_param, beta, data):
    size, m = hidden_size * visible_size, data.shape[1]
    W1, W2 = theta[:size].reshape(hidden_size, visible_size), theta[size : 2 * size].reshape(visible_size, hidden_size)
    b1, b2 = theta[2 * size : 2 * size + hidden_size, None], theta[2 * size + hidden_size :, None]
    a = 1 / (1 + np.exp(-W1 @ data - b1))
    d = W2 @ a + b2 - data
    rho, seen = sparsity_param, a.mean(axis=1)
    cost = np.sum(d**2) / (2 * m) + lambda_ / 2 * (np.sum(W1**2) + np.sum(W2**2))
    cost += beta * np.sum(rho * np.log(rho / seen) + (1 - rho) * np.log((1 - rho) / (1 - seen)))
    sparse = -rho / seen + (1 - rho) / (1 - seen)
    da = (W2.T @ d + beta * sparse[:, None]) * a * (1 - a)
    grads = da @ data.T / m + lambda_ * W1, d @ a.T / m + lambda_ * W2, da.mean(axis=1), d.mean(axis=1)
    grad = np.concatenate([one.ravel() for one in grads])
    return [cost, grad]


# one vector of one layer
def softmax_cost(theta, num_classes, input_size, lambda_, data, labels):
    theta = theta.reshape(num_classes, input_size)
    p = np.exp(theta @ data)
    p, wanted = p / p.sum(axis=0), np.eye(num_classes)[labels].T
    cost = -np.sum(wanted * np.log(p)) / data.shape[1] + lambda_ / 2 * np.sum(theta**2)
    grad = -(wanted - p) @ data.T / data.shape[1] + lambda_ * theta
    return cost, grad.ravel()
