"""The programs for the example functions run, and print what the examples' own functions and derivatives give."""

import numpy as np
import pytest

from mlp import METHODS, numerical_gradient
from mlp.differences.examples import EXAMPLES, Example
from mlp.report import programs
from tests.comparing import U, assert_close
from tests.programs import RTOL, assert_within, quotient_tolerance, run

AUTOMATIC = {"PyTorch": "torch", "JAX": "jax"}
LANGUAGES = {"mlp", "numpy", *AUTOMATIC}
EPS = 0.0123


def elsewhere(example):
    """A point beside the example's own, in its shape."""
    return example.point + 0.3


def applies(example, method):
    """Whether a method can differentiate the function: the complex step needs complex values of it."""
    return not METHODS[method].is_complex or np.iscomplexobj(example.function(example.point.astype(complex)))


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_every_number(example):
    x = elsewhere(example)
    offered = programs.finite_differences(example, x, EPS)
    assert set(offered) == LANGUAGES, f"{example.name} lacks its formulas: see mlp/report/programs/catalogue.py"
    value, exact = example.function(x), example.jacobian(x)
    methods = {f"numerical Jacobian, {method}": method for method in METHODS if applies(example, method)}
    ours, numpys = run(offered["mlp"]), run(offered["numpy"])
    exactly = {f"f({example.variable})": value, "analytical Jacobian": exact}
    assert set(ours) == set(numpys) == {*exactly, *methods}
    for label, expected in exactly.items():
        np.testing.assert_array_equal(ours[label], expected)
        assert_close(numpys[label], expected, RTOL, label)
    for label, method in methods.items():
        numerical = numerical_gradient(example.function, x, EPS, method).reshape(exact.shape)
        np.testing.assert_array_equal(ours[label], numerical)
        # A few operations on values of at most 10.
        allowed = quotient_tolerance(8 * U * 10, EPS, method, np.abs(exact).max())
        assert_within(numpys[label], numerical, allowed, label)


@pytest.mark.parametrize("label", AUTOMATIC)
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_derived_automatically(example, label):
    pytest.importorskip(AUTOMATIC[label])
    x = elsewhere(example)
    printed = run(programs.finite_differences(example, x, EPS)[label])
    assert_close(printed[f"f({example.variable})"], example.function(x), RTOL, "f")
    assert_close(printed["analytical Jacobian"], example.jacobian(x), RTOL, "the Jacobian")


def test_no_derivative_is_not_a_number():
    printed = run(programs.finite_differences(EXAMPLES["absolute value"], [0.0], EPS)["numpy"])
    assert np.isnan(printed["analytical Jacobian"])
    assert printed["numerical Jacobian, forward"] == 1
    assert printed["numerical Jacobian, central"] == 0


def test_an_unknown_example_is_offered_in_mlp_alone():
    unknown = Example("new", "x", "1", lambda x: x, lambda _: np.eye(1), np.array([1.0]), "")
    assert set(programs.finite_differences(unknown, [1.0], EPS)) == {"mlp"}


@pytest.mark.parametrize("method", ["forward", "backward", "central"])
def test_the_quotient_is_over_the_step_that_was_taken(method):
    # 1 + 1e-12 is rounded, and the step is off by a part in ten thousand; at phi = 0, r cos phi is r, of slope 1.
    printed = run(programs.finite_differences(EXAMPLES["polar coordinates"], [1.0, 0.0], 1e-12)["numpy"])
    assert printed[f"numerical Jacobian, {method}"][0, 0] == 1
