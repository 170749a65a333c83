"""The linear map against sums written out, and the stable scalar functions against exact decimals."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.nn.functional import linear_backward, linear_forward, log_softmax, magnitude, relu, sigmoid, softplus
from tests import exact
from tests.comparing import U, assert_close, assert_ulps

SHAPES = [(), (1,), (7,)]


def draw(leading):
    rng = np.random.RandomState(1)
    x, W, b = rng.randn(*leading, 4), rng.randn(3, 4), rng.randn(3)
    return rng.randn(*leading, 3), x, W, b


@pytest.mark.parametrize("leading", SHAPES)
def test_linear_forward_is_the_sum_of_products(leading):
    _, x, W, b = draw(leading)
    y = linear_forward(x, W, b)
    assert y.shape == (*leading, 3)
    for sample in np.ndindex(leading):
        for i in range(3):
            expected = math.fsum([*(W[i, j] * x[*sample, j] for j in range(4)), b[i]])
            # Five terms, so at most nine roundings by u/2 of at most their absolute sum.
            room = 4.5 * U * (np.abs(W[i]) @ np.abs(x[sample]) + abs(b[i]))
            assert abs(y[*sample, i] - expected) <= room


@pytest.mark.parametrize("leading", SHAPES)
def test_linear_backward_is_the_chain_rule_entry_by_entry(leading):
    dy, x, W, b = draw(leading)
    dx, dW, db = linear_backward(dy, x, W, b)
    samples = list(np.ndindex(leading))
    expected_dx = np.zeros_like(x)
    for sample in samples:
        for j in range(4):
            expected_dx[*sample, j] = math.fsum(dy[*sample, i] * W[i, j] for i in range(3))
    expected_dW = [[math.fsum(dy[*s, i] * x[*s, j] for s in samples) for j in range(4)] for i in range(3)]
    expected_db = [math.fsum(dy[*s, i] for s in samples) for i in range(3)]
    # At most seven terms and so thirteen roundings by u/2; the terms' absolute sum is at most a few times the largest
    # entry of the tensor, which leaves room within 50 u.
    assert_close(dx, expected_dx, 50 * U, "dx")
    assert_close(dW, expected_dW, 50 * U, "dW")
    assert_close(db, expected_db, 50 * U, "db")


def test_integer_gradients_and_inputs_serve_as_well():
    _, _, W, b = draw(())
    dx, dW, db = linear_backward(np.arange(1, 4), [1, 0, 2, 0], W, b)
    assert_close(dx, 1.0 * W[0] + 2.0 * W[1] + 3.0 * W[2], 3 * U, "dx")
    assert dW.tolist() == [[1, 0, 2, 0], [2, 0, 4, 0], [3, 0, 6, 0]]
    assert db.tolist() == [1, 2, 3]
    assert {a.dtype for a in (dx, dW, db)} == {np.dtype(np.float64)}


def test_a_square_weight_matrix_is_transposed_where_it_should_be():
    W, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(2)
    dx, dW, _ = linear_backward([1.0, 0.0], [0.0, 1.0], W, b)
    assert linear_forward([1.0, 0.0], W, b).tolist() == [1.0, 3.0]  # the first column of W
    assert dx.tolist() == [1.0, 2.0]  # the first row
    assert dW.tolist() == [[0.0, 1.0], [0.0, 0.0]]  # y_0 and x_1 meet in W[0, 1]
    dx, dW, _ = linear_backward([[1.0, 0.0]], [[0.0, 1.0]], W, b)
    assert dx.tolist() == [[1.0, 2.0]]
    assert dW.tolist() == [[0.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize("leading", SHAPES)
def test_linear_backward_hands_out_arrays_of_its_own(leading):
    given_arrays = draw(leading)
    for gradient in linear_backward(*given_arrays):
        assert not any(np.shares_memory(gradient, array) for array in given_arrays)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": np.zeros(5)}, "x must have shape (4,) or (n, 4), not (5,)"),
        ({"x": np.zeros((2, 2, 4))}, "x must have shape (4,) or (n, 4), not (2, 2, 4)"),
        ({"W": np.zeros(4)}, "W must have shape (out_features, in_features), not (4,)"),
        ({"b": np.zeros(4)}, "b must have shape (3,), not (4,)"),
        ({"b": np.zeros((1, 3))}, "b must have shape (3,), not (1, 3)"),
        ({"dy": np.zeros(4)}, "dy must have shape (3,), not (4,)"),
        ({"dy": np.zeros((1, 3))}, "dy must have shape (3,), not (1, 3)"),
        ({"x": np.zeros((2, 4)), "dy": np.zeros(3)}, "dy must have shape (2, 3), not (3,)"),
    ],
)
def test_shapes_that_do_not_fit_together(changed, message):
    arguments = dict(zip(("dy", "x", "W", "b"), draw(()), strict=True)) | changed
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        linear_backward(**arguments)
    if "dy" not in changed:
        del arguments["dy"]
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            linear_forward(**arguments)


@pytest.mark.parametrize(
    ("function", "formula"),
    [(sigmoid, exact.sigmoid), (softplus, exact.softplus), (relu, lambda x: max(x, 0)), (magnitude, abs)],
)
def test_scalar_functions_are_exact_to_a_few_ulps_everywhere(function, formula):
    x = np.array(exact.POINTS)
    # exp and log1p are good to 1 ulp and followed by at most two roundings: 4 ulps hold them all, as nothing cancels.
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert_ulps(function(x), [exact.exactly(formula, point) for point in exact.POINTS], 4)


@pytest.mark.parametrize("function", [sigmoid, softplus, relu, magnitude])
def test_scalar_functions_take_complex_numbers_on_the_branch_of_their_real_part(function):
    # Analytic on each branch: a step along i and a step along the real axis meet the same derivative. Away from the
    # seam at 0, the two second-order errors at h = 1e-5 are at most h^2 and the real one's round-off is 4 u / h.
    h, x = 1e-5, np.array([-3.0, -0.7, 0.4, 2.0])
    along_i = function(x + 1j * h).imag / h
    along_x = (function(x + h) - function(x - h)) / (2 * h)
    assert np.max(np.abs(along_i - along_x)) <= h**2 + 4 * U / h


LOGITS = st.lists(st.floats(-1000, 1000), min_size=1, max_size=6).map(np.array)


def room(expected):
    # Two subtractions of numbers up to 2000, and a sum of up to six exp, each rounded, below the logarithm.
    return U * (np.abs(expected) + 10)


@given(LOGITS)
def test_log_softmax_against_exact_decimals(y):
    for i, actual in enumerate(log_softmax(y)):
        expected = exact.exactly(lambda *ys, i=i: ys[i] - sum(y.exp() for y in ys).ln(), *y)
        assert abs(actual - expected) <= room(expected)


@given(LOGITS)
def test_log_softmax_of_a_batch_is_that_of_each_row(y):
    batch = np.stack([y, -y, y / 3 + 1])
    for row, actual in zip(batch, log_softmax(batch), strict=True):
        expected = log_softmax(row)
        assert np.all(np.abs(actual - expected) <= 2 * room(expected))


@pytest.mark.parametrize(
    ("y", "result", "slope"),
    [
        # -p_1 - p_2, which is lost in 1 - p_0; and the probability of one of many, which is lost in 1 - (1 - p_0).
        (np.array([40.0, 0.25, -1.5]), 0, math.exp(-39.75) + math.exp(-41.5)),
        (np.zeros(100_003), 1, -1 / 100_003),
    ],
)
def test_a_complex_step_on_the_largest_loses_no_digit_whether_it_is_sure_or_one_of_many(y, result, slope):
    h = 1e-20
    moved = y + 1j * h * (np.arange(y.size) == 0)
    assert abs(log_softmax(moved)[result].imag / h - slope) <= 100 * U * abs(slope)


def test_softplus_has_its_right_slope_at_zero_under_a_complex_step():
    # Its two terms must take the same branch there: each has a kink at zero, and only together are they smooth.
    assert softplus(np.array([1e-20j])).imag[0] / 1e-20 == 0.5
