"""How numbers were written is read off the numbers, and no further than they tell."""

import numpy as np
import pytest

from mlp import MSELoss, Tanh, check_given_gradients
from mlp.check.passes import RemarkKind
from mlp.check.rounding import FLOAT32, FLOAT64, precision

VALUES = np.random.RandomState(0).standard_normal((30, 20))


def as_text(style, factor=1.0):
    return np.array([float(style % value) for value in (factor * VALUES).ravel()])


@pytest.mark.parametrize(
    ("array", "unit", "digits", "decimals"),
    [
        (VALUES, FLOAT64, 0, 0),
        (VALUES.astype(np.float32), FLOAT32, 0, 0),
        (VALUES.astype(np.float32).astype(float), FLOAT32, 0, 0),
        (as_text("%.17g"), FLOAT64, 0, 0),
        (as_text("%.12f", 1e3), FLOAT64, 0, 12),
        (np.zeros(5), FLOAT64, 0, 0),
        (np.full(5, 0.25), FLOAT64, 0, 0),  # short by nature
        (np.array([np.nan, np.inf]), FLOAT64, 0, 0),
    ],
)
def test_what_the_numbers_tell(array, unit, digits, decimals):
    found = precision({"a": array, "zeros": np.zeros(3)})
    assert (found.unit, found.digits, found.decimals) == (unit, digits, decimals)
    assert bool(found.words) == (unit == FLOAT32 or digits + decimals > 0)


@pytest.mark.parametrize("style", ["%.3f", "%.6f", "%.4e", "%.7g", "%.9f"])
@pytest.mark.parametrize("factor", [1.0, 1e-2, 1e3])
def test_the_resolution_covers_what_rounding_did_and_not_much_more(style, factor):
    array = as_text(style, factor)
    resolution = precision({"a": array}).resolution(array)
    moved = np.abs(array - (factor * VALUES).ravel())
    # Both are rounded once more themselves.
    assert np.all(moved <= resolution * (1 + 1e-9) + 1e-15 * np.abs(array))
    # Half a unit of the last digit is taken in proportion to the number, so at most ten times what it is for 1.00.
    assert np.max(resolution) <= 10 * np.max(moved)


@pytest.mark.parametrize(
    ("digits", "decimals", "found"),
    [
        # What can be told of a few numbers: two digits may be chance for six of them, for seven different ones no more.
        (2, 6, (0, 0)),
        (2, 7, (2, 2)),
        (3, 1, (3, 3)),
    ],
)
def test_few_short_numbers_may_be_short_by_nature(digits, decimals, found):
    values = np.array([0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17][:decimals] if digits == 2 else [0.123])
    told = precision({"a": values})
    assert (told.digits, told.decimals) == found


@pytest.mark.parametrize(
    ("digits", "unit", "found"), [(9, FLOAT32, 9), (10, FLOAT64, 10), (15, FLOAT64, 15), (16, FLOAT64, 0)]
)
def test_float32_needs_nine_digits_and_what_needs_more_than_fifteen_is_not_rounded(digits, unit, found):
    values = np.array([float(f"{value:.{digits - 1}e}") for value in 0.1 + np.abs(VALUES).ravel() / 40])
    told = precision({"a": values})
    assert (told.unit, told.digits) == (unit, found)


def test_of_many_numbers_two_thousand_are_looked_at_so_that_one_in_a_hundred_in_full_is_seen():
    many = np.round(np.linspace(1, 9, 20_000), 4)
    assert precision({"a": many}).decimals == 4
    many[5::97] = np.pi
    assert precision({"a": many}) == precision({"a": np.array([np.pi])})


@pytest.mark.parametrize(
    ("written", "kind", "words"),
    [
        (lambda a: a.astype(np.float32), RemarkKind.FLOAT32, "are float32, which carries about 7 digits"),
        (lambda a: np.round(a, 5), RemarkKind.ROUNDED, "are rounded to 4 digits"),
    ],
)
def test_the_note_on_given_gradients_says_how_they_were_written(written, kind, words):
    x, target = np.linspace(-1, 1, 9), np.zeros(9)
    gradient = 2 * np.tanh(x) / np.cosh(x) ** 2 / 9
    report = check_given_gradients(Tanh(), MSELoss(), x, target, {"x": written(gradient)})
    (note,) = report.remarks
    assert (note.kind, note.layer) == (kind, "")
    assert note.sentence == f"The numbers {words}; the error bars allow for that."
