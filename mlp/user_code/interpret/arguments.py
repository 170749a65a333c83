"""Objects of their classes: arguments of the constructor are guessed from names, annotations and defaults."""

import ast
import inspect
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice, product
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.containers import Maker, activations, asked_of, filled_up, holders, layers, losses, uses_in
from mlp.user_code.interpret.losses import is_input, sound
from mlp.user_code.interpret.models import has_target
from mlp.user_code.load.classes import Kind, kind_of, sounds_like_loss
from mlp.user_code.messages import ForeignError, problem, sources_of, told
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.conditions import same_randomness
from mlp.user_code.run.sources import attributes_filled, attributes_of_self, syntax
from mlp.user_code.run.uses import EACH, Uses
from mlp.user_code.settings import Override, line

_SHAPES = ("shape", "dims")
_PAIRED = ("kernel_size", "stride", "padding")
_OF_WINDOWS = {
    **dict.fromkeys(("k", "f", "height", "width", "h", "w", "hh", "ww", "fh", "fw", "kh", "kw"), "kernel_size"),
    **dict.fromkeys(("size", "kernel", "length"), "kernel_size"),
    "s": "stride", "p": "padding",
}  # fmt: skip
_OTHERWISE = {"hidden": "hidden_sizes", "hidden_sizes": "hidden"}  # one hidden layer or several: a name may mean both
_LARGE = 64  # for a size
_UNKNOWN = (samples.FEATURES, samples.OUTPUTS, *samples.HIDDEN)
_BY_ANNOTATION: dict[Any, Any] = {float: 0.5, "float": 0.5, bool: False, "bool": False, str: "", "str": ""}


class Built(NamedTuple):
    """An object and how it was made: `args` is plain data for the page and for GRADCHECK.

    `is_ready` says that what makes it ready, such as `build`, has been called, or that nothing has to be.
    """

    thing: Any
    args: dict[str, Any]
    is_ready: bool = True

    @property
    def data(self) -> dict[str, str]:
        """The attributes in which it keeps the input and the target that it was made with, and the words for these."""
        held, given = object_arrays.arrays(self.thing), data_of(type(self.thing))
        return {
            str(path[0]): word
            for name, word in given.items()
            for path, array in held.items()
            if len(path) == 1 and np.array_equal(array, self.args.get(name, ()))
        }


def objects(cls: type, module: ModuleType | None, override: Override) -> Iterator[Built]:
    """Make objects of a class, with the likeliest arguments first.

    Raises:
        ForeignError: not one could be made; the first reason is told.
    """
    failures: list[ForeignError] = []
    seen: list[str] = []
    unready: set[str] = set()  # arguments that make an object which is still to be built
    made_first: dict[str, Any] = {}
    successes = 0
    in_use = (({**args, **override.args}, None) for args in _examples(cls, module))

    def with_divisors() -> Iterator[tuple[dict[str, Any], Any]]:
        ours = {name for name, value in made_first.items() if type(value) is int and name not in override.args}
        sizes = {name: size for name, size in _dividing(cls).items() if name in ours}
        yield from () if successes or not sizes else ((made_first | sizes, None),)

    def with_lists() -> Iterator[tuple[dict[str, Any], Any]]:
        numbers = [name for name, value in made_first.items() if type(value) is int and name not in override.args]
        for name, sizes in product(() if successes else numbers, (samples.PLAIN["sizes"][0], list(samples.HIDDEN))):
            yield made_first | {name: sizes}, None

    for args, input_shape in chain(_guesses(cls, module, override.args), in_use, with_divisors(), with_lists()):
        made_first = made_first or args
        # What builds an object may want the shape of one sample or of a batch.
        of_batch = (samples.BATCH, *input_shape) if isinstance(input_shape, tuple) and len(input_shape) > 1 else None
        for shape in (None, input_shape, of_batch, np.array(input_shape)):
            key = repr((args, shape))
            if key in seen or (shape is not None and repr(args) not in unready):
                continue
            seen.append(key)
            try:
                made = _made(cls, module, args, shape, override)
            except ForeignError as error:
                failures.append(error)
            else:
                successes += 1
                unready |= set() if made.is_ready else {repr(args)}
                yield made
    if failures and not successes:
        raise _with_hint(cls, made_first, failures[0])


