"""Small constants that keep a formula from dividing by zero, which backward, rightly, often leaves out.

Forward computes log(p + 1e-7), backward the gradient of log(p): they differ by some 1e-7 / p of it. That is a
difference, but nobody's mistake. So where a difference is as small as that, and such a constant stands in their code,
the error bars allow for it, and it is said.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import CodeType
from typing import Any

import numpy as np

from mlp.check.report import GradientReport
from mlp.check.verdict import ROUNDING_FACTOR
from mlp.user_code.run import object_arrays

_LARGEST = 1e-4  # a constant above this is part of the formula
# A probability of one in a hundred makes a hundred times the constant of it. Mistakes are off by far more than 1e-4.
_GAIN, _MOST = 100.0, 1e-4
_DEPTH = 4


def allowance(thing: Any, *functions: Callable[..., Any]) -> float:
    """The relative difference that the largest small constant in an object or in functions of theirs explains."""
    held = [float(array) for array in object_arrays.arrays(thing).values() if array.ndim == 0]
    written = [value for function in (*functions, *_methods(thing, _DEPTH)) for value in _written(function, _DEPTH)]
    small = [value for value in (*held, *written) if 0 < abs(value) <= _LARGEST]
    return min(_GAIN * max(map(abs, small), default=0.0), _MOST)


def _methods(thing: Any, depth: int) -> Iterator[Callable[..., Any]]:
    """The methods of the objects that an object holds, such as the layers of a network."""
    for _, held in object_arrays.items(thing) if depth else ():
        if type(held).__module__.partition(".")[0] not in ("builtins", "numpy", "collections"):
            yield from (method for name in dir(held) if inspect.ismethod(method := getattr(held, name, None)))
        yield from _methods(held, depth - 1)


def _written(function: Callable[..., Any], depth: int) -> Iterator[float]:
    """The floating-point constants in the source of a function and of those of theirs that it calls."""
    plain = getattr(function, "__func__", function)
    code = getattr(plain, "__code__", None)
    if code is None or depth == 0:
        return
    yield from (value for value in getattr(plain, "__defaults__", None) or () if isinstance(value, float))
    yield from _in_code(code)
    names: Mapping[str, Any] = plain.__globals__
    owner = getattr(function, "__self__", None)
    for name in code.co_names:
        called: Any = getattr(owner, name, None) if owner is not None and name not in names else names.get(name)
        if hasattr(called, "__code__") or hasattr(called, "__func__"):
            yield from _written(called, depth - 1)


def _in_code(code: CodeType) -> Iterator[float]:
    for value in code.co_consts:
        if isinstance(value, float) and math.isfinite(value):
            yield value
        elif isinstance(value, CodeType):
            yield from _in_code(value)


def allowed(report: GradientReport, part: float) -> GradientReport:
    """The report with error bars that are wider by `part` of each tensor's largest entry."""
    checks = {}
    for name, check in report.items():
        largest = float(np.max(np.abs(check.numerical), initial=0.0, where=np.isfinite(check.numerical)))
        checks[name] = replace(check, rounding=check.rounding + part * largest / ROUNDING_FACTOR)
    return replace(report, checks=checks)
