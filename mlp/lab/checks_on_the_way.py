"""A gradient check at several steps of a training run: how error bars, kinks and dead units change on the way."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mlp.check.check import check_gradients
from mlp.check.verdict import Verdict
from mlp.lab.dataset import Dataset
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training import Training
from mlp.lab.training_run import EVALUATED, Run
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.layers import Activation

CHECKS = 12
FLAT = 0.01
"""Where the slope of an activation is below this, hardly any gradient comes through."""


class Moment(NamedTuple):
    """A run at one step, on the mini-batch of the next one.

    Attributes:
        step: how many steps have been taken.
        wrong, undecided, kinked: the parts of all entries, parameters and input, that the check calls wrong, that it
            cannot tell, and whose step crosses a kink.
        error_bar: the median of the entries' error bars.
        flat: the part of the hidden units' outputs for all training rows at which the slope is below FLAT.
        dead: the part of the hidden units whose slope is 0 for every training row.
    """

    step: int
    wrong: float
    undecided: float
    kinked: float
    error_bar: float
    flat: float
    dead: float


def moments(training: Training, data: Dataset, last: int, eps: float, method: str) -> Iterator[Moment]:
    """Take the run anew from its start, and check it at CHECKS steps, evenly spread up to `last`, or where it ends.

    Args:
        training: its settings.
        data: what it trains on.
        last: the last step to be checked, 0 or more.
        eps: the step of the numerical gradients.
        method: the name of their method in METHODS.
    """
    run = Run(training, data if training.data == UPLOAD else None)
    for step in np.unique(np.linspace(0, last, CHECKS).round().astype(int)):
        run.advance(int(step) - run.step)
        if run.ended:
            return
        yield _moment(run, eps, method)


def _moment(run: Run, eps: float, method: str) -> Moment:
    checks = check_gradients(*run.problem(), eps, method).values()
    total = sum(check.analytical.size for check in checks)
    parts = {verdict: sum(check.counts[verdict] for check in checks) / total for verdict in Verdict}
    bars = np.concatenate([check.error_bar.ravel() for check in checks])
    slopes = _slopes(run)
    return Moment(
        run.step,
        parts[Verdict.WRONG],
        parts[Verdict.CANNOT_TELL],
        parts[Verdict.KINK_CROSSED],
        float(np.median(bars)),
        float(np.mean(np.abs(slopes) < FLAT)) if slopes.size else 0.0,
        float(np.mean(np.all(slopes == 0, axis=0))) if slopes.size else 0.0,
    )


def _slopes(run: Run) -> np.ndarray:
    """The slope of every hidden unit's activation for every training row that is evaluated, shape (rows, units)."""
    right = ACTIVATIONS[run.training.experiment.activation]
    y = run.data.x[:EVALUATED]
    slopes = [np.empty((len(y), 0))]
    for layer in run.network.layers.values():
        if isinstance(layer, Activation):
            slopes.append(right.derivative(y))
        y = layer.apply(y)
    return np.concatenate(slopes, axis=1)
