"""Many small tasks on all cores, with the caller told how far they are and free to break off.

Threads serve because numpy lets others run during its loops and matrix products.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock

Progress = Callable[[float], None]
Task = Callable[[], None]

REPORTS = 200  # so often at most is progress told: a progress bar is not worth more of anyone's time


def available_cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def run_tasks(tasks: Sequence[Task], threads: int, progress: Progress | None = None) -> None:
    """Run every task once, in any order.

    Args:
        tasks: independent of each other, and of about the same length.
        threads: how many work at once, the caller's among them.
        progress: called from the caller's thread with the fraction of the tasks that is done. It may raise: then each
            thread finishes the task that it is at, and the exception passes on.

    Raises:
        Exception: whatever a task or `progress` raised first; no further task is begun then.
    """
    queue = _Queue(len(tasks))
    if threads <= 1:
        _work(tasks, queue, progress)
    else:
        with ThreadPoolExecutor(threads - 1) as pool:
            # A context of its own for each thread, so that np.errstate and the like hold there as they do here.
            others = [pool.submit(copy_context().run, _work, tasks, queue, None) for _ in range(threads - 1)]
            _work(tasks, queue, progress)
        for other in others:
            other.result()
    if progress:
        progress(1.0)


class _Queue:
    """Hands out the numbers of the tasks, each once, and none after `stop`."""

    def __init__(self, length: int) -> None:
        self._next, self._length = 0, length
        self._lock, self._stopped = Lock(), False

    def take(self) -> int | None:
        with self._lock:
            if self._stopped or self._next == self._length:
                return None
            self._next += 1
            return self._next - 1

    def stop(self) -> None:
        self._stopped = True


def _work(tasks: Sequence[Task], queue: _Queue, progress: Progress | None) -> None:
    told, interval = 0, max(1, len(tasks) // REPORTS)
    try:
        while (index := queue.take()) is not None:
            tasks[index]()
            if progress and index - told >= interval:
                told = index
                progress(index / len(tasks))  # so many at least have been begun, and all but a few are done
    except BaseException:
        queue.stop()
        raise
