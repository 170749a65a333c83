"""The network drawn as units and edges, an edge's colour and width being its weight or its gradient."""

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from mlp.check.report import GradientReport
from mlp.nn.arrays import Array
from mlp.nn.layers import Linear
from mlp.nn.network import Sequential
from mlp.nn.trace import LOSS

MAX_UNITS = 10  # a layer with more is drawn with two fewer and a node that says how many are left out
BINS = 9  # plotly draws one colour and width per trace, so edges are sorted into this many
NEUTRAL = "#8c8c8c"
# From the most negative through zero to the most positive: lines alone on the page, so every colour has a contrast of
# more than 3 to 1 with a white page and with a dark one, as the web's guidelines ask of graphics (WCAG 2.2, 1.4.11).
SIGNS = ["#1f78d1", NEUTRAL, "#d6404e"]
HIGHLIGHT = "#E69F00"
FAINT = 0.25


class Column(NamedTuple):
    """The units drawn in one column: the input's, or a linear layer's with the activation that follows it."""

    size: int
    layers: tuple[str, ...]
    title: str


def diagram(
    network: Sequential, edges: dict[str, Array], what: str, highlighted: str | None = None, by_layer: bool = False
) -> go.Figure:
    """Draw a network of linear layers.

    Args:
        network: its linear layers are drawn, its activations are named.
        edges: for each linear layer's name a matrix (out, in): the number that each edge shows.
        what: what these numbers are, "weight" or "gradient".
        highlighted: the name of the layer that stands out, or "loss" for the outputs.
        by_layer: whether each layer has colours of its own, up to its largest number, so that small ones are seen too.
    """
    columns = _columns(network)
    largest = {name: float(np.nanmax(np.abs(matrix), initial=0)) for name, matrix in edges.items()}
    limit = max(largest.values()) or 1.0
    traces, notes = [], []
    for k, (name, matrix) in enumerate(edges.items()):
        strength = FAINT if highlighted in edges and highlighted != name else 1.0
        traces += [
            *_edges(k, matrix, (largest[name] if by_layer else limit) or 1.0, strength),
            _hover(k, matrix, f"{what} {name}.W"),
        ]
    for k, column in enumerate(columns):
        stands_out = highlighted in column.layers or (highlighted == LOSS and k == len(edges))
        traces.append(_units(k, column.size, HIGHLIGHT if stands_out else NEUTRAL))
        notes += _notes(k, column)
    scale = (1.0, f"{what} / largest of its layer") if by_layer else (limit, what)
    return go.Figure(traces, {**_layout([column.size for column in columns], *scale), "annotations": notes})


def weights(network: Sequential) -> dict[str, Array]:
    """The weight matrix of each linear layer."""
    return {name: layer.W for name, layer in network.layers.items() if isinstance(layer, Linear)}


def weight_gradients(network: Sequential, report: GradientReport) -> dict[str, Array]:
    """The analytical gradient of each linear layer's weight matrix."""
    return {name: report[f"{name}.W"].analytical for name in weights(network)}


def alt_text(sizes: tuple[int, ...], what: str) -> str:
    """The diagram in words."""
    return f"The network as a graph, {'-'.join(map(str, sizes))} units; edge colour and width show each {what}"


def _columns(network: Sequential) -> list[Column]:
    columns: list[Column] = []
    for name, layer in network.layers.items():
        if isinstance(layer, Linear):
            outputs, inputs = layer.W.shape
            columns = columns or [Column(inputs, (), "x")]
            columns.append(Column(outputs, (name,), name))
        else:
            size, names, title = columns[-1]
            columns[-1] = Column(size, (*names, name), f"{title}<br>{type(layer).__name__}")
    return columns


def _shown(size: int) -> int:
    return size if size <= MAX_UNITS else MAX_UNITS - 2


def heights(size: int) -> Array:
    """Vertical positions of the units drawn, the first on top; the last may stand for those left out."""
    nodes = _shown(size) + (size > MAX_UNITS)
    return np.linspace(1, -1, nodes) * min(1, nodes / 4) if nodes > 1 else np.zeros(1)


