"""A second look at the reading that agrees: what it may hide, and what a reading that is off by a factor may mean."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.arguments import objects
from mlp.user_code.interpret.containers import uses_in
from mlp.user_code.interpret.inputs import inputs
from mlp.user_code.interpret.losses import other_coding
from mlp.user_code.interpret.trial import Attempt, Candidate, Grade, attempt
from mlp.user_code.load.classes import parts_of_backward
from mlp.user_code.messages import Fact, ForeignError, Level, place_of
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.as_layer import Foreign, adapt
from mlp.user_code.run.pairing import INPUT, matters
from mlp.user_code.run.sources import attributes_of_self, syntax
from mlp.user_code.run.subject import PASS_ON, Subject
from mlp.user_code.run.uses import ranks_of, uses_of
from mlp.user_code.settings import line


def with_other_choices(tried: Attempt) -> Attempt:
    """The reading with another of the texts that an argument is compared with, as of an activation, if that is wrong.

    A derivative that is right for the output is no mistake where one of the first choice is so too.
    """
    subject = tried.subject
    if tried.grade is not Grade.AGREES or tried.reduction or subject.rest:
        return tried
    for name, now, choice in _other_choices(tried):
        try:
            other = _with_choice(tried, name, choice)
        except ForeignError:
            continue
        ways = (subject.pass_on, *(("input", "output") if PASS_ON[subject.pass_on].is_derivative else ()))
        found = [_again(tried, replace(other, pass_on=way)) for way in dict.fromkeys(ways)]
        if found[0].grade is Grade.SHAPES and not any(one.grade is Grade.AGREES for one in found):
            text = f"checked with {name}={choice!r}; with {now!r} it is right"
            return in_place_of(tried, found[0], text, {name: choice} if subject.thing is not None else {})
    return tried


def with_other_branch(tried: Attempt) -> Attempt:
    """The reading with another text for an argument of backward that has one by default, where only that is right."""
    subject = tried.subject
    if tried.grade is not Grade.SHAPES or not subject.backward:
        return tried
    backward = subject.sources()[2]
    for one in calls.parameters_of(backward):
        for choice in uses_of(backward).choices(one.name) if isinstance(one.default, str) else ():
            settings = {**subject.backward_settings, one.name: choice}
            if one.name not in subject.backward_settings and choice != one.default:
                again = _again(tried, replace(subject, backward_settings=settings))
                if again.grade is Grade.AGREES:
                    name = getattr(backward, "__name__", "backward")
                    text = f"{name} was given {one.name}={choice!r}; by default it gives the gradient of something else"
                    takes_it = one.name in calls.parameters_named(subject.sources()[1])  # by another default
                    return in_place_of(tried, again, text, level="unchecked" if takes_it else "note")
    return tried


def _other_choices(tried: Attempt) -> Iterator[tuple[str, str, str]]:
    """The arguments that have a text, it, and each other text that stands for a function as well."""
    subject, said = tried.subject, tried.subject.said
    cls = type(subject.thing)
    is_object = subject.thing is not None
    defaults = {one.name: one.default for one in calls.parameters_of(cls)} if is_object else {}
    given = {**defaults, **tried.args} if is_object else subject.settings
    uses = uses_in(cls) if is_object else uses_of(subject.sources()[1])
    for name, now in given.items():
        if isinstance(now, str) and name not in {**said.args, **said.forward_args}:
            for choice in uses.choices(name):
                if choice != now and vocabulary.plain(choice) in vocabulary.CHOICES:
                    yield name, now, choice


def _with_choice(tried: Attempt, name: str, choice: str) -> Subject:
    """The same subject with this text for this argument of its constructor, or of its function."""
    subject, said = tried.subject, tried.subject.said
    if subject.thing is None:
        return replace(subject, settings={**subject.settings, name: choice})
    built = next(objects(type(subject.thing), subject.module, replace(said, args={**tried.args, name: choice})))
    return replace(subject, thing=built.thing)


def with_other_ranks(tried: Attempt) -> Attempt:
    """The reading with an input of another rank that the code is made for, if that one is wrong.

    Where none of a rank that it asks about can be compared, a fact says so; what flattens its input may be made for the
    rank at hand alone.
    """
    subject = tried.subject
    if tried.grade is not Grade.AGREES or tried.reduction or subject.said.x is not None or subject.integers:
        return tried
    forward, backward = subject.sources()[1], subject.sources()[-1]
    first = subject.first or next(iter(calls.parameters_named(forward)), "")
    ranks, now = ranks_of(forward, backward, first, calls.upstream_names(backward, [first])), tried.x.ndim
    for rank in sorted((ranks.asked | ranks.flattened) - {now}, reverse=True):
        given = [one for one in inputs(subject.said, subject.thing) if one[0].ndim == rank and not one[1].integers]
        if rank > now:  # of one place: what flattens its input finds as many features as before
            given.append((tried.x.reshape(*tried.x.shape, *[1] * (rank - now)), tried.layout, "x"))
        found = [attempt(Candidate(subject, x, layout)) for x, layout, form in given if form == "x"]
        shown = [one for one in found if one.grade >= Grade.SHAPES and not one.is_hollow]
        right = [one for one in shown if one.grade is Grade.AGREES]
        if shown and not right:
            text = f"checked with an input of {rank} axes, for which the code is made too; with {now} it is right"
            return in_place_of(tried, shown[0], text)
        is_whole = any({*one.factors, INPUT} >= tried.factors.keys() for one in right)
        if rank in ranks.asked and not is_whole:
            text = f"the code asks whether its input has {rank} axes, and with so many it could not be compared"
            tried.notes.append(Fact("unchecked", text, *place_of(forward)))
    return tried


def with_update(tried: Attempt) -> Attempt:
    """The reading with further methods run after backward, where only these make some of the gradients."""
    cls = type(tried.subject.thing)
    updates = [name for name in dir(cls) if vocabulary.UPDATE.fullmatch(name) and callable(getattr(cls, name))]
    free = [name for name in updates if tried.subject.forward not in attributes_of_self(getattr(cls, name))[0]]
    methods = [*parts_of_backward(cls), *free]
    for method in methods if not tried.subject.said.backward else ():
        rest = _without_any(tried)
        if rest and method not in tried.subject.backward:
            again = _again(tried, replace(tried.subject, backward=(*tried.subject.backward, method)))
            if again.grade >= Grade.SHAPES and len(_without_any(again)) < len(rest):
                tried = in_place_of(tried, again, f"{method} was run after {tried.subject.backward[-1]}")
    return tried


def _without_any(tried: Attempt) -> list[str]:
    """What has no gradient that fits: arrays that move the output, and the input where it is no ids."""
    layer, is_fixed = tried.layer, tried.subject.integers or not tried.subject.has_dx
    return without_gradient(tried) + [INPUT] * (layer is not None and not is_fixed and INPUT not in layer.pairs)


def with_locals(tried: Attempt, names: list[str]) -> Attempt:
    """The reading with local names of backward for the gradients of these tensors, where it hands them out nowhere."""
    again = _again(tried, replace(tried.subject, by_locals=names)) if names and tried.error is None else tried
    found = again.layer.pairs if again.layer else {}
    local = {name: pair.gradient for name, pair in sorted(found.items()) if pair.gradient.startswith("local.")}
    agreeing = [name for name in local if again.factors.get(name) == 1]  # none of them is, where they are of one step
    if again.layer is None or not agreeing or len(local) < len(names):
        return tried
    if not tried.reduction and not _are_linear(again.layer, tried.x, names):
        return tried  # those of a loss inside, or of something else that is no gradient
    note = f"{' and '.join(local.values())} of {tried.subject.backward[-1]} are gradients that it hands out nowhere"
    return in_place_of(tried, again, f"{note}; what its steps make of them was not looked at")


def without_other_steps(tried: Attempt) -> Attempt:
    """The reading without what backward takes from a parameter, where that is no multiple of a gradient, as by Adam.

    A gradient is linear in dy, and a weight decay beside it no function of dy at all.
    """
    layer = tried.layer
    wrong = sorted(name for name, factor in tried.factors.items() if factor != 1)
    if layer is None or not wrong or tried.reduction or not all(layer.pairs[one].is_step for one in wrong):
        return tried
    if _are_linear(layer, tried.x, wrong):
        return tried
    by_locals = with_locals(tried, sorted(name for name, pair in layer.pairs.items() if pair.is_step))
    if by_locals is not tried:
        return by_locals
    return _without_steps(tried, wrong)


def without_decay(tried: Attempt) -> Attempt:
    """The reading without what its steps take away from parameters whatever dy is, where that is a multiple of these.

    A gradient is linear in dy, so it has no such part. What one number loses is a multiple of it in any case.
    """
    layer, subject = tried.layer, tried.subject
    if layer is None or tried.grade < Grade.SHAPES or tried.reduction:
        return tried
    try:
        layer.backward(np.zeros_like(layer.forward(tried.x)))
    except ForeignError:  # it is not made for a dy of 0
        return tried
    rounding = 4 * np.finfo(float).eps / (subject.known_rate(subject.thing) or 1.0)
    steps = {name: array for name, array in layer.gradients().items() if layer.pairs[name].is_step and array.size > 1}
    times = {name: _multiple(array, layer.parameters()[name], rounding) for name, array in steps.items()}
    found = {name: one for name, one in times.items() if one > 0}
    if not found:
        return tried
    again = _again(tried, replace(subject, decays=[layer.pairs[name].gradient for name in found]))
    taken = " and ".join(f"{one:.3g} times {name}" for name, one in found.items())
    text = f"the step also takes away {taken}, as by weight decay, whatever dy is; that is no part of the gradient and"
    return in_place_of(tried, again, f"{text} was taken out")


def _multiple(step: Array, value: Array, rounding: float) -> float:
    """How many times an array the other is, 0 if it is no multiple to all of its digits."""
    times = float(np.vdot(step, value) / np.vdot(value, value))
    fits = np.max(np.abs(step - times * value)) <= rounding * np.max(np.abs(value)) + 1e-12 * np.max(np.abs(step))
    return times if fits and abs(times) > rounding else 0.0


def without_moments(tried: Attempt) -> Attempt:
    """The reading without steps that are no multiple of what else of the parameter's shape moves with them, as Adam's.

    A step that is one is that of a momentum, in which a wrong gradient shows.
    """
    layer = tried.layer
    wrong = sorted(name for name, factor in tried.factors.items() if factor != 1)
    if layer is None or not any(layer.pairs[one].is_step for one in wrong):
        return tried
    found = tried.subject.run(tried.x, {}).backward(np.ones(()))
    moved = {object_arrays.text(one.path): one.array for one in found if one.place == "update"}
    beside = [array for name, array in moved.items() if name not in layer.pairs]
    alike = {name: [one for one in beside if one.shape == moved[name].shape] for name in wrong if name in moved}
    steps = [one for one in alike if alike[one] and not any(_are_parallel(moved[one], other) for other in alike[one])]
    return _without_steps(tried, steps) if steps else tried


def _are_parallel(one: Array, other: Array) -> bool:
    return abs(float(np.sum(one * other))) >= (1 - 1e-9) * float(np.linalg.norm(one) * np.linalg.norm(other))


def _without_steps(tried: Attempt, steps: list[str]) -> Attempt:
    """The reading without the steps of these parameters, and with the fact that they were not compared."""
    layer = tried.layer
    assert layer is not None
    kept = {name: pair for name, pair in layer.pairs.items() if name not in steps}
    step = tried.subject.sources()[-1]
    text = (
        f"the steps that {inspect.unwrap(step).__name__} makes of {' and '.join(steps)} are no multiples of a "
        "gradient, as those of Adam, so no gradient could be compared; let backward keep it in an attribute as well"
    )
    other_layer = adapt(tried.subject, kept, tried.reduction, values=layer.parameters())
    facts = [*tried.notes, Fact("unchecked", text, *place_of(step))]
    return replace(tried, layer=other_layer, notes=facts, factors={name: tried.factors[name] for name in kept})


def with_output(tried: Attempt) -> Attempt:
    """The reading in which a function's gradient, beside dy, is given its output under the name of its input.

    So does a caller that hands on what it keeps, such as activations. A z is the input, whatever is done with it.
    """
    subject, function = tried.subject, tried.subject.sources()[-1]
    if tried.grade is not Grade.SHAPES or subject.thing is not None or tried.reduction or subject.rest:
        return tried
    names = [one.name for one in calls.required(calls.parameters_of(function))]
    first = calls.parameters_named(subject.sources()[1])[0]
    upstream = calls.upstream_names(function, [first])
    if sorted(names) != sorted({first, *upstream[:1]}) or first[:1].lower() == "z" or subject.backward_settings:
        return tried
    again = _again(tried, replace(subject, backward_settings={first: "y"}))
    name = getattr(function, "__name__", "backward")
    note = f"{first} of {name} was read as the output, with which it is right, and not as the input that is called so"
    return in_place_of(tried, again, note) if again.grade is Grade.AGREES else tried


def may_take_output(tried: Attempt) -> bool:
    """Whether backward, given dy as what is called like forward's input, is wrong, and right if that is the output."""
    _, forward, *backward = tried.subject.sources()
    names = [[one.name for one in calls.required(calls.parameters_of(one))] for one in (forward, *backward[:1])]
    if tried.grade is Grade.AGREES or names[0] != names[-1] or len(names[0]) != 1 or tried.reduction:
        return False
    by_output = replace(tried.subject, pass_on="output")
    all_layouts = (attempt(Candidate(by_output, samples.drawn(one), one)) for one in samples.layouts(""))
    return any(one.grade is Grade.AGREES and not one.is_hollow for one in all_layouts)


