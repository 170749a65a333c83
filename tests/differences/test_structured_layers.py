"""What structured differences ask of layers: nothing beyond `apply`, and never anything of `backward`."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES, METHODS, Activation, Layer, Linear, Loss, MSELoss, Sequential, Tanh, dense_layers
from mlp.differences.networks import loss_gradients, loss_gradients_by_loop
from mlp.nn.changes import Columns

# All layers here have a few entries of size 1: a value of the loss c is off by at most some 100 u c, u = 1.1e-16, and a
# difference at eps = 1e-4 by 1 / eps times that, 1e-10 c. An error in a formula is of the size of c.
ROUND_OFF = 1e-10


class ApplyOnly(Layer):
    """A layer that says nothing about itself: `apply` is all that a test must write."""

    def forward(self, x):
        return self.apply(x)

    def backward(self, dy):
        raise AssertionError(f"numerical derivatives must not call backward, here with {dy}")


class Scale(ApplyOnly):
    parameter_names = ("gain", "shift")

    def __init__(self, gain, shift):
        self.gain, self.shift = gain, shift

    def apply(self, x):
        return x * self.gain + self.shift


class Centred(ApplyOnly):
    """Each sample's output depends on the others, so samples must not be taken apart nor stacks be seen as batches."""

    def apply(self, x):
        return x - x.mean(axis=0)


class CentredLinear(Linear):
    """It rewrites `apply`, so that Linear keeps samples apart no longer holds."""

    def apply(self, x):
        y = super().apply(x)
        return y - y.mean(axis=0)


class Bilinear(ApplyOnly):
    """A parameter with three axes and one with none."""

    parameter_names = ("T", "c")

    def __init__(self, T, c):
        self.T, self.c = T, c

    def apply(self, x):
        return np.einsum("ijk,...j,...k->...i", self.T, x, x) + self.c


class Residual(Sequential):
    """It rewrites `apply`, so what Sequential says of itself no longer holds."""

    def apply(self, x):
        return x + super().apply(x)


class Sinuous(Linear):
    """It rewrites `apply`, so what Linear says of itself no longer holds."""

    def apply(self, x):
        return np.sin(x) @ self.W.T + 2 * self.b


def compare(network, x, target, loss=None, methods=("central", "complex-step", "forward")):
    size = max(1, (loss or MSELoss()).apply(network.apply(x), target))
    for method in methods:
        actual = loss_gradients(network, loss or MSELoss(), x, target, method=method)
        expected = loss_gradients_by_loop(network, loss or MSELoss(), x, target, method=method)
        assert list(actual) == list(expected)
        for name, gradient in expected.items():
            np.testing.assert_allclose(
                actual[name], gradient, rtol=0, atol=ROUND_OFF * size, err_msg=f"{method} {name}"
            )


def between_linear_layers(layer, rng):
    return Sequential(fc1=Linear(3, 4, rng), middle=layer, tanh=Tanh(), fc2=Linear(4, 2, rng))


@pytest.mark.parametrize("batch", [(), (3,)])
@pytest.mark.parametrize("name", ["Scale", "Bilinear", "Residual", "Sinuous", "nested"])
def test_a_layer_with_apply_alone(name, batch):
    rng = np.random.RandomState(0)
    layers = {
        "Scale": lambda: Scale(rng.standard_normal(4), rng.standard_normal(4)),
        "Bilinear": lambda: Bilinear(rng.standard_normal((4, 4, 4)) / 4, np.array(0.3)),
        "Residual": lambda: Residual(**dense_layers((4, 5, 4), Tanh, rng)),
        "Sinuous": lambda: Sinuous(4, 4, rng),
        "nested": lambda: Sequential(
            inner=Residual(a=Linear(4, 4, rng), b=Tanh()), outer=Scale(np.ones(4), np.ones(4))
        ),
    }
    network = between_linear_layers(layers[name](), rng)
    compare(network, rng.standard_normal((*batch, 3)), rng.standard_normal((*batch, 2)))


@pytest.mark.parametrize("layer", [Centred(), CentredLinear(4, 4, np.random.RandomState(0))])
@pytest.mark.parametrize("small", [0, 10**9])
def test_a_layer_that_mixes_the_samples_of_a_batch(monkeypatch, small, layer):
    monkeypatch.setattr("mlp.differences.tensors.SMALL", small)
    rng = np.random.RandomState(1)
    compare(between_linear_layers(layer, rng), rng.standard_normal((3, 3)), rng.standard_normal((3, 2)))


