"""Error against step size: the figure with its guide lines, the table, and what it says about one's own eps."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mlp.differences.methods import METHODS, Method
from mlp.differences.sweep import Sweep
from mlp.lab.settings_text import EPS_STEPS, format_eps
from mlp.nn.arrays import Array
from mlp.report.figures.style import GUIDE
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
# Errors below this share of the largest derivative are drawn at it: there is no zero on a logarithmic axis.
FLOOR = 1e-17
ROOM = 0.8  # decades above the bottom where guides end: room for their labels, which hang below
NEAR = 10.0  # an error up to ten times the smallest is near the optimum: a digit does not matter
TRUTHS = {"complex-step": " at 1e-20, which has no round-off to speak of"}
ERRORS = ("largest", "median")


def called(kind: str, count: int, size: int) -> str:
    """One of ERRORS as it may be called when `count` of `size` entries were moved: a sample's is not all entries'."""
    return kind if count == size else f"{kind} sampled"


def errors_by_step(result: Sweep, size: int, kind: str, method: str, eps: float) -> go.Figure:
    """Draw one of ERRORS of every method against the step, on logarithmic axes; size is the tensor's.

    Of the chosen method the two slopes, the step that theory recommends and the measured best are marked, and eps.
    """
    curves, floor = result.errors(kind), _floor(result)
    bottom, top = _range(list(curves.values()), floor)
    traces = [_curve(result.steps, errors, name, name == method, floor) for name, errors in curves.items()]
    marks, notes = [_mark(eps, "your eps", "solid", 1.0)], []
    if method in curves:
        best = result.best(kind, method)
        traces += [_star(result.steps[best], max(curves[method][best], floor))]
        marks += [_mark(result.theory[method], "theory", "dot", 0.94)] if not METHODS[method].is_complex else []
        guides = _guides(result, kind, METHODS[method], bottom)
        traces += [guide for guide, _ in guides]
        notes = [note for _, note in guides]
    layout = {
        "xaxis": {"type": "log", "title": {"text": "eps"}, "exponentformat": "power", "dtick": 2},
        "yaxis": {
            "type": "log",
            "title": {"text": f"{called(kind, result.truth.size, size)} |error|"},
            "exponentformat": "power",
            "range": [bottom, top],
        },
        "height": 500,
        "margin": {"l": 75, "r": 15, "t": 95, "b": 55, "autoexpand": False},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "entrywidth": 80, "font": {"size": 11}},
        "shapes": [line for line, _ in marks],
        "annotations": [note for _, note in marks] + notes,
    }
    return go.Figure(traces, layout)


def difference_by_step(numerical: Array, analytical: Array, eps: float) -> go.Figure:
    """Draw the largest difference of a tensor's two gradients against the step, small, with a mark at eps.

    Args:
        numerical: the numerical gradient at each of EPS_STEPS, shape (steps, *analytical.shape).
        analytical: what backward gives, whatever the step.
        eps: the step that is marked.
    """
    differences = np.abs(numerical - analytical).reshape(len(EPS_STEPS), -1).max(axis=1)
    line, note = _mark(eps, "your eps", "solid", 0.12)
    seen = np.where(differences > 0, differences, np.nan)  # there is no zero on a logarithmic axis
    curve = {
        "type": "scatter",
        "mode": "lines",
        "x": np.array(EPS_STEPS),
        "y": seen,
        "hovertemplate": "eps %{x:.0e}: %{y:.3g}<extra></extra>",
    }
    axis = {"type": "log", "exponentformat": "power"}
    top = max(1.0, float(np.log10(np.nanmax(seen, initial=1.0))) + 0.5)
    layout = {
        "xaxis": {**axis, "title": {"text": "eps"}, "dtick": 6, "tickangle": 0},
        "yaxis": {**axis, "title": {"text": "largest |difference|"}, "range": [-16, top], "dtick": 4},
        "height": 300,
        "margin": {"l": 62, "r": 10, "t": 15, "b": 50},
        "shapes": [line],
        "annotations": [note],
    }
    return go.Figure([curve], layout)


def verdict(result: Sweep, size: int, kind: str, method: str, eps: float, has_kinks: bool = False) -> str:
    """Say on which side of the best step eps lies for this method, and what would be best.

    Where there are kinks, a step that is too large may also have crossed one.
    """
    if method not in result.theory:
        return f"{method} does not apply here: the function takes no complex numbers."
    errors, best, own = result.errors(kind)[method], result.best(kind, method), result.position(eps)
    name, among = called(kind, result.truth.size, size), ""
    if METHODS[method].is_complex:
        advice = "It subtracts nothing, so no step is too small: take 1e-20."
    else:
        expects = (
            ", which reckons with more truncation than there is here,"
            if result.theory[method] < eps and own < best
            else ""
        )
        advice = f"Theory{expects} recommends about {brief(result.theory[method])}."
    measured = (
        f"The best measured is {format_eps(result.steps[best])}, with an error of {brief(errors[best])}. {advice}"
    )
    if name != kind:
        among = f" at {result.truth.size:,} sampled entries"
        measured += " Entries that were not sampled may be further off."
    if errors[own] <= NEAR * max(errors[best], _floor(result)):
        return (
            f"eps = {format_eps(eps)} is **near the best** for {method}{among}: the {name} error is "
            f"{brief(errors[own])}. {measured}"
        )
    side, why = ("large", "truncation") if own > best else ("small", "round-off")
    if own > best and has_kinks:
        why = "truncation, or a kink that it crosses,"
    factor = f", {brief(errors[own] / errors[best])} times what it could be" if errors[best] else ""
    return (
        f"eps = {format_eps(eps)} is **too {side}** for {method}{among}: {why} dominates. The {name} error is "
        f"{brief(errors[own])}{factor}. {measured}"
    )


def explanation(result: Sweep, size: int, method: str) -> str:
    """What is drawn, in words: how many entries, against which truth, and what the lines are."""
    count = result.truth.size
    over = f"over those {count:,} of the {size:,} entries with the largest gradients"
    if count == size:
        over = "of the only entry" if size == 1 else f"over all {size:,} entries"
    return (
        f"Errors {over}, against {result.reference}{TRUTHS.get(result.reference, '')}. The thick curve is "
        f"{method}, the method of the sidebar; the grey lines are its two slopes. Errors below "
        f"{FLOOR:g} of the largest derivative, zero included, are drawn at that height."
    )


def table(result: Sweep, kind: str, eps: float) -> pd.DataFrame:
    """One row for each method: its order, its error at eps, and its best steps by measurement and theory."""
    own = result.position(eps)
    rows = []
    for name, errors in result.errors(kind).items():
        best = result.best(kind, name)
        rows.append(
            {
                "method": name,
                "order": METHODS[name].order,
                f"error at {format_eps(eps)}": errors[own],
                "best eps": format_eps(result.steps[best]),
                "error there": errors[best],
                "eps by theory": result.theory[name],
            }
        )
    return pd.DataFrame(rows)


def all_steps(result: Sweep, size: int) -> pd.DataFrame:
    """One row for each method and step: eps, then each of ERRORS as it is `called` for a tensor of this size."""
    count = result.truth.size
    tables = [
        pd.DataFrame(
            {"method": name, "eps": result.steps}
            | {called(kind, count, size): result.errors(kind)[name] for kind in ERRORS}
        )
        for name in result.largest
    ]
    return pd.concat(tables, ignore_index=True)


def guide_constants(result: Sweep, kind: str, method: Method) -> tuple[float, float]:
    """The constants C and R of the lines C eps^p and R / eps beside a method's errors; NaN where none is to be seen.

    Medians over the steps from one decade to three decades above the best step, and over all from one decade below.
    """
    errors, best = result.errors(kind)[method.name], result.best(kind, method.name)
    decades = np.log10(result.steps / result.steps[best])
    truncation = (errors / result.steps**method.order)[(decades > 0.9) & (decades < 3.1)]
    round_off = (errors * result.steps)[decades < -0.9]
    return _median(truncation), np.nan if method.is_complex else _median(round_off)


def _floor(result: Sweep) -> float:
    return FLOOR * (float(np.max(np.abs(result.truth))) or 1.0)


def _median(values: Array) -> float:
    seen = values[np.isfinite(values) & (values > 0)]
    return float(np.median(seen)) if seen.size else np.nan


def _guides(result: Sweep, kind: str, method: Method, bottom: float) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The lines of both slopes, each with its label at the end that lies away from the curve."""
    truncation, round_off = guide_constants(result, kind, method)
    p = method.order
    lines = ((truncation, p, f"truncation, slope {p}", "left"), (round_off, -1, "round-off, slope -1", "right"))
    guides = []
    for constant, slope, name, end in lines:
        heights = constant * result.steps**slope
        visible = np.log10(heights) > bottom + ROOM  # nowhere if the constant is NaN
        if visible.any():
            guides.append(_guide(result.steps[visible], heights[visible], name, end))
    return guides


