"""Other strides than the guessed one: at 1, or at the size of the windows, one that backward leaves out is hidden."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.arguments import objects, roles_of
from mlp.user_code.interpret.second_look import in_place_of
from mlp.user_code.interpret.trial import Attempt, Candidate, Grade, attempt
from mlp.user_code.messages import Fact, ForeignError
from mlp.user_code.run.subject import Subject

_SIDE = 6  # of the images in samples.LAYOUTS
_SIZES = 3  # as many as the largest stride that is tried
_Roles = Callable[[object], tuple[str, ...]]


def with_other_strides(tried: Attempt) -> Attempt:
    """The reading with a stride that is larger by 1, or smaller, where forward runs with it and backward is wrong.

    Where backward raises, which gives no wrong number, a warning says so.
    """
    warnings: list[Fact] = []
    for by in (1, -1) if tried.grade is Grade.AGREES else ():
        args, settings = _arguments(tried, by)
        subject = _with(tried, args, settings)
        found = _attempts(tried, subject) if subject is not None else []
        again = max(found, key=lambda one: one.grade, default=tried)
        if again.grade is Grade.AGREES:
            continue
        with_it, right = _words(tried, args, settings)
        if again.error is None:
            return in_place_of(tried, again, f"checked with {with_it}; with {right} it is right", args)
        text = f"with {with_it}, which forward takes, {again.error.text}; with {right} it is right"
        warnings.append(replace(again.error, level="warning", text=text))
    return replace(tried, notes=[*tried.notes, *warnings[:1]])


def _attempts(tried: Attempt, subject: Subject) -> list[Attempt]:
    """The reading of another subject on inputs of several sizes, those that forward takes, up to one that is right."""
    found = []
    for x in _inputs(tried, subject):
        one = attempt(Candidate(subject, x, tried.layout, tried.reduction))
        found += [one] if one.grade >= Grade.FORWARD else []
        if one.grade is Grade.AGREES:
            break
    return found


def _inputs(tried: Attempt, subject: Subject) -> Iterator[Array]:
    """The input, and larger ones: into one of the sizes windows fit without a rest, whatever their size is.

    The axes of an image are as long as those of ours, or may be any.
    """
    yield tried.x
    shape = tried.x.shape
    may_grow = subject.said.x is None and not tried.layout.integers and max(shape, default=1) > 1
    for least in (_SIDE, 2) if may_grow else ():
        for side in range(max(shape), max(shape) + _SIZES):
            larger = tuple(side if size >= least else size for size in shape)
            if larger != shape:
                yield samples.normal(larger)


def _arguments(tried: Attempt, by: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of the constructor that are strides, and the settings of a function, moved by 1."""
    subject, said = tried.subject, tried.subject.said
    guessed = {name: value for name, value in tried.args.items() if name not in said.args}
    args = _moved(guessed, _roles(tried), by)
    free = subject.thing is None and not said.args and not said.forward_args
    return args, _moved(subject.settings, _roles(tried), by) if free else {}


def _roles(tried: Attempt) -> _Roles:
    cls = None if tried.subject.thing is None else type(tried.subject.thing)

    def roles(name: object) -> tuple[str, ...]:
        if not isinstance(name, str):  # a key of a table
            return ()
        return vocabulary.roles(name) if cls is None else roles_of(cls, name)

    return roles


def _with(tried: Attempt, args: dict[str, Any], settings: dict[str, Any]) -> Subject | None:
    """The subject with other arguments, None without any or where its constructor refuses them."""
    subject = tried.subject
    if settings:
        return replace(subject, settings={**subject.settings, **settings})
    said = replace(subject.said, args={**tried.args, **args})
    try:
        built = next(objects(type(subject.thing), subject.module, said)) if args else None
    except ForeignError:
        return None
    return replace(subject, thing=built.thing) if built and built.is_ready else None


def _moved(settings: Any, roles: _Roles, by: int) -> dict[str, Any]:
    """The settings that are strides, moved by 1 if they stay one; of a dict in which there are some all others too."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            inside = _moved(value, roles, by)
            found |= {name: {**value, **inside}} if inside else {}
        elif roles(name)[:1] == ("stride",) and _is_whole(value) and np.min(value) + by > 0:
            found[name] = tuple(int(one) + by for one in value) if isinstance(value, tuple) else value + by
    return found


def _is_whole(value: Any) -> bool:
    return all(type(one) is int for one in (value if isinstance(value, tuple) else [value]))


def _words(tried: Attempt, args: dict[str, Any], settings: dict[str, Any]) -> tuple[str, str]:
    """The other strides and the sizes of windows beside them, and the strides that were guessed."""
    roles, before = _roles(tried), {**tried.args, **tried.subject.settings}
    now = [*_named({**before, **args, **settings}, roles, "stride")]
    windows = [*_named(before, roles, "kernel_size")]
    return _listed([*now, *windows]), _listed([*_named(before, roles, "stride")])


def _named(settings: dict[str, Any], roles: _Roles, role: str) -> Iterator[tuple[str, Any]]:
    """The settings of a role, in dicts inside as well."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _named(value, roles, role)
        elif roles(name)[:1] == (role,):
            yield name, value


def _listed(settings: list[tuple[str, Any]]) -> str:
    *others, last = [f"{name} {value}" for name, value in settings]
    return f"{', '.join(others)} and {last}" if others else last
