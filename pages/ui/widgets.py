"""What several pages show: the verdict, a figure, a table, a download, a choice in the address."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.basedatatypes import BaseFigure
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict
from mlp.report.figures import heatmaps
from mlp.report.figures.style import enlarged, scales_html
from mlp.report.programs.languages import LABELS, MLP
from mlp.report.tables import user_code
from mlp.user_code.messages import Fact
from pages.ui import address, stage
from pages.ui.address import plain

NEEDS_MLP = "It needs the package `mlp`: run `pip install .` in the folder of this dashboard."

# The camera button of a figure saves SVG, which stays sharp in slides and print.
# Zooming needs no buttons, and few of them cover no title: dragging zooms in, a double click out.
FIGURE_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "toImageButtonOptions": {"format": "svg"},
    "modeBarButtonsToRemove": ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "select2d", "lasso2d"],
}

TITLES = {
    Verdict.CONSISTENT: "Backpropagation and differences agree",
    Verdict.WRONG: "Backpropagation is wrong",
    Verdict.CANNOT_TELL: "It cannot be told at this step",
}
LITTLE = "Nothing contradicts it, but most entries cannot be told at this step"
_ANSWERS = {
    Verdict.CONSISTENT: partial(st.success, icon=":material/check_circle:"),
    Verdict.WRONG: partial(st.error, icon=":material/error:"),
    Verdict.CANNOT_TELL: partial(st.warning, icon=":material/help:"),
}

# Lines in the text's own colour, so that they fit both themes; a wide table scrolls by itself, by keys as well.
TABLE_STYLE = """
<style>
.lab-scroll { overflow-x: auto; }
.lab { border-collapse: collapse; font-size: 0.875rem;
       font-variant-numeric: tabular-nums; }
