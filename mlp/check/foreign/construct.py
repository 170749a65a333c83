"""Objects of their classes: arguments of the constructor are guessed from names, annotations and defaults."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.check.foreign import calls, names
from mlp.check.foreign.facts import ForeignError, problem, told
from mlp.check.foreign.randomness import same_randomness
from mlp.check.foreign.theirs import Theirs
from mlp.check.foreign.values import CONVENTIONS, FEATURES, HIDDEN, OUTPUTS, PLAIN, Conventions, Recorder, array_for

_PAIRED = ("kernel_size", "stride")
_UNKNOWN = (FEATURES, OUTPUTS, *HIDDEN)
_ACTIVATIONS: tuple[Any, ...] = ("tanh", "sigmoid", "relu", np.tanh)
_ACTIVATION_NAME = re.compile(r"activation|tanh|sigmoid|logistic|relu|elu|softplus", re.IGNORECASE)
_BY_ANNOTATION: dict[Any, Any] = {float: 0.5, "float": 0.5, bool: False, "bool": False, str: "", "str": ""}


class Built(NamedTuple):
    """An object and how it was made: `args` is plain data for the page and for GRADCHECK."""

    thing: Any
    args: dict[str, Any]


def objects(cls: type, module: ModuleType | None, given: Mapping[str, Any]) -> Iterator[Built]:
    """Make objects of a class, with the likeliest arguments first.

    Raises:
        ForeignError: not one could be made; the first reason is told.
    """
    failures: list[ForeignError] = []
    seen: list[str] = []
    for args in _guesses(cls, module, given):
        if repr(args) in seen:
            continue
        seen.append(repr(args))
        for hooked in (False, True):
            try:
                yield from _made(cls, module, args, hooked)
            except ForeignError as error:
                failures.append(error)
    if failures and len(failures) >= 2 * len(seen):
        raise _with_hint(cls, failures[0])


def _with_hint(cls: type, error: ForeignError) -> ForeignError:
    """The error with the one line that sets the arguments right."""
    wanted = ", ".join(f'"{one.name}": ...' for one in calls.required(calls.parameters_of(cls)))
    if not wanted or "GRADCHECK" in error.fact.text:
        return error
    line = f'GRADCHECK = {{"{cls.__name__}": {{"args": {{{wanted}}}}}}}'
    hint = f". The arguments were guessed; say them in one line, {line}"
    return ForeignError(replace(error.fact, text=error.fact.text + hint))


def _made(cls: type, module: ModuleType | None, args: dict[str, Any], hooked: bool) -> Iterator[Built]:
    with told(f"{cls.__name__}({_shown(args)})", cls), same_randomness(module):
        thing = cls(*_layers(cls, module), **args)
    if not hooked:
        yield Built(thing, args)
        return
    called = False
    for name in names.BUILD:
        method = getattr(thing, name, None)
        if inspect.ismethod(method):
            called = True
            values = {"optimizer": Recorder(), **{role: plain[0] for role, plain in PLAIN.items()}}
            values["input_shape"] = args.get("input_shape", (FEATURES,))
            with told(f"{cls.__name__}.{name}", method), same_randomness(module):
                calls.call(method, (), {}, values, f"{cls.__name__}.{name}")
    if called:
        yield Built(thing, args)


def _guesses(cls: type, module: ModuleType | None, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    parameters = [one for one in calls.parameters_of(cls) if one.kind not in _VARIABLE]
    wanted = [one for one in parameters if one.default is inspect.Parameter.empty or one.name in given]
    activations = _activations(cls, module) if any(_is_activation(one.name, cls) for one in wanted) else [None]
    if activations != [None]:  # an activation wants its derivative beside it
        wanted += [one for one in parameters if one.default is None and "activation_prime" in names.roles(one.name)]
    wanted += [one for one in parameters if one.default is None and "seed" in names.roles(one.name)]
    optional = [one for one in parameters if one.default is None and one not in wanted]
    for paired in (False, True):  # a kernel of 3, then one of (3, 3)
        for chosen in (wanted, [*wanted, *optional]) if optional else (wanted,):
            for conventions in CONVENTIONS:
                for activation in activations:
                    yield _arguments(cls, chosen, conventions._replace(paired=paired), activation, given)


def _is_activation(name: str, cls: type) -> bool:
    """Whether an argument is an activation: by its name, or a `name` that an Activation is made with."""
    return "activation" in names.roles(name) or (name in ("name", "kind", "type") and _is_by_name(cls))


def _is_by_name(cls: type) -> bool:
    return re.search("activation|nonlinear", cls.__name__, re.IGNORECASE) is not None


_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _arguments(
    cls: type, chosen: calls.Parameters, conventions: Conventions, activation: Theirs, given: Mapping[str, Any]
) -> dict[str, Any]:
    used: dict[str, int] = {}
    args: dict[str, Any] = {}
    for one in chosen:
        if one.name in given:
            args[one.name] = given[one.name]
            continue
        by_name = activation is not None and _is_activation(one.name, cls)
        role, value = ("activation", activation) if by_name else _value(one, conventions, activation, used)
        if one.default is None and (role == "unknown" or value is None):
            continue
        if value is None:
            raise problem(
                f"{cls.__name__} needs `{one.name}`, for which I have no value; say it in one line, "
                f'GRADCHECK = {{"{cls.__name__}": {{"args": {{"{one.name}": ...}}}}}}',
                cls.__init__,  # type: ignore[misc]
            )
        used[role] = used.get(role, 0) + 1
        args[one.name] = value
    return args


def _value(
    one: inspect.Parameter, conventions: Conventions, activation: Theirs, used: dict[str, int]
) -> tuple[str, Any]:
    """The role that the argument plays here, and its value."""
    specials = {
        "input_shape": conventions.input_shape,
        "activation": activation,
        "activation_prime": _tanh_prime,
        "optimizer": Recorder(),
        "rng": np.random.RandomState(0),
    }
    for role in names.roles(one.name):
        array = array_for(role, conventions)
        if array is not None and one.annotation not in (int, "int", bool, "bool", float, "float"):
            return role, array
        if role in specials:
            return role, specials[role]
        if role in _PAIRED and (conventions.paired or one.name.endswith("shape")):
            return role, PLAIN[role] * 2
        if role in PLAIN:
            return role, PLAIN[role][min(used.get(role, 0), len(PLAIN[role]) - 1)]
    if conventions.paired and one.name.endswith(("shape", "dims")):
        return "shape", (2, FEATURES // 2)
    return _unknown(one, used)


def _unknown(one: inspect.Parameter, used: dict[str, int]) -> tuple[str, Any]:
    """A value for an argument whose name says nothing: by its annotation, else a size."""
    if one.annotation in _BY_ANNOTATION:
        return "annotated", _BY_ANNOTATION[one.annotation]
    return "unknown", _UNKNOWN[min(used.get("unknown", 0), len(_UNKNOWN) - 1)]


def _tanh_prime(x: Theirs) -> Theirs:
    return 1 - np.tanh(x) ** 2


def _layers(cls: type, module: ModuleType | None) -> list[Any]:
    """For a container that is made from any number of layers, a few of the module's own."""
    takes_any = any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in calls.parameters_of(cls))
    return _own_activations(cls, module) if takes_any else []


