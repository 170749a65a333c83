"""Where a number that was measured may come from: what forward has of numbers with a name, and the sizes of its axes.

Several may be the same number, and that it is one of them may be chance, so they are told as what it is perhaps.
"""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.nn.problem import INPUT

_MOST_TOLD = 3
_SAME = 1e-6
_MOST_DIGITS = 10  # that numerical gradients have
_REDUCTIONS = ("mean", "sum", "var", "std")
_POWERS = (
    (1, "{}", ""),
    (-1, "one over {}", ""),
    (2, "the square of {}", ", as where something is multiplied by it and not divided"),
    (-2, "one over the square of {}", ", as where something is divided by it and not multiplied"),
)


class Origin(NamedTuple):
    """A number that a factor may be.

    Attributes:
        value: the number, positive.
        words: what it is.
        hint: what a factor of it looks like.
    """

    value: float
    words: str
    hint: str


def written(factor: float) -> str:
    """A factor in six digits, or in as many more as tell it from 1, which explains no difference."""
    several = (f"{factor:.{more}g}" for more in range(6, _MOST_DIGITS + 1))
    return next((text for text in several if text != "1"), "1")


def known_factor(case: IsolatedLayer, factor: float) -> str:
    """In words, in brackets, what a factor may be; "" if nothing that is known."""
    return perhaps([one for one in origins(case) if abs(abs(factor) - one.value) < _SAME * one.value], factor)


def perhaps(known: Sequence[Origin], factor: float = 1.0) -> str:
    """Some possible origins of a factor, in brackets, the first few of them."""
    told: dict[str, list[str]] = {}
    for one in list(dict.fromkeys(known))[:_MOST_TOLD]:
        told.setdefault(one.hint, []).append(("minus " if factor < 0 else "") + one.words)
    return f" (perhaps {', or '.join(' or '.join(words) + hint for hint, words in told.items())})" if told else ""


def origins(case: IsolatedLayer) -> list[Origin]:
    """All numbers but 1 that a factor may be: forward's own first."""
    return case.once(_origins)


def _origins(case: IsolatedLayer) -> list[Origin]:
    """What is as likely as not is told only where nothing plainer is that number."""
    found = [*_of_forward(case), *_of_sizes(case), *_of_uses(case)]
    for one in (*_of_weights(case), *_of_means(case), *_of_two_sizes(case)):
        if all(abs(one.value - other.value) > _SAME * one.value for other in found):
            found.append(one)
    return [one for one in found if abs(one.value - 1) > _SAME]


def _of_forward(case: IsolatedLayer) -> Iterator[Origin]:
    """The powers of numbers with a name that something is multiplied with or divided by in forward."""
    for (site, number), fixed in case.tape.fixed.items() if case.tape else ():
        name = site.operand(number)
        if (
            np.ndim(fixed) == 0 != fixed
            and site.operation in ("multiply", "divide")
            and re.search(r"`.*[A-Za-z]", name)
        ):
            for power, words, hint in _POWERS:
                yield Origin(abs(float(fixed)) ** power, words.format(name), hint)
            if fixed > 2 and fixed == int(fixed):
                yield Origin(float(fixed) / float(fixed - 1), f"divided by one less than {name}", "")


def _of_weights(case: IsolatedLayer) -> Iterator[Origin]:
    """The means of weights, by which sums of them differ from how many there are."""
    for (site, number), fixed in case.tape.fixed.items() if case.tape else ():
        name, mean = site.operand(number), abs(float(np.mean(fixed)))
        if site.operation == "multiply" and np.ptp(fixed) > 0 and mean and name.startswith("`"):
            yield Origin(mean, f"the mean of {name}", ", as where their number stands for their sum")
            yield Origin(1 / mean, f"one over the mean of {name}", ", as where their sum stands for their number")


