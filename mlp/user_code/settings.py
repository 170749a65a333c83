"""GRADCHECK, a dict in their module, says in one line what was guessed wrong; here it is read and checked."""

import difflib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code.messages import Fact, ForeignError

ORIENTATIONS = ("rows", "columns", "single")
TARGETS = ("normal", "one-hot", "labels", "binary", "signs")


@dataclass(frozen=True)
class Override:
    """What GRADCHECK says about one class or function.

    Attributes:
        args: arguments of the constructor, or of a function, by name.
        x: the input, or its shape; target: of a loss, or one of TARGETS.
        forward, backward: the names of the methods; for a function, of the other one.
        pairs: tensor to gradient, as {"W": "dW", "x": "dinputs"}.
        orientation: one of ORIENTATIONS; "" to find it by trying.
        seed: the hook that makes a random layer repeat itself: a method, function or attribute.
        constants: the names of arrays that nobody trains, which need no gradient.
        average: True where the parameters' gradients are meant to be averages over the batch.
        skip: True to leave it out.
    """

    args: Mapping[str, Any] = field(default_factory=dict)
    x: Any = None
    target: Any = None
    forward: str = ""
    backward: str = ""
    pairs: Mapping[str, str] = field(default_factory=dict)
    orientation: str = ""
    seed: str = ""
    constants: Sequence[str] = ()
    average: bool | None = None
    skip: bool = False

    def input(self) -> Array | None:
        """The input that was asked for: an array as it is, a shape filled with random numbers."""
        if self.x is None:
            return None
        if isinstance(self.x, tuple) and all(isinstance(size, int) for size in self.x):
            return np.random.RandomState(1).standard_normal(self.x)
        return np.asarray(self.x, dtype=np.float64)


_WANTED: dict[str, tuple[type | tuple[type, ...], str]] = {
    "args": ((dict, list, tuple), 'a dict of arguments, such as {"n_in": 4}, or a list of them'),
    "x": ((tuple, list, np.ndarray), "a shape, such as (5, 4), or an array"),
    "target": ((str, tuple, list, int, float, np.ndarray), f"an array or one of {', '.join(TARGETS)}"),
    "forward": (str, "the name of a method or function"),
    "backward": (str, "the name of a method or function"),
    "pairs": (dict, 'a dict from parameter to gradient, such as {"W": "dW"}'),
    "orientation": (str, f"one of {', '.join(ORIENTATIONS)}"),
    "seed": (str, "the name of a method, function or attribute"),
    "constants": ((list, tuple), 'the names of arrays that nobody trains, such as ["mask"]'),
    "average": (bool, "True or False"),
    "skip": (bool, "True or False"),
}
_KNOWN = f"the settings are {', '.join(_WANTED)}"
_CHOICES = {"orientation": ORIENTATIONS}


def read_overrides(module: ModuleType, known: list[str]) -> dict[str, Override]:
    """Read GRADCHECK from a module.

    Args:
        module: theirs.
        known: the classes and functions that it defines.

    Raises:
        ForeignError: a sentence says what is wrong with it, and what would do.
    """
    said = getattr(module, "GRADCHECK", {})
    if not isinstance(said, dict):
        raise _wrong(module, f"GRADCHECK must be a dict from class or function names to settings, not {said!r:.60}")
    overrides = {}
    for name, settings in said.items():
        if name not in known:
            raise _wrong(
                module, f"GRADCHECK names {name!r}, but the module defines nothing of that name{_like(name, known)}"
            )
        overrides[name] = override_of(settings, f"GRADCHECK[{name!r}]", module, getattr(module, name, None))
    return overrides


def override_of(settings: Any, place: str, module: Any = None, about: Any = None) -> Override:
    """Check the settings of one class or function."""
    if not isinstance(settings, dict):
        raise _wrong(module, f"{place} must be a dict of settings, not {settings!r:.60}")
    for key, value in settings.items():
        if key not in _WANTED:
            raise _wrong(module, f"{place} has {key!r}, which is no setting{_like(key, list(_WANTED))}; {_KNOWN}")
        kinds, words = _WANTED[key]
        if not isinstance(value, kinds) or (key in _CHOICES and value not in _CHOICES[key]):
            raise _wrong(module, f"{place}: {key!r} must be {words}, not {value!r:.60}")
    settings = dict(settings)
    if isinstance(settings.get("args"), list | tuple):
        settings["args"] = _by_position(settings["args"], about, place, module)
    if isinstance(settings.get("target"), str) and settings["target"] not in TARGETS:
        raise _wrong(module, f"{place}: 'target' must be {_WANTED['target'][1]}, not {settings['target']!r}")
    return Override(**settings)


def _by_position(values: Any, about: Any, place: str, module: Any) -> dict[str, Any]:
    try:
        return dict(inspect.signature(about).bind_partial(*values).arguments)
    except TypeError as error:
        raise _wrong(module, f"{place}: 'args' do not fit: {error}") from error


def _like(name: Any, known: list[str]) -> str:
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _wrong(module: Any, text: str) -> ForeignError:
    file = getattr(module, "__file__", "") or ""
    line = 0
    if file:
        try:
            lines = inspect.getsource(module).splitlines()
            line = next((i for i, one in enumerate(lines, 1) if one.startswith("GRADCHECK")), 0)
        except OSError:
            line = 0
    return ForeignError(Fact("problem", text, file, line))


def line(name: str, **settings: Any) -> str:
    """The line of GRADCHECK that says these settings of a class or function: what a person pastes into the module."""
    return f"GRADCHECK = {{{_written(name)}: {_written(settings)}}}"


def _written(value: Any) -> str:
    """A value as Python source, with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_written(key)}: {_written(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return repr(value)
