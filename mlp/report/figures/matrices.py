"""How a matrix is drawn, large ones reduced; and several side by side on one diverging colour scale."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from mlp.nn.arrays import Array
from mlp.report.figures.style import DIVERGING, Panel, Scale, side_by_side, with_scales
from mlp.report.numbers import brief

MAX_DRAWN = 100  # rows and columns
# Cells with numbers in them: more columns would be narrower than their numbers, and more cells are no table to read.
MAX_LABELLED_CELLS = 150
MAX_LABELLED_COLUMNS = 12
# Of the markers that are clicked the browser draws one, and finds all of them.
INVISIBLE = {"size": 6, "opacity": 0, "maxdisplayed": 1}
FRAME = {"color": "#E69F00", "width": 3}
GAP = 0.08  # room for the names of rows on a phone too
TOP = 52  # pixels above maps: their titles, and above these the toolbar


class Drawn(NamedTuple):
    """A matrix as it is drawn.

    Attributes:
        values: at most MAX_DRAWN rows and columns.
        rows, columns: the first index of each drawn row and column, then the end of the last.
    """

    values: Array
    rows: Array
    columns: Array

    @property
    def is_reduced(self) -> bool:
        """Whether a drawn cell may stand for several entries."""
        return self.values.shape != (self.rows[-1], self.columns[-1])

    @property
    def block(self) -> tuple[int, int]:
        """The rows and columns of the largest block that one cell stands for."""
        return int(np.diff(self.rows).max()), int(np.diff(self.columns).max())

    @property
    def largest(self) -> str:
        """What the number of a drawn cell is, if not its only entry: else ""."""
        rows, columns = self.block
        return f"the largest of up to {rows} x {columns} entries" if self.is_reduced else ""

    def cell_of(self, row: int, column: int) -> tuple[int, int]:
        """The row and column of the drawn cell that an entry lies in."""
        return int(np.searchsorted(self.rows, row, "right")) - 1, int(
            np.searchsorted(self.columns, column, "right")
        ) - 1


def as_matrix(tensor: Array) -> Array:
    """A vector as a column, a number as one of a single row; a matrix as it is."""
    return tensor if tensor.ndim == 2 else tensor.reshape(-1, 1)


def drawn(tensor: Array) -> Drawn:
    """Cut the tensor into blocks and keep of each the entry of largest magnitude, with its sign; NaN wins over all."""
    matrix = as_matrix(tensor)
    rows, columns = (_edges(size) for size in matrix.shape)
    high, low = (
        extreme.reduceat(extreme.reduceat(matrix, rows[:-1], axis=0), columns[:-1], axis=1)
        for extreme in (np.maximum, np.minimum)
    )
    return Drawn(np.where(-low > high, low, high), rows, columns)


def entry_shown(tensor: Array, cell: tuple[int, int]) -> tuple[int, ...]:
    """The index of the entry that a drawn cell shows: where it stands for several, of the largest of them."""
    values, (row, column) = drawn(tensor), cell
    top, left = int(values.rows[row]), int(values.columns[column])
    block = as_matrix(tensor)[top : values.rows[row + 1], left : values.columns[column + 1]]
    i, j = np.unravel_index(np.argmax(np.abs(block)), block.shape)
    return (top + int(i), left + int(j))[: tensor.ndim]


def _edges(size: int) -> Array:
    return np.linspace(0, size, min(size, MAX_DRAWN) + 1).astype(int)


def tick_settings(edges: Array) -> dict[str, Any]:
    """Integer ticks; on a reduced axis each tells the entries that its cell stands for."""
    cells = len(edges) - 1
    if cells == edges[-1]:
        return {"dtick": max(1, int(np.ceil(cells / 12))), "tick0": 0}
    shown = np.linspace(0, cells - 1, 6).astype(int)
    return {"tickvals": shown, "ticktext": [_range(edges[k], edges[k + 1]) for k in shown]}


def column_ticks(tensor: Array, values: Drawn) -> dict[str, Any]:
    """The ticks of the columns; the only one of a vector has no number."""
    return tick_settings(values.columns) | ({"showticklabels": False} if tensor.ndim < 2 else {})


def _range(start: int, end: int) -> str:
    return f"{start}" if end == start + 1 else f"{start}-{end - 1}"


def numbers_in_cells(numbers: Array) -> dict[str, Any]:
    """The settings of a heatmap whose cells carry these numbers as text, with lines between them; none if too many."""
    if numbers.size > MAX_LABELLED_CELLS or numbers.shape[1] > MAX_LABELLED_COLUMNS:
        return {}
    text = [[brief(number) for number in row] for row in numbers]
    return {"text": text, "texttemplate": "%{text}", "xgap": 1, "ygap": 1}


class Matrix(NamedTuple):
    """A matrix with a title and, where integers will not do, the names of its rows and columns."""

    title: str
    values: Array
    rows: list[str] | None = None
    columns: list[str] | None = None


def clickable(figure: go.Figure, maps: Sequence[Drawn], framed: Mapping[int, tuple[int, ...]]) -> go.Figure:
    """Put something to click on each cell of the figure's maps, which by themselves have nothing.

    Args:
        figure: its traces are the heatmaps of these maps; it is changed.
        maps: what they show.
        framed: the index of the entry whose cell gets a frame, by the map's number.
    """
    for number, (cell, values) in enumerate(zip(list(figure.data), maps, strict=True)):
        rows, columns = np.indices(values.values.shape).reshape(2, -1)
        told = cell.z if cell.customdata is None else cell.customdata
        figure.add_trace(
            {"type": "scatter", "mode": "markers", "x": columns, "y": rows, "marker": INVISIBLE, "showlegend": False}
            | {
                "legendgroup": str(number),
                "customdata": told.reshape(len(rows), -1),
                "xaxis": cell.xaxis,
                "yaxis": cell.yaxis,
            }
            | {"hovertemplate": cell.hovertemplate.replace("%{z:", "%{customdata[0]:")}
        )
        cell.update(hovertemplate=None, hoverinfo="skip", customdata=None)  # the markers tell it
        axis = {name: f"{name}axis{getattr(cell, f'{name}axis')[1:]}" for name in "xy"}
        figure.layout[axis["x"]].range = [-0.5, columns.max() + 0.5]
        figure.layout[axis["y"]].update(range=[rows.max() + 0.5, -0.5], autorange=None)
        if number in framed:
            row, column = values.cell_of(*(*framed[number], 0, 0)[:2])
            frame = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5, "line": FRAME}
            figure.add_shape(**frame, xref=cell.xaxis, yref=cell.yaxis)
    return figure.update_layout(hoverdistance=-1)  # the middle of a wide cell may be far from its ends


def clickable_matrices(content: Sequence[Matrix], framed: Mapping[int, tuple[int, ...]] | None = None) -> go.Figure:
    """The `matrices`, of cells that can be clicked, with a frame around an entry of each by the matrix's number."""
    return clickable(matrices(content), [drawn(matrix.values) for matrix in content], framed or {})


