"""One operation goes back with another array than its own, or with another gradient."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from mlp.check.diagnosis.way_back.steps import pulled
from mlp.check.diagnosis.way_back.ways import Way, Wrong, aligned, called, goal_of, neighbours
from mlp.check.tape.operations import unbroadcast
from mlp.check.tape.sites import Site
from mlp.check.tape.tape import Change, Rule, Tape
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_MOST_OTHERS = 80
_MOST_PAIRS = 400
_SAME = 1e-9
TERM = "one term alone"
NOT_TRANSPOSED = "not transposed"


def another_array(tape: Tape, way: Way, is_stretched: bool = False) -> Iterator[Wrong]:
    """The derivative is computed from another array than it should be: one of forward's.

    Args:
        tape: of forward.
        way: the operation and its operand.
        is_stretched: whether the other arrays are those that have to be stretched to the shape.
    """
    if any(edge.with_used is None for edge in way.edges):
        return
    name = called(tape, way.site, way.numbers[-1], way.edges[0].using)
    shapes, count = [np.asarray(edge.used).shape for edge in way.edges], 0
    for words, arrays in _others(tape, way):
        others = _stretched(arrays, shapes) if is_stretched else arrays
        is_told = words == "1" and way.site.operation == "multiply"  # as a factor that is missing
        if is_told or [other.shape for other in others] != shapes or count >= _MOST_OTHERS:
            continue
        count += 1
        used = [np.asarray(edge.used) for edge in way.edges]
        is_later = len(used) > 1 and all(map(np.array_equal, used[1:], others[:-1]))
        later = ", which is the same one step later," if is_later else ""
        yield Wrong(
            "another array",
            f"{words}{later} stands where {name} should, on the way back {way.words}".replace(",,", ",")
            if words != "1"
            else f"the factor made of {name} is missing, with 1 in its place, on the way back {way.words}",
            with_arrays(way, others),
        )


def not_transposed(tape: Tape, way: Way) -> Iterator[Wrong]:
    """What a matrix product goes back with is the square matrix itself, and not its transpose."""
    used = [np.asarray(edge.used) for edge in way.edges if edge.with_used and edge.factor is None]
    is_square = all(one.ndim > 1 and one.shape[-1] == one.shape[-2] > 1 for one in used)
    if len(used) == len(way.edges) and is_square:
        name = called(tape, way.site, way.numbers[-1], way.edges[0].using)
        words = f"{name} is not transposed, on the way back {way.words}"
        yield Wrong(NOT_TRANSPOSED, words, with_arrays(way, [one.swapaxes(-1, -2) for one in used]))


def out_of_sum(tape: Tape, way: Way) -> Iterator[Wrong]:
    """What goes back to an operand that was stretched is a sum, and an array is missing in it, or stands outside."""
    wholes = [edge.factor for edge in way.edges if edge.factor is not None]
    shapes = [tape.nodes[edge.parent].value.shape for edge in way.edges]
    if len(wholes) < len(shapes) or all(whole.shape == shape for whole, shape in zip(wholes, shapes, strict=True)):
        return
    for words, arrays in recorded_arrays(tape).items():
        others = aligned(arrays, len(wholes))
        if [other.shape for other in others] != [whole.shape for whole in wholes] or not all(map(np.all, others)):
            continue
        rests = [whole / other for whole, other in zip(wholes, others, strict=True)]
        for made, told in (
            ([np.ones(())] * len(rests), f"the factor {words} is missing in the sum that goes back {way.words}"),
            (others, f"the factor {words} stands outside of the sum that goes back {way.words}, and not in it"),
        ):
            each = zip(way.numbers, rests, made, shapes, strict=True)
            rules = {(number, way.operand): _summed(rest, out, shape) for number, rest, out, shape in each}
            yield Wrong("derivative missing", told, Change(rules))


def hidden_factor(tape: Tape, way: Way) -> Iterator[Wrong]:
    """A derivative lacks an array, of which what it is computed from is a multiple along some axis."""
    if any(edge.with_used is None for edge in way.edges):
        return
    used = [np.asarray(edge.used) for edge in way.edges]
    for words, arrays in recorded_arrays(tape).items():
        others = aligned(arrays, len(used))
        if [other.shape for other in others] == [one.shape for one in used] and all(map(np.all, others)):
            rests = [one / other for one, other in zip(used, others, strict=True)]
            if all(map(_is_alike, rests, others)):
                told = f"the factor {words} is missing, on the way back {way.words}"
                yield Wrong("derivative missing", told, with_arrays(way, rests))


def _is_alike(rest: Array, whole: Array) -> bool:
    """Whether an array is alike along an axis, along which another one is not; and is not one number."""
    size = float(np.max(np.abs(rest), initial=0.0))
    return np.ptp(rest) > _SAME * size and any(
        np.max(np.ptp(rest, axis=axis)) <= _SAME * size < np.max(np.ptp(whole, axis=axis)) for axis in range(rest.ndim)
    )


def _summed(inside: Array, outside: Array, shape: tuple[int, ...]) -> Rule:
    return lambda _, gradient: unbroadcast(gradient * inside, shape) * outside


def terms_alone(tape: Tape, way: Way) -> Iterator[Wrong]:
    """The derivative is computed from one of the two terms of a sum, or of what is made of it, and not from both."""
    found = [_terms(tape, source) for source in sources(tape, way)]
    if not found or any(edge.with_used is None for edge in way.edges) or not all(found):
        return
    goal = f"{tape.nodes[sources(tape, way)[-1]].site.text}, on the way back {way.words}"
    for place in (0, 1):
        alone = with_arrays(way, [terms[place][1] for terms in found])
        yield Wrong(TERM, f"{found[-1][place][0]} in {goal}", alone, goal)


def _terms(tape: Tape, number: int) -> list[tuple[str, Array]]:
    """The terms of a sum or difference, by what they are called; or of one that is multiplied or divided; else none."""
    node = tape.nodes[number] if number >= 0 else None
    if node is None or node.site.operation not in ("add", "subtract", "multiply", "divide"):
        return []
    values = [tape.value(number, operand) for operand in (0, 1)]
    if values[0] is None or values[1] is None:
        return []
    if node.site.operation in ("add", "subtract"):
        signs = (1.0, -1.0 if node.site.operation == "subtract" else 1.0)
        return [
            (node.site.operand(k), np.broadcast_to(sign * value, node.value.shape))
            for k, (sign, value) in enumerate(zip(signs, values, strict=True))
            if value is not None
        ]
    for operand in (0, 1) if node.site.operation == "multiply" else (0,):
        inner = node.operands.get(operand, -1)
        if inner >= 0 and tape.nodes[inner].site.operation in ("add", "subtract"):
            other = values[1 - operand]
            factor = np.asarray(other) if node.site.operation == "multiply" else 1 / np.asarray(other)
            return [(name, np.broadcast_to(value * factor, node.value.shape)) for name, value in _terms(tape, inner)]
    return []


def _every_time(tape: Tape, way: Way) -> list[Array]:
    """What the derivative is computed from each time, also where the way leads to no tensor."""
    nodes = [node for node in tape.nodes if way.site in (node.site, node.site.innermost)]
    edges = [edge for node in nodes for edge in (*node.edges, *node.idle)]
    return [edge.used for edge in edges if edge.operand == way.operand and edge.used is not None]


def _stretched(arrays: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Arrays of other shapes as numpy stretches them to these; none if it cannot."""
    with contextlib.suppress(ValueError):
        stretched = [np.broadcast_to(*pair) for pair in zip(arrays, shapes, strict=True)]
        return stretched if all(0 < one.size < other.size for one, other in zip(arrays, stretched, strict=True)) else []
    return []


