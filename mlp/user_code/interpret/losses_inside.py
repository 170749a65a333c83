"""Networks and costs whose backward starts at the target: backprop(x, y), and delta(z, a, y).

There is no dy to start from, for the loss, or the last activation, is inside. So theirs gets two more methods: one that
computes the number whose gradient backward must be, and one that calls backward with what it wants. Which loss it is,
only their gradient can tell: the usual ones are tried.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret.predictions import is_input, sound
from mlp.user_code.load.classes import sounds_like_loss
from mlp.user_code.messages import problem
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.outputs import Outputs, outputs_of

FORWARD, BACKWARD = "value_inside", "gradient_inside"
_KIND = inspect.Parameter.POSITIONAL_OR_KEYWORD
_SIGNATURE = inspect.Signature([inspect.Parameter(name, _KIND) for name in ("self", "x", "t")])


class Objective(NamedTuple):
    """A loss, as a function of prediction and target, and its name; or a method of theirs that is called instead."""

    words: str
    value: Callable[[Array, Array], Array]
    method: str = ""


def _squares(y: Array, t: Array) -> Array:
    return np.sum((y - t) ** 2)


def _rate(thing: Any) -> float:
    """The learning rate of an object, 1 if it has none."""
    return next((float(getattr(thing, name)) for name in vocabulary.RATES if hasattr(thing, name)), 1.0)


def _binary(y: Array, t: Array) -> Array:
    return -np.sum(t * np.log(y) + (1 - t) * np.log(1 - y))


def _categorical(y: Array, t: Array) -> Array:
    return -np.sum(t * np.log(y))


# Of what a training step returns.
RETURNED = Objective("what it returns", lambda y, _: y)
OBJECTIVES = (
    Objective("half the sum of squared errors", lambda y, t: _squares(y, t) / 2),
    Objective("the binary cross entropy, summed", _binary),
    Objective("the cross entropy, summed", _categorical),
    Objective("the sum of squared errors", _squares),
    Objective("the mean squared error", lambda y, t: _squares(y, t) / y.size),
    Objective("half the mean squared error", lambda y, t: _squares(y, t) / 2 / y.size),
    Objective("half the sum of squared errors, over the rows", lambda y, t: _squares(y, t) / 2 / len(y)),
    Objective("the sum of squared errors, over the rows", lambda y, t: _squares(y, t) / len(y)),
    Objective("the binary cross entropy, over the rows", lambda y, t: _binary(y, t) / len(y)),
    Objective("the cross entropy, over the rows", lambda y, t: _categorical(y, t) / len(y)),
    Objective("the binary cross entropy, over the columns", lambda y, t: _binary(y, t) / y.shape[-1]),
    Objective("the cross entropy, over the columns", lambda y, t: _categorical(y, t) / y.shape[-1]),
    Objective("half the sum of squared errors, over the columns", lambda y, t: _squares(y, t) / 2 / y.shape[-1]),
)


def has_target_inside(forward: Callable[..., Any], backward: Callable[..., Any]) -> bool:
    """Whether backward takes a target that forward does not know, and no gradient: a loss is inside."""
    known = {one.name for one in calls.required(calls.parameters_of(forward))}
    wanted = [one.name for one in calls.required(calls.parameters_of(backward)) if one.name != "self"]
    targets = [name for name in wanted if sound(name) > 0 and name not in known]
    return bool(targets) and not any(vocabulary.roles(name)[:1] == ("upstream",) for name in wanted)


def may_be_upstream(backward: Callable[..., Any]) -> bool:
    """Whether backward takes nothing but y, which may also be an output, or the gradient of one."""
    return [one.name for one in calls.required(calls.parameters_of(backward)) if one.name != "self"] == ["y"]


def networks(thing: Any, forward: str, backward: str, rate: float = 1.0) -> Iterator[tuple[Objective, Any]]:
    """Any with every loss that may be inside: their own where the object has a cost, else the usual ones.

    Where backward takes a step, it is one of this rate. What it returns may be the loss too: that is the first.
    """
    thing = _at_rate(thing, backward, rate)
    yield RETURNED, _closed(thing, forward, backward, RETURNED)
    own = getattr(thing, "cost", None)
    for name in ("fn", "value", "cost", "loss"):
        if callable(getattr(own, name, None)):
            called = getattr(own, "__name__", type(own).__name__)
            objective = Objective(f"its {called}", getattr(own, name))
            yield objective, _closed(thing, forward, backward, objective)
            return
    own = [Objective(f"its {name}", lambda y, _: y, name) for name in own_losses(thing, backward)]
    for objective in (*own, *OBJECTIVES):
        yield objective, _closed(thing, forward, backward, objective)


def own_losses(thing: Any, backward: str) -> list[str]:
    """The methods of an object that are called like a loss, take a target, and are no derivatives."""
    methods = {name: method for name, method in inspect.getmembers(thing, inspect.isroutine) if name != backward}
    return [
        name
        for name, method in methods.items()
        if sounds_like_loss(name)
        and not re.search("grad|deriv|prime|back", name)
        and sum(sound(one.name) > 0 for one in calls.required(calls.parameters_of(method))) == 1
    ]


def _at_rate(thing: Any, backward: str, rate: float) -> Any:
    """A copy with this learning rate where theirs goes by one, which is also what an update is divided by."""
    held, copied = [name for name in vocabulary.RATES if hasattr(thing, name)], object_arrays.duplicate(thing)
    for name in held or vocabulary.RATES[: calls.takes_rate(getattr(thing, backward))]:
        setattr(copied, name, rate)
    return copied


def _closed(thing: Any, forward: str, backward: str, objective: Objective) -> Any:
    """A copy of theirs with the two more methods."""
    closed, what = object_arrays.duplicate(thing), f"{type(thing).__name__}.{backward}"

    def output(self: Any, x: Any) -> Outputs:
        returned = calls.call(getattr(self, forward), (x,), {}, {"training": True}, what)
        places = range(len(returned)) if isinstance(returned, tuple) else ()
        return outputs_of(self, returned, (), places, (), what)

    def value(self: Any, x: Any, t: Any) -> Any:
        if objective is RETURNED:
            found = step(object_arrays.duplicate(self), x, t)
            if not isinstance(found, float | np.floating):
                raise problem(f"{what} returns no loss", getattr(thing, backward))
            return found
        if objective.method:
            return number(own_loss(self, x, t), what)
        y = output(self, x).packed()
        return objective.value(y, one_hot(t, y))

    def own_loss(self: Any, x: Any, t: Any) -> Any:
        method, y = getattr(self, objective.method), output(self, x).packed()
        wanted = [one.name for one in calls.required(calls.parameters_of(method))]
        given = {name: t if sound(name) > 0 else x if is_input(name) else y for name in wanted}
        return calls.call(method, (), given, {}, what)

    def step(self: Any, x: Any, t: Any) -> Any:
        method, out = getattr(self, backward), output(self, x)
        y = out.packed()
        named = {one.name: t for one in calls.parameters_of(method) if sound(one.name) > 0}
        by_role = {"input": x, "prediction": y, "activation": y, "rate": _rate(self), "training": True}
        by_role |= {} if out.cache is None else {"cache": out.cache}
        return calls.call(method, (), named, by_role, what)

    def gradient(self: Any, x: Any, t: Any) -> Any:
        returned = step(self, x, t)
        return None if isinstance(returned, float | np.floating) else returned  # a loss

    return _with_methods(closed, value, gradient, getattr(thing, forward), getattr(thing, backward))


def one_hot(t: Array, y: Array) -> Array:
    """Labels as one hot in the shape of the prediction; any other target as it is."""
    if t.ndim != y.ndim - 1 or t.dtype.kind != "i":
        return t
    axis = 1 if y.shape[0] == t.size else 0
    return np.moveaxis(np.eye(y.shape[axis])[t], -1, axis)


def number(value: Any, what: str) -> Array:
    """The one number that a loss returned."""
    if isinstance(value, tuple | list | dict) or np.size(value) != 1:
        raise problem(f"the loss of {what} is no single number")
    return np.asarray(value).reshape(())


def costs(thing: Any, value: str, delta: str, module: ModuleType | None) -> Iterator[tuple[str, Any]]:
    """A cost with delta(z, a, y) as one of z alone, where a = f(z) for an f of their module, else the sigmoid."""
    wanted = [one.name for one in calls.required(calls.parameters_of(getattr(thing, delta)))]
    others = [name for name in wanted if sound(name) <= 0]
    if len(wanted) != 3 or len(others) != 2:
        return
    target = next(name for name in wanted if name not in others)
    z, a = others if others[0].lower().startswith(("z", "s", "net", "in")) else others[::-1]
    for words, function in _squashing(module):
        closed = object_arrays.duplicate(thing)

        def evaluate(self: Any, x: Any, t: Any, function: Callable[..., Any] = function) -> Any:
            return getattr(self, value)(function(x), t)

        def gradient(self: Any, x: Any, t: Any, function: Callable[..., Any] = function) -> Any:
            return getattr(self, delta)(**{z: x, a: function(x), target: t})

        yield words, _with_methods(closed, evaluate, gradient, getattr(thing, value), getattr(thing, delta))


def _squashing(module: ModuleType | None) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in ("sigmoid", "logistic", "softmax", "tanh"):
        function = vars(module).get(name) if module else None
        if callable(function):
            yield name, function
    yield "sigmoid", lambda z: 1 / (1 + np.exp(-z))


def _with_methods(thing: Any, value: Callable[..., Any], gradient: Callable[..., Any], theirs: Any, back: Any) -> Any:
    """Give an object two more methods, whose places are those of the methods of theirs that they call."""
    for method, original in ((value, theirs), (gradient, back)):
        method.__wrapped__ = getattr(original, "__func__", original)  # type: ignore[attr-defined]
        method.__signature__ = _SIGNATURE  # type: ignore[attr-defined]
    thing.__class__ = type(type(thing).__name__, (type(thing),), {FORWARD: value, BACKWARD: gradient})
    return thing
