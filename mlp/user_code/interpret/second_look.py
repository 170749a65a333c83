"""A second look at the reading that agrees: what it may hide, and what a reading that is off by a factor may mean."""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.interpret.arguments import objects
from mlp.user_code.interpret.targets import other_coding
from mlp.user_code.interpret.trial import Attempt, Candidate, Grade, attempt
from mlp.user_code.messages import Fact, ForeignError
from mlp.user_code.run.pairing import INPUT, matters
from mlp.user_code.settings import Override, line

_SIDE = 6  # of the images in samples.LAYOUTS


def with_other_strides(tried: Attempt, cls: type | None, module: ModuleType | None, override: Override) -> Attempt:
    """The reading with a stride of 2 where 1 was guessed, if that one is wrong: at 1 a stride left out is hidden."""
    if tried.grade is not Grade.AGREES:
        return tried
    args = {name: 2 for name, value in tried.args.items() if name not in override.args and _is_stride(name, value)}
    settings = _wider(tried.subject.settings) if not override.args and not override.forward_args else {}
    try:
        if args and cls is not None:
            built = next(objects(cls, module, replace(override, args={**tried.args, **args})))
            subject = replace(tried.subject, thing=built.thing)
        elif settings != tried.subject.settings and cls is None:
            subject = replace(tried.subject, settings=settings)
        else:
            return tried
    except ForeignError:
        return tried
    # Windows fit into one of the two sizes without a rest, whatever their size is.
    inputs = [tried.x, np.pad(tried.x, [(0, size == _SIDE) for size in tried.x.shape], mode="wrap")]
    found = [attempt(Candidate(subject, x, tried.layout, tried.reduction), override) for x in inputs]
    again = next((one for one in found if one.grade is Grade.SHAPES), None)
    if again is None or any(one.grade is Grade.AGREES for one in found):
        return tried
    return _in_place_of(tried, again, "checked with a stride of 2; with a stride of 1 it is right", args)


def _is_stride(name: str, value: Any) -> bool:
    return vocabulary.roles(name)[:1] == ("stride",) and value in (1, (1, 1))


def _wider(settings: Any) -> Any:
    """The settings with a stride of 2 in the place of 1, in dicts inside as well."""
    if not isinstance(settings, dict):
        return settings
    return {name: 2 if _is_stride(name, value) else _wider(value) for name, value in settings.items()}


def with_update(tried: Attempt, override: Override) -> Attempt:
    """The reading with a further method run after backward, where only that makes the gradients of the parameters."""
    subject, layer = tried.subject, tried.layer
    method = next((name for name in vocabulary.UPDATE if callable(getattr(subject.thing, name, None))), "")
    if layer is None or not method or override.backward:
        return tried
    held = {name: value for name, (_, value) in subject.tensors().items()} | layer.parameters()
    fitting = {name for name, pair in layer.pairs.items() if pair.fits}
    rest = [name for name, value in held.items() if name not in {*fitting, *override.constants} and value.ndim]
    if not any(matters(subject, tried.x, held, name) for name in rest):
        return tried
    longer = replace(subject, backward=(*subject.backward, method))
    again = attempt(Candidate(longer, tried.x, tried.layout, tried.reduction), override)
    if again.grade < Grade.SHAPES or again.layer is None or len(again.layer.pairs) <= len(fitting):
        return tried
    return _in_place_of(tried, again, f"{method} was run after backward")


def with_other_target(tried: Attempt, override: Override) -> Attempt:
    """The reading with class labels in place of one-hot targets, or the other way round, if only that one is wrong."""
    subject = tried.subject
    other = None if tried.grade is not Grade.AGREES or override.target is not None else other_coding(subject, tried.x)
    if other is None:
        return tried
    candidate = Candidate(replace(subject, target=other), tried.x, tried.layout, tried.reduction)
    again = attempt(candidate, override)
    # Where it is off by a constant factor they are two ways to say the same; anything else may be a target that the
    # code is not made for.
    if again.grade is not Grade.SHAPES or not all(np.isfinite(factor) for factor in again.factors.values()):
        return tried
    now, before = ("class labels", "one-hot targets") if other.ndim < tried.x.ndim else ("one-hot targets", "labels")
    return _in_place_of(tried, again, f"checked with {now}; with {before} it is right")


def with_samples_added(tried: Attempt, override: Override) -> Attempt:
    """The reading with gradients added up over their first axis, where all parameters' have one of samples in front."""
    layer, n = tried.layer, (*tried.x.shape, 0)[0]
    pairs = [pair for name, pair in layer.pairs.items() if name != INPUT] if layer else []
    shapes = [pair.shape[1:] if pair.shape[:1] == (1,) else pair.shape for pair in pairs]
    each = [pair.gradient_shape == (n, *shape) for pair, shape in zip(pairs, shapes, strict=True)]
    if tried.grade is not Grade.BACKWARD or len(pairs) < 2 or not all(each):
        return tried
    keys = [pair.gradient for pair in pairs]
    subject = replace(tried.subject, per_sample=keys)
    again = attempt(Candidate(subject, tried.x, tried.layout, tried.reduction), override)
    note = f"{' and '.join(keys)} hold a gradient for each sample, and were added up"
    return _in_place_of(tried, again, note) if again.grade is Grade.AGREES else tried


def note_one_output(tried: Attempt, attempts: list[Attempt]) -> None:
    """Note of a loss that is right for one output a sample, that it takes several and gives no gradient of each."""
    if not tried.reduction or tried.grade is not Grade.AGREES or tried.x.shape[1:] != (1,):
        return
    for other in attempts:
        pair = other.layer.pairs.get(INPUT) if other.layer and other.batch and other.x.ndim == 2 else None
        if pair is not None and not pair.fits and 1 not in other.x.shape:
            text = (
                f"with one output for each sample it is right, but it takes {other.x.shape[1]} as well, and gives x of "
                f"shape {pair.shape} a gradient of shape {pair.gradient_shape}; if it is made for one, that is right"
            )
            tried.notes.append(Fact("unchecked", text))
            return


def without_averages(tried: Attempt, override: Override) -> Attempt:
    """The reading with parameters' gradients that are averages over the batch multiplied back, if that is meant."""
    samples = (tried.x.shape or (1,))[-1 if tried.layout.orientation == "columns" else 0]  # a number alone is one
    averaged = (
        tried.layout.batch
        and tried.factors.keys() - {INPUT}
        and all(abs(f - (1 if name == INPUT else 1 / samples)) < 1e-6 for name, f in tried.factors.items())
    )
    if override.average or (averaged and override.average is None and tried.layout.orientation == "columns"):
        again = attempt(Candidate(tried.subject, tried.x, tried.layout, tried.reduction), override, float(samples))
        text = (
            f"the parameters' gradients are averages over the batch of {samples} and were multiplied by {samples}"
            f"{'; dx is not an average' if INPUT in tried.factors else ''}. To have that called wrong, say "
            f"{line(tried.subject.name, average=False)}"
        )
        return _in_place_of(tried, again, text)
    if averaged:
        said = line(tried.subject.name, average=True)
        text = (
            f"every parameter's gradient is exactly 1/{samples} of what dy asks for, and {samples} is the batch: they "
            f"are averaged, dx is not. If you mean that, say {said}"
        )
        tried.notes.append(Fact("note", text))
    return tried


def _in_place_of(tried: Attempt, again: Attempt, note: str, args: Mapping[str, Any] | None = None) -> Attempt:
    """The other reading, with what was known of the first one, these arguments changed, and a note that says why."""
    again.args = {**tried.args, **(args or {})}
    again.notes = [*tried.notes, Fact("note", note)]
    return again
