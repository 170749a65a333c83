"""Gradients of another problem than was set, or spoiled after they were right, are called what they are."""

import re
from functools import cache

import numpy as np
import pytest

from mlp import HuberLoss, Linear, ReLU, Sequential, Tanh
from mlp.check.check import analytical_gradients
from mlp.check.given import against, reference
from mlp.check.report import Certainty
from mlp.lab.experiment import Experiment
from mlp.nn.functional import log_softmax

BASE = Experiment(sizes=(4, 6, 5, 3), batch=8, seed=2)
CLASSES = Experiment(sizes=(4, 6, 5, 3), batch=8, seed=2, loss="CrossEntropyLoss")
BINARY = Experiment(sizes=(4, 6, 5, 3), batch=8, seed=2, loss="BCEWithLogitsLoss")
SQUARE = Experiment(sizes=(4, 4, 4, 4), batch=8, seed=2)


referred = cache(lambda experiment: reference(*experiment.problem()))


def checked(experiment, gradients):
    return against(referred(experiment), gradients)


def right(problem):
    return analytical_gradients(*problem)[1]


def for_dy(problem, dy):
    """The gradients that a dy at the output gives."""
    problem.network.forward(problem.x)
    dx = problem.network.backward(dy)
    return {**problem.network.gradients(), "x": dx}


def dy_of(problem):
    problem.loss.forward(problem.network.forward(problem.x), problem.target)
    return problem.loss.backward()


def softmax(y):
    return np.exp(log_softmax(y))


class Softmax(Tanh):
    """As an activation, for its forward; its backward is written out here."""

    def forward(self, x):
        self.p = softmax(x)
        return self.p

    def backward(self, dy):
        return self.p * (dy - (self.p * dy).sum(axis=1, keepdims=True))


def with_softmax(problem):
    return problem._replace(network=Sequential(**problem.network.layers, last=Softmax()))


def with_layer(problem, name, layer):
    return problem._replace(network=Sequential(**{**problem.network.layers, name: layer}))


def without_sample(problem, k):
    keep = np.arange(len(problem.x)) != k
    gradients = right(problem._replace(x=problem.x[keep], target=problem.target[keep]))
    return {**gradients, "x": np.insert(gradients["x"], k, 0.0, axis=0)}


def other_target(change):
    return lambda problem: right(problem._replace(target=change(problem.target.copy())))


def other_input(change):
    return lambda problem: right(problem._replace(x=change(problem.x)))


def one_sample_moved(target):
    target[5] += (0.5, -1.0, 0.25)
    return target


def weighted(weights):
    return lambda problem: for_dy(problem, weights(problem.target) * dy_of(problem))


def after_a_step(problem):
    gradients, network = right(problem), problem.network
    for name, value in network.parameters().items():
        network = network.replaced(name, value - 0.05 * gradients[name])
    return right(problem._replace(network=network))


def turned(problem):
    layer = problem.network.layers["fc2"]
    other = Linear(4, 4)
    other.W, other.b = layer.W.T, layer.b
    gradients = right(with_layer(problem, "fc2", other))
    return {**gradients, "fc2.W": gradients["fc2.W"].T}


class Leaky(Tanh):
    """A leaky ReLU, whose slope is no layer's here."""

    @staticmethod
    def function(x):
        return np.where(x > 0, x, 0.2 * x)

    @staticmethod
    def derivative(x):
        return np.where(x > 0, 1.0, 0.2)


def leaking(problem):
    return with_layer(with_layer(problem, "activation_fn1", Leaky()), "activation_fn2", Leaky())


class Leaking(ReLU):
    """ReLU with the backward of another one."""

    def forward(self, x):
        self.slopes = np.where(x > 0, 1.0, 0.2)
        return super().forward(x)

    def backward(self, dy):
        return dy * self.slopes


def leaking_back(problem):
    return with_layer(with_layer(problem, "activation_fn1", Leaking()), "activation_fn2", Leaking())


def unit_dropped(problem):
    layer = problem.network.layers["fc2"]
    mask = np.arange(6) != 4
    gradients = right(problem._replace(network=problem.network.replaced("fc2.W", layer.W * mask)))
    return {**gradients, "fc2.W": gradients["fc2.W"] * mask}


