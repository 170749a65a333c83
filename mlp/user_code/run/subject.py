"""A subject runs their code forward, always on a fresh copy, and hands back the output and a way to run it backward."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code.interpret.predictions import sides
from mlp.user_code.interpret.samples import Recorder
from mlp.user_code.messages import Fact, place_of, told
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.object_arrays import with_own_weights
from mlp.user_code.run.randomness import call_seed_hook, same_randomness
from mlp.user_code.run.sources import Source


class Run(NamedTuple):
    """One forward run: the output, and backward as a function of dy that returns every possible gradient.

    `facts` grows with what is seen on the way.
    """

    y: Array
    backward: Callable[[Array], list[Source]]
    facts: list[Fact]


class Subject(Protocol):
    """Something of theirs that maps x to y and can go backward."""

    name: str
    integers: bool

    def tensors(self) -> dict[str, tuple[list[object_arrays.Path], Array]]:
        """What may be a parameter: all its paths, and its value, by name."""
        ...

    def run(self, x: Array, values: Mapping[str, Array]) -> Run:
        """Run forward on x with these values as parameters."""
        ...

    def sources(self) -> tuple[Any, ...]:
        """The object, None if there is none, and the functions of theirs that are run."""
        ...


class PassOn(NamedTuple):
    """What backward is called with first, and whether the result is a derivative that is still to meet dy."""

    value: Callable[[Any, Array, Array, Array], Any]
    is_derivative: bool
    words: str


def _kept_output(thing: Any, _x: Array, y: Array, _dy: Array) -> Any:
    kept = getattr(thing, "output", None)
    return np.array(kept) if isinstance(kept, np.ndarray) else y


PASS_ON: dict[str, PassOn] = {
    "gradient": PassOn(lambda _thing, _x, _y, dy: np.array(dy), False, "the gradient dy of its output"),
    "input": PassOn(lambda _thing, x, _y, _dy: np.array(x), True, "its input, as a derivative f'(x)"),
    "output": PassOn(lambda _thing, _x, y, _dy: np.array(y), True, "its output y = f(x), as a derivative written in y"),
    "prediction": PassOn(lambda _thing, x, _y, _dy: np.array(x), False, "the prediction"),
    "nothing": PassOn(lambda _thing, x, _y, _dy: np.array(x), True, "nothing, and returning a derivative"),
    "kept": PassOn(_kept_output, False, "the `output` that it keeps"),
}


@dataclass
class ObjectSubject:
    """An object of theirs with a forward and a backward method.

    Attributes:
        name: of its class.
        thing: the object, never run itself: each run takes a deep copy.
        forward, backward: names of its methods.
        target: of a loss; None for a layer.
        pass_on: what backward is called with, a key of PASS_ON.
        arrays: values of further arguments of forward, by name; they are tensors like the parameters.
        module: where it comes from, for its random generators and the seed hook.
        seed: the name of the seed hook, "" for none.
        integers: whether the input is whole numbers, such as the ids of words.
    """

    name: str
    thing: Any
    forward: str
    backward: str
    target: Any = None
    pass_on: str = "gradient"
    arrays: Mapping[str, Array] = field(default_factory=dict)
    module: ModuleType | None = None
    seed: str = ""
    integers: bool = False

    def __post_init__(self) -> None:
        """Take a copy in double precision."""
        with told(f"copying {self.name}"):
            self.thing = object_arrays.in_double_precision(self.thing)

    def tensors(self) -> dict[str, tuple[list[object_arrays.Path], Array]]:
        """The floating-point arrays that it holds before it has run, and the further arguments of forward."""
        found = object_arrays.arrays(self.thing)
        held = {
            object_arrays.text(path): (same, np.array(found[path], dtype=np.float64))
            for path, same in object_arrays.twins(self.thing).items()
            if found[path].dtype.kind == "f" and found[path].size
        }
        return held | {name: ([(name,)], np.array(value)) for name, value in self.arrays.items()}

    def run(self, x: Array, values: Mapping[str, Array]) -> Run:
        """Run forward on a deep copy that holds `values`."""
        with told(f"copying {self.name}"):
            thing = object_arrays.duplicate(self.thing)
        paths = {object_arrays.text(path): same for path, same in object_arrays.twins(self.thing).items()}
        for tensor in values.keys() - self.arrays.keys():
            fresh = np.array(values[tensor])
            for path in paths[tensor]:
                object_arrays.put(thing, path, fresh)
        more = {name: np.array(values.get(name, value)) for name, value in self.arrays.items()}
        given, what = as_input(x, self.integers), f"{self.name}.{self.forward}"
        y, cache = calls.output_of(thing, self._forward(thing, given, more), what)
        facts = changed_in_place(what, "its input", given, x, getattr(thing, self.forward))
        return Run(y, lambda dy: self._backward(thing, as_input(x, self.integers), y, cache, dy, facts), facts)

    def sources(self) -> tuple[Any, ...]:
        """The object and its two methods."""
        return self.thing, getattr(self.thing, self.forward), getattr(self.thing, self.backward)

    def with_own_weights(self, x: Array) -> "ObjectSubject":
        """The same subject, with the weights that its object makes in the first forward if it does that."""
        thing = with_own_weights(self.thing, lambda copied, given: self._forward(copied, np.array(given), {}), x)
        return self if thing is self.thing else replace(self, thing=thing)

    def _forward(self, thing: Any, given: Array, more: Mapping[str, Array]) -> Any:
        method, what = getattr(thing, self.forward), f"{self.name}.{self.forward}"
        with told(what, method), same_randomness(self.module), np.errstate(all="ignore"):
            if self.seed:
                call_seed_hook(thing, self.module, self.seed)
            named = self._sides(method, given)
            first = () if len(named) == 2 else (given,)
            return calls.call(method, first, {**self.arrays, **more, **named}, {"training": True}, what)

    def _backward(self, thing: Any, x: Array, y: Array, cache: Any, dy: Array, facts: list[Fact]) -> list[Source]:
        if self.backward == self.forward:  # loss(X, y) returns loss and gradients together
            return sources.returned_sources(cache, getattr(thing, self.forward))
        before = {path: np.array(array) for path, array in object_arrays.arrays(thing).items()}
        method, what, how = getattr(thing, self.backward), f"{self.name}.{self.backward}", PASS_ON[self.pass_on]
        first = how.value(thing, x, y, dy)
        kept = np.array(first)
        by_role: dict[str, Any] = {"training": True, "rate": 1.0, "input": x, "prediction": y}
        by_role["optimizer"] = Recorder()
        by_role["upstream"] = np.zeros_like(y)  # of a second output, such as the state of a cell: it is not looked at
        if cache is not None:
            by_role["cache"] = cache
        with told(what, method), same_randomness(self.module), np.errstate(all="ignore"):
            given = {} if self.pass_on == "nothing" else {calls.upstream_name(method): first}
            named = {**given, **self._sides(method, first)}
            returned = calls.call(method, (first,) if "" in named else (), named, by_role, what)
        facts += changed_in_place(what, "the array that it is called with", np.asarray(first), kept, method)
        live = {path: array for path, array in object_arrays.arrays(thing).items() if array.dtype.kind == "f"}
        found = [
            *sources.returned_sources(returned, method),
            *sources.attribute_sources(thing),
            *sources.method_sources(thing, live),
            *sources.update_sources(before, thing, _rate(thing, method)),
        ]
        return [one._replace(array=chained(one.array, dy, x.shape)) for one in found] if how.is_derivative else found

    def _sides(self, method: Callable[..., Any], prediction: Any) -> dict[str, Any]:
        if self.target is None:
            return {}
        return sides(method, prediction, object_arrays.duplicate(self.target))


def _rate(thing: Any, method: Callable[..., Any]) -> float:
    """The learning rate of an update in backward: the 1.0 it was given, else the layer's own."""
    if calls.takes_rate(method):
        return 1.0
    for name in ("learning_rate", "lr", "eta", "learn_rate", "_lr", "_learning_rate"):
        rate = getattr(thing, name, None)
        if isinstance(rate, int | float) and rate:
            return float(rate)
    return 1.0


