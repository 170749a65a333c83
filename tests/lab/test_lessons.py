"""The exercise's single layers: their numbers are those that its test cells draw."""

import numpy as np

from mlp.lab.lessons import activation_input, linear_problem


def drawn(seed, *shapes):
    """What a notebook draws after np.random.seed(seed)."""
    state = np.random.get_state()
    np.random.seed(seed)
    arrays = [np.random.randn(*shape) for shape in shapes]
    np.random.set_state(state)
    return arrays


def test_an_activation_gets_three_numbers_and_counted_ones_back():
    given = activation_input(7)
    np.testing.assert_array_equal(given.x, *drawn(7, (3,)))
    np.testing.assert_array_equal(given.dy, [1, 2, 3])


def test_a_linear_layer_draws_input_weights_and_bias():
    for sizes in ((), (4, 5)):
        inputs, outputs = sizes or (2, 3)
        problem = linear_problem(7, *sizes)
        for array, expected in zip(problem[:3], drawn(7, (inputs,), (outputs, inputs), (outputs,)), strict=True):
            np.testing.assert_array_equal(array, expected)
        np.testing.assert_array_equal(problem.dy, np.arange(1, outputs + 1))
        layer = problem.layer()
        np.testing.assert_array_equal(layer.apply(problem.x), problem.W @ problem.x + problem.b)
