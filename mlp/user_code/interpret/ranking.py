"""Which of the readings that were tried is the one to believe: the one that got furthest where mistakes can show."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code.interpret.losses import is_of_real_numbers
from mlp.user_code.interpret.trial import Attempt, Candidate, Grade, attempt, is_outer
from mlp.user_code.messages import ForeignError
from mlp.user_code.run.as_layer import Foreign
from mlp.user_code.run.subject import PASS_ON

# Readings of one class: a wrong layer is tried in all of them. One that raises costs next to nothing.
_MOST, _MOST_THAT_RUN = 4000, 120


def until_settled(candidates: Iterable[Candidate]) -> list[Attempt]:
    """Try candidates until one agrees that no other could make doubtful."""
    attempts: list[Attempt] = []
    ran = 0
    for candidate in candidates:
        if _has_decided(attempts, candidate):
            break
        last = attempts[-1] if attempts else None
        if last and candidate.reduction == "mean" and last.reduction == "value" and last.y_shape in ((), (1,), (1, 1)):
            continue  # the mean of one number is that number
        tried = attempt(candidate)
        attempts.append(tried)
        ran += tried.grade >= Grade.FORWARD
        if (tried.grade is Grade.AGREES and tried.batch and is_full(tried)) or _are_many(len(attempts), ran):
            break
    return attempts


def _has_decided(attempts: list[Attempt], candidate: Candidate) -> bool:
    """Whether a loss of real numbers went through with those, and now comes another kind of data."""
    if candidate.subject.target is None or not is_of_real_numbers(candidate.subject.name):
        return False
    target = np.asarray(candidate.subject.target)
    is_real = target.dtype.kind == "f" and not np.array_equal(target, np.rint(target)) and np.any(candidate.x < 0)
    return not is_real and any(map(is_full, attempts))


def are_enough(attempts: list[Attempt]) -> bool:
    """Whether no more readings should be tried."""
    return _are_many(len(attempts), sum(tried.grade >= Grade.FORWARD for tried in attempts))


def _are_many(tried: int, ran: int) -> bool:
    return tried > _MOST or ran > _MOST_THAT_RUN


def is_usable(tried: Attempt) -> bool:
    """Whether all gradients have their tensors' shapes, and mistakes in them can show."""
    return tried.grade >= Grade.SHAPES and not tried.is_hollow


def is_full(tried: Attempt) -> bool:
    """Whether it is usable, and a loss was given several outputs for each sample.

    What it gives for these has to look like a loss: one number, or one for each sample or entry.
    """
    shape, sizes = tried.x.shape, tuple(size for size in tried.y_shape if size != 1)
    several = len(shape) > 1 and 1 not in shape
    shows = tried.subject.target is None or (several and sizes in ((), shape, shape[:-1], shape[1:]))
    return is_usable(tried) and shows


def best(attempts: list[Attempt]) -> Attempt:
    """The reading that got furthest, batches first.

    A single sample hides whatever a wrong backward does with a batch (a bias that is not summed, a missing mean), so
    it only counts where no batch went through, or where forward mixes the samples of a batch: then the code is written
    for one sample at a time. Whole numbers, and lists of inputs, only count where nothing else will do: much code would
    take them that is not made for them.
    """
    attempts = _without_labels(_usual(attempts))
    top = max((tried for tried in attempts if tried.batch), key=_merit, default=None)
    singles = [tried for tried in attempts if not tried.batch]
    # A row of one sample hides a division by len(x), which the vector shows wherever it goes through.
    vectors = [tried for tried in singles if tried.x.ndim == 1 and tried.grade >= Grade.SHAPES]
    single = max((tried for tried in singles if tried.x.shape[:1] != (1,) or not vectors), key=_merit, default=None)
    if top is None and single is None:
        raise ValueError("there was nothing to try")
    if top is None or (single is not None and _is_for_one_sample(top, single)):
        return single if single is not None and single.grade > Grade.NOTHING else furthest(attempts)
    if top.is_hollow and single is not None and is_usable(single):
        return single
    if top.grade >= Grade.BACKWARD and not is_outer(top):
        return top
    if single is not None and single.grade > max(top.grade, Grade.FORWARD):
        return single
    return furthest(attempts) if top.grade is Grade.NOTHING else top


def _usual(attempts: list[Attempt]) -> list[Attempt]:
    """Without whole numbers where others go through, and without lists of inputs where a batch that is none does."""
    lists = [tried for tried in attempts if isinstance(tried.subject.form, list)]
    plain = [tried for tried in attempts if not isinstance(tried.subject.form, list)]
    by_list = any(tried.grade >= Grade.SHAPES for tried in lists)
    if plain and (not by_list or any(tried.grade >= Grade.SHAPES and tried.batch for tried in plain)):
        attempts = plain
    real = [tried for tried in attempts if not tried.layout.integers]
    return real if any(tried.grade >= Grade.SHAPES for tried in real) else attempts


