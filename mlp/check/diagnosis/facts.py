"""What the difference between said and right is made of, in the terms in which backward passes are written.

The tables of the roles name single faults. These hypotheses name what any backward can do to a gradient: round it, clip
it, take it of other samples, add a term to it or leave one out. So a fault that nobody listed still gets its sentence.
"""

from collections.abc import Callable, Iterator

import numpy as np

from mlp.check.diagnosis.groups import SAMPLES
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.other_losses import OTHER_LOSSES, smoothing_terms
from mlp.check.diagnosis.paths import Paths
from mlp.check.diagnosis.substitutions import CHANGED, INGREDIENT
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_MOST_SAMPLES = 32
# Sums that would be zero, of a few terms, but for a small number that is added to a variance.
_CANCELLED = 0.1
_FEWEST = 4  # numbers that a term is fitted to, at least: two fit two unknowns always


def _difference(case: IsolatedLayer, tensor: str) -> Array | None:
    """What said has beyond right, None if it has another shape or is not all of it."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or case.seen(right) is not right or not np.all(np.isfinite(said)):
        return None
    return said - right


def _is_left(rest: Array, difference: Array) -> bool:
    return float(np.linalg.norm(rest)) <= LEFT * float(np.linalg.norm(difference))


def _bfloat16(array: Array) -> Array:
    """Rounded to the upper half of a float32."""
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


PRECISIONS: tuple[tuple[str, Callable[[Array], Array], float], ...] = (
    ("bfloat16, of about 2 digits", _bfloat16, 2.0**-7),
    ("float16, of about 3 digits", lambda a: a.astype(np.float16).astype(np.float64), 2.0**-10),
    ("float32, of about 7 digits", lambda a: a.astype(np.float32).astype(np.float64), 2.0**-23),
)


def _rounded(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Numbers that a coarser arithmetic can hold, and no further from right than a few of its roundings."""
    difference = _difference(case, tensor)
    if difference is None:
        return
    said, size = case.said[tensor].astype(np.float64), float(np.max(np.abs(case.right(tensor)), initial=0.0))
    for words, rounded, unit in PRECISIONS:
        with np.errstate(over="ignore"):
            if np.array_equal(rounded(said), said) and np.max(np.abs(difference)) <= 8 * unit * size:
                yield Prediction(said, words)
                return
    for decimals in range(1, 9):
        if np.array_equal(np.round(said, decimals), said) and np.max(np.abs(difference)) <= 0.51 * 10.0**-decimals:
            yield Prediction(said, f"{decimals} decimals")
            return


