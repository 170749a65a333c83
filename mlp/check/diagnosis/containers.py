"""A container with a backward of its own: what it gives each of its layers, and what it should give.

It is run with layers that note what they are given, by which it is told who stands after whom. What differs from the
dx of the layer after it is told, if all is right once each layer is given what it should be.
"""

import copy
import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from mlp.check.diagnosis.attempts import attempted
from mlp.check.diagnosis.changes import changes, moves
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import LEFT, IsolatedLayer
from mlp.check.diagnosis.substitutions import remade
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT

_OUTSIDE = ""
"""What stands for the container where names of layers do: for its dy, as of a layer after all, and for its dx."""


class _Call(NamedTuple):
    """A layer is given an array, and makes another of it."""

    name: str
    given: Array
    made: Array


class _Source(NamedTuple):
    """Where what a layer is given comes from, and what has been done to it, in words with {} for the array."""

    name: str
    words: str


@dataclass
class _Log:
    """What the layers of a container are asked on its way forward and back, one by one.

    Attributes:
        seen: of the container as it is, where what it does is to be mended: then each layer is given what it should be
            on the way back, not what the container gives it; or the same as an array of its own, if one is changed.
        forward: the calls on the way forward.
        back: those on the way back.
        layers: the layers by name, as they were last asked.
        after: by name of a layer the one whose dx it should be given.
        changed: the layers that changed the array they were given on the way back.
        dxs: what each layer made of its dy, and the dy of the container.
        methods: the names of what was asked on the way forward.
    """

    seen: "_Log | None" = None
    forward: list[_Call] = field(default_factory=list)
    back: list[_Call] = field(default_factory=list)
    layers: dict[str, Any] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    dxs: dict[str, Array] = field(default_factory=dict)
    methods: set[str] = field(default_factory=set)
    _method: str = ""
    _is_within: bool = False

    def call(self, name: str, layer: Any, method: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Ask a layer, and note it where the container asks and not the layer itself."""
        if self._is_within or len(args) != 1:
            return method(layer, *args)
        self._is_within, (given,) = True, args
        before = np.array(given, dtype=np.float64)
        try:
            if self.after and method.__name__ in self.methods:  # one with its loss inside goes forward once more
                return method(layer, given)
            if self.seen and name in self.dxs:  # what a layer adds up it should add up once
                return self.dxs[name].copy()
            if self.after:
                self._begin(method.__name__, before)
                made = method(layer, self._mended(name, before) if self.seen else given)
                self.dxs[name] = np.array(made, dtype=np.float64)
                self.changed += [name] * (not self.seen and not np.array_equal(before, given))
            else:
                made, self.layers[name] = method(layer, given), layer
                self.methods.add(method.__name__)
            calls = self.back if self.after else self.forward
            calls.append(_Call(name, before, np.array(made, dtype=np.float64)))
            if self.seen and self.after and len(self.back) == len(self.seen.back):
                self._ask(self.after.keys() - {call.name for call in self.back} - {_OUTSIDE})
            return made
        finally:
            self._is_within = False

    def _mended(self, name: str, given: Array) -> Array:
        """What a layer is given that was given this."""
        is_right = self.seen is None or self.seen.changed or name not in self.after
        return given.copy() if is_right else self._right(name)

    def _ask(self, skipped: Iterable[str]) -> None:
        for name in skipped:
            layer = self.layers[name]
            self.dxs[name] = getattr(super(type(layer), layer), self._method)(self._right(name))

    def _begin(self, method: str, given: Array) -> None:
        """The way back begins: if the container has its loss inside, what it gives first belongs to the last layer."""
        last = [name for name in self.layers if name not in self.after]
        if not self._method and len(last) == 1 and _OUTSIDE not in self.after.values():
            self.after[last[0]], self.dxs[_OUTSIDE] = _OUTSIDE, given
        self._method = method

    def _right(self, name: str) -> Array:
        """What a layer should be given: the dx of the one after it, which may not have been asked yet."""
        after = self.after[name]
        if after not in self.dxs:
            self._ask([after])
        return self.dxs[after].copy()

    def turn(self, x: Array, y: Array, dy: Array) -> None:
        """The way forward is done; who stands after whom shows in it."""
        if len(self.layers) < len(self.forward):  # one is used twice: two dx come to it
            self.forward = []
        users = [*((call.given, call.name) for call in self.forward), (y, _OUTSIDE)]
        for name, made in [(_OUTSIDE, x), *((call.name, call.made) for call in self.forward)]:
            some = [user for array, user in users if array.shape == made.shape and np.array_equal(array, made)]
            if len(some) == 1:
                self.after[name] = some[0]
        self.dxs[_OUTSIDE] = dy

    def returned(self, dx: Array) -> Array:
        """What the container hands back, or should."""
        is_mended = self.seen and not self.seen.changed and self._method and _OUTSIDE in self.after
        return self._right(_OUTSIDE) if is_mended else dx


def goes_through_its_layers(case: IsolatedLayer, layers: Mapping[str, Layer]) -> bool:
    """Whether a container is, and says, what its layers do one after another: what is wrong is in one of them."""
    plain = Sequential(**copy.deepcopy(dict(layers)))
    with attempted():  # whatever somebody's layer raises for a dy that is not its own
        y = plain.forward(np.asarray(case.x, dtype=np.float64))
        dx = plain.backward(np.asarray(case.dy, dtype=np.float64))
        return np.allclose(y, case.y) and case.says({**plain.gradients(), INPUT: dx})
    return False


def _wired_otherwise(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    words, gradients = case.once(_mended)
    right = case.right(tensor)
    if tensor in gradients and np.allclose(gradients[tensor], right, rtol=0, atol=LEFT * float(np.max(np.abs(right)))):
        yield Prediction(case.said[tensor], words, key=words)


def _mended(case: IsolatedLayer) -> tuple[str, Mapping[str, Array]]:
    """What a container does otherwise than it should, in words, and the gradients that it gives without that."""
    log, gradients = _run(case)
    words = "; ".join(_deviations(log, gradients[INPUT])) if gradients else ""
    return words, _run(case, log)[1] if words else {}


def _run(case: IsolatedLayer, seen: _Log | None = None) -> tuple[_Log, dict[str, Array]]:
    """What a copy of a container asks its layers, and the gradients that come of it; none where that cannot be seen."""
    log, x, dy = _Log(seen), np.asarray(case.x, dtype=np.float64), np.asarray(case.dy, dtype=np.float64)
    with attempted():  # whatever somebody's code raises
        twin = remade(copy.deepcopy(case.function), functools.partial(_watched, log=log))
        log.turn(x, np.asarray(twin.forward(x)), dy)
        if len(log.forward) > 1:
            gradients = {INPUT: log.returned(np.asarray(twin.backward(dy)))}
            with attempted():  # there are none of a layer that is skipped
                gradients = {**twin.gradients(), **gradients}
            return log, gradients
    return _Log(), {}


def _watched(container: Any, log: _Log) -> Any:
    twin = copy.deepcopy(container)
    for name, part in _parts(vars(twin)):
        part.__class__ = _noting(type(part), name, log)
    return twin


def _parts(held: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The objects that may be layers among what an object holds, by itself or in lists and dicts."""
    for name, value in held.items():
        if isinstance(value, dict):
            yield from _parts(value)
        elif isinstance(value, list | tuple):
            yield from _parts({f"{name}[{k}]": one for k, one in enumerate(value)})
        elif len(_methods(type(value))) > 1 and hasattr(value, "__dict__"):
            yield name, value


def _methods(kind: type) -> dict[str, Callable[..., Any]]:
    found = {name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")}
    return {name: one for name, one in found.items() if inspect.isfunction(one)}


def _noting(kind: type, name: str, log: _Log) -> type:
    """The same class, whose objects note what their methods are asked."""

    def noted(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def asked(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(self, *args, **kwargs) if kwargs else log.call(name, self, method, args)

        return asked

    return type(kind.__name__, (kind,), {key: noted(method) for key, method in _methods(kind).items()})


def _deviations(log: _Log, dx: Array) -> Iterator[str]:
    """What is otherwise than it should be; nothing if it cannot be told of every layer where it takes its dy from."""
    for name, count in Counter(call.name for call in log.back).items():
        if count > 1:
            yield f"the backward of {name} is called {count} times, so what it adds up counts as often"
    names, calls = list(log.layers), [*log.back, _Call(_OUTSIDE, dx, dx)]
    if log.changed:
        yield (
            f"{' and '.join(dict.fromkeys(log.changed))}, on the way back, changed in place the array that was given, "
            "so what still needed it, such as a path around a layer, went on with the changed one"
        )
        return
    if [call.name for call in log.back] == names:
        yield "its layers are visited in the order of forward, not in the reverse"
        return
    dxs, told = {_OUTSIDE: log.dxs[_OUTSIDE]}, dict[str, list[str]]()
    for call in calls:
        expected = log.after.get(call.name)
        source = None if expected is None else _source(log, call.given, dxs, expected)
        if expected is None or source is None:
            return
        if source != _Source(expected, "{}"):
            is_late = expected in [one.name for one in calls]
            missing = "" if expected in dxs else ", which is asked later" if is_late else ", which is skipped"
            told.setdefault(_told(source, expected, missing), []).append(call.name)
        dxs = {call.name: call.made, **dxs}
    for words, some in told.items():
        is_every = len(some) > 1 and len(some) >= len(names) - 1
        whose = (
            "each layer is given" if is_every else f"{_listed(some)} given" if some != [_OUTSIDE] else "it hands back"
        )
        yield f"{whose} {words}"


def _source(log: _Log, given: Array, dxs: Mapping[str, Array], expected: str) -> _Source | None:
    """What a layer is given: the dx of a layer, the right one first, as it is or changed; None if it is neither."""
    sources = sorted(dxs.items(), key=lambda item: item[0] != expected)
    for name, dx in sources:
        if given.shape == dx.shape and np.array_equal(given, dx):
            return _Source(name, "{}")
    for call in log.back if expected in dxs else ():
        if given.shape == dxs[expected].shape == call.given.shape and np.allclose(given, dxs[expected] + call.given):
            added = "that layer" if call.name == expected else call.name
            return _Source(expected, f"{{}} with what {added} was given added to it")
    for name, dx in sources:
        if given.shape == dx.shape and np.any(dx):
            for words, array in _changed(dx, given):
                if np.linalg.norm(array - given) <= LEFT * np.linalg.norm(given):
                    return _Source(name, words)
    return None


def _changed(dx: Array, given: Array) -> Iterator[tuple[str, Array]]:
    places = ["sample", *(f"axis-{axis} position" for axis in range(1, dx.ndim - 1)), "feature"][: dx.ndim]
    for make in (changes, moves):
        for words, change in make("{}", dx.shape, places):
            yield words.rstrip(","), change(dx)
    limit, norm = float(np.max(np.abs(given))), float(np.linalg.norm(given))
    yield f"{{}}, cut off at {limit:.6g}", np.clip(dx, -limit, limit)
    if np.isclose(norm, round(norm, 3), rtol=1e-9):
        yield f"{{}}, scaled so that its norm is {norm:.6g}", dx * norm / np.linalg.norm(dx)
    factor = float(np.sum(dx * given) / np.sum(np.square(dx)))
    yield f"{factor:.6g} times {{}}", factor * dx


def _told(source: _Source, expected: str, missing: str) -> str:
    """What is said of a layer that is given this, and should be given the dx of another one."""
    if source.name == expected:
        right = "the dy of the container" if expected == _OUTSIDE else "the dx of the layer after it"
        return f"{source.words.replace('{}', right)}"
    if source.name == _OUTSIDE:
        return f"{source.words.replace('{}', 'the dy of the container')}, and not the dx of the layer after it"
    other = source.words.replace("{}", f"the dx of {source.name}")
    return f"{other}, and not that of {expected}{missing}"


def _listed(names: list[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"


WIRED = Hypothesis(
    "wiring",
    "{tensor} is wrong because of the way backward goes through the layers: {measured}.",
    _wired_otherwise,
)
