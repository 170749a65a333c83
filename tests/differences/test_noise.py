"""The estimate of the rounding error of a loss against the same loss in more digits."""

import numpy as np
import pytest

from mlp import BCEWithLogitsLoss, CrossEntropyLoss, Identity, Sequential, dense_layers
from mlp.check.projection import Projection
from mlp.differences.noise import loss_noise, machine_epsilon
from mlp.nn.problem import as_problem


def longdouble(network, x):
    network_in_more_digits = network
    for name, value in network.parameters().items():
        network_in_more_digits = network_in_more_digits.replaced(name, value.astype(np.longdouble))
    return network_in_more_digits.apply(x.astype(np.longdouble))


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="this machine has no wider floating-point numbers")
@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize("width", [2, 30])
@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
def test_the_noise_is_that_of_the_loss(depth, width, factor):
    """Against the same loss with 11 more bits, at 40 nearby points: their root mean square is the rounding error."""
    rng = np.random.RandomState(depth + width)
    network = Sequential(**dense_layers((width,) * (depth + 1), rng=rng))
    x, dy = rng.standard_normal(width), factor * rng.standard_normal(width)
    loss = Projection()
    errors = []
    for _ in range(40):
        nearby = x + 1e-6 * rng.standard_normal(width)
        exact = loss.apply(longdouble(network, nearby), dy.astype(np.longdouble))
        errors.append(float(loss.apply(network.apply(nearby), dy) - exact))
    true = np.sqrt(np.mean(np.square(errors)))
    estimate = loss_noise(as_problem(network, loss, x, dy))
    # 4 times the estimate has to cover the largest errors.
    assert np.max(np.abs(errors)) < 4 * estimate
    # It counts u for each rounding, of which 0.29 u is the root mean square, so it is about 3.5 times the truth; and up
    # to six times that, since it counts each output at the size of the largest beside it, and the parameters, too.
    assert 1.5 * true < estimate < 20 * true


class Textbook(CrossEntropyLoss):
    """The cross-entropy as it is usually written, with the largest probability's 1 in the sum."""

    @staticmethod
    def value(y, target):
        shifted = y - y.real.max()
        return -np.sum(target * (shifted - np.log(np.exp(shifted).sum())))


def test_the_noise_of_a_sure_classifier_is_that_of_one_plus_a_little():
    # log(1 + 1e-12) is off by the rounding of 1, though the loss itself is only 1e-12.
    y, target = np.array([30.0, 2.0, 1.0]), np.array([1.0, 0.0, 0.0])
    assert loss_noise(as_problem(Identity(), Textbook(), y, target)) > 1e-17
    # Those that use log1p keep their digits there.
    assert loss_noise(as_problem(Identity(), CrossEntropyLoss(), y, target)) < 1e-25
    assert loss_noise(as_problem(Identity(), BCEWithLogitsLoss(), np.array([30.0]), np.array([1.0]))) < 1e-25


def test_the_noise_of_a_layer_that_secretly_computes_in_float32_is_that_of_float32():
    class Secret(Identity):
        def apply(self, x):
            return np.asarray(x).astype(np.float32).astype(np.float64)

    rng, dy = np.random.RandomState(0), np.ones(5)
    xs = rng.standard_normal((200, 5))
    true = np.sqrt(np.mean([(Secret().apply(x) @ dy - x @ dy) ** 2 for x in xs]))
    estimates = [loss_noise(as_problem(Secret(), Projection(), x, dy)) for x in xs]
    # Nothing but the jitter of four paths shows it. Each is the absolute value of a normal number of the true size; the
    # median of four scatters by a half of itself, so the mean of 200 of those by 4 %, and is off by a few per cent.
    assert np.mean(estimates) == pytest.approx(true, rel=0.2)


def test_the_coarsest_arithmetic_counts():
    assert machine_epsilon(np.zeros(2), np.zeros(2, np.float32)) == np.finfo(np.float32).eps
    assert machine_epsilon(np.zeros(2)) == np.finfo(np.float64).eps
    assert machine_epsilon(np.zeros(2, int)) == np.finfo(np.float64).eps
