"""How a finding is said: what is wrong, how sure that is, and the line that would be right."""

from collections.abc import Sequence
from math import log10

import numpy as np

from mlp.check.diagnosis.attempts import attempted
from mlp.check.diagnosis.hypotheses import Explanation
from mlp.check.diagnosis.ingredients import missing_in
from mlp.check.diagnosis.isolated_layer import LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.way_back.ways import LEFT_OUT
from mlp.check.passes import LOSS, Remark, shown
from mlp.check.report import Certainty, Finding
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.losses import LOSSES
from mlp.nn.problem import INPUT

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
    what = best.hypothesis.sentence.format(tensor=tensors[0], measured=best.prediction.measured).replace(",.", ".")
    others = [_with_measure(name, one[0], best) for name, (_, one) in zip(tensors[1:], group[1:], strict=True)]
    missing = (
        missing_in(case, tensor)
        if best.hypothesis.pattern == LEFT_OUT and case.seen(case.right(tensor)) is case.right(tensor)
        else ""
    )
    also = f" What is missing is {missing.removeprefix('1 times ')}." if missing else ""
    also += f" The same goes for {_listed(others)}." if others else ""
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
        certainty=Certainty.POSSIBLE,
        sentence=f"{_subject(case)}: {_listed(names)} {'is' if len(names) == 1 else 'are'} wrong, in a way that none "
        f"of the known faults explains; {measured}.{seen} {why} {_right(right)}",
        algebra="; ".join(right),
    )


def undiagnosed(case: IsolatedLayer | None = None, tensors: Sequence[str] = ()) -> Finding:
    """What is wrong where the search for a cause was broken off by an error; nothing is claimed of the cause."""
    names = tuple(symbol(case, tensor) for tensor in tensors) if case else ()
    which = f"{_listed(names)} {'is' if len(names) == 1 else 'are'} wrong" if names else "A gradient is wrong"
    return Finding(
        layer=case.name if case else "",
        tensors=names,
        pattern=UNRECOGNISED,
        measured="",
        certainty=Certainty.POSSIBLE,
        sentence=f"{_subject(case) + ': ' if case else ''}{which}. The search for the cause was broken off by an "
        "error, so nothing is known of it.",
        algebra="",
    )


def wiring() -> Finding:
    """All layers are right, and the network is wrong."""
    return _of_no_layer(
        "wiring",
        Certainty.LIKELY,
        "Every layer is right on its own, so the fault lies in how they are put together: backward must visit "
        "the layers in reverse order, and hand each one the dx of the one after it as its dy.",
        "for layer in reversed(layers): dy = layer.backward(dy)",
    )


def of_this_dy() -> Finding:
    """The only layer is right on its own, and wrong where it was checked."""
    return _of_no_layer(
        "of this dy",
        Certainty.POSSIBLE,
        "Backward is wrong for the x and dy of this check, and right for the others that were tried: it may "
        "depend on how large dy is, or on what ran before.",
    )


def _of_no_layer(pattern: str, certainty: Certainty, sentence: str, algebra: str = "") -> Finding:
    return Finding("", (), pattern, "", certainty, sentence, algebra)


def _subject(case: IsolatedLayer) -> str:
    inner = getattr(case.subject, "inner", case.subject)
    return f"The loss ({type(inner).__name__})" if case.name == LOSS else shown(case.name, case.subject)


def _certainty(size: int, explanations: list[Explanation]) -> Certainty:
    best, rivals = explanations[0], _rivals(explanations)
    if size - best.prediction.fitted < 1 or size == 1:
        return Certainty.POSSIBLE
    is_certain = best.prediction.is_computed and best.left <= LEFT and not rivals
    return Certainty.CERTAIN if is_certain else Certainty.LIKELY


def _rivals(explanations: list[Explanation]) -> list[str]:
    """Other patterns that explain as much with as few fitted numbers, with what was measured."""
    best = explanations[0]
    equal = [one for one in explanations[1:] if one.prediction.fitted <= best.prediction.fitted]
    others = {
        one.hypothesis.pattern: one.prediction.measured
        for one in equal
        if one.hypothesis.pattern != best.hypothesis.pattern
        and one.prediction.measured not in ("", best.prediction.measured)
    }
    own = [best.prediction.rival] if best.prediction.rival else []
    told = [f"{pattern} ({measured})" if measured else pattern for pattern, measured in others.items()]
    return [*own, *told][:_MOST_RIVALS]


def _how_sure(certainty: Certainty, explanations: list[Explanation]) -> str:
    best = explanations[0]
    if certainty is Certainty.POSSIBLE:
        return "This is a guess, since there are too few numbers here to tell one fault from another."
    rivals = _rivals(explanations)
    if rivals:
        return f"This is very likely; in its numbers it is the same as: {', '.join(rivals)}."
    if not best.prediction.is_computed:
        return "This is very likely, by what backward says of other numbers."
    digits = int(min(15, max(0, -log10(max(best.left, 1e-16)))))
    sure = "certain" if certainty is Certainty.CERTAIN else "very likely"
    return f"This is {sure}: it explains the difference to {digits} digits."


