"""Whatever is uploaded is read or refused in one sentence of at most 200 printable characters."""

import io
import struct
import warnings
import zipfile

import numpy as np
from hypothesis import strategies as st

from mlp.lab.tables import table_data
from mlp.report.files import UploadError
from mlp.report.files.matching import match
from mlp.report.files.table_files import read_table
from mlp.report.files.uploads import read_files
from tests.hostile.trying import examples, try_all

SHAPES = {"fc1.W": (4, 3), "fc1.b": (4,), "x": (3,)}
ARRAYS = {name: np.random.RandomState(0).standard_normal(shape) for name, shape in SHAPES.items()}


def written(save):
    buffer = io.BytesIO()
    save(buffer, **ARRAYS)
    return buffer.getvalue()


SOUND = (written(np.savez), written(np.savez_compressed))
CSV = "tensor,i,j,gradient\n" + "".join(
    f"{name},{index[0]},{index[1] if len(index) > 1 else ''},{float(array[index])!r}\n"
    for name, array in ARRAYS.items()
    for index in np.ndindex(array.shape)
)


def refused_or_read(files):
    """Finite arrays that may belong to the problem, or one sentence."""
    try:
        arrays = read_files(files)
        assert all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays.values())
        told = match(arrays, SHAPES).told
    except UploadError as error:
        told = str(error)
        assert told.endswith(".")
        assert len(told) <= 200
    assert told.isprintable()


@st.composite
def damaged(draw, sound):
    """A sound file in which bytes were changed, lost, put in or cut off."""
    content = bytearray(draw(sound))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content) - 1)) if content else 0
        match draw(st.sampled_from(["changed", "lost", "put", "cut"])):
            case "changed":
                content[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "lost":
                del content[place : place + draw(st.integers(1, 20))]
            case "put":
                content[place:place] = draw(st.binary(max_size=8))
            case "cut":
                del content[place:]
    return bytes(content)


DTYPES = ["'<f8'", "'|O'", "'<U1000000000'", "'>f16'", "'V0'", "'<M8[ns]'", "[('a', '<f8')]"]
SHAPE_TEXTS = ["(3,)", "(-3,)", "(3, -1)", "(1e3,)", "()", "(10**30,)", "(True,)", "('a',)", "(99999999999999999999,)"]
SCRAPS = ["(", "{", "[", "}", "False", "True", "1", "None", "\\", "'", "#", "\n", "1_0", " " * 50, "\0"]
KEYS = ["{'descr': ", ", 'fortran_order': ", ", 'shape': "]
HEADERS = st.lists(st.sampled_from([*DTYPES, *SHAPE_TEXTS, *SCRAPS, *KEYS]), max_size=8)
NAMES = st.text(min_size=1, max_size=300).filter(lambda name: name[0] != "\0" and not name.endswith("/"))


@st.composite
def numpy_headers(draw):
    """An NPZ whose one array has a header that numpy did not write."""
    header = "".join(draw(st.one_of(HEADERS, st.just(["{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}"]))))
    version, length = draw(st.sampled_from([((1, 0), "<H"), ((2, 0), "<I"), ((3, 0), "<I"), ((9, 9), "<I")]))
    content = b"\x93NUMPY" + bytes(version) + struct.pack(length, len(header)) + header.encode()
    buffer = io.BytesIO()
    compression = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as file:
        warnings.simplefilter("ignore")  # zipfile's, of a name that comes twice
        for name in draw(st.lists(NAMES, min_size=1, max_size=3)):
            file.writestr(name, content + bytes(draw(st.sampled_from([24, 0, 8, 25]))))
    return buffer.getvalue()


CELLS = st.one_of(
    st.text(max_size=8),
    st.floats().map(repr),
    st.integers(-1, 10**10).map(str),
    st.sampled_from(
        ["tensor", "i", "j", "gradient", "fc1.W", "1,5", "1_0", "\u0661", '"', '"\n"', "#", "1e999", "=1+1", "nan"]
    ),
)


@st.composite
def tables(draw):
    """Text of cells and delimiters, now and then as a CSV should be."""
    delimiter, newline = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    rows = draw(st.lists(st.lists(CELLS, max_size=6), max_size=6))
    head = draw(st.sampled_from(["", "tensor,i,j,gradient", "tensor;i;j;gradient", "# a comment", "\ufeff"]))
    return newline.join([head, *map(delimiter.join, rows)]).encode(errors="surrogatepass")


@examples
def test_a_damaged_npz_is_read_or_refused(examples):
    try_all(lambda content: refused_or_read({"g.npz": content}), damaged(st.sampled_from(SOUND)), examples)


@examples
def test_headers_and_names_in_an_npz_are_read_or_refused(examples):
    try_all(lambda content: refused_or_read({"g.npz": content}), numpy_headers(), examples)


@examples
def test_a_damaged_csv_is_read_or_refused(examples):
    content = damaged(st.just(CSV.encode()))
    try_all(lambda content: refused_or_read({"g.csv": content}), content, examples)


@examples
def test_any_table_is_read_or_refused(examples):
    try_all(
        refused_or_read, st.dictionaries(st.text(max_size=300).map("{}.csv".format), tables(), max_size=3), examples
    )


@examples
def test_any_table_of_data_is_read_or_refused(examples):
    def check(content):
        told = "Read."
        try:
            table = read_table("t.csv", content)
            data = table_data(table, *table.suggested(), seed=0)
            assert np.isfinite(data.x).all()
            assert np.isfinite(data.target).all()
        except ValueError as error:  # of the table, or of what is to be made of it
            told = str(error)
        assert told.endswith(".")
        assert len(told) <= 300
        assert told.isprintable()

    rows = st.lists(st.tuples(CELLS, CELLS, st.integers(0, 3).map(str)), min_size=1, max_size=15)
    rows = rows.map(lambda rows: "\n".join(["a,b,c", *map(",".join, rows)]).encode(errors="surrogatepass"))
    try_all(check, st.one_of(tables(), rows), examples)


def test_what_is_damaged_here_was_sound():
    for file, content in {"g.npz": SOUND[0], "h.npz": SOUND[1], "g.csv": CSV.encode()}.items():
        assert {name: array.shape for name, array in read_files({file: content}).items()} == SHAPES