def _are_linear(layer: Foreign, x: Array, names: list[str]) -> bool:
    """Whether the gradients of these parameters are linear in dy, but for what does not depend on it."""

    def gradients(dy: Array) -> Array:
        layer.forward(x)
        layer.backward(dy)
        return np.concatenate([layer.gradients()[name].ravel() for name in names])

    one, other = (samples.normal(layer.apply(x).shape, seed=seed) for seed in (8, 9))
    together, apart = gradients(one + other) + gradients(0 * one), gradients(one) + gradients(other)
    return np.allclose(together, apart, rtol=1e-6, atol=1e-9 * float(np.max(np.abs(apart))))


def without_gradient(tried: Attempt) -> list[str]:
    """The arrays that move the output and have no gradient that fits."""
    subject, layer = tried.subject, tried.layer
    if layer is None:
        return []
    held = {name: value for name, (_, value) in subject.tensors().items()} | layer.parameters()
    done = {*(name for name, pair in layer.pairs.items() if pair.fits), *subject.said.constants}
    rest = [name for name, value in held.items() if name not in done and value.ndim]
    return [name for name in rest if matters(subject, tried.x, held, name)]


def with_other_target(tried: Attempt) -> Attempt:
    """The reading with class labels in place of one-hot targets, or the other way round, if only that one is wrong."""
    subject = tried.subject
    other = (
        None if tried.grade is not Grade.AGREES or subject.said.target is not None else other_coding(subject, tried.x)
    )
    if other is None:
        return tried
    candidate = Candidate(replace(subject, target=other), tried.x, tried.layout, tried.reduction)
    again = attempt(candidate)
    # Where it is off by a constant factor they are two ways to say the same; anything else may be a target that the
    # code is not made for.
    if again.grade is not Grade.SHAPES or not all(np.isfinite(factor) for factor in again.factors.values()):
        return tried
    now, before = ("class labels", "one-hot targets") if other.ndim < tried.x.ndim else ("one-hot targets", "labels")
    return in_place_of(tried, again, f"checked with {now}; with {before} it is right")


