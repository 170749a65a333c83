"""Error against step size: the figure with its guide lines, the table, and what it says about one's own eps."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mlp.differences.methods import METHODS, Method
from mlp.differences.sweep import Sweep
from mlp.nn.arrays import Array
from mlp.report.numbers import brief

# Colour and symbol of each method: told apart without colour too. More methods than colours start over.
LOOKS = (
    ("#E69F00", "triangle-up"),
    ("#56B4E9", "triangle-down"),
    ("#0072B2", "circle"),
    ("#009E73", "square"),
    ("#CC79A7", "diamond"),
    ("#D55E00", "x"),
)
GUIDE = "#888888"  # in the middle between a light and a dark page
# Errors below this share of the largest derivative are drawn at it: there is no zero on a logarithmic axis.
FLOOR = 1e-17
NEAR = 10.0  # an error up to ten times the smallest is near the optimum: a digit does not matter
TRUTHS = {"complex-step": " at 1e-20, which has no round-off to speak of"}
ERRORS = ("largest", "median")


def errors_by_step(result: Sweep, error: str, method: str, eps: float) -> go.Figure:
    """Draw one of ERRORS of every method against the step, on logarithmic axes.

    Of the chosen method the two slopes, the step that theory recommends and the measured best are marked, and eps.
    """
    floor = FLOOR * (float(np.max(np.abs(result.truth))) or 1.0)
    curves = {"largest": result.largest, "median": result.median}[error]
    traces = [_curve(result.steps, curves[name], name, name == method, floor) for name in curves]
    shapes, notes = _marks(eps, "your eps", "solid", 1.0)
    if method in curves:
        traces += _guides(result, curves[method], METHODS[method], floor)
        best = result.best(method)
        traces.append(_star(result.steps[best], max(curves[method][best], floor), "measured best"))
        if result.theory[method] >= result.steps[0]:
            more_shapes, more_notes = _marks(result.theory[method], "theory", "dot", 0.93)
            shapes, notes = shapes + more_shapes, notes + more_notes
    layout = {
        "xaxis": {"type": "log", "title": {"text": "eps"}, "exponentformat": "power", "dtick": 2},
        "yaxis": {
            "type": "log",
            "title": {"text": f"{error} |error|"},
            "exponentformat": "power",
            "range": _range(list(curves.values()), floor),
        },
        "height": 480,
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "shapes": shapes,
        "annotations": notes,
    }
    return go.Figure(traces, layout)


def verdict(result: Sweep, method: str, eps: float) -> str:
    """Say on which side of the best step eps lies for this method, and what would be best."""
    if method not in result.largest:
        return f"{method} does not apply here: the function takes no complex numbers."
    best, own = result.best(method), result.position(eps)
    errors = result.largest[method]
    if METHODS[method].is_complex:
        advice = "It subtracts nothing, so there is no step that is too small: take 1e-20."
    else:
        advice = f"Theory recommends about {brief(result.theory[method])}."
    measured = f"{brief(result.steps[best])} (largest error {brief(errors[best])})"
    if errors[own] <= NEAR * max(errors[best], FLOOR * float(np.max(np.abs(result.truth)))):
        return (
            f"eps = {brief(eps)} is **near the best** for {method}: the largest error is {brief(errors[own])}. "
            f"The best measured is {measured}. {advice}"
        )
    side, why = ("large", "truncation") if own > best else ("small", "round-off")
    factor = "" if not errors[best] else f", {brief(errors[own] / errors[best])} times as large as it could be"
    return (
        f"eps = {brief(eps)} is **too {side}** for {method}: {why} error dominates. The largest error is "
        f"{brief(errors[own])}{factor}. The best measured is {measured}. {advice}"
    )


def explanation(result: Sweep, size: int, method: str) -> str:
    """What is drawn, in words: how many entries, against which truth, and what the lines are."""
    count = result.truth.size
    entries = f"all {size:,} entries" if count == size else f"{count:,} of the {size:,} entries, evenly spread"
    return (
        f"Errors over {entries}, against {result.reference}{TRUTHS.get(result.reference, '')}. The thick curve is "
        f"{method}, the method of the sidebar; the grey lines are its two slopes. Errors below "
        f"{FLOOR:g} of the largest derivative, zero included, are drawn at that height."
    )


def table(result: Sweep, eps: float) -> pd.DataFrame:
    """One row for each method: its order, its error at eps, and its best steps by measurement and theory."""
    own = result.position(eps)
    rows = []
    for name, errors in result.largest.items():
        best = result.best(name)
        rows.append(
            {
                "method": name,
                "order": METHODS[name].order,
                f"error at {brief(eps)}": errors[own],
                "best eps": result.steps[best],
                "error there": errors[best],
                "eps by theory": result.theory[name],
            }
        )
    return pd.DataFrame(rows)


def all_steps(result: Sweep) -> pd.DataFrame:
    """One row for each method and step: eps, the largest and the median error."""
    tables = [
        pd.DataFrame({"method": name, "eps": result.steps, "largest": errors, "median": result.median[name]})
        for name, errors in result.largest.items()
    ]
    return pd.concat(tables, ignore_index=True)


def guide_constants(result: Sweep, errors: Array, method: Method) -> tuple[float, float]:
    """The constants C and R of the lines C eps^p and R / eps beside these errors; NaN where none is to be seen.

    Medians over the steps within three decades above and below the smallest error, without the decade next to it.
    """
    if not np.nanmax(errors):
        return np.nan, np.nan
    distance = np.log10(result.steps / result.steps[result.best(method.name)])
    with np.errstate(over="ignore", under="ignore"):
        truncation = (errors / result.steps**method.order)[(distance >= 0.9) & (distance <= 3)]
        round_off = (errors * result.steps)[distance <= -0.9]
    if method.is_complex:
        round_off = round_off[:0]
    return _median(truncation), _median(round_off)


def _median(values: Array) -> float:
    seen = values[np.isfinite(values) & (values > 0)]
    return float(np.median(seen)) if seen.size else np.nan


def _guides(result: Sweep, errors: Array, method: Method, floor: float) -> list[dict[str, Any]]:
    truncation, round_off = guide_constants(result, errors, method)
    p = method.order
    lines = ((truncation, p, f"truncation, slope {p}"), (round_off, -1, "round-off, slope -1"))
    return [_guide(result.steps, c, slope, name, floor) for c, slope, name in lines if np.isfinite(c)]


def _guide(steps: Array, constant: float, slope: int, name: str, floor: float) -> dict[str, Any]:
    heights = constant * steps**slope
    return {
        "type": "scatter",
        "mode": "lines",
        "x": steps,
        "y": np.where(heights >= floor, heights, np.nan),
        "name": name,
        "line": {"color": GUIDE, "dash": "dash" if slope > 0 else "dashdot", "width": 2},
        "hoverinfo": "skip",
    }


def _curve(steps: Array, errors: Array, name: str, is_chosen: bool, floor: float) -> dict[str, Any]:
    colour, symbol = LOOKS[list(METHODS).index(name) % len(LOOKS)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": steps,
        "y": np.maximum(errors, floor),
        "customdata": errors,
        "name": name,
        "line": {"color": colour, "width": 3.5 if is_chosen else 1.2},
        "marker": {"symbol": symbol, "size": 8 if is_chosen else 5},
        "hovertemplate": f"{name}<br>eps %{{x:.0e}}: %{{customdata:.3g}}<extra></extra>",
    }


def _star(step: float, error: float, name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [step],
        "y": [error],
        "name": name,
        "marker": {"symbol": "star", "size": 16, "color": "#D55E00", "line": {"width": 1, "color": "white"}},
        "hoverinfo": "skip",
    }


def _marks(eps: float, text: str, dash: str, height: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A vertical line at eps with its name."""
    line = {"type": "line", "x0": eps, "x1": eps, "y0": 0, "y1": 1, "yref": "paper"}
    note = {"x": np.log10(eps), "y": height, "yref": "paper", "text": text, "showarrow": False}
    side = {"xanchor": "left", "yanchor": "top"} if eps < 1e-3 else {"xanchor": "right", "yanchor": "top"}
    return [{**line, "line": {"color": GUIDE, "dash": dash, "width": 2}}], [{**note, **side}]


def _range(curves: list[Array], floor: float) -> list[float]:
    """The decimal logarithms at the bottom and the top of the axis: what was measured, guides or no guides."""
    heights = np.maximum(np.concatenate(curves), floor)
    return [float(np.log10(np.nanmin(heights))) - 0.5, float(np.log10(np.nanmax(heights))) + 0.7]
