"""A subject runs their code forward, always on a fresh copy, and hands back the output and a way to run it backward."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.clock import Calls
from mlp.user_code.interpret.losses import sides
from mlp.user_code.interpret.samples import Recorder
from mlp.user_code.messages import Fact, place_of, told
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.calls import filled, mentions
from mlp.user_code.run.conditions import RUNS, call_seed_hook, same_randomness
from mlp.user_code.run.object_arrays import with_own_weights
from mlp.user_code.run.outputs import Outputs, Place, as_output, outputs_of
from mlp.user_code.run.sources import Source
from mlp.user_code.run.uses import uses_of
from mlp.user_code.settings import Override

Step = str | Callable[..., Any]
_UNSURE = ("input", "prediction", "activation", calls.ANY)  # roles that an input and an output may have


class Run(NamedTuple):
    """One forward run: the output, and backward as a function of dy that returns every possible gradient.

    `facts` grows with what is seen on the way; `outputs` are the names and sizes of what y is put together from.
    """

    y: Array
    backward: Callable[[Array], list[Source]]
    facts: list[Fact]
    outputs: tuple[tuple[str, int], ...] = ()


class PassOn(NamedTuple):
    """What backward is called with first, and whether the result is a derivative that is still to meet dy."""

    value: Callable[[Any, Array, Array, Array, Any], Any]
    is_derivative: bool
    words: str


def _kept_output(thing: Any, x: Array, y: Array, _dy: Array, cache: Any) -> Any:
    kept = getattr(thing, "output", None)
    kept = cache if isinstance(cache, np.ndarray) and cache.shape == x.shape else kept
    return np.array(kept) if isinstance(kept, np.ndarray) else y


def _loss_first(returned: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a loss returned, such as (probs, loss), with the one number in it in front."""
    numbers = [part for part in returned if isinstance(part, float | np.floating)]
    return (numbers[0], *(part for part in returned if part is not numbers[0])) if len(numbers) == 1 else returned


PASS_ON: dict[str, PassOn] = {
    "gradient": PassOn(lambda _thing, _x, _y, dy, _: np.array(dy), False, "the gradient dy of its output"),
    "input": PassOn(lambda _thing, x, _y, _dy, _: np.array(x), True, "its input, as a derivative f'(x)"),
    "output": PassOn(
        lambda _thing, _x, y, _dy, _: np.array(y), True, "its output y = f(x), as a derivative written in y"
    ),
    "prediction": PassOn(lambda _thing, x, _y, _dy, _: np.array(x), False, "the prediction"),
    "nothing": PassOn(lambda _thing, x, _y, _dy, _: np.array(x), True, "nothing, and returning a derivative"),
    "kept": PassOn(_kept_output, False, "the `output` that it keeps, or the array that it returns beside the loss"),
}


