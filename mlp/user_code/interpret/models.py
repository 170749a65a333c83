"""Whole models written as functions: which of a module's functions goes forward, which is the loss, which backward.

Such a model keeps its parameters in a structure, as in forward(X, parameters), or takes each as an argument of its own,
as in forward(X, W1, b1, W2, b2). Names and arguments tell the functions' roles; nothing is run here.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.interpret.losses import is_input, is_weighted_loss, sound
from mlp.user_code.load.classes import returns_loss_and_gradients, sounds_like_loss
from mlp.user_code.messages import Fact, ForeignError, place_of
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.conditions import reached
from mlp.user_code.run.sources import syntax
from mlp.user_code.settings import Override

Function = Callable[..., Any]
Functions = Mapping[str, Function]

_BACKWARD = re.compile(r"back|bprop|grad(?!ient_(check|descent))", re.IGNORECASE)
_FORWARD = re.compile(r"forward|propagat|feed|fprop|predict|network|model|logits|scores|probs", re.IGNORECASE)
_MAKER = re.compile(r"^(rand\w*_)?(init|create|make|build|new|setup|xavier|he_)", re.IGNORECASE)
_DIRECTION = re.compile(r"forward|backward|back|feed|fprop|bprop|grads?|gradients?", re.IGNORECASE)


class Parts(NamedTuple):
    """The functions of one model, or the methods by name.

    Attributes:
        forward: from X and the parameters to the prediction; None where the loss does that itself.
        loss: None where forward returns it, or where it is written nowhere.
        backward: None where the loss returns the gradients as well.
        makers: functions that may make the parameters.
        keys: the parameters that the functions name, as keys of their structure or as arguments: W1, b1, W2, b2.
        title: its name, where that of the first function that runs is another model's.
        others: losses that may be meant as well, where no name says which.
    """

    forward: Function | str | None
    loss: Function | str | None
    backward: Function | str | None
    makers: tuple[Function, ...]
    keys: tuple[str, ...] = ()
    title: str = ""
    others: tuple[Function, ...] = ()

    @property
    def name(self) -> str:
        """Of the first function that runs, or the title."""
        return self.title or next(one.__name__ for one in self if callable(one))

    @property
    def is_of_object(self) -> bool:
        """Whether these are methods."""
        return isinstance(self.forward or self.loss, str)

    @property
    def used(self) -> set[str]:
        """The names of its functions."""
        return {one.__name__ for one in self if callable(one)}


def find(functions: Functions, overrides: Mapping[str, Override]) -> list[Parts]:
    """The models of a module, at first those that GRADCHECK names."""
    made = [one for name, one in functions.items() if _MAKER.search(name) and not has_target(one)]
    makers = tuple(sorted(made, key=lambda one: len(calls.required(calls.parameters_of(one))) != 1))  # any depth first
    found = list(_said(functions, overrides, makers))
    taken = {name for parts in found for name in parts.used}
    structures = structure_names(functions)
    free = {name: one for name, one in functions.items() if name not in overrides and takes(one, structures)}
    ahead = [name for name in functions if name not in taken and not _BACKWARD.search(name)]
    losses = {name: functions[name] for name in ahead if sounds_like_loss(name) and has_target(functions[name])}
    forwards = {name: free[name] for name in ahead if name in free and _FORWARD.search(name) and name not in losses}
    for name, function in functions.items():
        if name in taken or name in overrides:
            continue
        if has_target(function) and (held := _global_arrays(function)):
            found.append(_of_globals(function, held))
        elif (
            name in free
            and (has_target(function) or (vectors(function) and _takes_input(function)))  # or an autoencoder
            and (_takes_input(function) if name in vocabulary.TRAIN_STEPS else returns_loss_and_gradients(function))
        ):
            found.append(Parts(None, function, None, makers))
        elif _is_backward(name, function, structures):
            loss = _closest(name, losses)
            whole = loss is not None and loss.__name__ in free and _takes_input(loss)
            needs = any(_is_role(one, "cache", "prediction") for one in calls.parameters_named(function))
            forward = None if whole and not needs else _closest(name, forwards)
            if forward or whole:
                loss = None if forward and has_target(forward) else loss
                alike = not loss or bool(_words(name) & _words(loss.__name__))
                others = () if alike else tuple(one for one in losses.values() if one is not loss)
                found.append(Parts(forward, loss, function, makers, others=others))
    names = [parts.name for parts in found]
    return [
        parts._replace(
            keys=parts.keys or _parameter_keys(parts, structures),
            title=getattr(parts.backward, "__name__", "") if names[i] in names[:i] else "",
        )
        for i, parts in enumerate(found)
    ]


def linear(function: Function) -> Parts:
    """The model that is a function of weights, X and the target, and returns loss and gradient."""
    return Parts(None, function, None, (), tuple(filter(is_key, calls.parameters_named(function))))


def _global_arrays(function: Function) -> dict[str, Any]:
    """The arrays of a module that a loss goes by, or dicts of them, if it returns gradients: `return loss, dW, db`."""
    held = {name: function.__globals__.get(name) for name in calls.global_names(function)}
    held = {name: one for name, one in held.items() if isinstance(one, np.ndarray | dict)}
    held = {
        name: one for name, one in held.items() if any(array.ndim > 1 for array in object_arrays.arrays([one]).values())
    }
    return held if held and returns_loss_and_gradients(function) else {}


def _of_globals(function: Function, held: dict[str, Any]) -> Parts:
    """The model of a loss that takes its parameters from the module, which has others in their place while it runs."""

    def loss(parameters: dict[str, Any], *arguments: Any, **named: Any) -> Any:
        before = {name: function.__globals__[name] for name in held}
        try:
            function.__globals__.update({name: parameters[name] for name in held})
            return function(*arguments, **named)
        finally:
            function.__globals__.update(before)

    signature = inspect.signature(function)
    first = inspect.Parameter("parameters", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    loss.__wrapped__, loss.__name__ = function, function.__name__  # type: ignore[attr-defined]
    loss.__signature__ = inspect.Signature([first, *signature.parameters.values()])  # type: ignore[attr-defined]

    def fresh() -> dict[str, Any]:  # what stands there may have been trained on the way
        zeros = object_arrays.duplicate(held)
        for path, array in object_arrays.arrays(zeros).items():
            object_arrays.put(zeros, path, np.zeros(array.shape))
        return zeros

    return Parts(None, loss, None, (fresh,), tuple(held))


def _said(functions: Functions, overrides: Mapping[str, Override], makers: tuple[Function, ...]) -> Iterator[Parts]:
    """The models whose loss or parameters GRADCHECK names."""
    for name, said in overrides.items():
        if (said.loss or said.parameters) and name in functions and not said.skip:
            backward = said.backward if isinstance(said.backward, str) else said.backward[0]
            own = said.parameters if isinstance(said.parameters, str) else ""
            for one in filter(None, (said.loss, backward, own)):
                if one not in functions:
                    text = f"GRADCHECK[{name!r}] names {one!r}, but the module defines no function of that name"
                    raise ForeignError(Fact("problem", text, *place_of(functions[name])))
            made = (functions[own],) if own else makers
            first, loss = functions[name], functions.get(said.loss)
            is_loss = loss is None and (not backward or sounds_like_loss(name))  # of the parameters, X and target
            yield Parts(None if is_loss else first, first if is_loss else loss, functions.get(backward), made)


def structure_names(functions: Functions) -> set[str]:
    """The arguments that are structures of parameters: by name, or since some function takes "W1" or the like of it."""
    names = set(vocabulary.STRUCTURES)
    for function in functions.values():
        arguments = set(calls.parameters_named(function))
        names |= {name for name, keys in subscripts(function).items() if name in arguments and any(map(is_key, keys))}
    others = {name for name in names if is_input(name) or sound(name) > 0}  # X[t] and Y[t], beside "W"
    return {name for name in names - others if not re.search(r"cache|grad|^d[A-Z]", name)}


@cache
def subscripts(function: Function) -> dict[str, list[str]]:
    """The text in the square brackets after each name in a function: "W1" in p["W1"], "W" in p["W" + str(i)]."""
    tree = syntax(function)
    texts: dict[str, list[str]] = {}
    everywhere = _texts(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            inside = [node.slice.id] if isinstance(node.slice, ast.Name) else []
            texts.setdefault(node.value.id, []).extend(everywhere if inside else _texts(node.slice))
    return texts


def _texts(tree: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def is_key(text: str) -> bool:
    """Whether a key is that of a weight or bias, with or without its number."""
    return re.sub(r"\d+$", "", vocabulary.family(text)) in ("w", "b") if text.isidentifier() else False


def _parameter_keys(parts: Parts, structures: set[str]) -> tuple[str, ...]:
    """The keys and arguments of all that a model runs that sound like weights and biases, each layer's weight first.

    A number that is put together, "W" + str(i), stands for three layers.
    """
    used = [one for one in reached(None, *filter(callable, parts)) if takes(one, structures)]
    if whole := next(filter(None, map(vectors, used)), ()):
        return whole
    found = [key for one in used for name, keys in subscripts(one).items() if name in structures for key in keys]
    found += [name for one in used for name in calls.parameters_named(one)]
    keys = sorted(dict.fromkeys(filter(is_key, found)), key=lambda key: vocabulary.family(key)[0] != "w")
    numbered = sorted((key for key in keys if key[-1].isdigit()), key=lambda key: int(re.sub(r"\D", "", key)))
    built = [
        f"{key}{layer}"
        for layer in (1, 2, 3)
        for key in keys
        if any("str(" in ast.unparse(syntax(one)) for one in used)
    ]
    return tuple(numbered or built or keys)


@cache
def vectors(function: Function) -> tuple[str, ...]:
    """The arguments that hold all parameters in one vector, of which parts are made matrices again."""
    names, nodes = calls.parameters_named(function), list(ast.walk(syntax(function)))
    shaped = [node.value for node in nodes if isinstance(node, ast.Attribute) and node.attr == "reshape"]
    parts = [node.value for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)]
    found = [one.id for one in (*parts, *shaped) if isinstance(one, ast.Name) and one.id in names]
    return tuple(name for name in found[:1] if shaped and not is_input(name) and sound(name) <= 0)


def takes(function: Function, structures: Iterable[str]) -> bool:
    """Whether a function takes the parameters: in a structure or a vector, or two or more by their names."""
    names = calls.parameters_named(function)
    keys = sum(map(is_key, names))
    is_linear = keys == 1 and has_target(function) and _takes_input(function)
    return any(name in structures for name in names) or keys > 1 or is_linear or bool(vectors(function))


def _is_backward(name: str, function: Function, structures: set[str]) -> bool:
    names = [one.name for one in calls.required(calls.parameters_of(function))]
    is_loss = sounds_like_loss(name) and is_weighted_loss(function)  # loss_grad(W, X, y) gives both
    if is_loss or not _BACKWARD.search(name) or not has_target(function):
        return False
    if any(_is_role(one, "upstream") for one in names):
        return False
    given = any(_is_role(one, "prediction") for one in names) and _takes_input(function)  # by forward
    return takes(function, structures) or given or any(_is_role(one, "cache") for one in names)


def has_target(function: Function | str) -> bool:
    """Whether one of a function's arguments is the target."""
    return callable(function) and any(sound(one.name) > 0 for one in calls.required(calls.parameters_of(function)))


def _takes_input(function: Function) -> bool:
    return any(is_input(name) for name in calls.parameters_named(function))


def _is_role(name: str, *roles: str) -> bool:
    return vocabulary.roles(name)[:1] in {(role,) for role in roles}


def _closest(name: str, functions: Functions) -> Function | None:
    """The function whose name shares most words with this one and has fewest of its own."""

    def likeness(other: str) -> float:
        return len(_words(name) & _words(other)) - len(_words(other) - _words(name)) / 10

    return functions[max(functions, key=likeness)] if functions else None


def _words(name: str) -> set[str]:
    """The words of a name that say of what it is."""
    return set(_DIRECTION.sub("", name).lower().split("_")) - {"", "with"}
