"""What is drawn once for all who have the same settings is what it would be if it were drawn for each of them."""

import json
import types

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from mlp.report.figures.style import Scale, with_scales
from pages.ui import drawn


@pytest.fixture(autouse=True)
def _nothing_kept():
    drawn._figure.clear()
    drawn._table.clear()
    drawn._text.clear()


made = []


def figure(height):
    made.append(height)
    return with_scales(go.Figure(go.Bar(y=[1.0, height])), [Scale("value", "0", "1", "RdBu_r")])


def table(height):
    made.append(height)
    return pd.DataFrame({"<name>": ["a & b"], "height": [height]})


def text(height):
    made.append(height)
    return f"height {height}"


def page(which, settings, height):
    import streamlit as st

    from pages.ui import drawn, widgets
    from tests.pages import test_drawn

    make = getattr(test_drawn, which)
    if settings is None:  # the same without keeping anything
        show = {
            "figure": lambda: widgets.figure(make(height), "alt", "key"),
            "table": lambda: widgets.table(make(height)),
            "text": lambda: st.html(make(height)),
        }
        show[which]()
    elif which == "figure":
        drawn.figure("alt", "key", settings, make, height)
    elif which == "table":
        drawn.table(settings, make, height)
    else:
        st.html(drawn.text(settings, make, height))


def shown(which, settings, height):
    app = AppTest.from_function(page, args=(which, settings, height)).run()
    assert not app.exception
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return charts, [element.proto.body for element in app.get("html")]


@pytest.mark.parametrize("which", ["figure", "table", "text"])
def test_it_is_what_it_would_be_without_being_kept(which):
    plain = shown(which, None, 2.0)
    assert shown(which, ("settings",), 2.0) == plain
    assert shown(which, ("settings",), 2.0) == plain  # and from memory


@pytest.mark.parametrize("which", ["figure", "table", "text"])
def test_it_is_made_once_for_the_same_settings_and_anew_for_others(which):
    made.clear()
    first = shown(which, ("settings", 1), 2.0)
    shown(which, ("settings", 1), 2.0)
    assert made == [2.0]
    other = shown(which, ("settings", 2), 3.0)
    assert made == [2.0, 3.0]
    assert other != first


def test_numbers_that_differ_in_their_last_bit_or_their_shape_are_other_settings():
    x = np.array([[0.1, 0.2]])
    others = x.copy(), np.nextafter(x, 1), x.T, x.astype(np.float32)
    assert [drawn.numbers(other) == drawn.numbers(x) for other in others] == [True, False, False, False]


def test_names_in_a_table_are_no_html():
    _, [body] = shown("table", ("names",), 0.123456)
    assert "<th>&lt;name&gt;</th>" in body
    assert "<td>a &amp; b</td><td>0.1235</td>" in body


def test_what_is_made_by_another_function_is_another_thing_though_the_settings_are_the_same():
    keys = [drawn._Asked(("settings",), make, (1.0,)).key() for make in (figure, table, text, json.dumps, json.loads)]
    assert len(set(keys)) == 5
    other = types.FunctionType(table.__code__, {"__name__": "elsewhere"}, "table")
    other.__qualname__ = table.__qualname__
    assert drawn._Asked(("settings",), other, ()).key() != drawn._Asked(("settings",), table, ()).key()
