"""A pass means a pass: what moves the output and was not compared is named, and is no pass until it is declared."""

import numpy as np
import pytest

from mlp.testing import assert_gradients
from mlp.user_code.api import check_layer, examine_object
from mlp.user_code.run import object_arrays

X = np.random.RandomState(0).standard_normal((5, 4))


class Scaled:
    """y = x * s, whose backward gives dx alone."""

    def __init__(self):
        self.s = np.linspace(1, 2, 4)

    def forward(self, x):
        return x * self.s

    def backward(self, dy):
        return dy * self.s


class Nested(Scaled):
    def __init__(self):
        self.held = {"inner": [np.linspace(1, 2, 4)]}

    @property
    def s(self):
        return self.held["inner"][0]


def test_a_number_in_a_tuple_is_moved_in_a_tuple_made_anew():
    thing = Scaled()
    thing.s = (0.5, 2.0, 3.0)
    object_arrays.put(thing, ("s", 1), np.asarray(2.5))
    assert thing.s == (0.5, 2.5, 3.0)


@pytest.mark.parametrize(("cls", "name"), [(Scaled, "s"), (Nested, "held.inner.0")])
def test_an_array_that_moves_the_output_and_was_not_compared_is_no_pass(cls, name):
    result = examine_object(cls, X)
    assert result.status == "partly checked"
    assert [name in gap.text for gap in result.gaps] == [True]
    with pytest.raises(AssertionError, match=rf"not everything was checked\n  {name} moves the output"):
        assert_gradients(cls, X)
    report = check_layer(cls, X)
    assert not report.passed
    assert name in report.summary


@pytest.mark.parametrize(("cls", "name"), [(Scaled, "s"), (Nested, "held.inner.0")])
def test_a_constant_is_declared_and_then_it_passes(cls, name):
    assert examine_object(cls, X, constants=[name]).passed
    assert check_layer(cls, X, constants=[name]).passed


def test_an_array_without_influence_is_none_of_it():
    class Unused(Scaled):
        def __init__(self):
            super().__init__()
            self.velocity = np.ones((3, 3))

    assert examine_object(Unused, X, constants=["s"]).passed


def test_an_array_among_the_settings_of_forward_is_named_too():
    class Masked:
        def forward(self, x, options=None):
            self.mask = options["mask"]
            return x * self.mask

        def backward(self, dy):
            return dy * self.mask

    said = {"options": {"mask": np.linspace(1, 2, 4)}}
    result = examine_object(Masked, X, forward_args=said)
    assert result.status == "partly checked"
    assert "options.mask moves the output" in result.gaps[0].text
    assert examine_object(Masked, X, forward_args=said, constants=["options.mask"]).passed


def test_a_weight_that_is_one_number_is_named_and_a_setting_that_is_one_is_not():
    class Neuron:
        def __init__(self):
            self.weight, self.rate = 0.7, 1.3

        def forward(self, x):
            self.y = np.tanh(self.weight * x)
            return self.y * self.rate

        def backward(self, dy):
            return dy * self.rate * (1 - self.y**2) * self.weight

    result = examine_object(Neuron, X)
    assert result.status == "partly checked"
    assert [gap.text.partition(" moves")[0] for gap in result.gaps] == ["weight"]


def test_steps_of_a_number_that_backward_makes_an_array_of_are_divided_by_a_rate_without_a_name():
    class Shifted:
        def __init__(self):
            self.beta = 0.0

        def forward(self, x):
            return x + self.beta

        def backward(self, dy):
            size = 0.1
            self.beta = self.beta - size * dy.sum(axis=0)
            return dy

    result = examine_object(Shifted, X)
    assert result.status == "partly checked"
    assert result.gaps[0].text.startswith("backward makes steps of 0.1 times the gradient")


class Words:
    """A loss of ids that is a mean over the samples, and steps that are those of their sum."""

    scale = 1

    def __init__(self, words=4, size=3):
        rng = np.random.RandomState(0)
        self.W_in, self.W_out = rng.standard_normal((words, size)), rng.standard_normal((size, words))

    def forward(self, centers, contexts):
        h = self.W_in[centers]
        e = np.exp(h @ self.W_out)
        probs = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(probs[np.arange(len(centers)), contexts]).mean()
        return loss, (h, probs, centers, contexts)

    def backward(self, cache, lr):
        h, probs, centers, contexts = cache
        d = probs.copy()
        d[np.arange(len(d)), contexts] -= 1.0
        dW_in = np.zeros_like(self.W_in)
        np.add.at(dW_in, centers, d @ self.W_out.T)
        self.W_in -= self.scale * lr * dW_in
        self.W_out -= self.scale * lr * h.T @ d


