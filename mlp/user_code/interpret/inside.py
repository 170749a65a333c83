"""How to read what has its loss inside: a network that takes the target, and a model that is written as functions.

Of a model the parameters, inputs and targets to try it on are made here as well.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.clock import remaining
from mlp.user_code.interpret import penalties, samples
from mlp.user_code.interpret.arguments import Built
from mlp.user_code.interpret.inputs import inputs
from mlp.user_code.interpret.models import Parts, has_target, is_key, vectors
from mlp.user_code.interpret.ranking import furthest
from mlp.user_code.interpret.samples import BATCH, FEATURES, HIDDEN, OUTPUTS, Layout
from mlp.user_code.interpret.second_look import without_factor, without_gradient, without_moments
from mlp.user_code.interpret.trial import Attempt, Candidate, Grade, attempt, compare, decay
from mlp.user_code.interpret.whole import (
    OBJECTIVES,
    PREDICTION,
    RETURNED,
    Whole,
    closed,
    closed_candidate,
    keeps_target,
    networks,
    own_losses,
    takes_nothing,
    with_penalty,
)
from mlp.user_code.load.classes import Kind, sounds_like_loss
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import Fact, ForeignError, place_of, told
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.pairing import INPUT
from mlp.user_code.run.subject import Subject
from mlp.user_code.settings import Override, line, written

# A learning rate at which an update changes nothing that can be seen, and still gives back its gradient.
_TINY = 1e-6
_FOR_CHECK = 0.5  # of the time that is left


def _tried(candidates: Iterable[Candidate]) -> list[Attempt]:
    """Those that ran, the last one being right if any is; as many as leave time for a check."""
    found: list[Attempt] = []
    enough, raised, loss = _FOR_CHECK * remaining(), (0, 0), None
    for candidate in candidates:
        if raised == (id(candidate.x), id(candidate.subject.target)) or loss not in (None, candidate.loss):
            continue  # backward does so whatever the loss is, or the loss is known
        tried = attempt(candidate)
        raised = (id(candidate.x), id(candidate.subject.target)) if tried.grade is Grade.FORWARD else (0, 0)
        if not tried.factors and tried.layer is not None:  # some shapes do not fit; the others say which loss it is
            tried.factors = compare(tried.layer, tried.x)
        found.append(tried)
        is_right = tried.grade is Grade.AGREES and not tried.is_hollow
        if (is_right and not without_gradient(tried)) or remaining() < enough:
            break
        loss = tried.loss if is_right else loss
    return found


def _network_readings(built: Built, kind: Kind, case: Case, rate: float = 1.0) -> Iterator[Candidate]:
    """A network with a loss inside: every loss, on every layout, with targets that suit any of them."""
    thing, data = built.thing, built.data
    held = {word: object_arrays.get(thing, (name,)) for name, word in data.items()}
    own = [(x, Layout("what it was made with", "rows", x.shape, True), None) for x in [held.get("x")] if x is not None]
    for given, layout, _ in own if own and case.said.x is None else inputs(case.said, thing):
        x = given.astype(np.int64) if layout.integers else given
        try:
            y = _predicted(case, closed(thing, Whole(kind.forward, OBJECTIVES[0], kind.backward, data=data)), x)
        except ForeignError:
            continue
        alone = takes_nothing(type(thing), kind.backward, kind.forward) and not keeps_target(type(thing), kind.backward)
        alone = alone and not data
        if alone and x.shape != y.shape:
            continue
        # An autoencoder has its input as target.
        for target in (x,) if alone else _network_targets(y, case.said, held.get("target")):
            for words, one in networks(thing, kind.forward, kind.backward, case.said, rate, data):
                yield closed_candidate(case, one, x, target, layout)._replace(loss=words)


def _by_locals(candidate: Candidate) -> Candidate:
    """The same reading by local names of backward, whatever steps it takes."""
    return candidate._replace(subject=replace(candidate.subject, by_locals=[*candidate.subject.tensors()]))


def _predicted(case: Case, one: Any, x: Array) -> Array:
    """What a closed thing predicts of an input."""
    return Subject(case.name, PREDICTION, (), one, settings={"t": None}, module=case.module).run(x, {}).y


def read_network(built: Built, kind: Kind, case: Case) -> Attempt:
    """The reading of a network whose backward, or training step, takes the target.

    Raises:
        ForeignError: none of the usual losses is the one inside; it is a note, for that is no mistake.
    """
    thing = built.thing
    returned = sources.returned_name(getattr(thing, kind.backward))
    returns_loss = not returned or sounds_like_loss(returned) or returned in vocabulary.LOSS_VALUES
    ran = [one for one in _tried(_network_readings(built, kind, case)) if one.factors]
    steps = any(pair.is_step for one in ran if one.layer for pair in one.layer.pairs.values())
    if steps and not any(one.agreeing > 0 for one in ran):  # steps such as those of Adam
        ran = [one for one in _tried(map(_by_locals, _network_readings(built, kind, case))) if one.factors] or ran
    for one in ran:
        one.notes.append(Fact("note", f"the loss inside {kind.backward} was taken to be {one.loss}"))
        own = one.loss.removeprefix("its ")
        if hasattr(thing, own):
            one.notes += penalties.notes(Parts(None, own, kind.backward, ()), thing, case.said)
        if one.subject.by_locals:
            text = f"the gradients are local names of {kind.backward}; what its steps make of them was not looked at"
            one.notes.append(Fact("note", text))
    shown = _shown_by_a_batch(ran)
    if ran and ran[-1].grade is Grade.AGREES and not shown:
        return _with_own_loss(ran, [f"its {loss}" for loss in own_losses(thing, kind.backward)])
    sure = ran if keeps_target(type(thing), kind.backward) else []
    sure = sure or [one for one in ran if returns_loss and one.loss == RETURNED.words]
    likely = shown or [one for one in ran if one.agreeing > 0] or sure
    if likely:
        best = _with_penalty(without_moments(max(likely, key=lambda one: one.agreeing)))
        best = _with_averages(best, likely)
        return _with_early_update(best, _network_readings(built, kind, case, _TINY))
    text = (
        f"{case.name}.{kind.backward} takes no gradient, so a loss is hidden inside it, and none of the "
        f"usual ones is the one whose gradient it gives; {case.name} is left out, "
        "the layers that it is made of can be checked"
    )
    raise ForeignError(Fact("note", text, *place_of(getattr(thing, kind.backward))))


def _with_averages(best: Attempt, likely: list[Attempt]) -> Attempt:
    """The reading, or one of a sum of losses, whose dx is right, of which the parameters' gradients are averages."""
    averaged = (without_factor(one) for one in likely if one.factors.get(INPUT) == 1)
    return next((one for one in averaged if one.grade is Grade.AGREES), best)


