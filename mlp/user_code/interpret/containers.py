"""Layers of a module's own for what holds layers: a few that fit one behind the other, by what is called on them."""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.load.classes import kind_of, stored
from mlp.user_code.messages import ForeignError, home_of, problem, told
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.conditions import other_randomness, same_randomness
from mlp.user_code.run.sources import syntax
from mlp.user_code.run.uses import EACH, Uses, uses_of
from mlp.user_code.settings import Override

_BOTH_WAYS = {*vocabulary.VALUE, *vocabulary.DERIVATIVE, ""}  # "" is a call of the layer itself
_SHAPES = ((samples.BATCH, samples.FEATURES), (samples.FEATURES, samples.BATCH), (samples.FEATURES, 1))

Maker = Callable[[type], Iterator[Any]]


def uses_in(cls: type) -> Uses:
    """What a class does with the arguments of its constructor, and with its attributes.

    A class that it hands an argument of the same name on to, as it is, does the rest.
    """
    methods = [one for base in cls.__mro__ for one in vars(base).values() if inspect.isfunction(one)]
    found = uses_of(cls.__init__, *(one for one in methods if one is not cls.__init__))  # type: ignore[misc]
    space, names = getattr(cls.__init__, "__globals__", {}), calls.parameters_named(cls)  # type: ignore[misc]
    for call in ast.walk(syntax(cls.__init__)):  # type: ignore[misc]
        other = space.get(call.func.id) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None
        if isinstance(other, type) and other is not cls and isinstance(call, ast.Call):
            handed = {ast.unparse(one) for one in call.args} & {*names} & {*calls.parameters_named(other)}
            found = found.and_of(uses_in(other)) if handed else found
    return found


def asked_of(cls: type, whole: str) -> set[str]:
    """The methods, of those that layers have, that a class calls on what this text stands for."""
    return {method or "__call__" for method in uses_in(cls).methods(whole) if vocabulary.plain(method) in _BOTH_WAYS}


def layers(cls: type, module: ModuleType | None, methods: Iterable[str], make: Maker) -> list[Any]:
    """Layers that have these methods: one with weights, one without, another with weights; [] where there are none.

    They give as many numbers as they are given, and cannot change places unnoticed.
    """
    found = _fitting(cls, module, methods, make)
    with_weights = [one for one in found if has_weights(one)]
    without = [one for one in found if not has_weights(one)]
    if not with_weights:
        return without[:2]
    with other_randomness():
        others = [one for one in _fitting(cls, module, methods, make) if type(one) is type(with_weights[0])]
    return [with_weights[0], *without[:1], *others]


def activations(cls: type, module: ModuleType | None, methods: Iterable[str], make: Maker) -> list[Any]:
    """Two layers that have these methods, and no weights."""
    return [one for one in _fitting(cls, module, methods, make) if not has_weights(one)][:2]


def holders(cls: type, module: ModuleType | None, asked: Iterable[str]) -> list[type]:
    """The classes of the module whose objects have these attributes, and that need no such object themselves."""
    own = [one for one in own_classes(cls, module) if set(asked) <= set(dir(one)) | stored(one)]
    return [one for one in own if not any(uses_in(one).asked(name) for name in calls.parameters_named(one))]


def losses(cls: type, module: ModuleType | None, is_called: bool) -> Iterator[Any]:
    """The losses of the module that need nothing to be made; their classes where they are called and cannot be."""
    for one in own_classes(cls, module):
        kind = kind_of(one, Override())
        if kind and kind.kind == "loss" and kind.backward and not calls.required(calls.parameters_of(one)):
            with suppress(ForeignError), told(one.__name__):
                made = one()
                yield one if is_called and not callable(made) else made


def own_classes(cls: type, module: ModuleType | None) -> list[type]:
    """The other classes that the module defines."""
    held = vars(module).values() if module else ()
    own = [one for one in held if issubclass(type(one), type) and home_of(one) == vars(module)["__name__"]]
    return [one for one in own if one is not cls]


def _fitting(cls: type, module: ModuleType | None, methods: Iterable[str], make: Maker) -> list[Any]:
    """An object of each class of the module that has these methods, and gives what has the shape of its input."""
    asked = set(methods)
    spelt = {vocabulary.plain(name): name for name in asked}
    forward = next((spelt[word] for word in vocabulary.VALUE if word in spelt), "")
    classes = [one for one in own_classes(cls, module) if all(callable(getattr(one, name, None)) for name in asked)]
    classes = [one for one in classes if not any(asked_of(one, text) for text, _ in uses_in(one).calls if EACH in text)]
    for shape in _SHAPES if forward else ():
        found = [_object(one, make, forward, samples.normal(shape)) for one in classes]
        if any(one is not None for one in found):
            return [one for one in found if one is not None]
    return []


def _object(cls: type, make: Maker, forward: str, x: Array) -> Any:
    """An object of a class whose output has the shape of its input, None if there is none."""
    with suppress(ForeignError):
        for made in make(cls):
            with suppress(ForeignError), told(cls.__name__), same_randomness(), np.errstate(all="ignore"):
                y = calls.call(getattr(object_arrays.duplicate(made), forward), (x,), {}, {"training": True}, "")
                if np.shape(y) == x.shape:
                    return made
    return None


def has_weights(thing: Any) -> bool:
    """Whether an object holds a matrix."""
    return any(array.ndim == 2 for array in object_arrays.arrays(thing).values())


def filled_up(thing: Any, module: ModuleType | None, make: Maker) -> None:
    """Add layers to an object that was made without any, by its own method for it.

    Raises:
        ForeignError: the module has none that fit; without any, no mistake could show.
    """
    cls = type(thing)
    for name, held in object_arrays.items(thing):
        whole = f"self.{name}"
        asked = asked_of(cls, whole + EACH)
        if not isinstance(held, list) or held or not asked:
            continue
        found = layers(cls, module, asked, make)
        methods = [one for _, one in inspect.getmembers(cls, inspect.isfunction) if len(calls.parameters_of(one)) == 2]
        adders = [one for one in methods if (whole, "append") in uses_of(one).calls]
        if not adders:
            return
        if not found and not has_weights(thing):
            raise problem(f"{cls.__name__} holds layers, and the module has none that could be added to it", cls)
        for layer in found:
            with told(f"{cls.__name__}.{adders[0].__name__}", adders[0]):
                adders[0](thing, layer)
