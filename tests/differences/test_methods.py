"""Each method by its numbers: exact for polynomials up to its order, and its order seen in the error."""

import math
from itertools import pairwise

import numpy as np
import pytest

from mlp.differences.derivatives import differentiate
from mlp.differences.methods import CENTRAL, COMPLEX_STEP, METHODS, as_method, optimal_step, richardson
from mlp.differences.numerical import numerical_gradient
from tests.comparing import U

FIVE_POINT = METHODS["five-point"]
BEYOND = {
    "richardson once on central": richardson(CENTRAL, 1),
    "richardson three times on central": richardson(CENTRAL, 3),
    "richardson on five-point": richardson(FIVE_POINT, 1),
    "richardson on complex-step": richardson(COMPLEX_STEP, 2),
    "richardson once on forward": richardson(METHODS["forward"], 1),
    "richardson three times on backward": richardson(METHODS["backward"], 3),
}
every_method = pytest.mark.parametrize("method", [*METHODS.values(), *BEYOND.values()], ids=[*METHODS, *BEYOND])
REAL = [method for method in METHODS.values() if not method.is_complex]

# (function, point, derivative), all of them analytic, with high derivatives large enough to stand out of round-off.
FUNCTIONS = {
    "exp(3x)": (lambda x: np.exp(3 * x), 0.25, 3 * math.exp(0.75)),
    "sin(4x)": (lambda x: np.sin(4 * x), 0.2, 4 * math.cos(0.8)),
    "1 / x": (lambda x: 1 / x, 1.5, -1 / 2.25),
    "x sin(4x)": (lambda x: x * np.sin(4 * x), 0.25, math.sin(1) + math.cos(1)),
}


def moment(method, power):
    """sum_k w_k o_k^power: what the method makes of x^power at 0 with h = 1, and the size of its terms."""
    terms = [weight * complex(offset) ** power for offset, weight in zip(method.offsets, method.weights, strict=True)]
    return sum(terms).real, sum(map(abs, terms))


@every_method
def test_weights_are_exact_for_polynomials_up_to_the_order_and_no_further(method):
    for power in range(method.order + 1):
        actual, size = moment(method, power)
        # The derivative of x^power at 0 is 1 for power 1, else 0. Weights and terms are rounded a few times each.
        assert abs(actual - (power == 1)) <= 4 * U * size
    actual, size = moment(method, method.order + 1)
    assert abs(actual) > 1e6 * U * size


def errors_above_round_off(method, function, x, derivative):
    """The errors at h = 1, 1/2, 1/4, ..., as long as they are a thousand times larger than round-off can be."""
    errors = []
    for power in range(40):
        h = 2.0**-power
        error = abs(float(differentiate(function, x, h, method)) - derivative)
        values = [abs(function(x + offset * h)) for offset in method.offsets]
        # Each value is off by a few u of itself; the complex step's imaginary part by a few u of the derivative.
        sizes = [h * abs(derivative)] if method.is_complex else np.multiply(np.abs(method.weights), values)
        if error <= 1000 * 4 * U * sum(sizes) / h:
            break
        errors.append(error)
    return errors


@every_method
@pytest.mark.parametrize("name", FUNCTIONS)
def test_halving_the_step_divides_the_error_by_two_to_the_order(method, name):
    errors = errors_above_round_off(method, *FUNCTIONS[name])
    assert len(errors) >= 3, f"only {len(errors)} steps above round-off: nothing to be seen"
    ratios = [error / half for error, half in pairwise(errors)]
    # error = C h^p (1 + c h + ...), so the last ratio misses 2^p by some c h of itself; where the order is high and h
    # therefore as large as 1/8, the next term is c h^2. One order more or less would be a factor of two.
    assert 0.85 < ratios[-1] / 2**method.order < 1.15


