"""Values and gradients agree with HIPS autograd, which differentiates the textbook formulas by itself.

A tensor is compared relative to its largest entry, to 1e-12, for the reason that `test_against_torch` gives.
"""

import itertools

import autograd
import autograd.numpy as anp
import pytest

from mlp.check.check import analytical_gradients
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.initialisations import INITIALISATIONS
from mlp.nn.layers import Linear
from mlp.nn.losses import LOSSES
from tests.comparing import assert_close, counterpart
from tests.problems import HIDDEN, SAMPLES, choices, draw, every_problem

RTOL = 1e-12


def softplus(x):
    return anp.logaddexp(x, 0)


def sigmoid(x):
    return 1 / (1 + anp.exp(-x))


def logsumexp(y):
    largest = anp.max(y, axis=-1, keepdims=True)
    return largest + anp.log(anp.sum(anp.exp(y - largest), axis=-1, keepdims=True))


AUTOGRAD_ACTIVATIONS = {
    "Tanh": anp.tanh,
    "Sigmoid": sigmoid,
    "ReLU": lambda x: anp.maximum(x, 0),
    "LeakyReLU": lambda x: anp.maximum(x, 0.01 * x),
    "Softplus": softplus,
    "SiLU": lambda x: x * sigmoid(x),
    "Identity": lambda x: x,
}
AUTOGRAD_LOSSES = {
    "MSELoss": lambda y, t: anp.mean((y - t) ** 2),
    "HuberLoss": lambda y, t: anp.mean(
        anp.where(anp.abs(y - t) <= 1, 0.5 * (y - t) ** 2, anp.abs(y - t) - 0.5),
    ),
    # -t log s(y) - (1 - t) log(1 - s(y)), with -log s(y) = softplus(-y): terms of one sign, so that none cancels.
    "BCEWithLogitsLoss": lambda y, t: anp.mean(t * softplus(-y) + (1 - t) * softplus(y)),
    "CrossEntropyLoss": lambda y, t: anp.mean(anp.sum(t * (logsumexp(y) - y), axis=-1)),
}


@every_problem
def test_loss_and_gradients(activation, loss, depth, initialisation, samples):
    network, our_loss, x, target = draw(activation, loss, depth, initialisation, samples)
    their_activation = counterpart(AUTOGRAD_ACTIVATIONS, activation, "AUTOGRAD_ACTIVATIONS")
    their_loss = counterpart(AUTOGRAD_LOSSES, loss, "AUTOGRAD_LOSSES")

    def textbook(tensors):
        y = tensors["x"]
        for name, layer in network.layers.items():
            is_linear = isinstance(layer, Linear)
            y = anp.dot(y, tensors[f"{name}.W"].T) + tensors[f"{name}.b"] if is_linear else their_activation(y)
        return their_loss(y, target)

    expected_value, expected = autograd.value_and_grad(textbook)(network.parameters() | {"x": x})
    value, gradients = analytical_gradients(network, our_loss, x, target)
    assert_close(value, expected_value, RTOL, "the loss")
    assert list(gradients) == list(expected)
    for name, gradient in expected.items():
        assert_close(gradients[name], gradient, RTOL, f"the gradient of {name}")


def test_any_two_choices_meet_in_some_problem():
    values = [ACTIVATIONS, LOSSES, range(len(HIDDEN) + 1), INITIALISATIONS, SAMPLES]
    for i, j in itertools.combinations(range(len(values)), 2):
        assert {(problem[i], problem[j]) for problem in choices()} == set(itertools.product(values[i], values[j]))


def test_a_registered_name_without_counterpart_is_reported():
    with pytest.raises(AssertionError, match=r"'Mish' is registered .* no counterpart in AUTOGRAD_ACTIVATIONS"):
        counterpart(AUTOGRAD_ACTIVATIONS, "Mish", "AUTOGRAD_ACTIVATIONS")
