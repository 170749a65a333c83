"""Running a whole model that is written as functions: its loss, and every array that may be a gradient of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.clock import Calls
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.losses_inside import Objective
from mlp.user_code.interpret.models import Parts, structure_names
from mlp.user_code.interpret.predictions import is_input, sound
from mlp.user_code.messages import problem, told
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.conditions import same_randomness
from mlp.user_code.run.sources import Source


@dataclass(frozen=True)
class Model:
    """One reading of a model: its functions, and everything they are called with.

    Attributes:
        parts: the functions.
        parameters: the structure that they take, or a dict of arguments.
        place: of the prediction among the arrays that forward returns.
        x, target: the data; `t` is the target as the objective wants it.
        objective: the loss, where the module has none.
        settings: values of further arguments, by name.
        module: where they come from, for its random generators.
        outputs: how many there are, 0 where that is not known.
    """

    parts: Parts
    parameters: Any
    x: Array
    target: Array | None = None
    t: Array | None = None
    objective: Objective | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    module: ModuleType | None = field(default=None, repr=False)
    place: int = -1
    outputs: int = 0

    @cached_property
    def held(self) -> dict[object_arrays.Path, Array]:
        """Every array in the structure of parameters, by its path."""
        return {path[1:]: array for path, array in object_arrays.arrays([self.parameters]).items()}

    @cached_property
    def arrays(self) -> dict[str, tuple[list[object_arrays.Path], Array]]:
        """The parameters that are floating-point arrays, by name: their paths, and their values."""
        real = {path: array for path, array in self.held.items() if array.dtype.kind == "f" and array.size}
        return {object_arrays.text(path): ([path], np.array(array, float)) for path, array in real.items()}

    def prediction(self) -> Any:
        """What forward gives; None where the loss does that itself."""
        with same_randomness(self.module), np.errstate(all="ignore"):
            return self._forward(self._words({})).get("y")

    def run(self, values: Mapping[str, Array]) -> tuple[Any, list[Source]]:
        """The loss at these values of the parameters, and what backward returns."""
        words = self._words(values)
        with Calls.one(), same_randomness(self.module), np.errstate(all="ignore"):
            words |= self._forward(words)
            loss, backward = self.parts.loss, self.parts.backward
            value = words.pop("value", None)
            if loss is not None:
                value = self._called(loss, words)
            elif self.objective is not None and self.t is not None:
                value = self.objective.value(words["y"], self.t)
            returned = self._called(backward, words) if backward is not None else value
        found = sources.returned_sources(returned, backward or loss)  # type: ignore[arg-type]  # one of the two is there
        before = {path: array for path, array in self.held.items() if array.dtype.kind == "f"}
        before |= {self.arrays[name][0][0]: np.asarray(value) for name, value in values.items()}
        return _number(value), [*found, *sources.update_sources(before, words["parameters"], 1.0)]

    def _words(self, values: Mapping[str, Array]) -> dict[str, Any]:
        """Fresh copies of the parameters with these values, and of the data."""
        holder = [object_arrays.duplicate(self.parameters)]
        for name, value in values.items():
            ((path, *_), _) = self.arrays[name]
            object_arrays.put(holder, (0, *path), np.array(value))
        return {"parameters": holder[0], "x": self.x.copy(), "target": object_arrays.duplicate(self.target)}

    def _forward(self, words: dict[str, Any]) -> dict[str, Any]:
        """What forward returned: the prediction, or the loss, the cache, and the parts of it by name."""
        forward = self.parts.forward
        if forward is None:
            return {}
        returned = self._called(forward, words)
        parts = list(returned) if isinstance(returned, tuple) else [returned]
        named: dict[str, Any] = {}
        if len(parts) > 1:
            named = {
                str(name): part for name, part in zip(sources.returned_names(forward, len(parts)), parts, strict=True)
            }
        for part in parts:
            named |= part if isinstance(part, dict) else {}
        if self.parts.loss is None and self.objective is None:
            value = next((part for part in parts if np.ndim(part) == 0 or np.size(part) == 1), None)
            rest = [part for part in parts if part is not value]
            return {"value": value, "cache": rest[0] if len(rest) == 1 else rest, "named": named}
        y = _prediction(returned, self.place)
        rest = [part for part in parts if part is not y]
        return {"y": y, "cache": rest[0] if len(rest) == 1 else returned, "named": named}

    def _called(self, function: Callable[..., Any], words: dict[str, Any]) -> Any:
        """Call one of the functions with what its arguments' names ask for; those with a default keep it."""
        held = words["parameters"] if isinstance(words["parameters"], dict) else {}
        held = {**held, **words.get("named", {}), **self.settings}
        given = {}
        for name, word, is_open, number in arguments(function, self.parts):
            if name in self.settings or (is_open and word != "parameters" and name in held):
                given[name] = held[name]
            elif is_open and words.get(word) is not None:
                given[name] = words[word]
            elif number is not None:
                given[name] = number
        with told(function.__name__, function):
            return calls.call(function, (), given, {"training": True, "rate": 1.0}, function.__name__)


class Argument(NamedTuple):
    """An argument: the word for what it is, whether its default, if it has one, gives way, and a number that suits."""

    name: str
    word: str
    is_open: bool
    number: float | None


@cache
def arguments(function: Callable[..., Any], parts: Parts) -> tuple[Argument, ...]:
    """What the arguments of one of a model's functions are, by their names."""
    structures = structure_names({one.__name__: one for one in parts[:3] if one is not None})
    others = [one for part in parts[:3] if part is not None for one in calls.parameters_of(part)]
    elsewhere = {one.name: one.default for one in others if type(one.default) in (int, float)}
    found = []
    for one in calls.parameters_of(function):
        name, role = one.name, (vocabulary.roles(one.name) or ("",))[0]
        rules = {
            "parameters": name in structures,
            "target": sound(name) > 0,
            "cache": role == "cache" or "cache" in name,
            "x": is_input(name) or (function is parts.forward and role == "input"),
            "y": role in ("prediction", "input", "activation"),
        }
        word = next((word for word, holds in rules.items() if holds), "")
        number = None
        if one.default is one.empty and not word:
            number = elsewhere.get(name, samples.PLAIN[role][0] if role in samples.NUMBERS else None)
        found.append(Argument(name, word, one.default in (one.empty, None), number))
    return tuple(found)


def _prediction(returned: Any, place: int) -> Any:
    """What forward predicts, among the things that it returns: the array at this place."""
    if isinstance(returned, dict):
        returned = list(returned.values())
    if isinstance(returned, list | tuple) and returned:
        found = [part for part in returned if isinstance(part, np.ndarray)]
        return found[place] if found else _prediction(returned[place], place)
    return returned


def _number(value: Any) -> Any:
    """The loss, of what a function returned: the one number in it."""
    parts = value if isinstance(value, tuple | list) else [value]
    numbers = [part for part in parts if not isinstance(part, dict | list | tuple) and np.size(part) == 1]
    if not numbers:
        raise problem("the loss is no single number")
    return np.asarray(numbers[0]).reshape(())
