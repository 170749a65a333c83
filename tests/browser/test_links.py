"""A link is all there is to keep: after a reload, from another server, after a restart, and by the keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from mlp import check_gradients
from mlp.lab.experiment import Experiment
from mlp.report.tables.tensors import all_entries, to_csv
from tests.browser.conftest import served

SETTINGS = Experiment(sizes=(3, 4, 2), activation="Sigmoid", loss="HuberLoss", seed=3, batch=2, eps=1e-5)
LINK = "/gradient_check?sizes=3-4-2&activation=Sigmoid&loss=HuberLoss&seed=3&batch=2&eps=1e-5"
RUNS = 20
TABS = 200  # more than any page has stops


def written():
    """The CSV behind the link, as this process makes it."""
    return to_csv(all_entries(check_gradients(*SETTINGS.problem(), SETTINGS.eps, SETTINGS.method)))


def downloaded(visit, press=None):
    """The CSV that the page's button gives, clicked or pressed."""
    button = visit.get_by_role("button", name="All tensors as CSV")
    expect(button).to_be_visible(timeout=60_000)
    with visit.expect_download() as download:
        (press or button.click)()
    return download.value.path().read_bytes()


def test_the_same_link_gives_the_same_bytes_every_time():
    assert {written() for _ in range(RUNS)} == {written()}


@pytest.fixture
def cold_server(port):
    """None yet: this test starts its own, to stop it."""
    return f"http://127.0.0.1:{port}"


def test_a_reload_and_a_restart_change_nothing(cold_server, visit, port):  # noqa: ARG001
    with served(port):
        visit.goto(LINK)
        first = downloaded(visit)
        assert first == written()
        visit.reload()
        assert downloaded(visit) == first
    with served(port):
        visit.reload()
        expect(visit.get_by_role("textbox", name="Layer sizes")).to_have_value("3-4-2", timeout=60_000)
        assert downloaded(visit) == first
        assert not visit.foreign


def tab_to(visit, name):
    """Press Tab until something of this name has the focus."""
    for _ in range(TABS):
        visit.keyboard.press("Tab")
        shown = visit.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''")
        if name in map(str.strip, shown.splitlines()[:3]):  # its icon's name may come first
            return
    raise AssertionError(f"no stop of the keyboard is called {name}")


def test_from_the_first_page_to_a_csv_by_the_keyboard_alone(visit):
    visit.goto("/")
    expect(visit.get_by_text("Backpropagation and differences agree")).to_be_visible(timeout=60_000)
    tab_to(visit, "Check")
    visit.keyboard.press("Enter")
    expect(visit.get_by_role("menuitem", name="Gradient check")).to_be_focused()
    visit.keyboard.press("Enter")
    expect(visit.get_by_role("heading", name="Gradient check", exact=True)).to_be_visible(timeout=30_000)
    expect(visit.get_by_role("button", name="All tensors as CSV")).to_be_visible(timeout=30_000)
    tab_to(visit, "All tensors as CSV")
    content = downloaded(visit, lambda: visit.keyboard.press("Enter"))
    assert content == to_csv(all_entries(check_gradients(*Experiment().problem())))
    assert not visit.foreign


@pytest.mark.thorough
def test_each_control_of_the_sidebar_moves_what_it_says(visit):
    """The address gets the setting, and the table of tensors, which follows from all of them, becomes another one."""
    visit.goto("/gradient_check")
    tensors = visit.locator("table.lab").last
    expect(tensors).to_be_visible(timeout=60_000)
    visit.get_by_text("More settings").click()

    def moved(setting, act):
        before = tensors.inner_html()
        act()
        expect(visit).to_have_url(re.compile(f"[?&]{setting}="))
        expect(tensors).not_to_have_js_property("innerHTML", before, timeout=30_000)

    def choose(label, option):
        visit.get_by_role("combobox", name=label).click()
        visit.get_by_role("option", name=option, exact=True).click()

    def enter(label, text):
        field = visit.get_by_role("spinbutton", name=label)
        field.fill(text)
        field.press("Enter")

    moved("sizes", lambda: visit.get_by_role("textbox", name="Layer sizes").fill("3-4-2"))
    moved("seed", lambda: enter("Seed", "7"))
    moved("batch", lambda: enter("Batch size", "3"))
    moved("activation", lambda: choose("Activation", "Sigmoid"))
    moved("loss", lambda: choose("Loss", "HuberLoss"))
    moved("initialisation", lambda: choose("Initialisation", "He"))
    moved("method", lambda: choose("Method", "forward"))
    moved("eps", lambda: visit.get_by_role("slider").first.press("ArrowLeft"))
    assert not visit.foreign
