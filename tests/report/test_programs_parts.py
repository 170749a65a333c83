"""The programs for one loss, one activation or one linear layer run, and print what the package computes."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES, METHODS
from mlp.check.jacobians import check_loss, check_products, layer_jacobians
from mlp.lab.lessons import activation_input, linear_problem
from mlp.nn.trace import jacobians_by_backward
from mlp.report import programs
from mlp.report.programs.languages import LABELS
from mlp.report.programs.writing import folded
from tests.comparing import U, assert_close
from tests.programs import RTOL, assert_within, quotient_tolerance, run

AUTOMATIC = {"PyTorch": "torch", "JAX": "jax"}
EPS = 1e-3
Y = np.array([-3.0, -0.7, 0.2, 1.0, 2.5])
X = np.array([-30.0, -2.0, -0.4, 0.3, 1.0, 30.0])
# What each loss takes: between 0 and 1, and for cross-entropy not adding up to 1.
TARGET = np.array([0.0, 1.0, 0.25, 0.5, 1.0])
DY = np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0])


@pytest.mark.one_in(3)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("samples", [1, (2, 1)], ids=["sample", "batch"])
def test_loss(name, method, samples):
    y, target = np.tile(Y, samples), np.tile(TARGET, samples)
    loss = LOSSES[name]()
    check, value = check_loss(loss, y, target, EPS, method), loss.apply(y, target)
    offered = programs.loss(name, y, target, EPS, method)
    ours, numpys = run(offered["mlp"]), run(offered["numpy"])
    assert ours["loss"] == value
    np.testing.assert_array_equal(ours["analytical gradient"], check.analytical)
    np.testing.assert_array_equal(ours["numerical gradient"], check.numerical)
    assert_close(numpys["loss"], value, RTOL, "the loss")
    assert_close(numpys["analytical gradient"], check.analytical, RTOL, "dy")
    # A mean of n terms of a few operations each, on numbers of at most 10.
    allowed = quotient_tolerance((y.size + 8) * U * 10, EPS, method, np.abs(check.analytical).max())
    assert_within(numpys["numerical gradient"], check.numerical, allowed, "numerical dy")


@pytest.mark.parametrize("label", AUTOMATIC)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_derived_automatically(name, label):
    pytest.importorskip(AUTOMATIC[label])
    check = check_loss(LOSSES[name](), Y, TARGET)
    printed = run(programs.loss(name, Y, TARGET, EPS, "central")[label])
    assert_close(printed["loss"], LOSSES[name]().apply(Y, TARGET), RTOL, "the loss")
    assert_close(printed["analytical gradient"], check.analytical, RTOL, "dy")


def test_class_indices_become_probabilities():
    offered = programs.loss("CrossEntropyLoss", [[1.0, 2.0], [3.0, 5.0]], [1, 0], EPS, "central")
    expected = LOSSES["CrossEntropyLoss"]().apply(np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([1, 0]))
    assert_close(run(offered["numpy"])["loss"], expected, RTOL, "the loss")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, method):
    layer = ACTIVATIONS[name]()
    check, jacobian = check_products(layer, X, DY, EPS, method)["x"], layer_jacobians(layer, X, EPS, method)["x"]
    offered = programs.activation(name, X, DY, EPS, method)
    ours, numpys = run(offered["mlp"]), run(offered["numpy"])
    exact = {"y": layer.apply(X), "dx": check.analytical, "Jacobian dy/dx": np.diag(layer.derivative(X))}
    for label, values in {**exact, "numerical dx": check.numerical, "numerical Jacobian dy/dx": jacobian}.items():
        np.testing.assert_array_equal(ours[label], values, err_msg=label)
    for label, values in exact.items():
        assert_close(numpys[label], values, RTOL, label)
    # A few operations on values of at most 30; in dx, each is multiplied by a dy of at most 6.
    allowed = quotient_tolerance(8 * U * 30, EPS, method, 1)
    assert_within(numpys["numerical Jacobian dy/dx"], jacobian, allowed, "the numerical Jacobian")
    assert_within(numpys["numerical dx"], check.numerical, 6 * allowed, "numerical dx")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("label", ["numpy", *AUTOMATIC])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_at_the_kink(name, label):
    pytest.importorskip(AUTOMATIC.get(label, "numpy"))
    x, dy, layer = np.array([-1.5, 0.0, 25.0]), np.array([1.0, 2.0, 3.0]), ACTIVATIONS[name]()
    expected = {"y": layer.forward(x), "dx": layer.backward(dy), "Jacobian dy/dx": np.diag(layer.derivative(x))}
    printed = run(programs.activation(name, x, dy, EPS, "central")[label])
    for part, values in expected.items():
        assert_close(printed[part], values, RTOL, part)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_complex_step_takes_one_branch_at_the_kink(name):
    x, dy = np.array([-1.0, 0.0, 1.0]), np.ones(3)
    printed = run(programs.activation(name, x, dy, 1e-20, "complex-step")["numpy"])
    assert_close(printed["numerical dx"], ACTIVATIONS[name].derivative(x), RTOL, "dx")


@pytest.mark.parametrize("method", METHODS)
def test_linear(method):
    problem = linear_problem(7)
    layer = problem.layer()
    checks = check_products(layer, problem.x, problem.dy, EPS, method)
    jacobians = layer_jacobians(layer, problem.x, EPS, method)
    offered = programs.linear(problem.W, problem.x, problem.b, problem.dy, EPS, method)
    ours, numpys = run(offered["mlp"]), run(offered["numpy"])
    # A product of two numbers and two additions, of numbers of at most 3; dy adds up to 6.
    allowed = quotient_tolerance(4 * U * 9, EPS, method, 9)
    assert_close(numpys["y"], layer.apply(problem.x), RTOL, "y")
    for name, check in checks.items():
        np.testing.assert_array_equal(ours[f"d{name}"], check.analytical)
        assert_close(numpys[f"d{name}"], check.analytical, RTOL, f"d{name}")
        np.testing.assert_array_equal(ours[f"Jacobian dy/d{name}"], jacobians_by_backward(layer, problem.x)[name])
        for label, values, factor in (
            (f"numerical d{name}", check.numerical, 6),
            (f"numerical Jacobian dy/d{name}", jacobians[name], 1),
        ):
            # The package's own program multiplies as the layer does, or as linear_forward does: the same.
            np.testing.assert_array_equal(ours[label], values, err_msg=label)
            assert_within(numpys[label], values, factor * allowed, label)


@pytest.mark.parametrize("label", ["numpy", *AUTOMATIC])
def test_linear_derived_by_formula_or_automatically(label):
    pytest.importorskip(AUTOMATIC.get(label, "numpy"))
    problem = linear_problem(7, inputs=4, outputs=2)
    printed = run(programs.linear(problem.W, problem.x, problem.b, problem.dy, EPS, "central")[label])
    # The complex step is exact, and knows none of the formulas.
    jacobians = layer_jacobians(problem.layer(), problem.x, 1e-20, "complex-step")
    for name, values in jacobians.items():
        assert_close(printed[f"Jacobian dy/d{name}"], values, RTOL, name)
        shape = printed[f"d{name}"].shape
        assert_close(printed[f"d{name}"], (problem.dy @ values).reshape(shape), RTOL, f"d{name}")


def test_numbers_that_the_seed_draws_are_drawn():
    x, dy = activation_input(3, 4)
    drawn = programs.activation("Tanh", x, dy, EPS, "central", seed=3)["numpy"]
    written = programs.activation("Tanh", x, dy, EPS, "central")["numpy"]
    assert "np.random.seed(3)" in drawn
    assert "random" not in written
    np.testing.assert_array_equal(run(drawn)["y"], run(written)["y"])
    assert "random" not in programs.activation("Tanh", x + 1, dy, EPS, "central", seed=3)["numpy"]


def test_linear_numbers_that_the_seed_draws_are_drawn():
    x, W, b, dy = linear_problem(3)
    drawn = programs.linear(W, x, b, dy, EPS, "central", seed=3)["numpy"]
    written = programs.linear(W, x, b, dy, EPS, "central")["numpy"]
    assert "np.random.seed(3)" in drawn
    assert "random" not in written
    np.testing.assert_array_equal(run(drawn)["y"], run(written)["y"])
    for edited in ((W + 1, x, b), (W, x + 1, b), (W, x, b + 1)):
        assert "random" not in programs.linear(*edited, dy, EPS, "central", seed=3)["numpy"]


def test_numbers_that_are_none_are_written_too():
    text = programs.linear([[np.nan, np.inf]], [1.0, 2.0], [-np.inf], [1.0], EPS, "central")["numpy"]
    with np.errstate(invalid="ignore"):  # differences of infinities: what is tested is that the numbers can be read
        printed = run(text)
    np.testing.assert_array_equal(printed["dx"], [np.nan, np.inf])


def test_whole_numbers_are_written_as_the_floats_that_they_are():
    def written(kind):
        two, one = np.array([3, 4], kind), np.array([5], kind)
        yield programs.activation("Tanh", two, two, EPS, "central")
        yield programs.loss("MSELoss", two, two, EPS, "central")
        yield programs.linear(two[None], two, one, one, EPS, "central")

    assert [*written(int)] == [*written(float)]


@pytest.mark.parametrize("method", ["forward", "backward", "central"])
def test_the_quotient_is_over_the_step_that_was_taken(method):
    # 1 + 1e-12 is rounded, and the step is off by a part in ten thousand; over what is left of it, y = x has slope 1.
    printed = run(programs.linear([[1.0]], [1.0], [0.0], [1.0], 1e-12, method)["numpy"])
    assert printed["numerical Jacobian dy/dx"] == 1


@pytest.mark.parametrize(("before", "longest"), [("x=[", 86), ("xy=[", 87), ("xyz=[", 88)])
def test_a_long_list_goes_on_below_its_bracket_within_88_columns(before, longest):
    # Each number takes three columns with its comma and blank.
    first, second = folded(before, ["1"] * 40, "]").splitlines()
    assert len(first) == longest
    assert second.index("1") == len(before)
    assert second.endswith("1]")


def test_every_language_is_offered_with_numpy_first():
    offered = programs.loss("MSELoss", Y, TARGET, EPS, "central")
    assert LABELS == ("numpy", "mlp", "PyTorch", "JAX")
    assert set(offered) == set(LABELS)
