"""Gradients with numbers to find: a dy at the output that is made of parts which count other than once.

Gradients are linear in the dy at the output, so all tensors together are equations for the weights of its parts. A fit
says something only if there are more equations than weights; how many there are is told.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.given.gradients import Alternative, Backward, GivenGradients, Setup, backward_of
from mlp.check.diagnosis.given.target import implied_target, order_of_samples
from mlp.check.diagnosis.sentences import counted
from mlp.check.passes import LOSS
from mlp.nn.arrays import Array
from mlp.nn.losses import HuberLoss, MSELoss
from mlp.nn.problem import INPUT

MOST_WEIGHTS = 300
_MOST_SAMPLES = 32
_MOST_CUTS = 150
_FEWEST_LEFT = 4  # equations beyond the weights, at least
_RCOND = 1e-9
_APART = 1e-5


class Fit(NamedTuple):
    """A dy at the output from which gradients come.

    Attributes:
        dy: the dy.
        weights: what was fitted.
        rank: how many numbers that makes.
        equations: how many given numbers they were fitted to.
    """

    dy: Array
    weights: Array
    rank: int
    equations: int


@dataclass(frozen=True)
class Parts:
    """A dy at the output as base + sum of w_k parts_k, and what follows from it for the gradients.

    Attributes:
        given: the gradients.
        backward: the layers, with any dy.
        base: what counts once.
        parts: what counts w_k times.
    """

    given: GivenGradients
    backward: Backward
    base: Array
    parts: Sequence[Array]

    def fits(self) -> Iterator[Fit]:
        """The fit to all gradients, if there is one; else those to all but the gradient of one tensor."""
        names = list(self.given.gradients)
        whole = self.fit(names)
        if whole:
            yield whole
        elif len(names) > 2:
            found = [self.fit([name for name in names if name != left_out]) for left_out in names]
            yield from (one for one in found if one)

    def fit(self, names: Sequence[str]) -> Fit | None:
        """The weights that give the gradients of these tensors; None without equations left over to show it.

        What is wrong in them must be more numbers than are chosen: else the weights describe it, and explain nothing.
        """
        wanted = self.given.vector(self.given.gradients, names) - self.given.vector(self._of_base, names)
        if not 0 < len(self.parts) <= min(MOST_WEIGHTS, wanted.size - _FEWEST_LEFT):
            return None
        columns = np.concatenate([self._columns[name] for name in names])
        told = int(np.sum(np.any(columns != 0, axis=1)))
        weights, _, rank, _ = np.linalg.lstsq(columns, wanted, rcond=_RCOND)
        wrong = sum(self.given.gradients[name].size for name in names if name not in self._agreeing)
        if min(told, wrong) < rank + _FEWEST_LEFT:
            return None
        dy = self.base + np.tensordot(weights, np.stack(self.parts), axes=1)
        if not self.given.agreeing(self.backward.gradients_for(dy)).issuperset(names):
            return None
        return Fit(dy, weights, int(rank), told)

    def untold(self, fit: Fit) -> list[str]:
        """The tensors that some dy fits whatever they hold, though all others hold what they do."""
        names = list(self._columns)
        ranks = {
            name: np.linalg.matrix_rank(np.concatenate([self._columns[other] for other in names if other != name]))
            for name in names
        }
        return [name for name in names if fit.rank - ranks[name] >= len(self._columns[name])]

    @cached_property
    def _agreeing(self) -> frozenset[str]:
        return self.given.agreeing(self.backward.gradients)

    @cached_property
    def _of_base(self) -> dict[str, Array]:
        return self.backward.gradients_for(self.base)

    @cached_property
    def _columns(self) -> dict[str, Array]:
        """What each part makes of the gradient of each tensor, one column a part."""
        columns: dict[str, list[Array]] = {name: [] for name in self.given.gradients}
        for part in self.parts:
            gradients = self.backward.gradients_for(part)
            for name in columns.keys() & gradients.keys():
                columns[name].append(self.given.vector(gradients, [name]))
        return {name: np.stack(found, axis=1) for name, found in columns.items() if found}


class Family(NamedTuple):
    """Parts of a dy that may count other than once.

    Attributes:
        pattern: the name of the fault.
        base: what counts once.
        parts: what counts as often as is to be found.
        words: what the weights mean; "" if they mean nothing that is wrong.
    """

    pattern: str
    base: Array
    parts: Sequence[Array]
    words: Callable[[Array], str]


def output_alternatives(setup: Setup, right: Backward, given: GivenGradients) -> Iterator[Alternative]:
    """What gives another dy at the output: a few weights, one for each sample, or any dy at all, the fewest first."""
    for family in _families(setup, right):
        for fit in Parts(given, right, family.base, family.parts).fits():
            words = family.words(fit.weights)
            if words:
                yield _alternative(family.pattern, f"of another problem: {words}", right, fit)
    if isinstance(setup.loss, MSELoss | HuberLoss):
        yield from _of_another_delta(setup, right, given)
    if right.dy.size <= MOST_WEIGHTS:
        yield from _of_one_sample(right, given)
        parts = Parts(given, right, 0 * right.dy, elements(right.dy))
        for fit in parts.fits():
            yield from _any_dy(setup, right, fit, parts.untold(fit))


def _alternative(pattern: str, words: str, right: Backward, fit: Fit) -> Alternative:
    return Alternative(pattern, LOSS, words, replace(right, dy=fit.dy), fit.dy.size - fit.rank, fit.rank)


def _of_another_delta(setup: Setup, right: Backward, given: GivenGradients) -> Iterator[Alternative]:
    """A loss that is a parabola near 0 and linear beyond, as Huber's is with any delta, by which errors lie beyond."""
    error = right.visits[-1].y - setup.target
    sizes = np.unique(np.abs(error)).tolist()
    for near, beyond in pairwise(sizes if len(sizes) <= _MOST_CUTS else ()):
        parts = [np.where(np.abs(error) <= near, error, 0.0), np.where(np.abs(error) >= beyond, np.sign(error), 0.0)]
        fit = Parts(given, right, 0 * error, parts).fit(list(given.gradients))
        if fit and near <= fit.weights[1] / fit.weights[0] <= beyond:
            delta = f"{fit.weights[1] / fit.weights[0]:.6g}"
            words = (
                f"with a loss whose slope is constant where |y - t| > {delta}, as Huber's or the smooth L1 loss, or "
                f"with a dy that is cut off at {abs(fit.weights[1]):.6g}"
            )
            yield _alternative("another loss", f"of another problem: {words}", right, fit)


