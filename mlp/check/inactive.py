"""Entries that have no influence at all: the weights of a dead ReLU, or a bias before a batch normalisation.

A numerical derivative of exactly zero proves little: an influence of 1e-20 is lost in the rounding of the loss too.
A complex step has no such limit, since the imaginary part stands beside the loss and is not added to it. So all
entries in question are moved at once into the imaginary direction, by random amounts, and so little that no real part
changes. What the imaginary part of the loss then shows is their influence. It is none if that is exactly zero, or
nothing but rounding: an influence is the same number for every tiny step, and rounding is another one for each. A few
evaluations answer for a whole tensor.

Code that cannot compute with complex numbers is asked in the same way with real steps. A small one that changes
nothing, to the last bit, is a dead unit; else even a large one may change no more than rounding does.
"""

from collections.abc import Mapping

import numpy as np

from mlp.check.evaluation_point import EvaluationPoint
from mlp.check.verdict import ROUNDING_FACTOR
from mlp.nn.arrays import Array

# No two are a power of two apart: with such a factor every rounding would be the same.
_TINY = tuple(1e-20 * factor for factor in (1.0, 1.1, 1.3, 1.7, 1.9))
_REAL = (1e-3, 1.0)
_SAME = 1e-3


def inactive_entries(point: EvaluationPoint, questions: Mapping[str, Array], noise: float) -> dict[str, Array]:
    """Which of the entries in question are without influence.

    Args:
        point: the network.
        questions: for each tensor, whether the entry is asked about.
        noise: the rounding error of a value of the loss.
    """
    asked = {name: mask for name, mask in questions.items() if np.any(mask)}
    if not asked or _are_inactive(point, asked, noise):
        return dict(questions)
    return {
        name: mask & (name in asked and len(asked) > 1 and _are_inactive(point, {name: mask}, noise))
        for name, mask in questions.items()
    }


def _are_inactive(point: EvaluationPoint, masks: Mapping[str, Array], noise: float) -> bool:
    slopes: list[float] = []
    for step in _TINY:
        try:
            slopes.append(_moved_loss(point, masks, 1j * step).imag / step)
        except Exception:  # whatever code says that cannot compute with complex numbers
            return _are_inactive_by_real_steps(point, masks, noise)
        if len(slopes) == 2 and np.ptp(slopes) < _SAME * np.max(np.abs(slopes)):
            return False  # the usual case: an influence, seen without rounding to speak of
    return bool(np.ptp(slopes) >= np.max(np.abs(slopes)) / 2)


def _are_inactive_by_real_steps(point: EvaluationPoint, masks: Mapping[str, Array], noise: float) -> bool:
    start = _moved_loss(point, masks, 0.0)
    try:
        small, large = (abs(_moved_loss(point, masks, step) - start) for step in _REAL)
    except Exception:  # so far away there may be no loss, as with the ids of words
        return False
    return small == 0 or max(small, large) <= ROUNDING_FACTOR * noise


def _moved_loss(point: EvaluationPoint, masks: Mapping[str, Array], step: complex) -> complex:
    rng, problem = np.random.RandomState(0), point.problem
    for name, mask in masks.items():
        problem = problem.replaced(name, point.tensor(name) + step * mask * rng.standard_normal(mask.shape))
    value = np.asarray(problem.value())
    if np.iscomplexobj(np.asarray(step)) and value.dtype.kind != "c":
        raise TypeError("the function drops the imaginary part")
    return complex(value)