def with_samples_added(tried: Attempt) -> Attempt:
    """The reading with gradients added up that are kept for each sample or place, where all are right then.

    Where all parameters' are kept so for each sample, that is meant. Of some alone only their update could tell, and
    those of single rows are meant for a batch, whose sum was forgotten.
    """
    pairs = [pair for name, pair in tried.layer.pairs.items() if name != INPUT] if tried.layer else []
    broad = {pair.gradient: _broad_axes(pair.gradient_shape, pair.shape) for pair in pairs if not pair.fits}
    by_sample = set(broad.values()) == {(0,)}
    is_meant = by_sample and len(broad) == len(pairs) > 1
    if tried.grade is not Grade.BACKWARD or not all(broad.values()):
        return tried
    if by_sample and not is_meant and tried.layout.orientation != "columns":
        return tried
    again = _again(tried, replace(tried.subject, per_sample=broad))
    of = "sample" if by_sample else "sample or place"
    note = f"{' and '.join(broad)} {'hold' if len(broad) > 1 else 'holds'} a gradient for each {of}, added up here"
    if not is_meant:
        note += "; whether what updates the parameters adds them up as well was not seen"
    return (
        in_place_of(tried, again, note, level="note" if is_meant else "unchecked")
        if again.grade is Grade.AGREES
        else tried
    )


