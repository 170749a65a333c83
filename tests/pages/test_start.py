"""What the server does as it starts, so that no visitor waits for it; in a fresh interpreter, as a server is."""

import subprocess
import sys

import pytest

from pages.ui import shell
from tests.pages.conftest import APP, PAGES

# Starts as the server does, visits every page once, and prints what only a visit imported.
PROGRAM = f"""
import asyncio, gc, sys, weakref
from streamlit import config
from streamlit.testing.v1 import AppTest
from streamlit.runtime.pages_manager import PagesManager
from pages.ui import shell

class Circle:
    def __init__(self):
        self.itself = self

async def start():
    gc.disable()  # only what the server does by itself
    async with shell.started(None):
        assert gc.get_freeze_count() > 100_000  # what the pages import is some 300,000 objects
        assert PagesManager.uses_pages_directory is False  # else a deep link runs a page without app.py
        garbage = weakref.ref(circle := Circle())
        del circle
        with shell.serving(None):  # a visitor's run
            pass
        await asyncio.sleep(3 * shell.COLLECT_EVERY)
        assert garbage() is None  # Streamlit itself does not collect
    assert config.get_option("runner.postScriptGC") is False
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {{asyncio.current_task()}}  # what collects has ended with the server

asyncio.run(start())
before = set(sys.modules)
app = AppTest.from_file({str(APP)!r}, default_timeout=60)
for page in {PAGES}:
    app.switch_page(f"pages/{{page}}.py").run()
    assert not app.exception, page
print(*(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def imported_late() -> set[str]:
    run = subprocess.run([sys.executable, "-c", PROGRAM], check=False, cwd=APP.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_no_visitor_waits_for_an_import(imported_late):
    """But for small parts of packages that are there, such as a class of Plotly's for a rare part of a figure."""
    assert imported_late, "some part of a figure is always new"
    ours = {name for name in imported_late if name.split(".")[0] in ("mlp", "pages")}
    assert ours == set()
    assert {name for name in imported_late if "." not in name or name in shell.USED_LATER} == set()