def _examples(cls: type, module: ModuleType | None) -> Iterator[dict[str, Any]]:
    """The plain arguments, by name, with which the module's own code makes objects of a class, though it is not run."""
    nodes: list[ast.AST] = []
    for source in sources_of(module):
        with suppress(SyntaxError):
            nodes += ast.walk(ast.parse("".join(linecache.getlines(source))))
    assigned = {ast.unparse(node.targets[0]): node.value for node in nodes if isinstance(node, ast.Assign)}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == cls.__name__:
            values = dict(zip(calls.parameters_named(cls), node.args, strict=False))
            values |= {one.arg: one.value for one in node.keywords if one.arg}
            with suppress(ValueError, TypeError):  # what is no literal
                yield {name: ast.literal_eval(assigned.get(ast.unparse(one), one)) for name, one in values.items()}


def _dividing(cls: type) -> dict[str, int]:
    """Sizes for the arguments that a constructor divides with a rest, as in width % heads: each divides the one before.

    They are all different, for two numbers of heads that are the same hide what is done for each.
    """
    nodes = (one for one in ast.walk(syntax(cls.__init__)) if isinstance(one, ast.BinOp))  # type: ignore[misc]
    rests = [
        (ast.unparse(one.left).removeprefix("self."), ast.unparse(one.right).removeprefix("self."))
        for one in nodes
        if isinstance(one.op, ast.Mod)
    ]
    level = {name: 0 for pair in rests for name in pair}
    for whole, part in rests * len(rests):
        level[part] = max(level[part], level[whole] + 1)
    return {name: max(1, samples.FEATURES >> count) for name, count in level.items()}


def _with_hint(cls: type, args: Mapping[str, Any], error: ForeignError) -> ForeignError:
    """The error with the line in which better arguments can be said: no guess that failed is offered as one."""
    if not args or "GRADCHECK" in error.fact.text:
        return error
    hint = f". The arguments were guessed; say yours in {line(cls.__name__, args=dict.fromkeys(args, ...))}"
    return ForeignError(replace(error.fact, text=error.fact.text + hint))


def _made(cls: type, module: ModuleType | None, args: dict[str, Any], input_shape: Any, override: Override) -> Built:
    """An object; with an input shape, one whose methods that build it have been called."""
    with told(f"{cls.__name__}({_shown(args)})", cls), same_randomness(module):
        thing = cls(*_layers(cls, module), **args)
        _for_training(thing)
    filled_up(thing, module, _squares(module))
    for name, said in override.first_calls.items():
        method, what = getattr(thing, name, None), f"{cls.__name__}.{name}"
        if not callable(method):
            raise problem(f'{cls.__name__} has no method {name}, as "first_calls" in GRADCHECK says', cls)
        with told(what, method), same_randomness(module):
            method(**said) if isinstance(said, Mapping) else method(*said)
    builders = [] if override.first_calls else _builders(thing, kind_of(cls, override))
    for name in builders if input_shape is not None else ():
        method, what = getattr(thing, name), f"{cls.__name__}.{name}"
        values = {"optimizer": samples.Recorder(), **{role: plain[0] for role, plain in samples.PLAIN.items()}}
        values["input_shape"] = values["in_size"] = args.get("input_shape", input_shape)
        with told(what, method), same_randomness(module):
            calls.call(method, (), {}, values, what)
    return Built(thing, args, not builders or input_shape is not None)


