"""A notebook is read as its cells, run as Jupyter runs them, and checked as a file is; facts name cell and line."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlp.user_code.load import files
from mlp.user_code.load.files import cells_of, only_python, source_file, stamp
from mlp.user_code.load.stubs import ORNAMENTS
from mlp.user_code.messages import ForeignError
from mlp.user_code.process import check_module

ROOT = Path(__file__).parents[2]
MISSING = "layers_of_nobody"
ORNAMENT = next(name for name in sorted(ORNAMENTS) if importlib.util.find_spec(name) is None)
DENSE = """\
import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dy):
        self.dW = self.x.T @ dy
        return dy @ self.W.T
"""


def twice(name="Twice", forward="2 * x", backward="2 * dy"):
    methods = (
        f"    def forward(self, x):\n        return {forward}\n    def backward(self, dy):\n        return {backward}\n"
    )
    return f"class {name}:\n{methods}"


def code(source):
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source}


def contents(*cells, **others):
    sheet = {"cells": [code(cell) if isinstance(cell, str) else cell for cell in cells], "metadata": {}, "nbformat": 4}
    return sheet | others


@pytest.fixture
def checked(tmp_path):
    """Give a function that writes a notebook of these cells and checks it."""

    def check(*cells, seconds=10.0):
        path = tmp_path / "homework.ipynb"
        path.write_text(json.dumps(contents(*cells)))
        return check_module(str(path), seconds=seconds)

    return check


def verdicts(result):
    assert result.problem is None, result.problem
    return {case.name: case.status for case in result.cases}


def test_the_shell_names_cell_and_line(tmp_path):
    path = tmp_path / "homework.ipynb"
    lines = ["\n", *twice("Flipped", backward="-2 * dy").splitlines(keepends=True)]
    text = {"cell_type": "markdown", "source": "# Lesson"}
    # An empty cell has no number in Jupyter either.
    path.write_text(json.dumps(contents(text, DENSE, "", text, code(lines))))
    command = [sys.executable, "-m", "mlp", str(path)]
    shell = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert shell.returncode == 1, shell.stderr
    assert re.search(r"^Dense +layer +passed +homework.ipynb, cell 1, line 3$", shell.stdout, re.MULTILINE)
    assert re.search(r"^Flipped +layer +wrong +homework.ipynb, cell 2, line 2$", shell.stdout, re.MULTILINE)


def test_what_raises_in_a_layer_is_told_with_cell_and_line(checked):
    result = checked("import numpy as np", twice(forward="x + np.ones((7, 11, 13))"))
    (problem,) = result.cases[0].problems
    assert Path(problem.file).name == "homework.ipynb, cell 2"
    assert problem.line == 3
    assert problem.trace[-1] == "homework.ipynb, cell 2, line 3 in forward: return x + np.ones((7, 11, 13))"


def test_a_cell_that_raises_costs_itself_and_what_needs_it(checked):
    failing = f"{twice('Before')}\ndata = open('no_such_file.csv').read()\nSIZE = 3\nrows = data.split()\n"
    result = checked(
        failing, "print(rows)", f"{twice('After', 'SIZE * x', 'SIZE * dy')}\n", "print(rows)", "other_name"
    )
    assert verdicts(result) == {"Before": "passed", "After": "passed"}
    assert result.passed
    first, second, note = result.asides
    assert [first.level, second.level, note.level] == ["warning", "warning", "note"]
    assert "running cell 1 raised FileNotFoundError" in first.text
    assert (Path(first.file).name, first.line) == ("homework.ipynb, cell 1", 7)
    assert "running cell 5 raised NameError: name 'other_name'" in second.text
    assert note.text == "left out, since it needs what has failed: cell 2, cell 4"


def test_a_layer_whose_cell_raises_is_no_pass(checked):
    result = checked(twice(), "class Broken:\n    size = 1 / 0\n" + twice("Next"), "class Typo(:\n    pass\n")
    assert verdicts(result) == {"Twice": "passed", "Next": "passed"}
    assert [fact.level for fact in result.asides] == ["problem", "problem"]
    assert "ZeroDivisionError" in result.asides[0].text
    assert "running cell 3 raised SyntaxError" in result.asides[1].text
    assert not result.passed


def test_a_loop_without_end_is_cut_off_and_what_follows_is_defined(checked):
    endless = "w = 0\nwhile True:\n    w += 1\nSIZE = 2\n"
    result = checked(endless, twice(forward="SIZE * x"), endless, twice("Other"), seconds=2)
    assert verdicts(result) == {"Twice": "passed", "Other": "passed"}
    # A tenth of 2 seconds, and of what that leaves, less what the import of numpy took.
    assert [fact.text.partition(" seconds")[0] for fact in result.asides] == [
        "running cell 1 was cut off after 0.2",
        "running cell 3 was cut off after 0.2",
    ]
    assert [fact.line for fact in result.asides] == [2, 2]


def test_a_cell_that_waits_is_left(checked):
    result = checked("import time\ntime.sleep(3600)\nSIZE = 2", twice(forward="SIZE * x"))
    assert verdicts(result) == {"Twice": "passed"}
    (warning,) = result.asides
    assert "running cell 1 was left, since it waited for 5 seconds" in warning.text
    assert warning.line == 2


def test_a_cell_that_is_no_python_is_told_and_a_pass_if_it_defines_nothing(checked):
    result = checked(twice(), "import os\nprint 'in an older Python'", "os.getcwd()")
    assert verdicts(result) == {"Twice": "passed"}
    warning, note = result.asides
    assert "running cell 2 raised SyntaxError" in warning.text
    assert warning.level == "warning"
    assert note.text.endswith("needs what has failed: cell 3")
    assert result.passed


def test_magics_and_shell_lines_are_left_out(checked):
    cells = (
        "%matplotlib inline\n%load_ext autoreload\nimport numpy as np\n!pip install \\\n    nothing",
        "%%time\n" + DENSE,
        "%%writefile other.py\nSIZE = 1 / 0\n",
        "files = !ls\nfor n in range(2):\n    %time n + 1\nnp.sum?\n?np.sum\npip install nothing\ndisplay(np)\n",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
        "answer = 17\n\ntext = '''\n%kept\n!kept\n'''\nassert (answer\n% 2) == 1 and len(text) == 13\n",
    )
    result = checked(*cells)
    assert verdicts(result) == {"Dense": "passed"}
    assert result.asides == ()


def test_what_python_understands_is_left_as_it_is():
    source = "'''\n%time\n'''\nx = (7\n% 2)\n"
    assert only_python(source) == source


def test_a_file_with_the_lines_of_a_notebook_is_checked(tmp_path):
    path = tmp_path / "exported.py"
    path.write_text(
        f"# In[1]:\n%matplotlib inline\n!pip install nothing\n\n# %%\n{twice()}\n%timeit Twice().forward(1)\n"
    )
    result = check_module(str(path))
    assert verdicts(result) == {"Twice": "passed"}
    assert result.asides == ()
    assert (Path(result.cases[0].file).name, result.cases[0].line) == ("exported.py", 6)


def test_plotting_needs_no_library(checked):
    settings = "print(plt.__version__)\nplt.rcParams['figure.dpi'] = 80\n"
    plot = "fig, axes = plt.subplots(1, 2)\naxes[0].plot(3)\nn = 2 * axes[0].size\n"
    loop = "SIZE = 2\nfor axis in axes:\n    SIZE = axis.grid()\n"
    result = checked(
        f"import {ORNAMENT}.drawn as plt", settings, plot, loop, twice(forward="SIZE * x"), "plt.show()\nplt.plot(n)"
    )
    assert verdicts(result) == {"Twice": "passed"}
    (note,) = result.asides
    assert note.text == f"not installed, so a stand-in that does nothing was imported: {ORNAMENT}"


SUMS = """\
class Sums:
    def forward(self, x):
        y = 0 * x
        for n in tqdm(range(3)):
            y = y + n * x
        return y
    def backward(self, dy):
        return 3 * dy
