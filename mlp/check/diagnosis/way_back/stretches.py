"""A whole function of several operations, such as a sigmoid or softmax, goes back by another formula than its own."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.changes import FORMS, INNER
from mlp.check.diagnosis.way_back.formulas import ALONG, Along, Axes, Formula, is_one_of
from mlp.check.diagnosis.way_back.ways import Wrong
from mlp.check.tape.tape import Change, Pull, Tape
from mlp.nn.arrays import Array

_LONGEST = 12  # operations in a row


class Stretch(NamedTuple):
    """Some operations in a row, from one array to another of its shape."""

    start: int
    end: int
    words: str


def stretches(tape: Tape) -> Iterator[Stretch]:
    """All short rows of operations through which an array depends on another one, and on nothing else."""
    for number, node in enumerate(tape.nodes):
        front, last = {number}, {number: ""}
        for _ in range(_LONGEST):
            top = max(front)
            if not tape.nodes[top].edges:
                break
            front.remove(top)
            for edge in tape.nodes[top].edges:
                front.add(edge.parent)
                last[edge.parent] = tape.nodes[top].site.operand(edge.operand)
            if len(front) == 1:
                (start,) = front
                if tape.nodes[start].value.shape == node.value.shape:
                    words = f"{node.site.text_in(tape.nodes[start].site)} to {last[start]}"
                    yield Stretch(start, number, words)


def other_formulas(tape: Tape, right: Sequence[Array | None]) -> Iterator[Wrong]:
    """A whole function, such as a sigmoid, goes back otherwise: dy times some formula of its input or output."""
    groups: dict[tuple[str, int], list[Stretch]] = {}
    for one in stretches(tape):
        groups.setdefault((one.words, tape.nodes[one.end].value.ndim), []).append(one)
    ends = {words: [tape.nodes[one.end].value for one in group] for (words, _), group in groups.items()}
    for (words, _), group in sorted(groups.items(), key=lambda item: (-item[1][-1].end, item[1][-1].start)):
        whole, _, start = words.partition(" to ")
        own = [tape.nodes[one.end].value for one in group]
        here = f"where the derivative of {whole} should stand"
        missing = f"the derivative of {whole} is missing, on the way back to {start}"
        yield Wrong("derivative missing", missing, _multiplied(group, [np.ones(())] * len(group)))
        yield from _over_another_axis(tape, group, here)
        is_signed = any(np.any(np.asarray(right[one.end]) < 0) for one in group if right[one.end] is not None)
        for function, done in _OF_GRADIENT if is_signed else ():
            jumps = {one.end: (one.start, function) for one in group}
            yield Wrong("wrong derivative", f"{here} {done}", Change(jumps=jumps))
        sides = (
            ("y", whole, own, FORMS),
            ("x", start, [tape.nodes[one.start].value for one in group], (*FORMS, *INNER)),
            *((f"{other.partition(' to ')[0]}", "", values, _OF_Y) for other, values in ends.items() if other != words),
        )
        for name, called, values, forms in sides:
            if [value.shape for value in values] == [value.shape for value in own]:
                for form, function in forms:
                    if all(np.ptp(function(value)) == 0 for value in values):  # told as missing, or left out
                        continue
                    stands = f"dy is multiplied by {form.replace('{}', name)} {here}"
                    said = f"{stands}, with {name} for {called}" if called else stands
                    yield Wrong("wrong derivative", said, _multiplied(group, [function(value) for value in values]))


def _over_another_axis(tape: Tape, group: Sequence[Stretch], here: str) -> Iterator[Wrong]:
    """A function along some axes goes back by its formula along others, or by that of one of its kin."""
    ends = {one: (tape.nodes[one.start].value, tape.nodes[one.end].value) for one in group}
    rank = ends[group[0]][0].ndim
    axes = [some for count in (1, 2, 3) for some in itertools.combinations(range(rank), count)]
    for functions, formulas in ALONG:
        along = {one: some for one in group for some in axes if is_one_of(functions, *ends[one], some)}
        for other, (words, formula) in itertools.product(axes if along else (), formulas):
            jumps = {one.end: (one.start, _along(formula, *ends[one], right, other)) for one, right in along.items()}
            told = f"{here}, it has that of {words.format(' and '.join(map(str, other)))}"
            yield Wrong("wrong derivative" if "," in words else "wrong axis", told, Change(jumps=jumps))


def _along(formula: Formula, x: Array, y: Array, right: Axes, other: Axes) -> Pull:
    return lambda gradient: formula(Along(gradient, x, y, right, other))


def _multiplied(group: Sequence[Stretch], factors: Sequence[Array]) -> Change:
    """The gradient goes over each stretch with a factor."""
    return Change(jumps={one.end: (one.start, _times(factor)) for one, factor in zip(group, factors, strict=True)})


_OF_GRADIENT: tuple[tuple[Pull, str], ...] = (
    (lambda g: np.maximum(g, 0), "dy goes on where it is positive itself"),
    (np.abs, "dy goes on without its sign"),
)
_OF_Y = tuple(form for form in FORMS if form[0] in ("{} (1 - {})", "1 - {}^2"))


def _times(factor: Array) -> Pull:
    return lambda gradient: gradient * factor
