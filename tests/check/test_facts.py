"""Faults that no table lists by themselves: rounding, clipping, samples, terms, means and variances, each named."""

import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from mlp import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    Linear,
    MSELoss,
    Sequential,
    Tanh,
    Verdict,
    check_gradients,
    dense_layers,
)
from mlp.check.check import check_layer
from mlp.check.diagnosis import composed
from mlp.check.diagnosis.sentences import apart
from mlp.nn.layers import Layer


class Normalised(Layer):
    """Batch normalisation (axis 0) or layer normalisation (axis -1), without parameters."""

    def __init__(self, axis, keeps_mean=True, keeps_variance=True):
        self.axis, self.keeps_mean, self.keeps_variance = axis, keeps_mean, keeps_variance

    def apply(self, x):
        centred = x - x.mean(axis=self.axis, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=self.axis, keepdims=True) + 1e-5)

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        centred = self.x - self.x.mean(axis=self.axis, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=self.axis, keepdims=True) + 1e-5)
        y = centred / deviation
        dx = np.array(dy, dtype=float)
        if self.keeps_mean:
            dx -= dy.mean(axis=self.axis, keepdims=True)
        if self.keeps_variance:
            dx -= y * (dy * y).mean(axis=self.axis, keepdims=True)
        return dx / deviation


X = np.random.RandomState(0).standard_normal((6, 5))


@pytest.mark.one_in(2)
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        (
            ("keeps_mean", "keeps_variance"),
            "and nothing goes back from `x - x.mean({axis})` to `x.mean({axis})`, as if that were a constant",
        ),
        (
            ("keeps_mean",),
            "nothing goes back from `x - x.mean({axis})` to `x.mean({axis})`, as if that were a constant",
        ),
        (("keeps_variance",), "nothing goes back from `centred / np.sqrt((centred**2).mean("),
    ],
)
def test_what_a_normalisation_takes_for_constant_is_named(axis, left_out, words):
    assert check_layer(Normalised(axis), X).passed
    (finding,) = check_layer(Normalised(axis, **dict.fromkeys(left_out, False)), X).diagnosis
    assert words.format(axis="axis=self.axis, keepdims=True") in finding.sentence


def linear(**changes):
    """A linear layer of three outputs with some gradients changed, by functions of all there is: g.dy, g.x, ..."""

    class Changed(Linear):
        def backward(self, dy):
            dx = super().backward(dy)
            g = SimpleNamespace(dy=np.asarray(dy), x=self._x, W=self.W, dx=dx, dW=self.grad_W, db=self.grad_b)
            found = {name: changes.get(name, lambda g, name=name: vars(g)[name])(g) for name in ("dx", "dW", "db")}
            self.grad_W, self.grad_b = found["dW"], found["db"]
            return found["dx"]

    return Changed(5, 3, np.random.RandomState(1))


def as_type(dtype):
    """A change that rounds to another type and comes back."""
    return lambda g: g.dW.astype(dtype).astype(float)


def in_int8(array):
    step = np.max(np.abs(array)) / 127
    return step * np.round(array / step)


