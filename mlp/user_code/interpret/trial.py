"""One reading of their code (these arguments, this layout of the input) is tried, and graded by how far it gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from mlp.differences.derivatives import differentiate
from mlp.nn.arrays import Array
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.messages import Fact, ForeignError, problem
from mlp.user_code.run import pairing
from mlp.user_code.run.as_layer import Foreign, adapt
from mlp.user_code.run.pairing import INPUT, Pair
from mlp.user_code.run.parameters import is_parameter, lively, may_vary, random
from mlp.user_code.run.subject import Subject

# A first look that only chooses between readings; the verdict comes from the check itself. The step 1e-4 leaves
# about 1e-8 relative on smooth functions, and a wrong reading is off by far more than one part in ten thousand. In
# float32 the best step, the cube root of 1e-7, leaves about that squared, some 1e-5 of the function's value.
_CLOSE, _STEP = 1e-4, 1e-4
_CLOSE_32, _STEP_32 = 1e-2, 5e-3
_ENTRIES = 12


class Grade(IntEnum):
    """How far a reading got."""

    NOTHING = 0
    FORWARD = 1
    BACKWARD = 2
    SHAPES = 3
    AGREES = 4


@dataclass
class Attempt:
    """A reading that was tried.

    Attributes:
        x: the input; layout: what its axes are.
        reduction: how a loss becomes one number; "" for a layer.
        args: what the object was made with.
        grade: how far it got; error: why no further.
        layer: their code as one of our layers, from Grade.BACKWARD on.
        notes: what a person should know of how the code was read.
        factors: see `compare`.
    """

    subject: Subject
    x: Array
    layout: Layout
    reduction: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    grade: Grade = Grade.NOTHING
    error: Fact | None = None
    layer: Foreign | None = None
    notes: list[Fact] = field(default_factory=list)
    factors: dict[str, float] = field(default_factory=dict)

    @property
    def batch(self) -> bool:
        """Whether x holds several samples."""
        return self.layout.batch


def attempt(
    subject: Subject,
    x: Array,
    layout: Layout,
    given: Mapping[str, str] | None = None,
    reduction: str = "",
    scale: float = 1.0,
    values: Mapping[str, Array] | None = None,
) -> Attempt:
    """Run a subject once forward and backward, find its gradients, and compare a few of them with differences."""
    tried = Attempt(subject, x, layout, reduction)
    try:
        held = {name: value for name, (_, value) in subject.tensors().items()} | dict(values or {})
        run = subject.run(x, values or {})
        if not np.all(np.isfinite(run.y)):
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(run.y))[0])
            raise problem(
                f"{subject.name} gives {run.y[index]} at index {list(index)} of its output for a finite input"
            )
        tried.grade = Grade.FORWARD
        dy = np.ones(()) if reduction else random(run.y.shape)
        found = run.backward(dy)
        tried.grade = Grade.BACKWARD
        parameters = {name: (paths, held[name]) for name, (paths, _) in subject.tensors().items() if may_vary(name)}
        pairs = pairing.pair(parameters, None if subject.integers else x, found, given or {})
        pairs = {name: one for name, one in pairs.items() if is_parameter(subject, x, held, one)}
        tried.layer = adapt(subject, pairs, reduction, scale, values or lively(subject, x, pairs, held))
        if not pairs:
            raise problem(f"{subject.name} goes backward, but no gradient was found in what it returns or keeps")
        if all(pair.fits for pair in pairs.values()):
            tried.grade = Grade.SHAPES
            tried.factors = compare(tried.layer, x)
            if all(factor == 1 for factor in tried.factors.values()):
                tried.grade = Grade.AGREES
    except ForeignError as error:
        tried.error = error.fact
    return tried


def compare(layer: Foreign, x: Array) -> dict[str, float]:
    """For each tensor the factor between backward and a few differences: 1 where they agree, NaN for no one factor."""
    y = layer.forward(x)
    dy = random(y.shape)
    dx = layer.backward(dy)
    close, step = (_CLOSE, _STEP) if y.dtype.itemsize >= np.dtype(np.float64).itemsize else (_CLOSE_32, _STEP_32)
    factors = {}
    for name, gradient in {**layer.gradients(), **({INPUT: dx} if layer.checks_input else {})}.items():
        tensor = x if name == INPUT else layer.parameters()[name]
        chosen = np.random.RandomState(3).permutation(tensor.size)[:_ENTRIES]

        def varied(part: Array, name: str = name, tensor: Array = tensor, chosen: Array = chosen) -> Array:
            whole = tensor.copy()
            whole.flat[chosen] = part
            y = layer.apply(whole) if name == INPUT else layer.replaced(name, whole).apply(x)
            return np.sum(dy * y)

        numerical = differentiate(varied, tensor.ravel()[chosen], step).ravel()
        factors[name] = _factor(gradient.ravel()[chosen], numerical, close)
    return factors


def _factor(analytical: Array, numerical: Array, close: float) -> float:
    scale = float(np.max(np.abs(numerical), initial=0))
    if np.max(np.abs(analytical - numerical), initial=0) <= close * scale + 1e-9:
        return 1.0
    ratio = float(np.dot(analytical, numerical) / np.dot(numerical, numerical)) if scale else np.nan
    fits = np.max(np.abs(analytical - ratio * numerical), initial=0) <= close * abs(ratio) * scale
    return ratio if fits else np.nan


def is_outer(tried: Attempt) -> bool:
    """Whether a gradient looks like np.outer of two whole batches: code written for one sample at a time."""
    if tried.grade is not Grade.BACKWARD or tried.layer is None:
        return False
    pairs: list[Pair] = list(tried.layer.pairs.values())
    return any(
        len(pair.gradient_shape) == 2
        and pair.gradient_shape[0] * pair.gradient_shape[1] == np.prod(pair.shape) * tried.x.shape[0] ** 2
        for pair in pairs
        if pair.tensor != INPUT and len(pair.shape) == 2
    )


def best(attempts: list[Attempt]) -> Attempt:
    """The reading that got furthest, batches first.

    A single sample hides whatever a wrong backward does with a batch (a bias that is not summed, a missing mean), so
    it only counts where no batch went through: then the code is written for one sample at a time. Whole numbers only
    count where nothing else will do: much code would take them that is not made for them.
    """
    if any(tried.grade >= Grade.SHAPES and not tried.layout.integers for tried in attempts):
        attempts = [tried for tried in attempts if not tried.layout.integers]
    batches = [tried for tried in attempts if tried.batch]
    singles = [tried for tried in attempts if not tried.batch]
    top = max(batches, key=lambda tried: tried.grade, default=None)
    if top is not None and top.grade >= Grade.BACKWARD and not is_outer(top):
        return top
    single = max(singles, key=lambda tried: tried.grade, default=None)
    if single is not None and (top is None or single.grade > max(top.grade, Grade.FORWARD)):
        return single
    if top is None and single is None:
        raise ValueError("there was nothing to try")
    return _furthest(attempts) if top is None or top.grade is Grade.NOTHING else top


def _furthest(attempts: list[Attempt]) -> Attempt:
    """Of readings that all raised, the one whose forward came furthest down its lines."""

    def line(tried: Attempt) -> int:
        first = (tried.error.trace if tried.error is not None else ("",))[:1]
        return int(match[1]) if first and (match := re.match(r"[^:]+:(\d+) in ", first[0])) else 0

    return max(attempts, key=line)
