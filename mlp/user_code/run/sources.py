"""Where a backward pass may have left its gradients: what it returned, attributes, methods, or the update it made."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.run import object_arrays


class Source(NamedTuple):
    """An array that may be a gradient.

    Attributes:
        key: how it is named, for people and for GRADCHECK: `dW`, `grads.W`, `returned.0`, `update.W`.
        path: the same in parts, without the first word of `returned` and the like.
        place: "attribute", "returned", "method", "update" or "local".
        array: its value.
        label: the name in `return dW`, where one array is returned.
    """

    key: str
    path: object_arrays.Path
    place: str
    array: Array
    label: str = ""


def returned_sources(value: Any, function: Callable[..., Any]) -> list[Source]:
    """The arrays in what backward returned; those of a tuple carry the names of its return statement if it has any."""
    if isinstance(value, int) or (isinstance(value, np.ndarray) and value.dtype == np.bool_):
        value = np.asarray(value, dtype=np.float64)  # 1, the derivative of x, or z > 0, that of a ReLU
    several = isinstance(value, tuple | list)
    heads: list[object_arrays.Path] = [("grads",) if isinstance(value, dict) else ()]
    if several:
        heads = [(name,) for name in returned_names(function, len(value))]
    label = "" if several or isinstance(value, dict) else returned_name(function)
    return [
        Source(
            object_arrays.text(("returned", *head[: int(several)], *path[1:])),
            (*head, *path[1:]),
            "returned",
            array,
            label,
        )
        for head, part in zip(heads, value if several else [value], strict=True)
        for path, array in object_arrays.arrays([part]).items()
    ]


@contextmanager
def local_sources(*functions: Callable[..., Any]) -> Iterator[list[Source]]:
    """The arrays that local names of these functions stand for as each returns, once they have run inside."""
    if not functions:
        yield []
        return
    codes, found = [inspect.unwrap(getattr(one, "__func__", one)).__code__ for one in functions], list[Source]()

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code in codes:
            arguments = frame.f_code.co_varnames[: frame.f_code.co_argcount]
            made = {name: one for name, one in frame.f_locals.items() if name not in arguments}
            for path, array in object_arrays.arrays(made).items():
                found.append(Source(object_arrays.text(("local", *path)), path, "local", np.array(array)))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(before)


def returned_names(function: Callable[..., Any], count: int) -> list[str | int]:
    """The names in `return dx, dW, db`, and the place of what has no plain name there; of one less those behind it."""
    for value in return_values(getattr(function, "__func__", function)):
        if isinstance(value, ast.Tuple | ast.List):
            labels = [_name(element) or place for place, element in enumerate(value.elts)]
            if len(labels) in (count, count + 1) and len(set(labels)) == len(labels):
                return labels[-count:]
    return list(range(count))


def returned_name(function: Callable[..., Any]) -> str:
    """The name in `return dW`, "" where the last return statement has none."""
    values = return_values(getattr(function, "__func__", function))
    return _name(values[0]) if values else ""


def returned(function: Callable[..., Any] | None) -> set[str]:
    """Every name in the return statements of a function, none where there is no function."""
    values = return_values(getattr(function, "__func__", function)) if function is not None else ()
    return {_name(part) for value in values for part in getattr(value, "elts", [value])} - {""}


def returned_count(function: Callable[..., Any] | None) -> int:
    """How many results a function returns at most, those that are None left out."""
    values = return_values(getattr(function, "__func__", function)) if function else ()
    parts = [[one for one in getattr(value, "elts", [value]) if ast.unparse(one) != "None"] for value in values]
    return max(map(len, parts), default=0)


@cache
def attributes_of_self(method: Callable[..., Any]) -> tuple[list[str], list[str]]:
    """The attributes of `self` that a method reads, and those that it sets, in their order."""
    of_self = [
        node
        for node in ast.walk(syntax(method))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    ]
    read = [node.attr for node in of_self if isinstance(node.ctx, ast.Load)]
    return read, [node.attr for node in of_self if not isinstance(node.ctx, ast.Load)]


@cache
def attributes_filled(method: Callable[..., Any]) -> set[str]:
    """The attributes of `self` into which a method puts something: self.config["rate"] = rate."""
    puts = [
        one.value
        for one in ast.walk(syntax(method))
        if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store)
    ]
    return {one.attr for one in puts if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "self"}


def syntax(function: Callable[..., Any] | None) -> ast.Module:
    """The source of a function as a tree, to be read only; an empty one where there is no function or no source."""
    return _parsed(inspect.unwrap(getattr(function, "__func__", function))) if function else ast.Module([], [])


@cache
def _parsed(function: Callable[..., Any]) -> ast.Module:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


@cache
def return_values(function: Callable[..., Any]) -> tuple[ast.expr, ...]:
    """What stands in the return statements of a function, the last one first."""
    nodes = reversed(list(ast.walk(syntax(function))))
    return tuple(node.value for node in nodes if isinstance(node, ast.Return) and node.value is not None)


def returned_keys(function: Callable[..., Any] | None) -> list[str]:
    """The keys of the dict that a function returns, [] where it returns none that is written out."""
    tree, found = syntax(function), return_values(getattr(function, "__func__", function)) if function else ()
    made = {ast.unparse(one.targets[0]): one.value for one in ast.walk(tree) if isinstance(one, ast.Assign)}
    dicts = [one if isinstance(one, ast.Dict) else made.get(ast.unparse(one)) for one in found]
    keys = [key for one in dicts if isinstance(one, ast.Dict) for key in one.keys]
    return [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def method_sources(thing: Any, parameters: dict[object_arrays.Path, Array]) -> list[Source]:
    """What methods such as `grads()` or `params_and_grads()` return.

    A list is put beside the list that `params()` returns, and a pair beside its parameter, by the identity of the
    parameter's array: its gradient then carries the parameter's own path.
    """
    values = {name: _called(thing, name) for name in vocabulary.GRADIENT_METHODS}
    paths = {id(array): path for path, array in parameters.items()}
    found = []
    for name, value in values.items():
        for index, part in enumerate(value if isinstance(value, list | tuple) else []):
            gradient = part[1] if isinstance(part, list | tuple) and len(part) == 2 else part
            owner = part[0] if gradient is not part else _at(values, index, paths)
            if isinstance(gradient, np.ndarray) and id(owner) in paths and gradient is not owner:
                key, path = object_arrays.text((f"{name}()", index)), paths[id(owner)]
                found.append(Source(key, (*path[:-1], "grads", path[-1]), "method", gradient))
        if isinstance(value, dict):
            for path, array in object_arrays.arrays([value]).items():
                found.append(
                    Source(object_arrays.text((f"{name}()", *path[1:])), ("grads", *path[1:]), "method", array)
                )
    return found


def _called(thing: Any, name: str) -> Any:
    method = getattr(thing, name, None)
    if not inspect.ismethod(method):
        return None
    try:
        value = method()
        return list(value) if inspect.isgenerator(value) or isinstance(value, zip) else value
    except Exception:  # a method that wants something else is not the one we look for
        return None


def _at(values: dict[str, Any], index: int, paths: dict[int, object_arrays.Path]) -> Any:
    """The parameter at this place in the list that a method such as `params()` returned."""
    for value in values.values():
        if isinstance(value, list | tuple) and index < len(value) and id(value[index]) in paths:
            return value[index]
    return None


def written_rate(*functions: Callable[..., Any]) -> float | None:
    """The number that all steps of these functions begin or end with: self.W -= 0.01 * dW; None without one for all."""
    rates = {_factor(step) for one in functions for step in _steps(syntax(one))}
    return rates.pop() if len(rates) == 1 else None


def factors_of_steps(function: Callable[..., Any]) -> set[str]:
    """The names by which steps are multiplied: self.W -= alpha * dW."""
    return {name for step in _steps(syntax(function)) for name in _factors_in(step)}


def _factors_in(step: ast.expr) -> list[str]:
    if isinstance(step, ast.BinOp) and isinstance(step.op, ast.Mult | ast.MatMult):
        return [*_factors_in(step.left), *_factors_in(step.right)]
    return [step.id] if isinstance(step, ast.Name) else []


def _steps(tree: ast.Module) -> Iterator[ast.expr]:
    """What is added to attributes of `self`, or taken off."""
    for node in ast.walk(tree):
        match node:
            case ast.AugAssign(target=place, op=ast.Add() | ast.Sub(), value=step):
                old = ast.unparse(place)
            case ast.Assign(targets=[place], value=ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=step)):
                old = ast.unparse(left)
            case _:
                continue
        if old == ast.unparse(place) and old.startswith("self."):
            yield step


def _factor(step: ast.expr) -> float | None:
    while isinstance(step, ast.BinOp) and isinstance(step.op, ast.Mult | ast.MatMult):
        step = step.right if isinstance(step.right, ast.Constant) else step.left
    return step.value if isinstance(step, ast.Constant) and type(step.value) is float else None


def update_sources(before: dict[object_arrays.Path, Array], thing: Any, rate: float) -> list[Source]:
    """The gradient in an update W <- W - rate * dW that backward made: (before - after) / rate.

    What was a number may be an array then.
    """
    found = []
    for path, old in before.items():
        try:
            new = np.asarray(object_arrays.get(thing, path))
        except KeyError:
            continue
        is_step = new.dtype.kind in "fiu" and old.shape in (new.shape, ())
        if is_step and not np.array_equal(new, old, equal_nan=True):
            found.append(Source(object_arrays.text(("update", *path)), path, "update", (old - new) / rate))
    return found
