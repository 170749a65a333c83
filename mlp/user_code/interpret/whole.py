"""Whatever has its loss inside, as one thing with three more methods: prediction, loss, and gradients.

A network whose backprop(x, y) starts at the target, a cost with delta(z, a, y), a model that is written as functions,
forward(X, parameters), cost(A, Y) and backward(...): none has a dy to start from. The thing that is closed so is the
object, or the structure of parameters. Which loss an object has inside, only its gradients can tell: the usual ones are
tried.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import penalties, samples
from mlp.user_code.interpret.losses import is_input, sound
from mlp.user_code.interpret.models import Parts, structure_names
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.trial import Candidate
from mlp.user_code.load.classes import sounds_like_loss
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import problem, told
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.conditions import RUNS
from mlp.user_code.run.outputs import outputs_of
from mlp.user_code.run.subject import Step, Subject, function_of
from mlp.user_code.run.uses import uses_of
from mlp.user_code.settings import Override

PREDICTION, FORWARD, BACKWARD = "prediction_inside", "value_inside", "gradient_inside"
_KIND = inspect.Parameter.POSITIONAL_OR_KEYWORD
_SIGNATURE = inspect.Signature([inspect.Parameter(name, _KIND) for name in ("self", "x", "t")])


class Objective(NamedTuple):
    """A loss, as a function of prediction and target, and its name."""

    words: str
    value: Callable[[Array, Array], Array]


# Of what a training step returns.
RETURNED = Objective("what it returns", lambda y, _: y)
_SUMS: dict[str, Callable[[Array, Array], Array]] = {
    "half the sum of squared errors": lambda y, t: np.sum((y - t) ** 2) / 2,
    "the binary cross entropy": lambda y, t: -np.sum(t * np.log(y) + (1 - t) * np.log(1 - y)),
    "the cross entropy": lambda y, t: -np.sum(t * np.log(y)),
    "the sum of squared errors": lambda y, t: np.sum((y - t) ** 2),
    "the mean squared error": lambda y, t: np.mean((y - t) ** 2),
    "half the mean squared error": lambda y, t: np.mean((y - t) ** 2) / 2,
}
_OVER: dict[str, Callable[[Array], int]] = {", over the rows": len, ", over the columns": lambda y: y.shape[-1]}


def _averages(sums: Mapping[str, Callable[[Array, Array], Array]]) -> Iterator[Objective]:
    """These losses as averages over the samples."""
    for (over, size), (words, value) in product(_OVER.items(), sums.items()):
        if "mean" not in words:
            yield Objective(words + over, lambda y, t, value=value, size=size: value(y, t) / size(y))  # type: ignore[misc]


OBJECTIVES = (
    *(Objective(f"{words}, summed" if "entropy" in words else words, value) for words, value in _SUMS.items()),
    *_averages(_SUMS),
)


class Whole(NamedTuple):
    """A network or model, and what closes it: methods by name, or functions.

    Attributes:
        forward: from x to the prediction; None where the loss does that itself.
        loss: from prediction and target to the loss, or from x and target; None where forward returns it.
        backward: None where the loss returns the gradients as well.
        place: of the prediction among the arrays that forward returns.
        settings: values of further arguments, by name.
        data: the attributes in which it keeps input and target, and the words for these.
    """

    forward: Step | None
    loss: Step | Objective | None
    backward: Step | None
    place: int = 0
    settings: Mapping[str, Any] = {}
    data: Mapping[str, str] = {}


def has_target_inside(forward: Callable[..., Any], backward: Callable[..., Any]) -> bool:
    """Whether backward takes a target that forward does not know, and no gradient: a loss is inside."""
    known = {one.name for one in calls.required(calls.parameters_of(forward))}
    wanted = [one.name for one in calls.required(calls.parameters_of(backward)) if one.name != "self"]
    targets = [name for name in wanted if sound(name) > 0 and name in uses_of(backward).names - known]
    return bool(targets) and not any(vocabulary.roles(name)[:1] == ("upstream",) for name in wanted)


def takes_nothing(cls: type, backward: str, forward: str = "") -> bool:
    """Whether backward looks at nothing that it is given, or at what forward is given alone."""
    known = {"self", *(calls.parameters_named(getattr(cls, forward)) if forward else ())}
    taken = {one.name for one in calls.parameters_of(getattr(cls, backward))} - known
    return not uses_of(getattr(cls, backward)).names & taken


def keeps_target(cls: type, backward: str) -> bool:
    """Whether backward takes nothing, since a loss of x and the target beside it has kept what it needs."""
    steps = [name for name in vocabulary.TRAIN_STEPS if hasattr(cls, name)]
    methods = [getattr(cls, name) for name in (*own_losses(cls, backward), *steps)]
    takes_input = any(is_input(one.name) for method in methods for one in calls.parameters_of(method))
    return takes_input and takes_nothing(cls, backward)


def may_be_upstream(backward: Callable[..., Any]) -> bool:
    """Whether backward takes nothing but y, which may also be an output, or the gradient of one."""
    return [one.name for one in calls.required(calls.parameters_of(backward)) if one.name != "self"] == ["y"]


def is_sure_of_dy(forward: Callable[..., Any], backward: Callable[..., Any]) -> bool:
    """Whether backward takes no single argument of its own, or one that is called what gradients are called."""
    wanted = [one.name for one in calls.required(calls.parameters_of(backward)) if one.name != "self"]
    if len(wanted) != 1 or wanted[0] in calls.parameters_named(forward):
        return True
    return vocabulary.is_mark(wanted[0]) or "upstream" in vocabulary.roles(wanted[0])


def networks(
    thing: Any, forward: str, backward: str, said: Override, rate: float = 1.0, data: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Any]]:
    """Any with every loss that may be inside: their own where the object has a cost, else the usual ones.

    Where backward takes a step, it is one of this rate. What it returns may be the loss too: that is the first.
    """
    data = data or {}
    thing = _at_rate(thing, backward, rate)
    once = {one: 1 for one in calls.parameters_named(getattr(thing, backward)) if "epochs" in vocabulary.roles(one)}
    losses: list[tuple[str, Step | Objective]] = [(RETURNED.words, RETURNED)]
    for step in (name for name in vocabulary.TRAIN_STEPS if name != backward and hasattr(thing, name)):
        yield f"the one that {step} returns", closed(thing, Whole(None, step, None))
    own = getattr(thing, "cost", None)
    value = next((name for name in ("fn", "value", "cost", "loss") if callable(getattr(own, name, None))), "")
    if value:
        words = f"its {getattr(own, '__name__', type(own).__name__)}"
        given = {words: getattr(own, value)}
        losses += [(one.words, one) for one in (Objective(words, given[words]), *_averages(given))]
    else:
        own = own_losses(thing, backward, bool(data))
        if own and not data and not calls.parameters_of(getattr(thing, backward)):
            yield f"its {own[0]}", closed(thing, Whole(None, own[0], backward))
            return
        losses += [(f"its {name}", name) for name in own]
        losses += [(one.words, one) for one in OBJECTIVES]
    for words, loss in losses:
        parts = Parts(None, loss, backward, ()) if isinstance(loss, str) else None
        one, weights = penalties.weighed(parts, thing, said) if parts else (thing, {})
        yield words, closed(one, Whole(forward, loss, backward, settings={**once, **weights}, data=data))


def own_losses(thing: Any, backward: str, has_data: bool = False) -> list[str]:
    """The methods of an object that are called like a loss, take a target, or have one, and are no derivatives."""
    # A property is left alone: before forward has run it may raise.
    held = [
        name for name, one in inspect.getmembers_static(thing) if not isinstance(one, property) and name != backward
    ]
    methods = {name: method for name in held if inspect.isroutine(method := getattr(thing, name))}
    named = [name for name in methods if sounds_like_loss(name) and not re.search("grad|deriv|prime|back", name)]
    asked = {name: [one.name for one in calls.required(calls.parameters_of(methods[name]))] for name in named}
    return [name for name in named if (has_data and not asked[name]) or sum(sound(one) > 0 for one in asked[name]) == 1]


def _at_rate(thing: Any, backward: str, rate: float) -> Any:
    """A copy with this learning rate where theirs goes by one, by which updates are divided, that trains one epoch."""
    copied = object_arrays.duplicate(thing)
    for name in [str(name) for name, held in object_arrays.items(copied) if type(held) is int]:
        if "epochs" in vocabulary.roles(name):
            setattr(copied, name, 1)
    for name in _rates(thing) or vocabulary.RATES[: calls.takes_rate(getattr(thing, backward))]:
        setattr(copied, name, rate)
    return copied


def closed(thing: Any, whole: Whole) -> Any:
    """A copy of theirs with the two more methods."""
    steps = [one for one in (whole.forward, whole.loss, whole.backward) if one and not isinstance(one, Objective)]
    asked = _arguments(thing, steps)
    begin = asked[steps[0]]
    free = [i for i, one in enumerate(begin) if one.word in ("", "cache") and one.is_open]  # the context of a word
    if free and not any(one.word == "x" for one in begin):  # of another name than inputs have
        begin[free[0]] = begin[free[0]]._replace(word="x")
    state = _first_state(thing)

    def called(self: Any, step: Step, words: Mapping[str, Any]) -> Any:
        """Call one of the functions with what its arguments' names ask for; those with a default keep it."""
        own = self if isinstance(self, dict) else {}  # of one vector too, by its name
        held = {**own, **words["named"], **whole.settings}
        held = _in_any_case(held, asked[step]) | held
        given = {}
        for one in asked[step]:
            is_named = one.is_open and one.name in (own if one.word == "parameters" else held)
            if one.name in whole.settings or is_named:
                given[one.name] = held[one.name]
            elif one.value is not None:
                given[one.name] = one.value
            elif one.is_open and words.get(one.word) is not None:
                given[one.name] = words[one.word]
        function = function_of(self, step)
        plain = {"training": True, "rate": _rate(self), "batch": _batch(words["x"])}
        with told(function.__name__, function):
            return calls.call(function, (), given, plain, function.__name__)

    def started(self: Any, x: Any, t: Any) -> dict[str, Any]:
        """The words for what there is once forward has run."""
        words = {"parameters": self, "x": x, "target": t, "named": {}, "state": state}
        for name, word in whole.data.items():
            setattr(self, name, words[word])
        if whole.forward is not None:
            returned = called(self, whole.forward, words)
            words |= _forwarded(self, returned, function_of(self, whole.forward), whole)
        return words

    def predicted(self: Any, x: Any, t: Any) -> Any:
        return started(self, x, t)["y"]

    def value(self: Any, x: Any, t: Any) -> Any:
        if whole.loss is RETURNED or whole.backward is None:  # it may take a step
            self = object_arrays.duplicate(self)
        words = started(self, x, t)
        if whole.loss is RETURNED:
            found = called(self, whole.backward, words)  # type: ignore[arg-type]  # what is returned, something returns
            if not isinstance(found, float | np.floating):
                raise problem(f"{whole.backward} returns no loss", function_of(self, whole.backward))  # type: ignore[arg-type]
            return found
        if isinstance(whole.loss, Objective):
            return whole.loss.value(words["y"], as_numbers(t, words["y"]))
        return _number(words["value"] if whole.loss is None else called(self, whole.loss, words))

    def gradient(self: Any, x: Any, t: Any) -> Any:
        words = started(self, x, t)
        if whole.forward is None and isinstance(whole.loss, str) and whole.backward:  # keeps what backward needs
            words |= _forwarded(
                self, called(self, whole.loss, words), getattr(self, whole.loss), Whole(None, None, None)
            )
        returned = called(self, whole.backward or whole.loss, words)  # type: ignore[arg-type]  # one of them is there
        if whole.backward is None and isinstance(returned, tuple | list) and isinstance(returned[0], float):
            return returned[1:]  # behind the loss
        return None if isinstance(returned, float | np.floating) else returned  # a loss

    first, last = whole.forward or whole.loss, whole.backward or whole.loss
    for_value = [step for step in steps if step is not whole.backward or whole.loss is RETURNED]
    for method, run in ((value, for_value), (gradient, steps)):
        setattr(method, RUNS, [function_of(thing, step) for step in run])
    return _with_methods(thing, {PREDICTION: (predicted, first), FORWARD: (value, first), BACKWARD: (gradient, last)})


