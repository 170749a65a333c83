"""What code does with an argument, read from its source: the keys it asks for, the methods it calls, its parts.

An expression is written in one way wherever it stands: `spec["type"]` in a loop over `layers`, which a constructor kept
as `self.layers`, is `layers[*][type]`.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from mlp.user_code.run.sources import syntax

EACH = "[*]"
PLAIN = frozenset(name for plain in (float, str, list, dict, set, np.ndarray) for name in dir(plain))
_SAME = ("list", "tuple", "reversed", "iter", "sorted", "copy", "deepcopy", "dict", "array", "asarray")


class Uses(NamedTuple):
    """What is done with expressions, each a text such as `layers[*][type]`.

    Attributes:
        texts: all that are taken out of something, in their order.
        calls: the expression and the method that is called on it, "" where it is called itself.
        parts: into how many it is taken apart.
        compared: the expression and a text that it is compared with, or that is a key of what it is looked up in.
        indices: what stands in the brackets of an array.
        filled: what something is put into under a key that is text.
        names: all that are named at all.
        attributes: the expression and an attribute, or a method, of it that is asked for.
    """

    texts: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    parts: dict[str, int]
    compared: tuple[tuple[str, str], ...]
    indices: frozenset[str]
    filled: frozenset[str]
    names: frozenset[str]
    attributes: tuple[tuple[str, str], ...]

    def and_of(self, other: "Uses") -> "Uses":
        """Both together; of what is said differently, what is said here counts."""
        both: Iterable[tuple[Any, Any]] = zip(self, other, strict=True)
        return Uses(*(more | one if isinstance(one, dict | frozenset) else one + more for one, more in both))

    def keys(self, whole: str) -> list[str]:
        """The keys that are asked of a dict."""
        start = f"{whole}["
        inside = [text.removeprefix(start).partition("]")[0] for text in self.texts if text.startswith(start)]
        return [key for key in dict.fromkeys(inside) if key != "*"]

    def methods(self, whole: str) -> list[str]:
        """The methods that are called on it."""
        return [method for text, method in self.calls if text == whole]

    def asked(self, whole: str) -> list[str]:
        """The attributes that are asked of it and that no number, text, array or container has."""
        return list(dict.fromkeys(name for text, name in self.attributes if text == whole and name not in PLAIN))

    def choices(self, whole: str) -> list[str]:
        """The texts that it is compared with."""
        return list(dict.fromkeys(choice for text, choice in self.compared if text == whole))


def uses_of(function: Callable[..., Any], *methods: Callable[..., Any]) -> Uses:
    """What a function does with its arguments, and other methods with what it keeps of them as attributes."""
    return _uses(inspect.unwrap(getattr(function, "__func__", function)), *methods)


@cache
def _uses(*functions: Callable[..., Any]) -> Uses:
    trees = [(one, syntax(one)) for one in functions]
    kept = {name: text for name, text in _bindings(trees[0][1]) if name.startswith("self.")}
    found = Uses((), (), {}, (), frozenset(), frozenset(), frozenset(), ())
    for function, tree in trees:
        arguments = set(function.__code__.co_varnames) if isinstance(function, FunctionType) else set()
        names = kept | dict(reversed(list(_bindings(tree))))
        names = names if function is functions[0] else {**dict.fromkeys(arguments, ""), **names}
        space = getattr(function, "__globals__", {})
        # Not isinstance, which asks what is no dict, such as a class of theirs, for its __class__.
        tables = {name: one for name, one in space.items() if issubclass(type(one), dict)}
        found = found.and_of(_in(tree, names, tables))
    return found


@cache
def computed_with(function: Callable[..., Any]) -> frozenset[str]:
    """The names that a function computes with or takes apart, and never asks about: None would not do for them."""
    nodes = list(ast.walk(syntax(function)))
    tests = [
        getattr(one, "test", one) for one in nodes if isinstance(one, ast.If | ast.IfExp | ast.BoolOp | ast.Compare)
    ]
    parts = [part for one in nodes if isinstance(one, ast.BinOp) for part in (one.left, one.right)]
    parts += [one.value for one in nodes if isinstance(one, ast.Subscript | ast.Attribute)]
    asked = {one.id for test in tests for one in ast.walk(test) if isinstance(one, ast.Name)}
    stored = {one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return frozenset({one.id for one in parts if isinstance(one, ast.Name)} - asked - stored)


class Ranks(NamedTuple):
    """The numbers of axes that code is made for: those it asks about, and those it makes one of, by flattening."""

    asked: frozenset[int] = frozenset()
    flattened: frozenset[int] = frozenset()


_NAMED: dict[type, Any] = {ast.Assert: (ast.Eq, ast.In), ast.If: (ast.NotEq, ast.NotIn)}


def ranks_of(forward: Callable[..., Any], backward: Callable[..., Any], first: str, upstream: Iterable[str]) -> Ranks:
    """The ranks of its input that forward, or backward, tells apart or flattens; it may keep the input for backward."""
    kept = {name for name in _aliases(syntax(forward), {first}) if name.startswith("self.")}
    found = [_ranks(syntax(forward), {first}), _ranks(syntax(backward), {*kept, *upstream})]
    return Ranks(*(one | other for one, other in zip(*found, strict=True)))


def _aliases(tree: ast.Module, names: set[str]) -> set[str]:
    """These names, and all that stand for the same."""
    return {*names, *(name for name, text in _bindings(tree) if text in names)}


def _ranks(tree: ast.Module, names: set[str]) -> Ranks:
    names, nodes = _aliases(tree, names), list(ast.walk(tree))
    ranks = {f"{name}.ndim" for name in names} | {f"np.ndim({name})" for name in names}
    ranks |= {f"len({shape})" for name in names for shape in (f"{name}.shape", f"np.shape({name})")}
    stored = [one for one in nodes if isinstance(one, ast.Assign)]
    ranks |= {_text(one.targets[0]) for one in stored if ast.unparse(one.value) in ranks}
    refusing: list[ast.Assert | ast.If] = [one for one in nodes if isinstance(one, ast.Assert)]
    refusing += [one for one in nodes if isinstance(one, ast.If) and isinstance(one.body[0], ast.Raise)]
    # What is asked to be refused tells ranks apart only by naming those that are not.
    named = {id(inner): _NAMED[type(one)] for one in refusing for inner in ast.walk(one.test)}
    asked, flattened = set[int](), set[int]()
    for node in nodes:
        if isinstance(node, ast.Compare) and ast.unparse(node.left) in ranks:
            if not isinstance(node.ops[0], named.get(id(node), ast.cmpop)):
                continue
            beside = {ast.Gt: 1, ast.LtE: 1, ast.Lt: -1, ast.GtE: -1}.get(type(node.ops[0]), 0)
            constants = [getattr(one, "value", None) for one in ast.walk(node.comparators[0])]
            asked |= {one + more for one in constants if isinstance(one, int) for more in (0, beside)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
            sizes = [ast.unparse(one) for argument in node.args for one in getattr(argument, "elts", [argument])]
            if _text(node.func.value) in names and sizes[:1] == ["-1"] and sizes[1:] not in ([], ["1"]):
                flattened = {2, 3, 4}
    for one in stored if asked else ():
        if isinstance(one.targets[0], ast.Tuple) and ast.unparse(one.value) in {f"{name}.shape" for name in names}:
            asked.add(len(one.targets[0].elts))
    return Ranks(frozenset(asked - {0}), frozenset(flattened))


def _in(tree: ast.Module, names: dict[str, str], tables: dict[str, Any]) -> Uses:
    written = [one for one in ast.walk(tree) if isinstance(one, ast.Assign) and isinstance(one.value, ast.Dict)]
    tables = tables | {_text(one.targets[0]): [getattr(key, "value", 0) for key in one.value.keys] for one in written}  # type: ignore[attr-defined]
    texts, calls, parts, compared, indices, filled, attributes = [], [], {}, [], set(), set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            texts += [_whole(node, names)] if isinstance(node.ctx, ast.Load) else []
            inside = [node.slice, *getattr(node.slice, "elts", [])]
            indices |= {_whole(one, names) for one in inside}
            keys = [key for key in tables.get(_text(node.value), ()) if isinstance(key, str)]
            compared += [(_whole(node.slice, names), key) for key in keys if not isinstance(node.slice, ast.Constant)]
            if isinstance(node.ctx, ast.Store) and _is_text(node.slice):
                filled.add(_whole(node.value, names))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            attributes.append((_whole(node.value, names), node.attr))
        elif isinstance(node, ast.Call):
            texts += [_whole(node, names)] if len(node.args) < 2 else []  # a key with a default need not be there
            owner, method = (
                (node.func.value, node.func.attr) if isinstance(node.func, ast.Attribute) else (node.func, "")
            )
            calls.append((_whole(owner, names), method))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            parts[_whole(node.value, names)] = len(node.targets[0].elts)
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1 and not _is_key(node):
            sides = (node.left, node.comparators[0])
            for side, other in (sides, sides[::-1]):
                values = [one.value for one in (other, *getattr(other, "elts", [])) if isinstance(one, ast.Constant)]
                compared += [(_whole(side, names), value) for value in values if isinstance(value, str)]
    named = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    return Uses(
        tuple(filter(None, texts)), tuple(calls), parts, tuple(compared), frozenset(indices), frozenset(filled), named,
        tuple(attributes),
    )  # fmt: skip


def _is_key(node: ast.Compare) -> bool:
    """Whether it asks for a key: "seed" in options."""
    return isinstance(node.ops[0], ast.In | ast.NotIn) and _is_text(node.left)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _bindings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names, and attributes of `self`, that stand for something out of another: `x = p["x"]`, `for x in p`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _bound(target, node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            called = getattr(getattr(node.iter, "func", None), "id", "")
            inside = getattr(node.iter, "args", [])
            targets = getattr(node.target, "elts", [])
            if called == "enumerate" and len(targets) == 2:
                yield from _each(targets[1], inside[0])
            elif called == "zip":
                for target, one in zip(targets, inside, strict=False):
                    yield from _each(target, one)
            else:
                yield from _each(node.target, node.iter)


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, part in zip(target.elts, value.elts, strict=False):
            yield from _bound(one, part)
    elif _text(target) and _text(value) and "[" not in _text(target):
        yield _text(target), _text(value)


def _each(target: ast.expr, iterated: ast.expr) -> Iterator[tuple[str, str]]:
    if _text(target) and _text(iterated):
        yield _text(target), _text(iterated) + EACH


def _whole(node: ast.expr, names: dict[str, str]) -> str:
    """The text of an expression, by what the name in front of it stands for."""
    text, seen = _text(node), set[str]()
    while True:
        first, bracket, rest = text.partition("[")
        if first not in names or first in seen:
            return text
        seen.add(first)
        text = names[first] + bracket + rest if names[first] else ""


def _text(node: ast.expr) -> str:
    """An expression that takes something out of something, as one text; "" for any other."""
    inner, taken = node, ""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return f"self.{name}"
        case ast.Subscript(value=inner, slice=ast.Constant(value=str(key))):
            taken = f"[{key}]"
        case ast.Subscript(value=inner):
            taken = "" if isinstance(node.slice, ast.Slice) else EACH
        case ast.Call(func=ast.Attribute(value=inner, attr="get" | "pop"), args=[ast.Constant(value=str(key)), *_]):
            taken = f"[{key}]"
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[inner, *_]) if name in _SAME:
            pass
        case _:
            return ""
    text = _text(inner)
    return text and text + taken
