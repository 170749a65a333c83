"""What is told of a module and of a case: the table in a shell, the failure of an assertion, remarks in sentences."""

from dataclasses import replace

import numpy as np
import pytest

from mlp.check.check import check_layer
from mlp.check.entries import entry_columns
from mlp.nn.layers import Linear
from mlp.user_code.check import CaseResult
from mlp.user_code.messages import Fact
from mlp.user_code.process import ModuleResult
from mlp.user_code.run.pairing import Pair
from mlp.user_code.tell.remarks import _is_twice, _is_unsummed, uncompared
from mlp.user_code.tell.text import case_columns, csv_text, entry_lines, failure_text, module_text


class Wrong(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_W = 2 * self.grad_W
        return dx


X = np.random.RandomState(0).standard_normal((4, 3))
PAIRS = (Pair("W", "dW", (2, 3), (2, 3), "by name"), Pair("x", "returned", (4, 3), (4, 3), "by shape"))
RIGHT = CaseResult(
    "Dense", "layer", "dir/mine.py", 3, {"input": "rows"}, PAIRS, (), check_layer(Linear(3, 2, np.random), X)
)
WRONG = replace(RIGHT, name="Dense2", report=check_layer(Wrong(3, 2, np.random.RandomState(1)), X))
PROBLEM = Fact("problem", "forward raised", "dir/mine.py", 7, ("mine.py:7 in forward: 1 / 0",))
UNCHECKED = replace(RIGHT, name="C", report=None, pairs=(), facts=(PROBLEM,))
GAP = Fact("unchecked", "scale was not compared")
NOTE = Fact("note", "the input was read as rows")


def test_the_table_in_a_shell():
    result = ModuleResult((RIGHT, WRONG, UNCHECKED), asides=(NOTE,))
    lines = module_text(result).splitlines()
    assert lines[0] == "Dense   layer     passed          mine.py:3"
    assert lines[1] == "    compared: W with dW, x with returned"
    assert lines[2] == "Dense2  layer     wrong           mine.py:3"
    assert "    compared: W with dW, x with returned" in lines[3]
    worst = [line for line in lines if line.startswith("      W[")]
    assert len(worst) == 3, "the worst entries, of the tensor that did not pass alone"
    assert not [line for line in lines if line.startswith("      b[")]
    at = lines.index("C       layer     not checked     mine.py:3")
    assert lines[at + 1 : at + 3] == [
        "    problem: forward raised (mine.py:7)",
        "        mine.py:7 in forward: 1 / 0",
    ]
    assert lines[-3:] == ["", "note: the input was read as rows", "1 right, 1 wrong, 1 not checked"]


def test_most_of_a_kind_are_counted_first():
    result = ModuleResult((WRONG, RIGHT, RIGHT))
    assert module_text(result).splitlines()[-1] == "2 right, 1 wrong"


def test_a_module_that_could_not_be_imported_says_why_alone():
    result = ModuleResult(problem=PROBLEM, asides=(NOTE,))
    assert module_text(result).splitlines() == [*str(PROBLEM).splitlines(), "note: the input was read as rows"]


def test_the_worst_entries_have_both_numbers():
    check = WRONG.report["W"]
    found = list(entry_lines(WRONG.report, "W"))
    for line, index in zip(found, check.worst_entries(3), strict=True):
        a, n = check.analytical[index], check.numerical[index]
        assert line == f"W{list(index)}: backward gives {a:.9g}, differences give {n:.9g}"
    assert len(list(entry_lines(WRONG.report, "b"))) == 2  # it has no more


@pytest.mark.parametrize(
    ("case", "first"),
    [
        (WRONG, "Dense2: the gradient of W is wrong"),
        (UNCHECKED, "C: the gradients could not be checked"),
        (replace(RIGHT, facts=(PROBLEM,)), "Dense: the gradients cannot all be right"),
        (replace(RIGHT, facts=(GAP,)), "Dense: not everything was checked"),
    ],
)
def test_a_failure_begins_with_its_verdict(case, first):
    assert failure_text(case).splitlines()[0] == first


def test_a_failure_tells_the_facts_then_the_entries_then_how_the_code_was_read():
    text = failure_text(replace(WRONG, facts=(NOTE, GAP, PROBLEM)))
    order = ["forward raised", "scale was not", "backward gives", "the input was", "compared: W with dW", "input: rows"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert all(line.startswith("  ") for line in text.splitlines()[1:])


def test_every_entry_is_a_row_with_its_layer():
    columns = case_columns([RIGHT, UNCHECKED, WRONG])
    size = sum(check.analytical.size for check in RIGHT.report.values())
    assert columns["layer"] == ["Dense"] * size + ["Dense2"] * size
    expected = entry_columns([*RIGHT.report.values(), *WRONG.report.values()])
    assert {name: columns[name] for name in expected} == expected
    assert next(iter(columns)) == "layer"


def test_floats_are_written_with_every_bit_and_what_is_none_as_nothing():
    columns = {"a": [0.1, float("nan"), None], "b": [True, "x,y", 3]}
    assert csv_text(columns) == 'a,b\n0.10000000000000001,True\n,"x,y"\n,3\n'


@pytest.mark.parametrize(
    ("moving", "words"),
    [
        (
            ["scale"],
            "scale moves the output, but no gradient of it was found in what backward returns or keeps, so it was not "
            "compared; if nobody trains it, say ",
        ),
        (
            ["scale", "shift"],
            "scale and shift move the output, but no gradient of them was found in what backward returns or keeps, so "
            "they were not compared; if nobody trains them, say ",
        ),
    ],
)
def test_what_moves_the_output_and_was_not_compared_is_told_with_the_line_that_settles_it(moving, words):
    fact = uncompared(moving, "output", "Dense", ["old"], "mine.py", 3)
    assert fact.text.startswith(words)
    assert (fact.level, fact.file, fact.line) == ("unchecked", "mine.py", 3)
    namespace = {}
    exec(fact.text.removeprefix(words), namespace)
    assert namespace["GRADCHECK"] == {"Dense": {"constants": ["old", *moving]}}


@pytest.mark.parametrize(
    ("shape", "gradient", "unsummed"),
    [
        ((3,), (4, 3), True),
        ((1, 3), (4, 3), True),
        ((3,), (3, 4), True),
        ((3, 2), (3, 2), False),
        ((3,), (4, 2), False),
    ],
)
def test_a_bias_that_is_not_summed_over_the_batch(shape, gradient, unsummed):
    assert _is_unsummed(Pair("b", "db", shape, gradient, "by name")) == unsummed


def test_twice_is_twice():
    first = np.array([1.0, -2.0])
    assert _is_twice(2 * first, first)
    assert _is_twice(2 * first + 1e-10, first)
    assert not _is_twice(2 * first + 1e-8, first)
    assert not _is_twice(first, first)
    assert not _is_twice(np.zeros(2), np.zeros(2))
    assert not _is_twice(None, first)


def test_a_module_passes_if_something_was_checked_and_nothing_lost():
    assert ModuleResult((RIGHT,), asides=(NOTE,)).passed
    assert not ModuleResult().passed
    assert not ModuleResult((RIGHT, WRONG)).passed
    assert not ModuleResult((RIGHT,), asides=(PROBLEM,)).passed
    assert not ModuleResult((RIGHT,), problem=PROBLEM).passed


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (RIGHT, "passed"),
        (WRONG, "wrong"),
        (UNCHECKED, "not checked"),
        (replace(RIGHT, facts=(GAP,)), "partly checked"),
        (replace(RIGHT, facts=(NOTE,)), "passed"),
        (replace(RIGHT, facts=(GAP, PROBLEM)), "wrong"),
        (replace(WRONG, facts=(GAP,)), "wrong"),
        # A gradient of another shape is wrong, though no number could be compared.
        (replace(UNCHECKED, pairs=(Pair("W", "dW", (2, 3), (3, 2), "by name"),)), "wrong"),
        (replace(UNCHECKED, pairs=PAIRS), "not checked"),
    ],
)
def test_the_status_of_a_case(case, status):
    assert (case.status, case.passed) == (status, status == "passed")


def test_what_is_left_out_has_neither_report_nor_problem_nor_anything_that_was_not_compared():
    assert replace(UNCHECKED, facts=(NOTE,)).left_out
    assert not replace(UNCHECKED, facts=(NOTE, GAP)).left_out
    assert not UNCHECKED.left_out
    assert not replace(RIGHT, facts=(NOTE,)).left_out
