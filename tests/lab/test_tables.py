"""A stranger's table as a data set: what becomes of each column, and what it cannot be chosen for."""

import re

import numpy as np
import pytest

from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import UPLOAD
from mlp.lab.tables import FEW, MAX_CLASSES, MIN_ROWS
from mlp.lab.training import Training
from mlp.lab.training_run import Run
from mlp.report.files.table_files import read_table
from tests.comparing import is_sentence
from tests.tables import ROWS, A, B, changed, made, rows, sorted_rows, text


@pytest.mark.parametrize(
    ("values", "outputs"),
    [
        (np.arange(ROWS) % FEW, tuple(map(str, range(FEW)))),
        (np.where(A > 0, 10, 9), ("9", "10")),
        (np.where(A > 0, -1.0, 1.0), ("-1", "1")),
        (np.arange(ROWS) % (FEW + 1), None),
        (A, None),
        (np.where(A > 0, 0.5, 1.5), None),
    ],
)
def test_few_whole_numbers_are_classes_and_others_are_to_be_fitted(values, outputs):
    data = made(text(rows(header="a,b,y", cells=lambda k: f"{A[k]},{B[k]},{values[k]}")), target="y")
    assert data.is_classification == (outputs is not None)
    assert data.outputs == (outputs or ("y",))
    _, target = sorted_rows(data)
    found = target.argmax(axis=1) if outputs else data.target_scale.undo(target)[:, 0]
    expected = np.array([outputs.index(f"{value:.0f}") for value in values]) if outputs else values
    np.testing.assert_allclose(found, expected[np.argsort(A)], rtol=1e-14, atol=1e-15)


def test_what_is_suggested():
    table = read_table("t.csv", text(rows(header="a,b,name,kind", cells=lambda k: f"{A[k]},{B[k]},n{k},{k}")))
    assert table.suggested() == (("a", "b"), "kind")
    assert list(table.numbers) == ["a", "b", "kind"]
    # The first column of what pandas writes has no name.
    table = read_table("t.csv", text(rows(header=",b,kind")))
    assert table.columns == ("column 1", "b", "kind")


CHOICE = [
    (changed(4, ",2.0,yes"), {}, "The column 'a' is no column of numbers: row 4 is empty there. Mend it, or leave"),
    (changed(4, "1.0,n/a,yes"), {}, "The column 'b' is no column of numbers: row 4 holds 'n/a'. Mend it, or leave the"),
    (changed(4, "1.0,nan,yes"), {}, "The column 'b' is no column of numbers: row 4 holds 'nan'. Mend it, or leave the"),
    (changed(4, "1.0,-inf,no"), {}, "The column 'b' is no column of numbers: row 4 holds '-inf'. Mend it, or leave"),
    (changed(4, "1.0,Infinity,no"), {}, "The column 'b' is no column of numbers: row 4 holds 'Infinity'. Mend it, or"),
    (changed(4, "1.0,1_0,yes"), {}, "The column 'b' is no column of numbers: row 4 holds '1_0'. Mend it, or leave the"),
    (changed(4, "1.0,2.0,"), {}, "The target 'kind' is empty in row 4."),
    (changed(4, "1.0,,yes"), {"features": "a", "target": "b"}, "The target 'b' is empty in row 4."),
    (
        changed(4, "1.0,n/a,yes\n2.0,3.0,no"),
        {"features": "a", "target": "b"},
        "The target 'b' has 21 different values: too many for classes, of which there can be 20, and no numbers, for",
    ),
    (text(rows()), {"features": ()}, "Choose at least one column of numbers as a feature."),
    (text(rows()), {"features": "ab", "target": "a"}, "The column 'a' is the target, so it cannot be a feature as "),
    (text(rows()), {"features": ("a", "c")}, "my data.csv has no column 'c'."),
    (text(rows()), {"target": "c"}, "my data.csv has no column 'c'."),
    (
        text(rows()),
        {"features": ("a", "kind"), "target": "b"},
        "The column 'kind' is no column of numbers: row 2 holds",
    ),
    (
        text(rows(cells=lambda k: f"{A[k]},7,{'yes' if k else 'no'}")),
        {},
        "The column 'b' is 7 in every row to train on: it tells nothing, so leave it out.",
    ),
    (text(rows(cells=lambda k: f"{A[k]},{B[k]},yes")), {}, "The target 'kind' is 'yes' in every row, so there is "),
    (text(rows(cells=lambda k: f"{A[k]},{B[k]},3")), {}, "The target 'kind' is '3' in every row, so there is nothing"),
    (text(rows(count=MIN_ROWS - 1)), {}, "my data.csv has 9 rows; to train and to test take at least 10."),
    (text(rows(count=1)), {}, "my data.csv has 1 row; to train and to test take at least 10."),
]


@pytest.mark.parametrize(("content", "choice", "message"), CHOICE, ids=[message[:45] for *_, message in CHOICE])
def test_a_column_that_cannot_be_what_it_is_chosen_for(content, choice, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as refusal:
        made(content, **choice)
    assert is_sentence(str(refusal.value)) or str(refusal.value).startswith("my data.csv ")


def test_as_many_classes_as_allowed():
    lines = [f"{k}.5,{k * k},c{k % MAX_CLASSES:02}" for k in range(2 * MAX_CLASSES)]
    assert len(made(text(["a,b,kind", *lines])).outputs) == MAX_CLASSES


def test_a_hundred_thousand_rows_are_trained_on():
    x = np.random.RandomState(1).standard_normal((100_000, 3))
    lines = [f"{a:.4f},{b:.4f},{a * b + 0.1 * noise:.4f}" for a, b, noise in x]
    data = made(text(["a,b,y", *lines]), target="y")
    assert (len(data.x), len(data.test_x)) == (80_000, 20_000)
    run = Run(Training(Experiment((2, 8, 1), initialisation="Glorot"), UPLOAD, "Adam", 0.02, 600, 64), data)
    run.advance(600)
    assert run.history["test loss"][-1] < 0.1 < run.history["test loss"][0]


def test_ten_rows_are_enough_and_the_data_set_says_what_it_is_made_of():
    data = made(text(rows(count=MIN_ROWS)))
    numbers = made(text(rows(count=MIN_ROWS)), features=("a",), target="b")
    assert data.about == numbers.about == "Columns of my data.csv, 10 rows."
    assert (len(data.x), len(data.test_x)) == (8, 2)
