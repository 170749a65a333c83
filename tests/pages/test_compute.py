"""Results that all sessions share: right ones for everyone, however many ask at once, and never more than are kept."""

import gc
import threading
import time
import types
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from mlp.differences.networks import loss_gradients
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from mlp.report.numbers import duration
from pages.ui import bugs, compute

SMALL = Experiment(sizes=(3, 4, 2), batch=2)


def seed_of(experiment, *_):
    return experiment.seed


class Place:
    """What of a place on the page is used here; may raise at a text, as Streamlit does when there is a new input."""

    def __init__(self, refuses=None):
        self.shown, self._refuses = [], refuses

    def progress(self, _done, text):
        self.shown.append(text)
        if self._refuses and self._refuses in text:
            raise InterruptedError(text)
        return self

    def empty(self):
        time.sleep(0.01)  # as long as it may take: whoever is next must find the result by now
        self.shown.append("")


def test_many_sessions_at_once_get_their_own_results_and_no_error(monkeypatch):
    monkeypatch.setattr(compute.st, "empty", nullcontext)
    results, errors = compute.Kept(), []

    def visit(first):
        try:
            for k in range(2_000):
                experiment = Experiment(seed=(first + 7 * k) % 97)
                assert compute._remembered(results, experiment, seed_of, 0) == experiment.seed
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=visit, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_large_computations_run_one_at_a_time_and_who_waits_for_the_same_gets_the_same(monkeypatch):
    """Four ask for two results at once: both are computed once, and never both at a time."""
    monkeypatch.setattr(compute, "LOOK_EVERY", 0.001)
    places = threading.local()
    monkeypatch.setattr(compute.st, "empty", lambda: places.mine)
    results, computed, waited, running = compute.Kept(), [], [], []

    def slow(experiment, progress):
        running.append(experiment.seed)
        time.sleep(0.05)
        progress(1.0)
        computed.append((experiment.seed, len(running)))
        running.pop()
        return experiment.seed + 1

    def visit(seed):
        places.mine = Place()
        assert compute._remembered(results, Experiment(seed=seed), slow, compute.QUICK) == seed + 1
        waited.append(any("Another visitor's" in text for text in places.mine.shown))
        assert places.mine.shown[-1] == ""  # the bar has gone

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in (0, 0, 1, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(computed) == [(0, 1), (1, 1)]
    assert sorted(waited) == [False, True, True, True]


@pytest.mark.parametrize("text", ["Another visitor's", "takes about"])
def test_a_new_input_ends_waiting_and_work_and_the_next_has_its_turn(monkeypatch, text):
    monkeypatch.setattr(compute, "LOOK_EVERY", 0.001)
    place = Place(refuses=text)
    monkeypatch.setattr(compute.st, "empty", lambda: place)
    if text == "Another visitor's":
        with compute._turn(Place()), pytest.raises(InterruptedError):
            compute._remembered(compute.Kept(), Experiment(), seed_of, compute.QUICK)
    else:
        with pytest.raises(InterruptedError):
            compute._remembered(compute.Kept(), Experiment(), seed_of, compute.QUICK)
    assert compute._LARGE.acquire(blocking=False)
    compute._LARGE.release()


def test_the_first_page_says_how_long_the_check_took(open_page):
    app = open_page(seed="11")
    [shown] = [metric.value for metric in app.metric if metric.label == "Checked in"]
    assert shown == duration(compute.checked(Experiment(seed=11)).seconds)


def test_the_progress_of_two_checks_runs_from_nothing_to_all_without_a_step_back():
    experiment, moments = Experiment(), []
    compute._refer(experiment, moments.append)
    assert moments == sorted(moments)
    # The first check ends at its share of the work, and the second begins there.
    share = experiment.work / (experiment.work + compute._by_complex_step(experiment).work)
    assert share in moments
    assert moments[-1] == 1


@pytest.mark.parametrize(("work", "texts"), [(compute.QUICK - 1, set()), (10_000_000_000, {"takes about 5 s"})])
def test_only_what_takes_a_while_is_announced(monkeypatch, work, texts):
    place = Place()
    monkeypatch.setattr(compute.st, "empty", lambda: place)
    monkeypatch.setattr(compute, "available_cores", lambda: 2)
    assert compute._remembered(compute.Kept(), Experiment(seed=4), seed_of, work) == 4
    assert {text.removeprefix("Checking 355 parameters ") for text in place.shown if text} == texts


SHARED = {
    "checked": lambda: compute.checked(SMALL),
    "references": lambda: compute.references(SMALL),
    "first sample": lambda: compute.first_sample(SMALL),
    "traced": lambda: compute.traced(SMALL),
    "flow": lambda: compute.flow(SMALL),
    "swept": lambda: compute.swept(SMALL, "fc1.W"),
    "numerical by step": lambda: compute.numerical_by_step(SMALL, "fc1.W"),
    "diagnosed": lambda: bugs.diagnosed("derivative missing", SMALL, "activation_fn1"),
}


@pytest.mark.parametrize("name", SHARED)
def test_no_session_can_change_what_it_shares_with_others(name):
    """Followed through every attribute by the garbage collector's own knowledge of what refers to what."""
    todo, seen, arrays = [SHARED[name]()], set(), []
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, type | types.FunctionType | types.ModuleType):
            continue
        seen.add(id(value))
        arrays += [value] if isinstance(value, np.ndarray) else []
        todo += gc.get_referents(value)
    assert arrays
    assert not [array for array in arrays if array.flags.writeable]


