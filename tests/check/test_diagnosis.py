"""Faults that are not in the gallery, in code as other people write it: the right layer, and no invented pattern."""

from importlib import import_module

import numpy as np
import pytest

from mlp import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    Identity,
    LeakyReLU,
    Linear,
    MSELoss,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    Verdict,
    check_gradients,
    check_layer,
    dense_layers,
    he,
)
from mlp.check.diagnosis import diagnose
from mlp.check.diagnosis.hypotheses import Explanation, Hypothesis, Prediction, is_same
from mlp.check.diagnosis.isolated_layer import LEFT
from mlp.check.diagnosis.observations import _distances
from mlp.check.diagnosis.sentences import _certainty, counted
from mlp.check.gallery import GALLERY
from mlp.check.projection import Projection
from mlp.check.report import Certainty
from mlp.nn.layers import Layer


class LinearPlus(Linear):
    """A linear layer that passes what its backward found through `change`."""

    def backward(self, dy):
        dx = super().backward(dy)
        return self.change(np.asarray(dy), dx)

    def change(self, dy, dx):
        raise NotImplementedError


class AbsoluteGradient(LinearPlus):
    def change(self, _dy, dx):
        self.grad_W = np.abs(self.grad_W)
        return dx


class NegatedDx(LinearPlus):
    def change(self, _dy, dx):
        return -dx


class SwappedOutputs(LinearPlus):
    def change(self, _dy, dx):
        self.grad_b = np.roll(self.grad_b, 1)
        return dx


class FactorPi(LinearPlus):
    def change(self, _dy, dx):
        self.grad_W = np.pi * self.grad_W
        return dx


class NoBias(LinearPlus):
    def change(self, _dy, dx):
        self.grad_b = np.zeros_like(self.b)
        return dx


class ColumnForgotten(LinearPlus):
    def change(self, _dy, dx):
        dx[:, -1] = 0
        return dx


class ClippedDy(Linear):
    def backward(self, dy):
        return super().backward(np.clip(dy, -0.02, 0.02))


class MeanEverywhere(Linear):
    def backward(self, dy):
        return super().backward(np.asarray(dy) / len(dy))


class OneSampleBehind(Linear):
    """Uses the input of the forward before the last."""

    def forward(self, x):
        self.before = self._x
        return super().forward(x)

    def backward(self, dy):
        if self.before is not None and self.before.shape == self._x.shape:
            self._x = self.before
        return super().backward(dy)


class TanhOfSquare(Tanh):
    @staticmethod
    def derivative(x):
        return 1 - np.square(x)


class SigmoidTwice(Sigmoid):
    @staticmethod
    def derivative(x):
        s = Sigmoid.function(x)
        return np.square(s * (1 - s))


class SteeperLeak(LeakyReLU):
    @staticmethod
    def derivative(x):
        return np.where(x > 0, 1, 0.1)


class SoftplusAsReLU(Softplus):
    @staticmethod
    def derivative(x):
        return (x > 0).astype(float)


class SiLUAsSigmoid(SiLU):
    @staticmethod
    def derivative(x):
        return Sigmoid.derivative(x)


class DySquared(Tanh):
    def backward(self, dy):
        return super().backward(dy) * np.abs(dy)


@pytest.mark.parametrize(
    ("kind", "name", "tensors", "pattern"),
    [
        (AbsoluteGradient, "fc2", ("dW",), "gradient changed"),
        (NegatedDx, "fc2", ("dx",), "sign flipped"),
        (SwappedOutputs, "fc2", ("db",), "rows or columns permuted"),
        (FactorPi, "fc2", ("dW",), "constant factor"),
        (NoBias, "fc2", ("db",), "zero gradient"),
        (ColumnForgotten, "fc2", ("dx",), "entry, row or column wrong"),
        (ClippedDy, "fc2", None, "clipped"),
        (MeanEverywhere, "fc2", ("dW", "db", "dx"), "constant factor"),
        (OneSampleBehind, "fc2", ("dW",), "stale cache"),
        (TanhOfSquare, "activation_fn1", ("dx",), "wrong derivative"),
        (SigmoidTwice, "activation_fn1", ("dx",), "derivative doubled"),
        (SteeperLeak, "activation_fn1", ("dx",), "weight of a path"),
        (SoftplusAsReLU, "activation_fn1", ("dx",), "wrong derivative"),
        (SiLUAsSigmoid, "activation_fn1", ("dx",), "wrong derivative"),
        (DySquared, "activation_fn1", ("dx",), "unrecognised"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (1, 2))])