def _shown_by_a_batch(ran: list[Attempt]) -> list[Attempt]:
    """Where only one sample is right: the readings of a batch of which a part is, for one sample hides what is not."""
    single = ran[-1].layer if ran and not ran[-1].batch and ran[-1].grade is Grade.AGREES else None
    of_batch = [one for one in ran if one.batch and one.grade is Grade.SHAPES and one.agreeing > 0]
    return [one for one in of_batch if single and one.layer and one.layer.pairs.keys() == single.pairs.keys()]


def _with_own_loss(ran: list[Attempt], own: list[str]) -> Attempt:
    """The reading that agrees, the last, or the same with the loss that theirs has beside it, if that is another."""
    right = ran[-1]
    for one in ran if ran[-1].loss not in own else ():
        if one.loss in own and _same(one.x, right.x) and _same(one.subject.target, right.subject.target):
            text = f"backward gives the gradients of {ran[-1].loss}, and not those of {one.loss}"
            one.notes[:] = [Fact("note", text)]
            return one
    return right


def _same(one: Any, other: Any) -> bool:
    return one is not None and np.array_equal(one, other)


def _with_penalty(best: Attempt) -> Attempt:
    """The reading, with a penalty in the loss that was guessed where nothing else is wrong."""
    times = decay(best) if best.layer and best.loss in [one.words for one in OBJECTIVES] else {}
    if not times:
        return best
    tensors = best.subject.tensors()
    thing = with_penalty(best.subject.thing, {tensors[name][0][0]: number for name, number in times.items()})
    subject = replace(best.subject, thing=thing)
    again = attempt(Candidate(subject, best.x, best.layout, best.reduction, best.loss, best.outputs, best.guess))
    text = (
        f"a penalty on {' and '.join(times)} was taken to be in it, whose gradient is {next(iter(times.values())):.3g} "
        "times each"
    )
    again.notes = [*best.notes, Fact("note", text)]
    return again if again.grade is Grade.AGREES else best


