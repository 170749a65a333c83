"""What a gradient is made of: x, dy or the target, and the parameters, each of which may be another than it should be.

Beside them, what forward makes of them on the way: the output, and x without its mean and in units of its deviation.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from mlp.check.compare import as_float64
from mlp.check.diagnosis.changes import FORMS, INNER
from mlp.check.diagnosis.isolated_layer import LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.losses import target_of
from mlp.check.diagnosis.way_back.arrays import recorded_arrays
from mlp.check.tape.tape import Operand
from mlp.nn.arrays import Array
from mlp.nn.functional import log_softmax
from mlp.nn.layers import Layer
from mlp.nn.problem import INPUT


class Ingredient(NamedTuple):
    """One ingredient of a gradient.

    Attributes:
        name: what a sentence calls it.
        value: the array.
        places: what each of its axes runs over.
        put: what `IsolatedLayer.gradient` is asked with another array in its place.
    """

    name: str
    value: Array
    places: tuple[str, ...]
    put: Callable[[Array], dict[str, Any]]


def ingredients(case: IsolatedLayer) -> Iterator[Ingredient]:
    """The arrays that right gradients are computed from."""
    is_loss = case.role is Role.LOSS
    x = np.asarray(case.x, dtype=np.float64)
    dy = target_of(case) if is_loss else np.asarray(case.dy, dtype=np.float64)
    places = batch_places(case, dy.ndim)
    yield Ingredient("the target" if is_loss else "dy", dy, places, lambda a: {"dy": a})
    yield Ingredient("y" if is_loss else "x", x, batch_places(case, x.ndim), lambda a: {"x": a})
    function = as_float64(case.function)
    for name, value in function.parameters().items():
        if np.ndim(value):
            places = parameter_places(np.ndim(value))
            yield Ingredient(name, value, places, functools.partial(_with_parameter, function, name))


def the_target(case: IsolatedLayer) -> Iterator[Ingredient]:
    """Of a loss's ingredients the one that is told best."""
    return itertools.islice(ingredients(case), 1)


def fixed_arrays(case: IsolatedLayer) -> Iterator[Ingredient]:
    """The arrays in forward's operations that no tensor has an influence on: a target inside, a mask, weights."""
    for (site, operand), value in case.tape.fixed.items() if case.tape else ():
        name = site.operand(operand)
        if np.ptp(value) > 0 and name.startswith("`"):
            is_batch = value.shape[0] == case.samples
            places = batch_places(case, value.ndim) if is_batch else parameter_places(value.ndim)
            yield Ingredient(name, np.asarray(value, np.float64), places, functools.partial(_fixed_as, (site, operand)))


def _fixed_as(place: Operand, value: Array) -> dict[str, Any]:
    return {"fixed": {place: lambda _: value}}


def _with_parameter(function: Layer, name: str, value: Array) -> dict[str, Any]:
    return {"function": function.replaced(name, value)}


def batch_places(case: IsolatedLayer, rank: int) -> tuple[str, ...]:
    """What the axes of x, y or dy run over: features last, steps where one goes after another, mostly samples first."""
    if rank < 2:
        return ("feature",) * rank
    last = rank - 1 if rank < 4 else rank  # images have no features
    between = ("step" if axis == case.steps_axis else f"axis-{axis} position" for axis in range(1, last))
    return (case.first_axis, *between, "feature")[:rank]


def parameter_places(rank: int) -> tuple[str, ...]:
    """What the axes of a parameter run over."""
    named = {1: ("element",), 2: ("row", "column")}
    return named.get(rank, tuple(f"axis-{axis} position" for axis in range(rank)))


def tensor_places(case: IsolatedLayer, tensor: str) -> tuple[str, ...]:
    """What the axes of a tensor run over."""
    rank = case.right(tensor).ndim
    return batch_places(case, rank) if tensor == INPUT else parameter_places(rank)


class Factor(NamedTuple):
    """An array that stands as a factor in backward passes, by the name of its formula."""

    words: str
    value: Array


def factors(name: str, value: Array, inner: bool = False) -> Iterator[Factor]:
    """The forms in which an array stands as a factor; more of them for one that goes into an activation."""
    with np.errstate(all="ignore"):
        for words, form in (*FORMS, *INNER) if inner else FORMS:
            yield Factor(words.replace("{}", name), form(value))