def _of_sizes(case: IsolatedLayer) -> Iterator[Origin]:
    """What an axis or several count, or one over it; and the same divided by one less, of what forward adds up over."""
    for count, words in (one for one in _counts(case) if one[0] > 1):
        yield Origin(float(count), words, ", as where a sum stands for a mean")
        yield Origin(1 / count, f"one over {words}", ", as where a mean stands for a sum")
    for count in sorted(_added_up(case)):
        for one, other in ((count, count - 1), (count - 1, count)):
            hint = f", as of a division by {other} and not by {one}, which is one off"
            yield Origin(one / other, f"{one} / {other}", hint)


def _of_uses(case: IsolatedLayer) -> Iterator[Origin]:
    """How many times forward uses a tensor, as it may in each step, or in several layers."""
    for name, number in case.tape.leaves.items() if case.tape else ():
        count = sum(edge.parent == number for node in case.tape.nodes for edge in node.edges) if case.tape else 0
        if count > 1 and (name != INPUT or case.role is Role.OTHER):
            yield Origin(1 / count, f"one over the number of times {name} is used", ", as of a mean over them")


def _of_means(case: IsolatedLayer) -> Iterator[Origin]:
    """The lengths of the axes over which forward takes a mean together."""
    nodes = case.tape.nodes if case.tape else []
    for node in (one for one in nodes if one.site.operation == "mean" and one.edges):
        shape = nodes[node.edges[0].parent].value.shape
        for axis, size in enumerate(shape) if 1 < max(shape, default=0) < math.prod(shape) // node.value.size else ():
            yield Origin(
                float(size), f"the length of axis {axis} of {node.site.operand(0)}", ", as where a mean leaves it out"
            )


def _of_two_sizes(case: IsolatedLayer) -> Iterator[Origin]:
    """What one axis counts over what another one does; where that is a whole number, it may be anything."""
    lengths = {count: words for count, words in _counts(case) if count > 1 and " times " not in words}
    for (count, words), (other, others) in itertools.permutations(lengths.items(), 2):
        if count % other and other % count:
            yield Origin(count / other, f"{words} over {others}", ", as where one stands for the other")


def _counts(case: IsolatedLayer) -> Iterator[tuple[int, str]]:
    """What one axis counts, then several; those that stand side by side, or all but one, are averaged over together."""
    is_loss = case.role is Role.LOSS
    shapes = {"x": case.x.shape} if is_loss or (case.x.ndim > 2 and case.x.shape == case.y.shape) else {}
    shapes = shapes or {"y": case.y.shape, "x": case.x.shape}
    more = []
    for name, shape in shapes.items():
        long = [axis for axis, size in enumerate(shape) if size > 1]
        for rank in range(1, len(long) + 1):
            for axes in itertools.combinations(long, rank):
                words = " times ".join(_axis(name, shape, axis, is_loss) for axis in axes)
                if rank == 1:
                    yield shape[axes[0]], words
                elif axes[-1] - axes[0] < rank or rank == len(shape) - 1:
                    more.append((math.prod(shape[axis] for axis in axes), words))
    if case.x.ndim > 2 and not is_loss and case.x.size and case.y.size:
        yield case.y.size // case.x.size, "the number of outputs for each input"
        yield case.x.size // case.y.size, "the number of inputs for each output"
    yield from more


def _axis(name: str, shape: Sequence[int], axis: int, is_loss: bool) -> str:
    if axis == 0 and len(shape) > 1:
        return "the number of samples"
    if len(shape) < 3:
        return "the number of outputs" if name == "y" or is_loss else "the number of inputs"
    return f"the length of axis {axis} of {name}"


def _added_up(case: IsolatedLayer) -> set[int]:
    """How many entries forward adds up into one, where it does."""
    nodes = case.tape.nodes if case.tape else []
    counts = {
        nodes[edge.parent].value.size // max(1, node.value.size)
        for node in nodes
        if node.site.operation in _REDUCTIONS
        for edge in node.edges
    }
    return {count for count in counts if count > 2}
