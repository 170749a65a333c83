"""Nodes of a graph of computations as functions: what a node is made with are nodes as well, each with a value.

Such a node takes nothing to go forward or backward: it looks its inputs up, and asks the nodes behind it for dy.
"""

import linecache
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from mlp.user_code.interpret.containers import holders, own_classes, uses_in
from mlp.user_code.interpret.losses import sides
from mlp.user_code.load.classes import Kind, kind_of
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import STANDS_FOR, ForeignError, told
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.conditions import RUNS
from mlp.user_code.run.sources import attributes_of_self

_VALUES = ("value", "data", "output", "val", "out", "state")


class _Node(NamedTuple):
    """A class of nodes, how it goes forward and backward, and the class and attribute of what holds a value."""

    cls: type
    kind: Kind
    leaf: type
    value: str

    def _made(self, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        """A node that has gone forward, and its inputs."""
        count = len(calls.required(calls.parameters_of(self.leaf)))
        inputs = [self.leaf(*[value] * count) for value in values]
        for one, value in zip(inputs, values, strict=True):
            setattr(one, self.value, value)
        node = self.cls(*inputs)
        returned = getattr(node, self.kind.forward)()
        if returned is not None:
            setattr(node, self.value, returned)
        return node, inputs

    def forward(self, *values: Any) -> Any:
        return getattr(self._made(values)[0], self.value)

    def backward(self, dy: Any, *values: Any) -> list[Any]:
        """The gradient of each input."""
        node, inputs = self._made(values)
        names = [str(name) for name, one in object_arrays.items(node) if isinstance(one, dict)]
        above = self._above(node, inputs)
        for name in above:
            getattr(node, name).append(SimpleNamespace(**{one: {node: dy} for one in names}))
        method = getattr(node, self.kind.backward)
        wanted = calls.required(calls.parameters_of(method))
        returned = method(*[dy] * len(wanted))
        kept = next((one for one in (getattr(node, name) for name in names) if inputs[0] in one), None)
        found = [returned] if kept is None else [kept[one] for one in inputs]
        found = list(returned) if isinstance(returned, tuple | list) else found
        return found if wanted or above else [dy * one for one in found]

    def _above(self, node: Any, inputs: list[Any]) -> list[str]:
        """The attributes in which backward looks for the nodes that a node is an input of."""
        held = [str(name) for name, one in object_arrays.items(inputs[0]) if isinstance(one, list) and node in one]
        return [name for name in held if name in attributes_of_self(getattr(self.cls, self.kind.backward))[0]]

    def may_run(self, count: int) -> bool:
        """Whether it gives an array for some, and backward has a dy where that is no single number."""
        node, inputs = self._made([np.eye(2)] * count)
        y = getattr(node, self.value)
        asks = self._above(node, inputs) or calls.required(calls.parameters_of(getattr(node, self.kind.backward)))
        return isinstance(y, np.ndarray | float) and (np.size(y) == 1 or bool(asks))


def as_functions(case: Case) -> Case:
    """A class of nodes as a function of their values with its gradient; any other case as it is."""
    cls = case.first
    names = [one.name for one in calls.required(calls.parameters_of(cls))]
    kind = kind_of(cls, case.said)
    methods = [getattr(cls, name) for name in kind[1:] if name] if kind and names else []
    if len(methods) < 2 or len(calls.required(calls.parameters_of(methods[0]))) > 1:  # self
        return case
    for leaf in _leaves(cls, case.module, names):
        for value in _VALUES:
            node = _Node(cls, kind, leaf, value)  # type: ignore[arg-type]  # it has methods
            with suppress(ForeignError, TypeError), told(cls.__name__), np.errstate(all="ignore"):
                if node.may_run(len(names)):
                    return _with_functions(case, node, names)
    return case


def _leaves(cls: type, module: ModuleType | None, names: list[str]) -> list[type]:
    """The classes of the module whose objects may be inputs: relatives, or what has the attributes that are asked."""
    bases = {base for base in cls.__mro__ if base in own_classes(cls, module)}
    asked = {attribute for name in names for attribute in uses_in(cls).asked(name)}
    alike = [one for one in own_classes(cls, module) if bases & {*one.__mro__[1:]}]
    return [
        one
        for one in [*alike, *(holders(cls, module, asked) if asked else [])]
        if len(calls.required(calls.parameters_of(one))) < 2
    ]


def _with_functions(case: Case, node: _Node, names: list[str]) -> Case:
    """The case with two functions that are written out, so that their arguments and results have names."""
    name, listed = node.cls.__name__, ", ".join(names)
    forward = _written(f"def {name}({listed}):\n    return forward({listed})\n", node, node.kind.forward)
    both = sides(forward, "prediction", "target") if case.kind == "loss" else {}
    taken = "" if both else "dy, "  # a loss is the last node, and takes none
    given = ", ".join(f"d{one}" for one in names if both.get(one) != "target")
    source = (
        f"def {name}_backward({taken}{listed}):\n"
        f"    {''.join(f'd{one}, ' for one in names)} = backward({'1.0' if both else 'dy'}, {listed})\n"
        f"    return {given}\n"
    )
    backward = _written(source.replace(",  =", ", ="), node, node.kind.backward)
    return case._replace(kind="loss" if both else "function", first=forward, second=backward)


def _written(source: str, node: _Node, method: str) -> Callable[..., Any]:
    """A function with this source, whose place is that of a method of the node."""
    file = f"<{node.cls.__name__}.{method}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"forward": node.forward, "backward": node.backward}
    exec(compile(source, file, "exec"), namespace)
    function: Any = next(one for name, one in namespace.items() if name.startswith(node.cls.__name__))
    setattr(function, RUNS, [getattr(node.cls, method)])
    setattr(function, STANDS_FOR, getattr(node.cls, method))
    return function
