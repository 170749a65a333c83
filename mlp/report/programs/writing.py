"""How a program is laid out: blocks of lines, numbers written with every digit, long lists folded."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import pairwise

import numpy as np

from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import format_eps
from mlp.nn.arrays import Array

WIDTH = 88

# Without this numpy would show eight digits, and dots in the middle of a large array.
PRINT_ALL = 'np.set_printoptions(floatmode="unique", threshold=np.inf)  # every digit of every entry'


def program(*blocks: str) -> str:
    """Put blocks below each other, with two blank lines around functions and one elsewhere; empty ones fall out."""
    present = [block for block in blocks if block]
    text = present[0]
    for above, block in pairwise(present):
        gap = "\n\n\n" if block.startswith("def ") or above.startswith("def ") else "\n\n"
        text += gap + block
    return text + "\n"


def lines(items: Iterable[str]) -> str:
    """Put lines below each other."""
    return "\n".join(items)


def function(signature: str, what: str, expression: str) -> str:
    """Define a function of one expression."""
    return f'def {signature}:\n    """{what}."""\n    return {expression}'


def folded(before: str, items: Iterable[str], after: str) -> str:
    """Write "before item, item, ... after"; `before` ends with a bracket, under which what does not fit goes on."""
    row, rows = before, []
    *most, last = items
    for item in (*(f"{item}, " for item in most), last + after):
        if len(row) + len(item.rstrip()) > WIDTH and len(row) > len(before):
            rows.append(row.rstrip())
            row = " " * len(before)
        row += item
    return lines([*rows, row])


def unpacked(before: str, names: list[str], after: str) -> str:
    """Write "before a, b, c after" for a tuple of names, in brackets only where it needs them."""
    plain = f"{before}{', '.join(names)}{after}"
    if len(names) == 1:
        return f"{before}({names[0]},){after}"
    return plain if len(plain) <= WIDTH else folded(f"{before}(", names, f"){after}")


def array(name: str, values: Array) -> str:
    """Write an array with all its digits: a vector in a line, a matrix with a line for each row."""
    if values.ndim == 1:
        return folded(f"{name} = np.array([", map(_number, values.tolist()), "])")
    rows = [folded("    [", map(_number, row.tolist()), "],") for row in values]
    return lines([f"{name} = np.array([", *rows, "])"])


def step(eps: float) -> str:
    """Write a step size, 1e-4 rather than 0.0001 where that is the same number."""
    return format_eps(eps) if float(format_eps(eps)) == eps else repr(eps)


def shown(label: str, expression: str, form: str = "") -> str:
    """Print an array under its label, so that the columns of a matrix stand straight; form "f" makes it an f-string."""
    return f'print({form}"{label}:", {expression}, sep="\\n")'


def settings(experiment: Experiment) -> str:
    """Write an experiment with all its settings."""
    rows = (f"    {name}={setting(value)}," for name, value in asdict(experiment).items())
    return lines(["experiment = Experiment(", *rows, ")"])


def setting(value: object) -> str:
    """Write one setting as it stands in a program."""
    if isinstance(value, float):
        return step(value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else f'float("{value}")'
