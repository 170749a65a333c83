"""GRADCHECK, a dict in their module, says in one line what was guessed wrong; here it is read and checked."""

import difflib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.check.projection import random_source
from mlp.nn.arrays import Array
from mlp.user_code.messages import Fact, ForeignError, line_of, quoted
from mlp.user_code.run.calls import WORDS

ORIENTATIONS = ("rows", "columns", "single")
TARGETS = ("normal", "one-hot", "labels", "binary", "signs")
_AND = ", ".join(f'"{word}"' for word in WORDS)


@dataclass(frozen=True)
class Override:
    """What GRADCHECK says about one class or function.

    The attributes are the settings in OPTIONS, with nothing said as their defaults.
    """

    args: Mapping[str, Any] = field(default_factory=dict)
    first_calls: Mapping[str, Any] = field(default_factory=dict)
    x: Any = None
    arrays: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    target: Any = None
    forward: str = ""
    backward: str | Sequence[str] = ""
    forward_args: Mapping[str, Any] = field(default_factory=dict)
    backward_args: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[int | str] = ()
    loss: str = ""
    parameters: str | Mapping[str, tuple[int, ...]] = ""
    pairs: Mapping[str, str] = field(default_factory=dict)
    constants: Sequence[str] = ()
    per_sample: Sequence[str] = ()
    average: bool | None = None
    orientation: str = ""
    seed: str = ""
    skip: bool = False

    def steps(self, found: str) -> tuple[str, ...]:
        """The methods of backward: those that were said, else the one that was found."""
        return (self.backward or found,) if isinstance(self.backward, str) else tuple(self.backward)

    def of_run(self) -> dict[str, Any]:
        """What is handed on to a subject as it is."""
        return {
            "said": self,
            "settings": self.forward_args,
            "backward_settings": self.backward_args,
            "outputs": tuple(self.outputs) if isinstance(self.outputs, list | tuple) else (self.outputs,),
            "per_sample": dict.fromkeys(self.per_sample, (0,)),
            "seed": self.seed,
        }

    def input(self) -> Array | None:
        """The input that was asked for, of several the first: an array as it is, a shape filled with random numbers."""
        return self.inputs()[0].get("x")

    def inputs(self) -> tuple[dict[str, Array], Any]:
        """All arrays of the input, "x", "x.1" and so on, and what they are given as, with these words in their places.

        A tuple of whole numbers is a shape; the arrays of any other tuple, list or dict are inputs of their own, and
        what else is in it stays as it is.
        """
        arrays: dict[str, Array] = {}
        return arrays, None if self.x is None else _form(self.x, arrays)


def _form(said: Any, arrays: dict[str, Array]) -> Any:
    name = f"x.{len(arrays)}" if arrays else "x"
    if isinstance(said, tuple) and all(type(size) is int for size in said):
        arrays[name] = random_source(1 + len(arrays)).standard_normal(said)
        return name
    if isinstance(said, np.ndarray) or _is_matrix(said):
        arrays[name] = np.asarray(said, dtype=np.float64)
        return name
    if isinstance(said, dict):
        return {key: _form(held, arrays) for key, held in said.items()}
    return type(said)(_form(held, arrays) for held in said) if isinstance(said, list | tuple) else said


def _is_matrix(said: Any) -> bool:
    """Whether it is numbers in brackets, one array."""
    if not isinstance(said, list) or not said:
        return False
    return all(type(one) in (int, float) or _is_matrix(one) for one in said)


class Option(NamedTuple):
    """One setting: the types it may have, what it must be, in words, what it does, and an example of it."""

    kinds: tuple[type, ...]
    words: str
    meaning: str
    example: Any


