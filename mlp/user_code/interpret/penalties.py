"""Penalties that weigh nothing by default: a mistake in their gradients could not show, so they are given a weight."""

from collections.abc import Callable, Iterable
from typing import Any

from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.models import Parts
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.sources import attributes_of_self
from mlp.user_code.run.subject import function_of
from mlp.user_code.run.uses import uses_of
from mlp.user_code.settings import Override

WEIGHT = samples.PLAIN["fraction"][0]


def weights(parts: Parts, thing: Any, said: Override) -> dict[str, float]:
    """The arguments that are such weights, and numbers for them."""
    steps = _steps(parts, thing)
    unset = [one.name for one in calls.parameters_of(steps[0]) if _is_zero(one.default)]
    known = [name for name in _weighing(unset) if all(name in uses_of(step).names for step in steps)]
    return {name: WEIGHT for name in known if name not in {**said.forward_args, **said.backward_args}}


def weighed(parts: Parts, thing: Any, said: Override) -> tuple[Any, list[str]]:
    """The object with such weights in the place of 0 among its attributes, and their names."""
    if not parts.is_of_object or said.args:
        return thing, []
    read = [attributes_of_self(step)[0] for step in _steps(parts, thing)]
    zero = [str(name) for name, value in object_arrays.items(thing) if _is_zero(value)]
    names = [name for name in _weighing(zero) if all(name in one for one in read)]
    thing = object_arrays.duplicate(thing) if names else thing
    for name in names:
        setattr(thing, name, WEIGHT)
    return thing, names


def _steps(parts: Parts, thing: Any) -> list[Callable[..., Any]]:
    """What gives the loss, and what its gradients: a penalty that one of the two leaves out is kept elsewhere."""
    return [function_of(thing, one) for one in (parts.loss or parts.forward, parts.backward or parts.loss) if one]


def _weighing(names: Iterable[str]) -> list[str]:
    return [name for name in names if {"fraction", "penalty"} & {*vocabulary.roles(name)}]


def _is_zero(value: Any) -> bool:
    return type(value) in (int, float) and value == 0
