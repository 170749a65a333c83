"""An operation goes back with something done to what it takes: to the gradient by its result, or to an array.

What is done is what `changes` lists for any array: an absolute value, a rounding, a sum over an axis, another order.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis import changes
from mlp.check.diagnosis.changes import FORMS, INNER
from mlp.check.diagnosis.way_back.arrays import recorded_arrays, with_arrays
from mlp.check.diagnosis.way_back.arrays import sources as sources_of
from mlp.check.diagnosis.way_back.ways import Way, Wrong, aligned, called, ways
from mlp.check.tape.tape import Change, Edge, Tape
from mlp.nn.arrays import Array

CHANGED = "changed on the way"
UPDATED = "already updated"


class Arrival(NamedTuple):
    """What has arrived at the results of an operation, to go on to all of its operands or to one.

    Attributes:
        name: what the gradient is called.
        goal: the one operand that it goes on to, in words; "" for all.
        edges: the numbers of the nodes and operands.
        is_after: whether it is what they make of that, and hand on to the operand.
    """

    name: str
    goal: str
    edges: Sequence[tuple[int, int]]
    is_after: bool = False

    def changed(self, change: changes.Change) -> Change:
        """The way back on which something is done to it."""
        if self.is_after:
            return Change(dict.fromkeys(self.edges, lambda edge, gradient: change(edge.pull(gradient))))
        return Change(dict.fromkeys(self.edges, lambda edge, gradient: edge.pull(change(gradient))))


def arrivals(tape: Tape) -> list[Arrival]:
    """All of them, from the output on, but what is only handed on as it is."""
    found: dict[Sequence[tuple[int, int]], Arrival] = {}
    for way in ways(tape):
        edges = [(number, edge.operand) for number in way.numbers for edge in tape.nodes[number].edges]
        own = [(number, way.operand) for number in way.numbers]
        name = (
            "dy"
            if way.numbers == (tape.output,) and tape.nodes[tape.output].value.ndim
            else f"the gradient by {way.site.text}"
        )
        for goal, some in (("", edges), (f", on the way back to {way.goal}", own)):
            if not way.is_buffer and not (some == edges == own and all(_hands_on(tape, edge) for edge in way.edges)):
                found.setdefault(tuple(some), Arrival(name, goal, some))
    return list(found.values())


def departures(tape: Tape) -> Iterator[Arrival]:
    """What goes back to each operand that gets something else than what has arrived."""
    for way in ways(tape):
        if not way.is_buffer and any(edge.factor is None for edge in way.edges):
            edges = [(number, way.operand) for number in way.numbers]
            yield Arrival(f"what goes back {way.words}", "", edges, is_after=True)


def _hands_on(tape: Tape, edge: Edge) -> bool:
    """Whether an operand gets what has arrived as it is."""
    factor = edge.factor
    return factor is not None and bool(np.all(factor == 1)) and tape.nodes[edge.parent].value.shape == factor.shape


def gradients_changed(tape: Tape, right: Sequence[Array | None]) -> Iterator[Wrong]:
    """What has arrived at the result of an operation goes on as something else."""
    for one in arrivals(tape):
        arrays = [array for number in dict(one.edges) if (array := right[number]) is not None]
        for words, change in _each(one.name, arrays):
            yield Wrong(CHANGED, f"{words} stands where {one.name} should{one.goal}", one.changed(change))


def multiplied(tape: Tape) -> Iterator[Wrong]:
    """What has arrived at the result of an operation has a factor too much, such as a derivative of it or an array."""
    known = recorded_arrays(tape)
    for one in (arrival for arrival in arrivals(tape) if not arrival.goal):
        numbers = list(dict(one.edges))
        own = [tape.nodes[number].value for number in numbers]
        name = tape.nodes[numbers[-1]].site.text
        made = [(form.replace("{}", name), list(map(function, own))) for form, function in (*FORMS, *INNER)]
        others = [(words, aligned(values, len(own))) for words, values in known.items()]
        for words, values in (*made, *others):
            is_fitting = [value.shape for value in values] == [value.shape for value in own]
            if is_fitting and any(np.ptp(value) > 0 for value in values):
                factors = dict(zip(numbers, values, strict=True))
                rules = {
                    key: (lambda edge, gradient, value=factors[key[0]]: edge.pull(gradient * value))
                    for key in one.edges
                }
                yield Wrong("wrong factor", f"{one.name} has the factor {words} too much", Change(rules))


def arrays_changed(tape: Tape, way: Way, right: Sequence[Array | None], earlier: Tape) -> Iterator[Wrong]:
    """The derivative is computed from an array to which something is done, or from the one of another time.

    Args:
        tape: of forward.
        way: the operation and its operand.
        right: the gradients by all nodes.
        earlier: of a forward before, on another input.
    """
    if not all(edge.with_used for edge in way.edges):
        return
    name, used = called(tape, way.site, way.numbers[-1], way.edges[0].using), [np.asarray(e.used) for e in way.edges]
    for words, change in _each(name, used):
        others = [change(array) for array in used]
        # Of signs the derivative of an even function is one number: that is a derivative left out, and a factor.
        if any(np.ptp(np.abs(other)) > 0 for other in others) or not any(map(np.ptp, used)):
            told = f"{words} stands where {name} should, on the way back {way.words}"
            yield Wrong(CHANGED, told, with_arrays(way, others))
    sources = list(sources_of(tape, way))
    whole, taken = _taken_from(tape, sources)
    outer = f"`{tape.names[whole]}`" if whole in tape.names else tape.nodes[whole].site.text
    for words, change in _each(outer, [tape.nodes[whole].value]) if whole >= 0 else ():
        entries = np.append(0.0, change(tape.nodes[whole].value))
        if entries.size == tape.nodes[whole].value.size + 1:
            told = f"{words} stands where {outer} should, of which {name} is taken, on the way back {way.words}"
            yield Wrong(CHANGED, told, with_arrays(way, [entries[index] for index in taken]))
    if min(sources) >= 0 and len(earlier.nodes) == len(tape.nodes):
        words = f"{name} of an earlier forward, on another input, stands where {name} of this one should"
        old = [earlier.nodes[source].value for source in sources]
        yield Wrong(CHANGED, f"{words}, on the way back {way.words}", with_arrays(way, old))
    gradients = [array for source in sources if source >= 0 and (array := right[source]) is not None]
    if len(gradients) == len(used):
        words = f"{name} less {{}} times its gradient, on the way back {way.words}"
        updated = [array - gradient for array, gradient in zip(used, gradients, strict=True)]
        yield Wrong(UPDATED, words, with_arrays(way, updated))


def _taken_from(tape: Tape, sources: Sequence[int]) -> tuple[int, list[Array]]:
    """The node with the array of which all of these are only parts, -1 if none has, and which entries they are."""
    nodes = [tape.nodes[source] for source in sources if source >= 0]
    edges = [edge for node in nodes for edge in (*node.edges, *node.idle) if len(node.operands) == 1]
    taken = [edge.source for edge in edges if edge.source is not None]
    is_one = len({edge.parent for edge in edges}) == 1 and len(taken) == len(sources) > 1
    return (edges[0].parent, taken) if is_one else (-1, [])


def _each(name: str, arrays: Sequence[Array]) -> Iterator[tuple[str, changes.Change]]:
    """What may be done to all of these arrays, which are one at different times, and makes others of them."""
    if len({array.shape for array in arrays}) != 1:
        return
    shape = arrays[0].shape
    places = [f"axis-{axis} position" for axis in range(len(shape))]
    for make in (changes.changes, changes.moves):
        for words, change in make(name, shape, places):
            others = [change(array) for array in arrays]
            is_alike = all(np.ptp(other) == 0 < np.ptp(array) for other, array in zip(others, arrays, strict=True))
            if not is_alike and not all(map(np.array_equal, others, arrays)):
                yield words, change
