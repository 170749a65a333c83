"""What the gradients of a linear layer tell of the dy that it was given: dW = dy.T @ x and db = dy.sum(axis=0).

Where somebody gives dW and db and no dy, these are linear equations for dy: (dy).T [x 1] = [dW db]. With at most one
sample more than the layer has inputs they have one solution. With more samples only the part of dy that lies in the
span of the columns of [x 1] shows, and any other part stays unknown.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlp.nn.arrays import Array

# A system worse than this says little about some part of dy.
_RCOND = 1e-9
_FITS = 1e-5


@dataclass(frozen=True)
class Arrival:
    """The dy that given gradients of a linear layer come from.

    Attributes:
        x: what went into the layer, (features,) or (n, features).
        weights: the given gradient of W, (out, in).
        bias: the given gradient of b, (out,).
    """

    x: Array
    weights: Array
    bias: Array

    @cached_property
    def _inputs(self) -> Array:
        """The columns [x 1] as rows: (in + 1, n)."""
        rows = np.atleast_2d(self.x)
        return np.hstack([rows, np.ones((len(rows), 1))]).T

    @cached_property
    def _inverse(self) -> Array:
        return np.linalg.pinv(self._inputs, rcond=_RCOND)

    @cached_property
    def rank(self) -> int:
        """How many numbers of dy show, for each output."""
        return int(np.linalg.matrix_rank(self._inputs, tol=_RCOND * np.linalg.norm(self._inputs, 2)))

    @property
    def told(self) -> int:
        """How many numbers of dy show in all."""
        return self.rank * len(self.bias)

    @property
    def is_told(self) -> bool:
        """Whether not just any dW and db come from some dy: there are more numbers in them than can be chosen."""
        return self.rank < self._inputs.shape[0]

    @cached_property
    def dy(self) -> Array:
        """The dy, or as much of it as shows, in the shape of the layer's output."""
        return self._shaped(self._inverse @ self._given)

    @property
    def is_one(self) -> bool:
        """Whether some dy gives both dW and db, as it always does unless `is_told`."""
        rest = self._inputs @ np.atleast_2d(self.dy) - self._given
        return float(np.linalg.norm(rest)) <= _FITS * float(np.linalg.norm(self._given))

    def seen(self, dy: Array) -> Array:
        """The part that shows of another dy."""
        return self._shaped(self._inverse @ (self._inputs @ np.atleast_2d(dy)))

    @property
    def _given(self) -> Array:
        return np.hstack([self.weights, self.bias[:, None]]).T

    def _shaped(self, dy: Array) -> Array:
        return dy if self.x.ndim > 1 else dy[0]
