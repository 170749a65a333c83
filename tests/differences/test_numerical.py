"""What `numerical_gradient` says of its own result: steps that were lost, one-sided ones, functions of real numbers."""

import re
from inspect import signature

import numpy as np
import pytest

from mlp import (
    METHODS,
    jacobian,
    loss_gradients,
    loss_gradients_by_loop,
    numerical_gradient,
    optimal_step,
    structured_cost,
)
from mlp.differences.errors import estimated_gradients
from mlp.differences.methods import as_method
from mlp.differences.numerical import DifferenceWarning
from tests.comparing import U

REAL = [name for name, method in METHODS.items() if not method.is_complex]


@pytest.mark.parametrize("method", METHODS)
def test_each_entry_may_have_its_own_step(method):
    x = np.array([[0.5, 3000.0], [-2e5, 1e-3]])
    steps = optimal_step(method, x)
    assert steps[1, 0] > 1e4 * steps[0, 0] / 2
    derivative = numerical_gradient(lambda x: x**2, x, steps, method).reshape(4, 4).diagonal().reshape(2, 2)
    # (x + h)^2 - x^2 = 2 x h + h^2, and a few roundings of x^2 over h, with weights of 3 at most.
    assert np.all(np.abs(derivative - 2 * x) <= steps + 8 * U * x**2 / steps)


def test_an_entrys_step_is_that_entrys():
    seen = []
    numerical_gradient(lambda x: seen.append(x) or x.sum(), np.zeros(2), np.array([0.5, 0.25]), "forward")
    assert [moved.tolist() for moved in seen[::2]] == [[0.5, 0.0], [0.0, 0.25]]


@pytest.mark.parametrize(
    ("eps", "message"),
    [
        (np.ones(3), "eps must be a number or have the shape of x, (2,), not (3,)"),
        (np.array([1e-4, 0.0]), "every step in eps must be a positive, finite number"),
        (np.array([1e-4, np.inf]), "every step in eps must be a positive, finite number"),
        (np.array([1e-4, -1e-4]), "every step in eps must be a positive, finite number"),
        (np.array(["a", "b"]), "every step in eps must be a positive, finite number"),
        (-1.0, "eps must be a positive, finite number, not -1.0"),
        (True, "eps must be a positive, finite number, not True"),
    ],
)
def test_steps_that_are_none(eps, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        numerical_gradient(np.sum, np.zeros(2), eps)


@pytest.mark.parametrize("method", REAL)
def test_a_step_that_is_lost_in_x_is_named(method):
    with pytest.warns(DifferenceWarning, match=r"^1 step is lost in x, which is too large for it"):
        derivative = numerical_gradient(lambda x: 2 * x, np.array([1.0, 1e17]), 1e-4, method)
    assert derivative[0, 0] == pytest.approx(2.0)
    assert np.isnan(derivative[1, 1])


@pytest.mark.parametrize("method", REAL)
def test_a_step_that_is_lost_in_the_rounding_of_the_function_is_named(method):
    with pytest.warns(DifferenceWarning, match=r"^each of 2 steps is lost in the rounding of the function"):
        derivative = numerical_gradient(lambda x: 1e10 + np.sum(x), np.zeros(2), 1e-9, method)
    assert not derivative.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_function_that_does_not_depend_on_an_entry_is_no_cause_for_a_warning(method):
    derivative = numerical_gradient(lambda x: x[0] ** 2, np.array([1.0, 2.0]), 1e-6, method)
    assert derivative[0, 1] == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.abs(x) * x,
        lambda x: np.sum(np.abs(x) + 0j * x),
        lambda x: x.real * x,
        lambda x: np.linalg.norm(x) * x,
        lambda x: np.maximum(x.real, 0) * (1 + 0j) * x,
    ],
)
def test_the_complex_step_refuses_what_loses_the_imaginary_part(function):
    with pytest.raises(TypeError, match="loses their imaginary part"):
        numerical_gradient(function, np.array([0.5, 2.0]), 1e-20, "complex-step")