def _broad_axes(shape: tuple[int, ...], inner: tuple[int, ...]) -> tuple[int, ...]:
    """The first axes without which a shape is the inner one, but for axes of length 1; () where there are none."""
    wanted, places = [size for size in inner if size != 1], range(len(shape))
    for count in places:
        for axes in combinations(places, count + 1):
            if [shape[i] for i in places if i not in axes and shape[i] != 1] == wanted:
                return axes
    return ()


def note_one_output(tried: Attempt, attempts: list[Attempt]) -> None:
    """Note of a loss that is right for one output a sample, that it takes several and gives no gradient of each."""
    if not (tried.reduction and tried.batch) or tried.grade is not Grade.AGREES or tried.x.shape[1:] != (1,):
        return
    for other in attempts:
        pair = other.layer.pairs.get(INPUT) if other.layer and other.batch and other.x.ndim == 2 else None
        if pair is not None and not pair.fits and 1 not in other.x.shape:
            text = (
                f"with one output for each sample it is right, but it takes {other.x.shape[1]} as well, and gives x of "
                f"shape {pair.shape} a gradient of shape {pair.gradient_shape}; if it is made for one, that is right"
            )
            documented = any(re.search(r"\w, ?1[\])]", one.__doc__ or "") for one in tried.subject.sources()[1:])
            tried.notes.append(Fact("note" if documented else "unchecked", text))
            return


