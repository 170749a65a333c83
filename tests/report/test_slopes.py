"""Curves with their tangents: the curve is the function, a tangent touches it and has its derivative for a slope."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES
from mlp.report.figures.slopes import activation_curves, loss_along


def slope_and_middle(trace):
    """The slope of a straight line of two points, and the point halfway."""
    (x0, x1), (y0, y1) = trace.x, trace.y
    return (y1 - y0) / (x1 - x0), ((x0 + x1) / 2, (y0 + y1) / 2)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("i", [0, 2])
def test_the_losses_tangent_touches_it_at_y_and_has_the_given_slope(name, i):
    loss, y = LOSSES[name](), np.array([0.3, -1.2, 5.0])
    target = loss.random_target(np.random.RandomState(0), (3,))
    curve, tangent, point = loss_along(loss, y, target, i, -0.7).data
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
    assert point.hovertemplate.startswith("x = %{x:.6g}<br>%{y:.9g}<br>slope -0.7")


def test_the_losses_window_holds_the_output_and_its_target():
    target = np.array([0.0, 8.0])
    figure = loss_along(LOSSES["MSELoss"](), np.array([1.0, -3.0]), target, 1, 0.0)
    [line] = figure.layout.shapes
    assert (line.x0, line.x1) == (8.0, 8.0)
    x = figure.data[0].x
    assert x.min() == pytest.approx(-3 - 1.5 * 11)
    assert x.max() == pytest.approx(-3 + 1.5 * 11)
    low, high = figure.layout.yaxis.range
    values = figure.data[0].y
    # The curve fills the height but for a margin, however steep the tangent is.
    assert low < values.min() < values.max() < high
    assert high - low == pytest.approx(1.16 * np.ptp(values))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_activations_tangents_touch_it_at_x_and_have_its_derivative_for_a_slope(name):
    activation, x = ACTIVATIONS[name](), np.array([-2.5, 0.4, 1.5])
    curve, *on_it, derivative, marks = activation_curves(activation, x).data
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
    assert activation_curves(ACTIVATIONS["Tanh"](), np.array([0.5])).data[0].x.max() == 4.0
    assert activation_curves(ACTIVATIONS["Tanh"](), np.array([-20.0, 1.0])).data[0].x.max() == pytest.approx(24.0)
