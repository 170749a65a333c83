"""How much work a tensor's derivatives are, and how to cut it into batches of perturbations that fit the cache."""

from collections.abc import Iterable, Iterator
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.perturbations import values_and_steps
from mlp.differences.tensors import Block, Tensor, evaluate, movable_tensors
from mlp.nn.arrays import Array, as_real
from mlp.nn.changes import Columns, Moved
from mlp.nn.layers import Layer
from mlp.nn.problem import require_network

# Numbers in the largest array of a block: 2 MB of float64, which a core finds in its own cache or in its share of the
# common one. Measured on 784-256-128-10: an eighth of it takes half as long again on one thread and more than twice as
# long on two, because of numpy's overhead of some 30 microseconds a block, in which threads wait for each other; twice
# as much gains next to nothing.
BLOCK_ELEMENTS = 2**18
# With large batches a block holds at least so many steps, lest the inner loops become too short, unless its largest
# array would then take more than 16 MB.
BLOCK_STEPS = 8
MOST_ELEMENTS = 2**21


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


def structured_cost(network: Layer, x: ArrayLike, method: str | Method = CENTRAL) -> Cost:
    """Estimate what `loss_gradients` takes, without computing it.

    Args:
        network: a layer or network.
        x: input of shape (features,) or (n, features).
        method: a method or the name of one in METHODS.

    Raises:
        ValueError, TypeError: x or the method is wrong; the message says how.
    """
    require_network(network)
    stages = evaluate(network, as_real("x", x))
    offsets = np.array(as_method(method).offsets)
    elements = multiplications = 0
    for tensor in movable_tensors(stages):
        cost, _ = entry_cost(tensor, offsets)
        elements += tensor.matrix.size * (cost.elements + offsets.size * stages[-1].y.size)
        multiplications += tensor.matrix.size * cost.multiplications
    return Cost(elements, multiplications)


def entry_cost(tensor: Tensor, offsets: Array) -> tuple[Cost, int]:
    """The cost of one entry's derivative, and the size of the largest array on the way, found by trying one entry.

    That may be what the loss takes: all outputs in full, also where only one of them has changed.
    """
    elements = multiplications = 0
    largest = offsets.size * tensor.outputs
    first = Block(tensor, slice(0, 1), slice(0, 1))
    change = tensor.move(Moved(first.rows, first.columns, *(a[None] for a in values_and_steps([first], offsets))))
    for stage in (None, *tensor.stages[tensor.entry :]):
        if stage is not None:
            if not isinstance(change, Columns):
                multiplications += offsets.size * stage.layer.multiplications(stage.x)
            change = stage.carry(change)
        size = change.values.size if isinstance(change, Columns) else change.size
        elements += size
        largest = max(largest, size)
    return Cost(elements, multiplications), largest


def batches(everything: Iterable[Tensor], offsets: Array) -> list[list[Block]]:
    """Cut tensors into blocks of about BLOCK_ELEMENTS; gather those that even together are small.

    This does not depend on the number of threads, and so neither does the rounding in a matrix product.
    """
    result: list[list[Block]] = []
    room, before = 0, None
    for tensor in everything:
        for block, work in _cut(tensor, offsets):
            kind = (id(tensor.stages), tensor.matrix.dtype)
            if kind != before or work > room:
                result.append([])
                room, before = BLOCK_ELEMENTS, kind
            result[-1].append(block)
            room -= work
    return result


def _cut(tensor: Tensor, offsets: Array) -> Iterator[tuple[Block, int]]:
    """Blocks alike in size, each with the numbers that its steps change in one layer."""
    rows, columns = tensor.matrix.shape
    work = tensor.matrix.size * offsets.size * tensor.reach
    if work <= BLOCK_ELEMENTS:
        yield Block(tensor, slice(0, rows), slice(0, columns)), work
        return
    _, largest = entry_cost(tensor, offsets)
    entries = max(BLOCK_ELEMENTS // largest, min(BLOCK_STEPS // offsets.size, MOST_ELEMENTS // largest), 1)
    width = _even(columns, entries)
    height = _even(rows, max(1, entries // columns))
    for i in range(0, rows, height):
        for j in range(0, columns, width):
            block = Block(tensor, slice(i, min(i + height, rows)), slice(j, min(j + width, columns)))
            yield block, largest * block.shape[0] * block.shape[1]


def _even(length: int, most: int) -> int:
    """The size of the parts if a length is cut evenly into as few as possible, none larger than `most`."""
    return ceil(length / ceil(length / most))
