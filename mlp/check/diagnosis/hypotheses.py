"""A hypothesis says which wrong gradient a certain fault would give; it is believed if it explains what backward said.

Let a be what backward said, n what is right and w what the hypothesis predicts. The hypothesis explains a if w leaves
at most a thousandth of the difference |a - n| (root sum of squares), or nothing beyond the numerical error of w.
Predictions with fewer fitted numbers are preferred, then those earlier in the table: an exact match with a formula is
no coincidence when dy is random, while some factor fits anything that has a single entry.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlp.check.diagnosis.case import Case
from mlp.nn.arrays import Array

_LEFT = 1e-3


@dataclass(frozen=True)
class Prediction:
    """A wrong gradient that a fault would give.

    Attributes:
        gradient: the prediction, of any shape.
        measured: the measured value in words, such as "the factor is 2"; "" if there is none.
        fitted: how many numbers were chosen to fit.
    """

    gradient: Array
    measured: str = ""
    fitted: int = 0


Predict = Callable[[Case, str], Iterator[Prediction]]


@dataclass(frozen=True)
class Hypothesis:
    """One entry of a table of faults.

    Attributes:
        pattern: its name.
        tensors: the tensors it can show in: "W", "b", "x" as roles; empty for all.
        predict: the wrong gradients that it would give for a case and a tensor.
        sentence: what has happened, said of {tensor}; {measured} is filled in too.
    """

    pattern: str
    sentence: str
    predict: Predict
    tensors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """A hypothesis that explains what backward said, and how well.

    Attributes:
        hypothesis: the hypothesis.
        prediction: its prediction.
        left: the part of the difference that it leaves unexplained.
        slack: the part of the difference that lies within the numerical error.
    """

    hypothesis: Hypothesis
    prediction: Prediction
    left: float
    slack: float


def explain(hypothesis: Hypothesis, case: Case, tensor: str) -> Explanation | None:
    """The best of a hypothesis's predictions, or None if none explains what backward said."""
    found = [_explanation(hypothesis, case, tensor, prediction) for prediction in hypothesis.predict(case, tensor)]
    return min((one for one in found if one), key=lambda one: one.left, default=None)


def _explanation(hypothesis: Hypothesis, case: Case, tensor: str, prediction: Prediction) -> Explanation | None:
    said, right = case.said[tensor].astype(np.float64), case.right(tensor)
    expected = np.asarray(prediction.gradient)
    if expected.shape != said.shape or not np.all(np.isfinite(expected)):
        return None
    size = max(_norm(said), _norm(expected))
    # Of another shape, all of it is wrong.
    difference = _norm(said - right) if said.shape == right.shape else size
    bar = case.report[tensor].error_bar
    slack = _norm(np.where(np.isfinite(bar), bar, 0)) * max(1.0, size / (_norm(right) or 1.0)) + 1e-9 * size
    residual = _norm(said - expected)
    if not np.isfinite(residual) or difference == 0 or residual > max(_LEFT * difference, min(slack, difference / 10)):
        return None
    return Explanation(hypothesis, prediction, residual / difference, slack / difference)


def _norm(array: Array) -> float:
    return float(np.sqrt(np.sum(np.square(array))))
