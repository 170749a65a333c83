"""Where a gradient is wrong, and how it depends on dy: by the place of an output, or its distance from the entry.

What holds of all paths of some groups is a hypothesis of its own; else it is told where no hypothesis explains.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import Factor, batch_places, multiples, recorded_factors
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.losses import target_of
from mlp.check.diagnosis.origins import known_factor
from mlp.check.diagnosis.paths import Paths
from mlp.check.diagnosis.places import place_of
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_FEWEST = 3  # weights that are all a multiple of something
_CHANCES = 5_000  # ways to choose as many entries, at least: else some array tells them apart by chance


def what_holds(case: IsolatedLayer, tensor: str) -> list[str]:
    """Sentences without an end, the most telling first."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or tensor not in case.paths or case.seen(right) is not right:
        return []
    paths = case.paths[tensor]
    found = [
        *_right_groups(case, tensor, paths),
        *_in_dy(case, tensor, paths),
    ]
    return [*found, *_where(case, tensor)]


def _where(case: IsolatedLayer, tensor: str) -> Iterator[str]:
    said, right = case.said[tensor], case.right(tensor)
    wrong = ~(np.abs(said - right) <= case.report[tensor].error_bar)
    if np.all(wrong) or not np.any(wrong):
        return
    place, _ = place_of(np.argwhere(wrong), right.shape, right != 0)
    beyond = "" if place else next(_beyond(case, tensor, wrong), "")
    counted = f"{np.sum(wrong)} of {wrong.size} entries are wrong{beyond}"
    yield f"{place} is wrong, all else is right" if place else counted


def _beyond(case: IsolatedLayer, tensor: str, wrong: Array) -> Iterator[str]:
    """In words what tells the wrong entries from the right ones: an array is larger, or smaller, in all of them."""
    arrays: list[tuple[str, Array]] = []
    if tensor == INPUT:
        is_loss = case.role is Role.LOSS
        arrays.append(("y" if is_loss else "x", np.asarray(case.x)))
        arrays.append(("the target", target_of(case)) if is_loss else ("dy", np.asarray(case.dy)))
    arrays += [(one.words, one.value) for one in recorded_factors(case, wrong.shape)]
    is_chance = math.comb(wrong.size, int(np.sum(wrong))) < _CHANCES
    for name, value in arrays if not is_chance else ():
        if value.shape == wrong.shape and np.array_equal(wrong, value > np.max(value[~wrong])):
            yield f", all those where {name} is above {np.max(value[~wrong]):.4g} and no others"
        elif value.shape == wrong.shape and np.array_equal(wrong, value < np.min(value[~wrong])):
            yield f", all those where {name} is below {np.min(value[~wrong]):.4g} and no others"