def _builders(thing: Any, kind: Kind | None) -> list[str]:
    """The methods that make an object ready: they set what forward or backward reads, and nothing has set yet."""
    cls = type(thing)
    methods = {
        name: one for base in reversed(cls.__mro__) for name, one in vars(base).items() if inspect.isfunction(one)
    }
    uses = {name: attributes_of_self(one) for name, one in methods.items()}
    forward = _called(kind.forward if kind else "", uses)
    run = forward | _called(kind.backward if kind else "", uses)
    kept = {attribute for name in forward for attribute in uses[name][1]}
    wanted = {attribute for name in run for attribute in uses[name][0]} - kept
    held = {**vars(cls), **dict(object_arrays.items(thing))}
    missing = {name for name in wanted if _is_nothing(held.get(name))}
    free = [name for name in methods if name not in run and not name.startswith("__") and not has_target(methods[name])]
    helpers = {one for name in free if not name.startswith("_") for one in uses[name][0] if one.startswith("_")}
    found = []
    for name in (name for name in free if name not in helpers):
        sets = {
            attribute for one in _called(name, uses) for attribute in (*uses[one][1], *attributes_filled(methods[one]))
        }
        if missing & sets:
            found.append(name)
            missing -= sets
    return found


def _called(name: str, uses: Mapping[str, tuple[list[str], list[str]]]) -> set[str]:
    """A method, and those of the same object that it calls."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in uses and one not in found:
            found.add(one)
            waiting += uses[one][0]
    return found


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, dict | list) and not value)


def _for_training(thing: Any, depth: int = 3) -> None:
    """Switch an object and what it holds to training, with an optimizer that takes a step of the whole gradient.

    Backward is there for training, whatever the default of the switch is; from the step of an optimizer such as Adam
    no gradient could be had back.
    """
    for name, held in object_arrays.items(thing) if depth else ():
        role = vocabulary.roles(str(name))[:1]
        if role == ("training",) and held is False:
            object_arrays.put(thing, (name,), True)
        elif role == ("optimizer",) and (held is None or callable(getattr(held, "update", None))):
            object_arrays.put(thing, (name,), samples.Recorder())
        else:
            _for_training(held, depth - 1)


def _guesses(cls: type, module: ModuleType | None, given: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Arguments to make an object with, and the shape of an input that goes with them."""
    parameters = [one for one in calls.parameters_of(cls) if one.kind not in calls.VARIABLE]
    wanted = [one for one in parameters if one.default is inspect.Parameter.empty or one.name in given]
    wanted += [one for one in parameters if one not in wanted and _drops_nothing(one)]  # then its mask could not show
    offered: list[Any] = [None]
    for one in (one for one in wanted if "activation" in vocabulary.roles(one.name)):
        own = activations(cls, module, asked_of(cls, one.name) or ("forward",), _squares(module))
        choices = uses_in(cls).choices(one.name)
        offered = [*filter(None, [samples.chosen(choices, "")]), *choices, "tanh", "sigmoid", "relu", tanh, *own]
        # An activation wants its derivative beside it.
        wanted += [
            one for one in parameters if one.default is None and "activation_prime" in vocabulary.roles(one.name)
        ]
    called = [one for one in parameters if _is_called(one.annotation)]
    wanted += [one for one in called if one.default is None and called[0] in wanted and one not in wanted]
    wanted += [one for one in parameters if one.default is None and "seed" in vocabulary.roles(one.name)]
    # What the features are divided by has to suit their number, which is ours, as that of time steps is.
    wanted += [
        one for one in parameters if type(one.default) is int and {"heads", "length"} & {*roles_of(cls, one.name)[:1]}
    ]
    optional = [one for one in parameters if one.default is None and one not in wanted]
    # Of a network for real images a small one tells as much.
    large = [one for one in parameters if type(one.default) is int and one.default > _LARGE and one.name not in given]
    small = dict(zip((one.name for one in large), (samples.FEATURES, *samples.HIDDEN, samples.OUTPUTS), strict=False))
    for activation in offered if small else ():
        args = _arguments(_Guesser(cls, module, samples.CONVENTIONS[0], activation), wanted, given)
        yield args | small, samples.CONVENTIONS[0].input_shape
    every = (*samples.CONVENTIONS, *(samples.OF_BATCHES if _keeps_batch(cls) else ()))
    # A kernel of 3, then one of (3, 3), then one of 2; hidden units of one layer, then of several.
    for paired, window, padding in ((False, 3, 0), (True, 3, 0), (False, 2, 0), (False, 3, 1)):
        for chosen in (wanted, [*wanted, *optional]) if optional else (wanted,):
            for conventions in every:
                for activation in offered:
                    shapes = conventions._replace(paired=paired, window=window, padding=padding)
                    args = _arguments(_Guesser(cls, module, shapes, activation), chosen, given)
                    yield args, conventions.input_shape


