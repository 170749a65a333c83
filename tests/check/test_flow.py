"""Jacobians layer by layer: the chain rule holds, and shrinking and growing gradients get their names."""

import numpy as np
import pytest

from mlp.check.jacobians import flow_in_words, jacobian_flow
from mlp.lab.experiment import Experiment
from mlp.lab.presets import PRESETS
from mlp.nn.layers import Linear
from mlp.nn.trace import trace
from mlp.report.figures.steps import gradient_norms


def test_the_product_of_the_layers_is_the_whole():
    problem = Experiment(sizes=(4, 6, 5, 3), activation="Softplus").problem()
    flow = jacobian_flow(problem.network, problem.x, 1e-20, "complex-step")
    # Products of three matrices of at most six columns: about twenty roundings of numbers of the size of the largest.
    bound = 20 * 2**-52 * np.abs(flow.whole).max()
    assert 0 <= flow.error_of_product < bound
    assert 0 < flow.error_of_numerical < bound


def test_a_linear_layers_jacobian_is_its_weight_matrix():
    problem = Experiment(sizes=(4, 3)).problem()
    assert isinstance(problem.network.fc1, Linear)
    flow = jacobian_flow(problem.network, problem.x, 1e-20, "complex-step")
    np.testing.assert_array_equal(flow.layers["fc1"], problem.network.fc1.W)
    np.testing.assert_allclose(flow.singular_values["fc1"], np.linalg.svd(problem.network.fc1.W)[1], rtol=1e-12)


def test_an_activations_singular_values_are_the_sizes_of_its_slopes_the_largest_first():
    """A Jacobian that is zero beside its diagonal is not decomposed the general way, but gives what that would give."""
    problem = Experiment(sizes=(4, 6, 3), activation="SiLU").problem()  # a slope of SiLU may be negative
    flow = jacobian_flow(problem.network, problem.x)
    general = np.linalg.svd(flow.layers["activation_fn1"], compute_uv=False)
    np.testing.assert_allclose(flow.singular_values["activation_fn1"], general, rtol=1e-12)


@pytest.mark.parametrize(
    ("norms", "word"),
    [
        ([1.0, 0.5, 0.001], "**vanishes**: at the input it is 1,000 times smaller"),
        ([1.0, 5.0, 500.0], "**explodes**: at the input it is 500 times larger"),
        ([2.0, 1.0], "neither vanishes nor explodes: at the input it is 0.5 times"),
        ([1.0, 0.0], "**vanishes** altogether"),
        ([0.0, 0.0], "zero at the loss already"),
    ],
)
def test_the_words_follow_the_factor(norms, word):
    assert word in flow_in_words(norms)


def test_the_preset_that_promises_vanishing_gradients_keeps_its_promise():
    experiment = PRESETS["Deep and saturated (vanishing)"].experiment
    assert "**vanishes**" in flow_in_words(list(gradient_norms(trace(*experiment.problem())).values()))
