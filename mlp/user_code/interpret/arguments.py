"""Objects of their classes: arguments of the constructor are guessed from names, annotations and defaults."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.samples import (
    CONVENTIONS,
    FEATURES,
    HIDDEN,
    OUTPUTS,
    PLAIN,
    Conventions,
    Recorder,
    array_for,
)
from mlp.user_code.messages import ForeignError, home_of, problem, told
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.conditions import same_randomness
from mlp.user_code.settings import Override, line

_ACTIVATION_NAME = re.compile(r"activation|tanh|sigmoid|logistic|relu|elu|softplus", re.IGNORECASE)
_SHAPES = ("shape", "dims")
_PAIRED = ("kernel_size", "stride", "padding")
_OF_WINDOWS = {
    **dict.fromkeys(("k", "f", "height", "width", "h", "w", "hh", "ww", "fh", "fw", "kh", "kw", "size"), "kernel_size"),
    "s": "stride", "p": "padding",
}  # fmt: skip
_OTHERWISE = {"hidden": "hidden_sizes", "hidden_sizes": "hidden"}  # one hidden layer or several: a name may mean both
_UNKNOWN = (FEATURES, OUTPUTS, *HIDDEN)
_BY_ANNOTATION: dict[Any, Any] = {float: 0.5, "float": 0.5, bool: False, "bool": False, str: "", "str": ""}


class Built(NamedTuple):
    """An object and how it was made: `args` is plain data for the page and for GRADCHECK.

    `is_ready` says that what makes it ready, such as `build`, has been called, or that nothing has to be.
    """

    thing: Any
    args: dict[str, Any]
    is_ready: bool = True


def objects(cls: type, module: ModuleType | None, override: Override) -> Iterator[Built]:
    """Make objects of a class, with the likeliest arguments first.

    Raises:
        ForeignError: not one could be made; the first reason is told.
    """
    failures: list[ForeignError] = []
    seen: list[str] = []
    made_first: dict[str, Any] = {}
    successes = 0
    builds = bool(_builders(cls))
    for args, input_shape in _guesses(cls, module, override.args):
        key = repr((args, input_shape if builds else None))
        if key in seen:
            continue
        seen.append(key)
        made_first = made_first or args
        # What builds an object may want the shape of one sample or of a batch.
        of_batch = (samples.BATCH, *input_shape) if isinstance(input_shape, tuple) and len(input_shape) > 1 else None
        shapes = [shape for shape in (input_shape, of_batch, np.array(input_shape)) if builds and shape is not None]
        for shape in (None, *shapes):
            try:
                made = _made(cls, module, args, shape, override)
            except ForeignError as error:
                failures.append(error)
            else:
                successes += 1
                yield made
    if failures and not successes:
        raise _with_hint(cls, made_first, failures[0])


def _with_hint(cls: type, args: Mapping[str, Any], error: ForeignError) -> ForeignError:
    """The error with the one line that sets the arguments right."""
    if not plain_values(args) or "GRADCHECK" in error.fact.text:
        return error
    said = line(cls.__name__, args=plain_values(args))
    hint = f". The arguments were guessed; say better ones in a line such as {said}"
    return ForeignError(replace(error.fact, text=error.fact.text + hint))


def _made(cls: type, module: ModuleType | None, args: dict[str, Any], input_shape: Any, override: Override) -> Built:
    """An object; with an input shape, one whose methods that build it have been called."""
    with told(f"{cls.__name__}({_shown(args)})", cls), same_randomness(module):
        thing = cls(*_layers(cls, module), **args)
        _for_training(thing)
    for name, said in override.first_calls.items():
        method, what = getattr(thing, name, None), f"{cls.__name__}.{name}"
        if not callable(method):
            raise problem(f'{cls.__name__} has no method {name}, as "first_calls" in GRADCHECK says', cls)
        with told(what, method), same_randomness(module):
            method(**said) if isinstance(said, Mapping) else method(*said)
    if input_shape is None or override.first_calls:
        return Built(thing, args, not _builders(cls) or bool(override.first_calls))
    for method in (getattr(thing, name) for name in _builders(cls)):
        what = f"{cls.__name__}.{method.__name__}"
        values = {"optimizer": Recorder(), **{role: plain[0] for role, plain in PLAIN.items()}}
        values["input_shape"] = values["in_size"] = args.get("input_shape", input_shape)
        with told(what, method), same_randomness(module):
            calls.call(method, (), {}, values, what)
    return Built(thing, args)


def _builders(cls: type) -> list[str]:
    """The methods that make an object ready: by name, or the last that is called like one and needs no arguments."""
    methods = {name: one for name, one in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("__")}
    like = [name for name in methods if re.match("_?initiali[sz]e_|_?init_", name) and name not in vocabulary.BUILD]
    free = [name for name in like if not calls.required(calls.parameters_of(methods[name])[1:])]
    return [*(name for name in vocabulary.BUILD if name in methods), *free[-1:]]


def _for_training(thing: Any, depth: int = 3) -> None:
    """Switch an object and what it holds to training, with an optimizer that takes a step of the whole gradient.

    Backward is there for training, whatever the default of the switch is; from the step of an optimizer such as Adam
    no gradient could be had back.
    """
    for name, held in object_arrays.items(thing) if depth else ():
        role = vocabulary.roles(str(name))[:1]
        if role == ("training",) and held is False:
            object_arrays.put(thing, (name,), True)
        elif role == ("optimizer",) and (held is None or callable(getattr(held, "update", None))):
            object_arrays.put(thing, (name,), Recorder())
        else:
            _for_training(held, depth - 1)


def _guesses(cls: type, module: ModuleType | None, given: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Arguments to make an object with, and the shape of an input that goes with them."""
    parameters = [one for one in calls.parameters_of(cls) if one.kind not in calls.VARIABLE]
    wanted = [one for one in parameters if one.default is inspect.Parameter.empty or one.name in given]
    offered = _activations(cls, module) if any(_is_activation(one.name, cls) for one in wanted) else [None]
    if offered != [None]:  # an activation wants its derivative beside it
        wanted += [
            one for one in parameters if one.default is None and "activation_prime" in vocabulary.roles(one.name)
        ]
    wanted += [one for one in parameters if one.default is None and "seed" in vocabulary.roles(one.name)]
    optional = [one for one in parameters if one.default is None and one not in wanted]
    # A kernel of 3, then one of (3, 3), then one of 2; hidden units of one layer, then of several.
    for paired, window, padding in ((False, 3, 0), (True, 3, 0), (False, 2, 0), (False, 3, 1)):
        for chosen in (wanted, [*wanted, *optional]) if optional else (wanted,):
            for conventions in CONVENTIONS:
                for activation in offered:
                    args = _arguments(
                        cls,
                        chosen,
                        conventions._replace(paired=paired, window=window, padding=padding),
                        activation,
                        given,
                    )
                    yield args, conventions.input_shape


