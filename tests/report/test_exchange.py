"""Out with a problem, back with gradients: the scripts that are handed out compute what the network computes."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest

from mlp.check.check import analytical_gradients
from mlp.lab.experiment import Experiment
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.losses import LOSSES
from mlp.report.files.exchange import problem_json, problem_npz
from mlp.report.programs import computing
from mlp.report.tables.given import read_upload

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


def executed(experiment, library, folder, monkeypatch):
    """As `run_script`, but in this process, since starting torch anew for each costs seconds."""
    monkeypatch.chdir(folder)
    (folder / "problem.npz").write_bytes(problem_npz(experiment))
    exec(compile(computing(experiment)[library], "script.py", "exec"), {})
    content = (folder / "gradients.npz").read_bytes()
    return read_upload({"gradients.npz": content}, experiment.problem())


def run_script(experiment, library, folder, arrays=None):
    (folder / "problem.npz").write_bytes(problem_npz(experiment))
    if arrays is not None:
        np.savez(folder / "problem.npz", **arrays)
    script = folder / "script.py"
    script.write_text(computing(experiment)[library])
    subprocess.run([sys.executable, "-W", "error", str(script)], cwd=folder, check=True, capture_output=True)
    return read_upload({"gradients.npz": (folder / "gradients.npz").read_bytes()}, experiment.problem())


def assert_same(upload, experiment):
    for name, gradient in ours(experiment).items():
        # Two ways to the same numbers in float64: a few hundred roundings of 1e-16 apart at most.
        np.testing.assert_allclose(upload.gradients[name], gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("experiment", EVERY, ids=lambda e: f"{e.activation}-{e.loss}-{e.batch}")
def test_the_numpy_script_gives_our_gradients(experiment, tmp_path):
    assert_same(run_script(experiment, "numpy", tmp_path), experiment)


@pytest.mark.parametrize("experiment", EVERY, ids=lambda e: f"{e.activation}-{e.loss}-{e.batch}")
def test_the_torch_script_gives_our_gradients(experiment, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    assert_same(executed(experiment, "PyTorch", tmp_path, monkeypatch), experiment)


@pytest.mark.parametrize("experiment", EVERY, ids=lambda e: f"{e.activation}-{e.loss}-{e.batch}")
def test_the_jax_script_gives_our_gradients(experiment, tmp_path):
    pytest.importorskip("jax")
    assert_same(run_script(experiment, "JAX", tmp_path), experiment)


@pytest.mark.parametrize("experiment", EVERY, ids=lambda e: f"{e.activation}-{e.loss}-{e.batch}")
def test_the_mlp_script_gives_our_gradients(experiment, tmp_path, monkeypatch):
    assert_same(executed(experiment, "mlp", tmp_path, monkeypatch), experiment)


def test_every_script_is_python_and_the_one_by_hand_comes_first():
    scripts = computing(Experiment())
    assert list(scripts) == ["numpy", "PyTorch", "JAX", "mlp"]
    for script in scripts.values():
        compile(script, "script.py", "exec")


@pytest.mark.parametrize("activation", ["Sigmoid", "SiLU", "Softplus"])
def test_the_numpy_script_neither_overflows_nor_gives_nan_far_out(activation, tmp_path):
    experiment = Experiment(sizes=(2, 2, 1), activation=activation)
    with np.load(io.BytesIO(problem_npz(experiment))) as problem:
        arrays = {**problem, "x": np.array([-800.0, 800.0])}
    gradients = run_script(experiment, "numpy", tmp_path, arrays)  # a warning is an error there
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients.gradients.values())
