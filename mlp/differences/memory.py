"""Memory that is used again and again, because fresh memory costs more than filling it.

The operating system hands out large arrays page by page at their first touch, which takes longer than a tanh of them.
"""

import math
import threading
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.nn.changes import Empty


class WarmMemory(threading.local):
    """Arrays to fill, in the same places after each `reuse`; every thread has its own."""

    def __init__(self) -> None:
        self._pieces: list[Array] = []
        self._taken = 0

    def reuse(self) -> Empty:
        """Take back all that was handed out, and return what hands it out anew, in the manner of np.empty."""
        self._taken = 0
        return self._empty

    def _empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        size = math.prod(shape) * dtype.itemsize
        if self._taken == len(self._pieces):
            self._pieces.append(np.empty(size, np.uint8))
        elif self._pieces[self._taken].size < size:
            self._pieces[self._taken] = np.empty(size, np.uint8)
        self._taken += 1
        return np.ndarray(shape, dtype, self._pieces[self._taken - 1])
