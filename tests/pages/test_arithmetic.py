"""Where a number comes from, on the pages where a cell, an edge or a unit is clicked: the numbers are the API's."""

import io
import re

import numpy as np
import pytest

from mlp.check.check import analytical_gradients
from mlp.check.gallery import GALLERY
from mlp.lab.experiment import Experiment
from mlp.lab.lessons import linear_problem
from mlp.lab.planted_bug import planted
from mlp.lab.quiz import NOTHING
from mlp.nn.trace import jacobians_by_backward, trace
from mlp.report import derivation
from tests.pages.plots import everything

SMALL = Experiment(sizes=(3, 4, 2), seed=3)
ADDRESS = {"sizes": "3-4-2", "seed": "3"}
WITH_NUMBER = ["overview", "network", "bug_gallery", "your_gradients"]


@pytest.mark.parametrize("page", WITH_NUMBER)
def test_nothing_is_derived_before_a_number_is_asked_for(open_page, page, monkeypatch):
    monkeypatch.setattr(derivation, "origin", lambda *_: pytest.fail("derived without being asked"))
    app = open_page(page, **ADDRESS)
    assert not app.exception
    assert not [heading for heading in app.subheader if "comes from" in heading.value]


@pytest.mark.parametrize("page", WITH_NUMBER)
def test_the_number_in_the_address_is_derived_until_it_is_closed(open_page, page):
    app = open_page(page, number="fc1.W[2,1]", **ADDRESS)
    problem = SMALL.problem()
    assert "Where fc1.W[2,1] comes from" in [heading.value for heading in app.subheader]
    for layer, line in derivation.origin(problem, trace(*problem), "fc1.W", (2, 1)):
        assert f"{layer}: ${line}$" in everything(app)
    assert derivation.difference(problem, "fc1.W", (2, 1), 1e-4, "central") in everything(app)
    app.button(key="to_fc2.b").click().run()
    [led] = [heading.value for heading in app.subheader if "comes from" in heading.value]
    assert re.fullmatch(r"Where fc2\.b\[\d\] comes from", led)
    assert app.query_params["number"] in led
    app.button(key="close_number").click().run()
    assert not [heading for heading in app.subheader if "comes from" in heading.value]
    assert "number" not in app.query_params


@pytest.mark.parametrize("text", ["fc9.W[0,0]", "fc1.W[9,0]", "fc1.W", "fc1.W[]", "banana"])
def test_a_number_that_is_not_there_is_named(open_page, text):
    app = open_page("overview", number=text, **ADDRESS)
    assert not app.exception
    assert f"number={text}: " in app.warning[0].value.replace("\\", "")
    assert "number" not in app.query_params


def test_a_number_that_a_new_network_lacks_is_forgotten(open_page):
    app = open_page("overview", number="fc2.W[1,3]", **ADDRESS)
    app.text_input(key="sizes").set_value("2-2").run()
    assert not app.exception
    assert "number" not in app.query_params


def test_a_unit_shows_what_it_computes_forward_too(open_page):
    problem = SMALL.problem()
    y, activated = derivation.forward(problem, trace(*problem), "fc1.b", (2,))
    out = problem.network.fc1.apply(problem.x)[2]
    assert y.endswith(f" = {float(f'{out:.4g}')}")
    assert activated.endswith(f" = {float(f'{np.tanh(out):.4g}')}")
    shown = everything(open_page("network", number="fc1.b[2]", **ADDRESS))
    assert f"${y}$" in shown
    assert f"${activated}$" in shown
    # The last layer has no activation behind it, a batch no single sample.
    assert len(derivation.forward(problem, trace(*problem), "fc2.b", (1,))) == 1
    batch = Experiment(sizes=(3, 4, 2), batch=2).problem()
    assert derivation.forward(batch, trace(*batch), "fc1.b", (2,)) == []


@pytest.mark.parametrize("page", ["overview", "bug_gallery"])
def test_a_bug_s_gradient_stands_beside_the_arithmetic_of_the_right_one(open_page, page):
    choices = {"broken": "true"} if page == "overview" else {"bug": "derivative missing"}
    app = open_page(page, number="fc1.W[2,1]", **ADDRESS, **choices)
    problem = SMALL.problem()
    wrong = analytical_gradients(*planted(GALLERY["derivative missing"], problem, "activation_fn1"))[1]["fc1.W"][2, 1]
    right = analytical_gradients(*problem)[1]["fc1.W"][2, 1]
    assert f"With the bug in activation_fn1 backward gives **{wrong:.6g}** here." in everything(app)
    assert f" = {float(f'{right:.4g}')}$" in everything(app)


def test_what_was_uploaded_stands_beside_the_arithmetic_of_the_right_one(open_page):
    gradients = analytical_gradients(*SMALL.problem())[1]
    content = io.BytesIO()
    np.savez(content, **gradients | {"fc1.W": 3 * gradients["fc1.W"]})
    app = open_page("your_gradients", number="fc1.W[2,1]", **ADDRESS)
    assert "The gradient that you brought" not in everything(app)
    app.file_uploader(key="upload").set_value([("g.npz", content.getvalue(), "application/octet-stream")]).run()
    right = gradients["fc1.W"][2, 1]
    assert f"The gradient that you brought is **{3 * right:.6g}** here." in everything(app)
    assert f" = {float(f'{right:.4g}')}$" in everything(app)