def without_factor(tried: Attempt) -> Attempt:
    """The reading with parameters' gradients that all have a factor which may be meant divided by it, and told so.

    They are averages over the batch, or steps of the learning rate. Where no division by the batch can be seen, nobody
    but the author can tell, so it is no pass.
    """
    name, said, samples = tried.subject.name, tried.subject.said.average, tried.samples
    if said or (said is None and tried.layout.batch and _all_have(tried, 1 / samples)):
        text = (
            f"the parameters' gradients are averages over the batch of {samples} and were multiplied by {samples}"
            f"{'; dx is not an average' if tried.factors.get(INPUT) == 1 else ''}. "
        )
        again = _again(tried, tried.subject, float(samples))
        if said or _divides_by_batch(tried):
            return in_place_of(tried, again, f"{text}To have that called wrong, say {line(name, average=False)}")
        text += f"If that is meant, say {line(name, average=True)}, and False if it is not"
        return in_place_of(tried, again, text, level="unchecked")
    arguments = [one.name for one in calls.parameters_of(type(tried.subject.thing))]
    for attribute in vocabulary.learning_rates(dir(tried.subject.thing)):
        rate = getattr(tried.subject.thing, attribute, None)
        if isinstance(rate, int | float) and _all_have(tried, rate):
            argument = next((one for one in arguments if vocabulary.roles(one)[:1] == ("rate",)), attribute)
            text = (
                f"the parameters' gradients have the learning rate {rate:g} as a factor, as steps have, and were "
                f"divided by it; if that is meant, say {line(name, args={argument: 1.0})}"
            )
            return in_place_of(tried, _again(tried, tried.subject, 1 / rate), text, level="unchecked")
    pairs = tried.layer.pairs if tried.layer else {}
    steps = [tried.factors[one] for one in pairs if one != INPUT and pairs[one].is_step]
    is_sum = bool(steps) and abs(steps[0] - samples) < 1e-6
    is_rate = tried.subject.known_rate(tried.subject.thing) is None
    if steps and steps[0] > 0 and _all_have(tried, steps[0]) and (is_sum or is_rate):
        why = f"as many as there are samples, as if the loss were no mean but a sum over the {samples}"
        text = (
            f"backward makes steps of {steps[0]:.3g} times the gradient, "
            f"{why if is_sum else 'and no learning rate of that size has a name'}; "
            "whether that is meant, only its author can tell, so the gradients were divided by it"
        )
        return in_place_of(tried, _again(tried, tried.subject, 1 / steps[0]), text, level="unchecked")
    return tried


