"""Files that nobody vouches for: what is in them is found under many names, and what is wrong with them is said."""

import io
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlp.report.files import UploadError, csv_files, uploads
from mlp.report.files.csv_files import MAX_CELLS, MAX_ROW
from mlp.report.files.matching import match
from mlp.report.files.uploads import MAX_BYTES, MAX_UNPACKED, read_files

SHAPES = {"fc1.W": (4, 3), "fc1.b": (4,), "fc2.W": (2, 4), "fc2.b": (2,), "x": (5, 3)}
RNG = np.random.RandomState(0)
GRADIENTS = {name: RNG.standard_normal(shape) for name, shape in SHAPES.items()}
OURS = list(SHAPES)


def npz(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped_twice(*names):
    """An NPZ with two arrays of one name, which numpy would read as the last of them."""
    array, buffer = io.BytesIO(), io.BytesIO()
    np.save(array, np.ones(3))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as file:
        warnings.simplefilter("ignore")  # zipfile's, of the second name
        for name in names:
            file.writestr(name, array.getvalue())
    return buffer.getvalue()


def without(*names):
    return {name: gradient for name, gradient in GRADIENTS.items() if name not in names}


def named(names):
    return dict(zip(names, GRADIENTS.values(), strict=False))


@pytest.mark.parametrize(
    "names",
    [
        OURS,
        ["W1", "b1", "W2", "b2", "x"],
        ["dW1", "db1", "dW2", "db2", "dx"],
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "input"],
        ["0.weight", "0.bias", "2.weight", "2.bias", "x"],
        ["layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b", "grad_x"],
        [
            "net.layers.0.weight.grad",
            "net.layers.0.bias.grad",
            "net.layers.3.weight.grad",
            "net.layers.3.bias.grad",
            "x",
        ],
        ["grad_W_1", "grad_b_1", "grad_W_2", "grad_b_2", "dinput"],
        ["input.0.weight", "input.0.bias", "input.1.weight", "input.1.bias", "x"],
        ["fc1/kernel", "fc1/bias", "fc2/kernel", "fc2/bias", "x"],
        ["gradWeights1", "gradBiases1", "gradWeights2", "gradBiases2", "gradInput"],
        ["one", "two", "three", "four", "five"],  # by shape alone
    ],
)
def test_names_are_matched_tolerantly(names):
    upload = match(read_files({"g.npz": npz(named(names))}), SHAPES)
    for tensor, gradient in GRADIENTS.items():
        np.testing.assert_array_equal(upload.gradients[tensor], gradient)
    assert {found.tensor: found.uploaded for found in upload.matches} == dict(zip(OURS, names, strict=True))


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_count_from_nought_or_one_even_if_a_layer_has_none(first):
    shapes = {**SHAPES, "fc3.W": (5, 2), "fc3.b": (5,)}
    gradients = {name: RNG.standard_normal(shape) for name, shape in shapes.items()}
    names = {"fc1": first, "fc2": first + 1}
    sent = {
        f"{tensor[-1]}{names[tensor[:3]]}" if tensor[:3] in names else f"last {tensor[-3:]}": gradient
        for tensor, gradient in gradients.items()
        if tensor != "x"
    }
    sent = {{"last 3.W": "final", "last 3.b": "end"}.get(name, name): gradient for name, gradient in sent.items()}
    upload = match(sent, shapes)
    for tensor, gradient in upload.gradients.items():
        np.testing.assert_array_equal(gradient, gradients[tensor])
    assert [found.reason for found in upload.matches] == ["name"] * 4 + ["shape"] * 2


def test_a_name_without_a_number_is_a_layers_only_where_there_is_one():
    one = {"fc1.W": (4, 3), "fc1.b": (4,)}
    upload = match({"weights": GRADIENTS["fc1.W"], "bias": GRADIENTS["fc1.b"]}, one)
    assert [found.tensor for found in upload.matches] == ["fc1.W", "fc1.b"]
    with pytest.raises(UploadError, match=r"There is no gradient of fc1\.W; the upload holds"):
        match({"weights": GRADIENTS["fc1.W"], **without("fc1.W")}, SHAPES)


