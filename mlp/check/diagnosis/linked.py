"""Terms of dx that go through a matrix, or through a sum of dy over one axis, and are wrong or left out."""

import itertools
from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import Factor, batch_places, entry_factors, factors, multiples, output_factors
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.diagnosis.paths import Paths
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_LEFT = 1e-4


def _through_matrix(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The difference is a multiple of a matrix that links features to features, one for each output or entry."""
    paths = case.paths[tensor]
    if tensor != INPUT or len(paths.said) < 2:
        return
    difference = paths.said - paths.right
    for name, link in _links(case, paths):
        for axis, which, named in ((1, "output", output_factors(case)), (0, "entry", entry_factors(case, tensor))):
            squares = np.sum(np.square(link), axis=axis, keepdims=True)
            multiple = np.sum(difference * link, axis=axis, keepdims=True) / np.where(squares > 0, squares, 1)
            model = paths.right + multiple * link
            if np.min(np.sum(link != 0, axis=axis)) >= 3 and paths.explained_by(model):
                called = next(multiples(multiple, named, 1e-3), f"a number of its own for each {which}")
                words = f"the difference is the term through {name}, dy times {name} times {called}"
                yield Prediction(paths.gradient(model), words, 2, (), name + which)


def _links(case: IsolatedLayer, paths: Paths) -> Iterator[tuple[str, Array]]:
    """What each matrix, or its square, links of the same sample and step: for each output a number for each entry."""
    if paths.dy.shape[:-1] != paths.shape[:-1]:
        return
    same = np.all(paths.outputs[:-1, :, None] == paths.entries[:-1, None, :], axis=0)
    to, of = paths.outputs[-1][:, None], paths.entries[-1][None, :]
    for name, value in case.function.parameters().items():
        for W in (np.asarray(value), np.asarray(value).T) if np.ndim(value) == 2 else ():
            if W.shape == (paths.dy.shape[-1], paths.shape[-1]):
                yield name, same * W[to, of]
                yield f"{name}^2", same * np.square(W)[to, of]


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
    Hypothesis("wrong path", "{tensor} is right but for one term, missing or wrong: {measured}.", _through_matrix),
    Hypothesis("wrong sum", "{tensor} is right but for one summed term, missing or wrong: {measured}.", _through_sum),
)
