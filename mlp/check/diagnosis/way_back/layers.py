"""A layer of a network, which has parameters, is passed over on the way back, or gone through twice."""

from collections.abc import Iterator

from mlp.check.diagnosis.way_back.stretches import Stretch, stretches
from mlp.check.diagnosis.way_back.ways import Wrong
from mlp.check.tape.tape import Change, Edge, Rule, Tape
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

PASSED_OVER = "layer passed over"
TWICE = "layer gone through twice"


def layers_missed(tape: Tape) -> Iterator[Wrong]:
    """Each row of operations with parameters that leads to an array of the same shape is a layer."""
    found: dict[tuple[int, int], Stretch] = {}
    parameters = {number for name, number in tape.leaves.items() if name != INPUT}
    for one in stretches(tape):
        found.setdefault((one.start, one.end), one)
    for (start, end), one in found.items():
        names = "" if start in parameters else _parameters(tape, start, end)
        is_like = tape.nodes[start].value.shape == tape.nodes[end].value.shape
        if not names or not is_like:
            continue
        whole, _, goal = one.words.partition(" to ")
        words = f"what goes back from {whole} to {goal}, with {names}, goes that way twice"
        rules = {(end, edge.operand): _twice(tape, start, end) for edge in tape.nodes[end].edges}
        yield Wrong(TWICE, words, Change(rules))
        if tape.nodes[start].edges:
            words = f"the gradient by {whole} goes on from {goal}, and what lies between, with {names}, is left out"
            yield Wrong(PASSED_OVER, words, Change(taken={start: end}))


def _parameters(tape: Tape, start: int, end: int) -> str:
    """The tensors that are used on the way from one node to another, and are not what it starts from."""
    between = [n for n in range(start + 1, end + 1) if tape.depends(n, start) and (n == end or tape.depends(end, n))]
    parents = {edge.parent for n in between for edge in tape.nodes[n].edges} - {start}
    return " and ".join(name for name, number in tape.leaves.items() if number in parents)


def _twice(tape: Tape, start: int, end: int) -> Rule:
    def rule(edge: Edge, gradient: Array) -> Array:
        return edge.pull(tape.between(end, start, gradient))

    return rule
