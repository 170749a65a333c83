"""What is written out gives the same bits as the layers' own forward and backward, and only where that may be said."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES, CrossEntropyLoss, Linear, MSELoss, Sequential, Tanh, dense_layers
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import places
from mlp.lab.backpropagation import Backpropagation
from mlp.lab.planted_bug import planted
from mlp.nn.problem import Problem


def drawn(activation=Tanh, loss=CrossEntropyLoss, sizes=(4, 6, 6, 3), rows=5):
    rng = np.random.RandomState(2)
    network, loss = Sequential(**dense_layers(sizes, activation, rng)), loss()
    x = rng.standard_normal((rows, sizes[0]))
    return Problem(network, loss, x, loss.random_target(rng, (rows, sizes[-1])))


def by_layers(network, loss, x, target):
    value = loss.forward(network.forward(x), target)
    network.backward(loss.backward())
    return value, network.gradients()


def assert_same_bits(ours, problem):
    for _ in range(2):  # a second time, in the memory of the first
        value, expected = by_layers(*problem.copied())
        assert ours.run(problem.x, problem.target) == value
        for name, gradient in expected.items():
            np.testing.assert_array_equal(ours.named_gradients[name], gradient)
    y, value = ours.evaluate(problem.x, problem.target)
    np.testing.assert_array_equal(y, problem.network.apply(problem.x))
    assert value == problem.value()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("sizes", "rows"), [((4, 6, 6, 3), 5), ((2, 3), 1), ((1, 1, 1), 7)])
def test_the_same_bits_as_forward_and_backward(activation, loss, sizes, rows):
    problem = drawn(ACTIVATIONS[activation], LOSSES[loss], sizes, rows)
    ours = Backpropagation(problem.network, problem.loss)
    assert_same_bits(ours, problem)
    # The layers themselves were not run: nothing checks, nothing is kept.
    with pytest.raises(RuntimeError, match="call backward"):
        problem.network.gradients()


@pytest.mark.parametrize("bug", GALLERY)
def test_a_wrong_layer_is_run_itself(bug):
    problem = drawn(sizes=(4, 4, 4, 3))
    found = places(GALLERY[bug], problem.network, problem.loss, problem.x)
    problem = planted(GALLERY[bug], problem, found[-1]) if found else problem
    expected = by_layers(*problem.copied())[1]
    ours = Backpropagation(problem.network, problem.loss)
    if found and any(gradient.shape != ours.named_gradients[name].shape for name, gradient in expected.items()):
        with pytest.raises(ValueError, match="must have shape"):
            ours.run(problem.x, problem.target)
        return
    ours.run(problem.x, problem.target)
    for name, gradient in expected.items():
        np.testing.assert_array_equal(ours.named_gradients[name], gradient)


class Doubled(Tanh):
    """An activation of somebody's own, with its own backward."""

    def backward(self, dy):
        return 2 * super().backward(dy)


class Halved(MSELoss):
    """A loss of somebody's own, with its own gradient."""

    @staticmethod
    def gradient(y, target):
        return (y - target) / y.size


class Sharp(CrossEntropyLoss):
    """A value of somebody's own, from which nothing follows for what is computed at once."""

    @staticmethod
    def value(y, target):
        return 3 * CrossEntropyLoss.value(y, target)


class Steep(CrossEntropyLoss):
    """A gradient of somebody's own."""

    @staticmethod
    def gradient(y, target):
        return 5 * CrossEntropyLoss.gradient(y, target)


class Late(CrossEntropyLoss):
    """A loss of somebody's own, with its own backward."""

    def backward(self):
        return 4 * super().backward()


@pytest.mark.parametrize(
    ("activation", "loss"),
    [(Doubled, MSELoss), (Tanh, Halved), (Tanh, Sharp), (Tanh, Steep), (Tanh, Late), (Doubled, Late)],
)
def test_what_a_person_rewrites_is_what_counts(activation, loss):
    problem = drawn(activation, loss)
    assert_same_bits(Backpropagation(problem.network, problem.loss), problem)


def test_the_network_lives_in_the_vector():
    network, loss, x, target = drawn()
    before = {name: value.copy() for name, value in network.parameters().items()}
    ours = Backpropagation(network, loss)
    assert list(ours.named_parameters) == list(before)
    assert list(ours.layer_gradients) == ["fc1", "fc2", "fc3"]
    for name, value in network.parameters().items():
        np.testing.assert_array_equal(value, before[name])
        assert np.shares_memory(value, ours.parameters)
    ours.parameters += 1
    np.testing.assert_array_equal(network.layers["fc2"].b, before["fc2.b"] + 1)
    ours.run(x, target)
    fc2 = np.concatenate([ours.named_gradients["fc2.W"].ravel(), ours.named_gradients["fc2.b"]])
    np.testing.assert_array_equal(ours.layer_gradients["fc2"], fc2)
    assert np.any(fc2)


def test_no_layer_before_the_first_linear_one_is_forgotten():
    rng = np.random.RandomState(0)
    network, loss = Sequential(first=Tanh(), fc=Linear(3, 2, rng), last=Tanh()), MSELoss()
    problem = Problem(network, loss, rng.standard_normal((4, 3)), rng.standard_normal((4, 2)))
    assert_same_bits(Backpropagation(network, loss), problem)
