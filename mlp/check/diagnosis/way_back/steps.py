"""One operation goes back wrongly: without its derivative, not at all, not every time, or to the wrong entries."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from mlp.check.diagnosis.way_back.ways import LEFT_OUT, Slip, Way, Wrong, called, goal_of, ways
from mlp.check.tape.operations import unbroadcast
from mlp.check.tape.tape import Change, Edge, Pull, Rule, Tape
from mlp.nn.arrays import Array

MASK = "mask missing"
CHOICE = "another choice"
NUMBER = "number left out"
LEFT_OUT_OF_ONE = "path left out of one"
CONSTANT = ", as if that were a constant"


def derivative_missing(tape: Tape, way: Way) -> Iterator[Wrong]:
    """A factor of an operation by elements is one, squared, turned over or without its sign."""
    factors = [edge.factor for edge in way.edges]
    if any(factor is None for factor in factors) or any(
        all(np.all(one == plain) for one in factors) for plain in (1, -1)
    ):
        return
    first = np.asarray(factors[0])
    value = f" ({first.flat[0]:.6g})" if np.ptp(first) == 0 else ""
    if way.site.operation == "multiply":
        what = f"the factor {called(tape, way.site, way.numbers[-1], 1 - way.operand)}{value}"
    elif way.site.operation == "divide" and way.operand == 0:
        what = f"the division by {way.site.operand(1)}{value and f' ({1 / first.flat[0]:.6g})'}"
    else:
        what = f"the derivative of {way.site.text}"
    for change, words in _FACTORS:
        changed = [change(np.asarray(factor)) for factor in factors]
        is_one = all(np.all(one == 1) for one in changed)
        if is_one and change is not np.ones_like:  # told as missing
            continue
        is_mask = all(np.all((factor == 0) | (factor == 1)) for factor in factors)
        is_turned = is_mask and change is _turned_round
        told = "is the other way round, 0 where it should be 1 and 1 where it should be 0" if is_turned else words
        is_choice = is_turned and way.site.operation == "where"
        end = ", which so gets dy where the other one is chosen" if is_choice else ""
        yield Wrong(
            "wrong derivative" if change is not np.ones_like else MASK if is_mask else "derivative missing",
            f"{what} {told}, on the way back to {way.site.operand(way.operand)}{end}",
            way.ruled(_with_factor(tape, change)),
        )


def on_one_way(tape: Tape, every: Sequence[Way], right: Sequence[Array | None]) -> Iterator[Wrong]:
    """A factor is missing, or there twice, on some of the ways back that lead through it."""
    for missing in (one for way in every for one in itertools.islice(derivative_missing(tape, way), 2)):
        yield from _on_some(tape, missing, every, right)


def left_out_of_one(tape: Tape, every: Sequence[Way], right: Sequence[Array | None]) -> Iterator[Wrong]:
    """What comes back one way is missing in what goes on to one operand."""
    for way in every:
        ends = {edge.parent for edge in way.edges}
        missing = next(left_out(tape, way), None)
        if missing:
            others = [other for other in every if ends.intersection(other.numbers)]
            yield from _on_some(tape, missing._replace(pattern=LEFT_OUT_OF_ONE), others, right)


def _on_some(tape: Tape, missing: Wrong, others: Sequence[Way], right: Sequence[Array | None]) -> Iterator[Wrong]:
    """What is wrong somewhere is so in what goes on one way alone, each of these."""
    arrived = tape.gradients(np.asarray(right[tape.output]), missing.change) if others else []
    for other in others:
        reached = {number: array for number in other.numbers if (array := arrived[number]) is not None}
        if any(_is_changed(array, right[number]) for number, array in reached.items()):
            rules = {
                (number, other.operand): (lambda edge, _, instead=array: edge.pull(instead))
                for number, array in reached.items()
            }
            words = f"{missing.words.removesuffix(CONSTANT)}, in what goes {other.words} alone"
            yield Wrong(missing.pattern, words, Change(rules))


def _is_changed(one: Array, other: Array | None) -> bool:
    return other is not None and not np.array_equal(one, other)


def _turned_round(factor: Array) -> Array:
    return 1 - factor


_FACTORS: tuple[tuple[Callable[[Array], Array], str], ...] = (
    (np.ones_like, "is missing"),
    (np.square, "is there twice, squared"),
    (lambda a: 1 / a, "is divided by instead of multiplied with"),
    (np.abs, "has lost its sign: it is the absolute value"),
    (_turned_round, "is turned round: 1 less the derivative stands where the derivative should"),
)


def mean_or_sum(tape: Tape, way: Way) -> Iterator[Wrong]:
    """A mean goes back as a sum does, or a sum as a mean."""
    counts = {
        tape.nodes[edge.parent].value.size / max(1, tape.nodes[number].value.size)
        for number, edge in zip(way.numbers, way.edges, strict=True)
    }
    if way.site.operation not in ("mean", "sum") or len(counts) > 1:
        return
    (count,) = counts
    where = f"{way.site.text}, on the way back to {way.site.operand(way.operand)}"
    words, factor = {
        "mean": (f"the division by {count:g} is missing, as of a sum, in the derivative of {where}", count),
        "sum": (f"as of a mean, it is divided by {count:g} in the derivative of {where}", 1 / count),
    }[way.site.operation]
    if count != 1:
        yield Wrong("mean or sum", words, way.ruled(weighed(factor)))


def _with_factor(tape: Tape, change: Callable[[Array], Array]) -> Rule:
    def rule(edge: Edge, gradient: Array) -> Array:
        return unbroadcast(gradient * change(np.asarray(edge.factor)), tape.nodes[edge.parent].value.shape)

    return rule


def exchanged(tape: Tape, way: Way) -> Iterator[Wrong]:
    """Both factors of a product go back with themselves, and not with each other."""
    keys = [(number, edge.operand) for number in way.numbers for edge in tape.nodes[number].edges]
    if way.site.operation == "multiply" and way.operand == 0 and len(keys) == 2 * len(way.numbers):
        words = f"each factor of {way.site.text} goes back with itself: the two are exchanged"
        yield Wrong("another array", words, Change(dict.fromkeys(keys, _with_itself(tape))))


def _with_itself(tape: Tape) -> Rule:
    def rule(edge: Edge, gradient: Array) -> Array:
        value = tape.nodes[edge.parent].value
        return unbroadcast(gradient * value, value.shape)

    return rule


def skipped(tape: Tape, way: Way) -> Iterator[Wrong]:
    """A way through something that is not by elements is as if it were not there."""
    if all(edge.factor is None for edge in way.edges) and _are_alike(tape, way):
        yield Wrong("derivative missing", f"dy goes {way.words} unchanged", way.ruled(lambda _, gradient: gradient))
    elif all(_is_permuted(tape, edge) for edge in way.edges):
        words = f"what goes back {way.words} is only reshaped, where it should be transposed back"
        rule: Rule = lambda edge, gradient: gradient.reshape(tape.nodes[edge.parent].value.shape)  # noqa: E731
        yield Wrong("sent elsewhere", words, way.ruled(rule))


def _is_permuted(tape: Tape, edge: Edge) -> bool:
    """Whether an operation takes each entry of its operand once, in another order."""
    size = tape.nodes[edge.parent].value.size
    if edge.source is None or edge.source.size != size:
        return False
    flat, order = edge.source.ravel(), np.arange(1, size + 1)
    return not np.array_equal(flat, order) and np.array_equal(np.sort(flat), order)


def _are_alike(tape: Tape, way: Way) -> bool:
    return all(
        tape.nodes[number].value.shape == tape.nodes[edge.parent].value.shape
        for number, edge in zip(way.numbers, way.edges, strict=True)
    )


def left_out(tape: Tape, way: Way) -> Iterator[Wrong]:
    """Nothing goes back, or the opposite."""
    if way.is_buffer:
        return
    through = _through(tape, way)
    what = f"nothing goes back {way.words}{through}{_part(tape, way)}{CONSTANT}"
    yield Wrong(LEFT_OUT, what, way.ruled(lambda _, __: None), goal_of(tape, way))
    yield Wrong("sign of a path", f"what goes back {way.words}{through} has the wrong sign", way.ruled(weighed(-1.0)))


def _through(tape: Tape, way: Way) -> str:
    """Which layer of a container a way leads through that the other ways from there do not; "" if none."""

    def owners(parents: Iterable[int]) -> set[str]:
        starts = [number for number in parents if number >= 0]
        names = (name for name, leaf in tape.leaves.items() if any(tape.depends(one, leaf) for one in starts))
        return {name.rpartition(".")[0] for name in names} - {""}

    own = owners(edge.parent for edge in way.edges)
    others = owners(
        edge.parent for number in way.numbers for edge in tape.nodes[number].edges if edge.operand != way.operand
    )
    return f" (the way through {own.pop()})" if others and len(own := own - others) == 1 else ""


def _part(tape: Tape, way: Way) -> str:
    """What an operand is to its operation, where that has a name."""
    if len(way.numbers) > 1 and tape.depends(way.edges[-1].parent, way.numbers[0]):
        return " (and so nothing to the earlier steps)"
    if way.site.operation == "divide":
        value = tape.nodes[way.numbers[-1]].value
        is_softmax = value.ndim > 1 and np.all(value > 0) and np.allclose(value.sum(axis=-1), 1)
        if is_softmax and not way.operand and tape.nodes[tape.output].value.size == 1:
            return " (the numerator: of a cross-entropy that is the target t in p - t)"
        return " (the denominator)" if way.operand else " (the numerator)"
    return " (the direct path around the rest)" if way.site.operation == "add" and goal_of(tape, way) else ""


def weighed(factor: float) -> Rule:
    """What goes back counts a number of times."""
    return lambda edge, gradient: factor * edge.pull(gradient)


def once(_: Tape, way: Way) -> Iterator[Wrong]:
    """Of an operation that is carried out several times only one goes back, or one does not."""
    if len(way.numbers) < 2 or way.is_buffer:
        return
    for place, name in ((-1, "last"), (0, "first")):
        one = way.numbers[place]
        others = {(number, way.operand): _nothing for number in way.numbers if number != one}
        words = f"{way.words} only the {name} of the {len(way.numbers)} times it is computed goes back"
        yield Wrong("steps left out", words, Change(others))
        words = (
            f"{way.words} the {name} of the {len(way.numbers)} times it is computed does not go back, as where a loop "
            f"leaves out the {name} step"
        )
        yield Wrong("steps left out", words, Change({(one, way.operand): _nothing}))


def once_between(_: Tape, way: Way) -> Iterator[Wrong]:
    """Of an operation that is carried out several times one that is neither the first nor the last does not go back."""
    count = len(way.numbers)
    for place in range(1, count - 1) if not way.is_buffer else ():
        words = f"{way.words} time {place + 1} of the {count} times it is computed does not go back, as where it is cut"
        yield Wrong("steps left out", words, Change({(way.numbers[place], way.operand): _nothing}))


def _after(pull: Pull) -> Rule:
    return lambda edge, gradient: edge.pull(pull(gradient))


def out_of_brackets(tape: Tape, way: Way) -> Iterator[Wrong]:
    """A function of a sum goes back as if it were of one term alone, with the other terms outside of it."""
    sums = [tape.nodes[edge.parent] for edge in way.edges]
    leaves = set(tape.leaves.values())
    is_of_sum = all(
        node.site.operation in ("add", "subtract") and leaves.isdisjoint(edge.parent for edge in node.edges)
        for node in sums
    )
    if (
        not is_of_sum
        or len(tape.nodes[way.numbers[0]].operands) > 1
        or any(edge.with_used is None for edge in way.edges)
    ):
        return
    for inner in {edge.operand for node in sums for edge in node.edges}:
        rules: dict[tuple[int, int], Rule] = {(number, way.operand): lambda _, g: g for number in way.numbers}
        for own, node in zip(way.edges, sums, strict=True):
            for edge in node.edges:
                if edge.operand == inner and own.with_used:
                    slope = own.with_used(np.broadcast_to(tape.nodes[edge.parent].value, node.value.shape))
                    rules[own.parent, inner] = _after(slope)
        alone = sums[-1].site.operand(inner)
        yield Wrong("bracket misplaced", f"{way.site.text} goes back as if it were of {alone} alone", Change(rules))


def at_one_end(tape: Tape, way: Way) -> Iterator[Wrong]:
    """Of what adds up to the gradient of a tensor, only the first or last along an axis does, or it does not.

    Of a layer this shows in what it does with each dy.
    """
    if tape.nodes[tape.output].value.size > 1 or len(way.numbers) > 1 or not goal_of(tape, way):
        return
    shape = tape.nodes[way.numbers[0]].value.shape
    for axis, size in enumerate(shape):
        place = np.indices(shape)[axis]
        for name, end in (("first", 0), ("last", size - 1)):
            one, others = (way.edges[0].pull(1.0 * chosen) for chosen in (place == end, place != end))
            if np.any(one * others):  # they are added up
                which = f"the {name} of the {size} places along axis {axis}"
                alone, rest = (way.ruled(_at(chosen)) for chosen in (place == end, place != end))
                yield Wrong("steps left out", f"{way.words} only {which} goes back", alone)
                yield Wrong("steps left out", f"{way.words} {which} does not go back", rest)


def _at(places: Array) -> Rule:
    return lambda edge, gradient: edge.pull(gradient * places)


def _nothing(_: Edge, __: Array) -> None:
    return None


def overwritten(tape: Tape, way: Way) -> Iterator[Wrong]:
    """Entries that are taken several times get the gradient of one of them, or the mean."""
    if any(edge.source is None for edge in way.edges):
        return
    several = f"on the way back {way.words} entries that are used several times get"
    for last, whole in itertools.product((True, False), (True, False)):
        words = f"{several} only the {'last' if last else 'first'} of their gradients"
        each = "" if whole else ", for each axis-0 position"
        yield Wrong("overwritten", words + each, Change(_assigned(tape, way, last, whole)))
    yield Wrong("overwritten", f"{several} the mean of their gradients, not the sum", way.ruled(_averaged))


def _averaged(edge: Edge, gradient: Array) -> Array:
    return edge.pull(gradient) / np.maximum(edge.pull(np.ones_like(gradient)), 1)


def _assigned(tape: Tape, way: Way, last: bool, whole: bool) -> dict[tuple[int, int], Rule]:
    """The rules by which an entry gets only what is written into it last, or first, of all or in each part."""
    rules: dict[tuple[int, int], Rule] = {}
    written: dict[int, Array] = {}
    step = -1 if last else 1
    for number, edge in list(zip(way.numbers, way.edges, strict=True))[::step]:
        source, size = np.asarray(edge.source), tape.nodes[edge.parent].value.size
        before = written.get(edge.parent, np.zeros(size + 1, dtype=bool))
        parts = [source.ravel()] if whole or not source.ndim else [part.ravel() for part in source]
        rules[number, edge.operand] = _written(tape, [part[::-step] for part in parts], step, ~before)
        written[edge.parent] = before | (np.bincount(source.ravel(), minlength=size + 1) > 0)
    return rules


def _written(tape: Tape, parts: Sequence[Array], step: int, is_open: Array) -> Rule:
    def rule(edge: Edge, gradient: Array) -> Array:
        found = np.zeros((len(parts), len(is_open)))
        for row, index, values in zip(found, parts, gradient.reshape(len(parts), -1), strict=True):
            row[index] = values[::-step]
        return (found.sum(axis=0) * is_open)[1:].reshape(tape.nodes[edge.parent].value.shape)

    return rule


def by_one_choice(tape: Tape, way: Way) -> Iterator[Wrong]:
    """Where forward chooses between two arrays entry by entry, one of them is gone back to everywhere."""
    keys = [(number, edge.operand) for number in way.numbers for edge in tape.nodes[number].edges]
    if way.site.operation == "where" and way.operand == min(operand for _, operand in keys):
        for which, chosen in (("first", 1), ("second", 2)):
            rules = {key: _with_factor(tape, np.ones_like if key[1] == chosen else np.zeros_like) for key in keys}
            words = f"{way.site.text} goes back by its {which} choice everywhere"
            yield Wrong(CHOICE, words, Change(rules), way.site.text)


def to_others(_: Tape, way: Way) -> Iterator[Wrong]:
    """What goes back from a maximum or minimum goes to other entries than it should."""
    for words in way.edges[0].routes:
        rules = {
            (number, way.operand): pulled(edge.routes.get(words, edge.pull))
            for number, edge in zip(way.numbers, way.edges, strict=True)
        }
        alone = " alone" if words.endswith("entry") else ""
        yield Wrong("sent elsewhere", f"what goes back {way.words} goes {words}{alone}", Change(rules))


def over_other_axes(tape: Tape, way: Way) -> Iterator[Wrong]:
    """What goes back to an operand that was stretched is summed over other axes than those it was stretched along."""
    factor, shape = way.edges[0].factor, tape.nodes[way.edges[0].parent].value.shape
    if factor is None or factor.shape == shape or any(edge.factor is None for edge in way.edges):
        return
    rank = factor.ndim
    sizes = (1,) * (rank - len(shape)) + shape
    right = tuple(axis for axis in range(rank) if sizes[axis] < factor.shape[axis])
    for other in (some for size in (1, 2, 3) for some in itertools.combinations(range(rank), size) if some != right):
        others = int(np.prod([factor.shape[axis] for axis in other]))
        for how, times in (("summed", 1.0), ("averaged", factor.size / int(np.prod(shape)) / others)):
            words = f"what goes back {way.words} is {how} over axis {_listed(other)} where it should be over {{}}"
            for parts in _parted(tape, way) if times != 1 or how == "summed" else ():
                each = zip(way.numbers, parts, strict=True)
                rules = {(number, way.operand): _summed_over(other, times, shape, *part) for number, part in each}
                yield Wrong("wrong axis", words.format(_listed(right)), Change(rules))


def _listed(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes))


def _parted(tape: Tape, way: Way) -> Iterator[list[tuple[Array, Array | float]]]:
    """The factors in a sum, and what is taken out of it, as it is alike along the right axes: nothing, or a divisor."""
    yield [(np.asarray(edge.factor), 1.0) for edge in way.edges]
    if way.site.operation == "divide" and way.operand == 1:
        pairs = [
            (tape.nodes[n].value, tape.nodes[edge.parent].value) for n, edge in zip(way.numbers, way.edges, strict=True)
        ]
        yield [(y, -1 / divisor) for y, divisor in pairs]
        yield [(y * divisor, -1 / divisor**2) for y, divisor in pairs]
    after = [_factor_after(tape, number, edge) for number, edge in zip(way.numbers, way.edges, strict=True)]
    if all(one is not None for one in after):
        yield [
            (np.asarray(edge.factor) / one, one) for edge, one in zip(way.edges, after, strict=True) if one is not None
        ]


def _factor_after(tape: Tape, number: int, edge: Edge) -> Array | None:
    """What the result of an operation is multiplied with, alike where an operand of it is stretched; None if nothing.

    People take such a factor out of the sum, and then it is outside also of a sum over other axes.
    """
    shape = tape.nodes[edge.parent].value.shape
    for node in tape.nodes[number + 1 :]:
        for one in node.edges if node.site.operation in ("multiply", "divide") else ():
            if one.parent == number and one.used is not None and one.used.shape == shape and np.all(one.used):
                return one.used if node.site.operation == "multiply" else 1 / one.used
    return None


def _summed_over(
    axes: tuple[int, ...], times: float, shape: tuple[int, ...], inside: Array, outside: Array | float
) -> Rule:
    """Summed so, in the shape of the operand if that only lacks axes of 1; else it goes on as numpy stretches it."""

    def rule(_: Edge, gradient: Array) -> Array:
        summed = times * outside * np.sum(gradient * inside, axis=axes, keepdims=True)
        is_it = [size for size in summed.shape if size > 1] == [size for size in shape if size > 1]
        return summed.reshape(shape) if is_it and summed.ndim > len(shape) else summed

    return rule


def without_numbers(tape: Tape, seed: Array) -> Iterator[Slip]:
    """One of forward's numbers, such as a factor or an epsilon, is left out of all ways back, or of all from one on."""
    every = [way for way in ways(tape) if not way.is_buffer] if tape.without else []
    stops = [way.ruled(lambda _, __: None) for way in every]
    rest = tape.changed(seed, stops)
    for left_out, other in tape.without.items():
        words, whole = f"it is as if {left_out}", other.of_leaves(other.gradients(seed))
        yield Slip(NUMBER, words, whole)
        for way, own, its in zip(every, rest, other.changed(seed, stops), strict=True):
            gradients = {name: own[name] + whole[name] - its[name] for name in whole}
            yield Slip(NUMBER, f"{words}, in what goes back {way.words} alone", gradients)


def without_number(tape: Tape, way: Way) -> Iterator[Wrong]:
    """A derivative is what it would be without one of forward's numbers."""
    for left_out, other in tape.without.items():
        pulls = {(number, edge.operand): edge.pull for number in way.numbers for edge in other.nodes[number].edges}
        rules = {key: pulled(pull) for key, pull in pulls.items() if key[1] == way.operand}
        yield Wrong(NUMBER, f"it is as if {left_out}, in the one derivative {way.words}", Change(rules))


def pulled(pull: Pull) -> Rule:
    """The rule that another pull is used."""
    return lambda _, gradient: pull(gradient)
