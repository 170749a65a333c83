"""A loop over steps goes back in the wrong order, or with what another step has kept."""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.way_back.steps import pulled, weighed
from mlp.check.diagnosis.way_back.ways import Wrong, around, neighbours
from mlp.check.tape.operations import SLOPES
from mlp.check.tape.sites import Site
from mlp.check.tape.tape import Change, Edge, Rule, Tape
from mlp.nn.arrays import Array

WEIGHT = "weight of a path"
_UNARY = frozenset(function.__name__ for function in SLOPES)


class Loop(NamedTuple):
    """Operations that are carried out once in each step, one step after another.

    Attributes:
        nodes: the numbers of their nodes, in the order of the steps.
        states: the operations whose results are handed on to the next step.
    """

    nodes: Mapping[Site, Sequence[int]]
    states: Sequence[Site]


def in_loops(tape: Tape, seed: Array) -> Iterator[Wrong]:
    """What goes wrong with a whole loop, from this gradient by the result on."""
    for loop in loops(tape):
        steps = len(next(iter(loop.nodes.values())))
        words = f"the {steps} steps go back in the order of forward, so each hands its gradient to the step after it"
        yield Wrong("wrong order", words, _in_forward_order(tape, loop))
        every = frozenset(loop.nodes)
        for state in loop.states:
            yield from _handed_on_otherwise(tape, loop, state)
            yield from _made_of_own(tape, loop, state, seed)
        kinds = ((every, "kept"), (every - _taken_from_outside(tape, loop), "computed"))
        for (sites, what), (by, when) in itertools.product(kinds, ((1, "before"), (-1, "after"))):
            for at_end, do in _ENDS:
                words = f"each step goes back with what the step {when} it has {what}{at_end}"
                yield Wrong("another array", words, _with_others(tape, loop, sites, functools.partial(do, by=by)))
        for state in loop.states:
            names = _made_of(tape, loop, state)
            for place, which in ((-1, "last"), (0, "first")):
                words = f"every step goes back with {state.text} of the {which} step, as where all steps keep one array"
                yield Wrong("another array", words, _with_others(tape, loop, names, _all_as(place)))


def loops(tape: Tape) -> list[Loop]:
    """The loops in which something is handed on from step to step."""
    groups: dict[Site, list[int]] = {}
    for number, node in enumerate(tape.nodes):
        groups.setdefault(node.site, []).append(number)
    found: dict[tuple[int, ...], Loop] = {}
    for numbers in groups.values():
        count = len(numbers)
        if count > 1 and all(tape.depends(late, early) for early, late in itertools.pairwise(numbers)):
            nodes = {site: some for site, some in groups.items() if len(some) == count and _is_along(some, numbers)}
            step_of = {number: k for some in nodes.values() for k, number in enumerate(some)}
            handed = {
                tape.nodes[edge.parent].site: None
                for number, k in step_of.items()
                for edge in tape.nodes[number].edges
                if step_of.get(edge.parent, k) < k and tape.nodes[number].site.operation != "assignment"
            }
            if handed:
                found.setdefault(tuple(some[0] for some in nodes.values()), Loop(nodes, list(handed)))
    return list(found.values())


def _is_along(numbers: Sequence[int], others: Sequence[int]) -> bool:
    """Whether one operation is carried out between the times of another one."""
    before, after = [-1, *others[:-1]], [*others[1:], np.inf]
    return all(low < number < high for low, number, high in zip(before, numbers, after, strict=True))


def _in_forward_order(tape: Tape, loop: Loop) -> Change:
    step_of = {number: k for some in loop.nodes.values() for k, number in enumerate(some)}
    steps = max(step_of.values()) + 1
    edges: dict[int, list[Edge]] = {}
    for number, k in step_of.items():
        node = tape.nodes[number]
        if node.site.operation == "assignment":
            continue
        handed = _handed_on(tape, loop, node.site)
        edges[number] = [edge for edge in node.edges if edge.operand not in handed]
        for edge in (*node.edges, *node.idle):
            if edge.operand in handed and k + 1 < steps:
                edges[number].append(edge._replace(parent=loop.nodes[handed[edge.operand]][k + 1]))
    inside = [[n for n in range(len(tape.nodes)) if step_of.get(n) == k and n in edges] for k in range(steps)]
    first = min(step_of)
    late = [n for n in reversed(range(first, len(tape.nodes))) if n not in edges]
    order = [*late, *(number for some in inside for number in reversed(some)), *reversed(range(first))]
    return Change(edges=edges, order=order)


def _handed_on_otherwise(tape: Tape, loop: Loop, state: Site) -> Iterator[Wrong]:
    """What is handed back from step to step is added to what was handed back before, or has a factor each time."""
    handed = [
        (operand, loop.nodes[site])
        for site in loop.nodes
        for operand, source in _handed_on(tape, loop, site).items()
        if source == state
    ]
    summed: dict[tuple[int, int], Rule] = {}
    for operand, numbers in handed:
        running = _running_sum(tape, numbers[-1], operand)
        summed |= dict.fromkeys(((number, operand) for number in numbers), running)
    words = (
        f"what goes back to {state.text} of each step has all that has gone back to that of the later ones in it, as "
        "where += stands for ="
    )
    yield Wrong(WEIGHT, words, Change(summed))
    counts = {2, len(loop.nodes[state]), *tape.nodes[loop.nodes[state][0]].value.shape} - {0, 1}
    for factor in sorted((*counts, *(1 / count for count in counts))):
        keys = [(number, operand) for operand, numbers in handed for number in numbers]
        words = f"what goes back to {state.text} of the step before counts {factor:.6g} times, in each step"
        yield Wrong(WEIGHT, words, Change(dict.fromkeys(keys, weighed(factor))))


