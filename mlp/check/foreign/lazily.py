"""Layers that make their weights in the first forward: what it sets up whatever its input is, belongs to the object.

Forward runs on two copies, on two inputs, from the same random state. Attributes that come out new and the same in both
are the layer's own (weights, sizes, flags); those that differ are what it keeps of a run.
"""

from collections.abc import Callable

import numpy as np

from mlp.check.foreign import walk
from mlp.check.foreign.theirs import Theirs
from mlp.nn.arrays import Array


def with_own_weights(thing: Theirs, forward: Callable[[Theirs, Array], object], x: Array) -> Theirs:
    """The object itself, or a copy with the weights that its first forward makes.

    Args:
        thing: the object; it is left alone.
        forward: runs an object's forward on an input.
        x: an input.

    Raises:
        ForeignError: forward raised.
    """
    one, other = walk.duplicate(thing), walk.duplicate(thing)
    forward(one, x)
    forward(other, 0.7 * x + 0.1)
    before = dict(walk.items(thing))
    settled = {
        key: value
        for key, value in walk.items(one)
        if _same(value, dict(walk.items(other)).get(key)) and not _same(value, before.get(key))
    }
    if not any(_weights(value) for value in settled.values()):
        return thing
    for key, value in settled.items():
        setattr(other, str(key), value)
    for key in dict(walk.items(other)).keys() - settled.keys():
        if key in before:
            setattr(other, str(key), walk.duplicate(before[key]))
        else:
            delattr(other, str(key))
    return other


def _weights(value: Theirs) -> bool:
    return any(array.ndim and array.dtype.kind == "f" for array in walk.arrays([value]).values())


def _same(left: Theirs, right: Theirs) -> bool:
    """Whether two values are equal, arrays anywhere inside them included."""
    ours, theirs = walk.arrays([left]), walk.arrays([right])
    if ours or theirs:
        return ours.keys() == theirs.keys() and all(np.array_equal(ours[path], theirs[path]) for path in ours)
    return left is right or (type(left) is type(right) and repr(left) == repr(right))
