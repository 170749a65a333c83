"""What trained networks say of their data: decisions in the plane, the fit of a curve, or each row's prediction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mlp.lab.dataset import Dataset
from mlp.lab.training_run import Run
from mlp.nn.arrays import Array
from mlp.report.figures.matrices import Matrix, matrices
from mlp.report.figures.style import Panel, side_by_side
from mlp.report.figures.training import LEGEND, MARGIN, RIGHT, WRONG
from mlp.report.tables.training import counted_steps, named

# A class's colour and symbol: told apart without colour too. More classes than colours start over with other symbols.
CLASSES = (
    ("#56B4E9", "circle"),
    ("#E69F00", "diamond"),
    ("#009E73", "square"),
    ("#CC79A7", "triangle-up"),
    ("#F0E442", "cross"),
    ("#8c8c8c", "x"),
)
SAMPLES = "#8c8c8c"  # in the middle between a light and a dark page
CELLS = 60  # along each side of a map of decisions
SURE = 1.0  # the lead of the largest output from which on a cell has its class's full colour
HEIGHT = 340
MAX_ROWS = 500  # of the training rows, and of the test rows: more would cover what lies below them


def figure(runs: Sequence[Run]) -> go.Figure:
    """Draw what the networks of these runs, which have the same data, say of them."""
    data = runs[0].data
    if data.is_classification:
        return decisions(runs) if len(data.features) == 2 else confusion(runs)
    return fit(runs) if (len(data.features), len(data.outputs)) == (1, 1) else predicted(runs)


def drawn_note(run: Run) -> str | None:
    """A sentence that says how many rows are drawn, where that is not all of them."""
    data = run.data
    if len(data.x) <= MAX_ROWS and len(data.test_x) <= MAX_ROWS:
        return None
    counted = f"{len(data.x):,} training and {len(data.test_x):,} test rows"
    return f"Of {counted} at most {MAX_ROWS:,} each are drawn, the first ones in random order."


def alt_text(runs: Sequence[Run]) -> str:
    """The figure in words."""
    data = runs[0].data
    if data.is_classification:
        what = "Class decided everywhere in the plane" if len(data.features) == 2 else "Rows by class and decided class"
    else:
        what = "Fitted curve and samples" if len(data.features) == len(data.outputs) == 1 else "Prediction by target"
    return f"{what}, {data.name}, after {counted_steps(runs[0])}: {' beside '.join(named(runs))}"


def decisions(runs: Sequence[Run]) -> go.Figure:
    """Draw for each run which output is largest at every place of two features, the stronger the larger its lead.

    Training rows are filled, test rows hollow; the axes are in the units of the source.
    """
    data = runs[0].data
    places, axes = _plane(data)
    panels: list[Panel] = []
    for name, run in named(runs).items():
        outputs = run.network.apply(places)
        *_, second, first = np.sort(outputs, axis=1).T
        # Within a class from its palest colour to its full one, and never up to the next class's palest.
        z = outputs.argmax(axis=1) + 0.999 * np.clip((first - second) / SURE, 0, 1)
        surface = {
            "type": "heatmap",
            "x": axes[0],
            "y": axes[1],
            "z": z.reshape(CELLS, CELLS),
            "zmin": 0,
            "zmax": len(data.outputs),
            "colorscale": _scale(len(data.outputs)),
            "showscale": False,
            "hoverinfo": "skip",
        }
        yaxis = {"matches": "y", "showticklabels": False} if panels else {"title": {"text": data.features[1]}}
        samples = _samples(data, is_named=not panels)
        panels.append(Panel(name, [surface, *samples], {"title": {"text": data.features[0]}}, yaxis))
    return side_by_side(panels, height=HEIGHT, margin=MARGIN, legend=LEGEND)


def fit(runs: Sequence[Run]) -> go.Figure:
    """Draw the samples of one feature and one number, and every run's curve through them, in the source's units."""
    data = runs[0].data
    low, high = _train(data)[0].min(), _train(data)[0].max()
    x = np.linspace(low - 0.05 * (high - low), high + 0.05 * (high - low), 4 * CELLS)[:, None]
    traces = [
        _markers(name, data.x_scale.undo(rows)[:, 0], _in_units(data, targets)[:, 0], SAMPLES, symbol)
        for name, rows, targets, symbol in (
            ("samples", *_train(data), "circle"),
            ("samples, test", *_test(data), "circle-open"),
        )
        if len(rows)
    ]
    for (name, run), color in zip(named(runs).items(), (RIGHT, WRONG), strict=False):
        y = _in_units(data, run.network.apply(x))[:, 0]
        line = {"type": "scatter", "mode": "lines", "name": name, "line": {"color": color, "width": 3}}
        traces.append({**line, "x": data.x_scale.undo(x)[:, 0], "y": y, "hovertemplate": "%{x:.4g}: %{y:.4g}"})
    axes = ({"title": {"text": data.features[0]}}, {"title": {"text": data.outputs[0]}})
    return side_by_side([Panel("", traces, *axes)], height=HEIGHT, margin={**MARGIN, "t": 10}, legend=LEGEND)


def predicted(runs: Sequence[Run]) -> go.Figure:
    """Draw every output against its target, in the source's units; on the dotted line both are equal."""
    data = runs[0].data
    rows, targets = _train(data)
    targets = _in_units(data, targets)
    ends = np.array([targets.min(), targets.max()])
    panels: list[Panel] = []
    for name, run in named(runs).items():
        equal = {"type": "scatter", "mode": "lines", "x": ends, "y": ends, "hoverinfo": "skip", "showlegend": False}
        traces = [{**equal, "line": {"color": SAMPLES, "dash": "dot"}}]
        outputs = _in_units(data, run.network.apply(rows))
        for k, output in enumerate(data.outputs):
            traces.append(_markers(output, targets[:, k], outputs[:, k], *_look(k), is_named=not panels))
        yaxis = {"matches": "y", "showticklabels": False} if panels else {"title": {"text": "output"}}
        panels.append(Panel(name, traces, {"title": {"text": "target"}}, yaxis))
    return side_by_side(panels, height=HEIGHT, margin=MARGIN, legend=LEGEND)


