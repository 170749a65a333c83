"""The exercise's sections as pages: their numbers are the API's, their tables can be edited, their steps walked."""

import numpy as np
import plotly.io
import pytest

from mlp.check.jacobians import check_loss, check_products
from mlp.lab.experiment import Experiment
from mlp.lab.lessons import activation_input, linear_problem
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.losses import LOSSES
from mlp.nn.trace import trace
from mlp.report.figures import steps
from mlp.report.figures.matrices import Matrix, clickable_matrices
from pages.ui import widgets
from tests.pages.plots import arrays, everything


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_page_shows_the_apis_gradient(open_page, name):
    problem = Experiment(loss=name, seed=3).problem()
    expected = check_loss(problem.loss, problem.network.apply(problem.x), problem.target)
    app = open_page("loss", loss=name, seed="3")
    analytical, numerical = arrays(app, 0)[:2]
    np.testing.assert_array_equal(analytical.ravel(), expected.analytical)
    np.testing.assert_array_equal(numerical.ravel(), expected.numerical)


def test_own_numbers_in_the_address_are_used(open_page):
    app = open_page("loss", loss_y="1,2,3,4,5", loss_t="0,0,0,0,0.5")
    assert not app.warning
    expected = check_loss(LOSSES["MSELoss"](), [1.0, 2, 3, 4, 5], [0.0, 0, 0, 0, 0.5])
    np.testing.assert_array_equal(arrays(app, 0)[0].ravel(), expected.analytical)


@pytest.mark.parametrize(
    "text", ["1,2", "1,2,3,4,x", "1,2,3,4,1000001", "1,2,3,4,nan", "1,2,3,4,1e300", "", "1;2;3;4;5"]
)
def test_own_numbers_that_do_not_fit_are_named(open_page, text):
    app = open_page("loss", loss_y=text)
    assert not app.exception
    [warning] = app.warning
    assert "The drawn numbers are used" in warning.value


def test_the_drawn_numbers_come_back_and_the_address_is_theirs(open_page):
    app = open_page("loss", loss_y="1,2,3,4,5")
    app.button(key="forget_loss_y_loss_t").click().run()
    assert not app.exception
    assert "loss_y" not in app.query_params
    np.testing.assert_array_equal(arrays(app, 0)[0], arrays(open_page("loss"), 0)[0])
    assert not [button for button in app.button if button.key == "forget_loss_y_loss_t"]


def test_own_numbers_give_way_to_a_network_with_another_number_of_outputs(open_page):
    app = open_page("loss", loss_y="1,2,3,4,5")
    app.text_input(key="sizes").set_value("2-3").run()
    assert not app.exception
    assert len(arrays(app, 0)[0]) == 3


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_activation_page_shows_the_apis_dx(open_page, name):
    drawn = activation_input(3)
    expected = check_products(ACTIVATIONS[name](), drawn.x, drawn.dy)["x"]
    app = open_page("activations", activation=name, seed="3")
    np.testing.assert_array_equal(arrays(app, 1)[0].ravel(), expected.analytical)
    np.testing.assert_array_equal(arrays(app, 2)[0], np.diag(ACTIVATIONS[name]().derivative(drawn.x)))


@pytest.mark.parametrize("tensor", ["W", "b", "x"])
def test_the_linear_page_shows_the_exercises_numbers(open_page, tensor):
    drawn = linear_problem(3)
    expected = check_products(drawn.layer(), drawn.x, drawn.dy)[tensor]
    app = open_page("linear_layer", seed="3", gradient=tensor)
    analytical, numerical = arrays(app, 0)[:2]
    np.testing.assert_array_equal(analytical.reshape(expected.analytical.shape), expected.analytical)
    np.testing.assert_array_equal(numerical.reshape(expected.numerical.shape), expected.numerical)
    assert [array.shape for array in arrays(app, 1)] == [(3, 2), (3, 6), (3, 3)]


def test_the_linear_page_takes_any_sizes_and_numbers(open_page):
    app = open_page("linear_layer", inputs="1", outputs="2", lin_W="1;2", lin_x="3", lin_b="0,0", lin_dy="1,10")
    assert not app.warning
    np.testing.assert_array_equal(arrays(app, 0)[0], [[3], [30]])


def test_the_linear_page_has_a_verdict_for_each_gradient(open_page):
    # A step of 1e-12 is lost beside an x of a million, and not beside W and b.
    app = open_page(
        "linear_layer", eps="1e-12", inputs="1", outputs="1", lin_W="1e-6", lin_x="1000000", lin_b="0", lin_dy="1"
    )
    assert list(app.radio(key="gradient").proto.captions) == [*[":green[consistent]"] * 2, ":orange[cannot tell]"]


