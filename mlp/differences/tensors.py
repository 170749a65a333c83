"""What a network's loss can be differentiated with respect to, and how a step on one of its entries travels.

A step on one weight W[i, j] moves one column of its layer's output. An element-wise activation keeps it one column,
the next linear layer turns it into a rank-one change, and only the layers that remain are run. The layers say all this
about themselves (`apply_parameter`, `apply_columns`, `apply_stack`); here their answers are chained.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array, as_real
from mlp.nn.changes import Change, Columns, Moved, as_matrix
from mlp.nn.layers import Layer
from mlp.nn.problem import INPUT

# A batch whose steps change fewer numbers than this in any layer is moved as a whole, with less ado.
SMALL = 50_000


class Stage(NamedTuple):
    """One layer of the chain, with its input and output at the point where the derivative is taken."""

    prefix: str
    layer: Layer
    x: Array
    y: Array

    def carry(self, change: Change) -> Change:
        """Pass a change of this layer's input on to its output."""
        if isinstance(change, Columns):
            return self.layer.apply_columns(change, self.x, self.y)
        return self.layer.apply_stack(change)


def evaluate(network: Layer, x: Array) -> tuple[Stage, ...]:
    """Run the network's layers on x and keep what goes in and comes out of each."""
    stages = []
    for prefix, layer in network.chain().items():
        y = np.asarray(layer.apply(x))
        stages.append(Stage(prefix, layer, x, y))
        x = y
    return tuple(stages)


class Tensor(NamedTuple):
    """Something to differentiate with respect to: a parameter, or the network's input, or one sample of it.

    Attributes:
        name: "fc1.W", or "x".
        shape: its shape, also if this is only one sample of it.
        see: sees the tensor, or an array of its shape, as the matrix whose entries are moved; never a copy.
        matrix: the numbers themselves, seen so.
        move: from moved entries to the first change that they cause.
        stages: what the changes pass through.
        entry: the number of the first stage whose input that change is; all stages for the last layer's parameters.
        reach: how many numbers the largest array has that a step may change, or that the loss takes.
        sample: where in the batch the change is, if only that sample goes through the network.
    """

    name: str
    shape: tuple[int, ...]
    see: Callable[[Array], Array]
    matrix: Array
    move: Callable[[Moved], Change]
    stages: tuple[Stage, ...]
    entry: int
    reach: int
    sample: int | None = None

    @property
    def outputs(self) -> int:
        """How many numbers the loss takes for one step: all of the network's outputs."""
        return self.stages[-1].y.size * (1 if self.sample is None else self.shape[0])


class Block(NamedTuple):
    """A block of a tensor's matrix, in whose entries steps are taken."""

    tensor: Tensor
    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def of(self, array: Array) -> Array:
        """The block in an array that has the tensor's shape; a view."""
        return self.tensor.see(array)[self.rows, self.columns]

    def entries(self) -> Array:
        """The numbers in the block, one after the other."""
        return self.tensor.matrix[self.rows, self.columns].reshape(-1)


def movable_tensors(stages: tuple[Stage, ...]) -> Iterator[Tensor]:
    """Every parameter of every layer, then the input: in one piece, or sample by sample where that is less work.

    Raises:
        ValueError: a tensor is empty.
        TypeError: a tensor is not real.
    """
    sizes = [stage.y.size for stage in stages]
    for entry, stage in enumerate(stages, start=1):
        reach = max(sizes[entry - 1 :])
        for key, parameter in stage.layer.parameters().items():
            name = f"{stage.prefix}.{key}" if stage.prefix else key
            values = _differentiable(name, parameter)
            move = _parameter_mover(stage, key)
            yield Tensor(name, values.shape, as_matrix, as_matrix(values), move, stages, entry, reach)
    x = _differentiable(INPUT, stages[0].x)
    reach = max(x.size, *sizes)
    if x.ndim == 1:
        yield Tensor(INPUT, x.shape, as_matrix, as_matrix(x), _input_columns, stages, 0, reach)
    elif x.ndim != 2:
        yield Tensor(INPUT, x.shape, as_matrix, as_matrix(x), _entry_mover(x), stages, 0, reach)
    elif x.size * reach > SMALL and all(stage.layer.samples_apart for stage in stages):
        yield from (_sample_tensor(index, stages, max(sizes[-1], reach // len(x))) for index in range(len(x)))
    else:
        yield Tensor(INPUT, x.shape, np.transpose, x.T, _batch_mover(x), stages, 0, reach)


def _sample_tensor(index: int, stages: tuple[Stage, ...], reach: int) -> Tensor:
    def see(batch: Array) -> Array:
        return as_matrix(batch[index])

    alone = tuple(Stage(stage.prefix, stage.layer, stage.x[index], stage.y[index]) for stage in stages)
    return Tensor(INPUT, stages[0].x.shape, see, as_matrix(alone[0].x), _input_columns, alone, 0, reach, index)


def _parameter_mover(stage: Stage, key: str) -> Callable[[Moved], Change]:
    return lambda moved: stage.layer.apply_parameter(key, moved, stage.x, stage.y)


def _input_columns(moved: Moved) -> Change:
    """The rows are the features of a single sample."""
    return Columns(moved.rows, moved.values[:, 0])


def _batch_mover(x: Array) -> Callable[[Moved], Change]:
    """The rows are the features, the columns the samples."""

    def move(moved: Moved) -> Change:
        # Where a sample is moved stands its new value, in all other samples what stood there before.
        values = np.empty((x.shape[0], *moved.values.shape), moved.values.dtype)
        values[...] = x[:, moved.rows, None, None]
        samples = np.arange(x.shape[0])[moved.columns]
        values[samples, :, np.arange(samples.size)] = moved.values.swapaxes(0, 1)
        return Columns(moved.rows, values.reshape(*values.shape[:2], -1))

    return move


def _entry_mover(x: Array) -> Callable[[Moved], Change]:
    """For images and the like: every input in full, with one entry moved."""

    def move(moved: Moved) -> Change:
        count = moved.values.size
        stack = np.empty((*x.shape, count), np.result_type(x, moved.values))
        stack[...] = x[..., None]
        rows, columns, _ = np.ogrid[moved.rows, moved.columns, :1]
        steps = np.arange(count).reshape(moved.values.shape)
        stack.reshape(*as_matrix(x).shape, count)[rows, columns, steps] = moved.values
        return stack

    return move


def _differentiable(name: str, values: Array) -> Array:
    array = as_real(name, values)
    if array.size == 0:
        raise ValueError(f"{name} must not be empty")
    return array
