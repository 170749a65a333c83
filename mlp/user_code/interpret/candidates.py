"""Every way to read an object, a function or a loss, as values still to be tried, the likeliest first.

Of a loss: predictions, targets, masks, and how it becomes one number.
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import inputs, samples
from mlp.user_code.interpret.losses import data, is_input, loss_inputs, masks, sides, sound, structures
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.trial import Candidate
from mlp.user_code.interpret.whole import closed_candidate, costs
from mlp.user_code.load.classes import Kind, steps_of_backward
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import problem
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.as_layer import REDUCTIONS
from mlp.user_code.run.sources import attributes_of_self
from mlp.user_code.run.subject import Step, Subject, function_of
from mlp.user_code.run.uses import EACH, uses_of
from mlp.user_code.settings import Override, line


def object_candidates(thing: Any, kind: Kind, case: Case) -> Iterator[Candidate]:
    """An object of theirs: its layouts, and for a loss its predictions and targets."""
    if kind.kind == "loss" and not _is_of_inputs(getattr(thing, kind.forward)):
        yield from loss_candidates(case, kind.forward, case.said.steps(kind.backward), thing)
        return
    override = case.said
    forward, backward = getattr(thing, kind.forward), getattr(thing, kind.backward)
    if _keeps_nothing(thing, forward):
        yield from function_candidates(case._replace(first=forward, second=backward))
    both = kind.forward == kind.backward
    steps = override.steps("") if override.backward else steps_of_backward(type(thing), kind.backward)
    attributes = inputs.handed_over(thing, forward, backward)
    ways = ("gradient",) if "dy" in attributes.values() else _ways(forward, backward, kind)
    first = next(iter(calls.parameters_named(forward)), "")
    for way, (x, layout, plain) in product(ways, _inputs(forward, first, override, thing)):
        form = inputs.form_of_input(forward, backward, x.shape, plain)
        sizes = inputs.own_sizes(thing)
        further = [*_further_arrays(forward, x, sizes, override)]
        inside = _inside(form, x, override, sizes if len(further) == 1 else ())
        for (arrays, within), settings, rest in product(
            product(further, inside), _settings(forward, x, first), _rests(forward, backward, way)
        ):
            subject = Subject(
                case.name, kind.forward, () if both else steps, thing, form=form,
                arrays=arrays | within, pass_on=way, module=case.module, integers=layout.integers, rest=rest,
                attributes=attributes, **with_dicts(override, forward, backward, x, arrays, settings),
            )  # fmt: skip
            guess = rest and _guess(case.name, forward, backward, way, rest)
            guessed = inputs.dicts_of_backward(forward, backward, x, arrays).guessed
            guess = guess or _told(case.name, backward, [one for one in guessed if one not in override.backward_args])
            yield Candidate(subject, x, layout, "value" if both else "", guess=guess)


def _is_of_inputs(forward: Callable[..., Any]) -> bool:
    """Whether a loss takes several inputs and no target, as one of triplets does."""
    names = [one.name for one in calls.required(calls.parameters_of(forward))]
    return len(names) > 2 and all(sound(name) <= 0 for name in names) and not masks(forward)


def _inputs(
    forward: Callable[..., Any], first: str, override: Override, thing: Any = None
) -> Iterator[tuple[Array, Layout, Any]]:
    """The inputs to try: of so many numbers as forward names by their places; where it takes a row, one id at last."""
    of_column = re.search(rf"\b{first}\b[^\n]*\(\s*\w+\s*,\s*1\s*\)", forward.__doc__ or "")
    if of_column and not override.orientation:  # x : array, shape (input_size, 1)
        override = replace(override, orientation="single")
    if override.x is None and (count := inputs.numbers_named(forward, first)):
        shape = (count,)
        yield samples.normal(shape), Layout(f"{count} numbers", "single", shape, False), "x"
    yield from inputs.inputs(override, thing)
    if _is_ids(forward, first) and override.x is None:
        yield samples.drawn(samples.ONE_ID), samples.ONE_ID, "x"


def _keeps_nothing(thing: Any, forward: Callable[..., Any]) -> bool:
    """Whether an object is there for its methods alone, which take the weights: forward(self, W, x)."""
    names = [one.name for one in calls.required(calls.parameters_of(forward))]
    takes_weights = len(names) > 1 and any("weight" in vocabulary.roles(name)[:1] for name in names)
    return (
        takes_weights
        and not object_arrays.arrays(thing)
        and not attributes_of_self(getattr(forward, "__func__", forward))[1]
    )


def with_dicts(
    override: Override,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    x: Array,
    arrays: dict[str, Array],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """What GRADCHECK says of a run, with the dicts that are asked for where it says nothing of them."""
    dicts = inputs.dicts_of_backward(forward, backward, x, arrays)
    settings = {**_dicts_of_forward(forward), **settings, **override.forward_args}
    said = override.of_run() | {"settings": settings, "backward_settings": {**dicts.settings, **override.backward_args}}
    return said if override.outputs != () or not dicts.outputs else said | {"outputs": dicts.outputs}


def _dicts_of_forward(forward: Callable[..., Any]) -> dict[str, Any]:
    """The arguments of forward beside the first that are dicts, of arrays that are called as their keys."""
    names = [one.name for one in calls.required(calls.parameters_of(forward))][1:]
    keys = {name: inputs.keys_asked(forward, name) for name in names}
    return {name: dict(zip(asked, asked, strict=True)) for name, asked in keys.items() if asked and asked != ["x"]}


def _inside(form: Any, x: Array, override: Override, sizes: Sequence[int] = ()) -> list[dict[str, Array]]:
    """The arrays beside x in a list, tuple or dict: those given, else as many as it names, in the shape of x.

    With sizes they may also be states of one of these.
    """
    given = {name: array for name, array in override.inputs()[0].items() if name != "x"}
    more = [one for one in form if one != "x"] if isinstance(form, list) and not given else []
    shapes = dict.fromkeys((x.shape, *(shape for size in sizes for shape in _states(x.shape, size)))) if more else [()]
    return [given | {name: samples.normal(shape, seed=5 + i) for i, name in enumerate(more)} for shape in shapes]


def _further_arrays(
    function: Callable[..., Any], x: Array, sizes: list[int], override: Override
) -> Iterator[dict[str, Array]]:
    """Values for what forward takes beside x: a second input in the shape of x, a state in that of the output."""
    wanted = [
        one.name for one in calls.required(calls.parameters_of(function)) if one.name not in override.forward_args
    ]
    further = [name for name in wanted[1:] if not (_is_switch(name) or _is_setting(function, name))]
    parts = _dicts_of_forward(function)
    further = [part for name in further if name not in override.arrays for part in parts.get(name, [name])]
    given = {name: samples.normal(shape, seed=3) for name, shape in override.arrays.items()}
    widths = dict.fromkeys((samples.OUTPUTS, *samples.HIDDEN, *sizes))
    shapes = dict.fromkeys((x.shape, *(shape for width in widths for shape in _states(x.shape, width))))
    for shape in shapes if further else ((),):
        yield given | {name: samples.normal(shape, seed=3 + index) for index, name in enumerate(further)}


def _settings(function: Callable[..., Any], x: Array, first: str) -> Iterator[dict[str, Any]]:
    """Values for the arguments beside x that are no real numbers: texts that they are compared with, masks, and ids.

    Ids stand for rows of something: one for each sample, one twice; then one id where others are gone through, or
    several for each sample of the last of them, and one for all of each.
    """
    wanted = [one.name for one in calls.required(calls.parameters_of(function)) if one.name != first]
    names = [name for name in wanted if _is_setting(function, name)]
    chosen = {name: samples.chosen(uses_of(function).choices(name), None) for name in names}
    named = [name for name in names if chosen[name] is None and not _is_mask(name)]
    ids = {name: np.resize(np.roll(np.arange(samples.OUTPUTS), i), x.shape[:1]) for i, name in enumerate(named)}
    for mask in _masks(x) if any(map(_is_mask, names)) else (None,):
        given = {name: mask for name in names if _is_mask(name)}
        yield given | {name: one for name, one in chosen.items() if one is not None} | ids
    alone = [name for name in named if name + EACH not in uses_of(function).indices]
    if len(alone) < len(named):
        yield ids | {name: np.array(1) for name in alone}
        return
    for name in named[-1:]:
        yield ids | {name: np.resize(np.arange(samples.OUTPUTS), (*x.shape[:1], 2 * samples.OUTPUTS - 1))}
    yield from (ids | {name: np.array(1)} for name in reversed(named))


def _is_setting(function: Callable[..., Any], name: str) -> bool:
    """Whether an argument is no real number: whole ones, a mask, or one of some texts."""
    return _is_ids(function, name) or _is_mask(name) or bool(uses_of(function).choices(name))


def _is_mask(name: str) -> bool:
    return vocabulary.roles(name)[:1] == ("mask",)


def _masks(x: Array) -> Iterator[Array | None]:
    """What may be seen of a sequence: of each place those before it, as bools and as numbers, some places; all."""
    if x.ndim > 1:
        before = np.tril(np.ones((x.shape[-2], x.shape[-2]), dtype=bool))
        yield from (before, before.astype(float), np.arange(np.prod(x.shape[:-1])).reshape(x.shape[:-1]) % 3 != 1)
    yield None


def _states(shape: tuple[int, ...], width: int) -> list[tuple[int, ...]]:
    """Shapes of a state of this width beside x; of a sequence, whichever of its axes is time."""
    if len(shape) == 2:
        return [(shape[0], width), (width, shape[1])]
    if len(shape) != 3:
        return [(*shape[:-1], width)] if len(shape) < 3 else []
    of_columns = shape[-1] == 1
    return [(shape[0], width, 1)] if of_columns else [(*shape[:-1], width), (shape[1], width), (shape[0], width)]


def _ways(forward: Callable[..., Any], backward: Callable[..., Any], kind: Kind) -> tuple[str, ...]:
    """What the backward of an object may be called with; where it takes the same as forward, it may be f'(x)."""
    if kind.kind == "function":
        return _derivative_ways(backward, backward)
    arguments = calls.parameters_of(backward)
    if len(arguments) == 1 and calls.parameters_named(forward) == [arguments[0].name]:
        return "gradient", "input"
    takes_one = calls.required(arguments) or any(one.kind in calls.VARIABLE for one in arguments)
    return ("gradient",) if takes_one or any(inputs.is_upstream(one.name) for one in arguments) else ("nothing",)