def _right(lines: list[str]) -> str:
    return f"Right would be: {'; '.join(lines)}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


# By class name, so that a subclass, or a class of the same name written elsewhere, finds its line.
_LINES: dict[str, str] = {
    "Tanh": "dx = dy * (1 - np.tanh(x)**2)",
    "Sigmoid": "dx = dy * s * (1 - s), where s = 1 / (1 + np.exp(-x))",
    "ReLU": "dx = dy * (x > 0)",
    "LeakyReLU": "dx = dy * np.where(x > 0, 1, 0.01)",
    "Softplus": "dx = dy / (1 + np.exp(-x))",
    "SiLU": "dx = dy * (s + x * s * (1 - s)), where s = 1 / (1 + np.exp(-x))",
    "Identity": "dx = dy",
    "MSELoss": "dy = 2 * (y - t) / y.size",
    "HuberLoss": "dy = np.clip(y - t, -1, 1) / y.size",
    "BCEWithLogitsLoss": "dy = (1 / (1 + np.exp(-y)) - t) / y.size",
    "CrossEntropyLoss": "dy = (softmax(y) - t) / n, where n is the number of samples",
}

_BY_ROLE = {
    Role.ELEMENTWISE: "dx = dy * f'(x), with the x that forward was given",
    Role.OTHER: "dx[j] = sum over i of dy[i] * (the derivative of y[i] by x[j])",
    Role.LOSS: "{} = the derivative of the very number that forward returns, by the prediction",
}


def right_line(case: IsolatedLayer, tensor: str) -> str:
    """The right line for one gradient of a case."""
    subject = getattr(case.subject, "inner", case.subject)
    if hasattr(subject, "right_line"):
        return str(subject.right_line(tensor))
    names = [kind.__name__ for kind in type(subject).__mro__ if kind.__name__ in _LINES and tensor == INPUT]
    if names and _is_line(case, names[0]):
        return _LINES[names[0]]
    if case.role is Role.LINEAR:
        return _linear(case, tensor)
    if tensor != INPUT:
        summed = f"the sum over {case.first_axis}s of dy"
        return f"{symbol(case, tensor)} = {summed} times the derivative of y by {named(tensor)}"
    return _BY_ROLE[case.role].format(symbol(case, tensor))


def _is_line(case: IsolatedLayer, name: str) -> bool:
    """Whether the line of a name holds here: another slope or threshold under the same name has another one."""
    x, right = np.asarray(case.x, np.float64), case.right(INPUT)
    with attempted():  # whatever a loss raises for a target that is not of its form
        if name in ACTIVATIONS:
            own = np.asarray(case.dy) * ACTIVATIONS[name].derivative(x)
        else:
            loss = LOSSES[name]()
            own = loss.gradient(x, loss.as_target(case.dy, x))
        return own.shape == right.shape and bool(np.allclose(own, right, rtol=1e-4, atol=1e-6))
    return False


def counted(factor: float, samples: int, outputs: int) -> str:
    """In words, in brackets, what a factor counts, or one over it; "" if it is no such number."""
    counts = {"the number of samples": samples, "samples times outputs": samples * outputs, "the outputs": outputs}
    sign = "minus " if factor < 0 else ""
    for words, count in counts.items():
        if count > 1 and abs(abs(factor) - count) < 1e-6 * count:
            return f" ({sign}{words}, as where a sum stands for a mean)"
        if count > 1 and abs(abs(factor) * count - 1) < 1e-6:
            return f" ({sign}one over {words}, as where a mean stands for a sum)"
    return ""


def apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart, four at least."""
    for digits in range(4, 17):
        if f"{one:.{digits}g}" != f"{other:.{digits}g}":
            return f"{one:.{digits}g}", f"{other:.{digits}g}"
    return repr(one), repr(other)


def symbol(case: IsolatedLayer, tensor: str) -> str:
    """How a sentence calls a gradient: dx, dW, db, or dy for the loss of a network."""
    return "dy" if case.name == LOSS else f"d{named(tensor)}"


def named(tensor: str) -> str:
    """How a sentence calls a tensor: a name that is a number, as in a list of parameters, is not to be read as one."""
    return f"p[{tensor}]" if tensor[:1].isdigit() else tensor


def _linear(case: IsolatedLayer, tensor: str) -> str:
    W, b = case.weight, case.bias
    batch = case.x.ndim == 2
    if tensor == b:
        return f"d{b} = dy.sum(axis=0)" if batch else f"d{b} = dy"
    if tensor == W:
        first, second = ("dy", "x") if case.out_first else ("x", "dy")
        return f"d{W} = {first}.T @ {second}" if batch else f"d{W} = np.outer({first}, {second})"
    return f"dx = dy @ {W}" if case.out_first else f"dx = dy @ {W}.T"
