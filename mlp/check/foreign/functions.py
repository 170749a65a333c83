"""Two functions of theirs as a subject: affine_forward and affine_backward, sigmoid and sigmoid_prime."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from mlp.check.foreign import calls, sources, walk
from mlp.check.foreign.facts import Fact, told
from mlp.check.foreign.randomness import same_randomness
from mlp.check.foreign.sides import sides
from mlp.check.foreign.sources import Source
from mlp.check.foreign.subjects import PASS_ON, Run, as_input, chained, changed_in_place
from mlp.check.foreign.theirs import Theirs
from mlp.nn.arrays import Array


@dataclass
class FunctionSubject:
    """A pair of their functions: affine_forward and affine_backward, sigmoid and sigmoid_prime, mse and mse_prime.

    Attributes:
        name: of the forward function.
        forward, backward: the two; without a backward, forward returns value and gradient together.
        first: the name of the forward argument that is x.
        arrays: values of the forward arguments that are parameters.
        settings: values of the others, by name.
        target: of a loss; None for anything else.
        pass_on: what backward is called with, a key of PASS_ON.
        module: where they come from.
        integers: whether x is whole numbers, such as the ids of words.
    """

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    first: str
    arrays: Mapping[str, Array] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    target: Any = None
    pass_on: str = "gradient"
    module: ModuleType | None = None
    integers: bool = False

    def tensors(self) -> dict[str, tuple[list[walk.Path], Array]]:
        """The arguments that are arrays, other than x."""
        return {name: ([(name,)], np.array(value, dtype=np.float64)) for name, value in self.arrays.items()}

    def run(self, x: Array, values: Mapping[str, Array]) -> Run:
        """Call the forward function on copies of everything."""
        given = self._given(x, values)
        with told(self.name, self.forward), same_randomness(self.module), np.errstate(all="ignore"):
            returned = calls.call(self.forward, (), given, {"training": True}, self.name)
        y, cache = calls.output_of(None, returned, self.name)
        facts = changed_in_place(self.name, "its input", given[self.first], x, self.forward)
        return Run(y, lambda dy: self._backward(self._given(x, values), np.array(x), y, cache, dy, facts), facts)

    def sources(self) -> tuple[Any, ...]:
        """The two functions."""
        return (None, self.forward) if self.backward is None else (None, self.forward, self.backward)

    def _given(self, x: Array, values: Mapping[str, Array]) -> dict[str, Any]:
        tensors = {name: np.array(value) for name, value in {**self.arrays, **values}.items()}
        given = {self.first: as_input(x, self.integers), **tensors, **walk.duplicate(dict(self.settings))}
        if self.target is not None:
            given |= sides(self.forward, given[self.first], walk.duplicate(self.target))
        return given

    def _backward(
        self, given: dict[str, Any], x: Array, y: Array, cache: Theirs, dy: Array, facts: list[Fact]
    ) -> list[Source]:
        if self.backward is None:
            return sources.returned_sources(cache, self.forward)
        what, how, function = getattr(self.backward, "__name__", "the gradient"), PASS_ON[self.pass_on], self.backward
        first = how.value(None, x, y, dy)
        kept = np.array(first)
        named = {} if how.is_derivative else given
        named = {**named, calls.upstream_name(function): first}
        if self.target is not None:
            named |= sides(function, first, walk.duplicate(self.target))
        by_role: dict[str, Any] = {"training": True, "prediction": y, "input": x, "upstream": np.zeros_like(y)}
        if cache is not None:
            by_role["cache"] = cache
        more = () if cache is None or how.is_derivative else (cache,)
        with told(what, function), same_randomness(self.module), np.errstate(all="ignore"):
            returned = calls.call(function, more, named, by_role, what)
        facts += changed_in_place(what, "the array that it is called with", np.asarray(first), kept, function)
        found = sources.returned_sources(returned, function)
        return [one._replace(array=chained(one.array, dy, x.shape)) for one in found] if how.is_derivative else found
