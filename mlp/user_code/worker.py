"""The process in which their code runs: it imports the module, checks case after case, and writes each result down.

Run as `python -m mlp.user_code.worker`, by `process` alone. Each case has its limit of processor time; beyond that a
watchdog that needs no cooperation from their code writes down where it was and ends the process that waits for ever.
"""

import faulthandler
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from mlp.user_code import serialise
from mlp.user_code.check import CaseResult, Outline, examine
from mlp.user_code.clock import TimeIsUpError, limited
from mlp.user_code.load.discovery import Case, cases, own
from mlp.user_code.load.importing import load
from mlp.user_code.messages import Fact, ForeignError, told
from mlp.user_code.settings import read_overrides

STACK = "stack.txt"
OUTLINE = "outline"

# What changes files, and how many of what is said with it are paths.
_CHANGES = {"open": 1, "os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.truncate": 1, "shutil.rmtree": 1}


class Order(NamedTuple):
    """What the worker is told on its command line, in this order."""

    spec: str
    folder: str
    first: int
    limit: float
    eps: float
    method: str
    whole: bool


def waiting_time(limit: float) -> float:
    """How many seconds may go by in all while something waits or other processes run: far more than it may compute."""
    return 6 * limit + 5


def result_path(folder: Path, index: int) -> Path:
    """Where the result of one case is written."""
    return folder / f"case{index}"


def main(order: Order) -> None:
    """Check every case from number `first` on."""
    folder = Path(order.folder)
    with (folder / STACK).open("w") as stack:
        faulthandler.dump_traceback_later(waiting_time(order.limit), exit=True, file=stack)
        try:
            with limited(order.limit):
                module, facts = load(order.spec, order.whole)
                with told(f"looking at what {order.spec} defines"):
                    overrides = read_overrides(module, list(own(module)))
                    found = cases(module, overrides)
        except ForeignError as error:
            serialise.save(error.fact, folder / OUTLINE)
            return
        except TimeIsUpError as error:
            serialise.save(error.fact(f"importing {order.spec}", order.limit), folder / OUTLINE)
            return
        serialise.save(Outline(tuple(map(_unchecked, found)), facts), folder / OUTLINE)
        for index, case in enumerate(found[order.first :], start=order.first):
            faulthandler.dump_traceback_later(waiting_time(order.limit), exit=True, file=stack)
            try:
                with limited(order.limit):
                    result = examine(case, order.eps, order.method)
            except TimeIsUpError as error:
                result = replace(_unchecked(case), facts=(error.fact(f"checking {case.name}", order.limit),))
            serialise.save(result, result_path(folder, index))
        faulthandler.cancel_dump_traceback_later()


def _guard(folder: str) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that lets their code look up no address, and write, rename or remove no file but in this folder."""
    kept = Path(folder).resolve()

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            raise OSError("a check opens no connection to the network")
        if event not in _CHANGES or (event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        for path in arguments[: _CHANGES[event]]:
            place = Path(os.fsdecode(path)).resolve() if isinstance(path, str | bytes | os.PathLike) else kept
            is_ours = kept in (place, *place.parents) or "__pycache__" in place.parts or place == Path(os.devnull)
            if not is_ours and (place.exists() or Path.cwd() in place.parents):
                raise PermissionError(f"a check changes no file: {place.name}")

    return guard


def _unchecked(case: Case) -> CaseResult:
    return CaseResult(case.name, case.kind, case.file, case.line, facts=(Fact("problem", "it was not checked"),))


if __name__ == "__main__":
    spec, folder, first, limit, eps, method, whole = sys.argv[1:]
    sys.addaudithook(_guard(folder))
    main(Order(spec, folder, int(first), float(limit), float(eps), method, whole == "True"))
    sys.stdout.flush()
    os._exit(0)  # threads that their module may have started must not keep the process alive
