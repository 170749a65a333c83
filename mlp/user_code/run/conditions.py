"""The conditions under which their code runs: from one state of its random sources, or without the guards it adds.

A random layer is a function like any other once each run starts from the same state of its random source.

Guards are the small constants that a forward adds to keep from log(0) or from a division by zero. Forward computes
log(p + 1e-7), backward, as nearly everybody writes it, the gradient of log(p); the two differ by some 1e-7 / p of the
gradient. Whether that explains a difference is not estimated but tried: forward is run with `p` in place of
`p + 1e-7`, backward as it stands.
"""

import ast
import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FunctionType
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code.run import object_arrays
from mlp.user_code.run.sources import syntax

_seed = 20_240
_is_kept = False
_BACKWARD = 7_919


@contextmanager
def other_randomness() -> Iterator[None]:
    """Let every run inside start from another state: what comes out differently then is random."""
    global _seed  # noqa: PLW0603  # the one place that changes it, and puts it back
    _seed += 1
    try:
        yield
    finally:
        _seed -= 1


@contextmanager
def kept_randomness() -> Iterator[None]:
    """Give np.random and random back as they were after all runs inside: after each it takes as long as a small one."""
    global _is_kept  # noqa: PLW0603  # the one place that changes it, and puts it back
    saved, before = (np.random.get_state(), random.getstate()), _is_kept
    _is_kept = True
    try:
        yield
    finally:
        _is_kept = before
        np.random.set_state(saved[0])
        random.setstate(saved[1])


@contextmanager
def same_randomness(module: Any = None, is_backward: bool = False) -> Iterator[None]:
    """Run a block from a fixed state of np.random, random and the module's own generators, and restore them after.

    Within `kept_randomness` it is that which restores the first two. A generator that they make inside without a seed,
    np.random.default_rng(), gets one. What backward draws are other numbers than forward's, as they are wherever nobody
    repeats them.
    """
    start = _seed + _BACKWARD * is_backward
    generators = [thing for thing in vars(module).values() if _is_generator(thing)] if module else []
    states = [_state(generator) for generator in generators]
    fresh = np.random.default_rng
    with nullcontext() if _is_kept else kept_randomness():
        np.random.seed(start)
        random.seed(start)
        for generator in generators if is_backward else ():
            generator.random()
        np.random.default_rng = lambda seed=None: fresh(start if seed is None else seed)
        try:
            yield
        finally:
            np.random.default_rng = fresh
            for generator, state in zip(generators, states, strict=True):
                _set_state(generator, state)


def call_seed_hook(thing: Any, module: Any, name: str) -> None:
    """Seed by the hook that GRADCHECK names: a method or function is called with a number, an attribute replaced.

    Raises:
        AttributeError: there is nothing of this name.
    """
    holder = thing if hasattr(thing, name) else module
    hook: Callable[..., Any] | Any = getattr(holder, name)
    if callable(hook):
        hook(_seed)
    else:
        setattr(holder, name, np.random.RandomState(_seed) if _is_old(hook) else np.random.default_rng(_seed))


def _is_generator(thing: Any) -> bool:
    return issubclass(type(thing), np.random.Generator | np.random.RandomState)  # whatever it says its class is


def _is_old(thing: Any) -> bool:
    return isinstance(thing, np.random.RandomState)


def _state(generator: Any) -> Any:
    return generator.get_state() if _is_old(generator) else generator.bit_generator.state


def _set_state(generator: Any, state: Any) -> None:
    if _is_old(generator):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state


# Adding a constant changes a derivative only inside a further function, which it is there to guard. A larger one is
# part of the formula.
LARGEST = 1e-5
_DEPTH = 4


@contextmanager
def without_guards(thing: Any, forward: Callable[..., Any]) -> Iterator[list[float]]:
    """Let forward, and what it calls of theirs, leave out the guards that it adds; the list holds their values."""
    guards: list[float] = []
    kept = []
    for function, owner in reached(thing, forward).items():
        rewritten = _rewritten(function, owner, guards)
        if rewritten is not None:
            kept.append((function, function.__code__))
            function.__code__ = rewritten.__code__
    try:
        yield guards
    finally:
        for function, code in kept:
            function.__code__ = code


def reached(thing: Any, forward: Callable[..., Any]) -> dict[FunctionType, Any]:
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


def global_arrays(thing: Any, forward: Callable[..., Any]) -> dict[str, Array]:
    """The floating-point arrays that forward, and what it calls of theirs, take from global names."""
    found: dict[object_arrays.Path, Array] = {}
    for function in reached(thing, forward):
        held = {name: function.__globals__.get(name) for name in function.__code__.co_names}
        found |= object_arrays.arrays(
            {name: one for name, one in held.items() if isinstance(one, np.ndarray | dict | list)}
        )
    return {object_arrays.text(path): one for path, one in found.items() if one.ndim and one.dtype.kind == "f"}


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
    _put_back(tree, function)
    namespace: dict[str, Any] = {}
    exec(compile(tree, function.__code__.co_filename, "exec"), function.__globals__, namespace)
    return namespace[definition.name]


def _put_back(tree: ast.Module, function: FunctionType) -> None:
    """Say of each node where it stands in their file, for whoever quotes the line."""
    source = inspect.getsource(function)
    first, indent = function.__code__.co_firstlineno - 1, len(source) - len(source.lstrip())
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt):
            node.lineno, node.end_lineno = node.lineno + first, (node.end_lineno or node.lineno) + first
            node.col_offset, node.end_col_offset = node.col_offset + indent, (node.end_col_offset or 0) + indent


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