def test_a_layer_that_is_wrong_in_its_own_way(kind, name, tensors, pattern, seed):
    rng = np.random.RandomState(seed)
    layers = dense_layers((4, 6, 5, 3), Tanh, rng, he)
    layers[name] = kind(6, 5, rng) if issubclass(kind, Linear) else kind()
    x, target = rng.standard_normal((7, 4)), rng.standard_normal((7, 3))
    report = check_gradients(Sequential(**layers), MSELoss(), x, target)
    assert report.verdict is Verdict.WRONG
    assert {finding.layer for finding in report.diagnosis} == {name}
    first = report.diagnosis[0]
    if tensors is not None:
        assert tuple(sorted(first.tensors)) == tuple(sorted(tensors))
    assert first.pattern == pattern, first.sentence
    assert name in first.sentence
    assert "Right would be: d" in first.sentence


@pytest.mark.parametrize(
    ("loss", "gradient", "pattern"),
    [
        (MSELoss, lambda y, t: 3 * (y - t) / y.size, "constant factor"),
        (MSELoss, lambda y, t: np.abs(y - t) / y.size, "wrong derivative"),
        (MSELoss, lambda y, _: 2 * y / y.size, "target forgotten"),
        (HuberLoss, lambda y, t: np.clip(t - y, -1, 1) / y.size, "sign flipped"),
        (HuberLoss, lambda y, t: np.clip(y - t, -2, 2) / y.size, "clipped elsewhere"),
        (BCEWithLogitsLoss, lambda y, t: (y - t) / y.size, "derivative missing"),
        (BCEWithLogitsLoss, lambda y, _: np.zeros_like(y), "zero gradient"),
        (CrossEntropyLoss, lambda y, t: 2 * CrossEntropyLoss.gradient(y, t), "constant factor"),
        (CrossEntropyLoss, lambda y, t: -t / len(y), "derivative missing"),
    ],
)
def test_a_loss_that_is_wrong_in_its_own_way(loss, gradient, pattern):
    wrong = type("Wrong" + loss.__name__, (loss,), {"gradient": staticmethod(gradient)})
    rng = np.random.RandomState(4)
    network = Sequential(**dense_layers((4, 6, 3), Tanh, rng, he))
    x, target = rng.standard_normal((7, 4)), 2 * loss.random_target(rng, (7, 3))
    report = check_gradients(network, wrong(), x, target)
    assert [finding.layer for finding in report.diagnosis] == ["loss"]
    assert report.diagnosis[0].tensors == ("dy",)
    assert report.diagnosis[0].pattern == pattern, report.diagnosis[0].sentence


