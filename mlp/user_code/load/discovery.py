"""What there is to check in a module of theirs: layers, losses, and functions that have a gradient beside them."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import chain
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from mlp.user_code import vocabulary
from mlp.user_code.interpret import models
from mlp.user_code.interpret.losses import data, is_loss, is_weighted_loss
from mlp.user_code.load.classes import (
    Kind,
    is_base,
    is_hollow,
    kind_of,
    parts_of_backward,
    returns_loss_and_gradients,
    sounds_like_loss,
)
from mlp.user_code.messages import home_of, in_order, place_of
from mlp.user_code.run import calls
from mlp.user_code.run.sources import attributes_of_self, return_values, returned_count
from mlp.user_code.settings import Override


class Case(NamedTuple):
    """One thing to check.

    Attributes:
        name: of the class or the forward function.
        kind: "layer", "loss", "function" or "model".
        first: the class, the forward function, or the `Parts` of a model; second: the gradient function, None where
            there is none.
        file, line: where it is defined.
        module: where it comes from, None where that is not known; said: what GRADCHECK says of it.
    """

    name: str
    kind: str
    first: Any
    second: Callable[..., Any] | None
    file: str
    line: int
    module: ModuleType | None = None
    said: Override = Override()


def own(module: ModuleType) -> dict[str, Any]:
    """The classes and functions that the module itself defines, or for a package anything below it."""
    held = vars(module)  # not by attributes: a module may have a __getattr__ of its own
    home = held["__name__"]
    below = (f"{home}.",) if "__path__" in held else ()
    plain = {name: calls.decorated(one) if type(one) is FunctionType else one for name, one in held.items()}
    homes = {name: home_of(one) for name, one in plain.items()}
    found = {name: held[name] for name, where in homes.items() if where == home or where.startswith(below)}
    inside = {name: _alone(cls) for name, cls in found.items() if issubclass(type(cls), type)}
    return found | {f"{name}.{one}": method for name, methods in inside.items() for one, method in methods.items()}


def _alone(cls: type) -> dict[str, Callable[..., Any]]:
    """The methods of a class that go by nothing that an object of it holds, but for those that it is a layer by."""
    try:
        kind = kind_of(cls, Override())
        held = {name: one for name, one in vars(cls).items() if name[:2] != "__" and name not in (kind or ())[1:]}
        static = {name: getattr(cls, name) for name, one in held.items() if isinstance(one, staticmethod)}
        methods = {name: one for name, one in held.items() if isinstance(one, FunctionType)}
        used = {name: {*chain(*attributes_of_self(one))} for name, one in methods.items()}
        while bound := [name for name in used if not used[name] <= {*map(vocabulary.as_written, [*used, *static])}]:
            used = {name: attributes for name, attributes in used.items() if name not in bound}
        alone = static | {name: getattr(object.__new__(cls), name) for name in used}
        return {vocabulary.as_written(name): one for name, one in alone.items()}
    except Exception:  # a descriptor or a metaclass of theirs
        return {}


def cases(module: ModuleType, overrides: dict[str, Override]) -> list[Case]:
    """Everything to check, in the order of the file; base classes and what GRADCHECK skips are left out."""
    things = {name: thing for name, thing in own(module).items() if not overrides.get(name, Override()).skip}
    classes = {id(thing): (name, thing) for name, thing in reversed(things.items()) if issubclass(type(thing), type)}
    found = [*_classes(dict(reversed(classes.values())), overrides)]
    for owner in dict.fromkeys(name.rpartition(".")[0] for name in things):
        own_ones = {name.rpartition(".")[2]: one for name, one in things.items() if name.rpartition(".")[0] == owner}
        cases_in = _functions(own_ones, {} if owner else overrides)
        found += [one._replace(name=f"{owner}.{one.name}" if owner else one.name) for one in cases_in]
    known = [one._replace(module=module, said=_said(one, overrides)) for one in found]
    return sorted((one for one in known if not one.said.skip), key=lambda case: in_order(case.file, case.line))


def _said(case: Case, overrides: dict[str, Override]) -> Override:
    """What GRADCHECK says of a case; which methods of its class it is about stays as it is."""
    said, own = overrides.get(case.name, case.said), case.said
    return replace(said, forward=said.forward or own.forward, backward=said.backward or own.backward)


def _classes(classes: dict[str, type], overrides: dict[str, Override]) -> Iterator[Case]:
    for name, cls in classes.items():
        try:
            kind = kind_of(cls, overrides.get(name, Override()))
            if is_base(cls, list(classes.values())):
                continue
            if kind is not None:
                yield Case(name, kind.kind, cls, None, *place_of(cls))
            for title, *methods in _further(cls, kind):
                said, place = Override(forward=methods[0], backward=methods[1]), place_of(getattr(cls, title))
                of_pair = kind_of(cls, said)
                if of_pair is not None:
                    yield Case(f"{name}.{title}", of_pair.kind, cls, None, *place, said=said)
        except Exception:  # a descriptor or a metaclass of theirs; checking this one case, it raises again and is told
            yield Case(name, "layer", cls, None, "", 0)


def _further(cls: type, kind: Kind | None) -> Iterator[tuple[str, str, str]]:
    """The other pairs of methods of a class, each with the one that it is named after.

    They are other versions of its backward, of the same arguments, and pairs that are named as functions are. What its
    other methods call is part of these.
    """
    methods = {name: one for name, one in vars(cls).items() if type(one) is FunctionType and not is_hollow(one)}
    called = {name for one in methods.values() for name in attributes_of_self(one)[0]}
    free = {name: one for name, one in methods.items() if name not in {*called, *(kind or ())} and name[:1] != "_"}
    if kind is not None and kind.backward in methods:
        version = re.compile(kind.backward + _OTHERWISE, re.IGNORECASE)
        asked = calls.parameters_named(methods[kind.backward])
        others = [name for name in free if version.fullmatch(name) and name not in parts_of_backward(cls)]
        for name in (one for one in others if calls.parameters_named(free[one]) == asked):
            forward = kind.forward + name.removeprefix(kind.backward)
            yield name, forward if forward in methods else kind.forward, name
    alone = _alone(cls)
    sounding = {name for name in free if vocabulary.SOUNDS_BACKWARD.search(name)}
    for name in free.keys() - sounding:
        partner = _partner(name, free)
        if partner in sounding and not {name, partner} & alone.keys():
            yield name, name, partner


def _functions(things: dict[str, Any], overrides: dict[str, Override]) -> Iterator[Case]:
    plain = {name: one for name, one in things.items() if type(one) in (FunctionType, MethodType)}
    functions = {name: one for name, one in plain.items() if not is_hollow(one)}
    used: set[str] = set()
    for parts in models.find(functions, overrides):
        used |= parts.used - {getattr(parts.loss, "__name__", "") if parts.forward else ""}  # that has its own gradient
        yield Case(parts.name, "model", parts, None, *place_of(parts.forward or parts.loss))
    pairs: dict[str, str] = {}
    for name, function in functions.items():
        partner = overrides.get(name, Override()).backward or _partner(name, functions)
        if not used & {name, partner} and partner in functions and calls.required(calls.parameters_of(function)):
            used |= {name, partner}
            pairs[name] = partner
    for name, partner in pairs.items():
        said, flag = overrides.get(name, Override()), _derivative_flag(functions[name])
        yield _case(name, functions[name], functions[partner])
        named = [other for other in _partners(name, functions) if not _OF_ONE_ARRAY.search(other)]
        others = [other for other in dict.fromkeys([*named, *_alike(partner, functions)]) if other not in used]
        used |= {*others}
        for other in others:
            file, line = place_of(calls.decorated(functions[other]))
            yield _case(other, functions[name], functions[other])._replace(file=file, line=line, said=said)
        if flag:
            second = _flagged(functions[name], flag)
            yield _case(second.__name__, functions[name], second)._replace(said=said)
    for name, function in functions.items():
        if name in used:
            continue
        flag = _derivative_flag(function)
        if flag:
            yield _case(name, function, _flagged(function, flag))
        elif is_weighted_loss(function) and _returns_both(name, function):
            yield Case(name, "model", models.linear(function), None, *place_of(function))
        elif _returns_both(name, function):
            yield _case(name, function, None)
        elif returns_loss_and_gradients(function):
            roles = [role for one in data(function) for role in vocabulary.roles(one.name)]
            kind = "loss" if is_loss(function) and "prediction" in roles else "function"
            yield Case(name, kind, function, None, *place_of(function))


def _case(name: str, forward: Callable[..., Any], backward: Callable[..., Any] | None) -> Case:
    given = len(data(forward))
    of_inputs = backward and given > 1 and returned_count(backward) == given  # a gradient for each, target or not
    kind = "loss" if not of_inputs and (is_loss(forward) or sounds_like_loss(name)) else "function"
    return Case(name, kind, forward, backward, *place_of(calls.decorated(forward)))


def _alike(partner: str, functions: dict[str, Any]) -> list[str]:
    """The functions that are other versions of a gradient: `norm_backward_alt`, of the same arguments."""
    trunk, arguments = _TRUNK.match(partner), calls.parameters_named(functions[partner])
    versions = re.compile(f"{trunk[0]}{_OTHERWISE}" if trunk else "", re.IGNORECASE)
    names = [other for other in functions if other != partner and versions.fullmatch(other)]
    return [other for other in names if calls.parameters_named(functions[other]) == arguments]


_MARKS = (
    r"derivative_of|gradient_of|deriv[aei]t[aei]ve|derivate|derivation|derivada|derivata|derivee|deriver|deriv|derv|der|gradient|grads??|backwards?|"
    r"backprop(?:agation)?|retroprop\w*|bprop|bwd|back|bp|prime|diff|slope|delta|dev|ableitung|abl|pochodna|turev"
)
_GRADIENT_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (rf"({_MARKS}|d)_?(?P<stem>.+?)(_d[a-z])?", rf"(?P<stem>.+?)([_2]*({_MARKS}|jacobian)|[_2]+d[a-z]?)")
)
_TRUNK = re.compile(rf".+?_({_MARKS})(?=_|\d|$)", re.IGNORECASE)
# What a gradient may have behind it that is another version of one, and no test of it.
_OTHERWISE = r"(?!.*(check|numer|test|update|clip|step))(_\w+|\d+)?"
_OF_ONE_ARRAY = re.compile(r"_d[a-z]$")  # linear_dx, linear_dw
_MARK_INSIDE = re.compile(r"_(forward|backward)(?=_)", re.IGNORECASE)
_BESIDE = re.compile(
    r"(?<=.)_?(forward(_pass)?|fwd|fprop|fp|function|func|fn|activation|loss|(?<=_)for)$|"
    r"^((forward|fwd|get|calc|calculate|compute)_|(funcao|funcion|fonction|funktion)_?)",
    re.IGNORECASE,
)
_ALIKE = 0.9  # of 6 or 7 letters one is missing
_SHORTEST = 3  # of what a name is cut to: dsig_dz of sigmoid


def _partner(name: str, functions: dict[str, Any]) -> str:
    """The likeliest function that is named as the gradient of the function `name`; "" if there is none."""
    return next(iter(_partners(name, functions)), "")


def _partners(name: str, functions: dict[str, Any]) -> list[str]:
    """The functions that are named as the gradient of the function `name`, the likeliest first."""
    stem = _stem(name)
    same = re.sub(r"(^|_)(forward|fwd|fprop|fp)(?=_|$)", "", name)
    if _MARK_INSIDE.search(name):
        return [other for other in functions if other == _MARK_INSIDE.sub("_backward", name) != name]
    others = [other for other in functions if other != name]
    texts = ((other, text) for other in others for text in (other, _BESIDE.sub("", other)))
    marked = ((other, text) for other, text in texts if _stem(text) != stem)  # sigmoid_function is sigmoid, not its d
    matches = ((other, pattern.fullmatch(text)) for other, text in marked for pattern in _GRADIENT_NAMES)
    whole = [(other, match["stem"]) for other, match in matches if match]
    stems = [(other, _stem(its)) for other, its in whole]
    named = [other for other, its in whole if its == same] + [other for other, its in stems if its == stem]
    named += [other for other in others if re.fullmatch(rf"dd?[a-z]_?{name}|{name}d[a-z]?", other, re.IGNORECASE)]
    ending = [other for other in others if re.fullmatch(f"{name}_?p", other, re.IGNORECASE)]
    arguments = calls.parameters_named(functions[name])
    alike = [other for other in others if calls.parameters_named(functions[other]) == arguments]
    words = {vocabulary.plain(other): other for other in alike if vocabulary.plain(name) in vocabulary.VALUE}
    cut = [other for other, its in stems if other in alike and len(its) >= _SHORTEST and stem.startswith(its)]
    if not any((named, words, cut, ending)):  # simoid_derivative
        known = {*map(_stem, functions)}
        cut = [other for other, its in stems if its not in known and _is_misspelt(its, stem)]
    return named or ending or [words[word] for word in vocabulary.DERIVATIVE if word in words][:1] or cut[:1]


def _is_misspelt(one: str, other: str) -> bool:
    """Whether two words of letters are the same but for one of many letters."""
    return (one + other).isalpha() and SequenceMatcher(None, one, other).ratio() > _ALIKE


def _stem(name: str) -> str:
    return _BESIDE.sub("", name).lower().replace("_", "")


def _derivative_flag(function: Callable[..., Any]) -> str:
    """The argument of `nonlin(x, deriv=False)` that asks for the derivative."""
    for one in calls.parameters_of(function):
        if one.default is False and re.fullmatch(
            r"(is_)?(der|deriv\w*|d|prime|grad\w*|back\w*)", one.name, re.IGNORECASE
        ):
            return one.name
    return ""


def _flagged(function: Callable[..., Any], flag: str) -> Callable[..., Any]:
    def derivative(*arguments: Any) -> Any:
        return function(*arguments, **{flag: True})

    kept = [one for one in calls.parameters_of(function) if one.name != flag]
    derivative.__name__ = f"{function.__name__}({kept[0].name}, {flag}=True)"
    derivative.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]  # what it is called by
    return derivative


def _returns_both(name: str, function: Callable[..., Any]) -> bool:
    """Whether a loss returns its value and its gradient together: `softmax_loss(x, y)`."""
    arguments = data(function)
    scores = len(arguments) == 2 and {"input", "prediction"} & set(vocabulary.roles(arguments[0].name))
    takes_scores = bool(scores) or is_loss(function)
    if not sounds_like_loss(name) or not (takes_scores or is_weighted_loss(function)):
        return False
    return any(
        isinstance(value, ast.Tuple)
        and len(value.elts) > 1
        # What is called like a gradient, and not accuracy or predictions.
        and (not isinstance(value.elts[1], ast.Name) or re.match("d|g|nabla", value.elts[1].id, re.IGNORECASE))
        for value in return_values(function)
    )
