"""Guards: the small constants that a forward adds to keep from log(0) or from a division by zero.

Forward computes log(p + 1e-7), backward, as nearly everybody writes it, the gradient of log(p). The two differ by some
1e-7 / p of the gradient. Whether that explains a difference is not estimated but tried: forward is run with `p` in
place of `p + 1e-7`, backward as it stands.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from mlp.user_code.run import object_arrays
from mlp.user_code.run.sources import syntax

# Adding a constant changes a derivative only inside a further function, which it is there to guard. A larger one is
# part of the formula.
LARGEST = 1e-5
_DEPTH = 4


@contextmanager
def without_guards(thing: Any, forward: Callable[..., Any]) -> Iterator[list[float]]:
    """Let forward, and what it calls of theirs, leave out the guards that it adds; the list holds their values."""
    guards: list[float] = []
    kept = []
    for function, owner in _reached(thing, forward).items():
        rewritten = _rewritten(function, owner, guards)
        if rewritten is not None:
            kept.append((function, function.__code__))
            function.__code__ = rewritten.__code__
    try:
        yield guards
    finally:
        for function, code in kept:
            function.__code__ = code


def _reached(thing: Any, forward: Callable[..., Any]) -> dict[FunctionType, Any]:
    """The functions of theirs that forward runs, itself included, each with the object whose method it is, or None."""
    held = [thing, *_objects(thing, _DEPTH)]
    found: dict[FunctionType, Any] = {}
    waiting: list[Any] = [forward]
    while waiting:
        function = waiting.pop()
        plain = getattr(function, "__func__", function)
        if not isinstance(plain, FunctionType) or plain in found:
            continue
        found[plain] = getattr(function, "__self__", None)
        for name in plain.__code__.co_names:
            waiting += [called for one in held if inspect.ismethod(called := getattr(one, name, None))]
            waiting.append(plain.__globals__.get(name, None))
    return found


def _objects(thing: Any, depth: int) -> Iterator[Any]:
    """The objects of their classes that an object holds, such as the layers of a network."""
    for _, held in object_arrays.items(thing) if depth else ():
        if type(held).__module__.partition(".")[0] not in ("builtins", "numpy", "collections"):
            yield held
        yield from _objects(held, depth - 1)


def _rewritten(function: FunctionType, owner: Any, guards: list[float]) -> FunctionType | None:
    """The function without the guards that it adds, which are appended to `guards`; None where it adds none."""
    if function.__code__.co_freevars:
        return None
    tree = syntax(function)
    definition = next(iter(tree.body), None)
    if not isinstance(definition, ast.FunctionDef):
        return None
    definition.decorator_list = []
    before = len(guards)
    _Remover(function, owner, guards).visit(definition)
    if len(guards) == before:
        return None
    namespace: dict[str, Any] = {}
    exec(compile(tree, function.__code__.co_filename, "exec"), function.__globals__, namespace)
    return namespace[definition.name]


class _Remover(ast.NodeTransformer):
    """Replaces `a + guard` by `a`."""

    def __init__(self, function: FunctionType, owner: Any, guards: list[float]) -> None:
        parameters = inspect.signature(function).parameters.values()
        defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
        self.names = {**function.__globals__, **defaults}
        self.owner = owner
        self.guards = guards

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Add):
            return node
        for guard, rest in ((node.right, node.left), (node.left, node.right)):
            value = self._value(guard)
            if type(value) is float and 0 < value <= LARGEST:
                self.guards.append(value)
                return rest
        return node

    def _value(self, node: ast.expr) -> Any:
        """What a constant, a name or an attribute of the object stands for; None for anything else."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            return getattr(self.owner, node.attr, None)
        return None
