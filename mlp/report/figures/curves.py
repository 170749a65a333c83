"""A function along one input, with its tangent at a point and the secant that stands in for it."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from mlp.differences.derivatives import sample
from mlp.differences.examples import Example
from mlp.differences.methods import CENTRAL
from mlp.nn.arrays import Array
from mlp.report.numbers import brief
from mlp.report.tables.examples import input_names

CURVE, TANGENT, SECANT = "#0072B2", "#D55E00", "#009E73"
REACH = 1.0
POINTS = 401
ENDS = [0, -1]


def secant(example: Example, x: Array, index: tuple[int, ...], output: int, eps: float) -> go.Figure:
    """Draw one output of an example along the entry `index` of x.

    The window is the same for every eps, so that the secant is seen to turn into the tangent as eps shrinks.
    """
    at = float(x[index])
    grid = np.linspace(at - REACH, at + REACH, POINTS)
    values = np.array([along(example, x, index, output, there) for there in grid])
    value = along(example, x, index, output, at)
    slope = float(example.jacobian(x)[output, np.ravel_multi_index(index, x.shape)])
    ends = np.array([at - eps, at + eps])
    heights = np.array([along(example, x, index, output, end) for end in ends])
    traces = [_line(grid, values, "f", CURVE, "solid")]
    if np.isfinite(slope):
        tangent = value + slope * (grid[ENDS] - at)
        traces.append(_line(grid[ENDS], tangent, f"tangent, slope {brief(slope)}", TANGENT))
    if np.isfinite(heights).all():
        chord = float(sample(example.function, x, index, eps, CENTRAL).quotient.flat[output])
        line = heights.mean() + chord * (grid[ENDS] - at)
        traces.append(_line(grid[ENDS], line, f"secant, slope {brief(chord)}", SECANT))
        traces.append(_points(ends, heights, ["x - eps", "x + eps"], SECANT))
    traces.append(_points(np.array([at]), np.array([value]), ["x"], TANGENT))
    name = input_names(example)[np.ravel_multi_index(index, x.shape)]
    layout = {
        "xaxis": {"title": {"text": name}},
        "yaxis": {"range": _range(values, value, slope, heights)},
        "height": 360,
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
    }
    return go.Figure(traces, layout)


def along(example: Example, x: Array, index: tuple[int, ...], output: int, there: float) -> float:
    """One output of an example with the entry `index` of x at another place; NaN where it has no value."""
    moved = x.copy()
    moved[index] = there
    if example.domain(moved):
        return float("nan")
    return float(np.asarray(example.function(moved)).flat[output])


def _line(x: Array, y: Array, name: str, colour: str, dash: str = "dash") -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": {"color": colour, "dash": dash},
        "hovertemplate": "%{x:.4g}: %{y:.9g}<extra></extra>",
    }


def _points(x: Array, y: Array, names: list[str], colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "marker": {"color": colour, "size": 10},
        "text": names,
        "hovertemplate": "%{text} = %{x:.9g}<br>f = %{y:.9g}<extra></extra>",
        "showlegend": False,
    }


def _range(values: Array, value: float, slope: float, heights: Array) -> list[float]:
    """The vertical range: the whole curve, unless a pole would flatten everything else."""
    rises = [2 * abs(slope) * REACH, *(2 * np.abs(heights - value)), 4 * np.nanmedian(np.abs(values - value))]
    rise = np.nanmax(rises)
    low, high = max(float(np.nanmin(values)), value - rise), min(float(np.nanmax(values)), value + rise)
    margin = 0.08 * ((high - low) or 1.0)
    return [low - margin, high + margin]
