"""The way of an engineer: the page is open, a mistake is put into the file in an editor, and taken out again."""

import re

import pytest
from playwright.sync_api import expect

SOURCE = """\
class Square:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return {factor} * self.x * dy
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "my_layers.py"
    path.write_text(SOURCE.format(factor=2))
    return path


@pytest.fixture
def server_options(module):
    return ["--", "--layers", str(module)]


def test_the_page_follows_the_file(cold_server, visit, module):  # noqa: ARG001
    visit.goto("/your_layers")
    expect(visit.get_by_text("Square is right")).to_be_visible(timeout=30_000)

    module.write_text(SOURCE.format(factor=-2))
    # Two seconds are what is promised; a busy machine may need more, so only that it happens by itself is tested.
    expect(visit.get_by_text("Square is wrong")).to_be_visible(timeout=30_000)
    expect(visit.get_by_text("has the wrong sign throughout")).to_be_visible()

    module.write_text(SOURCE.format(factor=2).replace("return x**2", "return x**"))
    expect(visit.get_by_text(re.compile(r"my_layers\.py:4: .*SyntaxError"))).to_be_visible(timeout=30_000)

    other = as_cube(SOURCE.format(factor=2))
    module.write_text(SOURCE.format(factor=2) + other)
    expect(visit.get_by_text("Square is right")).to_be_visible(timeout=30_000)
    expect(visit.get_by_role("cell", name="Cube", exact=True)).to_be_visible()

    visit.get_by_role("combobox", name="Show").click()
    visit.get_by_role("option", name="Cube").click()
    expect(visit.get_by_text("Cube is wrong")).to_be_visible(timeout=30_000)
    module.write_text(SOURCE.format(factor=2) + other.replace("2 * self.x", "3 * self.x**2"))
    expect(visit.get_by_text("Cube is right")).to_be_visible(timeout=30_000)
    expect(visit).to_have_url(re.compile("case=Cube"))  # now that it is no longer what is seen first
    assert not [complaint for complaint in visit.complaints if "404" not in complaint]
    assert not visit.foreign


def as_cube(source):
    """The same class, now as the cube, with the derivative of the square."""
    return "\n\n" + source.replace("Square", "Cube").replace("x**2", "x**3")
