"""Faults that are one wrong way back through forward's own operations, in the words of its code."""

from collections.abc import Iterator, Sequence

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer
from mlp.check.diagnosis.sentences import known_factor
from mlp.check.diagnosis.way_back.steps import CONSTANT
from mlp.check.diagnosis.way_back.ways import LEFT_OUT, Slip

_MOST_WAYS = 4


def _slip(pattern: str, sentence: str) -> Hypothesis:
    """The hypothesis that a slip of this pattern was made."""

    def of(slips: Sequence[Slip], tensor: str) -> Iterator[Prediction]:
        for slip in slips:
            if slip.pattern == pattern and tensor in slip.gradients:
                yield Prediction(slip.gradients[tensor], slip.words, key=slip.words)

    return Hypothesis(
        pattern,
        sentence,
        lambda case, tensor: of(case.slips, tensor),
        again=lambda case, tensor, known: of(case.slips_again(known.key), tensor),
    )


def _counted(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """What goes back one way counts another number of times than once."""
    right, said = case.right(tensor), case.said[tensor]
    found: list[tuple[int, Prediction]] = []
    for slip in slips:
        if slip.pattern == LEFT_OUT and tensor in slip.gradients and said.shape == right.shape:
            part = right - slip.gradients[tensor]
            size = float(np.sum(np.square(part)))
            rest = float(np.sum(np.square(slip.gradients[tensor])))
            if min(size, rest) > LEFT * float(np.sum(np.square(right))):  # a factor for all of it has its own name
                times = 1 + float(np.sum((said - right) * part)) / size
                weighed = {
                    name: times * case.right(name) + (1 - times) * slip.gradients[name]
                    for name in slip.gradients.keys() & case.report.keys()
                }
                words = slip.words.replace("nothing goes back", "what goes back").removesuffix(CONSTANT)
                counted = f"{words} counts {times:.6g} times{known_factor(case, times)}"
                found.append((case.agreeing(weighed), Prediction(weighed[tensor], counted, 1, (times,), slip.words)))
    yield from (prediction for _, prediction in sorted(found, key=lambda one: -one[0]))


def _two_left_out(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """Nothing goes back by two ways that have nothing to do with each other, such as a mean and a variance."""
    right, said = case.right(tensor), case.said[tensor]
    if said.shape != right.shape or not np.all(np.isfinite(said)):
        return
    ways = sorted(
        (one for one in slips if one.pattern == LEFT_OUT and tensor in one.gradients), key=lambda one: one.words
    )
    parts = np.array([(right - slip.gradients[tensor]).ravel() for slip in ways]).reshape(len(ways), -1)
    missing = (right - said).ravel()
    products, sides = parts @ parts.T, parts @ missing
    sizes = np.diag(products)
    rest = missing @ missing + sizes[:, None] + sizes + 2 * (products - sides[:, None] - sides)
    for one, other in np.argwhere(np.triu(rest < LEFT * (missing @ missing), 1)).tolist():
        if min(sizes[one], sizes[other]) > LEFT * (missing @ missing):
            first, second = ways[one].words, ways[other].words
            words = f"{first.removesuffix(CONSTANT)}, nor {second.removeprefix('nothing goes back ')}"
            model = right - (parts[one] + parts[other]).reshape(right.shape)
            yield Prediction(model, words, key=f"{first}\n{second}")


def _weighed(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """Several ways lead to the tensor itself, and they do not all count once."""
    right, said = case.right(tensor), case.said[tensor]
    direct = [slip for slip in slips if slip.pattern == LEFT_OUT and slip.goal == tensor]
    if said.shape != right.shape or not 2 <= len(direct) <= _MOST_WAYS or said.size < 2 * len(direct):
        return
    parts = np.array([(right - slip.gradients[tensor]).ravel() for slip in direct])
    if np.linalg.norm(parts.sum(axis=0) - right.ravel()) > LEFT * np.linalg.norm(right):
        return
    weights = np.linalg.lstsq(parts.T, said.ravel(), rcond=None)[0]
    names = [slip.words.removeprefix("nothing goes back ").removesuffix(CONSTANT) for slip in direct]
    told = [
        f"{name} {weight:.4g} times" if abs(weight) > APART else f"{name} not at all"
        for name, weight in zip(names, weights, strict=True)
        if abs(weight - 1) > APART
    ]
    words = f"it counts what goes back {', and '.join(told)}"
    yield Prediction((weights @ parts).reshape(right.shape), words, len(direct), tuple(weights.tolist()), "weights")


def _masked(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """Right but for the entries that are zero: what goes through a mask, or through a corner, goes by another one."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or not np.any(said) or np.all(said):
        return
    for slip in slips:
        if slip.pattern == "derivative missing" and tensor in slip.gradients:
            model = np.where(said == 0, 0.0, slip.gradients[tensor])
            open_too, shut_too = int(np.sum((said != 0) & (right == 0))), int(np.sum((said == 0) & (right != 0)))
            counts = f"{open_too} entries pass that should not, and {shut_too} do not that should"
            yield Prediction(
                model, f"{slip.words.replace(' is missing', ' is another mask')}: {counts}", 1, (), slip.words
            )


SLIPS: tuple[Hypothesis, ...] = (
    _slip(LEFT_OUT, "{tensor} lacks a path of the chain rule: {measured}."),
    _slip("derivative missing", "{tensor} lacks a derivative: {measured}."),
    _slip("wrong derivative", "{tensor} has something else where a derivative should stand: {measured}."),
    _slip("wrong axis", "{tensor} adds up along the wrong axis: {measured}."),
    _slip("sign of a path", "{tensor} has one sign wrong: {measured}."),
    _slip("overwritten", "{tensor} is overwritten where it should be added up: {measured}."),
    _slip("steps left out", "{tensor} does not add up over all steps: {measured}."),
    _slip("sent elsewhere", "{tensor} has dy in other entries than it should: {measured}."),
    _slip("moved", "{tensor} has its numbers in the wrong places: {measured}."),
    _slip("transposed", "{tensor} has a transpose too much or too little: {measured}."),
    _slip("another array", "{tensor} is computed from another array: {measured}."),
    _slip("scale missing", "{tensor} lacks the scale of a factor: {measured}."),
    _slip("another's gradient", "{tensor} is made of another gradient: {measured}."),
    Hypothesis(
        "weight of a path",
        "{tensor} does not count every way back once: {measured}.",
        lambda case, tensor: _counted(case, tensor, case.slips),
        again=lambda case, tensor, known: _counted(case, tensor, case.slips_again(known.key)),
    ),
    Hypothesis(
        LEFT_OUT,
        "{tensor} lacks two paths of the chain rule: {measured}.",
        lambda case, tensor: _two_left_out(case, tensor, case.slips),
        again=lambda case, tensor, known: _two_left_out(case, tensor, case.slips_again(known.key)),
    ),
    Hypothesis(
        "another mask",
        "{tensor} is zero in other entries than it should: {measured}.",
        lambda case, tensor: _masked(case, tensor, case.slips),
    ),
    Hypothesis(
        "weight of a path",
        "{tensor} does not count every way back once: {measured}.",
        lambda case, tensor: _weighed(case, tensor, case.slips),
    ),
)
