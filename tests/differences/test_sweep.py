"""The sweep sees what theory says: slopes equal to the orders, round-off like 1/eps, the optimum near theory's."""

import autograd
import numpy as np
import pytest

from mlp.differences.methods import METHODS
from mlp.differences.networks import loss_gradients
from mlp.differences.numerical import numerical_gradient
from mlp.differences.sweep import (
    EVALUATIONS,
    MAX_ENTRIES,
    MIN_ENTRIES,
    affordable,
    leading,
    sampled,
    sweep,
    swept_entries,
)
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from tests.comparing import U

REAL = [name for name, method in METHODS.items() if not method.is_complex]
KINDS = ("largest", "median")
X = np.linspace(0.3, 1.5, 24).reshape(4, 6)
SLOPES = np.exp(X) + 2 * np.cos(2 * X)  # of this function, all of whose derivatives are of size 1 to 64


def function(x):
    return np.sum(np.exp(x) + np.sin(2 * x))


def sweep_of(fun, x, steps=EPS_STEPS):
    indices = list(np.ndindex(x.shape))
    return sweep(sampled(fun, x, indices), x.ravel(), steps)


@pytest.fixture(scope="module")
def result():
    return sweep_of(function, X)


@pytest.fixture(scope="module")
def fine():
    return sweep_of(function, X, 10 ** np.arange(-9, 0, 0.1))


@pytest.mark.parametrize("method", METHODS)
def test_sampled_derivatives_are_numerical_gradients_to_the_last_bit(method):
    found = sampled(function, X, np.ndindex(X.shape))(METHODS[method], np.array(EPS_STEPS))
    for eps, row in zip(EPS_STEPS, found, strict=True):
        np.testing.assert_array_equal(row.reshape(X.shape), numerical_gradient(function, X, eps, method))


def test_no_point_is_evaluated_twice():
    seen = []

    def counted(x):
        seen.append(x[0])
        return np.sum(x * x)

    sweep_of(counted, np.array([np.pi / 3]))
    assert len(seen) == len(set(seen))
    # Sharing leaves fewer than a third of what the methods ask for.
    asked = len(EPS_STEPS) * sum(len(method.offsets) for method in METHODS.values())
    assert len(seen) <= EVALUATIONS < asked / 3


def test_the_point_is_left_as_it_was():
    x = X.copy()
    sweep_of(function, x)
    np.testing.assert_array_equal(x, X)


def test_the_truth_is_the_derivative(result):
    assert result.reference == "complex-step"
    np.testing.assert_allclose(result.truth, SLOPES.ravel(), rtol=8 * U, atol=8 * U)


@pytest.mark.parametrize("method", METHODS)
def test_largest_and_median_are_those_of_the_errors(result, method):
    for k, eps in enumerate(EPS_STEPS):
        errors = np.abs(numerical_gradient(function, X, eps, method).ravel() - result.truth)
        assert result.errors("largest")[method][k] == errors.max()
        assert result.errors("median")[method][k] == np.median(errors)


def slope(steps, errors):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_above_the_optimum_the_error_grows_like_the_methods_order(fine, kind, method):
    errors, steps = fine.errors(kind)[method], fine.steps
    # Where truncation is fifty times the smallest error, and eps small enough for the next term to be small.
    region = (errors > 50 * errors.min()) & (steps > steps[fine.best(kind, method)]) & (steps <= 0.2)
    assert region.sum() >= 5
    # The next term is eps or eps^2 times some constant: at 0.2 that bends the line by less than a quarter order.
    assert abs(slope(steps[region], errors[region]) - METHODS[method].order) < 0.25


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", REAL)
def test_below_the_optimum_round_off_grows_like_one_over_eps(result, kind, method):
    steps = result.steps
    region = steps < result.theory[method] / 10
    # Round-off is erratic by a factor of a few at each step; over three decades and more that leaves the slope.
    assert abs(slope(steps[region], result.errors(kind)[method][region]) + 1) < 0.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", REAL)
def test_the_measured_optimum_is_near_theory(result, kind, method):
    # Theory sets all constants to one. Here they are up to 64 (the derivatives) and 50 (the sum whose last bits count),
    # which moves the root of order p + 1 by a factor of ten at most, and round-off at single steps by another three.
    best = result.steps[result.best(kind, method)]
    assert result.theory[method] / 30 < best < result.theory[method] * 30


def test_the_complex_step_has_no_round_off(result):
    small = result.steps <= 1e-9
    assert np.all(result.largest["complex-step"][small] <= 16 * U * np.abs(result.truth).max())


