"""The programs of a training run print the run's own numbers; what is exported of it can be read again, bit by bit."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES, OPTIMISERS, SGD
from mlp.lab.datasets import DATASETS
from mlp.lab.experiment import RANDOM, Experiment
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training import Training
from mlp.lab.training_run import EVALUATED, Run
from mlp.report import programs
from mlp.report.files.exchange import RUN_FILE, history_csv, run_npz
from tests import tables
from tests.comparing import assert_close
from tests.lab.test_training import fitting, own
from tests.programs import run as printed_by

# Each step rounds anew, in another order in each language, and training carries on what is off: for 150 steps of these
# smooth losses to less than 1e6 roundings of 1e-16 each.
RTOL = 1e-10
STEPS = 150


def runs():
    """Every data set and optimiser, and every activation and loss, at least once; one sample, and many."""
    names = list(ACTIVATIONS)
    for k, data in enumerate(DATASETS):
        for j, optimiser in enumerate(OPTIMISERS):
            loss = list(LOSSES)[(k + j) % len(LOSSES)] if DATASETS[data].is_classification else "HuberLoss"
            experiment = replace(fitting(data), loss=loss, activation=names[(k + 3 * j) % len(names)], seed=j)
            yield Training(experiment, data, optimiser, 0.02, STEPS)
    yield Training(Experiment(), RANDOM, steps=STEPS)
    yield Training(Experiment((3, 4, 2), loss="CrossEntropyLoss", batch=5), RANDOM, steps=STEPS, mini_batch=2)
    yield Training(Experiment((4, 3), loss="CrossEntropyLoss"), "Iris", steps=2 * STEPS + 1)  # recorded at every second
    yield Training(fitting("Iris"), "Iris", "momentum", 0.01, 20, 1000)


def finished(training, data=None):
    run = Run(training, data)
    run.advance(training.steps)
    return run


def columns(run):
    return {name: column for name, column in run.history.items() if "loss" in name or "accuracy" in name}


@pytest.mark.parametrize("training", [*runs()], ids=lambda t: f"{t.data}-{t.optimiser}-{t.experiment.activation}")
def test_every_language_prints_the_history(training):
    run = finished(training)
    assert not run.ended
    offered = programs.training(run)
    assert set(offered) == {"mlp", "numpy", "PyTorch"}
    expected = columns(run)
    for language, text in offered.items():
        if language == "PyTorch":
            pytest.importorskip("torch").set_num_threads(1)
        printed = printed_by(text)
        assert list(printed) == list(expected)
        for name, values in printed.items():
            if language == "mlp":
                np.testing.assert_array_equal(values, expected[name])
            else:
                assert_close(values, expected[name], RTOL, f"{name} in {language}")


@pytest.mark.parametrize("rows", [100, 3 * EVALUATED])
def test_an_upload_comes_from_the_file_of_the_run(rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = finished(Training(Experiment((2, 4, 1)), UPLOAD, steps=60), own(rows))
    (tmp_path / RUN_FILE).write_bytes(run_npz(run))
    for language, text in programs.training(run).items():
        if language == "PyTorch":
            pytest.importorskip("torch")
        for name, values in printed_by(text).items():
            assert_close(values, run.history[name], RTOL, f"{name} in {language}")


def test_an_upload_of_classes_has_no_scale_of_its_target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = finished(
        Training(Experiment((2, 4, 2), loss="CrossEntropyLoss"), UPLOAD, steps=20),
        tables.made(tables.text(tables.rows())),
    )
    (tmp_path / RUN_FILE).write_bytes(run_npz(run))
    for name, values in printed_by(programs.training(run)["mlp"]).items():
        np.testing.assert_array_equal(values, run.history[name])


def test_a_bug_is_trained_in_mlp_alone():
    run = finished(Training(fitting("moons"), "moons", steps=30, bug="derivative missing"))
    offered = programs.training(run)
    assert set(offered) == {"mlp"}
    for name, values in printed_by(offered["mlp"]).items():
        np.testing.assert_array_equal(values, run.history[name])


def test_an_optimiser_that_a_language_does_not_know_is_offered_in_mlp_alone(monkeypatch):
    monkeypatch.setitem(OPTIMISERS, "half SGD", type("HalfSGD", (SGD,), {}))
    assert set(programs.training(Run(Training(fitting("moons"), optimiser="half SGD", steps=5)))) == {"mlp"}


def test_every_optimiser_is_known_in_every_language():
    for name in OPTIMISERS:
        offered = programs.training(Run(Training(fitting("moons"), optimiser=name, steps=5)))
        assert len(offered) == 3, f"{name} lacks an entry: see mlp/report/programs/catalogue.py"


def test_the_trained_network_and_its_data_as_npz():
    for data in ("Iris", "noisy curve", RANDOM):
        experiment = Experiment() if data == RANDOM else fitting(data)
        run = finished(Training(experiment, data, steps=20))
        with np.load(io.BytesIO(run_npz(run)), allow_pickle=False) as file:
            arrays = dict(file)
        for name, parameter in run.network.parameters().items():
            np.testing.assert_array_equal(arrays[name], parameter)
        for name in ("x", "target", "test_x", "test_target"):
            np.testing.assert_array_equal(arrays[name], getattr(run.data, name))
        np.testing.assert_array_equal(arrays["x_mean"], run.data.x_scale.mean)
        np.testing.assert_array_equal(arrays["x_deviation"], run.data.x_scale.deviation)
        assert ("target_mean" in arrays) == (data == "noisy curve")


def test_the_history_as_csv_loses_no_bit():
    run = finished(Training(fitting("Iris"), "Iris", steps=20))
    header, *rows = csv.reader(io.StringIO(history_csv(run).decode()))
    assert header == list(run.history)
    for name, cells in zip(header, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal([float(cell or "nan") for cell in cells], run.history[name])
