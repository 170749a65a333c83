"""Calling their functions: each argument is filled by its own name, else by the role that its name suggests.

GRADCHECK writes an argument with words: "dy" stands for the array, anywhere in lists, tuples and dicts, so that
{"grads": {"grad": "dy", "batch": 5}} gives the argument `grads` a dict whose "grad" is the gradient of the output.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from types import FunctionType
from typing import Any

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.messages import problem
from mlp.user_code.run.sources import factors_of_steps
from mlp.user_code.run.uses import computed_with, uses_of

Parameters = list[inspect.Parameter]
ANY = ""  # the role of an argument whose name does not say it
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """The arguments of a function, bound method or class, [] where Python cannot tell; those behind a decorator."""
    plain = getattr(function, "__func__", function)
    if not isinstance(plain, FunctionType):
        return _parsed(function)
    found = list(_parsed_once(decorated(plain)))
    return found[1:] if inspect.ismethod(function) else found


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, or the one behind a decorator that hands on whatever it is called with, without functools.wraps."""
    cells = getattr(function, "__closure__", None)
    if not cells:  # as nearly all are, and each run of theirs asks several times
        return function
    kinds = [one.kind for one in _parsed_once(function)]
    held = [cell.cell_contents for cell in cells if _is_filled(cell)]
    inside = [one for one in held if isinstance(one, FunctionType) and one is not function]
    return decorated(inside[0]) if kinds and set(kinds) <= set(VARIABLE) and len(inside) == 1 else function


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a cell that is still empty
        return False


@cache
def _parsed_once(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """The arguments; `**named`, of which it asks for named["x"], is an argument x.

    One that is None by default has no default where None would not do.
    """
    found = _parsed(function)
    given = [one.name for one in found if one.default is None and one.name in computed_with(function)]
    found = [one.replace(default=one.empty) if one.name in given else one for one in found]
    asked = [key for one in found if one.kind is one.VAR_KEYWORD for key in uses_of(function).keys(one.name)]
    more = [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY) for key in asked if key.isidentifier()]
    return tuple([*found[:-1], *more] if more else found)


def _parsed(function: Callable[..., Any]) -> Parameters:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def required(parameters: Parameters) -> Parameters:
    """Those without a default that take one value each."""
    return [one for one in parameters if one.default is inspect.Parameter.empty and one.kind not in VARIABLE]


def call(
    function: Callable[..., Any],
    first: tuple[Any, ...],
    by_name: Mapping[str, Any],
    by_role: Mapping[str, Any],
    what: str,
) -> Any:
    """Call a function with the values of `first` for its first free arguments and the rest by name or role.

    An argument whose name stands in `by_name` is filled from there; one without a default takes, in order, the next
    value of `first` unless its role is another one's in `by_role`; one with a default keeps it, unless it is None and
    a value of `first` is left, or it switches training on or off.

    Raises:
        ForeignError: an argument is left for which there is no value.
    """
    waiting = list(first)
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    by_keyword = False
    for one in parameters_of(function):
        if one.kind is inspect.Parameter.VAR_POSITIONAL:
            positional += waiting
            waiting = []
            continue
        if one.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        found, value = _value(function, one, waiting, by_name, by_role)
        if not found:
            if one.default is inspect.Parameter.empty:
                raise problem(f"{what} wants `{one.name}`, for which there is no value here", function)
            by_keyword = True
        elif by_keyword or one.kind is inspect.Parameter.KEYWORD_ONLY:
            keywords[one.name] = value
        else:
            positional.append(value)
    return function(*positional, **keywords)


def _value(
    function: Callable[..., Any],
    one: inspect.Parameter,
    waiting: list[Any],
    by_name: Mapping[str, Any],
    by_role: Mapping[str, Any],
) -> tuple[bool, Any]:
    if one.name in by_name:
        return True, by_name[one.name]
    free = one.default is inspect.Parameter.empty
    roles = roles_in(function, one.name)
    wanted = [role for role in roles if role in by_role]
    if waiting and (free or one.default is None) and not (wanted and wanted[0] == roles[0]):
        return True, waiting.pop(0)
    # What backward is for is training, whatever the default of the switch is.
    switch = wanted[:1] == ["training"] and isinstance(one.default, bool)
    if wanted and (free or switch or wanted[0] == "rate" or (one.default is None and wanted[0] == "cache")):
        return True, by_role[wanted[0]]
    is_seen = one.name in uses_of(function).names
    return free and (ANY in by_role or not is_seen), by_role.get(ANY)


