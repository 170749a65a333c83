"""Gradients with something done to them, or made of an ingredient to which something was done, or of another one."""

from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.changes import changed, moved
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import Ingredient, ingredients, tensor_places
from mlp.check.diagnosis.isolated_layer import APART, EPS, LEFT, IsolatedLayer, Role
from mlp.check.diagnosis.sentences import known_factor
from mlp.differences.networks import loss_gradients
from mlp.nn.arrays import Array


def _gradient_changed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The right gradient with something done to it."""
    with np.errstate(all="ignore"):
        for words, gradient in changed("g", case.right(tensor), tensor_places(case, tensor)):
            yield Prediction(gradient, words.rstrip(","), key=words)  # a clause of the sentence follows anyway


def _gradient_moved(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The right gradient with its numbers in other places."""
    for words, gradient in moved("right gradient", case.right(tensor), tensor_places(case, tensor)):
        yield Prediction(gradient, words, key=words)


def _ingredient_changed(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The right formula with something done to one of its ingredients, or with another in its place; maybe scaled."""
    said, right = case.said[tensor].astype(np.float64), case.right(tensor)
    if said.shape != right.shape or case.seen(right) is not right:
        return
    for part, words, array in _changes(case):
        if not np.all(np.isfinite(array)) or np.array_equal(array, part.value):
            continue
        problem = part.put(array)
        gradient = case.gradient(tensor, problem.x, problem.target, problem.network)
        if not _are_parallel(gradient, said) or _are_parallel(
            gradient, right
        ):  # the latter is a factor, by another name
            continue
        if not _are_parallel(loss_gradients(*problem, EPS)[tensor], gradient):  # at a corner, where a tape takes a side
            continue
        factor = float(np.sum(said * gradient) / np.sum(np.square(gradient))) if np.any(gradient) else 0.0
        exact = abs(factor - 1) < APART
        size = "" if abs(abs(factor) - 1) < APART else f"is times {abs(factor):.6g}{known_factor(case, factor)}"
        also = " and ".join(one for one in ("has the wrong sign" if factor < 0 else "", size) if one)
        yield Prediction(
            gradient if exact else factor * gradient,
            f"{words} stands where {part.name} should{'' if exact else f', and all of it {also}'}",
            0 if exact else 1,
            () if exact else (factor,),
            words,
        )


def _are_parallel(one: Array, other: Array) -> bool:
    product = abs(float(np.sum(one * other)))
    return product >= (1 - LEFT**2) * float(np.linalg.norm(one) * np.linalg.norm(other))


def _changes(case: IsolatedLayer) -> Iterator[tuple[Ingredient, str, Array]]:
    """Each ingredient with each change, or with another ingredient of its shape in its place."""
    parts = list(ingredients(case))
    others = [(part.name, part.value) for part in parts] + ([("y", case.y)] if case.role is not Role.LOSS else [])
    with np.errstate(all="ignore"):
        for part in parts:
            for change in (changed, moved):
                for words, array in change(part.name, part.value, part.places):
                    yield part, words, array
            for factor in sorted(case.tape.scalars if case.tape else ()):
                for times in (factor, 1 / factor) if factor else ():
                    yield part, f"{times:.6g} {part.name}", times * part.value
            for name, array in others:
                if name != part.name and array.shape == part.value.shape:
                    yield part, name, array


INGREDIENT = Hypothesis("ingredient changed", "{tensor} is made of something else: {measured}.", _ingredient_changed)

CHANGED: tuple[Hypothesis, ...] = (
    Hypothesis(
        "rows or columns permuted",
        "{tensor} holds the right numbers in the wrong places: {measured}.",
        _gradient_moved,
    ),
    Hypothesis("gradient changed", "{tensor} is {measured}, where g is the right gradient.", _gradient_changed),
)
