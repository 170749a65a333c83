"""What is said of gradients whose backward nobody has: no more than their numbers tell."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from mlp.check.diagnosis.given.fits import Fit
from mlp.check.diagnosis.given.gradients import Alternative, GivenGradients
from mlp.check.diagnosis.given.layers import Arrival
from mlp.check.diagnosis.sentences import UNRECOGNISED, apart
from mlp.check.passes import LOSS
from mlp.check.report import Certainty, Finding
from mlp.nn.arrays import Array

_FEWEST = 3  # numbers beyond those fitted, that agree by chance no more
BY_ITSELF = "No dy gives both dW and db of the layer, so the fault is in one of these two formulas."
SPARED = "All gradients below it are right, so what reached the layer is right too, and the fault is here."
OF_INPUT = "The other gradients tell what reached the layer, so the fault is in dx alone."


def finding(layer: str, pattern: str, sentence: str, certainty: Certainty, tensors: Sequence[str] = ()) -> Finding:
    """A finding without a line of algebra."""
    return Finding(layer, tuple(tensors), pattern, "", certainty, sentence, "")


def from_above(layer: str, names: Sequence[str], fitted: Fit, right: Array) -> Finding:
    """Gradients that come from a wrong dy, which was spoiled above in no way that the tables know.

    Args:
        layer: the first layer whose gradients show it.
        names: what stands above it, up to the next linear layer or the loss.
        fitted: the dy that they come from.
        right: what it should be.
    """
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.abs(fitted.dy - right))), right.shape))
    said, wanted = apart(float(fitted.dy[worst]), float(right[worst]))
    sentence = (
        f"The gradients of {layer or 'the layer'} and of all below it come from one dy, which is wrong: at "
        f"{list(worst)} it is {said} instead of {wanted}. {rests_on(fitted)} So the fault lies above, in the backward "
        f"of {source(names)}, in a way that none of the known faults explains."
    )
    return finding(" or ".join(names), UNRECOGNISED, sentence, Certainty.CERTAIN, ["dy"])


def not_told(layer: str, names: Sequence[str], arrival: Arrival) -> Finding:
    """Gradients of a layer that are wrong, where it cannot be told whether by themselves or by their dy."""
    inputs = arrival.x.shape[-1]
    if arrival.is_told:
        why = "Some dy gives both, but not the gradients below it too."
    else:
        samples = 1 if arrival.x.ndim < 2 else len(arrival.x)
        why = f"With {samples} samples and {inputs} inputs some dy gives any dW and db, so they tell nothing of it."
    places = " or ".join([layer, *names])
    sentence = (
        f"The dW and db of {layer or 'the layer'} are wrong, in a way that none of the known faults explains. {why} "
        f"The fault may be in the layer itself or in the dy that {source(names)} handed down."
    )
    return finding(places, UNRECOGNISED, sentence, Certainty.POSSIBLE, ["dW", "db"])


def rests_on(fitted: Fit) -> str:
    """How many numbers a fit was made to, in a sentence."""
    return f"All {fitted.equations} numbers agree, of which it takes {fitted.rank} to find it."


def source(names: Sequence[str]) -> str:
    """What hands down a dy, in words."""
    return " or ".join("the loss" if name == LOSS else name for name in names) or "what follows"


def another(rivals: Sequence[Alternative], given: GivenGradients) -> Finding:
    """The finding that gradients, all of them or most, are those of something else.

    Args:
        rivals: what they agree with equally well.
        given: the gradients.
    """
    first = rivals[0]
    agreeing = given.agreeing(first.backward.gradients)
    count = len(agreeing)
    which = "These are" if count == len(given.gradients) else f"All gradients but {_listed(given, agreeing)} are"
    words = list(dict.fromkeys(one.words for one in rivals))
    shown = "; or ".join(words[:3]) + (f"; or {len(words) - 3} more" if len(words) > 3 else "")
    is_told = len(words) == 1 and first.left >= _FEWEST
    return finding(
        " or ".join(dict.fromkeys(one.place for one in rivals if one.place)),
        first.pattern,
        f"{which} the right gradients {shown}.",
        Certainty.CERTAIN if is_told else Certainty.LIKELY if len(words) == 1 else Certainty.POSSIBLE,
        sorted(agreeing),
    )


def _listed(given: GivenGradients, agreeing: Collection[str]) -> str:
    return " and ".join(name for name in given.gradients if name not in agreeing)


def nothing_fits() -> Finding:
    """No gradient has to do with what it should be."""
    sentence = (
        "Not one of these gradients fits, from the last layer on. Most often they belong to other numbers: to other "
        "weights, another input or target, or another loss. Load those of this very problem and compute them again."
    )
    return finding("", UNRECOGNISED, sentence, Certainty.POSSIBLE)


def together(found: Sequence[Finding]) -> list[Finding]:
    """The findings with those made one that say the same of several layers."""
    groups: dict[object, list[Finding]] = {}
    for one in found:
        is_alike = one.measured and one.pattern != UNRECOGNISED
        groups.setdefault((one.pattern, one.measured) if is_alike else id(one), []).append(one)
    return [_joined(group) if len(group) > 1 else group[0] for group in groups.values()]


def _joined(group: list[Finding]) -> Finding:
    others = [f"{' and '.join(one.tensors)} of {one.layer}" for one in group[1:]]
    return replace(
        group[0],
        layer=", ".join(one.layer for one in group),
        sentence=f"{group[0].sentence} The same goes for {', '.join(others)}.",
    )
