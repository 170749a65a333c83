"""The exercise's tests as cells: they run with its names, and hold the numbers that the pages show."""

import numpy as np
import pytest

import mlp
from mlp.check.jacobians import jacobian_flow
from mlp.lab.experiment import Experiment
from mlp.lab.lessons import activation_input, linear_problem
from mlp.report.programs import exercise
from mlp.report.tables import tensors


def run(cell):
    names = {"np": np, **{name: getattr(mlp, name) for name in mlp.__all__}}
    exec(cell, names)
    return names


def tanh_backward(x, dy):
    layer = mlp.Tanh()
    layer.forward(x)
    return layer.backward(dy)


def test_the_exercise_s_cells_run_with_its_names_and_hold_the_pages_numbers(capsys):
    x, dy = activation_input(2)
    names = run(exercise.activation("Tanh", x, dy))
    np.testing.assert_array_equal(names["dx"], tanh_backward(x, dy))
    problem = linear_problem(2, 4, 3)
    names = run(exercise.linear(problem))
    np.testing.assert_array_equal(names["dW"], np.outer(problem.dy, problem.x))
    np.testing.assert_allclose(names["dx_num"], problem.dy @ problem.W, rtol=1e-9)
    y, target = x, dy
    np.testing.assert_allclose(run(exercise.loss("MSELoss", y, target))["dy"], 2 / 3 * (y - target), rtol=1e-15)
    experiment = Experiment(seed=5)
    names = run(exercise.network(experiment))
    drawn = experiment.problem()
    np.testing.assert_array_equal(names["x"], drawn.x)
    np.testing.assert_array_equal(names["mlp"].fc3.W, drawn.network.fc3.W)
    table = tensors.exercise_test(drawn, jacobian_flow(drawn.network, drawn.x))
    # The analytical gradient is printed above the numerical one, as the exercise does.
    for cell, name in (
        (exercise.loss("MSELoss", y, target), "dy"),
        (exercise.activation("Tanh", x, dy), "dx"),
    ):
        assert f"print({name}, {name}_num, sep='\\n')\nassert np.allclose({name}, {name}_num)" in cell
    np.testing.assert_array_equal(table["mlp.backward(dy)"], names["dx"])
    np.testing.assert_allclose(table["dy @ numerical_gradient(...)"], names["dx_num"], rtol=1e-9)
    assert list(table["np.allclose"]) == ["yes", "yes"]
    assert "[" in capsys.readouterr().out


@pytest.mark.parametrize(
    "other",
    [{"sizes": (2, 3)}, {"activation": "ReLU"}, {"batch": 2}, {"initialisation": "Glorot"}],
)
def test_what_the_exercise_does_not_have_gives_no_cell(other):
    assert exercise.network(Experiment(**other)) == ""
    assert exercise.loss("HuberLoss", np.ones(2), np.ones(2)) == ""
    assert exercise.activation("ReLU", np.ones(2), np.ones(2)) == ""
    assert exercise.network(Experiment(loss="HuberLoss", eps=1e-5, method="forward")) != "", "it is of no account"
