"""The time that a piece of work may take, in processor time, so that a busy machine changes nothing.

The end is an exception inside the work, raised wherever it is. It says whether that was one call of theirs that does
not come back, or the check's own many calls.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlp.user_code.messages import Fact, is_ours

# The time is looked at so many times; what swallows the exception, as a bare `except:` in a loop does, gets it again.
_LOOKS = 10
_TOP_LEVEL = "<module>"
_LEAST = 1e-3  # seconds, where none are left


class Calls:
    """How often their code was run, and whether it runs now."""

    count = 0
    running = False

    @classmethod
    @contextmanager
    def one(cls) -> Iterator[None]:
        """Count the run inside."""
        cls.count += 1
        before, cls.running = cls.running, True
        try:
            yield
        finally:
            cls.running = before


class TimeIsUpError(BaseException):
    """The time is up; no `except Exception` of theirs may catch it.

    Attributes:
        file, line, name: where in their code it was, if that is what took the time; else "", 0 and "".
        calls: how often their forward had been run in this work.
    """

    def __init__(self, file: str, line: int, name: str, calls: int) -> None:
        """Say where it was."""
        super().__init__(f"time is up in {name}")
        self.file, self.line, self.name, self.calls = file, line, name, calls

    def fact(self, doing: str, seconds: float) -> Fact:
        """The fact that `doing` something was cut off after so many seconds."""
        text = f"{doing} was cut off after {seconds:g} seconds of processor time"
        if self.name == _TOP_LEVEL:
            return Fact("problem", f"{text}, at the top level of the file", self.file, self.line)
        if self.file:
            return Fact("problem", f"{text}, in one call of {self.name} that did not come back", self.file, self.line)
        more = f"{4 * seconds:g}"
        text += f", in which forward was run {self.calls} times; no call hung. --seconds {more} gives it more time"
        return Fact("problem", text)


_ends: list[float] = []  # of the limits that hold now, the innermost last, in processor seconds


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeIsUpError inside once this much processor time has gone by; inside another limit, within that too."""
    seconds = max(seconds, _LEAST)
    if not hasattr(signal, "setitimer"):
        yield
        return
    start, before, running = time.process_time(), Calls.count, Calls.running
    counts: list[int] = []

    def look(_number: int, frame: FrameType | None) -> None:
        counts.append(Calls.count)
        if time.process_time() >= start + (1 - 0.5 / _LOOKS) * seconds:
            hangs = Calls.running and counts[-1] == counts[-1 - len(counts) // 2]
            raise _told(frame, hangs, Calls.count - before)

    handler = signal.signal(signal.SIGPROF, look)
    _, every = signal.setitimer(signal.ITIMER_PROF, seconds / _LOOKS, seconds / _LOOKS)
    _ends.append(start + seconds)
    try:
        yield
    finally:
        _ends.pop()
        Calls.running = running  # the end may come at any moment, that of entering or leaving a run among them
        signal.setitimer(signal.ITIMER_PROF, every, every)
        signal.signal(signal.SIGPROF, handler)


def remaining() -> float:
    """The processor seconds that are left of the time; infinite where there is no limit."""
    return min(_ends) - time.process_time() if _ends else float("inf")


def _told(frame: FrameType | None, hangs: bool, calls: int) -> TimeIsUpError:
    """The exception, which names their code if one call of it took half of the time, or importing it took all."""
    theirs: list[tuple[str, int, str]] = []
    while frame is not None:
        if not is_ours(frame.f_code.co_filename):
            theirs.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    top = [one for one in theirs if one[2] == _TOP_LEVEL and calls == 0]
    if not theirs or not (hangs or top):
        return TimeIsUpError("", 0, "", calls)
    file, line, name = theirs[0] if hangs else top[-1]
    return TimeIsUpError(file, line, name, calls)
