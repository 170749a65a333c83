"""Faults that show in the paths by which dy becomes a gradient: some left out, sent elsewhere, or weighed wrongly."""

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Predict, Prediction
from mlp.check.diagnosis.ingredients import (
    Factor,
    batch_places,
    entry_factors,
    output_factors,
)
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.diagnosis.paths import Paths
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_APART = 1e-3


class Grouping(NamedTuple):
    """A way to put the paths into groups.

    Attributes:
        labels: the group of each path, whole numbers.
        called: what some of the groups are called, from their labels and those of all groups.
    """

    labels: Array
    called: Callable[[list[int], list[int]], str]


def by_output(paths: Paths) -> Iterator[Grouping]:
    """The groupings by the place of the output along each axis, the samples first."""
    for axis, place in enumerate(batch_places(paths.dy.ndim)):
        if paths.dy.shape[axis] > 1:
            labels = np.broadcast_to(paths.outputs[axis][:, None], paths.right.shape)
            yield Grouping(labels, functools.partial(_places, place))


def by_distance(tensor: str, paths: Paths) -> Iterator[Grouping]:
    """The groupings by how far the output is from the entry, along each axis that they share."""
    if tensor == INPUT:
        for axis, place in enumerate(batch_places(min(paths.dy.ndim, len(paths.shape)))):
            if paths.dy.shape[axis] == paths.shape[axis] > 1:
                distance = paths.outputs[axis][:, None] - paths.entries[axis][None, :]
                yield Grouping(distance, functools.partial(_distances, place))


def _samples_weighed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Samples that do not all count once."""
    paths = case.paths[tensor]
    if paths.dy.ndim > 1:
        yield from _reweighted(paths, list(by_output(paths))[:1])


def _places_weighed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Other places of dy that do not all count once, or distances between an output and an entry."""
    paths = case.paths[tensor]
    yield from _reweighted(paths, [*by_output(paths), *by_distance(tensor, paths)])


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
        is_one_factor = np.ptp(weights[there]) < _APART * np.max(np.abs(weights[there]))
        if not is_one_factor and np.sum(paths.there) >= 2 * np.sum(there) and paths.explained_by(model):
            words = "; ".join(_weighed(grouping, labels[there], weights[there]))
            fitted = int(np.sum((np.abs(weights - 1) > _APART) & (np.abs(weights) > _APART)))
            yield Prediction(paths.gradient(model), words, fitted, (number, *weights.tolist()))


def _weighed(grouping: Grouping, labels: Array, weights: Array) -> Iterator[str]:
    """What is said of the groups with each weight but 1."""
    for weight in np.unique(np.round(weights, 6)):
        if abs(weight - 1) > _APART:
            which = grouping.called(labels[np.abs(weights - weight) < _APART].tolist(), labels.tolist())
            yield f"what comes from {which} {'is missing' if abs(weight) < _APART else f'counts {weight:.4g} times'}"


def _places(place: str, some: list[int], every: list[int]) -> str:
    """Some places of dy along an axis, as short as that can be told."""
    if len(some) == 1:
        return f"{place} {some[0]} of dy"
    others = [one for one in every if one not in some]
    if len(others) == 1 and len(some) > 2:
        return f"{place}s other than {others[0]} of dy"
    return f"{place}s {_brief(some)} of dy"


def _distances(place: str, some: list[int], every: list[int]) -> str:
    """Outputs by how far they are after an entry along an axis."""
    if some == [0]:
        return f"outputs at the same {place} as the entry"
    for words, kind in (
        ("another", [n for n in every if n]),
        ("a later", [n for n in every if n > 0]),
        ("an earlier", [n for n in every if n < 0]),
    ):
        if some == kind:
            return f"outputs at {words} {place} than the entry"
    return f"outputs that are {_brief(some)} {place}s after the entry"


def _brief(numbers: list[int]) -> str:
    return ", ".join(str(one) for one in numbers[:8]) + (", ..." if len(numbers) > 8 else "")


