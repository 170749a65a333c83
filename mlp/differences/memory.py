"""Memory that is used again and again, because fresh memory costs more than filling it.

The operating system hands out large arrays page by page at their first touch, which takes longer than a tanh of them.
"""

import math
import threading
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.nn.changes import Empty

SMALL = 2**16  # bytes that the allocator has at hand anyway
KEPT = 2**22  # bytes that a thread keeps for its next derivatives; what goes beyond is given back


class WarmMemory(threading.local):
    """Arrays to fill, in the same places each time; every thread has its own.

    In a `with` block it hands out arrays in the manner of np.empty, which are free again at its end. Inside another
    such block of the same thread it hands out fresh ones, so that nobody's array is ever given to someone else.
    """

    def __init__(self) -> None:
        self._pieces: list[Array] = []
        self._taken = self._depth = 0

    def __enter__(self) -> Empty:
        self._depth += 1
        return self._empty if self._depth == 1 else np.empty

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._taken = 0

    def release(self) -> None:
        """Give back what is more than a thread should keep."""
        if sum(piece.size for piece in self._pieces) > KEPT:
            self._pieces.clear()

    def _empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        size = math.prod(shape) * dtype.itemsize
        if size < SMALL:
            return np.empty(shape, dtype)
        if self._taken == len(self._pieces):
            self._pieces.append(np.empty(size, np.uint8))
        elif self._pieces[self._taken].size < size:
            self._pieces[self._taken] = np.empty(size, np.uint8)
        self._taken += 1
        return np.ndarray(shape, dtype, self._pieces[self._taken - 1])


MEMORY = WarmMemory()
