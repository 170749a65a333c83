"""Each example's derivative is that of its function, and what its note says of the central difference is so."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from mlp.differences.estimates import estimates
from mlp.differences.examples import EXAMPLES
from mlp.differences.methods import METHODS
from mlp.differences.numerical import numerical_gradient
from tests.comparing import U, counterpart

# The same functions, written for autograd, and further points to try them at.
FUNCTIONS = {
    "sum of squares": (lambda x: anp.dot(x, x), [[-3.0, 0.5], [0.0, 1e-3]]),
    "cubic": (lambda x: x[0] ** 3, [[-2.0], [0.0], [1e3]]),
    "sine": (lambda x: anp.sin(x[0]), [[0.0], [-2.5]]),
    "exponential": (lambda x: anp.exp(x[0]), [[0.0], [-100.0]]),
    "pole": (lambda x: x[0] ** -1, [[-0.25], [1e3]]),
    "absolute value": (lambda x: anp.sqrt(x[0] ** 2), [[-0.7], [3.0]]),
    "polar coordinates": (lambda x: x[0] * anp.array([anp.cos(x[1]), anp.sin(x[1])]), [[-1.0, 3.0], [0.0, 0.0]]),
    "matrix input": (
        lambda A: anp.sin(A[:, 0] + 2 * A[:, 1] + 3 * A[:, 2]),
        [[[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]]],
    ),
}
STEPS = [0.5, 0.1, 1e-3]


@pytest.mark.parametrize("name", EXAMPLES)
def test_function_and_jacobian_are_those_of_autograd(name):
    example = EXAMPLES[name]
    function, points = counterpart(FUNCTIONS, name, "FUNCTIONS")
    for x in [example.point, *map(np.array, points)]:
        assert example.domain(x) is None
        # A few roundings in values and derivatives of the size of the largest term, here at most |x|^2 |f| or so.
        np.testing.assert_allclose(example.function(x).squeeze(), function(x), rtol=16 * U, atol=16 * U)
        expected = np.reshape(autograd.jacobian(function)(x), (example.outputs, x.size))
        np.testing.assert_allclose(example.jacobian(x), expected, rtol=16 * U, atol=16 * U)


def central(name, x, eps):
    """The central difference, and what its round-off can be: a few u of the values over the step."""
    function, x = EXAMPLES[name].function, np.array(x)
    values = [np.abs(function(x + sign * eps)).max() for sign in (1, -1)]
    return numerical_gradient(function, x, eps).ravel(), 8 * U * sum(values) / eps


# What the notes say that the central difference comes to, written with the exercise's x and eps.
SAID = {
    "sum of squares": ([1.0, 2.0], lambda x, eps: 2 * x),  # noqa: ARG005
    "cubic": ([1.3], lambda x, eps: 3 * x**2 + eps**2),
    "sine": ([0.8], lambda x, eps: np.cos(x) * np.sin(eps) / eps),
    "exponential": ([0.8], lambda x, eps: np.exp(x) * np.sinh(eps) / eps),
    "pole": ([0.4], lambda x, eps: -1 / (x**2 - eps**2)),
    "absolute value": ([0.05], lambda x, eps: x / eps if eps > 0.05 else np.ones(1)),
}


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("eps", STEPS)
def test_what_the_note_says_of_the_central_difference_is_so(name, eps):
    x, formula = SAID[name]
    quotient, round_off = central(name, x, eps)
    np.testing.assert_allclose(quotient, formula(np.array(x), eps), rtol=0, atol=round_off)


def test_the_exercises_quotient_is_exact_to_the_last_bit():
    assert numerical_gradient(EXAMPLES["sum of squares"].function, [1.0, 2.0], 0.5).tolist() == [[2, 4]]


def test_five_point_is_exact_for_the_cubic():
    quotient = numerical_gradient(EXAMPLES["cubic"].function, [1.0], 0.5, "five-point")
    assert abs(quotient.item() - 3) <= 64 * U


def test_there_is_nothing_to_see_at_the_pole_or_beyond_floating_point():
    assert "pole at 0" in EXAMPLES["pole"].domain(np.zeros(1))
    for x in (-1000.0, 1000.0):
        assert "Between -100 and 100" in EXAMPLES["exponential"].domain(np.array([x]))


@pytest.mark.parametrize("name", EXAMPLES)
def test_estimates_are_numerical_gradients(name):
    example = EXAMPLES[name]
    exact = example.jacobian(example.point)
    for i, flat in np.ndindex(exact.shape):
        index = np.unravel_index(flat, example.point.shape)
        found = {e.method.name: e for e in estimates(example, example.point, index, i, 0.01)}
        assert list(found) == list(METHODS)
        for method, estimate in found.items():
            if estimate.remark:
                assert (name, method) == ("absolute value", "complex-step")
                continue
            jacobian = numerical_gradient(example.function, example.point, 0.01, method).reshape(exact.shape)
            assert estimate.value == jacobian[i, flat]
            assert estimate.error == jacobian[i, flat] - exact[i, flat]


def found(name, x, eps):
    return {e.method.name: e for e in estimates(EXAMPLES[name], np.array([x]), (0,), 0, eps)}


def test_the_complex_step_does_not_apply_to_the_magnitude():
    estimate = found("absolute value", 0.2, 0.01)["complex-step"]
    assert np.isnan(estimate.value)
    assert "does not apply" in estimate.remark


def test_at_the_kink_there_are_slopes_but_no_error():
    results = found("absolute value", 0.0, 0.5)
    assert [results[name].value for name in ("forward", "backward", "central")] == [1, -1, 0]
    assert all(np.isnan(estimate.error) and estimate.remark for estimate in results.values())


def test_a_method_that_would_step_on_the_pole_says_so():
    results = found("pole", 0.5, 0.5)
    assert results["forward"].value == -2  # (1 / 1 - 1 / 0.5) / 0.5
    for name in ("backward", "central"):
        assert np.isnan(results[name].value)
        assert results[name].remark == "f would be needed at 0, where it has no value"


def test_a_step_that_rounding_swallows_is_named():
    assert "no step is taken" in found("cubic", 1e6, 1e-12)["forward"].remark


# What stands above the numbers: the function as a reader computes it, at a point of its own.
FORMULAS = {
    "sum of squares": (r"f(\mathbf{x}) = \mathbf{x}^T \mathbf{x} = x_0^2 + x_1^2", lambda x: x[0] ** 2 + x[1] ** 2),
    "cubic": ("f(x) = x^3", lambda x: x[0] ** 3),
    "sine": (r"f(x) = \sin x", lambda x: np.sin(x[0])),
    "exponential": ("f(x) = e^x", lambda x: np.e ** x[0]),
    "pole": (r"f(x) = \frac{1}{x}", lambda x: 1 / x[0]),
    "absolute value": ("f(x) = |x|", lambda x: abs(x[0])),
    "polar coordinates": (
        r"f(r, \varphi) = \begin{bmatrix} r \cos \varphi \\ r \sin \varphi \end{bmatrix}, "
        r"\quad r = x_0, \; \varphi = x_1",
        lambda x: x[0] * np.array([np.cos(x[1]), np.sin(x[1])]),
    ),
    "matrix input": (r"f(A) = \sin(A v), \quad v = (1, 2, 3)^T", lambda A: np.sin(A @ [1, 2, 3])),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_formula_is_the_function(name):
    example, (formula, read) = EXAMPLES[name], counterpart(FORMULAS, name, "FORMULAS")
    assert example.formula == formula
    x = example.point + 0.25
    np.testing.assert_allclose(np.squeeze(example.function(x)), read(x), rtol=1e-14)
