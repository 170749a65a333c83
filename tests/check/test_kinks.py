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
from mlp.check.evaluation_point import EvaluationPoint
from mlp.check.kinks import Slopes, _corner, _kink, _Loss, _zoomed, examine, spread
from mlp.differences.methods import CENTRAL, optimal_step
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem, as_problem
from tests.check.networks import Changed

REAL = [name for name in METHODS if name != "complex-step"]


class Scaled(Tanh):
    """The tanh of something so many times as large."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def apply(self, x):
        return np.tanh(self.scale * np.asarray(x))


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


@pytest.mark.one_in(3)
@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("eps", [1e-6, 1e-4, 1e-2, 0.3])
def test_no_entry_at_a_kink_is_ever_wrong(method, eps):
    for seed in range(4):
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
    target = np.array([0.25, -0.5])
    check = check_gradients(Identity(), HuberLoss(), target + np.array([1.0, 0.3]), target)["x"]
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


@pytest.mark.parametrize(
    ("method", "reached"),
    [
        ("forward", [-0.5]),
        ("backward", [0.5]),
        ("central", [-0.5, 0.5]),
        ("five-point", [-1.5, -0.5, 0.5, 1.5]),
        ("complex-step", []),
    ],
)
def test_a_corner_is_crossed_by_the_steps_that_the_method_takes(method, reached):
    at = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    check = check_layer(ReLU(), 1e-4 * at, np.ones(6), 1e-4, method)["x"]
    assert sorted(at[kink.index] for kink in check.kinks) == reached


def test_a_corner_is_looked_for_where_the_layer_says_that_it_is():
    class Threshold(ReLU):
        kinks = (0.5,)

        @staticmethod
        def function(x):
            return np.maximum(np.real(x) - 0.5, 0)

        @staticmethod
        def derivative(x):
            return 1.0 * (x > 0.5)

    check = check_layer(Threshold(), np.array([0.50002, -0.5, 0.0, 2.0]), np.ones(4))["x"]
    assert [(kink.index, kink.layer) for kink in check.kinks] == [((0,), "Threshold")]


def relu(x):
    return float(np.maximum(x, 0)[0])


def minus_relu(x):
    return -relu(x)


def absolute(x):
    return float(np.abs(x)[0])


NEAR = float(optimal_step(CENTRAL, 1.0))


@pytest.mark.parametrize(
    ("function", "at", "step", "noise", "least", "most"),
    [
        # Backward may say any slope between the two, and a thousandth of both beside them, for what the function bends.
        (relu, 0.0, 1e-4, 0.0, -0.001, 1.001),
        (minus_relu, 0.0, 1e-4, 0.0, -1.001, 0.001),
        (absolute, 0.0, 1e-4, 0.0, -1.002, 1.002),
        # Where the corner is not at the point itself there is but one slope, though the step sees a mixture of two.
        (relu, 5e-5, 1e-4, 0.0, 0.998, 1.002),
        (minus_relu, 5e-5, 1e-4, 0.0, -1.002, -0.998),
        # Eight times the rounding of a value, over the step that the slope is taken with: the shorter of the two.
        (relu, 0.0, 1e-4, 0.01 * NEAR, -0.081, 1.081),
        (relu, 0.0, 1e-7, 0.01 * 1e-7, -0.081, 1.081),
    ],
)
def test_a_corner_explains_the_slopes_at_the_point_and_what_bend_and_rounding_add(
    function, at, step, noise, least, most
):
    def explained(analytical):
        return _kink(_Loss(function, np.array([at])), (0,), "", step, analytical, noise).explained

    slack = 1e-6  # for the rounding of the slopes themselves
    assert [explained(a) for a in (least - slack, least + slack)] == [False, True]
    assert [explained(a) for a in (most - slack, most + slack)] == [True, False]


def with_gaps(*gaps):
    """Slopes of size 1, or of their gap less 1, whose gaps are these."""
    return [Slopes(4.0**-k, 1.0 - gap, 1.0) for k, gap in enumerate(gaps)]


@pytest.mark.parametrize(
    ("found", "place"),
    [
        # The gap of a smooth function is f'' h: a quarter of the step leaves a quarter of it.
        (with_gaps(0.8, 0.2, 0.05), None),
        # Beside a corner it vanishes at once: the last step that saw the corner shows it best.
        (with_gaps(0.8, 0.8, 0.07), 1),
        (with_gaps(0.8, 0.8, 0.09), None),
        (with_gaps(0.11, 0.0), 0),
        (with_gaps(0.09, 0.0), None),  # a tenth of the slope is what the step may be off by anyway
        # In a corner it stays: neither half of it is ever lost, in two quarters of the step or more.
        (with_gaps(0.8, 0.41, 0.21), 2),
        (with_gaps(0.8, 0.41, 0.2), None),
        (with_gaps(0.8, 0.39, 0.39), None),
        (with_gaps(0.8, 0.8), None),
        (with_gaps(0.11, 0.11, 0.11, 0.11), 2),
        (with_gaps(0.11, 0.11, 0.11, 0.09), None),
        (with_gaps(8.0, 8.0, 8.0), 2),
        ([], None),
    ],
)
def test_a_corner_is_told_from_a_bend_by_how_the_gap_shrinks(found, place):
    assert _corner(found) is (None if place is None else found[place])


@pytest.mark.parametrize(
    ("function", "step", "count"),
    [
        (lambda x: x + x**2, 2.0, 4),  # gaps of 4, 1, 1/4, 1/16 beside slopes of 1: the last is less than a tenth
        (lambda x: x + x**2, 2.0**-10, 3),  # two quarterings must be seen
        (np.abs, 1.0, 9),  # the gap stays: a 65,000th of the step is the last
        (lambda x: 3 * x, 1.0, 2),  # two steps that show the same are enough
        (lambda x: np.clip(x, -0.5, 0.5), 1.0, 3),  # the same slope on both sides, but not yet at both steps
        (lambda x: np.where(x > 0.5, 1.0, 0.0), 1.0, 2),  # it falls flat, which is known as well as any slope
    ],
)
def test_the_zoom_ends_where_the_slopes_are_those_of_a_smooth_function(function, step, count):
    found = _zoomed(_Loss(lambda x: float(function(x)[0]), np.zeros(1)), (0,), step, 0.0, 0.0)
    assert [slopes.step for slopes in found] == [step / 4**k for k in range(count)]


@pytest.mark.parametrize(("noise", "count"), [(0.99, 5), (1.01, 4)])
def test_the_zoom_ends_where_a_thousandth_of_the_slopes_drowns(noise, count):
    # The slope of |x| / 3 for x > 0 is 1/3, its gap 2/3: together 1000 times the rounding of a value, over the step.
    def function(x):
        return float(np.abs(x[0]) / 3)

    found = _zoomed(_Loss(function, np.zeros(1)), (0,), 1.0, noise * 4.0**-4 / 1000, 0.0)
    assert len(found) == count


def test_a_slope_is_over_the_step_that_floating_point_takes():
    def identity(x):
        return float(x[0])

    for at, step in ((1e9, 1e-6), (-1e9, 1e-6), (0.1, 1e-12)):
        assert (at + step) - at != step
        assert _Loss(identity, np.array([at])).slopes((0,), step) == (1, 1)
    assert np.isnan(_Loss(identity, np.array([1e17])).slopes((0,), 1.0)).all()


def test_the_slopes_that_a_corner_is_told_by_are_those_of_the_step_itself():
    # c(x) = relu(x)^2 at 5e-5: the step of 1e-4 ends in 0 on the left and in 1.5e-4 on the right.
    network, loss = Sequential(act=ReLU()), MSELoss()
    (kink,) = check_gradients(network, loss, np.array([5e-5]), np.array([0.0]), 1e-4)["x"].kinks
    assert (kink.left, kink.right) == pytest.approx((2.5e-9 / 1e-4, (2.25e-8 - 2.5e-9) / 1e-4), rel=1e-6)


def test_the_slope_of_a_function_that_is_narrower_than_the_step_is_taken_to_both_sides():
    scale = 3e5
    network = Sequential(act=Scaled(scale))
    point = EvaluationPoint(as_problem(network, MSELoss(), np.array([0.3 / scale]), np.array([0.0])), 1e-4, CENTRAL)
    _, (narrow,) = examine(point, "x", np.array([0]), np.array([0.0]), np.array([0.0]), 0.0)
    exact = 2 * np.tanh(0.3) * (1 - np.tanh(0.3) ** 2) * scale
    # The zoom ends where the gap, f'' h, is a tenth of the slope or less; to both sides the error is of second order
    # in h, a few thousandths, and to one side it would be half the gap.
    assert narrow.slope == pytest.approx(exact, rel=4e-3)


def test_what_cannot_all_be_examined_is_taken_evenly_from_all_over_the_list():
    assert spread(np.arange(10), 10).tolist() == list(range(10))
    assert spread(np.arange(10), 4).tolist() == [0, 3, 6, 9]


def test_a_wrong_slope_in_a_corner_that_nobody_declared_is_wrong():
    class Nonsense(Absolute):
        def backward(self, dy):
            return super().backward(dy) + 7

    check = check_layer(Nonsense(), np.array([0.0, 2e-5]), np.ones(2))["x"]
    assert check.kinks == ()
    assert check.verdicts.tolist() == [Verdict.WRONG, Verdict.WRONG]
