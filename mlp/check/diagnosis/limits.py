"""An input that is kept between limits in backward alone: the gradient is wrong beyond them, and right within."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_HALVINGS = 40
Limits = tuple[float, float]


def _kept_within(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Wrong only where x is beyond some limit; where that is, is found by halving."""
    said, right, x = case.said[tensor], case.right(tensor), np.asarray(case.x, dtype=np.float64)
    if tensor != INPUT or said.shape != right.shape or case.seen(right) is not right:
        return
    wrong = ~(np.abs(said - right) <= case.report[tensor].error_bar)
    if np.all(wrong) or not np.any(wrong):
        return
    low, high = float(np.min(x[~wrong])), float(np.max(x[~wrong]))
    below, above = wrong & (x < low), wrong & (x > high)
    if np.array_equal(below | above, wrong):
        low = _limit(case, below, float(np.max(x[below])), low, is_low=True) if np.any(below) else -np.inf
        high = _limit(case, above, float(np.min(x[above])), high, is_low=False) if np.any(above) else np.inf
        yield _within(case, (low, high))


def _limit(case: IsolatedLayer, some: Array, far: float, near: float, is_low: bool) -> float:
    """The limit at which these entries get the gradient that was said; it lies between two numbers."""
    said, right = case.said[INPUT][some], case.right(INPUT)[some]
    for _ in range(_HALVINGS):
        middle = (far + near) / 2
        there = case.gradient(INPUT, x=_cut(case, (middle, np.inf) if is_low else (-np.inf, middle)))[some] - said
        far, near = (middle, near) if np.sum(there * (right - said)) > 0 else (far, middle)
    return near


def _cut(case: IsolatedLayer, limits: Limits) -> Array:
    low, high = limits
    return np.asarray(np.clip(np.asarray(case.x, dtype=np.float64), low, high))


def _within(case: IsolatedLayer, limits: Limits) -> Prediction:
    low, high = limits
    where = f"above {low:.6g}" if np.isinf(high) else f"between {low:.6g} and {high:.6g}"
    where = f"below {high:.6g}" if np.isinf(low) else where
    name = "y" if case.role is Role.LOSS else "x"
    told = f"{name} is kept {where} in backward, as by np.clip, but not in forward"
    some = tuple(limit for limit in limits if np.isfinite(limit))
    return Prediction(case.gradient(INPUT, x=_cut(case, limits)), told, len(some), some, f"{low!r} {high!r}")


def _again(case: IsolatedLayer, _: str, known: Prediction) -> Iterator[Prediction]:
    low, high = map(float, known.key.split())
    yield replace(_within(case, (low, high)), key=known.key)


WITHIN = Hypothesis(
    "clipped", "{tensor} is right for numbers that forward does not have: {measured}.", _kept_within, again=_again
)
