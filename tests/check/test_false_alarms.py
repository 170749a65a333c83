"""Right code in hard places: losses of many terms, cancellation, functions narrower than the step, tiny losses.

Each of these was once called wrong, or excused by a kink where there is none.
"""

import numpy as np
import pytest

from mlp import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    Identity,
    Linear,
    MSELoss,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
    Verdict,
    check_gradients,
    check_layer,
    dense_layers,
    glorot,
)
from mlp.nn.layers import Layer


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("sizes", "batch", "loss"),
    [
        ((32, 8, 32), 64, MSELoss),
        ((6, 16, 10), 512, MSELoss),
        ((20, 5, 20), 256, HuberLoss),
        ((20, 5, 20), 256, BCEWithLogitsLoss),
        ((64, 32, 10), 128, CrossEntropyLoss),
    ],
)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (1, 2))])
def test_a_loss_of_many_terms_is_added_up_in_pairs(sizes, batch, loss, seed):
    rng = np.random.RandomState(seed)
    network = Sequential(**dense_layers(sizes, Tanh, rng, glorot))
    x, target = rng.standard_normal((batch, sizes[0])), loss.random_target(rng, (batch, sizes[-1]))
    assert check_gradients(network, loss(), x, target).passed


@pytest.mark.parametrize("loss", [MSELoss, HuberLoss, BCEWithLogitsLoss, CrossEntropyLoss])
@pytest.mark.parametrize("terms", [1, 15, 16, 17, 33, 1000])
def test_the_losses_of_a_stack_are_rounded_as_single_ones_are(loss, terms):
    rng = np.random.RandomState(terms)
    ys, target = rng.standard_normal((terms, 3, 40)), loss.random_target(rng, (terms, 3))
    alone = np.array([loss().apply(ys[..., k], target) for k in range(40)])
    # Both add up in pairs, some 11 + 4 roundings deep, each of u / 2 of a sum of positive terms; each term has a few.
    np.testing.assert_allclose(loss().values(ys, target), alone, rtol=20 * 2.0**-53, atol=0)


class BatchNorm(Layer):
    """Takes off each feature's mean over the batch and divides by its deviation."""

    def apply(self, x):
        return (x - x.mean(axis=0)) / np.sqrt(((x - x.mean(axis=0)) ** 2).mean(axis=0) + 1e-5)

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        centred = self.x - self.x.mean(axis=0)
        deviation = np.sqrt((centred**2).mean(axis=0) + 1e-5)
        y = centred / deviation
        return (dy - dy.mean(axis=0) - y * (dy * y).mean(axis=0)) / deviation