def test_the_latest_results_are_kept_within_their_bytes(monkeypatch):
    monkeypatch.setattr(compute, "MAX_BYTES", 100)
    kept, experiments = compute.Kept(), [Experiment(seed=seed) for seed in range(4)]
    for experiment, numbers in zip(experiments, (4, 5, 6, 6), strict=True):  # 32, 40, 48 and 48 bytes
        kept.add(experiment, [np.zeros(numbers)])
    assert [kept.get(experiment) is not None for experiment in experiments] == [False, False, True, True]
    assert kept.bytes == 96
    kept.add(experiments[2], [np.zeros(5)])  # the same again, smaller
    assert kept.bytes == 88
    kept.add(experiments[0], [np.zeros(1000)])  # larger than there is room for, and what is on a page now
    assert [kept.get(experiment) is not None for experiment in experiments] == [True, False, False, False]
    assert kept.bytes == 8000


def test_two_passes_are_the_same_for_every_step_and_method():
    passes = compute.traced(SMALL)
    assert compute.traced(replace(SMALL, eps=1e-2, method="forward")) is passes
    assert compute.traced(replace(SMALL, seed=1)) is not passes


def test_the_gradient_by_every_step_is_that_of_the_method_whatever_the_step():
    forward = replace(SMALL, method="forward")
    by_step = compute.numerical_by_step(forward, "fc1.W")
    expected = [loss_gradients(*SMALL.problem(), eps, "forward")["fc1.W"] for eps in EPS_STEPS]
    np.testing.assert_array_equal(by_step, expected)
    assert compute.numerical_by_step(replace(forward, eps=1e-2), "fc1.W") is by_step


def test_a_slider_moved_through_all_its_steps_computes_nothing_twice():
    results = [compute.checked(Experiment(eps=eps)) for eps in (*EPS_STEPS, *EPS_STEPS)]
    assert len({id(result) for result in results}) == len(EPS_STEPS)


@pytest.mark.parametrize("excess", [0, 1])
def test_the_gradient_by_every_step_is_left_out_where_all_steps_together_are_no_longer_quick(monkeypatch, excess):
    monkeypatch.setattr(compute, "QUICK", len(EPS_STEPS) * SMALL.work - excess)
    assert (compute.numerical_by_step(SMALL, "fc1.W") is None) == bool(excess)


def test_what_is_quick_and_what_is_kept():
    assert compute.QUICK == 0.4e9, "ns: a bar that is over sooner cannot be read"
    assert compute.MAX_BYTES == 200e6, "of each kind of result: five of the largest networks'"
    assert Experiment().work < compute.QUICK / 10


def test_a_loss_is_looked_at_with_the_first_sample_or_the_only_one():
    for batch in (1, 3):
        problem = Experiment(seed=3, batch=batch).problem()
        y, target = problem.network.apply(problem.x), problem.target
        shown = compute.first_sample(Experiment(seed=3, batch=batch))
        np.testing.assert_array_equal(shown["loss_y"], y if batch == 1 else y[0])
        np.testing.assert_array_equal(shown["loss_t"], target if batch == 1 else target[0])
