"""What a report offers beside the verdict: worst entries, counts, ratios, sentences, the fixed rules."""

from dataclasses import replace

import numpy as np
import pytest

from mlp import (
    METHODS,
    Linear,
    MSELoss,
    Sequential,
    Tanh,
    Verdict,
    check_given_gradients,
    check_gradients,
    check_layer,
    dense_layers,
    he,
)
from mlp.check.fixed_rules import RULES
from mlp.check.kinks import Kink
from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck, agreement, mostly_undecided
from mlp.lab.experiment import Experiment
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


def test_the_worst_tensor_may_be_too_small_as_well_as_too_large():
    large, small = (replace(made([1.0], [1.0 - sign]), name=name) for name, sign in (("a", 1.0), ("b", -2.0)))
    report = GradientReport({"a": large, "b": small}, 1.0, 1e-4, METHODS["central"])
    assert report.worst is small


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
    assert report.loss == np.sum(dy * layer.apply(x))
    assert check_layer(layer, x).passed
    with pytest.raises(ValueError, match="dy must have shape"):
        check_layer(layer, x, dy[:2])


def test_all_given_gradients_that_are_missing_are_named(problem):
    network, loss, x, target = problem
    given = {name: np.zeros(value.shape) for name, value in network.parameters().items()}
    del given["fc1.b"], given["fc3.W"]
    sentence = "^gradients lacks fc1.b, fc3.W; only that of the input, x, may be left out$"
    with pytest.raises(ValueError, match=sentence.replace(".", r"\.")):
        check_given_gradients(network, loss, x, target, given)


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
        # On both sides of each border: 1e-8 + 1e-5 |n|, 1e-5 + 1e-3 |n|, and relative errors of 1e-7, 1e-4, 1e-2.
        (0.0, 0.9e-8, True, True, False, "probably wrong"),
        (0.0, 1.1e-8, False, True, False, "probably wrong"),
        (0.0, 0.9e-5, False, True, False, "probably wrong"),
        (0.0, 1.1e-5, False, False, False, "probably wrong"),
        (100.0, 100 + 0.9e-3, True, True, True, "kinks"),
        (100.0, 100 + 1.1e-3, False, True, True, "kinks"),
        (100.0, 100 + 0.9e-1, False, True, False, "uncomfortable"),
        (100.0, 100 + 1.1e-1, False, False, False, "uncomfortable"),
        (1.0, 1 + 1.8e-7, True, True, True, "happy"),
        (1.0, 1 + 2.2e-7, True, True, True, "kinks"),
        (1.0, 1 + 1.8e-4, False, True, True, "kinks"),
        (1.0, 1 + 2.2e-4, False, True, False, "uncomfortable"),
        (1.0, 1 + 1.9e-2, False, False, False, "uncomfortable"),
        (1.0, 1 + 2.1e-2, False, False, False, "probably wrong"),
        (1.0, 1.00002, False, True, True, "kinks"),
        (1.0010105, 1.0, False, False, False, "uncomfortable"),  # |n| counts: 1e-3 |a| would just allow it
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
    counted = {True: "all entries close", False: "1 of 2 entries differs"}
    assert [readings[name].words for name in ("np.allclose", "torch.autograd.gradcheck")] == [
        counted[allclose],
        counted[torch],
    ]
    with np.errstate(invalid="ignore"):
        check = TensorCheck("W", a, n, *np.zeros((3, 2)), np.zeros(2, bool))
        assert np.all(check.tolerance_used <= 1) == allclose


def test_a_fixed_rule_says_of_one_entry_that_it_is_the_only_one_and_of_several_how_many():
    def said(*analytical):
        return RULES["np.allclose"].judge(np.array(analytical), np.ones(len(analytical))).words

    assert said(1.0) == "the only entry is close"
    assert said(2.0) == "the only entry differs"
    assert said(2.0, 2.0, 1.0) == "2 of 3 entries differ"


def test_summaries_read_well(problem):
    network, *rest = problem
    report = check_gradients(Changed(network, "fc2.W", np.negative), *rest)
    assert report.summary == report.diagnosis[0].sentence
    lost = check_gradients(network, *rest, eps=1e-16)
    assert lost.verdict is Verdict.CANNOT_TELL
    assert "cannot tell at this step" in lost.summary
    assert "too small: 6e-06 would do" in lost.summary


def test_a_step_that_is_too_small_to_tell_of_some_entries_is_told_a_better_one():
    problem = Experiment(eps=1e-12).problem()
    report = check_gradients(*problem, eps=1e-12)
    assert report.verdict is Verdict.CONSISTENT
    assert report.summary.endswith("too small to tell at this step. A larger step tells more: 6e-06 is near the best.")
    better = check_gradients(*problem, eps=6e-6)
    undecided = [sum(check.counts[Verdict.CANNOT_TELL] for check in one.values()) for one in (report, better)]
    assert undecided[1] < undecided[0]
    assert "larger step" not in better.summary
    saturated = Experiment(sizes=(30, 20, 4), seed=2).problem()
    large = check_gradients(*saturated, eps=1e-3)
    assert "too small to tell" in large.summary
    assert "larger step" not in large.summary


