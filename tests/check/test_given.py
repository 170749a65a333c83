"""Gradients computed elsewhere: right ones pass however they were written, wrong ones are called wrong and named."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES, MSELoss, Sequential, Tanh, Verdict, check_given_gradients, dense_layers
from mlp.check.check import analytical_gradients
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import places, plant
from mlp.check.given import against, against_analytical, reference
from mlp.lab.experiment import Experiment

# Bugs that show in what a layer does beside computing, which numbers from elsewhere do not tell, or in a wrong shape.
OF_STATE = {
    "input kept from the first forward",
    "gradients pile up",
    "x kept from the first forward",
    "dy changed in place",
    "gradient kept from the first forward",
}
OF_SHAPE = {"bias not summed"}
NETWORKS = {
    "one sample": Experiment(),
    # Fewer samples than inputs, so that the numbers hold every dy; and more, so that they do not.
    "few samples": Experiment(batch=3),
    "many samples": Experiment(batch=32),
    "square": Experiment(sizes=(4, 4, 4, 4), batch=3, seed=1),
    "classes": Experiment(activation="ReLU", loss="CrossEntropyLoss", batch=4),
    "yes or no": Experiment(activation="Sigmoid", loss="BCEWithLogitsLoss", batch=4),
    "outliers": Experiment(activation="LeakyReLU", loss="HuberLoss", batch=2),
}


referred = cache(lambda experiment: reference(*experiment.problem()))


def right(experiment):
    return {name: gradient.copy() for name, gradient in referred(experiment).analytical.items()}


def checked(experiment, gradients):
    return against(referred(experiment), gradients)


WRITTEN = {
    "float64": lambda a: a,
    "float32": lambda a: a.astype(np.float32),
    "%.6f": lambda a: np.array([float(f"{v:.6f}") for v in a.ravel()]).reshape(a.shape),
    "%.6e": lambda a: np.array([float(f"{v:.6e}") for v in a.ravel()]).reshape(a.shape),
    "%.3g": lambda a: np.array([float(f"{v:.3g}") for v in a.ravel()]).reshape(a.shape),
    "float32 as text": lambda a: np.array([float(str(np.float32(v))) for v in a.ravel()]).reshape(a.shape),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("name", NETWORKS)
def test_right_gradients_are_not_called_wrong_however_they_are_written(name, written):
    report = checked(NETWORKS[name], {key: WRITTEN[written](value) for key, value in right(NETWORKS[name]).items()})
    assert report.verdict is not Verdict.WRONG
    assert report.diagnosis == ()
    assert bool(report.remarks) == (written != "float64")


def test_the_bars_of_rounded_gradients_end_half_a_unit_of_the_last_digit_away():
    # Four decimals are wrong by half a unit of the last at most; another digit there is a mistake.
    written = {key: np.round(value, 4) for key, value in right(Experiment()).items()}
    assert checked(Experiment(), written).verdict is not Verdict.WRONG
    off = written["fc2.b"] - right(Experiment())["fc2.b"]
    small = np.flatnonzero((np.abs(written["fc2.b"]) > 0.01) & (np.abs(written["fc2.b"]) < 0.1))
    written["fc2.b"][small] = np.round(written["fc2.b"] + 1e-4 * np.sign(off), 4)[small]
    verdicts = checked(Experiment(), written)["fc2.b"].verdicts
    assert small.size
    assert np.array_equal(np.flatnonzero(verdicts == Verdict.WRONG), small)


@pytest.mark.parametrize("written", ["float64", "float32", "%.6f", "%.6e"])
def test_an_error_of_one_per_cent_is_seen_through_the_rounding(written):
    wrong = {key: WRITTEN[written](1.01 * value) for key, value in right(Experiment()).items()}
    report = checked(Experiment(), wrong)
    assert report.verdict is Verdict.WRONG
    assert "the factor is 1.01" in report.diagnosis[0].sentence


def test_gradients_in_single_precision_throughout_are_right(torch):
    problem = Experiment(sizes=(5, 30, 20, 3), batch=7).problem()
    values = {**problem.network.parameters(), "x": problem.x}
    tensors = {key: torch.tensor(value, dtype=torch.float32, requires_grad=True) for key, value in values.items()}
    y = tensors["x"]
    for k in (1, 2, 3):
        y = torch.nn.functional.linear(y, tensors[f"fc{k}.W"], tensors[f"fc{k}.b"])
        y = torch.tanh(y) if k < 3 else y
    torch.nn.functional.mse_loss(y, torch.tensor(problem.target, dtype=torch.float32)).backward()
    gradients = {key: tensor.grad.numpy() for key, tensor in tensors.items()}
    assert checked(Experiment(sizes=(5, 30, 20, 3), batch=7), gradients).passed


def planted():
    """Each bug once in a network that it fits, another one from bug to bug; in one more if asked; nightly in all."""
    problems = {title: experiment.problem() for title, experiment in NETWORKS.items()}
    for turn, (name, bug) in enumerate((name, bug) for name, bug in GALLERY.items() if name not in OF_STATE | OF_SHAPE):
        fitting = {title: places(bug, network, loss, x) for title, (network, loss, x, _) in problems.items()}
        titles = [title for title in fitting if fitting[title]]
        for i, title in enumerate(titles):
            turns = {0: (), len(titles) // 2: pytest.mark.thorough} if len(titles) > 1 else {0: ()}
            for k, place in enumerate(fitting[title]):
                is_turn = k == turn % len(fitting[title])
                marks = turns.get((i - turn) % len(titles), pytest.mark.nightly) if is_turn else pytest.mark.nightly
                yield pytest.param(NETWORKS[title], bug, place, id=f"{title}-{name}-{place}", marks=marks)


@pytest.mark.parametrize(("experiment", "bug", "place"), list(planted()))
@pytest.mark.one_in(4)
def test_every_bug_of_the_gallery_is_named_from_its_numbers_alone(experiment, bug, place):
    problem = experiment.problem()
    wrong = plant(bug, problem.network, problem.loss, place)
    gradients = analytical_gradients(wrong.network, wrong.loss, problem.x, problem.target)[1]
    gradients = {key: value.astype(float) for key, value in gradients.items()}
    report = checked(experiment, gradients)
    truth = right(experiment)
    if all(np.allclose(gradients[key], truth[key], rtol=1e-12, atol=1e-15) for key in truth):
        assert report.verdict is not Verdict.WRONG  # the bug does not show with this network
        return
    [finding] = report.diagnosis
    all_zero = bug.pattern == "integer gradient" and not np.any(gradients[f"{place}.W"])
    assert finding.pattern == ("zero gradient" if all_zero else bug.pattern)
    assert place in finding.layer


def test_two_faults_are_both_named_and_nothing_else():
    problem = Experiment(batch=4).problem()
    upper = plant(GALLERY["derivative missing"], problem.network, problem.loss, "activation_fn2")
    both = plant(GALLERY["minus in the gradient"], upper.network, problem.loss, "fc1")
    gradients = analytical_gradients(both.network, both.loss, problem.x, problem.target)[1]
    found = checked(Experiment(batch=4), gradients).diagnosis
    assert [(one.layer, one.pattern) for one in found] == [
        ("activation_fn2", "derivative missing"),
        ("fc1", "sign flipped"),
    ]


def test_where_a_fault_may_be_in_either_of_two_layers_both_are_named():
    problem = Experiment().problem()
    wrong = plant(GALLERY["nothing passed on"], problem.network, problem.loss, "fc2")
    found = checked(Experiment(), analytical_gradients(wrong.network, problem.loss, problem.x, problem.target)[1])
    assert [one.layer for one in found.diagnosis] == ["activation_fn1 or fc2"]


def test_a_wrong_gradient_of_the_input_alone_is_that_of_the_first_layer():
    gradients = right(Experiment())
    gradients["x"] = -gradients["x"]
    [finding] = checked(Experiment(), gradients).diagnosis
    assert (finding.layer, finding.tensors, finding.pattern) == ("fc1", ("dx",), "sign flipped")


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        *(
            pytest.param({"activation": name}, f"with {name} where Tanh should be", marks=marks)
            for name, marks in {**dict.fromkeys(ACTIVATIONS, pytest.mark.nightly), "ReLU": (), "SiLU": ()}.items()
            if name != "Tanh"
        ),
        *(({"loss": name}, f"of {name} where MSELoss should be") for name in LOSSES if name == "HuberLoss"),
    ],
)
def test_right_gradients_of_another_function_are_recognised(change, words):
    base = Experiment(batch=3)
    [finding] = checked(base, right(replace(base, **change))).diagnosis
    assert words in finding.sentence


def test_an_activation_too_many_and_biases_left_out_are_recognised():
    problem = Experiment(batch=3).problem()
    longer = Sequential(**problem.network.layers, last=Tanh())
    [finding] = checked(
        Experiment(batch=3), analytical_gradients(longer, problem.loss, problem.x, problem.target)[1]
    ).diagnosis
    assert "with Tanh after the last layer too" in finding.sentence
    bare = problem.network
    for name in ("fc1", "fc2", "fc3"):
        bare = bare.replaced(f"{name}.b", np.zeros_like(bare.parameters()[f"{name}.b"]))
    [finding] = checked(
        Experiment(batch=3), analytical_gradients(bare, problem.loss, problem.x, problem.target)[1]
    ).diagnosis
    assert "without the biases" in finding.sentence


def test_gradients_of_other_numbers_get_one_sentence_that_says_so():
    [finding] = checked(Experiment(batch=4), right(Experiment(batch=4, seed=1))).diagnosis
    assert "Not one of these gradients fits" in finding.sentence


def test_a_strange_dy_of_the_loss_is_told_from_the_layers_below_that_are_right():
    problem = Experiment(batch=4).problem()
    problem.network.forward(problem.x)
    dx = problem.network.backward(np.random.RandomState(0).standard_normal((4, 5)))
    [finding] = checked(Experiment(batch=4), {**problem.network.gradients(), "x": dx}).diagnosis
    assert finding.layer == "loss"
    assert "for another dy at the output than MSELoss gives (363 numbers agree on it, 20 of which" in finding.sentence


def test_the_input_may_be_left_out():
    gradients = right(Experiment())
    del gradients["x"]
    report = checked(Experiment(), gradients)
    assert report.passed
    assert "x" not in report


def test_beside_the_networks_own_backward_the_difference_is_that_of_the_arrays():
    gradients = {key: value * 1.5 for key, value in right(Experiment()).items()}
    checks = against_analytical(reference(*Experiment().problem()), gradients)
    for name, check in checks.items():
        np.testing.assert_array_equal(check.difference, gradients[name] - right(Experiment())[name])
        assert check.verdict is Verdict.WRONG
    same = against_analytical(reference(*Experiment().problem()), right(Experiment()))
    assert {check.verdict for check in same.values()} == {Verdict.CONSISTENT}


def test_other_layers_are_checked_too_but_not_diagnosed():
    class Doubled(Tanh):
        pass

    rng = np.random.RandomState(0)
    inner = Sequential(**dense_layers((3, 4), rng=rng))

    class Own(type(inner)):
        """A network with a forward of its own is one layer."""

        def forward(self, x):
            return super().forward(x)

    network = Sequential(first=Own(**inner.layers), act=Doubled(), **{"last": dense_layers((4, 2), rng=rng)["fc1"]})
    x, target = rng.standard_normal(3), rng.standard_normal(2)
    gradients = analytical_gradients(network, MSELoss(), x, target)[1]
    assert check_given_gradients(network, MSELoss(), x, target, gradients).passed
    gradients["last.W"] = -gradients["last.W"]
    report = check_given_gradients(network, MSELoss(), x, target, gradients)
    assert report.verdict is Verdict.WRONG
    assert "last.W" in report.summary


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fc2.b": None}, "gradients lacks fc2.b"),
        ({"fc9.W": np.ones((1, 1))}, "gradients holds 'fc9.W', but the network's tensors are fc1.W"),
        ({"fc2.W": np.ones((2, 2))}, r"the gradient of fc2.W must have shape \(20, 10\), not \(2, 2\)"),
        ({"fc2.b": np.ones(20, dtype=complex)}, "the gradient of fc2.b must be real"),
    ],
)
def test_gradients_that_do_not_fit_are_refused_in_words(change, words):
    gradients = {key: value for key, value in {**right(Experiment()), **change}.items() if value is not None}
    with pytest.raises((ValueError, TypeError), match=words):
        checked(Experiment(), gradients)