@dataclass
class Subject:
    """Something of theirs that maps x to y and goes backward: two methods of an object, or two functions.

    Attributes:
        name: of its class, or of the forward function.
        forward: a function, or the name of a method of `thing`; backward: likewise, several run one after the other;
            without any, forward returns value and gradients together.
        thing: the object, never run itself, since each run takes a deep copy; None for functions.
        first: the argument of forward that is x, "" for the first.
        form: what x is given as, in the words of GRADCHECK: "x", or a list, tuple or dict around it.
        attributes: those by which x, or dy, is handed over, and these words for them.
        arrays: values of further arguments of forward, by name; they are tensors like the parameters.
        settings: values of its other arguments, by name; backward_settings: those of backward.
        target: of a loss; None for anything else.
        pass_on: what backward is called with, a key of PASS_ON.
        rest: what its other arguments are given whose names do not say it, "x" or "y"; "" for nothing.
        outputs: which of the things returned are outputs; () for the first, and those whose gradients backward takes.
        per_sample: the gradients that are added up over axes of samples, or of places, and these axes.
        said: what GRADCHECK says of it.
        module: where it comes from, for its random generators and the seed hook; seed: the name of the hook.
        integers: whether x is whole numbers, such as the ids of words.
        has_dx: whether a gradient of x is looked for.
        by_locals: the tensors whose gradients are local names of backward, and not the steps that it takes.
        decays: the steps, such as update.W, without what they take away whatever dy is.
        copies: for a tensor the arrays that were filled with its numbers earlier, and where in them each stands.
    """

    name: str
    forward: Step
    backward: Sequence[Step]
    thing: Any = None
    first: str = ""
    form: Any = "x"
    attributes: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    backward_settings: Mapping[str, Any] = field(default_factory=dict)
    target: Any = None
    pass_on: str = "gradient"
    rest: str = ""
    outputs: Sequence[Place] = ()
    per_sample: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    said: Override = field(default_factory=Override)
    module: ModuleType | None = field(default=None, repr=False)
    seed: str = ""
    integers: bool = False
    has_dx: bool = True
    by_locals: Sequence[str] = ()
    decays: Sequence[str] = ()
    copies: Mapping[str, Sequence[tuple[object_arrays.Path, Array]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """See to it that all is in double precision."""
        with told(f"copying {self.name}"):
            self.thing = object_arrays.in_double_precision(self.thing)
        twins = object_arrays.twins(self.thing)
        self._paths = {object_arrays.text(path): same for path, same in twins.items()}
        self._upstreams: dict[Any, list[str]] = {}

    def tensors(self) -> dict[str, tuple[list[object_arrays.Path], Array]]:
        """What may be a parameter: all its paths, and its value, by name.

        These are the floating-point arrays that the object holds before it has run, and those that forward is given
        beside x.
        """
        found = object_arrays.arrays(self.thing)
        places: dict[object_arrays.Path, int] = defaultdict(int)
        for path, one in (copy for copies in self.copies.values() for copy in copies):
            places[path] += one.size
        held = {
            name: (same, np.array(found[same[0]], dtype=np.float64))
            for name, same in self._paths.items()
            if found[same[0]].dtype.kind == "f" and found[same[0]].size and places[same[0]] < found[same[0]].size
            if self.target is None or name not in vocabulary.LOSS_VALUES  # to which forward adds its own
        }
        return held | {name: ([(name,)], np.array(value, dtype=np.float64)) for name, value in self.arrays.items()}

    def run(self, x: Array, values: Mapping[str, Array]) -> Run:
        """Run forward on a deep copy that holds `values`."""
        thing, words = self._holding(values), self._words(x, values)
        before = {} if self.backward else _copies(thing)
        with Calls.one():
            returned = self._forward(thing, words)
        out = self._outputs(thing, returned, x)
        facts = changed_in_place(self._what(self.forward), "its input", words["x"], x, self.sources()[1])
        names = tuple((name, array.size) for name, array in zip(out.names, out.arrays, strict=True))

        def backward(dy: Array) -> list[Source]:
            if self.backward:
                found = self._backward(thing, self._words(x, values), x, out, dy, facts)
                return self._without_decays(found, x, values, dy) if self.decays else found
            # Forward returns the loss and its gradients together, or has made a step already.
            steps = sources.update_sources(before, thing, self._rate(thing))
            return [*sources.returned_sources(out.cache, self.sources()[1]), *steps]

        return Run(out.packed(), backward, facts, names)

    def _without_decays(self, found: list[Source], x: Array, values: Mapping[str, Array], dy: Array) -> list[Source]:
        """The sources, and of the steps that have a weight decay what they would not be for a dy of 0."""
        still = replace(self, decays=()).run(x, values).backward(np.zeros_like(dy))
        taken = {one.key: one.array for one in still if one.key in self.decays}
        return [one._replace(array=one.array - taken[one.key]) if one.key in taken else one for one in found]

    def sources(self) -> tuple[Any, ...]:
        """The object, None if there is none, and the functions of theirs that are run."""
        return self.thing, *(function_of(self.thing, step) for step in (self.forward, *self.backward))

    @property
    def takes_gradient(self) -> bool:
        """Whether backward has an argument for the gradient of the output, or may have one without a name."""
        _, _, *backward = self.sources()
        return not backward or bool(self._upstream(backward[0])) or not calls.parameters_named(backward[0])

    def with_own_weights(self, x: Array) -> "Subject":
        """The same subject, with the weights that its object makes in the first forward if it does that."""
        if self.thing is None:
            return self

        def forward(thing: Any, given: Array) -> None:
            values = {} if given is x else {name: 0.7 * value + 0.1 for name, value in self.arrays.items()}
            self._forward(thing, self._words(given, values))

        thing = with_own_weights(self.thing, forward, x)
        return self if thing is self.thing else replace(self, thing=thing)

    def filled_by_forward(self, x: Array) -> set[str]:
        """The arrays that forward fills but for ones in them, as an input beside the 1 of a bias: no parameters."""
        thing = self._holding({})
        before = _copies(thing)
        self._forward(thing, self._words(x, {}))
        held = object_arrays.arrays(thing)
        same = {
            path: old == held[path] for path, old in before.items() if path in held and old.shape == held[path].shape
        }
        filled = [path for path, kept in same.items() if 0 < kept.sum() < kept.size and np.all(before[path][kept] == 1)]
        return {object_arrays.text(path) for path in filled}

    def with_grown(self, found: list[Source]) -> "Subject":
        """The same subject, with an array of the same number where backward puts an array in the place of a number."""
        held = object_arrays.arrays(self.thing)
        steps = [one for one in found if one.place == "update" and one.path in held]
        grown = [one for one in steps if one.array.shape != held[one.path].shape]
        thing = object_arrays.duplicate(self.thing) if grown else self.thing
        for one in grown:
            object_arrays.put(thing, one.path, np.full(one.array.shape, held[one.path]))
        return replace(self, thing=thing) if grown else self

    def with_copies(self, idle: Sequence[str]) -> "Subject":
        """The same subject, in which arrays that hold the numbers of these tensors, which have no influence, follow."""
        held, arrays = self.tensors(), object_arrays.arrays(self.thing)
        copies = {
            name: [
                (path, places)
                for path, array in arrays.items()
                if path not in held[name][0] and array.dtype.kind == "f"
                for places in [_places(held[name][1], array, name.rpartition(".")[2] == str(path[-1]))]
                if places is not None
            ]
            for name in idle
            if name in held and name not in self.copies
        }
        return replace(self, copies={**self.copies, **copies}) if any(copies.values()) else self

    def _holding(self, values: Mapping[str, Array]) -> Any:
        """A deep copy of the object that holds these values."""
        with told(f"copying {self.name}"):
            thing = object_arrays.duplicate(self.thing)
        for tensor in values.keys() - self.arrays.keys():
            fresh = np.array(values[tensor])
            for path in self._paths[tensor]:
                object_arrays.put(thing, path, fresh)
            for path, places in self.copies.get(tensor, ()):
                copied = np.array(object_arrays.get(thing, path))
                copied.flat[places] = fresh
                object_arrays.put(thing, path, copied)
        return thing

    def _words(self, x: Array, values: Mapping[str, Array]) -> dict[str, Any]:
        """Fresh copies of what the words in settings stand for: x, further arrays, the target."""
        more = {name: np.array(values.get(name, value)) for name, value in self.arrays.items()}
        target = {} if self.target is None else {"target": object_arrays.duplicate(self.target)}
        return {**more, **target, "x": np.rint(np.real(x)).astype(np.int64) if self.integers else np.array(x)}

    def _given(self, words: Mapping[str, Any]) -> dict[str, Any]:
        """What forward is given by name."""
        settings = {name: filled(object_arrays.duplicate(said), words) for name, said in self.settings.items()}
        first = {self.first: filled(self.form, words)} if self.first else {}
        return {**{name: words[name] for name in self.arrays}, **settings, **first}

    def _sides(self, function: Callable[..., Any], prediction: Any, words: Mapping[str, Any]) -> dict[str, Any]:
        return sides(function, prediction, words["target"]) if "target" in words else {}

    def _forward(self, thing: Any, words: Mapping[str, Any]) -> Any:
        function, form, given = function_of(thing, self.forward), filled(self.form, words), self._given(words)
        named = self._sides(function, form, words)
        first = () if self.first or len(named) == 2 or self._hand_over(thing, "x", form) else (form,)
        with self._running(thing, self.forward):
            return calls.call(
                function, first, {**named, **given}, {"training": True, "rate": 1.0}, self._what(self.forward)
            )

    def _hand_over(self, thing: Any, word: str, value: Any) -> bool:
        """Set the attributes that this word stands for; whether there are any."""
        names = [name for name, meant in self.attributes.items() if meant == word]
        for name in names:
            setattr(thing, name, value)
        return bool(names)

    def _outputs(self, thing: Any, returned: Any, x: Array) -> Outputs:
        _, forward, *backward = self.sources()
        labels = sources.returned_names(forward, len(returned)) if isinstance(returned, tuple | list) else []
        upstream = self._upstream(backward[0]) if backward else []
        if self.target is not None and not self.outputs and isinstance(returned, tuple):
            returned = _loss_first(returned)
        out = outputs_of(thing, returned, self.outputs, labels, upstream, self._what(self.forward), forward)
        if self.target is None or self.outputs or not np.array_equal(out.arrays[0], x):
            return out
        values = (getattr(thing, name, None) for name in vocabulary.LOSS_VALUES)
        kept = next((value for value in values if isinstance(value, float | np.floating | np.ndarray)), None)
        return out if kept is None else Outputs((as_output(kept, self.name),), ("loss",), out.cache)  # it hands x on

    def _upstream(self, backward: Callable[..., Any]) -> list[str]:
        """The arguments of a backward that are gradients of outputs, and no dicts into which it puts some."""
        plain = getattr(backward, "__func__", backward)  # of whichever copy it is a method
        if plain not in self._upstreams:
            forward = self.sources()[1]
            known = calls.parameters_named(forward)
            names = calls.upstream_names(backward, known, sources.returned(forward), _filled(backward))
            self._upstreams[plain] = names
        return self._upstreams[plain]

    def _backward(
        self, thing: Any, words: dict[str, Any], x: Array, out: Outputs, dy: Array, facts: list[Fact]
    ) -> list[Source]:
        before = _copies(thing)
        found: list[Source] = []
        for step in self.backward:
            made, taken = self._step(thing, step, words, out, dy, facts), {one.key for one in found}
            name = step if isinstance(step, str) else step.__name__
            found += [one._replace(key=one.key.replace("returned", name)) if one.key in taken else one for one in made]
        held = object_arrays.arrays(thing)
        live = {path: array for path, array in held.items() if array.dtype.kind == "f"}
        found += [Source(object_arrays.text(path), path, "attribute", array) for path, array in held.items()]
        found += sources.method_sources(thing, live)
        steps = [] if self._has_optimizer() else sources.update_sources(before, thing, self._rate(thing))
        found += [one for one in steps if object_arrays.text(one.path) not in self.by_locals]
        if PASS_ON[self.pass_on].is_derivative:
            return [one._replace(array=chained(one.array, dy, x.shape)) for one in found]
        axes = {**self.per_sample, **{f"returned.{key}": one for key, one in self.per_sample.items()}}
        return [one._replace(array=one.array.sum(axis=axes[one.key])) if one.key in axes else one for one in found]

    def _step(
        self, thing: Any, step: Step, words: dict[str, Any], out: Outputs, dy: Array, facts: list[Fact]
    ) -> list[Source]:
        """What one method of backward returns."""
        function, what, y, x = function_of(thing, step), self._what(step), out.packed(), words["x"]
        first = PASS_ON[self.pass_on].value(thing, x, y, dy, out.cache)
        self._hand_over(thing, "dy", first)
        before = np.array(first)
        firsts = out.unpacked(first) if self.pass_on == "gradient" and np.shape(first) == y.shape else (first,)
        words = {**words, "y": y, "cache": out.cache, **{f"dy.{i}" if i else "dy": one for i, one in enumerate(firsts)}}
        said = {name: filled(object_arrays.duplicate(one), words) for name, one in self.backward_settings.items()}
        upstream = self._upstream(function)
        if step != self.backward[0]:  # what is called the same there is the same
            same_name = self._upstream(function_of(thing, self.backward[0]))
            upstream = [name for name in calls.parameters_named(function) if name in same_name] or upstream
        named = (
            {}
            if self.pass_on == "nothing" or mentions(self.backward_settings, "dy")
            else dict(zip(out.gradients or upstream, firsts, strict=False))
        )
        kept: dict[str, dict[str, Any]] = {name: defaultdict(float) for name in _filled(function)}  # or added to
        same = {name: filled(self.form, words) for name in calls.parameters_named(self.sources()[1])[:1]}
        again = {name: one for name, one in self._given(words).items() if "cache" not in vocabulary.roles(name)}
        alike = self._sides(self.sources()[1], first, words)  # what is called as in forward, among more than two
        others = {**_left_out(function), **same, **again, **named, **alike}
        given = {**others, **self._sides(function, first, words), **kept, **said}
        waiting: tuple[Any, ...] = () if out.cache is None or PASS_ON[self.pass_on].is_derivative else (out.cache,)
        if step != self.backward[0] and not waiting:
            waiting = (x,)
        if not calls.parameters_named(function):  # it takes anything, and hands it on
            waiting = (first, *([words["target"]] if "target" in words else []))
        by_role = {"training": True, "rate": 1.0, "input": x, "prediction": y, "optimizer": Recorder()}
        # Of an output that carries no gradient here, such as the next state of a cell.
        by_role |= {"upstream": np.zeros_like(out.arrays[0])} | ({} if out.cache is None else {"cache": out.cache})
        by_role |= {"input_shape": x.shape} | dict.fromkeys(_UNSURE if self.rest else (), words.get(self.rest))
        runs = [function, *getattr(function, RUNS, ())] if self.by_locals else []
        with self._running(thing, step), Calls.one(), sources.local_sources(*runs) as local:
            returned = calls.call(function, waiting, given, by_role, what)
        facts += changed_in_place(what, "the array that it is called with", np.asarray(first), before, function)
        put = [one for held in kept.values() for one in sources.returned_sources(held, function)]
        return [*sources.returned_sources(returned, function), *put, *local]

    def _has_optimizer(self) -> bool:
        """Whether backward calls an optimizer that is a function: its steps are more than rate times gradient."""
        called = [name for step in self.sources()[2:] for text, name in uses_of(step).calls if text == "self"]
        return any(vocabulary.roles(name)[:1] == ("optimizer",) for name in called)

    def _rate(self, thing: Any) -> float:
        """The learning rate of an update in backward, 1 where it is not known."""
        return self.known_rate(thing) or 1.0

    def known_rate(self, thing: Any) -> float | None:
        """The 1.0 that it was given, else the layer's own, or one of the module's or of its code; None without one."""
        if any(calls.takes_rate(function_of(thing, step)) for step in self.backward or (self.forward,)):
            return 1.0
        named = {name for one in self.sources()[2:] for name in calls.global_names(one)}
        held = {name: vars(self.module)[name] for name in named if self.module and name in vars(self.module)}
        held |= {name: getattr(thing, name, None) for name in vocabulary.learning_rates(dir(thing))}
        rates = (held[name] for name in vocabulary.learning_rates(held))
        known = next((float(rate) for rate in rates if isinstance(rate, int | float) and rate), None)
        return known or sources.written_rate(*self.sources()[1 if not self.backward else 2 :])

    def _what(self, step: Step) -> str:
        """The name of what is called, for sentences."""
        owner = self.name.partition(".")[0]
        return f"{owner}.{step}" if isinstance(step, str) else getattr(step, "__name__", self.name)

    @contextmanager
    def _running(self, thing: Any, step: Step) -> Iterator[None]:
        """Run theirs inside: from the same random state each time, and with whatever it raises told as theirs."""
        random = same_randomness(self.module, step != self.forward)
        with told(self._what(step), function_of(thing, step)), random, np.errstate(all="ignore"):
            if self.seed:
                call_seed_hook(thing, self.module, self.seed)
            yield


def _places(values: Array, holder: Array, is_namesake: bool) -> Array | None:
    """Where in an array each of these numbers stands, None if one does not or they are not all different.

    Of equal numbers, such as the zeros of a bias, only a namesake of the same shape is a copy.
    """
    if is_namesake and np.array_equal(values, holder):
        return np.arange(values.size)
    if values.size < 2 or len(np.unique(values)) < values.size or holder.size < values.size:
        return None
    order = np.argsort(holder, axis=None)
    places = order[np.searchsorted(holder.flat[order], values.ravel()).clip(max=holder.size - 1)]
    return places if np.array_equal(holder.flat[places], values.ravel()) else None


def _copies(thing: Any) -> dict[object_arrays.Path, Array]:
    return {path: np.array(array) for path, array in object_arrays.arrays(thing).items()}


def function_of(thing: Any, step: Step) -> Callable[..., Any]:
    """A method of a thing by its name, or the function itself."""
    return getattr(thing, step) if isinstance(step, str) else step


def _left_out(backward: Callable[..., Any]) -> dict[str, Any]:
    """Values for what backward weighs a penalty or a momentum by, or chooses a penalty with, that leave it out."""
    names = [
        one.name for one in calls.required(calls.parameters_of(backward)) if vocabulary.WEIGHED.fullmatch(one.name)
    ]
    return {name: "none" if uses_of(backward).choices(name) else 0.0 for name in names}


def _filled(backward: Callable[..., Any]) -> list[str]:
    """The arguments of a backward that are dicts of gradients to be filled."""
    filled = uses_of(backward).filled
    dicts = {one.name for one in calls.parameters_of(backward) if "dict" in str(one.annotation).lower()}
    return [name for name in calls.parameters_named(backward) if name in filled | dicts and vocabulary.is_mark(name)]


def chained(derivative: Array, dy: Array, shape: tuple[int, ...]) -> Array:
    """The gradient dx from dy and a derivative: multiplied entry by entry, or dy times the Jacobian of each sample.

    Samples are rows, or columns whose Jacobians have the axis of samples in front. Of a function with one number as its
    value, the derivative is the gradient in the shape of x. An axis of length 1 may be there in one and not the other.
    """
    if derivative.shape != dy.shape and derivative.shape == (dy.size, int(np.prod(shape))):
        return (dy.ravel() @ derivative).reshape(shape)
    if derivative.shape == (*dy.shape, *shape[-1:]) and dy.ndim > 1:
        return np.einsum("...i,...ij->...j", dy, derivative)
    if dy.ndim == 2 and derivative.shape == (dy.shape[1], dy.shape[0], *shape[:1]):
        return np.einsum("in,nij->jn", dy, derivative)
    if dy.shape and np.squeeze(derivative).shape == np.squeeze(dy).shape:
        return dy.reshape(derivative.shape) * derivative
    return dy * derivative if not derivative.shape or not dy.shape else derivative


def changed_in_place(what: str, victim: str, now: Array, before: Array, about: Any) -> list[Fact]:
    """A warning if an array that was passed in is another one afterwards."""
    if now.shape == before.shape and np.array_equal(now, before, equal_nan=True):
        return []
    text = f"{what} changes {victim} in place; whoever passed it in, such as the layer beside it, has other numbers now"
    return [Fact("warning", text, *place_of(about))]
