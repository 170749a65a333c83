"""Names that somebody gave are shown as they are: none is a link, an image, a formula or set in italics."""

import re

import pytest
from playwright.sync_api import expect

# The server that an image or a link would be fetched from is none of ours; any request to it is noted.
NAMES = ["_w_", "**b**", "![k](http://127.0.0.1:9/k.png)", "http://127.0.0.1:9", "www.example.org", "a@example.org"]
NAMES += ["$x^2$", "<img src='http://127.0.0.1:9/i.png'>", ":smile:", "a--b", "[l](http://127.0.0.1:9)", "&lt;", "1. d"]
SOURCE = f"""
import numpy as np

NAMES = {NAMES!r}


class _Dict_:
    def __init__(self):
        self.params = {{name: np.ones((1, 3)) for name in NAMES}}
        self.grads = {{}}

    def forward(self, x):
        self.x = x
        return x * sum(self.params.values())

    def backward(self, dy):
        self.grads = {{name: (self.x * dy).sum(axis=0, keepdims=True) for name in NAMES}}
        return dy * sum(self.params.values())


class Raising:
    def forward(self, x):
        raise ValueError(" ".join(NAMES))

    def backward(self, dy):
        return dy


GRADCHECK = {{"_Dict_": {{"x": (4, 3), "pairs": {{f"params.{{name}}": f"grads.{{name}}" for name in NAMES}}}}}}
"""


@pytest.fixture
def server_options(tmp_path):
    path = tmp_path / "_my_![k](http:__127.0.0.1:9_k.png).py"
    path.write_text(SOURCE)
    return ["--", "--layers", str(path)]


def linked(visit):
    """Where the page's links and images lead, but for those of the dashboard itself."""
    made = visit.locator("[data-testid=stMain]").locator("a, img")
    targets = made.evaluate_all("all => all.map(one => one.getAttribute('href') || one.getAttribute('src') || '')")
    return [target for target in targets if re.search("127.0.0.1:9|example|mailto", target)]


def test_names_of_theirs_are_text(cold_server, visit):  # noqa: ARG001
    visit.goto("/your_layers?case=_Dict_")  # else the page opens on what is wrong
    expect(visit.get_by_text("_Dict_ is right")).to_be_visible(timeout=60_000)
    expect(visit.get_by_test_id("stRadio")).to_be_visible(timeout=30_000)
    shown = [text.replace("\N{WORD JOINER}", "") for text in visit.get_by_test_id("stRadio").all_inner_texts()]
    lines = shown[0].splitlines()
    assert [name for name in NAMES if f"params.{name}" not in lines] == []
    visit.get_by_test_id("stRadio").get_by_text("params.![k]").click()
    expect(visit.get_by_text(re.compile(r"^The entries of params.!\[k\]"))).to_be_visible(timeout=30_000)
    assert linked(visit) == []

    visit.get_by_role("combobox", name="Show").click()
    visit.get_by_role("option", name="Raising").click()
    told = visit.get_by_test_id("stAlert").get_by_text("raised ValueError")
    expect(told).to_be_visible(timeout=30_000)
    assert " ".join(NAMES) in told.inner_text().replace("\N{WORD JOINER}", "")
    assert linked(visit) == []
    assert not visit.foreign