def _made_of_own(tape: Tape, loop: Loop, state: Site, seed: Array) -> Iterator[Wrong]:
    """What is handed back to the step before is made of what a step gets from outside the loop alone, as its dy."""
    keys = [
        (number, operand, k)
        for site, numbers in loop.nodes.items()
        for operand, source in _handed_on(tape, loop, site).items()
        if source == state
        for k, number in enumerate(numbers)
    ]
    own = tape.gradients(seed, Change({(number, operand): lambda _, __: None for number, operand, _ in keys}))
    goal = f"what goes back through time, to {state.text} of the step before, is made of the step's own dy alone"
    for at_state, what in (
        (True, "the derivatives on the way through the step are missing in it, and what comes back from later steps"),
        (False, "what comes back from later steps is missing in it, so it reaches one step back only"),
    ):
        rules: dict[tuple[int, int], Rule] = {}
        for number, operand, k in keys:
            arrived = own[loop.nodes[state][k] if at_state else number]
            if arrived is not None and arrived.shape == tape.nodes[number].value.shape:
                rules[number, operand] = _of_gradient(arrived)
        yield Wrong("another's gradient", f"{goal}: {what}", Change(rules))


def _of_gradient(gradient: Array) -> Rule:
    return lambda edge, _: edge.pull(gradient)


def _running_sum(tape: Tape, last: int, operand: int) -> Rule:
    """The sum of what goes back one way in this step and all later ones; it begins anew with the last step."""
    before: list[Array] = []
    begins = next(edge for edge in tape.nodes[last].edges if edge.operand == operand)

    def rule(edge: Edge, gradient: Array) -> Array:
        if edge is begins:
            before.clear()
        before[:] = [edge.pull(gradient) + sum(before)]
        return before[0]

    return rule


def _handed_on(tape: Tape, loop: Loop, site: Site) -> dict[int, Site]:
    """The operands of an operation that are results of the step before, and what they are results of."""
    numbers = loop.nodes[site]
    parents = {edge.operand: edge.parent for edge in tape.nodes[numbers[1]].edges}
    return {
        operand: tape.nodes[parent].site
        for operand, parent in parents.items()
        if tape.nodes[parent].site in loop.states and parent == loop.nodes[tape.nodes[parent].site][0]
    }


def _with_others(tape: Tape, loop: Loop, sites: frozenset[Site], other: Callable[[list[Array]], list[Array]]) -> Change:
    """Derivatives in the loop that are computed from the results of these sites are so from those of other steps."""
    rules: dict[tuple[int, int], Rule] = {}
    for numbers in loop.nodes.values():
        for edge in tape.nodes[numbers[-1]].edges:
            every = [
                next((one for one in (*tape.nodes[n].edges, *tape.nodes[n].idle) if one.operand == edge.operand), edge)
                for n in numbers
            ]
            source = tape.nodes[numbers[-1]].operands.get(edge.using, -1)
            if source < 0 or tape.nodes[source].site not in sites or any(one.with_used is None for one in every):
                continue
            used = [np.asarray(one.used) for one in every]
            made = loop.nodes[tape.nodes[source].site]
            if source != made[-1]:  # the state that the step before has handed on
                used = [*used, tape.nodes[made[-1]].value]
            for number, one, instead in zip(numbers, every, other(used), strict=False):
                if one.with_used:
                    rules[number, edge.operand] = pulled(one.with_used(instead))
    return Change(rules)


def _taken_from_outside(tape: Tape, loop: Loop) -> frozenset[Site]:
    """What a step takes as it is, such as its own part of the input."""
    inside = {number for some in loop.nodes.values() for number in some}
    return frozenset(
        site for site, some in loop.nodes.items() if inside.isdisjoint(tape.nodes[some[-1]].operands.values())
    )


def _made_of(tape: Tape, loop: Loop, state: Site) -> frozenset[Site]:
    """The state, and what is one function of it, or what it is one of."""
    found = {state}
    for site, numbers in sorted(loop.nodes.items(), key=lambda item: item[1][0]):
        parents = {tape.nodes[edge.parent].site for edge in tape.nodes[numbers[-1]].edges}
        if site.operation in _UNARY and len(parents) == 1 and (site == state or parents & found):
            found |= {site, *(parents & loop.nodes.keys())}
    return frozenset(found)


def _all_as(place: int) -> Callable[[list[Array]], list[Array]]:
    return lambda arrays: [arrays[place]] * len(arrays)


def _clamped(arrays: list[Array], by: int) -> list[Array]:
    return [arrays[min(max(k - by, 0), len(arrays) - 1)] for k in range(len(arrays))]


_ENDS: tuple[tuple[str, Callable[..., list[Array]]], ...] = (
    ("; at the end its own", _clamped),
    ("; at the end zeros", neighbours),
    ("; from one end round to the other", around),
)
