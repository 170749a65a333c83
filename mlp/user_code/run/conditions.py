"""The conditions under which their code runs: from one state of its random sources, or without the guards it adds.

A random layer is a function like any other once each run starts from the same state of its random source.

Guards are the small constants that code adds to keep from log(0) or from a division by zero. Forward computes
log(p + 1e-7), backward, as nearly everybody writes it, the gradient of log(p); or backward alone divides by |w| + 1e-8.
The two differ by some 1e-7 / p of the gradient. Whether that explains a difference is not estimated but tried: both are
run with `p` in place of `p + 1e-7`.
"""

import ast
import copy
import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code.messages import is_ours
from mlp.user_code.run import object_arrays
from mlp.user_code.run.sources import syntax

_seed = 20_240
_is_kept = False
_BACKWARD = 7_919
_GENERATORS = (np.random.Generator, np.random.RandomState)


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
    # By its type, whatever it says its class is.
    generators = [thing for thing in vars(module).values() if issubclass(type(thing), _GENERATORS)] if module else []
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
_CONSTANT = (ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load)
RUNS = "_runs"  # what a method of ours has as an attribute: the functions of theirs that it runs


@contextmanager
def without_guards(thing: Any, forward: Callable[..., Any], *backward: Callable[..., Any]) -> Iterator[list[float]]:
    """Let these methods, and what they call of theirs, leave out the guards they add; the list holds these.

    In forward any small constant goes that is added, for by itself it changes no derivative; in backward, where it
    would be an error in the gradient, only one below a fraction.
    """
    guards: list[float] = []
    of_forward = reached(thing, forward)
    functions = reached(thing, forward, *backward)
    visits = {one: partial(_Remover, one, owner, guards, one in of_forward) for one, owner in functions.items()}
    with _rewritten(visits):
        yield guards


@contextmanager
def other_digits(
    thing: Any, forward: Callable[..., Any], *backward: Callable[..., Any], others: Mapping[float, float] = {}
) -> Iterator[dict[float, float]]:
    """Let these methods of backward compute with others of its constants; all of them, and how exact each is."""
    digits, of_forward = _Digits(others), reached(thing, forward)
    with _rewritten({one: lambda _: digits for one in reached(thing, *backward) if one not in of_forward}):
        yield digits.seen


@contextmanager
def _rewritten(visits: Mapping[FunctionType, Callable[[ast.FunctionDef], ast.NodeTransformer]]) -> Iterator[None]:
    """Let functions of theirs run inside as their visitors change them; one that stands in another stays as it is."""
    kept = [(function, function.__code__) for function in visits]
    try:
        for function, visitor in visits.items():
            tree = copy.deepcopy(syntax(function))
            definition = next(iter(tree.body), None)
            if function.__code__.co_freevars or not isinstance(definition, ast.FunctionDef):
                continue
            before, definition.decorator_list = ast.dump(definition), []
            visitor(definition).visit(definition)
            if ast.dump(definition) != before:
                _put_back(tree, function)
                namespace: dict[str, Any] = {}
                exec(compile(tree, function.__code__.co_filename, "exec"), function.__globals__, namespace)
                function.__code__ = namespace[definition.name].__code__
        yield
    finally:
        for function, code in kept:
            function.__code__ = code


def reached(thing: Any, *methods: Callable[..., Any]) -> dict[FunctionType, Any]:
    """The functions of theirs that these methods run, themselves included, each with whose method it is, or None.

    What they call is looked up by its name: in their module, in the object and all that it holds, and in the classes
    and modules that are named on the way, for forward may make objects of these.
    """
    found: dict[FunctionType, Any] = {}
    owners: list[Any] = [thing, *_objects(thing, _DEPTH)]
    names: set[str] = set()
    waiting: list[tuple[Any, Any]] = [
        (one, thing) for method in methods for one in (method, *getattr(method, RUNS, ()))
    ]
    while waiting:
        one, owner = waiting.pop()
        plain = inspect.unwrap(getattr(one, "__func__", one)) if callable(one) else None
        if isinstance(plain, FunctionType) and plain not in found and not is_ours(plain.__code__.co_filename):
            found[plain] = getattr(one, "__self__", owner)
            new = set(_names_in(plain.__code__)) - names
            names |= new
            waiting += [(plain.__globals__.get(name), None) for name in _names_in(plain.__code__)]
            waiting += [(getattr(held, name, None), held) for held in owners for name in new]
        elif isinstance(one, type | ModuleType) and all(one is not held for held in owners):
            owners.append(one)
            waiting += [(getattr(one, name, None), one) for name in names]
    return found


