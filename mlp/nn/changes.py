"""What a small step moves, and what it leaves alone: how layers tell each other that only one feature changed.

Many steps are tried at once. They are stacked on the last axis: for an array of shape (features,) or (n, features) a
stack of k changed ones has shape (features, k) or (n, features, k). With the steps side by side in memory, numpy's
inner loops are long however narrow a layer is, and a linear layer takes the whole stack in one matrix product.
"""

from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array


class Columns(NamedTuple):
    """A stack of arrays that differ from a known one in a single feature each: one column of the batch.

    Attributes:
        features: which i features in a row change.
        values: what stands there in each of m trials, shape (i, m) for one sample, (n, i, m) for a batch of n. The
            whole stack is of k = i m arrays, those of the first feature first.
    """

    features: slice
    values: Array

    def filled(self, base: Array) -> Array:
        """Write the stack out in full: `base`, of shape (..., features), with one feature replaced in each copy."""
        count, trials = self.values.shape[-2:]
        stack = np.empty((*base.shape, count, trials), np.result_type(base, self.values))
        stack[...] = base[..., None, None]
        numbers = np.arange(count)
        stack[..., self.features.start + numbers, numbers, :] = self.values
        return stack.reshape(*base.shape, count * trials)


Change = Columns | Array
"""Columns where one feature changed, else the stack written out in full."""


class Moved(NamedTuple):
    """Entries of a parameter, each moved by several offsets, one entry at a time.

    The parameter is seen as a matrix: its first axis against all others; a vector is a matrix of one column.

    Attributes:
        rows, columns: which i rows and j columns of that matrix are moved.
        values: what stands in each entry, for o offsets: shape (i, j, o).
        steps: the values minus what the parameter has there.
    """

    rows: slice
    columns: slice
    values: Array
    steps: Array


def as_matrix(parameter: Array) -> Array:
    """See a parameter as a matrix, its first axis against all others."""
    if parameter.ndim == 2:
        return parameter
    return parameter.reshape(parameter.shape[0] if parameter.ndim else 1, -1)


def forget_inherited(cls: type, base: type, rule: str, consequences: tuple[str, ...]) -> None:
    """Give a class that rewrites `rule` the base's `consequences` again, except those that it rewrites as well.

    What a class says about its own `apply` does not hold for a subclass with another one.
    """
    order = {name: index for index, ancestor in reversed(list(enumerate(cls.__mro__))) for name in vars(ancestor)}
    for name in consequences:
        if order[name] > order[rule]:
            setattr(cls, name, vars(base)[name])