def bfloat16(value):
    """Rounded to the upper half of float32's bits, to the even one of two that are as near."""
    bits = value.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def in_bfloat16(problem):
    """Rounded parameters, and right gradients from there on."""
    for name, value in problem.network.parameters().items():
        problem = problem._replace(network=problem.network.replaced(name, bfloat16(value)))
    return right(problem)


def clipped_by_norm(problem):
    gradients = right(problem)
    norm = np.sqrt(sum(np.sum(np.square(value)) for value in gradients.values()))
    return {name: value * 0.01 / norm for name, value in gradients.items()}


def exchanged(problem):
    gradients = right(problem)
    return {**gradients, "fc1.W": gradients["fc3.W"], "fc3.W": gradients["fc1.W"]}


CASES = {
    "samples of the target in another order": (
        BASE,
        other_target(lambda t: t[[3, 1, 2, 0, 4, 5, 7, 6]]),
        ("target", "samples of the target in the order [3, 1, 2, 0, 4, 5, 7, 6]"),
    ),
    "target moved by one": (BASE, other_target(lambda t: np.roll(t, 1, 0)), ("target", "samples of the target moved")),
    "one sample's target": (BASE, other_target(one_sample_moved), ("loss", "sample 5 alone")),
    "smoothed": (CLASSES, other_target(lambda t: 0.9 * t + 0.1 / 3), ("loss", "smoothed by 0.1 towards 1 / 3")),
    "shifted": (BASE, other_target(lambda t: t + 0.3), ("loss", "larger by 0.3")),
    "classes of -1 and 1": (
        BINARY,
        other_target(lambda t: 2 * t - 1),
        ("loss", "with 2 t - 1 as the target where t should be, that is -1 where it should be 0 and 1"),
    ),
    "softmax before cross-entropy": (
        CLASSES,
        lambda p: right(with_softmax(p)),
        ("loss", "softmax after the last layer too, and so twice"),
    ),
    "weights of classes": (
        CLASSES,
        weighted(lambda t: (t @ np.array([1.0, 2.0, 0.5]))[:, None]),
        ("loss", "samples of class 0: 1, samples of class 1: 2, samples of class 2: 0.5"),
    ),
    "weights of samples": (
        BASE,
        weighted(lambda _: np.linspace(0.5, 1.2, 8)[:, None]),
        ("loss", "weights of their own for the samples, 0.5, 0.6, 0.7"),
    ),
    "a sample left out": (
        BASE,
        lambda problem: without_sample(problem, 2),
        ("loss", "sample 2 of the batch left out, and the others counting 1.14286 times"),
    ),
    "input scaled": (BASE, other_input(lambda x: x / 255), ("x", "with the input times 0.00392157")),
    "input standardised": (
        BASE,
        other_input(lambda x: (x - x.mean(axis=0)) / x.std(axis=0)),
        ("x", "standardised, each feature over the samples"),
    ),
    "after a step": (BASE, after_a_step, ("", "by a learning rate of 0.05")),
    "W transposed": (SQUARE, turned, ("fc2", "W of fc2 transposed in the forward pass")),
    "another activation": (
        BASE,
        lambda problem: right(with_layer(problem, "activation_fn2", ReLU())),
        ("activation_fn2", "with ReLU in activation_fn2, where Tanh should be"),
    ),
    "another slope of a leaky ReLU": (BASE, lambda problem: right(leaking(problem)), ("", "of slope 0.2 below 0")),
    "the slope of a leak on the way back": (
        Experiment(activation="ReLU", batch=8),
        lambda problem: right(leaking_back(problem)),
        ("", "with the slope 0.2 below 0 on the way back through its activations"),
    ),
    "a unit dropped": (BASE, unit_dropped, ("activation_fn1", "units [4] of activation_fn1 set to zero")),
    "parameters in bfloat16": (BASE, in_bfloat16, ("", "with its parameters rounded to bfloat16")),
    "clipped by norm": (BASE, clipped_by_norm, ("", "makes 0.01 of the norm of all gradients")),
    "exchanged": (
        SQUARE,
        exchanged,
        ("fc1, fc3", "fc1.W holds the gradient of fc3.W; fc3.W holds the gradient of fc1.W"),
    ),
    "the parameter itself": (
        BASE,
        lambda problem: {**right(problem), "fc2.W": problem.network.parameters()["fc2.W"]},
        ("fc2", "fc2.W holds the parameter itself"),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.one_in(2)
def test_what_was_computed_instead_is_named(name):
    experiment, gradients, (layer, words) = CASES[name]
    [finding] = checked(experiment, gradients(experiment.problem())).diagnosis
    assert words in finding.sentence
    assert finding.layer == layer
    assert finding.certainty is Certainty.CERTAIN


def moved(target):
    target[[2, 5]] += (0.5, -1.0, 0.25)
    return target


def test_of_another_target_both_numbers_are_told_the_one_in_use_first():
    problem = BASE.problem()
    [finding] = checked(BASE, other_target(moved)(problem)).diagnosis
    t = problem.target[2, 0]
    assert f"with another target for samples 2, 5, at [2, 0] {t + 0.5:.4g} instead of {t:.4g}" in finding.sentence


def test_classes_that_are_other_ones_are_no_other_order_of_the_samples():
    problem = CLASSES.problem()

    def mistaken(target):
        target[[2, 4]] = np.roll(target[[2, 4]], 1, axis=1)
        return target

    [finding] = checked(CLASSES, other_target(mistaken)(problem)).diagnosis
    assert "with other classes for samples 2, 4 as target" in finding.sentence
    [finding] = checked(CLASSES, other_target(lambda t: np.roll(t, 3, axis=0))(problem)).diagnosis
    order = [int(k) for k in re.search(r"of the target in the order \[([\d, ]+)\]", finding.sentence)[1].split(", ")]
    assert sorted(order) == list(range(len(problem.target)))
    np.testing.assert_array_equal(problem.target[order], np.roll(problem.target, 3, axis=0))


# One of each kind: another target, another dy, another network, another point, and arrays in each other's place.
BESIDE = ("smoothed", "weights of samples", "another activation", "after a step", "the parameter itself")
LATER = [name for name in CASES if name not in (*BESIDE, "clipped by norm", "exchanged", "a unit dropped")]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", [*BESIDE, *(pytest.param(name, marks=pytest.mark.nightly) for name in LATER)])
def test_beside_it_a_wrong_tensor_is_named_too(name):
    experiment, make, (_, words) = CASES[name]
    gradients = make(experiment.problem())
    found = checked(experiment, {**gradients, "fc1.b": 3 * gradients["fc1.b"]}).diagnosis
    told = [finding for finding in found if finding.layer == "fc1" and finding.tensors == ("db",)]
    assert [one.pattern for one in told] == ["constant factor"]
    assert any(words in finding.sentence for finding in found)
    assert len(found) == 2


TWO_FAULTS = {
    "another loss, summed": (
        BASE,
        lambda problem: {name: 24 * value for name, value in right(problem._replace(loss=HuberLoss())).items()},
        "of HuberLoss where MSELoss should be, and all of it times 24 (samples times outputs",
    ),
    "smoothed and summed": (
        CLASSES,
        lambda problem: {name: 8 * value for name, value in other_target(lambda t: 0.9 * t + 0.1 / 3)(problem).items()},
        "smoothed by 0.1 towards 1 / 3, and all of it times 8 (the number of samples",
    ),
    "summed, with a penalty": (
        BASE,
        lambda problem: {
            name: 8 * value + 0.1 * problem.tensors()[name]
            for name, value in right(BASE.problem()).items()
            if name != "x"
        },
        "(the factor is 8 (perhaps the number of samples, as where a sum stands for a mean)), "
        "and 0.1 times the parameter, as by weight decay, is added",
    ),
    "negated and transposed": (
        SQUARE,
        lambda problem: {**right(problem), "fc2.W": -right(problem)["fc2.W"].T},
        "fc2: dW has two faults at once: transposed, and the wrong sign",
    ),
}


@pytest.mark.parametrize("name", TWO_FAULTS)
def test_two_faults_in_all_gradients_or_in_one_are_one_finding_with_both(name):
    experiment, gradients, words = TWO_FAULTS[name]
    [finding] = checked(experiment, gradients(experiment.problem())).diagnosis
    assert words in finding.sentence


def test_entries_that_have_changed_places_are_listed():
    gradients = right(BASE.problem())
    gradients["fc2.W"][[1, 4], [0, 3]] = gradients["fc2.W"][[4, 1], [3, 0]]
    [finding] = checked(BASE, gradients).diagnosis
    assert "fc2.W holds its own entries [1, 0], [4, 3] exchanged" in finding.sentence


def test_what_is_not_finite_is_counted_and_the_rest_still_diagnosed():
    gradients = right(BASE.problem())
    gradients["fc2.W"] = -gradients["fc2.W"]
    gradients["fc2.W"][1, 2:4] = np.nan
    gradients["fc1.b"][3] = np.inf
    found = checked(BASE, gradients).diagnosis
    assert found[0].sentence.startswith(
        "Not all gradients are finite: fc1.b has 1 infinite among 6 entries, the first at [3]; fc2.W has 2 NaN among "
        "30 entries, the first at [1, 2]."
    )
    assert [(one.layer, one.pattern) for one in found[1:]] == [("fc2", "sign flipped")]


def test_right_gradients_but_for_what_is_not_finite_have_no_other_fault():
    gradients = right(BASE.problem())
    gradients["fc2.W"][2, 0] = np.inf
    [finding] = checked(BASE, gradients).diagnosis
    assert finding.tensors == ("fc2.W",)


def test_gradients_without_one_number_get_no_further_sentence():
    gradients = {name: np.full_like(value, np.nan) for name, value in right(BASE.problem()).items()}
    [finding] = checked(BASE, gradients).diagnosis
    assert "The other entries" not in finding.sentence


@pytest.mark.parametrize(("kind", "rounding"), [("float16", np.float16), ("bfloat16", bfloat16)])
def test_low_precision_is_named_and_so_is_a_fault_that_it_does_not_hide(kind, rounding):
    rounded = {name: rounding(value).astype(np.float64) for name, value in right(BASE.problem()).items()}
    [finding] = checked(BASE, rounded).diagnosis
    assert f"rounded to {kind}," in finding.sentence
    assert "That alone is what is wrong" in finding.sentence
    rounded["fc2.b"] = -rounded["fc2.b"]
    coarse, fault = checked(BASE, rounded).diagnosis
    assert "That does not explain all differences" in coarse.sentence
    assert (fault.layer, fault.pattern) == ("fc2", "sign flipped")


def test_decay_of_all_parameters_is_one_finding():
    problem = BASE.problem()
    gradients = right(BASE.problem())
    decayed = {name: gradients[name] + 0.01 * value for name, value in problem.network.parameters().items()}
    [finding] = checked(BASE, {**gradients, **decayed}).diagnosis
    assert finding.pattern == "term added or missing"
    assert finding.layer == "fc3, fc2, fc1"


def strange_last_layer(experiment, seed=0):
    """Gradients that are right but for those of the last layer, which are random."""
    gradients, rng = right(experiment.problem()), np.random.RandomState(seed)
    for name in ("fc3.W", "fc3.b"):
        gradients[name] = rng.standard_normal(gradients[name].shape)
    return gradients


@pytest.mark.parametrize("batch", [3, 32])
def test_of_a_layer_with_all_below_in_order_it_is_said_that_the_fault_is_there(batch):
    experiment = Experiment(sizes=(4, 6, 5, 3), batch=batch)
    found = checked(experiment, strange_last_layer(experiment)).diagnosis
    assert {finding.layer for finding in found} == {"fc3"}
    words = "No dy gives both dW and db" if batch == 3 else "All gradients below it are right"
    assert all(words in finding.sentence for finding in found)


def test_what_fits_any_numbers_is_not_called_a_fit():
    # One linear layer, 8 samples of 4 numbers: some dy gives any dW and db, so nothing tells where they are wrong.
    experiment = Experiment(sizes=(4, 3), batch=8)
    rng = np.random.RandomState(1)
    gradients = {name: rng.standard_normal(value.shape) for name, value in right(experiment.problem()).items()}
    del gradients["x"]
    [finding] = checked(experiment, gradients).diagnosis
    assert finding.certainty is Certainty.POSSIBLE
    assert "fit" in finding.sentence


def test_of_a_tensor_that_any_dy_fits_it_is_said_that_the_fit_tells_nothing():
    # The 24 samples of 5 numbers pass 3 units, so that dW of the last layer alone tells some of what dy is.
    experiment = Experiment(sizes=(7, 3, 5, 5), batch=24, loss="CrossEntropyLoss")
    rng = np.random.RandomState(0)
    gradients = for_dy(experiment.problem(), dy_of(experiment.problem()) + 0.01 * rng.standard_normal((24, 5)))
    gradients["fc3.W"] = gradients["fc3.W"] + rng.standard_normal((5, 5))
    [finding] = checked(experiment, gradients).diagnosis
    assert "only of fc3.W and fc3.b it says nothing" in finding.sentence


def test_one_wrong_tensor_is_no_other_dy_though_one_would_give_it():
    experiment = Experiment(sizes=(7, 3, 5, 5), batch=24, loss="CrossEntropyLoss")
    gradients = right(experiment.problem())
    gradients["fc3.W"] = gradients["fc3.W"] + np.random.RandomState(0).standard_normal((5, 5))
    [finding] = checked(experiment, gradients).diagnosis
    assert finding.layer == "fc3"
    assert "All gradients below it are right" in finding.sentence


def test_few_significant_digits_are_named():
    gradients = right(BASE.problem())
    gradients["fc2.W"] = np.array([[float(f"{value:.1e}") for value in row] for row in gradients["fc2.W"]])
    [finding] = checked(BASE, gradients).diagnosis
    assert "fc2: dW is right but rounded to 2 significant digits" in finding.sentence


def test_the_order_of_the_input_s_samples_is_told_and_not_its_inverse():
    order = [1, 2, 0, 3, 4, 5, 6, 7]  # a cycle of three, which is not its own inverse
    gradients = other_input(lambda x: x[order])(BASE.problem())
    (finding,) = checked(BASE, gradients).diagnosis
    assert f"with the samples of the input in the order {order}" in finding.sentence


def test_units_in_another_order_are_one_finding():
    order = [2, 0, 1, 3, 5, 4]
    gradients = right(BASE.problem())
    gradients["fc1.W"], gradients["fc1.b"] = gradients["fc1.W"][order], gradients["fc1.b"][order]
    gradients["fc2.W"] = gradients["fc2.W"][:, order]
    [finding] = checked(BASE, gradients).diagnosis
    assert "The units of fc1 come in the order [2, 0, 1, 3, 5, 4]" in finding.sentence


def test_parameters_after_a_step_in_the_place_of_gradients_are_recognised():
    problem = BASE.problem()
    gradients = right(problem)
    moved = {name: value - 0.05 * gradients[name] for name, value in problem.network.parameters().items()}
    [finding] = checked(BASE, {**gradients, **moved}).diagnosis
    assert "fc1.W holds the parameter itself after a step with the learning rate 0.05" in finding.sentence


def test_the_same_fault_with_two_factors_is_told_with_both():
    gradients = right(BASE.problem())
    gradients["fc2.W"], gradients["fc2.b"] = 3 * gradients["fc2.W"], 0.7 * gradients["fc2.b"]
    [finding] = checked(BASE, gradients).diagnosis
    assert "the factor is 3." in finding.sentence
    assert "The same goes for db (the factor is 0.7)." in finding.sentence


def test_another_delta_of_a_loss_is_found():
    def dy(problem):
        problem.network.forward(problem.x)
        return np.clip(problem.network.apply(problem.x) - problem.target, -0.6, 0.6) / 24

    [finding] = checked(BASE, for_dy(BASE.problem(), dy(BASE.problem()))).diagnosis
    assert "slope is constant where |y - t| > 0.6," in finding.sentence


def test_where_dw_and_db_are_permuted_alike_the_dy_may_be_so_too_unless_something_below_decides():
    gradients = right(BASE.problem())
    gradients["fc1.W"], gradients["fc1.b"] = gradients["fc1.W"][::-1], gradients["fc1.b"][::-1]
    [decided] = checked(BASE, gradients).diagnosis
    assert decided.layer == "fc1"
    del gradients["x"]
    [open_] = checked(BASE, gradients).diagnosis
    assert open_.layer == "fc1 or activation_fn1 or fc2"


def test_a_wrong_way_back_through_our_own_loss_is_no_certain_reading():
    """Somebody's loss is not known, and another one gives the same numbers: here the loss (1 - t) y + relu(-y)."""
    problem = BINARY.problem()
    y, target = problem.network.apply(problem.x), problem.target
    (found,) = checked(BINARY, for_dy(problem, ((1 - target) - (y < 0)) / y.size)).diagnosis
    assert found.certainty is Certainty.LIKELY
    assert "the same as: another loss or target" in found.sentence
