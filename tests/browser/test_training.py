"""The way of a student: one press trains, another stops it, a reload shows the same, and a change starts anew."""

import re

from playwright.sync_api import expect

from mlp.lab.experiment import Experiment
from mlp.lab.training import Training
from mlp.lab.training_run import Run
from mlp.report.numbers import brief
from tests.browser.test_journey import unexpected

# Long enough to be stopped on the way, on any machine.
LINK = "/training?sizes=2-100-100-2&steps=100000&trained_on=moons"
SETTINGS = Training(Experiment((2, 100, 100, 2)), "moons", "Adam", 0.01, 100_000, 16)


def test_train_stop_reload_and_change(visit):
    visit.goto(LINK)
    expect(visit.get_by_text("Press Train")).to_be_visible(timeout=30_000)
    visit.get_by_role("button", name="Train", exact=True).click()
    expect(visit.get_by_text(re.compile(r"Step [\d,]+ of 100,000"))).to_be_visible(timeout=30_000)
    expect(visit.get_by_text(re.compile(r"After [\d,]+ steps the loss is"))).to_be_visible()

    visit.get_by_role("button", name="Stop training").click()
    expect(visit.get_by_role("button", name="Train", exact=True)).to_be_enabled(timeout=30_000)
    expect(visit.get_by_text(re.compile(r"Step [\d,]+ of 100,000"))).to_have_count(0)
    expect(visit).to_have_url(re.compile(r"at_step=\d+"))
    step = int(re.search(r"at_step=(\d+)", visit.url)[1])
    run = Run(SETTINGS)
    run.advance(step)
    told = f"After {step:,} steps the loss is {brief(run.measured()['loss'])} with the right gradient"
    expect(visit.get_by_text(told)).to_be_visible()

    visit.reload()
    expect(visit.get_by_text(told)).to_be_visible(timeout=60_000)
    expect(visit.get_by_role("textbox", name="Layer sizes")).to_have_value("2-100-100-2")

    visit.get_by_role("button", name="Train", exact=True).click()
    expect(visit.get_by_text(re.compile(r"Step [\d,]+ of 100,000"))).to_be_visible(timeout=30_000)
    visit.get_by_role("textbox", name="Layer sizes").fill("2-3-2")
    expect(visit).to_have_url(re.compile("sizes=2-3-2"), timeout=30_000)
    visit.get_by_role("button", name="Stop training").click()  # it goes on with the new network
    expect(visit.get_by_role("button", name="Train", exact=True)).to_be_enabled(timeout=30_000)
    expect(visit.get_by_text(re.compile(r"Step [\d,]+ of 100,000"))).to_have_count(0)
    visit.get_by_role("button", name="Start over", exact=True).click()
    expect(visit.get_by_text("Press Train")).to_be_visible(timeout=30_000)
    expect(visit).not_to_have_url(re.compile("at_step"))
    assert not [complaint for complaint in unexpected(visit.complaints) if "404" not in complaint]
    assert not visit.foreign