def _is_switch(name: str) -> bool:
    return vocabulary.roles(name)[:1] in (("training",), ("rate",))


def _is_ids(function: Callable[..., Any], name: str) -> bool:
    """Whether an argument is whole numbers: it sounds so, or stands in the brackets of an array."""
    return vocabulary.roles(name)[:1] == ("ids",) or bool({name, name + EACH} & uses_of(function).indices)


def _derivative_ways(function: Callable[..., Any], forward: Callable[..., Any]) -> tuple[str, ...]:
    """What the argument of a derivative may be: dy where it sounds so or there are several, else x, else y.

    Where it takes just what forward takes, there is no dy among its arguments, nor x where those are constants alone.
    """
    names = [one.name for one in calls.required(calls.parameters_of(function))]
    if any(map(inputs.is_upstream, names)) or [*map(_is_switch, names)] == [True]:  # of a single argument eta
        return ("gradient",)
    constants = {*calls.parameters_named(forward)[1:]} if function is not forward else set()
    if constants and {*calls.parameters_named(function)} <= constants:
        return ("nothing",)
    if len(names) > 1:
        known = {*names} & {*calls.parameters_named(forward)} if function is not forward else set()
        by_output = ("output",) if known == {*names} else ()
        return ("nothing", *by_output, "gradient") if known else ("gradient",)
    return "input", "output"


