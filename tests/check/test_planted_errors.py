"""What a check must notice, and what it must not claim to know."""

from functools import cache

import numpy as np
import pytest

from mlp import METHODS, ReLU, Sequential, Tanh, Verdict, check_gradients, check_layer, dense_layers, he, optimal_step
from mlp.check.compare import compare_gradients
from mlp.nn.losses import MSELoss
from mlp.nn.problem import Problem
from tests.check.networks import Changed, random_problem

SEEDS = range(30)


@cache
def picked(seed, method="central"):
    """A problem, the report on it at the method's best step, and one of its tensors."""
    problem = random_problem(seed)
    eps = float(optimal_step(method, 1.0))
    report = compare_gradients(problem, eps, METHODS[method])
    name = list(report)[np.random.RandomState(seed).randint(len(report))]
    return problem, eps, report, name


@pytest.mark.one_in(2)
@pytest.mark.parametrize("method", METHODS)
def test_a_single_entry_off_by_1e_6_is_wrong_wherever_it_can_be_resolved(method):
    planted = 0
    for seed in SEEDS[:10]:
        (network, loss, x, target), eps, report, name = picked(seed, method)
        check = report[name]
        # Resolvable: half of the planted error does not fit into the bar, so the whole of it sticks out.
        resolvable = np.argwhere(check.error_bar < 0.5e-6 * np.abs(check.analytical))
        if len(resolvable) == 0:
            continue
        index = tuple(resolvable[len(resolvable) // 2])

        def off(gradient, index=index):
            gradient = gradient.copy()
            gradient[index] *= 1 + 1e-6
            return gradient

        changed = compare_gradients(Problem(Changed(network, name, off), loss, x, target), eps, METHODS[method])
        assert changed[name].verdicts[index] == Verdict.WRONG
        assert np.sum(changed[name].verdicts == Verdict.WRONG) == 1
        planted += 1
    assert planted >= 2  # forward and backward differences resolve 1e-6 rarely, the others nearly always


def test_most_entries_can_be_resolved_to_1e_6_by_central_differences():
    shares = []
    for seed in SEEDS:
        *_, report, _ = picked(seed)
        for check in report.values():
            alive = check.analytical != 0
            shares += (check.error_bar < 1e-6 * np.abs(check.analytical))[alive].tolist()
    assert np.mean(shares) > 0.75


@pytest.mark.one_in(3)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_all_zero_gradient_is_never_consistent(seed):
    (network, loss, x, target), eps, report, name = picked(seed)
    zeroed = compare_gradients(Problem(Changed(network, name, np.zeros_like), loss, x, target), eps, METHODS["central"])
    if np.any(report[name].analytical):
        assert zeroed[name].verdict is not Verdict.CONSISTENT
    else:  # a dead layer, where zero is the truth
        assert zeroed[name].verdict is Verdict.CONSISTENT


def test_a_gradient_lost_in_rounding_is_not_consistent_when_it_is_zeroed():
    # Six saturated layers: the first one's gradient is about 1e-17, and all the numerical ones are exactly zero.
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((2, 3, 3, 3, 3, 2), rng=rng))
    for parameter in network.parameters().values():
        parameter[...] = 20 * parameter
    x, target = rng.standard_normal(2), rng.standard_normal(2)
    assert 0 < np.max(np.abs(check_gradients(network, MSELoss(), x, target)["fc1.W"].analytical)) < 1e-14
    zeroed = check_gradients(Changed(network, "fc1.W", np.zeros_like), MSELoss(), x, target)
    assert zeroed["fc1.W"].verdict is Verdict.CANNOT_TELL
    assert "complex-step" in zeroed["fc1.W"].advice
    by_complex_step = check_gradients(
        Changed(network, "fc1.W", np.zeros_like), MSELoss(), x, target, 1e-20, "complex-step"
    )
    assert by_complex_step["fc1.W"].verdict is Verdict.WRONG


def test_a_dead_layer_is_consistent():
    rng = np.random.RandomState(1)
    network = Sequential(**dense_layers((3, 4, 4, 2), ReLU, rng, he))
    network.fc2.b[:] = -100
    x, target = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    for method in METHODS:
        report = check_gradients(network, MSELoss(), x, target, 1e-4, method)
        assert not np.any(report["fc1.W"].analytical)
        assert report["fc1.W"].verdict is Verdict.CONSISTENT
        assert np.all(report["fc1.W"].inactive)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("method", [name for name in METHODS if name != "complex-step"])
@pytest.mark.parametrize(("eps", "size"), [(1e-17, "small"), (1e-13, "small"), (20.0, "large"), (1e200, "large")])
def test_a_step_that_is_far_off_cannot_tell_and_says_which_step_would(method, eps, size):
    rng = np.random.RandomState(5)
    network = Sequential(**dense_layers((3, 6, 6, 2), rng=rng, initialisation=he))
    x, target = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    report = check_gradients(network, MSELoss(), x, target, eps, method)
    assert report.verdict is Verdict.CANNOT_TELL
    assert not report.passed
    advice = next(check.advice for check in report.values() if check.verdict is Verdict.CANNOT_TELL)
    assert f"too {size}: {optimal_step(method, 1.0):.0e} would do" in advice
    recommended = check_gradients(network, MSELoss(), x, target, float(f"{optimal_step(method, 1.0):.0e}"), method)
    assert recommended.verdict is Verdict.CONSISTENT


@pytest.mark.parametrize("factor", [1e-12, 1.0, 1e12])
def test_the_verdict_does_not_depend_on_the_scale_of_the_loss(factor):
    network, loss, x, target = random_problem(17)
    loss.factor = factor
    right = check_gradients(network, loss, x, target)
    assert right.passed
    for change in (np.zeros_like, np.negative, lambda gradient: 1.001 * gradient):
        wrong = check_gradients(Changed(network, "fc1.W", change), loss, x, target)
        assert wrong["fc1.W"].verdict is Verdict.WRONG


def test_a_gradient_that_jumps_about_is_never_consistent():
    class Jumping(Tanh):
        def forward(self, x):
            self.jumps = np.sign(np.sin(1e9 * x))
            return super().forward(x)

        def backward(self, dy):
            return super().backward(dy) * (1 + 0.5 * self.jumps)

    # Each entry is half as large again as it should be, or half as large, and at the next input the other way round.
    verdicts = check_layer(Jumping(), np.random.RandomState(0).standard_normal(20))["x"].verdicts
    assert not np.any(verdicts == Verdict.CONSISTENT)
