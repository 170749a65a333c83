"""A session of the whole app without a browser: the app under Streamlit's own AppTest."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from pages.ui import training, widgets
from pages.ui.shell import HOME

APP = Path(__file__).parents[2] / "app.py"
PAGES = sorted(path.stem for path in (APP.parent / "pages").glob("*.py"))

# Each session looks through the metadata of every installed package for components, which takes longer than most pages.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)

Open = Callable[..., AppTest]


@pytest.fixture
def open_page() -> Open:
    """Give a function that opens a page of a new session, with settings in the address such as seed="3"."""

    def opened(page: str = "overview", **address: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30)
        for key, text in address.items():
            app.query_params[key] = text
        return (app if page == HOME else app.switch_page(f"pages/{page}.py")).run()

    return opened


@pytest.fixture
def files(monkeypatch) -> dict[str, bytes]:
    """What the download buttons of the page that is opened next would give, by file name."""
    made: dict[str, bytes] = {}
    monkeypatch.setattr(widgets, "download", lambda _, data, file_name, mime: made.update({file_name: data()}))  # noqa: ARG005
    return made


@pytest.fixture
def patient(monkeypatch) -> None:
    """Training runs go to their step in one portion: there is no browser that asks for the next one."""
    monkeypatch.setattr(training, "FRAME", 1000.0)