def significant(g):
    return np.array([[float(f"{value:.2e}") for value in row] for row in g.dW])


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("change", "pattern", "words"),
    [
        ({"dW": as_type(np.float16)}, "low precision", "float16"),
        ({"dW": as_type(np.float32)}, "low precision", "float32"),
        ({"dW": lambda g: np.round(g.dW, 2)}, "low precision", "2 decimals"),
        (
            {"dW": lambda g: np.round(g.dW, 1)},
            "low precision",
            "1 decimal: the rest is lost on the way, as by np.round or in an array of a smaller type. This is certain",
        ),
        ({"db": lambda g: g.db * (1 // 6)}, "zero gradient", "zeros or by a number that is 0, such as 1 // n."),
        ({"dW": lambda g: in_int8(g.dW)}, "low precision", "rounded to steps of a 127th of the largest, as in int8"),
        ({"dW": lambda g: in_int8(g.dy).T @ g.x}, "ingredient changed", "as in int8, stands where dy should"),
        (
            {"dx": lambda g: g.dy @ g.W.T.reshape(3, 5)},
            "ingredient changed",
            "W reshaped where it should be transposed, with rows and columns mixed up stands where W should",
        ),
        ({"dW": lambda g: np.clip(g.dW, -1, 1)}, "clipped", "at 1"),
        ({"dW": lambda g: np.clip(g.dW, -0.02, 0.02)}, "clipped", "at 0.02"),
        (
            {"dx": lambda g: np.abs(g.dx)},
            "gradient changed",
            "dx is the absolute value |g|, where g is the right gradient",
        ),
        ({"dW": lambda g: g.dW / np.linalg.norm(g.dW)}, "scaled to a norm", "its norm is 1"),
        ({"dW": lambda g: g.dy[1:].T @ g.x[1:]}, "sample left out", "sample 0 of dy, the first, is missing"),
        ({"dW": lambda g: g.dy[:-1].T @ g.x[:-1]}, "sample left out", "sample 5 of dy, the last, is missing"),
        ({"dW": lambda g: g.dy[:3].T @ g.x[:3]}, "sample left out", "samples 3, 4, 5 of dy is missing"),
        ({"dW": lambda g: g.dW + np.outer(g.dy[1], g.x[1])}, "sample left out", "sample 1 of dy counts 2 times"),
        ({"dW": lambda g: np.abs(g.dy).T @ g.x}, "ingredient changed", "|dy| stands where dy should"),
        ({"dx": lambda g: g.dy @ np.abs(g.W)}, "ingredient changed", "|W| stands where W should"),
        ({"dW": lambda g: g.dW + g.db[:, None]}, "ingredient changed", "1 + x stands where x should"),
        (
            {"dW": lambda g: np.roll(g.dy, 1, 0).T @ g.x},
            "ingredient changed",
            "for each sample the dy of the sample before it, one out of step, stands where dy should",
        ),
        ({"dW": lambda g: g.dy[::-1].T @ g.x}, "ingredient changed", "dy with its samples in reverse order stands"),
        ({"dW": lambda g: g.dW + 0.03 * np.sign(g.W)}, "term added or missing", "an L1 penalty"),
        (
            {"dW": lambda g: g.dW + g.W},
            "term added or missing",
            "but for what is added or taken off: the parameter, as by weight decay, is added.",
        ),
        (
            {"dW": lambda g: g.dW + 0.03 * np.sign(g.W) + 0.1 * g.W},
            "term added or missing",
            "0.1 times the parameter, as by weight decay, is added, and 0.03 times the sign of the parameter, as",
        ),
        ({"dW": lambda g: g.dW + 0.25}, "term added or missing", "0.25 times a constant is added"),
        ({"dx": lambda g: g.dx + 0.1 * g.x}, "term added or missing", "0.1 times the input x is added"),
        (
            {"db": lambda g: np.full(3, g.db.sum())},
            "gradient changed",
            "the sum of g over the elements, the same for all of them, where g is",
        ),
        (
            {"db": lambda g: np.full(3, g.db.mean())},
            "gradient changed",
            "the mean of g over the elements, the same for all of them, where g is",
        ),
        (
            {"dW": lambda g: g.dW * np.array([[1], [2], [3]])},
            "paths left out",
            "from feature 1 of dy counts 2 times; what comes from feature 2",
        ),
        ({"dx": lambda g: np.sign(g.dx)}, "gradient changed", "the sign of g"),
        (
            {"dx": lambda g: np.maximum(g.dx, 0)},
            "gradient changed",
            "max(g, 0), with zeros for what is negative",
        ),
        ({"db": lambda g: np.floor(g.db)}, "gradient changed", "db is g rounded down to whole numbers, where g is"),
        ({"dW": lambda g: np.full((3, 5), g.dW.sum())}, "gradient changed", "the sum of g over the entries, the same"),
        ({"dW": significant}, "low precision", "dW is right but rounded to 3 significant digits"),
        (
            {"dW": lambda g: g.dy.T @ g.x.astype(np.float16).astype(float)},
            "ingredient changed",
            "x rounded to float16, of about 3 digits, stands where x should",
        ),
        (
            {"dW": lambda g: g.dy.T @ np.floor(g.x)},
            "ingredient changed",
            "x rounded down to whole numbers stands where x should",
        ),
        ({"dW": lambda g: 1e-4 * g.dW}, "constant factor", "the factor is 0.0001"),
        ({"dW": lambda g: 0.1 * np.sign(g.dW)}, "two faults", "gradient changed (the sign of g), and a factor of 0.1"),
        (
            {"dW": lambda g: np.clip(g.dW / 6, -0.2, 0.2)},
            "two faults",
            "(the factor is 0.166667 (perhaps one over the number of samples, as where a mean stands for a sum)), and "
            "cut off at 0.2",
        ),
        (
            {"dW": lambda g: 0.3 * g.dW + 0.1 * g.W},
            "two faults",
            "what is right, and a factor of 0.3, and 0.1 times the parameter, as by weight decay, is added",
        ),
    ],
)
def test_what_is_done_to_a_gradient_is_named(change, pattern, words):
    report = check_layer(linear(**change), X)
    assert report.verdict is Verdict.WRONG
    (finding,) = report.diagnosis
    assert finding.pattern == pattern
    assert words in finding.sentence


class Scaled(Layer):
    """2 x or tanh(x), with something else done to dy on the way back."""

    def __init__(self, back, function=np.tanh):
        self.back, self.function = back, function

    def apply(self, x):
        return self.function(x)

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        return self.back(dy, self.x)


@pytest.mark.parametrize(
    ("rounded", "words"),
    [
        (
            # Eleven bits are off by 1/4096 of the number at most: 3 or 4 digits, by the entries that count most.
            lambda x: x.astype(np.float16),
            "about [34] digits only, and to all of them if the same code has all its numbers",
        ),
        (lambda x: np.round(x, 3), "about 4 digits only, and jumps where x and dy move evenly"),
    ],
)
def test_a_slope_in_half_precision_is_no_wrong_formula(rounded, words):
    (finding,) = check_layer(Scaled(lambda dy, x: dy * (1 - np.tanh(rounded(x)) ** 2)), X).diagnosis
    assert finding.pattern == "low precision"
    assert re.search(words, finding.sentence)


def test_a_constant_factor_is_no_term():
    (finding,) = check_layer(Scaled(lambda dy, _: 2 * dy * 1.01, lambda x: 2.0 * x), X).diagnosis
    assert "right but for a constant factor; the factor is 1.01." in finding.sentence


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        (lambda dy, _: 2 * dy * (1 + 2e-7), "the factor is 1.0000002."),
        (lambda dy, x: 2 * dy + 1e-7 * np.sin(7 * x) * dy**2, "for a dy a few thousand times smaller it is right"),
    ],
)
def test_no_factor_of_1_explains_a_difference(backward, words):
    (finding,) = check_layer(Scaled(backward, lambda x: 2.0 * x), X).diagnosis
    assert words in finding.sentence
    assert not re.search(r"factor(, | is )1[.;] ", finding.sentence)


