"""Calling their functions: each argument is filled by its own name, else by the role that its name suggests."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.messages import problem

Parameters = list[inspect.Parameter]


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """The arguments of a function or bound method, [] where Python cannot tell."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


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
    value of `first` unless its role is another one's in `by_role`; one with a default keeps it.

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
        found, value = _value(one, waiting, by_name, by_role)
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
    one: inspect.Parameter, waiting: list[Any], by_name: Mapping[str, Any], by_role: Mapping[str, Any]
) -> tuple[bool, Any]:
    if one.name in by_name:
        return True, by_name[one.name]
    wanted = [role for role in vocabulary.roles(one.name) if role in by_role]
    if waiting and not (wanted and wanted[0] == vocabulary.roles(one.name)[0]):
        return True, waiting.pop(0)
    if wanted and (one.default is inspect.Parameter.empty or wanted[0] == "rate"):
        return True, by_role[wanted[0]]
    return False, None


def upstream_name(function: Callable[..., Any]) -> str:
    """The argument of a backward that is dy: the first that sounds so, else the first at all; "" without arguments."""
    arguments = [one for one in parameters_of(function) if one.kind is not inspect.Parameter.VAR_POSITIONAL]
    sounding = [one.name for one in arguments if vocabulary.roles(one.name)[:1] == ("upstream",)]
    return (sounding or [one.name for one in arguments] or [""])[0]


def takes_rate(function: Callable[..., Any]) -> bool:
    """Whether a function has an argument for a learning rate."""
    return any(vocabulary.roles(one.name)[:1] == ("rate",) for one in parameters_of(function))


def output_of(holder: Any, returned: Any, what: str) -> tuple[Array, Any]:
    """What forward computed, as a floating-point array of its own, and the cache that it returned beside it.

    Raises:
        ForeignError: it returned nothing and kept no `output`, or something that is no array of numbers.
    """
    cache: Any = None
    if isinstance(returned, tuple) and returned:
        # Of several, the last is the cache if it looks like one: an LSTM returns h, c, cache.
        is_last = len(returned) == 2 or isinstance(returned[-1], tuple | list | dict)
        cache = returned[-1] if is_last else returned[1:]
        returned = returned[0]
    if returned is None and holder is not None:
        kept = (getattr(holder, name, None) for name in vocabulary.OUTPUTS)
        returned = next((value for value in kept if isinstance(value, np.ndarray | float | np.floating)), None)
    if returned is None:
        raise problem(f"{what} returns nothing and keeps no `output`")
    try:
        y = np.asarray(returned)
        if y.dtype == object:
            y = y.astype(np.float64)
        y = y if y.dtype.kind == "c" else y.astype(np.result_type(y, np.float32), copy=True)
    except (TypeError, ValueError) as error:
        raise problem(f"{what} returns {type(returned).__name__}, not an array of numbers") from error
    return np.array(y), cache
