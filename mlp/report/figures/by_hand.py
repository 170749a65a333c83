"""The diagram of a network that is small enough to be computed by hand, with every number of a pass written on it."""

from collections.abc import Iterable, Sequence

import numpy as np
import plotly.graph_objects as go

from mlp.nn.arrays import Array
from mlp.nn.layers import Linear
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem
from mlp.nn.trace import LOSS, Step
from mlp.report.figures import network
from mlp.report.numbers import brief

MAX_EDGES = 12  # more numbers on edges would lie on each other
ROOM = 120  # pixels for what is written below the units
LOWEST = -1.9  # where the diagram ends, with the lowest unit at -1 and what is written below it
READABLE = "#757575"  # on a white page and on a dark one: text that a click elsewhere would make pale


def is_small(problem: Problem[Sequential]) -> bool:
    """Whether there is one sample, and so few edges that each can carry its number."""
    edges = sum(matrix.size for matrix in network.weights(problem.network).values())
    return problem.x.ndim == 1 and edges <= MAX_EDGES


def diagram(
    problem: Problem[Sequential], steps: Sequence[Step], edges: dict[str, Array], what: str, shown: Step
) -> go.Figure:
    """The network with the layer of one step standing out, and if it is small with the numbers of the step's pass.

    Args:
        problem: the network with its loss, input and target.
        steps: the `trace` of it.
        edges: for each linear layer's name the matrix whose entries the edges show.
        what: what these are, "weight" or "gradient".
        shown: the step.
    """
    figure = network.diagram(problem.network, edges, what, shown.name, by_layer=what == "gradient")
    if not is_small(problem):
        return figure
    for k, matrix in enumerate(edges.values()):
        rows, columns = np.indices(matrix.shape).reshape(2, -1)
        starts, ends = network.heights(matrix.shape[1])[columns], network.heights(matrix.shape[0])[rows]
        _write(figure, np.full(len(rows), k + 1 / 3), (2 * starts + ends) / 3, map(brief, matrix.ravel()), "top center")
    for k, texts in enumerate(units(problem, steps, shown.direction)):
        below = (f"<br>{text}" for text in texts)  # clear of the unit itself
        _write(figure, np.full(len(texts), k), network.heights(len(texts)), below, "bottom center")
    figure.update_yaxes(range=[LOWEST, figure.layout.yaxis.range[1]]).update_annotations(y=LOWEST)
    return figure.update_layout(height=figure.layout.height + ROOM)


def units(problem: Problem[Sequential], steps: Iterable[Step], direction: str) -> list[list[str]]:
    """For each column of the diagram what is written below its units, from the input to the output.

    Forward x, then b and y of each linear layer, the activation's f(y), and the target t at the end; backward the dy
    that comes to each, and dx at the input.
    """
    passed = [step for step in steps if step.direction == direction]
    layers = problem.network.layers
    if direction == "forward":
        columns = [[_lines("x", passed[0].given)]]
        for step in passed[:-1]:
            layer = layers[step.name]
            if isinstance(layer, Linear):
                columns.append([_lines("b", layer.b), _lines("y", step.result)])
            else:
                columns[-1].append(_lines("f(y)", step.result))
        columns[-1].append(_lines("t", np.asarray(problem.target)))
    else:
        columns = [[_lines("dx", passed[-1].result)]]
        for step in reversed(passed):
            if step.name == LOSS:
                continue
            if isinstance(layers[step.name], Linear):
                columns.append([_lines("dy", step.given)])
            else:
                columns[-1].insert(0, _lines("dy", step.given))
                columns[-1][1] = [line.replace("dy", "f'(y) dy") for line in columns[-1][1]]
    return [["<br>".join(texts) for texts in zip(*column, strict=True)] for column in columns]


def _lines(name: str, values: Array) -> list[str]:
    return [f"{name} = {value:.4g}" for value in values]


def _write(figure: go.Figure, x: Array, y: Array, texts: Iterable[str], position: str) -> None:
    figure.add_trace(
        {"type": "scatter", "mode": "text", "x": x, "y": y, "text": list(texts), "textposition": position}
        | {"hoverinfo": "skip", "textfont": {"size": 14}, "unselected": {"textfont": {"color": READABLE}}}
    )
