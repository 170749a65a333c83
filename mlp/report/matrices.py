"""Several matrices side by side on one diverging colour scale, with their rows and columns named."""

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mlp.nn.arrays import Array
from mlp.report.heatmaps import DIVERGING, MAX_LABELLED_CELLS, MAX_LABELLED_COLUMNS, tick_settings
from mlp.report.numbers import brief
from mlp.report.reduce import as_matrix, drawn


class Matrix(NamedTuple):
    """A matrix with a title and, where integers will not do, the names of its rows and columns."""

    title: str
    values: Array
    rows: list[str] | None = None
    columns: list[str] | None = None


def matrices(content: list[Matrix]) -> go.Figure:
    """Draw the matrices, each as wide as it has columns; vectors as columns. Row 0 is on top."""
    shapes = [as_matrix(matrix.values).shape for matrix in content]
    figure = make_subplots(
        cols=len(content),
        subplot_titles=[matrix.title for matrix in content],
        column_widths=[2 + min(columns, MAX_LABELLED_COLUMNS) for _, columns in shapes],
        horizontal_spacing=0.06,
    )
    for column, matrix in enumerate(content, start=1):
        values = drawn(matrix.values)
        figure.add_trace(_heatmap(matrix, values.values), row=1, col=column)
        figure.update_xaxes(**_names(matrix.columns) or tick_settings(values.columns), row=1, col=column)
        figure.update_yaxes(
            **_names(matrix.rows) or tick_settings(values.rows), autorange="reversed", row=1, col=column
        )
    largest = max(float(np.nanmax(np.abs(matrix.values), initial=0)) for matrix in content) or 1.0
    figure.update_layout(
        height=int(np.clip(34 * max(rows for rows, _ in shapes), 100, 420)) + 90,
        margin={"l": 10, "r": 10, "t": 40, "b": 40},
        coloraxis={"colorscale": DIVERGING, "cmin": -largest, "cmax": largest, "colorbar": {"thickness": 10}},
    )
    return figure


def _heatmap(matrix: Matrix, values: Array) -> go.Heatmap:
    labelled = values.size <= MAX_LABELLED_CELLS and values.shape[1] <= MAX_LABELLED_COLUMNS
    return go.Heatmap(
        z=values,
        coloraxis="coloraxis",
        hovertemplate=f"{matrix.title}<br>row %{{y}}, column %{{x}}: %{{z:.9g}}<extra></extra>",
        text=[[brief(value) for value in row] for row in values] if labelled else None,
        texttemplate="%{text}" if labelled else None,
        xgap=1 if labelled else 0,
        ygap=1 if labelled else 0,
    )


def _names(names: list[str] | None) -> dict[str, object]:
    return {"tickvals": list(range(len(names))), "ticktext": names} if names else {}
