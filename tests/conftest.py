"""Settings for the whole suite.

Hypothesis tries the same examples on every run, whatever came of the last one; tests marked thorough or nightly run
only when asked for, as by pytest -m thorough. Of several workers, one alone takes the tests that share what is dear
to prepare; there is one more of them than there are cores, since two of those groups mostly wait for a browser. Every
worker imports every test, so what takes long to import and serves a few of them is imported where it is used.
"""

import os
from collections import Counter, defaultdict

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


# What is shared, and the tests that share it; further ones ask for the fixture of its name.
TOGETHER = {
    "screens": ["tests/browser/test_screens.py"],
    "browser": ["tests/browser/"],
    "installed": ["tests/test_installed.py"],
    "corpus": ["tests/user_code/test_corpus.py"],
    "torch": ["tests/report/test_exchange.py", "tests/report/test_training_programs.py"],
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    return (os.cpu_count() or 1) + 1


WHEN_ASKED_FOR = {
    "thorough": "the same rule in more places; CI runs these after the others",
    "nightly": "takes minutes, or hours",
}


def pytest_configure(config):
    for marker, what in WHEN_ASKED_FOR.items():
        config.addinivalue_line("markers", f"{marker}: {what}; run with -m {marker}")
    config.addinivalue_line("markers", "one_in(n): of its parameters one in n in every run, the others if thorough")


def chosen(items, n):
    """Of every n items one, that whose parameters were taken least before.

    Each n-th would not do: where six methods go round within another parameter, each third is one of the same two.
    """
    taken, of_every_n = Counter(), []
    for start in range(0, len(items), n):
        values = {item: [*map(repr, item.callspec.params.items())] for item in items[start : start + n]}
        one = min(values, key=lambda item: sum(taken[value] for value in values[item]))
        taken.update(values[one])
        of_every_n.append(one)
    return of_every_n


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        for shared, places in TOGETHER.items():
            if shared in item.fixturenames or item.nodeid.startswith(tuple(places)):
                item.add_marker(pytest.mark.xdist_group(shared))
                break
    of_one_test = defaultdict(list)
    for item in items:
        if item.get_closest_marker("one_in") and not item.get_closest_marker("nightly"):
            of_one_test[item.obj].append(item)
    for alike in of_one_test.values():
        every_time = chosen(alike, alike[0].get_closest_marker("one_in").args[0])
        for item in alike:
            if item not in every_time:
                item.add_marker(pytest.mark.thorough)
    # The longest of all, mypy's, is among those at the top: last, it would leave the other workers with nothing to do.
    items.sort(key=lambda item: item.path.parent != config.rootpath / "tests")
    not_asked = [marker for marker in WHEN_ASKED_FOR if marker not in config.getoption("-m")]
    left_out = [item for item in items if any(map(item.get_closest_marker, not_asked))]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def torch():
    """PyTorch, on one thread, since starting more takes longer than the work on tiny arrays. Skipped without it."""
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module
