"""What the server does as it starts, so that no visitor waits for it; in a fresh interpreter, as a server is."""

import subprocess
import sys

import pytest

from tests.pages.conftest import APP, PAGES

# Starts as the server does, visits every page once, and prints what only a visit imported.
PROGRAM = f"""
import asyncio, gc, sys
from streamlit.testing.v1 import AppTest
from streamlit.runtime.pages_manager import PagesManager
from pages.ui import shell

async def start():
    async with shell.started(None):
        assert gc.get_freeze_count() > 100_000  # what the pages import is some 300,000 objects
        assert PagesManager.uses_pages_directory is False  # else a deep link runs a page without app.py

asyncio.run(start())
before = set(sys.modules)
for page in {PAGES}:
    app = AppTest.from_file({str(APP)!r}, default_timeout=60).switch_page(f"pages/{{page}}.py").run()
    assert not app.exception, page
print(*(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def imported_late() -> set[str]:
    run = subprocess.run([sys.executable, "-c", PROGRAM], check=False, cwd=APP.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_no_visitor_waits_for_an_import(imported_late):
    """But for small parts of packages that are there: a class of Plotly's for each part of a figure, Pillow's reader
    for the icon (20 ms together).
    """
    assert imported_late, "some part of a figure is always new"
    ours = {name for name in imported_late if name.split(".")[0] in ("mlp", "pages")}
    assert ours == set()
    assert {name for name in imported_late if "." not in name} <= {"PIL"}
