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


def test_a_batch_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="one sample of shape"):
        layer_jacobians(Tanh(), np.ones((2, 3)))
