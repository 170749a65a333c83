"""A bug on show: planted in the network of an experiment, or in the nearest one that has a place for it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.isolated_layer import said
from mlp.check.gallery.bug import Bug, places, plant
from mlp.check.report import GradientReport
from mlp.check.verdict import Verdict
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import format_setting
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.arrays import Array
from mlp.nn.losses import LOSSES
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, Problem

# Where a bug needs a batch, or a layer of some shape, these have it: one square layer between two oblong ones.
BATCH = 4
SIZES = (3, 5, 5, 2)

# Nanoseconds of one core, as Experiment.work: what is more takes longer than somebody who leafs through a gallery
# waits. With the diagnosis it is about two seconds.
MAX_WORK = 50_000_000


class FittingExperiment(NamedTuple):
    """A bug with an experiment that has a place for it.

    Attributes:
        bug: the bug.
        experiment: the experiment that was asked for, or the nearest one in which the bug fits.
        places: where in its network the bug can be planted, never empty.
        changes: the settings that had to change, each as "batch 4 instead of 1".
    """

    bug: Bug
    experiment: Experiment
    places: tuple[str, ...]
    changes: tuple[str, ...]


def within_reach(experiment: Experiment) -> Experiment:
    """The experiment, or the same with small layers if it would take long to check, and if need be a small batch."""
    smaller = (experiment, experiment.changed(sizes=SIZES), experiment.changed(sizes=SIZES, batch=BATCH))
    return next(each for each in smaller if each.work <= MAX_WORK)


def fitting_experiment(bug: Bug, experiment: Experiment) -> FittingExperiment:
    """Find the experiment in which the bug fits by changing as few settings of the given one as possible.

    Raises:
        ValueError: it fits in none of them.
    """
    for variant in _variants(bug, within_reach(experiment)):
        network, loss, x, _ = variant.problem()
        found = places(bug, network, loss, x)
        if found:
            return FittingExperiment(bug, variant, found, changes(experiment, variant))
    raise ValueError(f"There is no place for {bug.name!r} in any network tried.")


def changes(asked: Experiment, shown: Experiment) -> tuple[str, ...]:
    """The settings in which two experiments differ, each as "batch 4 instead of 1"."""
    before, after = asked.settings(), shown.settings()
    return tuple(
        f"{key} {format_setting(after[key])} instead of {format_setting(before[key])}"
        for key in before
        if after[key] != before[key]
    )


def why_not(bug: Bug, asked: Experiment, shown: Experiment) -> tuple[str, ...]:
    """Why a bug is shown in another experiment than the one asked for, each as what follows "the network".

    Args:
        bug: the bug.
        asked: the experiment that was asked for.
        shown: the one of its `fitting_experiment`.
    """
    if within_reach(asked) != asked:
        return ("is too large to check at a glance",)
    kinds = " or ".join(kind.__name__ for kind in bug.replaces)
    reasons = {
        "activation": f"has no {kinds}, which alone can have this bug",
        "loss": f"has no {kinds}, which alone can have this bug",
        "batch": "has a single sample, and this bug shows in a batch only",
        "sizes": "has no layer of a shape in which this bug shows",
    }
    before, after = asked.settings(), shown.settings()
    return tuple(reason for key, reason in reasons.items() if before[key] != after[key])


def planted(bug: Bug, problem: Problem[Sequential], place: str) -> Problem[Sequential]:
    """The problem with the bug in its network or loss."""
    infected = plant(bug, problem.network, problem.loss, place)
    return problem._replace(network=infected.network, loss=infected.loss)


def gradients(problem: Problem[Sequential]) -> Mapping[str, Array]:
    """What backward says by tensor, after a forward on another input, as in a check; of copies, so nothing is kept."""
    with np.errstate(all="ignore"):
        return said(*problem)


def change(wrong: Mapping[str, Array], right: Mapping[str, Array]) -> float:
    """The largest difference of any tensor, as a part of that tensor's largest entry; infinite for another shape."""
    return max(_relative(wrong.get(name), gradient) for name, gradient in right.items())


def clearest_tensor(report: GradientReport, layers: Sequence[str], place: str) -> str:
    """The tensor that shows a bug best: the first wrong one on the way back from the bug, weights before biases.

    Args:
        report: the check of the network that has the bug.
        layers: the names of the network's layers in order.
        place: the name of the layer that has the bug, or "loss".
    """
    behind = layers[: layers.index(place) + 1] if place in layers else layers
    for layer in reversed(behind):
        for name in (name for name in report if name.startswith(f"{layer}.")):
            if report[name].verdict is Verdict.WRONG:
                return name
    return INPUT if report[INPUT].verdict is Verdict.WRONG else report.worst.name


def _variants(bug: Bug, experiment: Experiment) -> Iterator[Experiment]:
    """The experiment, then with one setting changed, then with two, and so on."""
    settings: dict[str, object] = {"batch": BATCH}
    for key, registry in (("activation", ACTIVATIONS), ("loss", LOSSES)):
        replaced = [name for name, kind in registry.items() if issubclass(kind, bug.replaces)]
        settings |= {key: replaced[0]} if replaced else {}
    settings["sizes"] = SIZES
    for count in range(len(settings) + 1):
        for keys in combinations(settings, count):
            variant = experiment.changed(**{key: settings[key] for key in keys})
            if variant.work <= MAX_WORK:
                yield variant


def _relative(wrong: Array | None, right: Array) -> float:
    if wrong is None or wrong.shape != right.shape or not np.isfinite(wrong).all():
        return np.inf
    difference, size = (float(np.max(np.abs(values), initial=0.0)) for values in (wrong - right, right))
    return difference / size if size else (np.inf if difference else 0.0)
