"""Jacobians and gradients of a network, numerically, through nothing but apply."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from mlp.differences.methods import METHODS
from mlp.differences.networks import jacobian, loss_gradients, loss_gradients_by_loop
from mlp.differences.numerical import numerical_gradient
from mlp.nn.activations import ACTIVATIONS, Identity, Tanh
from mlp.nn.layers import Linear
from mlp.nn.losses import LOSSES, CrossEntropyLoss, MSELoss
from mlp.nn.network import MLP, Sequential
from mlp.nn.problem import INPUT, Problem
from tests.comparing import U, assert_close

every_method = pytest.mark.parametrize("method", METHODS)
# eps 2^-10 and derivatives of order one: truncation is at most h of them for the one-sided methods and h^2 or less
# for the others; round-off, some 100 u / h, is less.
H = 2.0**-10
ROOM = {name: 8 * H ** min(method.order, 2) for name, method in METHODS.items()}


def net():
    return MLP(3, 4, 5, 2, np.random.RandomState(0))


def textbook(tensors):
    """The same network in autograd's numpy, for one sample and for a batch."""
    y = tensors["x"]
    for name in ("fc1", "fc2"):
        y = anp.tanh(anp.dot(y, tensors[f"{name}.W"].T) + tensors[f"{name}.b"])
    return anp.dot(y, tensors["fc3.W"].T) + tensors["fc3.b"]


@every_method
def test_jacobian_of_a_linear_layer_is_its_weight_matrix(method):
    layer = Linear(3, 2, np.random.RandomState(1))
    # Linear, so round-off alone: sums of four numbers of size 2 are off by 8 u at most.
    round_off = 8 * U * np.abs(METHODS[method].weights).sum() / 0.5
    assert_close(jacobian(layer, np.ones(3), 0.5, method), layer.W, round_off)


@pytest.mark.parametrize("name", ACTIVATIONS)
@every_method
def test_jacobian_of_an_activation_is_the_diagonal_of_its_slopes(name, method):
    x = np.array([-1.5, -0.5, 0.75, 2.0])
    actual = jacobian(ACTIVATIONS[name](), x, H, method)
    assert_close(actual, np.diag(ACTIVATIONS[name].derivative(x)), ROOM[method])
    assert not actual[~np.eye(4, dtype=bool)].any()


@every_method
def test_jacobian_of_a_network_agrees_with_autograd_and_with_the_product_of_its_layers(method):
    network, x = net(), np.array([0.3, -0.2, 0.5])
    actual = jacobian(network, x, H, method)
    expected = autograd.jacobian(lambda x: textbook(network.parameters() | {"x": x}))(x)
    assert_close(actual, expected, ROOM[method])
    product = np.eye(3)
    for layer in network.layers.values():
        product = jacobian(layer, x, H, method) @ product
        x = layer.apply(x)
    assert_close(product, expected, ROOM[method])


def test_jacobian_of_a_batch_couples_no_samples():
    network, x = net(), np.random.RandomState(2).randn(4, 3)
    actual = jacobian(network, x)
    assert actual.shape == (4, 2, 4, 3)
    for i in range(4):
        for j in range(4):
            # A sample's output is computed by the very same operations, in or out of a batch, up to their order.
            expected = jacobian(network, x[i]) if i == j else np.zeros((2, 3))
            assert np.max(np.abs(actual[i, :, j] - expected)) <= 100 * U / 1e-4


@every_method
@pytest.mark.parametrize("leading", [(), (4,)])
def test_gradients_of_the_loss_agree_with_autograd(method, leading):
    network, rng = net(), np.random.RandomState(3)
    x, target = rng.randn(*leading, 3), rng.randn(*leading, 2)
    actual = loss_gradients(network, MSELoss(), x, target, H, method)
    expected = autograd.grad(lambda tensors: anp.mean((textbook(tensors) - target) ** 2))(
        network.parameters() | {"x": x},
    )
    assert list(actual) == list(expected) == [*network.parameters(), "x"]
    for name, gradient in expected.items():
        assert_close(actual[name], gradient, 4 * ROOM[method], name)  # the square makes second derivatives larger


@every_method
def test_step_and_method_are_handed_on(method):
    network, loss, x, target = net(), MSELoss(), np.array([0.3, -0.2, 0.5]), np.array([1.0, -1.0])
    assert np.array_equal(jacobian(network, x, H, method), numerical_gradient(network.apply, x, H, method))
    by_loop = loss_gradients_by_loop(network, loss, x, target, H, method)
    structured = loss_gradients(network, loss, x, target, H, method)
    problem = Problem(network, loss, np.asarray(x, float), target)
    for name, tensor in problem.tensors().items():
        function = problem.function(name)
        expected = numerical_gradient(function, tensor, H, method)
        assert np.array_equal(by_loop[name], expected.reshape(tensor.shape))
        # The same function, rounded differently: twice the round-off that the comment on H allows one of them.
        assert_close(structured[name], by_loop[name], 200 * U / H)


