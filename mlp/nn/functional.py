"""The formulas without any state: the linear map with its gradients, and stable scalar functions.

The scalar functions take real or complex arrays. On complex ones they branch on the real part only, so that
each branch is analytic and a complex step (Im f(x + ih) / h) finds the derivative of the branch that is taken.
"""

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_numbers, as_real, require_features, require_shape


def linear_forward(x: ArrayLike, W: Array, b: Array) -> Array:
    """Compute y = W x + b, for one sample or for each row of a batch.

    Args:
        x: input of shape (in_features,) or (n, in_features).
        W: weight matrix of shape (out_features, in_features).
        b: bias of shape (out_features,).

    Returns:
        y of shape (out_features,) or (n, out_features).

    Raises:
        ValueError: the shapes do not fit together.
        TypeError: one of them holds no numbers.
    """
    x, W, b = as_numbers("x", x), as_numbers("W", W), as_numbers("b", b)
    _require_linear(x, W, b)
    return x @ W.T + b


def linear_backward(dy: ArrayLike, x: ArrayLike, W: Array, b: Array) -> tuple[Array, Array, Array]:
    """Propagate the gradient of a scalar c backward through y = W x + b.

    With row vectors for gradients: dx = dy W, dW = dy^T x and db = dy, the last two summed over the batch.

    Args:
        dy: gradient of c with respect to y, shape (out_features,) or (n, out_features).
        x: the input of the forward pass, shape (in_features,) or (n, in_features).
        W: weight matrix of shape (out_features, in_features).
        b: bias of shape (out_features,).

    Returns:
        dx, dW, db in the shapes of x, W and b.

    Raises:
        ValueError: the shapes do not fit together.
        TypeError: one of them is not real.
    """
    dy, x, W, b = as_real("dy", dy), as_real("x", x), as_real("W", W), as_real("b", b)
    _require_linear(x, W, b)
    require_shape("dy", dy, (*x.shape[:-1], W.shape[0]))
    dx = dy @ W
    if x.ndim == 1:
        return dx, np.outer(dy, x), dy.copy()
    return dx, dy.T @ x, dy.sum(axis=0)


def _require_linear(x: Array, W: Array, b: Array) -> None:
    if np.ndim(W) != 2:
        raise ValueError(f"W must have shape (out_features, in_features), not {np.shape(W)}")
    require_shape("b", b, W.shape[:1])
    require_features("x", x, W.shape[1])


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), with exp only ever taken of numbers whose real part is not positive."""
    small = np.exp(-magnitude(x))
    return np.where(x.real >= 0, 1.0, small) / (1.0 + small)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which neither overflows nor loses the small values."""
    return relu(x) + np.log1p(np.exp(-magnitude(-x)))


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.where(x.real > 0, x, 0)


def log_softmax(y: Array, axis: int = -1) -> Array:
    """log(exp(y_i) / sum_j exp(y_j)) along an axis, as y_i - y_m - log(1 + sum of exp(y_j - y_m) over the others).

    y_m is the largest. The one is kept out of the sum, so that the logarithm of a probability near 1 is right to the
    last digits and not just to 1e-16.
    """
    largest = _largest(y, axis)
    top = np.expand_dims(y[largest], axis)
    shifted = y - (_reference(y, top, axis) if np.iscomplexobj(y) else top)
    terms = np.exp(shifted)
    terms[largest] = np.expm1(shifted[largest])
    return shifted - np.log1p(np.add.reduce(terms, axis=axis, keepdims=True))


def _largest(y: Array, axis: int) -> tuple[Array, ...]:
    """Where the largest along an axis is, for each place on all the others, as an index into y."""
    place = y.real.argmax(axis=axis)
    if place.ndim == 1 and axis == -1:
        return np.arange(len(place)), place
    index = [*np.indices(place.shape, sparse=True)]
    index.insert(axis % y.ndim, place)
    return tuple(index)


def _reference(y: Array, top: Array, axis: int) -> Array:
    """What log_softmax subtracts of a complex y: y_m, and of one that holds half the probability at most its real part.

    With y_m a complex step moves all others instead of it, which is right to the last digits where y_m is nearly sure,
    and loses some where the others are many: their parts of the derivative then cancel down to that of y_m.
    """
    others = np.exp(y.real - top.real).sum(axis=axis, keepdims=True) - 1
    return np.where(others < 1, top, top.real)


def magnitude(x: Array) -> Array:
    """|x|. Not np.abs: on complex numbers that is the modulus, which has no complex derivative."""
    return np.where(x.real >= 0, x, -x)
