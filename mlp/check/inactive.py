"""Entries that have no influence at all, such as the weights of a dead ReLU: known, not guessed from a zero.

A numerical derivative of exactly zero proves little: an influence of 1e-20 is lost in the rounding of the loss too.
A complex step has no such limit, since the imaginary part stands beside the loss and is not added to it. So all
entries in question are moved at once into the imaginary direction, by random amounts; if the imaginary part of the
loss is exactly zero, none of them has any influence. One evaluation answers for a whole tensor.

Code that cannot compute with complex numbers is asked in the same way with a real step, whose answer has that limit.
"""

from collections.abc import Mapping

import numpy as np

from mlp.check.evaluation_point import EvaluationPoint
from mlp.nn.arrays import Array

_STEP = 1e-3


def inactive_entries(point: EvaluationPoint, questions: Mapping[str, Array]) -> dict[str, Array]:
    """Which of the entries in question are without influence.

    Args:
        point: the network.
        questions: for each tensor, whether the entry is asked about.
    """
    asked = {name: mask for name, mask in questions.items() if np.any(mask)}
    if not asked or _are_inactive(point, asked):
        return dict(questions)
    return {
        name: mask & (name in asked and len(asked) > 1 and _are_inactive(point, {name: mask}))
        for name, mask in questions.items()
    }


def _are_inactive(point: EvaluationPoint, masks: Mapping[str, Array]) -> bool:
    try:
        return bool(np.imag(_moved_loss(point, masks, 1j)) == 0)
    except Exception:
        return bool(_moved_loss(point, masks, _STEP) == _moved_loss(point, masks, 0.0))


def _moved_loss(point: EvaluationPoint, masks: Mapping[str, Array], step: complex) -> complex:
    rng, problem = np.random.RandomState(0), point.problem
    for name, mask in masks.items():
        problem = problem.replaced(name, point.tensor(name) + step * mask * rng.standard_normal(mask.shape))
    value = np.asarray(problem.value())
    if np.iscomplexobj(np.asarray(step)) and value.dtype.kind != "c":
        raise TypeError("the function drops the imaginary part")
    return complex(value)
