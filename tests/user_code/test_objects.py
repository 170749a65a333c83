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


class Line:
    """A linear regression of one output, whose backward takes a y that may be a target or a dy."""

    def __init__(self, power=1):
        self.w, self.b, self.power = np.array([0.5, -1.0, 2.0]), np.zeros(1), power

    def forward(self, x):
        self.x, self.p = x, x @ self.w + self.b
        return self.p

    def backward(self, y):
        d = (self.p - y) ** self.power
        self.dw, self.db = self.x.T @ d, d.sum(keepdims=True)


def test_a_y_that_is_a_target_is_told_from_a_dy_though_the_weights_are_a_vector():
    assert examine_object(Line()).status == "passed"


def test_a_loss_inside_that_nobody_knows_is_not_checked_and_never_wrong():
    result = examine_object(Line(power=3), X, target=TARGET[:, 0])
    assert result.status == "not checked"
    assert "so a loss is hidden inside it" in result.facts[0].text


class ScaleByY:
    """A layer whose backward calls its dy y."""

    def __init__(self):
        self.g = np.array([0.5, -1.0, 2.0])

    def forward(self, x):
        self.x = x
        return x * self.g

    def backward(self, y):
        self.dg = (y * self.x).sum(axis=0)
        return y * self.g * 2


def test_a_y_that_is_a_dy_is_one_and_what_is_wrong_for_it_is_wrong():
    result = examine_object(ScaleByY(), X)
    assert result.status == "wrong"
    assert not result.report["x"].passed


def test_a_target_is_drawn_for_as_many_samples_as_the_input_has_that_was_given():
    assert examine_object(LossAndGradients(), X).status == "passed"


class Bigrams:
    """The next of some ids from the one before."""

    def __init__(self):
        self.W = np.random.RandomState(0).randn(4, 4)

    def loss(self, inputs, targets):
        powers = np.exp(self.W[inputs])
        d = powers / powers.sum(axis=1, keepdims=True)
        loss = -np.log(d[np.arange(len(d)), targets]).sum()
        d[np.arange(len(d)), targets] -= 1
        dW = np.zeros_like(self.W)
        np.add.at(dW, inputs, d)
        return loss, dW


def test_ids_are_given_to_a_model_as_whole_numbers():
    assert examine_object(Bigrams(), np.array([0, 3, 1]), target=np.array([3, 1, 2])).status == "passed"


class Holding:
    """It is made with its input and target, and its methods take nothing."""

    def __init__(self, x, y):
        self.input, self.y = x, y
        self.W = np.random.RandomState(0).randn(x.shape[1], y.shape[1])

    def forward(self):
        self.output = np.tanh(self.input @ self.W)

    def backward(self):
        self.dW = self.input.T @ ((self.output - self.y) * (1 - self.output**2))


def test_an_object_that_holds_its_input_and_target_is_checked_on_these():
    result = examine_object(Holding(X, TARGET), dy=1.0)
    assert result.status == "passed", result.facts
    expected = Holding(X, TARGET)
    expected.forward()
    expected.backward()
    np.testing.assert_allclose(result.report["W"].analytical, expected.dW, rtol=1e-12)


@pytest.mark.parametrize(("dy", "status"), [(np.ones((4, 2)), "not checked"), (2.0, "passed")])
def test_what_ends_in_a_loss_has_a_dy_of_one_number(dy, status):
    assert examine_object(Unstated(), X, dy, target=TARGET).status == status


class WithProbabilities(Net):
    """Forward takes the target by the name that may be a second input, and returns the loss beside what it predicts."""

    def forward(self, x, y):
        e = np.exp(self.predict(x))
        self.p, self.t = e / e.sum(axis=1, keepdims=True), y
        return -np.sum(y * np.log(self.p)), self.p

    def backward(self):
        held = self.gradients(self.p - self.t)
        self.dW1, self.dW2, self.db2 = held["W1"], held["W2"], held["b2"]


@pytest.mark.parametrize(("slip", "status"), [(1.0, "passed"), (0.9, "wrong")])
def test_a_forward_of_a_target_has_its_loss_inside_where_backward_takes_nothing(slip, status):
    one_hot = np.eye(2)[[0, 1, 1, 0]]
    assert examine_object(WithProbabilities(slip), X, target=one_hot).status == status


class Answering(Net):
    def forward(self, x):
        return self.predict(x)

    def backward(self, answer):
        return self.gradients(self.y - answer)


def test_what_no_name_tells_is_no_dy_where_no_gradient_vanishes_with_it():
    result = examine_object(Answering(), X)
    assert result.status == "not checked"
    assert "not 0 where `answer` is" in result.facts[0].text


class Optimised:
    """A step of a linear model, by a momentum or by the moments of Adam."""

    lr = 0.1

    def __init__(self, is_adam, slip=1.0):
        self.W, self.b, self.m, self.v = np.random.RandomState(0).randn(3, 2), np.ones(2), *np.zeros((2, 3, 2))
        self.is_adam, self.slip = is_adam, slip

    def forward(self, x):
        return x @ self.W + self.b

    def train_step(self, x, y):
        d = self.forward(x) - y
        loss = np.sum(d**2) / 2
        self.m = 0.9 * self.m + self.slip * x.T @ d
        self.v = 0.9 * self.v + (self.slip * x.T @ d) ** 2
        self.W = self.W - self.lr * (self.m / (np.sqrt(self.v) + 1e-8) if self.is_adam else self.m)
        self.b = self.b - self.lr * d.sum(axis=0)
        return loss


@pytest.mark.parametrize(
    ("model", "status"),
    [
        (Optimised(is_adam=True), "partly checked"),
        (Optimised(is_adam=False), "passed"),
        (Optimised(is_adam=False, slip=0.9), "wrong"),
    ],
)
def test_a_step_of_moments_is_no_gradient_and_one_of_a_momentum_is(model, status):
    assert examine_object(model, X, target=TARGET).status == status


LOGITS = X[:, :2]
SHARES = np.exp(TARGET) / np.exp(TARGET).sum(axis=1, keepdims=True)


class Divergence:
    """Of shares from those of logits, averaged over the samples; right only for shares that add up to 1."""

    def __init__(self, slip=1.0):
        self.slip = slip

    def forward(self, logits, q):
        shifted = logits - logits.max(axis=1, keepdims=True)
        self.logp, self.SHARES = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), q
        return (q * (np.log(q) - self.logp)).sum() / len(q)

    def backward(self):
        return self.slip * (np.exp(self.logp) - self.SHARES) / len(self.SHARES)


@pytest.mark.parametrize("given", [{"target": SHARES}, {}], ids=["given", "drawn"])
@pytest.mark.parametrize(("slip", "status"), [(1.0, "passed"), (0.9, "wrong")])
def test_what_takes_two_arrays_and_nothing_back_is_a_loss_by_whatever_name(given, slip, status):
    # An array of this module that backward seems to name, SHARES, does not move with what is given, though it is that.
    result = examine_object(Divergence(slip), LOGITS, **given)
    assert result.status == status
    assert [fact for fact in result.facts if fact.level == "unchecked"] == []