_BATCH = re.compile(r"\.shape\b|\blen\(|\.size\b|^(self\.)?_?(m|n|N|M|n_?m|(.*_)?(batch|samples|examples)(_.*)?)$")


def _divides_by_batch(tried: Attempt) -> bool:
    """Whether backward, or another method, divides by what sounds like the number of samples, or takes a mean."""
    thing, _, *backward = tried.subject.sources()
    methods = [one for _, one in inspect.getmembers(type(thing), inspect.isfunction)] if thing is not None else []
    nodes = [node for one in (*backward, *methods) for node in ast.walk(syntax(one))]
    divisors = [one.right for one in nodes if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div)]
    divisors += [one.value for one in nodes if isinstance(one, ast.AugAssign) and isinstance(one.op, ast.Div)]
    called = [ast.unparse(one.func).rpartition(".")[2] for one in nodes if isinstance(one, ast.Call)]
    return bool({"mean", "average"} & {*called}) or any(_BATCH.search(ast.unparse(one)) for one in divisors)


def _all_have(tried: Attempt, factor: float) -> bool:
    """Whether the parameters' gradients are off by this factor, if by any one, and that of the input is not.

    One that no factor makes right is wrong for a reason of its own, and says nothing of the others.
    """
    of_parameters = [found for name, found in tried.factors.items() if name != INPUT and np.isfinite(found)]
    off = [abs(found - factor) for found in of_parameters]
    return bool(off) and max(off) < 1e-6 <= abs(np.nan_to_num(tried.factors.get(INPUT, 1.0)) - factor)


def _again(tried: Attempt, subject: Subject, scale: float = 1.0) -> Attempt:
    """The same reading of this subject, its parameters' gradients times the scale."""
    return attempt(Candidate(subject, tried.x, tried.layout, tried.reduction, guess=tried.guess), scale)


def in_place_of(
    tried: Attempt, again: Attempt, note: str, args: Mapping[str, Any] | None = None, level: Level = "note"
) -> Attempt:
    """The other reading, with what was known of the first one, these arguments changed, and a note that says why."""
    again.args = {**tried.args, **(args or {})}
    again.notes = [*tried.notes, Fact(level, note)]
    return again