def confusion(runs: Sequence[Run]) -> go.Figure:
    """Draw how many rows of each class, from top to bottom, the network took for which class, from left to right."""
    names = list(runs[0].data.outputs)
    return matrices([Matrix(name, _counts(run), names, names) for name, run in named(runs).items()])


def _counts(run: Run) -> Array:
    data = run.data
    rows, targets = (np.vstack(both) for both in zip(_train(data), _test(data), strict=True))
    counts = np.zeros((len(data.outputs), len(data.outputs)))
    np.add.at(counts, (targets.argmax(axis=1), run.network.apply(rows).argmax(axis=1)), 1)
    return counts


def _plane(data: Dataset) -> tuple[Array, tuple[Array, Array]]:
    """The places of a map, shape (CELLS^2, 2), standardised, and those along each axis in the source's units."""
    rows = np.vstack([_train(data)[0], _test(data)[0]])
    low, high = rows.min(axis=0), rows.max(axis=0)
    margin = 0.08 * (high - low)
    axes = np.linspace(low - margin, high + margin, CELLS)
    first, second = np.meshgrid(axes[:, 0], axes[:, 1])
    units = data.x_scale.undo(axes)
    return np.stack([first.ravel(), second.ravel()], axis=1), (units[:, 0], units[:, 1])


def _scale(classes: int) -> list[tuple[float, str]]:
    """For each class a stretch of the scale from nearly transparent, so that any page shines through, to its colour."""
    scale = []
    for k in range(classes):
        red, green, blue = (int(_look(k)[0][i : i + 2], 16) for i in (1, 3, 5))
        scale += [((k + end) / classes, f"rgba({red},{green},{blue},{alpha})") for end, alpha in ((0, 0.1), (1, 0.6))]
    return scale


def _samples(data: Dataset, is_named: bool) -> list[dict[str, Any]]:
    """The rows of each class: training rows filled, test rows hollow."""
    traces = []
    for end, mark, rows, targets in (("", "", *_train(data)), (", test", "-open", *_test(data))):
        points, labels = data.x_scale.undo(rows), targets.argmax(axis=1)
        for k, name in enumerate(data.outputs):
            color, symbol = _look(k)
            chosen = points[labels == k]
            if len(chosen):
                drawn = _markers(f"{name}{end}", chosen[:, 0], chosen[:, 1], color, f"{symbol}{mark}", is_named)
                traces.append(drawn)
    return traces


def _markers(
    name: str, x: Array, y: Array, color: str, symbol: str = "circle", is_named: bool = True
) -> dict[str, Any]:
    line = {"width": 2, "color": color} if symbol.endswith("-open") else {"width": 1, "color": "#333333"}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "showlegend": is_named,
        "x": x,
        "y": y,
        "marker": {"symbol": symbol, "color": color, "size": 7, "line": line},
        "hovertemplate": f"{name}<br>%{{x:.4g}}, %{{y:.4g}}<extra></extra>",
    }


def _train(data: Dataset) -> tuple[Array, Array]:
    """The training rows that are drawn, and their targets."""
    return data.x[:MAX_ROWS], data.target[:MAX_ROWS]


def _test(data: Dataset) -> tuple[Array, Array]:
    """The test rows that are drawn, and their targets."""
    return data.test_x[:MAX_ROWS], data.test_target[:MAX_ROWS]


def _look(k: int) -> tuple[str, str]:
    turn, place = divmod(k, len(CLASSES))
    return CLASSES[place][0], CLASSES[(place + turn) % len(CLASSES)][1]


def _in_units(data: Dataset, outputs: Array) -> Array:
    """Outputs or targets that are numbers in the units of the source."""
    return outputs if data.target_scale is None else data.target_scale.undo(outputs)