@pytest.mark.parametrize("method", REAL, ids=lambda method: method.name)
def test_the_optimal_step_is_near_the_best_one(method):
    # Round-off is erratic at a single point, so take the root mean square over functions and points of size 1.
    functions = [(np.exp, np.exp), (np.sin, np.cos), (lambda x: 1 / x, lambda x: -1 / x**2)]
    points = np.linspace(0.75, 1.5, 8)

    def typical_error(h):
        errors = [differentiate(f, x, h, method) - df(x) for f, df in functions for x in points]
        return np.sqrt(np.mean(np.square(errors)))

    steps = 10.0 ** np.arange(-13, 0, 0.5)
    errors = [typical_error(float(h)) for h in steps]
    best, recommended = steps[np.argmin(errors)], float(optimal_step(method, 1.0))
    # The theory sets all constants to one. The true optimum is at h^(p+1) = u S / (p C) with S the size of the
    # weighted values and C the truncation constant; for these methods that moves h by less than a factor of ten.
    assert best / 10 <= recommended <= best * 10
    assert typical_error(recommended) <= 10 * min(errors)


@pytest.mark.parametrize(("dtype", "u"), [(np.float64, 2.0**-52), (np.float32, 2.0**-23)])
def test_the_optimal_step_follows_dtype_and_size_of_x(dtype, u):
    x = np.array([[0.0, 0.5, 1.0], [-10.0, 200.0, -1.0]], dtype)
    for name, exponent in {"forward": 1 / 2, "backward": 1 / 2, "central": 1 / 3, "five-point": 1 / 5}.items():
        step = optimal_step(name, x)
        assert step.shape == x.shape
        # A power and a product, in x's own precision.
        assert np.allclose(step, u**exponent * np.array([[1, 1, 1], [10, 200, 1]]), rtol=4 * u, atol=0)


def test_the_complex_step_may_be_tiny():
    step = optimal_step("complex-step", [0.5, -3.0])
    assert step.tolist() == pytest.approx([1e-20, 3e-20], rel=U, abs=0)
    gradient = numerical_gradient(np.exp, 0.5, float(step[0]), "complex-step")
    assert abs(gradient - math.exp(0.5)) <= 2 * U * math.exp(0.5)


@pytest.mark.parametrize("method", METHODS)
def test_the_optimal_step_of_a_number_serves_as_eps(method):
    gradient = numerical_gradient(np.exp, 2.0, optimal_step(method, 2.0), method)
    # At the worst, the forward difference, the error is about h f'' / 2 + u f / h with h = 2 u^(1/2): 2 u^(1/2) f.
    assert abs(gradient - math.exp(2)) <= 2 * U**0.5 * math.exp(2)


def test_richardson_once_on_central_is_the_five_point_formula_at_half_the_step():
    once = richardson(CENTRAL, 1)
    expected = {o / 2: 2 * w for o, w in zip(FIVE_POINT.offsets, FIVE_POINT.weights, strict=True)}
    assert once.order == FIVE_POINT.order
    actual = dict(zip(once.offsets, once.weights, strict=True))
    assert actual.keys() == expected.keys()
    assert all(abs(actual[offset] - weight) <= 2 * U for offset, weight in expected.items())


def test_each_level_of_richardson_adds_two_orders_and_reuses_the_offsets():
    assert richardson(CENTRAL, 0) == CENTRAL
    for levels in range(1, 4):
        method = richardson(CENTRAL, levels)
        assert method.order == 2 + 2 * levels
        assert set(method.offsets) == {sign / 2**k for k in range(levels + 1) for sign in (1, -1)}
        assert len(method.offsets) == len(set(method.offsets))


def test_the_registry_holds_the_methods_under_their_names():
    assert {"forward", "backward", "central", "five-point", "complex-step", "richardson"} <= set(METHODS)
    assert {method.name: method for method in METHODS.values()} == METHODS
    assert [name for name, method in METHODS.items() if method.is_complex] == ["complex-step"]


def test_a_method_may_be_named_or_given():
    assert as_method("central") is METHODS["central"]
    assert as_method(BEYOND["richardson on five-point"]) is BEYOND["richardson on five-point"]


@pytest.mark.parametrize("function", [as_method, lambda method: optimal_step(method, 1.0)])
def test_an_unknown_name_meets_the_known_ones(function):
    with pytest.raises(ValueError, match=r"^method must be one of forward, .*richardson, not 'centre'$"):
        function("centre")


def test_optimal_steps_are_for_real_numbers():
    with pytest.raises(TypeError, match=r"^x must be real, not complex128"):
        optimal_step("central", 1j)
