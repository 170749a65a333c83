"""The numbers behind the charts and tables that a page shows."""

import base64
import json
import re

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


def _decoded(values):
    if not isinstance(values, dict):
        return np.asarray(values)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return flat.reshape([int(size) for size in str(values.get("shape", flat.size)).split(",")])
