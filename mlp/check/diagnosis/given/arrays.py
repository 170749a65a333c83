"""What shows in the arrays themselves, whatever was differentiated: no numbers, few digits, one in another's place."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from mlp.check.diagnosis.changes import PRECISIONS
from mlp.check.diagnosis.given.gradients import FITTED, Backward, GivenGradients, Setup
from mlp.check.diagnosis.given.sentences import finding
from mlp.check.passes import RemarkKind
from mlp.check.report import Certainty, Finding
from mlp.check.rounding import FLOAT32, gradient_rounding
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.problem import INPUT, Problem

_FEWEST_NUMBERS = 8
_MOST_EXCHANGED = 4
_FEWEST_MOVED = 3


def not_finite(given: GivenGradients) -> list[Finding]:
    """The finding that some entries are no numbers, with their count and the first place of each tensor."""
    told = [
        f"{name} has {' and '.join(_counts(given.gradients[name]))} among {finite.size:,} entries, the first at "
        f"{np.argwhere(~finite)[0].tolist()}"
        for name, finite in given.finite.items()
        if not np.all(finite)
    ]
    names = [name for name, finite in given.finite.items() if not np.all(finite)]
    if not names:
        return []
    rest = "" if all(not np.any(finite) for finite in given.finite.values()) else " The other entries were looked at."
    sentence = (
        f"Not all gradients are finite: {'; '.join(told)}. Such come of 0 / 0, of a logarithm of 0, of an exponential "
        f"that overflows, and of empty cells in a file.{rest}"
    )
    layers = ", ".join(dict.fromkeys(_layer(name) for name in names))
    return [finding(layers, RemarkKind.NOT_FINITE.value, sentence, Certainty.CERTAIN, names)]


def _counts(gradient: Array) -> list[str]:
    nan, infinite = int(np.sum(np.isnan(gradient))), int(np.sum(np.isinf(gradient)))
    return [f"{nan:,} NaN"] * (nan > 0) + [f"{infinite:,} infinite"] * (infinite > 0)


def _layer(name: str) -> str:
    return name if name == INPUT else name.rpartition(".")[0]


def rounded(
    problem: Problem[Layer], right: Mapping[str, Array], given: GivenGradients
) -> tuple[GivenGradients, list[Finding]]:
    """The gradients with the errors of a coarse arithmetic if all their numbers are such, and a finding of that.

    Args:
        problem: the right problem.
        right: its gradients.
        given: what was given.
    """
    values = np.concatenate([gradient[given.finite[name]] for name, gradient in given.gradients.items()])
    if len(set(values[values != 0].tolist())) < _FEWEST_NUMBERS:
        return given, []
    for words, as_held, unit in PRECISIONS:
        if unit > FLOAT32 and np.array_equal(as_held(values), values):
            errors = gradient_rounding(problem.copied(), right, unit)
            wide = GivenGradients(
                given.gradients, {name: np.maximum(given.errors[name], errors[name]) for name in given.gradients}
            )
            is_all = len(wide.agreeing(right)) == len(wide.gradients)
            return wide, [_coarse(words, is_all)]
    return given, []


def _coarse(words: str, is_all: bool) -> Finding:
    rest = (
        "That alone is what is wrong: nothing differs by more than this rounding explains."
        if is_all
        else "That does not explain all differences."
    )
    sentence = f"All of these numbers are rounded to {words}. {rest} Compute in float64 to have them checked closely."
    return finding("", "low precision", sentence, Certainty.CERTAIN)


def scaled_to_norm(right: Backward, given: GivenGradients) -> tuple[list[Finding], GivenGradients]:
    """The finding that all gradients are scaled to one norm, and the right ones in their place."""
    if not all(np.all(finite) for finite in given.finite.values()):  # their norm is not known
        return [], given
    for names in (list(given.gradients), [name for name in given.gradients if name != INPUT]):
        said, wanted = given.vector(given.gradients, names), given.vector(right.gradients, names)
        factor = float(said @ wanted) / (float(wanted @ wanted) or 1.0)
        norm = float(np.sqrt(sum(np.sum(np.square(given.gradients[name])) for name in names)))
        scaled = {name: factor * right.gradients[name] for name in names}
        is_round = np.isclose(norm, float(f"{norm:.2g}"), rtol=1e-6)
        if 0 < factor < 1 - FITTED and is_round and len(given.agreeing(scaled)) == len(names):
            whose = "all gradients" if INPUT in names else "all parameters' gradients"
            sentence = (
                f"These are the right gradients times {factor:.6g}, which makes {norm:.6g} of the norm of {whose} "
                "together: they were clipped by norm. Bring them as they are before that."
            )
            found = finding("", "scaled to a norm", sentence, Certainty.CERTAIN, names)
            return [found], given.with_gradients({name: right.gradients[name] for name in names})
    return [], given


def reordered(right: Backward, given: GivenGradients) -> tuple[list[Finding], GivenGradients]:
    """The finding that the units of a layer come in another order, in its W and b and in the next W, mended."""
    found: list[Finding] = []
    for name, after in pairwise(visit.name for visit in right.visits if visit.layer.parameters()):
        W, b, next_W = f"{name}.W", f"{name}.b", f"{after}.W"
        order = [int(np.argmin(np.abs(right.gradients[b] - value))) for value in given.gradients[b]]
        if order == sorted(order) or len(set(order)) < len(order):
            continue
        moved = {key: right.gradients[key][order] for key in (W, b)} | {next_W: right.gradients[next_W][:, order]}
        if len(given.agreeing(moved)) == len(moved):
            given = given.with_gradients({key: right.gradients[key] for key in moved})
            sentence = (
                f"The units of {name} come in the order {order}, in {W}, {b} and the columns of {next_W} alike: these "
                "are the gradients of the same network with its units numbered otherwise."
            )
            found.append(finding(name, "units in another order", sentence, Certainty.CERTAIN, list(moved)))
    return found, given


def misplaced(setup: Setup, right: Backward, given: GivenGradients) -> tuple[list[Finding], GivenGradients]:
    """The finding that tensors hold something else than their own gradients, and the gradients with these mended."""
    wrong = [name for name in given.gradients if not given.is_as(name, right.gradients[name], FITTED)]
    holds = {name: what for name in wrong if (what := _held(name, setup, right.gradients, given))}
    if not holds:
        return [], given
    told = "; ".join(f"{name} holds {what}" for name, what in holds.items())
    sentence = f"Arrays have changed places: {told}. Look at how the gradients are collected and named."
    found = finding(
        ", ".join(dict.fromkeys(_layer(name) for name in holds)),
        "another array",
        sentence,
        Certainty.CERTAIN,
        tuple(holds),
    )
    return [found], given.with_gradients({name: right.gradients[name] for name in holds})


def _held(name: str, setup: Setup, gradients: Mapping[str, Array], given: GivenGradients) -> str:
    """What stands under a name, if it is another array that is told from a constant; "" if none."""
    layer, _, key = name.rpartition(".")
    value = setup.x if name == INPUT else dict(setup.layers)[layer].parameters()[key]
    right = gradients[name]
    arrays = {f"the gradient of {other}": gradient for other, gradient in gradients.items() if other != name}
    arrays |= {f"the {'input' if name == INPUT else 'parameter'} itself": value}
    for words, array in arrays.items():
        if array.shape == right.shape and np.ptp(array) > 0 and given.is_as(name, array, FITTED):
            return words
    return _moved(name, value, right, given) or _exchanged(given.gradients[name], right)


def _moved(name: str, value: Array, gradient: Array, given: GivenGradients) -> str:
    """The rate of the step of gradient descent after which the parameter itself stands here; "" if it does not."""
    size = float(np.sum(np.square(gradient)))
    rate = float(np.nansum((value - given.gradients[name]) * gradient)) / (size or 1.0)
    is_moved = gradient.size >= _FEWEST_MOVED and np.any(value) and given.is_as(name, value - rate * gradient, FITTED)
    return f"the parameter itself after a step with the learning rate {rate:.6g}" if rate > 0 and is_moved else ""


def _exchanged(said: Array, right: Array) -> str:
    """Which few of a tensor's own entries have changed places; "" if that is not what is wrong."""
    is_wrong = np.abs(said - right) > FITTED * np.max(np.abs(right), initial=0.0)
    places = np.argwhere(is_wrong)
    if not 2 <= len(places) <= min(_MOST_EXCHANGED, said.size // 2):
        return ""
    if not np.allclose(np.sort(said[is_wrong]), np.sort(right[is_wrong]), rtol=FITTED, atol=0.0):
        return ""
    return f"its own entries {', '.join(str(place.tolist()) for place in places)} exchanged"
