"""Gradients with something done to them, or right for another ingredient or number than the layer has."""

import copy
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.check.diagnosis.changes import FORMS, changes, marked, moves
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import Ingredient, fixed_arrays, ingredients, tensor_places, the_target
from mlp.check.diagnosis.isolated_layer import APART, LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.origins import known_factor
from mlp.check.tape.tape import Tape
from mlp.differences.methods import CENTRAL
from mlp.nn.arrays import Array

_MOST_STEPS = 6_000  # on all of forward's runs with another array
_FEWEST = 100


def _gradient_changed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The right gradient with something done to it."""
    with np.errstate(all="ignore"):
        right = case.right(tensor)
        for words, change in changes("g", right.shape, tensor_places(case, tensor)):
            if words.startswith("g rounded to") and "whole" not in words:  # told as low precision
                continue
            gradient = change(right)
            if not words.startswith("g divided") or not are_parallel(gradient, right):  # that is a factor
                yield Prediction(gradient, words.rstrip(","), key=words)  # a clause of the sentence follows anyway


def _gradient_moved(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The right gradient with its numbers in other places."""
    right = case.right(tensor)
    for words, change in moves("right gradient", right.shape, tensor_places(case, tensor)):
        yield Prediction(change(right), words, key=words)


def _ingredient_changed(
    case: IsolatedLayer, tensor: str, every: Callable[[IsolatedLayer], Iterator[Ingredient]] = ingredients
) -> Iterator[Prediction]:
    """The right formula with something done to one of its ingredients, or with another in its place; maybe scaled."""
    said, right = case.said[tensor].astype(np.float64), case.right(tensor)
    if said.shape != right.shape or case.seen(right) is not right:
        return
    for part, words, array, gradients in case.once(_made_otherwise, every):
        gradient, told, share, put = gradients[tensor], words, 1.0, array
        if are_parallel(gradient, right):  # a factor, by another name
            continue
        if not are_parallel(gradient, said) and are_parallel(gradient - right, said - right):
            share = float(np.sum((said - right) * (gradient - right)) / np.sum(np.square(gradient - right)))
            if np.any(array) and not 0 < share < 1:  # a mixture has parts of both; any other fits by chance
                continue
            told = f"{part.name} mixed with {share:.6g} of {words}" if np.any(array) else f"{1 - share:.6g} {part.name}"
            put = part.value + share * (array - part.value)
            gradient = case.gradient(tensor, **part.put(put))
        if not are_parallel(gradient, said) or not (np.any(put) or np.allclose(gradient, said)):
            continue  # the latter is left out and something else: two faults
        # At a corner a tape takes a side.
        if every is ingredients and not are_parallel(case.numerical(**part.put(put))[tensor], gradient):
            continue
        for one in scaled(case, tensor, gradient, f"{told} stands where {part.name} should"):
            shares = () if share == 1 else (share,)
            yield replace(one, key=words, fitted=one.fitted + len(shares), values=(*shares, *one.values))


