"""Two faults in one gradient: a simple one, and a factor, a place left zero or a term more on top of it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mlp.check.diagnosis.attempts import attempted
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import LEFT, IsolatedLayer
from mlp.check.diagnosis.path_faults import added_without_dy
from mlp.check.diagnosis.places import place_of
from mlp.check.diagnosis.terms import combined, penalties
from mlp.nn.arrays import Array

_SIZES = ((1, False), (0, True), (1, True), (2, False), (2, True))


def two_faults(simple: Sequence[Hypothesis]) -> Hypothesis:
    """The hypothesis that one of these faults and another is there; the first must fit no number."""
    simple = (Hypothesis("what is right", "", lambda case, tensor: iter([Prediction(case.right(tensor))])), *simple)

    def predict(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
        for hypothesis in simple:
            yield from _with_another(hypothesis, case, tensor)

    def again(case: IsolatedLayer, tensor: str, known: Prediction) -> Iterator[Prediction]:
        for hypothesis in simple:
            key = known.key.removeprefix(_begun(hypothesis))
            if key != known.key:
                yield from _with_another(hypothesis, case, tensor, key)

    return Hypothesis("two faults", "{tensor} has two faults at once: {measured}.", predict, again=again)


def _with_another(
    hypothesis: Hypothesis, case: IsolatedLayer, tensor: str, key: str | None = None
) -> Iterator[Prediction]:
    """The predictions of a hypothesis, or the one of this key, with a second fault on top."""
    if not hypothesis.is_about(case, tensor):
        return
    for first in _predictions(hypothesis, case, tensor, key):
        is_change = hypothesis.sentence == "" or not np.array_equal(first.gradient, case.right(tensor))
        if first.fitted or key not in (None, first.key) or not is_change:
            continue
        named = f"{hypothesis.pattern} ({first.measured})" if first.measured else hypothesis.pattern
        for second in _on_top(case, tensor, np.asarray(first.gradient)):
            yield replace(second, measured=f"{named}, and {second.measured}", key=_begun(hypothesis) + first.key)


def _begun(hypothesis: Hypothesis) -> str:
    """How the keys of what begins with this fault begin."""
    return f"{hypothesis.pattern}: "


def _predictions(hypothesis: Hypothesis, case: IsolatedLayer, tensor: str, key: str | None) -> Iterator[Prediction]:
    with attempted():
        if key is None or hypothesis.again is None:
            yield from hypothesis.predict(case, tensor)
        else:
            yield from hypothesis.again(case, tensor, Prediction(np.zeros(()), key=key))


def _on_top(case: IsolatedLayer, tensor: str, first: Array) -> Iterator[Prediction]:
    """What else has to be done to a prediction to give what backward said."""
    said = case.said[tensor].astype(np.float64)
    shown = case.seen(first) if first.shape == case.right(tensor).shape else first
    if shown.shape != said.shape or said.size < 3 or not np.any(shown) or not np.all(np.isfinite(shown)):
        return
    paths = case.paths.get(tensor)
    if paths and np.any(paths.constant) and np.allclose(said - first, paths.constant, rtol=LEFT):
        words = f"without any dy, {added_without_dy(case, tensor, paths)} is added"
        yield Prediction(first + np.asarray(paths.constant), words, 1)
    yield from combined(case, tensor, first, penalties, _SIZES)
    for words, ratio in case.once(_without_numbers, said.shape):
        if np.allclose(ratio * first, said, rtol=0, atol=LEFT * float(np.max(np.abs(said)))):
            yield Prediction(ratio * first, f"all of it counts as if {words}", 1)
    limit = case.once(_limit, tensor)
    if limit:
        yield Prediction(np.clip(first, -limit, limit), f"cut off at {limit:.6g}", 1, (limit,))
    wrong = np.abs(said - shown) > LEFT * np.max(np.abs(shown)) if not np.all(said) else np.zeros(0, dtype=bool)
    if np.any(wrong) and not np.any(said[wrong]):
        place, _ = place_of(np.argwhere(wrong), said.shape)
        if place and 2 * np.sum(wrong) <= wrong.size:
            yield Prediction(np.where(wrong, 0.0, first), f"only {place} stayed zero", int(np.sum(wrong)))


def _without_numbers(case: IsolatedLayer, shape: tuple[int, ...]) -> list[tuple[str, Array]]:
    """How many times larger what forward computes would be without one of its numbers, such as an epsilon."""
    found: dict[bytes, tuple[str, Array]] = {}
    for left_out, other in case.tape.without.items() if case.tape else ():
        for own, instead in zip(case.tape.nodes, other.nodes, strict=False) if case.tape else ():
            is_alike = own.site == instead.site and own.value.shape == instead.value.shape and np.all(own.value)
            ratio = instead.value / own.value if is_alike else np.ones(())
            if np.ptp(ratio) > 0 and np.all(np.isfinite(ratio)):
                with contextlib.suppress(ValueError):  # it is not stretched to that shape
                    whole = np.broadcast_to(ratio, shape)
                    found.setdefault(whole.tobytes(), (f"{left_out}, in {own.site.text}", whole))
    return list(found.values())


def _limit(case: IsolatedLayer, tensor: str) -> float:
    """The largest size of what backward said, if several entries have it and not all; else 0."""
    sizes = np.abs(case.said[tensor].astype(np.float64))
    limit = float(np.max(sizes))
    return limit if 1 < np.sum(np.isclose(sizes, limit, rtol=1e-12)) < sizes.size else 0.0
