"""The numbers behind the charts and tables that a page shows."""

import base64
import json

import numpy as np
import pandas as pd


def arrays(app, chart):
    """The z of each heatmap in the page's chart of this number."""
    figure = json.loads(app.get("plotly_chart")[chart].proto.spec)
    return [_decoded(trace["z"]) for trace in figure["data"] if trace["type"] == "heatmap"]


def errors_drawn(app, chart):
    """The exact numbers behind each curve of the page's chart of this number, by the curve's name."""
    figure = json.loads(app.get("plotly_chart")[chart].proto.spec)
    return {trace["name"]: _decoded(trace["customdata"]) for trace in figure["data"] if "customdata" in trace}


def markdown_table(app, column):
    """The page's table that has a column of this name, its cells as text."""
    [text] = [element.value for element in app.markdown if f" {column} |" in element.value]
    head, _, *rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines()]
    return pd.DataFrame(rows, columns=head)


def _decoded(values):
    if not isinstance(values, dict):
        return np.asarray(values)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return flat.reshape([int(size) for size in str(values.get("shape", flat.size)).split(",")])
