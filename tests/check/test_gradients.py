"""The check passes what is right, and fails what is deliberately wrong, naming the right tensors and entries."""

import copy
import re
from collections.abc import Callable
from inspect import signature
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlp
from mlp.check.check import analytical_gradients, check_gradients, check_layer
from mlp.check.given import reference
from mlp.check.jacobians import check_loss, check_products, jacobian_error, jacobian_flow, layer_jacobians
from mlp.check.passes import RemarkKind
from mlp.check.verdict import Verdict
from mlp.differences.methods import METHODS, Method, as_method, optimal_step
from mlp.nn.activations import ACTIVATIONS, Sigmoid, Tanh
from mlp.nn.arrays import Array
from mlp.nn.initialisations import glorot
from mlp.nn.layers import Layer, Linear
from mlp.nn.losses import LOSSES, Loss, MSELoss
from mlp.nn.network import MLP, Sequential, dense_layers

PARAMETERS = {"fc1.W", "fc1.b", "fc2.W", "fc2.b"}
EVERYTHING = PARAMETERS | {"x"}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("leading", [(), (1,), (6,)], ids=["one sample", "batch of 1", "batch of 6"])
def test_a_correct_network_passes(activation, loss, leading):
    rng = np.random.RandomState(0)
    # Glorot's biases are zero, which puts a unit behind dead ReLUs exactly on its own kink: so these are not.
    network = Sequential(**dense_layers((3, 5, 4, 2), ACTIVATIONS[activation], rng))
    x, target = rng.randn(*leading, 3), LOSSES[loss].random_target(rng, (*leading, 2))
    report = check_gradients(network, LOSSES[loss](), x, target)
    assert report.passed, f"{report.worst.name} is off by {report.worst.max_abs_difference}"
    assert all(check.analytical.any() for check in report.values()), "nothing was compared"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_passes_a_correct_network_at_its_best_step(method):
    rng = np.random.RandomState(1)
    network = Sequential(**dense_layers((2, 3, 2), Tanh, rng, glorot))
    x, target = np.array([0.4, -0.3]), np.array([1.0, -1.0])
    report = check_gradients(network, MSELoss(), x, target, float(optimal_step(method, 1.0)), method)
    assert report.passed


class Pass(NamedTuple):
    """A right backward pass of a linear layer, from which a wrong one is made."""

    W: Array
    dy: Array
    dx: Array
    dW: Array  # noqa: N815 - the name that everybody knows it by
    db: Array


class Backward(Linear):
    """A linear layer of 3 inputs and 3 outputs whose backward pass is changed by `wrong`."""

    def __init__(self, wrong: Callable[[Pass], Pass]):
        super().__init__(3, 3, np.random.RandomState(2))
        self.wrong = wrong

    def backward(self, dy):
        dx = super().backward(dy)
        changed = self.wrong(Pass(self.W, dy, dx, self.grad_W, self.grad_b))
        self.grad_W, self.grad_b = changed.dW, changed.db
        return changed.dx


def one_entry_off(right):
    dW = right.dW.copy()
    dW[1, 2] *= 1.01
    return right._replace(dW=dW)


class SlopeOfOutput(Tanh):
    def backward(self, dy):
        return dy * (1 - np.tanh(np.tanh(self.input)) ** 2)

    def forward(self, x):
        self.input = x
        return super().forward(x)


class NoSlope(Tanh):
    def backward(self, dy):
        return dy


class SlopeSquared(Tanh):
    def backward(self, dy):
        return super().backward(super().backward(dy))


class NoMean(MSELoss):
    @staticmethod
    def gradient(y, target):
        return 2 * (y - target)


class NoFactor(MSELoss):
    @staticmethod
    def gradient(y, target):
        return (y - target) / y.size


class WrongSign(MSELoss):
    @staticmethod
    def gradient(y, target):
        return 2 * (target - y) / y.size


class Zero(MSELoss):
    @staticmethod
    def gradient(y, target):
        return 0 * (y - target)


class Wrong(NamedTuple):
    """What is put in the place of a right part, and the tensors whose gradients it spoils."""

    part: Layer | Loss
    spoils: set[str]


