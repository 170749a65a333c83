"""Terms of dx that go through a sum of dy over one axis, and are wrong or left out."""

import itertools
from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import Factor, batch_places, entry_factors, factors, output_factors
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.diagnosis.paths import Paths
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_LEFT = 1e-4


def _through_sum(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The difference is one number for each line along an axis, summed up from dy, times one for each entry."""
    paths = case.paths[tensor]
    if tensor != INPUT or len(paths.said) < 2 or paths.dy.shape != paths.shape:
        return
    for axis, place in enumerate(batch_places(case, paths.dy.ndim)):
        length = paths.shape[axis]
        if length < 3 or not _is_inside(paths, axis):
            continue
        lines = np.moveaxis(np.arange(paths.right.shape[1]).reshape(paths.shape), axis, -1).reshape(-1, length)
        blocks = (paths.said - paths.right)[lines[:, :, None], lines[:, None, :]]
        u, s, vt = np.linalg.svd(blocks)
        if np.max(s[:, 1]) > _LEFT * np.max(s[:, 0]):
            continue
        model = paths.right.copy()
        model[lines[:, :, None], lines[:, None, :]] += s[:, :1, None] * u[:, :, :1] * vt[:, :1, :]
        weights, times = np.empty(paths.right.shape[1]), np.empty(paths.right.shape[1])
        weights[lines], times[lines] = u[:, :, 0], vt[:, 0, :]
        inner = _along(weights, lines, itertools.chain(factors("y", case.y), output_factors(case))) or "with weights"
        outer = (
            _along(times, lines, itertools.chain(factors("y", case.y), entry_factors(case, tensor)))
            or "times another number"
        )
        words = f"the difference is a sum over the {place}s of dy {inner}, {outer} for each entry"
        yield Prediction(paths.gradient(model), words, 2, (), place + inner + outer)


def _is_inside(paths: Paths, axis: int) -> bool:
    """Whether all that differs is between outputs and entries of the same line along the axis."""
    others = [other for other in range(len(paths.shape)) if other != axis]
    same = np.all(paths.outputs[others][:, :, None] == paths.entries[others][:, None, :], axis=0)
    return paths.explained_by(np.where(same, paths.said, paths.right))


def _along(values: Array, lines: Array, factors: Iterator[Factor]) -> str:
    """The name of an array that is a multiple of these values in every line."""
    ones = Factor("1", np.ones(values.shape))
    for factor in (ones, *factors):
        if factor.value.size == values.size:
            one, other = values[lines], factor.value.reshape(-1)[lines]
            rest = (
                one
                - np.sum(one * other, axis=1, keepdims=True)
                / np.maximum(np.sum(other**2, axis=1, keepdims=True), 1e-300)
                * other
            )
            if np.linalg.norm(rest) < 1e-3 * np.linalg.norm(one):
                return f"times {factor.words}"
    return ""


LINKED: tuple[Hypothesis, ...] = (
    Hypothesis("wrong sum", "{tensor} is right but for one summed term, missing or wrong: {measured}.", _through_sum),
)
