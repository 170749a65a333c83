"""What several pages show, without a page: the verdict and what is blamed, numbers in tables, an empty choice."""

from types import SimpleNamespace

import pandas as pd
import pytest

from mlp.check.verdict import Verdict
from pages.ui import widgets


def said(*sentences):
    return tuple(SimpleNamespace(sentence=sentence) for sentence in sentences)


@pytest.fixture
def shown(monkeypatch):
    """What is shown, as (kind, text, title)."""
    found = []

    def recorder(kind):
        return lambda text, title=None, icon=None: found.append((kind, text, title))  # noqa: ARG005

    for verdict in widgets._ANSWERS:
        monkeypatch.setitem(widgets._ANSWERS, verdict, recorder(verdict.words))
    for kind in ("warning", "info"):
        monkeypatch.setattr(widgets.st, kind, recorder(kind))
    return found


@pytest.mark.parametrize("verdict", [Verdict.CONSISTENT, Verdict.WRONG, Verdict.CANNOT_TELL])
def test_the_answer_comes_first_and_what_it_says_is_not_said_twice(shown, verdict):
    report = SimpleNamespace(
        verdict=verdict,
        tells_little=False,
        summary="First.",
        diagnosis=said("First.", "Second."),
        remarks=said("Note."),
    )
    widgets.verdict(report)
    assert shown == [
        (verdict.words, "First.", widgets.TITLES[verdict]),
        ("warning", "Second.", None),
        ("info", "Note.", None),
    ]


def test_what_tells_little_does_not_look_like_what_tells_all(shown):
    few = SimpleNamespace(verdict=Verdict.CONSISTENT, tells_little=True, summary="S.", diagnosis=(), remarks=())
    widgets.verdict(few)
    widgets.tensor_verdict(few)
    assert shown == [("cannot tell", "S.", widgets.LITTLE), ("cannot tell", "S.", None)]


def test_floats_have_four_digits_in_tables_and_names_are_no_html():
    html = widgets.table_html(pd.DataFrame({"<a>": ["x & y", "z"], "n": [0.123456, 12345.678], "k": [3, 4]}))
    assert "<th>&lt;a&gt;</th><th>n</th><th>k</th>" in html
    assert "<td>x &amp; y</td><td>0.1235</td><td>3</td></tr><tr><td>z</td><td>1.235e+04</td><td>4</td>" in html


def test_each_status_has_its_colour_and_icon():
    looks = {status: (show.__name__, icon) for status, (show, icon) in widgets._BOXES.items()}
    assert looks == {
        "passed": ("success", ":material/check_circle:"),
        "wrong": ("error", ":material/error:"),
        "cannot tell": ("warning", ":material/help:"),
        "partly checked": ("warning", ":material/rule:"),
        "not checked": ("error", ":material/block:"),
    }
