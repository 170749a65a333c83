"""Faults in the ways by which dy becomes a gradient: what is left out, sent elsewhere, weighed or added, each named."""

import numpy as np
import pytest

from mlp import Linear, MSELoss, Sequential, Tanh, check_gradients, dense_layers
from mlp.check.check import check_layer
from mlp.check.diagnosis.paths import Paths
from mlp.nn.layers import Layer
from mlp.user_code.api import examine_object

RNG = np.random.RandomState(0)
X, SEQUENCES = RNG.standard_normal((6, 5)), RNG.standard_normal((3, 5, 3))


class Recurrent(Layer):
    """h_t = tanh(x_t W + h_(t-1) U); `slope`, `carry` and `uses` are what subclasses get wrong."""

    parameter_names = ("W", "U")

    def __init__(self):
        rng = np.random.RandomState(1)
        self.W, self.U = 0.6 * rng.standard_normal((3, 4)), 0.6 * rng.standard_normal((4, 4))

    def apply(self, x):
        h, hs = np.zeros((len(x), 4)), []
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ self.W + h @ self.U)
            hs.append(h)
        return np.stack(hs, axis=1)

    def forward(self, x):
        self.x, self.y = np.array(x), self.apply(x)
        return self.y

    def backward(self, dy):
        dx, carried = np.zeros_like(self.x), 0
        self.grad_W, self.grad_U = np.zeros_like(self.W), np.zeros_like(self.U)
        for t in reversed(range(self.x.shape[1])):
            da = (dy[:, t] * self.uses(t) + carried) * self.slope(self.y[:, t])
            self.grad_W += self.x[:, t].T @ da
            self.grad_U += (self.y[:, t - 1] if t else 0 * self.y[:, 0]).T @ da
            dx[:, t], carried = da @ self.W.T, self.carry(da @ self.U.T)
        return dx

    def slope(self, h):
        return 1 - h**2

    def carry(self, dh):
        return dh

    def uses(self, _t):
        return 1.0


class WithoutState(Recurrent):
    def carry(self, dh):
        return 0 * dh


class WithoutSlope(Recurrent):
    def slope(self, h):
        return np.ones_like(h)


class LastStepOnly(Recurrent):
    def uses(self, t):
        return 1.0 * (t == 4)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            WithoutState,
            "to `h` (`np.tanh(x[:, t] @ self.W + h @ self.U)`) (and so nothing to the earlier steps)",
        ),
        (WithoutSlope, "the derivative of `np.tanh(x[:, t] @ self.W + h @ self.U)` is missing"),
        (LastStepOnly, "@ self.U)`) only the last of the 5 times it is computed goes back"),
    ],
)
def test_what_goes_wrong_from_step_to_step_is_named(kind, words):
    assert check_layer(Recurrent(), SEQUENCES).passed
    assert any(words in finding.sentence for finding in check_layer(kind(), SEQUENCES).diagnosis)


class Window(Layer):
    """y_t = the sum over three neighbours of w x, with a backward to be written."""

    parameter_names = ("w",)

    def __init__(self):
        self.w = np.array([0.7, -1.3, 0.4])

    def apply(self, x):
        return sum(x[:, k : x.shape[1] - 2 + k] * self.w[k] for k in range(3))

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        dx, self.grad_w = np.zeros_like(self.x), np.zeros(3)
        for t in range(dy.shape[1]):
            self.put(dx, t, dy[:, t : t + 1] * self.w)
            self.grad_w += dy[:, t] @ self.x[:, t : t + 3]
        return dx

    def put(self, dx, t, part):
        dx[:, t : t + 3] += part


class Overwriting(Window):
    def put(self, dx, t, part):
        dx[:, t : t + 3] = part


class Turned(Window):
    def put(self, dx, t, part):
        dx[:, t : t + 3] += part[:, ::-1]


class Early(Window):
    def put(self, dx, t, part):
        if t < 2:
            dx[:, t : t + 3] += part


