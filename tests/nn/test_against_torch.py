"""Values and gradients agree with PyTorch, which knows nothing of ours. Skipped where it is not installed.

A tensor is compared relative to its largest entry, to 1e-12. That is 4500 u: at most five linear layers of at most
nine terms each round some 100 times on the way forward and back, each time by u/2 of a term that may be several times
larger than the sum. A wrong formula is off by far more.
"""

import numpy as np
import pytest

from mlp.check.check import analytical_gradients
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.layers import Linear
from mlp.nn.losses import CrossEntropyLoss, HuberLoss
from tests.comparing import assert_close, counterpart
from tests.problems import draw, every_problem

RTOL = 1e-12


def torch_activations(torch):
    functional = torch.nn.functional
    return {
        "Tanh": torch.tanh,
        "Sigmoid": torch.sigmoid,
        "ReLU": torch.relu,
        "LeakyReLU": functional.leaky_relu,
        # PyTorch's own softplus gives x itself beyond x = 20, and so is off by up to exp(-20) = 2e-9 there;
        # logaddexp(x, 0) is the same function without that shortcut.
        "Softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        "SiLU": functional.silu,
        "Identity": lambda x: x,
    }


def torch_losses(torch):
    functional = torch.nn.functional
    return {
        "MSELoss": functional.mse_loss,
        "HuberLoss": functional.huber_loss,
        "BCEWithLogitsLoss": functional.binary_cross_entropy_with_logits,
        "CrossEntropyLoss": functional.cross_entropy,
    }


@pytest.fixture
def leaf(torch):
    """Give a function that makes of an array a tensor with a gradient."""
    return lambda array: torch.tensor(array, requires_grad=True)


@every_problem
def test_loss_and_gradients(activation, loss, depth, initialisation, samples, torch, leaf):
    network, our_loss, x, target = draw(activation, loss, depth, initialisation, samples)
    torch_activation = counterpart(torch_activations(torch), activation, "torch_activations")
    torch_loss = counterpart(torch_losses(torch), loss, "torch_losses")
    leaves = {name: leaf(array) for name, array in network.parameters().items()} | {"x": leaf(x)}
    y, linear = leaves["x"], torch.nn.functional.linear
    for name, layer in network.layers.items():
        is_linear = isinstance(layer, Linear)
        y = linear(y, leaves[f"{name}.W"], leaves[f"{name}.b"]) if is_linear else torch_activation(y)
    c = torch_loss(y, torch.tensor(target))
    c.backward()

    value, gradients = analytical_gradients(network, our_loss, x, target)
    assert_close(network.apply(x), y.detach().numpy(), RTOL, "y")
    assert_close(value, c.item(), RTOL, "the loss")
    assert list(gradients) == list(leaves)
    for name, tensor in leaves.items():
        assert_close(gradients[name], tensor.grad.numpy(), RTOL, f"the gradient of {name}")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_on_a_grid_that_holds_the_kinks(name, torch, leaf):
    x = np.linspace(-40, 40, 321)  # 0 is one of them
    x_torch = leaf(x)
    y_torch = counterpart(torch_activations(torch), name, "torch_activations")(x_torch)
    y_torch.backward(torch.ones_like(y_torch))
    layer = ACTIVATIONS[name]()
    assert_close(layer.forward(x), y_torch.detach().numpy(), RTOL, "y")
    assert_close(layer.backward(np.ones_like(x)), x_torch.grad.numpy(), RTOL, "dx")


def test_huber_loss_on_its_seams(torch, leaf):
    y, target = np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0]), np.zeros(7)
    y_torch = leaf(y)
    c = torch.nn.functional.huber_loss(y_torch, torch.tensor(target))
    c.backward()
    loss = HuberLoss()
    assert_close(loss.forward(y, target), c.item(), RTOL, "the loss")
    assert_close(loss.backward(), y_torch.grad.numpy(), RTOL, "dy")


@pytest.mark.parametrize("target", [2, np.array([0, 3, 3, 1])], ids=["one sample", "batch"])
def test_cross_entropy_of_class_indices(target, torch, leaf):
    y = np.random.RandomState(0).standard_normal((*np.shape(target), 4))
    y_torch = leaf(y)
    c = torch.nn.functional.cross_entropy(y_torch, torch.tensor(target))
    c.backward()
    loss = CrossEntropyLoss()
    assert_close(loss.forward(y, target), c.item(), RTOL, "the loss")
    assert_close(loss.backward(), y_torch.grad.numpy(), RTOL, "dy")
