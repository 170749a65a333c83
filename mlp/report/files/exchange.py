"""An experiment taken elsewhere: its numbers as NPZ, its settings as JSON, and its check in one ZIP."""

import io
import json
import platform
import zipfile
from functools import cache
from importlib.metadata import version

import numpy as np
import pandas as pd

from mlp.check.check import analytical_gradients
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import plant
from mlp.check.report import GradientReport
from mlp.lab.experiment import Experiment
from mlp.lab.training_run import Run
from mlp.nn.arrays import Array
from mlp.report.tables.tensors import all_entries, entries, to_csv

PROBLEM_FILE = "problem.npz"
SETTINGS_FILE = "problem.json"
GRADIENTS_FILE = "gradients.npz"
RUN_FILE = "run.npz"


def problem_npz(experiment: Experiment) -> bytes:
    """The weights, biases, input and target of an experiment as an NPZ file without pickles.

    The arrays are float64 and named as everywhere here: fc1.W of shape (out, in), fc1.b, ..., x, target.
    """
    problem = experiment.problem()
    return _npz({**problem.tensors(), "target": problem.target})


def sample_npz(experiment: Experiment) -> bytes:
    """Gradients as somebody may bring them, with a mistake: to see what becomes of it.

    They have PyTorch's names. The mistake is a forgotten derivative of the last activation; in a network without one,
    a sign.
    """
    problem = experiment.problem()
    last = f"activation_fn{len(experiment.sizes) - 2}"
    bug, place = ("derivative missing", last) if len(experiment.sizes) > 2 else ("minus in the gradient", "fc1")
    wrong = plant(GALLERY[bug], problem.network, problem.loss, place)
    gradients = analytical_gradients(wrong.network, wrong.loss, problem.x, problem.target)[1]
    names = {"W": "weight", "b": "bias"}
    return _npz(
        {".".join(names.get(word, word) for word in name.split(".")): array for name, array in gradients.items()}
    )


def problem_json(experiment: Experiment) -> str:
    """The settings, and the shape of every gradient that is wanted back: that of each tensor, the input's as "x"."""
    shapes = {name: tensor.shape for name, tensor in experiment.problem().tensors().items()}
    told = {"settings": experiment.settings(), "linear_layers": len(experiment.sizes) - 1, "gradients": shapes}
    return json.dumps(told, indent=2) + "\n"


def archive(experiment: Experiment, report: GradientReport) -> bytes:
    """Pack a check: gradients.csv with all tensors, gradients/NAME.csv for each, settings.json and problem.npz."""
    settings = {
        "settings": experiment.settings(),
        "loss": report.loss,
        "passed": report.passed,
        "versions": versions(),
    }
    files = {
        "gradients.csv": to_csv(all_entries(report)),
        **{f"gradients/{name}.csv": to_csv(entries(check)) for name, check in report.items()},
        "settings.json": json.dumps(settings, indent=2).encode(),
        PROBLEM_FILE: problem_npz(experiment),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in files.items():
            # A name alone would be given the present time; ZipInfo's fixed date makes the same check the same bytes.
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def run_npz(run: Run) -> bytes:
    """A trained network with its data as an NPZ file without pickles.

    The arrays are float64: fc1.W of shape (out, in), fc1.b, ... as they are now; x and target, the training rows, and
    test_x and test_target, all standardised; x_mean and x_deviation, by which the features were, and of numbers to be
    fitted target_mean and target_deviation.
    """
    data = run.data
    arrays = {name: getattr(data, name) for name in ("x", "target", "test_x", "test_target")}
    for name, scale in (("x", data.x_scale), ("target", data.target_scale)):
        if scale is not None:
            arrays |= {f"{name}_mean": scale.mean, f"{name}_deviation": scale.deviation}
    return _npz({**run.network.parameters(), **arrays})


def history_csv(run: Run) -> bytes:
    """What a run has recorded as CSV: one row for each recorded step; the columns are those of `Run.history`."""
    return to_csv(pd.DataFrame(run.history))


@cache
def versions() -> dict[str, str]:
    """The versions of everything that has a say in the numbers and figures."""
    packages = {name: version(name) for name in ("numpy", "pandas", "plotly", "streamlit")}
    return {"python": platform.python_version(), **packages}


def _npz(arrays: dict[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # no tensor is named as savez's own option
    return buffer.getvalue()
