"""Faults that show in the paths by which dy becomes a gradient: unmasked, with another factor or term."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Predict, Prediction
from mlp.check.diagnosis.ingredients import Factor, entry_factors, formed_factors, multiples, output_factors
from mlp.check.diagnosis.isolated_layer import APART, IsolatedLayer
from mlp.check.diagnosis.observations import PLACES
from mlp.check.diagnosis.paths import Paths
from mlp.check.diagnosis.sentences import known_factor
from mlp.nn.arrays import Array


def unmasked(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Right wherever there is a derivative, but with something where it is zero."""
    paths = case.paths.get(tensor)
    if paths is None:
        return
    extra = paths.given & ~paths.there
    if len(paths.said) < 2 or not np.any(extra) or not paths.explained_by(np.where(extra, paths.said, paths.right)):
        return
    if np.all(np.sum(paths.given, axis=1) <= 1) and np.sum(extra) < np.sum(paths.given):
        values = paths.said[extra]
        what = f"{values[0]:.4g} times dy" if np.ptp(values) < 1e-6 * abs(values[0]) else "something"
        words = f"where the derivative is zero it has {what}; a mask is missing, or one of these entries is not zero"
        yield Prediction(paths.gradient(paths.said), words, 1)


class _Model(NamedTuple):
    """A model of A in words, with the number that was fitted."""

    words: str
    number: float
    paths: Array


