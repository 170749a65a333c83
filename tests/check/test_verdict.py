"""The rule itself, on numbers made by hand."""

import numpy as np
import pytest

from mlp.check.verdict import Verdict, entry_verdicts, error_bar, overall, tensor_verdict

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
