"""What is done to an array is what its words say: a sentence with the wrong formula sends people to the wrong line."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES
from mlp.check.diagnosis import changes
from mlp.check.diagnosis.changes import ALONG, FORMS, INNER, MOVES, PRECISIONS, STEPS, TOGETHER, VALUES
from mlp.check.diagnosis.sentences import _LINES

V = np.array([[-1.7, 0.3, 0.9], [2.4, -0.2, 0.6]])


def s(x):
    return 1 / (1 + np.exp(-x))


# The words, and independently of the code what a reader takes them for; v is the array.
MEANT = {
    "{}": "v",
    "|{}|": "abs(v)",
    "the sign of {}": "np.where(v > 0, 1, -1)",
    "({} > 0)": "np.where(v > 0, 1, 0)",
    "({} < 0)": "np.where(v < 0, 1, 0)",
    "{}^2": "v * v",
    "1 - {}": "1 - v",
    "1 + {}": "1 + v",
    "1 - {}^2": "1 - v * v",
    "1 + {}^2": "1 + v * v",
    "(1 - {})^2": "1 - 2 * v + v * v",
    "{} (1 - {})": "v * (1 - v)",
    "1 - tanh({})^2, the derivative of tanh": "1 / np.cosh(v) ** 2",
    "s (1 - s) with s = sigmoid({}), the derivative of a sigmoid or gate": "s(v) * (1 - s(v))",
    "1 / (1 + {}^2), the derivative of arctan": "1 / (1 + v * v)",
    "tanh({})": "np.tanh(v)",
    "the gate sigmoid({})": "s(v)",
    "1 less the gate sigmoid({})": "1 - s(v)",
    "exp({}), which is s / (1 - s) for the gate s = sigmoid({})": "s(v) / (1 - s(v))",
    "the absolute value |{}|": "abs(v)",
    "-{}": "-v",
    "-|{}|": "-abs(v)",
    "{}^3": "v * v * v",
    "the square root of {}, with its sign": "np.sign(v) * abs(v) ** 0.5",
    "max({}, 0), with zeros for what is negative,": "np.where(v > 0, v, 0)",
    "min({}, 0), with zeros for what is positive,": "np.where(v < 0, v, 0)",
    "{} less one half": "v - 1 / 2",
    "{} / 2": "v / 2",
    "2 {}": "v + v",
    "{} rounded to whole numbers": "np.array([[-2, 0, 1], [2, 0, 1]])",
    "{} rounded down to whole numbers": "np.array([[-2, 0, 0], [2, -1, 0]])",
    "{} rounded up to whole numbers": "np.array([[-1, 1, 1], [3, 0, 1]])",
    "{} cut off to whole numbers, as in an array of integers,": "v.astype(int)",
    "a one for the largest entry of {}, and zeros for all others,": "np.array([[0, 0, 1], [1, 0, 0]])",
    "a one for all entries of {} that are as large as the largest, and zeros for all others,": "np.array([[0, 0, 1], "
    "[1, 0, 0]])",
    "ones in the place of {}": "0 * v + 1",
    "sigmoid({})": "s(v)",
    "softmax({})": "np.exp(v) / np.exp(v).sum(axis=1, keepdims=True)",
    **{f"{{}} rounded to {n} decimal{'s' * (n > 1)},": f"np.rint(v * 1e{n}) / 1e{n}" for n in range(1, 5)},
}


@pytest.mark.parametrize(
    ("words", "change"), [*FORMS, *INNER, *VALUES], ids=lambda one: one if type(one) is str else ""
)
def test_what_is_done_to_values_is_what_the_words_say(words, change):
    if words.removeprefix("{} rounded to ").rstrip(",") in {name for name, _, _ in (*PRECISIONS, *STEPS)}:
        return  # below
    np.testing.assert_allclose(change(V), eval(MEANT[words], {"np": np, "v": V, "s": s}), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("words", "change", "unit"), PRECISIONS, ids=[words for words, _, _ in PRECISIONS])
def test_a_coarser_arithmetic_errs_by_its_unit_and_no_more(words, change, unit):
    x = np.random.RandomState(0).uniform(1, 2, 10_000)
    error = np.abs(change(x) - x).max()
    assert unit / 4 < error <= unit / 2
    digits = {"bfloat16": 2, "float16": 3, "float32": 7}[words.partition(",")[0]]
    assert 0.5 * 10.0**-digits / 10 < error < 10.0 ** -(digits - 1)
    np.testing.assert_array_equal(change(np.array([1.0, -2.0, 0.0])), [1, -2, 0])


@pytest.mark.parametrize(("words", "change", "unit"), STEPS, ids=[words for words, _, _ in STEPS])
def test_steps_of_eight_bits(words, change, unit):
    x = np.random.RandomState(0).uniform(-3, 2, 1_000)
    count = np.unique(change(x)).size
    size = np.abs(x).max() if "127th" in words else np.ptp(x)
    assert 200 < count <= 256
    assert unit / 2.1 * size < np.abs(change(x) - x).max() <= unit * size
    steps = np.diff(np.unique(change(x)))
    np.testing.assert_allclose(steps / steps.min(), np.rint(steps / steps.min()), rtol=1e-6)
    assert steps.min() == pytest.approx(size / (127 if "127th" in words else 255), rel=1e-6)
    np.testing.assert_array_equal(change(np.zeros(3)), 0)


@pytest.mark.parametrize("digits", [1, 3, 5])
def test_significant_digits(digits):
    expected = [[float(np.format_float_positional(x, digits, fractional=False)) for x in row] for row in V * 123.456789]
    np.testing.assert_array_equal(changes.of_digits(V * 123.456789, digits), expected)


def test_of_ties_the_first_is_marked_or_all():
    ties = np.array([[2.0, 0.5, 2.0]])
    np.testing.assert_array_equal(changes.marked(ties), [[1, 0, 0]])
    np.testing.assert_array_equal(changes.largest(ties), [[1, 0, 1]])


def test_what_is_done_along_an_axis():
    (first, last), (before, after, reverse) = ALONG, MOVES
    np.testing.assert_array_equal(first[1](V, 0), [V[0], V[0]])
    np.testing.assert_array_equal(last[1](V, 0), [V[1], V[1]])
    np.testing.assert_array_equal(before[1](V, 1), V[:, [2, 0, 1]])
    np.testing.assert_array_equal(after[1](V, 1), V[:, [1, 2, 0]])
    np.testing.assert_array_equal(reverse[1](V, 1), V[:, ::-1])
    assert ("first" in first[0], "last" in last[0]) == (True, True)
    assert ("before" in before[0], "after" in after[0], "reverse" in reverse[0]) == (True, True, True)


def test_what_is_done_over_axes_together():
    sums, means, centred, normed = (change for _, change in TOGETHER)
    ones = np.ones_like(V)
    np.testing.assert_allclose(sums(V, (0,)), ones * (V[0] + V[1]))
    np.testing.assert_allclose(means(V, (0, 1)), ones * V.mean())
    np.testing.assert_allclose(centred(V, (1,)).sum(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(centred(V, (1,)) - V, ones * -V.mean(axis=1)[:, None])
    np.testing.assert_allclose(np.linalg.norm(normed(V, (1,)), axis=1), 1)
    assert [words.split()[1] for words, _ in TOGETHER] == ["sum", "mean", "less", "divided"]


def found(listed, words):
    """The one change that these words are of."""
    [change] = [change for told, change in listed if told == words]
    return change(V)


def test_each_change_is_told_with_the_name_and_what_its_axes_run_over():
    listed = list(changes.changes("dy", V.shape, ("sample", "feature")))
    np.testing.assert_array_equal(found(listed, "for all samples the dy of the last"), [V[1], V[1]])
    np.testing.assert_allclose(found(listed, "dy less its mean over the features"), V - V.mean(axis=1)[:, None])
    np.testing.assert_allclose(found(listed, "dy less its mean over the entries"), V - V.mean())
    np.testing.assert_array_equal(found(listed, "-dy"), -V)
    by = list(changes.changes("the weights by x", V.shape, ("row", "column")))
    np.testing.assert_array_equal(found(by, "2 (the weights by x)"), 2 * V)
    # Over an axis of one entry nothing is done.
    assert not [words for words, _ in changes.changes("dy", (1, 3), ("sample", "feature")) if "sample" in words]


def test_each_move_is_told_likewise():
    listed = list(changes.moves("the target", V.shape, ("sample", "feature")))
    moved = found(listed, "for each sample the target of the sample before it, one out of step,")
    np.testing.assert_array_equal(moved, V[::-1])
    turned = found(listed, "the target turned around, with samples and features in reverse order")
    np.testing.assert_array_equal(turned, V[::-1, ::-1])
    words = "the target reshaped where it should be transposed, with samples and features mixed up"
    mixed = [change(V) for told, change in listed if told == words]
    np.testing.assert_array_equal(mixed[0], V.T.reshape(2, 3))
    np.testing.assert_array_equal(mixed[1], V.reshape(3, 2).T)
    square = list(changes.moves("W", (3, 3), ("row", "column")))
    [transposed] = [change for told, change in square if told == "W transposed, with rows and columns exchanged"]
    np.testing.assert_array_equal(transposed(np.arange(9).reshape(3, 3)), np.arange(9).reshape(3, 3).T)


@pytest.mark.parametrize("name", _LINES)
def test_the_right_line_of_a_layer_or_loss_is_what_its_backward_computes(name):
    line, _, where = _LINES[name].partition(", where ")
    names = {"np": np}
    if name in ACTIVATIONS:
        x, dy = V, np.cos(V)
        layer = ACTIVATIONS[name]()
        layer.forward(x)
        names |= {"x": x, "dy": dy}
        expected = layer.backward(dy)
    else:
        y, t = V, np.array([[0.0, 1, 0], [0.5, 0.25, 0.25]])
        loss = LOSSES[name]()
        loss.forward(y, t)
        names |= {"y": y, "t": t, "n": len(y), "softmax": lambda y: np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)}
        expected = loss.backward()
    if where.startswith("s ="):
        exec(where, names)
    exec(line, names)
    np.testing.assert_allclose(names["dx" if name in ACTIVATIONS else "dy"], expected, rtol=1e-12)
