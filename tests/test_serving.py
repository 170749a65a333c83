"""The container of README's serving guide, without a container: its lines carried out in an empty folder."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.benchmarks.servers import ROOT, serve

GUIDE = (ROOT / "README.md").read_text().partition("<!-- container -->")[2].partition("<!-- /container -->")[0]
LINES = [line.split(maxsplit=1) for line in GUIDE.splitlines() if line[:1].isupper()]


def words(instruction: str) -> list[str]:
    """What stands behind the instruction, of which there must be one."""
    (line,) = [rest for name, rest in LINES if name == instruction]
    return line.split()


@pytest.fixture
def container(tmp_path):
    """The folder with what is copied into it, and no more."""
    for name, rest in LINES:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                place = tmp_path / (source if target == "./" else target)
                shutil.copytree(ROOT / source, place) if (ROOT / source).is_dir() else shutil.copy(ROOT / source, place)
    return tmp_path


def test_it_serves_with_what_is_copied_and_needs_no_home(container, monkeypatch):
    command = json.loads(" ".join(words("CMD")))
    assert command == ["streamlit", "run", "app.py", "--server.headless=true", f"--server.port={words('EXPOSE')[0]}"]
    monkeypatch.setenv("HOME", "/nonexistent")
    serve("app.py", container).stop()  # returns once it answers that it is well


def test_everything_the_server_imports_is_copied(container):
    program = "import asyncio, sys; from pages.ui import shell\n"
    program += "async def start():\n    async with shell.started(None): pass\n"
    program += (
        "asyncio.run(start()); print(*{m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)})"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=container, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert str(container / "mlp" / "__init__.py") in run.stdout
    assert str(ROOT / "mlp") not in run.stdout


def test_version_and_requirements_are_those_of_the_project():
    (image,) = words("FROM")
    lowest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    version = tuple(map(int, re.fullmatch(r"python:(\d+)\.(\d+)-slim", image).groups()))
    assert version >= tuple(map(int, re.fullmatch(r">=(\d+)\.(\d+)", lowest).groups()))
    assert words("RUN")[-2:] == ["-r", "requirements.txt"]
