"""The Hessian of a network's loss, from differences of backward's gradients, against autograd's."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from mlp import Linear, MSELoss, Sequential, Tanh, dense_layers, loss_hessian


@pytest.mark.parametrize("name", ["fc1.W", "fc1.b", "fc2.b", "x"])
def test_the_hessian_of_a_network_is_autograds_within_its_error(name):
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((3, 4, 2), Tanh, rng))
    x, target = rng.standard_normal(3), rng.standard_normal(2)

    def loss(values):
        p = network.parameters() | {"x": x} | {name: values.reshape(np.shape({**network.parameters(), "x": x}[name]))}
        hidden = anp.tanh(p["fc1.W"] @ p["x"] + p["fc1.b"])
        return anp.mean((p["fc2.W"] @ hidden + p["fc2.b"] - target) ** 2)

    point = {**network.parameters(), "x": x}[name].ravel()
    value, error = loss_hessian(network, MSELoss(), x, target, name)
    assert np.all(np.abs(value - autograd.hessian(loss)(point)) <= error)
    assert error.max() < 1e-7 * np.abs(value).max()


def test_a_float32_network_is_differentiated_in_float64():
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((3, 4, 2), Tanh, rng))
    x, target = rng.standard_normal(3).astype(np.float32), np.ones(2)
    for name, parameter in network.parameters().items():
        network = network.replaced(name, parameter.astype(np.float32))
    single = loss_hessian(network, MSELoss(), x, target, "fc1.b")
    for name, parameter in network.parameters().items():
        network = network.replaced(name, parameter.astype(np.float64))
    double = loss_hessian(network, MSELoss(), x.astype(np.float64), target, "fc1.b")
    np.testing.assert_array_equal(single, double)


def test_only_what_moves_is_run_also_inside_another_network():
    class Counted(Tanh):
        runs = 0

        def forward(self, x):
            Counted.runs += 1
            return super().forward(x)

    rng = np.random.RandomState(0)
    inner = Sequential(**dense_layers((4, 3, 2), Tanh, rng))
    network = Sequential(fc0=Linear(3, 4, rng), counted=Counted(), inner=inner)
    x, target = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    value, _ = loss_hessian(network, MSELoss(), x, target, "inner.fc2.W")
    assert Counted.runs == 0
    # The loss is a mean over 10 outputs of squares of W a + b: its second derivatives are those of a linear model.
    a = np.tanh(inner.fc1.apply(np.tanh(network.fc0.apply(x))))
    np.testing.assert_allclose(value, np.kron(np.eye(2), 2 * a.T @ a / 10), rtol=1e-8, atol=1e-9)


def test_the_network_is_left_as_it_was():
    network = Sequential(**dense_layers((3, 2)))
    loss_hessian(network, MSELoss(), np.ones(3), np.ones(2), "fc1.W")
    with pytest.raises(RuntimeError):
        network.backward(np.ones(2))


def test_a_tensor_that_is_not_there_is_named():
    network = Sequential(**dense_layers((3, 2)))
    with pytest.raises(ValueError, match="fc9"):
        loss_hessian(network, MSELoss(), np.ones(3), np.ones(2), "fc9.W")