def matrices(content: Sequence[Matrix]) -> go.Figure:
    """Draw the matrices, each as wide as it has columns; vectors as columns. Row 0 is on top."""
    largest = max(float(np.nanmax(np.abs(matrix.values), initial=0)) for matrix in content) or 1.0
    rows = max(as_matrix(matrix.values).shape[0] for matrix in content)
    figure = side_by_side(
        [_panel(matrix, content[0] if number else None) for number, matrix in enumerate(content)],
        gap=GAP,
        height=int(np.clip(34 * rows, 100, 420)) + TOP + 50,
        margin={"l": 10, "r": 10, "t": TOP, "b": 40},
        coloraxis={"colorscale": DIVERGING, "cmin": -largest, "cmax": largest, "showscale": False},
    )
    return with_scales(figure, [Scale("value", brief(-largest), brief(largest), DIVERGING)])


def _panel(matrix: Matrix, first: Matrix | None) -> Panel:
    """The panel of a matrix; where it has the rows of the first one, these are not named again."""
    values = drawn(matrix.values)
    same = first is not None and (len(first.values), first.rows) == (len(matrix.values), matrix.rows)
    where = values.largest or "row %{y}, column %{x}"
    heatmap = {
        "type": "heatmap",
        "z": values.values,
        "coloraxis": "coloraxis",
        "hovertemplate": f"{matrix.title}<br>{where}: %{{z:.9g}}<extra></extra>",
    }
    return Panel(
        matrix.title,
        [heatmap | numbers_in_cells(values.values)],
        _names(matrix.columns) or column_ticks(matrix.values, values),
        {**(_names(matrix.rows) or tick_settings(values.rows)), "autorange": "reversed", "showticklabels": not same},
        width=2 + min(values.values.shape[1], MAX_LABELLED_COLUMNS),
    )


def _names(names: list[str] | None) -> dict[str, object]:
    return {"tickvals": list(range(len(names))), "ticktext": names} if names else {}