_CERTAIN = ("cache", "target", "training", "rate", "optimizer", "input_shape", "mask")
_OUTPUT = re.compile(r"(^|_)(out|outputs?|y|result)$", re.IGNORECASE)


def _rests(forward: Callable[..., Any], backward: Callable[..., Any] | None, way: str) -> tuple[str, ...]:
    """What may be given as those arguments of backward that neither their names nor forward tell: nothing, y or x."""
    returns_cache = any(isinstance(one, ast.Tuple) for one in sources.return_values(forward))
    return ("", "y", "x") if backward and not returns_cache and _unsure(forward, backward, way) else ("",)


def _unsure(forward: Callable[..., Any], backward: Callable[..., Any], way: str) -> list[str]:
    """The arguments of backward, beside dy, of which neither their names nor forward tell what they are.

    A z is the input, whatever is done with it: were it read as the output, z * (1 - z) would pass.
    """
    known = calls.parameters_named(forward)
    known += calls.upstream_names(backward, known) if way == "gradient" else []
    names = [one.name for one in calls.required(calls.parameters_of(backward)) if one.name not in known]
    names = [name for name in names if not (is_input(name) or name[:1].lower() == "z")]
    return [name for name in names if (*calls.roles_in(backward, name), "")[0] not in _CERTAIN]


