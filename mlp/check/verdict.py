"""The one rule by which an entry, a tensor and a report are called consistent, wrong, or not to be told.

Let a be the analytical and n the numerical derivative of one entry. If backward is right, they differ because

- n has a truncation error, measured as T (see `mlp.differences.errors`), because the step is not zero;
- n has a round-off error of root mean square R, because the loss is rounded;
- a has a rounding error of root mean square A, because backward is rounded too (see `mlp.check.rounding`).

    |a - n| <= bar = 2 T + 4 (R + A)

The 2: T is itself an estimate, exact to first order only. The 4: R and A are root mean squares of sums of many small
independent errors, and both are taken to be as large as arithmetic allows (a relative error of u each time, where
rounding to nearest commits 0.3 u on average), so that 4 of them are in truth more than 10 standard deviations.

An entry is
- WRONG if |a - n| > bar: no error of the method explains the difference;
- CANNOT_TELL if it is within the bar, but bar > max(|a|, |n|) / 10: then even a derivative of half the size, of the
  wrong sign or of zero could lie within the bar, so that agreement means nothing;
- CONSISTENT otherwise, or if the entry is known to have no influence at all (a dead ReLU) and both are exactly zero;
- KINK_CROSSED if its step carried some unit across a corner of its activation or loss, where n mixes two slopes.
  Such an entry is never called wrong.

A tensor is WRONG if an entry is. Otherwise it follows from what the entries that tell nothing could hide together: it
is CANNOT_TELL if the root sum of squares of their bars exceeds a tenth of the root sum of squares of the tensor's
gradient. So a few tiny entries do not spoil the answer for a tensor, while a gradient of nothing but zeros, where
the truth cannot be resolved, is not called consistent.

A report is WRONG if a tensor is, else CANNOT_TELL if one is, else CONSISTENT.
"""

from collections.abc import Iterable
from enum import IntEnum

import numpy as np

from mlp.differences.errors import Estimate
from mlp.differences.methods import Method, optimal_step
from mlp.nn.arrays import Array

TRUNCATION_FACTOR = 2.0
ROUNDING_FACTOR = 4.0
GROSS = 0.1


class Verdict(IntEnum):
    """What is said of an entry, a tensor or a report; the numbers stand in arrays of verdicts."""

    CONSISTENT = 0
    WRONG = 1
    CANNOT_TELL = 2
    KINK_CROSSED = 3

    @property
    def words(self) -> str:
        """The verdict as people read it: "cannot tell"."""
        return self.name.lower().replace("_", " ")


def error_bar(truncation: Array, roundoff: Array, rounding: Array) -> Array:
    """The largest |a - n| that the errors of both sides explain: 2 T + 4 (R + A)."""
    return TRUNCATION_FACTOR * truncation + ROUNDING_FACTOR * (roundoff + rounding)


def entry_verdicts(analytical: Array, numerical: Array, bar: Array, inactive: Array, kinked: Array) -> Array:
    """The verdict of every entry, as an array of small integers.

    Args:
        analytical: the gradient by backward, which may hold NaN.
        numerical: the gradient by differences, which may too.
        bar: the error bars, infinite where the numerical gradient says nothing.
        inactive: whether the entry is known to have no influence on the loss.
        kinked: whether its step crossed a kink.
    """
    size = np.maximum(np.abs(analytical), np.abs(numerical))
    within = (np.abs(analytical - numerical) <= bar) & np.isfinite(analytical)
    told = (bar <= GROSS * size) | inactive
    verdicts = np.where(told, Verdict.CONSISTENT, Verdict.CANNOT_TELL)
    # A gradient that is not a number is wrong; a numerical one that is not says nothing.
    verdicts[~within & np.isfinite(numerical)] = Verdict.WRONG
    verdicts[~np.isfinite(numerical)] = Verdict.CANNOT_TELL
    verdicts[kinked] = Verdict.KINK_CROSSED
    return verdicts.astype(np.int8)


def tensor_verdict(verdicts: Array, undecided: Array, analytical: Array, numerical: Array, bar: Array) -> Verdict:
    """The verdict of a tensor.

    Args:
        verdicts: those of its entries.
        undecided: the entries that tell nothing: those of which it cannot be told, or that a kink leaves open.
        analytical: as in `entry_verdicts`.
        numerical: likewise.
        bar: likewise.
    """
    if np.any(verdicts == Verdict.WRONG):
        return Verdict.WRONG
    size = np.nan_to_num(np.fmax(np.abs(analytical), np.abs(numerical)), posinf=0.0)
    scale = float(np.max(size)) or 1.0  # so that no square overflows or vanishes
    with np.errstate(over="ignore"):
        hidden = float(np.linalg.norm(bar[undecided] / scale))
    return Verdict.CONSISTENT if hidden <= GROSS * float(np.linalg.norm(size / scale)) else Verdict.CANNOT_TELL


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a report from those of its tensors."""
    found = set(verdicts)
    order = (Verdict.WRONG, Verdict.CANNOT_TELL)
    return next((verdict for verdict in order if verdict in found), Verdict.CONSISTENT)


def advice(estimate: Estimate, analytical: Array, eps: float, method: Method, narrowest: float = np.inf) -> str:
    """The sentence for one tensor whose error bars are too wide at this step.

    `narrowest` is a smaller step that some entry is known to need.
    """
    if narrowest < eps:
        return f"The loss bends within this step: {narrowest:.0e} would do."
    best = float(optimal_step(method, 1.0))
    larger = np.fmax(np.abs(analytical), np.abs(estimate.value))
    gradient = float(np.linalg.norm(larger[np.isfinite(larger)]))
    expected = ROUNDING_FACTOR * _roundoff(estimate, best, method) * np.sqrt(analytical.size)
    if not method.is_complex and not (expected <= GROSS * gradient):
        return (
            f"No step of the {method.name} method would do: a gradient as small as this one ({gradient:.0e}) "
            f"is lost in the rounding of the loss ({estimate.noise:.0e}). The complex-step method has no such limit."
        )
    if best / 3 <= eps <= 3 * best:
        return f"A step near {best:.0e} is the best for this method; the loss bends too sharply for it here."
    return f"This step is too {'large' if eps > best else 'small'}: {best:.0e} would do."


def _roundoff(estimate: Estimate, step: float, method: Method) -> float:
    """The round-off to expect at another step."""
    return 0.0 if method.is_complex else estimate.noise * sum(abs(weight) for weight in method.weights) / step
