"""numerical_gradient: shapes in and out, the step really taken, and x left exactly as it was."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.differences.derivatives import differentiate, sample
from mlp.differences.methods import METHODS, optimal_step
from mlp.differences.numerical import DifferenceWarning, numerical_gradient
from tests.comparing import U, assert_close, assert_ulps

every_method = pytest.mark.parametrize("method", METHODS)
REAL = [name for name, method in METHODS.items() if not method.is_complex]
# Methods whose weights are powers of two, so that multiplying by them rounds nothing.
EXACT_WEIGHTS = ["forward", "backward", "central"]

# A linear function has no truncation. With h = 1/2, round-off is ten u of its values, which here are at most four times
# the largest coefficient, times the weights, over h.
OF_LINEAR = {name: 10 * U * 4 * np.abs(method.weights).sum() / 0.5 for name, method in METHODS.items()}

SHAPES = [
    # x, output, derivative
    ((), (), ()),
    ((), (4,), (4,)),
    ((), (2, 5), (2, 5)),
    ((3,), (), (1, 3)),
    ((3,), (4,), (4, 3)),
    ((1,), (1,), (1, 1)),
    ((3,), (2, 5), (2, 5, 3)),
    ((2, 3), (), (2, 3)),
    ((2, 3), (4,), (4, 2, 3)),
    ((2, 3), (4, 5), (4, 5, 2, 3)),
    ((2, 1, 3), (2,), (2, 2, 1, 3)),
]


@every_method
@pytest.mark.parametrize(("x_shape", "y_shape", "expected_shape"), SHAPES)
def test_shapes_and_the_place_of_every_entry(method, x_shape, y_shape, expected_shape):
    rng = np.random.RandomState(0)
    coefficients, x = rng.randn(*y_shape, *x_shape), rng.randn(*x_shape)
    gradient = numerical_gradient(lambda x: np.tensordot(coefficients, x, np.ndim(x)), x, 0.5, method)
    assert gradient.shape == expected_shape
    assert_close(gradient, np.reshape(coefficients, expected_shape), OF_LINEAR[method])


def test_the_function_may_return_any_kind_of_number():
    for returned in (float, np.float64, np.float32, int, np.array, lambda y: [float(y)]):
        gradient = numerical_gradient(lambda x, returned=returned: returned(4 * x[0]), [2.0], 0.25)
        assert gradient.tolist() == [[4.0]]


@pytest.mark.parametrize("x", [3, 3.0, np.float64(3), np.array(3), [3], (3, 1), np.arange(3, dtype=np.int8)])
def test_x_may_be_any_kind_of_real_number(x):
    assert np.all(numerical_gradient(lambda x: np.sum(2 * x), x, 0.5) == 2)


@every_method
def test_agrees_with_scipy_on_a_curved_function(method):
    def curved(x):
        return np.stack([np.exp(x[0]) * np.sin(x[1]), x[0] * x[1] ** 2, np.cos(x[2]) / (2 + x[0])])

    from scipy.differentiate import jacobian

    x = np.array([0.5, 0.75, 1.25])
    expected = jacobian(curved, x, tolerances={"rtol": 1e-12, "atol": 1e-12})
    h = float(np.max(optimal_step(method, x)))
    # At the optimal step of order p the error is about u^(p / (p + 1)) times derivatives and weights, some ten.
    order = METHODS[method].order
    room = 10 * U ** (order / (order + 1)) + 1e-11
    assert_close(numerical_gradient(curved, x, h, method), expected.df, room)


@pytest.mark.parametrize("h", [1e-2, 1e-6, 1e-10])
def test_forward_differences_are_those_of_scipy(h):
    from scipy.optimize import approx_fprime

    x = np.random.RandomState(1).randn(5)
    ours = numerical_gradient(lambda x: np.sum(np.sin(x)) ** 2, x, h, "forward")[0]
    # The same quotient over the step really taken: one division apart at most.
    assert_ulps(ours, approx_fprime(x, lambda x: np.sum(np.sin(x)) ** 2, h), 1)


@every_method
def test_sample_tells_what_stands_behind_a_derivative(method):
    h, x = 2.0**-4, np.array([[1.0, 2.0], [3.0, 4.0]])
    samples = sample(np.square, x, (1, 0), h, method)
    assert samples.points == tuple(3.0 + offset * h for offset in METHODS[method].offsets)
    for point, value in zip(samples.points, samples.values, strict=True):
        assert value.tolist() == [[1.0, 4.0], [point**2, 16.0]]
    assert samples.step == pytest.approx(h, rel=4 * U, abs=0)  # x + o h is exact here, the weights are rounded
    assert np.array_equal(samples.quotient, numerical_gradient(np.square, x, h, method)[..., 1, 0])


@every_method
def test_what_does_not_depend_on_x_has_a_derivative_of_exactly_zero(method):
    constants = np.random.RandomState(4).randn(50)  # times weights such as 1/12, these are rounded each in its own way
    assert not numerical_gradient(lambda x: constants + 0 * x, 0.3, 1e-3, method).any()


@every_method
def test_the_function_is_called_once_for_each_offset_of_each_entry(method):
    seen = []

    def record(x):
        seen.append(x)
        return x.sum()

    x = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    differentiate(record, x, 0.5, method)
    assert len(seen) == x.size * len(METHODS[method].offsets)
    moved = [shifted - x for shifted in seen]
    expected = []
    for index in np.ndindex(x.shape):
        for offset in METHODS[method].offsets:
            one = np.zeros(x.shape, complex)
            one[index] = 0.5 * offset
            expected.append(one.tolist())
    assert [np.asarray(difference, complex).tolist() for difference in moved] == expected
    assert len({id(shifted) for shifted in seen}) == len(seen)
    assert not any(np.shares_memory(shifted, x) for shifted in seen)


@every_method
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_x_stays_as_it_was_when_the_function_scribbles_into_its_argument(method, shape):
    x = np.array(np.random.RandomState(2).randn(*shape))
    before = x.copy()

    def scribble(argument):
        total = np.sum(argument)
        argument[...] = np.nan
        return total

    assert_close(numerical_gradient(scribble, x, 0.5, method).reshape(shape), np.ones(shape), OF_LINEAR[method])
    assert np.array_equal(x, before)


@every_method
def test_x_stays_as_it_was_when_the_function_raises(method):
    x = np.array([1.0, 2.0, 3.0])
    calls = []

    def third_time_unlucky(argument):
        calls.append(argument)
        if len(calls) == 3:
            raise ArithmeticError("no more")
        return argument

    with pytest.raises(ArithmeticError, match="no more"):
        numerical_gradient(third_time_unlucky, x, 0.1, method)
    assert x.tolist() == [1.0, 2.0, 3.0]


@every_method
def test_a_function_may_return_the_same_buffer_each_time(method):
    buffer = np.zeros(2, complex if METHODS[method].is_complex else float)

    def reuse(x):
        buffer[:] = 4 * x
        return buffer

    assert_close(numerical_gradient(reuse, np.array([1.0, 2.0]), 0.5, method), 4 * np.eye(2), OF_LINEAR[method])


@pytest.mark.parametrize("method", EXACT_WEIGHTS)
@given(x=st.floats(-1e8, 1e8), power=st.integers(-12, 0), slope=st.sampled_from([0.25, 1.0, -8.0]))
def test_linear_functions_come_out_exactly_however_small_the_step(method, x, power, slope):
    eps = 10.0**power
    gradient = float(differentiate(lambda x: slope * x, x, eps, method))
    if x + eps == x - eps:
        assert math.isnan(gradient)
    else:
        # The slope is a power of two, so the values are as exact as the points and differ by slope times the step.
        assert abs(gradient - slope) <= 4 * U * abs(slope)


@pytest.mark.parametrize("method", REAL)
@given(x=st.floats(-1e8, 1e8), power=st.integers(-6, 0))
def test_linear_functions_come_out_within_the_rounding_of_the_weights(method, x, power):
    eps = 10.0**power
    samples = sample(lambda x: 2 * x, x, (), eps, method)
    sizes = np.abs(np.multiply(METHODS[method].weights, samples.values))
    # Each weighted value, and each sum of two, is rounded by u/2 of at most all of them together.
    assert abs(float(samples.quotient) - 2) <= 2 * len(sizes) * U * np.sum(sizes) / samples.step + 8 * U


def test_the_textbook_quotient_would_miss_by_the_rounding_of_the_step():
    x, eps = 1e8, 1e-7
    assert abs(((x + eps) - (x - eps)) / (2 * eps) - 1) > 0.04
    assert numerical_gradient(lambda x: x, x, eps).tolist() == 1.0


@pytest.mark.parametrize("method", REAL)
def test_no_step_no_number(method):
    with pytest.warns(DifferenceWarning, match="lost in x"):
        gradient = numerical_gradient(np.square, np.array([1e8, 1.0]), 1e-9, method)
    assert np.isnan(gradient[:, 0]).all()
    assert not np.isnan(gradient[:, 1]).any()


def test_a_step_taken_on_one_side_only_still_counts():
    # Below 1 the floats lie twice as close as above, so 1 - eps moves and 1 + eps does not.
    eps = 0.75 * 2.0**-53
    assert 1 + eps == 1 > 1 - eps
    assert numerical_gradient(lambda x: x, 1.0, eps) == 1


def test_the_complex_step_takes_any_step():
    for x in (1e8, 1.0, -1e-8):
        assert_ulps(numerical_gradient(np.square, x, 1e-100, "complex-step"), 2 * x, 1)


@pytest.mark.parametrize("function", [np.abs, lambda x: x.real, lambda x: float(x.real)])
def test_the_complex_step_needs_a_function_that_keeps_complex_numbers(function):
    message = "the complex-step method needs a function that returns complex numbers .* returned float64; take a real"
    with pytest.raises(TypeError, match=message):
        numerical_gradient(function, 1.0, method="complex-step")


def test_float32_is_differentiated_in_float32():
    seen = set()

    def cube(x):
        seen.add(x.dtype)
        return x**3

    x = np.array([0.5, 1.5], np.float32)
    for method, dtype in (("central", np.float32), ("complex-step", np.complex64)):
        seen.clear()
        gradient = differentiate(cube, x, np.float32(2.0**-7), method)
        assert seen == {np.dtype(dtype)}
        # (x + h)^3 - (x - h)^3 = 2 h (3 x^2 + h^2), and round-off of a few float32 u of 3.4 over h.
        assert np.max(np.abs(gradient - np.diag(3 * x**2))) <= 2.0**-14 + 4 * 2.0**-23 * 3.4 / 2.0**-7


@pytest.mark.parametrize("eps", [0, 0.0, -1e-4, math.nan, math.inf, "1e-4", None, True, 1j])
def test_what_is_no_step(eps):
    message = f"eps must be a positive, finite number, not {eps!r}"
    for method in METHODS:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            numerical_gradient(np.square, [1.0], eps, method)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.square, []), ValueError, "x must not be empty"),
        ((np.square, np.zeros((2, 0))), ValueError, "x must not be empty"),
        ((np.square, [1j]), TypeError, "x must be real, not complex128"),
        ((np.square, "1"), TypeError, "x must hold numbers (float or integer), not <U1"),
        ((np.square, [True]), TypeError, "x must hold numbers (float or integer), not bool"),
        ((np.square, [1.0], 1e-4, "centre"), ValueError, "method must be one of forward, backward, central"),
        ((lambda _: None, [1.0]), TypeError, "the function's output must hold numbers (float or integer), not object"),
        ((lambda x: x > 0, [1.0]), TypeError, "the function's output must hold numbers (float or integer), not bool"),
    ],
)
def test_misuse_names_what_was_expected_and_what_came(arguments, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        numerical_gradient(*arguments)


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.is_complex])
def test_an_imaginary_part_is_refused_by_a_real_method_and_never_dropped(method):
    with pytest.raises(TypeError, match="is for real functions, but this one returned complex numbers"):
        numerical_gradient(lambda x: np.exp(1j * x), np.array([0.5]), method=method)
    # One that is zero is none.
    derivative = numerical_gradient(lambda x: (x**2).astype(complex), np.array([0.5]), method=method)
    assert derivative.dtype == np.float64
    np.testing.assert_allclose(derivative, [[1.0]], atol=1.1e-4)  # forward: h f''/2
