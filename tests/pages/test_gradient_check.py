"""The gradient check's page shows the numbers of the API."""

import base64
import json

import numpy as np
import plotly.io
import pytest

from mlp import check_gradients
from mlp.experiment import Experiment
from mlp.presets import PRESETS


def traces(app):
    [chart] = app.get("plotly_chart")
    return plotly.io.from_json(json.dumps(json.loads(chart.proto.spec))).data


def decoded(values):
    if isinstance(values, dict):
        flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
        return flat.reshape([int(size) for size in values["shape"].split(",")])
    return np.asarray(values)


@pytest.mark.parametrize("tensor", ["fc1.W", "fc2.b", "x"])
def test_the_heatmaps_are_the_reports_arrays(open_page, tensor):
    experiment = Experiment(sizes=(3, 4, 2), seed=3, batch=2)
    report = check_gradients(*experiment.problem(), experiment.eps, experiment.method)
    app = open_page("gradient_check", sizes="3-4-2", seed="3", batch="2", tensor=tensor)
    analytical, numerical, difference = (decoded(trace.z) for trace in traces(app))
    expected = report[tensor]
    rows = expected.analytical.shape[0]
    np.testing.assert_array_equal(analytical, expected.analytical.reshape(rows, -1))
    np.testing.assert_array_equal(numerical, expected.numerical.reshape(rows, -1))
    visible = np.abs(expected.difference.reshape(rows, -1)) > 1e-16
    np.testing.assert_allclose(
        10 ** difference[visible], np.abs(expected.difference.reshape(rows, -1))[visible], rtol=1e-12
    )


def test_one_panel_alone(open_page):
    app = open_page("gradient_check", panel="numerical")
    assert len(traces(app)) == 1


def test_a_tensor_that_the_network_does_not_have_is_named(open_page):
    app = open_page("gradient_check", sizes="2-5", tensor="fc2.W")
    assert "tensor=fc2.W" in app.warning[0].value
    assert app.radio(key="tensor").value == "fc1.W"


def test_a_tensor_that_a_new_network_lacks_gives_way(open_page):
    app = open_page("gradient_check", tensor="fc3.b")
    app.text_input(key="sizes").set_value("2-5").run()
    assert not app.exception
    assert app.radio(key="tensor").value == "fc1.W"


def test_the_worst_entries_come_with_their_function_values(open_page):
    app = open_page("gradient_check", preset="Epsilon too large")
    experiment = PRESETS["Epsilon too large"].experiment
    worst = app.dataframe[0].value
    assert len(worst) == 10
    quotients = (worst["c(+h)"].astype(float) - worst["c(-h)"].astype(float)) / (2 * experiment.eps)
    # The values are shown with 17 digits, so only the step's last bit may differ from (x + h) - x.
    np.testing.assert_allclose(quotients, worst["numerical"], rtol=1e-15)
    assert app.error
