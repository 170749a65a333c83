"""The gradient check's page shows the numbers of the API."""

import numpy as np
import plotly.io
import pytest

from mlp import check_gradients, loss_hessian
from mlp.lab.experiment import Experiment
from mlp.lab.presets import PRESETS
from mlp.report.figures import heatmaps
from tests.pages.plots import arrays, shown_table


@pytest.mark.parametrize("tensor", ["fc1.W", "fc2.b", "x"])
def test_the_heatmaps_are_the_reports_arrays(open_page, tensor):
    experiment = Experiment(sizes=(3, 4, 2), seed=3, batch=2)
    report = check_gradients(*experiment.problem(), experiment.eps, experiment.method)
    app = open_page("gradient_check", sizes="3-4-2", seed="3", batch="2", tensor=tensor)
    analytical, numerical, difference = arrays(app, 0)
    expected = report[tensor]
    rows = expected.analytical.shape[0]
    np.testing.assert_array_equal(analytical, expected.analytical.reshape(rows, -1))
    np.testing.assert_array_equal(numerical, expected.numerical.reshape(rows, -1))
    visible = np.abs(expected.difference.reshape(rows, -1)) > 1e-16
    np.testing.assert_allclose(
        10 ** difference[visible], np.abs(expected.difference.reshape(rows, -1))[visible], rtol=1e-12
    )


@pytest.mark.parametrize("panel", ["analytical", "numerical", "difference", heatmaps.RATIO])
def test_one_panel_alone(open_page, panel):
    check = check_gradients(*Experiment(sizes=(3, 4, 2)).problem())["fc2.W"]
    [chart] = open_page("gradient_check", sizes="3-4-2", tensor="fc2.W", panel=panel).get("plotly_chart")
    assert chart.proto.spec == plotly.io.to_json(heatmaps.marked(check, (panel,), check.worst), validate=False)


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
    experiment = PRESETS["Epsilon too large"].experiment
    check = check_gradients(*experiment.problem(), experiment.eps, experiment.method)["fc1.W"]
    app = open_page("gradient_check", preset="Epsilon too large")
    worst = shown_table(app, "c(+h)")
    quotients = (worst["c(+h)"].astype(float) - worst["c(-h)"].astype(float)) / (2 * experiment.eps)
    expected = [check.numerical[index] for index in check.worst_entries(10)]
    # Structured differences round the two values, which are shown with 17 digits, otherwise than the whole network.
    allowed = 20 * 2**-52 * worst["c(+h)"].astype(float).max() / experiment.eps
    np.testing.assert_allclose(quotients, expected, rtol=0, atol=allowed)
    assert "too large" in app.warning[0].value


@pytest.mark.parametrize(
    ("page", "key", "chosen"),
    [
        ("gradient_check", "tensor", "fc3.W"),
        ("your_gradients", "of", "fc3.W"),
        ("network", "step", "backward fc3"),
        ("network", "layer", "fc3"),
    ],
)
def test_a_choice_that_the_sidebar_took_away_leaves_the_address_too(open_page, page, key, chosen):
    app = open_page(page, **{key: chosen})
    assert app.query_params[key] in (chosen, [chosen])
    app.text_input(key="sizes").set_value("2-4").run()
    assert not app.exception
    assert not app.error
    assert key not in app.query_params


def test_the_hessian_is_the_apis(open_page):
    experiment = Experiment(sizes=(3, 4, 2), seed=3)
    app = open_page("gradient_check", sizes="3-4-2", seed="3", tensor="fc2.b", hessian="true")
    [drawn] = arrays(app, 1)
    np.testing.assert_array_equal(drawn, loss_hessian(*experiment.problem(), "fc2.b").value)
    # Of a hidden layer some are negative, and a map without signs would show a saddle as a bowl.
    [drawn] = arrays(open_page("gradient_check", sizes="3-4-2", seed="3", tensor="fc1.b", hessian="true"), 1)
    assert drawn.min() < 0 < drawn.max()
    np.testing.assert_array_equal(drawn, loss_hessian(*experiment.problem(), "fc1.b").value)
    # Of 64 entries, no more, all pairs are drawn.
    app = open_page("gradient_check", sizes="8-8", tensor="fc1.W", hessian="true")
    assert arrays(app, 1)[0].shape == (64, 64)
    app = open_page("gradient_check", sizes="13-5", tensor="fc1.W", hessian="true")
    told = "fc1.W has 65 entries, too many for a map of all pairs. Choose a tensor of at most 64, such as a bias."
    assert told in [text.value for text in app.markdown]


def shown(app):
    return "\n".join([*(text.value for text in app.markdown), *(text.value for text in app.latex)])


def test_the_arithmetic_of_the_worst_entry_is_shown_until_another_is_asked_for(open_page):
    app = open_page("gradient_check")
    assert app.subheader[0].value == "Where fc1.W[7,1] comes from"
    assert r"dW[7,1] = dy[7]\,x[1]" in shown(app)
    assert r"dW[7,1] &\approx \frac{c(+h) - c(-h)}{2 \cdot h}" in shown(app)
    app.text_input(key="entry").set_value("3,0").run()
    assert r"dW[3,0] = dy[3]\,x[0]" in shown(app)
    assert r"dW[3,0] = dy[3]\,x[0]" in shown(open_page("gradient_check", entry="3,0"))


def test_the_chain_leads_to_the_bias_that_has_its_gradient(open_page):
    app = open_page("gradient_check")
    app.button(key="to_fc2.b").click().run()
    assert app.radio(key="tensor").value == "fc2.b"
    assert app.subheader[0].value == f"Where fc2.b[{app.text_input(key='entry').value}] comes from"


def test_an_entry_of_another_tensor_gives_way_to_the_worst(open_page):
    app = open_page("gradient_check", entry="9,1")
    app.radio(key="tensor").set_value("fc3.b").run()
    assert not app.error
    assert app.text_input(key="entry").value == ""
    app.text_input(key="entry").set_value("5").run()
    [error] = app.error
    assert "Entries here go from 0 to 4; '5' is none." in error.value


def test_an_entry_of_a_network_of_another_shape_gives_way_to_the_worst(open_page):
    app = open_page("gradient_check", entry="9,1")
    app.text_input(key="sizes").set_value("1-1-1").run()
    assert not app.error
    assert app.subheader[0].value == "Where fc1.W[0,0] comes from"


def test_an_entry_that_is_not_there_is_named(open_page):
    app = open_page("gradient_check", entry="banana")
    assert "entry=banana: An entry is given by whole numbers" in app.warning[0].value
    assert app.subheader[0].value == "Where fc1.W[7,1] comes from"