def multiples(values: Array, factors: Iterator[Factor], part: float) -> Iterator[str]:
    """The factors of which an array is a multiple but for this part of it, with the number in words."""
    flat = values.reshape(-1)
    for factor in factors:
        if factor.value.size == flat.size:
            other = factor.value.reshape(-1)
            number = float(flat @ other / max(other @ other, 1e-300))
            if np.linalg.norm(flat - number * other) < part * np.linalg.norm(flat):
                yield f"{number:.4g} times {factor.words}"


def output_factors(case: IsolatedLayer) -> Iterator[Factor]:
    """Factors that belong to an output: of y, and of x where it has that shape."""
    if case.x.shape == case.y.shape:
        yield from factors("x", case.x, inner=True)
    yield from factors("y", case.y)
    yield from formed_factors(case, case.y.shape)


def entry_factors(case: IsolatedLayer, tensor: str) -> Iterator[Factor]:
    """Factors that belong to an entry of the tensor."""
    if tensor != INPUT:
        value = np.asarray(case.function.parameters()[tensor], dtype=np.float64)
        yield from factors(tensor, value)
        yield from formed_factors(case, value.shape)
        return
    x, name = np.asarray(case.x, dtype=np.float64), "y" if case.role is Role.LOSS else "x"
    yield from factors(name, x, inner=True)
    yield from factors(f"softmax({name})", np.exp(log_softmax(np.atleast_1d(x))).reshape(x.shape))
    if case.y.shape == x.shape and case.role is not Role.LOSS:
        yield from factors("y", case.y)
    if case.role is Role.LOSS:
        target = target_of(case)
        if target.shape == x.shape:
            yield from factors("the target", target)
            yield from factors("(y - t)", x - target)
    for name, value in case.function.parameters().items():
        if np.ndim(value) and np.shape(value) == x.shape[x.ndim - np.ndim(value) :]:
            yield from factors(name, np.broadcast_to(np.asarray(value, dtype=np.float64), x.shape))
    yield from formed_factors(case, x.shape)


def missing_in(case: IsolatedLayer, tensor: str) -> str:
    """What a gradient lacks to be right, if that is a multiple of something with a name; else ""."""
    right, said = case.right(tensor), case.said[tensor]
    if said.shape != right.shape or case.seen(right) is not right:
        return ""
    rest = right - said
    known = itertools.chain([Factor("a constant of 1", np.ones(rest.shape))], entry_factors(case, tensor))
    if case.role is not Role.LOSS and rest.shape == case.y.shape:
        dy = np.asarray(case.dy, dtype=np.float64)
        by_dy = (Factor(f"dy times {one.words}", dy * one.value) for one in output_factors(case))
        known = itertools.chain(known, [Factor("dy", dy)], by_dy)
    return next(multiples(rest, (one for one in known if np.all(np.isfinite(one.value))), LEFT), "")


def formed_factors(case: IsolatedLayer, shape: tuple[int, ...]) -> Iterator[Factor]:
    """The forms of what forward computes on the way, in this shape or stretched to it."""
    for factor in recorded_factors(case, shape):
        yield from (form for form in factors(factor.words, factor.value) if np.ptp(form.value) > 0)


def recorded_numbers(case: IsolatedLayer) -> Iterator[Factor]:
    """The forms of single numbers that forward computes on the way, in the words of its code."""
    for words, values in recorded_arrays(case.tape).items() if case.tape else ():
        if len(values) == 1 and values[0].size == 1:
            yield from factors(words, values[0].reshape(()))


def recorded_factors(case: IsolatedLayer, shape: tuple[int, ...]) -> Iterator[Factor]:
    """What forward computes on the way, in this shape or stretched to it, in the words of its code."""
    for words, values in (*recorded_arrays(case.tape).items(), *_sums(case)) if case.tape else ():
        for value in (values[0], np.squeeze(values[0])) if len(values) == 1 and np.ptp(values[0]) > 0 else ():
            stretched = shape[len(shape) - value.ndim :]
            if value.ndim <= len(shape) and all(map(_stretches_to, value.shape, stretched)):
                yield Factor(words, np.broadcast_to(value, shape))
                break


def _sums(case: IsolatedLayer) -> Iterator[tuple[str, list[Array]]]:
    """What a mask or weights add up to along each of their axes."""
    for (site, operand), value in case.tape.fixed.items() if case.tape else ():
        for axis in range(value.ndim) if value.ndim > 1 else ():
            yield f"the sum of {site.operand(operand)} over axis {axis}", [value.sum(axis=axis, keepdims=True)]


def _stretches_to(size: int, whole: int) -> bool:
    return size in (1, whole)
