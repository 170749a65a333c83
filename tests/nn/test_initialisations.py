"""First weights: which law they follow, and that they follow the given stream and nothing else."""

import numpy as np
import pytest

from mlp.nn.initialisations import INITIALISATIONS
from tests.comparing import U, assert_close, counterpart

# Standard deviation of weights and of biases for `inputs` and `outputs`, from the papers that the docstrings name.
DEVIATIONS = {
    "standard normal": lambda inputs, outputs: (1, 1),  # noqa: ARG005
    "Glorot": lambda inputs, outputs: ((2 / (inputs + outputs)) ** 0.5, 0),
    "He": lambda inputs, outputs: ((2 / inputs) ** 0.5, 0),  # noqa: ARG005
}
every_initialisation = pytest.mark.parametrize("name", INITIALISATIONS)


@every_initialisation
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (4, 3), (3, 50)])
def test_weights_then_biases_are_scaled_standard_normal_numbers_of_the_stream(name, inputs, outputs):
    weight_scale, bias_scale = counterpart(DEVIATIONS, name, "DEVIATIONS")(inputs, outputs)
    W, b = INITIALISATIONS[name](np.random.RandomState(3), inputs, outputs)
    stream = np.random.RandomState(3)
    # One square root and one product, each rounded once here and there.
    assert_close(W, weight_scale * stream.randn(outputs, inputs), 4 * U, "W")
    expected_b = bias_scale * stream.randn(outputs)
    assert_close(b, expected_b, 4 * U, "b")


@every_initialisation
def test_variance_of_many_weights(name):
    inputs, outputs = 300, 400
    deviation, _ = counterpart(DEVIATIONS, name, "DEVIATIONS")(inputs, outputs)
    W, _ = INITIALISATIONS[name](np.random.default_rng(1), inputs, outputs)
    # The mean of n normal numbers has the standard deviation s / sqrt(n), their variance s^2 sqrt(2 / n).
    assert abs(W.mean()) <= 5 * deviation / W.size**0.5
    assert abs(W.var() / deviation**2 - 1) <= 5 * (2 / W.size) ** 0.5


@every_initialisation
@pytest.mark.parametrize("rng", [np.random.RandomState(0), np.random.default_rng(0), np.random])
def test_every_kind_of_source_serves(name, rng):
    W, b = INITIALISATIONS[name](rng, 2, 5)
    assert (W.shape, b.shape) == ((5, 2), (5,))
    assert W.dtype == b.dtype == np.float64
