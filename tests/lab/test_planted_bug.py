"""Every bug of the gallery finds a network in which it fits, as near to the one asked for as can be."""

from dataclasses import replace

import numpy as np
import pytest

from mlp import METHODS, Verdict, check_gradients
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import places
from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.differences.methods import CENTRAL
from mlp.lab.experiment import MAX_BATCH, Experiment
from mlp.lab.planted_bug import (
    MAX_WORK,
    SIZES,
    change,
    changes,
    clearest_tensor,
    fitting_experiment,
    gradients,
    planted,
    why_not,
    within_reach,
)

LARGE = Experiment((100, 400, 100), batch=8)
EXPERIMENTS = [Experiment(), Experiment((2, 5)), Experiment((3, 4, 4, 2), "ReLU", "CrossEntropyLoss", batch=5), LARGE]
EXPERIMENTS += [Experiment((2, 5, 2), data="moons"), Experiment((4, 300, 300, 3), batch=9, data="Iris")]

every_bug = pytest.mark.parametrize("bug", GALLERY.values(), ids=GALLERY)


def test_the_large_one_is_large():
    assert LARGE.work > MAX_WORK


@pytest.mark.one_in(3)
@every_bug
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: "-".join(map(str, e.sizes)))
def test_every_bug_has_a_place_in_a_network_that_is_quickly_checked(bug, experiment):
    shown = fitting_experiment(bug, experiment)
    network, loss, x, _ = shown.experiment.problem()
    assert shown.places == places(bug, network, loss, x) != ()
    assert shown.experiment.work <= MAX_WORK
    assert (shown.experiment == experiment) == (shown.changes == ())


@every_bug
def test_a_network_that_has_a_place_is_left_as_it_is(bug):
    experiment = Experiment((4, 6, 6, 3), seed=5, batch=3)
    network, loss, x, _ = experiment.problem()
    if places(bug, network, loss, x):
        assert fitting_experiment(bug, experiment).experiment == experiment
    else:  # it belongs to another activation or loss, which is all that changes
        assert [text.split()[0] in {"activation", "loss"} for text in fitting_experiment(bug, experiment).changes] == [
            True
        ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("derivative missing", ()),
        ("bias not summed", ("batch 4 instead of 1",)),
        ("not clipped", ("loss HuberLoss instead of MSELoss",)),
        ("leak forgotten", ("activation LeakyReLU instead of Tanh",)),
        ("output kept for input", ("sizes 3-5-5-2 instead of 2-10-20-5",)),
        ("batch mean forgotten", ("loss CrossEntropyLoss instead of MSELoss", "batch 4 instead of 1")),
    ],
)
def test_no_more_is_changed_than_the_bug_needs(name, expected):
    shown = fitting_experiment(GALLERY[name], Experiment())
    assert set(shown.changes) == set(expected)


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("derivative missing", []),
        ("bias not summed", ["single sample"]),
        ("not clipped", ["no HuberLoss"]),
        ("mask the wrong way round", ["no ReLU or LeakyReLU"]),
        ("output kept for input", ["shape"]),
        ("batch mean forgotten", ["no CrossEntropyLoss", "single sample"]),
    ],
)
def test_the_reason_why_a_bug_has_no_place_is_what_was_changed(name, reasons):
    bug = GALLERY[name]
    given = why_not(bug, Experiment(), fitting_experiment(bug, Experiment()).experiment)
    assert len(given) == len(reasons)
    assert all(words in reason for words, reason in zip(reasons, given, strict=True))


def test_a_network_that_is_too_large_is_told_so_first():
    bug = GALLERY["not clipped"]
    assert why_not(bug, LARGE, fitting_experiment(bug, LARGE).experiment) == ("is too large to check at a glance",)