def _by(models: Callable[[IsolatedLayer, str, Paths, Array], Iterator[_Model]]) -> Predict:
    def predict(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
        paths = case.paths.get(tensor)
        if paths is not None and not np.any(paths.constant):
            for model in models(case, tensor, paths, np.ones(paths.there.shape, dtype=bool)):
                yield Prediction(paths.gradient(model.paths), model.words, 1, (model.number,), model.words)

    return predict


def _factors_wrong(case: IsolatedLayer, tensor: str, paths: Paths, where: Array) -> Iterator[_Model]:
    """Each path is right but for a factor that belongs to its output, or to its entry."""
    for factor in _factors(case, tensor, paths, where, paths.said, paths.right):
        for value, words in (
            (factor.value, "the factor {} is too much, or a division by it is missing"),
            (_inverse(factor.value), "the factor {} is missing"),
        ):
            for model in _fitted(paths, where, paths.said, paths.right * value, 0.0, "{}", ""):
                also = f", and all of it counts {model.number:.4g} times{known_factor(case, model.number)}"
                is_all = abs(model.number - 1) < APART
                yield model._replace(words=words.format(factor.words) + ("" if is_all else also))


def _derivatives_wrong(case: IsolatedLayer, tensor: str, paths: Paths, where: Array) -> Iterator[_Model]:
    """Each path is such a factor, where it should be a derivative."""
    is_right = np.abs(paths.said - paths.right) <= 1e-6 * np.max(np.abs(paths.right))
    if np.all(is_right[paths.given]):  # those that are left out are none
        return
    count = int(np.max(np.sum(paths.given & where, axis=0), initial=0))
    there, given = (np.unique(np.sum(one, axis=1)) for one in (paths.there, paths.given))
    elsewhere = ""
    if len(paths.said) > 1 and np.any(paths.there != paths.given) and len(there) == len(given) == 1:
        same = f"other entries than it should, {given[0]} of them" if given[0] == there[0] else ""
        number = "a single entry" if given[0] == 1 else f"{given[0]} entries"
        elsewhere = f"; each place of dy goes to {same or f'{number}, and should go to {there[0]}'}"
    dy = "dy" if count < 2 or len(paths.said) < 2 else f"the sum of dy over {count} outputs,"
    yield from _fitted(paths, where, paths.said, paths.given * 1.0, 0.0, "it is {}" + elsewhere, dy.removesuffix(","))
    for factor in _factors(case, tensor, paths, where, paths.said, paths.given):
        for value, words in (
            (factor.value, f"it is {dy} times {{}}"),
            (_inverse(factor.value), f"it is {dy} divided by {{}}"),
        ):
            yield from _fitted(paths, where, paths.said, paths.given * value, 0.0, words, factor.words)


def _terms_wrong(case: IsolatedLayer, tensor: str, paths: Paths, where: Array) -> Iterator[_Model]:
    """Each path has a term too much or too little that is such a factor."""
    support, difference = paths.there | paths.given, paths.said - paths.right
    one = Factor("1", np.ones((1, 1)))
    for factor in (one, *_factors(case, tensor, paths, where, difference, support)):
        yield from _fitted(
            paths,
            where,
            difference,
            support * factor.value,
            paths.right,
            "dy times {} is added",
            factor.words,
        )


def _factors(
    case: IsolatedLayer, tensor: str, paths: Paths, where: Array, target: Array, base: Array
) -> Iterator[Factor]:
    """Named arrays of one number for each output, as a column, or for each entry, as a row.

    Only those are given that may do: where the target is the base times any number for each output, or each entry.
    """
    if _is_multiple(paths, where, target, base, 1):
        for factor in output_factors(case):
            if factor.value.size == len(paths.said):
                yield Factor(factor.words, factor.value.reshape(-1, 1))
    if _is_multiple(paths, where, target, base, 0):
        for factor in entry_factors(case, tensor):
            yield Factor(factor.words, factor.value.reshape(1, -1))


def _is_multiple(paths: Paths, where: Array, target: Array, base: Array, axis: int) -> bool:
    """Whether a target is, for each line along an axis, some number times a base."""
    target, base = np.where(where, target, 0), np.where(where, base, 0)
    squares = np.sum(np.square(base), axis=axis, keepdims=True)
    number = np.sum(target * base, axis=axis, keepdims=True) / np.where(squares > 0, squares, 1)
    return paths.explained_by(paths.said - target + number * base, where)


def _inverse(value: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(1 / value)


def _fitted(
    paths: Paths, where: Array, target: Array, term: Array, start: Array | float, words: str, name: str
) -> Iterator[_Model]:
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
        times = "" if abs(size - 1) < APART else f"{size:.4g} times "
        yield _Model(words.format(times + name), number, start + number * term)


def added_without_dy(case: IsolatedLayer, tensor: str, paths: Paths) -> str:
    """What a backward gives without any dy, in words."""
    known = itertools.chain(entry_factors(case, tensor), _arriving(case, tensor))
    return next(multiples(np.asarray(paths.constant), known, 1e-6), "something")


def _arriving(case: IsolatedLayer, tensor: str) -> Iterator[Factor]:
    """The gradients that come of it if what forward computes is taken for a gradient somewhere on the way back."""
    if tape := case.tape:
        for number in reversed([number for number, node in enumerate(tape.nodes) if node.edges]):
            for factor in formed_factors(case, tape.nodes[number].value.shape):
                words = f"what goes back if {factor.words} is the gradient by {tape.nodes[number].site.text}"
                yield Factor(words, tape.from_node(number, factor.value)[tensor])


def without_dy(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Something is added that does not depend on dy; the rest is right, or has a factor too much or too little."""
    paths = case.paths.get(tensor)
    if paths is None or not np.any(paths.constant):
        return
    added = added_without_dy(case, tensor, paths)
    if not np.any(paths.said):
        yield Prediction(paths.gradient(paths.said), f"it is {added}, whatever dy is", 1)
    whole = np.ones(paths.there.shape, dtype=bool)
    if np.linalg.norm(paths.said - paths.right) < 1e-6 * np.linalg.norm(paths.right):
        yield Prediction(paths.gradient(paths.right), f"without any dy, {added} is added", 1)
    for models in (_derivatives_wrong, _factors_wrong, _terms_wrong):
        for model in models(case, tensor, paths, whole):
            words = f"without any dy, {added} is added, and in the rest {model.words}"
            yield Prediction(paths.gradient(model.paths), words, 1, (model.number,), model.words)


PATHS: tuple[Hypothesis, ...] = (
    PLACES,
    Hypothesis(
        "mask missing",
        "{tensor} is right wherever the layer has a derivative that is not zero; {measured}.",
        unmasked,
    ),
    Hypothesis("term without dy", "{tensor} has a term without dy, as of a bracket left out: {measured}.", without_dy),
    Hypothesis("wrong factor", "{tensor} is right but for a factor: {measured}.", _by(_factors_wrong)),
    Hypothesis(
        "wrong derivative",
        "{tensor} has something else where a derivative should stand: {measured}.",
        _by(_derivatives_wrong),
    ),
    Hypothesis("wrong term", "{tensor} is right but for a term: {measured}.", _by(_terms_wrong)),
)
