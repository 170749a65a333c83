"""The page about people's own layers: what the isolated check found, for whatever stands in the file."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mlp import check_layer
from mlp.user_code.process import ModuleResult
from pages.ui import watch
from tests.pages.plots import arrays, shown_table

CORPUS = Path(__file__).parents[1] / "user_code" / "corpus"

RIGHT = """\
class Square:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return 2 * self.x * dy
"""


@pytest.fixture
def started_with(monkeypatch, open_page):
    """Give a function that opens the page on a server with these options, and settings in the address."""

    def opened(*options, **address):
        monkeypatch.setattr(sys, "argv", ["app.py", *map(str, options)])
        return open_page("your_layers", **address)

    return opened


@pytest.fixture
def mine(tmp_path):
    """Give a function that writes their file."""

    def written(source, name="mine.py"):
        path = tmp_path / name
        path.write_text(source)
        return path

    return written


def boxes(app):
    return [box.value for box in (*app.success, *app.error, *app.warning)]


def test_without_a_module_it_says_how_to_start_and_shows_the_example(started_with):
    app = started_with()
    assert "streamlit run app.py -- --layers" in app.markdown[1].value
    found = shown_table(app, "what was found")
    assert list(found["name"]) == ["Dense", "Tanh", "sigmoid"]
    assert list(found["verdict"]) == ["passed", "wrong", "passed"]


def test_the_wrong_layer_of_the_example_is_diagnosed(started_with):
    app = started_with(case="Tanh")
    assert "derivative of the activation in the wrong place" in app.error[0].value


@pytest.mark.parametrize("eps", ["1e-4", "1e-2"])
def test_the_maps_are_the_arrays_of_the_api(started_with, mine, eps):
    path = mine(RIGHT)
    scope = {"__name__": "mine"}
    exec(path.read_text(), scope)
    report = check_layer(scope["Square"], eps=float(eps))
    app = started_with("--layers", path, eps=eps)
    analytical, numerical, _ = arrays(app, 0)
    np.testing.assert_array_equal(analytical, report["x"].analytical)
    np.testing.assert_array_equal(numerical, report["x"].numerical)


KERNEL = """\
import numpy as np

class Kernel:
    def __init__(self, in_features, out_features):
        self.K = np.random.randn(out_features, in_features, 2, 3)

    def forward(self, x):
        self.x = x
        return np.einsum("nj,ijkl->ni", x, self.K)

    def backward(self, dy):
        self.dK = np.zeros_like(self.K) + (dy.T @ self.x)[:, :, None, None]
        return dy @ self.K.sum(axis=(2, 3))