def _in_dy(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[str]:
    """How the gradient depends on dy."""
    if case.role is Role.LOSS:
        return
    if len(paths.said) > 1:
        yield "without any dy it is not zero" if np.any(paths.constant) else "it is linear in dy"
        return
    said, dy = case.said[tensor].astype(np.float64), np.asarray(case.dy, dtype=np.float64)
    if _is_as(case.said_for(dy).get(tensor), said):
        if case.is_right_for_small_dy(tensor):
            yield "for a dy a few thousand times smaller it is right, so something is clipped where it is large"
        for factor, words in ((0.0, "without any dy"), (2.0, "for twice the dy"), (-1.0, "for -dy")):
            other = case.said_for(factor * dy).get(tensor)
            if other is None or not np.all(np.isfinite(other)):
                return
            times = float(np.sum(other * said) / np.sum(np.square(said)))
            if factor == 0:
                if np.any(other):
                    yield "without any dy it is not zero"
            elif abs(times - factor) > 1e-6:
                is_multiple = _is_as(other, times * said)
                yield (
                    f"{words} it is {times:.4g} times as large, so " if is_multiple else ""
                ) + "it is not linear in dy"
                if not is_multiple and _has_square(case, tensor, dy):
                    yield "a part of it grows with the square of dy, as where a bracket takes in dy that should not"
                return


def _has_square(case: IsolatedLayer, tensor: str, dy: Array) -> bool:
    """Whether it is the sum of a part that is linear in dy and one that grows with its square."""
    none, plus, minus, twice = (np.asarray(case.said_for(factor * dy)[tensor], float) for factor in (0, 1, -1, 2))
    return _is_as(twice - none, 3 * (plus - none) + minus - none)


def _is_as(array: Array | None, expected: Array, left: float = 1e-9) -> bool:
    return array is not None and float(np.linalg.norm(array - expected)) <= left * float(np.linalg.norm(expected))


def _right_groups(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[str]:
    """The places of dy, and distances from it, whose part is right, or missing, or should be none."""
    for grouping in (*by_output(case, paths), *by_distance(case, tensor, paths)):
        labels = np.unique(grouping.labels[paths.there | paths.given]).tolist()
        kinds: dict[str, list[int]] = {}
        for label in labels:
            kinds.setdefault(_kind(paths, grouping.labels == label), []).append(label)
        if len(kinds) > 1:
            yield "; ".join(f"what comes from {grouping.called(some, labels)} {kind}" for kind, some in kinds.items())


def _kind(paths: Paths, where: Array) -> str:
    if _is_right(paths, where):
        return "is right"
    if not np.any(paths.given & where):
        return "is missing"
    weight = paths.weight(where)
    if weight is not None:
        return f"counts {weight:.4g} times"
    return "is wrong" if np.any(paths.there & where) else "should be nothing, and is something"


def _is_right(paths: Paths, where: Array) -> bool:
    """Whether these paths are right, but for the error of a numerical derivative."""
    return bool(np.all(np.abs(paths.said - paths.right)[where] <= 1e-6 * np.max(np.abs(paths.right))))


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
    paths = case.paths.get(tensor)
    if paths is not None and paths.dy.ndim > 1 and len(paths.dy) > 1 and case.first_axis == "sample":
        yield from _reweighted(case, paths, list(by_output(case, paths))[:1])


def _places_weighed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Other places of dy that do not all count once, or distances between an output and an entry."""
    paths = case.paths.get(tensor)
    if paths is not None:
        yield from _reweighted(case, paths, [*by_output(case, paths), *by_distance(case, tensor, paths)])


def _reweighted(case: IsolatedLayer, paths: Paths, groupings: Sequence[Grouping]) -> Iterator[Prediction]:
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
            words = _by_what(case, grouping, labels.tolist(), weights) or "; ".join(
                _weighed(case, grouping, labels[there], weights[there])
            )
            fitted = int(np.sum((np.abs(weights - 1) > APART) & (np.abs(weights) > APART)))
            yield Prediction(paths.gradient(model), words, fitted, (number, *weights.tolist()))


def _by_what(case: IsolatedLayer, grouping: Grouping, labels: list[int], weights: Array) -> str:
    """What is said of weights that are a multiple of something that forward computes, or of one over it; else ""."""
    if len(weights) < _FEWEST or not np.all(weights):
        return ""
    with np.errstate(all="ignore"):
        for shape in ((len(weights),), (len(weights), 1)):
            for one in recorded_factors(case, shape):
                inverse = Factor(f"one over {one.words}", 1 / one.value)
                for found in multiples(weights, iter([one, inverse]), LEFT):
                    return f"what comes from {grouping.called(labels, labels)} has a factor, {found}"
    return ""


def _weighed(case: IsolatedLayer, grouping: Grouping, labels: Array, weights: Array) -> Iterator[str]:
    """What is said of the groups with each weight but 1."""
    every = labels.tolist()
    for weight in np.unique(np.round(weights, 6)):
        if abs(weight - 1) > APART:
            is_it = np.abs(weights - weight) < APART
            some = labels[is_it].tolist()
            which = grouping.called(some, every)
            also = ", with the wrong sign" if abs(weight + 1) < APART else ""
            end = ", the first," if some == every[:1] else ", the last," if some == every[-1:] else ""
            times = f"{weight:.4g} times{known_factor(case, float(weights[is_it][0]))}"
            counts = f"counts {times}{also}" if abs(weight) > APART else "is missing"
            yield f"what comes from {which}{'' if abs(weight) > APART else end} {counts}"


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
    if some[0] > 0 or some[-1] < 0:
        direction, sizes = ("later", some) if some[0] > 0 else ("earlier", [-n for n in reversed(some)])
        return f"the outputs {_brief(sizes)} {place}{'' if sizes == [1] else 's'} {direction}"
    return f"the outputs {_brief(some)} {place}s later (negative: earlier)"


def _brief(numbers: list[int]) -> str:
    return ", ".join(str(one) for one in numbers[:8]) + (", ..." if len(numbers) > 8 else "")


SAMPLES = Hypothesis("sample left out", "{tensor} does not add up all samples once: {measured}.", _samples_weighed)

PLACES = Hypothesis(
    "paths left out", "{tensor} does not count everything once that reaches it: {measured}.", _places_weighed
)
