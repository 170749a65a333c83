"""The frame around the pages: which there are, how they are reached, and how a page gets its settings."""

import gc
import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

import mlp.report
from mlp.lab.experiment import Experiment

# A page's file, its title, its icon and what it is for, by group. The address of a page is its file's name.
PAGES = {
    "": [
        ("overview", "Overview", "home", "What this is, and the answer for the network in the sidebar."),
    ],
    "Learn": [
        (
            "finite_differences",
            "Finite differences",
            "difference",
            "What a numerical derivative is: x^T x step by step, and functions that go wrong.",
        ),
        ("loss", "Loss", "target", "One number from output and target, and its gradient with respect to the output."),
        ("activations", "Activations", "show_chart", "Element-wise functions: curve, derivative, diagonal Jacobian."),
        ("linear_layer", "Linear layer", "grid_on", "y = W x + b and its three gradients, entry by entry."),
        ("network", "Network", "hub", "Forward and backward one layer at a time, and why gradients vanish."),
        ("step_size", "Step size", "straighten", "What eps does to the error, for every method, and which is best."),
    ],
    "Check": [
        (
            "gradient_check",
            "Gradient check",
            "fact_check",
            "Every gradient of the network: analytical, numerical and their difference, entry by entry.",
        ),
        ("your_layers", "Your layers", "layers", "Layers, losses and functions of your own, checked as you save them."),
        (
            "your_gradients",
            "Your gradients",
            "upload_file",
            "Gradients that your code computed elsewhere, brought here as a file and compared.",
        ),
    ],
    "Bugs": [
        (
            "bug_gallery",
            "Bug gallery",
            "bug_report",
            "Well-known wrong backward passes: code, heatmaps, and what the check says of them.",
        ),
        ("quiz", "Quiz", "quiz", "A hidden bug: find it from the heatmaps."),
    ],
}
HOME = "overview"
ICON = Path(__file__).with_name("icon.svg")

_serving: ContextVar[Experiment] = ContextVar("the settings that app.py has read for the present run")


def navigation() -> StreamlitPage:
    """Set the browser tab's title, register the pages and return the one that the address asks for.

    On a session's first run this runs the script once more: Streamlit resolves a deep link by its old discovery of
    `pages/` until the navigation has been registered.
    """
    # An icon by name would be fetched from a font server; this one is a file of ours.
    st.set_page_config(page_title="Gradient Lab", page_icon=str(ICON), layout="wide")
    page = st.navigation(
        {group: [_page(*entry) for entry in entries] for group, entries in PAGES.items()}, position="sidebar"
    )
    if "navigation_registered" not in st.session_state:
        st.session_state["navigation_registered"] = True
        st.rerun()
    return page


@contextmanager
def serving(experiment: Experiment) -> Iterator[None]:
    """Hand these settings to the page that runs inside."""
    token = _serving.set(experiment)
    try:
        yield
    finally:
        _serving.reset(token)


def settings() -> Experiment:
    """The settings for the present run: every page's first call.

    On a server that has just started, a deep link makes Streamlit run the page's file without app.py. Then this
    registers the navigation and starts over, through app.py.
    """
    experiment = _serving.get(None)
    if experiment is None:
        navigation()
        st.rerun()
    return experiment


def link(name: str, label: str) -> None:
    """Show a link to the page of this name."""
    _, _, icon, text = next(entry for entries in PAGES.values() for entry in entries if entry[0] == name)
    st.page_link(f"pages/{name}.py", label=label, icon=f":material/{icon}:", help=text)


@st.cache_resource
def settle_memory() -> None:
    """Once per server, import what the pages need, and take it out of the garbage collector's walk.

    So no visitor's run waits for an import. Streamlit collects fully after every run, holding the interpreter's lock;
    without this each run pays 50 ms for walking through modules that will never be garbage.
    """
    for module in pkgutil.walk_packages(mlp.report.__path__, f"{mlp.report.__name__}."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def _page(name: str, title: str, icon: str, text: str) -> StreamlitPage:
    return st.Page(
        f"pages/{name}.py",
        title=title,
        icon=f":material/{icon}:",
        help=text,
        url_path=name,
        default=name == HOME,
    )