"""


def test_a_tensor_of_four_axes_is_drawn_slice_by_slice(started_with, mine):
    app = started_with("--layers", mine(KERNEL), wrt="K", slice="K[1,0]")
    assert "agrees" in app.success[0].value
    shape = shown_table(app, "its gradient").set_index("tensor").loc["K", "shape"]
    _, inputs, *last = (int(size) for size in shape.strip("()").split(","))
    assert last == [2, 3]
    first = arrays(app, 0)[0]
    assert first.shape == (2, 3)
    # Every entry of dK[i, j] is the same number here, another one for each i and j.
    assert np.ptp(first) == 0
    assert app.selectbox(key="slice").options[inputs] == "K[1,0]"
    app.selectbox(key="slice").select("K[1,1]").run()
    assert arrays(app, 0)[0][0, 0] != first[0, 0]


def test_a_saved_file_is_checked_anew_and_the_last_result_stays_until_then(started_with, mine):
    app = started_with("--layers", mine(RIGHT))
    assert "agrees" in app.success[0].value
    mine(RIGHT.replace("2 * self.x", "-2 * self.x"))
    for _ in range(400):
        app.run()
        assert app.get("plotly_chart")
        if app.error:
            break
    assert "wrong sign throughout" in app.error[0].value


def test_while_a_save_is_checked_the_latest_result_before_stands(monkeypatch):
    monkeypatch.setattr(watch, "check_module", lambda *_, **__: ModuleResult())
    checks = watch.Checks()
    first, second, third = (watch.Request("mine.py", ((name, 0, 0),), 1e-4, "central") for name in "abc")
    other_method = second._replace(method="forward")
    assert checks.last(third) is None
    for asked in (first, second, other_method):
        while checks.result(asked) is None:
            time.sleep(0.001)
    assert checks.last(third) == second


@pytest.mark.parametrize(("done", "words"), [(0, "1 of 3"), (2, "3 of 3"), (3, "3 of 3")])
def test_the_case_that_is_being_checked_is_counted_from_one(done, words):
    assert watch.told(watch.Progress(done, 3, "Dense")) == f"Checking Dense ({words}) ..."


def test_a_notebook_is_followed_as_it_is_saved(started_with, tmp_path):
    def saved(*sources):
        cells = [{"cell_type": "code", "source": source} for source in sources]
        path = tmp_path / "homework.ipynb"
        path.write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": cells}))
        return path

    app = started_with("--layers", saved("import numpy", RIGHT))
    assert "agrees" in app.success[0].value
    assert list(shown_table(app, "what was found")["where"]) == ["homework.ipynb, cell 2, line 1"]
    saved("import numpy", RIGHT.replace("2 * self.x", "-2 * self.x"), "class Lost:\n    size = 1 / 0")
    for _ in range(400):
        app.run()
        if app.error:
            break
    lost, wrong = app.error
    assert "homework.ipynb, cell 3, line 2: running cell 3 raised ZeroDivisionError" in lost.value
    assert "wrong sign throughout" in wrong.value


def test_the_pairing_comes_with_the_line_that_overrides_it(started_with, mine):
    source = (CORPUS / "larger_libraries.py").read_text().partition("class DenseWithName")[0]
    app = started_with("--layers", mine(source), case="FullyConnected")
    guessed = shown_table(app, "its gradient")
    line = next(block.value for block in app.code if "GRADCHECK" in block.value)
    app = started_with("--layers", mine(f"{source}\n{line}\n", "said.py"), case="FullyConnected")
    said = shown_table(app, "its gradient")
    assert set(said["why"]) == {"given in GRADCHECK"}
    assert "given in GRADCHECK" not in set(guessed["why"])
    assert sorted(said.drop(columns="why").to_numpy().tolist()) == sorted(
        guessed.drop(columns="why").to_numpy().tolist()
    )


WENT_WRONG = {
    "RaisesInForward": ("RaisesInForward.forward raised ValueError", "mine.py:23"),
    "NoBackward": ("has forward but no backward", "mine.py:37"),
    "TrulyRandom": ("another output for the same input each time", "mine.py:75"),
    "NotANumber": ("gives nan at index", "mine.py:42"),
    "EndsTheProcess": ("ended the Python process", "Checking EndsTheProcess"),
}


def test_what_went_wrong_is_told_and_hides_nothing_else(started_with, mine):
    # All that is asked for below, but the endless loop, which would take its ten seconds.
    broken = (CORPUS / "broken.py").read_text().partition("class ChangesInput")[0]
    app = started_with("--layers", mine(broken.replace("while True:", "if False:")))
    for case, told in WENT_WRONG.items():
        app.selectbox(key="case").set_value(case).run()
        assert not app.exception
        assert {"passed", "wrong", "not checked"} <= set(shown_table(app, "what was found")["verdict"])
        [box] = boxes(app)
        assert all(words in box.replace("\\", "") for words in told), (case, box)


def test_the_frames_of_an_exception_are_theirs_alone(started_with, mine):
    app = started_with("--layers", mine(RIGHT.replace("return x**2", "return self.none")))
    [frames] = [block.value for block in app.code if " in forward: " in block.value]
    assert frames == "mine.py:4 in forward: return self.none"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def broken(:\n", "mine.py:1: importing mine.py raised SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("a = 1\n", "defines no layers"),
        ("", "defines no layers"),
    ],
)
def test_a_module_that_cannot_be_checked_is_told_in_a_sentence(started_with, mine, source, words):
    app = started_with("--layers", mine(source))
    assert not app.exception
    [box] = app.error
    assert words in box.value.replace("\\", "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--layers", "no_such_file.py"), "there is no file no_such_file.py"),
        (("--layers", "no_such_module"), "there is no module no_such_module"),
        (("--layers", "tests"), "tests is a folder"),
        (("--layers", "README.md"), "README.md is no Python file"),
        (("--layers",), "expected one argument"),
        (("--layer", "mine.py"), "unrecognized arguments"),
    ],
)
def test_options_that_cannot_be_used_are_told_here_and_in_the_terminal(started_with, capsys, options, words):
    app = started_with(*options)
    assert not app.exception
    box = app.error[0]  # an example that is wrong on purpose may follow
    assert words.lower() in box.value.replace("\\", "").lower()
    assert words in capsys.readouterr().err


def test_a_file_that_comes_later_is_found(started_with, tmp_path):
    path = tmp_path / "mine.py"
    app = started_with("--layers", path)
    assert "here is no file" in app.error[0].value
    path.write_text(RIGHT)
    app.run()
    assert not app.error
    assert "agrees" in app.success[0].value


def test_a_module_name_does_as_well(started_with):
    app = started_with("--layers", "tests.user_code.corpus.activations")
    assert set(shown_table(app, "what was found")["verdict"]) == {"passed"}


def test_nothing_on_the_page_takes_code(started_with):
    app = started_with()
    assert not app.get("file_uploader")
    assert not app.get("text_area")
    assert {field.key for field in app.text_input} == {"sizes", "typed_sizes"}


def test_a_case_that_is_not_there_is_named(started_with):
    app = started_with(case="<script>")
    assert "case=" in app.warning[0].value
    assert app.selectbox(key="case").value == "Tanh"


def test_it_opens_on_the_first_that_is_wrong_and_counts_them(started_with):
    app = started_with()
    assert app.selectbox(key="case").options[0] == "Dense"
    assert app.selectbox(key="case").value == "Tanh"
    assert app.error[0].value.startswith("Tanh")
    assert "2 passed, 1 wrong" in [text.value for text in app.caption]


def test_what_was_left_out_of_the_module_is_said(started_with, mine):
    app = started_with("--layers", mine(RIGHT + "\nimport matplotlib_that_nobody_has\n"))
    assert not app.exception
    shown = [element.value for element in (*app.markdown, *app.error)]
    assert any("matplotlib" in text for text in shown)
