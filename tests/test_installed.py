"""What `pip install .` gives: types, scripts, the dashboard's files, and a plain word where a package is missing."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

import mlp
from mlp import dashboard

ROOT = Path(__file__).parents[1]
# What stands in the tree beside the package and must not be copied for a build: it is large, or of a build before.
LEFT_OUT = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "build", "tests"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment of its own with the project installed, and of its dependencies numpy alone, lent by this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in LEFT_OUT and not entry.name.endswith(".egg-info"):
            subprocess.run(["cp", "-r", str(entry), str(source)], check=True)
    venv.create(folder / "venv")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--no-deps", str(source)], check=True, capture_output=True, text=True)
    lent = folder / "lent"
    lent.mkdir()
    for place in (Path(np.__file__).parent, Path(np.__file__).parents[1] / "numpy.libs"):
        if place.exists():
            (lent / place.name).symlink_to(place)
    return folder / "venv"


def run(environment, *words):
    """Run a command of the environment, away from the checkout."""
    return subprocess.run(
        [str(environment / "bin" / words[0]), *words[1:]],
        cwd=environment.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(environment.parent / "lent")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_types_and_version_come_along(environment):
    text = "import mlp, importlib.metadata as m, pathlib; p = pathlib.Path(mlp.__file__).parent;"
    text += "print(p.parent.name, (p / 'py.typed').exists(), m.version('gradient-lab') == mlp.__version__)"
    assert run(environment, "python", "-c", text).stdout.split() == ["site-packages", "True", "True"]


def test_the_data_come_along(environment):
    text = "from mlp.lab.datasets import dataset; print(len(dataset('Iris', 0).x))"
    assert run(environment, "python", "-c", text).stdout.strip() == "120"


def test_the_extra_is_what_the_dashboard_runs_on(environment):
    text = "import importlib.metadata as m; print(*m.requires('gradient-lab'), sep='\\n')"
    needed = run(environment, "python", "-c", text).stdout.replace('"', "'").split("\n")
    listed = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    names = {line.partition(">")[0] for line in listed}
    assert {line.partition("<")[0].partition(">")[0] for line in needed if "dashboard" in line} == names
    assert set(dashboard.NEEDED) == names - {"numpy"}


def test_a_file_is_checked_by_the_script(environment):
    right = run(environment, "mlp-check", str(ROOT / "tests/user_code/corpus/activations.py"))
    assert right.returncode == 0, right.stdout + right.stderr
    assert run(environment, "mlp-check", "no_such_file.py").returncode == 2


def test_the_dashboard_says_what_it_needs(environment):
    result = run(environment, "gradient-lab")
    assert result.returncode == 1
    assert result.stderr.startswith(
        "The dashboard needs packages that are not installed here, streamlit, plotly, pandas: pip "
    )


def test_the_report_says_what_it_needs(environment):
    result = run(environment, "python", "-c", "import mlp.report")
    assert "mlp.report needs pandas, which is not installed here; pip install" in result.stderr.splitlines()[-1]


def test_the_dashboards_files_come_along(environment):
    text = "from mlp.dashboard import app_file; print(app_file())"
    app = Path(run(environment, "python", "-c", text).stdout.strip())
    assert app == environment / "share/gradient-lab/app.py"
    ours = {path.relative_to(ROOT) for path in ROOT.glob("pages/**/*") if path.suffix in (".py", ".svg")}
    theirs = {path.relative_to(app.parent) for path in app.parent.glob("pages/**/*") if path.suffix in (".py", ".svg")}
    assert theirs == ours
    assert (app.parent / ".streamlit/config.toml").read_text() == (ROOT / ".streamlit/config.toml").read_text()


def test_in_a_checkout_the_dashboard_is_the_one_beside_the_package():
    assert dashboard.app_file() == Path(mlp.__file__).parents[1] / "app.py"


def test_a_dashboard_that_is_nowhere_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(dashboard, "__file__", str(tmp_path / "mlp" / "dashboard.py"))
    monkeypatch.setattr(dashboard, "SHARE", "nowhere")
    assert dashboard.main() == 1
    assert "app.py is neither in" in capsys.readouterr().err


def test_the_dashboard_gets_the_words_that_follow(monkeypatch):
    called = []
    monkeypatch.setattr(sys, "argv", ["gradient-lab", "--server.port", "8600", "--", "--layers", "mine.py"])
    monkeypatch.setattr(dashboard.subprocess, "call", lambda words: called.extend(words) or 0)
    assert dashboard.main() == 0
    assert called[1:] == ["-m", "streamlit", "run", str(ROOT / "app.py"), *sys.argv[1:]]
