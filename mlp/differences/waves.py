"""A wave: steps on entries of several tensors, on their way through the network together.

A large tensor's steps are many waves. But in a small network most of the time would go into calling numpy, so there
all tensors' steps share the calls: whatever has become a stack at some layer goes on from there as one stack.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlp.differences.tensors import Block, Stage
from mlp.nn.arrays import Array
from mlp.nn.changes import PIECE, Change, Columns, Empty, Moved


class Flight(NamedTuple):
    """A change on its way, and which of the wave's steps each part of it is: of shape (i, m) or (k,)."""

    change: Change
    steps: Array


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
    offsets = values.shape[1]
    numbers = np.arange(values.size)
    entering: dict[int, list[Flight]] = {}
    stop = 0
    for tensor, rows, columns in blocks:
        height, width = rows.stop - rows.start, columns.stop - columns.start
        start, stop = stop, stop + height * width
        shape = (height, width, offsets)
        moved = Moved(rows, columns, values[start:stop].reshape(shape), steps[start:stop].reshape(shape))
        flight = _flight(tensor.move(moved), numbers[start * offsets : stop * offsets])
        entering.setdefault(tensor.entry, []).append(flight)
    return entering


def fly(stages: Sequence[Stage], entering: dict[int, list[Flight]], empty: Empty) -> list[tuple[Array, Array]]:
    """Bring all changes to the output of the last stage; small ones that can are joined on the way.

    Returns:
        Stacks of outputs, (*y.shape, k), each with the numbers of its steps, (k,).
    """
    flights: list[Flight] = []
    for index, stage in enumerate(stages):
        if index in entering:
            flights = joined(flights + entering[index])
        flights = [_flight(stage.carry(change, empty), steps) for change, steps in flights]
    flights += entering.get(len(stages), [])
    y = stages[-1].y
    return [
        (change.filled(y, empty) if isinstance(change, Columns) else change, steps.reshape(-1))
        for change, steps in joined(flights)
    ]


def joined(flights: list[Flight]) -> list[Flight]:
    """One flight for all small stacks, and one for all small changes of the same features; large ones stay apart."""
    if len(flights) == 1:
        return flights
    groups: dict[bytes | int, list[Flight]] = {}
    for number, (change, steps) in enumerate(flights):
        kind: bytes | int = change.features.tobytes() if isinstance(change, Columns) else b""
        size = change.values.size if isinstance(change, Columns) else change.size
        groups.setdefault(kind if size <= PIECE else number, []).append(Flight(change, steps))
    return [group[0] if len(group) == 1 else _join(group) for group in groups.values()]


def _join(flights: list[Flight]) -> Flight:
    changes = [flight.change for flight in flights]
    values = np.concatenate([change.values if isinstance(change, Columns) else change for change in changes], axis=-1)
    steps = np.concatenate([flight.steps for flight in flights], axis=-1)
    return Flight(Columns(changes[0].features, values) if isinstance(changes[0], Columns) else values, steps)


def _flight(change: Change, steps: Array) -> Flight:
    return Flight(change, steps.reshape(change.values.shape[-2:] if isinstance(change, Columns) else -1))
