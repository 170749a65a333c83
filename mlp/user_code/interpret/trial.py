"""One reading of their code (these arguments, this layout of the input) is tried, and graded by how far it gets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from mlp.differences.derivatives import differentiate
from mlp.nn.arrays import Array
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.messages import Fact, ForeignError, place_of, problem
from mlp.user_code.run import calls, pairing
from mlp.user_code.run.as_layer import Foreign, adapt
from mlp.user_code.run.pairing import INPUT, Pair, is_kept_input, is_parameter, lively, may_vary, random
from mlp.user_code.run.sources import Source
from mlp.user_code.run.subject import Subject
from mlp.user_code.settings import line

# A first look that only chooses between readings; the verdict comes from the check itself. The step 1e-4 leaves
# about 1e-8 relative on smooth functions, and a wrong reading is off by far more than one part in ten thousand. In
# float32 the best step, the cube root of 1e-7, leaves about that squared, some 1e-5 of the function's value.
_CLOSE, _STEP = 1e-4, 1e-4
_CLOSE_32, _STEP_32 = 1e-2, 5e-3
# In a random direction every entry counts; gradients of no one factor give four equal quotients by no chance.
_DIRECTIONS = 4
_NOTHING = 1e-9  # of gradients of about 1
_MOST_ALIKE = 4  # gradients that are tried in every order


class Grade(IntEnum):
    """How far a reading got."""

    NOTHING = 0
    FORWARD = 1
    BACKWARD = 2
    SHAPES = 3
    AGREES = 4


class Candidate(NamedTuple):
    """A reading still to be tried.

    Attributes:
        subject: what to run; x: the input; layout: what its axes are.
        reduction: how a loss becomes one number, "" for a layer.
        loss: the one that was guessed to be inside, "" for one that is written somewhere.
        outputs: of a model, how many it has, 0 where that is not known.
        guess: what was guessed though something else is as likely, "" for nothing; it is never called wrong by that.
    """

    subject: Subject
    x: Array
    layout: Layout
    reduction: str = ""
    loss: str = ""
    outputs: int = 0
    guess: str = ""


@dataclass
class Attempt:
    """A reading that was tried.

    Attributes:
        subject, x, layout, reduction, loss, outputs, guess: as in `Candidate`.
        args: what the object was made with.
        grade: how far it got; error: why no further.
        layer: their code as one of our layers, from Grade.BACKWARD on.
        notes: what a person should know of how the code was read.
        factors: see `compare`.
        y_shape: of what forward gives.
        is_hollow: whether a mistake could not show: the output is constant, or a single number.
    """

    subject: Subject
    x: Array
    layout: Layout
    reduction: str = ""
    loss: str = ""
    outputs: int = 0
    guess: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    grade: Grade = Grade.NOTHING
    error: Fact | None = None
    layer: Foreign | None = None
    notes: list[Fact] = field(default_factory=list)
    factors: dict[str, float] = field(default_factory=dict)
    y_shape: tuple[int, ...] = ()
    is_hollow: bool = False

    @property
    def batch(self) -> bool:
        """Whether x holds several samples."""
        return self.layout.batch

    @property
    def samples(self) -> int:
        """How many samples x holds; a number alone is one."""
        return (self.x.shape or (1,))[-1 if self.layout.orientation == "columns" else 0]

    @property
    def agreeing(self) -> int:
        """How many gradients are right; that 0 is 0, as before a batch norm, any loss would say, and -1 if all are."""
        if self.is_hollow:
            return -1
        found = self.layer.gradients() if self.layer else {}
        right = [name for name, factor in self.factors.items() if factor == 1]
        return sum(bool(np.max(np.abs(found.get(name, 1))) > _NOTHING) for name in right)


def attempt(candidate: Candidate, scale: float = 1.0, values: Mapping[str, Array] | None = None) -> Attempt:
    """Run a candidate once forward and backward, find its gradients, and compare them with a few differences."""
    tried = Attempt(*candidate)
    x, said = candidate.x, candidate.subject.said
    try:
        tried.subject = subject = candidate.subject.with_own_weights(x)
        held = {name: value for name, (_, value) in subject.tensors().items()} | dict(values or {})
        run = subject.run(x, values or {})
        if not np.all(np.isfinite(run.y)):
            if subject.target is None and not subject.integers and np.any(x < 0):  # such as a logarithm
                arrays = {name: _between(array) for name, array in subject.arrays.items()}
                inside = attempt(
                    candidate._replace(subject=replace(subject, arrays=arrays), x=_between(x)), scale, values
                )
                if inside.grade > Grade.FORWARD:
                    return inside
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(run.y))[0])
            raise problem(
                f"{subject.name} gives {run.y[index]} at index {list(index)} of its output for a finite input"
            )
        tried.grade, tried.y_shape = Grade.FORWARD, run.y.shape
        leaves_out = run.y.shape == () and not tried.reduction and subject.takes_gradient and _leaves_dy_out(tried)
        if run.y.shape == () and (leaves_out or not subject.takes_gradient):  # a loss by another name
            tried.reduction = tried.reduction or "value"
        tried.notes += [_without_dy(subject)] if leaves_out else []
        dy = np.ones(()) if tried.reduction else random(run.y.shape)
        found = run.backward(dy)
        tried.grade = Grade.BACKWARD
        grown = subject.with_grown(found)
        if grown is not subject:
            return attempt(candidate._replace(subject=grown), scale, values)
        parameters = {
            name: (paths, held[name])
            for name, (paths, _) in subject.tensors().items()
            if may_vary(name) and name not in said.constants and not is_kept_input(subject, x, held, name)
        }
        dull = subject.integers or not subject.has_dx
        pairs = pairing.pair(parameters, None if dull else x, found, said.pairs)
        pairs = {name: one for name, one in pairs.items() if is_parameter(subject, x, held, one)}
        _require_fitting_guesses(subject, pairs, x)
        tried.layer = adapt(subject, pairs, tried.reduction, scale, values or lively(subject, x, pairs, held))
        _require_owners(subject, pairs, found, run.y)
        if all(pair.fits for pair in pairs.values()):
            tried.grade = Grade.SHAPES
            tried.factors = compare(tried.layer, x)
            tied = _with_copies(tried, held)
            if tied is not subject:
                return attempt(candidate._replace(subject=tied), scale, values)
            _try_other_pairs(tried, x)
            tried.is_hollow = is_hollow(tried)
            if all(factor == 1 for factor in tried.factors.values()):
                tried.grade = Grade.AGREES
    except ForeignError as error:
        tried.error = error.fact
    return tried


def _require_owners(subject: Subject, pairs: Mapping[str, Pair], found: list[Source], y: Array) -> None:
    """Refuse a reading whose gradients are of nothing that is known.

    Raises:
        ForeignError: they are.
    """
    guessed_list = isinstance(subject.form, list) and subject.said.x is None
    if not pairs or (guessed_list and not pairs.keys() >= set(subject.form)):
        raise problem(f"{subject.name} goes backward, but no gradient was found in what it returns or keeps")
    if subject.thing is not None and subject.pass_on == "nothing" and y.size > 1 and pairs.keys() - {INPUT}:
        raise problem(f"{subject.name} gives gradients of its parameters without any of its output: of which loss?")
    used = {id(one.array) for one in found for pair in pairs.values() if one.key == pair.gradient}
    unused = [one for one in found if one.place == "returned" and id(one.array) not in used]
    given = subject.arrays.keys() - pairs.keys() - {*subject.said.constants}
    if unused and (given or (subject.thing is None and not subject.backward)):
        raise problem(f"{subject.name} returns gradients of which some belong to nothing that it is given")


def _with_copies(tried: Attempt, held: Mapping[str, Array]) -> Subject:
    """The subject with the copies that forward goes by in place of parameters which are wrong and have no influence.

    Raises:
        ForeignError: no parameter has any.
    """
    subject, wrong = tried.subject, [name for name, one in tried.factors.items() if one != 1 and name != INPUT]
    idle = [name for name in wrong if not pairing.matters(subject, tried.x, held, name)]
    tied = subject.with_copies(idle)
    if idle and tied is subject and {*idle} == tried.factors.keys() - {INPUT}:
        raise problem(f"{subject.name} gives an output on which {' and '.join(idle)} have no influence")
    return tied


def _leaves_dy_out(tried: Attempt) -> bool:
    """Whether what gives one number goes backward in the same way whatever gradient of it is given, as a last loss."""
    subject = tried.subject
    found = [subject.run(tried.x, {}).backward(np.full((), dy)) for dy in (1.0, 2.0) if subject.backward]
    if not found or len(found[0]) != len(found[1]):
        return False
    both = [(one.array, other.array) for one, other in zip(*found, strict=True)]
    return any(np.any(one) for one, _ in both) and all(np.array_equal(one, other) for one, other in both)


def _without_dy(subject: Subject) -> Fact:
    """That backward begins with 1: no pass where it asks for a gradient that it does nothing with."""
    backward = subject.sources()[-1]
    asks = any(one.name != "self" for one in calls.required(calls.parameters_of(backward)))
    text = "backward begins with a gradient of 1 of the one number that forward gives, as that of the last loss does"
    asked = ", and leaves out the one that it asks for: if anything comes after, it is wrong"
    return Fact("unchecked", text + asked, *place_of(backward)) if asks else Fact("note", text)


def _between(x: Array) -> Array:
    """Numbers between 0 and 1 for any numbers."""
    return 1 / (1 + np.exp(-x))


def _require_fitting_guesses(subject: Subject, pairs: Mapping[str, Pair], x: Array) -> None:
    """Refuse a guessed shape that is not the gradient's: the guess may be at fault.

    Raises:
        ForeignError: there is such an array.
    """
    said = subject.said
    given = {*said.arrays, *said.args, *said.forward_args, *said.inputs()[0]}
    for name in subject.arrays.keys() & pairs.keys() - given if subject.thing is None else ():
        is_unnamed = samples.argument(name, (1,), None, 0) is None
        if not pairs[name].fits and (is_unnamed or pairs[name].is_of_another or pairs[name].shape == x.shape):
            hint = line(subject.name, arrays={name: pairs[name].gradient_shape})
            raise problem(f"no shape of {name} was found that its gradient has too; say it in one line, {hint}")


def _try_other_pairs(tried: Attempt, x: Array) -> None:
    """Where wrong gradients were told from each other by their shape alone, take the order in which most are right."""
    layer = tried.layer
    assert layer is not None
    wrong = [pair for name, pair in layer.pairs.items() if pair.reason == "by shape" and tried.factors.get(name) != 1]
    if not 2 <= len(wrong) <= _MOST_ALIKE or len({pair.shape for pair in wrong}) > 1:
        return
    for gradients in permutations(pair.gradient for pair in wrong):
        others = {pair.tensor: replace(pair, gradient=key) for pair, key in zip(wrong, gradients, strict=True)}
        other = layer.paired(layer.pairs | others)
        factors = compare(other, x)
        if sum(factor == 1 for factor in factors.values()) > sum(factor == 1 for factor in tried.factors.values()):
            tried.layer, tried.factors = other, factors


def is_hollow(tried: Attempt) -> bool:
    """Whether a mistake could not show here: all is 0, the output constant, or a layer's output a single entry."""
    layer = tried.layer
    assert layer is not None
    y = layer.apply(tried.x)
    gradients = [*layer.gradients().values(), *([layer.backward(random(y.shape))] if layer.checks_input else [])]
    if not any(map(np.any, gradients)) and all(factor == 1 for factor in tried.factors.values()):
        return True
    if not tried.subject.integers and layer.checks_input:
        # Code may insist that probabilities stay some.
        are_some = bool(np.all((tried.x > 0) & (tried.x < 1)))
        moved = 0.9 * tried.x + 0.1 * (np.flip(tried.x) if are_some else random(tried.x.shape))
        if np.allclose(y, layer.apply(moved), rtol=0, atol=1e-9):  # of numbers of about 1: no more than rounding
            return True
    return not tried.reduction and y.size == 1 and tried.y_shape != () and tried.x.size > 1


