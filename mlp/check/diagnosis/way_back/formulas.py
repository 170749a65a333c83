"""Softmax and normalisations along some axes, and the formulas that their derivatives are taken for by mistake."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array

_NEARLY = 1e-2
Axes = tuple[int, ...]


class Along(NamedTuple):
    """A function y of x along some axes on the way back: the gradient by y, the function's own axes, and others."""

    g: Array
    x: Array
    y: Array
    right: Axes
    other: Axes


Function = Callable[[Array, Axes], Array]
Formula = Callable[[Along], Array]


def is_one_of(functions: Sequence[Function], x: Array, y: Array, axes: Axes) -> bool:
    """Whether y is one of some functions of x along these axes, but for a number that keeps it from a division by 0."""
    return any(np.linalg.norm(function(x, axes) - y) <= _NEARLY * np.linalg.norm(y) for function in functions)


def _sum(array: Array, axes: Axes) -> Array:
    return np.asarray(array.sum(axis=axes, keepdims=True))


def _mean(array: Array, axes: Axes) -> Array:
    return np.asarray(array.mean(axis=axes, keepdims=True))


def _softmax(x: Array, axes: Axes) -> Array:
    powers = np.exp(x - x.max(axis=axes, keepdims=True))
    return np.asarray(powers / _sum(powers, axes))


def _normalised(x: Array, axes: Axes) -> Array:
    return np.asarray((x - _mean(x, axes)) / x.std(axis=axes, keepdims=True))


def _normalised_back(a: Along, first: Axes, second: Axes) -> Array:
    """With the mean of dy and that of dy times y over these axes."""
    centred = a.g - _mean(a.g, first) - a.y * _mean(a.g * a.y, second)
    return np.asarray(centred * a.y / (a.x - _mean(a.x, a.right)))


ALONG: tuple[tuple[Sequence[Function], Sequence[tuple[str, Formula]]], ...] = (
    (
        (_softmax, lambda x, axes: np.log(_softmax(x, axes))),
        (
            ("softmax with its sums over axis {}", lambda a: a.y * (a.g - _sum(a.g * a.y, a.other))),
            ("the logarithm of softmax with its sums over axis {}", lambda a: a.g - np.exp(a.y) * _sum(a.g, a.other)),
            (
                "softmax, and not of its logarithm, with its sums over axis {}",
                lambda a: np.exp(a.y) * (a.g - _sum(a.g * np.exp(a.y), a.other)),
            ),
            (
                "the logarithm of softmax, but with y where exp(y) should stand, with its sums over axis {}",
                lambda a: a.g - a.y * _sum(a.g, a.other),
            ),
            (
                "softmax with the probabilities before its sum those of one over axis {}",
                lambda a: a.y * a.g - _softmax(a.x, a.other) * _sum(a.g * a.y, a.right),
            ),
            (
                "the logarithm of softmax with the probabilities of one over axis {}",
                lambda a: a.g - _softmax(a.x, a.other) * _sum(a.g, a.right),
            ),
        ),
    ),
    (
        (
            _normalised,
            lambda x, axes: x / np.sqrt(_mean(np.square(x), axes)),
            lambda x, axes: x / np.sqrt(_sum(np.square(x), axes)),
        ),
        (
            ("a normalisation with its sums over axis {}", lambda a: _normalised_back(a, a.other, a.other)),
            ("a normalisation with the mean of dy over axis {}", lambda a: _normalised_back(a, a.other, a.right)),
            (
                "a normalisation with the mean of dy times y over axis {}",
                lambda a: _normalised_back(a, a.right, a.other),
            ),
            (
                "a division by the root mean square with its sums over axis {}",
                lambda a: (a.g - a.y * _mean(a.g * a.y, a.other)) * a.y / a.x,
            ),
            (
                "a division by the norm with its sums over axis {}",
                lambda a: (a.g - a.y * _sum(a.g * a.y, a.other)) * a.y / a.x,
            ),
        ),
    ),
)
"""By functions: what their derivatives may be taken for, with its name."""