class Unmoved(Window):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_w = np.full(3, np.sum(dy * self.x[:, : dy.shape[1]]))
        return dx


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Unmoved, "that of the first time, every time, stands where `x[:, k:x.shape[1] - 2 + k]` should"),
        (Overwriting, "entries that are used several times get only the first of their gradients"),
        (Turned, "w with its elements in reverse order stands where w should"),
        (Early, "what comes from feature 2 of dy, the last, is missing"),
    ],
)
def test_what_goes_wrong_with_a_moving_window_is_named(kind, words):
    assert check_layer(Window(), X).passed
    (finding,) = check_layer(kind(), X).diagnosis
    assert words in finding.sentence


class Words(Layer):
    """Rows of E for the words of three sentences, and the numbers of x beside; `+=` counts a word once a sentence."""

    parameter_names = ("E",)
    ids = np.array([[1, 4, 1, 0], [2, 2, 0, 2], [4, 0, 3, 4]])

    def __init__(self):
        self.E = np.random.RandomState(1).standard_normal((5, 2))

    def apply(self, x):
        return self.E[self.ids] + x

    forward = apply

    def backward(self, dy):
        self.grad_E = np.zeros_like(self.E)
        for row, part in zip(self.ids, dy, strict=True):
            self.grad_E[row] += part
        return dy


def test_words_that_are_set_and_not_added_within_each_sample_are_named():
    (finding,) = check_layer(Words(), RNG.standard_normal((3, 4, 2))).diagnosis
    assert "get only the last of their gradients, for each axis-0 position" in finding.sentence


class Gated(Layer):
    """y = x + tanh(x W); the terms of dx are multiplied by `parts`."""

    parameter_names = ("W",)

    def __init__(self, parts=(1.0, 1.0), also=lambda _dy, _x, _W: 0.0):
        self.W, self.parts, self.also = np.random.RandomState(1).standard_normal((5, 5)), parts, also

    def apply(self, x):
        return x + np.tanh(x @ self.W)

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        da = dy * (1 - np.tanh(self.x @ self.W) ** 2)
        self.grad_W = self.x.T @ da
        return self.parts[0] * dy + self.parts[1] * da @ self.W.T + self.also(dy, self.x, self.W)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Gated((0.0, 1.0)), "nothing goes back from `x + np.tanh(x @ self.W)` to `x`"),
        (Gated((1.0, 0.0)), "nothing goes back from `x @ self.W` to `x`"),
        (Gated((1.0, 2.0)), "what goes back from `x @ self.W` to `x` counts 2 times"),
        (
            Gated(also=lambda dy, x, _: x * (dy * x).sum(-1, keepdims=True)),
            "a sum over the features of dy times x, times x",
        ),
        (Gated(also=lambda _dy, x, _: 0.5 * x**2), "without any dy, 0.5 times x^2 is added"),
        (Gated((-1.0, -1.0)), "has the wrong sign throughout"),
    ],
    ids=range(6),
)
def test_a_term_too_much_or_too_little_is_named(layer, words):
    assert check_layer(Gated(), X).passed
    assert words in check_layer(layer, X).diagnosis[0].sentence


class Squared(Linear):
    def backward(self, dy):
        return self.also(super().backward(dy), np.asarray(dy), self._x)


def squared(also):
    kind = type("Squared", (Squared,), {"also": staticmethod(also)})
    return kind(5, 5, np.random.RandomState(1))


W = squared(None).W


@pytest.mark.parametrize(
    ("also", "words"),
    [
        (
            lambda _, dy, __: -dy @ W.T,
            "W transposed, with rows and columns exchanged stands where W should, and all of it has",
        ),
        (lambda _, dy, __: 3 * np.abs(dy) @ W, "|dy| stands where dy should, and all of it is times 3"),
        (lambda dx, _, __: np.where(np.arange(5) == 2, 0, dx[::-1]), "and only column 2 stayed zero"),
        (lambda dx, _, x: dx * (x > 0), "the factor (x > 0) is too much"),
        (lambda dx, _, x: dx / (1 - np.tanh(x) ** 2), "the factor 1 - tanh(x)^2, the derivative of tanh is missing"),
    ],
    ids=range(5),
)
def test_two_faults_and_factors_are_named(also, words):
    assert words in check_layer(squared(also), X).diagnosis[0].sentence


