"""Training runs drawn over their steps: losses, the norms of gradients, and what a check on the way says."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from mlp.lab.checks_on_the_way import Moment
from mlp.lab.training_run import EVALUATED, Run
from mlp.nn.arrays import Array
from mlp.report.figures.style import Panel, side_by_side
from mlp.report.tables.training import named

# The right gradient's run and the one with a bug: on every figure the same colours.
RIGHT, WRONG = "#0072B2", "#D55E00"
# Layers from the input to the output; more layers than colours start over.
LAYERS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
GRADIENT = "gradient "  # what the history's columns of norms begin with
LOGARITHMIC: dict[str, Any] = {"type": "log", "exponentformat": "power"}
BINS = 40
# What is shown of each Moment: its title, and whether on a logarithmic axis; the others are parts of a whole.
ON_THE_WAY = {
    "wrong": ("wrong entries", False),
    "undecided": ("entries that it cannot tell", False),
    "error_bar": ("median error bar", True),
    "kinked": ("steps that cross a kink", False),
    "flat": ("outputs where the slope is < 0.01", False),
    "dead": ("dead units", False),
}
MARGIN = {"l": 10, "r": 10, "t": 30, "b": 78}  # below: ticks, the axis title, the legend
# In a row at the foot of a figure, below its axis titles; where it needs two, it grows upwards.
LEGEND: dict[str, Any] = {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0}


class Line(NamedTuple):
    """A curve over the steps; a value that is not finite, or on a logarithmic axis not positive, is a gap."""

    name: str
    steps: Sequence[float]
    values: Sequence[float]
    color: str
    dash: str = "solid"
    is_named: bool = True


def losses(runs: Sequence[Run]) -> go.Figure:
    """Draw the loss of all training rows over the steps, and that of the test rows dotted, on one logarithmic axis."""
    lines, title = [], "loss"
    for name, run, color in _colored(runs):
        steps = _until_now(run, "step")
        lines.append(Line(name, steps, _until_now(run, "loss"), color))
        if "test loss" in run.history:
            title = "loss (dotted: test)"
            lines.append(Line(f"{name}, test", steps, _until_now(run, "test loss"), color, "dot", is_named=False))
    return _by_step({title: lines}, height=340)


def gradient_norms(runs: Sequence[Run]) -> go.Figure:
    """Draw the norm of each layer's gradients over the steps, on logarithmic axes that are the same for all runs."""
    panels = {
        name: [
            Line(
                column.removeprefix(GRADIENT), _until_now(run, "step"), _until_now(run, column), LAYERS[k % len(LAYERS)]
            )
            for k, column in enumerate(column for column in run.history if column.startswith(GRADIENT))
        ]
        for name, run in named(runs).items()
    }
    return _by_step(panels)


def _by_step(panels: Mapping[str, Sequence[Line]], height: int = 300) -> go.Figure:
    """Curves over the steps, a panel for each title, all on the same logarithmic axis; the legend has a name once."""
    seen: set[str] = set()
    drawn: list[Panel] = []
    for title, lines in panels.items():
        traces = [_curve(line, line.is_named and line.name not in seen) for line in lines]
        seen |= {line.name for line in lines}
        yaxis = {**LOGARITHMIC, "matches": "y", "showticklabels": False} if drawn else LOGARITHMIC
        drawn.append(Panel(title, traces, {"title": {"text": "step"}, "rangemode": "nonnegative"}, yaxis))
    return side_by_side(drawn, height=height, margin=MARGIN, legend=LEGEND)


def _curve(line: Line, is_named: bool, is_logarithmic: bool = True) -> dict[str, Any]:
    values = np.asarray(line.values, dtype=float)
    shown = np.isfinite(values) & ((values > 0) | (not is_logarithmic))
    return {
        "type": "scatter",
        "mode": "lines" if len(values) > 1 else "markers",
        "name": line.name,
        "legendgroup": line.name,
        "showlegend": is_named,
        "x": np.asarray(line.steps),
        "y": np.where(shown, values, np.nan),
        "line": {"color": line.color, "dash": line.dash, "width": 2},
        "hovertemplate": f"{line.name}<br>step %{{x}}: %{{y:.4g}}<extra></extra>",
    }


def checked_on_the_way(moments: Mapping[str, Sequence[Moment]]) -> list[go.Figure]:
    """Draw what the checks on the way say, a panel for each of ON_THE_WAY, in two figures.

    Args:
        moments: by what the run is called, the right one first.
    """
    panels: list[Panel] = []
    for column, (title, is_logarithmic) in ON_THE_WAY.items():
        lines = [
            Line(name, [moment.step for moment in taken], [getattr(moment, column) for moment in taken], color)
            for (name, taken), color in zip(moments.items(), (RIGHT, WRONG), strict=False)
        ]
        axis = LOGARITHMIC if is_logarithmic else {"tickformat": ".0%", "rangemode": "tozero"}
        traces = [_curve(line, not panels, is_logarithmic) for line in lines]
        panels.append(Panel(title, traces, {"title": {"text": "step"}, "rangemode": "nonnegative"}, axis))
    return [side_by_side(part, gap=0.09, height=260, margin=MARGIN, legend=LEGEND) for part in (panels[:3], panels[3:])]


def outputs(runs: Sequence[Run], layer: str) -> go.Figure:
    """Draw how often the units of a layer give which output for the training rows that are evaluated, in every run."""
    values = {name: _outputs(run, layer).ravel() for name, run in named(runs).items()}
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), BINS)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": edges,
            "y": np.pad(np.histogram(values[name], edges)[0], (0, 1), "edge"),
            "line": {"color": color, "shape": "hv", "width": 2},
            "hovertemplate": f"{name}<br>%{{y}} outputs from %{{x:.3g}}<extra></extra>",
        }
        for name, _, color in _colored(runs)
    ]
    axes = ({"title": {"text": f"output of {layer}"}}, {"title": {"text": "how often"}, "rangemode": "tozero"})
    return side_by_side([Panel("", traces, *axes)], height=260, margin={**MARGIN, "t": 10}, legend=LEGEND)


def _outputs(run: Run, layer: str) -> Array:
    """What a layer gives for the training rows that are evaluated."""
    y = run.data.x[:EVALUATED]
    for name, part in run.network.layers.items():
        y = part.apply(y)
        if name == layer:
            break
    return y


def _until_now(run: Run, column: str) -> list[float]:
    """A column of the history, with the present step at its end if that is not recorded."""
    values = run.history[column]
    return values if run.history["step"][-1] == run.step else [*values, run.measured()[column]]


def _colored(runs: Sequence[Run]) -> list[tuple[str, Run, str]]:
    return [(name, run, color) for (name, run), color in zip(named(runs).items(), (RIGHT, WRONG), strict=False)]
