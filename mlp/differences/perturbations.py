"""A batch of perturbations: steps on entries of several tensors, propagated through the network together.

A large tensor's steps are many batches. But in a small network most of the time would go into calling numpy, so there
all tensors' steps share the calls: whatever has become a stack at some layer goes on from there as one stack.
"""

from collections.abc import Sequence

import numpy as np

from mlp.differences.tensors import Block, Stage
from mlp.nn.arrays import Array
from mlp.nn.changes import Change, Columns, Moved

# Arrays of more numbers than this are not joined with others: copying them would cost more than another call saves.
SMALL = 16_000

Perturbation = tuple[Change, Array]
"""What some steps change at one layer, and the numbers of these steps in the batch, shape (k,)."""


def values_and_steps(blocks: Sequence[Block], offsets: Array) -> tuple[Array, Array]:
    """Every entry with each of the offsets added, in the entries' own precision, and what that really added.

    Returns:
        Two arrays of shape (entries, offsets), complex for complex offsets.
    """
    entries = np.concatenate([block.entries() for block in blocks])[:, None]
    dtype = np.result_type(entries, np.complex64) if offsets.dtype.kind == "c" else entries.dtype
    values = np.add(entries, offsets, dtype=dtype)
    return values, values - entries


def perturbations(blocks: Sequence[Block], values: Array, steps: Array) -> dict[int, list[Perturbation]]:
    """The first change that each block's steps make, by the number of the stage that it comes to."""
    offsets = values.shape[1]
    numbers = np.arange(values.size)
    entering: dict[int, list[Perturbation]] = {}
    stop = 0
    for tensor, rows, columns in blocks:
        height, width = rows.stop - rows.start, columns.stop - columns.start
        start, stop = stop, stop + height * width
        shape = (height, width, offsets)
        moved = Moved(rows, columns, values[start:stop].reshape(shape), steps[start:stop].reshape(shape))
        perturbation = (tensor.move(moved), numbers[start * offsets : stop * offsets])
        entering.setdefault(tensor.entry, []).append(perturbation)
    return entering


def propagate(stages: Sequence[Stage], entering: dict[int, list[Perturbation]]) -> list[tuple[Array, Array]]:
    """Propagate all changes to the output of the last stage; small ones that can are joined on the way.

    Returns:
        Stacks of outputs, (*y.shape, k), each with the numbers of its steps, (k,).
    """
    under_way: list[Perturbation] = []
    for index, stage in enumerate(stages):
        if index in entering:
            under_way = _joined(under_way + entering[index])
        under_way = [(stage.carry(change), steps) for change, steps in under_way]
    under_way += entering.get(len(stages), [])
    y = stages[-1].y
    stacks = [(change.filled(y) if isinstance(change, Columns) else change, steps) for change, steps in under_way]
    return [_concatenated(stacks)] if sum([stack.size for stack, _ in stacks]) <= SMALL else stacks


def _joined(under_way: list[Perturbation]) -> list[Perturbation]:
    """Join all small stacks, and all small changes of the same features; large ones stay apart."""
    if len(under_way) == 1:
        return under_way
    result: list[Perturbation] = []
    stacks: list[tuple[Array, Array]] = []
    columns: dict[tuple[int, int], list[tuple[Array, Array]]] = {}
    for change, steps in under_way:
        if steps.size > SMALL or (not isinstance(change, Columns) and change.size > SMALL):
            result.append((change, steps))
        elif isinstance(change, Columns):
            steps_of_values = steps.reshape(change.values.shape[-2:])
            features = (change.features.start, change.features.stop)
            columns.setdefault(features, []).append((change.values, steps_of_values))
        else:
            stacks.append((change, steps))
    if stacks:
        result.append(_concatenated(stacks))
    for (start, stop), group in columns.items():
        values, steps = _concatenated(group)
        result.append((Columns(slice(start, stop), values), steps.reshape(-1)))
    return result


def require_complex(array: Array) -> None:
    """Raise a TypeError if this is real, though a complex step has led to it."""
    if array.dtype.kind != "c":
        raise TypeError(
            f"a complex step needs a network and a loss that return complex numbers for complex ones, but somewhere "
            f"they returned {array.dtype}; take a real method such as central"
        )


def _concatenated(pairs: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    if len(pairs) == 1:
        return pairs[0]
    firsts, seconds = zip(*pairs, strict=True)
    if len({first.dtype.kind for first in firsts}) > 1:
        for first in firsts:  # one by one: together they would all become complex
            require_complex(first)
    return np.concatenate(firsts, axis=-1), np.concatenate(seconds, axis=-1)
