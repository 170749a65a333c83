"""The page about the step size: its curves are the sweep's, for the tensor and the error that are chosen."""

import numpy as np
import pytest

from mlp import numerical_gradient
from mlp.differences.methods import METHODS
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from mlp.report.figures import step_size
from mlp.report.figures.step_size import ERRORS
from pages.ui import compute
from tests.pages.plots import errors_drawn, shown_tables, table_cells


@pytest.mark.parametrize(("tensor", "error"), [("fc1.W", "largest"), ("fc2.b", "median"), ("x", "largest")])
def test_the_curves_are_the_errors_of_numerical_gradients(open_page, tensor, error):
    problem = Experiment(sizes=(3, 4, 2), seed=3, batch=2).problem()
    function, values = problem.function(tensor), problem.tensors()[tensor]
    truth = numerical_gradient(function, values, 1e-20, "complex-step")
    app = open_page("step_size", sizes="3-4-2", seed="3", batch="2", gradient_of=tensor, error=error)
    assert not app.warning
    drawn = errors_drawn(app, 0)
    assert list(drawn) == list(METHODS)
    over = {"largest": np.max, "median": np.median}[error]
    for method, errors in drawn.items():
        expected = [over(np.abs(numerical_gradient(function, values, eps, method) - truth)) for eps in EPS_STEPS]
        np.testing.assert_array_equal(errors, expected)


def test_the_table_is_that_of_the_error_that_is_chosen(open_page):
    app = open_page("step_size", sizes="3-4-2", seed="5")
    result = compute.swept(Experiment(sizes=(3, 4, 2), seed=5), "fc1.W")
    for kind in reversed(ERRORS):
        app.button_group(key="error").set_value(kind).run()
        assert shown_tables(app) == [table_cells(step_size.table(result, kind, 1e-4))]


def test_eps_and_method_of_the_sidebar_are_judged(open_page):
    app = open_page("step_size", preset="Epsilon too small")
    assert "eps = 1e-12 is **too small** for central" in app.info[0].value
    app.select_slider(key="eps").set_value(0.5).run()
    assert "eps = 0.5 is **too large** for central" in app.info[0].value
    app.selectbox(key="method").select("five-point").run()
    assert "for five-point" in app.info[0].value


def test_a_large_tensor_is_sampled_and_it_says_so(open_page):
    app = open_page("step_size", gradient_of="fc2.W")
    assert any("those 50 of the 200 entries with the largest gradients" in caption.value for caption in app.caption)
    assert "largest sampled error is" in app.info[0].value


def test_a_tensor_that_the_network_does_not_have_is_named(open_page):
    app = open_page("step_size", sizes="2-5", gradient_of="fc2.W")
    assert "=fc2.W: Here it can be fc1.W" in app.warning[0].value
    assert app.selectbox(key="gradient_of").value == "fc1.W"


def test_a_tensor_that_a_new_network_lacks_gives_way(open_page):
    app = open_page("step_size", gradient_of="fc3.b")
    app.text_input(key="sizes").set_value("2-5").run()
    assert not app.exception
    assert app.selectbox(key="gradient_of").value == "fc1.W"


def test_a_moved_slider_finds_the_sweep_that_is_there():
    assert compute.swept(Experiment(), "fc1.b") is compute.swept(Experiment(eps=0.5, method="forward"), "fc1.b")