def _clipped(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    difference = _difference(case, tensor)
    if difference is None:
        return
    limit = float(np.max(np.abs(case.said[tensor])))
    if np.sum(np.isclose(np.abs(case.said[tensor]), limit, rtol=1e-12)) >= 2:
        yield Prediction(np.clip(case.right(tensor), -limit, limit), f"at {limit:.6g}", 1)


def _scaled_to_norm(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    norm, right = float(np.linalg.norm(case.said[tensor])), case.right(tensor)
    size = float(np.linalg.norm(right))
    if case.said[tensor].shape == right.shape and size > 0 and np.isclose(norm, round(norm, 3), rtol=1e-7):
        yield Prediction(right * norm / size, f"so that its norm is {norm:.6g}", 1)


def _samples_left_out(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The gradient as a sum over samples that do not all count once."""
    if tensor == INPUT or case.role is Role.LOSS or not 2 <= case.samples <= _MOST_SAMPLES:
        return
    if np.shape(case.dy)[:1] != (case.samples,):  # one output for all samples
        return
    if tensor in case.paths and len(case.paths[tensor].said) > 1:  # they tell more
        return
    parts = []
    for sample in range(case.samples):
        dy = np.zeros(np.shape(case.dy))
        dy[sample] = np.asarray(case.dy)[sample]
        parts.append(case.gradient(tensor, dy=dy))
    whole = np.sum(parts, axis=0)
    for sample, part in enumerate(parts):
        yield Prediction(whole - part, f"sample {sample} is missing")
    said = case.said[tensor].astype(np.float64)
    if said.shape == whole.shape and said.size >= 2 * len(parts) and np.all(np.isfinite(said)):
        weights = np.linalg.lstsq(np.reshape(parts, (len(parts), -1)).T, said.ravel(), rcond=None)[0]
        missing = np.flatnonzero(np.abs(weights) < APART)
        words = (
            f"samples {missing.tolist()} are missing" if len(missing) else f"they count {np.round(weights, 3)} times"
        )
        if np.ptp(weights) > APART and len(missing) != 1:
            yield Prediction(np.tensordot(weights, parts, axes=1), words, len(parts))


def _of_another_tensor(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    for number, other in enumerate(case.report):
        if other != tensor and case.right(other).shape == case.right(tensor).shape:
            yield Prediction(case.right(other), f"it is that of {other}", values=(number,))


def _along(case: IsolatedLayer, tensor: str, axis: int) -> str:
    """What an axis runs over, in words."""
    if tensor == INPUT and case.x.ndim == 2:
        return ("the samples", "the features")[axis]
    rank = case.right(tensor).ndim
    return "the entries" if rank == 1 else ("the rows", "the columns")[axis] if rank == 2 else f"axis {axis}"


def _terms(case: IsolatedLayer, tensor: str) -> Iterator[tuple[str, Array]]:
    """What is commonly added to a gradient, or forgotten in it, by name."""
    value = case.x if tensor == INPUT else case.function.parameters().get(tensor, case.x)
    if tensor != INPUT:
        yield "the sign of the parameter, as an L1 penalty would add", np.sign(value)
    dy = np.asarray(case.dy, dtype=np.float64) if case.role is not Role.LOSS else None
    if dy is not None:
        yield "dy itself, as of a path around the layer", dy
    if dy is None:
        yield from smoothing_terms(case)
    else:
        yield "the output y", case.y
    yield "the input x", case.x
    if dy is not None and dy.ndim == case.x.ndim > 1 and dy.shape[:-1] == case.x.shape[:-1]:
        yield "dy summed over the features", np.broadcast_to(dy.sum(axis=-1, keepdims=True), case.x.shape)
    if dy is not None and dy.shape == case.x.shape:
        yield "dy times x", dy * case.x
        yield "dy times y", dy * case.y
        yield "dy summed over the samples", np.broadcast_to(dy.sum(axis=0, keepdims=True), dy.shape)
    yield "a constant", np.ones(case.right(tensor).shape)


def _term_added(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """A multiple of one of the terms, the same on every input."""
    difference = _difference(case, tensor)
    if difference is None or difference.size < _FEWEST:
        return
    for number, (words, term) in enumerate(_terms(case, tensor)):
        if np.shape(term) == difference.shape and np.any(term):
            factor = float(np.sum(difference * term) / np.sum(np.square(term)))
            if _is_left(difference - factor * term, difference):
                what = f"{abs(factor):.6g} times {words} is {'added' if factor > 0 else 'missing, or taken off'}"
                yield Prediction(case.right(tensor) + factor * term, what, 1, (number, factor))


def _same_along(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """A difference that is the same number all along one axis."""
    difference = _difference(case, tensor)
    if difference is None or difference.ndim < 2:
        return
    for axis in range(difference.ndim):
        mean = difference.mean(axis=axis, keepdims=True)
        if difference.shape[axis] > 2 and _is_left(difference - mean, difference):
            words = f"what is added is the same for all {_along(case, tensor, axis).removeprefix('the ')}"
            yield Prediction(case.right(tensor) + mean, words, mean.size, (axis,))


def _normalisation(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """A term that is a constant plus a multiple of x over the samples, or over the features, each with its own two."""
    difference = _difference(case, tensor)
    if difference is None or tensor != INPUT or case.role is not Role.OTHER or case.x.ndim < 2:
        return
    for axis, over in ((0, "each feature, over the samples"), (-1, "each sample, over its features")):
        x, rest = np.moveaxis(case.x, axis, 0), np.moveaxis(difference, axis, 0)
        if len(x) < _FEWEST or _counts_others(case.paths[tensor], axis):
            continue
        right = np.moveaxis(case.right(tensor), axis, 0)
        shift, scale = _cancels(right), _cancels(x * right)  # what a mean, and a deviation or norm, make of any dx
        base = x - x.mean(axis=0) if shift else x
        mean = rest.mean(axis=0) if shift else np.zeros(rest.shape[1:])
        slope = (
            np.sum((rest - mean) * base, axis=0) / np.maximum(np.sum(np.square(base), axis=0), 1e-300) if scale else 0.0
        )
        model = np.broadcast_to(mean + slope * base, rest.shape)
        if not _is_left(rest - model, difference):
            continue
        parts = (
            ("the mean", "a constant", mean),
            ("the variance" if shift else "the norm", "a multiple of x", slope * base),
        )
        there = [part for part in parts if np.linalg.norm(part[2]) > LEFT * np.linalg.norm(rest)]
        terms, lost = (" plus ".join(part[1] for part in there), " and ".join(part[0] for part in there))
        words = f"for {over}, the difference is {terms}: {lost} {'depend' if len(there) > 1 else 'depends'} on x too"
        yield Prediction(case.right(tensor) + np.moveaxis(model, 0, axis), words, 2, (axis,))


def _cancels(terms: Array) -> bool:
    """Whether the terms of each sum over the first axis cancel each other, nearly."""
    sums, sizes = np.sum(terms, axis=0), np.sum(np.abs(terms), axis=0)
    return float(np.linalg.norm(sums)) <= _CANCELLED * float(np.linalg.norm(sizes))


def _counts_others(paths: Paths, axis: int) -> bool:
    """Whether what passes between different places along an axis is all there, but not counted once."""
    if paths.dy.shape != paths.shape:
        return False
    weight = paths.weight(paths.outputs[axis][:, None] != paths.entries[axis][None, :])
    return weight is not None and abs(weight) > APART


def _factor_along(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """One factor for each row, or for each column."""
    said, right = case.said[tensor].astype(np.float64), case.right(tensor)
    if said.shape != right.shape or right.ndim < 2 or case.seen(right) is not right:
        return
    for axis in range(right.ndim):
        others = tuple(other for other in range(right.ndim) if other != axis)
        if np.prod([right.shape[other] for other in others]) < 2:
            continue
        size = np.sum(np.square(right), axis=others, keepdims=True)
        factor = np.sum(said * right, axis=others, keepdims=True) / np.where(size > 0, size, 1)
        lines = factor[size > 0]
        others_than_one = lines[np.abs(lines - 1) > APART]
        if len(others_than_one) < 2 or not np.any(others_than_one) or np.ptp(lines) < APART * np.max(np.abs(lines)):
            continue  # a single line, or lines of zeros, are places; and one factor for all has a name of its own
        one = _along(case, tensor, axis).removeprefix("the ").removesuffix("s")
        yield Prediction(
            factor * right, f"each {one} has a factor of its own, from {factor.min():.4g} to {factor.max():.4g}",
            right.shape[axis], (axis,),
        )  # fmt: skip


FACTS: tuple[Hypothesis, ...] = (
    *OTHER_LOSSES,
    Hypothesis(
        "low precision",
        "{tensor} is right but rounded to {measured}. Somewhere its numbers pass through an array of that type.",
        _rounded,
    ),
    Hypothesis(
        "clipped",
        "{tensor} is right but cut off {measured}. Clipping belongs into the update, not into backward.",
        _clipped,
    ),
    Hypothesis("sample left out", "{tensor} does not add up all samples once: {measured}.", _samples_left_out),
    SAMPLES,
    Hypothesis(
        "another tensor's gradient", "{tensor} is the gradient of something else: {measured}.", _of_another_tensor
    ),
    *CHANGED,
    Hypothesis("term added or missing", "{tensor} is right but for one term: {measured}.", _term_added),
    Hypothesis(
        "mean and variance taken for constants",
        "{tensor} lacks terms: {measured}.",
        _normalisation,
    ),
    Hypothesis("term alike along an axis", "{tensor} is right but for a term: {measured}.", _same_along),
    INGREDIENT,
    Hypothesis("scaled to a norm", "{tensor} has the right direction, but is scaled {measured}.", _scaled_to_norm),
)

FACTOR_ALONG = Hypothesis("factor along an axis", "{tensor} is right but for factors: {measured}.", _factor_along)
