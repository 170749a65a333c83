"""The rule itself, on numbers made by hand."""

import numpy as np
import pytest

from mlp.check.verdict import Verdict, advice, entry_verdicts, error_bar, overall, tensor_verdict
from mlp.differences.errors import Estimate
from mlp.differences.methods import CENTRAL, COMPLEX_STEP, optimal_step

C, W, U, K = Verdict.CONSISTENT, Verdict.WRONG, Verdict.CANNOT_TELL, Verdict.KINK_CROSSED


@pytest.mark.parametrize(
    ("analytical", "numerical", "bar", "verdict"),
    [
        (1.0, 1.0, 0.0, C),
        (1.0, 1.0 + 1e-9, 2e-9, C),
        (1.0, 1.0 + 1e-9, 0.5e-9, W),
        (1.0, 0.999, 0.2, U),  # agrees, but half of it would agree too
        (0.0, 1e-12, 1e-10, U),
        (0.0, 1e-8, 1e-10, W),
        (0.0, 0.0, 1e-10, U),  # zeros prove nothing by themselves
        (1.0, -1.0, 0.1, W),
        (np.nan, 1.0, 0.1, W),
        (np.inf, 1.0, 0.1, W),
        (np.inf, 1.0, np.inf, W),
        (1.0, np.nan, np.inf, U),
        (np.nan, np.nan, np.inf, U),
        (1.0, 3.0, np.inf, U),
    ],
)
def test_an_entry(analytical, numerical, bar, verdict):
    no = np.array([False])
    found = entry_verdicts(np.array([analytical]), np.array([numerical]), np.array([bar]), no, no)
    assert found.tolist() == [verdict]


def test_an_entry_known_to_be_inactive_is_consistent_if_both_say_zero():
    yes, no = np.array([True]), np.array([False])
    assert entry_verdicts(np.zeros(1), np.zeros(1), np.array([1e-10]), yes, no).tolist() == [C]


def test_a_kink_is_never_wrong():
    yes, no = np.array([True]), np.array([False])
    assert entry_verdicts(np.ones(1), np.zeros(1), np.array([1e-10]), no, yes).tolist() == [K]


def tensor(analytical, numerical, bar):
    analytical, numerical, bar = (np.array(values, dtype=float) for values in (analytical, numerical, bar))
    no = np.zeros(analytical.shape, dtype=bool)
    verdicts = entry_verdicts(analytical, numerical, bar, no, no)
    return tensor_verdict(verdicts, verdicts == U, analytical, numerical, bar)


def test_one_wrong_entry_makes_the_tensor_wrong():
    assert tensor([1, 1, 2], [1, 1, 1], [1e-9] * 3) is W


def test_tiny_entries_that_tell_nothing_do_not_spoil_a_tensor():
    assert tensor([1, 1, 1e-12], [1, 1, 2e-12], [1e-9] * 3) is C


def test_many_entries_that_tell_nothing_do():
    # 100 entries of 0.01 with bars of 0.02 could hide sqrt(100) 0.02 = 0.2, against a gradient of 1.
    assert tensor([1] + [0.01] * 100, [1] + [0.01] * 100, [1e-9] + [0.02] * 100) is U


def test_zeros_against_noise_are_not_consistent():
    assert tensor([0, 0], [1e-13, -1e-13], [1e-12] * 2) is U
    assert tensor([0, 0], [0, 0], [1e-12] * 2) is U


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_a_tensor_of_any_scale(scale):
    assert tensor([scale], [scale], [1e-9 * scale]) is C


def test_a_report_is_as_bad_as_its_worst_tensor():
    assert overall([C, U, W]) is W
    assert overall([C, U]) is U
    assert overall([C, C]) is C


def test_the_bar_adds_the_errors_of_both_sides():
    assert error_bar(np.array([1.0]), np.array([10.0]), np.array([100.0])).tolist() == [2 * 1 + 4 * (10 + 100)]


def test_words():
    assert [verdict.words for verdict in Verdict] == ["consistent", "wrong", "cannot tell", "kink crossed"]


BEST = float(optimal_step(CENTRAL, 1.0))  # 6e-6
NEAR = "A step near 6e-06 is the best for this method; the loss bends too sharply for it here."
LARGE, SMALL = (f"This step is too {size}: 6e-06 would do." for size in ("large", "small"))


def advised(eps, noise=0.0, analytical=(1.0,), numerical=(1.0,), method=CENTRAL, **more):
    nothing = np.zeros(len(numerical))
    return advice(Estimate(np.array(numerical), nothing, nothing, noise), np.array(analytical), eps, method, **more)


@pytest.mark.parametrize(
    ("eps", "sentence"),
    [(BEST / 3.1, SMALL), (BEST / 2.9, NEAR), (BEST, NEAR), (2.9 * BEST, NEAR), (3.1 * BEST, LARGE)],
)
def test_advice_names_the_best_step_unless_this_is_about_it(eps, sentence):
    assert advised(eps) == sentence


def test_advice_names_the_step_that_an_entry_is_known_to_need():
    assert advised(1e-4, narrowest=2e-7) == "The loss bends within this step: 2e-07 would do."
    assert advised(1e-4, narrowest=1e-4) == LARGE


@pytest.mark.parametrize(
    ("gradient", "numerical"),
    [([3.0, -4.0], [3.0, 4.0]), ([0.0, 0.0], [3.0, 4.0]), ([3.0, 4.0, np.nan], [0.0, 0.0, np.inf])],
)
@pytest.mark.parametrize(("part", "lost"), [(0.99, False), (1.01, True)])
def test_a_gradient_is_lost_if_four_roundings_at_the_best_step_fill_a_tenth_of_it(gradient, numerical, part, lost):
    # Of n entries of norm 5, whose roundings e / h add up as sqrt(n); the larger of the two gradients counts.
    n, norm = len(gradient), 5.0
    noise = part * 0.1 * norm * BEST / (4 * np.sqrt(n))
    told = advised(1e-4, noise, gradient, numerical)
    assert told == (
        f"No step of the central method would do: a gradient as small as this one (5e+00) is lost in the rounding of "
        f"the loss ({noise:.0e}). The complex-step method has no such limit."
        if lost
        else LARGE
    )


def test_nothing_is_lost_in_a_complex_step():
    assert advised(1e-3, 1e9, method=COMPLEX_STEP) == "This step is too large: 1e-20 would do."


def test_an_infinite_gradient_is_as_no_gradient_beside_which_nothing_hides():
    # Else a bar of any width would be a small part of it.
    found = tensor_verdict(
        np.array([C, U]), np.array([False, True]), np.array([1.0, 1.0]), np.array([1.0, np.inf]), np.ones(2)
    )
    assert found is U


def test_an_inactive_entry_beyond_its_bar_is_wrong():
    yes, no = np.array([True]), np.array([False])
    assert entry_verdicts(np.ones(1), np.zeros(1), np.array([0.5]), yes, no).tolist() == [W]
