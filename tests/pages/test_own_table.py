"""A table of a person's own on the training page: brought, its columns chosen, trained on, or refused in a sentence."""

from dataclasses import replace

import numpy as np
import pytest

from mlp import check_gradients
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import UPLOAD
from mlp.lab.tables import table_data
from mlp.lab.training import Training
from mlp.lab.training_run import Run
from mlp.report.files import exchange
from mlp.report.files.table_files import read_table
from mlp.report.tables import training as tables
from pages.ui.address import plain
from tests.pages.conftest import PAGES
from tests.pages.plots import arrays, everything, shown_tables, table_cells

pytestmark = pytest.mark.usefixtures("patient")
RNG = np.random.RandomState(0)
NUMBERS = RNG.standard_normal((40, 3))
CONTENT = "\n".join(
    ["a,b,c,kind", *(f"{a},{b},{c},{'yes' if a * b > 0 else 'no'}" for a, b, c in NUMBERS.tolist())]
).encode()
BAD = b"a,b\n1,2\n3\n"
SETTINGS = Training(Experiment((3, 10, 20, 2)), UPLOAD, "Adam", 0.01, 1_000, 16, "derivative missing")


@pytest.fixture
def page(open_page):
    """The page of a new session that waits for a table, with these settings in the address."""
    return lambda **address: open_page("training", trained_on=UPLOAD, **address)


def bring(app, name, content):
    app.file_uploader(key="own_table_file").set_value((name, content, "text/csv")).run()
    assert not app.exception
    return app


def assert_trained_on(app, settings, features, target, step, seed=0):
    data = table_data(read_table("mine.csv", CONTENT), features, target, seed)
    runs = [Run(each, data) for each in (replace(settings, bug=""), settings)]
    for run in runs:
        run.advance(step)
    assert table_cells(tables.standing(runs)) in shown_tables(app)


def test_until_there_is_a_table_another_data_set_is_shown_and_that_is_said(page):
    app = page()
    assert "Until you bring a table you see **spirals**. A table is not in the address." in everything(app)
    assert not app.error


def test_the_last_column_is_learned_from_all_columns_of_numbers(page):
    app = bring(page(at_step="30"), "mine.csv", CONTENT)
    assert app.multiselect(key="own_table_features").value == ["a", "b", "c"]
    assert app.selectbox(key="own_table_target").value == "kind"
    assert_trained_on(app, SETTINGS, ("a", "b", "c"), "kind", 30)
    assert "It has 3 features and 2 classes" in everything(app)
    assert "Until you bring" not in everything(app)


def test_other_columns_and_another_seed_are_other_data(page):
    app = bring(page(at_step="30"), "mine.csv", CONTENT)
    app.selectbox(key="own_table_target").set_value("c").run()
    experiment = Experiment((2, 10, 20, 1))
    assert_trained_on(app, replace(SETTINGS, experiment=experiment), ("a", "b"), "c", 30)
    app.multiselect(key="own_table_features").set_value(["a"]).run()
    assert_trained_on(app, replace(SETTINGS, experiment=Experiment((1, 10, 20, 1))), ("a",), "c", 30)
    app.multiselect(key="own_table_features").set_value(["b"]).run()  # other data of the same sizes
    assert_trained_on(app, replace(SETTINGS, experiment=Experiment((1, 10, 20, 1))), ("b",), "c", 30)
    experiment = Experiment((1, 10, 20, 1), seed=4)
    app.number_input(key="seed").set_value(4).run()
    assert_trained_on(app, replace(SETTINGS, experiment=experiment), ("b",), "c", 30, seed=4)


def test_runs_go_on_and_do_not_start_over_with_the_same_table(page):
    app = bring(page(at_step="30"), "mine.csv", CONTENT)
    held = app.session_state["training_held"]
    next(button for button in app.button if button.label == "One step").click().run()
    assert app.session_state["training_held"] is held
    assert_trained_on(app, SETTINGS, ("a", "b", "c"), "kind", 31)


def test_without_a_feature_it_says_so_and_what_was_there_stays(page):
    app = bring(page(at_step="30"), "mine.csv", CONTENT)
    app.multiselect(key="own_table_features").set_value([]).run()
    [error] = app.error
    assert error.value == plain(
        "Choose at least one column of numbers as a feature. What you see below is from before."
    )
    assert_trained_on(app, SETTINGS, ("a", "b", "c"), "kind", 30)


def test_a_table_that_cannot_be_used_says_why_and_is_no_traceback(page):
    app = bring(page(), "bad.csv", BAD)
    [error] = app.error
    assert "bad.csv: row 3 has 1 cell" in error.value
    assert "Until you bring a table" in everything(app)
    app = bring(page(at_step="30"), "mine.csv", CONTENT)
    app = bring(app, "bad.csv", BAD)
    assert "What you see below is from before." in app.error[0].value
    assert_trained_on(app, SETTINGS, ("a", "b", "c"), "kind", 30)
    app = bring(app, "mine.csv", CONTENT)
    assert not app.error


