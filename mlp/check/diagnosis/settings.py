"""A gradient that is right for another number than the layer keeps: another slope, limit, temperature or margin."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.check.diagnosis.substitutions import are_parallel

_WRAPPED = ("inner", "_subject", "thing")
"""Where the objects that stand for somebody's keep it."""


def _holder(outer: Any) -> Any:
    """The object itself, or the one that it stands for."""
    inner = next((vars(outer)[name] for name in _WRAPPED if vars(outer).get(name) is not None), None)
    return outer if inner is None or not hasattr(inner, "__dict__") else _holder(inner)


def _with(outer: Any, name: str, value: float) -> Any:
    """A copy in which the object itself has another number, and all around it is the same."""
    twin = copy.copy(outer)
    within = next((one for one in _WRAPPED if vars(outer).get(one) is not None), "")
    if _holder(outer) is outer:
        setattr(twin, name, value)
    else:
        setattr(twin, within, _with(vars(outer)[within], name, value))
    return twin


def _others(value: float) -> list[float]:
    inverse = 1 / value if value else 0.0
    return [
        one for one in dict.fromkeys((1.0, 0.0, 0.5, -value, 2 * value, value / 2, inverse, 1 - value)) if one != value
    ]


def _another_setting(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    part = "loss" if case.role is Role.LOSS else "function"
    whole = getattr(case, part)
    for name, value in vars(_holder(whole)).items():
        for other in _others(value) if type(value) in (int, float, np.float64) else ():
            with np.errstate(all="ignore"):
                gradient = replace(case, **{part: _with(whole, name, other)}).gradient(tensor)
            left_out = ", as where it is left out" if other in (0, 1) else ""
            words = f"it is what it would be if `{name}` were {other:.6g}{left_out}, and not {value:.6g}"
            if not are_parallel(gradient, case.right(tensor)):  # that is a factor, by another name
                yield Prediction(gradient, words, key=f"{name} {other:.6g}")


SETTING = Hypothesis("another setting", "{tensor} is right for another number: {measured}.", _another_setting)