def test_the_network_page_walks_through_both_passes(open_page):
    passes = trace(*Experiment(sizes=(3, 4, 2), seed=3).problem())
    app = open_page("network", sizes="3-4-2", seed="3")
    for k, step in enumerate(passes):
        assert app.selectbox(key="step").value == f"{step.direction} {step.name}"
        assert f"Step {k + 1} of {len(passes)}" in [caption.value for caption in app.caption]
        if step.name != "loss":
            np.testing.assert_array_equal(arrays(app, 1)[0].ravel(), step.given)
            np.testing.assert_array_equal(arrays(app, 1)[1].ravel(), step.result)
        following = app.button(key="step_Next")
        assert following.disabled == (k == len(passes) - 1)
        if not following.disabled:
            following.click().run()
    app.button(key="step_Previous").click().run()
    assert app.selectbox(key="step").value == "backward activation_fn1"


def test_the_network_page_shows_all_steps_and_keeps_a_step_in_the_address(open_page):
    app = open_page("network", sizes="3-4-2", all_steps="true")
    passes = trace(*Experiment(sizes=(3, 4, 2)).problem())
    assert [heading.value for heading in app.subheader if "through" in heading.value] == [*map(steps.title, passes)]
    captions = [caption.value for caption in app.caption if caption.value.startswith("Shapes: ")]
    network = Experiment(sizes=(3, 4, 2)).problem().network
    assert captions == [f"Shapes: {steps.shapes(step)}. In numpy: {steps.code(step, network)}" for step in passes]
    shown = [chart.proto.spec for chart in app.get("plotly_chart")]
    maps = [[Matrix(*part) for part in steps.arrays(step).items()] for step in passes]
    assert shown[: len(passes)] == [plotly.io.to_json(clickable_matrices(one), validate=False) for one in maps]
    app = open_page("network", sizes="3-4-2", step="backward fc2")
    assert app.subheader[0].value == "Backward through fc2"


@pytest.mark.parametrize(("outputs", "dy"), [(1, "dy = 1"), (3, "dy = 1, 2, 3"), (5, "dy = 1, ..., 5")])
def test_the_network_page_writes_dy_for_any_number_of_outputs(open_page, outputs, dy):
    app = open_page("network", sizes=f"2-{outputs}")
    assert f"The exercise's test of the whole network, with {dy}" in [heading.value for heading in app.subheader]


def test_the_network_page_says_what_becomes_of_the_gradients(open_page):
    app = open_page("network", preset="Deep and saturated (vanishing)")
    assert any("**vanishes**" in text.value for text in app.markdown)


@pytest.mark.parametrize(
    "page",
    ["finite_differences", "loss", "activations", "linear_layer", "network", "step_size", "gradient_check"],
)
def test_each_page_has_its_numbers_as_programs(open_page, page):
    assert not open_page(page).code
    app = open_page(page, python="true")
    assert not app.exception
    [program] = [element for element in app.code if "import numpy as np" in element.value]
    assert "from mlp" not in program.value  # numpy alone comes first
    assert widgets.NEEDS_MLP not in everything(app)
    app = open_page(page, python="true", code="mlp")
    assert any("from mlp" in element.value for element in app.code)
    assert widgets.NEEDS_MLP in everything(app)


def test_an_entry_of_the_linear_layer_shows_its_arithmetic(open_page):
    def shown(app):
        return "\n".join([*(text.value for text in app.markdown), *(text.value for text in app.latex)])

    app = open_page("linear_layer", entry="1,0")
    assert r"dW[1,0] = dy[1]\,x[0] = 2 \cdot " in shown(app)
    assert r"dW[1,0] &\approx \frac{c(+h) - c(-h)}" in shown(app)
    app.radio(key="gradient").set_value("x").run()
    assert r"dx[0] = dy[" in shown(app) or r"dx[1] = dy[" in shown(app)
    assert not app.exception


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("loss", "loss = MSELoss()"),
        ("activations", "act_fn = Tanh()"),
        ("linear_layer", "linear_backward(dy, x, W, b)"),
        ("network", "dy = np.arange(1, 6)"),
    ],
)
def test_the_exercise_s_own_test_is_on_its_page(open_page, page, words):
    assert any(words in block.value for block in open_page(page, cell="true").code)
    assert not open_page(page, cell="true", activation="ReLU", loss="HuberLoss").exception


@pytest.mark.parametrize(("inputs", "outputs", "counted"), [("1", "1", "1 number,"), ("2", "3", "6 numbers,")])
def test_the_linear_layer_counts_the_entries_of_its_matrix(open_page, inputs, outputs, counted):
    assert f"is a function of {counted}" in everything(open_page("linear_layer", inputs=inputs, outputs=outputs))


def test_the_product_of_jacobians_that_is_the_network_s_own_is_said_to_be_it(open_page):
    assert "is the Jacobian of the network in one piece to the last bit" in everything(
        open_page("network", sizes="1-1")
    )
    assert "differs from the Jacobian of the network in one piece by at most" in everything(open_page("network"))


@pytest.mark.parametrize(("units", "shown"), [(1_000, True), (1_001, False)])
def test_the_jacobians_of_layers_of_up_to_a_thousand_units_are_shown(open_page, units, shown):
    app = open_page("network", sizes=f"{units}-1")
    assert ("The Jacobian of the output with respect to the input" in everything(app)) == shown
    told = "for up to 1,000 units in each; this network has a layer of 1,001."
    assert (told in everything(app)) != shown
