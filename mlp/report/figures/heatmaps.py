"""One figure for analytical | numerical | difference of a tensor.

The two gradients share one diverging scale, symmetric about zero. The difference is drawn by its magnitude on a
logarithmic scale of its own, which spans float64's sixteen digits below the largest gradient: dark where the two agree
to the last digits, bright where they do not.
"""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from mlp.check.entries import AXES
from mlp.check.evaluation_point import Index
from mlp.check.tensor import TensorCheck
from mlp.nn.arrays import Array
from mlp.nn.problem import INPUT
from mlp.report.figures.matrices import (
    MAX_LABELLED_COLUMNS,
    TOP,
    Drawn,
    clickable,
    column_ticks,
    drawn,
    entry_shown,
    numbers_in_cells,
    tick_settings,
)
from mlp.report.figures.style import DIVERGING, Panel, Scale, side_by_side, with_scales
from mlp.report.numbers import brief, entry

SEQUENTIAL = "Viridis"
PANELS = ("analytical", "numerical", "difference")
# What the third panel can show instead: the difference in units of its error bar, with a break in its colours at 1.
RATIO = "difference / error bar"
RATIO_SCALE = [(0, "#440154"), (0.5, "#31688e"), (0.5, "#E69F00"), (1, "#D55E00")]
RATIO_DECADES = 3
WIDEST = 8  # columns that a small multiple is drawn wider for
DIGITS = 16
BOTTOM = 50  # pixels below the maps for ticks and axis titles


class Axes(NamedTuple):
    """What the rows and columns of a tensor are."""

    rows: str
    columns: str


def sliced(check: TensorCheck, leading: Index) -> TensorCheck:
    """The matrix of a check of more than two axes that stands at these indices of all axes but the last two."""
    arrays = ("analytical", "numerical", "truncation", "roundoff", "rounding", "inactive")
    matrices = {name: np.asarray(getattr(check, name))[leading] for name in arrays}
    kinks = tuple(
        replace(kink, index=kink.index[len(leading) :]) for kink in check.kinks if kink.index[: len(leading)] == leading
    )
    return replace(check, name=entry(check.name, leading), kinks=kinks, **matrices)


def counted_axes(check: TensorCheck) -> Axes:
    """The axes by the names that their indices have in tables, where nobody knows what they mean."""
    names = AXES[: check.analytical.ndim][-2:]
    return Axes(names[:1], names[1:])


def slices(check: TensorCheck) -> list[Index]:
    """The indices of all axes but the last two, one after another; a single empty one if there are no more."""
    return list(np.ndindex(check.analytical.shape[:-2]))


def axes_of(check: TensorCheck) -> Axes:
    """What the axes of this tensor are: W has a row for each output, a batch has one for each sample."""
    if check.name == INPUT:
        return Axes("sample", "feature") if check.analytical.ndim > 1 else Axes("feature", "")
    return Axes("i, output", "j, input") if check.analytical.ndim > 1 else Axes("i, output", "")


def comparison(
    check: TensorCheck,
    panels: tuple[str, ...] = PANELS,
    axes: Axes | None = None,
    names: tuple[str, str] = ("analytical", "numerical"),
) -> go.Figure:
    """Draw these of the PANELS of a check side by side.

    Args:
        check: of a vector or matrix.
        panels: which of the PANELS.
        axes: what the rows and columns are, if the check's name does not tell.
        names: what the two gradients are called.
    """
    axes, titles = axes or axes_of(check), dict(zip(PANELS, (*names, "difference"), strict=True))
    figure = side_by_side(
        [_panel(check, panel, axes, titles, number=k) for k, panel in enumerate(panels, start=1)],
        height=_plot_height(check) + TOP + BOTTOM,
        margin={"l": 64, "r": 10, "t": TOP, "b": BOTTOM, "autoexpand": False},
        **_axes_of_color(check),
    )
    return with_scales(figure, _scales(check, panels))


def differences(report: Mapping[str, TensorCheck]) -> go.Figure:
    """The differences of all tensors side by side, each as a share of its own largest gradient, on one scale.

    Their cells can be clicked.
    """
    panels = []
    for check in report.values():
        values = drawn(np.abs(check.difference) / _limit(check))
        cell = {
            "type": "heatmap",
            "z": _logarithm(values.values, bottom=-DIGITS),
            "coloraxis": "coloraxis",
            "customdata": values.values[..., np.newaxis],
            "hovertemplate": (
                f"<b>{check.name}{_where(check, values)}</b><br>%{{customdata[0]:.2g}} of the largest<extra></extra>"
            ),
        }
        axis = {"showticklabels": False, "ticks": ""}
        width = 2 + min(values.values.shape[1], WIDEST)
        panels.append(Panel(check.name, [cell], axis, {**axis, "autorange": "reversed"}, width))
    figure = side_by_side(
        panels,
        gap=0.02,
        height=TOP + 120,
        margin={"l": 10, "r": 10, "t": TOP, "b": 10},
        coloraxis={"colorscale": SEQUENTIAL, "cmin": -DIGITS, "cmax": 0, "showscale": False},
    )
    with_scales(figure, [Scale("|difference| / largest gradient", f"1e-{DIGITS}", "1", SEQUENTIAL)])
    return clickable(figure, [drawn(check.difference) for check in report.values()], {})


def marked(
    check: TensorCheck,
    panels: tuple[str, ...] = PANELS,
    index: Index | None = None,
    axes: Axes | None = None,
    names: tuple[str, str] = ("analytical", "numerical"),
) -> go.Figure:
    """The `comparison` of cells that can be clicked, with a frame around one entry if it is given."""
    framed = {} if index is None else dict.fromkeys(range(len(panels)), index)
    return clickable(comparison(check, panels, axes, names), [drawn(check.analytical)] * len(panels), framed)


