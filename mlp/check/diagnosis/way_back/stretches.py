"""A whole function of several operations, such as a sigmoid or softmax, goes back by another formula than its own."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.changes import FORMS, INNER
from mlp.check.diagnosis.way_back.formulas import ALONG, Along, Axes, Formula, Function, factor_of
from mlp.check.diagnosis.way_back.ways import Wrong, ways
from mlp.check.tape.tape import Change, Pull, Tape
from mlp.nn.arrays import Array

_LONGEST = 12  # operations in a row


class Stretch(NamedTuple):
    """Some operations in a row, from one array to another.

    Attributes:
        start, end: the numbers of their nodes.
        words: what they are called.
        is_alone: whether the result depends on nothing else, and not on tensors beside it.
    """

    start: int
    end: int
    words: str
    is_alone: bool


def stretches(tape: Tape) -> Iterator[Stretch]:
    """All short rows of operations through which an array depends on another one, and on tensors at most beside it."""
    ends = {number for number, node in enumerate(tape.nodes) if node.edges} | set(tape.leaves.values())
    for number, node in enumerate(tape.nodes):
        front, last = {number}, {number: ""}
        for _ in range(_LONGEST):
            top = max(front)
            if not tape.nodes[top].edges:
                break
            front.remove(top)
            for edge in tape.nodes[top].edges:
                if edge.parent in ends:
                    front.add(edge.parent)
                last[edge.parent] = tape.nodes[top].site.operand(edge.operand)
            inner = {one for one in front if tape.nodes[one].edges}
            for start in (inner or front) if len(inner) < 2 else ():
                words = f"{node.site.text_in(tape.nodes[start].site)} to {last[start]}"
                yield Stretch(start, number, words, len(front) == 1)


def other_formulas(tape: Tape, right: Sequence[Array | None]) -> Iterator[Wrong]:
    """A whole function, such as a sigmoid, goes back otherwise: dy times some formula of its input or output."""
    groups: dict[tuple[str, tuple[int, int], bool, bool], list[Stretch]] = {}
    for one in stretches(tape):
        x, y = tape.nodes[one.start].value, tape.nodes[one.end].value
        key = one.words, (x.ndim, y.ndim), one.is_alone and x.shape == y.shape
        group = groups.setdefault((*key, False), [])
        if group and group[-1].end == one.end:
            if tape.nodes[group[-1].start].site == tape.nodes[one.start].site:  # back through several steps of a loop
                continue
            group = groups.setdefault((*key, True), [])  # as of z = f(z), where a name stands for one thing and another
        if not group or group[-1].end != one.end:
            group.append(one)
    carried = [
        (way.goal, [tape.nodes[edge.parent].value for edge in way.edges])
        for way in ways(tape)
        if len({tape.nodes[edge.parent].site for edge in way.edges}) > 1
    ]
    ends = {key[0]: [tape.nodes[one.end].value for one in group] for key, group in groups.items() if key[2]}
    for (words, _, is_plain, _), group in sorted(
        groups.items(), key=lambda item: (-item[1][-1].end, item[1][-1].start)
    ):
        here = f"where the derivative of {words.partition(' to ')[0]} should stand"
        yield from _over_another_axis(tape, group, right, here)
        if not is_plain or all(_hands_on(right[one.end], right[one.start]) for one in group):
            continue
        whole, _, start = words.partition(" to ")
        own = [tape.nodes[one.end].value for one in group]
        missing = f"the derivative of {whole} is missing, on the way back to {start}"
        yield Wrong("derivative missing", missing, _multiplied(group, [np.ones(())] * len(group)))
        arrived = [gradient for one in group if (gradient := right[one.end]) is not None]
        is_signed = any(np.any(one < 0) for one in arrived) and any(np.any(one > 0) for one in arrived)
        for function, done in _OF_GRADIENT if is_signed else ():
            jumps = {one.end: (one.start, function) for one in group}
            yield Wrong("wrong derivative", f"{here} {done}", Change(jumps=jumps))
        sides = (
            ("y", whole, own, FORMS),
            ("x", start, [tape.nodes[one.start].value for one in group], (*FORMS, *INNER)),
            *((f"{other.partition(' to ')[0]}", "", values, _OF_Y) for other, values in ends.items() if other != words),
            *((goal, "", values, _OF_Y) for goal, values in carried),
        )
        for name, called, values, forms in sides:
            if [value.shape for value in values] == [value.shape for value in own]:
                for form, function in forms:
                    if all(np.ptp(function(value)) == 0 for value in values):  # told as missing, or left out
                        continue
                    sign = -1.0 if _is_negated(tape, group[0].start) else 1.0
                    whose = _OF.get(form, "") if name == "y" else ""
                    stands = f"dy is multiplied by {form.replace('{}', name)}{whose} {here}"
                    said = f"{stands}, with {name} for {called}" if called else stands
                    factors = [sign * function(value) for value in values]
                    yield Wrong("wrong derivative", said, _multiplied(group, factors))


def _is_negated(tape: Tape, number: int) -> bool:
    """Whether a node is a product with something negated, as -x @ W is: a function is thought of as one of x @ W."""
    node = tape.nodes[number]
    is_product = node.site.operation in ("matmul", "multiply", "dot", "einsum")
    return is_product and any(tape.nodes[k].site.operation == "negative" for k in node.operands.values() if k >= 0)


def _hands_on(gradient: Array | None, other: Array | None) -> bool:
    """Whether what arrives at one end of a stretch is what arrives at the other."""
    return gradient is not None and other is not None and np.array_equal(gradient, other)


def _over_another_axis(
    tape: Tape, group: Sequence[Stretch], right: Sequence[Array | None], here: str
) -> Iterator[Wrong]:
    """A function along some axes goes back by its formula along others, or by that of one of its kin."""
    rank = tape.nodes[group[0].start].value.ndim
    every = [some for count in (1, 2, 3) for some in itertools.combinations(range(rank), count)]
    for functions, formulas in ALONG:
        found = {one: _function_along(tape, one, functions, formulas, right, every) for one in group}
        own = {one: along for one, along in found.items() if along}
        for other, (words, formula) in itertools.product(every if own else (), formulas):
            told = f"{here}, it has that of {words.format(' and '.join(map(str, other)))}"
            for is_inside in (True, False):
                jumps = {one.end: (one.start, _along(formula, along, other, is_inside)) for one, along in own.items()}
                is_own = all(along.right == other for along in own.values())
                yield Wrong("wrong derivative" if is_own else "wrong axis", told, Change(jumps=jumps))
        for other, is_whole in itertools.product(every if own else (), (True, False)):
            pulls = {
                one: _of_function_along(functions, formulas, along, other, right[one.start], is_whole)
                for one, along in own.items()
            }
            told = f"{here}, it has that of the same function over axis {' and '.join(map(str, other))}"
            sums = " and ".join(map(str, next(iter(own.values())).right))
            told += "" if is_whole else f", with its sums over axis {sums}"
            jumps = {one.end: (one.start, pull) for one, pull in pulls.items() if pull}
            yield Wrong("wrong axis", told, Change(jumps=jumps))


def _function_along(
    tape: Tape,
    one: Stretch,
    functions: Sequence[Function],
    formulas: Sequence[tuple[str, Formula]],
    right: Sequence[Array | None],
    every: Sequence[Axes],
) -> Along | None:
    """The function that a stretch is, maybe times something that is alike along its axes; None if it is none."""
    x, y, g, dx = tape.nodes[one.start].value, tape.nodes[one.end].value, right[one.end], right[one.start]
    if g is None or dx is None:
        return None
    for axes in every:
        factor = factor_of(functions, x, y, axes)
        if factor is not None:
            shape = x.shape if y.size == x.size else factor.shape
            along = Along(g.reshape(shape), x, y.reshape(shape) / factor, axes, axes, factor)
            if np.all(factor == 1) or any(
                np.allclose(_along(f, along, axes, is_inside=True)(g), dx) for _, f in formulas
            ):
                return along
    return None


def _of_function_along(
    functions: Sequence[Function],
    formulas: Sequence[tuple[str, Formula]],
    along: Along,
    other: Axes,
    dx: Array | None,
    is_whole: bool,
) -> Pull | None:
    """The right formula of the same function along other axes, with its sums along these or the right ones."""
    if dx is None:
        return None
    for function in functions:
        made = function(along.x, other)
        if made.shape == along.y.shape and factor_of([function], along.x, along.y, along.right) is not None:
            for _, formula in formulas:
                if np.allclose(_along(formula, along, along.right, is_inside=True)(along.g), dx):
                    changed = along._replace(y=made, right=other)
                    return _along(formula, changed, other if is_whole else along.right, is_inside=True)
    return None


def _along(formula: Formula, along: Along, other: Axes, is_inside: bool) -> Pull:
    """The formula along other axes; the factor before the function is inside of its sums, or taken out of them."""
    inside, outside = (along.factor, 1.0) if is_inside else (1.0, along.factor)
    return lambda gradient: outside * formula(along._replace(g=gradient.reshape(along.g.shape) * inside, other=other))


def _multiplied(group: Sequence[Stretch], factors: Sequence[Array]) -> Change:
    """The gradient goes over each stretch with a factor."""
    return Change(jumps={one.end: (one.start, _times(factor)) for one, factor in zip(group, factors, strict=True)})


_OF_GRADIENT: tuple[tuple[Pull, str], ...] = (
    (lambda g: np.maximum(g, 0), "dy goes on where it is positive itself"),
    (np.abs, "dy goes on without its sign"),
)
_OF = {"{} (1 - {})": ", as of a sigmoid,", "1 - {}^2": ", as of tanh,"}
_OF_Y = tuple(form for form in FORMS if form[0] in _OF)


def _times(factor: Array) -> Pull:
    return lambda gradient: gradient * factor