def _guide(steps: Array, heights: Array, name: str, end: str) -> tuple[dict[str, Any], dict[str, Any]]:
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": steps,
        "y": heights,
        "name": name,
        "showlegend": False,
        "line": {"color": GUIDE, "dash": "dash"},
        "hoverinfo": "skip",
    }
    at = 0 if end == "left" else -1
    place = {"x": np.log10(steps[at]), "y": np.log10(heights[at]), "xanchor": end, "yanchor": "top"}
    return line, {**place, "text": name, "showarrow": False}


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


def _star(step: float, error: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [step],
        "y": [error],
        "name": "measured best",
        "marker": {"symbol": "star", "size": 16, "color": "#F0E442", "line": {"width": 1.5, "color": "#444444"}},
        "hoverinfo": "skip",
    }


def _mark(eps: float, text: str, dash: str, height: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """A vertical line at eps, and its name on the side with more room."""
    line = {"type": "line", "x0": eps, "x1": eps, "y0": 0, "y1": 1, "yref": "paper"}
    note = {"x": np.log10(eps), "y": height, "yref": "paper", "yanchor": "top", "text": text, "showarrow": False}
    side = "left" if eps < 1e-3 else "right"
    return {**line, "line": {"color": GUIDE, "dash": dash}}, {**note, "xanchor": side}


def _range(curves: list[Array], floor: float) -> list[float]:
    """The decimal logarithms at the bottom and the top of the axis: what was measured, guides or no guides."""
    heights = np.maximum(np.concatenate(curves), floor)
    return [float(np.log10(np.nanmin(heights))) - 0.5, float(np.log10(np.nanmax(heights))) + 0.7]
