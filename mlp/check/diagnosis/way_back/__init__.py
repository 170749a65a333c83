"""Ways back through forward's operations that are wrong in one place, and the gradients that they would give.

Forward is recorded operation by operation, so a right backward is known, and what a wrong one says can be tried: one of
its operations without its derivative, with another array in it, without one of its operands, counted otherwise, or
overwritten where it should be added up. The words are those of the code of forward itself.
"""

import itertools
from collections.abc import Iterator, Sequence

from mlp.check.diagnosis.way_back import arrays, steps
from mlp.check.diagnosis.way_back.changed import arrays_changed, gradients_changed, multiplied
from mlp.check.diagnosis.way_back.layers import layers_missed
from mlp.check.diagnosis.way_back.loops import in_loops
from mlp.check.diagnosis.way_back.steps import on_one_way
from mlp.check.diagnosis.way_back.stretches import other_formulas
from mlp.check.diagnosis.way_back.ways import Slip, Way, Wrong, ways
from mlp.check.diagnosis.way_back.windows import cut_elsewhere, without_stride
from mlp.check.tape.tape import Tape
from mlp.nn.arrays import Array

_MOST_STEPS, _MOST_CHANGED = 500_000, 150_000  # on all ways together: some three seconds and one
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
    steps.at_one_end,
    steps.overwritten,
    cut_elsewhere,
    steps.by_one_choice,
    steps.without_number,
    steps.out_of_brackets,
    arrays.out_of_sum,
    arrays.hidden_factor,
    arrays.terms_alone,
    arrays.not_transposed,
)


class WrongWays:
    """As many of the wrong ways back as can be afforded, the plainest first; they are made as they are needed."""

    def __init__(self, tape: Tape, seed: Array, earlier: Tape | None = None) -> None:
        """All but those that have something done to an array; those alone if an earlier forward is given.

        Args:
            tape: of forward.
            seed: the gradient by the result.
            earlier: of another forward.
        """
        most = _MOST_CHANGED if earlier else _MOST_STEPS
        right = tape.gradients(seed)
        self.tape = tape
        self._affordable = max(_FEWEST, most // max(1, sum(len(node.edges) for node in tape.nodes)))
        self._stages = _changed_ways(tape, right, earlier) if earlier else _wrong_ways(tape, right, seed)
        self._made: list[Wrong] = []

    def called(self, lines: Sequence[str]) -> list[Wrong]:
        """Those of which one of these lines is said; all if there are none."""
        while not lines or not {one.words for one in self._made}.issuperset(lines):
            stage = next(self._stages, None)
            if stage is None or len(self._made) >= self._affordable:
                break
            self._made += itertools.islice(stage, self._affordable - len(self._made))
        return [one for one in self._made if not lines or one.words in lines]


def _changed_ways(tape: Tape, right: Sequence[Array | None], earlier: Tape) -> Iterator[Iterator[Wrong]]:
    yield gradients_changed(tape, right)
    yield itertools.chain.from_iterable(arrays_changed(tape, way, right, earlier) for way in ways(tape))


def slips(tape: Tape, seed: Array, every: Sequence[Wrong]) -> list[Slip]:
    """What these wrong ways give, from this gradient by the result on."""
    found = tape.changed(seed, [one.change for one in every])
    return [Slip(one.pattern, one.words, gradients, one.goal) for one, gradients in zip(every, found, strict=True)]


def _placed(wrong: Wrong, way: Way) -> Wrong:
    """With the call in its words by which the operation was carried out, where there are several."""
    end = steps.CONSTANT if wrong.words.endswith(steps.CONSTANT) else ""
    return wrong._replace(words=wrong.words.removesuffix(end) + way.within + end) if way.within else wrong


def _wrong_ways(tape: Tape, right: Sequence[Array | None], seed: Array) -> Iterator[Iterator[Wrong]]:
    """All wrong ways that are tried, in groups that have no words in common, those with the plainest words first."""
    every = ways(tape)
    for make in _STEPS:
        yield (_placed(one, way) for way in every for one in make(tape, way))
    yield steps.left_out_of_one(tape, every, right)
    yield (_placed(one, way) for way in every for one in arrays.another_array(tape, way))
    yield arrays.kept(tape)
    yield without_stride(tape, every)
    yield in_loops(tape, seed)
    yield layers_missed(tape)
    yield other_formulas(tape, right)
    yield itertools.chain.from_iterable(steps.once_between(tape, way) for way in every)
    yield on_one_way(tape, every, right)
    yield multiplied(tape)
    yield arrays.of_neighbours(tape, right)
    yield itertools.chain.from_iterable(
        (*arrays.made_of_another(tape, way, right), *arrays.another_array(tape, way, is_stretched=True))
        for way in every
    )
