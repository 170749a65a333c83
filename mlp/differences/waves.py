"""A wave: steps on entries of several tensors, on their way through the network together.

A large tensor's steps are many waves. But in a small network most of the time would go into calling numpy, so there
all tensors' steps share the calls: whatever has become a stack at some layer goes on from there as one stack.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mlp.differences.tensors import Block, Stage
from mlp.nn.arrays import Array
from mlp.nn.changes import Change, Columns, Empty, Moved


class Flight(NamedTuple):
    """A change on its way, and which of the wave's steps each part of it is: of shape (i, m) or (k,)."""

    change: Change
    steps: Array

    def through(self, stage: Stage, empty: Empty) -> "Flight":
        """The change at the output of a stage that it came to as input."""
        return _flight(stage.carry(self.change, empty), self.steps)


def values_and_steps(blocks: Sequence[Block], offsets: Array) -> tuple[Array, Array]:
    """Every entry with each of the offsets added, in the entries' own precision, and what that really added.

    Returns:
        Two arrays of shape (entries, offsets), complex for complex offsets.
    """
    entries = np.concatenate([block.entries() for block in blocks])[:, None]
    dtype = np.result_type(entries, np.complex64) if offsets.dtype.kind == "c" else entries.dtype
    values = np.add(entries, offsets, dtype=dtype)
    return values, values - entries


def moves(blocks: Sequence[Block], values: Array, steps: Array) -> dict[int, list[Flight]]:
    """The first change that each block's steps make, by the number of the stage that it comes to."""
    numbers = np.arange(values.size)
    entering: dict[int, list[Flight]] = {}
    start = 0
    for block in blocks:
        height, width = block.shape
        stop = start + height * width
        shape = (height, width, values.shape[1])
        moved = Moved(block.rows, block.columns, values[start:stop].reshape(shape), steps[start:stop].reshape(shape))
        change = block.tensor.move(moved)
        which = numbers[start * values.shape[1] : stop * values.shape[1]]
        entering.setdefault(block.tensor.entry, []).append(_flight(change, which))
        start = stop
    return entering


def fly(stages: Sequence[Stage], entering: dict[int, list[Flight]], empty: Empty) -> list[Flight]:
    """Bring all changes to the output of the last stage; those that can are joined on the way."""
    flights: list[Flight] = []
    for index, stage in enumerate(stages):
        flights = [flight.through(stage, empty) for flight in _joined(flights + entering.get(index, []))]
    return _joined(flights + entering.get(len(stages), []))


def _flight(change: Change, steps: Array) -> Flight:
    return Flight(change, steps.reshape(change.values.shape[-2:] if isinstance(change, Columns) else -1))


def _joined(flights: Iterable[Flight]) -> list[Flight]:
    """One flight for all stacks, and one for all changes of the same features."""
    groups: dict[bytes, list[Flight]] = {}
    for flight in flights:
        key = flight.change.features.tobytes() if isinstance(flight.change, Columns) else b""
        groups.setdefault(key, []).append(flight)
    return [group[0] if len(group) == 1 else _join(group) for group in groups.values()]


def _join(flights: list[Flight]) -> Flight:
    steps = np.concatenate([flight.steps for flight in flights], axis=-1)
    changes = [flight.change for flight in flights]
    values = np.concatenate([_numbers(change) for change in changes], axis=-1)
    return Flight(Columns(changes[0].features, values) if isinstance(changes[0], Columns) else values, steps)


def _numbers(change: Change) -> Array:
    return change.values if isinstance(change, Columns) else change