def test_a_transposed_matrix_is_turned_and_said():
    turned = {name: gradient.T if name == "fc1.W" else gradient for name, gradient in GRADIENTS.items()}
    upload = match(turned, SHAPES)
    np.testing.assert_array_equal(upload.gradients["fc1.W"], GRADIENTS["fc1.W"])
    assert [found.tensor for found in upload.matches if found.transposed] == ["fc1.W"]
    assert "fc1.W (by name, transposed)" in [found.origin for found in upload.matches]


def test_a_transposed_matrix_is_found_by_its_shape_too():
    upload = match({"mine": GRADIENTS["fc1.W"].T, **without("fc1.W")}, SHAPES)
    np.testing.assert_array_equal(upload.gradients["fc1.W"], GRADIENTS["fc1.W"])
    assert upload.matches[0].origin == "mine (by shape, transposed)"


@pytest.mark.parametrize("turn_all", [True, False])
def test_a_square_matrix_is_turned_only_with_all_the_others(turn_all):
    shapes = {"fc1.W": (4, 3), "fc2.W": (4, 4)}
    gradients = {name: RNG.standard_normal(shape) for name, shape in shapes.items()}
    sent = {"fc1.W": gradients["fc1.W"].T if turn_all else gradients["fc1.W"], "fc2.W": gradients["fc2.W"]}
    upload = match(sent, shapes)
    expected = gradients["fc2.W"].T if turn_all else gradients["fc2.W"]
    np.testing.assert_array_equal(upload.gradients["fc2.W"], expected)


def test_a_bias_may_be_a_row_or_a_column():
    sent = {**GRADIENTS, "fc1.b": GRADIENTS["fc1.b"][None, :], "fc2.b": GRADIENTS["fc2.b"][:, None]}
    upload = match(sent, SHAPES)
    np.testing.assert_array_equal(upload.gradients["fc1.b"], GRADIENTS["fc1.b"])
    np.testing.assert_array_equal(upload.gradients["fc2.b"], GRADIENTS["fc2.b"])


