"""The house rule: each line imports only from lines below it, and only the libraries that are its own.

Import statements are read from the source, wherever they stand (functions and TYPE_CHECKING blocks included), so that
a rule cannot be broken by a line that no test happens to run.
"""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIRST_PARTY = {"app", "mlp", "pages", "tests"}

# From the ground up: a package or module, and the libraries that it may import beside the standard library. A name
# covers what lies inside it unless that has a line of its own. `mlp` itself is the front door, mlp/__init__.py: it
# hands on what is below it, so that the library needs numpy alone.
HOUSE: dict[str, set[str]] = {
    "mlp.nn": {"numpy"},
    "mlp.differences": {"numpy"},
    "mlp.check": {"numpy"},
    "mlp.user_code": {"numpy"},
    "mlp.testing": {"numpy"},
    "mlp.__main__": {"numpy"},
    "mlp.dashboard": set(),
    "mlp": {"numpy"},
    "mlp.lab": {"numpy"},
    "mlp.report": {"numpy", "pandas", "plotly"},
    "pages.ui": {"numpy", "pandas", "plotly", "streamlit"},
    "pages": {"streamlit"},
    "app": {"pandas", "plotly", "streamlit"},
}
LINES = list(HOUSE)
# Scripts that are run, one by one: they import nothing from each other.
SCRIPTS = {"pages"}


