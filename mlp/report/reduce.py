"""Large matrices are drawn smaller, and the largest magnitude of each block survives."""

from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array

MAX_DRAWN = 100


class Drawn(NamedTuple):
    """A matrix as it is drawn.

    Attributes:
        values: at most MAX_DRAWN rows and columns.
        rows, columns: the first index of each drawn row and column, then the end of the last.
    """

    values: Array
    rows: Array
    columns: Array

    @property
    def is_reduced(self) -> bool:
        """Whether a drawn cell may stand for several entries."""
        return self.values.shape != (self.rows[-1], self.columns[-1])

    @property
    def block(self) -> tuple[int, int]:
        """The rows and columns of the largest block that one cell stands for."""
        return int(np.diff(self.rows).max()), int(np.diff(self.columns).max())


def as_matrix(tensor: Array) -> Array:
    """A vector as a column; a matrix as it is."""
    return tensor.reshape(tensor.shape[0], -1)


def drawn(tensor: Array) -> Drawn:
    """Cut the tensor into blocks and keep of each the entry of largest magnitude, with its sign; NaN wins over all."""
    matrix = as_matrix(tensor)
    rows, columns = (_edges(size) for size in matrix.shape)
    high, low = (
        extreme.reduceat(extreme.reduceat(matrix, rows[:-1], axis=0), columns[:-1], axis=1)
        for extreme in (np.maximum, np.minimum)
    )
    return Drawn(np.where(-low > high, low, high), rows, columns)


def _edges(size: int) -> Array:
    return np.linspace(0, size, min(size, MAX_DRAWN) + 1).astype(int)