def test_another_table_counts_though_its_columns_are_those_of_the_first(page):
    app = bring(page(), "mine.csv", CONTENT)
    assert "Columns of mine.csv, 40 rows." in everything(app)
    app = bring(app, "other.csv", b"\n".join(CONTENT.splitlines()[:31]))
    assert "Columns of other.csv, 30 rows." in everything(app)
    assert len(app.session_state["training_held"].data.x) == 24  # one row in five is kept for the test


@pytest.mark.parametrize("away", ["another page", "another data set"])
def test_the_table_and_its_columns_are_still_there_after_a_look_elsewhere(page, away):
    app = bring(page(at_step="30"), "mine.csv", CONTENT)
    app.multiselect(key="own_table_features").set_value(["a", "c"]).run()
    if away == "another page":
        app.switch_page("pages/loss.py").run()
        app.switch_page("pages/training.py").run()
        assert not app.exception
    else:
        app.selectbox(key="trained_on").set_value("moons").run()
    app.selectbox(key="trained_on").set_value(UPLOAD).run()
    assert not app.exception
    app.slider(key="at_step").set_value(30).run()
    assert app.multiselect(key="own_table_features").value == ["a", "c"]
    assert_trained_on(app, replace(SETTINGS, experiment=Experiment((2, 10, 20, 2))), ("a", "c"), "kind", 30)


def test_its_rows_are_the_input_of_every_page_and_stand_in_no_address(page):
    app = bring(page(batch="5"), "mine.csv", CONTENT)
    next(button for button in app.button if button.label == "Use its rows on every page").click().run()
    app.number_input(key="seed").set_value(3).run()  # shuffles the rows anew
    data = table_data(read_table("mine.csv", CONTENT), ("a", "b", "c"), "kind", 3)
    network, loss, *_ = Experiment((3, 10, 20, 2), seed=3).problem()
    check = check_gradients(network, loss, data.x[:5], data.target[:5])["x"]
    app.query_params["tensor"] = "x"
    app.switch_page("pages/gradient_check.py").run()
    app.radio(key="tensor").set_value("x").run()
    np.testing.assert_array_equal(arrays(app, 0)[0], check.analytical)
    for each in PAGES:
        app.switch_page(f"pages/{each}.py").run()
        assert not app.exception
        assert "These settings cannot be used" not in everything(app), each
        assert "rows of" not in str(dict(app.query_params))
        assert "rows of" not in everything(app)


def test_without_a_table_there_is_no_input_of_ones_own(open_page):
    app = open_page("gradient_check")
    before = [c.proto.spec for c in app.get("plotly_chart")]
    app.selectbox(key="data").set_value(UPLOAD).run()
    assert "There is no file of your own yet: bring a table on the page Training." in app.error[0].value
    assert [c.proto.spec for c in app.get("plotly_chart")] == before


@pytest.mark.parametrize("text", [UPLOAD, "rows of classes: 1.0>1.0,0.0"])
def test_an_address_cannot_bring_rows(open_page, text):
    app = open_page(data=text)
    assert "A file of your own is in no address" in app.warning[0].value
    assert app.session_state["data"] == "random"


def test_gradients_brought_for_ones_own_rows_keep_them(page):
    app = bring(page(sizes="3-4-2"), "mine.csv", CONTENT)
    next(button for button in app.button if button.label == "Use its rows on every page").click().run()
    app.switch_page("pages/your_gradients.py").run()
    content = exchange.sample_npz(Experiment.from_settings(app.session_state["accepted"]))
    app.file_uploader(key="upload").set_value([("sample.npz", content, "")]).run()
    app.selectbox(key="data").set_value("random").run()
    next(button for button in app.button if button.label == "Set the sidebar back to them").click().run()
    assert not app.exception
    assert app.session_state["data"] == UPLOAD
    assert not [button for button in app.button if button.label == "Set the sidebar back to them"]


def test_a_table_taken_away_is_forgotten(page):
    app = bring(page(), "mine.csv", CONTENT)
    app.file_uploader(key="own_table_file").set_value(None).run()
    assert "Until you bring a table you see **spirals**" in everything(app)


def test_too_many_rows_to_draw_are_said_to_be(page):
    many = "\n".join(["a,b,kind", *(f"{k},{k % 7},{'xy'[k % 2]}" for k in range(1_000))]).encode()
    app = bring(page(), "many.csv", many)
    assert "Of 800 training and 200 test rows at most 500 each are drawn" in everything(app)
