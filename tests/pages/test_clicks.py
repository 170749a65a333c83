"""What a click in a figure chooses: the entry whose cell, unit or edge it is, for each way in which pages ask."""

from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from mlp import check_gradients
from mlp.check.tensor import TensorCheck
from mlp.lab.experiment import Experiment
from mlp.report.figures.matrices import Matrix
from pages.ui import entries


@pytest.fixture
def clicked(monkeypatch):
    """Give a function that calls what a click on a point of the figure "map" calls, and returns the session's state."""

    def click(callback, **point):
        state = {"map": SimpleNamespace(selection=SimpleNamespace(points=[point] if point else []))}
        monkeypatch.setattr(st, "session_state", state)
        callback()
        return {key: value for key, value in state.items() if key != "map"}

    return click


# Cell in row 1, column 2 of the third map.
CELL = {"legendgroup": "2", "x": 2, "y": 1}


def test_a_cell_of_a_jacobian_chooses_the_output_of_its_row_and_the_input_of_its_column(clicked):
    options = {"output": ["f[0]", "f[1]", "f[2]"], "component": ["x[0]", "x[1]", "x[2]"]}
    assert clicked(entries.cell_chosen("map", options), **CELL) == {"output": "f[1]", "component": "x[2]"}
    assert clicked(entries.cell_chosen("map", options)) == {}


def test_a_cell_of_all_differences_chooses_its_tensor_and_asks_for_its_entry(clicked):
    report = check_gradients(*Experiment(sizes=(3, 4, 2), batch=2).problem())
    chosen = clicked(entries.tensor_asked("map", report, "look"), **CELL)
    assert chosen == {"look": "fc2.W", "number": "fc2.W[1,2]"}


@pytest.fixture
def drawn(monkeypatch):
    """What a click on the figure that was shown last calls."""
    callbacks = []
    monkeypatch.setattr(entries.widgets, "figure", lambda *given: callbacks.append(given[-1]))
    monkeypatch.setattr(entries.widgets, "reduced", lambda _: None)
    return callbacks


def test_a_cell_of_several_matrices_asks_for_its_entry_by_the_name_of_its_own(clicked, drawn):
    content = [(name, Matrix(name, np.zeros((3, 4)))) for name in ("x", "W", "b")]
    entries.matrices(content, None, "alt", "map", "jacobian", None)
    assert clicked(drawn[-1], **CELL) == {"jacobian": "b[1,2]"}


@pytest.mark.parametrize(("panel", "entry"), [("0", "b[0]"), ("2", "b[1]")])
def test_a_cell_for_two_entries_asks_for_the_one_that_its_own_map_shows(clicked, drawn, panel, entry):
    # Of 200 rows two share a cell: the first has the larger gradients, the second the larger difference.
    analytical, numerical = np.tile([2.0, 1.0], 100), np.tile([2.0, 0.5], 100)
    check = TensorCheck("b", analytical, numerical, *np.zeros((3, 200)), np.zeros(200, bool))
    entries.maps_of_asked(check, None, None, "map")
    assert clicked(drawn[-1], legendgroup=panel, x=0, y=0) == {"number": entry}


@pytest.mark.parametrize(
    ("point", "is_batch", "place"),
    [
        # Columns are x, fc1, fc2. An edge starts a third of the way from its column, and holds row and column of W.
        ({"x": 1 / 3, "customdata": {"0": 2, "1": 1, "2": 0.5}}, False, "fc1.W[2,1]"),
        ({"x": 4 / 3, "customdata": {"0": 0, "1": 3, "2": 0.5}}, False, "fc2.W[0,3]"),
        ({"x": 1, "point_index": 2}, False, "fc1.b[2]"),
        ({"x": 2, "point_index": 0}, True, "fc2.b[0]"),
        ({"x": 0, "point_index": 1}, False, "x[1]"),
        ({"x": 0, "point_index": 1}, True, "x[0,1]"),
    ],
)
def test_an_edge_asks_for_its_weight_and_a_unit_for_its_bias_or_its_input(clicked, point, is_batch, place):
    assert clicked(entries.part_asked("map", ("fc1", "fc2"), is_batch), **point) == {"number": place}
