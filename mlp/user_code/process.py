"""Their module is checked in a process of its own: a case that loops for ever, or dies, costs no other."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mlp.user_code import serialise
from mlp.user_code.check import CaseResult, Outline, with_one_convention
from mlp.user_code.messages import Fact, is_ours
from mlp.user_code.worker import OUTLINE, STACK, Order, result_path, waiting_time

SECONDS = 10.0
ERRORS = "errors.txt"
_POLL = 0.05
_CUT_OFF = "was cut off after"
# By this variable whatever a worker started is found again, in whichever session it is.
_FOLDER = "GRADIENT_CHECK_FOLDER"

# Told several times a second how many cases are finished and what the next one is called, "" while importing; what it
# raises ends the check.
Progress = Callable[[int, int, str], None]


def _unwatched(_done: int, _total: int, _name: str) -> None:
    return


@dataclass(frozen=True)
class ModuleResult:
    """What came out for a module: its cases in the order of the file, or the reason why there are none.

    `asides` are facts that no case is to blame for: how the module was imported, and what in it was left out and why.
    """

    cases: tuple[CaseResult, ...] = ()
    problem: Fact | None = None
    asides: tuple[Fact, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether there is something to check and all of it is right, and no class or function was lost on the way."""
        lost = any(fact.level == "problem" for fact in (self.problem, *self.asides) if fact is not None)
        return not lost and bool(self.cases) and all(case.passed for case in self.cases)


def check_module(
    spec: str, eps: float = 1e-4, method: str = "central", seconds: float = SECONDS, progress: Progress = _unwatched
) -> ModuleResult:
    """Check everything in a module of theirs.

    Args:
        spec: a file, `my_layers.py`, or a module name, `package.layers`.
        eps: step of the numerical derivatives.
        method: a name in METHODS.
        seconds: how long the import and each case may take.
        progress: is told, while it goes on, (cases finished, cases in all, name of the next).
    """
    order = Order(spec, "", 0, seconds, eps, method, whole=True)
    result = _checked(order, progress)
    if result.problem is None or _CUT_OFF not in result.problem.text:
        return result
    # The top level of the module does not come to an end, as that of a training script: what it defines may do.
    again = _checked(order._replace(whole=False), progress)
    if again.problem is not None:
        return result
    text = f"{result.problem.text}; only what the file defines was imported"
    return replace(again, asides=(replace(result.problem, level="warning", text=text), *again.asides))


def _checked(order: Order, progress: Progress) -> ModuleResult:
    with tempfile.TemporaryDirectory(prefix="gradient-check-") as name:
        folder = Path(name)
        results: dict[int, CaseResult] = {}
        first, count = 0, 1
        outline = Outline((), ())
        while first < count:
            ended = _run(order._replace(folder=name, first=first), progress)
            told = _outline(folder)
            if not isinstance(told, Outline):
                doing = f"importing {order.spec}"
                return ModuleResult(problem=told or _cut_off(folder, doing, order.limit, ended))
            outline = told
            count = len(outline.cases)
            written = (index for index in range(count) if result_path(folder, index).with_suffix(".json").exists())
            results |= {index: serialise.load(result_path(folder, index)) for index in written}
            first = next((i for i in range(count) if i not in results), count)
            if first < count:
                fact = _cut_off(folder, f"checking {outline.cases[first].name}", order.limit, ended)
                results[first] = replace(outline.cases[first], facts=(fact,))
                first += 1
        return _sorted(order.spec, outline, [results[index] for index in sorted(results)])


def _sorted(spec: str, outline: Outline, results: list[CaseResult]) -> ModuleResult:
    """The cases that were checked, and beside them what turned out to be nothing to check."""
    left_out = tuple(fact for case in results for fact in case.facts if case.left_out)
    cases = with_one_convention([case for case in results if not case.left_out])
    asides = (*outline.facts, *left_out)
    if cases:
        return ModuleResult(cases, asides=asides)
    # What broke off the import is the likelier reason why nothing was found.
    broken = next((fact for fact in outline.facts if fact.level in ("problem", "warning")), None)
    if broken is not None:
        others = tuple(fact for fact in asides if fact is not broken)
        return ModuleResult(problem=replace(broken, level="problem"), asides=others)
    nothing = Fact("problem", f"{spec} defines no layers, losses or functions with a gradient")
    return ModuleResult(problem=nothing, asides=asides)


def _run(order: Order, progress: Progress) -> int | None:
    """Run the worker to its end; its exit code, None if it had to be killed."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment[_FOLDER] = order.folder
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
    # -P: where they start it there may be a file called as this package.
    with (Path(order.folder) / ERRORS).open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mlp.user_code.worker", *map(str, order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )
    try:
        return _wait(process, order, progress)
    finally:
        _end(process, order.folder)


def _wait(process: subprocess.Popen[bytes], order: Order, progress: Progress) -> int | None:
    """Wait for the worker, telling how far it is; its exit code, None if it hangs beyond what its watchdog allows."""
    folder = Path(order.folder)
    before = done = len(list(folder.glob("case*.json")))
    names: list[str] = []
    since = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=_POLL)
        now = len(list(folder.glob("case*.json")))
        if now > done:
            done, since = now, time.monotonic()
        if time.monotonic() - since > 2 * waiting_time(
            order.limit
        ):  # the watchdog inside should have ended it long ago
            return None
        outline = None if names else _outline(folder)
        names = [case.name for case in outline.cases] if isinstance(outline, Outline) else names
        place = order.first + done - before
        progress(min(place, len(names)), len(names), names[place] if place < len(names) else "")


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    """End the worker and whatever it started: they are a process group, but for those that left it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    for child in _children(folder):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)


def _children(folder: str) -> list[int]:
    """Processes that inherited the variable which names this folder, where the system tells (Linux does)."""
    mark, found = f"{_FOLDER}={folder}\0".encode(), []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in file.read_bytes():
                found.append(int(file.parent.name))
    return found


def _outline(folder: Path) -> Outline | Fact | None:
    return serialise.load(folder / OUTLINE) if (folder / f"{OUTLINE}.json").exists() else None


def _cut_off(folder: Path, doing: str, seconds: float, ended: int | None) -> Fact:
    """The fact that a run did not come to its end, with the place in their code where the watchdog found it."""
    stack = (folder / STACK).read_text() if (folder / STACK).exists() else ""
    frames = re.findall(r'File "(.+?)", line (\d+) in (\S+)', stack.rpartition("most recent call first")[2])
    theirs = [frame for frame in frames if not is_ours(frame[0])]
    if not stack and ended is not None:
        last = ((folder / ERRORS).read_text(errors="replace").strip().splitlines() or [""])[-1]
        words = f", whose last words were: {last[:300]}" if last else ""
        return Fact("problem", f"{doing} ended the Python process (exit code {ended}){words}")
    why = "it waited, or one call of compiled code did not end, or the machine was busy"
    text = f"{doing} {_CUT_OFF} {waiting_time(seconds):g} seconds by the clock: {why}"
    if not theirs:
        return Fact("problem", text)
    file, line, name = theirs[0]
    return Fact("problem", f"{text}; it was in {name} then", file, int(line))
