"""The frame around the pages: which there are, how they are reached, and how a page gets its settings."""

import gc
import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit import App
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

import mlp.report
import pages.ui
from mlp.lab.experiment import Experiment
from pages.ui import watch

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
    """Set the browser tab's title, register the pages and return the one that the address asks for."""
    # An icon by name would be fetched from a font server; this one is a file of ours.
    st.set_page_config(page_title="Gradient Lab", page_icon=str(ICON), layout="wide")
    return st.navigation(
        {group: [_page(*entry) for entry in entries] for group, entries in PAGES.items()}, position="sidebar"
    )


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

    A page whose file was run by itself, without app.py, registers the navigation and starts over, through app.py.
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


@asynccontextmanager
async def started(_server: App) -> AsyncIterator[None]:
    """As the server starts, do what would otherwise delay the first visitors.

    All that the pages import is imported and taken out of the garbage collector's walk: Streamlit collects fully after
    every run, holding the interpreter's lock, and each run would pay 50 ms for walking through modules that will never
    be garbage. And of the two ways in which Streamlit finds pages the older one, by a folder of this name, is switched
    off, because it runs the page that a deep link names without app.py.
    """
    PagesManager.uses_pages_directory = False
    for package in (mlp.report, pages.ui):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    watch.given()  # what is wrong with the server's options is said in the terminal
    gc.collect()
    gc.freeze()
    yield


def _page(name: str, title: str, icon: str, text: str) -> StreamlitPage:
    return st.Page(
        f"pages/{name}.py",
        title=title,
        icon=f":material/{icon}:",
        help=text,
        url_path=name,
        default=name == HOME,
    )
