"""What a report offers beside the verdict: worst entries, counts, ratios, sentences, the fixed rules."""

import numpy as np
import pytest

from mlp import Linear, MSELoss, Sequential, Tanh, Verdict, check_gradients, check_layer, dense_layers, he
from mlp.check.fixed_rules import RULES
from tests.check.networks import Changed


@pytest.fixture
def problem():
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((3, 4, 4, 2), Tanh, rng, he))
    return network, MSELoss(), rng.standard_normal((5, 3)), rng.standard_normal((5, 2))


def off(gradient):
    gradient = gradient.copy()
    gradient[1, 2] *= 1.5
    gradient[0, 1] *= 1.0001
    return gradient


def test_the_worst_entries_come_first(problem):
    network, *rest = problem
    report = check_gradients(Changed(network, "fc2.W", off), *rest)
    check = report["fc2.W"]
    assert report.worst is check
    assert check.worst == (1, 2)
    assert check.worst_entries(2) == [(1, 2), (0, 1)]
    assert check.counts == {
        Verdict.CONSISTENT: check.analytical.size - 2,
        Verdict.WRONG: 2,
        Verdict.CANNOT_TELL: 0,
        Verdict.KINK_CROSSED: 0,
    }
    assert check.summary.startswith(f"fc2.W: 2 of {check.analytical.size} entries are wrong. The worst is [1, 2]")
    np.testing.assert_allclose(check.ratio, check.difference / check.error_bar)
    assert np.all((np.abs(check.ratio) > 1) == (check.verdicts == Verdict.WRONG))


def test_a_missing_gradient_counts_as_infinitely_wrong(problem):
    network, *rest = problem
    check = check_gradients(Changed(network, "fc2.W", lambda gradient: gradient[:1]), *rest)["fc2.W"]
    assert np.all(np.isnan(check.analytical))
    assert np.all(np.isinf(check.ratio))
    assert check.verdict is Verdict.WRONG


def test_check_layer_takes_any_dy(problem):
    *_, x, _ = problem
    layer = Linear(3, 4, np.random.RandomState(2))
    dy = np.random.RandomState(3).standard_normal((5, 4))
    report = check_layer(layer, x, dy)
    assert report.passed
    assert list(report) == ["W", "b", "x"]
    np.testing.assert_allclose(report["b"].analytical, dy.sum(axis=0))
    assert check_layer(layer, x).passed
    with pytest.raises(ValueError, match="dy must have shape"):
        check_layer(layer, x, dy[:2])


def test_the_fixed_rules_err_where_the_verdict_does_not(problem):
    network, loss, x, target = problem

    class Small(MSELoss):
        def apply(self, y, target):
            return 1e-6 * super().apply(y, target)

        def backward(self):
            return 1e-6 * super().backward()

    zeroed = check_gradients(Changed(network, "fc2.W", np.zeros_like), Small(), x, target)["fc2.W"]
    assert zeroed.verdict is Verdict.WRONG
    assert zeroed.judgements["torch.autograd.gradcheck"].accepted  # blind to it, below its absolute tolerance
    assert not zeroed.judgements["CS231n"].accepted
    right = check_gradients(network, loss, x, target, 1e-2)["fc1.W"]
    assert right.verdict is Verdict.CONSISTENT
    assert not right.judgements["np.allclose"].accepted  # fails right code, at a step a little large


@pytest.mark.parametrize(
    ("analytical", "numerical", "allclose", "torch", "cs231n", "words"),
    [
        (1.0, 1.0, True, True, True, "happy"),
        (1.0, 1.00002, False, True, True, "kinks"),
        (1.0, 1.001, False, True, False, "uncomfortable"),
        (1.0, 1.1, False, False, False, "probably wrong"),
        (0.0, 1e-9, True, True, False, "probably wrong"),
        (0.0, 0.0, True, True, True, "happy"),
        (np.nan, 1.0, False, False, False, "probably wrong"),
    ],
)
def test_the_fixed_rules(analytical, numerical, allclose, torch, cs231n, words):
    a, n = np.array([1.0, analytical]), np.array([1.0, numerical])
    readings = {name: rule.judge(a, n) for name, rule in RULES.items()}
    assert [reading.accepted for reading in readings.values()] == [allclose, torch, cs231n]
    assert readings["np.allclose"].accepted == np.allclose(a, n)
    assert words in readings["CS231n"].words


def test_summaries_read_well(problem):
    network, *rest = problem
    report = check_gradients(Changed(network, "fc2.W", np.negative), *rest)
    assert report.summary == report.diagnosis[0].sentence
    lost = check_gradients(network, *rest, eps=1e-16)
    assert lost.verdict is Verdict.CANNOT_TELL
    assert "cannot tell at this step" in lost.summary
    assert "too small: 6e-06 would do" in lost.summary
