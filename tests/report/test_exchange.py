"""Out with a problem, back with gradients: the scripts that are handed out compute what the network computes."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlp.check.check import analytical_gradients
from mlp.lab.experiment import Experiment
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.losses import LOSSES
from mlp.report.files.exchange import (
    GRADIENTS_FILE,
    PROBLEM_FILE,
    SETTINGS_FILE,
    problem_json,
    problem_npz,
    sample_npz,
)
from mlp.report.programs import checking, computing
from mlp.report.tables.given import read_upload
from tests.programs import assert_readable

EVERY = [
    *(Experiment(sizes=(3, 4, 2), activation=activation, batch=3) for activation in ACTIVATIONS),
    *(Experiment(sizes=(3, 4, 2), loss=loss, batch=batch) for loss in LOSSES for batch in (1, 3)),
]


def ours(experiment):
    """The gradients of our own backward pass, which the other tests compare with autograd and torch."""
    return analytical_gradients(*experiment.problem())[1]


def test_the_problem_holds_every_number_and_no_pickle():
    experiment = Experiment(sizes=(3, 4, 2), batch=2)
    with np.load(io.BytesIO(problem_npz(experiment)), allow_pickle=False) as file:
        held = dict(file)
    problem = experiment.problem()
    assert set(held) == {"fc1.W", "fc1.b", "fc2.W", "fc2.b", "x", "target"}
    np.testing.assert_array_equal(held["fc2.W"], problem.network.parameters()["fc2.W"])
    np.testing.assert_array_equal(held["target"], problem.target)
    told = json.loads(problem_json(experiment))
    assert told["gradients"]["fc2.W"] == [2, 4]
    assert told["linear_layers"] == 2


@pytest.mark.parametrize(
    ("sizes", "wrong"),
    [
        ((3, 4, 4, 2), ["fc1.W", "fc1.b", "fc2.W", "fc2.b", "x"]),
        ((3, 4, 2), ["fc1.W", "fc1.b", "x"]),
        ((3, 2), ["fc1.W"]),
    ],
)
def test_the_sample_has_the_mistake_that_it_promises(sizes, wrong):
    # A forgotten slope of the last activation spoils all before it; a sign, where there is none, its own tensor.
    experiment = Experiment(sizes=sizes, seed=1)
    with np.load(io.BytesIO(sample_npz(experiment)), allow_pickle=False) as file:
        assert {name.rpartition(".")[2] for name in file.files} == {"weight", "bias", "x"}
    upload = read_upload({"sample.npz": sample_npz(experiment)}, experiment.problem())
    differ = [name for name, gradient in ours(experiment).items() if not np.allclose(upload.gradients[name], gradient)]
    assert sorted(differ) == sorted(wrong)


@pytest.fixture
def run_script(tmp_path, monkeypatch):
    """Give a function that runs a library's script beside the problem's file and reads what it saves."""
    monkeypatch.chdir(tmp_path)

    def run(experiment, library, **changed):
        with np.load(io.BytesIO(problem_npz(experiment)), allow_pickle=False) as problem:
            np.savez("problem.npz", **{**problem, **changed})
        scope = {}
        exec(compile(computing(experiment)[library], "script.py", "exec"), scope)
        scope["problem"].close()
        return read_upload({"gradients.npz": Path("gradients.npz").read_bytes()}, experiment.problem())

    return run


def assert_same(upload, experiment):
    for name, gradient in ours(experiment).items():
        # Two ways to the same numbers in float64: a few hundred roundings of 1e-16 apart at most.
        np.testing.assert_allclose(upload.gradients[name], gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("library", ["numpy", "PyTorch", "JAX", "mlp"])
@pytest.mark.parametrize("experiment", EVERY, ids=lambda e: f"{e.activation}-{e.loss}-{e.batch}")
def test_every_script_gives_our_gradients(experiment, library, run_script):
    pytest.importorskip({"PyTorch": "torch", "JAX": "jax"}.get(library, "numpy"))
    assert_same(run_script(experiment, library), experiment)


def test_the_script_by_hand_comes_first_and_needs_no_mlp():
    scripts = computing(Experiment())
    assert list(scripts) == ["numpy", "PyTorch", "JAX", "mlp"]
    assert [language for language, script in scripts.items() if "mlp" in script] == ["mlp"]


@pytest.mark.parametrize("activation", ["Sigmoid", "SiLU", "Softplus"])
def test_the_numpy_script_neither_overflows_nor_gives_nan_far_out(activation, run_script):
    experiment = Experiment(sizes=(2, 2, 1), activation=activation)
    gradients = run_script(experiment, "numpy", x=np.array([-800.0, 800.0]))  # a warning is an error here
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients.gradients.values())


def test_the_checking_program_prints_the_verdict_and_what_to_fix(tmp_path):
    experiment = Experiment(sizes=(3, 4, 2), activation="Sigmoid", loss="HuberLoss", batch=3)
    (tmp_path / "problem.npz").write_bytes(problem_npz(experiment))
    np.savez(tmp_path / "gradients.npz", **{name: -gradient for name, gradient in ours(experiment).items()})
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", checking(experiment)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("wrong\nThe loss (HuberLoss): dy has the wrong sign throughout")


def test_files_have_the_names_that_programs_and_pages_speak_of():
    assert (PROBLEM_FILE, SETTINGS_FILE, GRADIENTS_FILE) == ("problem.npz", "problem.json", "gradients.npz")
    for experiment in EVERY:
        for program in computing(experiment).values():
            assert_readable(program)
            assert PROBLEM_FILE in program
            assert GRADIENTS_FILE in program