def parameters_named(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that take one value each."""
    return [one.name for one in parameters_of(function) if one.kind not in VARIABLE]


_NEVER_UPSTREAM = ("cache", "target", "training", "rate", "optimizer")


def upstream_names(
    function: Callable[..., Any], known: Iterable[str] = (), returned: Iterable[str] = (), others: Iterable[str] = ()
) -> list[str]:
    """The arguments of a backward that are gradients of outputs, dy first.

    Those that sound so, or are called after what forward returns; else the first that forward does not know by name and
    that is no cache, target or switch; else the first that may be one at all. None of the others is one.
    """
    free = [one for one in parameters_of(function) if one.kind not in VARIABLE and one.name not in others]
    free = [one for one in free if one.default in (inspect.Parameter.empty, None)] or free
    leading = {one.name: (*roles_in(function, one.name), "")[0] for one in free}
    outputs = {vocabulary.bare(name.lower()) for name in returned}
    sounding = [
        name
        for name, role in leading.items()
        if role == "upstream" or (not role and {*map(vocabulary.bare, vocabulary.gradient_of(name))} & outputs)
    ]
    possible = [name for name, role in leading.items() if role not in _NEVER_UPSTREAM]
    possible = [name for name in possible if name in uses_of(function).names] or possible
    new = [name for name in possible if name not in known]
    name = getattr(function, "__name__", "")
    is_update = vocabulary.UPDATE.fullmatch(name) and vocabulary.plain(name) not in vocabulary.DERIVATIVE
    rates = [one.name for one in required(free) if leading[one.name] == "rate" and not is_update]
    alone = rates if len(required(free)) == 1 and not factors_of_steps(function) & {*rates} else []  # dy is called eta
    return sounding or new[:1] or possible[:1] or alone


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one number as one of arrays, by their entries."""
    vectorised = np.vectorize(function, otypes=[float])

    @wraps(function)
    def of_entries(*arguments: Any, **named: Any) -> Any:
        return vectorised(*arguments, **named)

    return of_entries


def global_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names that a function of theirs takes from its module, and those of attributes."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return code.co_names if code is not None else ()


def setting(name: str, function: Callable[..., Any]) -> Any:
    """The list or dict that the module of a function has under the name of an argument, in capitals perhaps."""
    held = getattr(getattr(function, "__func__", function), "__globals__", {})
    alike = (one for key, one in held.items() if key.lower() == name.lower() and isinstance(one, list | dict) and one)
    return next(alike, None)


def takes_rate(function: Callable[..., Any]) -> bool:
    """Whether a function has an argument for a learning rate."""
    return any(roles_in(function, one.name)[:1] == ("rate",) for one in parameters_of(function))


def roles_in(function: Callable[..., Any], name: str) -> tuple[str, ...]:
    """The roles of an argument by its name; of one that may be a rate, such as alpha, that where it is one of steps."""
    roles = vocabulary.roles(name)
    may_be_rate = {"fraction", "probability"} & {*roles} or (not roles and "rate" in name.lower())
    return ("rate",) if may_be_rate and name in factors_of_steps(function) else roles


# What the words stand for; of several inputs or outputs the others are "x.1", "dy.1" and so on.
WORDS = {
    "x": "the input",
    "dy": "the gradient of the output",
    "y": "the output",
    "target": "the target",
    "cache": "what forward returned beside its output",
}


def filled(said: Any, values: Mapping[str, Any]) -> Any:
    """The argument that is meant, with the values in the place of their words."""
    if isinstance(said, str):
        return values.get(said, said)
    if isinstance(said, dict):
        return {key: filled(held, values) for key, held in said.items()}
    if isinstance(said, list | tuple):
        return type(said)(filled(held, values) for held in said)
    return said


def mentions(said: Any, word: str) -> bool:
    """Whether a word stands somewhere in what is said."""
    if isinstance(said, Mapping):
        return any(mentions(held, word) for held in said.values())
    return (
        any(mentions(held, word) for held in said)
        if isinstance(said, list | tuple)
        else isinstance(said, str) and said == word
    )