def _made_otherwise(
    case: IsolatedLayer, every: Callable[[IsolatedLayer], Iterator[Ingredient]]
) -> list[tuple[Ingredient, str, Array, Mapping[str, Array]]]:
    """As many changes of ingredients as can be afforded, each with the gradients that come of it."""
    entries = sum(case.right(name).size for name in case.report)
    steps = len(case.tape.nodes) if case.tape else len(CENTRAL.offsets) * entries
    return [
        (part, words, array, case.gradients(**part.put(array)))
        for part, words, array in itertools.islice(
            _changes(case, list(every(case))), max(_FEWEST, _MOST_STEPS // max(1, steps))
        )
        if np.all(np.isfinite(array)) and not np.array_equal(array, part.value)
    ]


def scaled(case: IsolatedLayer, tensor: str, gradient: Array, words: str) -> Iterator[Prediction]:
    """A gradient of which somebody's is a multiple, as it is or with the factor that fits."""
    said = case.said[tensor].astype(np.float64)
    if said.shape != gradient.shape or not are_parallel(gradient, said):
        return
    factor = float(np.sum(said * gradient) / np.sum(np.square(gradient))) if np.any(gradient) else 0.0
    if abs(factor - 1) < APART:
        yield Prediction(gradient, words, key=words)
        return
    size = "" if abs(abs(factor) - 1) < APART else f"is times {abs(factor):.6g}{known_factor(case, factor)}"
    also = " and ".join(one for one in ("has the wrong sign" if factor < 0 else "", size) if one)
    yield Prediction(factor * gradient, f"{words}, and all of it {also}", 1, (factor,), words)


def are_parallel(one: Array, other: Array) -> bool:
    """Whether one array is a multiple of the other."""
    product = abs(float(np.sum(one * other)))
    return product >= (1 - LEFT**2) * float(np.linalg.norm(one) * np.linalg.norm(other))


def _changes(case: IsolatedLayer, parts: Sequence[Ingredient]) -> Iterator[tuple[Ingredient, str, Array]]:
    """Each ingredient with each change, or with another ingredient of its shape in its place."""
    others = {"y": np.asarray(case.y)} | {part.name: part.value for part in parts} | dict(case.beside)
    with np.errstate(all="ignore"):
        for part in parts:
            yield part, f"{part.name} left out, with zeros in its place,", np.zeros_like(part.value)
            if part.name.startswith("`"):  # as weights are left out; of what is no code, one stands among the changes
                yield part, f"{part.name} left out, with ones in its place,", np.ones_like(part.value)
            for make in (changes, moves):
                for words, change in make(part.name, part.value.shape, part.places):
                    yield part, words, change(part.value)
            for factor in _scales(case.tape) if case.tape else ():
                for times in (factor, 1 / factor):
                    yield part, f"{times:.6g} {part.name}", times * part.value
            for name, array in others.items():
                if name != part.name and array.shape == part.value.shape:
                    forms = FORMS if part.name.startswith("`") else FORMS[:1]  # what is no code is only itself
                    yield from ((part, words.replace("{}", name), form(array)) for words, form in forms)
                    yield part, f"a one for the largest entry of {name}, and zeros for all others,", marked(array)


def _scales(tape: Tape) -> list[float]:
    """The numbers that something is multiplied with, or divided by, in forward."""
    fixed = ((site.operation, float(value)) for (site, _), value in tape.fixed.items() if np.ndim(value) == 0)
    return sorted({value for operation, value in fixed if operation in ("multiply", "divide") and value})


INGREDIENT = Hypothesis("ingredient changed", "{tensor} is made of something else: {measured}.", _ingredient_changed)

OTHER_TARGET = Hypothesis(
    "ingredient changed",
    "{tensor} is made of something else: {measured}.",
    functools.partial(_ingredient_changed, every=the_target),
)

FIXED = Hypothesis(
    "ingredient changed",
    "{tensor} is made of something else: {measured}.",
    functools.partial(_ingredient_changed, every=fixed_arrays),
)

CHANGED: tuple[Hypothesis, ...] = (
    Hypothesis(
        "rows or columns permuted",
        "{tensor} holds the right numbers in the wrong places: {measured}.",
        _gradient_moved,
    ),
    Hypothesis("gradient changed", "{tensor} is {measured}, where g is the right gradient.", _gradient_changed),
)


_WRAPPED = ("inner", "_subject", "thing")
"""Where the objects that stand for somebody's keep it."""


def holder(outer: Any) -> Any:
    """The object itself, or the one that it stands for."""
    inner = next((vars(outer)[name] for name in _WRAPPED if vars(outer).get(name) is not None), None)
    return outer if inner is None or not hasattr(inner, "__dict__") else holder(inner)


def remade(outer: Any, make: Callable[[Any], Any]) -> Any:
    """A copy in which what is made of the object itself stands in its place, and all around it is the same."""
    if holder(outer) is outer:
        return make(outer)
    twin = copy.copy(outer)
    within = next(one for one in _WRAPPED if vars(outer).get(one) is not None)
    setattr(twin, within, remade(vars(outer)[within], make))
    return twin


def _with(outer: Any, name: str, value: float) -> Any:
    twin = copy.copy(outer)
    setattr(twin, name, value)
    return twin


def _others(value: float) -> list[float]:
    inverse = 1 / value if value else 0.0
    return [
        one for one in dict.fromkeys((1.0, 0.0, 0.5, -value, 2 * value, value / 2, inverse, 1 - value)) if one != value
    ]


def _another_setting(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    is_loss = case.role is Role.LOSS
    whole = case.loss if is_loss else case.function
    held = holder(whole)
    for name, value in {**vars(type(held)), **vars(held)}.items():
        for other in _others(value) if type(value) in (int, float, np.float64) else ():
            twin: Any = remade(whole, functools.partial(_with, name=name, value=other))
            with np.errstate(all="ignore"):  # what is known of this layer is known of no other loss
                gradient = (
                    replace(case, loss=twin).numerical()[tensor] if is_loss else case.gradient(tensor, function=twin)
                )
            left_out = ", as where it is left out" if other in (0, 1) else ""
            words = f"it is what it would be if `{name}` were {other:.6g}{left_out}, and not {value:.6g}"
            if not are_parallel(gradient, case.right(tensor)):  # that is a factor, by another name
                yield Prediction(gradient, words, key=f"{name} {other:.6g}")


SETTING = Hypothesis("another setting", "{tensor} is right for another number: {measured}.", _another_setting)