class Softsign(Layer):
    """x / (1 + |x|), whose backward should be dy / (1 + |x|)^2: brackets are left out."""

    def apply(self, x):
        return x / (1 + np.abs(x))

    def forward(self, x):
        self.x = np.array(x)
        return self.apply(x)

    def backward(self, dy):
        return dy / 1 + np.abs(self.x) ** 2


def test_brackets_left_out_of_a_quotient_are_told_as_a_term_without_dy():
    (finding,) = check_layer(Softsign(), X).diagnosis
    assert "without any dy, 1 times x^2 is added, and in the rest it is dy" in finding.sentence


def test_a_gradient_that_has_nothing_of_dy_says_what_it_is():
    class Itself(Linear):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad_W = self.W.copy()
            return dx

    assert "it is 1 times W, whatever dy is" in check_layer(Itself(5, 3, np.random.RandomState(1)), X).summary


class Dropped(Layer):
    """Every other feature is dropped, and the others doubled."""

    mask = 2.0 * (np.arange(5) % 2)

    def apply(self, x):
        return x * self.mask

    forward = apply

    def backward(self, dy):
        return 2.0 * np.asarray(dy)


def test_a_mask_that_is_missing_is_named():
    sentence = check_layer(Dropped(), X).diagnosis[0].sentence
    assert "where the derivative is zero it has 2 times dy; a mask is missing" in sentence


def test_clipping_inside_is_named_with_its_limit():
    class Clipped(Gated):
        def backward(self, dy):
            return super().backward(np.clip(dy, -0.5, 0.5))

    (finding,) = check_layer(Clipped(), X).diagnosis
    assert "right where dy is small, but clipped: dy is cut off at 0.5" in finding.sentence


class Taps(Layer):
    """y[t] = the sum over j of w[j] x[t - j]; its dw takes dy at the places of x."""

    parameter_names = ("w",)

    def __init__(self):
        self.w = np.array([1.0, -0.5, 0.3])

    def forward(self, x):
        self.x, y = x, np.zeros_like(x)
        for j, weight in enumerate(self.w):
            y[:, j:] += weight * x[:, : x.shape[1] - j]
        return y

    def backward(self, dy):
        dx, n = np.zeros_like(dy), dy.shape[1]
        for j, weight in enumerate(self.w):
            dx[:, : n - j] += weight * dy[:, j:]
        self.grad_w = np.array([(dy * self.x)[:, : n - j].sum() for j in range(3)])
        return dx


def test_a_dy_that_is_taken_at_another_place_than_it_should_is_told_with_the_steps():
    (finding,) = check_layer(Taps(), X).diagnosis
    words = "dw pairs dy with what belongs to another place: dy is taken 1 place too early or 2 places too early along"
    assert f"Taps: {words} axis 1, for 2 of 3 entries. This is certain" in finding.sentence


class Weighing(Layer):
    """Column j of x times w[j]; its dw forgets x and more rows the nearer to the first column, and all in that."""

    parameter_names = ("w",)

    def __init__(self):
        self.w = np.linspace(0.5, 2.0, 5)

    def forward(self, x):
        return x * self.w

    def backward(self, dy):
        self.grad_w = np.array([dy[:j, j].sum() for j in range(5)])
        return dy * self.w


def test_over_how_many_outputs_dy_is_added_up_is_told_of_the_entries_that_have_any():
    (finding,) = check_layer(Weighing(), X).diagnosis
    assert "it is the sum over 1 to 4 outputs of dy" in finding.sentence


