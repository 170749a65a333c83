"""What goes wrong in their code is told as a fact, with file and line, and never hides the layers beside it."""

from pathlib import Path

import pytest

from mlp.user_code.process import check_module

BROKEN = Path(__file__).parent / "corpus" / "broken.py"


def line_with(text):
    """The number of the line of broken.py that holds this text."""
    lines = BROKEN.read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


@pytest.fixture(scope="module")
def results():
    # A second for each case: only the endless loop takes it, the others need milliseconds.
    return {case.name: case for case in check_module(str(BROKEN), seconds=1).cases}


def test_the_layers_before_between_and_after_the_broken_ones_are_checked(results):
    assert [name for name, case in results.items() if case.passed] == ["Fine", "ChangesInput", "LastOfAll"]


@pytest.mark.parametrize(
    ("name", "words", "line"),
    [
        ("RaisesInForward", "RaisesInForward.forward raised ValueError", "return x @ np.ones((17, 2))"),
        ("RaisesInBackward", "has no attribute 'slope'", "return dy * self.slope"),
        ("NoBackward", "has forward but no backward", "class NoBackward"),
        ("NotANumber", "gives nan at index [0, 0]", "class NotANumber:"),
        ("NotANumberBackward", "backward gives nan as gradient of x", "class NotANumberBackward"),
        ("LoopsForever", "cut off after 1 seconds", "dy = dy + 0"),
        ("EndsTheProcess", "ended the Python process (exit code 3)", ""),
        ("TrulyRandom", "another output for the same input each time", "class TrulyRandom"),
        ("NeedsAnArgument", '"args": {"flux_capacitor": ...}', "self.gain = flux_capacitor.gain()"),
        ("NoGradientKept", "W moves the output, but no gradient of it was found", ""),
    ],
)
def test_each_is_told_what_is_wrong_and_where(results, name, words, line):
    (problem,) = results[name].problems or results[name].gaps
    assert words in problem.text
    if line:
        # In an endless loop the watchdog may find either of its two lines.
        assert abs(problem.line - line_with(line)) <= (name == "LoopsForever")
        assert Path(problem.file).name == "broken.py"


def test_a_traceback_shows_their_frames_and_no_others(results):
    assert results["RaisesInForward"].problems[0].trace == (
        f"broken.py:{line_with('return self._multiply(x)')} in forward: return self._multiply(x)",
        f"broken.py:{line_with('np.ones((17, 2))')} in _multiply: return x @ np.ones((17, 2))",
    )


def test_an_input_changed_in_place_is_a_warning(results):
    (warning,) = [fact for fact in results["ChangesInput"].facts if fact.level == "warning"]
    assert "ChangesInput.forward changes its input in place" in warning.text


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import numpy as np\n\n1 / 0\n", "raised ZeroDivisionError"),
        ("def broken(:\n", "SyntaxError"),
        ("import nothing_of_this_name\n", "raised ModuleNotFoundError"),
        ("while True:\n    pass\n", "cut off after 0.1 seconds"),  # a tenth of the time, for one statement
        ("raise SystemExit(1)\n", "raised SystemExit"),
        ("name = input()\n", "raised EOFError"),
        ("a = 1\n", "defines no layers"),
        ("class A:\n    def forward(self, x): return x\nGRADCHECK = {'B': {}}\n", "GRADCHECK names 'B'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told(tmp_path, source, words):
    path = tmp_path / "theirs.py"
    path.write_text(source)
    result = check_module(str(path), seconds=1)
    assert not result.passed
    assert result.cases == ()
    assert words in str(result.problem)


def test_what_they_print_and_leave_behind_stays_with_them(tmp_path, capfd):
    path = tmp_path / "talkative.py"
    path.write_text(
        "import sys\nprint('hello')\nprint('oh', file=sys.stderr)\n"
        "class A:\n    def forward(self, x): print(x); return x\n    def backward(self, dy): return dy\n"
    )
    assert check_module(str(path)).passed
    assert capfd.readouterr() == ("", "")


def test_results_are_plain_data(tmp_path):
    # A class whose pickle would do harm: a result that were unpickled would run it.
    path = tmp_path / "sly.py"
    path.write_text(
        "import numpy as np\n"
        "class A:\n"
        "    def forward(self, x): return np.array(x.tolist(), dtype=object)\n"
        "    def backward(self, dy): return np.array([Harm()], dtype=object)\n"
        f"class Harm:\n    def __reduce__(self): return (open, ({str(tmp_path / 'harmed')!r}, 'w'))\n"
    )
    assert not check_module(str(path)).passed
    assert not (tmp_path / "harmed").exists()


def test_a_module_that_is_called_as_this_package_does_not_take_its_place(tmp_path, monkeypatch):
    (tmp_path / "mlp.py").write_text("def scale(x): return 3 * x\ndef scale_backward(dy, x): return 3 * dy\n")
    monkeypatch.chdir(tmp_path)
    (case,) = check_module("mlp.py").cases
    assert case.passed


AVERAGED = """
import numpy as np


class Summed:
    def __init__(self, n_in=4, n_out=3):
        self.w = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, dy):
        self.dw = self.x.T @ dy
        return dy @ self.w.T


class Averaged(Summed):
    def backward(self, dy):
        self.dw = self.x.T @ dy / len(dy)
        return dy @ self.w.T
"""


def test_an_average_is_no_pass_beside_another_layers_sum_unless_it_is_declared(tmp_path):
    path = tmp_path / "layers.py"
    path.write_text(AVERAGED)
    status = {case.name: case.status for case in check_module(str(path)).cases}
    assert status == {"Summed": "passed", "Averaged": "partly checked"}
    (gap,) = check_module(str(path)).cases[1].gaps
    assert "averages over the batch, those of Summed are sums" in gap.text
    declaration = gap.text.partition("say ")[2]
    path.write_text(f"{AVERAGED}\n\n{declaration}\n")
    assert check_module(str(path)).passed
    path.write_text(AVERAGED.replace("self.x.T @ dy\n", "self.x.T @ dy / len(dy)\n"))
    assert check_module(str(path)).passed
