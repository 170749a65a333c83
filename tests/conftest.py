"""Settings for the whole suite.

Hypothesis tries the same examples on every run, whatever came of the last one; tests marked nightly run only when asked
for: pytest -m nightly. Of several workers, one alone takes the tests that share what is dear to prepare; there is one
more of them than there are cores, since that one mostly waits for a browser.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


# A server and a browser; an environment with the project installed; the corpus, examined.
TOGETHER = ("tests/browser/", "tests/test_installed.py", "tests/user_code/test_corpus.py")


def pytest_xdist_auto_num_workers():
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    if config.getoption("numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadgroup"


def pytest_configure(config):
    config.addinivalue_line("markers", "nightly: takes minutes; run with -m nightly")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        for shared in filter(item.nodeid.startswith, TOGETHER):
            item.add_marker(pytest.mark.xdist_group(shared))
    if "nightly" in config.getoption("-m"):
        return
    left_out = [item for item in items if item.get_closest_marker("nightly")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