def test_tensors_are_the_parameters_then_the_input():
    network = net()
    named = Problem(network, MSELoss(), np.array([1.0, 2, 3]), np.zeros(2)).tensors()
    assert list(named) == ["fc1.W", "fc1.b", "fc2.W", "fc2.b", "fc3.W", "fc3.b", INPUT]
    assert named["fc2.W"] is network.fc2.W
    assert named[INPUT].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("name", ["fc2.W", "fc3.b", INPUT])
def test_the_loss_as_a_function_of_one_tensor(name):
    network, loss, x, target = net(), MSELoss(), np.array([0.3, -0.2, 0.5]), np.array([1.0, -1.0])
    problem = Problem(network, loss, x, target)
    function, value = problem.function(name), 2 * problem.tensors()[name]
    expected = anp.mean((textbook(network.parameters() | {"x": x} | {name: value}) - target) ** 2)
    assert function(value) == pytest.approx(expected, rel=20 * U, abs=0)  # the same sums in another order


class ApplyOnly(Linear):
    """A layer that must not be asked for anything but apply."""

    def forward(self, x):
        raise AssertionError(f"forward was called on {x}")

    def backward(self, dy):
        raise AssertionError(f"backward was called on {dy}")


class ValueOnly(CrossEntropyLoss):
    """A loss that must not be asked for anything but apply."""

    forward = backward = gradient = ApplyOnly.forward


@every_method
def test_nothing_but_apply_is_called_and_nothing_is_changed(method):
    network = Sequential(fc1=ApplyOnly(3, 2, np.random.RandomState(4)), act=Tanh())
    x, target = np.array([[0.5, 1.0, -1.0]]), np.array([1])
    before = {name: tensor.copy() for name, tensor in Problem(network, ValueOnly(), x, target).tensors().items()}
    gradients = loss_gradients(network, ValueOnly(), x, target, method=method)
    jacobian(network, x, method=method)
    assert all(gradients[name].any() for name in before)
    for name, tensor in Problem(network, ValueOnly(), x, target).tensors().items():
        assert np.array_equal(tensor, before[name])
    assert target.tolist() == [1]
    assert network.act._slope is None


def test_what_stands_ready_for_backward_survives_a_numerical_check():
    network, x = net(), np.array([0.3, -0.2, 0.5])
    network.forward(x)
    expected = network.backward(np.ones(2)).copy()
    network.forward(x)
    loss_gradients(network, MSELoss(), 2 * x, np.zeros(2))
    assert np.array_equal(network.backward(np.ones(2)), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_a_single_layer_serves_as_network(name):
    layer, rng = Linear(3, 2, np.random.RandomState(5)), np.random.RandomState(6)
    target = LOSSES[name].random_target(rng, (2,))
    gradients = loss_gradients(layer, LOSSES[name](), np.ones(3), target)
    assert {key: gradient.shape for key, gradient in gradients.items()} == {"W": (2, 3), "b": (2,), "x": (3,)}
    # At x = (1, 1, 1) each column of dW is db, and dx = db W: three differences of one truth, each off by at most
    # h^2 times third derivatives of order one and by 10 u / h, all below 1e-7.
    assert np.max(np.abs(gradients["W"] - gradients["b"][:, None])) <= 1e-7
    assert np.max(np.abs(gradients["x"] - gradients["b"] @ layer.W)) <= 1e-7


def test_misuse_is_told_before_anything_is_computed():
    with pytest.raises(ValueError, match="x must have shape"):
        jacobian(net(), np.zeros(4))
    with pytest.raises(ValueError, match="target must have shape"):
        loss_gradients(net(), MSELoss(), np.zeros(3), np.zeros(3))
    with pytest.raises(TypeError, match="x must be real"):
        loss_gradients(net(), MSELoss(), np.zeros(3, complex), np.zeros(2))


@pytest.mark.parametrize("gradients", [loss_gradients, loss_gradients_by_loop])
def test_a_parameter_with_the_inputs_name_is_refused(gradients):
    class Shift(Identity):
        """y = x + its parameter, which is called x too."""

        parameter_names = ("x",)
        x = np.ones(3)

        def apply(self, x):
            return np.asarray(x) + self.x

    with pytest.raises(ValueError, match="a parameter is named 'x', which here is the input"):
        gradients(Shift(), MSELoss(), np.zeros(3), np.zeros(3))
