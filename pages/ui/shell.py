"""The frame around the pages: which there are, how they are reached, and how a page gets its settings."""

import asyncio
import gc
import importlib
import pkgutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from copy import copy
from functools import cache
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit import App
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

import mlp.report
import pages.ui
from mlp.lab.experiment import Experiment
from pages.ui import compute, watch


class Entry(NamedTuple):
    """A page in the navigation.

    Attributes:
        name: its file's, which is its address too.
        title, icon: as they stand in the navigation; the icon is one of Google's material symbols.
        settings: those of the sidebar that it is about, in order; the others fold away.
        text: what it is for.
    """

    name: str
    title: str
    icon: str
    settings: str
    text: str


PAGES = {
    "": [
        Entry(
            "overview",
            "Overview",
            "home",
            "sizes seed",
            "What this is, and the answer for the network in the sidebar.",
        )
    ],
    "Learn": [
        Entry(
            "finite_differences",
            "Finite differences",
            "difference",
            "",
            "What a numerical derivative is: x^T x step by step, and functions that go wrong.",
        ),
        Entry(
            "loss",
            "Loss",
            "target",
            "loss eps method seed",
            "One number from output and target, and its gradient with respect to the output.",
        ),
        Entry(
            "activations",
            "Activations",
            "show_chart",
            "activation eps method seed",
            "Element-wise functions: curve, derivative, diagonal Jacobian.",
        ),
        Entry(
            "linear_layer",
            "Linear layer",
            "grid_on",
            "eps method seed",
            "y = W x + b and its three gradients, entry by entry.",
        ),
        Entry(
            "network",
            "Network",
            "hub",
            "sizes activation seed",
            "Forward and backward one layer at a time, and why gradients vanish.",
        ),
        Entry(
            "step_size",
            "Step size",
            "straighten",
            "sizes eps method",
            "What eps does to the error, for every method, and which is best.",
        ),
        Entry(
            "training",
            "Training",
            "trending_down",
            "sizes activation loss seed",
            "What the gradients are for, and what a wrong one costs.",
        ),
    ],
    "Check": [
        Entry(
            "gradient_check",
            "Gradient check",
            "fact_check",
            "sizes eps method seed",
            "Every gradient of the network: analytical, numerical and their difference, entry by entry.",
        ),
        Entry(
            "your_layers",
            "Your layers",
            "layers",
            "eps method",
            "Layers, losses and functions of your own, checked as you save them.",
        ),
        Entry(
            "your_gradients",
            "Your gradients",
            "upload_file",
            "sizes loss seed",
            "Gradients that your code computed elsewhere, brought here as a file and compared.",
        ),
    ],
    "Bugs": [
        Entry(
            "bug_gallery",
            "Bug gallery",
            "bug_report",
            "sizes batch seed",
            "Well-known wrong backward passes: code, heatmaps, and what the check says of them.",
        ),
        Entry("quiz", "Quiz", "quiz", "sizes batch seed", "A hidden bug: find it from the heatmaps."),
    ],
}
ENTRIES = {entry.name: entry for entries in PAGES.values() for entry in entries}
HOME = "overview"
ROOT = "root"  # what Streamlit calls the first page's address, which is /
ICON = Path(__file__).with_name("icon.svg")

# What Streamlit and plotly import only when they are first used: for the tab's icon, an icon by name, and a figure.
USED_LATER = ("PIL.Image", "PIL.ImageFile", "streamlit.material_icon_names", "plotly.tools", "plotly.io._json")
# Streamlit would collect garbage after every run, for 3 to 15 ms with the interpreter's lock held.
COLLECT_EVERY = 1.0  # seconds

_untidy = threading.Event()  # there has been a run since garbage was last collected
_serving: ContextVar[Experiment] = ContextVar("the settings that app.py has read for the present run")


def navigation() -> StreamlitPage:
    """Register the pages, return the one that the address asks for, and put its name on the browser's tab."""
    # First of all, for an icon by name, such as the page's own, would be fetched from a font server; this is our file.
    st.set_page_config(page_title="Gradient Lab", page_icon=str(ICON), layout="wide")
    pages = {group: list(map(_page, entries)) for group, entries in PAGES.items()}
    # The first page's address is /, and whoever asks for it by its name is led there.
    by_name = st.Page(lambda: None, title=ENTRIES[HOME].title, url_path=HOME, visibility="hidden")
    page = st.navigation({**pages, "": [*pages[""], by_name]}, position="top")
    if page.url_path == HOME:
        given = {key: st.query_params.get_all(key) for key in st.query_params}
        st.switch_page(pages[""][0], query_params=given)
    st.set_page_config(page_title=f"{page.title} - Gradient Lab")
    return page


def settings_of(page: StreamlitPage) -> list[str]:
    """The settings that a page is about."""
    return ENTRIES[page.url_path or HOME].settings.split()


@contextmanager
def serving(experiment: Experiment) -> Iterator[None]:
    """Hand these settings to the page that runs inside."""
    token = _serving.set(experiment)
    try:
        yield
    finally:
        _serving.reset(token)
        _untidy.set()


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
    entry = ENTRIES[name]
    st.page_link(f"pages/{name}.py", label=label, icon=f":material/{entry.icon}:", help=entry.text)


def lead_on(page: StreamlitPage) -> None:
    """At a page's foot, a link to the next one in the order of the navigation; none at the last."""
    names = list(ENTRIES)
    following = names[names.index(page.url_path or HOME) + 1 :]
    if following:
        with st.container(key="next_page"):
            st.divider()
            link(following[0], f"Next: {ENTRIES[following[0]].title}")


@asynccontextmanager
async def started(_server: App) -> AsyncIterator[None]:
    """As the server starts, do what would otherwise delay the first visitors.

    All that the pages import is imported and taken out of the garbage collector's walk, which would take 50 ms longer,
    with the interpreter's lock held, to go through modules that will never be garbage. And of the two ways in which
    Streamlit finds pages the older one, by a folder of this name, is switched off, because it runs the page that a deep
    link names without app.py.
    """
    PagesManager.uses_pages_directory = False
    for package in (mlp.report, pages.ui):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in USED_LATER:
        importlib.import_module(name)
    watch.given()  # what is wrong with the server's options is said in the terminal
    compute.warm()
    gc.collect()
    gc.freeze()
    tidying = asyncio.create_task(_tidy())
    yield
    tidying.cancel()


async def _tidy() -> None:
    """Collect garbage from time to time if there have been runs, whose figures and errors refer to themselves.

    In `.streamlit/config.toml` Streamlit is told not to do so after every run.
    """
    while True:
        await asyncio.sleep(COLLECT_EVERY)
        if _untidy.is_set():
            _untidy.clear()
            gc.collect()


def _page(entry: Entry) -> StreamlitPage:
    """The entry's page for the present run: a copy, for Streamlit notes in it that it is to be run."""
    return copy(_made(entry))


@cache
def _made(entry: Entry) -> StreamlitPage:
    """Made once: for each page Streamlit looks for its file."""
    return st.Page(
        f"pages/{entry.name}.py",
        title=entry.title,
        icon=f":material/{entry.icon}:",
        help=entry.text,
        url_path=entry.name if entry.name != HOME else ROOT,
        default=entry.name == HOME,
    )
