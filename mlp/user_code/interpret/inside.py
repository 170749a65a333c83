"""How to read what has its loss inside: a network that takes the target, and a model that is written as functions."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.clock import remaining
from mlp.user_code.interpret import model_data, samples
from mlp.user_code.interpret.arguments import Built
from mlp.user_code.interpret.inputs import inputs
from mlp.user_code.interpret.models import Parts, has_target
from mlp.user_code.interpret.ranking import furthest
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.trial import Attempt, Candidate, Grade, attempt, compare
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
)
from mlp.user_code.load.classes import Kind, sounds_like_loss
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import Fact, ForeignError, place_of
from mlp.user_code.run import object_arrays
from mlp.user_code.run.sources import returned_name
from mlp.user_code.run.subject import Subject
from mlp.user_code.settings import line

# A learning rate at which an update changes nothing that can be seen, and still gives back its gradient.
_TINY = 1e-6
_FOR_CHECK = 0.5  # of the time that is left


def _tried(candidates: Iterable[Candidate]) -> list[Attempt]:
    """Those that ran, the last one being right if any is; as many as leave time for a check."""
    found, enough = [], _FOR_CHECK * remaining()
    for candidate in candidates:
        tried = attempt(candidate)
        if not tried.factors and tried.layer is not None:  # some shapes do not fit; the others say which loss it is
            tried.factors = compare(tried.layer, tried.x)
        found.append(tried)
        if (tried.grade is Grade.AGREES and not tried.is_hollow) or remaining() < enough:
            break
    return found


def _network_readings(built: Built, kind: Kind, case: Case, rate: float = 1.0) -> Iterator[Candidate]:
    """A network with a loss inside: every loss, on every layout, with targets that suit any of them."""
    thing, data = built.thing, built.data
    given = (object_arrays.get(thing, (name,)) for name, word in data.items() if word == "x")
    those = ((x, Layout("what it was made with", "rows", x.shape, True), None) for x in given)
    for x, layout, _ in those if data else inputs(case.said, thing):
        try:
            y = Subject(case.name, kind.forward, (kind.backward,), thing).run(x, {}).y
        except ForeignError:
            continue
        alone = takes_nothing(type(thing), kind.backward) and not keeps_target(type(thing), kind.backward)
        alone = alone and not data
        if alone and x.shape != y.shape:
            continue
        for target in (x,) if alone else samples.targets_for(y):  # an autoencoder has its input as target
            for words, one in networks(thing, kind.forward, kind.backward, rate, data):
                yield closed_candidate(case, one, x, target, layout)._replace(loss=words)


def read_network(built: Built, kind: Kind, case: Case) -> Attempt:
    """The reading of a network whose backward, or training step, takes the target.

    Raises:
        ForeignError: none of the usual losses is the one inside; it is a note, for that is no mistake.
    """
    thing = built.thing
    returned = returned_name(getattr(thing, kind.backward))
    returns_loss = not returned or sounds_like_loss(returned) or returned in vocabulary.LOSS_VALUES
    ran = [one for one in _tried(_network_readings(built, kind, case)) if one.factors]
    for one in ran:
        one.notes.append(Fact("note", f"the loss inside {kind.backward} was taken to be {one.loss}"))
    shown = _shown_by_a_batch(ran)
    if ran and ran[-1].grade is Grade.AGREES and not shown:
        return _with_own_loss(ran, [f"its {loss}" for loss in own_losses(thing, kind.backward)])
    sure = ran if keeps_target(type(thing), kind.backward) else []
    sure = sure or [one for one in ran if returns_loss and one.loss == RETURNED.words]
    likely = shown or [one for one in ran if one.agreeing > 0] or sure
    if likely:
        best = max(likely, key=lambda one: one.agreeing)
        return _with_early_update(best, _network_readings(built, kind, case, _TINY))
    text = (
        f"{case.name}.{kind.backward} takes no gradient, so a loss is hidden inside it, and none of the "
        f"usual ones is the one whose gradient it gives; {case.name} is left out, "
        "the layers that it is made of can be checked"
    )
    raise ForeignError(Fact("note", text, *place_of(getattr(thing, kind.backward))))


def _shown_by_a_batch(ran: list[Attempt]) -> list[Attempt]:
    """Where only one sample is right: the readings of a batch of which a part is, for one sample hides what is not."""
    of_batch = [one for one in ran if one.batch and one.grade is Grade.SHAPES and one.agreeing > 0]
    is_single = bool(ran) and not ran[-1].batch and ran[-1].grade is Grade.AGREES
    return of_batch if is_single else []


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


def _with_early_update(best: Attempt, tiny: Iterable[Candidate]) -> Attempt:
    """The reading, with the fact that its gradients are right as long as the steps are tiny, where they are."""
    tried = best
    wrong = [name for name, factor in tried.factors.items() if factor != 1]
    if tried.layer is None or not any(tried.layer.pairs[name].gradient.startswith("update.") for name in wrong):
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


def _model_readings(
    parts: Parts, case: Case, mades: Iterable[model_data.Made], errors: list[Fact]
) -> Iterator[Candidate]:
    """Every way to run a model of functions, or methods; why some cannot be run is added to the errors."""
    override = case.said
    is_guess = parts.loss is None and parts.forward is not None and not has_target(parts.forward)
    predicts = is_guess or (parts.forward is not None and parts.loss is not None)
    settings = {**override.forward_args, **override.backward_args}
    losses = OBJECTIVES if is_guess else (parts.loss,)
    for made, place in product(mades, (-1, 0) if predicts else (-1,)):
        whole = Whole(parts.forward, losses[0], parts.backward, place, settings)
        for x in model_data.inputs(made, override):
            try:
                one = closed(made.parameters, whole)
                asked = Subject(parts.name, PREDICTION, (), one, settings={"t": None}, module=case.module)
                y = asked.run(x, {}).y if predicts else None
            except ForeignError as error:
                errors.append(error.fact)
                continue
            for (words, target), loss in product(model_data.targets(y, made, x, override), losses):
                columns = x.ndim > 1 and x.shape[1] == samples.BATCH
                shown = f"X, with parameters {made.words} and a target {words} of shape {target.shape}"
                layout = Layout(shown, "columns" if columns else "rows", x.shape, True)
                one = closed(made.parameters, whole._replace(loss=loss))
                candidate = closed_candidate(case, one, x, target, layout)
                candidate.subject.has_dx, candidate.subject.per_sample = parts.is_of_object, override.per_sample
                yield candidate._replace(loss=getattr(loss, "words", ""), outputs=made.outputs)


def read_model(parts: Parts, case: Case, thing: Any = None) -> Attempt:
    """The first reading of which everything is right, else the one of which most is.

    The parts are functions, or methods of a thing.

    Raises:
        ForeignError: none ran, or the loss had to be guessed and no guess suits.
    """
    errors: list[Fact] = []
    tried = _tried(_model_readings(parts, case, model_data.parameters(parts, case.said, thing), errors))
    ran = [one for one in tried if one.layer is not None and one.layer.pairs]
    best = max(ran, key=lambda one: one.agreeing, default=None)
    if best is None:
        fact = furthest(tried).error if tried else next(iter(errors), None)
        text = f"the model of {parts.name} could not be run{f': {fact.text}' if fact else ''}"
        for maker in parts.makers[:1]:
            sizes = {"parameters": maker.__name__, "args": model_data.sizes_for(maker, samples.OUTPUTS)}
            beside = {"loss": parts.loss if parts.forward else None, "backward": parts.backward}
            said = {key: one.__name__ for key, one in beside.items() if callable(one)} | sizes
            text += f". The sizes were guessed; say better ones in a line such as {line(parts.name, **said)}"
        raise ForeignError(Fact("problem", text, *place_of(parts.backward or parts.loss), fact.trace if fact else ()))
    if best.loss and best.agreeing < 1:
        text = (
            f"{parts.name} and {getattr(parts.backward, '__name__', '')} need a loss. The module has none, and none of "
            "the usual ones has these gradients; write it as a function of prediction and target, "
            'and name it as "loss" in GRADCHECK'
        )
        raise ForeignError(Fact("note", text, *place_of(parts.backward or parts.loss)))
    if best.loss:
        best.notes.append(Fact("note", f"no loss was found, so it was taken to be {best.loss}"))
    best.notes += _with_more_outputs(best, ran)
    return best


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
