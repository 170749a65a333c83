"""The floor: what no program can go below that computes these differences with these numpy functions.

For the steps on every parameter and input of a tanh network: the same number of np.tanh elements, the same matrix
products and the same additions as `loss_gradients` needs, on arrays that are warm and in blocks of the same size, cut
into the same tiles, which keep BLAS from starting threads of its own. No step is taken, no loss is computed, nothing
is looked up or laid out: only that arithmetic is there.
"""

import threading
from functools import partial
from itertools import pairwise

import numpy as np

from mlp.differences.blocks import BLOCK_ELEMENTS
from mlp.nn.products import LARGEST_PRODUCT, stacked_product

_warm = threading.local()


def floor_tasks(sizes, offsets=2):
    """The blocks of arithmetic for a network of these sizes and one sample, as functions without arguments."""
    tasks = []
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        behind = sizes[layer + 2 :]
        if behind:
            tasks += _tasks((inputs + 1) * outputs * offsets, behind, columns=1)
    return tasks + _tasks(sizes[0] * offsets, sizes[1:], columns=0)


def _tasks(steps, widths, columns):
    """So many steps: a column through tanh, a rank-one change, then tanh and products to the end."""
    block = min(steps, BLOCK_ELEMENTS // max(widths))
    whole, rest = divmod(steps, block)
    return [partial(_arithmetic, block, widths, columns)] * whole + [partial(_arithmetic, rest, widths, columns)] * (
        rest > 0
    )


def _arithmetic(steps, widths, columns):
    column, pair, rows, layers = _arrays(steps, widths)
    for _ in range(columns):
        np.tanh(column, out=column)
    tile = max(1, LARGEST_PRODUCT // (2 * widths[0]))
    for start in range(0, steps, tile):
        np.matmul(pair, rows[:, start : start + tile], out=layers[0][0][:, start : start + tile])
    for (before, _, _), (after, W, b) in pairwise(layers):
        np.tanh(before, out=before)
        np.add(stacked_product(W, before), b, out=after)


def _arrays(steps, widths):
    """This thread's own arrays for so many steps, made at the first use and warm from then on."""
    key = (steps, widths)
    if key not in _warm.__dict__:
        sizes = (0, *widths)
        layers = [
            (np.ones((n, steps)), np.full((n, before), 1e-3), np.full((n, 1), 1e-3)) for before, n in pairwise(sizes)
        ]
        _warm.__dict__[key] = np.ones(steps), np.ones((widths[0], 2)), np.ones((2, steps)), layers
    return _warm.__dict__[key]