@pytest.mark.one_in(4)
@pytest.mark.parametrize("classes", [3, 100, 1000])
@pytest.mark.parametrize("ahead", [0.0, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("seed", range(10))
def test_the_complex_derivative_of_cross_entropy_is_as_exact_as_backward_for_every_logit(classes, ahead, seed):
    # Each derivative is p - t. Sums of up to 1000 terms in pairs are off by 10 u of p and of t at most, and backward by
    # as much again. Where the first class is all but sure, p - 1 is -(1 - p), of which u is no small part.
    rng = np.random.RandomState(seed)
    y = 1e-12 * rng.standard_normal(classes)
    y[0] += ahead
    target = rng.dirichlet(np.ones(classes)) if ahead < 5 else np.eye(classes)[0]
    moved = y[:, None] + 1e-20j * np.eye(classes)
    derivative = CrossEntropyLoss().values(moved, target).imag / 1e-20
    gradient = CrossEntropyLoss.gradient(y, target)
    p = gradient + target
    size = np.minimum(p, 1 - p) if ahead >= 5 else p + target
    np.testing.assert_array_less(np.abs(derivative - gradient), 20 * np.finfo(float).eps * np.abs(size))


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("method", "eps"), [("central", 1e-4), ("complex-step", 1e-20), ("complex-step", 1e-8)])
@pytest.mark.parametrize("seed", range(8))
def test_a_bias_before_a_batch_normalisation_is_consistent_with_its_zero(seed, method, eps):
    rng = np.random.RandomState(seed)
    network = Sequential(fc1=Linear(4, 5, rng), norm=BatchNorm(), act=Tanh(), fc2=Linear(5, 3, rng))
    x, target = rng.standard_normal((8, 4)), rng.standard_normal((8, 3))
    report = check_gradients(network, MSELoss(), x, target, eps, method)
    assert report.passed
    # Truly zero: what backward says is the rounding of a sum of eight terms of about 0.1.
    assert 0 < np.abs(report["fc1.b"].analytical).max() < 1e-15


def test_a_bias_before_a_batch_normalisation_that_is_not_zero_is_wrong():
    class WithoutTheMean(BatchNorm):
        def backward(self, dy):
            return super().backward(dy) + 1e-6

    rng = np.random.RandomState(0)
    network = Sequential(fc1=Linear(4, 5, rng), norm=WithoutTheMean(), act=Tanh(), fc2=Linear(5, 3, rng))
    x, target = rng.standard_normal((8, 4)), rng.standard_normal((8, 3))
    for method, eps in (("central", 1e-4), ("complex-step", 1e-20)):
        assert check_gradients(network, MSELoss(), x, target, eps, method)["fc1.b"].verdict is Verdict.WRONG


class HalfTanh(Tanh):
    def backward(self, dy):
        return super().backward(dy) / 2


def narrow(activation):
    """A step of 1e-4 on W moves the tanh's input by 30, from one end of it to the other."""
    linear = Linear(1, 1)
    linear.W, linear.b = np.array([[3e-7]]), np.array([0.0])
    return Sequential(fc=linear, act=activation()), MSELoss(), np.array([3e5]), np.array([0.3])


@pytest.mark.parametrize("method", ["forward", "backward", "central", "five-point", "richardson"])
@pytest.mark.parametrize("activation", [Tanh, HalfTanh])
@pytest.mark.parametrize("eps", [1e-4, 0.3])
def test_a_function_narrower_than_the_step_is_no_kink_and_decides_nothing(activation, method, eps):
    check = check_gradients(*narrow(activation), eps, method)["fc.W"]
    assert check.kinks == ()
    assert check.verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(("method", "weight"), [("five-point", 0.997e-4), ("richardson", 0.245e-4)])
def test_a_flat_function_whose_edge_both_steps_reach_decides_nothing(method, weight):
    """A tanh of 1e7 times the weight: flat at the point, and far within the step as flat on another level.

    The two steps then show the same slope by chance, while backward rightly says 0.
    """
    network, loss, *_ = narrow(Tanh)
    network.fc.W[:] = weight
    check = check_gradients(network, loss, np.array([1e7]), np.array([0.3]), 1e-4, method)["fc.W"]
    assert check.kinks == ()
    assert check.verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize("method", ["central", "five-point", "richardson"])
def test_a_softmax_that_bends_within_the_step_has_no_corner(method):
    """Logits of 0 and 3000, the first of which moves by 1e4: the step's left half is flat, and its slope 1e7 here."""
    linear = Linear(2, 2)
    linear.W, linear.b = np.array([[0.0, 0.0], [3e-4, 0.0]]), np.zeros(2)
    report = check_gradients(
        Sequential(fc=linear), CrossEntropyLoss(), np.array([1e7, 1.0]), np.array([1.0, 0.0]), 1e-3, method
    )
    assert report["fc.W"].kinks == ()
    assert report["fc.W"].verdict is Verdict.CANNOT_TELL


def test_the_step_that_the_advice_names_decides():
    advice = check_gradients(*narrow(Tanh))["fc.W"].advice
    eps = float(advice.partition("step: ")[2].partition(" would")[0])
    assert eps < 1e-6
    assert check_gradients(*narrow(Tanh), eps)["fc.W"].verdict is Verdict.CONSISTENT
    assert check_gradients(*narrow(HalfTanh), eps)["fc.W"].verdict is Verdict.WRONG


@pytest.mark.one_in(3)
@pytest.mark.parametrize("size", [1e-9, 1e-12])
@pytest.mark.parametrize("activation", [Tanh, ReLU, Identity, SiLU])
@pytest.mark.parametrize("seed", range(5))
def test_a_loss_far_smaller_than_a_step_away_is_rounded_as_it_is_there(size, activation, seed):
    rng = np.random.RandomState(seed)
    network = Sequential(**dense_layers((4, 5, 3), activation, rng))
    network.fc1.b[:] = network.fc2.b[:] = 0
    report = check_gradients(network, MSELoss(), size * rng.standard_normal((3, 4)), np.zeros((3, 3)))
    assert report.verdict is not Verdict.WRONG
    assert report.diagnosis == ()
    # The bars stay narrow: where a bias moves, the loss is 1e-8 and rounded to 1e-24, a step of 1e-4 away.
    assert report["fc2.b"].verdict is Verdict.CONSISTENT


@pytest.mark.parametrize("loss", [MSELoss, HuberLoss, BCEWithLogitsLoss, CrossEntropyLoss])
@pytest.mark.parametrize("seed", range(5))
def test_without_a_wrong_gradient_there_is_no_diagnosis(loss, seed):
    rng = np.random.RandomState(seed)
    network = Sequential(**dense_layers((4, 5, 3), Tanh, rng))
    for parameter in network.parameters().values():
        parameter[...] *= 1e-12
    x, target = rng.standard_normal((3, 4)), loss.random_target(rng, (3, 3))
    report = check_gradients(network, loss(), x, target)
    assert report.verdict is not Verdict.WRONG
    assert report.diagnosis == ()


@pytest.mark.parametrize("before", [Tanh, Sigmoid, SiLU])
def test_a_dead_relu_behind_a_smooth_activation_is_known_to_be_dead(before):
    rng = np.random.RandomState(1)
    first, second, last = Linear(3, 4, rng), Linear(4, 2, rng), Linear(2, 2, rng)
    second.b[:] = -100
    network = Sequential(fc1=first, act1=before(), fc2=second, act2=ReLU(), fc3=last, act3=Sigmoid())
    report = check_gradients(network, MSELoss(), rng.standard_normal((4, 3)), rng.standard_normal((4, 2)))
    assert report.passed
    assert not report["fc1.W"].analytical.any()


def test_an_influence_of_1e_30_is_none_of_the_inactive():
    network = Sequential(fc1=Linear(1, 1), act=Tanh(), fc2=Linear(1, 1))
    for layer, value in ((network.fc1, 1.0), (network.fc2, 1e-30)):
        layer.W, layer.b = np.array([[value]]), np.array([0.5])

    class Forgotten(Tanh):
        def backward(self, dy):
            return 0 * super().backward(dy)

    network.act = Forgotten()
    check = check_gradients(network, MSELoss(), np.array([0.3]), np.array([0.1]))["fc1.W"]
    assert not check.inactive.any()
    assert check.verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize("batch", [215, 1921])  # as bad as any of their size
def test_a_bias_that_adds_up_many_terms_that_are_all_rounded_alike(batch):
    # Every term of db is 1 / n, clipped: added one after another, n of them are off by up to 0.12 n u of their sum.
    network = Sequential(fc=Linear(1, 3, np.random.RandomState(0)))
    x, target = np.zeros((batch, 1)), np.full((batch, 3), -5.0)
    report = check_gradients(network, HuberLoss(), x, target, 1e-20, "complex-step")
    assert report["fc.b"].verdict is Verdict.CONSISTENT
    truth = batch / (3 * batch)
    assert 0.11 * batch * 2.0**-52 * truth < np.abs(report["fc.b"].analytical - truth).max()


def test_a_slope_that_is_one_minus_almost_one_is_rounded_as_one_is():
    class Textbook(Tanh):
        def forward(self, x):
            self.y = np.tanh(x)
            return self.y

        def backward(self, dy):
            return dy * (1 - self.y**2)

    x = np.linspace(4, 18, 57)
    check = check_layer(Textbook(), x, np.ones(57), 1e-20, "complex-step")["x"]
    # Slopes of 1e-3 to 1e-15, off by u / 2 or so: up to a tenth of themselves.
    assert np.max(np.abs(check.difference)) > 2.0**-54
    assert np.max(np.abs(check.difference) / check.numerical) > 0.01
    assert check.verdict is not Verdict.WRONG


@pytest.mark.parametrize("ahead", [20.0, 36.0, 38.0, 40.0, 50.0])
def test_a_gradient_that_is_almost_one_minus_one_is_rounded_as_one_is(ahead):
    class Textbook(CrossEntropyLoss):
        @staticmethod
        def gradient(y, target):
            exp = np.exp(y - y.max())
            return exp / exp.sum() - target

    rng = np.random.RandomState(0)
    network = Sequential(fc=Linear(3, 40, rng))
    network.fc.b[0] += ahead  # a sure classifier
    x, target = rng.standard_normal(3), np.eye(40)[0]
    report = check_gradients(network, Textbook(), x, target, 1e-20, "complex-step")
    assert report.verdict is not Verdict.WRONG
    exact = check_gradients(network, CrossEntropyLoss(), x, target, 1e-20, "complex-step")["fc.b"].analytical[0]
    # Off by the rounding of 1, of which a right one is a small part; at a lead of 40 nothing else is left of it.
    assert 0 < abs(report["fc.b"].analytical[0] - exact) < 2.0**-51
    assert abs(exact) < 1e-6


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_digits_that_half_precision_throws_away_are_no_error_of_arithmetic(kind):
    class Short(Linear):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad_W = self.grad_W.astype(kind)
            return dx

    rng = np.random.RandomState(0)
    check = check_layer(Short(4, 3, rng), rng.standard_normal((5, 4)))["W"]
    # float32 is told, and allowed for.
    assert (check.verdict is Verdict.WRONG) == (kind is np.float16)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_product_in_float32_is_an_error_where_everything_else_is_float64(kind):
    class Centred(Layer):
        parameter_names = ("g",)

        def __init__(self):
            self.g = np.random.RandomState(1).uniform(0.5, 2, 3)

        def forward(self, x):
            self.x = x - x.mean(axis=0)
            return self.g * self.x

        def backward(self, dy):
            self.grad_g = (dy * self.x).sum(axis=0)
            return self.g * dy - (self.g * dy).astype(kind).mean(axis=0)

    report = check_layer(Centred(), np.random.RandomState(0).standard_normal((6, 3)))
    assert (report.verdict is Verdict.WRONG) == (kind is np.float32)
