"""A sound table of two columns of numbers and a class, as text, and the data set made of it."""

import numpy as np

from mlp.lab.tables import table_data
from mlp.report.files.table_files import read_table

ROWS = 20
RNG = np.random.RandomState(0)
A, B = RNG.standard_normal((2, ROWS))


def rows(*, header="a,b,kind", cells=lambda k: f"{A[k]},{B[k]},{'yes' if A[k] > B[k] else 'no'}", count=ROWS):
    return [header, *(cells(k) for k in range(count))]


def text(lines, end="\n"):
    return (end.join(lines) + end).encode()


def changed(place, line):
    """The sound table with another line in this place, which counts as in an editor."""
    lines = rows()
    lines[place - 1] = line
    return text(lines)


def made(content, features=("a", "b"), target="kind"):
    return table_data(read_table("my data.csv", content), features, target, 3)


def sorted_rows(data):
    values = data.x_scale.undo(np.concatenate([data.x, data.test_x]))
    target = np.concatenate([data.target, data.test_target])
    order = np.argsort(values[:, 0])
    return values[order], target[order]
