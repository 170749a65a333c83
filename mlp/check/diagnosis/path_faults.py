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
            also = ", with the wrong sign" if abs(weight + 1) < _APART else ""
            counts = "is missing" if abs(weight) < _APART else f"counts {weight:.4g} times{also}"
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


def unmasked(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Right wherever there is a derivative, but with something where it is zero."""
    paths = case.paths[tensor]
    extra = paths.given & ~paths.there
    if len(paths.said) < 2 or not np.any(extra) or not paths.explained_by(np.where(extra, paths.said, paths.right)):
        return
    if np.all(np.sum(paths.given, axis=1) <= 1) and np.sum(extra) < np.sum(paths.given):
        values = paths.said[extra]
        what = f"{values[0]:.4g} times dy" if np.ptp(values) < 1e-6 * abs(values[0]) else "something"
        words = f"where the derivative is zero it has {what}; a mask is missing, or one of these entries is not zero"
        yield Prediction(paths.gradient(paths.said), words, 1)


def without_dy(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Something is added that does not depend on dy; the rest is right, or has a factor too much or too little."""
    paths = case.paths[tensor]
    if not np.any(paths.constant):
        return
    added = next(_constants(case, tensor, np.asarray(paths.constant)), "something")
    whole = np.ones(paths.there.shape, dtype=bool)
    if np.linalg.norm(paths.said - paths.right) < 1e-6 * np.linalg.norm(paths.right):
        yield Prediction(paths.gradient(paths.right), f"without any dy, {added} is added", 1)
    for models in (factors_wrong, derivatives_wrong, terms_wrong):
        for model in models(case, tensor, paths, whole):
            words = f"without any dy, {added} is added, and in the rest {model.words}"
            yield Prediction(paths.gradient(model.paths), words, 1, (model.number,), model.words)


def _constants(case: IsolatedLayer, tensor: str, constant: Array) -> Iterator[str]:
    """Names of multiples of which a constant may be."""
    for factor in entry_factors(case, tensor):
        size = float(np.sum(np.square(factor.value)))
        number = float(np.sum(factor.value * constant)) / size if size > 0 else 0.0
        if np.linalg.norm(constant - number * factor.value) < 1e-6 * np.linalg.norm(constant):
            yield f"{number:.4g} times {factor.words}"


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
        for value, words in ((factor.value, "it is dy times {}"), (_inverse(factor.value), "it is dy divided by {}")):
            yield from _fitted(paths, where, paths.said, paths.given * value, 0.0, words, factor.words)


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
    squares = float(np.sum(np.square(there)))
    number = float(np.sum(target[where] * there)) / squares if squares > 0 else 0.0
    if abs(number) > 1e-9 and paths.explained_by(start + number * term, where):
        is_missing = number < 0 and words.endswith("is added")
        words = words.replace("is added", "is missing, or taken off") if is_missing else words
        size = -number if is_missing else number
        times = "" if abs(size - 1) < _APART else f"{size:.4g} times "
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
    Hypothesis(
        "mask missing",
        "{tensor} is right wherever the layer has a derivative that is not zero; {measured}.",
        unmasked,
    ),
    Hypothesis("term without dy", "{tensor} has a term without dy, as of a bracket left out: {measured}.", without_dy),
    Hypothesis("wrong factor", "{tensor} is right but for a factor: {measured}.", _by(factors_wrong)),
    Hypothesis(
        "wrong derivative",
        "{tensor} has something else where a derivative should stand: {measured}.",
        _by(derivatives_wrong),
    ),
    Hypothesis("wrong term", "{tensor} is right but for a term: {measured}.", _by(terms_wrong)),
    Hypothesis("dy sent elsewhere", "{tensor} has dy in other entries than it should: {measured}.", rerouted),
)
