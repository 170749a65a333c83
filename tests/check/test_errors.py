"""The estimates of truncation, round-off and noise against what they estimate, known from elsewhere."""

import numpy as np
import pytest

from mlp import (
    METHODS,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Identity,
    Linear,
    MSELoss,
    Sequential,
    Tanh,
    dense_layers,
    he,
)
from mlp.check.check import analytical_gradients
from mlp.check.projection import Projection
from mlp.check.rounding import FLOAT32, _noise, gradient_rounding
from mlp.differences import errors
from mlp.differences.errors import _complex_estimate, estimated_gradients, second_step, taken_step
from mlp.differences.methods import COMPLEX_STEP, optimal_step
from mlp.differences.noise import loss_noise, machine_epsilon
from mlp.nn.problem import as_problem


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("eps", [1e-12, 1e-8, 1e-4, 1e-2, 1.0, 30.0])
def test_the_true_error_lies_within_the_estimates(method, eps):
    # The derivative of tanh is known exactly, so the error of the numerical one is too.
    x = np.linspace(-2, 2, 41)
    dy = np.ones(41)
    with np.errstate(all="ignore"):
        estimate = estimated_gradients(as_problem(Tanh(), Projection(), x, dy), eps, method)["x"]
    error = np.abs(estimate.value - Tanh.derivative(x))
    assert np.all(error <= 2 * estimate.truncation + 4 * estimate.roundoff)


@pytest.mark.parametrize(
    "method", [method for method in METHODS.values() if not method.is_complex], ids=lambda m: m.name
)
@pytest.mark.parametrize("factor", [1 / 30, 1, 30])
def test_the_estimates_are_estimates_and_no_excuses(method, factor):
    x = np.linspace(-2, 2, 40)  # without 0, where the second derivative is 0
    eps = factor * float(optimal_step(method, 1.0))
    estimate = estimated_gradients(as_problem(Tanh(), Projection(), x, np.ones(40)), eps, method)["x"]
    # The loss adds up 40 numbers, each taken to be off by u of the largest, 0.96, and by what u of x moves it; each of
    # the two steps divides its values' errors by itself, and the second is looked at where it is the smaller one.
    other = second_step(eps, method)
    expected = np.sqrt(40) * 2.0**-52 * np.abs(method.weights).sum() * (1 / eps + (other < eps) / other)
    assert np.all((expected < estimate.roundoff) & (estimate.roundoff < 1.5 * expected))
    if factor > 1:  # beyond the best step the error is truncation, and known to a few per cent
        error = np.abs(estimate.value - Tanh.derivative(x))
        assert np.median(estimate.truncation / error) == pytest.approx(1, abs=0.05)


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


def as_type(network, dtype):
    for name, value in network.parameters().items():
        network = network.replaced(name, value.astype(dtype))
    return network


@pytest.mark.parametrize("sizes", [(3, 4, 2), (10, 20, 20, 10)])
def test_the_rounding_of_a_gradient_is_that_of_backward(sizes):
    """In float32, against the same pass in float64, at 30 nearby points."""
    rng = np.random.RandomState(0)
    network = as_type(Sequential(**dense_layers(sizes, Tanh, rng, he)), np.float32)
    x, target = (rng.standard_normal((4, size)).astype(np.float32) for size in (sizes[0], sizes[-1]))
    errors = []
    for _ in range(30):
        nearby = x * (1 + 1e-3 * rng.standard_normal(x.shape)).astype(np.float32)
        _, rounded = analytical_gradients(network, MSELoss(), nearby, target)
        _, exact = analytical_gradients(as_type(network, float), MSELoss(), nearby.astype(float), target.astype(float))
        errors.append({name: rounded[name] - gradient for name, gradient in exact.items()})
    _, gradients = analytical_gradients(network, MSELoss(), x, target)
    estimates = gradient_rounding(as_problem(network, MSELoss(), x, target), gradients, FLOAT32)
    for name, estimate in estimates.items():
        error = np.array([one[name] for one in errors])
        true = np.sqrt(np.mean(np.square(error), axis=0))
        assert np.max(np.abs(error) / estimate) < 4
        # As for the noise of the loss above: u counted where 0.29 u is committed, and for a few things too many.
        assert 3 < np.median(estimate / true) < 12
        assert np.min(estimate / true) > 1.5


@pytest.mark.parametrize(("shape", "samples"), [((400,), 1), ((4, 100), 1), ((80, 50), 10)])
def test_a_sum_over_samples_may_be_off_by_an_eighth_of_a_last_bit_for_each(shape, samples):
    class Constant(Identity):
        def backward(self, dy):
            return np.full(np.shape(dy), 1e6)

    problem = as_problem(Constant(), Projection(), np.ones(shape), np.ones(shape))
    found = gradient_rounding(problem, {"x": np.full(shape, 1e6)}, 2.0**-52)["x"]
    # What a backward returns is shaken once: a root mean square of six normal numbers, which is 0.96 of one on average.
    assert np.mean(found) == pytest.approx((0.96 + samples) * 2.0**-52 * 1e6, rel=0.03)


class CentredLinear(Linear):
    """Without the mean of the batch: the bias has no influence, and its gradient is nothing but rounding."""

    def apply(self, x):
        y = super().apply(x)
        return y - y.mean(axis=0)

    def forward(self, x):
        super().forward(x)
        return self.apply(x)

    def backward(self, dy):
        return super().backward(dy - dy.mean(axis=0))


class MaskedCentredLinear(CentredLinear):
    """With a mask in float32, which holds its numbers exactly."""

    def backward(self, dy):
        return super().backward(dy * np.ones(dy.shape, dtype=np.float32))


