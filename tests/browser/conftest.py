"""A real server on this machine, and Debian's Chromium in front of it."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.servers import ROOT, serve, unused

# Beside what a container needs: nothing that makes Chromium itself look for hosts of its maker.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: install Debian's package chromium")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def server_options() -> list[str]:
    """What a test module adds to the command line of its server."""
    return []


@contextmanager
def served(port: int, options: Sequence[str] = ()) -> Iterator[str]:
    """A server at this port, and its address. What it logged of an exception fails the test in the end."""
    with tempfile.TemporaryFile("w+") as log:
        server = serve("app.py", ROOT, options, port, log)
        try:
            yield server.url
        finally:
            server.stop()
            log.seek(0)
            logged = log.read()
            # Streamlit's own threads may meet in the state of a session; a run of ours goes through app.py.
            assert not ("Traceback" in logged and "app.py" in logged), logged


@pytest.fixture
def port() -> int:
    """A port for a server that the test starts itself."""
    return unused()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the server that all tests visit which do not ask for one of their own."""
    with served(unused()) as address:
        yield address


@pytest.fixture
def cold_server(port: int, server_options: list[str]) -> Iterator[str]:
    """The address of a server that nobody has visited yet."""
    with served(port, server_options) as address:
        yield address


class Visit(Page):
    """For annotations: a page with the two lists below."""

    complaints: list[str]
    foreign: list[str]


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A page of a new browser that notes errors on its console and requests that leave this machine.

    It is on the cold server if the test asks for one, else on that of all tests.
    """
    address = request.getfixturevalue("cold_server" if "cold_server" in request.fixturenames else "server")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    page = context.new_page()
    page.complaints, page.foreign = [], []
    page.on("console", lambda message: message.type == "error" and page.complaints.append(_told(message)))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    local = (address, address.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(local) or page.foreign.append(request.url))
    yield page
    context.close()


def _told(message) -> str:
    return f"{message.text} {message.location.get('url', '')}"
