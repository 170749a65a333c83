"""How a finding is said: what is wrong, how sure that is, and the line that would be right."""

from collections.abc import Sequence
from math import log10

from mlp.check.diagnosis.algebra import apart, right_line, symbol
from mlp.check.diagnosis.hypotheses import Explanation
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.passes import LOSS, Remark, shown
from mlp.check.report import Certainty, Finding

ALONE = "The layer was checked on its own, so the fault is in its backward and nowhere else."
_MOST_RIVALS = 1
UNRECOGNISED = "unrecognised"


def from_explanations(case: IsolatedLayer, group: list[tuple[str, list[Explanation]]]) -> Finding:
    """The finding for one pattern, from each tensor that it shows in and what explains it, the best first."""
    tensor, explanations = group[0]
    best = explanations[0]
    tensors = tuple(symbol(case, name) for name, _ in group)
    certainty = _certainty(case.said[tensor].size, explanations)
    right = [right_line(case, name) for name, _ in group]
    what = best.hypothesis.sentence.format(tensor=tensors[0], measured=best.prediction.measured)
    others = [_with_measure(name, one[0], best) for name, (_, one) in zip(tensors[1:], group[1:], strict=True)]
    also = f" The same goes for {_listed(others)}." if others else ""
    return Finding(
        layer=case.name,
        tensors=tensors,
        pattern=best.hypothesis.pattern,
        measured=best.prediction.measured,
        certainty=certainty,
        sentence=f"{_subject(case)}: {what}{also} {_how_sure(certainty, explanations)} {_right(right)}",
        algebra="; ".join(right),
    )


def _with_measure(name: str, explanation: Explanation, first: Explanation) -> str:
    """The name of a gradient, with what was measured for it where that is not what was measured for the first."""
    measured = explanation.prediction.measured
    return f"{name} ({measured})" if measured not in ("", first.prediction.measured) else name


def from_remark(remark: Remark, right: str = "") -> Finding:
    """A fault that was seen happen, with the line that would be right where there is one."""
    sentence = f"{remark.sentence} {_right([right])}" if right else remark.sentence
    return Finding(remark.layer, (), remark.kind.value, "", Certainty.CERTAIN, sentence, right)


def unrecognised(case: IsolatedLayer, tensors: Sequence[str], holds: Sequence[str], why: str = ALONE) -> Finding:
    """Gradients that are wrong in no way that the tables know, what holds of them, and why it is this layer."""
    check = case.report[tensors[0]]
    worst = check.worst
    said, right_value = apart(float(check.analytical[worst]), float(check.numerical[worst]))
    measured = f"at {list(worst)} it is {said} instead of {right_value}"
    names = tuple(symbol(case, tensor) for tensor in tensors)
    right = [right_line(case, tensor) for tensor in tensors]
    seen = f" What can be seen: {'; '.join(holds)}." if holds else ""
    return Finding(
        layer=case.name,
        tensors=names,
        pattern=UNRECOGNISED,
        measured=measured,
        certainty=Certainty.CERTAIN,
        sentence=f"{_subject(case)}: {_listed(names)} {'is' if len(names) == 1 else 'are'} wrong, in a way that none "
        f"of the known faults explains; {measured}.{seen} {why} {_right(right)}",
        algebra="; ".join(right),
    )


def wiring() -> Finding:
    """All layers are right, and the network is wrong."""
    return Finding(
        layer="",
        tensors=(),
        pattern="wiring",
        measured="",
        certainty=Certainty.LIKELY,
        sentence="Every layer is right on its own, so the fault lies in how they are put together: backward must visit "
        "the layers in reverse order, and hand each one the dx of the one after it as its dy.",
        algebra="for layer in reversed(layers): dy = layer.backward(dy)",
    )


def _subject(case: IsolatedLayer) -> str:
    inner = getattr(case.subject, "inner", case.subject)
    return f"The loss ({type(inner).__name__})" if case.name == LOSS else shown(case.name, case.subject)


def _certainty(size: int, explanations: list[Explanation]) -> Certainty:
    best, rivals = explanations[0], _rivals(explanations)
    if size - best.prediction.fitted < 1 or size == 1:
        return Certainty.POSSIBLE
    return Certainty.LIKELY if rivals or best.left > 1e-5 else Certainty.CERTAIN


def _rivals(explanations: list[Explanation]) -> list[str]:
    """Other patterns that explain as much with as few fitted numbers, with what was measured."""
    best = explanations[0]
    equal = [one for one in explanations[1:] if one.prediction.fitted <= best.prediction.fitted]
    others = {one.hypothesis.pattern: one.prediction.measured for one in equal if one.hypothesis is not best.hypothesis}
    return [f"{pattern} ({measured})" if measured else pattern for pattern, measured in others.items()][:_MOST_RIVALS]


def _how_sure(certainty: Certainty, explanations: list[Explanation]) -> str:
    best = explanations[0]
    if certainty is Certainty.POSSIBLE:
        return "This is a guess, since there are too few numbers here to tell one fault from another."
    rivals = _rivals(explanations)
    if rivals:
        return f"This is very likely; in its numbers it is the same as: {', '.join(rivals)}."
    digits = int(min(15, max(0, -log10(max(best.left, 1e-16)))))
    sure = "certain" if certainty is Certainty.CERTAIN else "very likely"
    return f"This is {sure}: it explains the difference to {digits} digits."


def _right(lines: list[str]) -> str:
    return f"Right would be: {'; '.join(lines)}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
