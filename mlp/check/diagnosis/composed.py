"""Two faults in one gradient: a simple one, and a factor, a place left zero or a term more on top of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.losses import smoothing_terms
from mlp.check.diagnosis.places import place_of
from mlp.check.diagnosis.sentences import known_factor
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_FEWEST = 4  # numbers that two others are fitted to, at least


def two_faults(simple: Sequence[Hypothesis]) -> Hypothesis:
    """The hypothesis that one of these faults and another is there; the first must fit no number."""
    simple = (_NOTHING, *simple)

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
        if first.fitted or key not in (None, first.key) or np.shape(first.gradient) != case.said[tensor].shape:
            continue
        named = f"{hypothesis.pattern} ({first.measured})" if first.measured else hypothesis.pattern
        for second in _on_top(case, tensor, np.asarray(first.gradient)):
            if hypothesis is not _NOTHING or len(second.values) > 1:  # else that is one fault
                words = f"{named}, and {second.measured}"
                yield replace(second, measured=words, key=_begun(hypothesis) + first.key)


def _begun(hypothesis: Hypothesis) -> str:
    """How the keys of what begins with this fault begin."""
    return f"{hypothesis.pattern}: "


def _right(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    yield Prediction(case.right(tensor))


_NOTHING = Hypothesis("what is right", "", _right)


def _predictions(hypothesis: Hypothesis, case: IsolatedLayer, tensor: str, key: str | None) -> Iterator[Prediction]:
    try:
        if key is None or hypothesis.again is None:
            yield from hypothesis.predict(case, tensor)
        else:
            yield from hypothesis.again(case, tensor, Prediction(np.zeros(()), key=key))
    except Exception:  # somebody's code that cannot be run as the hypothesis would have it
        return


def _on_top(case: IsolatedLayer, tensor: str, first: Array) -> Iterator[Prediction]:
    """What else has to be done to a prediction to give what backward said."""
    said = case.said[tensor].astype(np.float64)
    shown = case.seen(first) if first.shape == case.right(tensor).shape else first
    if shown.shape != said.shape or said.size < 3 or not np.any(shown) or not np.all(np.isfinite(shown)):
        return
    terms = list(_added(case, tensor))
    both = [(words, added, True) for words, added in terms if said.size >= _FEWEST]
    for words, added, is_scaled in [("", None, True), *((words, added, False) for words, added in terms), *both]:
        parts = [*([shown] if is_scaled else []), *([] if added is None else [case.seen(added)])]
        if any(np.shape(part) != said.shape for part in parts):
            continue
        columns = np.stack([part.ravel() for part in parts], axis=1)
        values = np.linalg.lstsq(columns, (said if is_scaled else said - shown).ravel(), rcond=None)[0]
        factor, rate = float(values[0]) if is_scaled else 1.0, 0.0 if added is None else float(values[-1])
        model = factor * first + (0.0 if added is None else rate * added)
        is_told = bool(np.all(values)) and not (is_scaled and abs(factor - 1) < APART)
        if is_told and _fits(case.seen(model) if model.shape == case.right(tensor).shape else model, said):
            told = [_times(case, factor)] if is_scaled else []
            told += [f"{rate:.6g} times {words} is added"] if words else []
            yield Prediction(model, " and ".join(told), len(told), tuple(values.tolist()))
            return
    limit = float(np.max(np.abs(said)))
    if 1 < np.sum(np.isclose(np.abs(said), limit, rtol=1e-12)) < said.size:
        yield Prediction(np.clip(first, -limit, limit), f"cut off at {limit:.6g}", 1, (limit,))
    wrong = np.abs(said - shown) > LEFT * np.max(np.abs(shown))
    if np.any(wrong) and not np.any(said[wrong]):
        place, _ = place_of(np.argwhere(wrong), said.shape)
        if place and 2 * np.sum(wrong) <= wrong.size:
            yield Prediction(np.where(wrong, 0.0, first), f"only {place} stayed zero", int(np.sum(wrong)))


def _times(case: IsolatedLayer, factor: float) -> str:
    return "the wrong sign" if abs(factor + 1) < APART else f"a factor of {factor:.6g}{known_factor(case, factor)}"


def _added(case: IsolatedLayer, tensor: str) -> Iterator[tuple[str, Array]]:
    """What may be added to a gradient that has another fault."""
    if case.role is Role.LOSS:
        yield from smoothing_terms(case)
    elif tensor != INPUT:
        value = np.asarray(case.function.parameters()[tensor])
        yield "the parameter, as by weight decay,", value
        yield "the sign of the parameter, as by an L1 penalty,", np.sign(value)


def _fits(model: Array, said: Array) -> bool:
    return float(np.linalg.norm(said - model)) <= LEFT * float(np.linalg.norm(said))