# A wrong dx of fc2 spoils all that lies before it, a wrong dW or db only itself, a wrong loss everything.
BEFORE_FC2 = {"fc1.W", "fc1.b", "x"}
WRONG = {
    "dx with the wrong sign": Wrong(Backward(lambda p: p._replace(dx=-p.dx)), BEFORE_FC2),
    "dx twice": Wrong(Backward(lambda p: p._replace(dx=2 * p.dx)), BEFORE_FC2),
    "dx through W transposed": Wrong(Backward(lambda p: p._replace(dx=p.dy @ p.W.T)), BEFORE_FC2),
    "dx zero": Wrong(Backward(lambda p: p._replace(dx=0 * p.dx)), BEFORE_FC2),
    "dx is dy": Wrong(Backward(lambda p: p._replace(dx=p.dy)), BEFORE_FC2),
    "dW with the wrong sign": Wrong(Backward(lambda p: p._replace(dW=-p.dW)), {"fc2.W"}),
    "dW not transposed": Wrong(Backward(lambda p: p._replace(dW=p.dW.T)), {"fc2.W"}),
    "dW averaged over the batch": Wrong(Backward(lambda p: p._replace(dW=p.dW / 4)), {"fc2.W"}),
    "dW zero": Wrong(Backward(lambda p: p._replace(dW=0 * p.dW)), {"fc2.W"}),
    "dW of another input": Wrong(Backward(lambda p: p._replace(dW=p.dy.T @ np.ones((4, 3)))), {"fc2.W"}),
    "dW off in one entry": Wrong(Backward(one_entry_off), {"fc2.W"}),
    "db of the first sample alone": Wrong(Backward(lambda p: p._replace(db=p.dy[0])), {"fc2.b"}),
    "db zero": Wrong(Backward(lambda p: p._replace(db=0 * p.db)), {"fc2.b"}),
    "db reversed": Wrong(Backward(lambda p: p._replace(db=p.db[::-1])), {"fc2.b"}),
    "slope taken at the output": Wrong(SlopeOfOutput(), BEFORE_FC2),
    "slope left out": Wrong(NoSlope(), BEFORE_FC2),
    "slope taken twice": Wrong(SlopeSquared(), BEFORE_FC2),
    "loss without its mean": Wrong(NoMean(), EVERYTHING),
    "loss without its factor 2": Wrong(NoFactor(), EVERYTHING),
    "loss with the wrong sign": Wrong(WrongSign(), EVERYTHING),
    "loss with no gradient": Wrong(Zero(), EVERYTHING),
}


def build(part=None):
    """A right network of 3-3-3 and its loss, with one part replaced."""
    network = Sequential(**dense_layers((3, 3, 3), Tanh, np.random.RandomState(3)))
    loss = MSELoss()
    if isinstance(part, Loss):
        loss = part
    elif isinstance(part, Tanh):
        network.activation_fn1 = part
    elif isinstance(part, Linear):
        network.fc2 = part
    rng = np.random.RandomState(4)
    return network, loss, rng.randn(4, 3), rng.randn(4, 3)


def most_used(report):
    """The tensor and the entry with the largest difference for its error bar, by looking at every one."""
    used = {}
    for name, check in report.items():
        for index in np.ndindex(check.analytical.shape):
            a, n = float(check.analytical[index]), float(check.numerical[index])
            used[name, index] = abs(a - n) / float(check.error_bar[index])
    return max(used, key=used.get)


def test_the_network_that_the_wrong_parts_go_into_is_right():
    assert check_gradients(*build()).passed
    assert check_gradients(*build(Backward(lambda right: right))).passed


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_backward_fails_where_it_is_wrong_and_nowhere_else(wrong):
    report = check_gradients(*build(wrong.part))
    assert not report.passed
    assert {name for name, check in report.items() if not check.passed} == wrong.spoils
    name, index = most_used(report)
    assert report.worst.name == name
    assert report.worst.worst == index


def test_the_one_entry_that_is_off_is_named():
    report = check_gradients(*build(WRONG["dW off in one entry"].part))
    assert report.worst is report["fc2.W"]
    assert report.worst.worst == (1, 2)
    assert report.worst.max_relative_error == pytest.approx(0.01 / 2.01, rel=1e-4)  # 1.01 against 1, to eps^2 or so