def test_the_input_may_be_left_out_and_what_is_not_needed_is_told():
    sent = {name: gradient for name, gradient in GRADIENTS.items() if name != "x"} | {"loss": np.ones(1)}
    upload = match(sent, SHAPES)
    assert upload.missing == ("x",)
    assert upload.unused == ("loss",)
    many = match(GRADIENTS | {f"u{i}": np.ones(7) for i in range(1000)}, SHAPES)
    assert many.told == "Not used, since no tensor here is called so: u0, u1, u2, u3, u4 and 995 more."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fc2.b": None}, "There is no gradient of fc2.b; the upload holds fc1.W"),
        ({"fc2.W": np.ones((3, 3))}, r"fc2.W has shape \(3, 3\), but the gradient of fc2.W has shape \(2, 4\)\.$"),
        ({"fc2.b": np.ones((5, 2))}, "It has a row for each of 5 samples: add them up"),
        ({"fc2.W": None, "W2": np.ones((2, 4)), "2.weight": np.ones((2, 4))}, "Both W2 and 2.weight may be"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(change, words):
    sent = {name: gradient for name, gradient in {**GRADIENTS, **change}.items() if gradient is not None}
    with pytest.raises(UploadError, match=words):
        match(sent, SHAPES)


LONG = "tensor,i,j,{column},more\n" + "".join(
    f"{name},{index[0]},{index[1] if len(index) > 1 else ''},{float(gradient[index])!r},0\n"
    for name, gradient in GRADIENTS.items()
    for index in np.ndindex(gradient.shape)
)


@pytest.mark.parametrize("column", ["gradient", "analytical"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_long_csv_comes_back_bit_by_bit(column, newline, mark):
    content = (mark + LONG.format(column=column).replace("\n", newline)).encode()
    read = read_files({"gradients.csv": content})
    for name, gradient in GRADIENTS.items():
        np.testing.assert_array_equal(read[name], gradient)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_plain_matrix_is_named_as_its_file(delimiter):
    lines = [delimiter.join(repr(float(value)) for value in row) for row in GRADIENTS["fc1.W"]]
    read = read_files({"dW1.csv": "\n".join(lines).encode()})
    np.testing.assert_array_equal(read["dW1"], GRADIENTS["fc1.W"])


def test_a_header_above_a_single_row_is_understood():
    np.testing.assert_array_equal(read_files({"W.csv": b"a,b\n1,2\n"})["W"], [[1, 2]])
    np.testing.assert_array_equal(read_files({"W.csv": b"1,2\n"})["W"], [[1, 2]])


@pytest.mark.parametrize("mark", ["_261125", "_20261125", "_\u00b2", "_" + "9" * 5000])
def test_a_date_or_a_power_in_a_name_is_no_layers_number(mark):
    upload = match(
        {f"W1{mark}": GRADIENTS["fc1.W"], f"W2{mark}": GRADIENTS["fc2.W"], **without("fc1.W", "fc2.W")}, SHAPES
    )
    assert [found.uploaded for found in upload.matches][:3] == [f"W1{mark}", "fc1.b", f"W2{mark}"]


def test_of_a_long_cell_the_first_twenty_characters_are_told():
    with pytest.raises(UploadError, match=r"row 1, column 2 holds 'abcdefghijklmnopqrst', which is no number"):
        read_files({"W.csv": b"1,abcdefghijklmnopqrstuvwxyz\n"})
    with pytest.raises(UploadError, match=r"row 2 has the index 'abcdefghijklmnopqrst'; indices"):
        read_files({"g.csv": b"tensor,i,j,gradient\nW,abcdefghijklmnopqrstuvwxyz,0,1\n"})


def test_decimal_commas_and_a_header_are_understood():
    read = read_files({"W1.csv": b"first;second\n1,5;-2\n3e-1;4\n"})
    np.testing.assert_array_equal(read["W1"], [[1.5, -2], [0.3, 4]])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("W.csv", b"", "W.csv is empty"),
        ("W.csv", b"1,2\n3\n", "row 2 has 1 cell, the row before has 2"),
        ("W.csv", b"1,2\n3,four\n", "row 2, column 2 holds 'four', which is no number"),
        ("W.csv", b"a,b\n", "row 1, column 1 holds 'a', which is no number"),
        ("W.csv", b"1,nan\n", r"W in W.csv is nan at \[0, 1\]"),
        ("W.csv", b"1,1e999\n", "row 1, column 2 holds '1e999', which is too large for float64"),
        ("W.csv", b"\xff\xfe\x00", "not text in UTF-8"),
        ("g.csv", b"tensor,i,j,numerical\nW,0,0,1\n", "no column gradient or analytical"),
        ("g.csv", b"tensor,j,gradient\nW,0,1\n", "no column i"),
        ("g.csv", b"tensor,i,j,gradient\nW,0,0,1\nW,0,0,2\n", r"row 3 gives entry \[0, 0\] of W a second time"),
        # The first in the file, whatever its index.
        (
            "g.csv",
            b"tensor,i,j,gradient\nW,0,0,1\nW,0,1,2\nW,0,1,3\nW,0,0,4\n",
            r"row 4 gives entry \[0, 1\] of W a second time",
        ),
        ("g.csv", b"tensor,i,j,gradient\nW,0,0,1\nW,1,1,2\n", r"W has no entry \[0, 1\]"),
        ("g.csv", b"tensor,i,j,gradient\nW,0,0,1\nW,0,1,2\nW,1,0,2\n", r"W has no entry \[1, 1\]"),
        ("g.csv", b"tensor,i,j,gradient\nW,-1,0,1\n", "indices are whole numbers from 0"),
        ("g.csv", b"tensor,i,j,gradient\nW,1000000000,0,1\n", "indices are whole numbers from 0"),
        ("g.csv", b"tensor,i,j,gradient\nW,0,,1\nW,1,0,1\n", "some entries of W have indices that others lack"),
        ("g.csv", b"tensor,i,j,gradient\nW,999999999,999999999,1\n", r"W has no entry \[0, 0\]"),
        ("g.csv", b"tensor,i,j,k,gradient\nW,0,0,0,1\nW,0,1,1,2\n", r"W has no entry \[0, 0, 1\]"),
        ("g.csv", b"tensor,i,j,k,gradient\nW,0,1,0,1\nW,0,1,0,2\n", r"row 3 gives entry \[0, 1, 0\] of W a second"),
        ("g.csv", b"tensor,i,j,gradient\nW,,0,1\n", "some entries of W have indices that others lack"),
        (
            "g.csv",
            b"tensor,i,j,k,l,gradient\nW,0,0,0,0,1\nW,999999999,999999999,999999999,999999999,1\n",
            r"W has no entry \[0, 0, 0, 1\]",
        ),
        ("g.csv", b"tensor,i,j,gradient\nW,0\n", "row 2 has 2 cells"),
        ("g.csv", b"# of mine\n\ntensor,i,j,gradient\nb,0,,1\n\nb,one,,1\n", "row 6 has the index 'one'"),
        ("g.csv", b"tensor,i,j,gradient\n,0,0,1\n", "row 2 names no tensor"),
        ("g.csv", b"tensor,i,j,gradient,Gradient\nW,0,0,1,2\n", "has two columns gradient; leave one out"),
        ("g.csv", b"tensor,i,j,gradient\n", "has a header and no entry"),
        ("g.csv", b"tensor,i,j,gradient\n" + b"".join(b"W%d,0,,1\n" % i for i in range(501)), "more than 500"),
        ("W.csv", b"1_000,2\n", "holds '1_000', which is no number"),
        ("W.csv", "\u0661,2\n".encode(), "which is no number"),
        ("W.csv", b"1,5;2.25\n", "column 2 holds '2.25', but the numbers before it have the other decimal mark"),
        ("g.csv", b"tensor;i;j;gradient\nW;0;0;1,500\nW;0;1;0.5\n", "row 3 holds '0.5', but the numbers before it"),
        ("W.csv", b"a;b,c\n1,2\n", "row 2 has 1 cell, the row before has 2"),
        ("W.csv", b"1," * MAX_ROW + b"1\n", "has a row of more than 1,000,000 cells"),
        ("g.npz", npz({"W": np.array([np.longdouble("1e4000")])}), r"a number at \[0\] that is too large for float64"),
        ("g.npz", zipped_twice("W.npy", "W.npy"), "W in g.npz comes twice"),
        ("g.npz", zipped_twice("W.npy", "W"), "W in g.npz comes twice"),
        ("g.txt", b"1", "neither an .npz nor a .csv"),
        ("g.npz", b"no zip", "not a readable NPZ file"),
        ("g.npz", npz({"W": np.array([1j])}), "holds complex128, not real numbers"),
        ("g.npz", npz({"W": np.array(["a"])}), "not real numbers"),
        ("g.npz", npz({"W": np.array([True])}), "holds bool"),
        ("g.npz", npz({"W": np.zeros((0, 3))}), "is empty"),
        ("g.npz", npz({"W": np.array([np.nan])}), "is nan at"),
        ("g.csv", b"1" * (MAX_BYTES + 1), "has 64,000,001 bytes; the limit is"),
        ("g.csv", b"1," * MAX_CELLS, "has 6,000,001 cells; the limit is"),
    ],
    # Not by their bytes: some of a long double are whatever stood there before, and workers must call a test the same.
    ids=lambda value: "bytes" if isinstance(value, bytes) else None,
)
def test_every_malformed_file_gets_a_sentence(name, content, words):
    with pytest.raises(UploadError, match=words) as error:
        read_files({name: content})
    assert name in str(error.value)
    assert str(error.value).endswith(".")


def test_no_file_and_a_name_twice_are_told():
    with pytest.raises(UploadError, match="There is no file"):
        read_files({})
    with pytest.raises(UploadError, match="W comes twice"):
        read_files({"W.csv": b"1", "g.npz": npz({"W": np.ones(1)})})


class Harm:
    """Unpickling this makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_never_loaded(tmp_path):
    harmed = tmp_path / "harmed"
    content = npz({"W": np.array([Harm(harmed)], dtype=object)})
    with pytest.raises(UploadError, match="pickled Python objects, which are never loaded"):
        read_files({"g.npz": content})
    with pytest.raises(UploadError, match="not a readable NPZ file"):
        read_files({"g.npz": pickle.dumps(Harm(harmed))})
    assert not harmed.exists()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_bomb_is_not_unpacked():
    content = zipped({"W.npy": bytes(10 * MAX_UNPACKED)})
    assert len(content) < MAX_UNPACKED / 10
    with pytest.raises(UploadError, match="unpacks to 160,000,000 bytes"):
        read_files({"g.npz": content})


def test_a_directory_that_lies_about_sizes_is_found_out():
    honest = zipped({"W.npy": bytes(10 * MAX_UNPACKED)})
    lie = honest.replace(struct.pack("<L", 10 * MAX_UNPACKED), struct.pack("<L", 100))
    with pytest.raises(UploadError, match=r"not a readable NPZ file|not a numpy array"):
        read_files({"g.npz": lie})


def test_a_header_that_announces_more_than_there_is_makes_no_array():
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with pytest.raises(UploadError, match="announces shape"):
        read_files({"g.npz": zipped({"W.npy": buffer.getvalue() + bytes(80)})})


@pytest.mark.parametrize(
    ("where", "limit", "file", "count"),
    [
        (uploads, "MAX_BYTES", {"W.csv": b"1,2\n"}, 4),
        (csv_files, "MAX_CELLS", {"W.csv": b"1,2\n3,4\n"}, 4),
        (uploads, "MAX_ARRAYS", {"g.npz": npz({"W": np.ones(2), "b": np.ones(1)})}, 2),
        (uploads, "MAX_UNPACKED", {"g.npz": npz({"W": np.ones(2), "b": np.ones(1)})}, 2 * 128 + 3 * 8),
    ],
)
def test_what_is_just_at_a_limit_is_read(monkeypatch, where, limit, file, count):
    monkeypatch.setattr(where, limit, count)
    assert read_files(file)
    monkeypatch.setattr(where, limit, count - 1)
    with pytest.raises(UploadError, match=f"the limit is {count - 1:,}"):
        read_files(file)


def test_more_numbers_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(csv_files, "MAX_NUMBERS", 3)
    assert read_files({"W.csv": b"1\n2\n3\n"})["W"].size == 3
    with pytest.raises(UploadError, match=r"^W\.csv holds more than 3 numbers, which is the limit\.$"):
        read_files({"W.csv": b"1\n2\n3\n4\n"})


def test_too_many_arrays_are_refused():
    with pytest.raises(UploadError, match="the limit is 500"):
        read_files({"g.npz": zipped({f"{i}.npy": b"" for i in range(501)})})


def lying_npz(compression, content, announced):
    """An NPZ whose directory says that its array has `announced` bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("W.npy", content)
    raw = bytearray(buffer.getvalue())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = raw.index(mark) + offset
        raw[place : place + 4] = announced.to_bytes(4, "little")
    return bytes(raw)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_directory_that_lies_about_a_size_costs_no_memory(compression):
    content = lying_npz(compression, bytes(40_000_000), 1000)
    assert len(content) < 80_000
    tracemalloc.start()
    with pytest.raises(UploadError):
        read_files({"g.npz": content})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The file itself once or twice, and pieces of it; never the 40 MB that it unpacks to.
    assert peak < 5_000_000


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_numpy_never_writes_is_refused(compression):
    buffer, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.ones(3))
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("W.npy", array.getvalue())
    with pytest.raises(UploadError, match=r"W in g\.npz is compressed in a way that numpy never writes"):
        read_files({"g.npz": buffer.getvalue()})


def test_both_ways_in_which_numpy_writes_are_read():
    for write in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        write(buffer, W=np.arange(6.0))
        np.testing.assert_array_equal(read_files({"g.npz": buffer.getvalue()})["W"], np.arange(6.0))


def test_decimal_commas_in_a_long_csv_are_refused_or_read_but_never_cut_off():
    with pytest.raises(UploadError, match=r"row 2 has 5 cells, the header has 4\. If commas are decimal points"):
        read_files({"g.csv": b"tensor,i,j,gradient\nW,0,,1,5\nW,1,,2,5\n"})
    read = read_files({"g.csv": b"tensor;i;j;gradient\nW;0;;1,5\nW;1;;2,25\n"})
    np.testing.assert_array_equal(read["W"], [1.5, 2.25])


@pytest.mark.parametrize("mark", [";", "\t"])
def test_decimal_commas_in_a_matrix_are_read_though_there_are_as_many_of_them(mark):
    read = read_files({"W.csv": f"1,5{mark}2,25{mark}3,125\n4,5{mark}5,5{mark}6,5\n".encode()})
    np.testing.assert_array_equal(read["W"], [[1.5, 2.25, 3.125], [4.5, 5.5, 6.5]])
