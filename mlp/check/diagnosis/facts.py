"""What the difference between said and right is made of, in the terms in which backward passes are written.

The tables of the roles name single faults. These hypotheses name what any backward can do to a gradient: round it, clip
it, take it of other samples, add a term to it or leave one out. So a fault that nobody listed still gets its sentence.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.changes import PRECISIONS, STEPS, of_digits
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import Factor, multiples, recorded_factors
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer, Role, said
from mlp.check.diagnosis.losses import OTHER_LOSSES
from mlp.check.diagnosis.observations import SAMPLES
from mlp.check.diagnosis.sentences import apart
from mlp.check.diagnosis.substitutions import CHANGED, holder
from mlp.check.diagnosis.terms import FACTOR, TERMS
from mlp.check.rounding import passes_in_float64
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT, as_problem

_FEWEST = 4  # numbers that a term is fitted to, at least: two fit two unknowns always


def _difference(case: IsolatedLayer, tensor: str) -> Array | None:
    """What said has beyond right, None if it has another shape or is not all of it."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or case.seen(right) is not right or not np.all(np.isfinite(said)):
        return None
    return said - right


def _rounded(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Numbers that a coarser arithmetic can hold, and no further from right than a few of its roundings."""
    difference = _difference(case, tensor)
    if difference is None:
        return
    said, size = case.said[tensor].astype(np.float64), float(np.max(np.abs(case.right(tensor)), initial=0.0))
    is_told = len(np.unique(np.abs(said))) >= _FEWEST  # a few numbers are whole steps apart always
    for words, rounded, unit in (*PRECISIONS, *(STEPS if is_told else ())):
        with np.errstate(over="ignore"):
            is_held = np.allclose(rounded(said), said, rtol=1e-13, atol=1e-13 * size)
        if is_held and np.max(np.abs(difference)) <= 8 * unit * size:
            yield Prediction(said, words)
            return
    for decimals in range(1, 9):
        if np.array_equal(np.round(said, decimals), said) and np.max(np.abs(difference)) <= 1.01 * 10.0**-decimals:
            yield Prediction(said, f"{decimals} decimal{'s' * (decimals > 1)}")
            return
    for digits in range(1, 7):
        yield Prediction(of_digits(case.right(tensor), digits), f"{digits} significant digit{'s' * (digits > 1)}")


def _coarse(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Nearly right, and right in float64 throughout, or rough: second differences along x are as large as the error."""
    difference, right = _difference(case, tensor), case.right(tensor)
    error, size = 0.0 if difference is None else float(np.linalg.norm(difference)), float(np.linalg.norm(right))
    again = case.said_for(np.asarray(case.dy)) if 0 < error < size / 64 else {}
    if tensor not in again or not np.array_equal(again[tensor], case.said[tensor]):  # nor where no backward is at hand
        return
    digits = f"about {-np.log10(error / size):.0f} digits only, and"
    fine = passes_in_float64(as_problem(case.function, case.loss, case.x, case.dy)).gradients.get(tensor)
    if fine is not None and fine.shape == right.shape and np.linalg.norm(fine - right) < min(1e-8 * size, error / 8):
        words = "to all of them if the same code has all its numbers in float64: something on the way is in less"
        yield Prediction(case.said[tensor], f"{digits} {words}", 1, is_computed=False)
        return
    dy, step = np.asarray(case.dy), np.sqrt(error / size) / 32
    way = np.flip(dy) if case.role is not Role.LOSS else np.zeros(dy.shape, dtype=dy.dtype)
    steps = [(case.x + k * step * case.other_x, dy + k * (step * way).astype(way.dtype)) for k in range(3)]
    rough = _bent([said(case.function, case.loss, x, dy)[tensor] for x, dy in steps])
    if rough > max(8 * _bent([case.gradient(tensor, x=x, dy=dy) for x, dy in steps]), error / 4):
        words = "jumps where x and dy move evenly: something on the way is rounded"
        yield Prediction(case.said[tensor], f"{digits} {words}", 1, is_computed=False)


def _bent(values: list[Array]) -> float:
    one, two, three = values
    return float(np.linalg.norm(one - 2 * two + three))


def _clipped(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    difference = _difference(case, tensor)
    if difference is None:
        return
    limit = float(np.max(np.abs(case.said[tensor])))
    count = np.sum(np.isclose(np.abs(case.said[tensor]), limit, rtol=1e-12))
    # Where all of them are at the limit, it may be that only their signs are left.
    if 1 < count < difference.size or (count == difference.size > 1 and case.is_right_for_small_dy(tensor)):
        yield Prediction(np.clip(case.right(tensor), -limit, limit), f"at {limit:.6g}", 1)


def _scaled_to_norm(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    norm, right = float(np.linalg.norm(case.said[tensor])), case.right(tensor)
    size = float(np.linalg.norm(right))
    if case.said[tensor].shape == right.shape and size > 0 and np.isclose(norm, round(norm, 3), rtol=1e-7):
        yield Prediction(right * norm / size, f"so that its norm is {norm:.6g}", 1)


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


def _factor_along(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """One factor for each row, or for each column; or any that forward computes."""
    said, right = case.said[tensor].astype(np.float64), case.right(tensor)
    if said.shape != right.shape or case.seen(right) is not right or np.ptp(right) == 0:
        return
    with np.errstate(all="ignore"):
        whole = np.where(right == 0, 1.0, said / right)
    named = _named(case, whole) if np.all(right) else ""
    if named:
        yield Prediction(whole * right, f"each entry has a factor{named}", 1, (), named)
    for words in _by_row_and_column(case, whole) if right.ndim == 2 and np.all(right) else ():
        yield Prediction(whole * right, words, 1, (), words)
    for axis in range(right.ndim) if right.ndim > 1 else ():
        others = tuple(other for other in range(right.ndim) if other != axis)
        if np.prod([right.shape[other] for other in others]) < 2:
            continue
        size = np.sum(np.square(right), axis=others, keepdims=True)
        factor = np.sum(said * right, axis=others, keepdims=True) / np.where(size > 0, size, 1)
        lines = factor[size > 0]
        near = APART * np.max(np.abs(lines - 1))
        others_than_one = lines[np.abs(lines - 1) > near]
        if len(others_than_one) < 2 or not np.any(others_than_one) or np.ptp(lines) <= near:
            continue  # a single line, or lines of zeros, are places; and one factor for all has a name of its own
        one = _along(case, tensor, axis).removeprefix("the ").removesuffix("s")
        least, most = apart(float(factor.min()), float(factor.max()))
        words = f"each {one} has a factor of its own{_named(case, factor)}, from {least} to {most}"
        yield Prediction(factor * right, words, right.shape[axis], (axis,))


def _named(case: IsolatedLayer, factor: Array) -> str:
    """What forward computes that is such a factor, or one over it, or over another, in the words of its code.

    That it is nearly 1 is no name: then it is how far it is from 1 that would have to be explained.
    """
    if np.linalg.norm(factor - 1) < LEFT * np.linalg.norm(factor):
        return ""
    one = [Factor("1", np.ones(factor.shape))]
    arrays = [*one, *_of_forward(case, factor.shape)]
    plainest = itertools.chain(*(itertools.product(*pair) for pair in ((one, arrays), (arrays, one), (arrays, arrays))))
    for below, above in plainest:
        for found in multiples(factor * below.value, iter([above]), LEFT):
            return f", {found.removeprefix('1 times ')}" + (f" over {below.words}" if below is not arrays[0] else "")
    return ""


def _of_forward(case: IsolatedLayer, shape: tuple[int, ...]) -> Iterator[Factor]:
    """What forward computes in this shape, or has from the start, without zeros."""
    fixed = case.tape.fixed.items() if case.tape else ()
    given = (Factor(site.operand(number), value) for (site, number), value in fixed if value.shape == shape)
    held = vars(holder(case.loss if case.role is Role.LOSS else case.function)).items()
    own = (
        Factor(f"`self.{name}`", value)
        for name, value in held
        if isinstance(value, np.ndarray) and value.shape == shape != ()
    )
    yield from (one for one in (*recorded_factors(case, shape), *given, *own) if np.all(one.value))


def _by_row_and_column(case: IsolatedLayer, factor: Array) -> Iterator[str]:
    """What forward computes that is such a factor for each column, with another for each row."""
    for one in _of_forward(case, factor.shape[1:]):
        rows = factor / one.value
        if np.ptp(one.value) > 0 and np.all(np.ptp(rows, axis=1) <= LEFT * np.max(np.abs(rows))):
            named = _named(case, rows[:, 0])
            if named:
                yield f"each column has a factor, {one.words}, and each row one{named}"


ANOTHER_TENSOR = Hypothesis(
    "another tensor's gradient", "{tensor} is the gradient of something else: {measured}.", _of_another_tensor
)

FACTS: tuple[Hypothesis, ...] = (
    FACTOR,
    *OTHER_LOSSES,
    Hypothesis(
        "low precision",
        "{tensor} is right but rounded to {measured}: the rest is lost on the way, as by np.round or in an array of a "
        "smaller type.",
        _rounded,
    ),
    Hypothesis(
        "low precision",
        "{tensor} is right to {measured}, as by np.round or in an array of a smaller type, such as float16.",
        _coarse,
    ),
    Hypothesis(
        "clipped",
        "{tensor} is right but cut off {measured}. Clipping belongs into the update, not into backward.",
        _clipped,
    ),
    SAMPLES,
    *CHANGED,
    TERMS,
    Hypothesis("scaled to a norm", "{tensor} has the right direction, but is scaled {measured}.", _scaled_to_norm),
)

FACTOR_ALONG = Hypothesis("factor along an axis", "{tensor} is right but for factors: {measured}.", _factor_along)
