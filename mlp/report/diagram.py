"""The network drawn as units and edges, an edge's colour and width being its weight or its gradient."""

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from mlp.check.report import GradientReport
from mlp.nn.arrays import Array
from mlp.nn.layers import Linear
from mlp.nn.network import Sequential
from mlp.report.heatmaps import DIVERGING

MAX_UNITS = 10  # a layer with more is drawn with two fewer and a node that says how many are left out
BINS = 9  # plotly draws one colour and width per trace, so edges are sorted into this many
NEUTRAL = "#8c8c8c"


def diagram(network: Sequential, edges: dict[str, Array], what: str) -> go.Figure:
    """Draw a network of linear layers.

    Args:
        network: its linear layers are drawn, its activations are named.
        edges: for each linear layer's name a matrix (out, in): the number that each edge shows.
        what: what these numbers are, "weight" or "gradient".
    """
    linear = {name: layer for name, layer in network.layers.items() if isinstance(layer, Linear)}
    sizes = [next(iter(linear.values())).W.shape[1], *(layer.W.shape[0] for layer in linear.values())]
    figure = go.Figure()
    limit = max(float(np.nanmax(np.abs(edges[name]), initial=0)) for name in linear) or 1.0
    for column, name in enumerate(linear):
        _draw_edges(figure, column, name, edges[name], limit, what)
    for column, size in enumerate(sizes):
        _draw_units(figure, column, size, _layer_title(network, linear, column))
    figure.update_layout(
        height=min(460, 140 + 32 * min(MAX_UNITS, max(sizes))),
        margin={"l": 10, "r": 10, "t": 10, "b": 50},
        showlegend=False,
        xaxis={"visible": False, "range": [-0.4, len(sizes) - 0.6]},
        yaxis={"visible": False, "range": [-1.1, 1.1]},
        coloraxis={
            "colorscale": DIVERGING,
            "cmin": -limit,
            "cmax": limit,
            "colorbar": {"title": {"text": what, "side": "right"}, "thickness": 10, "len": 0.9},
        },
    )
    return figure


def alt_text(sizes: tuple[int, ...], what: str) -> str:
    """The diagram in words."""
    return f"The network as a graph, {'-'.join(map(str, sizes))} units; edge colour and width show each {what}"


def _shown(size: int) -> int:
    return size if size <= MAX_UNITS else MAX_UNITS - 2


def _heights(size: int) -> Array:
    """Vertical positions of the units drawn, the first on top; the last may stand for those left out."""
    nodes = _shown(size) + (size > MAX_UNITS)
    return np.linspace(1, -1, nodes) * min(1, nodes / 4) if nodes > 1 else np.zeros(1)


def _draw_edges(figure: go.Figure, column: int, name: str, matrix: Array, limit: float, what: str) -> None:
    drawn = matrix[: _shown(matrix.shape[0]), : _shown(matrix.shape[1])]
    starts, ends = _heights(matrix.shape[1]), _heights(matrix.shape[0])
    strength = np.nan_to_num(drawn / limit)
    bins = np.round((strength + 1) / 2 * (BINS - 1)).astype(int)
    # The faintest first, so that the strong edges lie on top.
    for k in sorted(np.unique(bins), key=lambda k: abs(2 * k - BINS + 1)):
        rows, columns = np.nonzero(bins == k)
        share = 2 * k / (BINS - 1) - 1
        gap = np.full(len(rows), None)
        figure.add_scatter(
            x=np.stack([np.full(len(rows), column), np.full(len(rows), column + 1), gap], axis=1).ravel(),
            y=np.stack([starts[columns], ends[rows], gap], axis=1).ravel(),
            mode="lines",
            line={"color": _color(share), "width": 0.6 + 3.4 * abs(share)},
            opacity=0.35 + 0.65 * abs(share),
            hoverinfo="skip",
        )
    _draw_edge_hover(figure, column, name, drawn, (starts, ends), what)


def _color(share: float) -> str:
    # The scale's white middle would vanish on a white page.
    return NEUTRAL if abs(share) < 1 / BINS else sample_colorscale(DIVERGING, [(share + 1) / 2])[0]


def _draw_edge_hover(
    figure: go.Figure, column: int, name: str, matrix: Array, heights: tuple[Array, Array], what: str
) -> None:
    """Invisible markers a third of the way along each edge: plotly's lines have no hover of their own there."""
    starts, ends = heights
    rows, columns = np.indices(matrix.shape).reshape(2, -1)
    figure.add_scatter(
        x=np.full(len(rows), column + 1 / 3),
        y=(2 * starts[columns] + ends[rows]) / 3,
        mode="markers",
        marker={"size": 9, "opacity": 0, "color": matrix.ravel(), "coloraxis": "coloraxis"},
        customdata=np.stack([rows, columns, matrix.ravel()], axis=1),
        hovertemplate=(
            f"{what} {name}.W[%{{customdata[0]}}, %{{customdata[1]}}] = %{{customdata[2]:.6g}}<extra></extra>"
        ),
    )


def _draw_units(figure: go.Figure, column: int, size: int, title: str) -> None:
    heights = _heights(size)
    shown = _shown(size)
    figure.add_scatter(
        x=np.full(shown, column),
        y=heights[:shown],
        mode="markers",
        marker={"size": 15, "color": NEUTRAL, "line": {"width": 1.5, "color": "white"}},
        hovertext=[f"unit {k}" for k in range(shown)],
        hoverinfo="text",
    )
    if size > shown:
        figure.add_annotation(x=column, y=heights[-1], text=f"+{size - shown}<br>more", showarrow=False)
    figure.add_annotation(x=column, y=-1.1, yanchor="top", text=title, showarrow=False, align="center")


def _layer_title(network: Sequential, linear: dict[str, Linear], column: int) -> str:
    if column == 0:
        return "x"
    name = list(linear)[column - 1]
    names = list(network.layers)
    following = names[names.index(name) + 1 : names.index(name) + 2]
    activation = [type(network.layers[other]).__name__ for other in following]
    return "<br>".join([name, *activation])


def weights(network: Sequential) -> dict[str, Array]:
    """The weight matrix of each linear layer."""
    return {name: layer.W for name, layer in network.layers.items() if isinstance(layer, Linear)}


def weight_gradients(network: Sequential, report: GradientReport) -> dict[str, Array]:
    """The analytical gradient of each linear layer's weight matrix."""
    return {name: report[f"{name}.W"].analytical for name in weights(network)}
