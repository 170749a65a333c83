"""A gradient that is right but for a factor, for terms with a name that are added to it, or for both.

Penalties on parameters, a path around the layer, label smoothing, a bracket left out: each adds a multiple of some
array. Which multiples is fitted, the fewest numbers first.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.losses import target_of
from mlp.check.diagnosis.origins import known_factor, written
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT

_FEWEST = 2  # numbers that each one is fitted to, at least
_DEPENDENT = 1e-9


class Term(NamedTuple):
    """What may be added to a gradient."""

    words: str
    value: Array


Makes = Callable[[IsolatedLayer, str], Iterable[Term]]


def penalties(case: IsolatedLayer, tensor: str) -> Iterator[Term]:
    """What is added to a gradient where the loss that is meant has a term more, or another target."""
    if tensor != INPUT:
        value = np.asarray(case.function.parameters()[tensor], dtype=np.float64)
        yield Term("the parameter, as by weight decay,", value)
        yield Term("the sign of the parameter, as by an L1 penalty,", np.sign(value))
    elif case.role is Role.LOSS:
        target = target_of(case)
        classes = max(1, target.shape[-1]) if target.ndim else 1
        yield Term("the target", target)
        yield Term("a constant, as of a smoothed or shifted target,", np.ones(case.right(tensor).shape))
        yield Term("the target less one over the classes, as of label smoothing,", target - 1 / classes)
        yield Term("the target less one half, as of label smoothing,", target - 0.5)


def terms(case: IsolatedLayer, tensor: str) -> Iterator[Term]:
    """What is commonly added to a gradient, or forgotten in it."""
    yield from penalties(case, tensor)
    x = np.asarray(case.x, dtype=np.float64)
    if case.role is not Role.LOSS:
        dy = np.asarray(case.dy, dtype=np.float64)
        yield Term("dy itself, as of a path around the layer,", dy)
        yield Term("the output y", case.y)
        if dy.ndim == x.ndim > 1 and dy.shape[:-1] == x.shape[:-1]:
            yield Term("dy summed over the features", np.broadcast_to(dy.sum(axis=-1, keepdims=True), x.shape))
        if dy.shape == x.shape:
            yield Term("dy times x", dy * x)
            yield Term("dy times y", dy * case.y)
            for name, value in (("x", x), ("y", case.y)):
                along = np.sum(dy * value, axis=-1, keepdims=True) * value
                yield Term(f"a sum over the features of dy times {name}, times {name},", along)
            yield Term("dy summed over the samples", np.broadcast_to(dy.sum(axis=0, keepdims=True), dy.shape))
    yield Term("the prediction y" if case.role is Role.LOSS else "the input x", x)
    yield Term("a constant", np.ones(case.right(tensor).shape))


class _Known(NamedTuple):
    """Terms that may be in a gradient.

    Attributes:
        terms: those of its shape, but zeros.
        seen: what shows of them.
        basis: an orthonormal basis of all sums of multiples of them, as columns.
        rest: what backward said, less its nearest such sum.
    """

    terms: Sequence[Term]
    seen: Sequence[Array]
    basis: Array
    rest: Array

    def left(self, base: Array, said: Array) -> float:
        """The part of what is said that no multiple of a base and of the terms together give."""
        flat = base.ravel()
        own = flat - self.basis @ (self.basis.T @ flat)
        rest = self.rest - own * (own @ self.rest) / ((own @ own) or 1.0)
        return float(np.linalg.norm(rest) / (np.linalg.norm(said) or 1.0))


def _known(case: IsolatedLayer, tensor: str, make: Makes) -> _Known:
    said = case.said[tensor].astype(np.float64)
    fitting = [one for one in make(case, tensor) if one.value.shape == said.shape and np.any(one.value)]
    seen = [case.seen(one.value) for one in fitting]
    columns = np.array([array.ravel() / np.linalg.norm(array) for array in seen if np.any(array)])
    left, sizes, _ = np.linalg.svd(columns.reshape(-1, said.size).T, full_matrices=False)
    basis = left[:, sizes > _DEPENDENT]
    return _Known(fitting, seen, basis, said.ravel() - basis @ (basis.T @ said.ravel()))


def combined(
    case: IsolatedLayer, tensor: str, base: Array, make: Makes, sizes: Iterable[tuple[int, bool]]
) -> Iterator[Prediction]:
    """What a gradient is if it is base times a number and multiples of terms; the first that fits.

    Args:
        case: the layer.
        tensor: whose gradient it is.
        base: the right gradient, or one with a fault.
        make: gives what may be added.
        sizes: how many of them there may be, and whether the base may have a factor; the plainest first.
    """
    said, shown = case.said[tensor].astype(np.float64), case.seen(base)
    if said.shape != shown.shape or not np.any(shown) or not np.all(np.isfinite([said, shown])):
        return
    known = case.once(_known, tensor, make)
    fitting, seen = known.terms, known.seen
    if said.size > len(seen) + 1 and known.left(shown, said) > LEFT:  # what all do not fit, no few of them do
        return
    for count, is_scaled in sizes:
        several = itertools.combinations(range(len(fitting)), count)
        for indices in several if said.size >= _FEWEST * (count + is_scaled) else ():
            chosen = [fitting[i] for i in indices]
            arrays = [*([shown] if is_scaled else []), *(seen[i] for i in indices)]
            values = _fitted(arrays, said if is_scaled else said - shown)
            if values:
                rates = values[is_scaled:]
                model = (values[0] if is_scaled else 1.0) * base + sum(
                    rate * one.value for rate, one in zip(rates, chosen, strict=True)
                )
                told = [_factor(case, values[0])] if is_scaled else []
                told += [_added(rate, one.words) for rate, one in zip(rates, chosen, strict=True)]
                key = "; ".join(one.words for one in chosen)
                yield Prediction(model, ", and ".join(told), len(values), tuple(values), key)
                return


def _fitted(arrays: Sequence[Array], said: Array) -> list[float]:
    """How many times each array counts in the sum that is said; none if no such sum is, or if some do not count."""
    if not arrays:
        return []
    columns, flat = np.stack([array.ravel() for array in arrays], axis=1), said.ravel()
    is_one = len(arrays) == 1  # most are, and there are thousands
    values = flat @ columns / np.sum(columns * columns) if is_one else np.linalg.lstsq(columns, flat, rcond=None)[0]
    parts = np.abs(values) * np.linalg.norm(columns, axis=0)
    size = float(np.linalg.norm(said))
    fits = np.linalg.norm(columns @ values - flat) <= LEFT * size and np.all(parts > APART * size)
    return [float(value) for value in values] if fits else []


def _factor(case: IsolatedLayer, factor: float) -> str:
    return "the wrong sign" if abs(factor + 1) < APART else f"a factor of {written(factor)}{known_factor(case, factor)}"


def _added(rate: float, words: str) -> str:
    times = "" if abs(abs(rate) - 1) < APART else f"{abs(rate):.6g} times "
    return f"{times}{words} is {'added' if rate > 0 else 'missing, or taken off'}"


def _none(_: IsolatedLayer, __: str) -> Iterator[Term]:
    return iter(())


def _any_factor(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    for prediction in combined(case, tensor, case.right(tensor), _none, [(0, True)]):
        (factor,) = prediction.values
        told = f"the factor is {written(factor)}{known_factor(case, factor)}"
        yield Prediction(prediction.gradient, told, 1, (factor,))


FACTOR = Hypothesis("constant factor", "{tensor} is right but for a constant factor; {measured}.", _any_factor)

TERMS = Hypothesis(
    "term added or missing",
    "{tensor} is right but for what is added or taken off: {measured}.",
    lambda case, tensor: combined(case, tensor, case.right(tensor), terms, [(1, False), (2, False)]),
)
