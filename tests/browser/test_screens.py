"""Every page on the screens that it is shown on: a projector, a phone, light and dark, and with axe-core's eyes."""

import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from pages.ui.shell import ENTRIES

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
PROJECTOR = {"width": 853, "height": 480}
PHONE = {"width": 390, "height": 844}
FORMULAS_FIT = """[...document.querySelectorAll(".katex-display")].every(formula =>
  formula.scrollWidth <= formula.clientWidth && formula.scrollHeight <= formula.clientHeight)"""
LEAST = 80  # pixels of a figure that must be seen of it to know what it is


def opened(visit, address):
    """Open a page by its address, and return its first figure."""
    visit.goto(address)
    return drawn(visit)


def drawn(visit):
    """The first figure of the page, when all of it is there."""
    expect(visit.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible(timeout=30_000)
    figure = visit.locator(".js-plotly-plot .main-svg").first
    expect(figure).to_be_visible(timeout=30_000)
    # What the browser still loads holds its place with a skeleton, and a later figure could be taken for the first.
    expect(visit.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)
    return figure


# What axe-core looks for where only the theme or the width differs from a page that has been looked at as a whole.
EVERYTHING: dict = {}
BY_THEME = {"runOnly": ["color-contrast", "link-in-text-block"]}
BY_WIDTH = {"runOnly": [*BY_THEME["runOnly"], "scrollable-region-focusable", "target-size", "aria-hidden-focus"]}
# Streamlit's own list of pages, which a phone shows when it is unfolded, has lines between its items.
FOUND = """async rules => (await axe.run({exclude: [["[data-testid=stSidebarNavItems]"]]},
  {resultTypes: ["violations"], ...rules})).violations"""


def serious(visit, rules):
    """What axe-core calls serious or worse on the page as it is, by some of its rules, each with its element."""
    found = [one for one in visit.evaluate(FOUND, rules) if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


BACKGROUNDS = {"dark": "rgb(23, 22, 20)", "light": "rgb(255, 255, 255)"}


def in_theme(visit, theme):
    visit.emulate_media(color_scheme=theme)
    expect(visit.get_by_test_id("stApp")).to_have_css("background-color", BACKGROUNDS[theme])


def on_a_phone(visit):
    """As wide as a phone, once the sidebar has slid out of it: on its way its text lies over the page's."""
    visit.set_viewport_size(PHONE)
    expect(visit.get_by_test_id("stSidebar")).not_to_be_in_viewport()


def walk(visit):
    """Each page's entry once it is there, on a dark projector: from the first by the link to the next, until none."""
    visit.set_viewport_size(PROJECTOR)
    opened(visit, "/")
    visit.add_script_tag(path=AXE)
    for entry in ENTRIES.values():
        visit.set_viewport_size(PROJECTOR)
        in_theme(visit, "dark")
        expect(visit).to_have_title(f"{entry.title} - Gradient Lab", timeout=30_000)
        drawn(visit)
        yield entry.name
        following = visit.locator(".st-key-next_page").get_by_role("link")
        if following.count():
            following.evaluate("link => link.click()")  # without scrolling down to it
    assert not following.count(), entry.name


@pytest.mark.thorough
def test_every_page_can_be_read_on_a_projector_and_fits_a_phone(visit):
    for name in walk(visit):
        assert drawn(visit).bounding_box()["y"] < PROJECTOR["height"] - LEAST, name
        assert serious(visit, EVERYTHING) == [], name
        on_a_phone(visit)
        assert visit.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth"), name
        assert visit.evaluate(FORMULAS_FIT), name


@pytest.mark.thorough
def test_every_page_can_be_read_on_a_phone_and_in_light(visit):
    for place, name in enumerate(walk(visit)):
        if place == 0:
            in_theme(visit, "light")
            assert serious(visit, BY_THEME) == [], "the sidebar, which every page has and a phone folds away"
            in_theme(visit, "dark")
        on_a_phone(visit)
        assert serious(visit, BY_WIDTH) == [], name
        in_theme(visit, "light")
        assert serious(visit, BY_THEME) == [], name


def test_in_class_the_figure_has_the_screen(visit):
    visit.set_viewport_size(PROJECTOR)
    before = opened(visit, "/gradient_check").bounding_box()
    visit.get_by_text("Present", exact=True).click()
    expect(visit).to_have_url(re.compile("present=true"))
    expect(visit.get_by_test_id("stSidebar")).to_be_hidden()
    expect(visit.get_by_test_id("stHeader")).to_be_hidden()
    visit.emulate_media(color_scheme="light")
    visit.add_script_tag(path=AXE)
    assert serious(visit, EVERYTHING) == []
    after = visit.locator(".js-plotly-plot .main-svg").first.bounding_box()
    assert after["width"] > before["width"] + 100
    assert after["y"] < before["y"]


def test_on_a_phone_a_tap_in_the_menu_shows_the_page(visit):
    visit.set_viewport_size(PHONE)
    opened(visit, "/")
    visit.get_by_test_id("stExpandSidebarButton").click()
    visit.get_by_test_id("stSidebar").get_by_role("link", name="Loss").click()
    expect(visit.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
    expect(visit.get_by_role("heading", name="Loss")).to_be_in_viewport()


def test_the_first_page_is_found_by_its_name_too(visit):
    opened(visit, "/overview?sizes=3-4-2&broken=true")
    expect(visit.get_by_text("Page not found")).to_have_count(0)
    expect(visit).to_have_url(re.compile(r"/\?sizes=3-4-2&broken=true$"))
    expect(visit).to_have_title("Overview - Gradient Lab")


def click_cell(visit, figure, panel, row, column, shape, part=0.8):
    """Click on a cell of a map, at this part of its width and height: not its middle alone can be clicked."""
    area = visit.locator(".js-plotly-plot").nth(figure).locator(".nsewdrag").nth(panel)
    area.scroll_into_view_if_needed()
    box, (rows, columns) = area.bounding_box(), shape
    across, down = (column + part) / columns, (row + part) / rows
    visit.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


def test_a_click_on_a_cell_shows_its_arithmetic(visit):
    opened(visit, "/gradient_check")
    click_cell(visit, 0, 0, 3, 1, (10, 2))
    expect(visit.get_by_role("heading", name="Where fc1.W[3,1] comes from")).to_be_visible()
    expect(visit.get_by_role("textbox", name="Entry")).to_have_value("3,1")
    expect(visit).to_have_url(re.compile("entry=3%2C1"))


def test_a_click_on_a_cell_of_a_large_map_shows_the_entry_that_it_shows(visit):
    opened(visit, "/gradient_check?sizes=60-70-2")
    markers = visit.locator(".js-plotly-plot .scatterlayer .point")
    expect(markers).to_have_count(3)  # one a map, whatever can be clicked
    click_cell(visit, 0, 2, 68, 41, (70, 60), part=0.5)  # a cell has four pixels
    expect(visit.get_by_role("heading", name="Where fc1.W[68,41] comes from")).to_be_visible(timeout=30_000)


def test_a_click_on_a_unit_or_a_cell_of_a_jacobian_shows_its_arithmetic(visit):
    opened(visit, "/?sizes=2-3-2")
    diagram = visit.locator(".js-plotly-plot").nth(2)
    expect(diagram).to_be_visible()
    click(visit, diagram.locator(".scatterlayer .point").last)
    expect(visit.get_by_role("heading", name="Where fc2.b[1] comes from")).to_be_visible(timeout=30_000)
    expect(visit).to_have_url(re.compile(r"number=fc2.b%5B1%5D"))
    opened(visit, "/linear_layer")
    click_cell(visit, 1, 1, 0, 3, (3, 6))
    expect(visit.get_by_text("dy[0] / dW[1,1]")).to_be_visible(timeout=30_000)


def click(visit, point):
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    visit.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_click_on_an_edge_shows_its_arithmetic_and_the_chain_leads_on(visit):
    opened(visit, "/network?sizes=2-3-2&seed=5")
    edges = visit.locator(".js-plotly-plot").first.locator(".scatterlayer .point")
    expect(edges).not_to_have_count(0)
    edge = edges.nth(3).bounding_box()  # of the first layer's six, row by row: unit 1, input 1
    visit.mouse.click(edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2)
    expect(visit.get_by_role("heading", name="Where fc1.W[1,1] comes from")).to_be_visible(timeout=30_000)
    visit.get_by_role("button", name="fc1.b[1]").click()
    expect(visit.get_by_role("heading", name="Where fc1.b[1] comes from")).to_be_visible()