def sources(tape: Tape, way: Way) -> tuple[int, ...]:
    """The nodes that hold the arrays that the derivatives are computed from, -1 for none."""
    return tuple(
        tape.nodes[number].operands.get(edge.using, -1) for number, edge in zip(way.numbers, way.edges, strict=True)
    )


def with_arrays(way: Way, others: Sequence[Array]) -> Change:
    """The way back on which other arrays are used, one for each time."""
    each = zip(way.numbers, way.edges, others, strict=True)
    return Change(
        {(number, way.operand): pulled(edge.with_used(other)) for number, edge, other in each if edge.with_used}
    )


def _others(tape: Tape, way: Way) -> Iterator[tuple[str, list[Array]]]:
    """Arrays that may be taken for the ones used, one for each time, by what they are called."""
    used = [np.asarray(edge.used) for edge in way.edges]
    recorded = recorded_arrays(tape)
    if way.site.operation in ("maximum", "minimum"):  # of arrays with the same signs the plainest is the earliest
        recorded = dict(reversed(recorded.items()))
    arrays = {"that": used, **recorded}
    yield "1", [np.ones_like(array) for array in used]
    for other, values in arrays.items():
        yield other, aligned(values, len(used))
    every = _every_time(tape, way)
    if len(every) == len(used) + 1:  # the first time, or the last, goes back to no tensor
        yield "that of the time before", every[:-1] if np.array_equal(every[-1], used[-1]) else []
        yield "that of the time after", every[1:] if np.array_equal(every[0], used[0]) else []
    for other, values in arrays.items() if len(used) > 1 else ():
        for which, place in (("first", 0), ("last", -1)):
            yield f"{other} of the {which} time, every time,", [values[place]] * len(used)
        at_hand = aligned(values, len(used))
        if not all(map(np.any, used)):
            some = [value if np.any(own) else own for value, own in zip(at_hand, used, strict=False)]
            yield f"{other} of the same time, save where that should be zeros,", some
        for by, when in ((1, "before"), (-1, "after")):
            yield f"{other} of the time {when}", neighbours(at_hand, by)