def _with_early_update(best: Attempt, tiny: Iterable[Candidate]) -> Attempt:
    """The reading, with the fact that its gradients are right as long as the steps are tiny, where they are."""
    tried = best
    wrong = [name for name, factor in tried.factors.items() if factor != 1]
    if tried.layer is None or not any(tried.layer.pairs[name].is_step for name in wrong):
        return tried
    step = tried.subject.sources()[-1]
    name = step.__wrapped__.__name__
    for candidate in tiny:
        if candidate.loss == best.loss and np.array_equal(candidate.x, tried.x):
            factors = attempt(candidate).factors
            early = [name for name in wrong if factors.get(name) == 1]
            if early:
                text = (
                    f"{name} updates a parameter too early: the update of {' and '.join(early)} is "
                    "right for a tiny learning rate only, so it goes by parameters after their own update; compute all "
                    "gradients before the first update"
                )
                tried.notes.append(Fact("problem", text, *place_of(step)))
                break
    return tried


IDS = np.resize(np.arange(FEATURES), BATCH)
"""A sequence of whole numbers, as of letters."""


class Made(NamedTuple):
    """Parameters, in words where they come from, for how many outputs, 0 where that is not known, and if one vector."""

    words: str
    parameters: Any
    outputs: int = 0
    is_vector: bool = False


def _parameters(parts: Parts, override: Override, thing: Any = None) -> Iterator[Made]:
    """A thing as it is; else what GRADCHECK says, what their own function makes, or weights in the usual shapes."""
    if thing is not None:
        yield Made("as they were made", _small(thing) if _clips(parts, thing) else thing)
        return
    if isinstance(override.parameters, dict):
        drawn = {name: samples.normal(shape, 3 + i) for i, (name, shape) in enumerate(override.parameters.items())}
        yield Made("as given", drawn)
        return
    for outputs in (OUTPUTS, 1, *([] if _takes_target(parts) else [FEATURES])):
        for maker in parts.makers:
            yield from _made(maker, outputs, override, _small if _clips(parts) else _moved)
        if not override.parameters:
            yield from _vectors(parts, outputs)
            yield from _guessed(parts.keys, outputs)


def _takes_target(parts: Parts) -> bool:
    """Whether anything of a model takes a target: an autoencoder has its input as one."""
    return parts.is_of_object or any(map(has_target, filter(callable, parts)))


def _clips(parts: Parts, thing: Any = None) -> bool:
    """Whether gradients are clipped where they are large: then they are kept small."""
    functions = [getattr(thing, one) if isinstance(one, str) else one for one in (parts.loss, parts.backward) if one]
    return any("clip" in calls.global_names(inspect.unwrap(one)) for one in functions)


def _made(maker: Callable[..., Any], outputs: int, override: Override, moved: Callable[[Any], Any]) -> Iterator[Made]:
    """The parameters of their function, moved away from zeros, with sizes that are all different."""
    given = dict(override.args) or _sizes_for(maker, outputs)
    try:
        with told(maker.__name__, maker):
            held = maker(**given)
    except ForeignError:
        return
    if isinstance(held, tuple):
        names = sources.returned_names(maker, len(held))
        held = dict(zip(names, held, strict=True)) if all(isinstance(name, str) for name in names) else held
    shown = ", ".join(f"{name}={written(value)}" for name, value in given.items())
    if object_arrays.arrays([held]):
        yield Made(f"{maker.__name__}({shown})", moved(held), outputs)