def container(backward, **others):
    class Wired(Sequential):
        pass

    Wired.backward = backward
    return Wired(**{**dense_layers((4, 4, 4, 4), Tanh, np.random.RandomState(0)), **others})


def skipping(name):
    def backward(self, dy):
        for key, layer in reversed(list(self.layers.items())):
            dx = layer.backward(dy)
            dy = dy if key == name else dx
        return dy

    return backward


def changing(change, *names):
    def backward(self, dy):
        for key, layer in reversed(list(self.layers.items())):
            dy = layer.backward(change(dy) if key in names else dy)
        return dy

    return backward


def without_activations(self, dy):
    for layer in reversed(self.layers.values()):
        dy = layer.backward(dy) if layer.parameters() else dy
    return dy


def in_order(self, dy):
    for layer in self.layers.values():
        dy = layer.backward(dy)
    return dy


def same_dy(self, dy):
    for layer in reversed(self.layers.values()):
        dx = layer.backward(dy)
    return dx


def one_after_another(self, dy):
    for layer in reversed(self.layers.values()):
        dy = layer.backward(dy)
    return dy


def test_a_wrong_layer_in_a_container_that_goes_through_its_layers_as_it_should_is_named_itself():
    class Turned(Linear):
        def backward(self, dy):
            return super().backward(dy) @ self.W.T @ self.W.T

    rng = np.random.RandomState(3)
    inner = container(one_after_another, fc2=Turned(4, 4, rng))
    report = check_gradients(Sequential(whole=inner), MSELoss(), *rng.standard_normal((2, 6, 4)))
    assert [finding.layer for finding in report.diagnosis] == ["whole.fc2"]


def test_a_container_that_adds_its_input_and_goes_back_as_if_it_did_not_is_named_itself():
    class Around(Sequential):
        def apply(self, x):
            return x + super().apply(x)

        def forward(self, x):
            return x + super().forward(x)

    rng = np.random.RandomState(3)
    inner = Around(**dense_layers((4, 4, 4), Tanh, rng))
    report = check_gradients(Sequential(first=Linear(4, 4, rng), around=inner), MSELoss(), *RNG.randn(2, 6, 4))
    (finding,) = report.diagnosis
    assert finding.sentence.startswith("around: dx lacks a path of the chain rule: nothing goes back from `x +")


def test_gradients_that_have_changed_places_are_told_by_their_names():
    class Swapped(Sequential):
        def gradients(self):
            found = super().gradients()
            return found | {"fc1.W": found["fc3.W"], "fc3.W": found["fc1.W"]}

    rng = np.random.RandomState(3)
    network = Swapped(**dense_layers((4, 4, 4, 4), Tanh, rng))
    (finding,) = check_gradients(network, MSELoss(), *rng.standard_normal((2, 6, 4))).diagnosis
    assert "dfc1.W is the gradient of something else: it is that of fc3.W. The same goes for dfc3.W" in finding.sentence


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("backward", "words"),
    [
        (skipping("fc2"), "activation_fn1 is given the dx of activation_fn2, and not that of fc2."),
        (skipping("activation_fn2"), "fc2 is given the dx of fc3, and not that of activation_fn2."),
        (without_activations, "fc2 is given the dx of fc3, and not that of activation_fn2, which is skipped; fc1 is"),
        (same_dy, "each layer is given the dy of the container, and not the dx of the layer after it."),
        (in_order, "visited in the order of forward"),
        (changing(lambda dx: 0.3 * dx, "fc1"), ": fc1 is given 0.3 times the dx of the layer after it."),
        (changing(np.sign, "fc2"), ": fc2 is given the sign of the dx of the layer after it."),
        (
            changing(lambda dx: np.clip(dx, -0.1, 0.1), "fc1", "activation_fn2"),
            ": activation_fn2 and fc1 are given the dx of the layer after it, cut off at 0.1.",
        ),
        (
            changing(lambda dx: dx / np.linalg.norm(dx), "fc1"),
            "fc1 is given the dx of the layer after it divided by its norm over the entries.",
        ),
        (
            changing(lambda dx: 0.3 * dx / np.linalg.norm(dx), "fc1"),
            "fc1 is given the dx of the layer after it, scaled so that its norm is 0.3.",
        ),
    ],
)
def test_a_container_says_which_way_it_goes_through_its_layers(backward, words):
    rng = np.random.RandomState(3)
    x, target = rng.standard_normal((6, 4)), rng.standard_normal((6, 4))
    assert check_gradients(container(Sequential.backward), MSELoss(), x, target).passed
    findings = check_gradients(container(backward), MSELoss(), x, target).diagnosis
    assert [words in finding.sentence for finding in findings] == [True]