def entry_at(check: TensorCheck, panel: str, cell: tuple[int, int]) -> Index:
    """The index of the entry that a drawn cell of this panel shows."""
    return entry_shown(_values(check, panel), cell)


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


def alt_text(check: TensorCheck, names: tuple[str, str] = ("analytical", "numerical")) -> str:
    """The figure in words; `names` as in `comparison`."""
    return (
        f"Heatmaps of two gradients of {check.name}, {names[0]} and {names[1]}, shape {check.analytical.shape}, and of "
        f"their difference, at most {brief(check.max_abs_difference)}"
    )


def _panel(check: TensorCheck, panel: str, axes: Axes, titles: dict[str, str], number: int) -> Panel:
    is_first = number == 1
    values = drawn(_values(check, panel))
    xaxis = {**column_ticks(check.analytical, values), "title": {"text": axes.columns}}
    yaxis = {**tick_settings(values.rows), "autorange": "reversed"}
    if is_first:
        yaxis["title"] = {"text": axes.rows}
    else:
        yaxis |= {"matches": "y", "showticklabels": False}
    if values.is_reduced:
        xaxis["constrain"] = "domain"
        yaxis |= {"scaleanchor": f"x{'' if is_first else number}", "constrain": "domain"}
    title = titles.get(panel, panel)
    if np.all(np.isnan(values.values)):
        title += ": no number"  # an empty map alone could be taken for one that did not load
    return Panel(title, [_heatmap(check, panel, values, titles)], xaxis, yaxis)


def _values(check: TensorCheck, panel: str) -> Array:
    return check.ratio if panel == RATIO else getattr(check, panel)


def _heatmap(check: TensorCheck, panel: str, values: Drawn, titles: dict[str, str]) -> dict[str, Any]:
    z, axis = values.values, "coloraxis"
    if panel == "difference":
        z, axis = _logarithm(values.values, bottom=_span(check) - DIGITS), "coloraxis2"
    elif panel == RATIO:
        z, axis = np.minimum(_logarithm(values.values, bottom=-RATIO_DECADES), RATIO_DECADES), "coloraxis3"
    heatmap = {
        "type": "heatmap",
        "z": z,
        "coloraxis": axis,
        "customdata": _hover_data(check),
        "hovertemplate": (
            f"<b>{escape(check.name)}{_where(check, values)}</b><br>{titles['analytical']} %{{customdata[0]:.9g}}"
            f"<br>{titles['numerical']} %{{customdata[1]:.9g}}<br>difference %{{customdata[2]:.3g}}"
            "<br>difference / error bar %{customdata[3]:.3g}<extra></extra>"
        ),
    }
    return heatmap | numbers_in_cells(values.values if axis == "coloraxis" else np.abs(values.values))


def _where(check: TensorCheck, values: Drawn) -> str:
    """What follows the tensor's name in a hover text: the index, or what a cell that has none stands for."""
    if values.is_reduced:
        return f", {values.largest}"
    return "[%{y}, %{x}]" if check.analytical.ndim > 1 else "[%{y}]"


def _hover_data(check: TensorCheck) -> Array:
    return np.stack([drawn(_values(check, panel)).values for panel in (*PANELS, RATIO)], axis=-1)


def _span(check: TensorCheck) -> float:
    """The decimal logarithm at the top of the difference's scale: that of the largest gradient, rounded up."""
    return float(np.ceil(np.log10(_limit(check))))


def _logarithm(values: Array, bottom: float) -> Array:
    return np.log10(np.maximum(np.abs(values), 10.0**bottom))


def _limit(check: TensorCheck) -> float:
    """The end of the gradients' scale: their largest magnitude."""
    largest = np.nanmax(np.abs([check.analytical, check.numerical]), initial=0)
    return float(largest) if 0 < largest < np.inf else 1.0


def _axes_of_color(check: TensorCheck) -> dict[str, Any]:
    limit, top = _limit(check), _span(check)
    axes = (
        (DIVERGING, -limit, limit),
        (SEQUENTIAL, top - DIGITS, top),
        (RATIO_SCALE, -RATIO_DECADES, RATIO_DECADES),
    )
    return {
        f"coloraxis{number}": {"colorscale": scale, "cmin": low, "cmax": high, "showscale": False}
        for number, (scale, low, high) in zip(("", "2", "3"), axes, strict=True)
    }


def _scales(check: TensorCheck, panels: tuple[str, ...]) -> list[Scale]:
    """The scales that these panels need."""
    limit, top = _limit(check), int(_span(check))
    ratios = [color for _, color in RATIO_SCALE]
    # A gradient with a break: the two colours in the middle stand at the same place.
    broken = (ratios[0], f"{ratios[1]} 50%", f"{ratios[2]} 50%", ratios[3])
    scales = []
    if set(panels) - {"difference", RATIO}:
        scales.append(Scale("gradient", brief(-limit), brief(limit), DIVERGING))
    if "difference" in panels:
        scales.append(Scale("|difference|", f"1e{top - DIGITS}", f"1e{top}", SEQUENTIAL))
    if RATIO in panels:
        scales.append(Scale("|difference| / error bar, wrong above 1", "1e-3", "1e3", broken))
    return scales


def _plot_height(check: TensorCheck) -> int:
    """Pixels for the maps: enough for a line of text in each row, or about square cells where there are too many."""
    rows, columns = drawn(check.analytical).values.shape
    return int(np.clip(26 * rows, 90, 460 if columns <= MAX_LABELLED_COLUMNS else 300))
