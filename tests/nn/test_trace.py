"""The trace of both passes is what the network does in one go."""

from itertools import pairwise

import numpy as np
import pytest

from mlp.differences.networks import jacobian
from mlp.lab.experiment import Experiment
from mlp.nn.trace import LOSS, jacobians_by_backward, trace


@pytest.mark.parametrize("batch", [1, 4])
def test_each_step_hands_on_what_the_next_receives(batch):
    problem = Experiment(sizes=(3, 5, 4, 2), batch=batch).problem()
    steps = trace(*problem)
    names = [*problem.network.layers, LOSS]
    assert [(step.direction, step.name) for step in steps] == [
        *(("forward", name) for name in names),
        *(("backward", name) for name in reversed(names)),
    ]
    forward, backward = steps[: len(names)], steps[len(names) :]
    for one, two in [*pairwise(forward), *pairwise(backward)]:
        np.testing.assert_array_equal(one.result, two.given)


def test_the_ends_are_the_networks_own():
    problem = Experiment(sizes=(3, 5, 2)).problem()
    steps = trace(*problem)
    y = problem.network.apply(problem.x)
    assert steps[len(problem.network.layers) + 1].given == 1  # dc/dc
    assert steps[len(problem.network.layers)].result == problem.loss.apply(y, problem.target)
    problem.loss.forward(problem.network.forward(problem.x), problem.target)
    np.testing.assert_array_equal(steps[-1].result, problem.network.backward(problem.loss.backward()))
    for step in steps:
        for name, gradient in step.gradients.items():
            np.testing.assert_array_equal(gradient, problem.network.gradients()[f"{step.name}.{name}"])


def test_backward_passes_make_the_jacobian():
    problem = Experiment(sizes=(3, 5, 2), activation="SiLU").problem()
    numerical = jacobian(problem.network, problem.x, 1e-20, "complex-step")
    # Both are exact but for rounding: about ten operations an entry.
    np.testing.assert_allclose(
        jacobians_by_backward(problem.network, problem.x)["x"], numerical, rtol=1e-13, atol=1e-14
    )
