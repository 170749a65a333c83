"""Rows of a person's own data as text: so they are one of an experiment's settings, which are plain values."""

from functools import lru_cache

import numpy as np

from mlp.lab.dataset import Dataset, unscaled, without_test
from mlp.lab.settings_text import ROWS, UPLOAD, shortened
from mlp.nn.arrays import Array

MAX_NUMBERS = 20_000
_KINDS = {f"{ROWS}classes: ": True, f"{ROWS}numbers: ": False}  # and whether it is a classification


def write_rows(data: Dataset, count: int) -> str:
    """The first training rows with their targets as text, every bit kept.

    Raises:
        ValueError: there are not so many, or these are more than MAX_NUMBERS numbers.
    """
    if count > len(data.x):
        raise ValueError(f"Your data have {len(data.x):,} training rows; the batch can have no more.")
    numbers = count * (len(data.features) + len(data.outputs))
    if numbers > MAX_NUMBERS:
        raise ValueError(f"So many rows hold {numbers:,} numbers; the limit is {MAX_NUMBERS:,}. Take a smaller batch.")
    rows = zip(data.x[:count], data.target[:count], strict=True)
    prefix = next(prefix for prefix, is_classification in _KINDS.items() if is_classification == data.is_classification)
    return prefix + ";".join(f"{_written(x)}>{_written(target)}" for x, target in rows)


@lru_cache(maxsize=16)
def read_rows(text: str) -> Dataset:
    """The rows that `write_rows` wrote, all to train on.

    Raises:
        ValueError: the text is none of its.
    """
    prefix = next((prefix for prefix in _KINDS if text.startswith(prefix)), "")
    try:
        pairs = [row.split(">") for row in text.removeprefix(prefix).split(";")]
        x, target = (
            np.array([list(map(float, part.split(","))) for part in side]) for side in zip(*pairs, strict=True)
        )
        is_classification = _KINDS[prefix]
    except (ValueError, KeyError) as error:
        raise ValueError(f"Rows of your own must be numbers with their targets, not {shortened(text)}.") from error
    target_scale = None if is_classification else unscaled(target.shape[1])
    return without_test(UPLOAD, "Rows of your own file.", x, target, is_classification, target_scale)


def _written(numbers: Array) -> str:
    return ",".join(map(repr, numbers.tolist()))
