"""How a module's own code makes and calls its things: arguments that nothing but an example of their use tells.

The example may stand in a function, or under `if __name__ == "__main__"`, that is never run here: its expressions are
evaluated one by one, names in them by what they are assigned there. Nothing is called for it but classes of the module,
numpy and what Python has built in to count and to list.
"""

import ast
import linecache
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

from mlp.user_code.messages import home_of
from mlp.user_code.run import calls
from mlp.user_code.run.conditions import same_randomness

_PLAIN = ("list", "dict", "tuple", "range", "len", "zip", "enumerate", "set", "sorted", "int", "float", "min", "max")
_MODULES = ("np", "numpy")


def setting(name: str, function: Callable[..., Any]) -> Any:
    """The list or dict that the module of a function has under the name of an argument, in capitals perhaps."""
    held = getattr(getattr(function, "__func__", function), "__globals__", {})
    alike = (one for key, one in held.items() if key.lower() == name.lower() and isinstance(one, list | dict) and one)
    return next(alike, None)


def examples(cls: type, module: ModuleType | None) -> Iterator[dict[str, Any]]:
    """The arguments, by name, with which the module's own code makes objects of a class."""
    tree = _tree(module)
    parameters = calls.parameters_named(cls)
    assigned = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == cls.__name__:
            values = dict(zip(parameters, node.args, strict=False)) | {
                one.arg: one.value for one in node.keywords if one.arg
            }
            with suppress(Exception), same_randomness(module):  # one that needs what was never run
                names = _Names(module, assigned)
                yield {name: names.value(value) for name, value in values.items()}


def _tree(module: ModuleType | None) -> ast.Module:
    """The whole source of a module, of a notebook that of all its cells."""
    file = getattr(module, "__file__", None) or ""
    body: list[ast.stmt] = []
    for source in [file, *(held for held in linecache.cache if file and held.startswith(f"{file}, cell "))]:
        with suppress(SyntaxError, ValueError):
            body += ast.parse("".join(linecache.getlines(source))).body
    return ast.Module(body, [])


class _Names(dict[str, Any]):
    """What names stand for in an example: evaluated where it is asked for."""

    def __init__(self, module: ModuleType | None, assigned: dict[str, ast.expr]) -> None:
        super().__init__()
        self._module, self._assigned = module, dict(assigned)

    def value(self, node: ast.expr) -> Any:
        """The value of an expression.

        Raises:
            ValueError: it calls something else.
        """
        if not all(self._may_call(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)):
            raise ValueError(ast.unparse(node))
        return eval(compile(ast.Expression(node), "", "eval"), dict(vars(self._module)), self)

    def __missing__(self, name: str) -> Any:
        """What is assigned to the name, once: one that is assigned to itself has no value."""
        self[name] = self.value(self._assigned.pop(name))
        return self[name]

    def _may_call(self, called: ast.expr) -> bool:
        if isinstance(called, ast.Name):
            held = vars(self._module).get(called.id)
            return called.id in _PLAIN or (isinstance(held, type) and home_of(held) == vars(self._module)["__name__"])
        root = next((one for one in ast.walk(called) if isinstance(one, ast.Name)), None)
        return root is not None and root.id in _MODULES
