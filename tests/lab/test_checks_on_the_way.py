"""The checks on the way are those of the run itself at these steps; flat outputs and dead units are counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from mlp.check.check import check_gradients
from mlp.check.verdict import Verdict
from mlp.lab.checks_on_the_way import CHECKS, FLAT, moments
from mlp.lab.experiment import Experiment
from mlp.lab.training import Training
from mlp.lab.training_run import Run
from mlp.nn.activations import SiLU

SETTINGS = Training(Experiment((2, 5, 4, 2), "ReLU", seed=1), "moons", "SGD", 0.01, 50, 8, "minus in the gradient")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("last", [0, 3, 50])
def test_each_moment_is_a_check_of_the_run_at_its_step(last):
    taken = list(moments(SETTINGS, SETTINGS.dataset(), last, 1e-3, "forward"))
    steps = [moment.step for moment in taken]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1], len(steps)) == (0, last, min(CHECKS, last + 1))
    for moment in taken:
        run = Run(SETTINGS)
        run.advance(moment.step)
        checks = check_gradients(*run.problem(), 1e-3, "forward").values()
        verdicts = np.concatenate([check.verdicts.ravel() for check in checks])
        for part, verdict in (
            (moment.wrong, Verdict.WRONG),
            (moment.undecided, Verdict.CANNOT_TELL),
            (moment.kinked, Verdict.KINK_CROSSED),
        ):
            assert part == np.sum(verdicts == verdict) / verdicts.size
        assert moment.error_bar == np.median(np.concatenate([check.error_bar.ravel() for check in checks]))
    assert taken[0].wrong > 0


def test_a_dead_unit_is_flat_for_every_row_and_a_saturated_one_hardly_moves():
    run = Run(SETTINGS)
    network, x = run.network, run.data.x
    z1 = x @ network.fc1.W.T + network.fc1.b
    z2 = np.maximum(z1, 0) @ network.fc2.W.T + network.fc2.b
    z = np.hstack([z1, z2])
    [moment] = moments(SETTINGS, SETTINGS.dataset(), 0, 1e-4, "central")
    assert moment.flat == np.mean(z <= 0)
    assert moment.dead == np.mean(np.all(z <= 0, axis=0))
    tanh = replace(SETTINGS, experiment=Experiment((2, 5, 4, 2), seed=1))
    [moment] = moments(tanh, tanh.dataset(), 0, 1e-4, "central")
    y1 = np.tanh(z1)
    y2 = np.tanh(y1 @ network.fc2.W.T + network.fc2.b)
    assert moment.flat == np.mean(1 - np.hstack([y1, y2]) ** 2 < FLAT)
    assert 0 < moment.flat < 1
    assert moment.dead == 0


def test_a_slope_below_zero_is_no_flat_one():
    silu = replace(SETTINGS, experiment=Experiment((2, 5, 2), "SiLU", seed=1))
    run = Run(silu)
    slopes = SiLU.derivative(run.data.x @ run.network.fc1.W.T + run.network.fc1.b)
    assert slopes.min() < -FLAT
    [moment] = moments(silu, silu.dataset(), 0, 1e-4, "central")
    assert moment.flat == np.mean(np.abs(slopes) < FLAT)


def test_a_network_without_hidden_units_has_none_that_are_flat():
    settings = replace(SETTINGS, experiment=Experiment((2, 2)))
    [moment] = moments(settings, settings.dataset(), 0, 1e-4, "central")
    assert (moment.flat, moment.dead) == (0.0, 0.0)


def test_a_run_that_ends_is_checked_up_to_there():
    settings = replace(SETTINGS, rate=1000.0)
    taken = list(moments(settings, settings.dataset(), 50, 1e-4, "central"))
    run = Run(settings)
    run.advance(50)
    assert run.ended
    assert 0 < len(taken) < CHECKS