class Residual(Layer):
    """x + sin(x), whose backward forgets the path around."""

    def apply(self, x):
        return x + np.sin(x)

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        return dy * np.cos(self.x)


def test_a_path_around_a_layer_that_is_forgotten_is_named():
    (finding,) = check_layer(Residual(), X).diagnosis
    assert "nothing goes back from `x + np.sin(x)` to `x`" in finding.sentence


class Limited(Layer):
    """3 x between 0 and 2, whose backward forgets the limit above."""

    def apply(self, x):
        return np.clip(3 * x, 0, 2)

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        return 3 * dy * (self.x > 0)


def test_the_derivative_at_a_corner_explains_nothing():
    """At x = 0 the slope is 3 on one side and 0 on the other, so min(x, 0) in the place of x is no explanation."""
    (finding,) = check_layer(Limited(), X).diagnosis
    assert "the derivative of `np.clip(3 * x, 0, 2)` is missing" in finding.sentence
    assert "stands where x should" not in finding.sentence


class Smoothed(CrossEntropyLoss):
    def gradient(self, y, target):
        return super().gradient(y, 0.9 * target + 0.1 / y.shape[-1])


class OtherDelta(HuberLoss):
    def gradient(self, y, target):
        return np.clip(y - target, -0.5, 0.5) / y.size


class WeightedClasses(CrossEntropyLoss):
    def gradient(self, y, target):
        return super().gradient(y, target) * (1 + target.argmax(axis=-1, keepdims=True))