def recorded_arrays(tape: Tape) -> dict[str, list[Array]]:
    """All results of forward by the code that gives them, those near the output first."""
    found: dict[tuple[Site, str], list[Array]] = {}
    for number, node in enumerate(tape.nodes):
        if number in tape.used:
            found.setdefault((node.site, tape.names.get(number, "")), []).append(node.value)
    outer = tape.nodes[tape.output].site
    named: dict[str, list[Array]] = {}
    for (site, name), values in reversed(found.items()):
        named.setdefault(f"`{name}`" if name else site.text_in(outer), values)
    return named


def kept(tape: Tape) -> Iterator[Wrong]:
    """A parameter that is used several times gets the gradient of one of them, and not their sum."""
    for name, number in tape.leaves.items():
        count = sum(edge.parent == number for user in tape.used for edge in tape.nodes[user].edges)
        for which, words in (("last", "first"), ("first", "last")) if count > 1 and name != INPUT else ():
            only = f"{name} is used {count} times, and only the gradient of the {words} of them is kept"
            yield Wrong("overwritten", only, Change(kept={number: which}))


def of_neighbours(tape: Tape, right: Sequence[Array | None]) -> Iterator[Wrong]:
    """What has arrived at one operation is handed on by another one, or two of them are exchanged."""
    groups: dict[Site, list[int]] = {}
    for number, gradient in enumerate(right):
        if gradient is not None and tape.nodes[number].edges:
            groups.setdefault(tape.nodes[number].site, []).append(number)
    outer = tape.nodes[tape.output].site
    pairs = [
        (one, other)
        for one, other in itertools.permutations(groups, 2)
        if _shapes(tape, groups[one]) == _shapes(tape, groups[other])
        and not tape.depends(groups[one][0], groups[other][0])
        and not tape.depends(groups[other][0], groups[one][0])
    ]
    pairs.sort(key=lambda pair: pair[0].operation != pair[1].operation)
    for one, other in pairs[:_MOST_PAIRS]:
        taken = dict(zip(groups[one], groups[other], strict=True))
        here, there = one.text_in(outer), other.text_in(outer)
        if all(_are_opposite(right[own], right[its]) for own, its in taken.items()):
            if groups[one] < groups[other]:
                both = taken | {number: old for old, number in taken.items()}
                yield Wrong(
                    "sign of a path", f"the gradients by {here} and by {there} have the wrong sign", Change(taken=both)
                )
            continue
        yield Wrong("another's gradient", f"the gradient by {there} goes on from {here}", Change(taken=taken))
        if groups[one] < groups[other]:
            exchanged = taken | {number: old for old, number in taken.items()}
            words = f"the gradients by {here} and by {there} are exchanged"
            yield Wrong("another's gradient", words, Change(taken=exchanged))
    for one, numbers in groups.items():
        if len(set(_shapes(tape, numbers))) == 1 < len(numbers):
            for by, when in ((1, "after"), (-1, "before")):
                taken = {n: numbers[k + by] for k, n in enumerate(numbers) if 0 <= k + by < len(numbers)}
                words = f"the gradient by {one.text} of the time {when} goes on"
                yield Wrong("another's gradient", words, Change(taken=taken))
            words = f"the gradient by {one.text} of the last time goes on every time"
            yield Wrong("another's gradient", words, Change(taken=dict.fromkeys(numbers[:-1], numbers[-1])))


def _are_opposite(one: Array | None, other: Array | None) -> bool:
    return one is not None and other is not None and one.shape == other.shape and np.array_equal(one, -other)


def _shapes(tape: Tape, numbers: Sequence[int]) -> list[tuple[int, ...]]:
    return [tape.nodes[number].value.shape for number in numbers]


def made_of_another(tape: Tape, way: Way, right: Sequence[Array | None]) -> Iterator[Wrong]:
    """What goes back to a tensor is made of what has arrived elsewhere than it should."""
    if not goal_of(tape, way):
        return
    arrived: dict[Site, list[Array]] = {}
    for node, gradient in zip(tape.nodes, right, strict=True):
        if gradient is not None:
            arrived.setdefault(node.site, []).append(gradient)
    shapes = _shapes(tape, way.numbers)
    for site, gradients in arrived.items():
        others = aligned(gradients, len(shapes))
        if site != way.site and [other.shape for other in others] == shapes:
            rules = {
                (number, way.operand): (lambda edge, _, other=other: edge.pull(other))
                for number, other in zip(way.numbers, others, strict=True)
            }
            words = f"what goes back {way.words} is made of the gradient by {site.text}"
            yield Wrong("another's gradient", words, Change(rules))