def _without_labels(attempts: list[Attempt]) -> list[Attempt]:
    """Without targets of fewer entries than y has, where full ones went through and none of these is right.

    Much code that is made for numbers would take labels too, and where it divides by a size of theirs, by another.
    """
    full = [tried for tried in attempts if np.shape(tried.subject.target) == tried.x.shape and is_full(tried)]
    is_off = full and not any(tried.grade is Grade.AGREES for tried in full)
    return [tried for tried in attempts if np.ndim(tried.subject.target) == tried.x.ndim] if is_off else attempts


def _merit(tried: Attempt) -> tuple[float, ...]:
    """What makes a reading likelier: mistakes can show, it got far, gradients agree, or all but their sign does."""
    factors = list(tried.factors.values())
    agreeing = sum(factor == 1 for factor in factors)
    signs = sum(abs(abs(factor) - 1) < 1e-6 for factor in factors)
    alike = sum(map(np.isfinite, factors))
    return is_usable(tried), is_full(tried), tried.grade, not tried.guess, agreeing, signs, alike


def _is_for_one_sample(top: Attempt, single: Attempt) -> bool:
    """Whether one sample alone is right, or nearly, and a batch is not, in a forward that mixes its samples.

    A layer whose one sample is a row or a column may go through a sequence of length 1, which hides mistakes.
    """
    is_derivative = PASS_ON[top.subject.pass_on].is_derivative  # the Jacobian of one sample
    if top.grade is Grade.BACKWARD and (is_derivative or not top.subject.backward or top.layer is None):
        return single.grade >= (Grade.SHAPES if top.layer is None else Grade.AGREES)
    if top.grade is not Grade.SHAPES or not is_usable(single):
        return False
    likely = single.grade is Grade.AGREES or (single.reduction and all(map(np.isfinite, single.factors.values())))
    shows = bool(single.reduction) or single.x.ndim == 1 or _takes_a_vector(top)
    return bool(likely) and shows and not acts_on_samples(top)


def _takes_a_vector(tried: Attempt) -> bool:
    """Whether forward takes a matrix for a vector, as a softmax over all that it is given does."""
    run, values, flat = tried.subject.run, tried.layer.parameters() if tried.layer else {}, tried.x.reshape(-1, 1)
    try:
        return np.array_equal(run(flat, values).y.ravel(), run(tried.x, values).y.ravel())
    except ForeignError:
        return False


def acts_on_samples(tried: Attempt) -> bool:
    """Whether forward gives for a batch what it gives for its samples one by one, or their sum or mean."""
    layer, x = tried.layer, tried.x
    assert layer is not None
    axis = 1 if tried.layout.orientation == "columns" else 0
    try:
        ratios = [_ratio(tried, layer, moved, axis) for moved in (x, 0.9 * x + 0.01)]
    except ForeignError:  # what is made for a batch takes a batch of one
        return False
    return bool(np.allclose(ratios[0], ratios[1], rtol=1e-6, atol=0, equal_nan=False))


def _ratio(tried: Attempt, layer: Foreign, x: Array, axis: int) -> float:
    """What forward gives for the batch over the sum of what it gives for samples; NaN where entries do not match."""
    subject, count = tried.subject, x.shape[axis]
    whole = subject.run(x, layer.parameters()).y
    parts = []
    for index in range(count):
        arrays, settings = (
            {name: _sample(value, axis, index, count) for name, value in given.items()}
            for given in (subject.arrays, {} if subject.integers else subject.settings)
        )
        one = replace(
            subject,
            target=_sample(subject.target, axis, index, count),
            arrays=arrays,
            settings={**subject.settings, **settings},
        )
        values = {name: value for name, value in layer.parameters().items() if name not in arrays}
        parts.append(one.run(_sample(x, axis, index, count), values).y)
    joined = np.concatenate(parts, axis) if parts[0].ndim > axis else np.array(parts)
    if joined.shape == whole.shape:
        return 1.0 if np.allclose(joined, whole) else np.nan
    return float(np.sum(whole) / np.sum(parts)) if tried.reduction else np.nan


def _sample(value: Any, axis: int, index: int, count: int) -> Any:
    """One sample of an array that holds as many along this axis, or along its only one; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    axis = min(axis, value.ndim - 1)
    return np.take(value, [index], axis) if axis >= 0 and value.shape[axis] == count else value


def furthest(attempts: list[Attempt]) -> Attempt:
    """Of readings that all raised, the one whose forward came furthest down its lines."""

    def lines(tried: Attempt) -> list[int]:
        trace = tried.error.trace if tried.error is not None else ()
        return [int(match[1]) for one in trace if (match := re.match(r"[^:]+:(\d+) in ", one))]

    return max(attempts, key=lines)