def line_of(module: str) -> str | None:
    """The line of the house on which a module stands; None if it has no place."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in HOUSE and (name == module or name != "mlp"):
            return name
    return None


def module_name(root: Path, path: Path) -> str:
    """The dotted name of a file; that of the package for its __init__.py."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(root: Path, module: str) -> bool:
    """Whether a dotted name is a file or folder of ours, rather than a name inside a module."""
    place = root.joinpath(*module.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def imports(root: Path, path: Path) -> Iterator[str]:
    """Every module that a file imports, by its full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # One dot is the folder that the file is in, each further one the folder above.
            folder = path.relative_to(root).parts[: -node.level] if node.level else ()
            base = ".".join([*folder, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if is_module(root, inner) else base


def complaint(importer: str, line: str, imported: str) -> str | None:
    """What is wrong with this import into a module that stands on this line, if anything."""
    library = imported.partition(".")[0]
    if library not in FIRST_PARTY:
        allowed = library in HOUSE[line] or library in sys.stdlib_module_names
        return None if allowed else f"{importer} imports {imported}, but {line} may use {sorted(HOUSE[line])} only"
    below = line_of(imported)
    if below is None:
        return f"{importer} imports {imported}, which has no place in HOUSE"
    distance = LINES.index(line) - LINES.index(below)
    if distance < 0 or (distance == 0 and line in SCRIPTS):
        return f"{importer} imports {imported}, which is not below it"
    return None


def complaints(root: Path) -> list[str]:
    """Everything that is wrong with the imports of app.py, mlp/ and pages/ under this folder."""
    files = [root / "app.py", *root.glob("mlp/**/*.py"), *root.glob("pages/**/*.py")]
    found = []
    for path in sorted(files):
        importer = module_name(root, path)
        line = line_of(importer)
        if line is None:
            found.append(f"{importer} has no place in HOUSE: give it one")
        else:
            found += filter(None, (complaint(importer, line, imported) for imported in imports(root, path)))
    return found


def test_every_import_follows_the_house():
    assert complaints(ROOT) == []


def test_the_house_is_there():
    for name in HOUSE:
        assert is_module(ROOT, name), f"{name} stands in HOUSE but not on disk"


@pytest.fixture
def model(tmp_path):
    """A small copy of the house in which nothing is wrong."""
    files = {
        "app.py": "import pandas\nfrom pages.ui import shell",
        "mlp/__init__.py": "from mlp.nn.layers import Linear\nfrom .check import report",
        "mlp/nn/__init__.py": "",
        "mlp/nn/layers.py": "from __future__ import annotations\nimport numpy as np, collections.abc\nfrom . import a",
        "mlp/nn/a.py": "from numpy.typing import ArrayLike",
        "mlp/differences/methods.py": "from mlp.nn import layers\nfrom ..nn.layers import Linear",
        "mlp/check/report.py": "import mlp.differences.methods",
        "mlp/user_code/api.py": "from mlp.check import report",
        "mlp/lab/experiment.py": "from mlp import Linear",
        "mlp/report/tables.py": "def table():\n    import pandas as pd\n    return pd",
        "pages/ui/shell.py": "import streamlit as st\nfrom mlp.report import tables",
        "pages/overview.py": "import streamlit as st\nfrom pages.ui import shell",
        "pages/other.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_the_walker_finds_nothing_wrong_in_a_right_house(model):
    assert complaints(model) == []


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("mlp/nn/a.py", "import mlp.check.report", "mlp.nn.a imports mlp.check.report, which is not below it"),
        ("mlp/nn/a.py", "from mlp.check import report", "mlp.nn.a imports mlp.check.report, which is not below it"),
        ("mlp/nn/a.py", "from mlp import check", "mlp.nn.a imports mlp.check, which is not below it"),
        ("mlp/nn/a.py", "from ..check import report", "mlp.nn.a imports mlp.check.report, which is not below it"),
        ("mlp/nn/a.py", "from .. import Linear", "mlp.nn.a imports mlp, which is not below it"),
        ("mlp/nn/a.py", "import scipy.special", "mlp.nn.a imports scipy.special, but mlp.nn may use ['numpy'] only"),
        ("mlp/nn/a.py", "def f():\n    import torch", "mlp.nn.a imports torch, but mlp.nn may use ['numpy'] only"),
        ("mlp/nn/a.py", "if True:\n    import app", "mlp.nn.a imports app, which is not below it"),
        ("mlp/nn/a.py", "from tests import exact", "mlp.nn.a imports tests, which has no place in HOUSE"),
        ("mlp/nn/__init__.py", "from ..check import report", "mlp.nn imports mlp.check.report, which is not below it"),
        ("mlp/differences/methods.py", "import pandas", "mlp.differences.methods imports pandas, but mlp.differences"),
        ("mlp/check/report.py", "import mlp.lab", "mlp.check.report imports mlp.lab, which is not below"),
        ("mlp/check/report.py", "import mlp.user_code", "mlp.check.report imports mlp.user_code, which is not below"),
        ("mlp/check/report.py", "import streamlit", "mlp.check.report imports streamlit, but mlp.check may use"),
        ("mlp/__init__.py", "from mlp.report import tables", "mlp imports mlp.report.tables, which is not below it"),
        ("mlp/__init__.py", "import plotly", "mlp imports plotly, but mlp may use ['numpy'] only"),
        ("mlp/user_code/api.py", "from mlp import lab", "mlp.user_code.api imports mlp.lab, which is not below it"),
        ("mlp/report/tables.py", "import streamlit", "mlp.report.tables imports streamlit, but mlp.report may use"),
        (
            "mlp/report/tables.py",
            "import pages.ui.shell",
            "mlp.report.tables imports pages.ui.shell, which is not",
        ),
        ("mlp/new.py", "", "mlp.new has no place in HOUSE: give it one"),
        ("pages/ui/shell.py", "import scipy", "pages.ui.shell imports scipy, but pages.ui may use"),
        (
            "pages/ui/shell.py",
            "from pages import overview",
            "pages.ui.shell imports pages.overview, which is not",
        ),
        (
            "pages/overview.py",
            "import numpy as np",
            "pages.overview imports numpy, but pages may use ['streamlit'] only",
        ),
        ("pages/overview.py", "from pages import other", "pages.overview imports pages.other, which is not below it"),
    ],
)
def test_the_walker_finds_one_wrong_line(model, path, line, expected):
    with (model / path).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    (found,) = complaints(model)
    assert found.startswith(expected)


def test_importing_mlp_loads_no_library_but_numpy():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numpy; before = set(sys.modules); import mlp;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    run = subprocess.run([sys.executable, "-I", "-c", program, ROOT], capture_output=True, text=True, check=True)
    # numpy.random, loaded when it is first used, brings the runtime of Cython along.
    loaded = {name for name in run.stdout.split() if "cython" not in name}
    assert loaded - {"numpy"} == {"mlp"}


def test_the_architecture_names_what_is_there():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert {line for line in re.findall(r"^\| `([^`*]+?)/?`", text, re.M) if line.startswith(("mlp", "pages", "app"))}
    for path in re.findall(r"`((?:mlp|pages|tests)/[^`*]+?|app\.py)`", text):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"`(mlp(?:\.\w+)+)`", text):
        module, _, attribute = name.rpartition(".")
        assert is_module(ROOT, name) or hasattr(importlib.import_module(module), attribute), name