def compare(layer: Foreign, x: Array, dy: Array | None = None, start: Array | None = None) -> dict[str, float]:
    """For each tensor the factor between backward and a few differences: 1 where they agree, NaN for no one factor.

    The differences are taken along random directions. What backward is given is dy, or start if there is one.
    """
    return {name: _factor(one.analytical, one.numerical, one.close) for name, one in _along(layer, x, dy, start)}


def decay(tried: Attempt) -> dict[str, float]:
    """How many times itself each wrong parameter's gradient has too much, if that is all, and the same for all; or {}.

    That is what the gradient of a penalty on them has beside that of the loss.
    """
    assert tried.layer is not None
    wrong = {name for name, factor in tried.factors.items() if factor != 1}
    found: dict[str, float] = {}
    for name, one in _along(tried.layer, tried.x, np.ones(1), method="five-point"):
        if name in wrong and name != INPUT:
            values, rest = one.directions @ tried.layer.parameters()[name].ravel(), one.analytical - one.numerical
            times = float(values @ rest / (values @ values))
            fits = _factor(one.analytical - times * values, one.numerical, one.close) == 1
            found |= {name: times} if fits and times > 0 else {}
    times = next(iter(found.values()), 0.0)
    is_one = wrong == found.keys() and all(abs(other - times) <= _CLOSE * times for other in found.values())
    return found if is_one else {}


