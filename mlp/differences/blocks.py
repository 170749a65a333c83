"""How much work a tensor's derivatives are, and how to cut it into blocks that fit the cache."""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.tensors import Tensor, evaluate, tensors
from mlp.nn.arrays import Array, as_real
from mlp.nn.changes import Columns
from mlp.nn.layers import Layer

# Numbers in the largest array of a block: 1 MB of float64, which today's processors keep in a second-level cache or
# in one core's share of the third. Measured on 784-256-128-10: with a quarter of it numpy's overhead of some 30
# microseconds a block, in which threads wait for each other, takes half as long again; more gains nothing.
BLOCK_ELEMENTS = 131_072
# With large batches a block holds at least so many steps, lest the inner loops become too short.
BLOCK_STEPS = 16


class Cost(NamedTuple):
    """What some derivatives take.

    Attributes:
        elements: numbers computed one by one, such as values of an activation.
        multiplications: those in matrix products, of which a processor does some 16 in the time of one element.
    """

    elements: int
    multiplications: int

    @property
    def work(self) -> float:
        """Both in one number, in units of elements: about a nanosecond each on one core with tanh and float64."""
        return self.elements + self.multiplications / 16


class Block(NamedTuple):
    """A block of a tensor's matrix."""

    rows: slice
    columns: slice


def structured_cost(network: Layer, x: ArrayLike, method: str | Method = CENTRAL) -> Cost:
    """Estimate what `loss_gradients` takes, without computing it.

    Args:
        network: a layer or network.
        x: input of shape (features,) or (n, features).
        method: a method or the name of one in METHODS.

    Raises:
        ValueError, TypeError: x or the method is wrong; the message says how.
    """
    stages = evaluate(network, as_real("x", x))
    offsets = np.array(as_method(method).offsets)
    elements = multiplications = 0
    for tensor in tensors(stages):
        cost, _ = entry_cost(tensor, offsets)
        elements += tensor.matrix.size * (cost.elements + offsets.size * stages[-1].y.size)
        multiplications += tensor.matrix.size * cost.multiplications
    return Cost(elements, multiplications)


def entry_cost(tensor: Tensor, offsets: Array) -> tuple[Cost, int]:
    """The cost of one entry's derivative, and the size of the largest array on the way, found by trying one entry."""
    elements = multiplications = largest = 0
    before = None
    for index, change in enumerate(tensor.changes(tensor.moved(slice(0, 1), slice(0, 1), offsets))):
        size = change.values.size if isinstance(change, Columns) else change.size
        elements += size
        largest = max(largest, size)
        if before is not None and not isinstance(before, Columns):
            stage = tensor.behind[index - 1]
            multiplications += offsets.size * stage.layer.multiplications(stage.x)
        before = change
    return Cost(elements, multiplications), largest


def most_work(tensor: Tensor, offsets: Array) -> int:
    """An upper bound of the numbers that all steps on a tensor change in one layer."""
    return tensor.matrix.size * offsets.size * tensor.reach


def cut(tensor: Tensor, offsets: Array) -> Iterator[Block]:
    """Cut a tensor's matrix into blocks of about BLOCK_ELEMENTS, alike in size.

    The blocks do not depend on the number of threads, and so neither does the rounding in a matrix product.
    """
    rows, columns = height, width = tensor.matrix.shape
    if most_work(tensor, offsets) > BLOCK_ELEMENTS:
        _, largest = entry_cost(tensor, offsets)
        entries = max(BLOCK_ELEMENTS // largest, BLOCK_STEPS // offsets.size, 1)
        width = _even(columns, entries)
        height = _even(rows, max(1, entries // columns))
    for i in range(0, rows, height):
        for j in range(0, columns, width):
            yield Block(slice(i, min(i + height, rows)), slice(j, min(j + width, columns)))


def _even(length: int, most: int) -> int:
    """The size of the parts if a length is cut evenly into as few as possible, none larger than `most`."""
    return ceil(length / ceil(length / most))