_NAMES = (list, tuple)
OPTIONS: dict[str, Option] = {
    "args": Option(
        (dict, list, tuple), 'a dict of arguments, such as {"n_in": 4}, or a list of them',
        "arguments of the constructor, or of a function", {"n_in": 4},
    ),
    "first_calls": Option(
        (dict,), 'a dict from method to a list or dict of its arguments, such as {"build": [4]}',
        "methods to be called before anything else, with their arguments", {"set_input_shape": [(4, 6, 6)]},
    ),
    "x": Option(
        (tuple, list, dict, np.ndarray), "a shape, such as (5, 4), an array, or a list, tuple or dict of them",
        "the input; in a list, tuple or dict each shape or array is one of several", [(5, 4), (5, 4)],
    ),
    "arrays": Option(
        (dict,), 'a dict from argument to shape, such as {"W": (4, 3)}',
        "further arguments of forward that are arrays to be compared as well, by their shapes", {"W": (4, 3)},
    ),
    "target": Option(
        (str, tuple, list, int, float, np.ndarray), f"an array or one of {', '.join(TARGETS)}",
        f"the target of a loss: an array, or one of {', '.join(TARGETS)}", "one-hot",
    ),
    "forward": Option((str,), "the name of a method or function", "the name of the method", "run"),
    "backward": Option(
        (str, list, tuple), "the name of a method or function, or a list of methods",
        "the name of the method or function, or several methods that are called in this order",
        ["backward_input", "backward_weights"],
    ),
    "forward_args": Option(
        (dict,), 'a dict from argument to value, such as {"mode": "max"}',
        f"further arguments of forward; in them {_AND} stand for their arrays", {"mode": "max"},
    ),
    "backward_args": Option(
        (dict,), 'a dict from argument to value, such as {"g": "dy"}',
        "the same of backward: which argument is dy, which the target, and the values of others",
        {"g": "dy", "t": "target", "scale": 2.0},
    ),
    "outputs": Option(
        (int, str, list, tuple), "a position, name or key of an output, or a list of them",
        'which of the things that forward returns, or keeps, dy belongs to; of several, "dy.1" to the second',
        ["h", "c"],
    ),
    "loss": Option(
        (str,), "the name of a function",
        "of a whole model as functions: the loss, a function of prediction and target", "compute_cost",
    ),
    "parameters": Option(
        (str, dict), 'the name of a function, or a dict from parameter to shape, such as {"W1": (4, 3)}',
        "of a whole model as functions: what makes its parameters (from args), or their shapes",
        {"W1": (4, 3), "b1": (4, 1)},
    ),
    "pairs": Option(
        (dict,), 'a dict from parameter to gradient, such as {"W": "dW"}',
        'which array is the gradient of which; "x" is the input, "returned" what backward returns', {"W": "dW"},
    ),
    "constants": Option(
        _NAMES, 'the names of arrays that nobody trains, such as ["mask"]',
        "arrays that move the output and have no gradient, since nobody trains them", ["mask"],
    ),
    "per_sample": Option(
        _NAMES, 'the names of gradients that are one for each sample, such as ["dW"]',
        "gradients that are kept for each sample on its own, along their first axis; they are added up", ["dW"],
    ),
    "average": Option(
        (bool,),
        "True or False",
        "whether the parameters' gradients are averages over the batch; unsaid, they may be where backward divides by "
        "it and no other layer of the module gives sums",
        True,
    ),
    "orientation": Option(
        (str,), f"one of {', '.join(ORIENTATIONS)}", "whether samples are rows or columns, or there is one alone",
        "columns",
    ),
    "seed": Option(
        (str,), "the name of a method, function or attribute",
        "the random generator of a layer, or what seeds it, where each run draws other numbers", "rng",
    ),
    "skip": Option((bool,), "True or False", "whether to leave it out", True),
}  # fmt: skip
_KNOWN = f"the settings are {', '.join(OPTIONS)}"
_CHOICES = {"orientation": ORIENTATIONS}


def options_text() -> str:
    """All settings for the help in a shell."""
    lines = [f"  {name:<14} {one.meaning}" for name, one in OPTIONS.items()]
    head = (
        'What a guess gets wrong is said in the module, by a line such as GRADCHECK = {"Dense": {"args": {"n_in": 4}}}:'
    )
    return "\n".join([head, *lines])


