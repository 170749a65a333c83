"""A stranger's table as a file: read, or refused in a sentence that names row and column."""

import re

import numpy as np
import pytest
from hypothesis import strategies as st

from mlp.lab.tables import table_data
from mlp.report.files import UploadError, table_files
from mlp.report.files.table_files import MAX_COLUMNS, MAX_ROWS, read_table
from tests.hostile.trying import examples, try_all
from tests.tables import A, B, changed, made, rows, sorted_rows, text


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


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-Inf", "+infinity"])
def test_what_is_not_finite_is_no_number_but_a_stray_in_its_column(cell):
    table = read_table("my data.csv", text(["a,b", "1,2", f"{cell},3"]))
    assert (table.texts, table.strays, [*table.numbers]) == ({"a": ("1", cell)}, {"a": 1}, ["b"])


def test_bytes_are_counted_before_anything_is_read(monkeypatch):
    monkeypatch.setattr(table_files, "MAX_BYTES", 10)
    with pytest.raises(UploadError, match=r"^my data.csv has 11 bytes; the limit is 10\.$"):
        read_table("my data.csv", b"a,b\n1,2\n3,4")


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