.lab th, .lab td { padding: 0.4rem 0.8rem 0.4rem 0; text-align: left; white-space: nowrap;
                   border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
</style>
"""


def verdict(report: GradientReport, titles: Mapping[Verdict, str] = TITLES) -> None:
    """The answer first, in a sentence or two; what the code itself is blamed for below it."""
    shown = _shown(report)
    title = LITTLE if shown is not report.verdict else titles[shown]
    _ANSWERS[shown](plain(report.summary), title=title)
    for finding in report.diagnosis[1:]:
        st.warning(plain(finding.sentence), icon=":material/troubleshoot:")
    for remark in report.remarks:
        st.info(plain(remark.sentence), icon=":material/info:")


def tensor_verdict(check: TensorCheck) -> None:
    """The answer for one tensor in a sentence."""
    _ANSWERS[_shown(check)](plain(check.summary))


def _shown(result: GradientReport | TensorCheck) -> Verdict:
    """The verdict whose colour the answer has: what tells little does not look like what tells all."""
    return Verdict.CANNOT_TELL if result.tells_little else result.verdict


def figure(content: go.Figure, alt: str, key: str, on_click: Callable[[], None] | None = None) -> None:
    """A Plotly figure in the page's width, its colour scales below it; `on_click` as in `chart`."""
    chart(content, scales_html(content), alt, key, on_click)


def reduced(check: TensorCheck) -> None:
    """Below its maps, say of a tensor that is too large to be drawn entry by entry what their cells stand for."""
    note = heatmaps.reduction_note(check)
    if note:
        st.caption(plain(note))


def chart(
    content: BaseFigure, scales: str | None, alt: str, key: str, on_click: Callable[[], None] | None = None
) -> None:
    """The figure, and its colour scales below it as HTML if it has any.

    `on_click` is called when a marker is clicked, which then stands in the session's state under the key.
    """
    st.plotly_chart(
        enlarged(content) if stage.presenting() else content,
        config=FIGURE_CONFIG,
        alt=alt,
        key=key,
        on_select=on_click or "ignore",
        selection_mode="points",
    )
    if scales:
        st.html(scales)


def table(content: pd.DataFrame) -> None:
    """A table of a few rows, floats with four significant digits.

    Plain HTML, which the browser draws many times faster than st.table or st.dataframe, written here, which takes a
    tenth of the time that pandas takes: a page with two tables must follow a slider as fast as a figure does.
    """
    st.html(table_html(content))


def table_html(content: pd.DataFrame) -> str:
    """What `table` shows, as HTML."""
    head = "".join(f"<th>{escape(str(title))}</th>" for title in content.columns)
    columns = [content[title].tolist() for title in content.columns]
    rows = ("".join(f"<td>{_cell(value)}</td>" for value in row) for row in zip(*columns, strict=True))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f'<table class="lab"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'{TABLE_STYLE}<div class="lab-scroll" tabindex="0" role="group" aria-label="Table">{table}</div>'


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def download(label: str, data: Callable[[], bytes], file_name: str, mime: str) -> None:
    """A button that makes its file only when it is pressed, and leaves the page as it is."""
    st.download_button(plain(label), data, file_name, mime, on_click="ignore", icon=":material/download:")


def choice(label: str, options: Sequence[str], captions: Sequence[str], key: str, text: str) -> str:
    """One of several options, each with a caption, in the address; an impossible one there is reported."""
    _forget_unless_in(key, options, options[0])
    chosen = st.radio(
        label, options, captions=captions, key=key, bind="query-params", horizontal=True, help=text, format_func=plain
    )
    address.check(key, [*options, *map(plain, options)], chosen)  # the address holds what is shown
    return chosen


def segments(label: str, options: Sequence[str], key: str, default: str | None = None) -> str:
    """A row of buttons of which one is chosen, in the address like `choice`; without a default, the first.

    Any choice gives way when the default changes: the address leaves the default out, and must mean what is shown.
    """
    first = default or options[0]
    if _has_another_default(key, first):
        st.session_state[key] = first
    _forget_unless_in(key, options, first)
    chosen = (
        st.segmented_control(label, options, default=first, required=True, key=key, bind="query-params", wrap=True)
        or first
    )
    address.check(key, options, chosen)
    return chosen


def selection(
    label: str,
    options: Sequence[str],
    key: str,
    text: str,
    default: str | None = None,
    width: int | Literal["stretch"] = 220,
) -> str:
    """One of possibly many options from a list that unfolds, in the address like `choice`; its width in pixels.

    What was chosen stays when the default changes; it is set anew, for the browser would show the new default.
    """
    first = options.index(default) if default else 0
    _forget_unless_in(key, options, options[first])
    if _has_another_default(key, options[first]) and key in st.session_state:
        st.session_state[key] = st.session_state[key]
    chosen = st.selectbox(label, options, first, key=key, bind="query-params", help=text, width=width)
    address.check(key, options, chosen)
    return chosen


def unfolding(label: str, key: str) -> ExpanderContainer:
    """An expander whose content is made only while it is open, in the address like `choice`."""
    expander = st.expander(label, key=key, bind="query-params", on_change="rerun")
    address.check(key, address.SWITCH, "false")
    return expander


def _has_another_default(key: str, default: str) -> bool:
    """Whether the widget of this key was last shown with another default than this one, which is remembered."""
    before = st.session_state.get(f"{key}_default", default)
    st.session_state[f"{key}_default"] = default
    return before != default


def _forget_unless_in(key: str, options: Sequence[str], default: str) -> None:
    """Put the default in the place of a choice that is none any more: of a layer, say, that the sidebar took away.

    Streamlit would show the default too, but leave the old choice in the address, which must mean what is shown.
    """
    if st.session_state.get(key, default) not in options:
        st.session_state[key] = default


def stepper(label: str, options: Sequence[str], key: str) -> int:
    """The position in a sequence, chosen from a list or by previous and next, which the arrow keys press too."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        back, choose, forth = (
            st.container(width="content"),
            st.container(width="content"),
            st.container(width="content"),
        )
    with choose:
        position = options.index(selection(label, options, key, "Where in the two passes you are."))
    for place, text, move, shortcut in ((back, "Previous", -1, "Left"), (forth, "Next", 1, "Right")):
        target = position + move
        inside = 0 <= target < len(options)
        place.button(
            text,
            key=f"{key}_{text}",
            on_click=st.session_state.update,
            args=({key: options[target]} if inside else {},),
            disabled=not inside,
            shortcut=shortcut,
        )
    st.caption(f"Step {position + 1} of {len(options)}")
    return position


def programs(
    texts: Callable[[], Mapping[str, str]],
    label: str = "The same in Python",
    text: str = "Runs without the dashboard and prints the numbers above.",
    keys: tuple[str, str] = ("python", "code"),
) -> None:
    """The page's numbers as a short program in one of several languages, with a button that copies it.

    Made only when it is opened: highlighting a program takes as long as drawing a figure.
    """
    with unfolding(label, keys[0]) as expander:
        if not expander.open:
            address.check(keys[1], LABELS, LABELS[0])
        else:
            written = texts()
            language = segments("Written with", sorted(written, key=LABELS.index), keys[1])
            st.caption(f"{text} {NEEDS_MLP if language == MLP else ''} The button in its corner copies it.")
            st.code(written[language], language="python", height=420)


def cell(text: str) -> None:
    """The exercise's own test with the page's numbers, where it has one, to be pasted into the notebook."""
    if text:
        with unfolding("The exercise's own test, with these numbers", "cell") as expander:
            if expander.open:
                st.caption("Paste it into your notebook, below your own classes: it tests them. Or run it here:")
                st.code(f"import numpy as np\nfrom mlp import *\n\n{text}", language="python")
    else:
        address.check("cell", address.SWITCH, "false")


_BOXES: dict[str, tuple[Callable[..., Any], str]] = {
    "passed": (st.success, ":material/check_circle:"),
    "wrong": (st.error, ":material/error:"),
    "cannot tell": (st.warning, ":material/help:"),
    "partly checked": (st.warning, ":material/rule:"),
    "not checked": (st.error, ":material/block:"),
}


def box(status: str, title: str, sentence: str) -> None:
    """The answer: its status decides on colour and icon."""
    show, icon = _BOXES[status]
    show(address.plain(sentence), title=address.plain(title), icon=icon)


def points(sentences: Sequence[str]) -> None:
    """Sentences below each other."""
    if sentences:
        st.markdown("\n".join(f"- {address.plain(sentence)}" for sentence in sentences))


def frames(facts: Sequence[Fact]) -> None:
    """Their own frames of an exception."""
    text = user_code.trace(facts)
    if text:
        st.code(text, language=None, wrap_lines=True)
