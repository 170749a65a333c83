"""How to read a class or a pair of functions: candidates are tried, the likeliest first, until one goes all the way."""

import inspect
from collections.abc import Iterable
from typing import Any

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.clock import remaining
from mlp.user_code.interpret import second_look
from mlp.user_code.interpret.arguments import Built, kept_data, objects
from mlp.user_code.interpret.candidates import function_candidates, loss_candidates, object_candidates
from mlp.user_code.interpret.containers import has_weights
from mlp.user_code.interpret.inside import read_model, read_network
from mlp.user_code.interpret.losses import data, structures
from mlp.user_code.interpret.models import Parts, has_target
from mlp.user_code.interpret.nodes import as_functions
from mlp.user_code.interpret.ranking import are_enough, best, is_usable, until_settled
from mlp.user_code.interpret.strides import with_other_strides
from mlp.user_code.interpret.trial import Attempt, Grade
from mlp.user_code.interpret.whole import (
    has_target_inside,
    is_sure_of_dy,
    keeps_target,
    may_be_upstream,
    own_losses,
    takes_nothing,
)
from mlp.user_code.load.classes import Kind, kind_of, other_kinds
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import Fact, ForeignError, place_of, problem
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.subject import PASS_ON
from mlp.user_code.settings import line

_FOR_NETWORKS = 0.6  # of the time that is left, when no more objects with a loss inside are made


def read(case: Case) -> Attempt:
    """The reading of a class, functions or a model that goes furthest.

    Raises:
        ForeignError: a method is missing, no object could be made, or no loss was found that suits.
    """
    if isinstance(case.first, Parts):
        return read_model(case.first, case)
    if isinstance(case.first, type):
        nodes = as_functions(case)
        if nodes is case:
            return read_class(case)
        case = nodes
    backward = () if case.second is None else (case.second,)
    if case.kind == "loss":
        return _finished(until_settled(loss_candidates(case, case.first, backward)))
    attempts = until_settled(function_candidates(case))
    return _finished(attempts + _of_entries(case, attempts))


def _of_entries(case: Case, attempts: list[Attempt]) -> list[Attempt]:
    """The readings of a function of one number entry by entry, where it takes no arrays."""
    is_read = any(tried.grade >= Grade.BACKWARD for tried in attempts)
    if is_read or case.second is None or len(calls.required(calls.parameters_of(case.first))) > 1:
        return []
    found = until_settled(
        function_candidates(case._replace(first=calls.each(case.first), second=calls.each(case.second)))
    )
    found = [tried for tried in found if tried.grade >= Grade.SHAPES]
    for tried in found:
        text = f"{case.name} takes one number, so it was given the entries of the input one by one"
        tried.notes.append(Fact("note", text))
    return found


def read_class(case: Case) -> Attempt:
    """Make objects of a class and find the reading of them that goes furthest."""
    return _read(objects(case.first, case.module, case.said), case)


def read_object(thing: Any, case: Case) -> Attempt:
    """Find the reading of an object that somebody made, with the weights that it holds."""
    return _read([Built(thing, kept_data(thing))], case)


def _read(objects_of_class: Iterable[Built], case: Case) -> Attempt:
    """Go through the ways of reading objects of one class: a whole model, a network with its loss inside, a layer."""
    cls = case.first
    kind = _both_ways(cls, case)
    is_unsure = may_be_upstream(getattr(cls, kind.backward))
    inside = kind.kind == "layer" and (
        has_target_inside(getattr(cls, kind.forward), getattr(cls, kind.backward)) or keeps_target(cls, kind.backward)
    )
    hidden = kind.kind == "layer" and not inside and takes_nothing(cls, kind.backward, kind.forward)
    attempts: list[Attempt] = []
    unread: ForeignError | None = None
    ready: set[int] = set()
    enough = _FOR_NETWORKS * remaining()
    for built in objects_of_class:
        whole = _whole(built.thing, kind)
        is_network = inside and (not is_unsure or object_arrays.arrays(built.thing))
        if whole or is_network or (hidden and has_weights(built.thing)):
            try:
                tried = read_model(whole, case, built.thing) if whole else read_network(built, kind, case)
                pairs = tried.layer.pairs.values() if whole and tried.layer else ()
                tried = second_look.without_factor(tried) if any(pair.is_step for pair in pairs) else tried
                tried.args = built.args
                return tried
            except ForeignError as error:
                unread = unread or error
                if remaining() < enough:
                    break
                if whole or (inside and not is_unsure):
                    continue
        known = len(attempts)
        kind = kind._replace(kind="loss") if _has_no_dy(built.thing, kind) else kind
        for methods in (kind, *other_kinds(cls, kind, case.said)):
            attempts += until_settled(object_candidates(built.thing, methods, case))
            for tried in attempts:
                tried.args = tried.args or built.args
            ready |= {id(tried) for tried in attempts[known:] if built.is_ready}
            known = len(attempts)
            if methods.kind == "function" and not is_usable(best(attempts)):
                pair = [getattr(built.thing, name) for name in methods[1:]]
                attempts += _of_entries(case._replace(first=pair[0], second=pair[1]), attempts)
            if is_usable(best(attempts)):
                break
        if (attempts and is_usable(best(attempts))) or are_enough(attempts):
            break
    if unread is not None and not attempts:
        raise unread
    built_ones = [tried for tried in attempts if id(tried) in ready]
    attempts = built_ones if any(tried.grade >= Grade.SHAPES for tried in built_ones) else attempts
    tried = _finished(attempts)
    is_sure = is_sure_of_dy(getattr(cls, kind.forward), getattr(cls, kind.backward))
    if kind.kind == "layer" and not is_sure and _starts_at_target(tried):
        raise unread or _of_which_loss(cls, kind)
    return tried