def overwritten(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Of the places of dy that reach an entry, only the last one that was written counts, or the first."""
    paths = case.paths.get(tensor)
    if paths is None:
        return
    axes = range(len(paths.dy.shape))
    for number, written in enumerate(one for count in (1, 2, 3) for one in combinations(axes, count)):
        strides = np.zeros(len(paths.dy.shape), dtype=int)
        for axis in written:
            strides[axis] = np.prod([paths.dy.shape[later] for later in written if later > axis], dtype=int)
        order = (strides @ paths.outputs)[:, None]
        for last in (True, False):
            rank = order if last else -order
            top = np.max(np.where(paths.there, rank, rank.min() - 1), axis=0)
            model = np.where(rank == top, paths.right, 0.0)
            if paths.explained_by(model):
                words = f"only the {'last' if last else 'first'} one that reaches an entry is kept"
                yield Prediction(paths.gradient(model), words, 0, (number, last))
                return


def rerouted(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The dy of an output handed to other entries than those it depends on."""
    paths = case.paths.get(tensor)
    if paths is None or tensor != INPUT or not np.any(paths.given & ~paths.there):
        return
    counts = [np.sum(which, axis=1) for which in (paths.given, paths.there)]
    if any(np.ptp(count) for count in counts) or np.any(counts[0] == 0):
        return
    given, right = (int(count[0]) for count in counts)
    if given > 64 or any(_varied(values, which) for values, which in ((paths.said, paths.given),)):
        return
    values = paths.said[paths.given]
    words = (
        f"the dy of each output goes to {given} {'entry' if given == 1 else 'entries'}, times {values[0]:.4g}, where "
        f"it depends on {right}; {_shared(paths)}"
    )
    yield Prediction(paths.gradient(paths.said), words, 2, (given, right, float(values[0])))


def _varied(values: Array, which: Array) -> bool:
    there = values[which]
    return bool(np.ptp(there) > 1e-6 * np.max(np.abs(there)))


def _shared(paths: Paths) -> str:
    both = np.sum(paths.given & paths.there, axis=1)
    if not np.any(both):
        return "none of them is the right one"
    return "the right ones are among them" if np.all(both == np.sum(paths.there, axis=1)) else "some are right"


class Model(NamedTuple):
    """A model of A in words, with the number that was fitted."""

    words: str
    number: float
    paths: Array


def _by(models: Callable[[IsolatedLayer, str, Paths, Array], Iterator[Model]]) -> Predict:
    def predict(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
        paths = case.paths.get(tensor)
        if paths is not None:
            for model in models(case, tensor, paths, np.ones(paths.there.shape, dtype=bool)):
                yield Prediction(paths.gradient(model.paths), model.words, 1, (model.number,), model.words)

    return predict


def factors_wrong(case: IsolatedLayer, tensor: str, paths: Paths, where: Array) -> Iterator[Model]:
    """Each path is right but for a factor that belongs to its output, or to its entry."""
    for factor in _factors(case, tensor, paths):
        for value, words in (
            (factor.value, "the factor {} is too much"),
            (_inverse(factor.value), "the factor {} is missing"),
        ):
            yield from _fitted(paths, where, paths.said, paths.right * value, 0.0, words, factor.words)


def derivatives_wrong(case: IsolatedLayer, tensor: str, paths: Paths, where: Array) -> Iterator[Model]:
    """Each path is such a factor, where it should be a derivative."""
    for factor in _factors(case, tensor, paths):
        yield from _fitted(paths, where, paths.said, paths.there * factor.value, 0.0, "it is dy times {}", factor.words)


def terms_wrong(case: IsolatedLayer, tensor: str, paths: Paths, where: Array) -> Iterator[Model]:
    """Each path has a term too much or too little that is such a factor."""
    support = paths.there | paths.given
    for factor in (Factor("1", np.ones((1, 1))), *_factors(case, tensor, paths)):
        yield from _fitted(
            paths,
            where,
            paths.said - paths.right,
            support * factor.value,
            paths.right,
            "dy times {} is added",
            factor.words,
        )


def _factors(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[Factor]:
    """Named arrays of one number for each output, as a column, or for each entry, as a row."""
    for factor in output_factors(case):
        if factor.value.size == len(paths.said):
            yield Factor(factor.words, factor.value.reshape(-1, 1))
    for factor in entry_factors(case, tensor):
        yield Factor(factor.words, factor.value.reshape(1, -1))


def _inverse(value: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(1 / value)


def _fitted(
    paths: Paths, where: Array, target: Array, term: Array, start: Array | float, words: str, name: str
) -> Iterator[Model]:
    """The model start + c * term, for the c that fits best, if it explains what is said at these paths."""
    if not np.all(np.isfinite(term)):
        return
    there = term[where]
    size = float(np.sum(np.square(there)))
    number = float(np.sum(target[where] * there)) / size if size > 0 else 0.0
    if abs(number) > 1e-9 and paths.explained_by(start + number * term, where):
        times = "" if abs(number - 1) < _APART else f"{number:.4g} times "
        yield Model(words.format(times + name), number, start + number * term)


SAMPLES = Hypothesis("sample left out", "{tensor} does not add up all samples once: {measured}.", _samples_weighed)

PATHS: tuple[Hypothesis, ...] = (
    Hypothesis(
        "paths left out",
        "{tensor} does not count everything once that reaches it: {measured}.",
        _places_weighed,
    ),
    Hypothesis(
        "overwritten",
        "{tensor} is overwritten where it should be added up: {measured}. Several outputs depend on the same entry, so "
        "their parts add up: write +=, or np.add.at where indices repeat.",
        overwritten,
    ),
    Hypothesis("wrong factor", "{tensor} is right but for a factor: {measured}.", _by(factors_wrong)),
    Hypothesis(
        "wrong derivative",
        "{tensor} has something else where a derivative should stand: {measured}.",
        _by(derivatives_wrong),
    ),
    Hypothesis("wrong term", "{tensor} is right but for a term: {measured}.", _by(terms_wrong)),
    Hypothesis("dy sent elsewhere", "{tensor} has dy in other entries than it should: {measured}.", rerouted),
)
