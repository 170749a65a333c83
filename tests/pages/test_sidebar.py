"""The sidebar: presets, a new seed, reset, and an address that stands for the settings."""

import ast
from pathlib import Path

import numpy as np
import pytest

from mlp import check_gradients
from mlp.lab.experiment import Experiment
from mlp.lab.presets import PRESETS
from mlp.nn.problem import INPUT
from pages.ui import editor, entries, questions, sidebar, stage, training
from pages.ui.address import PAGE_SETTINGS
from pages.ui.sidebar import DEFAULTS
from tests.pages.conftest import PAGES
from tests.pages.plots import arrays


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_everything(open_page, name):
    app = open_page(seed="77", eps="1e-6")
    app.selectbox(key="preset").select(name).run()
    shown = {key: app.session_state[key] for key in PRESETS[name].experiment.settings()}
    assert shown == PRESETS[name].experiment.settings()
    assert app.selectbox(key="preset").value == name


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_in_the_address_stands_for_its_settings(open_page, name):
    app = open_page(preset=name)
    assert app.selectbox(key="preset").value == name
    assert {key: app.session_state[key] for key in PRESETS[name].experiment.settings()} == (
        PRESETS[name].experiment.settings()
    )


def test_a_setting_beside_a_preset_in_the_address_wins(open_page):
    app = open_page(preset="By hand (1-1-1)", seed="9")
    assert app.text_input(key="sizes").value == "1-1-1"
    assert app.number_input(key="seed").value == 9
    assert app.selectbox(key="preset").value == "Own settings"


def test_a_changed_setting_is_no_preset_any_more(open_page):
    app = open_page(preset="ReLU kink")
    app.selectbox(key="activation").select("SiLU").run()
    assert app.selectbox(key="preset").value == "Own settings"


def test_another_way_to_write_a_number_is_understood(open_page):
    app = open_page(eps="0.0001", seed="007")
    assert not app.warning
    assert app.select_slider(key="eps").value == 1e-4
    assert app.number_input(key="seed").value == 7


def test_a_new_seed_is_any_of_ten_thousand(open_page, monkeypatch):
    monkeypatch.setattr(sidebar.secrets, "randbelow", lambda end: end - 1)
    app = open_page()
    next(button for button in app.button if button.label == "New seed").click().run()
    assert app.number_input(key="seed").value == 9_999


def test_new_seed_and_reset(open_page):
    app = open_page(sizes="3-2", seed="123456")
    [new_seed] = [button for button in app.button if button.label == "New seed"]
    new_seed.click().run()
    assert app.number_input(key="seed").value != 123456
    [reset] = [button for button in app.button if button.label.startswith("Reset")]
    reset.click().run()
    assert app.selectbox(key="preset").value == "The exercise"


def test_sizes_that_are_impossible_leave_what_was_possible_last(open_page):
    app = open_page("gradient_check", sizes="3-2")
    app.text_input(key="sizes").set_value("4-3-2").run()
    before = arrays(app, 0)
    assert before[0].shape == (3, 4)
    app.text_input(key="sizes").set_value("4-0-2").run()
    assert any(box.title == "These settings cannot be used" for box in (error.proto for error in app.error))
    np.testing.assert_array_equal(arrays(app, 0), before)


@pytest.mark.parametrize("text", ["", "3", "3-", "3-7-"])
def test_sizes_that_are_still_being_typed_are_no_error(open_page, text):
    app = open_page(sizes="3-4-2")
    app.text_input(key="sizes").set_value(text).run()
    assert not app.error
    assert f"Layer sizes so far: {text}. What you see is for 3-4-2." in [note.value for note in app.sidebar.caption]
    app.text_input(key="sizes").set_value("3-7-2").run()
    assert not any("so far" in note.value for note in app.sidebar.caption)


def test_the_complaint_about_the_address_can_be_put_away(open_page):
    app = open_page(eps="banana")
    assert app.warning
    app.button(key="address_understood").click().run()
    assert not app.warning


