"""The module of somebody's own that the server was started with, checked each time it is saved.

It stands after the two hyphens on the command line: `streamlit run app.py -- --layers my_layers.py`. Checks run one at
a time for the whole server, each in a process of its own, in a thread that pages look in on: a check may take as long
as their code does, so no page waits for it except for the very first result.
"""

import argparse
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple, NoReturn

import streamlit as st

from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from mlp.user_code.load.files import SUFFIXES, Stamp, source_file, stamp
from mlp.user_code.messages import Fact, ForeignError
from mlp.user_code.process import ModuleResult, check_module
from pages.ui.address import plain

APP = "app.py"
USAGE = "Say: streamlit run app.py -- --layers path/to/my_layers.py"
KEPT = 2 * len(EPS_STEPS)  # a slider moved through all its steps checks nothing twice
# Never imported here, only checked in a process of its own as anybody's module is.
EXAMPLE = Path(__file__).parents[2] / "mlp" / "lab" / "example_layers.py"


class Options(NamedTuple):
    """The module of layers that was named, "" for none, and what is wrong with the command line, "" for nothing.

    A module that is not there yet is no such problem: the page says so and waits for it.
    """

    layers: str = ""
    problem: str = ""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def given() -> Options:
    """The options of this server."""
    return _read(tuple(sys.argv))


@cache
def _read(arguments: tuple[str, ...]) -> Options:
    """Read them; what cannot be used is said in the terminal at once, and the server runs on."""
    options = _parsed(arguments)
    problem = options.problem
    if options.layers:
        try:
            source_file(options.layers)
        except ForeignError as error:
            problem = f"--layers: {error}."
    if problem:
        sys.stderr.write(f"{problem}\n")
    return options


def _parsed(arguments: tuple[str, ...]) -> Options:
    program, *rest = arguments or ("",)
    if Path(program).name != APP:  # under a test runner, its options stand here
        return Options()
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--layers", default="")
    try:
        return Options(parser.parse_args(rest).layers)
    except ValueError as error:
        return Options(problem=f"The options of the dashboard cannot be used: {error}. {USAGE}")


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


class Checks:
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
def checks() -> Checks:
    """Those of this server."""
    return Checks()


# As in compute: results made of the classes before an edit are no instances of the new ones.
checks.clear()


def request(spec: str, eps: float, method: str) -> Request:
    """The request for a module as it stands now; with no stamp if it is not there."""
    try:
        return Request(spec, stamp(source_file(spec)), eps, method)
    except ForeignError:
        return Request(spec, (), eps, method)


class Shown(NamedTuple):
    """What the page shows: a finished result, and the request that it answers."""

    result: ModuleResult
    request: Request

    @property
    def file(self) -> str:
        """The module's name as people know it."""
        spec = self.request.spec
        return Path(spec).name if spec.endswith(SUFFIXES) else spec

    @property
    def spec(self) -> str:
        """The module as it would be named in a shell in the folder of this server."""
        path = Path(self.request.spec)
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else self.request.spec


def module() -> str:
    """The module to check: the one that was named, or the example."""
    return given().layers or str(EXAMPLE)


def checked(experiment: Experiment) -> Shown:
    """The last finished result; the very first one is waited for."""
    wanted = request(module(), experiment.eps, experiment.method)
    for one in (wanted, checks().last(wanted)):
        result = checks().result(one) if one and one.stamp else None
        if one and result:
            return Shown(result, one)
    try:
        source_file(wanted.spec)
    except ForeignError as error:
        return Shown(ModuleResult(problem=error.fact), wanted)
    return _waited_for(experiment)


@st.fragment(run_every=1.0)
def follow(shown: Shown) -> None:
    """Say that the module is watched, and start over when it has been saved and checked anew."""
    before = shown.request
    wanted = request(before.spec, before.eps, before.method)
    if wanted == before:
        st.caption(f"Save {plain(shown.file)} in your editor, and this page follows.")
    elif not wanted.stamp:
        st.caption(f"{plain(shown.file)} is not there any more; what you see is from before.")
    elif checks().result(wanted) is not None:
        st.rerun()
    else:
        st.caption(f"{plain(shown.file)} was saved. {told(checks().progress)} What you see is from before.")


def told(progress: Progress) -> str:
    """How far a check is, in a sentence."""
    if not progress.total:
        return "Importing it ..."
    return f"Checking {plain(progress.name) or 'it'} ({min(progress.done + 1, progress.total)} of {progress.total}) ..."


def _waited_for(experiment: Experiment) -> Shown:
    """The result for the module as it is when the check ends, with the progress shown meanwhile."""
    bar = st.progress(0.0, told(Progress()))
    while True:
        wanted = request(module(), experiment.eps, experiment.method)
        result = checks().result(wanted)
        if result is not None:
            bar.empty()
            return Shown(result, wanted)
        progress = checks().progress
        bar.progress(progress.done / max(1, progress.total), told(progress))
        time.sleep(0.05)
