"""Predictions and targets to try a loss on: numbers, probabilities with classes, or signs, as its name suggests."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code.interpret.samples import BATCH, LAYOUTS, Layout, normal
from mlp.user_code.settings import Override


class Data(NamedTuple):
    """What a loss may be given: a kind of prediction and a kind of target."""

    prediction: str
    target: str


_ALL = tuple(
    Data(*pair.split())
    for pair in (
        "normal normal", "probability one-hot", "probability labels", "probability binary", "normal one-hot",
        "normal labels", "normal binary", "normal signs", "probability probability",
    )
)  # fmt: skip
# Names of losses of real numbers: these are what decides, whatever else goes through.
_REAL = re.compile(
    r"huber|squared?_?error|abs|quadratic|regress|smooth|(^|_)(mse|mae|sse|rmse|l1|l2|squared?)($|_)", re.IGNORECASE
)
_BY_NAME = (
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


def loss_inputs(name: str, override: Override) -> Iterator[tuple[Array, Any, Layout]]:
    """Predictions, targets and what their axes are, the likeliest for a loss of this name first."""
    hinted = [data for pattern, data in _BY_NAME if re.search(pattern, name, re.IGNORECASE)]
    for data in dict.fromkeys([*hinted, *_ALL]):
        if isinstance(override.target, str) and data.target != override.target:
            continue
        for layout in _layouts(override):
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


def _layouts(override: Override) -> Iterator[Layout]:
    given = override.input()
    if given is not None:
        words = f"as given, shape {given.shape}"
        yield Layout(words, override.orientation or "rows", given.shape, given.ndim > 1 and given.shape[0] > 1)
        return
    yield from (layout for layout in _LAYOUTS if override.orientation in ("", layout.orientation))


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
        "one-hot": lambda: (scores == scores.max(axis=axis, keepdims=True)).astype(np.float64),
        "probability": lambda: np.flip(prediction("probability", layout), axis).copy(),
    }
    if kind in ("labels", "one-hot", "probability") and _is_single_output(layout):
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
