"""Training runs: settings refused in sentences, the same numbers however the steps are portioned, right and wrong."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mlp import OPTIMISERS, check_gradients
from mlp.check.gallery import GALLERY
from mlp.lab.dataset import split
from mlp.lab.datasets import DATASETS, dataset
from mlp.lab.experiment import RANDOM, Experiment, require_fit
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training import MAX_MINI_BATCH, MAX_RATE, MAX_STEPS, Training
from mlp.lab.training_run import EVALUATED, RECORDS, Run, fitting_bugs
from tests.comparing import U, assert_close, is_sentence

PLANE = Experiment((2, 16, 16, 2), loss="CrossEntropyLoss", initialisation="Glorot")
SPIRALS = Training(PLANE, "spirals", "momentum", 0.05, 600)


def fitting(name, loss="CrossEntropyLoss"):
    data = dataset(name, 0)
    loss = loss if data.is_classification else "MSELoss"
    return Experiment(data.fitting((1, 16, 16, 1)), loss=loss, initialisation="Glorot")


def finished(training, data=None):
    run = Run(training, data)
    run.advance(training.steps)
    return run


BAD = [
    (
        {"data": "clouds"},
        "data must be one of random, XOR, circles, moons, spirals, noisy curve, Iris, your own file, not",
    ),
    ({"optimiser": "sgd"}, "optimiser must be one of SGD, momentum, Adam, not 'sgd'."),
    ({"rate": 0}, "rate must be above 0 and at most 1000, not 0."),
    ({"rate": float("nan")}, "rate must be above 0 and at most 1000, not nan."),
    ({"rate": 1001.0}, "rate must be above 0 and at most 1000, not 1001.0."),
    ({"rate": "0.1"}, "rate must be above 0 and at most 1000, not '0.1'."),
    ({"rate": True}, "rate must be above 0 and at most 1000, not True."),
    ({"steps": 0}, "steps must be a whole number from 1 to 100,000, not 0."),
    ({"steps": 1e3}, "steps must be a whole number from 1 to 100,000, not 1000.0."),
    ({"steps": MAX_STEPS + 1}, "steps must be a whole number from 1 to 100,000, not 100001."),
    ({"mini_batch": 0}, "mini_batch must be a whole number from 1 to 1,000, not 0."),
    ({"mini_batch": 1001}, "mini_batch must be a whole number from 1 to 1,000, not 1001."),
    ({"bug": "a fly"}, "The gallery has no bug 'a fly'."),
    (
        {"experiment": Experiment((2, 600, 600, 2)), "steps": MAX_STEPS, "mini_batch": 1000},
        "Training 363,602 parameters for 100,000 steps of 1,000 rows takes 3.6e+13 operations; the limit is 2e+11.",
    ),
    (
        {"experiment": Experiment((2, 3, 5))},
        "The data have 2 features and 2 classes, so the layer sizes must begin with 2 and end with 2: 2-3-2 instead of",
    ),
    (
        {"experiment": Experiment((1, 3, 1), loss="BCEWithLogitsLoss"), "data": "noisy curve"},
        "BCEWithLogitsLoss is for classes, and here numbers are to be fitted: take MSELoss.",
    ),
]


@pytest.mark.parametrize(("settings", "message"), BAD, ids=lambda value: str(value)[:30])
def test_a_setting_out_of_range_is_refused_in_a_sentence(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as refusal:
        replace(SPIRALS, **settings)
    assert is_sentence(str(refusal.value))


def test_the_edges_of_every_range_are_allowed():
    for settings in (
        {"rate": 1e-300},
        {"rate": MAX_RATE},
        {"steps": 1},
        {"steps": MAX_STEPS},
        {"mini_batch": 1},
        {"mini_batch": MAX_MINI_BATCH},
    ):
        run = Run(replace(SPIRALS, **settings))
        run.advance(2)
        assert run.step == min(2, run.training.steps)


@pytest.mark.parametrize("training", [SPIRALS, replace(SPIRALS, bug="bias averaged"), Training(Experiment(), RANDOM)])
def test_settings_go_through_json_and_back(training):
    assert Training.from_settings(json.loads(json.dumps(training.settings()))) == training


@pytest.mark.parametrize("data", DATASETS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_steps_may_come_in_any_portions(data, optimiser):
    training = Training(fitting(data), data, optimiser, 0.01, 45, 50)
    whole, parts = finished(training), Run(training)
    for portion in (1, 0, 7, 30, 100):
        parts.advance(portion)
    assert whole.step == parts.step == 45
    assert whole.is_over
    assert parts.is_over
    np.testing.assert_equal(whole.history, parts.history)
    for name, parameter in whole.network.parameters().items():
        np.testing.assert_array_equal(parameter, parts.network.parameters()[name])


@pytest.mark.parametrize("data", DATASETS)
def test_every_data_set_is_learned(data):
    history = finished(Training(fitting(data), data, "momentum", 0.05, 1500)).history
    if DATASETS[data].is_classification:
        assert history["test accuracy"][-1] > 0.9
    else:
        # The noise of the target is 0.15 of 0.6; nothing can be fitted beyond it.
        assert history["test loss"][-1] < 0.1 < history["test loss"][0]


def test_the_exercises_own_numbers_are_learned_by_heart():
    run = finished(Training(Experiment(), RANDOM, steps=1000))
    problem = run.training.experiment.problem()
    np.testing.assert_array_equal(run.data.x[0], problem.x)
    np.testing.assert_array_equal(run.data.target[0], problem.target)
    assert_close(run.history["loss"][0], problem.value(), 4 * U, "the loss of one row is that of the sample")
    assert run.history["loss"][-1] < 1e-20
    assert set(run.history) == {"step", "loss", "gradient fc1", "gradient fc2", "gradient fc3"}


@pytest.mark.parametrize(("steps", "every"), [(1, 1), (RECORDS, 1), (RECORDS + 1, 2), (1010, 6)])
def test_recorded_are_the_first_step_the_last_one_and_steps_evenly_between(steps, every):
    run = finished(replace(SPIRALS, steps=steps))
    expected = sorted({*range(0, steps + 1, every), steps})
    assert run.history["step"] == expected
    assert {len(column) for column in run.history.values()} == {len(expected)}


def test_what_is_recorded_is_the_loss_and_accuracy_of_all_rows():
    run = Run(SPIRALS)
    run.advance(21)  # every third step is recorded
    data, history = run.data, run.history
    assert history["step"][-1] == 21
    for prefix, rows, labels in (("", data.x, data.target), ("test ", data.test_x, data.test_target)):
        y = run.network.apply(rows)
        assert history[f"{prefix}loss"][-1] == run.loss.apply(y, labels)
        assert history[f"{prefix}accuracy"][-1] == np.mean(np.argmax(y, axis=1) == np.argmax(labels, axis=1))
    run.advance()
    y = run.network.apply(data.x)
    assert run.measured()["loss"] == run.loss.apply(y, data.target) != history["loss"][-1]
    assert history["step"][-1] == 21


def test_norms_are_those_of_the_steps_gradients():
    run = Run(replace(SPIRALS, steps=5))
    inspected = [run.inspect() for _ in range(5)]
    for layer in ("fc1", "fc2", "fc3"):
        for norm, step in zip(run.history[f"gradient {layer}"][1:], inspected, strict=True):
            flat = np.concatenate([step.gradients[f"{layer}.{name}"].ravel() for name in "Wb"])
            assert_close(norm, np.linalg.norm(flat), flat.size * U)


def test_every_row_comes_once_an_epoch_in_another_order():
    training = replace(SPIRALS, mini_batch=100)
    run = Run(training)
    epochs = []
    for _ in range(2):
        rows = []
        for size in (100, 100, 100, 20):
            assert len(run.problem().x) == size
            rows.append(run.problem().x)
            run.advance()
        epochs.append(np.concatenate(rows))
    assert not np.array_equal(*epochs)
    for rows in epochs:
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(run.data.x, axis=0))


def test_a_step_of_gradient_descent_is_what_the_first_order_formula_says():
    run = Run(replace(SPIRALS, optimiser="SGD", rate=1e-6))
    step = run.inspect()
    assert step.step == run.step == 1
    # What remains is of second order: rate^2 g^T H g / 2, and no direction of this loss is more curved than 100.
    assert abs(step.predicted - step.loss_after) <= 1e-12 * step.gradient_norm**2 * 50
    assert_close(step.predicted, step.loss - 1e-6 * step.gradient_norm**2, 8 * U)
    assert_close(step.update_norm, 1e-6 * step.gradient_norm, 1e-8)
    assert step.loss_after < step.loss


def test_a_step_with_a_wrong_gradient_is_not_what_the_formula_says():
    right, wrong = (
        Run(replace(SPIRALS, optimiser="SGD", rate=1e-6, bug=bug)).inspect() for bug in ("", "minus in the gradient")
    )
    assert right.loss == wrong.loss
    missed = abs(wrong.predicted - wrong.loss_after)
    assert missed > 1e4 * abs(right.predicted - right.loss_after)
    assert missed > 0.5 * abs(wrong.predicted - wrong.loss)


def test_inspecting_is_advancing():
    inspected, advanced = Run(SPIRALS), Run(SPIRALS)
    for _ in range(10):
        inspected.inspect()
    advanced.advance(10)
    np.testing.assert_array_equal(inspected.network.layers["fc1"].W, advanced.network.layers["fc1"].W)
    over = finished(replace(SPIRALS, steps=1))
    with pytest.raises(RuntimeError, match="the run is over"):
        over.inspect()


@pytest.mark.parametrize("bug", ["", "input kept from the first forward", "updated too early"])
def test_a_check_on_the_way_disturbs_nothing(bug):
    checked, left = (Run(replace(SPIRALS, bug=bug, steps=10)) for _ in range(2))
    for _ in range(3):
        report = check_gradients(*checked.problem())
        checked.advance(3)
    assert report.passed == (not bug)
    left.advance(9)
    np.testing.assert_equal(checked.history, left.history)


def test_a_run_that_diverges_says_so_and_stands_where_all_is_finite():
    experiment = Experiment((1, 16, 16, 1), initialisation="Glorot")
    run = finished(Training(experiment, "noisy curve", "SGD", 100.0, 1010))
    found = re.fullmatch(
        r"The run diverged: after step (\d+) the loss is no finite number any more. What is shown is step (\d+). "
        r"Take a smaller rate.",
        run.ended,
    )
    assert is_sentence(run.ended)
    failed, shown = map(int, found.groups())
    assert run.step == shown == run.history["step"][-1]
    # Recorded is every sixth step; a run of fewer steps records every one, and a mini-batch may last one step longer.
    first = len(finished(Training(experiment, "noisy curve", "SGD", 100.0, RECORDS)).history["step"])
    assert shown <= first <= failed <= first + 1 < shown + 6
    assert run.is_over
    columns = [column[1:] for column in run.history.values()]
    assert np.all(np.isfinite(columns))
    assert run.history["loss"][-1] == run.loss.apply(run.network.apply(run.data.x), run.data.target)
    before = dict(run.history)
    run.advance(5)
    assert run.history == before
    assert Run(Training(experiment, "noisy curve", "SGD", 100.0, 1010)).ended == ""


def test_on_the_way_to_infinity_a_run_can_be_asked_at_every_step():
    experiment = Experiment((1, 16, 16, 1), initialisation="Glorot")
    run = Run(Training(experiment, "noisy curve", "SGD", 100.0, 1010))
    steps = 0
    while run.inspect() is not None:
        steps += 1
        assert run.measured()["step"] == steps
    assert "diverged" in run.ended
    assert run.measured()["loss"] == run.history["loss"][-1]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("loss", ["MSELoss", "CrossEntropyLoss"])
@pytest.mark.parametrize("bug", GALLERY)
def test_every_bug_runs_or_says_why_not(bug, loss):
    training = replace(SPIRALS, experiment=replace(PLANE, loss=loss), steps=25, bug=bug)
    if bug not in fitting_bugs(training, training.dataset()):
        with pytest.raises(
            ValueError, match=f"^The bug {re.escape(repr(bug))} has no place in this network"
        ) as refusal:
            Run(training)
        assert is_sentence(str(refusal.value))
        return
    run = finished(training)
    right = Run(replace(training, bug=""))
    assert run.history["loss"][0] == right.history["loss"][0]
    assert run.places
    assert run.is_over
    assert is_sentence(run.ended) if run.ended else run.step == 25
    assert np.all(np.isfinite([column[1:] for column in run.history.values()]))


def test_a_bug_is_in_every_layer_that_it_fits():
    assert Run(replace(SPIRALS, bug="minus in the gradient")).places == ("fc1", "fc2", "fc3")
    assert Run(replace(SPIRALS, bug="derivative missing")).places == ("activation_fn1", "activation_fn2")
    assert Run(replace(SPIRALS, bug="target minus output")).places == ("loss",)
    assert Run(SPIRALS).places == ()


def test_a_bug_that_breaks_the_run_off_is_quoted():
    run = finished(replace(SPIRALS, bug="bias not summed"))
    assert run.step == 0
    assert run.ended == "Step 1 could not be taken: the gradient of fc1.b must have shape (16,), not (16, 16)."
    assert Run(replace(SPIRALS, bug="bias not summed")).inspect() is None
    # 320 rows make 3 mini-batches of 100 and one of 20, for which the input that was kept is too long.
    run = finished(replace(SPIRALS, bug="input kept from the first forward", mini_batch=100))
    assert run.step == 3
    assert run.ended == "Step 4 could not be taken: dy must have shape (100, 2), not (20, 2)."


def own(rows, features=2):
    rng = np.random.RandomState(0)
    x = rng.standard_normal((rows, features))
    target = x.sum(axis=1, keepdims=True)
    return split("mine.csv", "Mine.", x, target, ("a", "b")[:features], ("y",), False, rng)


def test_data_of_ones_own_go_with_the_settings_that_say_so():
    training = Training(Experiment((2, 4, 1)), UPLOAD, rate=0.1, steps=50)
    run = finished(training, own(100))
    assert run.history["test loss"][-1] < run.history["test loss"][0]
    for wrong, data in ((training, None), (Training(Experiment((2, 4, 2))), own(100))):
        with pytest.raises(ValueError, match=r"^A data set goes with the settings if these say 'your own file'"):
            Run(wrong, data)
    with pytest.raises(ValueError, match="so the layer sizes must begin with 1 and end with 1: 1-4-1 instead of 2-4-1"):
        Run(training, own(100, 1))
    require_fit(training.experiment, own(100))


def test_of_many_rows_the_first_are_evaluated():
    data = own(3 * EVALUATED)
    run = Run(Training(Experiment((2, 4, 1)), UPLOAD), data)
    first = slice(0, EVALUATED)
    assert run.history["loss"] == [run.loss.apply(run.network.apply(data.x[first]), data.target[first])]
