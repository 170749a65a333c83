"""Each registered activation: value and slope against exact decimals, slope against the complex step, and its layer."""

import numpy as np
import pytest

from mlp.nn.activations import ACTIVATIONS
from mlp.nn.layers import Activation
from tests import exact
from tests.comparing import SMALLEST, assert_ulps, counterpart

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


@every_activation
def test_value_and_slope_are_exact_to_a_few_ulps_everywhere(name):
    formulas = counterpart(exact.ACTIVATIONS, name, "tests/exact.py")
    layer, x = ACTIVATIONS[name](), np.array(exact.POINTS)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, dx = layer.forward(x), layer.backward(np.ones_like(x))
    # exp and tanh are good to 1 ulp, and no formula has more than six roundings after them; at POINTS nothing
    # cancels (the slope of SiLU crosses zero at -1.28, which is not one of them). An exp that underflows is off by up
    # to SMALLEST, and SiLU multiplies it with |x| <= 1000.
    assert_ulps(y, [exact.exactly(formulas.function, point) for point in exact.POINTS], 8, "y", 1000 * SMALLEST)
    assert_ulps(dx, [exact.exactly(formulas.derivative, point) for point in exact.POINTS], 8, "dx", 1000 * SMALLEST)


@pytest.mark.parametrize(
    ("name", "at_minus_1000", "at_1000"),
    [
        ("Tanh", (-1, 0), (1, 0)),
        ("Sigmoid", (0, 0), (1, 0)),
        ("ReLU", (0, 0), (1000, 1)),
        ("LeakyReLU", (-10, 0.01), (1000, 1)),
        ("Softplus", (0, 0), (1000, 1)),
        ("SiLU", (0, 0), (1000, 1)),
        ("Identity", (-1000, 1), (1000, 1)),
    ],
)
def test_value_and_slope_far_out(name, at_minus_1000, at_1000):
    # By hand: every exp(-1000) is below the smallest float.
    layer = ACTIVATIONS[name]()
    y = layer.forward([-1000.0, 1000.0])
    dx = layer.backward([1.0, 1.0])
    assert list(zip(y, dx, strict=True)) == [at_minus_1000, at_1000]


@every_activation
def test_slope_is_the_complex_step_of_the_value(name):
    h = 2.0**-66  # a power of two: the division by it is exact, and h^2 vanishes beside 1
    sizes = np.array([size for size in exact.MAGNITUDES if size < 300])  # beyond, tanh'(x) h is below the floats
    x = np.concatenate([-sizes, sizes])
    step = ACTIVATIONS[name]().apply(x + 1j * h).imag / h
    # Both sides are a handful of roundings away from the truth: 8 ulps for the slope as above, as many for the step.
    assert_ulps(ACTIVATIONS[name].derivative(x), step, 16)


@every_activation
def test_backward_multiplies_each_dy_with_the_slope_at_its_own_x(name):
    x = np.array([[-2.0, -0.5, 0.3], [1.0, 4.0, -7.0]])
    dy = np.array([[1.0, 2.0, 3.0], [-4.0, 0.0, 0.5]])
    layer = ACTIVATIONS[name]()
    layer.forward(x)
    dx = layer.backward(dy)
    for index in np.ndindex(x.shape):
        alone = ACTIVATIONS[name]()
        alone.forward(x[index].reshape(1))
        # numpy may compute a lone element and a row by different instructions, each within an ulp or two.
        assert_ulps(dx[index], (dy[index] * alone.backward([1.0]))[0], 8)


@every_activation
def test_float32_stays_float32(name):
    layer = ACTIVATIONS[name]()
    x = np.linspace(-3, 3, 5, dtype=np.float32)
    assert layer.forward(x).dtype == np.float32
    assert layer.backward(x).dtype == np.float32


@every_activation
def test_output_is_never_the_input(name):
    layer, x = ACTIVATIONS[name](), np.array([1.0, 2.0])
    for y in (layer.apply(x), layer.forward(x)):
        assert not np.shares_memory(x, y)


@pytest.mark.parametrize(("name", "slope"), [("ReLU", 0.0), ("LeakyReLU", 0.01)])
def test_slope_at_the_kink_is_the_left_one(name, slope):
    assert ACTIVATIONS[name].derivative(np.array([0.0, -0.0])).tolist() == [slope, slope]


def test_registered_names_are_the_classes_own():
    assert {activation.__name__: activation for activation in ACTIVATIONS.values()} == ACTIVATIONS
    assert all(issubclass(activation, Activation) for activation in ACTIVATIONS.values())
