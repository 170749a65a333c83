"""An object that somebody made goes the same road as its class: whatever has its loss inside is read as that."""

import numpy as np
import pytest

from mlp.user_code.api import examine_object

pytestmark = pytest.mark.usefixtures("verdict_alone")

X, TARGET = np.random.RandomState(1).randn(4, 3), np.random.RandomState(2).randn(4, 2)


class Net:
    """Two layers; `slip` is a factor of one gradient, 1 where backward is right."""

    def __init__(self, slip=1.0):
        rng = np.random.RandomState(0)
        self.W1, self.W2, self.b2 = rng.randn(3, 5), rng.randn(5, 2), rng.randn(2)
        self.slip = slip

    def predict(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1)
        self.y = self.h @ self.W2 + self.b2
        return self.y

    def gradients(self, dy):
        dz = dy @ self.W2.T * (1 - self.h**2)
        return {"W1": self.slip * self.x.T @ dz, "W2": self.h.T @ dy, "b2": dy.sum(axis=0)}


class TakingTarget(Net):
    def forward(self, x):
        return self.predict(x)

    def compute_loss(self, y, target):
        return 0.5 * np.mean(np.sum((y - target) ** 2, axis=1))

    def backward(self, target):
        return self.gradients((self.y - target) / len(target))


class Unstated(Net):
    def forward(self, x):
        return self.predict(x)

    def backward(self, target):
        return self.gradients(self.y - target)


class TakingBoth(Net):
    def forward(self, X):
        return self.predict(X)

    def loss(self, X, target):
        return np.sum((self.forward(X) - target) ** 2)

    def backward(self, X, target):
        held = self.gradients(2 * (self.forward(X) - target))
        self.dW1, self.dW2, self.db2 = held["W1"], held["W2"], held["b2"]


class LossAndGradients(Net):
    def loss(self, X, target):
        d = self.predict(X) - target
        loss = np.mean(d**2)
        grads = self.gradients(2 * d / d.size)
        return loss, grads


class Stepping(Net):
    lr = 0.1

    def forward(self, x):
        return self.predict(x)

    def train_step(self, x, target):
        d = self.predict(x) - target
        loss = float(np.sum(d**2) / 2)
        for name, gradient in self.gradients(d).items():
            setattr(self, name, getattr(self, name) - self.lr * gradient)
        return loss


KINDS = [TakingTarget, Unstated, TakingBoth, LossAndGradients, Stepping]


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_with_its_loss_inside_is_checked_at_its_own_weights_input_and_target(kind):
    result = examine_object(kind(), X, target=TARGET)
    assert result.status == "passed", result.facts
    assert set(result.report) == {"W1", "W2", "b2"}
    assert result.report["W1"].analytical.shape == (3, 5)


@pytest.mark.parametrize("kind", [TakingTarget, TakingBoth])
def test_of_a_wrong_one_the_wrong_gradient_is_named_and_no_other(kind):
    result = examine_object(kind(slip=0.9), X, target=TARGET)
    assert result.status == "wrong"
    assert [name for name, check in result.report.items() if not check.passed] == ["W1"]
