"""Curves, tangents and secants, the quotient in LaTeX and the table of methods hold the numbers of their function."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES
from mlp.differences.estimates import estimates
from mlp.differences.examples import EXAMPLES
from mlp.differences.methods import METHODS
from mlp.differences.numerical import numerical_gradient
from mlp.nn.losses import MSELoss
from mlp.report import latex
from mlp.report.figures import curves
from mlp.report.tables import examples
from tests.comparing import U

EVERY_DERIVATIVE = [
    pytest.param(name, index, output, id=f"{name} {index} {output}")
    for name, example in EXAMPLES.items()
    for index in np.ndindex(example.point.shape)
    for output in range(example.outputs)
]


def traces(figure):
    """The lines by the first word of their names, and the points by their texts."""
    lines = {trace.name.split(",")[0]: trace for trace in figure.data if trace.mode == "lines"}
    points = {
        text: (trace.x[k], trace.y[k])
        for trace in figure.data
        if trace.mode == "markers"
        for k, text in enumerate(trace.text)
    }
    return lines, points


def slope(line):
    return (line.y[-1] - line.y[0]) / (line.x[-1] - line.x[0])


@pytest.mark.parametrize(("name", "index", "output"), EVERY_DERIVATIVE)
def test_tangent_and_secant_have_the_derivatives_slopes(name, index, output):
    example, eps = EXAMPLES[name], 0.2
    x = example.point
    lines, points = traces(curves.secant(example, x, index, output, eps))
    flat = np.ravel_multi_index(index, x.shape)
    exact = example.jacobian(x)[output, flat]
    central = numerical_gradient(example.function, x, eps).reshape(example.outputs, x.size)[output, flat]
    # Heights of size 10 at most, over a window of size 2.
    assert slope(lines["tangent"]) == pytest.approx(exact, abs=32 * U)
    assert slope(lines["secant"]) == pytest.approx(central, abs=32 * U)
    at, value = points["x"]
    assert np.interp(at, lines["tangent"].x, lines["tangent"].y) == pytest.approx(value, abs=64 * U)
    for text, shift in (("x - eps", -eps), ("x", 0), ("x + eps", eps)):
        moved = x.copy()
        moved[index] += shift
        assert points[text] == (moved[index], np.reshape(example.function(moved), -1)[output])


def test_the_secant_goes_through_its_points():
    lines, points = traces(curves.secant(EXAMPLES["cubic"], np.array([1.0]), (0,), 0, 0.5))
    for text in ("x - eps", "x + eps"):
        x, y = points[text]
        assert np.interp(x, lines["secant"].x, lines["secant"].y) == pytest.approx(y, rel=8 * U)


def test_the_window_stays_as_eps_shrinks():
    example = EXAMPLES["cubic"]
    drawn = [curves.secant(example, example.point, (0,), 0, eps) for eps in (0.5, 1e-3)]
    np.testing.assert_array_equal(drawn[0].data[0].x, drawn[1].data[0].x)
    np.testing.assert_array_equal(drawn[0].data[0].y, drawn[1].data[0].y)


def test_a_pole_leaves_a_gap_and_the_rest_visible():
    figure = curves.secant(EXAMPLES["pole"], np.array([1.0]), (0,), 0, 0.5)
    assert np.isnan(figure.data[0].y[0])  # the window starts at the pole itself
    low, high = figure.layout.yaxis.range
    # |1/x - 1| < m for an interval of 2 m / (1 - m^2), which is half of the window at m = sqrt(2) - 1.
    top = 1 + 8 * (2**0.5 - 1)
    margin = 0.08 * (top - 0.5)
    # Of 200 numbers on either side of the median, the grid's own is off by less than a hundredth.
    assert (low, high) == pytest.approx((0.5 - margin, top + margin), rel=0.02)
    # Nearer to the pole than that, the secant's point is still seen.
    high = curves.secant(EXAMPLES["pole"], np.array([1.0]), (0,), 0, 0.9).layout.yaxis.range[1]
    assert high == pytest.approx(10 + 0.08 * 9.5)


@pytest.mark.parametrize("name", ["cubic", "sum of squares", "sine", "exponential", "absolute value"])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_curve_without_a_pole_is_seen_whole(name, shift):
    x = np.full(EXAMPLES[name].point.shape, float(shift))
    figure = curves.secant(EXAMPLES[name], x, (0,), 0, 0.5)
    low, high = figure.data[0].y.min(), figure.data[0].y.max()
    assert figure.layout.yaxis.range == pytest.approx((low - 0.08 * (high - low), high + 0.08 * (high - low)))


def test_without_a_derivative_or_a_value_there_is_no_line():
    lines, _ = traces(curves.secant(EXAMPLES["absolute value"], np.zeros(1), (0,), 0, 0.5))
    assert set(lines) == {"f", "secant"}
    assert lines["f"].y.min() == 0  # the corner itself is drawn
    lines, points = traces(curves.secant(EXAMPLES["pole"], np.array([0.5]), (0,), 0, 0.5))
    assert set(lines) == {"f", "tangent"}
    assert set(points) == {"x"}


def slope_and_middle(trace):
    """The slope of a straight line of two points, and the point halfway."""
    (x0, x1), (y0, y1) = trace.x, trace.y
    return (y1 - y0) / (x1 - x0), ((x0 + x1) / 2, (y0 + y1) / 2)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("i", [0, 2])
def test_the_losses_tangent_touches_it_at_y_and_has_the_given_slope(name, i):
    loss, y = LOSSES[name](), np.array([0.3, -1.2, 5.0])
    target = loss.random_target(np.random.RandomState(0), (3,))
    curve, tangent, point = curves.loss_along(loss, y, target, i, -0.7).data
    for at, value in zip(curve.x[::40], curve.y[::40], strict=True):
        moved = y.copy()
        moved[i] = at
        assert value == pytest.approx(loss.apply(moved, target), rel=1e-14)
    slope, middle = slope_and_middle(tangent)
    value = loss.apply(y, target)
    # Two subtractions of numbers of a size of about 10.
    assert slope == pytest.approx(-0.7, abs=1e-14)
    assert middle == pytest.approx((y[i], value), abs=1e-14)
    assert (point.x[0], point.y[0]) == (y[i], value)
    assert tangent.name == "tangent, slope -0.7"
    assert list(point.text) == ["slope -0.7 at x"]


def test_the_losses_window_holds_the_output_and_its_target():
    target = np.array([0.0, 8.0])
    figure = curves.loss_along(LOSSES["MSELoss"](), np.array([1.0, -3.0]), target, 1, 0.0)
    [line] = figure.layout.shapes
    assert (line.x0, line.x1) == (8.0, 8.0)
    assert (line.y0, line.y1, line.yref) == (0, 1, "paper")
    x = figure.data[0].x
    # The tangent reaches halfway to both sides.
    assert (figure.data[1].x[0], figure.data[1].x[-1]) == pytest.approx((-3 - 0.75 * 11, -3 + 0.75 * 11))
    assert x.min() == pytest.approx(-3 - 1.5 * 11)
    assert x.max() == pytest.approx(-3 + 1.5 * 11)
    low, high = figure.layout.yaxis.range
    values = figure.data[0].y
    # The curve fills the height but for a margin, however steep the tangent is.
    assert low < values.min() < values.max() < high
    assert high - low == pytest.approx(1.16 * np.ptp(values))


def test_a_level_curve_has_a_height_too():
    class Level(MSELoss):
        def apply(self, *_):
            return 3.0

    figure = curves.loss_along(Level(), np.array([1.0]), np.array([2.0]), 0, 0.0)
    assert figure.layout.yaxis.range == pytest.approx((2.92, 3.08))


def test_the_losses_window_is_never_narrower_than_two_to_each_side():
    curve = curves.loss_along(LOSSES["MSELoss"](), np.array([1.0]), np.array([1.5]), 0, 0.0).data[0]
    assert (curve.x.min(), curve.x.max()) == (-1, 3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_activations_tangents_touch_it_at_x_and_have_its_derivative_for_a_slope(name):
    activation, x = ACTIVATIONS[name](), np.array([-2.5, 0.4, 1.5])
    curve, *on_it, derivative, marks = curves.activation_curves(activation, x).data
    np.testing.assert_array_equal(curve.y, activation.function(curve.x))
    np.testing.assert_array_equal(derivative.y, activation.derivative(derivative.x))
    np.testing.assert_array_equal(marks.x, x)
    np.testing.assert_array_equal(marks.y, activation.derivative(x))
    for k, (tangent, point) in enumerate(zip(on_it[::2], on_it[1::2], strict=True)):
        slope, middle = slope_and_middle(tangent)
        assert slope == pytest.approx(activation.derivative(x)[k], abs=1e-14)
        assert middle == pytest.approx((x[k], activation.function(x)[k]), abs=1e-14)
        # All tangents are drawn equally long, 0.6 to each side.
        assert np.hypot(np.ptp(tangent.x), np.ptp(tangent.y)) == pytest.approx(1.2)
        assert (point.x[0], point.y[0]) == (x[k], activation.function(x)[k])


def test_the_window_of_an_activation_reaches_beyond_every_point():
    curve = curves.activation_curves(ACTIVATIONS["Tanh"](), np.array([0.5])).data[0]
    assert (curve.x.min(), curve.x.max()) == (-4, 4)
    assert curves.activation_curves(ACTIVATIONS["Tanh"](), np.array([-20.0, 1.0])).data[0].x.max() == pytest.approx(
        24.0
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [(6.25, "6.25"), (2.0, "2"), (-0.0, "0"), (1e-12, "10^{-12}"), (2.5e-7, r"2.5 \cdot 10^{-7}"), (-1e22, None)],
)
def test_numbers_in_latex(value, written):
    assert latex.number(value) == (written or r"-1 \cdot 10^{22}")


def test_numbers_in_latex_keep_every_bit():
    value = 1 / 3
    assert float(latex.number(value)) == value
    assert latex.number(np.inf) == latex.number(np.nan) == r"\text{no value}"


def test_the_exercises_quotients_are_written_out():
    example = EXAMPLES["sum of squares"]
    first, second = (latex.quotient(example, example.point, (j,), 0, 0.5) for j in (0, 1))
    assert r"\frac{f(1 + 0.5,\, 2) - f(1 - 0.5,\, 2)}{2 \cdot 0.5}" in first
    assert r"\frac{6.25 - 4.25}{1}" in first
    assert r"&= 2 " in first
    assert r"\frac{f(1,\, 2 + 0.5) - f(1,\, 2 - 0.5)}{2 \cdot 0.5}" in second
    assert r"\frac{7.25 - 3.25}{1}" in second
    assert r"&= 4 " in second
    assert latex.analytical(example, example.point).endswith(r"= \begin{bmatrix} 2 & 4 \end{bmatrix}")
    assert "is 2, and so is the quotient, to the last bit." in latex.compared(example, example.point, (0,), 0, 0.5)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "derivative"),
    [
        ("cubic", ["x"], ["f"], "f'(x)"),
        ("sum of squares", ["x[0]", "x[1]"], ["f"], r"\frac{\partial f}{\partial x_{1}}"),
        ("polar coordinates", ["x[0]", "x[1]"], ["f[0]", "f[1]"], r"\frac{\partial f_{1}}{\partial x_{1}}"),
    ],
)
def test_entries_have_indices_only_where_there_are_several(name, inputs, outputs, derivative):
    example = EXAMPLES[name]
    assert examples.input_names(example) == inputs
    assert examples.output_names(example) == outputs
    written = latex.quotient(example, example.point, (len(inputs) - 1,), len(outputs) - 1, 0.5)
    assert written.startswith(rf"\begin{{aligned}} {derivative} &\approx ")


def test_negative_values_are_bracketed_and_matrices_shifted_by_a_unit_matrix():
    cubic = EXAMPLES["cubic"]
    assert r"\frac{-0.125 - (-3.375)}{1}" in latex.quotient(cubic, np.array([-1.0]), (0,), 0, 0.5)
    assert r"\frac{3.375 - 0.125}{1}" in latex.quotient(cubic, np.array([1.0]), (0,), 0, 0.5)
    assert r"\frac{1 - 0}{1}" in latex.quotient(cubic, np.array([0.5]), (0,), 0, 0.5)
    matrix = EXAMPLES["matrix input"]
    assert r"f_{1}(A + 0.1\, E_{1,2})" in latex.quotient(matrix, matrix.point, (1, 2), 1, 0.1)


def test_what_there_is_not_is_said():
    magnitude, pole = EXAMPLES["absolute value"], EXAMPLES["pole"]
    assert "there is none" in latex.analytical(magnitude, np.zeros(1))
    assert latex.compared(magnitude, np.zeros(1), (0,), 0, 0.5) == "There is no derivative here."
    assert "no value" in latex.quotient(pole, np.array([0.5]), (0,), 0, 0.5)
    assert latex.compared(pole, np.array([0.5]), (0,), 0, 0.5) == "The analytical derivative is -4."


def test_all_of_a_short_vector_is_written_out_else_the_chosen_entry():
    assert latex.shown(np.zeros(2), (1,)) == [(0,), (1,)]
    assert latex.shown(np.zeros(3), (1,)) == [(1,)]
    assert latex.shown(np.zeros((2, 3)), (1, 2)) == [(1, 2)]
    assert latex.place(np.zeros((2, 3)), 5) == (1, 2)


def test_the_reshaping_trick_names_the_shapes():
    text = latex.reshaping((2, 3), 4)
    assert "fun(a.reshape(2, 3))" in text
    assert "shape (4, 2·3)" in text


def test_the_table_of_methods_holds_the_estimates():
    example = EXAMPLES["pole"]
    results = estimates(example, example.point, (0,), 0, 0.1)
    shown, numbers = examples.methods(results), examples.methods_csv(results)
    assert list(shown["method"]) == list(numbers["method"]) == list(METHODS)
    evaluations = dict(zip(shown["method"], shown["evaluations"], strict=True))
    assert evaluations.items() >= {"forward": 2, "central": 2, "five-point": 4, "complex-step": 1}.items()
    assert list(shown["order"]) == list(numbers["order"]) == [method.order for method in METHODS.values()]
    for k, result in enumerate(results):
        assert float(shown["value"][k]) == numbers["value"][k] == result.value
        assert numbers["error"][k] == result.error
        assert float(shown["error"][k]) == pytest.approx(result.error, rel=5e-3)  # three digits
    assert examples.remarks(results) == ""


def test_a_missing_number_is_a_dash_and_a_sentence():
    results = estimates(EXAMPLES["absolute value"], np.zeros(1), (0,), 0, 0.5)
    shown = examples.methods(results)
    assert (shown["error"] == examples.NONE).all()
    assert list(shown["value"]) == ["1", "-1", "0", "0", examples.NONE, "0"]
    sentences = examples.remarks(results).splitlines()
    assert len(sentences) == 2
    assert sentences[0].startswith("- forward, backward, central, five-point, richardson: there is no derivative")
    assert sentences[1].startswith("- complex-step: does not apply")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_derivative_is_in_the_csv(name):
    example = EXAMPLES[name]
    table = examples.entries(example, example.point, 0.1)
    exact = example.jacobian(example.point)
    assert len(table) == exact.size
    np.testing.assert_array_equal(table["analytical"], exact.ravel())
    numerical = numerical_gradient(example.function, example.point, 0.1).ravel()
    np.testing.assert_array_equal(table["numerical"], numerical)
    np.testing.assert_array_equal(table["difference"], exact.ravel() - numerical)
    assert list(table["input"].unique()) == examples.input_names(example)
    assert list(table["output"].unique()) == examples.output_names(example)


def test_a_quotient_is_divided_by_the_step_that_floating_point_took():
    example = EXAMPLES["cubic"]
    # Above 2^52 neighbouring numbers are 1 apart, below it 0.5: steps of 0.7 become those of 1 and 0.5.
    written = latex.quotient(example, np.full_like(example.point, 2.0**52), (0,), 0, 0.7)
    assert r"2 \cdot 0.7" in written
    assert written.split(r"\\[4pt]")[1].rstrip().endswith("{1.5}")