def _of_which_loss(cls: type, kind: Kind) -> ForeignError:
    """The error that says that a backward takes no dy, and what would tell what it takes."""
    backward = getattr(cls, kind.backward)
    (name,) = [one.name for one in calls.required(calls.parameters_of(backward)) if one.name != "self"]
    text = (
        f"{cls.__name__}.{kind.backward} gives gradients that are not 0 where `{name}` is, so that is no gradient of "
        "the output; if it is the target of a loss inside, call it target"
    )
    return ForeignError(Fact("note", text, *place_of(backward)))


def _has_no_dy(thing: Any, kind: Kind) -> bool:
    """Whether something without weights takes two arrays forward and nothing back, as a loss does of any name."""
    forward, backward = getattr(thing, kind.forward), getattr(thing, kind.backward)
    return len(data(forward)) == 2 and not calls.parameters_of(backward) and not has_weights(thing)


def _starts_at_target(tried: Attempt) -> bool:
    """Whether no gradient is 0 where what backward takes is 0: then that is a target, for they are linear in a dy."""
    if tried.layer is None or tried.grade is Grade.AGREES or not tried.layer.parameters():
        return False
    y = tried.layer.forward(tried.x)
    dx = tried.layer.backward(np.zeros_like(y))
    return all(map(np.any, [*tried.layer.gradients().values(), *([dx] if tried.layer.checks_input else [])]))


def _whole(thing: Any, kind: Kind) -> Parts | None:
    """The methods of an object that are a model: a loss of weights in it, or three that a state goes through.

    A forward that takes a target has its loss inside where backward takes nothing.
    """
    name = type(thing).__name__
    if kind.kind == "loss" and has_weights(thing):
        return Parts(None, kind.forward, kind.backward if kind.backward != kind.forward else None, (), title=name)
    forward, own = getattr(thing, kind.forward), own_losses(thing, kind.backward)
    if has_weights(thing) and has_target(forward) and not calls.parameters_of(getattr(thing, kind.backward)):
        return Parts(None, kind.forward, kind.backward, (), title=name)
    states = [one for one in calls.parameters_named(forward) if vocabulary.roles(one)[:1] == ("state",)]
    return Parts(kind.forward, own[0], kind.backward, (), title=name) if states and own else None


def _both_ways(cls: type, case: Case) -> Kind:
    kind = kind_of(cls, case.said)
    if kind is None or not kind.backward or not kind.forward:
        raise missing_method(cls, kind)
    return kind


def missing_method(cls: type, kind: Kind | None) -> Exception:
    """The error that says which method a class lacks."""
    lacking = "forward" if kind is not None and not kind.forward else "backward"
    present = (kind.forward or kind.backward) if kind is not None else ""
    have = f"has {present} but " if present else "has "
    others = [name for name in vars(cls) if inspect.isfunction(vars(cls)[name]) and not name.startswith("_")]
    other = next((name for name in reversed(others) if name != present), "")
    hint = f"; if {other} is it, say {line(cls.__name__, **{lacking: other})}" if other else ""
    return problem(f"{cls.__name__} {have}no {lacking} (nor any of the usual names for it){hint}", cls)


def _finished(attempts: list[Attempt]) -> Attempt:
    """The best reading, after a second look at what it may hide or mean, with notes on how it was read."""
    tried = second_look.with_update(second_look.with_other_branch(best(attempts)))
    tried = second_look.with_locals(tried, second_look.without_gradient(tried))
    tried = second_look.with_output(second_look.with_samples_added(second_look.without_decay(tried)))
    tried = second_look.with_other_choices(with_other_strides(tried))
    tried = second_look.with_other_target(second_look.with_other_ranks(tried))
    second_look.note_one_output(tried, attempts)
    way = tried.subject.pass_on
    if way not in ("gradient", "prediction"):
        tried.notes.append(Fact("note", f"backward was read as taking {PASS_ON[way].words}"))
    if tried.reduction == "mean" or (tried.reduction and int(np.prod(tried.y_shape)) > 1):
        what = "mean" if tried.reduction == "mean" else "sum"
        tried.notes.append(Fact("note", f"the loss is the {what} of what forward returns"))
    for name in structures(forward) if callable(forward := tried.subject.forward) and tried.reduction else ():
        text = f"`{name}` was given empty, for a penalty on it has no part in the gradient of the prediction"
        tried.notes.append(Fact("note", text))
    guessed = tried.args.keys() - tried.subject.said.args.keys()
    for name in sorted(name for name in guessed if vocabulary.roles(name)[:1] == ("penalty",)):
        tried.notes.append(Fact("note", f"{name} was given as 0, for the penalty that it weighs is no part of forward"))
    if tried.grade is Grade.SHAPES:
        tried = second_look.without_other_steps(second_look.without_factor(tried))
    if tried.guess and tried.grade is not Grade.AGREES and tried.error is None:
        raise problem(tried.guess, tried.subject.sources()[-1])
    if second_look.may_take_output(tried):
        text = (
            f"backward of {tried.subject.name} takes what is named as the input, and is right if that is the output, "
            "but wrong if it is the input or a gradient; call it y or dy, whichever it is"
        )
        raise problem(text, tried.subject.sources()[-1])
    return tried
