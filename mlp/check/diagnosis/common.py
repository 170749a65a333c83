"""Faults that any gradient can have: zero, sign, factor, transposed, permuted, dy or the right forward ignored."""

from collections.abc import Callable, Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.check.diagnosis.origins import Origin, origins, perhaps
from mlp.check.diagnosis.places import permuted, wrong_in_part, zero_in_part
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_MOST_SAMPLES = 32


def _always(make: Callable[[Array], Array]) -> Callable[[IsolatedLayer, str], Iterator[Prediction]]:
    """A prediction that only needs the right gradient."""

    def predict(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
        yield Prediction(make(case.right(tensor)))

    return predict


def _named_factors(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The factors that may come from somewhere: 2, one half, a number of forward, or what its axes count."""
    known: dict[float, list[Origin]] = {2.0: [], 0.5: []}
    for one in origins(case):
        known.setdefault(one.value, []).append(one)
    for value, same in known.items():
        yield Prediction(value * case.right(tensor), f"the factor is {value:.6g}{perhaps(same)}", values=(value,))


def _transposed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    right = case.right(tensor)
    if right.ndim == 2:
        yield Prediction(right.T)


def _cut_off(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    whole = np.trunc(case.right(tensor))
    if np.any(whole):  # else it is a gradient of zeros
        yield Prediction(whole)


def _dy_ignored(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    if case.role is not Role.LOSS:
        yield Prediction(case.gradient(tensor, dy=np.ones(case.y.shape)))


def _stale(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    yield Prediction(case.gradient(tensor, x=case.other_x))


def _of_samples(is_alone: bool) -> Callable[[IsolatedLayer, str], Iterator[Prediction]]:
    """One sample alone, or all but one."""

    def predict(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
        is_batch = case.y.shape[:1] == (case.samples,) and 1 < case.samples <= _MOST_SAMPLES
        is_batch = is_batch and case.first_axis == "sample"
        for index in range(case.samples) if is_batch and tensor != INPUT and case.role is not Role.LOSS else ():
            is_it = (np.arange(case.samples) == index).reshape(-1, *[1] * (case.y.ndim - 1))
            which = {0: ", the first,", case.samples - 1: ", the last,"}.get(index, "")
            name = f"sample {index} of dy{which}"
            words = f"it is that of {name.rstrip(',')} alone" if is_alone else f"what comes from {name} is missing"
            yield Prediction(case.gradient(tensor, dy=np.asarray(case.dy) * (is_it == is_alone)), words, key=name)

    return predict


FIRST: tuple[Hypothesis, ...] = (
    Hypothesis(
        "zero gradient",
        "{tensor} is all zeros: never filled in, or multiplied by zeros or by a number that is 0, such as 1 // n.",
        _always(np.zeros_like),
    ),
    Hypothesis("sign flipped", "{tensor} has the wrong sign throughout; the size is right.", _always(np.negative)),
)

EXACT: tuple[Hypothesis, ...] = (
    Hypothesis(
        "constant factor",
        "{tensor} is right but for a constant factor; {measured}. Look for a factor left out or put in "
        "twice, or a mean for a sum.",
        _named_factors,
    ),
    Hypothesis(
        "dy ignored",
        "{tensor} does not depend on dy: it comes out as if dy were all ones. The chain rule needs the gradient that "
        "arrives from the layer above.",
        _dy_ignored,
    ),
    Hypothesis(
        "stale cache",
        "{tensor} belongs to an earlier forward pass: backward uses numbers that were kept from another input. Keep "
        "them anew in every forward.",
        _stale,
    ),
    Hypothesis("transposed", "{tensor} is transposed: rows and columns have changed places.", _transposed),
    Hypothesis(
        "integer gradient",
        "{tensor} holds whole numbers: everything behind the point is cut off, as in an array of integers. Make the "
        "array with dtype float.",
        _cut_off,
    ),
    Hypothesis(
        "one sample only",
        "{tensor} leaves out most of the batch: {measured}. Add up over all samples.",
        _of_samples(is_alone=True),
    ),
    Hypothesis(
        "sample left out", "{tensor} does not add up all samples once: {measured}.", _of_samples(is_alone=False)
    ),
)

FITTED: tuple[Hypothesis, ...] = (
    Hypothesis(
        "rows or columns permuted", "{tensor} holds the right numbers in the wrong places: {measured}.", permuted
    ),
    Hypothesis(
        "entry, row or column wrong",
        "{tensor} is right but for one place: {measured}. Look at the ends of a loop or slice.",
        zero_in_part,
    ),
)

IN_PART = Hypothesis(
    "entry, row or column wrong",
    "{tensor} is right but for one place: {measured}. Look at the ends of a loop or slice.",
    wrong_in_part,
)
