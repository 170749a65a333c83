"""What a network's loss can be differentiated with respect to, and how a step on one of its entries travels.

A step on one weight W[i, j] moves one column of its layer's output. An element-wise activation keeps it one column,
the next linear layer turns it into a rank-one change, and only the layers that remain are run. The layers say all this
about themselves (`apply_parameter`, `apply_columns`, `apply_stack`); here their answers are chained.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlp.differences.methods import Method
from mlp.nn.arrays import Array, as_real
from mlp.nn.changes import Change, Columns, Empty, Moved, as_matrix
from mlp.nn.layers import Layer

INPUT = "x"


class Stage(NamedTuple):
    """One layer of the chain, with its input and output at the point where the derivative is taken."""

    prefix: str
    layer: Layer
    x: Array
    y: Array

    def carry(self, change: Change, empty: Empty) -> Change:
        """Pass a change of this layer's input on to its output."""
        if isinstance(change, Columns):
            return self.layer.apply_columns(change, self.x, self.y, empty)
        return self.layer.apply_stack(change, empty)


@dataclass(frozen=True)
class Tensor:
    """Something to differentiate with respect to: a parameter, or the network's input.

    Attributes:
        name: "fc1.W", or "x".
        shape: that of the tensor itself.
        matrix: its numbers as a matrix, in whose entries the steps are counted.
        offsets: what is added to an entry, shape (o,), complex for a complex step.
        move: from moved entries to the first change that they cause.
        behind: the stages that this change then passes through.
        reach: how many numbers there are in the largest array that a step may change.
    """

    name: str
    shape: tuple[int, ...]
    matrix: Array
    offsets: Array
    move: Callable[[Moved], Change]
    behind: tuple[Stage, ...]
    reach: int

    @property
    def work(self) -> int:
        """An upper bound of the numbers that all steps change in one layer."""
        return self.matrix.size * self.offsets.size * self.reach

    def moved(self, rows: slice, columns: slice) -> Moved:
        """A block of entries with each of the offsets added."""
        base = self.matrix[rows, columns, None]
        values = base + self.offsets
        return Moved(rows, columns, values, values - base)

    def changes(self, moved: Moved, empty: Empty = np.empty) -> Iterator[Change]:
        """The change that the move makes at once, then the change at the output of each stage behind."""
        change = self.move(moved)
        yield change
        for stage in self.behind:
            change = stage.carry(change, empty)
            yield change

    def in_shape(self, results: Array) -> Array:
        """Bring results, one for each entry of the matrix, into the shape of the tensor."""
        if self.name == INPUT and len(self.shape) > 1:
            return np.ascontiguousarray(results.T)
        return results.reshape(self.shape)


def evaluate(network: Layer, x: Array) -> tuple[Stage, ...]:
    """Run the network's layers on x and keep what goes in and comes out of each."""
    stages = []
    for prefix, layer in network.chain().items():
        y = np.asarray(layer.apply(x))
        stages.append(Stage(prefix, layer, x, y))
        x = y
    return tuple(stages)


def tensors(stages: tuple[Stage, ...], eps: float, method: Method) -> Iterator[Tensor]:
    """Every parameter of every layer, then the input.

    Raises:
        ValueError: a tensor is empty.
        TypeError: a tensor is not real.
    """
    for index, stage in enumerate(stages):
        for key, parameter in stage.layer.parameters().items():
            name = f"{stage.prefix}.{key}" if stage.prefix else key
            values = _not_empty(name, as_real(name, parameter))
            offsets = method_offsets(method, eps, values)
            reach = max(behind.y.size for behind in stages[index:])
            mover = _parameter_mover(stage, key)
            yield Tensor(name, values.shape, as_matrix(values), offsets, mover, stages[index + 1 :], reach)
    x = _not_empty(INPUT, stages[0].x)
    matrix = x.T if x.ndim > 1 else x[:, None]  # a row for each feature, a column for each sample
    reach = max(x.size, *(stage.y.size for stage in stages))
    yield Tensor(INPUT, x.shape, matrix, method_offsets(method, eps, x), _input_mover(x), stages, reach)


def method_offsets(method: Method, eps: float, values: Array) -> Array:
    """The method's offsets in the units of the values, and in their precision."""
    dtype = np.result_type(values, np.complex64) if method.is_complex else values.dtype
    return (np.array(method.offsets) * eps).astype(dtype)


def _parameter_mover(stage: Stage, key: str) -> Callable[[Moved], Change]:
    return lambda moved: stage.layer.apply_parameter(key, moved, stage.x, stage.y)


def _input_mover(x: Array) -> Callable[[Moved], Change]:
    def move(moved: Moved) -> Columns:
        features = np.arange(moved.rows.start, moved.rows.stop)
        if x.ndim == 1:
            return Columns(features, moved.values[:, 0])
        # Where a sample is moved stands its new value, in all other samples what stood there before.
        values = np.empty((x.shape[0], *moved.values.shape), moved.values.dtype)
        values[...] = x[:, moved.rows, None, None]
        samples = np.arange(moved.columns.start, moved.columns.stop)
        values[samples, :, np.arange(samples.size)] = moved.values.swapaxes(0, 1)
        return Columns(features, values.reshape(*values.shape[:2], -1))

    return move


def _not_empty(name: str, values: Array) -> Array:
    if values.size == 0:
        raise ValueError(f"{name} must not be empty")
    return values
