"""Steps that cross a corner: found from the activation pattern, or from one-sided slopes that do not grow together.

The activation pattern of a network is, for every unit of a layer with a corner (ReLU, LeakyReLU, |x|, and the loss
for Huber), on which side of the corner it stands. Where it is not the same at all points of a step as in the middle,
the numerical derivative is a mixture of two slopes, and backward's is one of them (or any number between, exactly in
the corner).

A layer that somebody else wrote does not say where its corners are. For those the two one-sided slopes are taken at
three small steps: of a smooth function their gap is f'' h, so that a quarter of the step leaves a quarter of it. In a
corner it stays, and beside one it vanishes. So an entry is also at a corner if one of the smaller steps leaves more
than a half of the gap or less than a tenth, and the gap is a good part of the slopes.

Each entry costs a few evaluations of the network, so only entries that look suspicious are examined, and of those no
more than can be afforded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mlp.check.evaluation_point import EvaluationPoint, Index
from mlp.check.verdict import GROSS
from mlp.differences.methods import CENTRAL, optimal_step
from mlp.nn.arrays import Array

_LARGEST_PROBE = 1e-3
# How much a slope may bend within the small step, relatively.
_BEND = 1e-3


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


def find_kinks(point: EvaluationPoint, name: str, suspects: Array, analytical: Array, noise: float) -> list[Kink]:
    """The kinks among some entries of one tensor.

    Args:
        point: the network.
        name: the tensor.
        suspects: flat indices of the entries to examine.
        analytical: the tensor's gradient by backward.
        noise: the root-mean-square rounding error of the loss.
    """
    function, tensor = point.function(name), point.tensor(name)
    middle = point.pattern(name, tensor) if point.has_declared_kinks else {}
    found = []
    for flat in suspects:
        index = tuple(int(i) for i in np.unravel_index(flat, tensor.shape))
        crossed = _crossed(point, name, tensor, index, middle) if middle else None
        if crossed is None:
            kink = _from_slopes(function, tensor, index, point, float(analytical[index]), noise)
        else:
            kink = _kink(function, tensor, index, crossed, point.eps, float(analytical[index]), noise)
        found += [kink] if kink else []
    return found


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


def _kink(
    function: Callable[[Array], float],
    tensor: Array,
    index: Index,
    layer: str,
    step: float,
    analytical: float,
    noise: float,
) -> Kink:
    left, right = _slopes(function, tensor, index, step)
    small = min(step, float(optimal_step(CENTRAL, 1.0)))
    near = _slopes(function, tensor, index, small)
    allowed = 8 * noise / small + _BEND * (abs(near[0]) + abs(near[1]))
    explained = min(near) - allowed <= analytical <= max(near) + allowed
    return Kink(index, layer, left, right, explained)


def _from_slopes(
    function: Callable[[Array], float],
    tensor: Array,
    index: Index,
    point: EvaluationPoint,
    analytical: float,
    noise: float,
) -> Kink | None:
    """The corner that the one-sided slopes show, if they show one."""
    step = min(point.eps, _LARGEST_PROBE)
    steps = [step, step / 4, step / 16]
    gaps = [_gap(function, tensor, index, size) for size in steps]
    if not max(gaps) > 1000 * noise / step or all(0.1 * wide < gap < 0.5 * wide for wide, gap in pairwise(gaps)):
        return None
    # The smallest step that still sees the corner shows its slopes best.
    seeing = [size for size, gap in zip(steps, gaps, strict=True) if gap > GROSS * max(gaps)]
    kink = _kink(function, tensor, index, "", seeing[-1], analytical, noise)
    return kink if kink.explained and max(gaps) > GROSS * max(abs(kink.left), abs(kink.right)) else None


def _gap(function: Callable[[Array], float], tensor: Array, index: Index, step: float) -> float:
    left, right = _slopes(function, tensor, index, step)
    return abs(right - left)


def _slopes(function: Callable[[Array], float], tensor: Array, index: Index, step: float) -> tuple[float, float]:
    middle = function(tensor)
    left, right = _shifted(tensor, index, -step), _shifted(tensor, index, step)
    down, up = float(tensor[index] - left[index]), float(right[index] - tensor[index])
    if not down or not up:
        return np.nan, np.nan
    return (middle - function(left)) / down, (function(right) - middle) / up


def _shifted(tensor: Array, index: Index, step: float) -> Array:
    shifted = tensor.copy()
    shifted[index] += step
    return shifted