def _of_one_sample(right: Backward, given: GivenGradients) -> Iterator[Alternative]:
    for sample in range(len(right.dy)) if right.dy.ndim > 1 and 1 < len(right.dy) <= _MOST_SAMPLES else ():
        parts = np.zeros((right.dy.shape[1], *right.dy.shape))
        parts[:, sample] = np.eye(right.dy.shape[1])
        for fit in Parts(given, right, right.dy, list(parts)).fits():
            is_left_out = np.max(np.abs(fit.dy[sample])) <= _APART * np.max(np.abs(right.dy))
            pattern, what = (
                ("weights of samples", f"with sample {sample} of the batch left out")
                if is_left_out
                else ("one sample differs", f"with another dy for sample {sample} alone, as from another target of it")
            )
            yield _alternative(pattern, f"of another problem: {what}", right, fit)


def _any_dy(setup: Setup, right: Backward, fit: Fit, untold: Sequence[str]) -> Iterator[Alternative]:
    rests = f"{fit.equations} numbers agree on it, {fit.rank} of which it takes to find it"
    if fit.rank == fit.dy.size:
        order = order_of_samples(setup, right, fit.dy)
        if order:  # the same, but for the gradient of the input
            back = np.argsort(order)
            words = f"of another problem: with the samples of the input in the order {back.tolist()} ({rests})"
            backward = backward_of(setup._replace(x=setup.x[back]))
            yield Alternative("another problem", INPUT, words, backward, fit.dy.size // 2, fit.rank)
        target = implied_target(setup, right, fit.dy)
        if target:
            found = _alternative("another target", f"of another problem: {target} ({rests})", right, fit)
            yield found._replace(place="target", left=fit.dy.size // 2)
            return
    but = f"; only of {' and '.join(untold)} it says nothing, since some dy gives whatever they hold" if untold else ""
    words = (
        f"for another dy at the output than {type(setup.loss).__name__} gives ({rests}). So backward through the "
        f"network is right, and the loss's gradient or the target is not{but}"
    )
    found = _alternative("another dy at the output", words, right, fit)
    yield found._replace(
        left=fit.equations - fit.rank, weights=MOST_WEIGHTS + fit.rank
    )  # whatever has a name is better


def _families(setup: Setup, right: Backward) -> Iterator[Family]:
    """The usual ways in which a dy at the output is made of other parts, those with few weights first."""
    dy, t, nothing = right.dy, setup.target, np.zeros(right.dy.shape)
    yield Family("constant factor", nothing, [dy], lambda weights: "with the loss as it is" + and_times(weights[0], dy))
    for words, moved in _other_targets(t):
        part = setup.loss.gradient(right.visits[-1].y, t + moved) - dy
        if np.any(part):
            yield Family("another target", dy, [part], _one(words))
            yield Family("another target", nothing, [dy, part], _with_a_factor(words, dy))
    output = right.visits[-1].y
    both = [setup.loss.gradient(output, t + part) - dy for part in (t, np.ones(t.shape))]
    if all(map(np.any, both)):
        yield Family("another target", dy, both, functools.partial(_affine, np.unique(t)))
    words = "with {:.6g} times y, over its size, added to dy"
    yield Family("term added", dy, [output / output.size], _one(words))
    yield Family("term added", nothing, [dy, output / output.size], _with_a_factor(words, dy))
    for label, kind, told in _groups(t):
        there = [float(value) for value in np.unique(label) if np.any(dy[label == value])]
        # As many weights as dy has entries make any dy, unless they come out as something special.
        is_told = 2 * len(there) <= int(np.count_nonzero(dy))
        if len(there) > 1:
            yield Family(kind, nothing, [np.where(label == value, dy, 0.0) for value in there], told(there, is_told))


def _other_targets(t: Array) -> Iterator[tuple[str, Array]]:
    classes = t.shape[-1]
    yield f"with the target smoothed by {{:.6g}} towards 1 / {classes}", 1 / classes - t
    yield "with the target smoothed by {:.6g} towards 1 / 2", 0.5 - t
    yield "with a target that is larger by {:.6g}", np.ones(t.shape)
    yield "with the target multiplied by 1 + {:.6g}", t


def _affine(values: Array, weights: Array) -> str:
    """The target as a multiple of the right one and a number; of classes also what each of them is then."""
    factor, added = 1 + weights[0], weights[1]
    told = f"with {factor:.6g} t {'-' if added < 0 else '+'} {abs(added):.6g} as the target where t should be"
    if len(values) > 2:
        return told
    classes = (f"{factor * value + added:.6g} where it should be {value:.6g}" for value in values)
    return f"{told}, that is {' and '.join(classes)}"


def _one(words: str) -> Callable[[Array], str]:
    return lambda weights: words.format(weights[0])


def _with_a_factor(words: str, dy: Array) -> Callable[[Array], str]:
    def told(weights: Array) -> str:
        factor, part = weights
        return words.format(part / factor) + and_times(factor, dy) if factor != 0 else ""

    return told


Words = Callable[[Sequence[float], bool], Callable[[Array], str]]


def _groups(t: Array) -> Iterator[tuple[Array, str, Words]]:
    """The entries of dy by what may give them a weight of their own: a label for each, and what the weights mean."""
    values = np.unique(t)
    if len(values) == 2:
        yield t, "weights of classes", _counting("where the target is {:g}")
        if t.ndim > 1 and np.all(np.sum(t == values[1], axis=-1) == 1):
            classes = np.broadcast_to(np.argmax(t, axis=-1)[:, None], t.shape)
            yield classes, "weights of classes", _counting("samples of class {:.0f}")
    outputs = np.broadcast_to(np.arange(t.shape[-1]), t.shape)
    yield outputs, "weights of outputs", _counting("output {:.0f}")
    if t.ndim > 1:
        yield np.broadcast_to(np.arange(len(t))[:, None], t.shape), "weights of samples", _samples


def _counting(what: str) -> Words:
    def words(there: Sequence[float], is_told: bool, weights: Array) -> str:
        if not is_told or np.ptp(weights) <= _APART * np.max(np.abs(weights)):
            return ""
        counts = [f"{what.format(value)}: {weight:.4g}" for value, weight in zip(there, weights, strict=True)]
        return f"with dy times weights, {', '.join(counts)}"

    return lambda there, is_told: lambda weights: words(there, is_told, weights)


def _samples(there: Sequence[float], is_told: bool) -> Callable[[Array], str]:
    def words(weights: Array) -> str:
        missing = np.abs(weights) <= _APART * np.max(np.abs(weights))
        rest = weights[~missing]
        if np.ptp(rest) > _APART * np.max(np.abs(rest)):
            listed = ", ".join(f"{weight:.4g}" for weight in weights[:8])
            more = ", ..." if len(weights) > 8 else ""
            return f"with weights of their own for the samples, {listed}{more}" if is_told else ""
        if not np.any(missing):
            return ""
        often = "" if abs(rest[0] - 1) <= _APART else f", and the others counting {rest[0]:.6g} times"
        left_out = [int(value) for value, is_out in zip(there, missing, strict=True) if is_out]
        return f"with sample{'s' if len(left_out) > 1 else ''} {brief(left_out)} of the batch left out{often}"

    return words


def brief(numbers: Sequence[int]) -> str:
    """A list of numbers, the first eight of them if there are more."""
    shown = ", ".join(str(number) for number in numbers[:8])
    return f"{shown}, ..." if len(numbers) > 8 else shown


def elements(dy: Array) -> list[Array]:
    """One part for each element of a dy."""
    return list(np.eye(dy.size).reshape(-1, *dy.shape))


def and_times(factor: float, dy: Array) -> str:
    """That all gradients have a factor beside, as the end of a sentence about the loss with this dy."""
    outputs = dy.shape[-1]
    return f", and all of it times {factor:.6g}{counted(factor, dy.size // outputs, outputs)}"