@pytest.mark.parametrize("name", ["fc1.W", "fc2.b", "x"])
def test_the_truth_for_the_exercises_network_is_autograds(name):
    problem = Experiment().problem()
    values = problem.tensors()
    layers = [(values[f"fc{k}.W"], values[f"fc{k}.b"]) for k in (1, 2, 3)]

    def loss(varied):
        replaced = {**values, name: varied}
        y = replaced["x"]
        for k in range(1, len(layers) + 1):
            y = autograd.numpy.dot(replaced[f"fc{k}.W"], y) + replaced[f"fc{k}.b"]
            y = autograd.numpy.tanh(y) if k < len(layers) else y
        return autograd.numpy.mean((y - problem.target) ** 2)

    found = sweep_of(problem.function(name), values[name], [1e-4])
    expected = autograd.grad(loss)(values[name])
    # Sums of twenty products and their roundings, of the size of the largest gradient.
    np.testing.assert_allclose(found.truth, expected.ravel(), rtol=0, atol=64 * U * np.abs(expected).max())


def test_a_function_without_complex_values_is_measured_against_richardson():
    result = sweep_of(lambda x: np.sum(np.abs(x) ** 3), X)
    assert result.reference == "richardson"
    assert "complex-step" not in result.theory
    # Richardson's error at its best step is about u^(6/7), times constants up to 100.
    np.testing.assert_allclose(result.truth, 3 * X.ravel() ** 2, rtol=100 * U ** (6 / 7))


def test_a_step_that_rounding_swallows_gives_no_number_and_is_never_the_best():
    result = sweep_of(lambda x: np.sum(x * x), np.array([1e6]))
    central = result.largest["central"]
    assert np.isnan(central[0])
    assert np.isfinite(central[result.best("largest", "central")])


def test_of_equal_errors_the_largest_step_is_best():
    # At a power of two all steps that are powers of two give the slope of x^2 exactly.
    result = sweep_of(lambda x: np.sum(x * x), np.array([1.0]), [2.0**-k for k in range(8)])
    assert result.largest["central"].tolist() == [0] * 8
    assert result.steps[result.best("largest", "central")] == 1


def test_steps_are_sorted_and_checked():
    assert sweep_of(function, X, [1e-2, 1e-4]).steps.tolist() == [1e-4, 1e-2]
    for eps in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="eps must be a positive, finite number"):
            sweep_of(function, X, [1e-4, eps])


def test_position_finds_the_nearest_step(result):
    assert EPS_STEPS[result.position(2e-7)] == 2e-7
    assert EPS_STEPS[result.position(1.1e-7)] == 1e-7
    # Nearest on a logarithmic axis: 1e-7 sqrt(2) lies between the two, and 1.5e-7 beyond it.
    assert EPS_STEPS[result.position(1.40e-7)] == 1e-7
    assert EPS_STEPS[result.position(1.43e-7)] == 2e-7


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 2), ()])
def test_all_entries_are_taken_in_order_where_that_is_affordable(shape):
    derivatives = np.random.RandomState(0).standard_normal(shape)
    assert leading(derivatives, derivatives.size) == list(np.ndindex(shape))


def test_of_many_entries_those_with_the_largest_derivatives_are_taken():
    derivatives = np.array([[0.5, -3.0, 0.0], [2.0, 0.1, -2.0]])
    assert leading(derivatives, 3) == [(0, 1), (1, 0), (1, 2)]  # the first of two that are equal comes first


@pytest.mark.parametrize("name", ["fc1.W", "fc2.b", "x"])
def test_what_is_swept_of_a_large_tensor_has_the_largest_gradients(name):
    problem = Experiment(sizes=(30, 20, 5)).problem()
    truth = loss_gradients(*problem, 1e-20, "complex-step")[name]
    assert swept_entries(problem, name, 3) == leading(truth, 3)


def test_the_largest_error_of_all_entries_is_among_them():
    """At the step of a hundredth, of truncation; a saturated unit's thousands of entries have none."""
    problem = Experiment(sizes=(100, 50, 20)).problem()
    truth = loss_gradients(*problem, 1e-20, "complex-step")["fc1.W"]
    errors = np.abs(loss_gradients(*problem, 1e-2)["fc1.W"] - truth)
    assert max(errors[index] for index in leading(truth, 20)) == errors.max()
    evenly = errors.ravel()[:: errors.size // 20]
    assert evenly.max() < errors.max() / 10


def test_the_cost_of_a_sweep_is_bounded():
    assert affordable(320) == MAX_ENTRIES
    assert affordable(10**9) == MIN_ENTRIES
    # Half a thousand million multiplications take about a second.
    between = affordable(100_000)
    assert between == 500_000_000 // (EVALUATIONS * 100_000)
    assert MIN_ENTRIES < between < MAX_ENTRIES
    assert between >= affordable(200_000) > MIN_ENTRIES