class Softmax(Layer):
    """The right softmax, of a whole Jacobian; J stands for what a subclass makes of it."""

    def apply(self, x):
        e = np.exp(x - x.real.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def forward(self, x):
        self.y = self.apply(x)
        return self.y

    def backward(self, dy):
        return self.y * (dy - np.sum(self.y * dy, axis=-1, keepdims=True))


class DiagonalSoftmax(Softmax):
    def backward(self, dy):
        return dy * self.y * (1 - self.y)


class Cumulative(Layer):
    """y_i = x_1^2 + ... + x_i^2, whose Jacobian is not symmetric."""

    def apply(self, x):
        return np.cumsum(np.square(x), axis=-1)

    def forward(self, x):
        self.x = x
        return self.apply(x)

    def backward(self, dy):
        return 2 * self.x * np.cumsum(np.asarray(dy)[..., ::-1], axis=-1)[..., ::-1]


class TransposedCumulative(Cumulative):
    def backward(self, dy):
        return np.cumsum(2 * self.x * dy, axis=-1)


@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_layers_whose_outputs_share_their_inputs(shape):
    x = np.random.RandomState(0).standard_normal(shape)
    assert check_layer(Softmax(), x).passed
    assert check_layer(Cumulative(), x).passed
    assert check_layer(DiagonalSoftmax(), x).diagnosis[0].pattern == "diagonal taken for the Jacobian"
    assert check_layer(TransposedCumulative(), x).diagnosis[0].pattern == "Jacobian transposed"


def test_weights_stored_the_other_way_round_get_their_own_algebra():
    class Dense(Layer):
        parameter_names = ("kernel", "offset")

        def __init__(self, rng):
            self.kernel, self.offset = rng.standard_normal((4, 3)), rng.standard_normal(3)

        def apply(self, x):
            return x @ self.kernel + self.offset

        def forward(self, x):
            self.x = x
            return self.apply(x)

        def backward(self, dy):
            self.grad_kernel, self.grad_offset = -self.x.T @ dy, dy.mean(axis=0)
            return dy @ self.kernel.T

    rng = np.random.RandomState(0)
    report = check_layer(Dense(rng), rng.standard_normal((5, 4)))
    found = {finding.tensors: (finding.pattern, finding.algebra) for finding in report.diagnosis}
    assert found == {
        ("dkernel",): ("sign flipped", "dkernel = x.T @ dy"),
        ("doffset",): ("bias not summed over the batch", "doffset = dy.sum(axis=0)"),
    }
    assert report["x"].passed


def test_a_network_whose_layers_are_right_but_not_its_loop():
    class Shuffled(Sequential):
        def backward(self, dy):
            for layer in reversed(self.layers.values()):
                layer.backward(dy)
            return dy

    rng = np.random.RandomState(0)
    network = Shuffled(**dense_layers((3, 3, 3), Tanh, rng, he))
    report = check_gradients(network, MSELoss(), rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
    assert report.verdict is Verdict.WRONG
    assert {finding.layer for finding in report.diagnosis} == {""}


def test_two_faults_are_both_named_the_one_nearest_the_loss_first():
    class Twice(MSELoss):
        @staticmethod
        def gradient(y, target):
            return 4 * (y - target) / y.size

    rng = np.random.RandomState(0)
    layers = dense_layers((4, 6, 5, 3), ReLU, rng, he)
    layers["fc1"], layers["fc2"] = NegatedDx(4, 6, rng), FactorPi(6, 5, rng)
    report = check_gradients(Sequential(**layers), Twice(), rng.standard_normal((7, 4)), rng.standard_normal((7, 3)))
    assert [(finding.layer, finding.pattern) for finding in report.diagnosis] == [
        ("loss", "constant factor"),
        ("fc2", "constant factor"),
        ("fc1", "sign flipped"),
    ]
    assert [finding.measured for finding in report.diagnosis] == [
        "the factor is 2",
        "the factor is 3.14159",
        "",
    ]


def test_a_fault_in_a_nested_network_is_named_in_full():
    rng = np.random.RandomState(0)
    inner = Sequential(fc=FactorPi(5, 5, rng), activation=Tanh())
    network = Sequential(first=Linear(4, 5, rng), block=inner, last=Linear(5, 2, rng))
    report = check_gradients(network, MSELoss(), rng.standard_normal((6, 4)), rng.standard_normal((6, 2)))
    assert [finding.layer for finding in report.diagnosis] == ["block.fc"]


def test_how_sure_it_is():
    rng = np.random.RandomState(0)
    many = check_layer(FactorPi(4, 3, rng), rng.standard_normal((5, 4))).diagnosis[0]
    assert many.certainty is Certainty.CERTAIN
    assert "This is certain" in many.sentence
    one = check_layer(FactorPi(1, 1, rng), rng.standard_normal(1)).diagnosis[0]
    assert one.certainty is Certainty.POSSIBLE
    assert "This is a guess" in one.sentence


@pytest.mark.parametrize(
    ("slope", "words"),
    [
        (lambda x: np.where(x > 0, 1.0, 0.0), "one side of zero: where x <= 0 the slope is 0"),
        (lambda x: np.where(x > 0, 1.0, np.exp(x)), None),
        (lambda x: np.where(x > 0, 0.0, np.exp(x)), "where x > 0 the slope is 0"),
        (np.ones_like, "where x <= 0 the slope is 1"),
    ],
)
def test_the_side_on_which_a_slope_is_wrong_is_the_one_that_is_told(slope, words):
    class Exponential:
        """An ELU."""

        def forward(self, x):
            self.x = x
            return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)

        def backward(self, dy):
            return dy * slope(self.x)

    diagnosis = check_layer(Exponential(), np.random.RandomState(0).standard_normal((5, 4))).diagnosis
    assert [words in one.sentence for one in diagnosis] == ([] if words is None else [True])


@pytest.mark.parametrize(("low", "high", "words"), [(0, 0.7, "where x > 0.7"), (-0.7, 0, "where x <= -0.7")])
def test_beyond_a_limit_a_slope_is_wrong_on_one_side_of_the_limit_and_not_of_zero(low, high, words):
    class Clipped:
        def forward(self, x):
            self.x = x
            return np.clip(x, low, high)

        def backward(self, dy):
            return dy * (self.x > 0 if low == 0 else self.x < high)

    (finding,) = check_layer(Clipped(), np.random.RandomState(0).standard_normal((5, 4))).diagnosis
    assert f"has the wrong slope on one side of {words.split()[-1]}: {words} the slope is 1" in finding.sentence


def test_a_named_factor_says_what_it_may_be():
    rng = np.random.RandomState(0)
    finding = check_layer(MeanEverywhere(4, 3, rng), rng.standard_normal((5, 4))).diagnosis[0]
    assert (
        finding.measured
        == "the factor is 0.2 (perhaps one over the number of samples, as where a mean stands for a sum)"
    )


def test_a_loss_whose_target_has_another_shape_than_y_is_diagnosed_without_a_warning():
    class Loss:
        def forward(self, y, target):
            self.y, self.apart = y, (y**2).sum(axis=1) - target
            return np.mean(self.apart**2)

        def backward(self):
            return 3 * 4 * self.apart[:, None] * self.y / len(self.y)

    rng = np.random.RandomState(0)
    (finding, *_) = check_layer(Loss(), rng.standard_normal((4, 3)), target=rng.random_sample(4)).diagnosis
    assert "the factor is 3" in finding.sentence


def test_the_sentence_as_it_is_read_aloud():
    rng = np.random.RandomState(0)
    layers = dense_layers((4, 6, 3), Tanh, rng, he)

    class Unsquared(Tanh):
        def backward(self, dy):
            return dy

    layers["activation_fn1"] = Unsquared()
    report = check_gradients(Sequential(**layers), MSELoss(), rng.standard_normal(4), rng.standard_normal(3))
    sentence = report.diagnosis[0].sentence
    assert sentence.startswith(
        "activation_fn1: dx is dy, passed on unchanged: the derivative of the activation is missing. This is certain: "
    )
    assert sentence.endswith("Right would be: dx = dy * (1 - np.tanh(x)**2).")


@pytest.mark.parametrize(("out_first", "line"), [(True, "dx = dy @ W."), (False, "dx = dy @ W.T.")])
def test_the_right_line_of_a_linear_layer_is_for_its_own_layout_of_weights(out_first, line):
    rng = np.random.RandomState(0)

    class Dense:
        def __init__(self):
            self.W = rng.standard_normal((3, 4) if out_first else (4, 3))

        def forward(self, x):
            self.x = x
            return x @ self.W.T if out_first else x @ self.W

        def backward(self, dy):
            self.dW = dy.T @ self.x if out_first else self.x.T @ dy
            return -dy @ self.W if out_first else -dy @ self.W.T

    (finding,) = check_layer(Dense(), rng.standard_normal((5, 4))).diagnosis
    assert finding.sentence.endswith(line)


class Bump(Tanh):
    """A bell curve of about the right shape for the slope."""

    def backward(self, dy):
        return np.exp(-np.square(self.x)) * dy

    def forward(self, x):
        self.x = np.asarray(x)
        return super().forward(x)


def test_the_slope_that_backward_uses_stands_before_the_one_that_would_be_right():
    finding = check_layer(Bump(), np.array([1.5, -0.5, 0.2])).diagnosis[0]
    # Who reads them exchanged would mend the right formula: exp(-1.5^2) is 0.1054, 1 / cosh(1.5)^2 is 0.1807.
    assert finding.measured == "at x = 1.5 it uses the slope 0.1054 instead of 0.1807"


def test_the_rate_of_an_update_inside_backward_has_its_sign():
    layer = GALLERY["updated too early"].make(Linear(3, 2, np.random.RandomState(0)))
    finding = check_layer(layer, np.random.RandomState(1).standard_normal((4, 3))).diagnosis[0]
    assert finding.measured == "the learning rate is 0.1"


class BiasAveraged(LinearPlus):
    def change(self, dy, dx):
        self.grad_b = self.grad_b / len(dy)
        return dx


class HuberOfHalf(HuberLoss):
    @staticmethod
    def gradient(y, target):
        return np.clip(y - target, -0.5, 0.5) / y.size


def test_what_is_measured_is_the_faults_own_number():
    y = 3 * np.random.RandomState(1).standard_normal((4, 3))
    averaged = check_layer(BiasAveraged(3, 2, np.random.RandomState(0)), y)
    assert averaged.diagnosis[0].measured == "it is divided by 4, the number of samples"
    clipped = check_gradients(Sequential(out=Identity()), HuberOfHalf(), y, np.ones((4, 3)))
    assert clipped.diagnosis[0].measured == "it is y - t cut off at 0.5"


class Product(LinearPlus):
    def change(self, _dy, dx):
        return np.sort(dx, axis=1) * np.abs(dx)


def test_of_what_nobody_knows_the_wrong_number_stands_before_the_right_one_and_how_it_grows_is_told():
    report = check_layer(Product(3, 2, np.random.RandomState(0)), np.random.RandomState(1).standard_normal((4, 3)))
    finding, index = report.diagnosis[0], report["x"].worst
    backward, right = report["x"].analytical[index], report["x"].numerical[index]
    assert finding.measured == f"at {list(index)} it is {backward:.4g} instead of {right:.4g}"
    assert "for twice the dy it is 4 times as large" in finding.sentence


def test_a_factor_is_told_from_one_over_it():
    assert counted(4.0, 4, 3) == " (the number of samples, as where a sum stands for a mean)"
    assert counted(-1 / 12, 4, 3) == " (minus one over samples times outputs, as where a mean stands for a sum)"
    assert counted(2.0, 4, 3) == counted(1.0, 1, 3) == ""


def test_what_fits_one_input_by_chance_is_not_believed():
    """With a single unit every wrong slope is some factor times the right one, but not the same on other inputs."""
    finding = check_layer(TanhOfSquare(), np.array([0.7])).diagnosis[0]
    assert finding.pattern == "wrong derivative"
    assert finding.measured == "it is dy times 1 - x^2"


def test_a_factor_that_is_the_length_of_an_axis_is_told_as_that():
    class MeanOverTime(Layer):
        def forward(self, x):
            self.shape = x.shape
            return x.mean(axis=1)

        def backward(self, dy):
            return dy[:, None, :] + np.zeros(self.shape)

    (finding,) = check_layer(MeanOverTime(), np.random.RandomState(0).standard_normal((2, 5, 3))).diagnosis
    assert (
        "the factor is 5 (perhaps the length of axis 1 of x or the number of inputs for each output, as where a sum"
        in finding.sentence
    )


def test_that_a_gradient_is_not_linear_in_dy_is_said_once_and_how():
    class Squared(Layer):
        def forward(self, x):
            self.x = x
            return np.sinh(x)

        def backward(self, dy):
            return dy**2 * np.sqrt(1 + np.abs(self.x)) + dy**2

    (finding,) = check_layer(Squared(), np.random.RandomState(0).standard_normal((3, 4))).diagnosis
    assert finding.sentence.count("not linear in dy") == 1
    assert "for twice the dy it is 4 times as large, so it is not linear in dy" in finding.sentence


def explanation(left=0.0, fitted=0, pattern="one", measured="2"):
    hypothesis = Hypothesis(pattern, "", lambda _case, _tensor: iter(()))
    return Explanation(hypothesis, Prediction(np.ones(3), measured, fitted), left)


def test_a_fault_with_another_number_on_another_input_is_another_fault():
    # Values are fitted through error bars; a per mille is far above these, and far below what tells two causes apart.
    one, near, other, further = (Prediction(np.ones(3), values=v) for v in ((0.8,), (0.8004,), (0.81,), (0.8, 2.0)))
    assert is_same(one, near)
    assert not is_same(one, other)
    assert not is_same(one, further)
    assert not is_same(one, Prediction(np.ones(3), values=(0.8,), key="rows"))


@pytest.mark.parametrize(
    ("explanations", "size", "certainty"),
    [
        ([explanation()], 20, Certainty.CERTAIN),
        ([explanation(left=2 * LEFT)], 20, Certainty.LIKELY),  # it explains the numbers only roughly
        ([explanation(), explanation(pattern="other", measured="3")], 20, Certainty.LIKELY),
        ([explanation(), explanation(pattern="other", measured="3", fitted=1)], 20, Certainty.CERTAIN),
        ([explanation(fitted=20)], 20, Certainty.POSSIBLE),
        ([explanation()], 1, Certainty.POSSIBLE),
    ],
)
def test_certain_is_what_explains_all_digits_and_nothing_else_does(explanations, size, certainty):
    assert _certainty(size, explanations) is certainty


@pytest.mark.parametrize(
    ("some", "words"),
    [
        ([0], "the outputs at the same step"),
        ([-1, 1, 2], "the outputs at other steps"),
        ([1, 2], "the outputs at later steps"),
        ([-1], "the outputs at earlier steps"),
        ([1], "the outputs 1 step later"),
        ([-3, -2], "the outputs 2, 3 steps earlier"),
        ([-1, 1], "the outputs -1, 1 steps later (negative: earlier)"),
    ],
)
def test_which_outputs_an_entry_lacks_is_said_by_how_far_they_lie_after_it(some, words):
    assert _distances("step", some, sorted({*some, -1, 0, 1, 2})) == words


class Filtered(Layer):
    """A filter along the steps by a library, which no tape looks into; an output depends on inputs before it."""

    factors = np.array([1.0, 0.6, -0.4])

    def forward(self, x):
        return np.array([np.convolve(row.tolist(), self.factors.tolist())[: len(row)] for row in x])

    def backward(self, dy):
        factors = self.factors * (1, 0, 1)
        return np.array([np.convolve(row[::-1], factors)[: len(row)][::-1] for row in dy])


def test_a_step_of_time_that_does_not_come_back_is_named_where_no_tape_tells_the_way():
    (finding,) = check_layer(Filtered(), np.random.RandomState(0).standard_normal((3, 6))).diagnosis
    assert "what comes from the outputs 1 feature later is missing" in finding.sentence


def test_a_part_that_grows_with_the_square_of_dy_is_told():
    class Unit(Layer):
        def forward(self, x):
            self.size = np.sqrt((x**2).sum(axis=1, keepdims=True))
            self.y = x / self.size
            return self.y

        def backward(self, dy):
            return (dy - self.y) * (dy * self.y).sum(axis=1, keepdims=True) / self.size

    (finding,) = check_layer(Unit(), np.random.RandomState(0).standard_normal((3, 4))).diagnosis
    assert "not linear in dy; a part of it grows with the square of dy" in finding.sentence


def test_on_other_inputs_a_layer_is_checked_by_its_way_back_and_without_differences(monkeypatch):
    def differences(*_):
        raise AssertionError

    monkeypatch.setattr(diagnose, "compare_gradients", differences)
    layer = NegatedDx(4, 3, np.random.RandomState(0))
    x, dy = np.random.RandomState(1).randn(5, 4), np.random.RandomState(2).randn(5, 3)
    for companion in diagnose._companions(diagnose._case("", layer, layer, Projection(), x, dy)):
        assert companion.wrong_tensors == ["x"]
        np.testing.assert_allclose(companion.right("x"), -companion.said["x"])


def test_a_single_layer_that_is_wrong_for_this_dy_alone_is_no_matter_of_wiring():
    class Double(Tanh):
        def backward(self, dy):
            return super().backward(dy) * (2 if np.max(np.abs(dy)) > 50 else 1)

    (finding,) = check_layer(Double(), np.random.RandomState(1).randn(5, 4), np.full((5, 4), 60.0)).diagnosis
    assert finding.pattern == "of this dy"


class Pairs:
    """A matrix and a vector that are no W x + b: what the vector is added to is a sum over all pairs of inputs."""

    def __init__(self):
        self.w, self.V = np.array([0.3, -1.0, 0.5, 0.8, 0.2]), np.random.RandomState(1).standard_normal((5, 3))

    def forward(self, x):
        self.x, self.s = x, x @ self.V
        return x @ self.w + 0.5 * (self.s**2 - x**2 @ self.V**2).sum(axis=1)

    def backward(self, dy):
        d = dy[:, None]
        self.dw, self.dV = self.x.T @ dy, self.x.T @ (d * self.s)
        return d * (self.w + self.s @ self.V.T - self.x * (self.V**2).sum(axis=1))


def test_a_matrix_and_a_vector_alone_make_no_linear_layer():
    (finding,) = check_layer(Pairs(), np.random.RandomState(0).standard_normal((4, 5))).diagnosis
    assert finding.tensors == ("dV",)
    assert finding.pattern == "path left out"
    assert "nothing goes back from `x**2 @ self.V**2`" in finding.sentence


class Plain:
    """A layer without parameters, of a forward and a backward that are functions."""

    def __init__(self, forward, backward):
        self.functions = forward, backward

    def forward(self, x):
        self.x = x
        return self.functions[0](x)

    def backward(self, dy):
        return self.functions[1](self.x, dy)


def gelu(x):
    t = np.tanh(0.8 * (x + 0.044715 * x**3))
    return 0.5 * x * (1 + t)


def gelu_back(x, dy):
    t = np.tanh(0.8 * (x + 0.044715 * x**3))
    return dy * (0.5 * (1 + t) + x * (1 - t**2) * 0.8 * (1 + 0.044715 * x**2))


MASK = (np.random.RandomState(3).random((5, 4)) > 0.4) / 0.6


@pytest.mark.parametrize(
    ("layer", "shape", "words", "never"),
    [
        # Of two weights along one way the second is that beyond the first.
        (Plain(gelu, gelu_back), (5, 4), "3` counts 0.333333 times. This is very likely", "2.33333"),
        # A length of x has nothing to do with what is computed entry by entry.
        (
            Plain(
                lambda x: x * np.clip(x + 3, 0, 6) / 6,
                lambda x, dy: dy * np.where(x <= -3, 0, np.where(x >= 3, 1, 0.3 * x + 0.5)),
            ),
            (5, 4),
            "counts 0.8 times",
            "one off",
        ),
        (Plain(lambda x: x * MASK, lambda _, dy: dy * (MASK > 0)), (5, 4), "the factor is 0.6", "another mask"),
        (
            Plain(
                lambda x: x.repeat(2, axis=2).repeat(2, axis=3),
                lambda _, dy: dy.reshape(2, 2, 3, 2, 3, 2).mean(axis=(3, 5)),
            ),
            (2, 2, 3, 3),
            "0.25 (perhaps one over the number of outputs for each input or one over the number of samples times",
            "the number of inputs",
        ),
    ],
)
def test_of_numbers_that_fit_the_one_with_a_reason_is_told(layer, shape, words, never):
    (finding,) = check_layer(layer, np.random.RandomState(0).standard_normal(shape)).diagnosis
    assert words in finding.sentence
    assert never not in finding.sentence


def test_a_right_line_is_told_under_its_name_only_where_it_is_right():
    def leaky(slope, wrong):
        kind = type("LeakyReLU", (Plain,), {})
        return kind(lambda x: np.where(x > 0, x, slope * x), lambda x, dy: dy * np.where(x > 0, wrong, 1))

    x = np.random.RandomState(0).standard_normal((5, 4))
    lines = [check_layer(leaky(slope, slope), x).diagnosis[0].algebra for slope in (0.01, 0.1)]
    assert lines == ["dx = dy * np.where(x > 0, 1, 0.01)", "dx = dy * f'(x), with the x that forward was given"]


class Matching:
    """A cross-entropy between the rows of y and of the target, at a temperature; backward multiplies by it."""

    tau = 0.5

    def forward(self, y, target):
        self.k, e = target, np.exp(y @ target.T / self.tau)
        self.p = e / e.sum(axis=1, keepdims=True)
        return -np.log(np.diag(self.p)).mean()

    def backward(self):
        return (self.p - np.eye(len(self.p))) / len(self.p) @ self.k * self.tau


class Logistic:
    """A logistic regression of 0/1 targets; backward divides the target alone by their number."""

    def __init__(self):
        self.W = np.random.RandomState(4).standard_normal((4, 1))

    def forward(self, x, target):
        self.x, self.t, self.a = x, target[:, None], 1 / (1 + np.exp(-x @ self.W))
        return float(-np.mean(self.t * np.log(self.a) + (1 - self.t) * np.log(1 - self.a)))

    def backward(self):
        self.dW = self.x.T @ (self.a - self.t / len(self.x))
        return (self.a - self.t) @ self.W.T / len(self.x)


@pytest.mark.parametrize(
    ("loss", "target", "words", "never"),
    [
        (Matching(), np.random.RandomState(1).standard_normal((5, 4)), "(perhaps the square of `self.tau`", "mixed"),
        (Logistic(), np.array([0.0, 1, 1, 0, 1]), "dW", "mixed with"),
    ],
)
def test_of_a_loss_no_number_is_told_that_fits_by_chance(loss, target, words, never):
    (finding,) = check_layer(loss, np.random.RandomState(0).standard_normal((5, 4)), target=target).diagnosis
    assert words in finding.sentence
    assert never not in finding.sentence


@pytest.mark.parametrize("broken", ["explanations_of", "_cases"])
def test_where_the_search_for_a_cause_fails_that_is_said_and_nothing_is_raised(monkeypatch, broken):
    def fails(*_):
        raise ValueError("no such shape")

    module = import_module("mlp.check.diagnosis.diagnose")
    monkeypatch.setattr(module, broken, fails)
    report = check_layer(MeanEverywhere(4, 3, np.random.RandomState(0)), np.ones((5, 4)))
    (finding,) = report.diagnosis
    assert report.verdict is Verdict.WRONG
    assert finding.certainty is Certainty.POSSIBLE
    assert "broken off by an error" in finding.sentence
