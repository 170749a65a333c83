"""Groups of paths, by the place of the output or its distance from the entry, that do not all count once."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import batch_places
from mlp.check.diagnosis.isolated_layer import APART, IsolatedLayer
from mlp.check.diagnosis.paths import Paths
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT


class Grouping(NamedTuple):
    """A way to put the paths into groups.

    Attributes:
        labels: the group of each path, whole numbers.
        called: what some of the groups are called, from their labels and those of all groups.
    """

    labels: Array
    called: Callable[[list[int], list[int]], str]


def by_output(case: IsolatedLayer, paths: Paths) -> Iterator[Grouping]:
    """The groupings by the place of the output along each axis, the samples first."""
    for axis, place in enumerate(batch_places(case, paths.dy.ndim)):
        if paths.dy.shape[axis] > 1:
            labels = np.broadcast_to(paths.outputs[axis][:, None], paths.right.shape)
            yield Grouping(labels, functools.partial(_places, place))


def by_distance(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[Grouping]:
    """The groupings by how far the output is from the entry, along each axis that they share."""
    if tensor == INPUT:
        for axis, place in enumerate(batch_places(case, min(paths.dy.ndim, len(paths.shape)))):
            if paths.dy.shape[axis] == paths.shape[axis] > 1:
                distance = paths.outputs[axis][:, None] - paths.entries[axis][None, :]
                yield Grouping(distance, functools.partial(_distances, place))


def _samples_weighed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Samples that do not all count once."""
    paths = case.paths[tensor]
    if paths.dy.ndim > 1 and len(paths.dy) > 1:
        yield from _reweighted(paths, list(by_output(case, paths))[:1])


def _places_weighed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Other places of dy that do not all count once, or distances between an output and an entry."""
    paths = case.paths[tensor]
    yield from _reweighted(paths, [*by_output(case, paths), *by_distance(case, tensor, paths)])


def _reweighted(paths: Paths, groupings: Sequence[Grouping]) -> Iterator[Prediction]:
    """Every path of a group counts the same number of times, which is not once."""
    for number, grouping in enumerate(groupings):
        labels, index = np.unique(grouping.labels, return_inverse=True)
        index = index.reshape(paths.right.shape)
        size = np.bincount(index.ravel(), np.square(paths.right).ravel(), len(labels))
        product = np.bincount(index.ravel(), (paths.said * paths.right).ravel(), len(labels))
        there = np.sqrt(size) > 1e-6 * np.sqrt(size.max())
        weights = np.where(there, product / np.where(there, size, 1), 1.0)
        model = weights[index] * paths.right
        is_one_factor = np.ptp(weights[there]) <= APART * np.max(np.abs(weights[there]))
        if not is_one_factor and np.sum(paths.there) >= 2 * np.sum(there) and paths.explained_by(model):
            words = "; ".join(_weighed(grouping, labels[there], weights[there]))
            fitted = int(np.sum((np.abs(weights - 1) > APART) & (np.abs(weights) > APART)))
            yield Prediction(paths.gradient(model), words, fitted, (number, *weights.tolist()))


def _weighed(grouping: Grouping, labels: Array, weights: Array) -> Iterator[str]:
    """What is said of the groups with each weight but 1."""
    for weight in np.unique(np.round(weights, 6)):
        if abs(weight - 1) > APART:
            which = grouping.called(labels[np.abs(weights - weight) < APART].tolist(), labels.tolist())
            also = ", with the wrong sign" if abs(weight + 1) < APART else ""
            counts = "is missing" if abs(weight) < APART else f"counts {weight:.4g} times{also}"
            yield f"what comes from {which} {counts}"


def _places(place: str, some: list[int], every: list[int]) -> str:
    """Some places of dy along an axis, as short as that can be told."""
    if len(some) == 1:
        return f"{place} {some[0]} of dy"
    others = [one for one in every if one not in some]
    if len(others) == 1 and len(some) > 2:
        return f"{place}s other than {others[0]} of dy"
    if len(some) > 2 and set(np.diff(some)) == {2}:
        return f"every second {place} ({_brief(some)}) of dy"
    return f"{place}s {_brief(some)} of dy"


def _distances(place: str, some: list[int], every: list[int]) -> str:
    """Outputs by how far they are after an entry along an axis."""
    if some == [0]:
        return f"the outputs at the same {place}"
    for words, kind in (
        ("other", [n for n in every if n]),
        ("later", [n for n in every if n > 0]),
        ("earlier", [n for n in every if n < 0]),
    ):
        if some == kind:
            return f"the outputs at {words} {place}s"
    return f"the outputs {_brief(some)} {place}s later"


def _brief(numbers: list[int]) -> str:
    return ", ".join(str(one) for one in numbers[:8]) + (", ..." if len(numbers) > 8 else "")


SAMPLES = Hypothesis("sample left out", "{tensor} does not add up all samples once: {measured}.", _samples_weighed)

PLACES = Hypothesis(
    "paths left out", "{tensor} does not count everything once that reaches it: {measured}.", _places_weighed
)
