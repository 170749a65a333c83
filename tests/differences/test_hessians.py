"""Hessians and their products: exact for quadratics, within their errors for others, as autograd has them."""

import re

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from mlp import hessian, hessian_vector_product


def rosenbrock(x):
    return anp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def wave(x):
    return anp.sum(anp.sin(x[:-1] * x[1:])) + anp.exp(x[0] / 3)


FUNCTIONS = [rosenbrock, wave, lambda x: anp.tanh(x @ anp.arange(4.0)) ** 2]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("by_gradient", [False, True])
def test_the_error_that_is_told_holds_the_truth(function, seed, by_gradient):
    x = np.random.RandomState(seed).uniform(-1.5, 1.5, 4)
    gradient = autograd.grad(function) if by_gradient else None
    value, error = hessian(function, x, gradient)
    truth = autograd.hessian(function)(x)
    assert np.all(np.abs(value - truth) <= error)
    # And tells something. With steps h, h^2 is u^(1/2) by the first way, u^(2/3) by the second. Rounding leaves 4 h^2
    # of f, truncation 2/3 h^2 f^(4) at most, which is 2400 for Rosenbrock's function and 16 * 3^4 for the third one.
    scale = max(abs(function(x)), np.abs(truth).max(), 1)
    assert error.max() <= 2.0 ** (-52 * (2 / 3 if by_gradient else 1 / 2)) * (2 / 3 * 2400 + 4 * scale)


@pytest.mark.parametrize("by_gradient", [False, True])
def test_a_product_with_a_vector_is_the_hessian_times_it(by_gradient):
    x, v = np.array([0.3, -0.2, 0.9, 1.1]), np.array([1.0, -2.0, 0.0, 1e-3])
    gradient = autograd.grad(rosenbrock) if by_gradient else None
    value, error = hessian_vector_product(rosenbrock, x, v, gradient)
    assert np.all(np.abs(value - autograd.hessian(rosenbrock)(x) @ v) <= error)
    zero, nothing = hessian_vector_product(rosenbrock, x, 0 * v, gradient)
    assert not zero.any()
    assert not nothing.any()


def test_a_product_with_a_longer_vector_is_that_much_larger_and_no_less_exact():
    # x moves by the same steps however long the vector is, so a power of two passes through without any rounding.
    x, v = np.array([0.3, -0.2, 0.9, 1.1]), np.array([1.0, -2.0, 0.0, 1e-3])
    product, error = hessian_vector_product(rosenbrock, x, v, autograd.grad(rosenbrock))
    for factor in (2.0**-20, 2.0**20):
        longer = hessian_vector_product(rosenbrock, x, factor * v, autograd.grad(rosenbrock))
        np.testing.assert_array_equal(longer.value, factor * product)
        np.testing.assert_array_equal(longer.error, factor * error)


@pytest.mark.parametrize("by_gradient", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_of_a_float32_input_too_the_error_holds_the_truth(seed, by_gradient):
    x = np.random.RandomState(seed).uniform(-1.5, 1.5, 4).astype(np.float32)
    gradient = autograd.grad(wave) if by_gradient else None
    value, error = hessian(wave, x, gradient)
    assert np.all(np.abs(value - autograd.hessian(wave)(x.astype(np.float64))) <= error)


@pytest.mark.parametrize("entries", [1, 3])
def test_the_evaluations_are_as_many_as_told(entries):
    seen = []

    def counted(result):
        return lambda x: seen.append(x) or result(x)

    hessian(counted(np.sum), np.ones(entries))
    assert len(seen) == 4 * entries * (entries + 1) + 1
    seen.clear()
    hessian(np.sum, np.ones(entries), counted(np.ones_like))
    assert len(seen) == 4 * entries + 1
    seen.clear()
    hessian_vector_product(np.sum, np.ones(entries), np.ones(entries), counted(np.ones_like))
    assert len(seen) == 5


def test_a_gradient_may_write_into_one_buffer():
    buffer = np.zeros(3)

    def gradient(x):
        buffer[:] = x**2
        return buffer

    value, error = hessian(lambda x: np.sum(x**3) / 3, np.array([1.0, 2.0, 3.0]), gradient)
    assert np.all(np.abs(value - np.diag([2.0, 4.0, 6.0])) <= error)


def test_the_hessian_of_a_matrix_is_in_the_order_of_its_entries():
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    value, error = hessian(lambda x: x[0, 0] * x[1, 0] + 5 * x[0, 1] ** 2, A)
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[2, 0] = 1
    expected[1, 1] = 10
    assert np.all(np.abs(value - expected) <= error)
    np.testing.assert_array_equal(value, value.T)


def test_by_a_gradient_a_column_is_what_a_step_on_that_entry_moves():
    # No function has this gradient, so rows and columns cannot be exchanged.
    A = np.array([[1.0, 2.0], [-3.0, 4.0]])
    value, error = hessian(np.sum, np.array([0.5, -2.0]), lambda x: A @ x)
    assert np.all(np.abs(value - A) <= error)


def test_the_error_of_a_hessian_without_truncation_is_four_roundings():
    # Of a quadratic the differences are exact but for the rounding of its values: 4 u f / h^2, or 4 u g / h.
    x, u = np.array([3.0, -1.0]), 2.0**-52
    for gradient, size, divisor in ((None, 10.0, u**0.5), (lambda x: 2 * x, 6.0, u ** (1 / 3))):
        _, error = hessian(lambda x: x @ x, x, gradient)
        # The second step's difference from the first adds its own rounding, here less than as much again.
        assert np.all((error >= 4 * u * size / divisor * (1 - 1e-12)) & (error <= 2 * 4 * u * size / divisor))


def test_the_error_of_a_hessian_that_bends_is_twice_its_truncation():
    # The central difference of sin(k x) at 0 is k (1 - (k h)^2 / 6 + ...), which here is all that is wrong with it: the
    # factor two is the room for what two steps cannot tell of the terms behind.
    value, error = hessian(np.sum, np.zeros(1), lambda x: np.sin(1000 * x))
    assert error[0, 0] == pytest.approx(2 * (1000 - value[0, 0]), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hessian(np.sin, np.zeros(2)), "the function must return a single number, not an array of shape (2,)"),
        (lambda: hessian(np.sum, np.zeros(0)), "x must not be empty"),
        (
            lambda: hessian_vector_product(np.sum, np.zeros(2), np.ones(3)),
            "v must have the shape of x, (2,), not (3,)",
        ),
    ],
)
def test_misuse_is_named(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: hessian(np.sum, np.ones(2) + 0j), "x"),
        (lambda: hessian_vector_product(np.sum, np.ones(2) + 0j, np.ones(2)), "x"),
        (lambda: hessian_vector_product(np.sum, np.ones(2), np.ones(2) + 0j), "v"),
    ],
)
def test_what_is_not_real_is_named(call, name):
    with pytest.raises(TypeError, match=f"^{name} must be real, not complex128"):
        call()
