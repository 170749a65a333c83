"""What a loss is given: which argument is the prediction and which the target, and numbers for both.

Which is which is told from their names, never by trying: swapping the two turns the gradient of a squared error into
its negative, so that a sign error would pass.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret.samples import BATCH, FEATURES, LAYOUTS, Layout, normal
from mlp.user_code.run.calls import Parameters, parameters_of, required
from mlp.user_code.run.uses import EACH, uses_of
from mlp.user_code.settings import Override

# How much a name sounds like a target; `y` is one beside `y_pred`, but the prediction beside `target`.
_SOUNDS = {"target": 2, "prediction": -2, "input": -1, "upstream": -1}
_PREDICTION, _TARGET = "prediction", "target"
_TRAINING = "train(ing)?(_set)?"
_SET = "_?(train|test|batch)?"  # what X and y may have behind them


def sides(function: Callable[..., Any], prediction: Any, target: Any) -> dict[str, Any]:
    """The values of a loss's arguments by name.

    One argument is the target if it sounds like one, else nothing is said of it. Of two, the one that sounds more like
    a target is it; where both sound alike, the second.
    """
    plain = getattr(function, "__func__", function)
    names = _sides_of(plain, inspect.ismethod(function)) if isinstance(plain, FunctionType) else _named_sides(function)
    values = {_PREDICTION: prediction, _TARGET: target}
    return {name: values[side] for name, side in names.items()}


@cache
def _sides_of(plain: Callable[..., Any], is_method: bool) -> dict[str, str]:
    """Which side each argument is on, of a function or the function behind a method: each run of theirs asks."""
    return _named_sides(MethodType(plain, plain) if is_method else plain)  # bound to anything


def _named_sides(function: Callable[..., Any]) -> dict[str, str]:
    arguments = _with_optional_target(function)
    sounds = [sound(one.name) for one in arguments]
    if len(arguments) == 1:
        return {arguments[0].name: _TARGET} if sounds[0] > 1 else {}
    if len(arguments) != 2:
        return {}
    values = (_PREDICTION, _TARGET) if sounds[1] >= sounds[0] else (_TARGET, _PREDICTION)
    return {one.name: value for one, value in zip(arguments, values, strict=True)}


def masks(function: Callable[..., Any]) -> list[str]:
    """The arguments that say which entries of a target count, as the mask of sequences that end early."""
    return [one.name for one in required(parameters_of(function)) if "mask" in vocabulary.roles(one.name)]


def structures(function: Callable[..., Any]) -> list[str]:
    """The arguments that hold the parameters of a model, for a penalty beside the loss: loss(model, y_pred, y)."""
    names = [one.name for one in required(parameters_of(function)) if "mask" not in vocabulary.roles(one.name)]
    held = [name for name in names if name in (*vocabulary.STRUCTURES, "model", "layers")]
    run = {
        name
        for name in held
        for one in uses_of(function).methods(name + EACH)
        if vocabulary.plain(one) in vocabulary.FORWARD
    }
    held = [name for name in held if name not in run]  # its layers are needed
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
    if re.fullmatch(rf"{_TRAINING}_outputs?", name):
        return 2
    return next((_SOUNDS[role] for role in vocabulary.roles(name) if role in _SOUNDS), 0)


def is_input(name: str) -> bool:
    """Whether an argument of a loss or backward is the input X, and not a prediction that is called A or Z."""
    starts = vocabulary.english(name.lower()).startswith(("x", "in", "data", "feat", "img", "image"))
    return ("input" in vocabulary.roles(name) and starts) or re.fullmatch(
        rf"x{_SET}|{_TRAINING}_inputs?", name, re.IGNORECASE
    ) is not None


class Data(NamedTuple):
    """What a loss may be given: a kind of prediction and a kind of target."""

    prediction: str
    target: str


_ALL = tuple(
    Data(*pair.split())
    for pair in (
        "normal normal", "probability one-hot", "probability labels", "probability binary", "normal one-hot",
        "normal labels", "normal binary", "normal signs", "probability probability", "normal probability",
    )
)  # fmt: skip
_OF_COLUMNS = (Data("normal", "column"), Data("probability", "column"))
# Names of losses of real numbers: these are what decides, whatever else goes through.
_REAL = re.compile(
    r"huber|squared?_?error|abs|quadratic|regress|smooth|(^|_)(mse|mae|sse|rmse|l1|l2|squared?)($|_)", re.IGNORECASE
)
_BY_NAME = (
    (r"(bce|binary).*logit|sigmoid.*cross", Data("normal", "binary")),
    (r"bce|binary|log_?loss|logistic", Data("probability", "binary")),
    (r"hinge|svm", Data("normal", "signs")),
    (r"softmax|logit", Data("normal", "one-hot")),
    (r"cross|entropy|nll|categorical|likelihood|cce", Data("probability", "one-hot")),
)
_LAYOUTS = (
    *LAYOUTS[:2],
    Layout("one output for each sample, (n, 1)", "rows", (BATCH, 1), True),
    Layout("a vector, (n,)", "rows", (BATCH,), True),
    LAYOUTS[4],
    *(LAYOUTS[i] for i in (9, 10, 8)),
)


def loss_inputs(
    name: str, override: Override, by_column: bool = False, sizes: Sequence[int] = ()
) -> Iterator[tuple[Array, Any, Layout]]:
    """Predictions, targets and what their axes are, the likeliest for a loss of this name first.

    Where the loss takes one column of its target, as of labels (n, 1), that is what it is. At last come as many outputs
    as the loss may have chosen itself.
    """
    hinted = [data for pattern, data in _BY_NAME if re.search(pattern, name, re.IGNORECASE)]
    is_of_logits = re.search("logit", name, re.IGNORECASE) is not None  # of which some are negative
    kinds = [one for one in dict.fromkeys([*hinted, *_ALL]) if one.prediction == "normal" or not is_of_logits]
    for data in _OF_COLUMNS if by_column else kinds:
        if isinstance(override.target, str) and data.target != override.target:
            continue
        for layout in _layouts(override, sizes):
            x = prediction(data.prediction, layout) if override.x is None else override.input()
            given = override.target if not isinstance(override.target, str) else None
            drawn = target(data.target, layout) if given is None else given
            if x is not None and drawn is not None:
                yield x, drawn, layout
        if override.x is not None and override.target is not None:
            return


def is_of_real_numbers(name: str) -> bool:
    """Whether a loss of this name is one of real numbers, so that its target is neither a class nor a probability."""
    return _REAL.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)) is not None


def _layouts(override: Override, sizes: Sequence[int]) -> Iterator[Layout]:
    given = override.input()
    if given is not None:
        words = f"as given, shape {given.shape}"
        yield Layout(words, override.orientation or "rows", given.shape, given.ndim > 1 and given.shape[0] > 1)
        return
    others = [
        layout._replace(shape=tuple(size if axis == FEATURES else axis for axis in layout.shape))
        for size in sizes
        for layout in _LAYOUTS[:2]
        if size != FEATURES
    ]
    yield from (layout for layout in (*_LAYOUTS, *others) if override.orientation in ("", layout.orientation))


def prediction(kind: str, layout: Layout) -> Array:
    """Random predictions: any numbers, or probabilities that add up to 1 over the features."""
    scores = normal(layout.shape)
    if kind == "normal":
        return scores
    axis = _feature_axis(layout)
    if _is_single_output(layout):
        return 1 / (1 + np.exp(-scores))
    powers = np.exp(scores)
    return powers / powers.sum(axis=axis, keepdims=True)


def target(kind: str, layout: Layout) -> Any:
    """A random target of this kind, None where one output for each sample has no such target."""
    scores, axis = normal(layout.shape, seed=2), _feature_axis(layout)
    drawn: dict[str, Callable[[], Array]] = {
        "normal": lambda: scores,
        "binary": lambda: (scores > 0).astype(np.int64 if _is_single_output(layout) else np.float64),
        "signs": lambda: np.where(scores > 0, 1.0, -1.0),
        "labels": lambda: scores.argmax(axis=axis),
        "column": lambda: np.expand_dims(scores.argmax(axis=axis), axis),
        "one-hot": lambda: (scores == scores.max(axis=axis, keepdims=True)).astype(np.float64),
        "probability": lambda: np.flip(prediction("probability", layout), axis).copy(),
    }
    if kind in ("labels", "column", "one-hot", "probability") and _is_single_output(layout):
        return None
    return drawn[kind]()


def other_coding(subject: Any, x: Array) -> Array | None:
    """One-hot targets as class labels, or labels as one-hot targets; None for a subject with neither."""
    given = getattr(subject, "target", None)
    if not isinstance(given, np.ndarray) or x.ndim < 2:
        return None
    if (
        given.shape == x.shape
        and np.array_equal(given.sum(axis=-1), np.ones(x.shape[:-1]))
        and set(given.flat) <= {0, 1}
    ):
        return given.argmax(axis=-1)
    if given.shape == x.shape[:-1] and given.dtype.kind == "i":
        return np.eye(x.shape[-1])[given]
    return None


def _is_single_output(layout: Layout) -> bool:
    return layout.shape[_feature_axis(layout)] == 1 or (len(layout.shape) == 1 and layout.batch)


def _feature_axis(layout: Layout) -> int:
    return 0 if layout.orientation == "columns" or (layout.orientation == "single" and layout.shape[0] > 1) else -1
