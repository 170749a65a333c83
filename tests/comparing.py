"""What the tests compare by: how close is close, what stands beside a registered name, and what a sentence is."""

import re
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

Entry = TypeVar("Entry")

# The machine epsilon of float64: the spacing of the numbers just above 1. One rounding is off by at most half of it.
U = float(np.finfo(np.float64).eps)
# The smallest float64 above zero: below the normal numbers, results are rounded to multiples of it.
SMALLEST = float(np.finfo(np.float64).smallest_subnormal)


def assert_close(actual: ArrayLike, expected: ArrayLike, rtol: float, name: str = "array") -> None:
    """Require equal shapes and max |actual - expected| <= rtol max |expected|; NaN never passes."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{name} has shape {actual.shape}, expected {expected.shape}"
    error, scale = np.max(np.abs(actual - expected)), np.max(np.abs(expected))
    assert error <= rtol * scale, f"{name} is off by {error:.3g}, more than {rtol:.3g} of its largest entry {scale:.3g}"


def assert_ulps(actual: ArrayLike, expected: ArrayLike, ulps: float, name: str = "array", atol: float = 0) -> None:
    """Require |actual - expected| <= atol + that many units in the last place of each expected entry; never NaN."""
    actual, expected = np.atleast_1d(actual), np.atleast_1d(expected)
    assert actual.shape == expected.shape, f"{name} has shape {actual.shape}, expected {expected.shape}"
    off = np.abs(actual - expected)
    wrong = ~(off <= atol + ulps * np.spacing(np.abs(expected)))
    assert not wrong.any(), f"{name} is {actual[wrong]} instead of {expected[wrong]}, off by {off[wrong]}"


def counterpart(table: Mapping[str, Entry], name: str, where: str) -> Entry:
    """Look up what a registered name is compared with; registering something new demands an entry here too."""
    assert name in table, f"{name!r} is registered in mlp but has no counterpart in {where}: add it, so it is tested"
    return table[name]


def is_sentence(text: str) -> bool:
    """A capital or a setting's name at the start, one full stop at the end, and short enough to be read."""
    settings = "sizes|eps|seed|batch|activation|loss|initialisation|method|data|optimiser|rate|steps|mini_batch"
    return bool(re.fullmatch(rf"([A-Z]|({settings}) ).{{10,250}}\.", text))
