"""Every way to read an object or a function, as attempts still to be made, the likeliest first."""

from collections.abc import Callable, Iterator
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.inputs import Reading, inputs, is_upstream, made
from mlp.user_code.interpret.loss_candidates import loss_object_readings
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.trial import Attempt, attempt
from mlp.user_code.load.classes import Kind
from mlp.user_code.messages import ForeignError, problem
from mlp.user_code.run import calls
from mlp.user_code.run.subject import FunctionSubject, ObjectSubject
from mlp.user_code.settings import Override


def object_readings(
    thing: Any, name: str, kind: Kind, module: ModuleType | None, override: Override
) -> Iterator[Reading]:
    """An object of theirs: its layouts, and for a loss its predictions and targets."""
    if kind.kind == "loss":
        yield from loss_object_readings(thing, name, kind, module, override)
        return
    ways = _ways(getattr(thing, kind.backward), kind)
    for way, (x, layout) in product(ways, inputs(override, thing)):
        for arrays in _further_arrays(getattr(thing, kind.forward), x):
            subject = ObjectSubject(
                name, thing, kind.forward, kind.backward, None, way, arrays, module, override.seed, layout.integers
            )
            yield _object_reading(subject, x, layout, override)


def _object_reading(subject: ObjectSubject, x: Array, layout: Layout, override: Override) -> Reading:
    """As `_reading`, once an object without any weights has had the chance to make them."""

    def read() -> Attempt:
        try:
            ready = subject if subject.tensors() else subject.with_own_weights(x)
        except ForeignError:
            ready = subject  # the attempt itself will raise the same, and tell it
        return attempt(ready, x, layout, override.pairs)

    return read


def _further_arrays(function: Callable[..., Any], x: Array) -> Iterator[dict[str, Array]]:
    """Values for what forward takes beside x: a second input in the shape of x, a state in that of the output."""
    further = [one for one in calls.required(calls.parameters_of(function))[1:] if not _is_switch(one.name)]
    shapes = (x.shape, *((*x.shape[:-1], size) for size in (samples.OUTPUTS, *samples.HIDDEN)))
    for shape in shapes if further else ((),):
        yield {one.name: samples.normal(shape, seed=3 + index) for index, one in enumerate(further)}


def _ways(backward: Callable[..., Any], kind: Kind) -> tuple[str, ...]:
    """What the backward of an object may be called with."""
    if kind.kind == "function":
        return _derivative_ways(backward)
    arguments = calls.parameters_of(backward)
    takes_one = calls.required(arguments) or any(one.kind in calls.VARIABLE for one in arguments)
    return ("gradient",) if takes_one or any(is_upstream(one.name) for one in arguments) else ("nothing",)


def _is_switch(name: str) -> bool:
    return vocabulary.roles(name)[:1] == ("training",)


def _derivative_ways(function: Callable[..., Any]) -> tuple[str, ...]:
    """What the argument of a derivative may be: dy where it sounds so or there are several, else x, else y."""
    arguments = calls.required(calls.parameters_of(function))
    sounds = any(is_upstream(one.name) for one in arguments)
    return ("gradient",) if sounds or len(arguments) > 1 else ("input", "output")


def function_readings(
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    module: ModuleType | None,
    override: Override,
) -> Iterator[Reading]:
    """A function and its gradient, with shapes of their arrays in every convention."""
    ways = _derivative_ways(backward) if backward is not None else ("gradient",)
    arguments = [one for one in calls.required(calls.parameters_of(forward)) if one.name not in override.args]
    first = next((one.name for one in arguments if "input" in vocabulary.roles(one.name)), arguments[0].name)
    for conventions in samples.CONVENTIONS:
        for way, (x, layout) in product(ways, inputs(override)):
            arrays, settings = _filled(name, forward, first, (len(x), conventions.hidden), conventions, override)
            more = (arrays, settings, None, way, module, layout.integers)
            yield made(FunctionSubject(name, forward, backward, first, *more), x, layout, override)
        if not arrays:
            return


def _filled(
    name: str,
    function: Callable[..., Any],
    first: str,
    state: tuple[int, int],
    conventions: samples.Conventions,
    override: Override,
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Values for the arguments other than x: arrays, which are checked, and settings, which are not."""
    arrays: dict[str, Array] = {}
    settings: dict[str, Any] = {}
    for one in calls.parameters_of(function):
        if one.name in override.args:
            given = override.args[one.name]
            (arrays if isinstance(given, np.ndarray) and given.dtype.kind == "f" else settings)[one.name] = given
        elif one.name != first and one in calls.required([one]):
            array = next(
                (a for role in vocabulary.roles(one.name) if (a := samples.array_for(role, conventions)) is not None),
                None,
            )
            if array is not None:
                arrays[one.name] = array
            elif "state" in vocabulary.roles(one.name):
                arrays[one.name] = samples.normal(state, seed=len(arrays) + 3)
            elif one.name in samples.SETTINGS:
                settings[one.name] = samples.SETTINGS[one.name]
            elif not _is_switch(one.name):
                raise problem(
                    f"{name} wants `{one.name}`, for which I have no value; say it in one line, "
                    f'GRADCHECK = {{"{name}": {{"args": {{"{one.name}": ...}}}}}}',
                    function,
                )
    return arrays, settings
