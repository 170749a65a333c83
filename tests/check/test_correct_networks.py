"""Right backward passes are never called wrong, and never diagnosed."""

import numpy as np
import pytest

from mlp import (
    METHODS,
    MSELoss,
    Sequential,
    Tanh,
    Verdict,
    check_gradients,
    dense_layers,
    he,
    optimal_step,
)
from mlp.check.check import analytical_gradients, check_layer
from mlp.check.compare import compare_gradients
from mlp.check.jacobians import jacobian_error
from mlp.nn.problem import Problem
from tests.check.networks import large_problem, random_problem


def faults(seed, problem=random_problem):
    """What a check says against a right network, at the default step, the method's own best one or a random one."""
    rng = np.random.RandomState(seed)
    method = list(METHODS.values())[rng.randint(len(METHODS))]
    eps = (1e-4, float(optimal_step(method, 1.0)), float(10.0 ** rng.uniform(-14, 1)))[rng.randint(3)]
    report = compare_gradients(problem(seed), eps, method)
    wrong = [check.summary for check in report.values() if check.verdict is Verdict.WRONG]
    return [f"{seed} {method.name} {eps:.1e}: {text}" for text in wrong] + [
        f"{seed}: {remark.sentence}" for remark in report.remarks if remark.is_fault
    ]


# The last is the one of 500 that would be called wrong if a backward pass were taken to round nothing.
@pytest.mark.parametrize(
    "seeds", [(*range(50), 472), pytest.param(range(50, 150), marks=pytest.mark.thorough)], ids=("51", "100")
)
def test_none_of_151_networks_is_called_wrong(seeds):
    assert [fault for seed in seeds for fault in faults(seed)] == []


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(0, 10_000, 1_000))
def test_none_of_10000_networks_is_called_wrong(start):
    assert [fault for seed in range(start, start + 1_000) for fault in faults(seed)] == []


# Of the last three one is narrower than a path that would show the noise of float32; one has gradients whose squares
# are 0; and one has a step that a tanh saturates within, so that all smaller ones show nothing but rounding.
def test_none_of_four_large_networks_is_called_wrong():
    assert [fault for seed in (0, 13_829, 1_877, 2_417) for fault in faults(seed, large_problem)] == []


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(0, 20_000, 1_000))
def test_none_of_20000_large_networks_is_called_wrong(start):
    assert [fault for seed in range(start, start + 1_000) for fault in faults(seed, large_problem)] == []


@pytest.mark.one_in(2)
@pytest.mark.parametrize("seed", range(10))
def test_a_right_network_has_no_diagnosis_even_where_the_step_cannot_tell(seed):
    for eps in (1e-14, 1e-4, 10.0):
        assert check_gradients(*random_problem(seed), eps).diagnosis == ()


@pytest.mark.parametrize("eps", [1e-5, 1e-4, 1e-3])
def test_a_usual_network_at_a_usual_step_passes(eps):
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((3, 8, 8, 2), Tanh, rng, he))
    report = check_gradients(network, MSELoss(), rng.standard_normal((5, 3)), rng.standard_normal((5, 2)), eps)
    assert report.verdict is Verdict.CONSISTENT
    assert report.passed
    assert report.diagnosis == ()
    assert "agrees" in report.summary


@pytest.mark.parametrize(
    "check",
    [
        lambda problem: check_gradients(*problem),
        lambda problem: compare_gradients(problem, 1e-4, METHODS["central"]),
        lambda problem: analytical_gradients(*problem),
        lambda problem: check_layer(problem.network, problem.x),
        lambda problem: jacobian_error(problem.network, np.atleast_2d(problem.x)[0]),
        lambda problem: check_gradients(*problem).diagnosis,
    ],
)
def test_a_check_between_forward_and_backward_changes_neither(check):
    network, loss, x, target = random_problem(3)
    loss.forward(network.forward(x), target)
    dy = loss.backward()
    dx = network.backward(dy).copy()
    gradients = {name: gradient.copy() for name, gradient in network.gradients().items()}

    network.forward(x)
    loss.forward(network.apply(x), target)
    check(Problem(network, loss, x + 1, target))
    np.testing.assert_array_equal(loss.backward(), dy)
    for name, gradient in network.gradients().items():  # those of the last backward
        np.testing.assert_array_equal(gradient, gradients[name])
    np.testing.assert_array_equal(network.backward(dy), dx)
    for name, gradient in network.gradients().items():
        np.testing.assert_array_equal(gradient, gradients[name])


def test_nothing_else_is_changed():
    network, loss, x, target = random_problem(4)
    before = {name: value.copy() for name, value in network.parameters().items()}
    kept_x, kept_target = x.copy(), target.copy()
    check_gradients(network, loss, x, target)
    np.testing.assert_array_equal(x, kept_x)
    np.testing.assert_array_equal(target, kept_target)
    for name, value in network.parameters().items():
        np.testing.assert_array_equal(value, before[name])
