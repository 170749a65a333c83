"""Each registered loss: its gradient is the derivative of its very value, and both survive logits of +-1000."""

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.nn.losses import LOSSES, BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, MSELoss
from tests import exact
from tests.comparing import SMALLEST, U, assert_close

every_loss = pytest.mark.parametrize("name", LOSSES)
LOGITS = st.floats(-1000, 1000)
SHAPES = [(5,), (1, 5), (8, 5), (2, 3, 5)]


@every_loss
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_the_complex_step_of_the_value(name, shape):
    rng, loss, h = np.random.RandomState(2), LOSSES[name](), 2.0**-66
    y = 3 * rng.standard_normal(shape)
    for target in (loss.random_target(rng, shape), rng.random_sample(shape)):
        expected = np.zeros(shape)
        for index in np.ndindex(shape):
            shifted = y.astype(complex)
            shifted[index] += 1j * h
            expected[index] = loss.apply(shifted, target).imag / h
        loss.forward(y, target)
        # A few roundings by u of terms that are at most some ten times the largest entry.
        assert_close(loss.backward(), expected, 100 * U)


@every_loss
@pytest.mark.parametrize("shape", SHAPES)
def test_mean_over_a_batch(name, shape):
    # The means over all elements and over samples are the same thing seen from one sample: the average of the
    # samples' losses, and each sample's gradient divided by their number. The steps of a sequence are samples too.
    rng, loss = np.random.RandomState(3), LOSSES[name]()
    y, target = rng.standard_normal(shape), LOSSES[name].random_target(rng, shape)
    rows = list(zip(y.reshape(-1, shape[-1]), target.reshape(-1, shape[-1]), strict=True))
    expected, gradients = [], []
    for row, row_target in rows:
        expected.append(loss.forward(row, row_target))
        gradients.append(loss.backward() / len(rows))
    assert_close(loss.forward(y, target), np.mean(expected), 20 * U, "the loss")
    assert_close(loss.backward(), np.reshape(gradients, shape), 20 * U, "dy")


@every_loss
def test_declared_kinks_are_where_the_slope_of_the_gradient_jumps_and_nowhere_else(name):
    loss, d, h = LOSSES[name](), np.arange(-3, 3, 0.25), 2.0**-20
    before, at, after = (gradient_at(loss, d + shift) for shift in (-h, 0, h))
    jumps = np.abs((after - at) - (at - before)) > 0.5 * h / d.size  # its slope, 1 / n, begins or ends
    assert tuple(d[jumps]) == loss.kinks


def gradient_at(loss, d):
    loss.forward(d, np.zeros(d.size))
    return loss.backward()


def bce(y, t):
    return (1 - t) * exact.softplus(y) + t * exact.softplus(-y)


def huber(d):
    return d * d / 2 if abs(d) <= 1 else abs(d) - Decimal("0.5")


