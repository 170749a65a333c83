"""The estimates of truncation and round-off against the errors themselves, known from elsewhere."""

import numpy as np
import pytest

from mlp import METHODS, Identity, MSELoss, Sequential, Tanh
from mlp.check.projection import Projection
from mlp.differences import errors
from mlp.differences.errors import _complex_estimate, estimated_gradients, second_step, taken_step
from mlp.differences.methods import COMPLEX_STEP, optimal_step
from mlp.nn.problem import as_problem


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("eps", [1e-12, 1e-8, 1e-4, 1e-2, 1.0, 30.0])
def test_the_true_error_lies_within_the_estimates(method, eps):
    # The derivative of tanh is known exactly, so the error of the numerical one is too.
    x = np.linspace(-2, 2, 41)
    dy = np.ones(41)
    with np.errstate(all="ignore"):
        estimate = estimated_gradients(as_problem(Tanh(), Projection(), x, dy), eps, method)["x"]
    error = np.abs(estimate.value - Tanh.derivative(x))
    assert np.all(error <= 2 * estimate.truncation + 4 * estimate.roundoff)


@pytest.mark.parametrize(
    "method", [method for method in METHODS.values() if not method.is_complex], ids=lambda m: m.name
)
@pytest.mark.parametrize("factor", [1 / 30, 1, 30])
def test_the_estimates_are_estimates_and_no_excuses(method, factor):
    x = np.linspace(-2, 2, 40)  # without 0, where the second derivative is 0
    eps = factor * float(optimal_step(method, 1.0))
    estimate = estimated_gradients(as_problem(Tanh(), Projection(), x, np.ones(40)), eps, method)["x"]
    # The loss adds up 40 numbers, each taken to be off by u of the largest, 0.96, and by what u of x moves it; each of
    # the two steps divides its values' errors by itself, and the second is looked at where it is the smaller one.
    other = second_step(eps, method)
    expected = np.sqrt(40) * 2.0**-52 * np.abs(method.weights).sum() * (1 / eps + (other < eps) / other)
    assert np.all((expected < estimate.roundoff) & (estimate.roundoff < 1.5 * expected))
    if factor > 1:  # beyond the best step the error is truncation, and known to a few per cent
        error = np.abs(estimate.value - Tanh.derivative(x))
        assert np.median(estimate.truncation / error) == pytest.approx(1, abs=0.05)


def test_the_noise_is_that_of_the_values_which_are_subtracted_a_whole_offset_away():
    # From 1e-9 and a target of 0 a step leads to a loss of (o h)^2, which is rounded as such: five-point goes twice as
    # far as central, and its noise is four times as large.
    problem = as_problem(Sequential(act=Identity()), MSELoss(), np.full(3, 1e-9), np.zeros(3))
    near, far = (errors._noise(problem, 1e-4, METHODS[name])["x"] for name in ("central", "five-point"))
    assert far / near == pytest.approx(4, rel=1e-3)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_second_step_is_on_the_side_of_the_best(method):
    best = 1e-20 if method.is_complex else 2.0 ** (-52 / (method.order + 1))
    for eps in best * np.array([1e-6, 0.5, 2.0, 1e6]):
        other = second_step(float(eps), method)
        assert other == 2 * eps if eps < best else best <= other <= eps / 2


def test_the_error_of_a_complex_step_is_the_sum_of_what_it_cannot_see():
    value, nearby, again = np.array([3.0, -4.0]), np.array([3.0, -4.0]), np.array([3.3, -4.4])
    eps = 1e-310
    estimate = _complex_estimate((value, nearby, again), value, 7.0, (eps, 2e-20, 3e-20), COMPLEX_STEP)
    # A last bit of each, what underflows, and twice the root mean square of what two tiny steps differ by.
    expected = 2.0**-52 * np.abs(value) + 5e-324 / eps + 2 * np.sqrt((0.3**2 + 0.4**2) / 2)
    np.testing.assert_allclose(estimate.roundoff, expected, rtol=1e-12)
    assert estimate.noise == 7.0


def test_the_tiny_steps_are_no_power_of_two_apart(monkeypatch):
    taken = []
    monkeypatch.setattr(errors, "loss_gradients", lambda *arguments: taken.append(arguments[4]) or {"x": np.ones(1)})
    estimated_gradients(as_problem(Tanh(), MSELoss(), np.ones(1), np.zeros(1)), 1e-4, COMPLEX_STEP)
    assert taken == pytest.approx([1e-4, 2e-20, 3e-20], rel=1e-15)


@pytest.mark.parametrize(("method", "parts"), [("central", 2), ("complex-step", 3)])
def test_the_progress_of_all_steps_together_runs_from_nothing_to_all(method, parts):
    told = []
    problem = as_problem(Tanh(), MSELoss(), np.ones(3), np.zeros(3))
    estimated_gradients(problem, 1e-4, METHODS[method], told.append)
    assert told == sorted(told)
    # Each part, so small that it is reported once, ends where the next one begins.
    assert told == pytest.approx([number / parts for number in range(1, parts + 1)], rel=1e-15)


def test_the_values_that_are_subtracted_are_rounded_as_they_are_at_the_farthest_point():
    # At x = 0 the loss is 0, and away from there it grows as the square; the five-point method goes twice as far.
    problem = as_problem(Identity(), MSELoss(), np.zeros(3), np.zeros(3))
    central, five_point = (errors._noise(problem, 1e-4, METHODS[name])["x"] for name in ("central", "five-point"))
    assert five_point == pytest.approx(4 * central, rel=1e-6)
    assert 2.0**-53 * 1e-8 < central < 20 * 2.0**-52 * 1e-8


def test_the_step_that_is_taken():
    x = np.array([1.0, 1e9, 1e17])
    taken = taken_step(x, 1e-4, METHODS["central"])
    assert taken[0] == pytest.approx(1e-4, rel=1e-11)
    assert taken[1] == pytest.approx(1e-4, rel=1e-2)  # a multiple of 1.2e-7, the spacing there
    assert taken[2] == 0
