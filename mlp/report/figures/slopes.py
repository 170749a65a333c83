"""A curve with its tangent at a point: what a derivative is, seen."""

from itertools import chain
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mlp.nn.arrays import Array
from mlp.nn.layers import Activation
from mlp.nn.losses import Loss
from mlp.report.figures.style import Panel, side_by_side
from mlp.report.numbers import brief

CURVE = "#0072B2"
TANGENT = "#D55E00"
POINTS = 201


def loss_along(loss: Loss, y: Array, target: Array, i: int, slope: float) -> go.Figure:
    """The loss as a function of y_i alone, all else held, with the tangent of this slope at the present y_i."""
    reach = max(2.0, 1.5 * abs(y[i] - target[i]))
    grid = np.linspace(y[i] - reach, y[i] + reach, POINTS)
    values = np.array([float(loss.apply(np.where(np.arange(y.size) == i, at, y), target)) for at in grid])
    traces = [_curve(grid, values), *_tangent((y[i], float(loss.apply(y, target))), slope, reach / 2)]
    mark = {"x0": target[i], "x1": target[i], "y0": 0, "y1": 1, "yref": "paper", "line": {"dash": "dot", "width": 1}}
    xaxis = {"title": {"text": f"y[{i}] (dotted: the target t[{i}])"}}
    yaxis = {"title": {"text": "c"}, "range": _range(values)}
    return _laid_out([Panel("", traces, xaxis, yaxis)], shapes=[{"type": "line", **mark}])


def activation_curves(activation: Activation, x: Array) -> go.Figure:
    """The function and its derivative side by side, with the given points on both and the tangents at them."""
    reach = max(4.0, 1.2 * float(np.abs(x).max()))
    grid = np.linspace(-reach, reach, POINTS)
    xaxis = {"title": {"text": "x"}}
    values, slopes = activation.function(x), activation.derivative(x)
    tangents = [
        _tangent((at, f), slope, 0.6 / np.hypot(1, slope)) for at, f, slope in zip(x, values, slopes, strict=True)
    ]
    return _laid_out(
        [
            Panel("f(x)", [_curve(grid, activation.function(grid)), *chain(*tangents)], xaxis, {}),
            Panel("f'(x)", [_curve(grid, activation.derivative(grid)), _points(x, slopes)], xaxis, {}),
        ]
    )


def _curve(x: Array, y: Array) -> dict[str, Any]:
    line = {"color": CURVE}
    return {"type": "scatter", "x": x, "y": y, "line": line, "hovertemplate": "%{x:.4g}: %{y:.6g}<extra></extra>"}


def _tangent(point: tuple[float, float], slope: float, reach: float) -> list[dict[str, Any]]:
    """A line through the point, as far as `reach` to both sides, and the point itself."""
    x, y = point
    ends = np.array([x - reach, x + reach])
    line = {"x": ends, "y": y + slope * (ends - x), "mode": "lines", "line": {"color": TANGENT}, "hoverinfo": "skip"}
    return [{"type": "scatter", **line}, _points(np.array([x]), np.array([y]), f"<br>slope {brief(slope)}")]


def _points(x: Array, y: Array, note: str = "") -> dict[str, Any]:
    hover = f"x = %{{x:.6g}}<br>%{{y:.9g}}{note}<extra></extra>"
    marker = {"color": TANGENT, "size": 9}
    return {"type": "scatter", "x": x, "y": y, "mode": "markers", "marker": marker, "hovertemplate": hover}


def _range(values: Array) -> list[float]:
    """The vertical range of the curve alone, so that a steep tangent does not flatten it."""
    margin = 0.08 * float(np.ptp(values) or 1.0)
    return [float(values.min()) - margin, float(values.max()) + margin]


def _laid_out(panels: list[Panel], **layout: object) -> go.Figure:
    margin = {"l": 10, "r": 10, "t": 40, "b": 10}
    return side_by_side(panels, gap=0.1, height=330, margin=margin, showlegend=False, **layout)