def global_arrays(thing: Any, forward: Callable[..., Any]) -> dict[str, Array]:
    """The floating-point arrays that forward, and what it calls of theirs, take from global names."""
    found: dict[object_arrays.Path, Array] = {}
    for function in reached(thing, forward):
        held = {name: function.__globals__.get(name) for name in _names_in(function.__code__)}
        found |= object_arrays.arrays(
            {name: one for name, one in held.items() if isinstance(one, np.ndarray | dict | list)}
        )
    return {object_arrays.text(path): one for path, one in found.items() if one.ndim and one.dtype.kind == "f"}


def _names_in(code: CodeType) -> list[str]:
    """The names of globals and attributes in a function, and in the functions and generators inside it."""
    inside = [name for one in code.co_consts if isinstance(one, CodeType) for name in _names_in(one)]
    return [*code.co_names, *inside]


def _objects(thing: Any, depth: int) -> Iterator[Any]:
    """The objects of their classes that an object holds, such as the layers of a network."""
    for _, held in object_arrays.items(thing) if depth else ():
        if type(held).__module__.partition(".")[0] not in ("builtins", "numpy", "collections"):
            yield held
        yield from _objects(held, depth - 1)


_DIGITS = 4


class _Digits(ast.NodeTransformer):
    """Replaces the constants that are written with many digits, as decimals of 0.044715 are; notes them else.

    Attributes:
        others: what each stands for instead of its value.
        seen: each, and half a unit of its last digit.
    """

    def __init__(self, others: Mapping[float, float]) -> None:
        self.others, self.seen = others, dict[float, float]()

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Note it, or put another in its place."""
        value = node.value if type(node.value) is float else 0.0
        written = repr(value)
        digits = written.replace(".", "").lstrip("0")
        if digits.isdigit() and len(digits) >= _DIGITS:
            self.seen[value] = 0.5 * 10.0 ** -len(written.partition(".")[2])
        return ast.copy_location(ast.Constant(self.others[value]), node) if value in self.others else node


def _put_back(tree: ast.Module, function: FunctionType) -> None:
    """Say of each node where it stands in their file, for whoever quotes the line."""
    source = inspect.getsource(function)
    first, indent = function.__code__.co_firstlineno - 1, len(source) - len(source.lstrip())
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt):
            node.lineno, node.end_lineno = node.lineno + first, (node.end_lineno or node.lineno) + first
            node.col_offset, node.end_col_offset = node.col_offset + indent, (node.end_col_offset or 0) + indent


class _Remover(ast.NodeTransformer):
    """Replaces `a + guard` by `a`, and `a += guard` by nothing: anywhere, or below a fraction alone."""

    def __init__(
        self, function: FunctionType, owner: Any, guards: list[float], anywhere: bool, definition: ast.FunctionDef
    ) -> None:
        self.depth = int(anywhere)
        plain = {one.name: one.default for one in inspect.signature(function).parameters.values()}
        local = function.__code__.co_varnames
        held = {name: value for name, value in function.__globals__.items() if name not in local}
        self.names = {**held, **plain, "self": owner}
        self.guards = guards
        stored = [
            node.id for node in ast.walk(definition) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        for node in ast.walk(definition):
            if (
                isinstance(node, ast.Assign)
                and isinstance(name := node.targets[0], ast.Name)
                and stored.count(name.id) == 1
            ):
                self.names[name.id] = self._value(node.value)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        node.left = self.visit(node.left)
        self.depth += isinstance(node.op, ast.Div)
        node.right = self.visit(node.right)
        self.depth -= isinstance(node.op, ast.Div)
        if isinstance(node.op, ast.Add) and self.depth:
            for guard, rest in ((node.right, node.left), (node.left, node.right)):
                if self._is_guard(guard):
                    return rest
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        is_guard = isinstance(node.op, ast.Add) and self.depth > 0 and self._is_guard(node.value)
        return ast.copy_location(ast.Pass(), node) if is_guard else node

    def _is_guard(self, node: ast.expr) -> bool:
        """Whether it stands for a small constant, which then is noted."""
        value = self._value(node)
        is_guard = isinstance(value, float | np.floating) and bool(0 < value <= LARGEST)
        self.guards += [float(value)] if is_guard else []
        return is_guard

    def _value(self, node: ast.expr) -> Any:
        """What an expression of constants, names and attributes of the object stands for; None for anything else."""
        if not all(isinstance(part, _CONSTANT) for part in ast.walk(node)):
            return None
        try:
            return eval(compile(ast.Expression(node), "", "eval"), self.names)
        except Exception:  # a name that has no value yet, or whatever an attribute of theirs raises
            return None