def with_penalty(thing: Any, times: Mapping[object_arrays.Path, float]) -> Any:
    """A closed thing whose loss has a penalty as well, half so many times the squares of what stands at these paths."""
    loss = getattr(type(thing), FORWARD)

    def value(self: Any, x: Any, t: Any) -> Any:
        squares = [number / 2 * np.sum(object_arrays.get(self, path) ** 2) for path, number in times.items()]
        return loss(self, x, t) + sum(squares)

    setattr(value, RUNS, getattr(loss, RUNS))
    return _with_methods(thing, {FORWARD: (value, FORWARD)})


class _Argument(NamedTuple):
    """An argument: the word for what it is, whether its default, if it has one, gives way, and a value that suits."""

    name: str
    word: str
    is_open: bool
    value: Any


def _arguments(thing: Any, steps: list[Step]) -> dict[Step, list[_Argument]]:
    """What the arguments of a model's functions are, by their names."""
    functions = {step: function_of(thing, step) for step in steps}
    structures = structure_names({str(step): one for step, one in functions.items() if not isinstance(step, str)})
    everything = [one for function in functions.values() for one in calls.parameters_of(function)]
    elsewhere = {one.name: one.default for one in everything if type(one.default) in (int, float)}
    settings: dict[str, Any] = {}
    for function, name in product(functions.values(), {one.name for one in everything}):
        value = calls.setting(name, function) or samples.chosen(uses_of(function).choices(name), None)
        settings |= {} if value is None else {name: value}
    return {
        step: [
            _argument(one, step is steps[0], structures, settings | elsewhere) for one in calls.parameters_of(function)
        ]
        for step, function in functions.items()
    }