@pytest.mark.parametrize(
    "function", [np.exp, np.sin, lambda x: 1 / x, lambda x: np.where(x.real > 0, x, 0), lambda x: x @ x, np.tanh]
)
@pytest.mark.parametrize("eps", [1e-20, 1e-4, 0.3])
def test_the_complex_step_takes_functions_of_complex_numbers_whatever_the_step(function, eps):
    assert np.all(np.isfinite(numerical_gradient(function, np.array([0.5, -2.0]), eps, "complex-step")))


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize(
    ("function", "x", "derivative"),
    [(np.sqrt, 5e-5, 0.5 / np.sqrt(5e-5)), (np.log, 1e-4 / 3, 3e4), (np.log, 1e-4, 1e4)],  # the last one to log 0
)
def test_a_step_out_of_the_domain_falls_back_to_one_side_and_says_so(method, function, x, derivative):
    if method == "forward":  # which stays inside
        assert np.isfinite(numerical_gradient(function, x, 1e-4, method))
        return
    with pytest.warns(DifferenceWarning, match=r"^1 step led to where the function has no value"):
        value = float(numerical_gradient(function, x, 1e-4, method))
    # One-sided, and the step is longer than x: right in sign and size, no more.
    assert 0.3 * derivative < value < derivative


def test_the_side_on_which_the_function_has_a_value_is_taken_whichever_it_is():
    for side in (-1, 1):
        with pytest.warns(DifferenceWarning, match="one-sided"):
            slope = numerical_gradient(lambda x, side=side: np.where(side * x >= 0, 3 * x, np.nan), 0.0, 1e-4)
        assert slope == pytest.approx(3, rel=1e-10)


def test_a_function_without_a_value_at_x_has_no_derivative_there():
    assert np.isnan(numerical_gradient(np.log, -1.0, 1e-4))


@pytest.mark.parametrize(("at", "offset"), [(0.0, 1e12), (1e6, 1e15)])
def test_whether_a_function_depends_on_an_entry_is_asked_by_a_thousandth_of_it_or_of_one(at, offset):
    # The spacing of numbers near 1e12 is 1.2e-4 and near 1e15 0.125: steps of 1e-3 and of 1e-3 * 1e6 are seen.
    sentence = (
        "1 step is lost in the rounding of the function, which does change within 0.001; the derivative 0 there means "
        "nothing"
    )
    with pytest.warns(DifferenceWarning, match=f"^{re.escape(sentence)}$"):
        numerical_gradient(lambda x: offset + x, np.array(at), 1e-8)


def test_what_a_thousandth_does_not_change_is_no_cause_for_a_warning():
    assert numerical_gradient(lambda x: 1e15 + x, np.array(0.0), 1e-8) == 0


@pytest.mark.parametrize(("lost", "refused"), [(0.05, True), (0.005, False)])
def test_the_complex_step_is_refused_where_it_misses_more_than_a_hundredth(lost, refused):
    def function(x):
        return (1 - lost) * x + lost * np.abs(x)

    if refused:
        with pytest.raises(TypeError, match="loses their imaginary part"):
            numerical_gradient(function, np.array([2.0]), 1e-20, "complex-step")
    else:
        assert numerical_gradient(function, np.array([2.0]), 1e-20, "complex-step") == pytest.approx(1 - lost)


@pytest.mark.parametrize("frequency", [1.0, 1e3])
def test_the_imaginary_part_is_missed_in_steep_functions_too(frequency):
    with pytest.raises(TypeError, match="loses their imaginary part"):
        numerical_gradient(lambda x: np.sin(frequency * x.real) + 0j, np.array([0.3]), 1e-20, "complex-step")


@pytest.mark.parametrize("offset", 10.0 ** np.arange(7, 13, 0.25))
def test_real_steps_that_drown_in_rounding_refuse_no_complex_one(offset):
    # Their slopes scatter by u offset / step, up to a multiple of 1, or are both 0, and so tell nothing together.
    assert numerical_gradient(lambda x: offset + x, np.array([0.3]), 1e-20, "complex-step") == 1


@pytest.mark.parametrize(
    "function",
    [numerical_gradient, jacobian, loss_gradients, loss_gradients_by_loop, estimated_gradients, structured_cost],
)
def test_the_defaults_are_the_exercise_s(function):
    found = {one.name: one.default for one in signature(function).parameters.values() if one.default is not one.empty}
    assert as_method(found["method"]) is METHODS["central"]
    assert found.get("eps", 1e-4) == 1e-4
    assert found.get("progress") is None