class _Directions(NamedTuple):
    """Random directions of a tensor, what backward and differences say along them, and how close is close."""

    directions: Array
    analytical: Array
    numerical: Array
    close: float


def _along(
    layer: Foreign, x: Array, dy: Array | None = None, start: Array | None = None, method: str = "central"
) -> Iterator[tuple[str, _Directions]]:
    y = layer.forward(x)
    dy = random(y.shape) if dy is None else dy
    dx = layer.backward(dy if start is None else start)
    close, step = (_CLOSE, _STEP) if y.dtype.itemsize >= np.dtype(np.float64).itemsize else (_CLOSE_32, _STEP_32)
    step = step if method == "central" else 10 * step
    for name, gradient in {**layer.gradients(), **({INPUT: dx} if layer.checks_input else {})}.items():
        tensor = x if name == INPUT else layer.parameters()[name]
        drawn = np.random.RandomState(3).randn(min(tensor.size, _DIRECTIONS), tensor.size)
        directions = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

        def along(steps: Array, name: str = name, tensor: Array = tensor, directions: Array = directions) -> Array:
            moved = tensor + (steps @ directions).reshape(tensor.shape)
            y = layer.apply(moved) if name == INPUT else layer.replaced(name, moved).apply(x)
            return np.sum(dy * y)

        numerical = differentiate(along, np.zeros(len(directions)), step, method).ravel()
        yield name, _Directions(directions, directions @ gradient.ravel(), numerical, close)


def _factor(analytical: Array, numerical: Array, close: float) -> float:
    scale = float(np.max(np.abs(numerical), initial=0))
    if np.max(np.abs(analytical - numerical), initial=0) <= close * scale + 1e-9:
        return 1.0
    ratio = float(np.dot(analytical, numerical) / np.dot(numerical, numerical)) if scale else np.nan
    fits = np.max(np.abs(analytical - ratio * numerical), initial=0) <= close * abs(ratio) * scale
    return ratio if fits else np.nan


def is_outer(tried: Attempt) -> bool:
    """Whether a gradient looks like np.outer of two whole batches, or none fits: code written for one sample."""
    if tried.grade is not Grade.BACKWARD or tried.layer is None:
        return False
    pairs: list[Pair] = list(tried.layer.pairs.values())
    return not any(pair.fits for pair in pairs) or any(
        len(pair.gradient_shape) == 2
        and pair.gradient_shape[0] * pair.gradient_shape[1] == np.prod(pair.shape) * tried.x.shape[0] ** 2
        for pair in pairs
        if pair.tensor != INPUT and len(pair.shape) == 2
    )