def _in_any_case(held: Mapping[str, Any], arguments: list[_Argument]) -> dict[str, Any]:
    """What arguments such as A2 are, of which a cache holds "a2"; X and Y are the input and the target."""
    lower = {str(name).lower(): value for name, value in held.items()}
    names = [one.name for one in arguments if one.word in ("", "y")]
    return {name: lower[name.lower()] for name in names if name.lower() in lower}


def _batch(x: Array) -> int:
    """How many samples an input holds."""
    return samples.BATCH if samples.BATCH in x.shape else x.shape[0]


def _argument(one: inspect.Parameter, is_first: bool, structures: set[str], elsewhere: Mapping[str, Any]) -> _Argument:
    name, role = one.name, (vocabulary.roles(one.name) or ("",))[0]
    rules = {
        "parameters": name in structures,
        "target": sound(name) > 0,
        "cache": role == "cache" or "cache" in name,
        "x": is_input(name) or (is_first and role == "input"),
        "state": role == "state",
        "y": role in ("prediction", "input", "activation"),
        "by role": role in ("rate", "training", "batch"),
    }
    word = next((word for word, holds in rules.items() if holds), "")
    value = None
    if one.default is one.empty and not word:
        role = "fraction" if role == "scale" else role  # the beta that weighs a term
        value = elsewhere.get(name, samples.PLAIN[role][0] if role in (*samples.NUMBERS, *samples.SIZES) else None)
    return _Argument(name, word, one.default in (one.empty, None), value)