class TwiceWords(Words):
    scale = 2


class FirstAbove:
    """A leaky ReLU whose backward goes by whether the first entry is positive, as the type of np.vectorize does."""

    is_above = True

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.01 * x)

    def backward(self, dy):
        leak = 0.0 if (self.x.flat[0] > 0) == self.is_above else 0.01
        return dy * np.where(self.x > 0, 1.0, leak)


class FirstBelow(FirstAbove):
    is_above = False


class Bounded:
    """A hard tanh that is flat beyond 3, where its slope is still 1."""

    is_right = False

    def forward(self, x):
        self.x = x
        return np.clip(x, -3, 3)

    def backward(self, dy):
        return dy * (np.abs(self.x) < 3) if self.is_right else dy


class RightlyBounded(Bounded):
    is_right = True


@pytest.mark.parametrize(
    ("cls", "status"),
    [(FirstAbove, "wrong"), (FirstBelow, "wrong"), (Bounded, "wrong"), (RightlyBounded, "passed")],
)
def test_a_pass_holds_for_the_input_of_the_other_sign_and_for_larger_ones_too(cls, status):
    assert examine_object(cls).status == status


class Averaged:
    """The means of 2 x 2 entries of images, (n, channels, height, width)."""

    is_right = True

    def forward(self, x):
        self.shape = x.shape
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))

    def backward(self, dy):
        n, c, h, w = self.shape
        dy = dy.reshape(n, c, h // 2, w // 2) if self.is_right else dy.reshape(n, c, w // 2, h // 2)
        dx = np.repeat(np.repeat(dy, 2, axis=2), 2, axis=3) / 4
        return dx.reshape(self.shape)


class Exchanged(Averaged):
    is_right = False


@pytest.mark.parametrize(("cls", "status"), [(Averaged, "passed"), (Exchanged, "wrong")])
def test_a_pass_holds_for_images_that_are_not_square(cls, status):
    result = examine_object(cls)
    assert result.status == status
    told = "it is right for one input, and wrong for images of shape (2, 4, 6, 12), wider than high"
    assert any(told in fact.text for fact in result.facts) is (status == "wrong")


class SinglePool:
    """The largest of each 2 x 2 entries of images, in single precision; some are nearer than its long steps."""

    times = 1

    def forward(self, x):
        h, w = (size - 1 for size in x.shape[2:])
        self.shape = x.shape
        self.places = [np.s_[:, :, i : i + h, j : j + w] for i in (0, 1) for j in (0, 1)]
        y = np.max([x[place] for place in self.places], axis=0)
        self.masks = [x[place] == y for place in self.places]
        return y.astype(np.float32)

    def backward(self, dy):
        dx = np.zeros(self.shape)
        for place, mask in zip(self.places, self.masks, strict=True):
            dx[place] += self.times * mask * dy
        return dx


class WrongSinglePool(SinglePool):
    times = 1.5


@pytest.mark.usefixtures("verdict_alone")
@pytest.mark.parametrize(("cls", "status"), [(SinglePool, "passed"), (WrongSinglePool, "wrong")])
def test_maxima_of_nearly_the_same_numbers_in_single_precision_are_no_mistake(cls, status):
    assert examine_object(cls).status == status


class Centred:
    """Rows of any array, its last axis in front of all others, less their mean; dx is right for two axes alone."""

    is_right = False

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        return x - rows.mean(axis=0)

    def backward(self, dy):
        return dy - dy.reshape(-1, dy.shape[-1]).sum(axis=0) / (dy.size // dy.shape[-1] if self.is_right else len(dy))


class CentredWell(Centred):
    is_right = True


class Told:
    """Twice the rows, or three times a sequence, whose gradient backward gives in no shape of it."""

    def forward(self, x):
        rank = x.ndim
        self.x = x
        return 3 * x if rank == 3 else 2 * x

    def backward(self, dy):
        return 3 * dy.sum(axis=0) if self.x.ndim == 3 else 2 * dy


class Forgetful:
    """The gradient of s is kept for rows alone."""

    def __init__(self):
        self.s = np.linspace(1, 2, 4)

    def forward(self, x):
        self.x = x
        return x * self.s

    def backward(self, dy):
        if self.x.ndim < 3:
            self.ds = (self.x * dy).sum(axis=0)
        return dy * self.s


class OneSample:
    """A single sample is made a batch of one."""

    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x if x.ndim > 1 else x[None, :]
        return self.x @ self.W

    def backward(self, dy):
        self.dW = self.x.T @ dy
        return dy @ self.W.T


class Slope:
    """A derivative by itself, whose forward makes a single sample a batch of one."""

    def forward(self, x):
        return np.tanh(x if x.ndim > 1 else x[None, :])

    def grad(self, x):
        return 1 - np.tanh(x) ** 2


@pytest.mark.parametrize(
    ("cls", "status"),
    [
        (Slope, "passed"),
        (Centred, "wrong"),
        (CentredWell, "passed"),
        (Told, "partly checked"),
        (Forgetful, "partly checked"),
        (OneSample, "passed"),
    ],
)
def test_a_pass_holds_for_inputs_of_the_other_ranks_that_code_is_made_for(cls, status):
    result = examine_object(cls)
    assert result.status == status, [str(fact) for fact in result.facts]
    assert [" 3 axes" in gap.text for gap in result.gaps] == [True] * (status == "partly checked")


def test_whether_steps_are_meant_to_be_those_of_a_sum_only_their_author_can_tell():
    result = examine_object(Words)
    assert result.status == "partly checked"
    assert ["as if the loss were no mean but a sum over the" in gap.text for gap in result.gaps] == [True]
    assert examine_object(TwiceWords).status == "wrong"


def test_a_number_that_is_a_setting_or_a_gradient_before_the_first_backward_is_none_of_it():
    class Bent:
        def __init__(self):
            self.beta, self.grad, self.loss = 1.5, 0.0, 0.0

        def forward(self, x):
            self.y = np.tanh(self.beta * x)
            return self.y

        def backward(self, dy):
            self.grad = self.beta * (1 - self.y**2)
            self.loss = dy.sum(axis=0)
            return dy * self.grad

    assert examine_object(Bent, X).passed


def test_probabilities_are_moved_within_what_code_insists_on():
    class Strict:
        def forward(self, p, target):
            assert np.all((p > 0) & (p < 1))
            self.p, self.target = p, target
            return -np.sum(target * np.log(p) + (1 - target) * np.log(1 - p))

        def backward(self):
            return (self.p - self.target) / (self.p * (1 - self.p))

    assert examine_object(Strict).passed


@pytest.mark.parametrize(("wrong", "status"), [(1, "passed"), (1.001, "wrong")])
def test_single_precision_in_backward_alone_is_told_and_is_no_mistake(wrong, status):
    class Cubed:
        def forward(self, x):
            self.x = x
            return x**3

        def backward(self, dy):
            return wrong * 3 * self.x**2 * dy.astype(np.float32)

    result = examine_object(Cubed, X)
    assert result.status == status
    words = "backward computes in less than float64, so the step was taken as "
    # Whoever repeats a difference by hand needs the step that was taken, not the 1e-4 that was asked for.
    assert result.facts[0].text.startswith(f"{words}{result.report.eps:.1g} instead of 0.0001")


WEIGHTS = {"inner": np.linspace(1, 2, 4)}


class Global:
    def forward(self, x):
        return x * WEIGHTS["inner"]

    def backward(self, dy):
        return dy * WEIGHTS["inner"]


def test_an_array_of_the_module_that_moves_the_output_is_named_and_left_as_it_was():
    result = examine_object(Global, X)
    assert result.status == "partly checked"
    assert "WEIGHTS.inner moves the output" in result.gaps[0].text
    assert examine_object(Global, X, constants=["WEIGHTS.inner"]).passed
    np.testing.assert_array_equal(WEIGHTS["inner"], np.linspace(1, 2, 4))


def test_a_loss_that_is_right_for_one_output_and_takes_several_is_partly_checked():
    class Squares:
        def forward(self, prediction, target):
            self.apart = prediction - target
            return np.mean(self.apart**2)

        def backward(self):
            return 2 * np.sum(self.apart, axis=1, keepdims=True) / len(self.apart)

    result = examine_object(Squares)
    assert result.status == "partly checked"
    assert "takes 4 as well, and gives x of shape (5, 4) a gradient of shape (5, 1)" in result.gaps[0].text


@pytest.mark.parametrize("axis", [0, 1])
def test_a_softmax_that_leaves_its_derivative_to_the_loss_is_not_judged(axis):
    class Output:
        def __init__(self):
            self.W = np.random.RandomState(1).standard_normal((4, 3))

        def forward(self, x):
            self.x = x
            e = np.exp(x @ self.W)
            return e / e.sum(axis=axis, keepdims=True)

        def backward(self, dy):  # as if it were that of x @ W
            self.dW = self.x.T @ dy
            return dy @ self.W.T

    result = examine_object(Output, X)
    assert result.status == "not checked"
    assert any("softmax" in str(fact) for fact in result.facts)
