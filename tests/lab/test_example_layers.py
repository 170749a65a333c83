"""The module that the page opens with: one layer is right, one is wrong in the one gradient that its comment says."""

import numpy as np
import pytest

from mlp.lab import example_layers
from mlp.user_code.api import examine_object

X = np.random.RandomState(0).standard_normal((5, 4))


@pytest.mark.parametrize(
    ("layer", "status"), [(example_layers.Dense(4, 3), "passed"), (example_layers.Tanh(), "wrong")]
)
def test_one_layer_is_right_and_one_wrong(layer, status):
    assert examine_object(layer, X).status == status


def test_the_mistake_is_the_one_that_is_told():
    layer, dy = example_layers.Tanh(), np.cos(X)
    y = layer.forward(X)
    np.testing.assert_array_equal(y, np.tanh(X))
    np.testing.assert_allclose(layer.backward(dy), dy * (1 - np.tanh(y) ** 2))


def test_the_functions_are_a_right_pair():
    h = 1e-6
    quotient = (example_layers.sigmoid(X + h) - example_layers.sigmoid(X - h)) / (2 * h)
    np.testing.assert_allclose(example_layers.sigmoid_prime(X), quotient, rtol=0, atol=1e-9)
    np.testing.assert_allclose(example_layers.sigmoid(X), 1 / (1 + np.exp(-X)))
