"""Everything about a check in one ZIP: gradients as CSV, settings as JSON, weights, input and target as NPZ."""

import io
import json
import platform
import zipfile
from importlib.metadata import version
from typing import Any

import numpy as np

from mlp.check.report import GradientReport
from mlp.lab.experiment import Experiment
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem
from mlp.report.tables.tensors import all_entries, entries, to_csv

# ZIP stores a date with each file; a fixed one makes the same experiment give the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


def archive(experiment: Experiment, problem: Problem[Sequential], report: GradientReport) -> bytes:
    """Pack a check: gradients.csv with all tensors, gradients/NAME.csv for each, settings.json and problem.npz.

    problem.npz holds each parameter under its name ("fc1.W"), the input as "x" and the target as "target".
    """
    files = {"gradients.csv": to_csv(all_entries(report))}
    files |= {f"gradients/{name}.csv": to_csv(entries(check)) for name, check in report.items()}
    files["settings.json"] = json.dumps(_settings(experiment, report), indent=2).encode()
    files["problem.npz"] = _npz(problem)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in files.items():
            target.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def versions() -> dict[str, str]:
    """The versions of everything that has a say in the numbers and figures."""
    packages = {name: version(name) for name in ("numpy", "pandas", "plotly", "streamlit")}
    return {"python": platform.python_version(), **packages}


def _settings(experiment: Experiment, report: GradientReport) -> dict[str, object]:
    return {
        "settings": experiment.settings(),
        "loss": report.loss,
        "passed": report.passed,
        "versions": versions(),
    }


def _npz(problem: Problem[Sequential]) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {**problem.network.parameters(), "x": problem.x, "target": problem.target}
    np.savez(buffer, **arrays)
    return buffer.getvalue()
