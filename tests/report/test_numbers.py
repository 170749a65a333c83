"""Numbers, names and quotients as people read them."""

import numpy as np
import pytest

from mlp.differences.examples import EXAMPLES
from mlp.report import latex
from mlp.report.numbers import brief, counted, duration, entry

CUBIC, SUM, MATRIX, POLAR = (
    EXAMPLES[name] for name in ("cubic", "sum of squares", "matrix input", "polar coordinates")
)


@pytest.mark.parametrize(
    ("last", "text"), [(1, "1"), (2, "1, 2"), (3, "1, 2, 3"), (4, "1, ..., 4"), (50, "1, ..., 50")]
)
def test_whole_numbers_up_to_the_last(last, text):
    assert counted(last) == text


@pytest.mark.parametrize(("index", "text"), [((), "W"), ((3,), "W[3]"), ((3, 1, 0), "W[3,1,0]")])
def test_an_entry_s_name(index, text):
    assert entry("W", index) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00085, "850 µs"),
        (0.000999, "999 µs"),
        (0.001, "1 ms"),
        (0.0123, "12 ms"),
        (0.0099, "9.9 ms"),
        (0.9996, "1000 ms"),
        (1.0, "1 s"),
        (1.29, "1.3 s"),
        (12.6, "13 s"),
        (120.0, "120 s"),
    ],
)
def test_a_time_has_its_unit(seconds, text):
    assert duration(seconds) == text


def test_three_significant_digits_and_no_negative_zero():
    assert [brief(value) for value in (0.00012345, 1.2345e-5, 18.44, -0.0, 1234.5)] == [
        *("0.000123", "1.23e-05", "18.4", "0", "1.23e+03"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.25, "6.25"),
        (2.0, "2"),
        (-0.0, "0"),
        (2e-12, r"2 \cdot 10^{-12}"),
        (1e-12, "10^{-12}"),
        (1.5e300, r"1.5 \cdot 10^{300}"),
        (np.nan, r"\text{no value}"),
        (np.inf, r"\text{no value}"),
    ],
)
def test_a_number_has_all_its_digits(value, text):
    assert latex.number(value) == text


def test_a_negative_number_within_a_sum_stands_in_brackets():
    assert (latex.enclosed(-2.5), latex.enclosed(2.5), latex.enclosed(0.0)) == ("(-2.5)", "2.5", "0")


def test_a_quotient_is_written_with_its_values():
    text = latex.quotient(CUBIC, np.array([1.0]), (0,), 0, 0.5)
    assert text == (
        r"\begin{aligned} f'(x) &\approx \frac{f(1 + 0.5) - f(1 - 0.5)}{2 \cdot 0.5} "
        r"\\[4pt] &= \frac{3.375 - 0.125}{1} \\[4pt] &= 3.25 \end{aligned}"
    )
    text = latex.quotient(SUM, np.array([1.0, 2.0]), (1,), 0, 0.5)
    assert r"\frac{\partial f}{\partial x_{1}} &\approx \frac{f(1,\, 2 + 0.5) - f(1,\, 2 - 0.5)}{2 \cdot 0.5}" in text
    text = latex.quotient(MATRIX, np.zeros((2, 3)), (1, 2), 1, 0.5)
    assert r"\frac{\partial f_{1}}{\partial A_{1,2}} &\approx \frac{f_{1}(A + 0.5\, E_{1,2}) - f_{1}(A - 0.5\," in text


@pytest.mark.parametrize(
    ("example", "x", "index", "eps", "words"),
    [
        (CUBIC, [1.0], (0,), 0.5, "The analytical derivative is 3: the quotient is off by 0.25."),
        (SUM, [1.0, 2.0], (1,), 0.5, "The analytical derivative is 4, and so is the quotient, to the last bit."),
        (EXAMPLES["pole"], [0.5], (0,), 0.5, "The analytical derivative is -4."),
        (EXAMPLES["absolute value"], [0.0], (0,), 0.5, "There is no derivative here."),
    ],
)
def test_what_the_quotient_has_missed(example, x, index, eps, words):
    assert latex.compared(example, np.array(x), index, 0, eps) == words


def test_the_analytical_derivative_to_four_digits():
    assert latex.analytical(CUBIC, np.array([2.0])).endswith("= 12")
    assert latex.analytical(CUBIC, np.array([1 / 3])).endswith(r"\approx 0.3333")
    assert latex.analytical(SUM, np.array([1.0, 2.0])).endswith(r"= \begin{bmatrix} 2 & 4 \end{bmatrix}")
    assert latex.analytical(EXAMPLES["absolute value"], np.zeros(1)).endswith(r"\quad \text{(here there is none)}")
    rows = latex.matrix(np.array([[1.0, -2.0], [0.5, 3.0]]))
    assert rows == r"\begin{bmatrix} 1 & -2 \\ 0.5 & 3 \end{bmatrix}"


def test_all_entries_of_a_short_vector_are_written_out_and_else_the_chosen_one():
    assert latex.shown(np.zeros(2), (1,)) == [(0,), (1,)]
    assert latex.shown(np.zeros(3), (1,)) == [(1,)]
    assert latex.place(np.zeros((2, 3)), 4) == (1, 1)


def test_the_reshaping_trick_has_the_shapes():
    text = latex.reshaping((2, 3), 5)
    for words in (
        "matrix of shape (2, 3)",
        "fun(a.reshape(2, 3))",
        "a vector of 6 numbers",
        "has shape (5, 2·3): 5 outputs",
        "Reshaped to (5, 2, 3)",
    ):
        assert words in text
