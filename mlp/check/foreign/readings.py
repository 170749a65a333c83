"""Every way to read an object or a function, as attempts still to be made, the likeliest first."""

from collections.abc import Callable, Iterator
from itertools import chain, product
from types import ModuleType
from typing import Any

import numpy as np

from mlp.check.foreign import calls, inside, names, targets, values, walk
from mlp.check.foreign.adapter import REDUCTIONS
from mlp.check.foreign.facts import ForeignError, problem
from mlp.check.foreign.functions import FunctionSubject
from mlp.check.foreign.kinds import Kind
from mlp.check.foreign.override import Override
from mlp.check.foreign.sides import sides, sound
from mlp.check.foreign.subjects import ObjectSubject, Subject
from mlp.check.foreign.targets import loss_inputs
from mlp.check.foreign.theirs import Theirs
from mlp.check.foreign.trial import Attempt, attempt
from mlp.check.foreign.values import Layout
from mlp.nn.arrays import Array

Reading = Callable[[], Attempt]
_OWN_SIZES = 6


def _inputs(override: Override, thing: Theirs = None) -> Iterator[tuple[Array, Layout]]:
    """The inputs to try: the one that GRADCHECK or the caller gives, else random ones in every layout.

    An object's weights say how many features it takes, if its sizes were not ours to choose.
    """
    given = override.input()
    if given is not None:
        batch = given.ndim > 1 and 1 not in given.shape[:2] and override.orientation != "single"
        yield given, Layout(f"as given, shape {given.shape}", override.orientation, given.shape, batch)
        return
    for layout in values.layouts(override.orientation):
        yield values.drawn(layout), layout
    sizes = {size for array in walk.arrays(thing).values() if array.ndim == 2 for size in array.shape}
    for size in sorted(sizes - {values.FEATURES})[:_OWN_SIZES]:
        for layout in values.layouts_of(size, override.orientation):
            yield values.drawn(layout), layout


def object_readings(
    thing: Theirs, name: str, kind: Kind, module: ModuleType | None, override: Override
) -> Iterator[Reading]:
    """An object of theirs: its layouts, and for a loss its predictions and targets."""
    if kind.kind == "loss":
        yield from _loss_object_readings(thing, name, kind, module, override)
        return
    ways = _ways(getattr(thing, kind.backward), kind)
    for way, (x, layout) in product(ways, _inputs(override, thing)):
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
    shapes = (x.shape, *((*x.shape[:-1], size) for size in (values.OUTPUTS, *values.HIDDEN)))
    for shape in shapes if further else ((),):
        yield {one.name: values.normal(shape, seed=3 + index) for index, one in enumerate(further)}


def _ways(backward: Callable[..., Any], kind: Kind) -> tuple[str, ...]:
    """What the backward of an object may be called with."""
    arguments = calls.parameters_of(backward)
    if kind.kind == "function":
        return _derivative_ways(backward)
    return ("gradient",) if arguments else ("nothing",)


def _is_switch(name: str) -> bool:
    return names.roles(name)[:1] == ("training",)


def _derivative_ways(function: Callable[..., Any]) -> tuple[str, ...]:
    """What the argument of a derivative may be: dy where it sounds so or there are several, else x, else y."""
    arguments = calls.required(calls.parameters_of(function))
    sounds = any(is_upstream(one.name) for one in arguments)
    return ("gradient",) if sounds or len(arguments) > 1 else ("input", "output")


def _reading(subject: Subject, x: Array, layout: Layout, override: Override, reduction: str = "") -> Reading:
    return lambda: attempt(subject, x, layout, override.pairs, reduction)


def _loss_object_readings(
    thing: Theirs, name: str, kind: Kind, module: ModuleType | None, override: Override
) -> Iterator[Reading]:
    for _, closed in inside.costs(thing, kind.forward, kind.backward, module):
        for x, target, layout in loss_inputs("", override):
            subject = ObjectSubject(name, closed, inside.FORWARD, inside.BACKWARD, target, "prediction", {}, module)
            yield _reading(subject, x, layout, override, "value")
    ways = _loss_ways(getattr(thing, kind.backward))
    data = [loss_inputs(name, override), _network_inputs(override)]
    for x, target, layout in chain(*(reversed(data) if kind.backward == kind.forward else data)):
        for way, reduction in product(ways, REDUCTIONS):
            subject = ObjectSubject(name, thing, kind.forward, kind.backward, target, way, {}, module, override.seed)
            yield _reading(subject, x, layout, override, reduction)


