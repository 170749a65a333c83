"""Each constant of the check, by a case that needs it to be about what it is."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from mlp import MSELoss, ReLU, Sequential, Tanh, Verdict, check_gradients, dense_layers
from mlp.check import compare, inactive, kinks
from mlp.check.check import check_layer
from mlp.check.compare import _as_seen, _excused, _is_missed, _suspects, _zero
from mlp.check.evaluation_point import EvaluationPoint
from mlp.check.jacobians import flow_in_words
from mlp.check.kinks import Narrow
from mlp.check.verdict import entry_verdicts
from mlp.differences.errors import Estimate, estimated_gradients
from mlp.differences.methods import CENTRAL, COMPLEX_STEP
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem, as_problem


@pytest.mark.parametrize(
    ("bar", "verdict"),
    [(0.09, Verdict.CONSISTENT), (0.1, Verdict.CONSISTENT), (0.11, Verdict.CANNOT_TELL), (0.001, Verdict.CONSISTENT)],
)
def test_a_bar_tells_up_to_a_tenth_of_the_entry(bar, verdict):
    one, none = np.ones(1), np.zeros(1, bool)
    assert entry_verdicts(one, one, bar * one, none, none) == [verdict]


class Valley(Layer):
    """x^2, whose backward says what is given."""

    def __init__(self, said):
        self.said = said

    def apply(self, x):
        return np.square(x)

    def forward(self, x):
        return np.square(x)

    def backward(self, dy):
        return np.full(np.shape(dy), self.said)


def test_the_bottom_of_a_valley_is_no_corner():
    # The slopes of x^2 at 0 are -h and h: a gap as large as the slopes, at every step, that shrinks with the step.
    check = check_layer(Valley(2e-5), np.zeros(1), np.ones(1))["x"]
    assert check.kinks == ()
    assert check.verdict is Verdict.WRONG


class Bent(Layer):
    """|x| and a smooth part, by somebody who does not know of `kinks`; backward is off by `factor`."""

    def __init__(self, factor=1.0, size=1.0, offset=0.0):
        self.factor, self.size, self.offset = factor, size, offset

    def apply(self, x):
        return self.size * (np.abs(x.real) + 0.3 * np.sin(3 * x.real)) + self.offset

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(self.x)

    def backward(self, dy):
        return self.factor * dy * self.size * (np.sign(self.x) + 0.9 * np.cos(3 * self.x))


@pytest.mark.parametrize("x", [2e-5, 5e-5, -7e-5])
def test_beside_a_corner_a_slope_that_is_off_by_a_hundredth_is_not_excused(x):
    assert check_layer(Bent(), np.array([x]), np.ones(1))["x"].verdict is not Verdict.WRONG
    assert check_layer(Bent(factor=1.01), np.array([x]), np.ones(1))["x"].verdict is not Verdict.CONSISTENT


def test_right_slopes_beside_corners_are_explained_whatever_rounding_does():
    explained = []
    for seed in range(25):
        rng = np.random.RandomState(seed)
        network = Sequential(**dense_layers((3, 4, 4, 2), ReLU, rng))
        x = rng.standard_normal(3)
        hidden = network.fc2.apply(network.activation_fn1.apply(network.fc1.apply(x)))
        network.fc2.b[0] += 3e-5 * rng.standard_normal() - hidden[0]  # a unit a little beside its corner
        report = check_gradients(network, MSELoss(), x, rng.standard_normal(2))
        explained += [kink.explained for check in report.values() for kink in check.kinks]
    assert len(explained) > 50
    assert all(explained)


def test_a_weak_corner_on_a_large_value_is_seen_and_one_in_the_rounding_is_not():
    # The loss is 1e4 and rounded to some 1e-12; slopes of 1e-4 at a step of 1e-4 make differences of 1e-8.
    seen = check_layer(Bent(size=1e-4, offset=1e4), np.array([5e-5]), np.ones(1))["x"]
    assert seen.kinks
    hidden = check_layer(Bent(size=1e-8, offset=1e4), np.array([5e-5]), np.ones(1))["x"]
    assert hidden.kinks == ()


def test_few_entries_are_examined_of_a_large_network_and_many_of_a_small_one():
    def affordable(*sizes, samples=()):
        shapes = [shape for pair in pairwise(sizes) for shape in (pair, pair[1:])]
        arrays = {str(k): np.broadcast_to(0.0, shape) for k, shape in enumerate(shapes)}
        network, x = SimpleNamespace(parameters=lambda: arrays), np.zeros((*samples, 1))
        return EvaluationPoint(Problem(network, MSELoss(), x, x), 1e-4, CENTRAL).affordable

    assert affordable(3, 4, 2) == 300
    # A tenth of a second at a thousand million multiplications a second or so, for seven tensors.
    parameters = 784 * 256 + 256 * 128 + 1280 + 394
    assert affordable(784, 256, 128, 10) == 500_000_000 // ((parameters + 20_000) * 7)
    assert affordable(784, 256, 128, 10, samples=(5,)) == 500_000_000 // ((parameters * 5 + 20_000) * 7)
    assert affordable(10**5, 10**5) == 4  # however large, a few are always looked at


@pytest.mark.parametrize(
    ("slopes", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0, 0.0], True),
        ([1e-17, -2e-17, 3e-17, 0.0, 1e-17], True),
        ([1.0, 1.0, 1.0, 1.0, 1.0], False),
        ([1.0, 1.1, 0.9, 1.05, 0.95], False),
        # Beyond a thousandth two steps do not settle it; whether all five scatter by half of the largest does.
        ([1.0, 1.0009, 5.0, -5.0, 1.0], False),
        ([1.0, 1.0011, 5.0, -5.0, 1.0], True),
        ([1.0, 0.7, 0.6, 0.51, 0.8], False),
        ([1.0, 0.7, 0.6, 0.49, 0.8], True),
        ([-1.0, -0.7, -0.6, -0.51, -0.8], False),
    ],
)
def test_an_influence_is_the_same_for_every_tiny_step(monkeypatch, slopes, expected):
    steps = iter(slope * step for slope, step in zip(slopes, inactive._TINY, strict=True))
    monkeypatch.setattr(inactive, "_moved_loss", lambda *_: complex(0.0, next(steps)))
    assert inactive._are_inactive(None, {}, 1.0) is expected


class RealOnly(Layer):
    """A function of real numbers alone; backward says that nothing depends on x."""

    def __init__(self, function):
        self.function = function

    def apply(self, x):
        return self.function(np.asarray(x, dtype=float))

    def forward(self, x):
        return self.apply(x)

    def backward(self, dy):
        return np.zeros(np.shape(dy))


def test_where_nothing_at_all_is_rounded_a_zero_is_inactive_too():
    check = check_layer(ReLU(), np.array([-1.0]), np.ones(1))["x"]
    assert (check.roundoff, check.verdict) == (0, Verdict.CONSISTENT)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_code_of_real_numbers_is_inactive_only_where_a_large_step_changes_nothing_either():
    dead = RealOnly(lambda x: np.maximum(x, 0.5))
    assert check_layer(dead, np.array([0.2, 0.1]), np.ones(2)).passed
    # An influence of 1e-12 is lost in the noise of 1e-15 at a small step, and a step of 1 shows it.
    weak = RealOnly(lambda x: 1 + 1e-15 * np.sin(1e8 * x) + 1e-12 * x)
    assert check_layer(weak, np.array([0.2, 0.1]), np.ones(2)).verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("end", "word"), [(0.5, "neither"), (50.0, "neither"), (200.0, "explodes"), (0.004, "vanishes")]
)
def test_a_gradient_vanishes_or_explodes_beyond_a_hundred(end, word):
    assert word in flow_in_words([1.0, end])


def test_what_underflows_in_a_complex_step_is_in_its_error():
    problem = as_problem(Tanh(), MSELoss(), np.array([0.3]), np.array([0.1]))
    estimate = estimated_gradients(problem, 1e-320, COMPLEX_STEP)["x"]
    truth = 2 * (np.tanh(0.3) - 0.1) / np.cosh(0.3) ** 2
    assert abs(estimate.value[0] - truth) > 1e-9  # 1e-320 has four digits
    assert abs(estimate.value[0] - truth) <= estimate.roundoff[0]


@pytest.mark.parametrize(
    ("outside", "examined", "excused", "infinite"),
    [
        ([0, 1, 2, 3], [0, 2], [(0,), (2,)], [1, 3]),  # all that were looked at are excused: the others may be, too
        ([0, 1, 2, 3], [0, 2], [(0,)], []),  # one is not, so the others are as wrong as they look
        ([0, 2], [0, 2], [(0,), (2,)], []),  # all were looked at
        ([], [], [], []),
    ],
)
def test_what_nobody_looked_at_is_excused_only_if_all_that_was_looked_at_is(outside, examined, excused, infinite):
    truncation = _excused(np.zeros(5), np.array(outside, int), np.array(examined, int), excused)
    assert np.flatnonzero(np.isinf(truncation)).tolist() == infinite


def estimate_of(value, truncation=0.0, roundoff=0.0, noise=0.0):
    """The numerical derivatives of a few entries."""
    value = np.asarray(value, float)
    return Estimate(value, np.full(value.shape, truncation), np.full(value.shape, roundoff), noise)


@pytest.mark.parametrize(
    ("analytical", "numerical", "zero"),
    [(0.0, 0.0, True), (3.9, -39.0, True), (-3.9, 39.0, True), (4.1, 39.0, False), (3.9, 41.0, False)],
)
def test_both_gradients_are_rounding_up_to_four_times_their_own(analytical, numerical, zero):
    found = _zero(np.array([analytical]), np.ones(1), estimate_of([numerical], roundoff=10.0))
    assert found.tolist() == [zero]


def test_suspects_are_the_entries_outside_their_bars_the_worst_first_and_then_the_roughest():
    difference, bar = np.array([0.0, 2.0, 3.0, 9.0, 1.0]), np.array([1.0, 1.0, 1.0, 4.0, 1.0])
    estimate = estimate_of(10 - difference, truncation=np.array([0.1, 9, 9, 9, 0.5]))
    outside, doubtful = _suspects(estimate, np.full(5, 10.0), bar, np.zeros(5, bool), True)
    assert outside.tolist() == [2, 3, 1]  # 3, 9/4 and 2 bars
    assert doubtful.tolist() == [4, 0]


@pytest.mark.parametrize(
    ("truncation", "roundoff", "has_kinks", "suspected"),
    [
        # A smooth function's truncation is a small part of its derivative at a usual step. A corner that nobody
        # declared is looked for only where it would matter: where the truncation alone fills a tenth of the entry.
        (1.1e-6, 0.0, True, True),
        (0.9e-6, 0.0, True, False),
        (0.11, 0.0, False, True),
        (0.09, 0.0, False, False),
        (0.11, 0.12, False, False),  # no more than rounding
        (np.inf, 0.0, True, False),  # no step was taken there at all
    ],
)
@pytest.mark.parametrize(("analytical", "numerical"), [(1.0, 0.5), (-0.5, -1.0)])
def test_an_entry_is_rough_if_its_truncation_is_no_smooth_function_s(
    truncation, roundoff, has_kinks, suspected, analytical, numerical
):
    estimate = estimate_of([numerical], truncation, roundoff)
    _, doubtful = _suspects(estimate, np.array([analytical]), np.ones(1), np.zeros(1, bool), has_kinks)
    assert doubtful.tolist() == [0] * suspected


def test_a_zero_that_something_may_depend_on_is_suspect_however_smooth_it_looks():
    _, doubtful = _suspects(estimate_of([0.0, 0.0]), np.zeros(2), np.zeros(2), np.array([False, True]), True)
    assert doubtful.tolist() == [1]


@pytest.mark.parametrize(
    ("slope", "missed"), [(1.0, False), (3.55, False), (3.57, True), (-1.55, False), (-1.57, True)]
)
def test_a_smaller_step_s_slope_is_another_one_beyond_the_errors_of_both(slope, missed):
    # 2 T + 4 (R + E), E being the rounding of the slope at the smaller step.
    estimate = estimate_of([1.0], truncation=0.2, roundoff=0.04)
    bar = 2 * 0.2 + 4 * (0.04 + 0.5)
    assert bar == pytest.approx(2.56)
    assert _is_missed(estimate, Narrow((0,), 1e-3, slope, 0.5)) is missed


def test_what_a_smaller_step_shows_is_truncation_and_never_makes_it_less():
    estimate = estimate_of([1.0, 1.0, 1.0], truncation=np.array([0.5, 0.5, 0.5]))
    narrow = [Narrow((0,), 1e-6, 0.75, 0.0), Narrow((1,), 1e-6, -1.0, 0.25)]
    assert _as_seen(estimate, narrow).tolist() == [0.5, 2.0 - 0.25, 0.5]  # less what may be rounding of the slope
    assert estimate.truncation.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(("slope", "truncations"), [(1.9, [1.9, np.inf]), (1.0, [1.0, 1.0])])
def test_entries_that_nobody_looked_at_are_wrong_only_if_one_is_that_somebody_did(monkeypatch, slope, truncations):
    # The bars are 2: with the first slope, which by itself would be explained, they grow to 3.8, with the other not.
    monkeypatch.setattr(compare, "examine", lambda *_: ([], [Narrow((0,), 1e-6, slope, 0.0)]))
    point = SimpleNamespace(affordable=1, has_declared_kinks=False, eps=1e-4, method=CENTRAL)
    estimate, none = estimate_of([0.0, 0.0], truncation=np.ones(2), roundoff=np.zeros(2)), np.zeros(2, bool)
    check = compare._tensor_check(point, "W", estimate, np.array([2.2, 2.1]), np.zeros(2), none, none)
    assert check.truncation.tolist() == truncations
    assert (check.verdict is Verdict.WRONG) is (slope == 1.0)


@pytest.mark.parametrize(
    ("small", "large", "expected"),
    [
        (0.0, 1.0, True),  # not one bit: a dead unit, of which a large step may make a living one
        (3.9, 0.0, True),  # four times the rounding of a value, at both steps
        (0.1, 3.9, True),
        (0.1, 4.1, False),
        (4.1, 0.1, False),
        (-0.1, -4.1, False),
    ],
)
def test_real_steps_show_an_influence_beyond_four_times_the_rounding(monkeypatch, small, large, expected):
    moves = {0.0: 10.0, 1e-3: 10.0 + small, 1.0: 10.0 + large}
    monkeypatch.setattr(inactive, "_moved_loss", lambda _point, _masks, step: moves[step])
    assert inactive._are_inactive_by_real_steps(None, {}, 1.0) is expected


def test_what_has_no_influence_is_asked_with_the_largest_rounding_of_any_tensor(monkeypatch):
    asked = []
    monkeypatch.setattr(compare, "inactive_entries", lambda _point, zeros, noise: asked.append(noise) or zeros)
    monkeypatch.setattr(compare, "advice", lambda *arguments: arguments[2:])
    problem = as_problem(Sequential(**dense_layers((2, 1))), MSELoss(), np.ones(2), np.zeros(1))
    estimates = {
        name: estimate_of(np.ones(tensor.shape), noise=noise)
        for noise, (name, tensor) in zip([1e-9, 3e-9, 2e-9], problem.tensors().items(), strict=True)
    }
    ones = {name: np.ones(estimate.value.shape) for name, estimate in estimates.items()}
    zeros = {name: np.zeros(estimate.value.shape) for name, estimate in estimates.items()}
    checks = compare.tensor_checks(EvaluationPoint(problem, 1e-4, CENTRAL), estimates, ones, zeros)
    assert asked == [3e-9]
    assert {check.advice for check in checks.values()} == {(1e-4, CENTRAL, np.inf)}


def test_of_two_tensors_in_question_each_is_asked_alone_if_together_they_have_an_influence():
    network = Sequential(**dense_layers((2, 3, 1), Tanh, np.random.RandomState(0)))
    network.fc1.W[...] = 0  # so that nothing depends on x
    point = EvaluationPoint(as_problem(network, MSELoss(), np.ones(2), np.zeros(1)), 1e-4, CENTRAL)
    mask = {"x": np.ones(2, bool), "fc1.W": np.ones((3, 2), bool), "fc1.b": np.zeros(3, bool)}
    found = inactive.inactive_entries(point, mask, 1e-17)
    assert {name: entries.tolist() for name, entries in found.items()} == {
        "x": [True, True],
        "fc1.W": [[False, False]] * 3,
        "fc1.b": [False] * 3,
    }


@pytest.mark.parametrize(("eps", "first"), [(1.0, 1e-3), (1e-2, 1e-3), (1e-5, 1e-5)])
def test_one_sided_slopes_are_first_taken_at_a_thousandth_at_most_and_then_at_quarters(monkeypatch, eps, first):
    """A larger step may reach corners that the entry's own step does not, or leave where the function is defined."""
    steps = []
    monkeypatch.setattr(kinks._Loss, "slopes", lambda _self, _index, step: steps.append(step) or (1.0, 2.0))
    point = EvaluationPoint(as_problem(Bent(), MSELoss(), np.ones(1), np.zeros(1)), eps, CENTRAL)
    kinks.examine(point, "x", np.array([0]), np.ones(1), np.ones(1), 1e-30)
    assert steps[:9] == pytest.approx([first / 4**k for k in range(9)], rel=1e-12)
