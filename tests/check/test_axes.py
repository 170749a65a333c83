"""Arrays of more than two axes, images and sequences, pass through layers, losses, check and diagnosis like others."""

import numpy as np
import pytest

from mlp import (
    ACTIVATIONS,
    LOSSES,
    CrossEntropyLoss,
    MSELoss,
    ReLU,
    Sequential,
    Tanh,
    Verdict,
    check_gradients,
    numerical_gradient,
)
from mlp.differences.networks import loss_gradients
from mlp.nn.arrays import as_numbers
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem


class Convolution(Layer):
    """Images (n, channels, height, width) against a window of 2 x 2, without padding."""

    parameter_names = ("W", "b")

    def __init__(self, inputs, outputs, rng):
        self.W = rng.standard_normal((outputs, inputs, 2, 2))
        self.b = rng.standard_normal(outputs)

    def apply(self, x):
        return np.einsum("nchwij,ocij->nohw", windows(as_numbers("x", x)), self.W) + self.b[:, None, None]

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        self.grad_W = np.einsum("nchwij,nohw->ocij", windows(self.x), dy)
        self.grad_b = dy.sum(axis=(0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(2, 2):
            dx[:, :, i : i + dy.shape[2], j : j + dy.shape[3]] += np.einsum("nohw,oc->nchw", dy, self.W[:, :, i, j])
        return dx


def windows(x):
    return np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3))


class LeakyBackward(ReLU):
    """Hands dy on where the unit is inactive, too."""

    def backward(self, dy):
        return np.array(dy)


def image_problem(activation=ReLU, loss=MSELoss, seed=0):
    rng = np.random.RandomState(seed)
    network = Sequential(conv1=Convolution(2, 3, rng), act=activation(), conv2=Convolution(3, 2, rng))
    x = rng.standard_normal((2, 2, 4, 5))
    return network, loss(), x, loss.random_target(rng, network.apply(x).shape)


@pytest.mark.parametrize("loss", LOSSES.values())
@pytest.mark.parametrize("activation", [ReLU, Tanh])
def test_a_convolution_before_an_activation_agrees(activation, loss):
    report = check_gradients(*image_problem(activation, loss))
    assert not any(np.any(check.verdicts == Verdict.WRONG) for check in report.values())
    # A bias of the last convolution moves every class alike, so cross-entropy does not depend on it: its truth is 0.
    assert all(check.passed for name, check in report.items() if (loss, name) != (CrossEntropyLoss, "conv2.b"))


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 1, 3, 2)])
@pytest.mark.parametrize("loss", LOSSES.values())
@pytest.mark.parametrize("activation", ACTIVATIONS.values())
def test_what_a_step_really_changes_gives_the_loop_s_gradient(activation, loss, shape):
    rng = np.random.RandomState(1)
    network, x = Sequential(first=activation(), second=Tanh()), rng.standard_normal(shape)
    target = loss.random_target(rng, shape)
    for method in ("central", "complex-step"):
        fast = loss_gradients(network, loss(), x, target, 1e-4, method)["x"]
        loop = numerical_gradient(Problem(network, loss(), x, target).function("x"), x, 1e-4, method)
        # Both subtract losses of a size of about 1 that are rounded in their last digits: 2^-52 * a few / 1e-4.
        np.testing.assert_allclose(fast, loop.reshape(shape), rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 2, 3, 4)])
def test_classes_stand_on_the_last_axis_and_the_mean_is_over_all_others(shape):
    rng = np.random.RandomState(2)
    y, target = rng.standard_normal(shape), CrossEntropyLoss.random_target(rng, shape)
    loss, rows = CrossEntropyLoss(), CrossEntropyLoss()
    assert loss.forward(y, target) == pytest.approx(rows.forward(y.reshape(-1, 4), target.reshape(-1, 4)), rel=1e-14)
    np.testing.assert_allclose(loss.backward(), rows.backward().reshape(shape), rtol=1e-13)
    assert loss.apply(y, target.argmax(axis=-1)) == pytest.approx(loss.apply(y, target), rel=1e-14)


def test_a_wrong_activation_between_convolutions_is_named():
    report = check_gradients(*image_problem(LeakyBackward))
    assert report.verdict is Verdict.WRONG
    (finding, *_) = report.diagnosis
    assert finding.layer == "act"
    assert "dx is dy, passed on unchanged: the derivative of the activation is missing" in finding.sentence


def test_one_channel_that_is_left_out_is_named():
    class WithoutAChannel(Convolution):
        def backward(self, dy):
            dx = super().backward(dy)
            dx[:, 1] = 0
            return dx

    rng = np.random.RandomState(3)
    network, x = Sequential(conv=WithoutAChannel(4, 2, rng), act=Tanh()), rng.standard_normal((3, 4, 4, 4))
    report = check_gradients(network, MSELoss(), x, np.zeros((3, 2, 3, 3)))
    assert "for one place: slice 1 along axis 1, which stayed zero" in report.diagnosis[0].sentence
