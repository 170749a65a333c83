"""What several pages show: the verdict, a figure, a table, a download, a choice in the address."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from mlp.check.report import GradientReport
from mlp.report.numbers import brief, entry
from pages.ui import address

# The camera button of a figure saves SVG, which stays sharp in slides and print.
FIGURE_CONFIG: dict[str, Any] = {"displaylogo": False, "toImageButtonOptions": {"format": "svg"}}
NUMBER = st.column_config.NumberColumn


def verdict(report: GradientReport) -> None:
    """The answer in one sentence."""
    total = sum(check.analytical.size for check in report.values())
    if report.passed:
        st.success(
            f"Analytical and numerical gradients agree in all {total:,} entries, as `np.allclose` sees it.",
            title="Backpropagation and differences agree",
            icon=":material/check_circle:",
        )
        return
    differing = {name: int((check.tolerance_used > 1).sum()) for name, check in report.items() if not check.passed}
    worst = report.worst
    where = "every tensor" if len(differing) == len(report) else ", ".join(differing)
    st.error(
        f"{sum(differing.values()):,} of {total:,} entries differ by more than `np.allclose` allows, in "
        f"{where}. The worst is {entry(worst.name, worst.worst)}: analytical "
        f"{brief(worst.analytical[worst.worst])}, numerical {brief(worst.numerical[worst.worst])}.",
        title="Backpropagation and differences disagree",
        icon=":material/error:",
    )


def figure(content: go.Figure, alt: str, key: str) -> None:
    """A Plotly figure in the page's width."""
    st.plotly_chart(content, config=FIGURE_CONFIG, alt=alt, key=key)


def table(content: pd.DataFrame, alt: str) -> None:
    """A table whose floats show four significant digits in exponent form where they need it."""
    floats = content.select_dtypes("float").columns
    columns = {name: NUMBER(format="%.4g") for name in floats}
    st.dataframe(content, hide_index=True, column_config=columns, alt=alt)


def download(label: str, data: Callable[[], bytes], file_name: str, mime: str) -> None:
    """A button that makes its file only when it is pressed, and leaves the page as it is."""
    st.download_button(label, data, file_name, mime, on_click="ignore", icon=":material/download:")


def choice(label: str, options: Sequence[str], captions: Sequence[str], key: str, text: str) -> str:
    """One of several options, each with a caption, in the address; an impossible one there is reported."""
    chosen = st.radio(label, options, captions=captions, key=key, bind="query-params", horizontal=True, help=text)
    address.check(key, options, chosen)
    return chosen


def segments(label: str, options: Sequence[str], key: str) -> str:
    """A row of buttons of which one is chosen, in the address like `choice`."""
    chosen = st.segmented_control(label, options, default=options[0], required=True, key=key, bind="query-params")
    address.check(key, options, chosen or options[0])
    return chosen or options[0]
