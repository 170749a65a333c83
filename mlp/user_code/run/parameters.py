"""Which of the arrays that an object holds are parameters, and values for them that hide nothing."""

from collections.abc import Mapping

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.messages import ForeignError
from mlp.user_code.run.pairing import Pair
from mlp.user_code.run.subject import Subject

_TINY = 0.1


def is_parameter(subject: Subject, x: Array, held: Mapping[str, Array], pair: Pair) -> bool:
    """Whether it is one: what backward overwrites may as well be a gradient kept from before, or a momentum."""
    return not pair.gradient.startswith("update.") or matters(subject, x, held, pair.tensor)


def matters(subject: Subject, x: Array, held: Mapping[str, Array], name: str) -> bool:
    """Whether an array of theirs has an influence on the output."""
    moved = held[name] + 1e-3 * np.random.RandomState(2).standard_normal(held[name].shape)
    try:
        before, after = subject.run(x, held).y, subject.run(x, {**held, name: moved}).y
    except ForeignError:
        return False
    return not np.array_equal(before, after, equal_nan=True)


def lively(subject: Subject, x: Array, pairs: Mapping[str, Pair], held: Mapping[str, Array]) -> dict[str, Array]:
    """Other values for parameters that are all equal or tiny: behind zero weights every dx is zero, right or wrong."""
    dull = {
        name: held[name] + 0.5 * random(held[name].shape)
        for name in pairs
        if name in held and held[name].ndim and (np.ptp(held[name]) == 0 or np.max(np.abs(held[name])) < _TINY)
    }
    try:
        return dull if np.all(np.isfinite(subject.run(x, dull).y)) else {}
    except ForeignError:
        return {}


def may_vary(name: str) -> bool:
    """Parameters are told from gradients that are kept before the first backward by their names."""
    last = name.rpartition(".")[2]
    marked = any(vocabulary.is_mark(part) for part in name.split(".")[:-1]) or (
        vocabulary.is_mark(last) and len(last) > 1
    )
    return not marked


def random(shape: tuple[int, ...]) -> Array:
    """Standard normal numbers, the same each time."""
    return np.random.RandomState(7).standard_normal(shape)