def as_input(x: Array, integers: bool) -> Array:
    """A copy of x; where the input is whole numbers, as those."""
    return np.rint(x).astype(np.int64) if integers else np.array(x)


def chained(derivative: Array, dy: Array, shape: tuple[int, ...]) -> Array:
    """The gradient dx from dy and a derivative: multiplied entry by entry, or dy times the Jacobian of one sample."""
    if derivative.shape != dy.shape and derivative.shape == (dy.size, int(np.prod(shape))):
        return (dy.ravel() @ derivative).reshape(shape)
    return dy * derivative if derivative.shape in (dy.shape, ()) else derivative


def changed_in_place(what: str, victim: str, now: Array, before: Array, about: Any) -> list[Fact]:
    """A warning if an array that was passed in is another one afterwards."""
    if now.shape == before.shape and np.array_equal(now, before, equal_nan=True):
        return []
    text = f"{what} changes {victim} in place; whoever passed it in, such as the layer beside it, has other numbers now"
    return [Fact("warning", text, *place_of(about))]


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

    def tensors(self) -> dict[str, tuple[list[object_arrays.Path], Array]]:
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
        given = {self.first: as_input(x, self.integers), **tensors, **object_arrays.duplicate(dict(self.settings))}
        if self.target is not None:
            given |= sides(self.forward, given[self.first], object_arrays.duplicate(self.target))
        return given

    def _backward(
        self, given: dict[str, Any], x: Array, y: Array, cache: Any, dy: Array, facts: list[Fact]
    ) -> list[Source]:
        if self.backward is None:
            return sources.returned_sources(cache, self.forward)
        what, how, function = getattr(self.backward, "__name__", "the gradient"), PASS_ON[self.pass_on], self.backward
        first = how.value(None, x, y, dy)
        kept = np.array(first)
        named = {} if how.is_derivative else given
        named = {**named, calls.upstream_name(function): first}
        if self.target is not None:
            named |= sides(function, first, object_arrays.duplicate(self.target))
        by_role: dict[str, Any] = {"training": True, "prediction": y, "input": x, "upstream": np.zeros_like(y)}
        if cache is not None:
            by_role["cache"] = cache
        more = () if cache is None or how.is_derivative else (cache,)
        with told(what, function), same_randomness(self.module), np.errstate(all="ignore"):
            returned = calls.call(function, more, named, by_role, what)
        facts += changed_in_place(what, "the array that it is called with", np.asarray(first), kept, function)
        found = sources.returned_sources(returned, function)
        return [one._replace(array=chained(one.array, dy, x.shape)) for one in found] if how.is_derivative else found
