"""Panels side by side in one figure, laid out in one go.

Plotly's own make_subplots and update methods validate and copy the whole layout at every call; for three panels that
takes longer than everything else a page does between a key press and its new figure.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

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