def _guess(name: str, forward: Callable[..., Any], backward: Callable[..., Any] | None, way: str, rest: str) -> str:
    """What was guessed of the arguments of backward, "" for nothing."""
    names = [one.name for one in calls.required(calls.parameters_of(backward))] if backward else []
    is_dy = way == "gradient" and names[1:] and names[0] in calls.parameters_named(forward)
    unsure = _unsure(forward, backward, way if rest else "") if backward and (rest or is_dy) else []
    unsure = [one for one in unsure if rest != "y" or not _OUTPUT.search(one)]
    return "" if is_dy and any(map(inputs.is_upstream, names)) else _told(name, backward, unsure)


def _told(name: str, backward: Callable[..., Any] | None, unsure: list[str], likely: Any = "dy") -> str:
    """That nothing says what these arguments of backward are, and the line that would; "" where there are none."""
    if not unsure:
        return ""
    said = line(name, backward_args=dict.fromkeys(unsure, ... if likely == "dy" else likely))
    words = (
        "where 1.0 is the slope of no activation"
        if likely == 1.0
        else 'with "dy", "x", "y" or a value in the place of each ...'
    )
    return (
        f"what {' and '.join(unsure)} of {getattr(backward, '__name__', 'backward')} stands for, nothing says, and no "
        f"guess makes the gradients right; say it in one line, {said}, {words}"
    )


def function_candidates(case: Case) -> Iterator[Candidate]:
    """A function and its gradient, with shapes of their arrays in every convention."""
    forward, backward, override = case.first, case.second, case.said
    ways = _derivative_ways(backward, forward) if backward is not None else ("gradient",)
    said = {**override.args, **override.forward_args}
    arguments = [one for one in calls.required(calls.parameters_of(forward)) if one.name not in said]
    likely = [one.name for one in arguments if "input" in vocabulary.roles(one.name)]
    used = [one.name for one in arguments if one.name in uses_of(forward).names and not vocabulary.roles(one.name)]
    real = [name for name in used if not _is_ids(forward, name)]  # such as the vectors of a loss of words
    real = real if backward is None and not likely else []
    arrays_first = sorted(arguments, key=lambda one: (*vocabulary.roles(one.name), "")[0] in samples.NUMBERS)
    first = next(iter([*filter(is_input, likely), *likely, *real]), arrays_first[0].name)
    both = "value" if backward is None else ""
    for conventions in (*samples.CONVENTIONS, None):
        for way, (x, layout, plain) in product(ways, _inputs(forward, first, override)):
            form = inputs.form_of_input(forward, backward, x.shape, plain) if first == arguments[0].name else plain
            for settings, rest in product(_settings(forward, x, first), _rests(forward, backward, way)):
                arrays, others = _filled(case, first, x, conventions, settings)
                subject = Subject(
                    case.name, forward, () if backward is None else (backward,), first=first, form=form,
                    arrays=arrays | _inside(form, x, override)[0], pass_on=way, rest=rest, module=case.module,
                    integers=layout.integers, **with_dicts(override, forward, backward, x, {}, others),
                )  # fmt: skip
                yield Candidate(subject, x, layout, both, guess=_guess(case.name, forward, backward, way, rest))
        if not arrays:
            return