def test_a_container_that_stops_before_its_first_layer_is_told_what_it_hands_back():
    def stopping(self, dy):
        return same_but(self, dy, ("fc1",))

    def same_but(self, dy, skipped):
        for name, layer in reversed(self.layers.items()):
            dy = dy if name in skipped else layer.backward(dy)
        return dy

    findings = check_gradients(container(stopping), MSELoss(), *np.random.RandomState(3).randn(2, 6, 4)).diagnosis
    (words,) = [finding.sentence for finding in findings if finding.pattern == "wiring"]
    assert "it hands back the dx of activation_fn1, and not that of fc1, which is skipped" in words


def test_layers_that_change_their_dy_in_place_are_told_by_the_container_that_still_needs_it():
    class Writing(Tanh):
        def backward(self, dy):
            dy *= 1 - self.y**2
            return dy

        def forward(self, x):
            self.y = np.tanh(x)
            return self.y

    class Around:
        def __init__(self):
            self.first, self.second = Writing(), Writing()

        def forward(self, x):
            x = x + self.first.forward(x)
            return x + self.second.forward(x)

        def backward(self, dy):
            dy = dy + self.second.backward(dy)
            return dy + self.first.backward(dy)

    (finding,) = examine_object(Around(), RNG.standard_normal((3, 4))).report.diagnosis
    assert "second and first, on the way back, changed in place the array that was given" in finding.sentence


def test_a_network_with_its_loss_inside_says_which_way_it_goes_through_its_layers():
    class Forwards:
        def __init__(self):
            rng = np.random.RandomState(3)
            self.layers = [Linear(4, 4, rng), Tanh(), Linear(4, 4, rng)]

        def forward(self, x, target):
            for layer in self.layers:
                x = layer.forward(x)
            self.error = x - target
            return np.sum(self.error**2)

        def backward(self):
            dy = 2 * self.error
            for layer in self.layers:
                dy = layer.backward(dy)
            return dy

    x, target = RNG.standard_normal((2, 3, 4))
    (finding,) = examine_object(Forwards(), x, target=target).report.diagnosis
    assert "visited in the order of forward" in finding.sentence


def test_a_wrong_layer_in_a_container_that_changes_what_it_hands_on_is_told_beside_that():
    class Turned(Linear):
        def backward(self, dy):
            return super().backward(dy) @ self.W.T @ self.W.T

    rng = np.random.RandomState(3)
    inner = container(changing(np.sign, "fc1"), fc3=Turned(4, 4, rng))
    findings = check_gradients(Sequential(whole=inner), MSELoss(), *rng.standard_normal((2, 6, 4))).diagnosis
    assert "whole.fc3" in [finding.layer for finding in findings]


def test_paths_are_told_by_what_is_left_of_their_difference():
    right = RNG.standard_normal((4, 3))
    paths = Paths(2 * right, right, np.ones(4), (3,))
    assert paths.explained_by(2 * right)
    assert not paths.explained_by(1.9 * right)
    assert paths.weight(np.ones((4, 3), dtype=bool)) == pytest.approx(2)
    np.testing.assert_allclose(paths.gradient(paths.said), 2 * right.sum(axis=0))
