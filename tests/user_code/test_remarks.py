"""What is said of a backward beside its numbers, each remark by the smallest class that earns it."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlp.user_code.api import examine_object
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.trial import Attempt
from mlp.user_code.tell import remarks

X = np.random.RandomState(0).standard_normal((5, 4))


class Dense:
    """Right, and the start of the others."""

    def __init__(self):
        rng = np.random.RandomState(1)
        self.W, self.b = rng.standard_normal((4, 3)), rng.standard_normal(3)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T


class Transposed(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW.T
        return dx


class Unsummed(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy
        return dx


class Adding(Dense):
    def __init__(self):
        super().__init__()
        self.dW, self.db = np.zeros((4, 3)), np.zeros(3)

    def backward(self, dy):
        self.dW += self.x.T @ dy
        self.db += dy.sum(axis=0)
        return dy @ self.W.T


class AddingOne(Adding):
    def backward(self, dy):
        self.dW += self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T


class Updating(Dense):
    """The weights are updated inside, the gradient of the bias is kept."""

    def backward(self, dy, learning_rate=0.1):
        dx = dy @ self.W.T
        self.db = dy.sum(axis=0)
        self.W = self.W - learning_rate * self.x.T @ dy
        return dx


class NoInput(Dense):
    def backward(self, dy):
        super().backward(dy)


class NotFinite(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW[2, 1] = np.nan
        return dx


CASES = {
    Dense: ("passed", None, None),
    Transposed: (
        "wrong",
        "problem",
        "the gradient dW has shape (3, 4), but W has shape (4, 3); it is transposed",
    ),
    Unsummed: (
        "wrong",
        "problem",
        "the gradient db has shape (5, 3), but b has shape (3,); it is not summed over the batch",
    ),
    Adding: (
        "passed",
        "warning",
        "dW and db keep adding up from one call of backward to the next; if nothing sets them to zero in between, the "
        "second step already is wrong",
    ),
    AddingOne: (
        "passed",
        "warning",
        "dW keeps adding up from one call of backward to the next; if nothing sets it to zero in between, the second "
        "step already is wrong",
    ),
    Updating: (
        "passed",
        "note",
        "backward updates the parameters itself; their gradients are (before - after) / learning rate",
    ),
    NoInput: ("passed", "note", "backward gives no gradient of the input, so only the parameters' were checked"),
    NotFinite: ("wrong", "problem", "backward gives nan as gradient of W at index [2, 1]"),
}


@pytest.mark.usefixtures("verdict_alone")
@pytest.mark.parametrize("cls", CASES, ids=lambda cls: cls.__name__)
def test_a_remark_is_made_where_it_is_earned_and_nowhere_else(cls):
    status, level, text = CASES[cls]
    result = examine_object(cls, X)
    assert result.status == status
    assert [(fact.level, fact.text) for fact in result.facts] == ([(level, text)] if text else [])


@pytest.mark.usefixtures("verdict_alone")
@pytest.mark.parametrize(
    ("settings", "setting", "name"),
    [
        ({"constants": ["Q"]}, "constants", "Q"),
        ({"pairs": {"Q": "dW"}}, "pairs", "Q"),
        ({"per_sample": ["dQ"]}, "per_sample", "dQ"),
    ],
)
def test_a_setting_that_names_what_is_not_there_is_told_and_no_pass(settings, setting, name):
    result = examine_object(Dense, X, **settings)
    assert result.status == "partly checked"
    text = f'"{setting}" in GRADCHECK names {name!r}, which Dense does not have; it changed nothing'
    assert text in [fact.text for fact in result.gaps]


@pytest.mark.parametrize(
    ("x", "orientation", "reduction", "y_shape", "told"),
    [
        ((5, 1), "rows", "mean", (5, 5), 5),
        ((1, 5), "columns", "mean", (5, 5), 5),
        ((5, 1), "columns", "mean", (5, 5), None),
        ((5, 1), "rows", "", (5, 5), None),  # no loss
        ((5, 5), "rows", "mean", (5, 5), None),  # it has the shape of its input
        ((5, 1), "rows", "mean", (5,), None),
        ((), "rows", "mean", (1, 1), None),  # one sample has no other to be combined with
    ],
)
def test_losses_that_numpy_has_broadcast_to_all_pairs_of_samples(x, orientation, reduction, y_shape, told):
    subject = SimpleNamespace(sources=lambda: (None, test_losses_that_numpy_has_broadcast_to_all_pairs_of_samples))
    layout = Layout("", orientation, x, True)
    found = remarks.broadcast(Attempt(subject, np.zeros(x), layout, reduction, y_shape=y_shape))
    assert bool(found) == (told is not None)
    for fact in found:
        assert fact.level == "problem"
        assert fact.text.startswith(
            "forward gives 5 times 5 losses for 5 samples: two arrays of shapes (5,) and (5, 1)"
        )