def counts(consistent, kinked=0, undecided=0):
    return {
        Verdict.CONSISTENT: consistent,
        Verdict.WRONG: 0,
        Verdict.CANNOT_TELL: undecided,
        Verdict.KINK_CROSSED: kinked,
    }


MIXED = "where differences mix two slopes"


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        (counts(1), "They agree in the only entry, within its error bar"),
        (counts(1234), "They agree in all 1,234 entries, within their error bars"),
        (counts(0, 1), f"No entry contradicts backward: 1 step crosses a kink, {MIXED}"),
        (counts(1, 1), f"They agree in 1 of 2 entries, within its error bar; 1 step crosses a kink, {MIXED}"),
        (
            counts(5, 2, 1),
            f"They agree in 5 of 8 entries, within their error bars; 2 steps cross a kink, {MIXED}; 1 is too small to "
            "tell at this step",
        ),
        (
            counts(5, 0, 2),
            "They agree in 5 of 7 entries, within their error bars; 2 are too small to tell at this step",
        ),
    ],
)
def test_what_agrees_is_counted_in_words(counted, words):
    assert agreement("They agree", counted) == f"{words}."


@pytest.mark.parametrize(("undecided", "most"), [(2, False), (3, True)])
def test_half_of_the_entries_are_not_most_of_them(undecided, most):
    assert mostly_undecided(counts(1, 1, undecided)) == most


def made(analytical, numerical, bar=0.1, kinks=(), advice=""):
    """A check of these numbers, of which the truncation makes the whole bar."""
    analytical = np.array(analytical)
    nothing = np.zeros(analytical.shape)
    inactive = nothing.astype(bool)
    truncation = np.full(analytical.shape, bar / 2)
    return TensorCheck("W", analytical, np.array(numerical), truncation, nothing, nothing, inactive, kinks, advice)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (
            made([[2.0, 3.0]], [[2.0, 1.0]]),
            "W: 1 of 2 entries is wrong. The worst is [0, 1]: backward says 3, the numerical derivative is 1, and no "
            "more than 0.1 of the difference can be the method's error.",
        ),
        (
            made([2.0], [-1.0]),
            "W: the only entry is wrong. The worst is [0]: backward says 2, the numerical derivative is -1, and no "
            "more than 0.1 of the difference can be the method's error.",
        ),
        (
            made([2.0, np.nan, 3.0], [1.0, 7.0, 3.0]),
            "W: 2 of 3 entries are wrong. Backward gave no number at [1], where the numerical derivative is 7.",
        ),
        (
            made([0.1], [0.1], advice="Take another."),
            "W: cannot tell at this step, the error bars are as wide as the gradient. Take another.",
        ),
        (
            made([5.0], [0.5], kinks=(Kink((0,), "act", 0.0, 1.0, False),)),
            "W: cannot tell at this step, which crosses a kink, and what backward says there is none of the slopes "
            "beside it. Take a smaller step, or another input.",
        ),
        (
            made([1.0], [0.5], kinks=(Kink((0,), "act", 0.0, 1.0, True),)),
            f"W: consistent. No entry contradicts backward: 1 step crosses a kink, {MIXED}.",
        ),
        (
            made([2.0, 3.0], [2.0, 3.0]),
            "W: consistent. Both gradients agree in all 2 entries, within their error bars.",
        ),
    ],
)
def test_a_tensor_is_summed_up_in_a_sentence(check, sentence):
    assert check.summary == sentence


def test_the_classical_numbers_are_the_largest_of_their_kind():
    check = made([[1.0, -2.0], [0.0, 4.0]], [[1.5, -2.0], [0.0, 3.0]])
    assert check.max_abs_difference == 1.0
    assert check.max_relative_error == 0.5 / 2.5
    assert check.ratio.tolist() == [[-5.0, 0.0], [0.0, 10.0]]
    excused = made([1.0, 4.0, 1.0], [1.0, 3.0, 1.04], kinks=(Kink((1,), "act", 0.0, 1.0, True),))
    assert excused.worst_entries(3) == [(2,), (0,), (1,)]


@pytest.mark.parametrize(("eps", "is_told"), [(1e-6, True), (3e-6, False), (6e-6, False), (1e-4, False)])
def test_a_larger_step_is_advised_below_a_third_of_the_best_alone(eps, is_told):
    # The best step of central differences, the cube root of 2.2e-16, is 6.1e-6; above it small gradients gain nothing.
    checks = {"W": made([2.0, 2.0, 2.0, 0.01], [2.0, 2.0, 2.0, 0.01])}
    report = GradientReport(checks, loss=1.0, eps=eps, method=METHODS["central"])
    assert report.counts[Verdict.CANNOT_TELL] == 1
    assert ("A larger step tells more: 6e-06 is near the best." in report.summary) == is_told