@pytest.mark.parametrize("position", ["first", "last", "alone"])
def test_a_layer_with_apply_alone_at_the_ends(position):
    rng = np.random.RandomState(2)
    scale, linear = Scale(rng.standard_normal(2), rng.standard_normal(2)), Linear(2, 2, rng)
    networks = {
        "first": Sequential(scale=scale, fc=linear),
        "last": Sequential(fc=linear, scale=scale),
        "alone": scale,
    }
    compare(networks[position], rng.standard_normal(2), rng.standard_normal(2))


class Told(ApplyOnly):
    """What it is told of a one-column change it passes on; the whole it refuses to compute."""

    def apply(self, x):
        return 2 * x

    def apply_stack(self, xs):
        raise AssertionError(f"the layer can do better than to compute {xs.shape}")

    def apply_columns(self, change, x, y):
        np.testing.assert_array_equal(y, 2 * x)
        return Columns(change.features, 2 * change.values)


def test_what_a_layer_says_about_itself_is_used():
    rng = np.random.RandomState(3)
    x, target = rng.standard_normal(3), rng.standard_normal(2)
    compare(Sequential(told=Told(), fc1=Linear(3, 2, rng)), x, target)
    network = Sequential(fc1=Linear(3, 2, rng), told=Told())
    with pytest.raises(AssertionError, match="can do better"):
        loss_gradients(network, MSELoss(), x, target)  # a step on the input has moved both outputs of fc1


def test_only_what_moves_is_computed_anew():
    """A step on a weight of the first layer moves one number there: so many numbers tanh sees of it, and no more."""
    seen = []

    class Counting(Activation):
        @staticmethod
        def function(x):
            seen.append(x.size)
            return np.tanh(x)

    rng = np.random.RandomState(4)
    network = Sequential(fc1=Linear(5, 40, rng), tanh=Counting(), fc2=Linear(40, 3, rng))
    loss_gradients(network, MSELoss(), rng.standard_normal(5), rng.standard_normal(3))
    once, first, x = 40, 2 * (5 * 40 + 40), 2 * 5 * 40
    assert sum(seen) == once + first + x


class OwnLoss(Loss):
    @staticmethod
    def value(y, target):
        return np.sum(np.square(np.square(y - target)))


class OwnMean(MSELoss):
    """It rewrites `value`, so the way MSELoss takes a stack no longer holds."""

    @staticmethod
    def value(y, target):
        return np.max((y - target).real) + np.sum(y)


@pytest.mark.parametrize("loss", [OwnLoss, OwnMean])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_loss_with_a_value_alone(loss, batch):
    rng = np.random.RandomState(5)
    network = Sequential(**dense_layers((3, 4, 2), Tanh, rng))
    x, target = rng.standard_normal((*batch, 3)), rng.standard_normal((*batch, 2))
    compare(network, x, target, loss(), ["central", "forward"])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_stack_of_outputs_has_the_losses_of_each(loss, batch):
    """By the same formula: each loss is a sum of a few terms of size 1, in perhaps another order."""
    rng, loss = np.random.RandomState(6), LOSSES[loss]()
    ys = rng.standard_normal((*batch, 4, 7))
    target = loss.random_target(rng, (*batch, 4))
    expected = [loss.apply(ys[..., k], target) for k in range(7)]
    np.testing.assert_allclose(loss.values(ys, target), expected, rtol=50 * np.finfo(float).eps)


@pytest.mark.parametrize("batch", [(), (3,)])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nothing_of_backward_enters(monkeypatch, activation, method, batch):
    """With every backward, derivative and gradient wrong, the numerical values are the same to the last bit."""
    rng = np.random.RandomState(7)
    network = Sequential(**dense_layers((3, 4, 5, 2), ACTIVATIONS[activation], rng))
    x, loss = rng.standard_normal((*batch, 3)), LOSSES["CrossEntropyLoss"]()
    target = loss.random_target(rng, (*batch, 2))
    before = loss_gradients(network, loss, x, target, method=method)

    def broken(*_):
        raise AssertionError("backward has been asked")

    for owner in (Layer, Linear, Activation, Sequential):
        monkeypatch.setattr(owner, "backward", broken)
        monkeypatch.setattr(owner, "forward", broken)
        monkeypatch.setattr(owner, "gradients", broken)
    monkeypatch.setattr(ACTIVATIONS[activation], "derivative", staticmethod(lambda x: 7 * x))
    monkeypatch.setattr(type(loss), "gradient", staticmethod(lambda y, target: y + target))
    monkeypatch.setattr(Loss, "backward", broken)
    monkeypatch.setattr(Loss, "forward", broken)
    monkeypatch.setattr("mlp.nn.layers.linear_backward", broken)
    after = loss_gradients(network, loss, x, target, method=method)
    for name in before:
        assert before[name].tobytes() == after[name].tobytes()
