"""The colour scales of a figure as strips of HTML below it.

Plotly's own colour bars make the browser lay the whole figure out twice, and on a narrow page their labels collide.
"""

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure
from plotly.colors import sample_colorscale

STOPS = 12
LARGE = 17  # pixels, where a figure is projected
# It keeps its order for colour-blind eyes and in print.
DIVERGING = "RdBu_r"
GUIDE = "#888888"  # of lines that only point, in the middle between a light and a dark page


class Scale(NamedTuple):
    """A colour scale: what it shows, the labels of its two ends, and its colours by name or as hex codes."""

    title: str
    low: str
    high: str
    colors: str | tuple[str, ...]


def with_scales(figure: go.Figure, scales: Sequence[Scale]) -> go.Figure:
    """Attach the scales to the figure, whose own colour bars are off; `scales_html` finds them there."""
    figure.layout.meta = {"scales": [scale._asdict() for scale in scales]}
    return figure


def scales_html(figure: go.Figure) -> str | None:
    """The figure's scales as HTML, or None if it has none."""
    meta = figure.layout.meta
    if not meta:
        return None
    strips = "".join(_strip(Scale(**scale)) for scale in meta["scales"])
    return f'<div style="display: flex; flex-wrap: wrap; gap: 0.3rem 2rem; font-size: 0.875rem">{strips}</div>'


def _strip(scale: Scale) -> str:
    colors = ", ".join(_colors(scale.colors) if isinstance(scale.colors, str) else scale.colors)
    bar = f"display: inline-block; width: 7rem; height: 0.7rem; background: linear-gradient(to right, {colors})"
    return (
        f'<span style="white-space: nowrap">{escape(scale.title)}: {escape(scale.low)} <span style="{bar}"></span> '
        f"{escape(scale.high)}</span>"
    )


def enlarged(figure: BaseFigure) -> go.Figure:
    """The figure with text that can be read from the back of a room; numbers in cells grow with their cells."""
    large = go.Figure(figure.to_dict())
    axis = {"tickfont_size": LARGE, "title_font_size": LARGE}
    for part in (large.layout, large.layout.margin):  # where a margin is fixed, the larger ticks need more of it
        key = "height" if part is large.layout else "b"
        if large.layout.margin.autoexpand is False:
            part[key] += LARGE
    return (
        large.update_layout(font_size=LARGE)
        .update_xaxes(**axis)
        .update_yaxes(**axis)
        .update_annotations(font_size=LARGE + 2)
    )


@cache
def _colors(name: str) -> tuple[str, ...]:
    return tuple(sample_colorscale(name, STOPS))


GAP = 0.05


class Panel(NamedTuple):
    """One panel: its title, its traces, its axes' settings, and its width relative to the others."""

    title: str
    traces: Sequence[dict[str, Any]]
    xaxis: dict[str, Any]
    yaxis: dict[str, Any]
    width: float = 1.0


def side_by_side(panels: Sequence[Panel], gap: float = GAP, **layout: object) -> go.Figure:
    """Make the figure: panels from left to right with a gap between them (a share of the figure's width)."""
    unit = (1 - gap * (len(panels) - 1)) / sum(panel.width for panel in panels)
    data, axes, titles, start = [], {}, [], 0.0
    for k, panel in enumerate(panels, start=1):
        number = "" if k == 1 else str(k)
        end = min(1.0, start + unit * panel.width)
        data += [{**trace, "xaxis": f"x{number}", "yaxis": f"y{number}"} for trace in panel.traces]
        axes[f"xaxis{number}"] = {"domain": [start, end], "anchor": f"y{number}", **panel.xaxis}
        axes[f"yaxis{number}"] = {"anchor": f"x{number}", **panel.yaxis}
        titles.append(_title(panel.title, (start + end) / 2))
        start = end + gap
    return go.Figure(data, {**axes, "annotations": titles, **layout})


def _title(text: str, middle: float) -> dict[str, Any]:
    return {
        "text": text,
        "x": middle,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "center",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 15},
    }
