"""Whatever an address holds, a page shows a result or a sentence; no setting is read as another one than it says."""

import pytest
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from mlp.differences.methods import METHODS
from mlp.lab.datasets import DATASETS
from mlp.lab.experiment import CHOICES
from mlp.lab.presets import PRESETS
from mlp.lab.settings_text import READERS, format_setting
from pages.ui import address, sidebar
from pages.ui.address import PAGE_SETTINGS
from tests.hostile.trying import examples, try_all
from tests.pages.conftest import APP, PAGES

# Small networks, and such that nobody can have; what takes long is tested by the limits on it.
SIZES = [
    "2-3-2",
    "1-1",
    "3-4-4-3",
    "2",
    "0-1",
    "1-" * 30 + "1",
    "9999999999-2",
    "2-3-",
    "-2-3",
    "2 - 3",
    "\u0662-3",
    "",
]
WORDS = ["true", "false", "1", "0", "-1", "1e-4", "1e-13", "nan", "inf", "1e999", "1,2;3,4", "1,2", "x", "fc1.W", "all"]
WORDS += ["", " ", "None", "[]", "![k](http://127.0.0.1/k.png)", "<script>", "\x00", "\u202e", "9" * 400, "../x", "%00"]
WORDS += [*METHODS, *DATASETS, *PRESETS, *(name for known in CHOICES.values() for name in known), *SIZES]
VALUES = st.one_of(st.sampled_from(WORDS), st.text(max_size=20), st.integers(-5, 2000).map(str))
SMALL = VALUES.filter(lambda text: not text.replace("-", "").isdigit() or len(text) < 4)
KEYS = st.sampled_from([*READERS, *READERS, *PAGE_SETTINGS, "preset", "nonsense"])
ADDRESSES = st.dictionaries(KEYS, VALUES, max_size=5)


def as_it_is_read(key, text):
    """How the setting is written if it can be read, None if not."""
    try:
        return format_setting(READERS[key](text)) if key != "sizes" else "-".join(map(str, READERS[key](text)))
    except ValueError:
        return None


@pytest.fixture
def refused(monkeypatch):
    """The settings for which a sentence was kept."""
    kept = {}
    monkeypatch.setattr(address, "refuse", lambda key, _, sentence: kept.update({key: sentence}))
    return kept


@examples
def test_each_setting_is_used_as_it_says_or_refused(examples, refused):
    def read(given):
        refused.clear()
        result = sidebar._read(given)
        used = {key: format_setting(value) for key, value in result.settings().items()}
        for key in set(given) & set(READERS):
            assert key in refused or used[key] == as_it_is_read(key, given[key])
        assert all(sentence.endswith(".") for sentence in refused.values())

    try_all(read, ADDRESSES, examples)


@examples
def test_every_page_opens_with_any_address(examples):
    def visit(case):
        page, given = case
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(given)
        app.run()
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        assert app.title

    try_all(visit, st.tuples(st.sampled_from(PAGES), st.dictionaries(KEYS, SMALL, max_size=4)), examples // 10)