def _forwarded(thing: Any, returned: Any, function: Callable[..., Any], whole: Whole) -> dict[str, Any]:
    """What forward gave: the prediction, or the loss, the cache, and the parts of it by name."""
    parts = list(returned) if isinstance(returned, tuple) else [returned]
    names = sources.returned_names(function, len(parts)) if len(parts) > 1 else []
    named = {str(name): part for name, part in zip(names, parts, strict=False)}
    for part in parts:
        named |= part if isinstance(part, dict) else {}
    if whole.loss is None:
        value = next((part for part in parts if np.size(part) == 1), None)
        return {"value": value, "cache": _alone([part for part in parts if part is not value]), "named": named}
    y = _prediction(thing, returned, whole.place, function, names)
    rest = [part for part in parts if part is not y]
    return {"y": y, "cache": rest[0] if len(rest) == 1 else returned, "named": named, "": parts[whole.place]}


def _alone(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else parts


_PREDICTED = re.compile(
    r"(a|y|p|o|al|act\w*|y_?hat|y_?pred\w*|pred\w*|prob\w*|out\w*|score\w*|logits)_?\d*", re.IGNORECASE
)


def _prediction(
    thing: Any, returned: Any, place: int, function: Callable[..., Any], names: Sequence[str | int] = ()
) -> Any:
    """What forward predicts: the last array that is called so, else the one at this place, else what it keeps."""
    if isinstance(returned, dict):
        names, returned = list(returned), list(returned.values())
    if isinstance(returned, list | tuple) and returned:
        found = [part for part in returned if isinstance(part, np.ndarray)]
        called = [part for name, part in zip(names, returned, strict=False) if _PREDICTED.fullmatch(str(name))]
        if called and all(isinstance(name, str) for name in names) and isinstance(called[-1], np.ndarray):
            return called[-1]
        return found[place] if found else _prediction(thing, returned[place], place, function)
    return outputs_of(thing, returned, (), (), (), "forward", function).packed()


def _number(value: Any) -> Array:
    """The loss, of what a function returned: the one number in it."""
    parts = value if isinstance(value, tuple | list) else [value]
    numbers = [part for part in parts if not isinstance(part, dict | list | tuple) and np.size(part) == 1]
    if not numbers:
        raise problem("the loss is no single number")
    return np.asarray(numbers[0]).reshape(())


def as_numbers(t: Array, y: Array) -> Array:
    """Labels as one hot in the shape of the prediction; any other target in that shape where it has its size."""
    if t.size == y.size:
        return t.reshape(y.shape)
    if t.ndim != y.ndim - 1 or t.dtype.kind != "i":
        return t
    axis = 1 if y.shape[0] == t.size else 0
    return np.moveaxis(np.eye(y.shape[axis])[t], -1, axis)


def _first_state(thing: Any) -> Array | None:
    """What suits the square matrix of weights of a recurrent model: in the shape of one of its biases, or a vector."""
    shapes: list[tuple[int, ...]] = [array.shape for array in object_arrays.arrays([thing]).values()]
    sizes = [shape[:1] for shape in shapes if len(shape) == 2 and shape[0] == shape[1]]
    biases = [shape for shape in shapes if sizes and shape in ((*sizes[0], 1), (1, *sizes[0]))]
    return samples.normal(biases[0] if biases else sizes[0]) if sizes else None


def _rate(thing: Any) -> float:
    """The learning rate of an object, 1 if it has none."""
    return next(iter(_rates(thing).values()), 1.0)


def _rates(thing: Any) -> dict[str, float]:
    """The attributes that are a learning rate, and no schedule of one."""
    held = {name: getattr(thing, name, None) for name in vocabulary.learning_rates(dir(thing))}
    return {name: float(one) for name, one in held.items() if isinstance(one, int | float)}


def costs(thing: Any, value: Step, delta: Step, module: ModuleType | None) -> Iterator[Any]:
    """A cost with delta(z, a, y) as one of z alone, where a = f(z) for an f of their module, else the sigmoid."""
    wanted = [one.name for one in calls.required(calls.parameters_of(function_of(thing, delta)))]
    others = [name for name in wanted if sound(name) <= 0]
    if len(wanted) != 3 or len(others) != 2:
        return
    target = next(name for name in wanted if name not in others)
    z, a = others if others[0].lower().startswith(("z", "s", "net", "in")) else others[::-1]
    for function in _squashing(module):

        def evaluate(self: Any, x: Any, t: Any, function: Callable[..., Any] = function) -> Any:
            return function_of(self, value)(function(x), t)

        def gradient(self: Any, x: Any, t: Any, function: Callable[..., Any] = function) -> Any:
            return function_of(self, delta)(**{z: x, a: function(x), target: t})

        yield _with_methods(thing, {FORWARD: (evaluate, value), BACKWARD: (gradient, delta)})


def _squashing(module: ModuleType | None) -> Iterator[Callable[..., Any]]:
    for name in ("sigmoid", "logistic", "softmax", "tanh"):
        function = vars(module).get(name) if module else None
        if callable(function):
            yield function
    yield lambda z: 1 / (1 + np.exp(-z))


def _with_methods(thing: Any, methods: Mapping[str, tuple[Callable[..., Any], Any]]) -> Any:
    """A copy of a thing with more methods, whose places are those of the functions of theirs that they call."""
    for method, step in methods.values():
        original = function_of(thing, step)
        method.__wrapped__ = getattr(original, "__func__", original)  # type: ignore[attr-defined]
        method.__signature__ = _SIGNATURE  # type: ignore[attr-defined]
    more = {name: method for name, (method, _) in methods.items()}
    copied = object_arrays.duplicate(thing)
    if isinstance(thing, dict | list | tuple) and type(thing).__module__ in ("builtins", "collections"):
        return type("Parameters", (dict if isinstance(thing, dict) else list,), more)(copied)
    copied.__class__ = type(type(thing).__name__, (type(thing),), more)
    return copied


def closed_candidate(case: Case, thing: Any, x: Array, target: Any, layout: Layout) -> Candidate:
    """Theirs with the methods that close its loss inside, as a candidate."""
    subject = Subject(
        case.name, FORWARD, (BACKWARD,), thing, target=target, pass_on="prediction", said=case.said, module=case.module,
        seed=case.said.seed, integers=x.dtype.kind == "i",
    )  # fmt: skip
    return Candidate(subject, x, layout, "value")