def _sizes_for(maker: Callable[..., Any], outputs: int) -> dict[str, Any]:
    """The arguments of a function that makes parameters: a list of all sizes, or one size each."""
    wanted = calls.required(calls.parameters_of(maker))
    sizes = [FEATURES, *HIDDEN[: len(wanted) - 2 if len(wanted) > 1 else None], outputs]
    if len(wanted) == 1:
        return {wanted[0].name: calls.setting(wanted[0].name, maker) or sizes}
    sizes = [FEATURES, outputs] if len(wanted) == 2 else sizes
    return {one.name: size for one, size in zip(wanted, sizes, strict=False)}


def _small(structure: Any) -> Any:
    """As `_moved`, with numbers so small that no gradient is clipped."""
    return _moved(structure, 0.0, 0.1)


def _moved(structure: Any, keep: float = 1.0, size: float = 0.5) -> Any:
    """A copy in double precision with a random number added to every entry: at zeros many mistakes cannot show."""
    holder = [object_arrays.in_double_precision(object_arrays.duplicate(structure))]
    for i, (path, array) in enumerate(object_arrays.arrays(holder).items()):
        if array.dtype.kind == "f":
            object_arrays.put(holder, path, keep * array + size * samples.normal(array.shape, 3 + i))
    return holder[0]


def _vectors(parts: Parts, outputs: int) -> Iterator[Made]:
    """All weights in one vector, with biases and without, for a hidden layer and for none."""
    names = [name for one in parts if callable(one) for name in vectors(one)]
    for more, hidden in product((1, 0), (HIDDEN[:1], ())) if names else ():
        ends = zip(sizes := [FEATURES, *hidden, outputs], sizes[1:], strict=False)
        count = sum((one + more) * other for one, other in ends)
        yield Made("random, in one vector", {names[0]: samples.normal((count,), 3)}, outputs, is_vector=True)


def _guessed(keys: tuple[str, ...], outputs: int) -> Iterator[Made]:
    """Weights and biases of these names, for columns and for rows, or with a bias inside."""
    layers = list(dict.fromkeys(re.sub(r"\D", "", key) for key in keys if is_key(key)))
    if layers == [""] and outputs > 1:
        drawn = {key: samples.normal((FEATURES,) if vocabulary.family(key).startswith("w") else (), 3) for key in keys}
        yield Made("random, the weights a vector", {key: np.asarray(value) for key, value in drawn.items()})
    sizes = [FEATURES, *HIDDEN[: len(layers) - 1], outputs]
    if not layers or len(sizes) != len(layers) + 1:
        return
    turned = (("(out, in)", True, (-1, 1), 0), ("(out, in)", True, (-1,), 0))
    shapes = (*turned, ("(in, out)", False, (-1,), 0), ("(in, out)", False, (1, -1), 0))
    of_both = (("(out, 1 + in)", True, (), 1), ("(1 + in, out)", False, (), 1))
    without_bias = all(vocabulary.family(key).startswith("w") for key in keys)
    for words, turned, bias, more in (*shapes, *(of_both if without_bias else ())):
        drawn = {}
        for i, key in enumerate(keys):
            place = sorted(layers, key=lambda layer: int(layer or 0)).index(re.sub(r"\D", "", key))
            shape = (sizes[place] + more, sizes[place + 1])[:: -1 if turned else 1]
            is_weight = vocabulary.family(key).startswith("w")
            drawn[key] = samples.normal(shape if is_weight else (sizes[place + 1],), 3 + i)
            drawn[key] = drawn[key] if is_weight else drawn[key].reshape(bias)
        yield Made(f"random, weights of shape {words}", drawn, outputs)


def _inputs(made: Made, override: Override) -> Iterator[Array]:
    """Inputs with as many features as a weight has rows or columns, as rows and as columns; or the one that was given.

    That is given as whole numbers at last, if it consists of such.
    """
    given = override.input()
    if given is not None:
        yield given
        if np.array_equal(given, np.abs(np.rint(given))):
            yield given.astype(IDS.dtype)
        return
    if made.is_vector:
        yield from (samples.normal(shape) for shape in ((BATCH, FEATURES), (FEATURES, BATCH)))
        return
    matrices = [array for array in object_arrays.arrays([made.parameters]).values() if array.ndim in (1, 2)]
    matrices = [array for array in matrices if array.ndim > 1] or matrices
    whole = [array for array in matrices if 1 not in array.shape] or matrices
    sizes = dict.fromkeys(size for array in whole[:1] for size in array.shape)
    for size in sorted(sizes, key=lambda size: size != FEATURES):
        yield from (samples.normal(shape) for shape in ((BATCH, size), (size, BATCH)))
    yield from (samples.normal((BATCH, size - 1)) for size in sizes if size > 2)  # a column of ones is added
    yield IDS
    yield np.stack([IDS, IDS[::-1]], axis=1)


