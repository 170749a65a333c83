"""Settings for the whole suite.

Hypothesis tries the same examples on every run, whatever came of the last one; tests marked nightly run only when asked
for: pytest -m nightly.
"""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


def pytest_configure(config):
    config.addinivalue_line("markers", "nightly: takes minutes; run with -m nightly")


def pytest_collection_modifyitems(config, items):
    if "nightly" in config.getoption("-m"):
        return
    left_out = [item for item in items if item.get_closest_marker("nightly")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
