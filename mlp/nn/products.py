"""The two matrix products of structured differences, each over a stack of many steps at once.

A stack has its steps on the last axis (see `mlp.nn.changes`), and a batch its samples on the first.
"""

from collections.abc import Iterator

import numpy as np

from mlp.nn.arrays import Array

# OpenBLAS, which numpy brings along, runs a product of more multiplications than this in threads of its own. Beside
# the threads in which the steps are computed they are in each other's way, at worst twentyfold on a busy machine.
LARGEST_PRODUCT = 2**18
# Tiles of fewer outputs, or of fewer steps as long as outputs can be spared, are slow for their size.
FEW_OUTPUTS, FEW_STEPS = 32, 64
# Fewer numbers than this are sooner multiplied and added than laid out for a matrix product that does both.
FEW_NUMBERS = 4096


def stacked_product(W: Array, xs: Array) -> Array:
    """W x for each x of a stack, in tiles of at most LARGEST_PRODUCT multiplications.

    It is computed as x^T W^T, which takes BLAS half the time if the outputs are few and the steps many.

    Args:
        W: matrix of shape (outputs, features).
        xs: shape (features, k) or (n, features, k).

    Returns:
        Shape (outputs, k) or (n, outputs, k), but with the outputs side by side in memory.
    """
    if xs.dtype.kind == "c" and W.dtype.kind != "c":
        return _of_both_parts(W, xs)
    outputs, features = W.shape
    lead, k = xs.shape[:-2], xs.shape[-1]
    product = np.empty((*lead, k, outputs), np.result_type(W, xs))
    height = min(outputs, max(FEW_OUTPUTS, LARGEST_PRODUCT // (FEW_STEPS * features)))
    width = max(1, LARGEST_PRODUCT // (height * features))
    steps_first = xs.swapaxes(-1, -2)
    if k <= width and height == outputs:
        np.matmul(steps_first, W.T, out=product)
        return product.swapaxes(-1, -2)
    for steps, p in _tiles(k, width):
        left = steps_first[..., steps, :].reshape(*lead, -1, 1, p, features)
        for rows, q in _tiles(outputs, height):
            right = W[rows].reshape(-1, q, features).swapaxes(-1, -2)
            out = product[..., steps, rows].reshape(*lead, -1, p, right.shape[0], q).swapaxes(-3, -2)
            np.matmul(left, right, out=out)
    return product.swapaxes(-1, -2)


def _of_both_parts(W: Array, xs: Array) -> Array:
    """The product of a real matrix and complex stacks as one of real numbers, with twice the steps.

    That is half the multiplications. And a complex product leaves the upper halves of the processor's vector registers
    in use, which makes exp and tanh of complex numbers after it take 25 times as long (OpenBLAS on AVX-512).
    """
    parts = stacked_product(W, np.ascontiguousarray(xs).view(xs.real.dtype))
    product = np.empty((*xs.shape[:-2], xs.shape[-1], W.shape[0]), np.result_type(W, xs)).swapaxes(-1, -2)
    product.real, product.imag = parts[..., ::2], parts[..., 1::2]
    return product


def rank_one(y: Array, columns: Array, delta: Array) -> Array:
    """y plus a column times a number, for i columns and m numbers with each.

    Args:
        y: shape (outputs,) or (n, outputs).
        columns: shape (outputs, i).
        delta: shape (i, m) or (n, i, m).

    Returns:
        Shape (outputs, i m) or (n, outputs, i m).
    """
    dtype = np.result_type(delta, columns, y)
    ys = np.empty((*y.shape, *delta.shape[-2:]), dtype)
    if ys.size < FEW_NUMBERS or dtype.kind == "c":  # of complex numbers a matrix product is slow: see _of_both_parts
        np.multiply(columns[..., None], delta[..., None, :, :], out=ys)
        ys += y[..., None, None]
        return ys.reshape(*y.shape, -1)
    # As the product of the matrix (column, y) and the rows (number, 1), which goes over the memory once, not twice.
    left = np.empty((*delta.shape[:-1], y.shape[-1], 2), dtype)
    left[..., 0] = columns.T
    left[..., 1] = y[..., None, :]
    right = np.ones((*delta.shape[:-1], 2, delta.shape[-1]), dtype)
    right[..., 0, :] = delta
    for trials, m in _tiles(delta.shape[-1], max(1, LARGEST_PRODUCT // (2 * y.shape[-1]))):
        tiles = right[..., trials].reshape(*right.shape[:-1], -1, m).swapaxes(-3, -2)
        out = ys[..., trials].reshape(*ys.shape[:-1], -1, m)
        np.matmul(left[..., None, :, :], tiles, out=np.moveaxis(out, -4, -2))
    return ys.reshape(*y.shape, -1)


def _tiles(length: int, tile: int) -> Iterator[tuple[slice, int]]:
    """Cut a length into a part that is a multiple of `tile` and the rest, each with the size of its tiles."""
    even = length - length % tile
    if even:
        yield slice(0, even), tile
    if even < length:
        yield slice(even, length), length - even
