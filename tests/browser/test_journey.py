"""The way of a person with a link, in a real browser, on a server that nobody has visited yet."""

import re

import numpy as np
import pandas as pd
from playwright.sync_api import expect

from mlp import check_gradients
from mlp.lab.experiment import Experiment

LINK = "/gradient_check?sizes=3-4-2&seed=3&tensor=fc1.W"


def unexpected(complaints):
    """Leave out what Streamlit's own page says on each deep link, while it finds out at which path its server is."""
    probes = re.compile(r"404 .*/gradient_check/_stcore/(health|host-config)")
    return [complaint for complaint in complaints if not probes.search(complaint)]


def test_a_deep_link_on_a_cold_server(cold_server, visit, tmp_path):  # noqa: ARG001
    visit.goto(LINK)
    expect(visit.get_by_role("heading", name="Gradient check", exact=True)).to_be_visible(timeout=30_000)
    expect(visit).to_have_title("Gradient check - Gradient Lab")
    expect(visit.get_by_role("textbox", name="Layer sizes")).to_have_value("3-4-2", timeout=30_000)

    painted = visit.locator(".heatmaplayer image")
    expect(painted).to_have_count(3, timeout=30_000)
    assert all(image.bounding_box()["width"] > 50 for image in painted.all())

    with visit.expect_download() as download:
        visit.get_by_role("button", name="All tensors as CSV").click()
    file = tmp_path / "gradients.csv"
    download.value.save_as(file)
    table = pd.read_csv(file)
    report = check_gradients(*Experiment(sizes=(3, 4, 2), seed=3).problem())
    for name, check in report.items():
        rows = table[table["tensor"] == name]
        np.testing.assert_array_equal(rows["analytical"], check.analytical.ravel())
        np.testing.assert_array_equal(rows["numerical"], check.numerical.ravel())

    visit.get_by_role("link", name="Overview").click()
    expect(visit.get_by_role("heading", name="Gradient Lab")).to_be_visible()
    expect(visit.get_by_role("textbox", name="Layer sizes")).to_have_value("3-4-2")
    expect(visit).to_have_url(re.compile("sizes=3-4-2"))
    expect(visit).to_have_url(re.compile("seed=3"))

    assert not unexpected(visit.complaints)
    assert not visit.foreign


def test_settings_typed_chosen_and_gone_back_to(visit):
    visit.goto("/?eps=banana")
    expect(visit.get_by_text("eps must be 1, 2 or 5 times a power of ten")).to_be_visible(timeout=30_000)
    expect(visit).not_to_have_url(re.compile("banana"))
    expect(visit.locator(".plot-container").first).to_be_visible(timeout=30_000)  # the page has come to its end

    sizes = visit.get_by_role("textbox", name="Layer sizes")
    sizes.fill("3-")  # as between two keys
    expect(visit.get_by_text("Layer sizes so far: 3-. What you see is for 2-10-20-5.")).to_be_visible(timeout=30_000)
    sizes.fill("3-0")
    expect(visit.get_by_text("These settings cannot be used")).to_be_visible(timeout=30_000)
    expect(visit).not_to_have_url(re.compile("sizes"))
    sizes.fill("3-7-2")
    expect(visit.get_by_text("These settings cannot be used")).to_have_count(0)
    expect(visit).to_have_url(re.compile("sizes=3-7-2"))

    visit.get_by_role("button", name="Check", exact=True).click()
    visit.get_by_role("menuitem", name="Gradient check").click()
    expect(visit.get_by_role("heading", name="Gradient check", exact=True)).to_be_visible()
    expect(sizes).to_have_value("3-7-2", timeout=30_000)
    sizes.fill("3-8-2")
    expect(visit).to_have_url(re.compile("sizes=3-8-2"))
    visit.go_back()  # in one step, whatever was changed
    expect(visit.get_by_role("heading", name="Gradient Lab")).to_be_visible()
    expect(sizes).to_have_value("3-7-2", timeout=30_000)
    expect(visit.locator(".plot-container").first).to_be_visible(timeout=30_000)
    assert not unexpected(visit.complaints)
    assert not visit.foreign


def test_settings_are_reset(visit):
    visit.goto("/?sizes=3-7-2&seed=4")
    sizes = visit.get_by_role("textbox", name="Layer sizes")
    expect(visit.get_by_text("Input (3,), target (2,), float64")).to_be_visible(timeout=30_000)  # the page's end
    visit.get_by_text("More settings").click()
    visit.get_by_role("button", name="Reset to the exercise").click()
    expect(sizes).to_have_value("2-10-20-5", timeout=30_000)
    expect(visit).not_to_have_url(re.compile("sizes|seed"))
    assert not unexpected(visit.complaints)
    assert not visit.foreign


def test_long_work_is_announced_keeps_the_last_result_and_gives_way(visit):
    visit.goto("/")
    answer = visit.get_by_text(re.compile("Backpropagation and differences agree|Nothing contradicts it"))
    expect(answer).to_be_visible(timeout=30_000)
    visit.get_by_role("textbox", name="Layer sizes").fill("784-256-128-10")
    expect(visit.get_by_text("235,146", exact=True)).to_be_visible(timeout=60_000)

    visit.get_by_text("More settings").click()
    batch = visit.get_by_role("spinbutton", name="Batch size")
    batch.fill("38")
    batch.press("Enter")
    progress = visit.get_by_text(re.compile(r"Checking 235,146 parameters takes about \d+ s"))
    expect(progress).to_be_visible(timeout=30_000)
    expect(answer).to_be_visible()

    visit.get_by_role("textbox", name="Layer sizes").fill("3-7-2")
    expect(visit.get_by_text("44", exact=True)).to_be_visible(timeout=30_000)
    expect(progress).to_have_count(0)
    assert not unexpected(visit.complaints)
