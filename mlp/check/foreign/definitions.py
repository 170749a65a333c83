"""A file that trains a network as soon as it is imported: only what defines something is run.

Of the statements at its top level these are run: imports (with the `try` around them), functions, classes and
assignments, also inside an `if`. Loops and calls are not. An assignment that raises, such as one that reads a data
file, is left out.
"""

import ast
import contextlib
from pathlib import Path
from typing import Any

from mlp.check.foreign.facts import Fact

_DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ASSIGNING = (ast.Assign, ast.AnnAssign, ast.AugAssign)


def is_only_effect(file: Path, fact: Fact) -> bool:
    """Whether what raised is a statement at the file's top level that defines no function or class."""
    here = f"{file.name}:"
    outermost = next((frame for frame in fact.trace if frame.startswith(here)), "")
    line, _, place = outermost.removeprefix(here).partition(" in ")
    if not place.startswith("<module>") or not line.isdigit():
        return False
    return not any(
        isinstance(node, _DEFINING) and node.lineno <= int(line) <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(file.read_bytes()))
    )


def execute(file: Path, names: dict[str, Any]) -> None:
    """Run the defining statements of a file in the module's namespace `names`."""
    for statement in _kept(ast.parse(file.read_bytes(), str(file)).body):
        code = compile(ast.Module([statement], []), str(file), "exec")
        forgiven = (Exception, SystemExit) if isinstance(statement, _ASSIGNING) else ()
        with contextlib.suppress(*forgiven):
            exec(code, names)


def _kept(body: list[ast.stmt]) -> list[ast.stmt]:
    """The defining statements; an `if` or `try` stays with those that are inside it."""
    kept: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If):
            inside = _kept(statement.body) or [ast.Pass(lineno=statement.lineno, col_offset=0)]
            kept.append(ast.copy_location(ast.If(statement.test, inside, _kept(statement.orelse)), statement))
        elif isinstance(statement, (ast.Try, *_DEFINING, *_ASSIGNING)):
            kept.append(statement)
    return kept