"""


def test_a_progress_bar_that_is_not_installed_goes_through_what_it_is_given(checked):
    count = "from tqdm import tqdm\nSIZE = len([n for n in tqdm(range(4))])"
    result = checked(count, SUMS, twice("Four", "SIZE * x", "4 * dy"))
    assert verdicts(result) == {"Sums": "passed", "Four": "passed"}


def test_a_number_made_of_a_stand_in_is_no_number(checked):
    result = checked(f"import {ORNAMENT}\nSIZE = 3\nSIZE = 2 * {ORNAMENT}.size()", twice(forward="SIZE * x"))
    (problem,) = result.cases[0].problems
    assert f"{ORNAMENT} is not installed, and the stand-in for it has no numbers" in problem.text
    assert not result.passed


def test_a_package_that_no_layer_uses_is_not_needed(checked):
    result = checked(f"import {MISSING} as nobody\nfrom {MISSING} import *", "nobody.set_up() + 1", twice())
    assert verdicts(result) == {"Twice": "passed"}
    assert result.passed
    first, *_, note = result.asides
    assert f"No module named '{MISSING}'" in first.text
    assert "cell 2" in note.text


def test_what_is_told_as_the_reason_why_nothing_was_found_is_told_once(checked):
    result = checked(f"import {MISSING}", "1 / 0")
    assert result.problem is not None
    assert f"No module named '{MISSING}'" in result.problem.text
    (aside,) = result.asides
    assert "ZeroDivisionError" in aside.text


def test_a_package_that_a_layer_uses_is_told_where_it_is_used(checked):
    result = checked(f"from {MISSING} import relu", twice(), twice("Uses", "relu(x)"), "class Heir(relu):\n    pass")
    assert verdicts(result) == {"Twice": "passed", "Uses": "not checked"}
    (problem,) = result.cases[1].problems
    assert f"ModuleNotFoundError: No module named '{MISSING}'" in problem.text
    assert (Path(problem.file).name, problem.line) == ("homework.ipynb, cell 3", 3)
    assert [fact.level for fact in result.asides] == ["warning"]
    assert not result.passed


def test_of_two_definitions_the_later_one_counts(checked):
    wrong = twice(backward="3 * dy")
    result = checked(wrong, "1 / 0", wrong + twice())
    assert verdicts(result) == {"Twice": "passed"}
    assert (Path(result.cases[0].file).name, result.cases[0].line) == ("homework.ipynb, cell 3", 6)


def test_what_is_imported_from_the_future_holds_for_the_cells_that_follow(checked):
    later = twice().replace("(self, x)", "(self, x: Unknown)")
    assert verdicts(checked("from __future__ import annotations", later)) == {"Twice": "passed"}
    assert verdicts(checked("print()", later, twice("Other"))) == {"Other": "passed"}


def test_a_class_of_static_methods_has_its_place(checked):
    source = "\n" + twice().replace("    def", "    @staticmethod\n    def").replace("self, ", "")
    (case,) = checked("1", source).cases
    assert (Path(case.file).name, case.line) == ("homework.ipynb, cell 2", 2)


def test_cells_come_in_their_order_and_not_in_that_of_their_names(checked):
    result = checked(*[twice(f"Layer{11 - n}") for n in range(11)])
    assert [case.name for case in result.cases] == [f"Layer{11 - n}" for n in range(11)]


def test_a_wrong_setting_is_told_with_its_cell(checked):
    result = checked(twice(), "\nGRADCHECK = {'Twice': {'pair': {}}}")
    assert result.problem is not None
    assert str(result.problem).endswith("(homework.ipynb, cell 2, line 2)")


def test_it_runs_in_its_own_folder_and_without_a_network(checked, tmp_path):
    (tmp_path / "size.txt").write_text("2")
    fetch = "import urllib.request\nurllib.request.urlretrieve('http://localhost:9/data', 'data')"
    result = checked("SIZE = int(open('size.txt').read())", fetch, twice(forward="SIZE * x"))
    assert verdicts(result) == {"Twice": "passed"}
    (warning,) = result.asides
    assert "a check opens no connection to the network" in warning.text


def test_it_changes_and_makes_no_file(checked, tmp_path):
    (tmp_path / "best.txt").write_text("my own result")
    changes = [
        "open('best.txt', 'w').write('0')",
        "import os\nos.remove('best.txt')",
        "os.rename('best.txt', 'old.txt')",
        "import numpy as np\nnp.save('weights.npy', np.ones(3))",
        "import shutil\nshutil.rmtree('.')",
    ]
    result = checked(*changes, twice())
    assert verdicts(result) == {"Twice": "passed"}
    assert (tmp_path / "best.txt").read_text() == "my own result"
    assert {path.name for path in tmp_path.iterdir()} == {"homework.ipynb", "best.txt"}
    told = [aside.text for aside in result.asides]
    assert sum("a check changes no file: best.txt" in text for text in told) == 3
    assert any("a check changes no file: weights.npy" in text for text in told)


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "homework.ipynb is no notebook: it is not JSON"),
        ("print(3)", "homework.ipynb is no notebook: it is not JSON"),
        ("[" * 100_000, "homework.ipynb is no notebook: it is not JSON"),
        ("[]", "homework.ipynb is no notebook: it has no list of cells"),
        (json.dumps({"nbformat": 4, "cells": 3}), "homework.ipynb is no notebook: it has no list of cells"),
        (
            json.dumps({"nbformat": 3, "worksheets": [{"cells": []}]}),
            "homework.ipynb has the format of notebooks before 2015; open it in Jupyter and save it",
        ),
        (json.dumps(contents({"cell_type": "markdown", "source": "x"}, 7, " ")), "homework.ipynb has no code cells"),
        (
            json.dumps(contents("x <- 3", metadata={"kernelspec": {"language": "R"}})),
            "homework.ipynb is a notebook in R; only Python 3 can be checked",
        ),
        (
            json.dumps(contents("x = 3;", metadata={"language_info": {"name": "julia", "version": "1.9"}})),
            "homework.ipynb is a notebook in Julia 1.9; only Python 3 can be checked",
        ),
        (
            json.dumps(contents("print 3", metadata={"language_info": {"name": "python", "version": "2.7.9"}})),
            "homework.ipynb is a notebook in Python 2.7.9; only Python 3 can be checked",
        ),
    ],
)  # fmt: skip
def test_what_is_no_notebook_in_python_gets_one_sentence(tmp_path, text, words):
    path = tmp_path / "homework.ipynb"
    path.write_text(text)
    with pytest.raises(ForeignError) as error:
        cells_of(path)
    assert str(error.value) == words
    result = check_module(str(path))
    assert result.problem is not None
    assert str(result.problem) == words


def test_a_notebook_that_says_python_2_is_read_if_its_code_is_python_3_too(tmp_path):
    path = tmp_path / "homework.ipynb"
    path.write_text(json.dumps(contents("%matplotlib inline\nx = 3", metadata={"language_info": {"version": "2.7.9"}})))
    assert [cell.source for cell in cells_of(path)] == ["pass\nx = 3\n"]


def test_a_notebook_full_of_pictures_is_not_read(tmp_path):
    path = tmp_path / "homework.ipynb"
    with path.open("wb") as file:
        file.truncate(files.LARGEST + 1)
    with pytest.raises(ForeignError, match="is 50 MB, and at most 50 MB are read; clear its outputs"):
        cells_of(path)


def test_a_notebook_that_is_saved_again_has_another_stamp(tmp_path):
    path = tmp_path / "homework.ipynb"
    path.write_text(json.dumps(contents(twice())))
    (tmp_path / "beside.py").write_text("")
    before = stamp(source_file(str(path)))
    assert [name for name, *_ in before] == ["beside.py", "homework.ipynb"]
    assert stamp(source_file(str(path))) == before
    path.write_text(json.dumps(contents(twice(), "1")))
    assert stamp(source_file(str(path))) != before
