"""Every bug of the gallery, planted in random networks, is found, and the diagnosis names its layer and its pattern."""

import pickle
from functools import cache
from itertools import islice

import numpy as np
import pytest

from mlp import (
    ACTIVATIONS,
    LOSSES,
    HuberLoss,
    Sequential,
    Verdict,
    check_gradients,
    dense_layers,
    he,
    standard_normal,
)
from mlp.check.gallery import GALLERY, groups
from mlp.check.gallery.bug import places, plant
from tests.check.networks import random_problem


def planted_in(bug, seeds):
    """Random networks with the bug planted in them somewhere, each by its seed."""
    for seed in seeds:
        rng = np.random.RandomState(seed)
        network, scaled, x, target = random_problem(seed, scaled=False)
        loss = scaled.inner
        fitting = places(bug, network, loss, x)
        if fitting:
            yield seed, plant(bug, network, loss, fitting[rng.randint(len(fitting))]), x, target


def changes_something(report, right):
    """Whether the bug shows: in a number beyond rounding, or in what the code does."""
    if any(remark.is_fault for remark in report.remarks):
        return True
    return any(
        not np.allclose(check.analytical, right[name].analytical, rtol=1e-9, atol=1e-12 * _largest(right[name]))
        for name, check in report.items()
    )


def _largest(check):
    return np.max(np.abs(check.analytical))


@cache
def right_report(seed):
    """The report on the right network of this seed, the same for every bug."""
    network, scaled, x, target = random_problem(seed, scaled=False)
    return check_gradients(network, scaled.inner, x, target)


def diagnosed(bugs, seeds):
    """For each pair in which the bug changes something: whether layer and pattern are named right, and a label."""
    for bug in bugs:
        for seed, planted, x, target in planted_in(bug, seeds):
            report = check_gradients(planted.network, planted.loss, x, target)
            if changes_something(report, right_report(seed)):
                first = report.diagnosis[0] if report.diagnosis else None
                right = first is not None and (first.layer, first.pattern) == (planted.layer, bug.pattern)
                yield right, f"{bug.name}, seed {seed}: {first and (first.layer, first.pattern)}"


def test_there_are_enough_bugs_of_every_kind():
    assert len(GALLERY) >= 24
    kinds = [{kind.__name__ for kind in bug.replaces} for bug in GALLERY.values()]
    assert {"Linear", "Activation", *LOSSES} <= set.union(*kinds)
    assert {bug.pattern for bug in GALLERY.values()} >= {
        "zero gradient",
        "sign flipped",
        "constant factor",
        "transposed",
        "rows or columns permuted",
        "bias not summed over the batch",
        "derivative missing",
        "derivative at the wrong place",
        "derivative doubled",
        "ingredient changed",
        "W already updated",
        "stale cache",
        "dy ignored",
        "entry, row or column wrong",
        "diagonal taken for the Jacobian",
    }


@pytest.mark.parametrize("bug", GALLERY.values(), ids=lambda bug: bug.name)
def test_a_bug_tells_its_story_and_shows_its_line(bug):
    assert bug.story.endswith(".")
    assert bug.wrong != bug.right
    assert bug.wrong
    assert bug.right


@pytest.mark.one_in(3)
@pytest.mark.parametrize("first", range(3))
def test_layer_and_pattern_are_named_in_the_first_network_that_shows_the_bug(first):
    bugs = list(GALLERY.values())[first::3]
    found = [one for bug in bugs for one in islice(diagnosed([bug], range(6)), 1)]
    assert len(found) >= len(bugs) - 2  # the others need an activation or loss that none of the six has
    assert [label for right, label in found if not right] == []


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(1_000, 1_040, 10))
def test_layer_and_pattern_are_named_on_40_networks(start):
    results = list(diagnosed(GALLERY.values(), range(start, start + 10)))
    missed = [label for right, label in results if not right]
    assert len(missed) <= 0.05 * len(results), missed


def roomy(bug):
    """A network in which this bug has room to show: batch, square and oblong layers, large errors, both signs."""
    rng = np.random.RandomState(7)
    loss = next((kind for kind in LOSSES.values() if kind in bug.replaces), HuberLoss)
    activation = next((kind for kind in ACTIVATIONS.values() if kind in bug.replaces), ACTIVATIONS["Sigmoid"])
    network = Sequential(**dense_layers((4, 5, 5, 3), activation, rng, he))
    x, target = rng.standard_normal((6, 4)), loss.random_target(rng, (6, 3))
    return network, loss(), x, target if loss is not HuberLoss else 3 * target


def at_places():
    """Each bug in one of its places, another one from bug to bug; in the others in the nightly run."""
    for turn, bug in enumerate(GALLERY.values()):
        fitting = places(bug, *roomy(bug)[:3])
        assert fitting
        for k, place in enumerate(fitting):
            marks = () if k == turn % len(fitting) else pytest.mark.nightly
            yield pytest.param(bug, place, id=f"{bug.name}-{place}", marks=marks)


@pytest.mark.one_in(4)
@pytest.mark.parametrize(("bug", "place"), [*at_places()])
def test_every_bug_is_found_wherever_there_is_room_for_it_and_leaves_the_right_network_right(bug, place):
    network, loss, x, target = roomy(bug)
    planted = plant(bug, network, loss, place)
    # As a cache of the dashboard keeps it: whoever takes it out asks for its diagnosis.
    report = pickle.loads(pickle.dumps(check_gradients(planted.network, planted.loss, x, target)))
    assert report.verdict is Verdict.WRONG
    first = report.diagnosis[0]
    assert (first.layer, first.pattern) == (place, bug.pattern), first.sentence
    assert first.sentence == report.summary
    assert {finding.layer for finding in report.diagnosis} == {place}  # its victims are not blamed
    assert check_gradients(network, loss, x, target).passed


@pytest.mark.one_in(3)
@pytest.mark.parametrize("initialisation", [he, standard_normal])
@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_right_network_is_never_diagnosed(activation, loss, initialisation):
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers((3, 5, 5, 4), activation, rng, initialisation))
    x, target = rng.standard_normal((6, 3)), loss.random_target(rng, (6, 4))
    report = check_gradients(network, loss(), x, target)
    assert report.verdict is not Verdict.WRONG
    assert report.diagnosis == ()
    assert report.diagnose(report) == ()  # nor would it be if somebody asked all the same


def test_every_bug_stands_in_one_group_beside_everything():
    everything, *several = groups().values()
    assert everything == [name for group in several for name in group] == list(GALLERY)
    assert all(several)
