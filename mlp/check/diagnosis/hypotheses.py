"""A hypothesis says which wrong gradient a certain fault would give; it is believed if it explains what backward said.

Let a be what backward said, n what is right and w what the hypothesis predicts. The hypothesis explains a if w leaves
at most a thousandth of the difference |a - n| (root sum of squares), or nothing beyond the numerical error of w.
Predictions with fewer fitted numbers are preferred, then those earlier in the table: an exact match with a formula is
no coincidence when dy is random, while some factor fits anything that has a single entry. And it has to hold on other
inputs too, with the same factor.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.attempts import attempted
from mlp.check.diagnosis.isolated_layer import LEFT, IsolatedLayer, Role
from mlp.check.verdict import Verdict
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_LEFT = 1e-3


@dataclass(frozen=True)
class Prediction:
    """A wrong gradient that a fault would give.

    Attributes:
        gradient: the prediction, of any shape.
        measured: the measured value in words, such as "the factor is 2"; "" if there is none.
        fitted: how many numbers were chosen to fit.
        values: those of them that must come out the same for any input, such as a factor.
        key: which of a hypothesis's predictions it is; for another input it must be the same.
        rival: another account of the same numbers, of the same fault; "" if there is none.
        is_computed: whether it is computed what the fault would give; else it is what was said, and the fault shows in
            what is said of other numbers.
    """

    gradient: Array
    measured: str = ""
    fitted: int = 0
    values: tuple[float, ...] = ()
    key: str = ""
    rival: str = ""
    is_computed: bool = True


Predict = Callable[[IsolatedLayer, str], Iterator[Prediction]]
Again = Callable[[IsolatedLayer, str, Prediction], Iterator[Prediction]]


@dataclass(frozen=True)
class Hypothesis:
    """One entry of a table of faults.

    Attributes:
        pattern: its name.
        tensors: the tensors it can show in: "W", "b", "x" as roles; empty for all.
        predict: the wrong gradients that it would give for a case and a tensor.
        sentence: what has happened, said of {tensor}; {measured} is filled in too.
        again: the prediction that it makes for another input in the place of one; None if all are made anew.
    """

    pattern: str
    sentence: str
    predict: Predict
    tensors: tuple[str, ...] = ()
    again: Again | None = None

    def is_about(self, case: IsolatedLayer, tensor: str) -> bool:
        """Whether it can show in this tensor."""
        roles = {case.weight: "W", case.bias: "b", INPUT: "x"} if case.role is Role.LINEAR else {}
        return not self.tensors or roles.get(tensor, tensor) in self.tensors


@dataclass(frozen=True)
class Explanation:
    """A hypothesis that explains what backward said, and how well.

    Attributes:
        hypothesis: the hypothesis.
        prediction: its prediction.
        left: the part of the difference that it leaves unexplained.
    """

    hypothesis: Hypothesis
    prediction: Prediction
    left: float


def explain(
    hypothesis: Hypothesis, case: IsolatedLayer, tensor: str, known: Prediction | None = None
) -> list[Explanation]:
    """The predictions of a hypothesis that explain what backward said, those with the fewest fitted numbers first.

    Args:
        hypothesis: what may be wrong.
        case: the layer.
        tensor: whose gradient is to be explained.
        known: the prediction for another input, if only the same one is asked for.

    Where somebody's code cannot be run as a hypothesis would have it, such as on changed ids of words, that one has no
    further predictions.
    """
    found: list[Explanation | None] = []
    with attempted():
        again = hypothesis.again if known else None
        for prediction in again(case, tensor, known) if again and known else hypothesis.predict(case, tensor):
            found.append(_explanation(hypothesis, case, tensor, prediction))
    return sorted((one for one in found if one), key=lambda one: (one.prediction.fitted, one.left > LEFT))


def holds(explanation: Explanation, other: IsolatedLayer, tensor: str) -> bool:
    """Whether an explanation found on one input also holds on another, where the tensor is wrong at all."""
    if tensor not in other.said or other.report[tensor].verdict is not Verdict.WRONG:
        return True
    found = explain(explanation.hypothesis, other, tensor, explanation.prediction)
    return any(is_same(one.prediction, explanation.prediction) for one in found)


def is_same(one: Prediction, other: Prediction) -> bool:
    """Whether two predictions for different inputs are of one kind and have the same values."""
    return (
        one.key == other.key
        and len(one.values) == len(other.values)
        and bool(np.allclose(one.values, other.values, rtol=1e-3))
    )


class _Said(NamedTuple):
    """What backward said of a tensor, where a numerical derivative is a measure of it.

    Attributes:
        said: what was said, as far as it counts.
        keep: which entries that are; None for all.
        difference: how far it is from what is right.
        bar: the error bars of that.
        size: the size of what is right.
        worst: the entry that is furthest from it.
    """

    said: Array
    keep: Array | None
    difference: float
    bar: float
    size: float
    worst: int


def _said(case: IsolatedLayer, tensor: str) -> _Said:
    said, right, check = case.said[tensor].astype(np.float64), case.seen(case.right(tensor)), case.report[tensor]
    if said.shape != right.shape:  # all of it is wrong
        return _Said(said, None, _norm(said), 0.0, _norm(right), int(np.argmax(np.abs(said))))
    keep = np.asarray(check.verdicts != Verdict.KINK_CROSSED)
    bar = np.where(np.isfinite(check.error_bar), check.error_bar, 0)[keep]
    apart = np.abs(said - right)[keep]
    worst = int(np.argmax(apart)) if apart.size else 0
    return _Said(said[keep], keep, _norm(apart), _norm(bar), _norm(right[keep]), worst)


def _explanation(
    hypothesis: Hypothesis, case: IsolatedLayer, tensor: str, prediction: Prediction
) -> Explanation | None:
    given, expected = case.once(_said, tensor), np.asarray(prediction.gradient)
    if expected.shape == case.right(tensor).shape:
        expected = case.seen(expected)
    if expected.shape != case.said[tensor].shape:
        return None
    said, expected = given.said, expected if given.keep is None else expected[given.keep]
    # Most are none, and there are thousands: one entry shows it.
    if not said.size or abs(said.item(given.worst) - expected.item(given.worst)) > given.difference / 10:
        return None
    residual, difference = _norm(said - expected), given.difference
    if not residual <= difference / 10:
        return None
    size = max(_norm(said), _norm(expected))
    slack = given.bar * max(1.0, size / (given.size or 1.0)) + 1e-9 * size
    near = min(_LEFT * difference, _norm(said) / 10)  # nothing is no explanation of something small
    if not difference > 0 or not residual <= max(near, min(slack, difference / 10)):
        return None
    return Explanation(hypothesis, prediction, residual / difference)


def _norm(array: Array) -> float:
    return float(np.sqrt(np.sum(np.square(array))))