def _network_targets(y: Array, override: Override, own: Array | None) -> Iterator[Array]:
    """The target that GRADCHECK gives, or those of the kind that it names; else the object's own, and random ones."""
    if isinstance(override.target, str):
        yield from (target for _, target in _drawn(override.target, y.shape, 1))
    elif override.target is not None:
        yield np.asarray(override.target)
    else:
        yield from () if own is None else (own,)
        yield from samples.targets_for(y)


def _targets(y: Any, made: Made, x: Array, override: Override) -> Iterator[tuple[str, Array]]:
    """Every kind of target that suits a prediction; where there is none yet, one that suits the last weights."""
    if isinstance(override.target, np.ndarray | list | tuple):
        yield "as given", np.asarray(override.target)
        return
    if x.dtype == IDS.dtype:
        yield "ids", x[::-1]
    shapes = [np.shape(y)] if y is not None else list(_last_shapes(made, x, override))
    for shape, kind in product(shapes, ("one-hot", "labels", "binary", "normal")):
        if override.target in (None, kind):
            is_columns = shape[-1:] == x.shape[-1:] and shape[:1] != x.shape[:1]
            yield from _drawn(kind, shape, 0 if is_columns else 1)


def _last_shapes(made: Made, x: Array, override: Override) -> Iterator[tuple[int, ...]]:
    """As many outputs as the last weight has, or one, for as many samples as x has rows or columns."""
    if made.is_vector:
        yield from ((BATCH, made.outputs), (made.outputs, BATCH))
    last = [array for array in object_arrays.arrays([made.parameters]).values() if array.ndim == 2][-1:]
    if not last:
        yield x.shape[:1]
    for size in sorted({min(array.shape) for array in last} | {1}, reverse=True):
        shapes = (x.shape[0], size), (size, *x.shape[1:][-1:])
        yield from (shape for shape in shapes if BATCH in shape or override.x is not None)


def _drawn(kind: str, shape: tuple[int, ...], axis: int) -> Iterator[tuple[str, Array]]:
    """A target of this kind, with the classes along this axis, which is not the batch's; each class stands in it."""
    numbers = samples.normal(shape, seed=2)
    classes = shape[axis] if len(shape) == 2 else 1
    if kind == "normal" and len(shape) in (1, 2):
        yield kind, numbers
    elif kind == "binary" and len(shape) in (1, 2):
        yield kind, (numbers > 0).astype(float)
        if classes == 1 < len(shape):
            yield "binary, a vector", (numbers > 0).ravel().astype(int)
    elif classes > 1:
        labels = np.resize(np.arange(classes)[::-1], shape[1 - axis])
        yield kind, labels if kind == "labels" else np.moveaxis(np.eye(classes)[labels], 0, 1 - axis)
        if kind == "labels" and axis:
            yield "labels, a column", labels[:, None]


