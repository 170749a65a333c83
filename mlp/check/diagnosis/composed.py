"""Two faults in one gradient: a simple one, and a factor, a place left zero or a term more on top of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mlp.check.diagnosis.algebra import known_factor
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.other_losses import smoothing_terms
from mlp.check.diagnosis.places import place_of
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT


def two_faults(simple: Sequence[Hypothesis]) -> Hypothesis:
    """The hypothesis that one of these faults and another is there; the first must fit no number."""

    def predict(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
        for hypothesis in simple:
            for first in _predictions(hypothesis, case, tensor):
                if (
                    first.fitted == 0
                    and np.shape(first.gradient) == case.said[tensor].shape
                    and first.gradient.size > 2
                ):
                    named = f"{hypothesis.pattern} ({first.measured})" if first.measured else hypothesis.pattern
                    for second in _on_top(case, tensor, np.asarray(first.gradient)):
                        words = f"{named}, and {second.measured}"
                        yield replace(second, measured=words, key=f"{hypothesis.pattern} {first.key}")

    return Hypothesis("two faults", "{tensor} has two faults at once: {measured}.", predict)


def _predictions(hypothesis: Hypothesis, case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    try:
        yield from hypothesis.predict(case, tensor)
    except Exception:  # somebody's code that cannot be run as the hypothesis would have it
        return


def _on_top(case: IsolatedLayer, tensor: str, first: Array) -> Iterator[Prediction]:
    """What else has to be done to a prediction to give what backward said."""
    said = case.said[tensor].astype(np.float64)
    shown = case.seen(first) if first.shape == case.right(tensor).shape else first
    size = float(np.sum(np.square(shown)))
    if not (size > 0 and said.size > 2 and np.all(np.isfinite(shown)) and shown.shape == said.shape):
        return
    factor = float(np.sum(said * shown)) / size
    if _fits(factor * shown, said) and abs(factor - 1) > APART:
        words = "the wrong sign" if abs(factor + 1) < APART else f"a factor of {factor:.6g}{known_factor(case, factor)}"
        yield Prediction(factor * first, words, 1, (factor,))
        return
    wrong = np.abs(said - shown) > LEFT * np.max(np.abs(shown))
    if np.any(wrong) and not np.any(said[wrong]):
        place, _ = place_of(np.argwhere(wrong), said.shape)
        if place and 2 * np.sum(wrong) <= wrong.size:
            yield Prediction(np.where(wrong, 0.0, first), f"only {place} stayed zero", int(np.sum(wrong)))
    for words, added in _added(case, tensor):
        if np.shape(added) == said.shape and np.any(added):
            rate = float(np.sum((said - shown) * added)) / float(np.sum(np.square(added)))
            if abs(rate) > 0 and _fits(shown + rate * added, said):
                yield Prediction(first + rate * added, f"{rate:.6g} times {words} is added", 1, (rate,))


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