def options_table() -> str:
    """All settings as a table in Markdown."""
    rows = [f"| `{name}` | {one.meaning} | `{written({name: one.example})[1:-1]}` |" for name, one in OPTIONS.items()]
    return "\n".join(["| setting | what it says | for example |", "| --- | --- | --- |", *rows])


def read_overrides(module: ModuleType, known: list[str]) -> dict[str, Override]:
    """Read GRADCHECK from a module.

    Args:
        module: theirs.
        known: the classes and functions that it defines.

    Raises:
        ForeignError: a sentence says what is wrong with it, and what would do.
    """
    said = vars(module).get("GRADCHECK", {})
    if not isinstance(said, dict):
        raise _wrong(module, f"GRADCHECK must be a dict from class or function names to settings, not {quoted(said)}")
    overrides = {}
    for name, settings in dict.items(said):  # of a subclass too, whatever it says its items are
        defined = str(name).partition("(")[0]  # softmax, of what "softmax(x, deriv=True)" gives
        if defined not in known and not _is_method(defined, module):
            raise _wrong(
                module,
                f"GRADCHECK names {quoted(name)}, but the module defines nothing of that name{_like(name, known)}",
            )
        overrides[name] = override_of(
            settings, f"GRADCHECK[{name!r}]", module, reduce(getattr, defined.split("."), module)
        )
    return overrides


def _is_method(name: str, module: ModuleType) -> bool:
    """Whether it is a class of the module and one of its methods: Pool.backward_fast."""
    owner, _, method = name.partition(".")
    return callable(getattr(vars(module).get(owner), method, None)) if method.isidentifier() else False


def override_of(settings: Any, place: str, module: Any = None, about: Any = None) -> Override:
    """Check the settings of one class or function."""
    if not isinstance(settings, dict):
        raise _wrong(module, f"{place} must be a dict of settings, not {quoted(settings)}")
    # An array of theirs may be a global of their module too, and would be moved as one together with its copy here.
    settings = {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in dict.items(settings)}
    for key, value in settings.items():
        if _is_left_open(value):
            raise _wrong(module, f"{place}: {key!r} still has ... where a value of yours belongs")
        if key not in OPTIONS:
            raise _wrong(module, f"{place} has {quoted(key)}, which is no setting{_like(key, list(OPTIONS))}; {_KNOWN}")
        kinds, words = OPTIONS[key][:2]
        if not isinstance(value, kinds) or (key in _CHOICES and value not in _CHOICES[key]):
            raise _wrong(module, f"{place}: {key!r} must be {words}, not {quoted(value)}")
    if isinstance(settings.get("args"), list | tuple):
        settings["args"] = _by_position(settings["args"], about, place, module)
    if isinstance(settings.get("target"), str) and settings["target"] not in TARGETS:
        raise _wrong(module, f"{place}: 'target' must be {OPTIONS['target'].words}, not {settings['target']!r}")
    return Override(**settings)


def _is_left_open(value: Any) -> bool:
    """Whether somewhere in it a `...` of a suggested line still stands."""
    held = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return value is ... or any(map(_is_left_open, held))


def _by_position(values: Any, about: Any, place: str, module: Any) -> dict[str, Any]:
    try:
        return dict(inspect.signature(about).bind_partial(*values).arguments)
    except TypeError as error:
        raise _wrong(module, f"{place}: 'args' do not fit: {error}") from error
    except Exception as error:  # no signature, or whatever an odd class raises when it is asked for one
        words = "must be a dict by name, such as {'n_in': 4}: in which order it takes them cannot be found out"
        raise _wrong(module, f"{place}: 'args' {words}") from error


def _like(name: Any, known: list[str]) -> str:
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _wrong(module: Any, text: str) -> ForeignError:
    return ForeignError(Fact("problem", text, *line_of(module, "GRADCHECK")))


def line(name: str, **settings: Any) -> str:
    """The line of GRADCHECK that says these settings of a class or function: what a person pastes into the module."""
    return f"GRADCHECK = {{{written(name)}: {written(settings)}}}"


def written(value: Any) -> str:
    """A value as Python source, with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {written(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return "..." if value is ... else repr(value)