def _arguments(
    cls: type, chosen: calls.Parameters, conventions: Conventions, activation: Any, given: Mapping[str, Any]
) -> dict[str, Any]:
    used: dict[str, int] = {}
    args: dict[str, Any] = {}
    for one in chosen:
        if one.name in given:
            args[one.name] = given[one.name]
            continue
        by_name = activation is not None and _is_activation(one.name, cls)
        role, value = ("activation", activation) if by_name else _value(cls, one, conventions, activation, used)
        if one.default is None and (role == "unknown" or value is None):
            continue
        if value is None:
            said = line(cls.__name__, args={**given, one.name: 1})
            raise problem(
                f"{cls.__name__} needs `{one.name}`, for which I have no value; say one that fits in one line, {said}",
                cls.__init__,  # type: ignore[misc]
            )
        used[role] = used.get(role, 0) + 1
        args[one.name] = value
    return args


def _roles(cls: type, name: str) -> tuple[str, ...]:
    """The roles of an argument of this name, of one letter or so where the class moves a window over an image."""
    plain = name.lower().strip("_")
    of_window = plain in _OF_WINDOWS and re.search("conv|pool", cls.__name__, re.IGNORECASE)
    return (_OF_WINDOWS[plain],) if of_window else vocabulary.roles(name)


