"""What a notebook shows of a report: the numbers of the report, in HTML that is well formed, safe and not too large."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from mlp.check import map_svg as map_svg_module
from mlp.check.map_svg import map_svg
from mlp.check.passes import Remark, RemarkKind
from mlp.check.report import Certainty, Finding, GradientReport
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict
from mlp.differences.methods import METHODS

BAR = 2e-9


def checked(name, analytical, numerical):
    """A tensor whose error bar is 2 T = 2e-9 everywhere."""
    analytical, numerical = np.asarray(analytical, dtype=float), np.asarray(numerical, dtype=float)
    none = np.zeros(numerical.shape)
    return TensorCheck(name, analytical, numerical, none + BAR / 2, none, none, none.astype(bool))


def reported(*checks, **others):
    return GradientReport({check.name: check for check in checks}, 1.0, 1e-4, METHODS["central"], **others)


def shown(report):
    """The HTML as a tree, which it is only if it is well formed."""
    return ElementTree.fromstring(report._repr_html_())


def texts(tree, tag):
    return ["".join(one.itertext()) for one in tree.iter(tag)]


def maps(tree):
    """Of each map its squares: (the text when the pointer rests on it, fill, opacity, sign)."""
    (svg,) = (one for one in tree.iter() if one.tag.endswith("}svg"))
    found = {}
    for group in svg:
        title, *squares = group
        found[title.text] = [
            (square[0].text, square[1].get("fill"), float(square[1].get("fill-opacity")), "".join(square.itertext()))
            for square in squares
        ]
    return found


NUMERICAL = np.array([[1.0, -2.0, 0.5], [4.0, 0.25, -1.0]])


def wrong_at(*indices):
    analytical = NUMERICAL.copy()
    for index in indices:
        analytical[index] += 0.125
    return checked("W", analytical, NUMERICAL)


def test_a_report_that_passed_says_so_with_its_summary():
    report = reported(wrong_at(), checked("b", [1.0], [1.0]))
    tree = shown(report)
    assert {tree.text, *(part.tail for part in tree)} == {None}, "all that is said stands in a paragraph or a table"
    assert texts(tree, "span") == ["passed"]
    assert texts(tree, "p")[0] == f"passed {report.summary}"
    assert texts(tree, "th") == [
        *("tensor", "shape", "verdict", "wrong entries", "largest |a \u2212 n|", "largest relative error"),
        *("furthest off", "analytical a", "numerical n", "a \u2212 n", "error bar"),
    ]
    cells = texts(tree, "td")
    assert cells[:12] == [
        *("W", "(2, 3)", "consistent", "0 of 6", "0", "0"),
        *("b", "(1,)", "consistent", "0 of 1", "0", "0"),
    ]
    assert texts(tree, "p")[-1] == "Central differences with h = 0.0001"


def test_the_worst_entries_of_the_worst_tensor_have_their_numbers():
    report = reported(checked("b", [1.0, 2.0], [1.0, 2.0]), wrong_at((0, 1), (1, 2)))
    tree = shown(report)
    assert texts(tree, "span") == ["wrong"]
    cells = texts(tree, "td")
    assert cells[6:12] == ["W", "(2, 3)", "wrong", "2 of 6", "0.12", "0.067"]
    assert cells[12:22] == [
        *("W[0, 1]", "-1.875", "-2", "0.12", "2e-09"),
        *("W[1, 2]", "-0.875", "-1", "0.12", "2e-09"),
    ]


def test_a_zero_is_written_without_a_sign():
    cells = texts(shown(reported(checked("W", [-0.0, 1.0], [1.0, -0.0]))), "td")
    assert cells[6:9] == ["W[0]", "0", "1"]
    assert cells[11:14] == ["W[1]", "1", "0"]


def test_each_tensor_that_did_not_pass_is_shown_up_to_four():
    names = "abcde"
    report = reported(*[checked(name, [1.0], [2.0]) for name in names], checked("right", [1.0], [1.0]))
    captions = [text.partition(":")[0] for text in texts(shown(report), "p") if "blue is positive" in text]
    assert captions == ["a", "b", "c", "d"]
    report = reported(checked("right", [1.0], [1.0]), checked("worse", [1.0 + BAR / 4], [1.0]))
    captions = [text.partition(":")[0] for text in texts(shown(report), "p") if "blue is positive" in text]
    assert captions == ["worse"]


def test_the_maps_show_sign_size_and_verdict_of_every_entry():
    tree = shown(reported(wrong_at((0, 1))))
    analytical, numerical, verdict = maps(tree).values()
    values = NUMERICAL.ravel()
    assert len({fill for (_, fill, _, _), value in zip(numerical, values, strict=True) if value > 0}) == 1
    assert len({fill for _, fill, _, _ in numerical}) == 2
    # Written with two digits, of the largest of both gradients, 4.
    np.testing.assert_allclose([opacity for _, _, opacity, _ in numerical], np.abs(values) / 4, atol=0.005)
    assert analytical[1][2] == pytest.approx(1.875 / 4, abs=0.005)
    assert [sign[-1] == "x" for *_, sign in verdict] == [False, True, False, False, False, False]
    assert verdict[1][0] == "W[0, 1]: a -1.875, n -2"
    assert "x means wrong" in texts(tree, "p")[-2]


def test_no_wrong_entry_of_a_large_tensor_is_hidden():
    rng = np.random.RandomState(0)
    numerical = rng.standard_normal((3, 100, 90))
    analytical = numerical.copy()
    analytical[1, 57, 33] += 1
    analytical[1, 3, 89] -= 0.5  # too small is as wrong as too large
    report = reported(checked("K", analytical, numerical))
    html = report._repr_html_()
    tree = shown(report)
    wrong = [told for told, _, _, sign in maps(tree)["verdict"] if sign.endswith("x")]
    assert [told.partition(":")[0] for told in wrong] == ["K[1, 3, 89]", "K[1, 57, 33]"]
    assert "K[1, :, :]" in texts(tree, "p")[-2]
    assert "each square is the entry of its block that is furthest off" in texts(tree, "p")[-2]
    # 12 x 12 squares, three times, at about 200 bytes.
    assert len(html) < 100_000


@pytest.mark.parametrize("shape", [(), (1,), (7,), (40,), (1, 1), (2, 3), (40, 2), (2, 3, 4), (2, 1, 3, 5)])
def test_each_shape_has_its_squares(shape):
    numerical = np.random.RandomState(0).standard_normal(shape)
    tree = shown(reported(checked("x", numerical, numerical)))
    rows, columns = (1, 1, *shape)[-2:]
    assert [len(squares) for squares in maps(tree).values()] == [min(rows, 12) * min(columns, 12)] * 3


def test_names_and_sentences_cannot_be_markup():
    name, sentence = "<b>W</b>&\"'", "<script>alert(1)</script> & more"
    remark = Remark(RemarkKind.READ, "", sentence)
    report = reported(checked(name, [[1.0]], [[2.0]]), remarks=(remark,))
    html = report._repr_html_()
    assert "<b>" not in html
    assert "<script" not in html
    tree = shown(report)
    assert sentence in texts(tree, "p")
    assert texts(tree, "td")[0] == name


def test_every_finding_and_remark_is_told_once():
    finding = Finding("", ("dW",), "sign", "", Certainty.CERTAIN, "dW has the wrong sign.", "dW = x.T @ dy")
    other = Finding("", ("db",), "mean", "", Certainty.CERTAIN, "db is a mean.", "db = dy.sum(0)")
    remark = Remark(RemarkKind.ACCUMULATES, "", "dW is added to.")
    report = reported(wrong_at((0, 0)), remarks=(remark,), diagnose=lambda _: (finding, other))
    assert texts(shown(report), "p")[:3] == ["wrong dW has the wrong sign.", "db is a mean.", "dW is added to."]


def test_what_was_not_compared_is_no_pass():
    remark = Remark(RemarkKind.UNCHECKED, "", "V moves the output and was not compared.")
    tree = shown(reported(wrong_at(), remarks=(remark,)))
    assert texts(tree, "span") == ["partly checked"]


def test_only_a_pass_looks_like_one():
    remark = Remark(RemarkKind.UNCHECKED, "", "V moves the output and was not compared.")
    zeros = checked("W", np.zeros(2), np.zeros(2))
    reports = reported(wrong_at()), reported(wrong_at((0, 0))), reported(zeros), reported(wrong_at(), remarks=(remark,))
    passed, wrong, undecided, partly = (next(shown(each).iter("span")).get("style") for each in reports)
    assert undecided == partly
    assert len({passed, wrong, partly}) == 3


def test_a_gradient_that_is_no_number_is_marked():
    analytical = NUMERICAL.copy()
    analytical[1, 1] = np.nan
    tree = shown(reported(checked("W", analytical, NUMERICAL)))
    told = "W[1, 1]: a nan, n 0.25"
    marked = [square for square in maps(tree)["analytical"] if square[-1].endswith("!")]
    assert marked == [(told, "#808080", 0.5, f"{told}!")]
    assert texts(tree, "td")[6:9] == ["W[1, 1]", "nan", "0.25"]


def test_gradients_of_nothing_but_zeros_are_drawn():
    check = checked("W", np.zeros((2, 2)), np.zeros((2, 2)))
    assert check.verdict is Verdict.CANNOT_TELL
    tree = shown(reported(check))
    assert {opacity for _, _, opacity, _ in maps(tree)["analytical"]} == {0.0}
    assert {sign[-1] for *_, sign in maps(tree)["verdict"]} == {"?"}


def test_text_takes_its_colour_from_the_notebook():
    html = reported(wrong_at((0, 0)))._repr_html_()
    # White stands on the badge and on the squares of wrong entries alone; the rest of the text names no colour.
    assert set(re.findall(r"(?<![-\w])color:([^;\"]+)", html)) == {"inherit", "#fff"}
    assert html.count("color:#fff") == 1


def test_three_entries_of_a_tensor_are_looked_at_closely_and_four_tensors_at_most():
    wrong = [checked(f"W{k}", NUMERICAL + 0.125, NUMERICAL) for k in range(6)]
    closely = re.findall(r"<td[^>]*>(W\d)\[", reported(*wrong)._repr_html_())
    assert closely == [f"W{k}" for k in range(4) for _ in range(3)]


@pytest.mark.parametrize(
    ("shape", "size", "side"),
    [
        ((2, 3), (3 * 66 + 2 * 16, 18 + 2 * 22 + 1), 22),
        ((1, 1), (3 * 64 + 2 * 16, 18 + 22 + 1), 22),  # a title needs 64 pixels
        ((40, 30), (560, 18 + 176 + 1), 176 / 12),  # as wide as a notebook's cell on a phone held sideways
    ],
)
def test_three_maps_side_by_side_are_no_wider_than_560_pixels(shape, size, side):
    check = checked("W", np.ones(shape), np.ones(shape))
    svg = ElementTree.fromstring(map_svg(check))
    assert (float(svg.get("width")), float(svg.get("height"))) == pytest.approx(size, rel=1e-5)
    assert svg.get("viewBox") == f"0 0 {size[0]:g} {size[1]:g}"
    squares = [one for one in svg.iter() if one.tag.endswith("rect")]
    assert {float(one.get("width")) for one in squares} == {float(f"{side:.4g}")}
    assert len(squares) == 3 * min(12, shape[0]) * min(12, shape[1])
    starts = [one.get("transform") for one in svg if one.tag.endswith("}g")]
    width = (size[0] - 2 * 16) / 3
    assert starts == [f"translate({k * (width + 16):g} 0)" for k in range(3)]


def test_a_verdict_is_seen_without_colours_and_what_is_sure_stands_back():
    looks = map_svg_module._VERDICTS
    assert {verdict: look.sign for verdict, look in looks.items()} == {
        **{Verdict.CONSISTENT: "", Verdict.WRONG: "x", Verdict.CANNOT_TELL: "?", Verdict.KINK_CROSSED: "/"},
    }
    assert [looks[verdict].opacity for verdict in Verdict] == [0.15, 1.0, 0.5, 0.5]
