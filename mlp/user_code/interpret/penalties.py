"""Penalties that weigh nothing by default: a mistake in their gradients could not show, so they are given a weight."""

from collections.abc import Callable, Iterable
from typing import Any

from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.models import Parts
from mlp.user_code.messages import Fact
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.sources import attributes_of_self
from mlp.user_code.run.subject import function_of
from mlp.user_code.run.uses import uses_of
from mlp.user_code.settings import Override

_WEIGHT = samples.PLAIN["fraction"][0]


def weighed(parts: Parts, thing: Any, said: Override) -> tuple[Any, dict[str, float]]:
    """An object, or parameters, with such weights in the place of 0 among its attributes, and those for arguments."""
    thing = object_arrays.duplicate(thing)
    for name in _attributes(parts, thing, said):
        setattr(thing, name, _WEIGHT)
    return thing, dict.fromkeys(_arguments(parts, thing, said), _WEIGHT)


def notes(parts: Parts, thing: Any, said: Override) -> list[Fact]:
    """That they were given."""
    names = [*_attributes(parts, thing, said), *_arguments(parts, thing, said)]
    return [
        Fact("note", f"{one} was given as {_WEIGHT}, for with 0 no mistake in what it weighs could show")
        for one in names
    ]


def _arguments(parts: Parts, thing: Any, said: Override) -> list[str]:
    steps = _steps(parts, thing)
    unset = [one.name for one in calls.parameters_of(steps[0]) if _is_zero(one.default)]
    unset = [name for name in unset if name not in {**said.forward_args, **said.backward_args}]
    return [name for name in _weighing(unset) if all(name in uses_of(step).names for step in steps)]


def _attributes(parts: Parts, thing: Any, said: Override) -> list[str]:
    zero = [str(name) for name, value in object_arrays.items(thing) if _is_zero(value)]
    read = (
        [attributes_of_self(step)[0] for step in _steps(parts, thing)] if parts.is_of_object and not said.args else []
    )
    return [name for name in _weighing(zero) if read and all(name in one for one in read)]


def _steps(parts: Parts, thing: Any) -> list[Callable[..., Any]]:
    """What gives the loss, and what its gradients: a penalty that one of the two leaves out is kept elsewhere."""
    return [function_of(thing, one) for one in (parts.loss or parts.forward, parts.backward or parts.loss) if one]


def _weighing(names: Iterable[str]) -> list[str]:
    return [name for name in names if {"fraction", "penalty"} & {*vocabulary.roles(name)}]


def _is_zero(value: Any) -> bool:
    return type(value) in (int, float) and value == 0
