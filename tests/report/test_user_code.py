"""What the page says of somebody's layers: headline, findings, the line that overrides a guess, the test to paste."""

from dataclasses import replace

import numpy as np
import pytest

from mlp.check.check import check_layer
from mlp.nn.activations import Tanh
from mlp.nn.layers import Linear
from mlp.report.tables import user_code
from mlp.user_code.check import CaseResult
from mlp.user_code.messages import Fact
from mlp.user_code.run.pairing import Pair


class Wrong(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_b = -self.grad_b
        return dx


X = np.random.RandomState(0).standard_normal((4, 3))
RIGHT = CaseResult("Dense", "layer", "my_layers.py", 3, report=check_layer(Linear(3, 2, np.random.RandomState(1)), X))
WRONG = replace(RIGHT, report=check_layer(Wrong(3, 2, np.random.RandomState(1)), X))
UNCHECKED = replace(RIGHT, report=None, facts=(Fact("problem", "forward raised", "my_layers.py", 7),))


def test_the_headline_is_the_verdict():
    assert user_code.title(RIGHT) == "Dense is right"
    assert user_code.title(WRONG) == "Dense is wrong"
    assert user_code.title(UNCHECKED) == "Dense could not be checked"


def test_what_was_not_looked_at_keeps_it_from_being_right():
    gap = Fact("unchecked", "scale moves the output, but no gradient of it was found, so it was not compared")
    partly = replace(RIGHT, facts=(gap,))
    assert partly.status == "partly checked"
    assert not partly.passed
    assert user_code.title(partly) == "Dense is right as far as it was checked, and not all of it was"
    assert user_code.findings(partly) == [gap.sentence]
    assert user_code.summary([partly])["what was found"][0] == (
        "W, b, x agree; scale moves the output, but no gradient of it was found, so ..."
    )


def test_findings_begin_with_the_diagnosis_or_with_the_problem_where_there_is_none():
    assert user_code.findings(RIGHT) == [RIGHT.report.summary]
    assert "db has the wrong sign throughout" in user_code.findings(WRONG)[0]
    assert user_code.findings(UNCHECKED) == ["my_layers.py:7: forward raised."]
    problem = Fact("problem", "a gradient is missing")
    both = user_code.findings(replace(WRONG, facts=(problem,)))
    assert "db has the wrong sign throughout" in both[0]
    assert both[-1] == "A gradient is missing."
    assert user_code.findings(replace(RIGHT, facts=(problem,)))[0] == "A gradient is missing."


def test_the_summary_says_what_was_found_in_short():
    table = user_code.summary([RIGHT, replace(WRONG, name="Other", line=9), replace(UNCHECKED, name="Third")])
    assert list(table["name"]) == ["Dense", "Other", "Third"]
    assert list(table["verdict"]) == ["passed", "wrong", "not checked"]
    assert table["what was found"][0] == "W, b, x agree"
    assert table["what was found"][1] == "db: sign flipped"
    assert table["what was found"][2] == "forward raised"
    assert list(table["where"]) == ["my_layers.py:3", "my_layers.py:9", "my_layers.py:3"]


def test_two_of_one_name_are_told_apart_by_their_lines():
    assert list(user_code.labels([RIGHT, replace(RIGHT, line=20)])) == ["Dense, line 3", "Dense, line 20"]


def test_the_line_that_overrides_a_guess_is_python_and_says_the_guess():
    pairs = (Pair("W", "returned.dW", (2, 3), (2, 3), "by name"), Pair("x", "returned", (4, 3), (4, 3), "by shape"))
    line = user_code.override(replace(RIGHT, name='Den"se', pairs=pairs))
    namespace = {}
    exec(line, namespace)
    assert namespace["GRADCHECK"] == {'Den"se': {"pairs": {"W": "dW", "x": "returned"}}}


@pytest.mark.parametrize(
    ("name", "kind", "is_offered"),
    [("Dense", "layer", True), ("dense", "layer", False), ("Dense", "function", False)],
)
def test_a_test_is_offered_for_what_has_a_class(name, kind, is_offered):
    text = user_code.suite(replace(RIGHT, name=name, kind=kind), "my_layers.py")
    assert ("from my_layers import Dense" in text) == is_offered
    assert bool(text) == is_offered


def test_one_tensor_agrees_and_several_agree():
    one = replace(RIGHT, name="Tanh", report=check_layer(Tanh(), X))
    assert list(user_code.summary([RIGHT, one])["what was found"]) == ["W, b, x agree", "x agrees"]


def test_a_long_problem_is_cut_at_a_word_in_the_table_alone():
    words = "one two three four five six seven eight nine ten eleven"  # and a word that ends at 60, or beyond
    for last, cut in ((" abcd", False), (" abcde", True)):
        text = words + last
        assert (len(text) > 60) == cut
        case = replace(UNCHECKED, facts=(Fact("problem", text),))
        [found] = user_code.summary([case])["what was found"]
        assert found == (f"{words} ..." if cut else text)
        assert text.capitalize() in user_code.findings(case)[0]


def test_the_pairing_says_in_words_where_each_gradient_was_found():
    pairs = (
        Pair("W", "returned.dW", (2, 3), (2, 3), "by name"),
        Pair("b", "update.b", (2,), (2,), "by its change"),
        Pair("K", "grads.K", (4,), (4,), "by shape"),
        Pair("x", "returned", (4, 3), (3, 4), "by shape"),
    )
    table = user_code.pairing(replace(RIGHT, pairs=pairs))
    assert list(table["tensor"]) == ["W", "b", "K", "x, the input"]
    assert list(table["its gradient"]) == [
        "dW, returned",
        "b before and after the update",
        "grads.K",
        "what backward returns",
    ]
    assert (table["shape"][3], table["gradient's shape"][3]) == ("(4, 3)", "(3, 4)")
    assert list(table["why"]) == ["by name", "by its change", "by shape", "by shape"]


def test_asides_are_warnings_and_notes_alone_with_their_places():
    facts = [
        Fact("problem", "forward raised", "my_layers.py", 7),
        Fact("warning", "the seed is not set", "my_layers.py", 2),
        Fact("note", "W was taken for the weights"),
    ]
    assert user_code.asides(facts) == [
        "Warning: my_layers.py:2: the seed is not set.",
        "Note: W was taken for the weights.",
    ]


def test_commands_name_the_settings_that_are_no_defaults():
    assert user_code.commands("a.py", 1e-4, "central") == "python -m mlp a.py\npython -m mlp a.py --csv gradients.csv"
    assert user_code.commands("a.py", 1e-3, "forward").startswith("python -m mlp a.py --eps 0.001 --method forward\n")
    assert user_code.commands("my layers.py", 1e-4, "central").startswith('python -m mlp "my layers.py"\n')


def test_the_first_to_see_is_the_first_that_did_not_pass():
    assert user_code.first_to_see({"a": RIGHT, "b": WRONG, "c": UNCHECKED}) == "b"
    assert user_code.first_to_see({"a": RIGHT, "b": RIGHT}) == "a"
    assert user_code.counted([RIGHT, WRONG, RIGHT]) == "2 passed, 1 wrong"


def test_in_short_what_cannot_be_told_and_what_said_nothing(monkeypatch):
    monkeypatch.setattr(CaseResult, "status", "cannot tell")
    assert list(user_code.summary([RIGHT])["what was found"]) == ["W, b, x: the error bars are too wide"]
    nowhere = CaseResult("Dense", "layer", "", 0)
    assert list(user_code.summary([nowhere])["what was found"]) == [user_code.NONE]
    assert list(user_code.summary([nowhere])["where"]) == [user_code.NONE]


def test_only_problems_are_lost_and_every_frame_of_theirs_is_shown_in_order():
    raised = Fact("problem", "forward raised", "my_layers.py", 7, ("in forward", "    1 / 0"))
    facts = [Fact("note", "W was taken for the weights"), raised, Fact("problem", "x is missing", trace=("in main",))]
    assert user_code.lost(facts) == ["my_layers.py:7: forward raised.", "X is missing."]
    assert user_code.trace(facts) == "in forward\n    1 / 0\nin main"
    assert user_code.trace(facts[:1]) == ""


def test_how_the_code_was_read_stands_in_a_line():
    case = replace(RIGHT, reading={"input": "rows, (n, features)", "dy": "as y"})
    assert user_code.reading(case) == "input: rows, (n, features); dy: as y"


def test_the_csv_has_the_entries_of_every_case():
    rows = user_code.to_csv([RIGHT, WRONG]).decode().splitlines()
    entries = sum(check.analytical.size for case in (RIGHT, WRONG) for check in case.report.values())
    assert len(rows) == 1 + entries
