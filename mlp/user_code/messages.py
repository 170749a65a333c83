"""A fact about somebody's code is a sentence with the file and line it is about, and nothing of our own machinery."""

import inspect
import linecache
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
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
        """The text alone, with a capital and a full stop."""
        return f"{self.text[0].upper()}{self.text[1:]}."

    def __str__(self) -> str:
        """The sentence, its place and the frames below it."""
        place = f" ({Path(self.file).name}:{self.line})" if self.file else ""
        return "\n".join([f"{self.text}{place}", *(f"    {frame}" for frame in self.trace)])


class ForeignError(Exception):
    """Their code cannot be checked; `fact` says why."""

    def __init__(self, fact: Fact) -> None:
        """Carry the fact; the message is its text."""
        super().__init__(str(fact))
        self.fact = fact


def problem(text: str, about: Any = None) -> ForeignError:
    """An error that says `text` about a function or class of theirs."""
    return ForeignError(Fact("problem", text, *place_of(about)))


def place_of(thing: Any) -> tuple[str, int]:
    """The file and line where a function or class is defined, ("", 0) if that is not known."""
    try:
        function: Any = getattr(thing, "__func__", thing)
        plain = inspect.unwrap(function)
        return inspect.getsourcefile(plain) or "", inspect.getsourcelines(plain)[1]
    except (TypeError, OSError):
        return "", 0


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
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_ours(frame.filename)]
    if not frames:
        return Fact("problem", f"{doing} raised {_named(error)}", *place_of(about))
    lines = tuple(
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}: {_source_line(frame)}"
        for frame in (frames if len(frames) <= _FRAMES else [frames[0], *frames[1 - _FRAMES :]])
    )
    return Fact("problem", f"{doing} raised {_named(error)}", frames[-1].filename, frames[-1].lineno or 0, lines)


def _named(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    text = " ".join(text.split())
    shown = text if len(text) <= 300 else text[:300] + "..."
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def _source_line(frame: traceback.FrameSummary) -> str:
    return (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()


def is_ours(filename: str) -> bool:
    """Whether a file belongs to the checker, to an installed library or to Python itself."""
    path = Path(filename)
    checking = any(path.is_relative_to(_OURS / part) for part in ("check", "differences", "nn", "user_code"))
    return checking or filename.startswith(("<frozen", "<__array")) or filename.startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    return tuple(str(Path(path)) for path in set(sysconfig.get_paths().values()))