def test_a_large_experiment_gets_small_layers_and_keeps_the_rest():
    small = within_reach(LARGE)
    assert changes(LARGE, small) == ("sizes 3-5-5-2 instead of 100-400-100",)
    assert within_reach(Experiment()) == Experiment()
    assert within_reach(small) == small


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", [1, 300, MAX_BATCH])
def test_the_batch_is_kept_where_small_layers_are_enough(method, batch):
    asked = Experiment((30, 20, 10), batch=batch, method=method)
    small = within_reach(asked)
    assert small.work <= MAX_WORK
    kept = replace(asked, sizes=SIZES)
    assert small == (asked if asked.work <= MAX_WORK else kept if kept.work <= MAX_WORK else replace(kept, batch=4))


def test_change_is_relative_to_the_tensor():
    right = {"fc1.W": np.array([[4.0, -8.0]]), "x": np.zeros(2)}
    assert change(right, right) == 0
    assert change({**right, "fc1.W": np.array([[4.0, -6.0]])}, right) == 0.25
    assert change({**right, "x": np.array([0, 1e-300])}, right) == np.inf
    assert change({**right, "fc1.W": np.array([4.0, -8.0])}, right) == np.inf
    assert change({**right, "fc1.W": np.array([[4.0, np.nan]])}, right) == np.inf
    assert change({"x": np.zeros(2)}, right) == np.inf


@pytest.mark.parametrize(
    ("name", "place", "expected"),
    [
        ("minus in the gradient", "fc2", "fc2.W"),
        ("a sign too many", "activation_fn2", "fc2.W"),
        ("nothing passed on", "fc3", "fc2.W"),
        ("nothing passed on", "fc1", "x"),
        ("target minus output", "loss", "fc3.W"),
    ],
)
def test_the_most_telling_tensor_is_the_first_one_that_the_bug_reaches(name, place, expected):
    problem = Experiment().problem()
    report = check_gradients(*planted(GALLERY[name], problem, place))
    assert clearest_tensor(report, tuple(problem.network.layers), place) == expected
    assert report[expected].verdict is Verdict.WRONG


def test_of_a_bug_in_several_layers_the_last_one_shows_it_best():
    problem = Experiment().problem()
    layers = tuple(problem.network.layers)
    for place in ("fc1", "fc2"):
        problem = planted(GALLERY["minus in the gradient"], problem, place)
    assert clearest_tensor(check_gradients(*problem), layers, "fc2") == "fc2.W"


def test_a_tensor_that_cannot_be_told_is_not_the_most_telling_one():
    def check(name, difference, bar):
        bars = np.full(1, bar)
        return TensorCheck(name, np.ones(1), np.ones(1) + difference, bars, 0 * bars, 0 * bars, np.zeros(1, bool))

    checks = {"fc1.W": check("fc1.W", 1.0, 1e-6), "fc2.W": check("fc2.W", 1.0, 10.0), "x": check("x", 1.0, 1e-6)}
    assert checks["fc2.W"].verdict is Verdict.CANNOT_TELL
    report = GradientReport(checks, 1.0, 1e-4, CENTRAL)
    assert clearest_tensor(report, ("fc1", "fc2"), "fc2") == "fc1.W"
    # What lies after the bug's layer is no sign of it, the input's gradient is; without that, the worst tensor is left.
    after = {"fc1.W": check("fc1.W", 0.0, 1e-6), "fc2.W": check("fc2.W", 2.0, 1e-6)}
    for difference, expected in ((1.0, "x"), (0.0, "fc2.W")):
        report = GradientReport({**after, "x": check("x", difference, 1e-6)}, 1.0, 1e-4, CENTRAL)
        assert clearest_tensor(report, ("fc1", "fc2"), "fc1") == expected


def test_gradients_are_those_of_the_check_and_leave_no_trace():
    problem = planted(GALLERY["input kept from the first forward"], Experiment().problem(), "fc2")
    said = gradients(problem)
    report = check_gradients(*problem)
    for name, check in report.items():
        np.testing.assert_array_equal(said[name], check.analytical)
