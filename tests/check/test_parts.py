"""One loss or layer alone: backward against dy times the numerical Jacobian, right ones pass and wrong ones do not."""

import numpy as np
import pytest

from mlp.check.jacobians import check_loss, check_products, jacobian_error, layer_jacobians
from mlp.lab.lessons import activation_input, linear_problem
from mlp.nn.activations import ACTIVATIONS, Tanh
from mlp.nn.layers import Linear
from mlp.nn.losses import LOSSES, MSELoss

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_every_loss_agrees(name, shape):
    loss = LOSSES[name]()
    assert check_loss(loss, RNG.standard_normal(shape), loss.random_target(RNG, shape)).passed


def test_a_loss_without_its_mean_is_caught():
    class Sum(MSELoss):
        @staticmethod
        def gradient(y, target):
            return 2 * (y - target)

    check = check_loss(Sum(), np.array([1.0, 2.0]), np.zeros(2))
    assert not check.passed
    np.testing.assert_allclose(check.analytical, 2 * check.numerical, rtol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_agrees_and_its_jacobian_is_diagonal(name):
    activation, drawn = ACTIVATIONS[name](), activation_input(seed=3)
    assert check_products(activation, drawn.x, drawn.dy)["x"].passed
    jacobian = layer_jacobians(activation, drawn.x, 1e-20, "complex-step")["x"]
    np.testing.assert_array_equal(jacobian, np.diag(np.diag(jacobian)))
    np.testing.assert_allclose(np.diag(jacobian), activation.derivative(drawn.x), rtol=1e-15)


def test_the_linear_layer_agrees_in_the_exercises_shapes():
    drawn = linear_problem(seed=3)
    checks = check_products(drawn.layer(), drawn.x, drawn.dy)
    assert {name: check.analytical.shape for name, check in checks.items()} == {"x": (2,), "W": (3, 2), "b": (3,)}
    assert all(check.passed for check in checks.values())
    assert layer_jacobians(drawn.layer(), drawn.x)["W"].shape == (3, 3 * 2)


def test_the_numbers_are_those_of_a_notebook_with_the_same_seed():
    np.random.seed(3)
    x, W, b = np.random.randn(2), np.random.randn(3, 2), np.random.randn(3)
    drawn = linear_problem(seed=3)
    for ours, theirs in ((drawn.x, x), (drawn.W, W), (drawn.b, b), (drawn.dy, np.arange(1, 4))):
        np.testing.assert_array_equal(ours, theirs)
    np.random.seed(3)
    np.testing.assert_array_equal(activation_input(3).x, np.random.randn(3))


def test_a_bias_gradient_of_the_wrong_sign_is_caught():
    class Wrong(Linear):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad_b = -self.grad_b
            return dx

    checks = check_products(Wrong(2, 3, np.random.RandomState(0)), np.array([1.0, 2.0]), np.arange(1.0, 4.0))
    assert {name: check.passed for name, check in checks.items()} == {"x": True, "W": True, "b": False}


def test_the_numerical_jacobians_are_those_that_backward_makes():
    drawn = linear_problem(seed=3)
    # A linear layer has no truncation error; what is left is the rounding of outputs near 1, divided by eps.
    assert 0 < jacobian_error(drawn.layer(), drawn.x, eps=1e-4) < 8 * 2**-52 / 1e-4


def test_what_is_no_real_sample_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^x must be one sample of shape \(features,\), not of shape \(2, 3\)$"):
        layer_jacobians(Tanh(), np.ones((2, 3)))
    with pytest.raises(TypeError, match=r"^x must be real, not complex128"):
        layer_jacobians(Tanh(), np.ones(3) + 0j)
    with pytest.raises(TypeError, match=r"^y must be real, not complex128"):
        check_loss(MSELoss(), np.ones(3) + 0j, np.ones(3))


def test_a_layers_jacobian_with_respect_to_w_has_a_column_for_each_entry_row_by_row():
    # y_i = sum_j W_ij x_j, so the row of y_i holds x in the places of W's row i.
    drawn = linear_problem(seed=3)
    jacobians = layer_jacobians(drawn.layer(), drawn.x, 1e-20, "complex-step")
    np.testing.assert_array_equal(jacobians["W"], np.kron(np.eye(3), drawn.x))
    np.testing.assert_allclose(jacobians["x"], drawn.W, rtol=4 * 2.0**-52)
    np.testing.assert_array_equal(jacobians["b"], np.eye(3))
    coarse = layer_jacobians(Tanh(), np.array([0.5]), 0.1, "forward")["x"]
    assert coarse == pytest.approx((np.tanh(0.6) - np.tanh(0.5)) / 0.1, rel=1e-14)


def test_a_loss_is_differentiated_as_a_notebook_does_it():
    y, target = np.array([[0.3, -1.2], [0.7, 2.0]]), np.zeros((2, 2))
    check = check_loss(MSELoss(), y, target, 1e-3, "forward")
    assert check.name == "y"
    for i, j in np.ndindex(2, 2):
        moved = y.copy()
        moved[i, j] += 1e-3
        taken = moved[i, j] - y[i, j]
        assert check.numerical[i, j] == (np.mean(moved**2) - np.mean(y**2)) / taken


def test_the_error_of_a_jacobian_is_its_largest():
    class Off(Linear):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad_b = self.grad_b * np.array([1.0, 1.0, 1.5])
            return dx - 0.25

    layer = Off(2, 3, np.random.RandomState(0))
    assert jacobian_error(layer, np.array([1.0, 2.0]), 1e-20, "complex-step") == pytest.approx(0.5, rel=1e-12)