@dataclass
class _Guesser:
    """Values for the arguments of one constructor, in one set of conventions; `used` counts the roles that came up."""

    cls: type
    module: ModuleType | None
    conventions: samples.Conventions
    activation: Any
    used: dict[str, int] = field(default_factory=dict)

    def value(self, name: str, text: str = "", annotation: Any = None) -> tuple[str, Any]:
        """The role that an argument plays here, and its value; `text` is the expression that stands for it."""
        role, value = next(self._values(name, text or name, annotation))
        if type(value) is int and re.match("list|sequence", str(annotation).rpartition("typing.")[2], re.IGNORECASE):
            ends = [samples.FEATURES, samples.HIDDEN[0]]  # of two, such as those of an encoder and its decoder
            return "listed", ends[::-1] if self.used.get("listed") else ends
        return role, value

    def _values(self, name: str, text: str, annotation: Any) -> Iterator[tuple[str, Any]]:
        """By what is done with it, by its name, by its annotation; else a size."""
        uses, conventions, roles = uses_in(self.cls), self.conventions, roles_of(self.cls, name)
        if word := data_of(self.cls).get(name):
            sizes = (
                samples.FEATURES if word == "x" else 1 if len(conventions.bias) > 1 else samples.OUTPUTS,
                samples.BATCH,
            )
            yield "data", np.abs(samples.normal(sizes if conventions.columns else sizes[::-1], len(word)))
        parts = uses.parts.get(text, 0)
        if parts in (3, 4) or (parts == 2 and not set(roles) & set(_PAIRED)):
            yield "shape", samples.sizes(parts, conventions)
        structure = self._structure(text, uses)
        if structure is None and not {"optimizer", "rng", "activation"} & {*roles}:
            structure = self._object(text, uses)
        if structure is None and sounds_like_loss(name):
            structure = next(iter(losses(self.cls, self.module, "" in uses.methods(text))), None)
        if structure is not None:
            yield "structure", structure
        if (choice := samples.chosen(uses.choices(text), "")) and "optimizer" not in roles:
            yield "choice", "none" if "fraction" in roles else choice  # reg="l2" is in no forward
        for role in [_OTHERWISE.get(role, role) for role in roles] if conventions.paired else roles:
            array = samples.array_for(role, conventions)
            if array is not None and annotation not in (int, "int", bool, "bool", float, "float"):
                yield role, array
            if role in _SPECIAL:
                yield role, _SPECIAL[role](self)
            if role in samples.PLAIN:
                yield role, self._plain(role, name, parts)
        if conventions.paired and name.endswith(_SHAPES):
            yield "shape", (2, samples.FEATURES // 2)
        yield from self._annotated(annotation)
        yield "unknown", _UNKNOWN[min(self.used.get("unknown", 0), len(_UNKNOWN) - 1)]

    def _annotated(self, annotation: Any) -> Iterator[tuple[str, Any]]:
        """A plain value; of what is called the first is an activation, and the second its derivative."""
        if annotation in _BY_ANNOTATION:
            yield "annotated", _BY_ANNOTATION[annotation]
        if _is_called(annotation):
            yield "called", (tanh, tanh_prime)[min(self.used.get("called", 0), 1)]

    def _plain(self, role: str, name: str, parts: int) -> Any:
        several = (2,) if role in _PAIRED[:2] and self.conventions.window == 2 else samples.PLAIN[role]
        several = (self.conventions.padding,) if role == "padding" else several
        apart = {uses_in(self.cls).parts.get(one) for one in calls.parameters_named(self.cls)}
        is_either = 2 not in apart and (self.conventions.paired or name.endswith("shape"))
        is_pair = role in _PAIRED and (parts == 2 or is_either)  # one is taken apart: what is not is a number
        return several * 2 if is_pair else several[min(self.used.get(role, 0), len(several) - 1)]

    def _object(self, text: str, uses: Uses) -> Any:
        """An object of the module's own that has the attributes that it is asked for, else one that is made of them."""
        asked = uses.asked(text)
        for cls in holders(self.cls, self.module, asked) if asked else ():
            for args, _ in islice(_guesses(cls, self.module, {}), len(samples.CONVENTIONS)):
                with suppress(ForeignError):
                    return _made(cls, self.module, args, None, Override()).thing
        if not asked or uses.methods(text):
            return None
        inner = replace(self, used={})
        return SimpleNamespace(**{name: inner.value(name, f"{text}.{name}")[1] for name in asked})

    def _structure(self, text: str, uses: Uses) -> Any:
        """What is done with it makes of an argument a dict, a list of two that follow each other, layers, or None."""
        if keys := uses.keys(text):
            inner = replace(self, used={})
            return {key: inner.value(key, f"{text}[{key}]")[1] for key in keys}
        if EACH in text:
            return None
        if asked := asked_of(self.cls, text + EACH):
            return layers(self.cls, self.module, asked, _squares(self.module)) or None
        one = self._structure(text + EACH, uses)
        sizes = {role: {key: samples.HIDDEN[0] for key in one or () if role in vocabulary.roles(key)} for role in _ENDS}
        return one and [one | sizes["out_size"], one | sizes["in_size"]]


def _keeps_batch(cls: type) -> bool:
    """Whether a constructor takes the number of samples out of a shape that it is given: self.n_batch = shape[0]."""
    kept, given = attributes_of_self(cls.__init__)[1], calls.parameters_named(cls)  # type: ignore[misc]
    return any("batch" in vocabulary.roles(name) for name in kept if name not in given)


def _drops_nothing(one: inspect.Parameter) -> bool:
    """Whether an argument is the probability of a dropout that is switched off by default."""
    off = 1 if "keep" in one.name.lower() else 0 if "drop" in one.name.lower() else None
    return type(one.default) in (int, float) and one.default == off and "probability" in vocabulary.roles(one.name)


def _is_called(annotation: Any) -> bool:
    return "Callable" in str(annotation)


def data_of(cls: type) -> dict[str, str]:
    """The arguments of a constructor that are an input and its target, by the words for them; {} without both."""
    names = [one.name for one in calls.required(calls.parameters_of(cls))]
    found = {name: "target" if sound(name) > 0 else "x" for name in names if sound(name) > 0 or is_input(name)}
    return found if len(found) == len(set(found.values())) == 2 else {}


def kept_data(thing: Any) -> dict[str, Any]:
    """The input and the target that somebody's object was made with, by the arguments of its constructor."""
    wanted = data_of(type(thing))
    lines = [one for one in ast.walk(syntax(type(thing).__init__)) if wanted and isinstance(one, ast.Assign)]
    found = {}
    for target, value in ((target, one.value) for one in lines for target in one.targets):
        both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        for part, name in zip(target.elts, value.elts, strict=False) if both else ((target, value),):  # type: ignore[attr-defined]
            if isinstance(name, ast.Name) and isinstance(part, ast.Attribute):
                found[name.id] = getattr(thing, part.attr, None)
    return {name: found[name] for name in wanted if name in found}


_ENDS = ("in_size", "out_size")
_SPECIAL: dict[str, Callable[[_Guesser], Any]] = {
    "input_shape": lambda guesser: guesser.conventions.input_shape,
    "activation": lambda guesser: guesser.activation or "tanh",
    "activation_prime": lambda _: tanh_prime,
    "optimizer": lambda _: samples.Recorder(),
    "rng": lambda _: np.random.RandomState(0),
}


def _arguments(guesser: _Guesser, chosen: calls.Parameters, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values for these arguments of a constructor.

    Raises:
        ForeignError: one has none.
    """
    cls, activation, used = guesser.cls, guesser.activation, guesser.used
    args: dict[str, Any] = {}
    for one in chosen:
        if one.name in given:
            args[one.name] = given[one.name]
            continue
        by_name = activation is not None and "activation" in vocabulary.roles(one.name)
        role, value = ("activation", activation) if by_name else guesser.value(one.name, annotation=one.annotation)
        if one.default is None and (role == "unknown" or value is None):
            continue
        if value is None:
            said = line(cls.__name__, args={**given, one.name: 1})
            raise problem(
                f"{cls.__name__} needs `{one.name}`, for which I have no value; say one that fits in one line, {said}",
                cls.__init__,  # type: ignore[misc]
            )
        used[role] = used.get(role, 0) + 1
        args[one.name] = value
    return args


def roles_of(cls: type, name: str) -> tuple[str, ...]:
    """The roles of an argument of this name, of one letter or so where the class moves a window over an image."""
    plain = name.lower().strip("_")
    names = {one.lower() for one in calls.parameters_named(cls)}
    is_other = (plain == "w" and "h" not in names) or (plain == "length" and "width" not in names)
    of_window = plain in _OF_WINDOWS and not is_other and re.search("conv|pool", cls.__name__, re.IGNORECASE)
    if plain == "beta" and "gamma" not in names:
        return ("penalty",)  # of a momentum, which steps would have as a factor
    return (_OF_WINDOWS[plain],) if of_window else vocabulary.roles(name)


def _squares(module: ModuleType | None) -> Maker:
    """How to make objects of a class with as many outputs as inputs."""

    def make(cls: type) -> Iterator[Any]:
        for args, _ in islice(_guesses(cls, module, {}), len(samples.CONVENTIONS)):
            sizes = [
                name
                for name, value in args.items()
                if type(value) is int and value in (samples.OUTPUTS, *samples.HIDDEN)
            ]
            square = args | dict.fromkeys(sizes, samples.FEATURES)
            with suppress(ForeignError):
                yield _made(cls, module, square, None, Override()).thing

    return make


def _layers(cls: type, module: ModuleType | None) -> list[Any]:
    """Where any number of arguments is taken: sizes if they sound so, else layers, a few of the module's own."""
    for one in calls.parameters_of(cls):
        if one.kind is inspect.Parameter.VAR_POSITIONAL:
            asked = asked_of(cls, one.name + EACH)
            sizes = [2, samples.FEATURES // 2] if one.name.endswith(_SHAPES) else []
            if not asked and vocabulary.roles(_kept_as(cls, one.name))[:1] in (("sizes",), ("input_shape",)):
                return samples.PLAIN["sizes"][0]
            return sizes or layers(cls, module, asked, _squares(module))
    return []


def _kept_as(cls: type, name: str) -> str:
    """The attribute by which a constructor keeps an argument, or its own name."""
    nodes = [one for one in ast.walk(syntax(cls.__init__)) if isinstance(one, ast.Assign)]  # type: ignore[misc]
    kept = (ast.unparse(one.targets[0]) for one in nodes if ast.unparse(one.value) == name)
    return next(kept, name).removeprefix("self.")


def _shown(args: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}=array of shape {value.shape}" if isinstance(value, np.ndarray) else f"{name}={value!r:.40}"
        for name, value in args.items()
    )


def plain_arguments(args: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as text, for people."""
    return {name: _shown({name: value}).partition("=")[2] for name, value in args.items()}


def tanh(x: Any, derivative: bool = False) -> Any:
    """An activation that some layers ask for its derivative as well, as in f(z, True)."""
    return 1 - np.tanh(x) ** 2 if derivative else np.tanh(x)


def tanh_prime(x: Any) -> Any:
    """The derivative of tanh, for a layer that wants one beside its activation."""
    return 1 - np.tanh(x) ** 2


for _name in ("d", "df", "dx", "deriv", "derivative", "derivate", "prime", "diff", "grad", "gradient"):
    setattr(tanh, _name, tanh_prime)  # for a layer that asks its activation for its derivative
