"""One figure for analytical | numerical | difference of a tensor.

The two gradients share one diverging scale, symmetric about zero. The difference is drawn by its magnitude on a
logarithmic scale of its own, which spans float64's sixteen digits below the largest gradient: dark where the two agree
to the last digits, bright where they do not.
"""

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mlp.check.report import TensorCheck
from mlp.differences.networks import INPUT
from mlp.nn.arrays import Array
from mlp.report.numbers import brief
from mlp.report.reduce import Drawn, drawn

# Both scales keep their order for colour-blind eyes and in print.
DIVERGING = "RdBu_r"
SEQUENTIAL = "Viridis"
PANELS = ("analytical", "numerical", "difference")
DIGITS = 16
MAX_LABELLED_CELLS = 150
TOP, BOTTOM = 40, 110  # pixels above the maps for titles, below them for axis titles and colour bars
MAX_LABELLED_COLUMNS = 12


class Axes(NamedTuple):
    """What the rows and columns of a tensor are."""

    rows: str
    columns: str


def axes_of(check: TensorCheck) -> Axes:
    """What the axes of this tensor are: W has a row for each output, a batch has one for each sample."""
    if check.name == INPUT:
        return Axes("sample", "feature") if check.analytical.ndim > 1 else Axes("feature", "")
    return Axes("i, output", "j, input") if check.analytical.ndim > 1 else Axes("i, output", "")


def comparison(check: TensorCheck, panels: tuple[str, ...] = PANELS) -> go.Figure:
    """Draw these of the PANELS of a check side by side."""
    axes = axes_of(check)
    figure = make_subplots(
        cols=len(panels),
        subplot_titles=panels,
        shared_yaxes="all",
        horizontal_spacing=0.04,
    )
    hover = _hover_data(check)
    for column, panel in enumerate(panels, start=1):
        values = drawn(getattr(check, panel))
        figure.add_trace(_heatmap(check, panel, values, hover), row=1, col=column)
        figure.update_xaxes(**_ticks(values.columns), title=axes.columns, row=1, col=column)
        figure.update_yaxes(**_ticks(values.rows), autorange="reversed", row=1, col=column)
        if values.is_reduced:
            figure.update_yaxes(scaleanchor=f"x{column if column > 1 else ''}", constrain="domain", row=1, col=column)
            figure.update_xaxes(constrain="domain", row=1, col=column)
    figure.update_yaxes(title=axes.rows, row=1, col=1)
    height = _plot_height(check)
    figure.update_layout(
        height=height + TOP + BOTTOM,
        margin={"l": 10, "r": 10, "t": TOP, "b": BOTTOM},
        **_scales(check, panels, below=-0.6 * BOTTOM / height),
    )
    return figure


def reduction_note(check: TensorCheck) -> str | None:
    """A sentence that says what a drawn cell stands for, where it is more than one entry."""
    values = drawn(check.analytical)
    if not values.is_reduced:
        return None
    rows, columns = values.block
    return (
        f"{check.name} has {check.analytical.size:,} entries, too many to draw one by one: each cell stands for up to "
        f"{rows} x {columns} of them and shows the one of largest magnitude. Tables and downloads hold them all."
    )


def alt_text(check: TensorCheck) -> str:
    """The figure in words."""
    return (
        f"Heatmaps of the analytical and the numerical gradient of {check.name}, shape {check.analytical.shape}, and "
        f"of their difference, at most {brief(check.max_abs_difference)}"
    )


def _heatmap(check: TensorCheck, panel: str, values: Drawn, hover: Array) -> go.Heatmap:
    is_difference = panel == "difference"
    z = _logarithm(check, values.values) if is_difference else values.values
    labelled = z.size <= MAX_LABELLED_CELLS and z.shape[1] <= MAX_LABELLED_COLUMNS
    where = "%{y}, %{x}" if check.analytical.ndim > 1 else "%{y}"
    return go.Heatmap(
        z=z,
        coloraxis="coloraxis2" if is_difference else "coloraxis",
        customdata=hover,
        hovertemplate=(
            f"<b>{check.name}[{where}]</b><br>analytical %{{customdata[0]:.9g}}<br>numerical %{{customdata[1]:.9g}}"
            "<br>difference %{customdata[2]:.3g}<extra></extra>"
        ),
        text=[[brief(abs(v)) if is_difference else brief(v) for v in row] for row in values.values]
        if labelled
        else None,
        texttemplate="%{text}" if labelled else None,
        xgap=1 if labelled else 0,
        ygap=1 if labelled else 0,
    )


def _hover_data(check: TensorCheck) -> Array:
    return np.stack([drawn(getattr(check, panel)).values for panel in PANELS], axis=-1)


def _ticks(edges: Array) -> dict[str, Any]:
    """Integer ticks; on a reduced axis each tells the entries that its cell stands for."""
    cells = len(edges) - 1
    if cells == edges[-1]:
        return {"dtick": max(1, int(np.ceil(cells / 12))), "tick0": 0}
    shown = np.linspace(0, cells - 1, 6).astype(int)
    return {"tickvals": shown, "ticktext": [_range(edges[k], edges[k + 1]) for k in shown]}


def _range(start: int, end: int) -> str:
    return f"{start}" if end == start + 1 else f"{start}-{end - 1}"


def _span(check: TensorCheck) -> float:
    """The decimal logarithm at the top of the difference's scale: that of the largest gradient, rounded up."""
    largest = np.nanmax(np.abs([check.analytical, check.numerical]), initial=0)
    return float(np.ceil(np.log10(largest))) if 0 < largest < np.inf else 0.0


def _logarithm(check: TensorCheck, difference: Array) -> Array:
    bottom = _span(check) - DIGITS
    return np.log10(np.maximum(np.abs(difference), 10.0**bottom))


def _scales(check: TensorCheck, panels: tuple[str, ...], below: float) -> dict[str, Any]:
    top = _span(check)
    largest = np.nanmax(np.abs([check.analytical, check.numerical]), initial=0)
    limit = float(largest) if 0 < largest < np.inf else 1.0
    shared = [panel for panel in panels if panel != "difference"]
    return {
        "coloraxis": {
            "colorscale": DIVERGING,
            "cmin": -limit,
            "cmax": limit,
            "showscale": bool(shared),
            "colorbar": _colorbar(0, len(shared) / len(panels), below, "gradient"),
        },
        "coloraxis2": {
            "colorscale": SEQUENTIAL,
            "cmin": top - DIGITS,
            "cmax": top,
            "showscale": "difference" in panels,
            "colorbar": {
                **_colorbar(len(shared) / len(panels), 1, below, "|analytical - numerical|"),
                "tickprefix": "1e",
                "tickformat": "d",
            },
        },
    }


def _colorbar(start: float, end: float, y: float, title: str) -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": (start + end) / 2,
        "len": max(0.1, (end - start) * 0.85),
        "y": y,
        "ypad": 0,
        "yanchor": "top",
        "thickness": 10,
        "title": {"text": title, "side": "bottom"},
    }


def _plot_height(check: TensorCheck) -> int:
    """Pixels for the maps: enough for a line of text in each row, or about square cells where there are too many."""
    rows, columns = drawn(check.analytical).values.shape
    return int(np.clip(26 * rows, 90, 460 if columns <= MAX_LABELLED_COLUMNS else 300))