def _network_inputs(override: Override) -> Iterator[tuple[Array, Any, Layout]]:
    """Inputs and targets of a network that is a loss as a whole: loss(x, t); its outputs are fewer than its inputs."""
    outputs = Layout("", "rows", (values.BATCH, values.OUTPUTS), True)
    for x, layout in _inputs(override):
        for kind in ("labels", "one-hot", "normal") if layout.shape[0] == values.BATCH else ():
            yield x, targets.target(kind, outputs), layout


def readings_inside(
    thing: Theirs, name: str, kind: Kind, module: ModuleType | None, override: Override
) -> Iterator[tuple[str, Reading]]:
    """A network with a loss inside: every loss, on every layout, with targets that suit any of them."""
    for x, layout in _inputs(override, thing):
        try:
            y = ObjectSubject(name, thing, kind.forward, kind.backward).run(x, {}).y
        except ForeignError:
            continue
        for target in values.targets_for(y):
            for objective, closed in inside.networks(thing, kind.forward, kind.backward):
                subject = ObjectSubject(name, closed, inside.FORWARD, inside.BACKWARD, target, "prediction", {}, module)
                yield objective.words, _reading(subject, x, layout, override, "value")


def weighted_loss_readings(
    name: str, function: Callable[..., Any], module: ModuleType | None, override: Override
) -> Iterator[Reading]:
    """A function of (W, X, y, reg) that returns the loss and its gradient by W, which is the x of the check."""
    arguments = [one.name for one in calls.required(calls.parameters_of(function))]
    first = next(one for one in arguments if "weight" in names.roles(one))
    target = next(one for one in arguments if sound(one) > 0)
    rest = [one for one in arguments if one not in (first, target)]
    for shapes, kind in product(values.LINEAR, ("labels", "one-hot", "binary", "signs", "normal")):
        x = values.normal(shapes.weight)
        given = {target: targets.target(kind, shapes.outputs)}
        given |= {one: values.normal(shapes.data, seed=4) if "input" in names.roles(one) else 0.1 for one in rest}
        given |= override.args
        layout = Layout(f"the weights {first}, {shapes.words}", shapes.orientation, x.shape, True)
        subject = FunctionSubject(name, function, None, first, {}, given, None, "gradient", module)
        yield _reading(subject, x, layout, override, "value")


def _loss_ways(function: Callable[..., Any]) -> tuple[str, ...]:
    """What the backward of a loss may be called with, beside the target."""
    arguments = calls.required(calls.parameters_of(function))
    if not arguments:
        return ("gradient",)
    if len(arguments) == 1 and is_upstream(arguments[0].name):
        return "gradient", "prediction"
    return "prediction", "kept"


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
    first = next((one.name for one in arguments if "input" in names.roles(one.name)), arguments[0].name)
    for conventions in values.CONVENTIONS:
        for way, (x, layout) in product(ways, _inputs(override)):
            arrays, settings = _filled(name, forward, first, (len(x), conventions.hidden), conventions, override)
            more = (arrays, settings, None, way, module, layout.integers)
            yield _reading(FunctionSubject(name, forward, backward, first, *more), x, layout, override)
        if not arrays:
            return


def _filled(
    name: str,
    function: Callable[..., Any],
    first: str,
    state: tuple[int, int],
    conventions: values.Conventions,
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
                (a for role in names.roles(one.name) if (a := values.array_for(role, conventions)) is not None), None
            )
            if array is not None:
                arrays[one.name] = array
            elif "state" in names.roles(one.name):
                arrays[one.name] = values.normal(state, seed=len(arrays) + 3)
            elif one.name in values.SETTINGS:
                settings[one.name] = values.SETTINGS[one.name]
            elif not _is_switch(one.name):
                raise problem(
                    f"{name} wants `{one.name}`, for which I have no value; say it in one line, "
                    f'GRADCHECK = {{"{name}": {{"args": {{"{one.name}": ...}}}}}}',
                    function,
                )
    return arrays, settings


def loss_function_readings(
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    module: ModuleType | None,
    override: Override,
) -> Iterator[Reading]:
    """A loss and its gradient, on every kind of prediction and target."""
    said = sides(forward, "prediction", "target")
    first = next((argument for argument, side in said.items() if side == "prediction"), "")
    ways = _loss_ways(backward)[:1] if backward is not None else ("gradient",)
    for x, target, layout in loss_inputs(name, override):
        for way, reduction in product(ways, REDUCTIONS):
            subject = FunctionSubject(name, forward, backward, first, {}, override.args, target, way, module)
            yield _reading(subject, x, layout, override, reduction)


def is_upstream(name: str) -> bool:
    """Whether an argument of this name is the gradient dy that backward starts from."""
    return names.roles(name)[:1] == ("upstream",)
