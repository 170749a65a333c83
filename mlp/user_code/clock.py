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

# What swallows the exception, as a bare `except:` in a loop does, gets it again after this many seconds.
_AGAIN = 0.5
_TOP_LEVEL = "<module>"


class Calls:
    """How often their code was run forward, and when that began last, in processor seconds; None between the runs."""

    count = 0
    began: float | None = None

    @classmethod
    @contextmanager
    def one(cls) -> Iterator[None]:
        """Count the run inside."""
        cls.count += 1
        before, cls.began = cls.began, time.process_time()
        try:
            yield
        finally:
            cls.began = before


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


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeIsUpError inside once this much processor time has gone by; inside another limit, within that too."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    start, calls = time.process_time(), Calls.count

    def end(_number: int, frame: FrameType | None) -> None:
        raise _told(frame, start, calls)

    handler = signal.signal(signal.SIGPROF, end)
    left, _ = signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        if left:
            signal.setitimer(signal.ITIMER_PROF, max(left - (time.process_time() - start), 1e-3), _AGAIN)


def remaining() -> float:
    """The processor seconds that are left of the time; infinite where there is no limit."""
    left = signal.getitimer(signal.ITIMER_PROF)[0] if hasattr(signal, "getitimer") else 0.0
    return left or float("inf")


def _told(frame: FrameType | None, start: float, calls: int) -> TimeIsUpError:
    """The exception, which names their code if half of the time went into one call of it, or into importing it."""
    count, began, now = Calls.count - calls, Calls.began, time.process_time()
    theirs: list[tuple[str, int, str]] = []
    while frame is not None:
        if not is_ours(frame.f_code.co_filename):
            theirs.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    alone = began is not None and now - began > (now - start) / 2
    top = [one for one in theirs if one[2] == _TOP_LEVEL]
    if theirs and (alone or (count == 0 and top)):
        file, line, name = top[-1] if top and not alone else theirs[0]
        return TimeIsUpError(file, line, name, count)
    return TimeIsUpError("", 0, "", count)
