"""Numbers that people type: every bit of them stands in the address, and what is none is refused in a sentence."""

import re

import numpy as np
import pytest

from mlp.differences.examples import EXAMPLES
from pages.ui import editor

RNG = np.random.RandomState(0)


@pytest.mark.parametrize("shape", [(1,), (4,), (1, 3), (3, 2)])
def test_every_bit_comes_back(shape):
    array = RNG.standard_normal(shape) / 3
    np.testing.assert_array_equal(editor.read(editor.write(array), shape), array)


def test_commas_part_numbers_and_semicolons_rows():
    assert editor.write(np.array([0.5, -1])) == "0.5,-1.0"
    assert editor.write(np.array([[0.5, -1], [2e-9, 3]])) == "0.5,-1.0;2e-09,3.0"
    np.testing.assert_array_equal(editor.read(" .5, -1;2E-3,+3.", (2, 2)), [[0.5, -1], [0.002, 3]])


FORM = "It must hold {}, such as 0.5,-1,2e-3."
RANGE = "Its numbers must lie between -1,000,000 and 1,000,000."


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("1,2", (1,), "It must hold one number."),
        ("1", (2,), "It must hold 2 numbers with commas between them."),
        (
            "1,2;3,4",
            (3, 2),
            "It must hold 3 rows of 2 numbers, with commas between numbers and semicolons between rows.",
        ),
        ("1,2,3;4,5,6", (3, 2), None),
        ("1,x", (2,), FORM.format("2 numbers with commas between them")),
        ("1,nan", (2,), FORM.format("2 numbers with commas between them")),
        ("1,1e1000", (2,), FORM.format("2 numbers with commas between them")),
        ("1,٣", (2,), FORM.format("2 numbers with commas between them")),
        ("1000000.5", (1,), RANGE),
        ("-1e7", (1,), RANGE),
        ("1e999", (1,), RANGE),
    ],
)
def test_what_is_no_such_array_is_refused(text, shape, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message or 'It must hold 3 rows of 2')}"):
        editor.read(text, shape)


def test_a_million_is_a_number():
    assert editor.read("-1000000,1e6", (2,)).tolist() == [-1e6, 1e6]


def test_a_table_has_a_column_for_a_vector_and_one_for_each_of_a_matrix():
    like = {"lin_W": RNG.standard_normal((3, 2)), "lin_b": RNG.standard_normal(3)}
    columns = [column for key, array in like.items() for column in editor._columns(key, array)]
    assert [name for name, _ in columns] == ["W[:, 0]", "W[:, 1]", "b"]
    table = editor.pd.DataFrame(dict(columns))
    for key, array in editor._arrays(table, like).items():
        np.testing.assert_array_equal(array, like[key])


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_point_is_written_as_it_is_read(name):
    example = EXAMPLES[name]
    np.testing.assert_array_equal(editor._read_point(editor._written(example.point), example), example.point)
    own = editor._read_point("  ", example)
    np.testing.assert_array_equal(own, example.point)
    own += 1
    assert not np.array_equal(own, example.point), "a copy"
