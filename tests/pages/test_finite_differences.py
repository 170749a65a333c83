"""The page about finite differences: the exercise's example, every function, and what can be typed."""

import numpy as np
import pytest

from mlp import METHODS, numerical_gradient
from mlp.differences.examples import EXAMPLES
from tests.pages.plots import arrays, shown_table


def table(app):
    """The rows of the table of methods: name to value and error, as texts."""
    shown = shown_table(app, "evaluations")
    return dict(zip(shown["method"], zip(shown["value"], shown["error"], strict=True), strict=True))


def latex(app):
    return " ".join(block.value for block in app.latex)


def test_the_exercises_example_stands_there_step_by_step(open_page):
    app = open_page("finite_differences")
    shown = latex(app)
    assert r"\begin{bmatrix} 2 & 4 \end{bmatrix}" in shown
    for text in (r"\frac{6.25 - 4.25}{1}", r"\frac{7.25 - 3.25}{1}"):
        assert text in shown
    assert any("1.9999" in block.value for block in app.markdown)
    assert table(app)["central"] == ("2", "0")
    assert table(app)["forward"] == ("2.5", "0.5")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_function_shows_the_apis_numbers(open_page, name):
    example = EXAMPLES[name]
    app = open_page("finite_differences", function=name, h="0.1")
    assert not app.exception
    assert not app.warning
    shown = table(app)
    assert list(shown) == list(METHODS)
    for method, (value, _) in shown.items():
        if value == "–":  # noqa: RUF001
            assert (name, method) == ("absolute value", "complex-step")
            assert any("complex-step: does not apply" in block.value for block in app.markdown)
            continue
        jacobian = numerical_gradient(example.function, example.point, 0.1, method)
        assert float(value) == jacobian.reshape(example.outputs, -1)[0, 0]


@pytest.mark.parametrize("name", ["polar coordinates", "matrix input"])
def test_the_jacobians_are_drawn_where_there_are_several_outputs(open_page, name):
    example = EXAMPLES[name]
    app = open_page("finite_differences", function=name, h="0.01")
    analytical, numerical = arrays(app, 1)
    np.testing.assert_array_equal(analytical, example.jacobian(example.point))
    expected = numerical_gradient(example.function, example.point, 0.01).reshape(analytical.shape)
    np.testing.assert_array_equal(numerical, expected)
    assert any("reshaping trick" in block.value for block in app.markdown) == (name == "matrix input")


def test_point_component_and_step_stand_in_the_address(open_page):
    app = open_page(
        "finite_differences", function="polar coordinates", at="3,-1", h="1e-3", component="x[1]", output="f[1]"
    )
    assert not app.warning
    expected = numerical_gradient(EXAMPLES["polar coordinates"].function, [3.0, -1.0], 1e-3)
    assert float(table(app)["central"][0]) == expected[1, 1]


def test_another_function_brings_its_own_point(open_page):
    app = open_page("finite_differences", at="3, 5", component="x[1]")
    assert table(app)["central"] == ("10", "0")
    app.selectbox(key="function").select("cubic").run()
    assert not app.exception
    assert not app.error
    assert app.text_input(key="at").value == ""
    assert not {"at", "component"} & set(app.query_params)
    assert float(table(app)["central"][0]) == 3.25  # 3 x^2 + eps^2
    app.text_input(key="at").set_value("2").run()
    app.selectbox(key="function").select("sine").run()
    assert app.text_input(key="at").value == "2"


@pytest.mark.parametrize(
    ("function", "text", "words"),
    [
        ("sum of squares", "1", "2 numbers"),
        ("sum of squares", "1, two", "2 numbers"),
        ("sum of squares", "1, nan", "2 numbers"),
        ("sum of squares", "1, 1e300", "between -1,000,000 and 1,000,000"),
        ("cubic", "1, 2", "one number"),
        ("pole", "0", "pole at 0"),
        ("exponential", "1000", "Between -100 and 100"),
        ("matrix input", "1, 2, 3, 4, 5, 6", "2 rows of 3 numbers"),
    ],
)
def test_an_impossible_point_is_named_and_the_result_before_stays(open_page, function, text, words):
    app = open_page("finite_differences", function=function)
    before, quotients = table(app), latex(app)
    app.text_input(key="at").set_value(text).run()
    assert not app.exception
    [error] = app.error
    assert words in error.value
    assert table(app) == before
    assert latex(app) == quotients
    app = open_page("finite_differences", function=function, at=text)
    [warning] = app.warning
    assert words in warning.value
    assert table(app) == before


def test_the_result_before_an_impossible_point_is_that_of_ones_own_point(open_page):
    app = open_page("finite_differences", function="cubic", at="2")
    before = table(app)
    app.text_input(key="at").set_value("x").run()
    assert "What you see is for 2." in app.error[0].value
    assert table(app) == before


@pytest.mark.parametrize("text", ["0.3", "1", "0", "-0.1", "nan", "banana"])
def test_an_impossible_step_in_the_address_is_named(open_page, text):
    app = open_page("finite_differences", h=text)
    [warning] = app.warning
    assert "power of ten" in warning.value
    assert app.select_slider(key="h").value == 0.5


def test_another_way_to_write_the_step_is_understood(open_page):
    app = open_page("finite_differences", h="0.001")
    assert not app.warning
    assert app.select_slider(key="h").value == 1e-3


def test_a_step_onto_the_pole_is_put_into_words(open_page):
    app = open_page("finite_differences", function="pole", at="0.5")
    assert not app.exception
    assert any("f would be needed at 0, where it has no value" in block.value for block in app.markdown)


def test_own_eps_and_the_sidebars_do_not_touch_each_other(open_page):
    app = open_page("finite_differences", h="0.1", eps="1e-6")
    assert app.select_slider(key="h").value == 0.1
    assert app.select_slider(key="eps").value == 1e-6
    app.select_slider(key="h").set_value(0.2).run()
    assert app.select_slider(key="eps").value == 1e-6
