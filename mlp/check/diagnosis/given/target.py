"""The target that a dy at the output stands for, and how it differs from the right one."""

from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.given.gradients import Backward, Setup
from mlp.nn.arrays import Array

_NEAR = 1e-6
_MOST_LISTED = 32


def implied_target(setup: Setup, right: Backward, dy: Array) -> str:
    """How the target differs for which the loss gives this dy, in words; "" if it does so in no usual way.

    Some target explains any dy of many a loss, so that there is one says nothing by itself.
    """
    other = _solved(setup, right, dy)
    tolerance = _tolerance(setup)
    if other is None or np.max(np.abs(other - setup.target)) <= tolerance:
        return ""
    return next(_differences(other, setup.target, tolerance), "")


def order_of_samples(setup: Setup, right: Backward, dy: Array) -> list[int]:
    """The order of the target's samples for which the loss gives this dy; empty if there is none."""
    other = _solved(setup, right, dy)
    return _order(other, setup.target, _tolerance(setup)) if other is not None and other.ndim > 1 else []


def _tolerance(setup: Setup) -> float:
    return _NEAR * max(1.0, float(np.max(np.abs(setup.target))))


def _solved(setup: Setup, right: Backward, dy: Array) -> Array | None:
    """The target, if the loss is linear in it and gives back this dy."""
    y, t = right.visits[-1].y, setup.target
    moved = np.zeros(t.shape)
    moved[..., 0], moved[..., -1] = 1e-3, -1e-3  # no sum changes, so that it may be probabilities
    rate = np.max(np.abs(setup.loss.gradient(y, t + moved) - right.dy)) / 1e-3
    if not rate > 0:
        return None
    other: Array = t - (dy - right.dy) / rate
    size = np.max(np.abs(dy)) + np.max(np.abs(right.dy))
    is_given_back = np.max(np.abs(setup.loss.gradient(y, other) - dy)) <= _NEAR * size
    return other if is_given_back else None


def _differences(other: Array, t: Array, tolerance: float) -> Iterator[str]:
    """What can be said of two targets, that which says most first."""
    is_other = np.abs(other - t) > tolerance
    index = tuple(int(i) for i in np.argwhere(is_other)[0])
    seen = f", at {list(index)} {other[index]:.4g} instead of {t[index]:.4g}"
    lines = (("samples", 0), ("columns", 1)) if t.ndim > 1 else (("entries", 0),)
    are_classes = set(np.unique(t)) == {0.0, 1.0}
    for name, axis in lines:
        order = _order(np.moveaxis(other, axis, 0), np.moveaxis(t, axis, 0), tolerance)
        if order and (len(set(order)) == len(order) or not are_classes):  # any classes are some rows of the target
            yield f"with the {name} of the target in the order {order}"
    if are_classes and np.all((np.abs(other) <= tolerance) | (np.abs(other - 1) <= tolerance)):
        yield f"with other classes for {_listed(is_other, 0)} as target{seen}"
    for axis in range(t.ndim):
        if 2 * np.sum(_lines(is_other, axis)) <= t.shape[axis]:
            yield f"with another target for {_listed(is_other, axis)}{seen}"


def _order(other: Array, t: Array, tolerance: float) -> list[int]:
    """The order in which the rows of t make the other one, each row once if that is possible; empty if they do not."""
    other, t = other.reshape(len(other), -1), t.reshape(len(t), -1)
    order: list[int] = []
    for row in other[: _MOST_LISTED + 1]:
        alike = np.flatnonzero(np.max(np.abs(t - row), axis=1) <= tolerance).tolist()
        order += [k for k in alike if k not in order][:1] or alike[:1]
    return order if len(order) == len(other) <= _MOST_LISTED else []


def _lines(is_other: Array, axis: int) -> Array:
    """Which slices along an axis hold something other."""
    return np.any(np.moveaxis(is_other, axis, 0).reshape(is_other.shape[axis], -1), axis=1)


def _listed(is_other: Array, axis: int) -> str:
    numbers = np.flatnonzero(_lines(is_other, axis)).tolist()
    name = "sample" if is_other.ndim > 1 and axis == 0 else "output"
    shown = ", ".join(str(number) for number in numbers[:8]) + (", ..." if len(numbers) > 8 else "")
    return f"{name}{'s' if len(numbers) > 1 else ''} {shown}"
