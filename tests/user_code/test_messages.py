"""What is said of somebody's code: a sentence, its place, and their frames without ours."""

import linecache
import types

import pytest

from mlp.user_code.messages import (
    Fact,
    ForeignError,
    exception_fact,
    home_of,
    in_order,
    is_ours,
    line_of,
    place,
    place_of,
    quoted,
    told,
)

SOURCE = """\
def first(n):
    return 1 / n


class Layer:
    def forward(self, n):
        return first(n)

    def deeper(self, n):
        return self.deeper(n - 1) if n else first(0)


GRADCHECK = {}
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text(SOURCE)
    made = types.ModuleType("theirs")
    made.__file__ = str(path)
    exec(compile(SOURCE, str(path), "exec"), vars(made))
    return made


def test_a_fact_is_a_sentence_with_its_place_and_the_frames_below():
    fact = Fact("problem", "forward raised ValueError", "dir/my_layers.py", 7, ("one", "two"))
    assert fact.sentence == "Forward raised ValueError."
    assert Fact("note", "class_weights moves the output").sentence == "class_weights moves the output."
    assert str(fact) == "forward raised ValueError (my_layers.py:7)\n    one\n    two"
    assert str(Fact("note", "x was read as rows")) == "x was read as rows"
    assert str(ForeignError(fact)) == str(fact)
    assert ForeignError(fact).fact is fact


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("dir/my_layers.py", 12, "my_layers.py:12"),
        ("dir/homework.ipynb, cell 3", 5, "homework.ipynb, cell 3, line 5"),
        ("", 0, ""),
    ],
)
def test_a_place_is_a_line_of_a_file_or_of_a_cell(file, line, words):
    assert place(file, line) == words


def test_cells_stand_in_the_order_of_their_numbers():
    places = [("a.ipynb, cell 10", 1), ("a.ipynb, cell 9", 2), ("a.ipynb, cell 9", 1)]
    assert sorted(places, key=lambda one: in_order(*one)) == places[::-1]
    assert in_order("a.py", 3) == ("a.py", 0, 3)


class Silent:
    def __repr__(self):
        raise OSError


def test_a_value_is_quoted_in_sixty_characters():
    assert quoted("a" * 100) == "'" + "a" * 59
    assert quoted(Silent()) == "an object of type Silent"


def test_the_frames_are_theirs_alone_the_outermost_first(module):
    with pytest.raises(ForeignError) as error, told("forward", module.Layer):
        module.Layer().forward(0)
    fact = error.value.fact
    assert (fact.level, fact.text) == ("problem", "forward raised ZeroDivisionError: division by zero")
    theirs = [line for line in fact.trace if line.startswith("theirs.py")]
    assert theirs == ["theirs.py:7 in forward: return first(n)", "theirs.py:2 in first: return 1 / n"]
    assert (fact.file, fact.line) == (module.__file__, 2)


def test_of_many_frames_the_first_and_the_last_three_are_shown(module):
    with pytest.raises(ForeignError) as error, told("forward"):
        module.Layer().deeper(20)
    trace = error.value.fact.trace
    assert len(trace) == 4
    assert [line.split(" in ")[1].split(":")[0] for line in trace[1:]] == ["deeper", "deeper", "first"]


def test_a_long_message_is_cut_and_an_empty_one_left_out(module):
    assert exception_fact(ValueError("x" * 301 + "."), "it").text == f"it raised ValueError: {'x' * 300}..."
    assert exception_fact(ValueError("x" * 300 + "."), "it").text == f"it raised ValueError: {'x' * 300}"
    assert exception_fact(ValueError(" two\n words. "), "it").text == "it raised ValueError: two words"
    assert exception_fact(ValueError(), "it").text == "it raised ValueError"
    assert (exception_fact(ValueError(), "it", module.first).file, 1) == (module.__file__, 1)


def test_a_syntax_error_stands_in_its_own_line():
    fact = exception_fact(SyntaxError("invalid syntax", ("theirs.py", 4, 1, "def")), "import")
    assert (fact.text, fact.file, fact.line) == ("import raised SyntaxError: invalid syntax", "theirs.py", 4)


def test_an_exit_of_theirs_is_told_and_an_interrupt_goes_on():
    with pytest.raises(ForeignError), told("import"):
        raise SystemExit(1)
    with pytest.raises(KeyboardInterrupt), told("import"):
        raise KeyboardInterrupt


def test_classes_and_functions_know_where_they_stand(module):
    linecache.checkcache(module.__file__)
    assert place_of(module.first) == (module.__file__, 1)
    assert place_of(module.Layer) == (module.__file__, 5)
    assert place_of(module.Layer().forward) == (module.__file__, 6)
    assert place_of(3) == ("", 0)
    assert line_of(module, "GRADCHECK") == (module.__file__, 13)
    assert line_of(module, "NOTHING") == (module.__file__, 0)
    assert (home_of(module.Layer), home_of(module.first), home_of(3)) == ("theirs", "theirs", "")


def test_ours_are_the_checker_and_what_is_installed(module):
    assert is_ours(pytest.__file__)
    assert is_ours(linecache.__file__)
    assert is_ours("<frozen importlib>")
    assert not is_ours(module.__file__)
