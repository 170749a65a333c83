"""A curve with its tangent at a point: what a derivative is, seen."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mlp.nn.arrays import Array
from mlp.nn.layers import Activation
from mlp.nn.losses import Loss
from mlp.report.numbers import brief

CURVE = "#0072B2"
TANGENT = "#D55E00"
POINTS = 201


def loss_along(loss: Loss, y: Array, target: Array, i: int, slope: float) -> go.Figure:
    """The loss as a function of y_i alone, all else held, with the tangent of this slope at the present y_i."""
    reach = max(2.0, 1.5 * abs(y[i] - target[i]))
    grid = np.linspace(y[i] - reach, y[i] + reach, POINTS)
    values = np.array([float(loss.apply(np.where(np.arange(y.size) == i, at, y), target)) for at in grid])
    value = float(loss.apply(y, target))
    figure = go.Figure()
    _curve(figure, grid, values, "loss")
    _tangent(figure, (y[i], value), slope, reach / 2)
    figure.add_vline(x=target[i], line_dash="dot", annotation_text=f"t[{i}]", annotation_position="bottom right")
    figure.update_xaxes(title=f"y[{i}]")
    figure.update_yaxes(title="c", range=_range(values))
    return _laid_out(figure)


def activation_curves(activation: Activation, x: Array) -> go.Figure:
    """The function and its derivative side by side, with the given points on both and the tangents at them."""
    reach = max(4.0, 1.2 * float(np.abs(x).max()))
    grid = np.linspace(-reach, reach, POINTS)
    figure = make_subplots(cols=2, subplot_titles=["f(x)", "f'(x)"], horizontal_spacing=0.1)
    for column, function in enumerate((activation.function, activation.derivative), start=1):
        figure.add_scatter(x=grid, y=function(grid), line_color=CURVE, hoverinfo="skip", row=1, col=column)
        figure.add_scatter(
            x=x,
            y=function(x),
            mode="markers",
            marker={"color": TANGENT, "size": 9},
            hovertemplate="x = %{x:.6g}<br>%{y:.9g}<extra></extra>",
            row=1,
            col=column,
        )
        figure.update_xaxes(title="x", row=1, col=column)
    for at in x:
        slope, value = float(activation.derivative(at[None])[0]), float(activation.function(at[None])[0])
        ends = at + np.array([-0.6, 0.6]) / np.hypot(1, slope)
        figure.add_scatter(
            x=ends, y=value + slope * (ends - at), mode="lines", line_color=TANGENT, hoverinfo="skip", row=1, col=1
        )
    return _laid_out(figure)


def _curve(figure: go.Figure, x: Array, y: Array, name: str) -> None:
    figure.add_scatter(x=x, y=y, name=name, line_color=CURVE, hovertemplate="%{x:.4g}: %{y:.6g}<extra></extra>")


def _tangent(figure: go.Figure, point: tuple[float, float], slope: float, reach: float) -> None:
    x, y = point
    ends = np.array([x - reach, x + reach])
    figure.add_scatter(x=ends, y=y + slope * (ends - x), mode="lines", line_color=TANGENT, hoverinfo="skip")
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers",
        marker={"color": TANGENT, "size": 10},
        hovertemplate=f"slope {brief(slope)}<extra></extra>",
    )


def _range(values: Array) -> list[float]:
    """The vertical range of the curve alone, so that a steep tangent does not flatten it."""
    margin = 0.08 * float(np.ptp(values) or 1.0)
    return [float(values.min()) - margin, float(values.max()) + margin]


def _laid_out(figure: go.Figure) -> go.Figure:
    figure.update_layout(height=330, margin={"l": 10, "r": 10, "t": 40, "b": 10}, showlegend=False)
    return figure
