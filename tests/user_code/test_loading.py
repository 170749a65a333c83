"""A module is imported as at home: beside its neighbours, in its package, from its root; a script without running."""

import importlib.util
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from mlp.user_code.load.stubs import ORNAMENTS, stand_ins
from mlp.user_code.process import check_module

ROOT = Path(__file__).parents[2]
LAYER = """
class Twice(Layer):
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy
"""
BASE = "class Layer:\n    pass\n"
FROM_BASE = "from .base import Layer\n" + LAYER
MISSING = next(name for name in sorted(ORNAMENTS) if importlib.util.find_spec(name) is None)


def written(folder, files):
    """Write files, of which the first is the one to check; return its path."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder / next(iter(files)))


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "files",
    [
        {"dense.py": "from layer import Layer\n" + LAYER, "layer.py": BASE},
        {"dense.py": "from .layer import Layer\n" + LAYER, "layer.py": BASE},
        {"common/dense.py": "from common.layer import *\n" + LAYER, "common/layer.py": BASE},
        {"a/b/dense.py": "from ..layer import Layer\n" + LAYER, "a/layer.py": BASE},
        {"a/b/dense.py": "from a.base.layer import Layer\n" + LAYER, "a/base/layer.py": BASE},
        {"p/dense.py": "from p import Layer\n" + LAYER, "p/__init__.py": "from p.base import *\n", "p/base.py": BASE},
        {"p/q/d.py": "from p.base import *\n" + LAYER, "p/__init__.py": "", "p/q/__init__.py": "", "p/base.py": BASE},
        # The package imports the file that is checked; its __init__.py may need what the file does not.
        {"p/dense.py": FROM_BASE, "p/__init__.py": "from .dense import Twice\n", "p/base.py": BASE},
        {"p/dense.py": FROM_BASE, "p/__init__.py": "import not_there\n", "p/base.py": BASE},
        # A package of this project's own name, and a neighbour with the name of a module of Python's.
        {"mlp/dense.py": FROM_BASE, "mlp/__init__.py": "", "mlp/base.py": BASE},
        {
            "p/dense.py": "import random\nrandom.random()\nfrom .base import Layer\n" + LAYER,
            "p/__init__.py": "",
            "p/random.py": "",
            "p/base.py": BASE,
        },
        {"copy.py": BASE + LAYER},
        # A module of the package's own name inside it, which must not hide the package.
        {
            "p/q/r/d.py": "from q.base import Layer\n" + LAYER,
            **{f"{folder}/__init__.py": "" for folder in ("p", "p/q", "p/q/r")},
            "p/q/q.py": "",
            "p/q/base.py": BASE,
        },
    ],
    ids=lambda files: next(iter(files.values())).splitlines()[0] + " in " + next(iter(files)),
)  # fmt: skip
def test_imports_find_what_they_find_at_home(tmp_path, files):
    result = check_module(written(tmp_path, files))
    assert [case.name for case in result.cases] == ["Twice"], result.problem
    assert result.passed


def test_what_a_decorator_from_elsewhere_hides_is_found_where_it_stands(tmp_path):
    traced = "def traced(f):\n    def run(*a, **k):\n        return f(*a, **k)\n    return run\n"
    source = "from tools import traced\n\n\n@traced\ndef cubed(x):\n    return x**3\n\n\n"
    source += "@traced\ndef cubed_prime(x):\n    return 3 * x**2\n"
    result = check_module(written(tmp_path, {"f.py": source, "tools.py": traced}))
    assert [(case.name, case.status, Path(case.file).name, case.line) for case in result.cases] == [
        ("cubed", "passed", "f.py", 4)
    ]


def test_a_class_that_is_still_to_be_written_is_left_out(tmp_path):
    base = "class Layer:\n    def forward(self, x):\n        raise NotImplemented\n"
    base += "    def backward(self, dy):\n        raise NotImplemented\n"
    source = base + "class Later(Layer):\n    pass\n" + LAYER
    (case,) = check_module(written(tmp_path, {"dense.py": source})).cases
    assert case.name == "Twice"


SUPPLIED = {"np": "numpy", "LEARNING_RATE": "1.0"}


def test_a_missing_neighbour_is_told_with_its_line_and_what_needs_nothing_of_it_is_checked(tmp_path):
    result = check_module(written(tmp_path, {"dense.py": "import os\nfrom layer import Layer\n" + LAYER}))
    assert result.passed
    (aside,) = result.asides
    assert (aside.level, Path(aside.file).name, aside.line) == ("warning", "dense.py", 2)
    assert "No module named 'layer'" in aside.text


@pytest.mark.parametrize("used", ["Layer.scale * 2 *", "2 * Layer(3) *", "(2 if Layer.scale == 1 else 1) *"])
def test_a_number_of_a_missing_neighbour_is_asked_for_in_vain(used, tmp_path):
    source = "from layer import Layer\n" + LAYER.replace("(Layer)", "").replace("return 2 *", f"return {used}", 1)
    (case,) = check_module(written(tmp_path, {"dense.py": source})).cases
    assert case.status == "not checked"
    assert "No module named 'layer'" in case.problems[0].text


def test_what_is_defined_nowhere_and_said_by_its_name_is_given_and_told(tmp_path):
    source = (
        "from settings import LEARNING_RATE, np\n"
        "class Stepping:\n    def __init__(self, n_in, n_out):\n        self.W = np.ones((n_in, n_out))\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        "    def backward(self, dy):\n        dx = dy @ self.W.T\n        self.W -= LEARNING_RATE * self.x.T @ dy\n"
        "        return dx\n"
    )
    result = check_module(written(tmp_path, {"stepping.py": source}))
    assert result.passed
    told = {aside.text for aside in result.asides if aside.level == "note"}
    assert told == {f"{name} is defined nowhere, and was taken to be {meant}" for name, meant in SUPPLIED.items()}


def test_a_library_that_only_draws_need_not_be_installed(tmp_path):
    source = f"import {MISSING}.pyplot as plt\nplt.style.use('dark')\nfig, = [plt.figure()]\n{BASE}{LAYER}"
    result = check_module(written(tmp_path, {"drawing.py": source}))
    assert result.passed
    (aside,) = result.asides
    assert aside.level == "note"
    assert aside.text.endswith(f"stand-in that does nothing was imported: {MISSING}")


def test_a_library_for_older_pythons_is_python_itself(tmp_path):
    source = f"from past.builtins import xrange\nfrom six import iteritems\n{BASE}{LAYER}"
    result = check_module(written(tmp_path, {"older.py": source + "assert list(xrange(2)) == [0, 1]\n"}))
    assert result.passed, result
    assert not any(aside.level == "warning" for aside in result.asides)


def test_a_library_that_forward_calls_is_needed(tmp_path):
    source = f"import {MISSING}\n{BASE}{LAYER}".replace("return ", f"{MISSING}.log('x')\n        return ", 1)
    (case,) = check_module(written(tmp_path, {"logging_layer.py": source})).cases
    (warning,) = case.facts
    assert warning.level == "warning"
    assert warning.text.startswith(f"it calls {MISSING}, which is not installed: the call did nothing")


def test_a_library_that_asks_what_is_installed_hears_the_truth():
    code = compile(f"import {MISSING}", str(Path(sysconfig.get_paths()["purelib"]) / "library.py"), "exec")
    with stand_ins() as taken, pytest.raises(ModuleNotFoundError):
        exec(code, {})
    assert taken == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("data = open('no_such_file.csv').read()\nprint(data)\n", "FileNotFoundError"),
        ("for epoch in range(9):\n    raise RuntimeError('no data')\n", "RuntimeError: no data"),
        ("while True:\n    Twice().forward(1.0)\n", "was cut off after 0.2 seconds"),
        ("import sys\nsys.exit(Twice().forward(1))\n", "SystemExit: 2"),
    ],
)
def test_a_script_costs_only_itself(tmp_path, script, words):
    tail = "\n\nclass Thrice(Layer):\n    def forward(self, x):\n        return 3 * x\n"
    source = f"{BASE}{LAYER}\nSIZE = 3\n{script}{tail}    def backward(self, dy):\n        return SIZE * dy\n"
    result = check_module(written(tmp_path, {"training.py": source}), seconds=2)
    assert [case.name for case in result.cases] == ["Twice", "Thrice"], result.problem
    assert result.passed
    (aside,) = result.asides
    assert aside.level == "warning"
    assert words in aside.text
    assert aside.text.endswith("only what the file defines was imported")
    first = source.splitlines().index(script.splitlines()[0]) + 1
    assert Path(aside.file).name == "training.py"
    assert first <= aside.line <= first + 1


def test_a_class_that_raises_while_it_is_defined_is_a_problem_beside_the_others(tmp_path):
    result = check_module(written(tmp_path, {"broken.py": f"{BASE}{LAYER}\nclass Other:\n    size = 1 / 0\n"}))
    assert [case.status for case in result.cases] == ["passed"]
    (aside,) = result.asides
    assert aside.level == "problem"
    assert "ZeroDivisionError" in aside.text
    assert not result.passed


def test_what_cannot_be_checked_is_told_beside_and_is_no_failure(tmp_path):
    network = (
        "import numpy as np\n\nclass Network:\n    def __init__(self, sizes):\n        self.W = np.ones(sizes[:2])\n"
        "    def forward(self, x):\n        return x @ self.W\n"
        "    def backprop(self, x, y):\n        return np.cos(x.sum() + y.sum()) * self.W\n\n"
    )
    path = written(tmp_path, {"both.py": network + BASE + LAYER})
    shell = subprocess.run([sys.executable, "-m", "mlp", path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert shell.returncode == 0
    assert "note: Network.backprop takes no gradient, so a loss is hidden inside it" in shell.stdout
    assert "both.py:8" in shell.stdout
    assert re.search(r"^Twice +layer +passed", shell.stdout, re.MULTILINE)
    assert shell.stdout.endswith("\n1 right\n")


def test_code_that_needs_other_arguments_is_told_which_it_got_and_where_to_say_others(tmp_path):
    dense = (
        "import numpy as np\n\nclass Dense:\n    def __init__(self, n_in, n_out, start='later'):\n"
        "        if start == 'now':\n            self.W = np.random.randn(n_in, n_out)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        "    def backward(self, dy):\n        self.dW = self.x.T @ dy\n        return dy @ self.W.T\n"
    )
    path = written(tmp_path, {"dense.py": dense})
    (problem,) = check_module(path).cases[0].problems
    assert "It was made as Dense(start='later', n_in=4, n_out=3) and given an x of shape (5, 4)" in problem.text
    line = 'GRADCHECK = {"Dense": {"args": {"start": ..., "n_in": ..., "n_out": ...}, "x": ...}}'
    assert f"say yours in {line}" in problem.text  # no guess that did not do
    said = 'GRADCHECK = {"Dense": {"args": {"n_in": 4, "n_out": 3, "start": "now"}}}\n'
    assert check_module(written(tmp_path, {"dense.py": dense + said})).passed


def test_names_that_numpy_has_given_up_still_mean_what_they_meant(tmp_path):
    source = "import numpy as np\nSIZE = np.float_(2).astype(np.float)\n" + BASE + LAYER.replace("2 *", "SIZE *")
    assert check_module(written(tmp_path, {"old.py": source})).passed
