"""How finely numbers from elsewhere are written: as float64, as float32, or with a few decimal digits.

A gradient that was computed in single precision, or printed with six digits, is not wrong for that. How it was written
can be read off the numbers: a float32 comes back unchanged from a conversion to float32, and a rounded decimal from
rounding it once more. Among numbers of full precision the chance of that is 2^-29, or 10^-7 and less, for each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mlp.nn.arrays import Array

FLOAT64 = float(np.finfo(np.float64).eps)
FLOAT32 = float(np.finfo(np.float32).eps)
# With fewer digits than these, a few numbers may be short by nature, such as 1 or 0.25; many different ones are not.
_FEWEST_DIGITS, _A_FEW = 3, 6
# A number of float64 can need 17 digits, and one with no more than 15 is rounded; float32 needs up to 9.
_MOST, _SINGLE = 15, 9
_LOOKED_AT = 2_000


@dataclass(frozen=True)
class Precision:
    """How finely numbers are written.

    Attributes:
        unit: the machine epsilon of the arithmetic that they may come from.
        digits: the significant digits to which they are rounded, 0 if they are not.
        decimals: the digits behind the point to which they are rounded, 0 if they are not.
    """

    unit: float = FLOAT64
    digits: int = 0
    decimals: int = 0

    def resolution(self, array: Array) -> Array:
        """How far rounding may have moved each number: half a unit of its last digit."""
        significant = 0.5 * 10.0 ** (1 - self.digits) * np.abs(array) if self.digits else np.zeros(array.shape)
        return np.maximum(significant, 0.5 * 10.0**-self.decimals if self.decimals else 0.0)

    @property
    def words(self) -> str:
        """What the error bars allow for, in a sentence; "" for float64."""
        if self.digits or self.decimals:
            return f"The numbers are rounded to {self.digits or self.decimals} digits; the error bars allow for that."
        if self.unit > FLOAT64:
            return "The numbers are float32, which carries about 7 digits; the error bars allow for that."
        return ""


def precision(arrays: Mapping[str, Array]) -> Precision:
    """How finely all of these arrays together are written; zeros tell nothing."""
    values = np.concatenate([np.ravel(array) for array in arrays.values()] or [np.zeros(0)]).astype(np.float64)
    values = values[(values != 0) & np.isfinite(values)]
    looked_at = values[:: max(1, values.size // _LOOKED_AT)].tolist()
    digits = _fewest(looked_at, lambda value, count: float(f"{value:.{count - 1}e}"))
    if 0 < digits < _FEWEST_DIGITS and len(set(looked_at)) <= _A_FEW:
        return Precision()
    with np.errstate(over="ignore"):
        if np.array_equal(values.astype(np.float32), values):
            return Precision(unit=FLOAT32)
    # Six digits behind the point and six in all bind numbers of different size: where both fit, both are allowed for.
    decimals = _fewest(looked_at, round)
    is_single = 0 < digits <= _SINGLE or 0 < decimals <= _SINGLE
    return Precision(FLOAT32 if is_single else FLOAT64, digits, decimals)


def _fewest(values: list[float], rounded: Callable[[float, int], float]) -> int:
    """The fewest digits to which every value can be rounded and stays itself, 0 if there are too many for that."""
    count = 1
    for value in values:
        while rounded(value, count) != value:
            count += 1
            if count > _MOST:
                return 0
    return count