def _filled(
    case: Case, first: str, x: Array, conventions: samples.Conventions | None, ids: dict[str, Array]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Values for the arguments other than x: arrays, which are checked, and settings, which are not."""
    arrays: dict[str, Array] = {}
    settings: dict[str, Any] = {}
    said = {**ids, **case.said.args, **case.said.forward_args}
    gradients = {stem for name in sources.returned(case.second) for stem in vocabulary.gradient_of(name)}
    wanted = calls.required(calls.parameters_of(case.first))
    if sources.returned_count(case.second) == len(wanted):  # each has one
        gradients |= {one.name.lower() for one in wanted}
    names = calls.parameters_named(case.first)
    for one in calls.parameters_of(case.first):
        if one.name in said:
            given = said[one.name]
            (arrays if samples.is_tensor(given) else settings)[one.name] = given
        elif one.name in case.said.arrays:
            arrays[one.name] = samples.normal(case.said.arrays[one.name], seed=len(arrays) + 3)
        elif one in calls.required([one]) and one.name not in uses_of(case.first).names:
            settings[one.name] = None  # it is not looked at
        elif one.name != first and one in calls.required([one]) and not _is_switch(one.name):
            if vocabulary.roles(one.name)[:1] == ("cache",):  # what is kept from one batch to the next
                count = uses_of(case.first).parts.get(one.name, 0)
                settings[one.name] = tuple(np.ones((conventions or samples.CONVENTIONS[0]).scale) for _ in range(count))
                continue
            if inputs.is_asked_for_draws(case.first, one.name):
                settings[one.name] = samples.Sampler()
                continue
            value: Any = _of_dict(case.first, one.name, x, conventions, arrays)
            if value is None and one.name.lower() in ("k", "v") and first.lower() == "q":  # of an attention
                value = samples.normal(x.shape, seed=len(arrays) + 3)
            if value is None:
                value = samples.argument(_gate(one.name, names), x.shape, conventions, len(arrays))
            if value is None and (one.name.lower() in gradients or case.second is None):
                value = samples.normal(conventions.unnamed if conventions else x.shape, seed=len(arrays) + 3)
            value = calls.setting(one.name, case.first) if value is None else value
            if value is None:
                raise problem(
                    f"{case.name} wants `{one.name}`, for which I have no value; say it, as an array of some shape, in "
                    f"one line, {line(case.name, arrays={one.name: x.shape})}",
                    case.first,
                )
            (arrays if samples.is_tensor(value) else settings)[one.name] = value
    return arrays, settings


def _of_dict(
    function: Callable[..., Any], name: str, x: Array, conventions: samples.Conventions | None, arrays: dict[str, Array]
) -> dict[str, Any] | None:
    """An argument that is a dict, by the keys that are asked of it, None for no dict.

    Parameters in it are added to the arrays, and their names stand for them.
    """
    uses, keys = uses_of(function), inputs.keys_asked(function, name)
    if not keys:
        return {} if "get" in uses.methods(name) else None
    found: dict[str, Any] = {}
    for key in keys:
        value = samples.argument(_gate(key, keys), x.shape, conventions, len(arrays))
        if samples.is_tensor(value) and key not in {*arrays, *calls.parameters_named(function)}:
            arrays[key], value = value, key
        choices = [one for user in inputs.given_to(function, name) for one in uses_of(user).choices(f"{name}[{key}]")]
        found[key] = samples.chosen(choices, samples.OUTPUTS if value is None else value)
    return found


def _gate(name: str, names: list[str]) -> str:
    """The name, "W" for the weights of a gate on the input where those on the state have another: Wh beside Uh."""
    return "W" if name[:1] == "W" and {f"U{name[1:]}", f"R{name[1:]}"} & {*names} else name


def loss_candidates(case: Case, forward: Step, backward: tuple[Step, ...], thing: Any = None) -> Iterator[Candidate]:
    """A loss of theirs, functions or methods of a thing, on every kind of prediction and target."""
    override, function = case.said, function_of(thing, forward)
    unsure = _unsure_of_loss(function, function_of(thing, backward[0]), override) if backward else []
    guess = _told(case.name, function_of(thing, backward[0]), unsure, 1.0) if unsure else ""
    if thing is not None and not unsure and not override.backward_args:
        for one in costs(thing, forward, backward[0], case.module):
            yield from (closed_candidate(case, one, *given) for given in loss_inputs("", override))
    places = sides(function, "prediction", "target") if thing is None else {}
    first = next((argument for argument, side in places.items() if side == "prediction"), "")
    form = _form_of_pair(function)
    ways = _loss_ways(function_of(thing, backward[0])) if backward else ("gradient",)
    ways = ways if form == "x" else ("nothing",)
    said = {**(override.args if thing is None else {}), **override.forward_args}
    names = [case.name, *(name for name in sides(function, 0, 0) if "logit" in name.lower())]
    for x, target, layout in loss_inputs(" ".join(names), override, _takes_a_column(function), inputs.own_sizes(thing)):
        for way, masked in product(ways if thing is not None else ways[:1], _masked(function, x, target, layout)):
            settings = {"settings": {**masked, **{name: {} for name in structures(function)}, **said}}
            subject = Subject(
                case.name, forward, backward, thing, first=first, form=form, target=target, pass_on=way,
                module=case.module, **override.of_run() | settings,
            )  # fmt: skip
            yield from (Candidate(subject, x, layout, reduction, guess=guess) for reduction in REDUCTIONS)


def _unsure_of_loss(forward: Callable[..., Any], backward: Callable[..., Any], override: Override) -> list[str]:
    """The arguments of a loss's backward that are neither of its two sides: the slope of an activation behind it.

    Where there are more than two that forward does not know, those whose names say nothing are such as well.
    """
    names = [one.name for one in data(backward) if one.name not in override.backward_args]
    found = [name for name in names if name not in calls.parameters_named(forward) and sound(name) == 0]
    leading = {name: (*vocabulary.roles(name), "")[0] for name in found}
    return [name for name in found if leading[name] == "activation_prime" or (not leading[name] and len(names) > 2)]


def _form_of_pair(function: Callable[..., Any]) -> Any:
    """What a loss is given: the prediction, or both sides in one argument: targets, predictions = inputs."""
    names = [one.name for one in calls.required(calls.parameters_of(function))]
    for node in ast.walk(sources.syntax(function)):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and names == [ast.unparse(node.value)]
        ):
            sounds = [sound(ast.unparse(one)) for one in node.targets[0].elts]
            if len(sounds) == 2 and max(sounds) > 0 > min(sounds):
                return tuple("target" if one > 0 else "x" for one in sounds)
    return "x"


def _takes_a_column(function: Callable[..., Any]) -> bool:
    """Whether a loss takes labels from a column: p[rows, y[:, 0]]."""
    text, names = ast.unparse(sources.syntax(function)), sides(function, "prediction", "target")
    targets = [name for name, side in names.items() if side == "target"]
    return any(re.search(rf"\[[^]]*\b{name}\[[^]]*(, |\]\[)0\]", text) for name in targets)


def _masked(forward: Callable[..., Any], x: Array, target: Any, layout: Layout) -> Iterator[dict[str, Array]]:
    """A mask of the target's entries, then of the samples, as bools and as numbers; {} where forward takes none."""
    of_samples = x.shape[1:] if layout.orientation == "columns" else x.shape[:-1]
    shapes = dict.fromkeys((np.shape(target), of_samples if 1 not in x.shape else ()))
    shapes.pop((), None)  # one entry alone would always count
    for shape, kind in product(shapes, (bool, float)) if masks(forward) else (((), bool),):
        yield {name: (np.arange(np.prod(shape)) % 3 != 1).reshape(shape).astype(kind) for name in masks(forward)}


def _loss_ways(function: Callable[..., Any]) -> tuple[str, ...]:
    """What the backward of a loss may be called with, beside the target."""
    arguments = calls.required(calls.parameters_of(function))
    if not arguments:
        takes_any = any(one.kind in calls.VARIABLE for one in calls.parameters_of(function))
        return ("prediction",) if takes_any else ("gradient",)
    if len(arguments) == 1 and inputs.is_upstream(arguments[0].name):
        return "gradient", "prediction"
    return "prediction", "kept"