class Tampered(Sequential):
    """A right network, one entry of one gradient of which is moved after the backward pass."""

    name, index, amount = "", 0, 0.0

    def backward(self, dy):
        dx = super().backward(dy).copy()
        if self.name == "x":
            dx.flat[self.index] += self.amount
        return dx

    def gradients(self):
        gradients = super().gradients()
        if self.name in gradients:
            gradients[self.name].flat[self.index] += self.amount
        return gradients


@given(st.sampled_from(sorted(EVERYTHING)), st.integers(0, 8), st.sampled_from([1e-3, -1e-3, 1.0, np.nan, np.inf]))
def test_any_single_entry_that_is_moved_is_found(name, position, amount):
    network, loss, x, target = build()
    tampered = Tampered(**network.layers)
    size = {"x": x.size}.get(name) or network.parameters()[name].size
    tampered.name, tampered.index, tampered.amount = name, position % size, amount
    report = check_gradients(tampered, loss, x, target)
    # The gradients are of order one and their errors of order 1e-8, far below the 1e-3 of the smallest move.
    assert [name for name, check in report.items() if not check.passed] == [name]
    assert report.worst is report[name]
    assert np.ravel_multi_index(report.worst.worst, report.worst.analytical.shape) == position % size


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.is_complex])
def test_a_step_too_small_to_be_taken_never_passes(method):
    report = check_gradients(*build(), eps=1e-30, method=method)
    assert not any(check.passed for check in report.values())
    assert not np.isfinite(report.worst.max_abs_difference)


def test_a_report_holds_what_it_was_made_from():
    network, loss, x, target = build()
    report = check_gradients(network, loss, x, target, 1e-5, "five-point")
    assert list(report) == [*network.parameters(), "x"]
    assert all(check.name == name for name, check in report.items())
    assert (report.eps, report.method) == (1e-5, METHODS["five-point"])
    assert report.loss == float(loss.apply(network.apply(x), target))
    assert type(report.loss) is float
    for name, tensor in {**network.parameters(), "x": x}.items():
        assert report[name].analytical.shape == report[name].numerical.shape == tensor.shape
    _, analytical = analytical_gradients(network, loss, x, target)
    assert all(np.array_equal(report[name].analytical, gradient) for name, gradient in analytical.items())


def test_the_defaults_are_the_exercises():
    report = check_gradients(MLP(2, 10, 20, 5, np.random.RandomState(5)), MSELoss(), [1, 2], [1, 2, 3, 4, 5])
    assert report.eps == 1e-4
    assert report.method is METHODS["central"]
    assert report.passed


def test_a_method_of_ones_own_may_be_given():
    # Forward and backward differences mixed two to one; of order 1.
    lopsided = Method("lopsided", (1, 0, -1), (2 / 3, -1 / 3, -1 / 3), order=1)
    report = check_gradients(*build(), eps=1e-9, method=lopsided)
    assert report.method is lopsided
    assert report.worst.max_abs_difference < 1e-5  # h f'' / 6 + a few u / h


class Counting(Sequential):
    """A network that counts the forward and backward passes of all its copies."""

    def __init__(self, counts, **layers):
        super().__init__(**layers)
        self.counts = counts

    def __deepcopy__(self, memo):
        return Counting(self.counts, **copy.deepcopy(self.layers, memo))

    def forward(self, x):
        self.counts["forward"] += 1
        return super().forward(x)

    def backward(self, dy):
        self.counts["backward"] += 1
        return super().backward(dy)