def _activations(cls: type, module: ModuleType | None) -> list[Any]:
    """Values for an argument `activation`: names, a function, and objects of the module's own activation classes."""
    return [*_ACTIVATIONS, *_own_activations(cls, module)]


def _own_activations(maker: type, module: ModuleType | None) -> list[Any]:
    """Two objects of classes in their module that go forward and backward and need no arguments."""
    found = []
    for cls in vars(module).values() if module else ():
        is_own = inspect.isclass(cls) and cls is not maker and cls.__module__ == getattr(module, "__name__", "")
        if is_own and _ACTIVATION_NAME.search(cls.__name__) and _needs_nothing(cls) and _goes_both_ways(cls):
            try:
                found.append(cls())
            except Exception:  # a class that cannot be made without arguments is no activation to offer
                continue
    return found[:2]


def _needs_nothing(cls: type) -> bool:
    """Whether a class needs no arguments, and takes no unknown number of them."""
    parameters = calls.parameters_of(cls)
    return not calls.required(parameters) and not any(one.kind in _VARIABLE for one in parameters)


def _goes_both_ways(cls: type) -> bool:
    """Whether a class has a forward and a gradient under one of their names."""
    methods = set(dir(cls))
    return bool(methods & set(names.FORWARD[:10])) and bool(methods & set(names.DERIVATIVE))


def _shown(args: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}=array of shape {value.shape}" if isinstance(value, np.ndarray) else f"{name}={value!r:.40}"
        for name, value in args.items()
    )


def plain_arguments(args: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as text, for people."""
    return {name: _shown({name: value}).partition("=")[2] for name, value in args.items()}
