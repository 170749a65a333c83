"""Which argument of a loss is the prediction and which the target: told from their names, never by trying.

Trying would be wrong: swapping the two turns the gradient of a squared error into its negative, so that a sign error
would pass.
"""

import re
from collections.abc import Callable
from typing import Any

from mlp.user_code import vocabulary
from mlp.user_code.run.calls import Parameters, parameters_of, required

# How much a name sounds like a target; `y` is one beside `y_pred`, but the prediction beside `target`.
_SOUNDS = {"target": 2, "prediction": -2, "input": -1, "upstream": -1}
_SET = "_?(train|test|batch)?"  # what X and y may have behind them


def sides(function: Callable[..., Any], prediction: Any, target: Any) -> dict[str, Any]:
    """The values of a loss's arguments by name.

    One argument is the target if it sounds like one, else nothing is said of it. Of two, the one that sounds more like
    a target is it; where both sound alike, the second.
    """
    arguments = _with_optional_target(function)
    sounds = [sound(one.name) for one in arguments]
    if len(arguments) == 1:
        return {arguments[0].name: target} if sounds[0] > 1 else {}
    if len(arguments) != 2:
        return {}
    second = sounds[1] >= sounds[0]
    values = (prediction, target) if second else (target, prediction)
    return {one.name: value for one, value in zip(arguments, values, strict=True)}


def masks(function: Callable[..., Any]) -> list[str]:
    """The arguments that say which entries of a target count, as the mask of sequences that end early."""
    return [one.name for one in required(parameters_of(function)) if "mask" in vocabulary.roles(one.name)]


def structures(function: Callable[..., Any]) -> list[str]:
    """The arguments that hold the parameters of a model, for a penalty beside the loss: loss(model, y_pred, y)."""
    names = [one.name for one in required(parameters_of(function)) if "mask" not in vocabulary.roles(one.name)]
    held = [name for name in names if name in (*vocabulary.STRUCTURES, "model", "layers")]
    return held if len(names) == len(held) + 2 else []


def data(function: Callable[..., Any]) -> Parameters:
    """The required arguments without masks and models."""
    others = {*masks(function), *structures(function)}
    return [one for one in required(parameters_of(function)) if one.name not in others]


def _with_optional_target(function: Callable[..., Any]) -> Parameters:
    """Those without masks, and for loss(X, y=None) the target."""
    wanted = data(function)
    optional = [one for one in parameters_of(function) if one.default is None and sound(one.name) > 0]
    return [*wanted, *optional[:1]] if len(wanted) == 1 and sound(wanted[0].name) <= 0 else wanted


def is_weighted_loss(function: Callable[..., Any]) -> bool:
    """Whether a function takes weights, an input, a target and perhaps a strength of regularisation: (W, X, y, reg)."""
    roles = [(vocabulary.roles(one.name) or ("",)) for one in required(parameters_of(function))]
    targets = [sound(one.name) > 0 for one in required(parameters_of(function))]
    return len(roles) in (3, 4) and sum(targets) == 1 and any("weight" in one for one in roles)


def is_loss(function: Callable[..., Any]) -> bool:
    """Whether a function takes a prediction and a target, by the names of its arguments."""
    sounds = sorted(sound(one.name) for one in data(function))
    return len(sounds) == 2 and (sounds[1] > 1 or sounds[0] + 3 <= sounds[1])  # (x, target), (logits, y)


def sound(name: str) -> int:
    """How much a name sounds like a target: 2 for `y_true`, 1 for `y`, below 0 for a prediction or an input."""
    if re.fullmatch(rf"_?y{_SET}_?", name, re.IGNORECASE):
        return 1
    return next((_SOUNDS[role] for role in vocabulary.roles(name) if role in _SOUNDS), 0)


def is_input(name: str) -> bool:
    """Whether an argument of a loss or backward is the input X, and not a prediction that is called A or Z."""
    starts = name.lower().startswith(("x", "in", "data", "feat", "img", "image"))
    return ("input" in vocabulary.roles(name) and starts) or re.fullmatch(rf"x{_SET}", name, re.IGNORECASE) is not None
