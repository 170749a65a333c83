"""The steps of a forward and a backward pass in words, formulas and figures."""

from collections.abc import Iterable

import numpy as np
import plotly.graph_objects as go

from mlp.check.jacobians import Flow
from mlp.nn.arrays import Array
from mlp.nn.layers import Activation, Linear
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential
from mlp.nn.trace import LOSS, Step
from mlp.report.figures.style import Panel, side_by_side
from mlp.report.numbers import brief

FORWARD = "#0072B2"
BACKWARD = "#D55E00"
MAX_WRITTEN = 4  # vectors longer than this are written with dots in the middle


def title(step: Step) -> str:
    """What happens, in a line."""
    return f"{step.direction.capitalize()} through {step.name}"


def formula(step: Step, network: Sequential, loss: Loss) -> str:
    """The rule of this step in LaTeX, with its present values put in."""
    if step.name == LOSS:
        rule = loss.formula if step.direction == "forward" else loss.gradient_formula
        return rf"{rule} = {_written(step.result)}"
    layer = network.layers[step.name]
    if isinstance(layer, Linear):
        return _linear(step)
    assert isinstance(layer, Activation), "dense networks are made of linear layers and activations"
    if step.direction == "forward":
        return rf"y_i = f(x_i), \quad f(x) = {layer.formula} \\ y = {_written(step.result)}"
    return rf"dx_i = f'(x_i)\, dy_i, \quad f'(x) = {layer.derivative_formula} \\ dx = {_written(step.result)}"


def code(step: Step, network: Sequential) -> str:
    """The step as a line of numpy in Markdown, the same for one sample and for a batch but for the parameters' sums."""
    if step.name == LOSS:
        return "`c = loss.forward(y, t)`" if step.direction == "forward" else "`dy = loss.backward()`"
    if not isinstance(network.layers[step.name], Linear):
        return "`y = f(x)`" if step.direction == "forward" else "`dx = df(x) * dy`"
    if step.direction == "forward":
        return "`y = x @ W.T + b`"
    parameters = (
        "`dW = dy.T @ x`, `db = dy.sum(axis=0)`" if step.given.ndim == 2 else "`dW = np.outer(dy, x)`, `db = dy`"
    )
    return f"`dx = dy @ W`, {parameters}"


def shapes(step: Step) -> str:
    """The shapes of everything that takes part."""
    return ", ".join(f"{name} {array.shape}" for name, array in _parts(step).items())


def arrays(step: Step) -> dict[str, Array]:
    """Everything that takes part but single numbers, by its name."""
    return {name: array for name, array in _parts(step).items() if array.ndim}


def _parts(step: Step) -> dict[str, Array]:
    """What comes in, what goes out, and the gradients of the parameters."""
    given, result = ("x", "y") if step.direction == "forward" else ("dy", "dx")
    if step.name == LOSS:
        given, result = ("y", "c") if step.direction == "forward" else ("1", "dy")
    return {given: step.given, result: step.result, **{f"d{name}": array for name, array in step.gradients.items()}}


def gradient_norms(steps: list[Step]) -> dict[str, float]:
    """The Euclidean norm of the gradient at the output, then of the dx that each layer hands back, last layer first."""
    return {
        "output" if step.name == LOSS else step.name: float(np.linalg.norm(step.result))
        for step in steps
        if step.direction == "backward"
    }


def flow_figure(norms: dict[str, float], flow: Flow) -> go.Figure:
    """The gradient's norm on its way back, and the singular values of each layer's Jacobian, on logarithmic axes."""
    way = {
        "type": "scatter",
        "x": list(norms),
        "y": _drawable(norms.values()),
        "mode": "lines+markers",
        "line": {"color": BACKWARD},
        "hovertemplate": "%{x}: %{y:.4g}<extra></extra>",
    }
    spectra = [
        {
            "type": "scatter",
            "x": [name] * len(values),
            "y": _drawable(values),
            "mode": "markers",
            "marker": {"color": FORWARD, "opacity": 0.7},
            "hovertemplate": f"{name}: %{{y:.4g}}<extra></extra>",
        }
        for name, values in flow.singular_values.items()
    ]
    yaxis = {"type": "log", "exponentformat": "power"}
    return side_by_side(
        [
            Panel("norm of the gradient<br>on its way back", [way], {}, yaxis),
            Panel("singular values<br>of each layer's Jacobian", spectra, {}, yaxis),
        ],
        gap=0.12,
        height=380,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        showlegend=False,
    )


def _drawable(values: Iterable[float]) -> list[float | None]:
    """Zero has no place on a logarithmic axis; it becomes a gap."""
    return [value or None for value in values]


def _linear(step: Step) -> str:
    """For one sample the vectors as the exercise has them; of a batch each row is a sample, and the loss's is a sum."""
    is_batch = step.given.ndim == 2
    if step.direction == "forward":
        rule = "x W^T + b" if is_batch else "W x + b"
        return rf"y = {rule} = {_written(step.result)}"
    parameters = r"dW = dy^T x \qquad db = \sum_n dy_n" if is_batch else r"dW_{ij} = dy_i\, x_j \qquad db = dy"
    return rf"dx = dy\, W = {_written(step.result)} \qquad {parameters}"


def _written(values: Array) -> str:
    """A number, or a vector with its first and last numbers; of a batch the first sample."""
    if values.ndim == 0:
        return brief(float(values))
    sample = values if values.ndim == 1 else values[0]
    numbers = [brief(value) for value in sample]
    if len(numbers) > MAX_WRITTEN:
        numbers = [*numbers[: MAX_WRITTEN - 1], r"\dots", numbers[-1]]
    dots = r",\ \dots" if values.ndim == 2 else ""
    return "[" + r",\ ".join(numbers) + "]" + dots
