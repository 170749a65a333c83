"""The numbers behind the charts and tables that a page shows."""

import base64
import json
import re
from html import unescape

import numpy as np
import pandas as pd


def arrays(app, chart):
    """The z of each heatmap in the page's chart of this number."""
    figure = json.loads(app.get("plotly_chart")[chart].proto.spec)
    return [_decoded(trace["z"]) for trace in figure["data"] if trace["type"] == "heatmap"]


def traces(app, chart):
    """The traces of the page's chart of this number, with their arrays decoded."""
    figure = json.loads(app.get("plotly_chart")[chart].proto.spec)
    keys = ("x", "y", "z", "customdata")
    return [trace | {key: _decoded(trace[key]) for key in keys if key in trace} for trace in figure["data"]]


def errors_drawn(app, chart):
    """The exact numbers behind each curve of the page's chart of this number, by the curve's name."""
    figure = json.loads(app.get("plotly_chart")[chart].proto.spec)
    return {trace["name"]: _decoded(trace["customdata"]) for trace in figure["data"] if "customdata" in trace}


def shown_table(app, column):
    """The page's table that has a column of this name, its cells as text."""
    [body] = [element.proto.body for element in app.get("html") if f"<th>{column}</th>" in element.proto.body]
    heads, cells = (re.findall(rf"<{tag}>(.*?)</{tag}>", body) for tag in ("th", "td"))
    rows = [cells[k : k + len(heads)] for k in range(0, len(cells), len(heads))]
    return pd.DataFrame(rows, columns=heads)


def shown_tables(app):
    """The cells of all tables of the page, as text, each with its heads as the first row."""
    return [
        [[unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row)] for row in body.split("<tr")[1:]]
        for body in (element.proto.body for element in app.get("html"))
        if "<table" in body
    ]


def table_cells(table):
    """A table's cells as a page must show them, as text, with its heads as the first row."""
    rows = [
        [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in table.itertuples(index=False, name=None)
    ]
    return [list(table.columns), *rows]


def everything(app):
    """All text of the page; a box with a title as "title: text"."""
    elements = [*app.markdown, *app.caption, *app.latex]
    boxes = [
        f"{box.proto.title}: {box.value}" if box.proto.title else box.value
        for box in (*app.success, *app.error, *app.warning, *app.info)
    ]
    metrics = [f"{metric.label}: {metric.value}" for metric in app.metric]
    captions = [" | ".join(radio.proto.captions) for radio in app.radio]
    alts = [chart.proto.alt for chart in app.get("plotly_chart")]
    return "\n".join([*(element.value for element in elements), *boxes, *metrics, *captions, *alts])


def _decoded(values):
    if not isinstance(values, dict):
        return np.asarray(values)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return flat.reshape([int(size) for size in str(values.get("shape", flat.size)).split(",")])
