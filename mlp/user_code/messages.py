"""A fact about somebody's code is a sentence with the file and line it is about, and nothing of our own machinery."""

import inspect
import linecache
import re
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, Literal

Level = Literal["problem", "unchecked", "warning", "note"]

_OURS = Path(__file__).parents[1]
_FRAMES = 4


@dataclass(frozen=True)
class Fact:
    """Something found out about a layer.

    Attributes:
        level: "problem" (the gradients cannot be right, or cannot be checked), "unchecked" (something that a pass would
            have to speak of was not looked at), "warning" (right here, but it will hurt elsewhere) or "note" (how the
            code was understood).
        text: a sentence.
        file, line: the place in their code; "" and 0 where there is none.
        trace: their frames of an exception, outermost first, each as one line of text.
    """

    level: Level
    text: str
    file: str = ""
    line: int = 0
    trace: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The text alone, with a full stop, and a capital unless it begins with a name in their code."""
        is_name = any(sign in self.text.partition(" ")[0] for sign in "_.([")
        return f"{self.text}." if is_name else f"{self.text[0].upper()}{self.text[1:]}."

    def __str__(self) -> str:
        """The sentence, its place and the frames below it."""
        where = f" ({place(self.file, self.line)})" if self.file else ""
        return "\n".join([f"{self.text}{where}", *(f"    {frame}" for frame in self.trace)])


class ForeignError(Exception):
    """Their code cannot be checked; `fact` says why."""

    def __init__(self, fact: Fact) -> None:
        """Carry the fact; the message is its text."""
        super().__init__(str(fact))
        self.fact = fact


def quoted(value: object) -> str:
    """A value of theirs as a sentence quotes it: at most 60 characters, its type if it cannot say itself."""
    try:
        return f"{value!r:.60}"
    except Exception:
        return f"an object of type {type(value).__name__}"


def problem(text: str, about: Any = None) -> ForeignError:
    """An error that says `text` about a function or class of theirs."""
    return ForeignError(Fact("problem", text, *place_of(about)))


def home_of(thing: object) -> str:
    """The module that defines a class or function; "" for anything else, whatever it says its class is."""
    if issubclass(type(thing), type):  # a metaclass may answer for its classes as it likes
        where = type.__getattribute__(thing, "__module__")
    else:
        where = thing.__module__ if type(thing) is FunctionType else ""
    return where if isinstance(where, str) else ""


_CELL = re.compile(r"(.*), cell (\d+)")


def place(file: str, line: int) -> str:
    """A place in somebody's code: "my_layers.py:12", or "homework.ipynb, cell 3, line 5"; "" if it is not known."""
    name = Path(file).name
    if not name:
        return ""
    return f"{name}, line {line}" if _CELL.fullmatch(name) else f"{name}:{line}"


def in_order(file: str, line: int) -> tuple[str, int, int]:
    """What places are sorted by: file, cell, line."""
    cell = _CELL.fullmatch(file)
    return (cell[1], int(cell[2]), line) if cell else (file, 0, line)


def line_of(module: Any, start: str) -> tuple[str, int]:
    """The file and line of a module, or the cell of a notebook, that begins so; line 0 if none does."""
    for source in sources_of(module):
        for number, line in enumerate(linecache.getlines(source), 1):
            if line.startswith(start):
                return source, number
    return getattr(module, "__file__", None) or "", 0


def sources_of(module: Any) -> list[str]:
    """The file of a module, or the cells of a notebook, by the names that tracebacks have for them."""
    file = getattr(module, "__file__", None) or ""
    return [held for held in linecache.cache if file and held.startswith(f"{file}, cell ")] or [file]


STANDS_FOR = "_stands_for"  # what a function of ours has as an attribute: the one of theirs whose place is told


def place_of(thing: Any) -> tuple[str, int]:
    """The file and line where a function or class is defined, ("", 0) if that is not known."""
    try:
        function: Any = getattr(thing, "__func__", thing)
        function = getattr(function, STANDS_FOR, function)
        plain = inspect.unwrap(function)
        if inspect.isclass(plain) and (found := _place_by_methods(plain)):
            return found
        return inspect.getsourcefile(plain) or "", inspect.getsourcelines(plain)[1]
    except (TypeError, OSError):
        return "", 0


def _place_by_methods(cls: type) -> tuple[str, int] | None:
    """The last `class` line above a method of the class: a class itself does not know in which cell it stands."""
    members = (getattr(member, "__func__", member) for member in vars(cls).values())
    for method in filter(inspect.isfunction, members):
        code = inspect.unwrap(method).__code__
        lines = linecache.getlines(code.co_filename)
        for number in range(min(code.co_firstlineno, len(lines)), 0, -1):
            if re.match(rf"\s*class {re.escape(cls.__name__)}\b", lines[number - 1]):
                return code.co_filename, number
    return None


@contextmanager
def told(doing: str, about: Any = None) -> Iterator[None]:
    """Turn whatever their code raises while `doing` something into a ForeignError with their frames only."""
    try:
        yield
    except ForeignError:
        raise
    except (Exception, SystemExit) as error:
        raise ForeignError(exception_fact(error, doing, about)) from error


def exception_fact(error: BaseException, doing: str, about: Any = None) -> Fact:
    """The fact that their code raised `error` while `doing` something."""
    if isinstance(error, SyntaxError) and error.filename and not is_ours(error.filename):
        return Fact("problem", f"{doing} raised {_named(error)}", error.filename, error.lineno or 0)
    # Sorted out before anything is read of them: of readings that are tried, most end here.
    walked = traceback.walk_tb(error.__traceback__)
    frames = traceback.StackSummary.extract(one for one in walked if not is_ours(one[0].f_code.co_filename))
    if not frames:
        return Fact("problem", f"{doing} raised {_named(error)}", *place_of(about))
    lines = tuple(
        f"{place(frame.filename, frame.lineno or 0)} in {frame.name}: {_source_line(frame)}"
        for frame in (frames if len(frames) <= _FRAMES else [frames[0], *frames[1 - _FRAMES :]])
    )
    return Fact("problem", f"{doing} raised {_named(error)}", frames[-1].filename, frames[-1].lineno or 0, lines)


def _named(error: BaseException) -> str:
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # of their class
        text = ""
    text = " ".join(text.split()).rstrip(".")
    shown = text if len(text) <= 300 else text[:300] + "..."
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def _source_line(frame: traceback.FrameSummary) -> str:
    return (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()


@cache
def is_ours(filename: str) -> bool:
    """Whether a file belongs to the checker, to an installed library or to Python itself."""
    path = Path(filename)
    checking = any(path.is_relative_to(_OURS / part) for part in ("check", "differences", "nn", "user_code"))
    return checking or filename.startswith(("<frozen", "<__array")) or filename.startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    return tuple(str(Path(path)) for path in set(sysconfig.get_paths().values()))