@given(LOGITS, st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_binary_cross_entropy_against_exact_decimals(y, t):
    loss = BCEWithLogitsLoss()
    value = loss.forward([y], [t])
    expected = exact.exactly(bce, y, t)
    # Where a large part remains it is at least |y| / 4 after cancelling, so four roundings by u/2 of |y| are 8 u of
    # it; where none remains (t = 0 or 1) the subtraction is exact, and log1p(exp(-|y|)) is good to 2 u.
    assert abs(value - expected) <= 10 * U * expected
    # The slope is a difference of two numbers between 0 and 1, the sigmoid of them good to 4 ulps.
    assert abs(loss.backward()[0] - exact.exactly(lambda y, t: exact.sigmoid(y) - t, y, t)) <= 4 * U


@given(LOGITS, LOGITS)
def test_squared_and_huber_loss_against_exact_decimals(y, t):
    mse, hub = MSELoss(), HuberLoss()
    # d = y - t is rounded once, by u/2 of itself; squaring doubles that and rounds once more.
    expected = exact.exactly(lambda y, t: (y - t) ** 2, y, t)
    assert abs(mse.forward([y], [t]) - expected) <= max(2 * U * expected, SMALLEST)
    assert abs(mse.backward()[0] - exact.exactly(lambda y, t: 2 * (y - t), y, t)) <= U * abs(2 * (y - t))
    expected = exact.exactly(lambda y, t: huber(y - t), y, t)
    assert abs(hub.forward([y], [t]) - expected) <= max(2 * U * expected, SMALLEST)
    slope = exact.exactly(lambda y, t: max(min(y - t, Decimal(1)), Decimal(-1)), y, t)
    assert abs(hub.backward()[0] - slope) <= U * abs(slope)


@given(st.lists(st.one_of(LOGITS, st.sampled_from([-1000.0, 0.0, 1000.0])), min_size=2, max_size=5), st.data())
def test_cross_entropy_against_exact_decimals(y, data):
    label = data.draw(st.integers(0, len(y) - 1))
    loss = CrossEntropyLoss()
    value = loss.forward(y, label)
    expected = exact.exactly(lambda *ys: sum(y.exp() for y in ys).ln() - ys[label], *y)
    # Subtracting the largest logit rounds by u/2 of up to 2000, the logarithm of at most five exp by some u.
    assert abs(value - expected) <= U * (expected + 10)
    for i, slope in enumerate(loss.backward()):
        softmax = exact.exactly(lambda *ys, i=i: ys[i].exp() / sum(y.exp() for y in ys), *y)
        # exp(l) of a rounded l is off by u |l| of itself, at most u / e, and the five terms of the sum by some u.
        assert abs(slope - (softmax - (i == label))) <= 10 * U


@pytest.mark.parametrize(
    ("name", "target", "value", "gradient"),
    [
        # By hand for y = (1000, 0, -1000): every exp(-1000) is below the smallest float.
        ("MSELoss", (0, 0, 0), 2e6 / 3, (2000 / 3, 0, -2000 / 3)),
        ("HuberLoss", (0, 0, 0), 2 * 999.5 / 3, (1 / 3, 0, -1 / 3)),
        ("BCEWithLogitsLoss", (1, 1, 0), np.log(2) / 3, (0, -0.5 / 3, 0)),
        ("BCEWithLogitsLoss", (0, 0, 1), (2000 + np.log(2)) / 3, (1 / 3, 0.5 / 3, -1 / 3)),
        ("CrossEntropyLoss", (1.0, 0.0, 0.0), 0, (0, 0, 0)),
        ("CrossEntropyLoss", (0.0, 1.0, 0.0), 1000, (1, -1, 0)),
        ("CrossEntropyLoss", (0.0, 0.0, 1.0), 2000, (1, 0, -1)),
        ("CrossEntropyLoss", (0.0, 0.5, 0.5), 1500, (1, -0.5, -0.5)),
    ],
)
def test_logits_of_1000(name, target, value, gradient):
    loss = LOSSES[name]()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert_close(loss.forward([1000.0, 0.0, -1000.0], target), value, 4 * U, "the loss")
        assert_close(loss.backward(), np.array(gradient, float), 4 * U, "dy")


def test_every_loss_is_tried_at_logits_of_1000():
    (marker,) = test_logits_of_1000.pytestmark
    assert {case[0] for case in marker.args[1]} == set(LOSSES), "add the new loss to test_logits_of_1000"


@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_class_indices_are_short_for_probabilities_of_0_and_1(shape):
    rng, loss = np.random.RandomState(4), CrossEntropyLoss()
    y = rng.standard_normal(shape)
    indices = rng.randint(0, 3, shape[:-1])
    probabilities = np.zeros(shape)
    for sample in np.ndindex(shape[:-1]):
        probabilities[*sample, indices[sample] if sample else int(indices)] = 1
    value, dy = loss.forward(y, indices), loss.backward()
    assert value == loss.forward(y, probabilities)
    assert np.array_equal(dy, loss.backward())


@every_loss
@pytest.mark.parametrize("shape", SHAPES)
def test_random_targets_fit_and_follow_the_stream_alone(name, shape):
    rng = np.random.RandomState(5)
    target = LOSSES[name].random_target(rng, shape)
    assert target.shape == shape
    assert target.dtype == np.float64
    assert np.isfinite(LOSSES[name]().apply(np.zeros(shape), target))
    again = np.random.RandomState(5)
    assert np.array_equal(target, LOSSES[name].random_target(again, shape))
    untouched = np.random.RandomState(5)
    untouched.randn(*shape)  # as many standard normal numbers as the target has entries, and nothing else, are drawn
    assert rng.standard_normal() == untouched.standard_normal()


def test_random_targets_of_classifications_are_fair():
    labels = BCEWithLogitsLoss.random_target(np.random.RandomState(6), (2000, 5))
    classes = CrossEntropyLoss.random_target(np.random.RandomState(6), (2000, 5))
    assert set(labels.ravel()) == set(classes.ravel()) == {0.0, 1.0}
    assert np.all(classes.sum(axis=1) == 1)
    # Counts of independent draws: within five standard deviations, n p +- 5 sqrt(n p (1 - p)).
    assert np.all(np.abs(labels.sum(axis=0) - 1000) <= 5 * np.sqrt(2000 * 0.25))
    assert np.all(np.abs(classes.sum(axis=0) - 400) <= 5 * np.sqrt(2000 * 0.16))


MISUSES = [
    ([1.0, 2.0], [1.0, 2.0, 3.0], ValueError, "target must have shape (2,), not (3,)"),
    ([[1.0, 2.0]], [1.0, 2.0], ValueError, "target must have shape (1, 2), not (2,)"),
    ([1.0, 2.0], [[1.0, 2.0]], ValueError, "target must have shape (2,), not (1, 2)"),
    (1.0, 1.0, ValueError, "y must have at least one axis and not be empty, not the shape ()"),
    ([], [], ValueError, "y must have at least one axis and not be empty, not the shape (0,)"),
    ([1.0, 2.0], "ab", TypeError, "target must hold numbers (float or integer), not <U2"),
    ([1.0, 2.0], [True, False], TypeError, "target must hold numbers (float or integer), not bool"),
    ([1.0, 2.0], [1j, 2], TypeError, "target must be real, not complex128"),
    ([None, 2], [1.0, 2.0], TypeError, "y must hold numbers (float or integer), not object"),
]


@every_loss
@pytest.mark.parametrize(("y", "target", "error", "message"), MISUSES)
def test_misuse_names_what_was_expected_and_what_came(name, y, target, error, message):
    for function in (LOSSES[name]().apply, LOSSES[name]().forward):
        with pytest.raises(error, match=f"^{re.escape(message)}"):
            function(y, target)


@pytest.mark.parametrize("target", [3, -1, np.int8(-3)])
def test_a_class_that_does_not_exist(target):
    with pytest.raises(ValueError, match=rf"^target must hold class indices from 0 to 2, not {target}$"):
        CrossEntropyLoss().apply(np.zeros(3), target)


@every_loss
def test_forward_takes_no_complex_numbers(name):
    with pytest.raises(TypeError, match=r"^y must be real, not complex128"):
        LOSSES[name]().forward([1j, 0], [0.0, 1.0])


@every_loss
def test_backward_before_forward(name):
    loss = LOSSES[name]()
    loss.apply([1.0, 2.0], [0.0, 1.0])
    with pytest.raises(RuntimeError, match=r"^call forward\(\) first"):
        loss.backward()


@every_loss
def test_backward_belongs_to_the_last_successful_forward(name):
    loss = LOSSES[name]()
    y, target = np.array([0.3, -0.2]), np.array([0.0, 1.0])
    loss.forward(y, target)
    expected = loss.backward().copy()
    y += 7  # the arrays were the caller's, who may go on using them
    target[:] = 0.5
    loss.backward()[:] = 9  # so may the owner of an earlier result
    loss.apply([5.0, 5.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="target must have shape"):
        loss.forward([5.0, 5.0], [[1.0, 0.0, 0.0]])
    assert np.array_equal(loss.backward(), expected)


@every_loss
def test_float32_stays_float32_and_the_loss_is_a_numpy_number(name):
    loss = LOSSES[name]()
    value = loss.forward(np.ones(2, np.float32), np.array([0, 1], np.float32))
    assert type(value) is np.float32
    assert loss.backward().dtype == np.float32


def test_class_indices_keep_float32():
    loss = CrossEntropyLoss()
    assert type(loss.forward(np.ones(2, np.float32), 1)) is np.float32
    assert loss.backward().dtype == np.float32


@pytest.mark.parametrize("lead", [1.0, 20.0, 36.0, 50.0, 300.0])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_sure_classifiers_cross_entropy_is_right_to_the_last_digits(lead, label):
    """Where softmax(y) is 1 but for 1e-16 or less, value and gradient are as small, and still known to their digits."""
    y = np.roll([lead, 0.25, -1.5], label)
    loss = CrossEntropyLoss()
    value = loss.forward(y, label)
    expected = exact.exactly(lambda *ys: (sum(one.exp() for one in ys) / ys[label].exp()).ln(), *y)
    # Beside roundings of the sum, exp takes its argument, off by half a unit of its last place, to a factor.
    bar = 8 * U * max(1.0, lead)
    assert abs(value - expected) <= bar * expected
    for i, slope in enumerate(loss.backward()):

        def gradient(*ys, i=i):
            return ys[i].exp() / sum(one.exp() for one in ys) - (i == label)

        right = exact.exactly(gradient, *y)
        assert abs(slope - right) <= bar * abs(right)