def test_data_that_the_network_does_not_fit_is_said_and_one_press_fits_it(open_page):
    app = open_page("gradient_check", loss="CrossEntropyLoss", batch="200")
    app.selectbox(key="data").set_value("noisy curve").run()
    [error] = app.error
    assert "must begin with 1 and end with 1: 1-10-20-1 instead of 2-10-20-5" in error.value
    next(button for button in app.button if button.label == "Fit the settings to the data").click().run()
    assert not app.error
    assert not app.exception
    shown = {key: app.session_state[key] for key in ("sizes", "loss", "batch", "data")}
    assert shown == {"sizes": "1-10-20-1", "loss": "MSELoss", "batch": 80, "data": "noisy curve"}
    assert not [button for button in app.button if button.label == "Fit the settings to the data"]


def test_a_data_set_in_the_address_is_the_input_of_every_page(open_page):
    settings = {"sizes": "4-6-3", "loss": "CrossEntropyLoss", "batch": "6", "data": "Iris", "seed": "2"}
    experiment = Experiment((4, 6, 3), loss="CrossEntropyLoss", batch=6, seed=2, data="Iris")
    check = check_gradients(*experiment.problem())["x"]
    app = open_page("gradient_check", tensor="x", **settings)
    assert not app.warning
    for drawn, expected in zip(arrays(app, 0)[:2], (check.analytical, check.numerical), strict=True):
        np.testing.assert_array_equal(drawn, expected)
    for page in PAGES:
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        assert bool(app.error) == (page == "your_layers")  # which opens on the wrong one of its examples
        assert app.session_state["data"] == "Iris"


@pytest.mark.parametrize("text", ["3-", "3", "", "3-0-2", "banana"])
def test_sizes_that_are_impossible_as_typed_do_not_enter_the_address(open_page, text):
    app = open_page("gradient_check")
    app.text_input(key="typed_sizes").set_value(text).run()
    assert "sizes" not in app.query_params
    unfinished = [caption.value for caption in app.sidebar.caption if "What you see is for 2-10-20-5." in caption.value]
    assert bool(unfinished) != bool(app.error)
    app.text_input(key="typed_sizes").set_value("3-4-2").run()
    assert not app.error
    assert app.query_params["sizes"] in ("3-4-2", ["3-4-2"])
    app.text_input(key="typed_sizes").set_value("3-4-").run()
    assert app.query_params["sizes"] in ("3-4-2", ["3-4-2"])  # what is shown still
    app.selectbox(key="preset").set_value("By hand (1-1-1)").run()
    assert app.text_input(key="typed_sizes").value == "1-1-1"
    assert not [caption for caption in app.sidebar.caption if "so far" in caption.value]


# Where the setting's name stands among the arguments of what keeps it in the address.
KEY_AT = {
    "choice": 3,
    "segments": 2,
    "selection": 2,
    "stepper": 2,
    "switch": 1,
    "unfolding": 1,
    "opened": 0,
    "kept": 0,
    "_whole": 1,
}


def test_every_setting_of_a_page_is_one_that_an_address_may_hold():
    """One that is not would be refused: a link with it would not show what it was copied from."""
    found = set()
    for path in Path("pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = KEY_AT.get(name, len(node.args))
                given = [*node.args[place : place + 1], *(one.value for one in node.keywords if one.arg == "key")]
                bound = name in KEY_AT or any(one.arg == "bind" for one in node.keywords)
                found |= {one.value for one in given if bound and isinstance(one, ast.Constant)}
    typed = {"loss_y", "loss_t", "act_x", "act_dy", "lin_x", "lin_W", "lin_b", "lin_dy"}
    kept = {value for key, value in vars(entries).items() if key.isupper() and isinstance(value, str)} - {INPUT}
    others = {training.AT, editor.POINT, stage.KEY, questions.KEY, questions.LAST, "python", "code", "ready", "library"}
    assert (found | typed | kept | others) - {*DEFAULTS} == {*PAGE_SETTINGS}
