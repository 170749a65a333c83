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

from mlp.check.foreign import codec
from mlp.check.foreign.examine import CaseResult
from mlp.check.foreign.facts import Fact, is_ours
from mlp.check.foreign.worker import OUTLINE, STACK, Order, result_path

SECONDS = 10.0
ERRORS = "errors.txt"
_POLL = 0.05

# Told several times a second how many cases are finished and what the next one is called, "" while importing; what it
# raises ends the check.
Progress = Callable[[int, int, str], None]


def _unwatched(_done: int, _total: int, _name: str) -> None:
    return


@dataclass(frozen=True)
class ModuleResult:
    """What came out for a module: its cases in the order of the file, or the reason why there are none."""

    cases: tuple[CaseResult, ...] = ()
    problem: Fact | None = None

    @property
    def passed(self) -> bool:
        """Whether there is something to check and all of it is right."""
        return self.problem is None and bool(self.cases) and all(case.passed for case in self.cases)


def check_module(
    spec: str,
    eps: float = 1e-4,
    method: str = "central",
    seconds: float = SECONDS,
    progress: Progress = _unwatched,
) -> ModuleResult:
    """Check everything in a module of theirs.

    Args:
        spec: a file, `my_layers.py`, or a module name, `package.layers`.
        eps: step of the numerical derivatives.
        method: a name in METHODS.
        seconds: how long the import and each case may take.
        progress: is told, while it goes on, (cases finished, cases in all, name of the next).
    """
    with tempfile.TemporaryDirectory(prefix="gradient-check-") as name:
        folder = Path(name)
        results: dict[int, CaseResult] = {}
        outline: list[CaseResult] | Fact | None = None
        first = 0
        while outline is None or (isinstance(outline, list) and first < len(outline)):
            ended = _run(Order(spec, str(folder), first, seconds, eps, method), progress)
            outline = _outline(folder)
            if outline is None:
                return ModuleResult(problem=_cut_off(folder, f"importing {spec}", seconds, ended))
            if isinstance(outline, Fact):
                return ModuleResult(problem=outline)
            results |= _collected(folder, len(outline))
            first = next((i for i in range(len(outline)) if i not in results), len(outline))
            if first < len(outline):
                fact = _cut_off(folder, f"checking {outline[first].name}", seconds, ended)
                results[first] = replace(outline[first], facts=(fact,))
                first += 1
    if not results:
        return ModuleResult(problem=Fact("problem", f"{spec} defines no layers, losses or functions with a gradient"))
    return ModuleResult(tuple(results[index] for index in sorted(results)))


def _run(order: Order, progress: Progress) -> int | None:
    """Run the worker to its end; its exit code, None if it had to be killed."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    root = str(Path(__file__).parents[3])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
    with (Path(order.folder) / ERRORS).open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlp.check.foreign.worker", *map(str, order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )
    try:
        return _wait(process, order, progress)
    finally:
        _end(process)


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
        if time.monotonic() - since > 2 * order.limit + 5:  # the watchdog inside should have ended it long ago
            return None
        outline = None if names else _outline(folder)
        names = [case.name for case in outline] if isinstance(outline, list) else names
        place = order.first + done - before
        progress(min(place, len(names)), len(names), names[place] if place < len(names) else "")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the worker and whatever it started: they are a process group of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _outline(folder: Path) -> list[CaseResult] | Fact | None:
    return codec.load(folder / OUTLINE) if (folder / f"{OUTLINE}.json").exists() else None


def _collected(folder: Path, count: int) -> dict[int, CaseResult]:
    paths = {index: result_path(folder, index) for index in range(count)}
    return {index: codec.load(path) for index, path in paths.items() if path.with_suffix(".json").exists()}


def _cut_off(folder: Path, doing: str, seconds: float, ended: int | None) -> Fact:
    """The fact that a run did not come to its end, with the place in their code where the watchdog found it."""
    stack = (folder / STACK).read_text() if (folder / STACK).exists() else ""
    frames = re.findall(r'File "(.+?)", line (\d+) in (\S+)', stack.rpartition("most recent call first")[2])
    theirs = [frame for frame in frames if not is_ours(frame[0])]
    if not stack and ended is not None:
        last = ((folder / ERRORS).read_text(errors="replace").strip().splitlines() or [""])[-1]
        words = f", whose last words were: {last[:300]}" if last else ""
        return Fact("problem", f"{doing} ended the Python process (exit code {ended}){words}")
    text = f"{doing} was cut off after {seconds:g} seconds"
    if not theirs:
        return Fact("problem", text)
    file, line, name = theirs[0]
    return Fact("problem", f"{text}; it was in {name} then, perhaps in a loop that never ends", file, int(line))
