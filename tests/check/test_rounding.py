"""How numbers were written is read off the numbers, and no further than they tell."""

import numpy as np
import pytest

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
