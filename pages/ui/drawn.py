"""Figures, tables and text that are made once for all who have the same settings.

Kept is the text that is sent, not what it was made from: a figure of plotly's is thousands of objects, through which
Streamlit's garbage collection would walk after every run of anybody.
"""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.basedatatypes import BaseFigure

from mlp.nn.arrays import Array
from mlp.report.figures.style import scales_html
from pages.ui import widgets

# A figure of the largest heatmaps takes half a megabyte.
KEPT = 200

Text = TypeVar("Text")


class _Written(BaseFigure):  # type: ignore[misc]  # plotly's classes have no types
    """A figure that knows its JSON alone: Streamlit asks one of plotly's for its dict, and validates any other dict."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_dict(self) -> dict[str, Any]:
        """The figure as plotly.js takes it."""
        figure: dict[str, Any] = json.loads(self._text)
        return figure


class _Drawn(NamedTuple):
    """A figure as JSON and its colour scales as HTML."""

    figure: str
    scales: str | None


@dataclass(frozen=True)
class _Asked:
    """What is to be drawn, `make(*of)`, which follows from the settings: an experiment, and what the page was told."""

    settings: tuple[Hashable, ...]
    make: Callable[..., Any]
    of: tuple[Any, ...]

    def key(self) -> str:
        """What tells it from anything else that is asked for, in one piece: Streamlit hashes a tuple part by part."""
        return repr((self.make.__module__, self.make.__qualname__, self.settings))


def figure(
    alt: str,
    key: str,
    settings: tuple[Hashable, ...],
    make: Callable[..., go.Figure],
    *of: Any,
    on_click: Callable[[], None] | None = None,
) -> None:
    """Show the figure `make(*of)`, which follows from these settings, as `widgets.chart` does."""
    drawn = _figure(_Asked(settings, make, of))
    widgets.chart(_Written(drawn.figure), drawn.scales, alt, key, on_click)


def numbers(*arrays: Array) -> tuple[Hashable, ...]:
    """Arrays as settings, to the last bit: those of what follows from numbers that somebody may have typed."""
    return tuple((array.dtype.str, array.shape, array.tobytes()) for array in arrays)


def table(settings: tuple[Hashable, ...], make: Callable[..., pd.DataFrame], *of: Any) -> None:
    """Show the table `make(*of)`, which follows from these settings, as `widgets.table` does."""
    st.html(_table(_Asked(settings, make, of)))


def text(settings: tuple[Hashable, ...], make: Callable[..., Text], *of: Any) -> Text:
    """What `make(*of)` writes, which follows from these settings: strings that no session changes."""
    written: Text = _text(_Asked(settings, make, of))
    return written


@st.cache_resource(max_entries=KEPT, show_spinner=False, hash_funcs={_Asked: _Asked.key})
def _figure(asked: _Asked) -> _Drawn:
    made = asked.make(*asked.of)
    return _Drawn(made.to_json(), scales_html(made))


@st.cache_resource(max_entries=KEPT, show_spinner=False, hash_funcs={_Asked: _Asked.key})
def _table(asked: _Asked) -> str:
    return widgets.table_html(asked.make(*asked.of))


@st.cache_resource(max_entries=KEPT, show_spinner=False, hash_funcs={_Asked: _Asked.key})
def _text(asked: _Asked) -> Any:
    return asked.make(*asked.of)


# As in pages.ui.compute: what the code before drew is out of date once it has been imported anew.
for cached in (_figure, _table, _text):
    cached.clear()
