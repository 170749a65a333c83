"""Ways back through forward's operations that are wrong in one place, and the gradients that they would give.

Forward is recorded operation by operation, so a right backward is known, and what a wrong one says can be tried: one of
its operations without its derivative, with another array in it, without one of its operands, counted otherwise, or
overwritten where it should be added up. The words are those of the code of forward itself.
"""

import itertools
from collections.abc import Iterator, Sequence

from mlp.check.diagnosis.way_back import arrays, steps
from mlp.check.diagnosis.way_back.changed import arrays_changed, gradients_changed, multiplied
from mlp.check.diagnosis.way_back.loops import in_loops
from mlp.check.diagnosis.way_back.steps import on_one_way
from mlp.check.diagnosis.way_back.stretches import other_formulas
from mlp.check.diagnosis.way_back.ways import Slip, Wrong, ways
from mlp.check.diagnosis.way_back.windows import cut_elsewhere, without_stride
from mlp.check.tape.tape import Tape
from mlp.nn.arrays import Array

_MOST_STEPS, _MOST_CHANGED = 1_000_000, 300_000  # on all ways together: some ten and three seconds
_FEWEST = 100
_STEPS = (
    steps.left_out,
    steps.derivative_missing,
    steps.mean_or_sum,
    steps.skipped,
    steps.exchanged,
    steps.to_others,
    steps.over_other_axes,
    steps.once,
    steps.overwritten,
    cut_elsewhere,
    steps.by_one_choice,
    arrays.another_array,
)


def wrong_ways(tape: Tape, seed: Array, earlier: Tape | None = None) -> list[Wrong]:
    """As many of the wrong ways back from this gradient by the result as can be afforded, the plainest first.

    Args:
        tape: of forward.
        seed: the gradient by the result.
        earlier: of another forward, where those ways are asked for that have something done to an array; else all
            others are.
    """
    most = _MOST_CHANGED if earlier else _MOST_STEPS
    affordable = max(_FEWEST, most // max(1, sum(len(node.edges) for node in tape.nodes)))
    right = tape.gradients(seed)
    every = _changed_ways(tape, right, earlier) if earlier else _wrong_ways(tape, right)
    return list(itertools.islice(every, affordable))


def _changed_ways(tape: Tape, right: Sequence[Array | None], earlier: Tape) -> Iterator[Wrong]:
    yield from gradients_changed(tape, right)
    for way in ways(tape):
        yield from arrays_changed(tape, way, right, earlier)


def slips(tape: Tape, seed: Array, every: Sequence[Wrong]) -> list[Slip]:
    """What these wrong ways give, from this gradient by the result on."""
    found = tape.changed(seed, [one.change for one in every])
    return [Slip(one.pattern, one.words, gradients, one.goal) for one, gradients in zip(every, found, strict=True)]


def _wrong_ways(tape: Tape, right: Sequence[Array | None]) -> Iterator[Wrong]:
    """All wrong ways that are tried, those with the plainest words first."""
    every = ways(tape)
    for make in _STEPS:
        for way in every:
            yield from make(tape, way)
    yield from arrays.kept(tape)
    yield from without_stride(tape, every)
    yield from in_loops(tape)
    yield from on_one_way(tape, every, right)
    yield from arrays.everywhere(tape, every)
    yield from multiplied(tape)
    yield from other_formulas(tape, right)
    yield from arrays.of_neighbours(tape, right)
    for way in every:
        yield from arrays.made_of_another(tape, way, right)
        yield from arrays.another_array(tape, way, is_stretched=True)
