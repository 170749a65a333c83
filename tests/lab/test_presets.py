"""Each preset shows what its sentence says."""

from dataclasses import replace

import numpy as np
import pytest

from mlp.check.check import check_gradients
from mlp.check.verdict import Verdict
from mlp.lab.experiment import MAX_BATCH, Experiment
from mlp.lab.presets import PRESETS
from mlp.lab.settings_text import EPS_STEPS


def report_of(experiment):
    return check_gradients(*experiment.problem(), experiment.eps, experiment.method)


@pytest.fixture
def reports():
    return {name: report_of(preset.experiment) for name, preset in PRESETS.items()}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_within_reach_of_the_sidebar_and_says_what_it_shows(name):
    experiment, shows = PRESETS[name]
    assert experiment.eps in EPS_STEPS
    assert experiment.batch <= MAX_BATCH
    assert shows[0].isupper()
    assert shows.endswith(".")


def test_no_two_presets_are_the_same():
    assert len({preset.experiment for preset in PRESETS.values()}) == len(PRESETS)
    assert len({preset.shows for preset in PRESETS.values()}) == len(PRESETS)


def test_the_exercise_is_the_default():
    assert next(iter(PRESETS)) == "The exercise"
    assert PRESETS["The exercise"].experiment == Experiment()


def test_error_bars_see_that_all_is_right_where_fixed_tolerances_do_not(reports):
    assert not [name for name, report in reports.items() if report.verdict is Verdict.WRONG]
    assert {name for name, report in reports.items() if not report.passed} == {"Epsilon too large"}
    rejected = {
        name
        for name, report in reports.items()
        if not all(check.judgements["np.allclose"].accepted for check in report.values())
    }
    assert rejected == {"Epsilon too small", "Epsilon too large", "ReLU kink"}


def test_by_hand_has_one_unit_in_each_layer():
    problem = PRESETS["By hand (1-1-1)"].experiment.problem()
    assert {array.size for array in [*problem.network.parameters().values(), *problem[2:]]} == {1}


def test_gradients_shrink_with_every_layer_on_their_way_back(reports):
    report = reports["Deep and saturated (vanishing)"]
    sizes = [np.sqrt(np.mean(np.square(check.analytical))) for name, check in report.items() if name.endswith(".W")]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 100


@pytest.mark.parametrize("name", ["Epsilon too small", "Epsilon too large"])
def test_a_wrong_step_is_all_that_is_changed_from_the_exercise(name):
    experiment = PRESETS[name].experiment
    assert replace(experiment, eps=Experiment().eps) == Experiment()


def test_too_small_is_round_off_and_too_large_is_truncation():
    # A wrong step moved towards the right one by a factor of ten: both errors fall, each in its own direction.
    def worst(eps):
        return max(check.max_abs_difference for check in report_of(Experiment(eps=eps)).values())

    small, large = (PRESETS[name].experiment.eps for name in ("Epsilon too small", "Epsilon too large"))
    assert worst(10 * small) < worst(small)
    assert worst(large / 10) < worst(large)


def test_the_kink_is_crossed_by_the_step_and_not_by_a_smaller_one(reports):
    experiment = PRESETS["ReLU kink"].experiment
    network, _, x, _ = experiment.problem()
    moved = 0
    for name, tensor in network.parameters().items():
        for index in np.ndindex(tensor.shape):
            patterns = set()
            for sign in (1, -1):
                shifted = tensor.copy()
                shifted[index] += sign * experiment.eps
                varied = network.replaced(name, shifted)
                hidden = varied.fc1.apply(x)
                patterns.add((*(hidden > 0), *(varied.fc2.apply(np.maximum(hidden, 0)) > 0)))
            moved += len(patterns) > 1
    assert 0 < moved < experiment.parameters
    assert report_of(replace(experiment, eps=1e-5)).passed
    verdicts = {verdict for check in reports["ReLU kink"].values() for verdict in check.verdicts.flat}
    assert Verdict.KINK_CROSSED in verdicts
    assert Verdict.WRONG not in verdicts
