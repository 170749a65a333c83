"""How to read a class or a pair of functions: readings are tried, the likeliest first, until one goes all the way."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from mlp.check.foreign import calls, names, values
from mlp.check.foreign.adapter import REDUCTIONS
from mlp.check.foreign.construct import objects
from mlp.check.foreign.facts import Fact, ForeignError, problem
from mlp.check.foreign.kinds import Kind, kind_of, sounds_like_loss
from mlp.check.foreign.override import Override
from mlp.check.foreign.pairing import INPUT
from mlp.check.foreign.sides import is_loss, sides, sound
from mlp.check.foreign.subjects import PASS_ON, FunctionSubject, ObjectSubject, Subject
from mlp.check.foreign.targets import loss_inputs
from mlp.check.foreign.theirs import Theirs
from mlp.check.foreign.trial import Attempt, Grade, attempt, best
from mlp.check.foreign.values import Layout
from mlp.nn.arrays import Array

_MOST = 120  # readings of one class; a wrong layer is tried in all of them


def read_class(cls: type, module: ModuleType | None, override: Override) -> Attempt:
    """Make an object of a class and find the reading that goes furthest.

    Raises:
        ForeignError: a method is missing, or no object could be made.
    """
    kind = kind_of(cls, override)
    if kind is None or not kind.backward or not kind.forward:
        raise missing_method(cls, kind)
    _require_upstream(cls, kind)
    attempts: list[Attempt] = []
    for built in objects(cls, module, override.args):
        attempts += _until_settled(_object_readings(built.thing, cls.__name__, kind, module, override))
        for tried in attempts:
            tried.args = tried.args or built.args
        if (attempts and best(attempts).grade >= Grade.SHAPES) or len(attempts) > _MOST:
            break
    return _finished(attempts, override)


def read_object(thing: Theirs, x: Array | None, module: ModuleType | None, override: Override) -> Attempt:
    """Find the reading of an object that somebody made, on their own input if they give one."""
    kind = kind_of(type(thing), override)
    if kind is None or not kind.backward or not kind.forward:
        raise missing_method(type(thing), kind)
    override = override if x is None else replace(override, x=x)
    readings = _object_readings(thing, type(thing).__name__, kind, module, override)
    return _finished(_until_settled(readings), override)


def read_functions(
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    module: ModuleType | None,
    override: Override,
) -> Attempt:
    """Find the reading of a function and its gradient; without one, of a function that returns value and gradient."""
    if is_loss(forward) or sounds_like_loss(name):
        readings = _loss_function_readings(name, forward, backward, module, override)
    else:
        readings = _function_readings(name, forward, backward, module, override)
    return _finished(_until_settled(readings), override)


def _require_upstream(cls: type, kind: Kind) -> None:
    """Raise a ForeignError for a network whose backward takes the target: a loss is inside, and there is no dy."""
    wanted = [one.name for one in calls.required(calls.parameters_of(getattr(cls, kind.backward)))]
    forward = [one.name for one in calls.required(calls.parameters_of(getattr(cls, kind.forward)))]
    targets = [name for name in wanted if (sound(name) > 0) and name not in forward]
    others = [name for name in wanted if name not in (*targets, "self") and names.roles(name)[:1] != ("rate",)]
    if kind.kind != "layer" or not targets or not others or any(_is_upstream(name) for name in others):
        return
    raise problem(
        f"{cls.__name__}.{kind.backward} takes the target `{targets[0]}` itself, so a loss is hidden inside it and "
        "there is no gradient dy to start from; the layers it is made of can be checked, or a backward(dy)",
        getattr(cls, kind.backward),
    )


def _is_upstream(name: str) -> bool:
    return names.roles(name)[:1] == ("upstream",)


def missing_method(cls: type, kind: Kind | None) -> Exception:
    """The error that says which method a class lacks."""
    lacking = "forward" if kind is not None and not kind.forward else "backward"
    have = f"has {kind.forward or kind.backward} but " if kind is not None else "has "
    return problem(
        f"{cls.__name__} {have}no {lacking} (nor any of the usual names for it); if it has another name, say "
        f'GRADCHECK = {{"{cls.__name__}": {{"{lacking}": "name"}}}}',
        cls,
    )


Reading = Callable[[], Attempt]


def _until_settled(readings: Iterable[Reading]) -> list[Attempt]:
    """Try readings until a batch agrees; the layouts of one sample only count where no batch went through."""
    attempts: list[Attempt] = []
    for reading in readings:
        tried = reading()
        attempts.append(tried)
        if (tried.grade is Grade.AGREES and tried.batch) or len(attempts) > _MOST:
            break
    return attempts


def _inputs(override: Override) -> Iterator[tuple[Array, Layout]]:
    """The inputs to try: the one that GRADCHECK or the caller gives, else random ones in every layout."""
    given = override.input()
    if given is not None:
        batch = given.ndim > 1 and 1 not in given.shape[:2] and override.orientation != "single"
        yield given, Layout(f"as given, shape {given.shape}", override.orientation, given.shape, batch)
        return
    for layout in values.layouts(override.orientation):
        yield values.normal(layout.shape), layout


def _object_readings(
    thing: Theirs, name: str, kind: Kind, module: ModuleType | None, override: Override
) -> Iterator[Reading]:
    if kind.kind == "loss":
        yield from _loss_object_readings(thing, name, kind, module, override)
        return
    ways = _derivative_ways(getattr(thing, kind.backward)) if kind.kind == "function" else ("gradient",)
    for way, (x, layout) in product(ways, _inputs(override)):
        for arrays in _further_arrays(getattr(thing, kind.forward), x):
            subject = ObjectSubject(name, thing, kind.forward, kind.backward, None, way, arrays, module, override.seed)
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
    for shape in (x.shape, (*x.shape[:-1], values.OUTPUTS)) if further else ((),):
        yield {one.name: values.normal(shape, seed=3 + index) for index, one in enumerate(further)}


def _is_switch(name: str) -> bool:
    return names.roles(name)[:1] == ("training",)


def _derivative_ways(function: Callable[..., Any]) -> tuple[str, ...]:
    """What the argument of a derivative may be: dy where it sounds so or there are several, else x, else y."""
    arguments = calls.required(calls.parameters_of(function))
    sounds = any(_is_upstream(one.name) for one in arguments)
    return ("gradient",) if sounds or len(arguments) > 1 else ("input", "output")


def _reading(subject: Subject, x: Array, layout: Layout, override: Override, reduction: str = "") -> Reading:
    return lambda: attempt(subject, x, layout, override.pairs, reduction)


def _loss_object_readings(
    thing: Theirs, name: str, kind: Kind, module: ModuleType | None, override: Override
) -> Iterator[Reading]:
    ways = _loss_ways(getattr(thing, kind.backward))
    for x, target, layout in loss_inputs(name, override):
        for way, reduction in product(ways, REDUCTIONS):
            subject = ObjectSubject(name, thing, kind.forward, kind.backward, target, way, {}, module, override.seed)
            yield _reading(subject, x, layout, override, reduction)


def _loss_ways(function: Callable[..., Any]) -> tuple[str, ...]:
    """What the backward of a loss may be called with, beside the target."""
    arguments = calls.required(calls.parameters_of(function))
    if not arguments:
        return ("gradient",)
    if len(arguments) == 1 and _is_upstream(arguments[0].name):
        return "gradient", "prediction"
    return "prediction", "kept"


def _function_readings(
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    module: ModuleType | None,
    override: Override,
) -> Iterator[Reading]:
    ways = _derivative_ways(backward) if backward is not None else ("gradient",)
    arguments = [one for one in calls.required(calls.parameters_of(forward)) if one.name not in override.args]
    first = next((one.name for one in arguments if "input" in names.roles(one.name)), arguments[0].name)
    for conventions in values.CONVENTIONS:
        arrays, settings = _filled(name, forward, first, conventions, override)
        for way, (x, layout) in product(ways, _inputs(override)):
            subject = FunctionSubject(name, forward, backward, first, arrays, settings, None, way, module)
            yield _reading(subject, x, layout, override)
        if not arrays:
            return


def _filled(
    name: str, function: Callable[..., Any], first: str, conventions: values.Conventions, override: Override
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
                (a for role in names.roles(one.name) if (a := values.array_for(role, conventions)) is not None), None
            )
            if array is not None:
                arrays[one.name] = array
            elif one.name in values.SETTINGS:
                settings[one.name] = values.SETTINGS[one.name]
            elif not _is_switch(one.name):
                raise problem(
                    f"{name} wants `{one.name}`, for which I have no value; say it in one line, "
                    f'GRADCHECK = {{"{name}": {{"args": {{"{one.name}": ...}}}}}}',
                    function,
                )
    return arrays, settings


def _loss_function_readings(
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    module: ModuleType | None,
    override: Override,
) -> Iterator[Reading]:
    said = sides(forward, "prediction", "target")
    first = next((argument for argument, side in said.items() if side == "prediction"), "")
    ways = _loss_ways(backward)[:1] if backward is not None else ("gradient",)
    for x, target, layout in loss_inputs(name, override):
        for way, reduction in product(ways, REDUCTIONS):
            subject = FunctionSubject(name, forward, backward, first, {}, override.args, target, way, module)
            yield _reading(subject, x, layout, override, reduction)


def _finished(attempts: list[Attempt], override: Override) -> Attempt:
    """The best reading; parameters' gradients that are averages over the batch are multiplied back if that is meant."""
    tried = best(attempts)
    way = getattr(tried.subject, "pass_on", "gradient")
    if way not in ("gradient", "prediction"):
        tried.notes.append(Fact("note", f"backward was read as taking {PASS_ON[way].words}"))
    if tried.reduction in ("sum", "mean"):
        tried.notes.append(Fact("note", f"the loss is the {tried.reduction} of what forward returns"))
    if tried.grade is not Grade.SHAPES:
        return tried
    samples = tried.x.shape[-1 if tried.layout.orientation == "columns" else 0]
    averaged = (
        tried.layout.batch
        and len(tried.factors) > 1
        and all(abs(f - (1 if name == INPUT else 1 / samples)) < 1e-6 for name, f in tried.factors.items())
    )
    if override.average or (averaged and override.average is None and tried.layout.orientation == "columns"):
        again = attempt(tried.subject, tried.x, tried.layout, override.pairs, tried.reduction, float(samples))
        again.args = tried.args
        text = (
            f"the parameters' gradients are averages over the batch of {samples} and were multiplied by {samples}; "
            'dx is not an average (to have that called wrong, say "average": False)'
        )
        again.notes = [*tried.notes, Fact("note", text)]
        return again
    if averaged:
        name = tried.subject.name
        text = (
            f"every parameter's gradient is exactly 1/{samples} of what dy asks for, and {samples} is the batch: they "
            f'are averaged, dx is not. If you mean that, say GRADCHECK = {{"{name}": {{"average": True}}}}'
        )
        tried.notes.append(Fact("note", text))
    return tried
