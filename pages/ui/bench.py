"""Checks of people's modules, one at a time for the whole server, in a thread that pages look in on.

A check runs the module in a process of its own and may take as long as their code does, so no page waits for it except
for the very first result.
"""

import threading
from typing import NamedTuple

import streamlit as st

from mlp.check.foreign.facts import Fact, ForeignError
from mlp.check.foreign.files import Stamp, source_file, stamp
from mlp.check.foreign.isolate import ModuleResult, check_module

KEPT = 32


class Request(NamedTuple):
    """What is to be checked: a module as its files stand now, and how."""

    spec: str
    stamp: Stamp
    eps: float
    method: str


class Progress(NamedTuple):
    """How far a check is: cases finished, cases in all (0 while importing), and the name of the next."""

    done: int = 0
    total: int = 0
    name: str = ""


class _OutdatedError(Exception):
    """The module was saved while it was being checked."""


class Bench:
    """The results so far, and at most one check under way."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._lock = threading.Lock()
        self._results: dict[Request, ModuleResult] = {}
        self._running: Request | None = None
        self._outdated = False
        self._progress = Progress()

    def result(self, request: Request) -> ModuleResult | None:
        """The result, or None while there is none: then its check is under way, or will be when asked for again."""
        with self._lock:
            if request in self._results:
                return self._results[request]
            if self._running is None:
                self._running, self._outdated, self._progress = request, False, Progress()
                threading.Thread(target=self._check, args=(request,), daemon=True).start()
            elif self._running.spec == request.spec and self._running.stamp != request.stamp:
                self._outdated = True
            return None

    def last(self, request: Request) -> Request | None:
        """The latest request with a result that differs in nothing but that the module has been saved since."""
        with self._lock:
            return next((one for one in reversed(self._results) if one._replace(stamp=request.stamp) == request), None)

    @property
    def progress(self) -> Progress:
        """How far the check under way is."""
        return self._progress

    def _check(self, request: Request) -> None:
        result = None
        try:
            result = check_module(request.spec, request.eps, request.method, progress=self._note)
        except _OutdatedError:
            pass
        except Exception as error:  # else the page would ask for ever; such as a disk that is full
            result = ModuleResult(problem=Fact("problem", f"the check itself failed: {error}"))
        with self._lock:
            self._running = None
            if result is not None:
                self._results[request] = result
                for old in list(self._results)[:-KEPT]:
                    del self._results[old]

    def _note(self, done: int, total: int, name: str) -> None:
        if self._outdated:
            raise _OutdatedError
        self._progress = Progress(done, total, name)


@st.cache_resource
def bench() -> Bench:
    """The server's one bench."""
    return Bench()


# As in compute: results made of the classes before an edit are no instances of the new ones.
bench.clear()


def request(spec: str, eps: float, method: str) -> Request:
    """The request for a module as it stands now; with no stamp if it is not there."""
    try:
        return Request(spec, stamp(source_file(spec)), eps, method)
    except ForeignError:
        return Request(spec, (), eps, method)
