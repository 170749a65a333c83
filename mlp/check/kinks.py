"""Steps that cross a corner, or that are longer than the function is wide: what one-sided slopes show of them.

The activation pattern of a network is, for every unit of a layer with a corner (ReLU, LeakyReLU, |x|, and the loss
for Huber), on which side of the corner it stands. Where it is not the same at all points of a step as in the middle,
the numerical derivative is a mixture of two slopes, and backward's is one of them (or any number between, exactly in
the corner).

A layer that somebody else wrote does not say where its corners are. There the two one-sided slopes are taken at
smaller and smaller steps, each a quarter of the one before, as far down as rounding lets them be seen. Of a smooth
function their gap is f'' h, and a quarter of the step leaves a quarter of it. In a corner the gap stays, however small
the step; beside one it vanishes all at once, as soon as the step no longer reaches the corner. A smooth function that
is narrower than the step, such as a tanh whose input moves by 30, shows neither, or falls flat at once: there the
smallest step tells the derivative that the larger ones missed, and how large a truncation error they hide.

Each entry costs a few evaluations of the network, so only entries that look suspicious are examined, and of those no
more than can be afforded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mlp.check.evaluation_point import EvaluationPoint, Index
from mlp.check.verdict import GROSS
from mlp.differences.methods import CENTRAL, optimal_step
from mlp.nn.arrays import Array

_LARGEST_PROBE = 1e-3
# How much a slope may bend within the small step, relatively.
_BEND = 1e-3
# Quarters of a step: the last one is some 65,000 times smaller than the first.
_ZOOMS = 9


@dataclass(frozen=True)
class Kink:
    """A corner within the step of one entry.

    Attributes:
        index: the entry.
        layer: the layer (or "loss") whose unit changes sides; "" if it was found from the slopes alone.
        left, right: the one-sided derivatives (f(x) - f(x - s)) / s and (f(x + s) - f(x)) / s.
        explained: whether the analytical derivative is one that the corner allows: between the one-sided ones of a
            small step, which are the same number unless the point stands in the corner itself.
    """

    index: Index
    layer: str
    left: float
    right: float
    explained: bool

    @property
    def sentence(self) -> str:
        """What happened, for a person to read."""
        where = f"a corner of {self.layer}" if self.layer else "a corner of some layer"
        return (
            f"The step at entry {list(self.index)} crosses {where}: the slope is {self.left:.4g} to the left and "
            f"{self.right:.4g} to the right, and the numerical value mixes the two."
        )


@dataclass(frozen=True)
class Narrow:
    """A smooth function that is narrower than the step of one entry.

    Attributes:
        index: the entry.
        step: one that is small enough.
        slope: the derivative that it shows.
        error: how far off that may be for rounding.
    """

    index: Index
    step: float
    slope: float
    error: float


class Slopes(NamedTuple):
    """The one-sided derivatives at one step."""

    step: float
    left: float
    right: float

    @property
    def gap(self) -> float:
        """How far apart they are."""
        return abs(self.right - self.left)

    @property
    def size(self) -> float:
        """The larger of the two."""
        return max(abs(self.left), abs(self.right))

    @property
    def slope(self) -> float:
        """The derivative that they show together."""
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class _Loss:
    """The loss as a function of one tensor, at the point and around it."""

    function: Callable[[Array], float]
    tensor: Array

    @cached_property
    def value(self) -> float:
        """The loss at the point itself."""
        return self.function(self.tensor)

    def slopes(self, index: Index, step: float) -> tuple[float, float]:
        """The one-sided derivatives by one entry; NaN where the step is lost in rounding."""
        left, right = _shifted(self.tensor, index, -step), _shifted(self.tensor, index, step)
        down, up = float(self.tensor[index] - left[index]), float(right[index] - self.tensor[index])
        if not down or not up:
            return np.nan, np.nan
        return (self.value - self.function(left)) / down, (self.function(right) - self.value) / up


def examine(
    point: EvaluationPoint, name: str, suspects: Array, analytical: Array, numerical: Array, noise: float
) -> tuple[list[Kink], list[Narrow]]:
    """The entries of one tensor whose step crosses a corner, and those whose step is too long for a smooth function.

    Args:
        point: the network.
        name: the tensor.
        suspects: flat indices of the entries to examine.
        analytical: the tensor's gradient by backward.
        numerical: and by differences.
        noise: the root-mean-square rounding error of the loss.
    """
    tensor = point.tensor(name)
    loss = _Loss(point.function(name), tensor)
    middle = point.pattern(name, tensor) if point.has_declared_kinks else {}
    may_hide_kinks = point.may_hide_kinks
    kinks, narrow = [], []
    for flat in suspects:
        index = tuple(int(i) for i in np.unravel_index(flat, tensor.shape))
        crossed = _crossed(point, name, tensor, index, middle) if middle else None
        if crossed is not None:
            kinks.append(_kink(loss, index, crossed, point.eps, float(analytical[index]), noise))
            continue
        slopes = _zoomed(loss, index, min(point.eps, _LARGEST_PROBE), noise, float(abs(numerical[index])))
        corner = _corner(slopes) if may_hide_kinks else None
        if corner is not None:
            kink = _kink(loss, index, "", corner.step, float(analytical[index]), noise)
            kinks += [kink] if kink.explained else []
        elif slopes and (last := slopes[-1]).gap <= max(GROSS * last.size, _drowning(noise, last.step) - last.size):
            narrow.append(Narrow(index, last.step, last.slope, _rounding(noise, last.step)))
    return kinks, narrow


def spread(indices: Array, count: int) -> Array:
    """At most `count` of the indices, taken evenly from all over the list."""
    if len(indices) <= count:
        return indices
    return indices[np.linspace(0, len(indices) - 1, count).astype(int)]


def _crossed(point: EvaluationPoint, name: str, tensor: Array, index: Index, middle: dict[str, Array]) -> str | None:
    """The first layer in which a unit changes sides within the step; None if none does."""
    for offset in {float(np.real(offset)) for offset in point.method.offsets} - {0.0}:
        sides = point.pattern(name, _shifted(tensor, index, offset * point.eps))
        for layer, there in sides.items():
            if not np.array_equal(there, middle[layer]):
                return layer.partition(" at ")[0]
    return None


def _kink(loss: _Loss, index: Index, layer: str, step: float, analytical: float, noise: float) -> Kink:
    left, right = loss.slopes(index, step)
    small = min(step, float(optimal_step(CENTRAL, 1.0)))
    near = loss.slopes(index, small)
    allowed = _rounding(noise, small) + _BEND * (abs(near[0]) + abs(near[1]))
    explained = min(near) - allowed <= analytical <= max(near) + allowed
    return Kink(index, layer, left, right, explained)


def _zoomed(loss: _Loss, index: Index, step: float, noise: float, size: float) -> list[Slopes]:
    """The slopes at smaller and smaller steps, until they are those of a smooth function, or drown in rounding.

    Slopes that drown count if they would be seen were they a tenth of the largest before, or at first of `size`.
    """
    found: list[Slopes] = []
    for _ in range(_ZOOMS):
        slopes = Slopes(step, *loss.slopes(index, step))
        largest = max((one.size for one in found), default=size)
        seen, drowned = slopes.gap + slopes.size, _drowning(noise, step)
        has_fallen = seen <= drowned <= GROSS * largest
        if seen > drowned or has_fallen:
            found.append(slopes)
        if not seen > drowned or _is_straight(found[-2:], _rounding(noise, step)):
            break
        halving = [0.1 * wide.gap < small.gap < 0.5 * wide.gap for wide, small in pairwise(found[-3:])]
        if halving == [True, True] and slopes.gap <= GROSS * slopes.size:
            break
        step /= 4
    return found


def _drowning(noise: float, step: float) -> float:
    """What the larger slope at this step and the gap between both add up to at most if they may be rounding alone."""
    return 1000 * noise / step


def _is_straight(found: Sequence[Slopes], rounding: float) -> bool:
    """Whether two steps show one slope, on both sides, to all that rounding lets be seen: a smaller one shows less."""
    return len(found) == 2 and max(found[1].gap, abs(found[1].slope - found[0].slope)) <= rounding


def _rounding(noise: float, step: float) -> float:
    """How far off a one-sided slope at this step may be: four times two values' noise, over the step."""
    return 8 * noise / step


def _corner(found: Sequence[Slopes]) -> Slopes | None:
    """The slopes that show a corner best: those of the smallest step that still sees it; None if there is none."""
    for wide, small in pairwise(found):
        if small.gap < 0.1 * wide.gap and wide.gap > GROSS * wide.size:
            return wide
    stays = len(found) > 2 and all(small.gap > 0.5 * wide.gap for wide, small in pairwise(found))
    return found[2] if stays and found[-1].gap > GROSS * found[-1].size else None


def _shifted(tensor: Array, index: Index, step: float) -> Array:
    shifted = tensor.copy()
    shifted[index] += step
    return shifted
