"""Tests marked nightly run only when asked for: pytest -m nightly."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "nightly: takes minutes; run with -m nightly")


def pytest_collection_modifyitems(config, items):
    if "nightly" in config.getoption("-m"):
        return
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with -m nightly"))