def _value(
    cls: type, one: inspect.Parameter, conventions: Conventions, activation: Any, used: dict[str, int]
) -> tuple[str, Any]:
    """The role that the argument plays here, and its value."""
    specials = {
        "input_shape": conventions.input_shape,
        "activation": activation,
        "activation_prime": tanh_prime,
        "optimizer": Recorder(),
        "rng": np.random.RandomState(0),
    }
    roles = _roles(cls, one.name)
    methods = [method for base in cls.__mro__ for method in vars(base).values() if inspect.isfunction(method)]
    parts = sources.parts_of(one.name, *methods)
    if parts in (3, 4) or (parts == 2 and not set(roles) & set(_PAIRED)):
        return "shape", samples.sizes(parts, conventions)
    for role in [_OTHERWISE.get(role, role) for role in roles] if conventions.paired else roles:
        array = array_for(role, conventions)
        if array is not None and one.annotation not in (int, "int", bool, "bool", float, "float"):
            return role, array
        if role in specials:
            return role, specials[role]
        if role in PLAIN:
            several = (2,) if role in _PAIRED[:2] and conventions.window == 2 else PLAIN[role]
            several = (conventions.padding,) if role == "padding" else several
            is_pair = role in _PAIRED and (conventions.paired or one.name.endswith("shape"))
            return role, several * 2 if is_pair else several[min(used.get(role, 0), len(several) - 1)]
    if conventions.paired and one.name.endswith(_SHAPES):
        return "shape", (2, FEATURES // 2)
    return _unknown(one, used)


def _unknown(one: inspect.Parameter, used: dict[str, int]) -> tuple[str, Any]:
    """A value for an argument whose name says nothing: by its annotation, else a size."""
    if one.annotation in _BY_ANNOTATION:
        return "annotated", _BY_ANNOTATION[one.annotation]
    return "unknown", _UNKNOWN[min(used.get("unknown", 0), len(_UNKNOWN) - 1)]


def _layers(cls: type, module: ModuleType | None) -> list[Any]:
    """Where any number of arguments is taken: sizes if they sound so, else layers, a few of the module's own."""
    for one in calls.parameters_of(cls):
        if one.kind is inspect.Parameter.VAR_POSITIONAL:
            return [2, FEATURES // 2] if one.name.endswith(_SHAPES) else _own_activations(cls, module)
    return []


def _shown(args: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}=array of shape {value.shape}" if isinstance(value, np.ndarray) else f"{name}={value!r:.40}"
        for name, value in args.items()
    )


def plain_values(args: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments that can be written down in a line of Python."""
    return {name: value for name, value in args.items() if isinstance(value, bool | int | float | str | tuple | list)}


def plain_arguments(args: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as text, for people."""
    return {name: _shown({name: value}).partition("=")[2] for name, value in args.items()}


def _is_activation(name: str, cls: type) -> bool:
    """Whether an argument is an activation: by its name, or a `name` that an Activation is made with."""
    by_name = name in ("name", "kind", "type") and re.search("activation|nonlinear", cls.__name__, re.IGNORECASE)
    return bool(by_name) or "activation" in vocabulary.roles(name)


def tanh(x: Any, derivative: bool = False) -> Any:
    """An activation that some layers ask for its derivative as well, as in f(z, True)."""
    return 1 - np.tanh(x) ** 2 if derivative else np.tanh(x)


def tanh_prime(x: Any) -> Any:
    """The derivative of tanh, for a layer that wants one beside its activation."""
    return 1 - np.tanh(x) ** 2


def _activations(cls: type, module: ModuleType | None) -> list[Any]:
    """Values for an argument `activation`: names, a function, and objects of the module's own activation classes."""
    return ["tanh", "sigmoid", "relu", tanh, *_own_activations(cls, module)]


def _own_activations(maker: type, module: ModuleType | None) -> list[Any]:
    """Two objects of classes in their module that go forward and backward and need no arguments."""
    found = []
    for cls in vars(module).values() if module else ():
        if not issubclass(type(cls), type) or cls is maker or home_of(cls) != vars(module)["__name__"]:
            continue
        try:
            if _ACTIVATION_NAME.search(cls.__name__) and _needs_nothing(cls) and _goes_both_ways(cls):
                found.append(cls())
        except Exception:  # a class that cannot be made without arguments is no activation to offer
            continue
    return found[:2]


def _needs_nothing(cls: type) -> bool:
    """Whether a class needs no arguments, and takes no unknown number of them."""
    parameters = calls.parameters_of(cls)
    return not calls.required(parameters) and not any(one.kind in calls.VARIABLE for one in parameters)


def _goes_both_ways(cls: type) -> bool:
    """Whether a class has a forward and a gradient under one of their names."""
    methods = set(dir(cls))
    return bool(methods & set(vocabulary.FORWARD[:10])) and bool(methods & set(vocabulary.DERIVATIVE))
