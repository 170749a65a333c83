"""Every fault that is not a formula has a message of its own, which names the layer."""

import numpy as np
import pytest

from mlp import (
    CrossEntropyLoss,
    Linear,
    MSELoss,
    ReLU,
    Sequential,
    Tanh,
    Verdict,
    check_gradients,
    dense_layers,
    he,
    linear_backward,
)
from mlp.check.check import check_layer
from mlp.check.contract import _changing, _listed, contract_remarks, other_input
from mlp.check.passes import RemarkKind, run_passes
from mlp.check.projection import Projection
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem


def problem(**replacements):
    """A small right network with some of its layers replaced, a loss, an input and a target."""
    rng = np.random.RandomState(0)
    layers = dense_layers((3, 4, 4, 2), Tanh, rng, he)
    for name, kind in replacements.items():
        layers[name] = kind(4, 4, rng) if issubclass(kind, Linear) else kind()
    return Sequential(**layers), MSELoss(), rng.standard_normal((5, 3)), rng.standard_normal((5, 2))


def only(report, kind):
    """The one fault of the report, which has to be of this kind."""
    faults = [remark for remark in report.remarks if remark.is_fault]
    assert [fault.kind for fault in faults] == [kind]
    assert report.verdict is Verdict.WRONG
    return faults[0]


def test_a_right_network_has_no_remarks():
    assert check_gradients(*problem()).remarks == ()


class WrongShape(Linear):
    def backward(self, dy):
        super().backward(dy)
        return np.zeros(4)