def _model_readings(parts: Parts, case: Case, mades: Iterable[Made], errors: list[Fact]) -> Iterator[Candidate]:
    """Every way to run a model of functions, or methods; why some cannot be run is added to the errors."""
    override = case.said
    is_guess = parts.loss is None and parts.forward is not None and not has_target(parts.forward)
    predicts = is_guess or (parts.forward is not None and parts.loss is not None)
    losses = OBJECTIVES if is_guess else (parts.loss, *parts.others)
    for drawn, place in product(mades, (-1, 0) if predicts else (-1,)):
        parameters, weights = penalties.weighed(parts, drawn.parameters, override)
        made = drawn._replace(parameters=parameters)
        settings = {**weights, **override.forward_args, **override.backward_args}
        whole = Whole(parts.forward, losses[0], parts.backward, place, settings)
        for x in _inputs(made, override):
            try:
                one = closed(made.parameters, whole)
                y = _predicted(case, one, x) if predicts else None
            except ForeignError as error:
                errors.append(error.fact)
                continue
            targets = _targets(y, made, x, override) if _takes_target(parts) else [("of no use", x)]
            for (words, target), loss in product(targets, losses):
                columns = x.ndim > 1 and x.shape[1] == BATCH
                shown = f"X, with parameters {made.words} and a target {words} of shape {target.shape}"
                layout = Layout(shown, "columns" if columns else "rows", x.shape, True)
                one = closed(made.parameters, whole._replace(loss=loss))
                candidate = closed_candidate(case, one, x, target, layout)
                candidate.subject.has_dx = parts.is_of_object
                candidate.subject.per_sample = dict.fromkeys(override.per_sample, (0,))
                yield candidate._replace(loss=getattr(loss, "words", ""), outputs=made.outputs)


def read_model(parts: Parts, case: Case, thing: Any = None) -> Attempt:
    """The first reading of which everything is right, else the one of which most is.

    The parts are functions, or methods of a thing.

    Raises:
        ForeignError: none ran, or the loss had to be guessed and no guess suits.
    """
    errors: list[Fact] = []
    tried = _tried(_model_readings(parts, case, _parameters(parts, case.said, thing), errors))
    ran = [one for one in tried if one.layer is not None and one.layer.pairs]
    best = max(ran, key=lambda one: one.agreeing, default=None)
    if best is None:
        fact = furthest(tried).error if tried else next(iter(errors), None)
        text = f"the model of {parts.name} could not be run{f': {fact.text}' if fact else ''}"
        for maker in parts.makers[:1]:
            guessed = _sizes_for(maker, OUTPUTS)
            sizes = {"parameters": maker.__name__, "args": dict.fromkeys(guessed, ...)}
            shown = ", ".join(f"{name}={written(value)}" for name, value in guessed.items())
            beside = {"loss": parts.loss if parts.forward else None, "backward": parts.backward}
            said = {key: one.__name__ for key, one in beside.items() if callable(one)} | sizes
            text += f". The sizes in {maker.__name__}({shown}) were guessed; say yours in {line(parts.name, **said)}"
        raise ForeignError(Fact("problem", text, *place_of(parts.backward or parts.loss), fact.trace if fact else ()))
    if best.loss and best.agreeing < 1:
        text = (
            f"{parts.name} and {getattr(parts.backward, '__name__', '')} need a loss. The module has none, and none of "
            "the usual ones has these gradients; write it as a function of prediction and target, "
            'and name it as "loss" in GRADCHECK'
        )
        raise ForeignError(Fact("note", text, *place_of(parts.backward or parts.loss)))
    if parts.others and best.agreeing < 1:
        names = " and ".join(one.__name__ for one in (parts.loss, *parts.others) if callable(one))
        text = (
            f"{parts.name} has the gradients of none of {names}, and no name says whose they should be; say it in one "
            f'line, as "loss" in GRADCHECK'
        )
        raise ForeignError(Fact("problem", text, *place_of(parts.backward or parts.loss)))
    if best.loss:
        best.notes.append(Fact("note", f"no loss was found, so it was taken to be {best.loss}"))
    best.notes += [*penalties.notes(parts, thing, case.said), *_with_more_outputs(best, ran)]
    return _with_penalty(best)


def _with_more_outputs(best: Attempt, ran: list[Attempt]) -> Iterator[Fact]:
    """That all is right for one output alone, where the model ran with more."""
    more = max((one for one in ran if one.outputs > 1), key=lambda one: one.agreeing, default=None)
    if best.grade is Grade.AGREES and best.outputs == 1 and more is not None:
        pairs = more.layer.pairs if more.layer else {}
        wrong = [name for name in pairs if more.factors.get(name) != 1]
        text = (
            f"with one output all gradients are right, with {more.outputs} those of {' and '.join(wrong)} are "
            "not; if the model is made for one alone, that is no mistake"
        )
        yield Fact("unchecked", text)
