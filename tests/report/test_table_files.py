"""A stranger's table: read and trained on, or refused in a sentence that names row and column."""

import re

import numpy as np
import pytest
from hypothesis import strategies as st

from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import UPLOAD
from mlp.lab.tables import FEW, MAX_CLASSES, MIN_ROWS, table_data
from mlp.lab.training import Training
from mlp.lab.training_run import Run
from mlp.report.files import UploadError, table_files
from mlp.report.files.table_files import MAX_COLUMNS, MAX_ROWS, read_table
from tests.comparing import is_sentence
from tests.hostile.trying import examples, try_all

ROWS = 20
RNG = np.random.RandomState(0)
A, B = RNG.standard_normal((2, ROWS))


def rows(*, header="a,b,kind", cells=lambda k: f"{A[k]},{B[k]},{'yes' if A[k] > B[k] else 'no'}", count=ROWS):
    return [header, *(cells(k) for k in range(count))]


def text(lines, end="\n"):
    return (end.join(lines) + end).encode()


def changed(place, line):
    """The sound table with another line in this place, which counts as in an editor."""
    lines = rows()
    lines[place - 1] = line
    return text(lines)


def made(content, features=("a", "b"), target="kind"):
    return table_data(read_table("my data.csv", content), features, target, 3)


def sorted_rows(data):
    values = data.x_scale.undo(np.concatenate([data.x, data.test_x]))
    target = np.concatenate([data.target, data.test_target])
    order = np.argsort(values[:, 0])
    return values[order], target[order]


@pytest.mark.parametrize(
    "content",
    [
        text(rows()),
        text(rows(), "\r\n"),
        b"\xef\xbb\xbf" + text(rows()),
        text(["", *rows(), "", "  "]),
        text(rows()).rstrip(b"\n"),
        text([line.replace(",", ";").replace(".", ",") for line in rows()]),
        text([line.replace(",", "\t") for line in rows()]),
        text([", ".join(f'"{cell}"' for cell in line.split(",")).replace(", ", ",") for line in rows()]),
    ],
    ids=["plain", "windows", "mark", "blank lines", "no end", "semicolons, decimal commas", "tabs", "quotes"],
)
def test_tables_as_people_have_them(content):
    data = made(content)
    values, target = sorted_rows(data)
    order = np.argsort(A)
    np.testing.assert_allclose(values, np.stack([A, B], axis=1)[order], rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(target[:, 1] == 1, (A > B)[order])
    assert (data.features, data.outputs, data.is_classification) == (("a", "b"), ("no", "yes"), True)
    assert (len(data.x), len(data.test_x)) == (16, 4)
    assert data.about == "Columns of my data.csv, 20 rows."


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


FILE = [
    (b"", "my data.csv is empty."),
    (b"\n \n", "my data.csv is empty."),
    (b"a,b\n", "my data.csv names its columns, but has no further row."),
    (text(["a", "1", "2"]), "my data.csv has one column only; part the cells with commas, semicolons or tabs."),
    (text(["1,2,x", "3,4,y"]), "my data.csv: the first row must name the columns, and '1' is a number."),
    (text(["a,b,a", "1,2,3"]), "my data.csv has two columns named 'a'; rename one."),
    (changed(5, "1.0,2.0"), "my data.csv: row 5 has 2 cells, the first row has 3. If commas are decimal points, part "),
    (changed(2, "1,5,2,5,yes"), "my data.csv: row 2 has 5 cells, the first row has 3. If commas are decimal points,"),
    (changed(3, '1.0,"2.0,no'), "my data.csv: row 21 has 2 cells, the first row has 3. If commas are decimal points"),
    (text(rows()).decode().encode("utf-16"), "my data.csv is not text in UTF-8, so it is no CSV file."),
    ("a;b\nä;ö\n".encode("latin-1"), "my data.csv is not text in UTF-8, so it is no CSV file."),
    (text(["a,b", "1," + "x" * 200_000]), "my data.csv is not a readable CSV file (field larger than field limit "),
    (text([",".join(f"c{k}" for k in range(MAX_COLUMNS + 1))]), "my data.csv has 1,001 columns; the limit is 1,000."),
    (text(["a,b"] + ["1,2"] * (MAX_ROWS + 1)), "my data.csv has more than 200,000 rows of 2 columns, which is the "),
    (text(["a;b", "1,5;2", "1.5;2"]), "my data.csv: column 'a' holds '1.5', but the numbers before it have the other"),
    (text(["a,b", "1e999,2"]), "my data.csv: column 'a' holds '1e999', which is too large for float64."),
]


@pytest.mark.parametrize(("content", "message"), FILE, ids=[message[:40] for _, message in FILE])
def test_a_file_that_is_no_table_is_refused_in_a_sentence(content, message):
    with pytest.raises(UploadError, match=f"^{re.escape(message)}") as refusal:
        read_table("my data.csv", content)
    assert str(refusal.value).endswith(".")


def test_bytes_are_counted_before_anything_is_read(monkeypatch):
    monkeypatch.setattr(table_files, "MAX_BYTES", 10)
    with pytest.raises(UploadError, match=r"^my data.csv has 11 bytes; the limit is 10\.$"):
        read_table("my data.csv", b"a,b\n1,2\n3,4")


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


def read_or_refused(content):
    """A table and data of finite numbers, or a sentence in printable characters."""
    told = "Read."
    try:
        table = read_table("my data.csv", content)
        data = table_data(table, *table.suggested(), 0)
        assert np.isfinite(data.x).all()
        assert np.isfinite(data.target).all()
    except ValueError as error:
        told = str(error)
    assert told.endswith(".")
    assert told.isprintable()
    assert len(told) <= 250


@examples
def test_whatever_is_uploaded_is_read_or_refused(examples):
    cells = st.sampled_from(["1", "2.5", "-3e5", "", "x", '"', "nan", "1e308", "-1e308", "0,5", "\x00", "\u2028", "٣"])
    lines = st.lists(st.lists(cells, min_size=1, max_size=4), max_size=25)
    tables = st.tuples(st.sampled_from([",", ";", "\t"]), lines).map(
        lambda drawn: "\n".join(["a,b,c".replace(",", drawn[0]), *map(drawn[0].join, drawn[1])]).encode()
    )
    try_all(read_or_refused, st.one_of(tables, st.binary(), st.text().map(str.encode)), examples)
