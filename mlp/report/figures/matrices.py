"""Several matrices side by side on one diverging colour scale, with their rows and columns named."""

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from mlp.nn.arrays import Array
from mlp.report.figures.heatmaps import (
    DIVERGING,
    MAX_LABELLED_CELLS,
    MAX_LABELLED_COLUMNS,
    as_matrix,
    drawn,
    tick_settings,
    written,
)
from mlp.report.figures.style import Panel, Scale, side_by_side, with_scales
from mlp.report.numbers import brief


class Matrix(NamedTuple):
    """A matrix with a title and, where integers will not do, the names of its rows and columns."""

    title: str
    values: Array
    rows: list[str] | None = None
    columns: list[str] | None = None


def matrices(content: list[Matrix]) -> go.Figure:
    """Draw the matrices, each as wide as it has columns; vectors as columns. Row 0 is on top."""
    largest = max(float(np.nanmax(np.abs(matrix.values), initial=0)) for matrix in content) or 1.0
    rows = max(as_matrix(matrix.values).shape[0] for matrix in content)
    figure = side_by_side(
        [_panel(matrix) for matrix in content],
        height=int(np.clip(34 * rows, 100, 420)) + 90,
        margin={"l": 10, "r": 10, "t": 40, "b": 40},
        coloraxis={"colorscale": DIVERGING, "cmin": -largest, "cmax": largest, "showscale": False},
    )
    return with_scales(figure, [Scale("value", brief(-largest), brief(largest), DIVERGING)])


def _panel(matrix: Matrix) -> Panel:
    values = drawn(matrix.values)
    columns = values.values.shape[1]
    labelled = values.values.size <= MAX_LABELLED_CELLS and columns <= MAX_LABELLED_COLUMNS
    heatmap = {
        "type": "heatmap",
        "z": values.values,
        "coloraxis": "coloraxis",
        "hovertemplate": f"{matrix.title}<br>row %{{y}}, column %{{x}}: %{{z:.9g}}<extra></extra>",
    }
    return Panel(
        matrix.title,
        [heatmap | (written(values.values) if labelled else {})],
        _names(matrix.columns) or tick_settings(values.columns),
        {**(_names(matrix.rows) or tick_settings(values.rows)), "autorange": "reversed"},
        width=2 + min(columns, MAX_LABELLED_COLUMNS),
    )


def _names(names: list[str] | None) -> dict[str, object]:
    return {"tickvals": list(range(len(names))), "ticktext": names} if names else {}
