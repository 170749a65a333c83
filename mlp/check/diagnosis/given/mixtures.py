"""Two faults in one tensor: its gradient as a sum of a few known arrays, each with a factor that is found."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from mlp.check.diagnosis.given.factors import factor_words
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_FEWEST_LEFT = 1  # numbers beyond the factors, at least
_NEAR = 1e-6
_FITS = 1e-5
_MOST_DIGITS = 6


def _mixed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    said, known = case.said[tensor], _known(case, tensor)
    for count in (1, 2, 3):
        for names in combinations(known, count):
            if "right" not in names and "its transpose" not in names:
                continue
            columns = np.stack([case.seen(known[name]).ravel() for name in names], axis=1)
            factors, _, rank, _ = np.linalg.lstsq(columns, said.ravel(), rcond=_NEAR)
            if rank == count and said.size >= count + _FEWEST_LEFT and np.all(np.abs(factors) > _NEAR):
                if np.max(np.abs(columns @ factors - said.ravel())) > _FITS * np.max(np.abs(said)):
                    continue
                mixture = sum(factor * known[name] for factor, name in zip(factors, names, strict=True))
                yield Prediction(np.asarray(mixture), _words(case, names, factors), count)


def _known(case: IsolatedLayer, tensor: str) -> dict[str, Array]:
    """The arrays that a gradient may be made of, by what they are called."""
    right = case.right(tensor)
    known = {"right": right}
    if right.ndim == 2 and right.shape[0] == right.shape[1]:
        known["its transpose"] = right.T
    value = case.x if tensor == INPUT else case.function.parameters()[tensor]
    what = "the input" if tensor == INPUT else "the parameter"
    return known | {f"{what} itself": value, f"the signs of {what}": np.sign(value)}


def _words(case: IsolatedLayer, names: tuple[str, ...], factors: Array) -> str:
    first, *more = [_times(case, factor, name) for factor, name in zip(factors, names, strict=True)]
    return f"it is {first}" + "".join(f", with {one} added, as by a penalty" for one in more)


def _times(case: IsolatedLayer, factor: float, name: str) -> str:
    what = "what is right" if name == "right" else name
    if abs(factor - 1) < _NEAR:
        return what
    if abs(factor + 1) < _NEAR:
        return f"{what} with the wrong sign"
    return f"{factor_words(factor, case.samples, case.y.shape[-1])} times {what}"


def _few_digits(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The right gradient with the significant digits that are left."""
    for digits in range(1, _MOST_DIGITS + 1):
        rounded = [float(f"{value:.{digits - 1}e}") for value in case.right(tensor).ravel().tolist()]
        yield Prediction(np.reshape(rounded, case.right(tensor).shape), f"{digits} significant digits")


FEW_DIGITS = Hypothesis("few digits", "{tensor} is right but rounded to {measured}.", _few_digits)
MIXED = Hypothesis("two faults in one gradient", "{tensor} has two faults: {measured}.", _mixed)
