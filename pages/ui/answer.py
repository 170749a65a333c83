"""The answer about somebody's code in a box, and what else there is to say: as plain text."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from mlp.check.foreign.facts import Fact
from mlp.report import foreign
from pages.ui import address

_BOXES: dict[str, tuple[Callable[..., Any], str]] = {
    "passed": (st.success, ":material/check_circle:"),
    "wrong": (st.error, ":material/error:"),
    "cannot tell": (st.warning, ":material/help:"),
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
    text = foreign.trace(facts)
    if text:
        st.code(text, language=None, wrap_lines=True)
