"""Steps across a corner are labelled, with their two slopes, and never called wrong."""

import numpy as np
import pytest

from mlp import (
    METHODS,
    HuberLoss,
    Identity,
    LeakyReLU,
    MSELoss,
    ReLU,
    Sequential,
    Tanh,
    Verdict,
    check_gradients,
    dense_layers,
    he,
)
from mlp.check.check import check_layer
from mlp.check.compare import compare_gradients
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem
from tests.check.networks import Changed

REAL = [name for name in METHODS if name != "complex-step"]


class Absolute(Layer):
    """|x|, by somebody who does not know of `kinks`."""

    def apply(self, x):
        return np.abs(x)

    def forward(self, x):
        self.sign = np.sign(x)
        return np.abs(x)

    def backward(self, dy):
        return dy * self.sign


@pytest.mark.parametrize(
    ("layer", "left", "right"), [(ReLU(), 0.0, 1.0), (LeakyReLU(), 0.01, 1.0), (Absolute(), -1.0, 1.0)]
)
@pytest.mark.parametrize("at", [0.0, 2e-5, -2e-5, 6e-5])
def test_a_corner_within_the_step_is_labelled_with_its_slopes(layer, left, right, at):
    x = np.array([at, 1.0, -1.0])
    check = check_layer(layer, x, np.ones(3), eps=1e-4)["x"]
    assert check.verdicts.tolist() == [Verdict.KINK_CROSSED, Verdict.CONSISTENT, Verdict.CONSISTENT]
    assert check.verdict is Verdict.CONSISTENT
    (kink,) = check.kinks
    assert kink.index == (0,)
    assert left - 1e-9 <= kink.left <= kink.right <= right + 1e-9
    if at == 0:
        assert (kink.left, kink.right) == pytest.approx((left, right))
    assert f"{kink.left:.4g} to the left" in kink.sentence
    assert "1 step crosses a kink" in check.summary


def test_the_layer_with_the_corner_is_named():
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((2, 3, 3, 1), ReLU, rng, he))
    x, target = rng.standard_normal(2), rng.standard_normal(1)
    # Put one unit of the second hidden layer just above its corner.
    z = network.fc2.apply(network.activation_fn1.apply(network.fc1.apply(x)))
    network.fc2.b[1] = -z[1] + 1e-5
    check = check_gradients(network, MSELoss(), x, target)["fc2.b"]
    assert [(kink.index, kink.layer) for kink in check.kinks] == [((1,), "activation_fn2")]


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("eps", [1e-6, 1e-4, 1e-2, 0.3])
def test_no_entry_at_a_kink_is_ever_wrong(method, eps):
    for seed in range(8):
        rng = np.random.RandomState(seed)
        network = Sequential(**dense_layers((4, 6, 6, 3), (ReLU, LeakyReLU)[seed % 2], rng, he))  # biases of zero
        x, target = rng.standard_normal((4, 4)), rng.standard_normal((4, 3))
        x[0] = 0  # so that every unit of the first sample stands in its corner
        report = check_gradients(network, (MSELoss, HuberLoss)[seed // 2 % 2](), x, target, eps, method)
        assert report.verdict is not Verdict.WRONG, [check.summary for check in report.values()]
        assert report.diagnosis == ()


def test_hubers_corner_is_found():
    # At the corner the central difference has an error of first order, h / 8 here: 1.25e-5, at most a thousandth of
    # which any smooth loss could explain.
    y, target = np.array([1.0, 0.3]), np.zeros(2)
    check = check_gradients(Identity(), HuberLoss(), y, target)["x"]
    assert check.verdicts.tolist() == [Verdict.KINK_CROSSED, Verdict.CONSISTENT]
    assert check.kinks[0].layer == "loss"
    assert check.passed


def test_a_smooth_network_has_no_kinks():
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((4, 6, 6, 3), Tanh, rng))
    x, target = rng.standard_normal((4, 4)), rng.standard_normal((4, 3))
    for eps in (1e-6, 1e-4, 1e-2, 0.3):
        report = compare_gradients(Problem(network, MSELoss(), x, target), eps, METHODS["central"])
        assert not any(check.kinks for check in report.values())
    wrong = compare_gradients(
        Problem(Changed(network, "fc2.W", np.negative), MSELoss(), x, target), 1e-4, METHODS["central"]
    )
    assert not wrong["fc2.W"].kinks


def test_a_wrong_slope_beside_the_corner_is_still_wrong():
    class Wrong(ReLU):
        def backward(self, dy):
            return 0.5 * super().backward(dy)

    x = np.array([0.0, 1.0, -1.0])
    report = check_layer(Wrong(), x, np.ones(3))
    assert report["x"].verdicts.tolist() == [Verdict.KINK_CROSSED, Verdict.WRONG, Verdict.CONSISTENT]
    assert report.verdict is Verdict.WRONG


def test_nonsense_in_the_corner_is_not_called_consistent():
    class Nonsense(ReLU):
        def backward(self, dy):
            return super().backward(dy) + 7

    check = check_layer(Nonsense(), np.zeros(3), np.ones(3))["x"]
    assert np.all(check.verdicts == Verdict.KINK_CROSSED)
    assert not any(kink.explained for kink in check.kinks)
    assert check.verdict is Verdict.CANNOT_TELL