class Sigmoids(CrossEntropyLoss):
    def gradient(self, y, target):
        return (1 / (1 + np.exp(-y)) - target) / y.size


class Cold(CrossEntropyLoss):
    def gradient(self, y, target):
        return super().gradient(y / 2, target)


class PositivesTwice(BCEWithLogitsLoss):
    def gradient(self, y, target):
        return super().gradient(y, target) * (1 + target)


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (Smoothed(), "the target less one over the classes, as of label smoothing"),
        (OtherDelta(), "cut off at"),
        (Sigmoids(), "it is that of BCEWithLogitsLoss where Sigmoids should be"),
        (Cold(), "y / 2 stands where y should"),
        (PositivesTwice(), "the factor is 1 where the target is 0, 2 where the target is 1"),
        (WeightedClasses(), "each sample has a factor of its own, from 1 to"),
    ],
)
def test_losses_of_another_target_delta_or_weights(loss, words):
    rng = np.random.RandomState(2)
    network = Sequential(**dense_layers((4, 5, 3), Tanh, rng))
    x, target = rng.standard_normal((8, 4)), loss.random_target(rng, (8, 3))
    report = check_gradients(network, loss, x, 2 * target if isinstance(loss, HuberLoss) else target)
    assert report.diagnosis[0].layer == "loss"
    assert words in report.diagnosis[0].sentence


@pytest.mark.parametrize("seed", range(6))
def test_right_layers_are_not_accused(seed):
    rng = np.random.RandomState(seed)
    x = rng.standard_normal((6, 5))
    for layer in (Normalised(0), Normalised(-1), Linear(5, 3, rng), Tanh()):
        report = check_layer(layer, x)
        assert report.passed
        assert report.diagnosis == ()


@pytest.mark.parametrize("factor", [1 + 1e-5, 1 + 1e-7])
def test_the_two_numbers_of_a_sentence_differ(factor):
    one, other = apart(1.234567, 1.234567 * factor)
    assert one != other
    assert float(one) == pytest.approx(1.234567, rel=1e-4)


def test_a_pool_that_leaves_its_loop_early_is_wrong_everywhere_but_where_it_got():
    class Pool(Layer):
        def apply(self, x):
            n, c, h, w = x.shape
            return x.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))

        def forward(self, x):
            return self.apply(x)

        def backward(self, dy):
            dx = np.repeat(np.repeat(dy, 2, axis=2), 2, axis=3) / 4
            dx[:, :, 2:] = 0
            return dx

    (finding,) = check_layer(Pool(), np.random.RandomState(3).standard_normal((2, 3, 6, 4))).diagnosis
    assert "everything but slices [0, 1] along axis 2, which stayed zero" in finding.sentence


def test_what_the_mse_says_of_another_pairing():
    class Shifted(MSELoss):
        def gradient(self, y, target):
            return super().gradient(y, np.roll(target, 1, axis=0))

    rng = np.random.RandomState(4)
    network = Sequential(**dense_layers((4, 3), Tanh, rng))
    report = check_gradients(network, Shifted(), rng.standard_normal((6, 4)), rng.standard_normal((6, 3)))
    assert report.diagnosis[0].layer == "loss"


def test_on_another_input_only_the_same_two_faults_are_tried_again(monkeypatch):
    tried = Counter()

    def counted(case, tensor, first, on_top=composed._on_top):
        tried[id(case)] += 1
        return on_top(case, tensor, first)

    monkeypatch.setattr(composed, "_on_top", counted)
    report = check_layer(linear(dW=lambda g: 0.1 * np.sign(g.dW)), X)
    assert report.diagnosis[0].pattern == "two faults"
    first, *others = sorted(tried.values(), reverse=True)
    assert others
    assert max(others) < first / 10


def test_nothing_is_no_explanation_of_a_small_gradient():
    class Small(Linear):
        def backward(self, dy):
            super().backward(dy)
            self.grad_W = self.grad_W * 1e-4
            return dy @ self.W

    (finding,) = check_layer(Small(5, 3, np.random.RandomState(0)), X).diagnosis
    assert "the factor is 0.0001." in finding.sentence
