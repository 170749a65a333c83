"""Softmax and normalisations along some axes, and the formulas that their derivatives are taken for by mistake."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array

_NEARLY, _LEFT = 1e-2, 1e-9
Axes = tuple[int, ...]


class Along(NamedTuple):
    """A function y of x along some axes on the way back.

    Attributes:
        g: the gradient by y.
        x, y: in one shape, or y with ones for the axes.
        right: the function's own axes.
        other: those that are taken.
        factor: what y is multiplied with after that, which is alike along the axes.
    """

    g: Array
    x: Array
    y: Array
    right: Axes
    other: Axes
    factor: Array


Function = Callable[[Array, Axes], Array]
Formula = Callable[[Along], Array]


def factor_of(functions: Sequence[Function], x: Array, y: Array, axes: Axes) -> Array | None:
    """How many times y is one of some functions of x along these axes, alike along them; None if it is none of them.

    A number that keeps a function from a division by 0 makes no difference.
    """
    if min(x.shape[axis] for axis in axes) < 2:
        return None
    every = [made for function in functions if (made := function(x, axes)).size == y.size]
    size = float(np.linalg.norm(y))
    for made in every:
        if np.linalg.norm(made - y.reshape(made.shape)) <= _NEARLY * size:
            return np.ones_like(_sum(made, axes))
    for made in reversed(every):
        whole = y.reshape(made.shape)
        factor = _sum(whole * made, axes) / _sum(np.square(made), axes)
        if np.linalg.norm(factor * made - whole) <= _LEFT * size:
            return factor
    return None


def _sum(array: Array, axes: Axes) -> Array:
    return np.asarray(array.sum(axis=axes, keepdims=True))


def _mean(array: Array, axes: Axes) -> Array:
    return np.asarray(array.mean(axis=axes, keepdims=True))


def _softmax(x: Array, axes: Axes) -> Array:
    powers = np.exp(x - x.max(axis=axes, keepdims=True))
    return np.asarray(powers / _sum(powers, axes))


def _normalised(x: Array, axes: Axes) -> Array:
    return np.asarray((x - _mean(x, axes)) / x.std(axis=axes, keepdims=True))


def _normalised_back(a: Along) -> Array:
    centred = a.g - _mean(a.g, a.other) - a.y * _mean(a.g * a.y, a.other)
    return np.asarray(centred * a.y / (a.x - _mean(a.x, a.right)))


def _norm(x: Array, axes: Axes) -> Array:
    return np.asarray(np.sqrt(_sum(np.square(x), axes)))


ALONG: tuple[tuple[Sequence[Function], Sequence[tuple[str, Formula]]], ...] = (
    (
        (lambda x, axes: np.log(_softmax(x, axes)),),
        (
            (
                "the logarithm of softmax with the probabilities of one over axis {}",
                lambda a: a.g - _softmax(a.x, a.other) * _sum(a.g, a.right),
            ),
            (
                "the logarithm of softmax with the log-probabilities where the probabilities should stand, before its "
                "sum over axis {}",
                lambda a: a.g - a.y * _sum(a.g, a.other),
            ),
            (
                "the logarithm of softmax with softmax applied twice, over axis {}",
                lambda a: a.g - _softmax(_softmax(a.x, a.other), a.other) * _sum(a.g, a.right),
            ),
            (
                "the logarithm of softmax without the probabilities before its sum over axis {}",
                lambda a: a.g - _sum(a.g, a.other),
            ),
        ),
    ),
    (
        (_softmax,),
        (
            ("softmax with its sum over axis {}", lambda a: a.y * (a.g - _sum(a.g * a.y, a.other))),
            ("softmax whose sum over axis {} lacks the probabilities", lambda a: a.y * (a.g - _sum(a.g, a.other))),
            ("softmax without the probabilities before its sum over axis {}", lambda a: a.g - _sum(a.g * a.y, a.other)),
            ("softmax with a mean over axis {} for its sum", lambda a: a.y * (a.g - _mean(a.g * a.y, a.other))),
        ),
    ),
    (
        (_normalised, lambda x, axes: x / _norm(x, axes)),
        (
            ("a normalisation with its sums over axis {}", _normalised_back),
            (
                "a division by the norm with its sums over axis {}",
                lambda a: (a.g - a.y * _sum(a.g * a.y, a.other)) * a.y / a.x,
            ),
        ),
    ),
    (
        (lambda x, axes: np.log(_sum(np.exp(x), axes)), _norm),
        (
            ("the logarithm of a sum of exponentials over axis {}", lambda a: a.g * _softmax(a.x, a.other)),
            ("a norm over axis {}", lambda a: a.g * a.x / _norm(a.x, a.other)),
        ),
    ),
)
"""By functions: what their derivatives may be taken for, with its name."""
