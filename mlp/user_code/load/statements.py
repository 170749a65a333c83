"""The statements of a module, run one by one: one that raises or does not end costs itself and what needs it.

A class or function that is lost so is a problem, since it is not checked then; anything else is worth a warning. Once
something has raised, only what defines something is run of the same cell: the rest of it counted on more.
"""

import __future__

import ast
import linecache
import math
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import FrameType
from typing import Any

from mlp.user_code.clock import TimeIsUpError, limited, remaining
from mlp.user_code.load.files import Cell
from mlp.user_code.load.stubs import Inert, NotInstalledError
from mlp.user_code.messages import Fact, exception_fact

_IMPORTING = (ast.Import, ast.ImportFrom)
_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ASSIGNING = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
# Of what is left of the time, the part that a single statement may take, such as a loop that trains a network.
_SHARE = 0.1
_PATIENCE = 5.0


class Run:
    """The statements that have been run in a module's namespace, and what there is to say of those that failed."""

    def __init__(self, names: dict[str, Any]) -> None:
        """Start in this namespace."""
        self._names = names
        self._flags = 0
        self._facts: list[Fact] = []
        self._lost: set[str] = set()  # names that nothing stands for, since what makes them has failed
        self._needing: dict[str, None] = {}

    def cell(self, cell: Cell, whole: bool) -> None:
        """Run one cell; `whole` is False to run no more of it than what defines something."""
        source = cell.source
        linecache.cache[cell.file] = (len(source), None, source.splitlines(keepends=True), cell.file)
        try:
            body = ast.parse(source, cell.file).body
        except (SyntaxError, ValueError) as error:
            fact = exception_fact(error, cell.doing)
            defines = re.search(r"^\s*(class|def) ", source, re.MULTILINE)
            self._facts.append(replace(fact, level="problem" if defines else "warning"))
            self._lost |= set(re.findall(r"\w+", source))
            return
        failed = False
        for statement in body:
            for part in [statement] if whole and not failed else _kept([statement]):
                failed |= not self._came_to_its_end(part, cell, quiet=failed or not whole)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What failed and why; what failed only for want of that is told in one note."""
        text = f"left out, since it needs what has failed: {', '.join(self._needing)}"
        return (*self._facts, *([Fact("note", text)] if self._needing else []))

    def _came_to_its_end(self, statement: ast.stmt, cell: Cell, quiet: bool) -> bool:
        """Run one statement; whether the next ones find what they count on, but for what is noted as lost."""
        importing = isinstance(statement, _IMPORTING)
        seconds = remaining() * (1 if importing else _SHARE)
        try:
            code = compile(ast.Module([statement], []), cell.file, "exec", self._flags, dont_inherit=True)
            self._flags |= code.co_flags & _FUTURE
            with nullcontext() if importing or seconds == math.inf else _bounded(seconds):
                exec(code, self._names)
        except NotInstalledError as error:
            self._stand_in(statement, error, cell)
        except (TimeIsUpError, _WaitsError) as error:
            if importing:
                raise
            waited, computed = f"it waited for {_PATIENCE:g} seconds", f"{seconds:.1f} seconds of processor time"
            how = f"left, since {waited}" if isinstance(error, _WaitsError) else f"cut off after {computed}"
            self._fail(statement, Fact("warning", f"{cell.doing} was {how}", cell.file, statement.lineno), cell)
            return False
        except (Exception, SystemExit) as error:
            if quiet and isinstance(statement, _ASSIGNING):
                self._lost |= _bound(statement)
            else:
                self._raised(statement, error, cell)
            return importing
        return True

    def _raised(self, statement: ast.stmt, error: BaseException, cell: Cell) -> None:
        follows = isinstance(error, NameError | ImportError) and error.name in self._lost
        if isinstance(statement, _IMPORTING) and isinstance(error, ImportError):
            self._lost.add(error.name or "")
            self._names |= {name: Inert(error.name or name, error) for name in _bound(statement) if name != "*"}
        if follows and not _defines(statement):
            self._lost |= _bound(statement)
            self._needing[f"cell {cell.number}" if cell.number else f"line {statement.lineno}"] = None
        else:
            self._fail(statement, exception_fact(error, cell.doing), cell)

    def _fail(self, statement: ast.stmt, fact: Fact, cell: Cell) -> None:
        self._lost |= _bound(statement)
        text = fact.text
        if not isinstance(statement, _IMPORTING):
            text += f"; only what the {'cell' if cell.number else 'file'} defines was imported"
        self._facts.append(replace(fact, level="problem" if _defines(statement) else "warning", text=text))

    def _stand_in(self, statement: ast.stmt, error: NotInstalledError, cell: Cell) -> None:
        """Leave out what asks a stand-in for more than it has; what would be made of it is a stand-in too."""
        if _defines(statement):
            self._fail(statement, exception_fact(error, cell.doing), cell)
            return
        # What a loop changes keeps its value, as if the loop had nothing to go through.
        kept = set() if isinstance(statement, _ASSIGNING) else set(self._names)
        self._names |= {name: Inert(error.library) for name in _bound(statement) - kept}


class _WaitsError(BaseException):
    """A statement computes nothing: it sleeps, or waits for another process."""


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Raise TimeIsUpError inside after this much processor time, _WaitsError after _PATIENCE seconds of waiting."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = time.process_time()

    def look(_number: int, _frame: FrameType | None) -> None:
        nonlocal before
        before, last = time.process_time(), before
        # On a machine with a hundred processes to run, this one still gets so much.
        if before - last < 0.01 * _PATIENCE:
            raise _WaitsError

    handler = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE, _PATIENCE)
    try:
        with limited(seconds):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def _defines(statement: ast.stmt) -> bool:
    """Whether a class or function is defined in it."""
    return any(isinstance(node, _DEFINING) for node in ast.walk(statement))


def _bound(statement: ast.stmt) -> set[str]:
    """The names that the statement gives a value."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, _DEFINING):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
    return found


def _kept(body: list[ast.stmt]) -> list[ast.stmt]:
    """The defining statements; an `if` or `try` stays with those that are inside it."""
    kept: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If):
            inside = _kept(statement.body) or [ast.Pass(lineno=statement.lineno, col_offset=0)]
            kept.append(ast.copy_location(ast.If(statement.test, inside, _kept(statement.orelse)), statement))
        elif isinstance(statement, (ast.Try, *_IMPORTING, *_DEFINING, *_ASSIGNING)):
            kept.append(statement)
    return kept
