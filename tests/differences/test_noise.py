"""The estimate of the rounding error of a loss against the same loss in more digits."""

import numpy as np
import pytest

from mlp import BCEWithLogitsLoss, CrossEntropyLoss, Identity, MSELoss, Sequential, Tanh, dense_layers
from mlp.check.projection import Projection
from mlp.differences import noise
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


@pytest.mark.parametrize(("seen", "coarse"), [(0.04, True), (0.06, False), (0.15, False)])
def test_a_path_that_is_straight_to_the_last_bit_may_hide_steps_of_a_larger_number(monkeypatch, seen, coarse):
    """Half a last bit of c shows as 0.06 u c at least: less is none, and the loss may move in coarser steps."""
    problem = as_problem(Identity(), MSELoss(), np.array([1000.5]), np.array([1000.0]))
    unit, size, largest = 2.0**-52, 0.25, 1e6
    monkeypatch.setattr(noise, "_shaken_losses", lambda *_: np.full(6, size))
    monkeypatch.setattr(noise, "_jitter", lambda *_: np.array([1.0, seen, 1.0, 1.0]) * unit * size)
    expected = unit * largest if coarse else unit * size / 0.67  # else what the median path shows
    assert loss_noise(problem) == pytest.approx(expected, rel=1e-12)


def test_the_largest_of_three_ways_to_see_noise_counts(monkeypatch):
    problem = as_problem(Identity(), MSELoss(), np.array([1.0, 2.0]), np.array([0.5, 1.0]))
    unit, size = 2.0**-52, 0.625
    shaken = size + np.array([1, -1, 2, -2, 1, -1]) * 1e-3
    for jitter, moves, expected in (
        (0.5, shaken, np.sqrt(unit) * 1e-3 * np.sqrt(2)),
        (5e9, np.full(6, size), 5e9 / 0.67 * unit * size),
        (0.5, np.full(6, size), unit * size),
    ):
        monkeypatch.setattr(noise, "_shaken_losses", lambda *_, moves=moves: moves)
        monkeypatch.setattr(noise, "_jitter", lambda *_, jitter=jitter: np.full(4, jitter) * unit * size)
        assert loss_noise(problem) == pytest.approx(expected, rel=1e-9)


def test_a_path_of_our_own_layers_is_shorter_than_the_function_is_wide():
    class Theirs(Tanh):
        pass

    x = np.ones(2)
    ours, theirs = (as_problem(layer, MSELoss(), x, x) for layer in (Tanh(), Theirs()))
    assert (noise.path_step(ours), noise.path_step(theirs)) == (2.0**-34, 2.0**-20)
    single = as_problem(Tanh(), MSELoss(), x.astype(np.float32), x)
    assert noise.path_step(single) == 2.0**-20, "eight last bits of float32"


def test_fourth_differences_are_nothing_for_what_is_smooth_and_exactly_so_for_what_is_constant():
    steps = np.arange(9.0)
    np.testing.assert_allclose(noise.fourth_differences(steps**3 - 2 * steps), np.zeros(5), atol=1e-12)
    np.testing.assert_allclose(noise.fourth_differences(steps**4), np.full(5, 24.0))
    assert not noise.fourth_differences(np.full(9, 0.1)).any()
    assert noise.fourth_differences(np.zeros((9, 2, 3))).shape == (5, 2, 3)


def test_what_is_shaken_and_moved_is_off_by_the_amount():
    rng, layer = np.random.RandomState(0), Sequential(**dense_layers((30, 200, 100), rng=np.random.RandomState(1)))
    x = np.ones(30)
    moved = noise.moved(layer, 1e-6, rng)
    for name, parameter in layer.parameters().items():
        off = moved.parameters()[name] / parameter - 1
        assert np.sqrt(np.mean(off**2)) == pytest.approx(1e-6, rel=0.2)
    act = Tanh()
    y = act.apply(x[:1] * np.linspace(-1, 1, 4000))
    off = noise.shaken(act, np.linspace(-1, 1, 4000), 1e-6, rng) - y
    assert np.sqrt(np.mean(off**2)) == pytest.approx(1e-6 * np.abs(y).max(), rel=0.05)


def test_an_estimate_takes_six_draws_and_four_paths_of_five_points():
    """So few that they cost nothing beside the check, and so many that their root mean square is known by a third."""

    class Counted(MSELoss):
        calls = 0

        def apply(self, y, target):
            Counted.calls += 1
            return super().apply(y, target)

    loss_noise(as_problem(Tanh(), Counted(), np.array([0.3, 0.7]), np.array([0.5, 0.1])))
    assert Counted.calls in (1 + 6 + 4 * 5, 1 + 6 + 4 * 5 + 1)  # once more where a path is straight
