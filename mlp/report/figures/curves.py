"""Curves with their tangents: an example with its secant, a loss along one output, an activation and its derivative."""

from itertools import chain
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mlp.differences.derivatives import sample
from mlp.differences.examples import Example
from mlp.differences.methods import CENTRAL
from mlp.nn.arrays import Array
from mlp.nn.layers import Activation
from mlp.nn.losses import Loss
from mlp.report.figures.style import GUIDE, Panel, side_by_side
from mlp.report.numbers import brief
from mlp.report.tables.examples import input_names

CURVE, TANGENT, SECANT = "#0072B2", "#D55E00", "#009E73"
REACH = 1.0  # of the window around an example's point, to either side
POINTS = 401
MARGIN = 0.08  # above and below a curve, as a share of its height


def secant(example: Example, x: Array, index: tuple[int, ...], output: int, eps: float) -> go.Figure:
    """Draw one output of an example along the entry `index` of x, with its tangent at x and the central difference.

    The window is the same for every eps, so that the secant is seen to turn into the tangent as eps shrinks.
    """
    at, flat = float(x[index]), np.ravel_multi_index(index, x.shape)
    window = np.array([at - REACH, at + REACH])
    grid = np.linspace(window[0], window[1], POINTS)
    values = np.array([along(example, x, index, output, there) for there in grid])
    value = along(example, x, index, output, at)
    slope = float(example.jacobian(x)[output, flat])
    ends = np.array([at - eps, at + eps])
    heights = np.array([along(example, x, index, output, end) for end in ends])
    traces = [_line(grid, values, CURVE, "f")]
    if np.isfinite(slope):
        tangent = value + slope * (window - at)
        traces.append(_line(window, tangent, TANGENT, f"tangent, slope {brief(slope)}", dash="dash"))
    if np.isfinite(heights).all():
        chord = float(sample(example.function, x, index, eps, CENTRAL).quotient.flat[output])
        line = heights.mean() + chord * (window - at)
        traces.append(_line(window, line, SECANT, f"secant, slope {brief(chord)}", dash="dash"))
        traces.append(_points(ends, heights, SECANT, ["x - eps", "x + eps"]))
    traces.append(_points(np.array([at]), np.array([value]), TANGENT, ["x"]))
    layout = {
        "xaxis": {"title": {"text": input_names(example)[flat]}},
        "yaxis": {"range": _visible(values, value, heights)},
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


def loss_along(loss: Loss, y: Array, target: Array, i: int, slope: float) -> go.Figure:
    """Draw the loss as a function of y_i alone, all else held, with the tangent of this slope at the present y_i."""
    reach = max(2.0, 1.5 * abs(y[i] - target[i]))
    grid = np.linspace(y[i] - reach, y[i] + reach, POINTS)
    values = np.array([float(loss.apply(np.where(np.arange(y.size) == i, at, y), target)) for at in grid])
    traces = [_line(grid, values, CURVE, "c"), *_tangent(y[i], float(loss.apply(y, target)), slope, reach / 2)]
    place = {"x0": target[i], "x1": target[i], "y0": 0, "y1": 1, "yref": "paper"}
    mark = {"type": "line", **place, "line": {"color": GUIDE, "dash": "dot"}}
    xaxis = {"title": {"text": f"y[{i}] (dotted: the target t[{i}])"}}
    # The range of the curve alone, so that a steep tangent does not flatten it.
    yaxis = {"title": {"text": "c"}, "range": _range(float(values.min()), float(values.max()))}
    return _laid_out([Panel("", traces, xaxis, yaxis)], shapes=[mark])


def activation_curves(activation: Activation, x: Array) -> go.Figure:
    """Draw the function and its derivative side by side, the given points on both, and the tangents at them."""
    reach = max(4.0, 1.2 * float(np.abs(x).max()))
    grid = np.linspace(-reach, reach, POINTS)
    values, slopes = activation.function(x), activation.derivative(x)
    # All tangents are equally long, however steep they are.
    tangents = [_tangent(*touching, 0.6 / np.hypot(1, touching[2])) for touching in zip(x, values, slopes, strict=True)]
    of_f = [_line(grid, activation.function(grid), CURVE, "f(x)"), *chain(*tangents)]
    of_slope = [_line(grid, activation.derivative(grid), CURVE, "f'(x)"), _points(x, slopes, TANGENT, ["x"] * x.size)]
    xaxis = {"title": {"text": "x"}}
    return _laid_out([Panel("f(x)", of_f, xaxis, {}), Panel("f'(x)", of_slope, xaxis, {})])


def _tangent(x: float, y: float, slope: float, reach: float) -> list[dict[str, Any]]:
    """A line through the point, as far as `reach` to both sides, and the point itself."""
    ends = np.array([x - reach, x + reach])
    return [
        _line(ends, y + slope * (ends - x), TANGENT, f"tangent, slope {brief(slope)}"),
        _points(np.array([x]), np.array([y]), TANGENT, [f"slope {brief(slope)} at x"]),
    ]


def _line(x: Array, y: Array, colour: str, name: str, dash: str = "solid") -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": {"color": colour, "dash": dash},
        "hovertemplate": f"{name}<br>%{{x:.4g}}: %{{y:.9g}}<extra></extra>",
    }


def _points(x: Array, y: Array, colour: str, names: list[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "marker": {"color": colour, "size": 10},
        "text": names,
        "hovertemplate": "%{text} = %{x:.9g}<br>%{y:.9g}<extra></extra>",
        "showlegend": False,
    }


def _visible(values: Array, value: float, heights: Array) -> list[float]:
    """The vertical range: the whole curve, unless a pole would flatten everything else; the secant's points always.

    Half of a cubic's values lie within an eighth of its largest, so eight times the median shows it whole.
    """
    rise = np.nanmax([8 * np.nanmedian(np.abs(values - value)), *np.abs(heights - value)])
    return _range(max(float(np.nanmin(values)), value - rise), min(float(np.nanmax(values)), value + rise))


def _range(low: float, high: float) -> list[float]:
    margin = MARGIN * ((high - low) or 1.0)
    return [low - margin, high + margin]


def _laid_out(panels: list[Panel], **layout: object) -> go.Figure:
    margin = {"l": 10, "r": 10, "t": 40, "b": 10}
    return side_by_side(panels, gap=0.1, height=330, margin=margin, showlegend=False, **layout)
