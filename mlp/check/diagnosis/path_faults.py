"""Faults that show in the paths by which dy becomes a gradient: unmasked, with another factor or term."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Predict, Prediction
from mlp.check.diagnosis.ingredients import (
    Factor,
    entry_factors,
    formed_factors,
    multiples,
    output_factors,
    recorded_numbers,
)
from mlp.check.diagnosis.isolated_layer import APART, IsolatedLayer, Role
from mlp.check.diagnosis.observations import PLACES
from mlp.check.diagnosis.origins import known_factor
from mlp.check.diagnosis.paths import Paths
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


def overwritten(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Each entry gets only what comes from one of the outputs that it belongs to."""
    paths = case.paths.get(tensor)
    if paths is None or len(paths.said) < 2 or np.any(paths.constant):
        return
    order = np.arange(len(paths.said))[:, None]
    for which, chosen in (
        ("last", np.max(np.where(paths.there, order, -1), axis=0)),
        ("first", np.min(np.where(paths.there, order, order.size), axis=0)),
    ):
        model = np.where(order == chosen, paths.right, 0.0)
        if paths.explained_by(model):
            words = f"each entry gets only what comes from the {which} output that it belongs to"
            yield Prediction(paths.gradient(model), words, key=words)


def out_of_step(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Each entry has its derivatives, but with dy at a place some steps before or after their own."""
    paths = case.paths.get(tensor)
    if paths is None or len(paths.said) < 2 or np.any(paths.constant):
        return
    said, right = (array.T.reshape(-1, *paths.dy.shape) for array in (paths.said, paths.right))
    for axis in range(1, paths.dy.ndim):
        every = (_step(*pair, axis) for pair in zip(said, right, strict=True))
        steps = [step for step in itertools.takewhile(lambda one: one is not None, every) if step is not None]
        apart = sorted({step for step in steps if step}, key=abs)
        if apart and len(steps) == len(said):
            words = " or ".join(
                f"{abs(step)} place{'s' * (abs(step) > 1)} too {'late' if step > 0 else 'early'}" for step in apart
            )
            also = "" if 0 not in steps else f", for {len(steps) - steps.count(0)} of {len(steps)} entries"
            yield Prediction(
                paths.gradient(paths.said), f"dy is taken {words} along axis {axis}{also}", values=tuple(apart)
            )


def _step(said: Array, right: Array, axis: int) -> int | None:
    """By how many places along an axis an array is another one, moved, with zeros for what comes in; None if it is not.

    The least of them.
    """
    size, bar = said.shape[axis], 1e-6 * float(np.max(np.abs(right), initial=0.0))
    said, right = (np.moveaxis(array, axis, 0) for array in (said, right))
    for step in sorted(range(1 - size, size), key=abs):
        moved = np.zeros_like(right)
        moved[max(step, 0) : size + step] = right[max(-step, 0) : size - step]
        if np.max(np.abs(said - moved)) <= bar and (not step or np.any(moved)):
            return step
    return None


class _Model(NamedTuple):
    """A model of A in words, with the number that was fitted."""

    words: str
    number: float
    paths: Array


def _by(models: Callable[[IsolatedLayer, str, Paths], Iterator[_Model]], fitted: bool) -> Predict:
    """The hypothesis that one of some models is what is said; a number of 1 is none, unless all are fitted."""

    def predict(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
        paths = case.paths.get(tensor)
        if paths is not None and not np.any(paths.constant):
            for model in models(case, tensor, paths):
                count = int(fitted or abs(model.number - 1) > APART)
                yield Prediction(paths.gradient(model.paths), model.words, count, (model.number,), model.words)

    return predict


def _factors_wrong(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[_Model]:
    """Each path is right but for a factor that belongs to its output, or to its entry."""
    for factor in _factors(case, tensor, paths, paths.right):
        # Where outputs are handed on, such as to the next step, only what dy itself brings to them shows.
        is_own = case.role is Role.OTHER and factor.value.shape[1] == 1
        where = ", where each place of dy comes in" if is_own else ""
        for value, words in (
            (factor.value, f"the factor {factor.words} is too much{where}, or a division by it is missing"),
            (_inverse(factor.value), f"the factor {factor.words} is missing{where}, or a division by it is too much"),
        ):
            for number, model in _fitted(paths, paths.right * value):
                also = f", and all of it counts {number:.4g} times{known_factor(case, number)}"
                yield _Model(words + ("" if abs(number - 1) < APART else also), number, model)


def _derivatives_wrong(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[_Model]:
    """Each path is such a factor, where it should be a derivative."""
    is_right = np.abs(paths.said - paths.right) <= 1e-6 * np.max(np.abs(paths.right))
    if np.all(is_right[paths.given]):  # those that are left out are none
        return
    counts = np.unique([count for count in np.sum(paths.given, axis=0) if count])
    least, count = int(counts[0]), int(counts[-1])
    there, given = (np.unique(np.sum(one, axis=1)) for one in (paths.there, paths.given))
    elsewhere = ""
    if len(paths.said) > 1 and np.any(paths.there != paths.given) and len(there) == len(given) == 1:
        same = f"other entries than it should, {given[0]} of them" if given[0] == there[0] else ""
        several = "a single entry" if given[0] == 1 else f"{given[0]} entries"
        elsewhere = f"; each place of dy goes to {same or f'{several}, and should go to {there[0]}'}"
    several = f"{least} to {count}" if least < count else f"{count}"
    dy = "dy" if count < 2 or len(paths.said) < 2 else f"the sum over {several} outputs of dy"
    known = [(np.ones((1, 1)), "it is {}" + dy + elsewhere)]
    for factor in _factors(case, tensor, paths, paths.given):
        known.append((factor.value, f"it is {dy} times {{}}{factor.words}"))
        known.append((_inverse(factor.value), f"it is {dy} divided by {{}}{factor.words}"))
    for value, words in known:
        for number, model in _fitted(paths, paths.given * value):
            yield _Model(words.replace("{}", "" if abs(number - 1) < APART else f"{number:.4g} times "), number, model)


def _factors(case: IsolatedLayer, tensor: str, paths: Paths, base: Array) -> Iterator[Factor]:
    """Named arrays of one number for each output, as a column, or for each entry, as a row.

    Only those are given that may do: where what is said is the base times any number for each output, or each entry.
    """
    if _is_multiple(paths, base, 1):
        for factor in output_factors(case):
            if factor.value.size == len(paths.said):
                yield Factor(factor.words, factor.value.reshape(-1, 1))
    if _is_multiple(paths, base, None):
        for factor in recorded_numbers(case):
            yield Factor(factor.words, factor.value.reshape(1, 1))
    if _is_multiple(paths, base, 0):
        for factor in entry_factors(case, tensor):
            yield Factor(factor.words, factor.value.reshape(1, -1))


def _is_multiple(paths: Paths, base: Array, axis: int | None) -> bool:
    """Whether what is said is, for each line along an axis, or in all, some number times a base."""
    squares = np.sum(np.square(base), axis=axis, keepdims=True)
    number = np.sum(paths.said * base, axis=axis, keepdims=True) / np.where(squares > 0, squares, 1)
    return paths.explained_by(number * base)


def _inverse(value: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(1 / value)


def _fitted(paths: Paths, term: Array) -> Iterator[tuple[float, Array]]:
    """The multiple of a term that fits best, if it explains what is said."""
    squares = float(np.sum(np.square(term)))
    if np.isfinite(squares) and squares > 0:
        number = float(np.sum(paths.said * term)) / squares
        if abs(number) > 1e-9 and paths.explained_by(number * term):
            yield number, number * term


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
    if np.linalg.norm(paths.said - paths.right) < 1e-6 * np.linalg.norm(paths.right):
        yield Prediction(paths.gradient(paths.right), f"without any dy, {added} is added", 1)
    for models in (_derivatives_wrong, _factors_wrong):
        for model in models(case, tensor, paths):
            words = f"without any dy, {added} is added, and in the rest {model.words}"
            yield Prediction(paths.gradient(model.paths), words, 1, (model.number,), model.words)


PATHS: tuple[Hypothesis, ...] = (
    PLACES,
    Hypothesis(
        "mask missing",
        "{tensor} is right wherever the layer has a derivative that is not zero; {measured}.",
        unmasked,
    ),
    Hypothesis(
        "term without dy",
        "{tensor} has a term without dy, as of a bracket left out, or of a term that lacks its dy, or a sum of it: "
        "{measured}.",
        without_dy,
    ),
    Hypothesis("overwritten", "{tensor} is overwritten where it should be added up: {measured}.", overwritten),
    Hypothesis("out of step", "{tensor} pairs dy with what belongs to another place: {measured}.", out_of_step),
    Hypothesis("wrong factor", "{tensor} is right but for a factor: {measured}.", _by(_factors_wrong, fitted=False)),
    Hypothesis(
        "wrong derivative",
        "{tensor} has something else where a derivative should stand: {measured}.",
        _by(_derivatives_wrong, fitted=True),
    ),
)
