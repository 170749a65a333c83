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
from mlp.report.files.exchange import gradient_shapes, problem_json, problem_npz
from mlp.report.files.matching import match
from mlp.report.files.uploads import read_files
from mlp.report.programs.ready import LIBRARIES, code

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


def run_script(experiment, library, folder):
    (folder / "problem.npz").write_bytes(problem_npz(experiment))
    script = folder / "script.py"
    script.write_text(code(experiment, library))
    subprocess.run([sys.executable, "-W", "error", str(script)], cwd=folder, check=True, capture_output=True)
    return match(read_files({"gradients.npz": (folder / "gradients.npz").read_bytes()}), gradient_shapes(experiment))


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
    monkeypatch.chdir(tmp_path)
    (tmp_path / "problem.npz").write_bytes(problem_npz(experiment))
    # In this process, since starting torch anew for each costs seconds.
    exec(compile(code(experiment, "PyTorch"), "script.py", "exec"), {})
    content = (tmp_path / "gradients.npz").read_bytes()
    assert_same(match(read_files({"gradients.npz": content}), gradient_shapes(experiment)), experiment)


@pytest.mark.parametrize("experiment", EVERY, ids=lambda e: f"{e.activation}-{e.loss}-{e.batch}")
def test_the_jax_script_gives_our_gradients(experiment, tmp_path):
    pytest.importorskip("jax")
    assert_same(run_script(experiment, "JAX", tmp_path), experiment)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_script_is_python(library):
    compile(code(Experiment(), library), "script.py", "exec")


def test_an_unknown_library_is_refused():
    with pytest.raises(ValueError, match="library must be one of numpy, PyTorch, JAX"):
        code(Experiment(), "Fortran")
