"""Every entry of a check as a row: the one format of all tables and CSV files of gradients.

Indices stand in columns of their own, i, j and, as far as some tensor has more axes, k, l, ...; an index that a tensor
does not have is empty.
"""

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict

AXES = "ijklmnopqrstuvwx"
"""The names of a tensor's axes, the first one first."""

Columns: TypeAlias = dict[str, list[Any]]


def entry_columns(checks: Iterable[TensorCheck]) -> Columns:
    """The entries of several tensors, each in C order, as columns of equal length.

    Columns: tensor; i, j, ..., the entry's indices from 0, or None; analytical; numerical; difference; error_bar;
    verdict; relative_error; allclose.
    """
    checks = list(checks)
    columns = _place_columns([(check.name, check.analytical.shape) for check in checks])
    return columns | {name: [value for check in checks for value in values(check)] for name, values in _VALUES.items()}


def _place_columns(tensors: Sequence[tuple[str, tuple[int, ...]]]) -> Columns:
    """The first of these columns, which tell where an entry stands, for tensors of these names and shapes."""
    rank = max((len(shape) for _, shape in tensors), default=0)
    columns: Columns = {"tensor": [], **{axis: [] for axis in AXES[: max(2, rank)]}}
    for name, shape in tensors:
        size = prod(shape)
        indices = np.indices(shape).reshape(len(shape), size)  # of a number without axes none, and one entry
        columns["tensor"] += [_as_text(name)] * size
        for number, axis in enumerate(list(columns)[1:]):
            columns[axis] += indices[number].tolist() if number < len(shape) else [None] * size
    return columns


def _as_text(name: str) -> str:
    """The name in one line, with an apostrophe before what a spreadsheet would take for a formula and carry out."""
    line = name.replace("\r", "\\r").replace("\n", "\\n")
    return f"'{line}" if line.startswith(("=", "+", "-", "@", "\t")) else line


_VALUES: dict[str, Callable[[TensorCheck], list[Any]]] = {
    "analytical": lambda check: check.analytical.ravel().tolist(),
    "numerical": lambda check: check.numerical.ravel().tolist(),
    "difference": lambda check: check.difference.ravel().tolist(),
    "error_bar": lambda check: check.error_bar.ravel().tolist(),
    "verdict": lambda check: [Verdict(number).words for number in check.verdicts.ravel()],
    "relative_error": lambda check: check.relative_error.ravel().tolist(),
    "allclose": lambda check: (check.tolerance_used.ravel() <= 1).tolist(),
}
