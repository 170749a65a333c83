"""The floor: what no program can go below that computes these differences with these numpy functions.

For each step on a parameter of a tanh network: the same number of np.tanh elements, the same matrix products and the
same additions as `loss_gradients` needs, on arrays that are warm and in blocks of the same size. No step is taken, no
loss is computed, nothing is looked up or shaped: only the arithmetic is there.
"""

from functools import partial
from itertools import pairwise

import numpy as np

from mlp.differences.blocks import BLOCK_ELEMENTS
from mlp.differences.parallel import run_tasks


def floor_tasks(sizes, offsets=2):
    """The blocks of arithmetic for a network of these sizes and one sample, as functions without arguments."""
    tasks = []
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        tasks += _tasks((inputs + 1) * outputs * offsets, sizes[layer + 2 :], column=True)
    return tasks + _tasks(sizes[0] * offsets, sizes[1:], column=False)


def run_floor(tasks, threads):
    """Run the arithmetic on so many threads."""
    run_tasks(tasks, threads)


def _tasks(steps, widths, column):
    """Blocks for a number of steps: a column through tanh, a rank-one change, then tanh and products to the end."""
    if not widths:
        return []
    block = min(steps, BLOCK_ELEMENTS // max(widths))
    buffers = [np.zeros((width, block)) for width in widths]
    weights = [np.full((after, before), 1e-3) for before, after in pairwise(widths)]
    pair, rows = np.full((widths[0], 2), 1e-3), np.ones((2, block))
    full = partial(_arithmetic, buffers, weights, pair, rows, column)
    return [full] * max(1, round(steps / block))


def _arithmetic(buffers, weights, pair, rows, column):
    buffers = _own(buffers)
    if column:
        np.tanh(rows[0])
    np.matmul(pair, rows, out=buffers[0])
    for W, before, after in zip(weights, buffers[:-1], buffers[1:], strict=True):
        np.tanh(before, out=before)
        np.matmul(before.T, W.T, out=after.T if False else after.T)
        np.add(after, 1e-3, out=after)


def _own(buffers):
    return buffers