def _edges(start: int, matrix: Array, limit: float, strength: float) -> list[dict[str, Any]]:
    """The edges from column `start` to the next, a trace for each colour, the faintest first."""
    drawn = matrix[: _shown(matrix.shape[0]), : _shown(matrix.shape[1])]
    starts, ends = heights(matrix.shape[1]), heights(matrix.shape[0])
    bins = np.round((np.nan_to_num(drawn / limit) + 1) / 2 * (BINS - 1)).astype(int)
    traces = []
    for k in sorted(np.unique(bins), key=lambda k: abs(2 * k - BINS + 1)):
        rows, columns = np.nonzero(bins == k)
        share = float(2 * k / (BINS - 1) - 1)
        gap = np.full(len(rows), np.nan)
        left = np.full(len(rows), float(start))
        lines = {
            "x": np.stack([left, left + 1, gap], axis=1).ravel(),
            "y": np.stack([starts[columns], ends[rows], gap], axis=1).ravel(),
            "line": {"color": _color(share), "width": 0.6 + 3.4 * abs(share)},
            "opacity": strength,
        }
        traces.append({"type": "scatter", "mode": "lines", "hoverinfo": "skip", **lines})
    return traces


def _color(share: float) -> str:
    return sample_colorscale(SIGNS, [(share + 1) / 2])[0]


def _hover(start: int, matrix: Array, name: str) -> dict[str, Any]:
    """Invisible markers a third of the way along each edge: plotly's lines have no hover of their own there."""
    drawn = matrix[: _shown(matrix.shape[0]), : _shown(matrix.shape[1])]
    rows, columns = np.indices(drawn.shape).reshape(2, -1)
    starts, ends = heights(matrix.shape[1])[columns], heights(matrix.shape[0])[rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": np.full(len(rows), start + 1 / 3),
        "y": (2 * starts + ends) / 3,
        "marker": {"opacity": 0, "color": drawn.ravel(), "coloraxis": "coloraxis"},
        "customdata": np.stack([rows, columns, drawn.ravel()], axis=1),
        "hovertemplate": f"{name}[%{{customdata[0]}}, %{{customdata[1]}}] = %{{customdata[2]:.6g}}<extra></extra>",
    }


def _units(place: int, size: int, color: str) -> dict[str, Any]:
    shown = _shown(size)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": np.full(shown, place),
        "y": heights(size)[:shown],
        "marker": {"size": 15, "color": color, "line": {"width": 1.5, "color": "white"}},
        "unselected": {"marker": {"opacity": 1}},  # a click on one would make the others pale
        "hovertext": [f"unit {k}" for k in range(shown)],
        "hoverinfo": "text",
    }


def _notes(place: int, column: Column) -> list[dict[str, Any]]:
    """The column's title below it and, where units are left out, how many."""
    title = {"x": place, "y": -1.1, "yanchor": "top", "text": column.title, "showarrow": False}
    left_out = column.size - _shown(column.size)
    if not left_out:
        return [title]
    more = {"x": place, "y": float(heights(column.size)[-1]), "text": f"+{left_out}<br>more", "showarrow": False}
    return [title, more]


def _layout(sizes: list[int], limit: float, what: str) -> dict[str, Any]:
    colorbar = {"title": {"text": what, "side": "right"}, "thickness": 10}
    return {
        "height": min(460, 140 + 32 * min(MAX_UNITS, max(sizes))),
        "margin": {"l": 10, "r": 10, "t": 10, "b": 50},
        "showlegend": False,
        "xaxis": {"visible": False, "range": [-0.4, len(sizes) - 0.6]},
        "yaxis": {"visible": False, "range": [-1.1, 1.1]},
        "coloraxis": {"colorscale": SIGNS, "cmin": -limit, "cmax": limit, "colorbar": colorbar},
    }