@pytest.mark.parametrize(("tensor", "column", "index"), [("x", 1, "1"), ("W", 5, "2,1"), ("b", 2, "2")])
def test_a_cell_of_a_jacobian_is_what_backward_makes_of_a_unit_vector(open_page, tensor, column, index):
    problem = linear_problem(3)
    value = jacobians_by_backward(problem.layer(), problem.x)[tensor][2, column]
    app = open_page("linear_layer", seed="3", jacobian=f"{tensor}[2,{column}]")
    assert f"dy[2] / d{tensor}[{index}]" in headings(app)
    [line] = [text.value for text in app.markdown if text.value.startswith(f"$d{tensor}[{index}]")][-1:]
    assert line.endswith(f" = {float(f'{value:.4g}'):g}$")


def headings(app):
    return [heading.value for heading in app.subheader]


@pytest.mark.parametrize(
    ("place", "step"), [("fc1.y[1]", "forward fc1"), ("activation_fn1.dx[2]", "backward activation_fn1")]
)
def test_a_cell_of_a_step_s_maps_is_derived_below_them(open_page, place, step):
    layer, array, index = re.fullmatch(r"(\w+)\.(\w+)\[(\d)\]", place).groups()
    ways = derivation.in_pass(SMALL.problem(), layer, array, (int(index),), 1e-4, "central")
    app = open_page("network", step=step, in_step=place, **ADDRESS)
    assert f"Where {place} comes from" in headings(app)
    for line in (*ways.forward, *(text for _, text in ways.backward)):
        assert f"${line}$" in everything(app)
    assert ways.difference in everything(app)
    other = open_page("network", step="forward loss", in_step=place, **ADDRESS)
    assert f"Where {place} comes from" not in headings(other)  # it is in another step's maps
    assert f"Where {place} comes from" in headings(open_page("network", all_steps="true", in_step=place, **ADDRESS))


@pytest.mark.parametrize(
    ("setting", "layers"), [("jacobian", ["fc1", "activation_fn1", "fc2"]), ("layer_jacobian", [])]
)
def test_a_cell_of_the_network_s_jacobians_is_derived(open_page, setting, layers):
    app = open_page("network", layer="activation_fn1", **{setting: "x[1,1]"}, **ADDRESS)
    assert "dy[1] / dx[1]" in headings(app)
    assert all(f"- {layer}: $dx[" in everything(app) for layer in layers)


def test_before_the_answer_a_cell_of_the_quiz_gives_its_numbers_and_no_more(open_page):
    app = open_page("quiz", quiz="2", number="fc1.W[2,1]", **ADDRESS)
    difference = derivation.difference(SMALL.problem(), "fc1.W", (2, 1), 1e-4, "central")
    assert difference in everything(app)
    assert "Backward gives **" in everything(app)
    assert "By backpropagation" not in everything(app)
    next(one for one in app.radio if one.label == "What is wrong?").set_value(NOTHING).run()
    next(one for one in app.button if one.label == "Reveal").click().run()
    assert not app.exception
    assert "By backpropagation" in everything(app)


@pytest.mark.parametrize("closer", ["the last step", "layers"])
@pytest.mark.usefixtures("patient")
def test_a_cell_of_what_a_training_step_did_shows_its_right_gradient(open_page, closer):
    app = open_page("training", at_step="3", closer=closer, in_run="derivative missing[2,1]", seed="1")
    assert "Where fc1.W[2,1] comes from" in headings(app)
    [told] = [text.value for text in app.markdown if "backward gave" in text.value]
    held = app.session_state["training_held"]
    taken = held.inspections["derivative missing"]
    assert f"backward gave {taken.gradients['fc1.W'][2, 1]:.6g}" in told
    assert f"to {held.runs[1].network.parameters()['fc1.W'][2, 1]:.6g}." in told
    network = held.runs[1].training.experiment.problem().network
    for name, values in taken.parameters.items():
        network = network.replaced(name, values)
    right = analytical_gradients(network, held.runs[0].loss, taken.x, taken.target)[1]["fc1.W"][2, 1]
    assert f" = {float(f'{right:.4g}')}$" in everything(app)


def test_a_cell_of_a_hessian_shows_the_two_gradients(open_page):
    app = open_page("gradient_check", tensor="fc2.b", hessian="true", second="fc2.b[0,1]", **ADDRESS)
    assert derivation.second(SMALL.problem(), "fc2.b", (0,), (1,)) in everything(app)


def test_a_cell_of_somebody_s_own_layer_shows_its_error_bar(open_page):
    app = open_page("your_layers")
    assert "T is the truncation" not in everything(app)
    app = open_page("your_layers", theirs="x[0,0]")
    assert "The two gradients of x[0,0]" in [text.replace("\\", "") for text in headings(app)]
    assert r"\text{error bar}" in everything(app)


@pytest.mark.parametrize(
    ("page", "setting", "place", "also"),
    [
        ("gradient_check", "second", "fc2.b[0,1]", {"tensor": "fc2.b", "hessian": "true"}),
        ("network", "jacobian", "x[1,1]", {}),
        ("network", "in_step", "fc1.y[1]", {"step": "forward fc1"}),
        ("overview", "number", "fc1.W[2,1]", {}),
        ("your_layers", "theirs", "x[0,0]", {}),
    ],
)
def test_what_a_click_opened_is_closed_by_its_button(open_page, page, setting, place, also):
    app = open_page(page, **{setting: place}, **also, **ADDRESS)
    opened = headings(app)
    app.button(key=f"close_{setting}").click().run()
    assert len(headings(app)) == len(opened) - 1
    assert setting not in app.query_params