@pytest.mark.parametrize("kind", [CentredLinear, MaskedCentredLinear])
def test_what_cancels_inside_a_layer_is_seen_along_a_path(kind):
    rng = np.random.RandomState(0)
    layer = kind(5, 200, rng)
    problem = as_problem(layer, MSELoss(), rng.standard_normal((50, 5)), rng.standard_normal((50, 200)))
    _, gradients = analytical_gradients(*problem)
    estimate = gradient_rounding(problem, gradients, 2.0**-52)["b"]
    size, seen = (np.sqrt(np.mean(np.square(values))) for values in (gradients["b"], estimate))
    assert 0 < size < 1e-15
    # The root mean squares of 200 entries: each is known to 5 per cent, what a path shows of it to 10.
    assert 0.7 * size < seen < 1.5 * size


def test_the_noise_is_that_of_the_values_which_are_subtracted_a_whole_offset_away():
    # From 1e-9 and a target of 0 a step leads to a loss of (o h)^2, which is rounded as such: five-point goes twice as
    # far as central, and its noise is four times as large.
    problem = as_problem(Sequential(act=Identity()), MSELoss(), np.full(3, 1e-9), np.zeros(3))
    near, far = (errors._noise(problem, 1e-4, METHODS[name])["x"] for name in ("central", "five-point"))
    assert far / near == pytest.approx(4, rel=1e-3)


def test_the_noise_of_gradients_along_a_path_is_each_one_s_own_unless_it_is_nothing_but_noise():
    rng = np.random.RandomState(0)
    path = list(np.linspace(0, 1, 9)[:, None] + 1e-9 * rng.standard_normal((9, 400)))
    large, nothing = _noise(path, np.ones(400)), _noise(path, np.zeros(400))
    # Of nine points each estimate scatters by a half, and their root mean square over 400 by a fortieth.
    assert np.sqrt(np.mean(large**2)) == pytest.approx(1e-9, rel=0.1)
    assert np.min(large) < 0.4e-9
    # Where small ones may be so by chance, and the gradient offers nothing to hide it, all get the usual size.
    assert np.all(nothing == np.sqrt(np.mean(large**2)))
    # Four times that is still nothing.
    border = 4 * nothing[0] * np.repeat([0.99, 1.01], 200)
    assert np.array_equal(_noise(path, border), np.where(np.arange(400) < 200, nothing, large))
    assert not _noise([*path[:-1], None], np.ones(400)).any()


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


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_second_step_is_on_the_side_of_the_best(method):
    best = 1e-20 if method.is_complex else 2.0 ** (-52 / (method.order + 1))
    for eps in best * np.array([1e-6, 0.5, 2.0, 1e6]):
        other = second_step(float(eps), method)
        assert other == 2 * eps if eps < best else best <= other <= eps / 2


def test_the_error_of_a_complex_step_is_the_sum_of_what_it_cannot_see():
    value, nearby, again = np.array([3.0, -4.0]), np.array([3.0, -4.0]), np.array([3.3, -4.4])
    eps = 1e-310
    estimate = _complex_estimate((value, nearby, again), value, 7.0, (eps, 2e-20, 3e-20), COMPLEX_STEP)
    # A last bit of each, what underflows, and twice the root mean square of what two tiny steps differ by.
    expected = 2.0**-52 * np.abs(value) + 5e-324 / eps + 2 * np.sqrt((0.3**2 + 0.4**2) / 2)
    np.testing.assert_allclose(estimate.roundoff, expected, rtol=1e-12)
    assert estimate.noise == 7.0


def test_the_tiny_steps_are_no_power_of_two_apart(monkeypatch):
    taken = []
    monkeypatch.setattr(errors, "loss_gradients", lambda *arguments: taken.append(arguments[4]) or {"x": np.ones(1)})
    estimated_gradients(as_problem(Tanh(), MSELoss(), np.ones(1), np.zeros(1)), 1e-4, COMPLEX_STEP)
    assert taken == pytest.approx([1e-4, 2e-20, 3e-20], rel=1e-15)


@pytest.mark.parametrize(("method", "parts"), [("central", 2), ("complex-step", 3)])
def test_the_progress_of_all_steps_together_runs_from_nothing_to_all(method, parts):
    told = []
    problem = as_problem(Tanh(), MSELoss(), np.ones(3), np.zeros(3))
    estimated_gradients(problem, 1e-4, METHODS[method], told.append)
    assert told == sorted(told)
    # Each part, so small that it is reported once, ends where the next one begins.
    assert told == pytest.approx([number / parts for number in range(1, parts + 1)], rel=1e-15)


def test_the_values_that_are_subtracted_are_rounded_as_they_are_at_the_farthest_point():
    # At x = 0 the loss is 0, and away from there it grows as the square; the five-point method goes twice as far.
    problem = as_problem(Identity(), MSELoss(), np.zeros(3), np.zeros(3))
    central, five_point = (errors._noise(problem, 1e-4, METHODS[name])["x"] for name in ("central", "five-point"))
    assert five_point == pytest.approx(4 * central, rel=1e-6)
    assert 2.0**-53 * 1e-8 < central < 20 * 2.0**-52 * 1e-8


def test_the_step_that_is_taken():
    x = np.array([1.0, 1e9, 1e17])
    taken = taken_step(x, 1e-4, METHODS["central"])
    assert taken[0] == pytest.approx(1e-4, rel=1e-11)
    assert taken[1] == pytest.approx(1e-4, rel=1e-2)  # a multiple of 1.2e-7, the spacing there
    assert taken[2] == 0


def test_the_coarsest_arithmetic_counts():
    assert machine_epsilon(np.zeros(2), np.zeros(2, np.float32)) == np.finfo(np.float32).eps
    assert machine_epsilon(np.zeros(2)) == np.finfo(np.float64).eps
    assert machine_epsilon(np.zeros(2, int)) == np.finfo(np.float64).eps