class WrongShapeOfGradient(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_W = self.grad_W[:2]
        return dx


class ChangesDy(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        dy[...] = dx
        return dx


class ChangesX(Tanh):
    def forward(self, x):
        y = super().forward(x)
        x[...] = y
        return y


class Accumulates(Linear):
    def backward(self, dy):
        old = self.grad_W
        dx = super().backward(dy)
        if old is not None:
            self.grad_W = self.grad_W + old
        return dx


class Random(Tanh):
    def backward(self, dy):
        return super().backward(dy) * np.random.standard_normal(np.shape(dy))


class RandomForward(Tanh):
    def forward(self, x):
        return super().forward(x * (np.random.random_sample(np.shape(x)) > 0.5))


class Raises(Tanh):
    def backward(self, dy):
        return dy[[99]]


class NeverSet(Linear):
    def backward(self, dy):
        dx, self.grad_W, _ = linear_backward(dy, self._x, self.W, self.b)
        return dx


class Updates(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.W -= 0.1 * self.grad_W
        return dx


class Integers(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_W = self.grad_W.astype(int)
        return dx


ONE_FOR_EACH = "a gradient has one entry for each entry of what it belongs to."


@pytest.mark.parametrize(
    ("layer", "kind", "sentence"),
    [
        (
            WrongShape,
            RemarkKind.WRONG_SHAPE,
            f"fc2.backward gives dx the shape (4,), but x has the shape (5, 4): {ONE_FOR_EACH}",
        ),
        (
            WrongShapeOfGradient,
            RemarkKind.WRONG_SHAPE,
            f"fc2.backward gives grad_W the shape (2, 4), but W has the shape (4, 4): {ONE_FOR_EACH}",
        ),
        (
            ChangesDy,
            RemarkKind.CHANGES_INPUT,
            "activation_fn1.backward changes dy in place. Another layer may still need that array: write dx = dy * "
            "..., which makes a new one.",
        ),
        (
            ChangesX,
            RemarkKind.CHANGES_INPUT,
            "activation_fn1.forward changes its input x in place. Others still need that array: work on a copy.",
        ),
        (
            Accumulates,
            RemarkKind.ACCUMULATES,
            "fc2.backward adds to the gradient of fc2.W that is already there: each run makes it larger. Write grad = "
            "... instead of grad += ..., or set it to zero first.",
        ),
        (
            Random,
            RemarkKind.NOT_REPEATABLE,
            "activation_fn1 gives different results when run twice on the same numbers. Look for random draws (fix the "
            "mask while checking) or for something kept from an earlier forward pass.",
        ),
        (
            Raises,
            RemarkKind.RAISES,
            "activation_fn1.backward raises IndexError (index 99 is out of bounds for axis 0 with size 5) for dy of "
            "shape (5, 4).",
        ),
        (
            NeverSet,
            RemarkKind.MISSING,
            "fc2.backward leaves a parameter without a gradient: it is never set.",
        ),
        (
            Updates,
            RemarkKind.CHANGES_PARAMETERS,
            "fc2.backward changes the parameter W. A backward pass only differentiates; move the update to a step of "
            "its own, after all gradients are there.",
        ),
        (
            Integers,
            RemarkKind.INTEGER_GRADIENT,
            "fc2.backward gives grad_W as integers (int64), so everything after the decimal point is cut off. Make the "
            "array with dtype float: np.zeros(W.shape).",
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_fault_is_seen_and_said(layer, kind, sentence):
    name = "fc2" if issubclass(layer, Linear) else "activation_fn1"
    report = check_gradients(*problem(**{name: layer}))
    fault = only(report, kind)
    assert fault.layer == name
    assert fault.sentence == sentence
    assert any(finding.layer == name for finding in report.diagnosis)
    assert not any(finding.layer not in ("", name) for finding in report.diagnosis)


def raising(_):
    raise ValueError


@pytest.mark.parametrize(
    ("backward", "kind", "sentence"),
    [
        (raising, RemarkKind.RAISES, "The loss's backward() raises ValueError."),
        (
            lambda dy: dy[0],
            RemarkKind.WRONG_SHAPE,
            f"The loss's backward() gives dy the shape (2,), but y has the shape (5, 2): {ONE_FOR_EACH}",
        ),
        (
            lambda dy: (100 * dy).astype(int),
            RemarkKind.INTEGER_GRADIENT,
            "The loss's backward() gives dy as integers (int64), so everything after the decimal point is cut off. "
            "Make the array with dtype float: np.zeros(y.shape).",
        ),
    ],
)
def test_a_fault_of_the_loss_is_seen_and_said(backward, kind, sentence):
    class Wrong(MSELoss):
        def backward(self):
            return backward(super().backward())

    network, _, x, target = problem()
    fault = only(check_gradients(network, Wrong(), x, target), kind)
    assert fault.layer == "loss"
    assert fault.sentence == sentence


class SpoilsOutput(Tanh):
    def forward(self, x):
        self.output = super().forward(x)
        return self.output

    def backward(self, dy):
        dx = super().backward(dy)
        self.output[...] = 7
        return dx


@pytest.mark.parametrize("first", [ChangesX, SpoilsOutput])
def test_what_goes_into_a_layer_and_comes_out_is_kept_whatever_is_done_to_the_arrays(first):
    network, loss, x, target = problem(activation_fn1=first, activation_fn2=ChangesDy)
    passes = run_passes(Problem(network, loss, x, target))
    right, *_ = problem()
    values, dys = [x], []
    for layer in right.layers.values():
        values.append(layer.forward(values[-1]))
    assert passes.value == loss.forward(values[-1], target)
    dys.append(loss.backward())
    for layer in reversed(right.layers.values()):
        dys.append(layer.backward(dys[-1]))
    dys = dys[::-1]
    assert [visit.name for visit in passes.visits] == list(right.layers)
    for number, visit in enumerate(passes.visits):
        np.testing.assert_array_equal(visit.x, values[number])
        np.testing.assert_array_equal(visit.y, values[number + 1])
        np.testing.assert_array_equal(visit.dy, dys[number + 1])
        np.testing.assert_array_equal(visit.dx, dys[number])
    for name, gradient in {**right.gradients(), "x": dys[0]}.items():
        np.testing.assert_array_equal(passes.gradients[name], gradient)


def test_a_random_forward_is_no_function_that_could_be_checked():
    remarks = check_gradients(*problem(activation_fn1=RandomForward)).remarks
    # Once each, and the layers before and after it are not blamed for the other numbers that they get.
    assert [remark.kind for remark in remarks] == [RemarkKind.TWO_FORWARDS, RemarkKind.NOT_REPEATABLE]
    assert [remark.layer for remark in remarks] == ["activation_fn1", "activation_fn1"]
    told = ("activation_fn1.forward and .apply give different outputs", "activation_fn1 gives different results")
    for remark, words in zip(remarks, told, strict=True):
        assert remark.sentence.startswith(words)


def test_of_two_layers_that_accumulate_the_one_that_backward_comes_to_first_is_named_first():
    network, *rest = problem()
    network.fc1.__class__ = network.fc3.__class__ = Accumulates
    remarks = check_gradients(network, *rest).remarks
    assert [(remark.kind, remark.layer) for remark in remarks] == [
        (RemarkKind.ACCUMULATES, "fc3"),
        (RemarkKind.ACCUMULATES, "fc1"),
    ]


def test_a_gradient_that_is_missing_hides_no_other_that_accumulates():
    class Half(Linear):
        def backward(self, dy):
            old = self.grad_b
            dx, _, self.grad_b = linear_backward(dy, self._x, self.W, self.b)
            if old is not None:
                self.grad_b = self.grad_b + old
            return dx

    remarks = check_gradients(*problem(fc2=Half)).remarks
    assert [remark.kind for remark in remarks] == [RemarkKind.MISSING, RemarkKind.ACCUMULATES]
    assert "gradient of fc2.b" in remarks[1].sentence


def test_updated_parameters_are_put_back():
    network, *rest = problem(fc2=Updates)
    before = network.fc2.W.copy()
    check_gradients(network, *rest)
    np.testing.assert_array_equal(network.fc2.W, before)


@pytest.mark.parametrize(
    ("spoilt", "index", "value", "where"),
    [
        ("fc2.W", (1, 2), np.nan, "NaN first appears in the parameter fc2.W (1 of 16 numbers)"),
        ("x", (0, 0), np.inf, "infinity first appears in the input x (1 of 15 numbers)"),
        ("target", (0, 0), np.nan, "NaN first appears in the target (1 of 10 numbers)"),
        ("fc1.W", (0, 0), 1e308, "infinity first appears in the output of fc1 (1 of 20 numbers)"),
    ],
)
def test_the_first_number_that_is_none_is_found(spoilt, index, value, where):
    network, loss, x, target = problem()
    x[0, 0] = 10
    {**network.parameters(), "x": x, "target": target}[spoilt][index] = value
    report = check_gradients(network, loss, x, target)
    assert where in only(report, RemarkKind.NOT_FINITE).sentence
    assert [finding.pattern for finding in report.diagnosis] == ["NaN or infinity"]


def test_nan_made_by_backward_alone_is_found_there():
    class DividesByZero(Tanh):
        def backward(self, dy):
            with np.errstate(all="ignore"):
                return super().backward(dy) / np.zeros(1)

    fault = only(check_gradients(*problem(activation_fn2=DividesByZero)), RemarkKind.NOT_FINITE)
    assert fault.layer == "activation_fn2"
    assert "the dx that activation_fn2.backward returns" in fault.sentence


@pytest.mark.parametrize(
    ("spoil", "where", "layer"),
    [
        ("gradient", "NaN first appears in the gradient of fc2.b (1 of 4 numbers)", "fc2"),
        ("loss", "infinity first appears in the loss (1 of 1 numbers)", "loss"),
        ("dy", "infinity first appears in the dy that fc3.backward is given (10 of 10 numbers)", "fc3"),
    ],
)
def test_numbers_that_are_none_are_looked_for_in_the_order_in_which_they_are_computed(spoil, where, layer):
    class Gradient(Linear):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad_b[2] = np.nan
            return dx * np.nan  # later

    class Wrong(MSELoss):
        def forward(self, y, target):
            value = super().forward(y, target)
            return value * np.inf if spoil == "loss" else value

        def backward(self):
            return np.full((5, 2), np.inf)

    network, loss, x, target = problem(**({"fc2": Gradient} if spoil == "gradient" else {}))
    loss = loss if spoil == "gradient" else Wrong()
    found = contract_remarks(Problem(network, loss, x, target), run_passes(Problem(network, loss, x, target)))
    (remark,) = [remark for remark in found if remark.kind is RemarkKind.NOT_FINITE]
    assert remark.layer == layer
    assert remark.sentence == f"{where}. Everything computed from it means nothing, so start there."


def test_infinity_is_no_gradient_and_no_error_explains_it():
    class Overflows(Tanh):
        def backward(self, dy):
            with np.errstate(over="ignore"):
                return super().backward(dy) * 1e300 * 1e300

    report = check_layer(Overflows(), np.array([0.5, -1.0]))
    assert report["x"].verdict is Verdict.WRONG
    assert report["x"].verdicts.tolist() == [Verdict.WRONG] * 2
    assert np.all(np.isfinite(report["x"].error_bar))


def single(network):
    for name, value in network.parameters().items():
        network = network.replaced(name, value.astype(np.float32))
    return network


@pytest.mark.parametrize("loss", [MSELoss(), CrossEntropyLoss()])
@pytest.mark.parametrize("activation", [Tanh, ReLU])
@pytest.mark.parametrize("sizes", [(2, 10, 20, 5), (30, 30, 30, 30)])
def test_right_code_in_float32_passes_and_the_note_says_so(loss, activation, sizes):
    rng = np.random.RandomState(1)
    network = single(Sequential(**dense_layers(sizes, activation, rng, he)))
    x = rng.standard_normal((8, sizes[0])).astype(np.float32)
    target = loss.random_target(rng, (8, sizes[-1])).astype(np.float32)
    report = check_gradients(network, loss, x, target)
    assert network.forward(x).dtype == np.float32
    assert report.verdict is Verdict.CONSISTENT
    (note,) = report.remarks
    assert note.kind is RemarkKind.FLOAT32
    assert not note.is_fault
    assert note.sentence == (
        "fc1.W, fc1.b, fc2.W and 9 more: float32, which carries about 7 digits. The error bars allow for it, so "
        "correct code passes; float64 would show errors a hundred million times smaller."
    )
    # The bars are those of float32: about 1e-7 of the gradient, and not 1e-4.
    bars = np.concatenate([(check.error_bar / np.max(np.abs(check.analytical))).ravel() for check in report.values()])
    assert 1e-8 < np.median(bars) < 1e-5


def test_the_steps_are_taken_in_float64_even_for_float32_parameters():
    network, loss, x, target = problem()
    # Near 1, float32 numbers are 1e-7 apart: a step of 1e-8 would go nowhere.
    network.fc2.W[...] = 1.0
    report = check_gradients(single(network), loss, x, target, eps=1e-8)
    assert np.all(np.isfinite(report["fc2.W"].numerical))
    assert report["fc2.W"].passed


def test_wrong_code_in_float32_is_wrong():
    network, loss, x, target = problem()
    network = single(network)

    class Off(Linear):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad_W = self.grad_W * np.float32(1.001)
            return dx

    network.fc2.__class__ = Off
    report = check_gradients(network, loss, x.astype(np.float32), target.astype(np.float32))
    assert report["fc2.W"].verdict is Verdict.WRONG
    assert all(check.passed for name, check in report.items() if name != "fc2.W")
    assert report.diagnosis[0].measured == "the factor is 1.001"


def test_integers_are_noted_and_taken_as_numbers():
    layer = Linear(2, 2)
    layer.W, layer.b = np.array([[1, 2], [3, -4]]), np.array([0, 1])
    report = check_layer(layer, [1, 2])
    assert report.verdict is Verdict.CONSISTENT
    (note,) = report.remarks
    assert note.kind is RemarkKind.INTEGERS
    assert note.sentence == (
        "W and b held integers, which have no room for a small step; here they were taken as float64. Write 1.0 "
        "instead of 1, or use .astype(float)."
    )


def test_a_forward_of_its_own_kind_needs_no_apply():
    class OnlyForward:
        def forward(self, x):
            self.x = x
            return x**3

        def backward(self, dy):
            return dy * 3 * self.x**2

        def parameters(self):
            return {}

        def gradients(self):
            return {}

    layer = OnlyForward()
    assert check_layer(layer, np.array([1.0, 2.0, -1.0])).passed
    assert not vars(layer)  # a copy was run


def test_a_layer_that_is_the_whole_network_is_called_by_its_class():
    class Halved(Layer):
        def apply(self, x):
            return np.square(x)

        def forward(self, x):
            self.x = x
            return np.square(x)

        def backward(self, dy):
            dy *= self.x
            return dy

    report = check_layer(Halved(), np.array([1.0, -2.0, 0.5]))
    assert "Halved.backward changes dy in place" in report.remarks[0].sentence
    assert report.diagnosis[0].sentence.startswith("Halved: dx is right but for a constant factor; the factor is 0.5")


class Scripted(Linear):
    """A layer of one weight, 1, whose gradients in three runs are what the script says."""

    def __init__(self, *script):
        super().__init__(1, 1)
        self.W, self.b, self.script = np.ones((1, 1)), np.zeros(1), list(script)

    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_W = np.array([self.script.pop(0)], ndmin=2)
        return dx


LAST_BIT = 2.0**-52


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        ((1.0, 1.0, 1.0), []),
        # A sum in another order may differ by a few last bits of its terms; 256 are taken for the same number.
        ((1.0, 1 + 255 * LAST_BIT, 1.0), []),
        ((1.0, 1 + 257 * LAST_BIT, 0.5), [RemarkKind.NOT_REPEATABLE]),
        ((1.0, 2.0, 3.0), [RemarkKind.ACCUMULATES]),
        # one - 2 two + three holds four such differences, of numbers as large as the third.
        ((1.0, 2.0, 3 + 4 * 3 * 255 * LAST_BIT), [RemarkKind.ACCUMULATES]),
        ((1.0, 2.0, 3 + 4 * 3 * 258 * LAST_BIT), [RemarkKind.NOT_REPEATABLE]),
        ((1.0, 2.0, 4.0), [RemarkKind.NOT_REPEATABLE]),
        (([1.0], [1.0, 2.0], [1.0, 2.0, 3.0]), [RemarkKind.NOT_REPEATABLE]),  # which cannot be subtracted
    ],
)
def test_runs_are_the_same_up_to_what_another_order_of_summation_does(script, kinds):
    scripted = Problem(Scripted(*script), Projection(), np.ones(1), np.ones(1))
    assert [remark.kind for remark in contract_remarks(scripted, run_passes(scripted))] == kinds


def test_a_forward_that_raises_when_it_is_run_again_is_a_fault_and_no_accident_of_the_check():
    class Twice(Tanh):
        left = 2

        def forward(self, x):
            self.left -= 1
            if self.left < 0:
                raise KeyError("used up")
            return super().forward(x)

    fault = only(check_gradients(*problem(activation_fn2=Twice)), RemarkKind.NOT_REPEATABLE)
    assert fault.sentence == "Run once more, the network raises KeyError ('used up')."


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_another_input_is_one_of_the_same_shape_type_and_size(dtype):
    x = np.array([[0.5, -300.0, 1.0], [0.0, 2.0, 3.0]], dtype)
    other = other_input(x)
    assert (other.shape, other.dtype) == (x.shape, x.dtype)
    assert not np.any(other == x)
    assert 100 < np.max(np.abs(other)) <= 300  # six uniform numbers below a third of their bound: 1 in 700
    assert 0.5 < np.max(np.abs(other_input(np.zeros(20)))) <= 1


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["W"], "W"),
        (["W", "b"], "W and b"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_a_list_of_names_is_written_out_as_long_as_it_is_short(names, text):
    assert _listed(names) == text


def test_what_changes_from_run_to_run_is_named_up_to_three():
    before = {name: np.zeros(2) for name in "abcde"} | {"gone": np.zeros(1)}
    after = {name: np.ones(2) for name in "abcde"} | {"c": np.zeros(2)}
    assert _changing(before, after) == ", such as `a` or `b` or `d`, which is another in each run"
    assert _changing(before, before) == ""
