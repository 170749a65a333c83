"""The entry whose arithmetic is shown: clicked in a figure or typed, and kept in the address."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import format_index, read_index
from mlp.nn.derivation import Index
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem
from mlp.nn.trace import Step
from mlp.report import derivation
from mlp.report.figures import heatmaps
from mlp.report.numbers import entry
from pages.ui import address, drawn

KEY = "entry"
EDGE = "edge"


def chosen(check: TensorCheck) -> Index:
    """Show the text input and return the entry; where the text is none, say why and return the worst one.

    Left empty, as it is at first and after a change of the tensor, it stands for the worst entry.
    """
    shape, worst = check.analytical.shape, format_index(check.worst)
    st.session_state.setdefault(KEY, "")
    address.opened(KEY, lambda text: read_index(text, shape), f"{worst}, the worst entry, is shown.")
    if st.session_state.get("entry_of", check.name) != check.name:
        st.session_state[KEY] = ""
    st.session_state["entry_of"] = check.name
    text = st.text_input(
        "Entry",
        key=KEY,
        bind="query-params",
        placeholder=worst,
        width=160,
        help=f"Click a cell, or type its index. Empty stands for {worst}, the worst entry.",
    )
    if not text.strip():
        return check.worst
    try:
        return read_index(text, shape)
    except ValueError as error:
        st.error(address.plain(f"{error} What you see is for {worst}."), title="This entry cannot be shown")
        return check.worst


def maps(check: TensorCheck, panels: tuple[str, ...], index: Index, experiment: Experiment, key: str) -> None:
    """The heatmaps with this entry framed; a click on a cell chooses another."""
    settings = experiment, check.name, panels, index
    click = clicked(key, check)
    drawn.figure(heatmaps.alt_text(check), key, settings, heatmaps.marked, check, panels, index, on_click=click)


def clicked(key: str, check: TensorCheck) -> Callable[[], None]:
    """What a click on a cell of the figure of this key does: it chooses its entry."""
    return partial(_click, key, check.analytical.ndim)


def arithmetic(
    problem: Problem[Sequential], report: GradientReport, steps: list[Step], name: str, index: Index
) -> None:
    """Both ways to the entry of the tensor of this name with their numbers put in, and links along the analytical one.

    The steps are those of the problem's two passes.
    """
    st.markdown("**By backpropagation**, from the entry back to the loss, along the largest term of each sum:")
    origin = derivation.origin(problem, steps, name, index)
    st.markdown("\n".join(f"- {layer}: ${text}$" for layer, text in origin))
    biases = derivation.biases(problem, steps, name, index)
    if biases:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("The gradient of a bias is the dy of its layer. On to", width="content")
            for tensor, place in biases.items():
                st.button(entry(tensor, place), on_click=_go, args=(tensor, place), key=f"to_{tensor}")
    st.markdown(f"**By differences**, all else held: the loss c with {entry(name, index)} moved by steps of h.")
    st.latex(derivation.difference(problem, report, name, index))


def edge_clicked(key: str, layers: tuple[str, ...]) -> Callable[[], None]:
    """What a click on an edge of the network's diagram of this key does: it chooses the entry of that weight.

    `layers` are the names of the linear layers, whose edges start one column after another.
    """
    return partial(_click_edge, key, layers)


def edge(problem: Problem[Sequential], report: GradientReport, steps: list[Step]) -> None:
    """Where the gradient of the edge clicked last comes from, or that of what its chain led on to; at first nothing."""
    tensor, index = st.session_state.get(EDGE, ("", ()))
    # After a click the layers may have become others.
    if tensor in report and all(i < size for i, size in zip(index, report[tensor].analytical.shape, strict=True)):
        st.subheader(f"Where {entry(tensor, index)} comes from", anchor=False)
        arithmetic(problem, report, steps, tensor, index)


def _click_edge(key: str, layers: tuple[str, ...]) -> None:
    points = [point for point in st.session_state[key].selection.points if "customdata" in point]
    if points:
        row, column, *_ = dict(points[0]["customdata"]).values()
        _go(f"{layers[int(points[0]['x'])]}.W", (int(row), int(column)))


def _click(key: str, axes: int) -> None:
    points = st.session_state[key].selection.points
    if points:
        st.session_state[KEY] = format_index([int(points[0]["y"]), int(points[0]["x"])][:axes])


def _go(tensor: str, index: Index) -> None:
    st.session_state.update({"tensor": tensor, "entry_of": tensor, KEY: format_index(index), EDGE: (tensor, index)})