def test_a_few_passes_suffice_and_nothing_is_touched():
    network, loss, x, target = build()
    counts = {"forward": 0, "backward": 0}
    counting = Counting(counts, **network.layers)
    before = {name: array.copy() for name, array in {**network.parameters(), "x": x, "target": target}.items()}
    check_gradients(counting, loss, x, target)
    # More than one of each, for state that one pass leaves to the next and for rounding. Never one per entry, of which
    # there are 51 here.
    assert 1 <= counts["forward"] <= 19
    assert 1 <= counts["backward"] <= 19
    for name, array in {**network.parameters(), "x": x, "target": target}.items():
        assert np.array_equal(array, before[name])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda p: p._replace(db=p.db[None]),
            r"fc2.backward gives grad_b the shape \(1, 3\), but b has the shape \(3,\)",
        ),
        (lambda p: p._replace(db=p.dy), r"fc2.backward gives grad_b the shape \(4, 3\), but b has the shape \(3,\)"),
        (lambda p: p._replace(dW=p.dW[0]), r"fc2.backward gives grad_W the shape \(3,\), but W has the shape \(3, 3\)"),
    ],
)
def test_a_gradient_of_another_shape_is_not_broadcast_into_passing(wrong, message):
    report = check_gradients(*build(Backward(wrong)))
    assert not report.passed
    [remark] = [remark for remark in report.remarks if remark.kind is RemarkKind.WRONG_SHAPE]
    assert re.search(message, remark.sentence)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"x": np.zeros(4)}, ValueError, r"x must have shape \(3,\) or \(n, 3\), not \(4,\)"),
        ({"target": np.zeros(3)}, ValueError, r"target must have shape \(4, 3\), not \(3,\)"),
        ({"eps": 0.0}, ValueError, "eps must be a positive, finite number, not 0.0"),
        ({"method": "centre"}, ValueError, "method must be one of forward, .*, not 'centre'"),
        ({"x": np.zeros((4, 3), complex)}, TypeError, "x must be real, not complex128"),
    ],
)
def test_misuse_names_what_was_expected_and_what_came(changed, error, message):
    arguments = dict(zip(("network", "loss", "x", "target"), build(), strict=True))
    with pytest.raises(error, match=f"^{message}"):
        check_gradients(**arguments | changed)


def test_misuse_of_the_check_of_a_layer_names_the_argument():
    for name in ("x", "dy"):
        with pytest.raises(TypeError, match=f"^{name} must be a number or an array of numbers"):
            check_layer(Tanh(), **{"x": np.ones(2), "dy": np.ones(2)} | {name: [[1.0], [1.0, 2.0]]})
    with pytest.raises(TypeError, match=r"^layer must be a layer, such as Tanh\(\), not "):
        check_layer(np.tanh, np.ones(2))


# What README and every docstring call the defaults: the exercise's step, and the method that it uses.
DEFAULTS = {
    mlp.check_gradients: {},
    mlp.check_layer: {"x": None, "dy": None},
    mlp.check_function: {},
    mlp.check_given_gradients: {},
    mlp.check_model: {"seconds": 20.0, "entries": None},
    reference: {},
    check_loss: {},
    check_products: {},
    jacobian_flow: {},
    layer_jacobians: {},
    jacobian_error: {},
}


@pytest.mark.parametrize("function", DEFAULTS, ids=lambda function: function.__name__)
def test_the_defaults_are_the_exercise_s(function):
    found = {one.name: one.default for one in signature(function).parameters.values() if one.default is not one.empty}
    assert as_method(found.pop("method")) is METHODS["central"]
    assert found.pop("eps") == 1e-4
    assert found.pop("progress", None) is None
    assert found == DEFAULTS[function]


class Gated(Sequential):
    """The product of two ways through its layers, from four features to three: no row of layers."""

    def apply(self, x):
        return self.value.apply(x) * self.squash.apply(self.gate.apply(x))

    def forward(self, x):
        self.factors = self.value.forward(x), self.squash.forward(self.gate.forward(x))
        return self.factors[0] * self.factors[1]

    def backward(self, dy):
        value, gate = self.factors
        return self.value.backward(dy * gate) + self.gate.backward(self.squash.backward(dy * value))


class Exchanged(Gated):
    def backward(self, dy):
        self.factors = self.factors[::-1]
        return super().backward(dy)


def test_a_container_whose_layers_do_not_stand_in_a_row_is_one_layer():
    def report(kind):
        rng = np.random.RandomState(0)
        network = kind(value=Linear(4, 3, rng), gate=Linear(4, 3, rng), squash=Sigmoid())
        return check_gradients(network, MSELoss(), rng.standard_normal((5, 4)), rng.standard_normal((5, 3)))

    assert report(Gated).passed
    wrong = report(Exchanged)
    assert wrong["gate.W"].verdict is Verdict.WRONG
    (finding,) = wrong.diagnosis
    assert set(finding.tensors) == {"dvalue.W", "dvalue.b", "dgate.W", "dgate.b", "dx"}
    assert "the two are exchanged" in finding.sentence
