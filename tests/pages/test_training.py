"""The training page shows the numbers of `mlp.lab`, at any step and however it was reached; the controls lead there."""

import io
import time
from dataclasses import replace
from threading import Thread

import numpy as np
import pytest

from mlp.check.check import check_gradients
from mlp.lab import planted_bug
from mlp.lab.checks_on_the_way import moments
from mlp.lab.datasets import dataset
from mlp.lab.experiment import RANDOM, Experiment
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training import Training
from mlp.lab.training_run import Run, fitting_bugs, without_bug
from mlp.report import derivation, programs
from mlp.report.figures import training as curves
from mlp.report.figures.training import ON_THE_WAY
from mlp.report.files.exchange import history_csv
from mlp.report.tables import training as tables
from pages.ui import training, training_bugs, training_checks, training_settings
from pages.ui.address import plain
from tests.pages.plots import everything, shown_tables, table_cells, traces

DEFAULT = Training(Experiment((2, 10, 20, 2)), "spirals", "Adam", 0.01, 1_000, 16, "derivative missing")


pytestmark = pytest.mark.usefixtures("patient")


def at(settings, step):
    """The runs of these settings at a step, and what the step that led there did."""
    runs = [Run(replace(settings, bug="")), Run(settings)] if settings.bug else [Run(settings)]
    inspections = {}
    for name, run in tables.named(runs).items():
        if step:
            run.advance(step - 1)
            inspections[name] = run.inspect()
    return runs, inspections


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def chart(app, key):
    [place] = [k for k, drawn in enumerate(app.get("plotly_chart")) if drawn.proto.id.endswith(f"-{key}")]
    return traces(app, place)


def disabled(app):
    return {button.label for button in app.button if button.disabled}


def assert_shows(app, settings, step):
    """The page's sentence, table and loss curves are those of these settings at this step."""
    runs, _ = at(settings, step)
    assert [info.value for info in app.info] == [tables.compared(*runs)]
    assert table_cells(tables.standing(runs)) in shown_tables(app)
    for drawn, line in zip(chart(app, "losses"), curves.losses(runs).data, strict=True):
        np.testing.assert_array_equal(drawn["x"], line.x)
        np.testing.assert_array_equal(drawn["y"], line.y)


def test_it_opens_untrained_and_one_press_trains(open_page):
    app = open_page("training")
    assert_shows(app, DEFAULT, 0)
    assert "Press Train" in app.info[0].value
    assert tables.bug_told(Run(DEFAULT)) in everything(app)
    assert disabled(app) == {"Start over"}
    press(app, "Train")
    assert_shows(app, DEFAULT, 1_000)
    assert disabled(app) == {"Train", "In slow motion", "One step", "100 steps"}
    assert app.query_params["at_step"] == "1000"


def test_steps_one_by_one_back_to_the_start_and_to_any_step(open_page):
    app = open_page("training")
    for step in (1, 2):
        press(app, "One step")
        assert_shows(app, DEFAULT, step)
    press(app, "100 steps")
    assert_shows(app, DEFAULT, 102)
    assert not disabled(app)
    app.slider(key="at_step").set_value(137).run()
    assert_shows(app, DEFAULT, 137)
    app.slider(key="at_step").set_value(56).run()
    assert_shows(app, DEFAULT, 56)
    press(app, "Start over")
    assert_shows(app, DEFAULT, 0)
    assert "at_step" not in app.query_params


@pytest.mark.parametrize(("steps", "leap"), [("10", None), ("11", 2)])
def test_many_steps_are_a_tenth_of_the_run_and_more_than_one(open_page, steps, leap):
    app = open_page("training", steps=steps)
    counted = [button.label for button in app.button if button.label.endswith(" steps")]
    assert counted == ([f"{leap} steps"] if leap else [])
    if leap:
        press(app, f"{leap} steps")
        assert app.slider(key="at_step").value == leap


def test_a_link_shows_what_was_seen_to_the_last_bit(open_page):
    app = open_page("training", seed="3", trained_on="moons", optimiser="momentum", steps="90", mini_batch="7")
    press(app, "Train")
    link = dict(app.query_params)
    assert link == {
        **{"seed": "3", "trained_on": "moons", "optimiser": "momentum", "steps": "90", "mini_batch": "7"},
        "at_step": "90",
    }
    assert [c.proto.spec for c in open_page("training", **link).get("plotly_chart")] == [
        c.proto.spec for c in app.get("plotly_chart")
    ]
    assert_shows(
        app, Training(Experiment((2, 10, 20, 2), seed=3), "moons", "momentum", 0.01, 90, 7, "derivative missing"), 90
    )


@pytest.mark.parametrize(("label", "steps"), [("Train", 10), ("In slow motion", 90)])
def test_however_small_the_portions_the_end_is_the_same(open_page, monkeypatch, label, steps):
    """Each run of the page, which a browser asks for, takes a portion: one step, or in slow motion a thirtieth."""
    monkeypatch.setattr(training, "FRAME", 1e-9)
    monkeypatch.setattr(training, "LONGEST_FRAME", 1e-9)
    monkeypatch.setattr(training, "STALE", 0.0)  # the slider goes back at once, faster than anybody is
    app = open_page("training", steps=str(steps))
    press(app, label)
    settings = replace(DEFAULT, steps=steps)
    for k in range(1, 5):
        assert_shows(app, settings, k * (steps // 30 if "slow" in label else 1))
        assert "Stop training" in [button.label for button in app.button]
        app.run()
    press(app, "Stop training")
    shown = app.slider(key="at_step").value
    assert 0 < shown < settings.steps
    assert_shows(app, settings, shown)
    end = min(settings.steps, shown + 10)
    app.slider(key="at_step").set_value(end).run()
    while "Stop training" in [button.label for button in app.button]:
        app.run()
    assert_shows(app, settings, end)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", ["XOR", "circles", "moons", "noisy curve", "Iris"])
def test_every_data_set_trains_and_the_network_that_fits_is_said(open_page, name):
    experiment = Experiment(loss="CrossEntropyLoss")
    settings = replace(DEFAULT, experiment=experiment.fitted(dataset(name, 0)), data=name)
    app = open_page("training", trained_on=name, loss="CrossEntropyLoss", at_step="30")
    assert_shows(app, settings, 30)
    told = next(caption.value for caption in app.caption if name in caption.value)
    assert "sizes" in told
    assert ("loss MSELoss instead of CrossEntropyLoss" in told) == (name == "noisy curve")
    press(app, "Set the sidebar so")
    assert app.session_state["sizes"] == settings.experiment.settings()["sizes"]
    assert app.session_state["loss"] == settings.experiment.loss
    assert not [caption for caption in app.caption if "instead of" in caption.value]
    assert_shows(app, settings, 30)
    press(app, "Use its rows on every page")
    assert app.session_state["data"] == name
    assert not app.error
    assert not [button for button in app.button if button.label == "Use its rows on every page"]
    assert_shows(app, settings, 30)


def test_the_input_of_other_pages_is_not_what_is_trained_on(open_page):
    app = open_page("training", trained_on="Iris", data="moons", sizes="2-10-20-2", at_step="5")
    assert_shows(app, replace(DEFAULT, experiment=Experiment((4, 10, 20, 3)), data="Iris"), 5)
    [told] = [caption.value for caption in app.caption if "instead of" in caption.value]
    assert "what you see has **sizes 4-10-20-3 instead of 2-10-20-2**" in told


def test_random_numbers_are_those_of_the_sidebar(open_page):
    app = open_page("training", trained_on=RANDOM, batch="4", eps="1e-5", at_step="5")
    assert_shows(app, replace(DEFAULT, experiment=Experiment(batch=4), data=RANDOM), 5)
    assert not [caption for caption in app.caption if "instead of" in caption.value]


def test_what_a_run_does_not_depend_on_does_not_start_it_over(open_page):
    app = open_page("training", at_step="5")
    before = app.session_state["training_held"]
    app.select_slider(key="eps").set_value(1e-6).run()
    app.number_input(key="batch").set_value(7).run()
    app.selectbox(key="method").set_value("forward").run()
    assert app.session_state["training_held"] is before
    assert_shows(app, DEFAULT, 5)


def test_a_shorter_run_is_shown_at_its_end(open_page):
    app = open_page("training", at_step="30")
    app.number_input(key="steps").set_value(20).run()
    assert app.slider(key="at_step").value == 20
    assert_shows(app, replace(DEFAULT, steps=20), 20)


def test_the_bugs_to_choose_from_are_those_that_fit(open_page):
    app = open_page("training")
    assert app.selectbox(key="planted").options == ["none", *fitting_bugs(DEFAULT, DEFAULT.dataset())]
    app.selectbox(key="planted").set_value("none").run()
    assert not app.info
    [table] = [table for table in shown_tables(app) if table[0][0] == "gradient"]
    assert [row[0] for row in table] == ["gradient", "right gradient"]


def test_the_last_step_looked_at_closely(open_page):
    app = open_page("training", at_step="12", moved="fc2.b")
    _, inspections = at(DEFAULT, 12)
    assert table_cells(tables.inspected(inspections)) in shown_tables(app)
    for what in ("gradients", "updates"):
        maps = [trace for trace in chart(app, what) if trace["type"] == "heatmap"]
        for drawn, inspection in zip(maps, inspections.values(), strict=True):
            np.testing.assert_array_equal(drawn["z"].ravel(), getattr(inspection, what)["fc2.b"])
    assert "**The gradients of fc2.b**" in everything(app)
    assert "**The updates of fc2.b**" in everything(app)
    press(app, "Start over")
    assert "No step has been taken yet." in everything(app)


@pytest.mark.parametrize(("layer", "has_weights"), [("fc2", True), ("activation_fn1", False)])
def test_layers_as_they_are(open_page, layer, has_weights):
    app = open_page("training", at_step="12", closer="layers", looked_at=layer)
    runs, _ = at(DEFAULT, 12)
    for drawn, trace in zip(chart(app, "outputs"), curves.outputs(runs, layer).data, strict=True):
        np.testing.assert_array_equal(drawn["y"], trace.y)
    assert len(app.get("plotly_chart")) == 3 + has_weights
    if has_weights:
        maps = [drawn["z"] for drawn in chart(app, "weights") if "z" in drawn]
        for drawn, run in zip(maps, runs, strict=True):
            np.testing.assert_array_equal(drawn, run.network.fc2.W)


def test_the_norms_of_the_gradients(open_page):
    app = open_page("training", at_step="30", closer="gradient norms")
    for drawn, trace in zip(chart(app, "norms"), curves.gradient_norms(at(DEFAULT, 30)[0]).data, strict=True):
        np.testing.assert_array_equal(drawn["y"], trace.y)


def test_the_check_at_the_present_weights_and_on_the_way(open_page):
    app = open_page("training", at_step="6", closer="gradient check", on_the_way="true", eps="1e-5", method="forward")
    runs, _ = at(DEFAULT, 6)
    right, wrong = (check_gradients(*run.problem(), 1e-5, "forward") for run in runs)
    assert plain(right.summary) in everything(app)
    assert [error.value for error in app.error] == [plain(wrong.summary)]
    np.testing.assert_array_equal(chart(app, "training_maps")[0]["z"], wrong["fc2.W"].analytical)
    taken = [list(moments(each, DEFAULT.dataset(), 6, 1e-5, "forward")) for each in (replace(DEFAULT, bug=""), DEFAULT)]
    drawn = [trace for k in (0, 1) for trace in chart(app, f"on_the_way_{k}")]
    for k, column in enumerate(ON_THE_WAY):
        for trace, expected in zip(drawn[2 * k : 2 * k + 2], taken, strict=True):
            values = np.array([getattr(moment, column) for moment in expected])
            np.testing.assert_array_equal(trace["y"], values)
    press(app, "One step")
    further = check_gradients(*at(DEFAULT, 7)[0][1].problem(), 1e-5, "forward")
    np.testing.assert_array_equal(chart(app, "training_maps")[0]["z"], further["fc2.W"].analytical)


def test_every_bug_that_fits_is_trained_to_the_step_that_is_shown(open_page):
    app = open_page("training", at_step="40", closer="every bug", optimiser="SGD", rate="1")
    settings = replace(DEFAULT, optimiser="SGD", rate=1.0)
    others = {}
    for name in fitting_bugs(settings, settings.dataset()):
        run = Run(replace(settings, bug=name))
        run.advance(40)
        others[name] = (run.measured(), run.ended)
    assert {bool(ended) for _, ended in others.values()} == {True, False}
    right = at(settings, 40)[0][0].measured()
    assert tables.league_told(right, others, at(settings, 40)[0][0].is_over) in everything(app)
    assert table_cells(tables.league(right, others)) in shown_tables(app)
    app.slider(key="at_step").set_value(1).run()
    [(heads, *league)] = [table for table in shown_tables(app) if "trains" in table[0]]
    assert max(int(row[heads.index("step")]) for row in league) == 1
    press(app, "Start over")
    assert "trained up to the step that is shown" in everything(app)
    assert len(shown_tables(app)) == 1


def test_too_many_steps_for_every_bug_are_said_to_be(open_page):
    app = open_page("training", sizes="2-200-200-2", mini_batch="300", at_step="20", closer="every bug")
    assert "takes too long" in app.info[-1].value


def test_a_network_too_large_to_check_is_said_to_be(open_page):
    app = open_page("training", sizes="2-300-300-2", closer="gradient check")
    assert "too large to be checked at a glance" in app.info[-1].value


def test_a_run_that_diverges_says_so_and_any_step_before_can_be_shown(open_page):
    app = open_page("training", optimiser="SGD", rate="5", at_step="1000")
    settings = replace(DEFAULT, optimiser="SGD", rate=5.0)
    ended = [Run(replace(settings, bug="")), Run(settings)]
    for run in ended:
        run.advance(1_000)
        assert run.ended
    assert [warning.value for warning in app.warning] == [plain(ended[0].ended)]
    assert [info.value for info in app.info] == [tables.compared(*ended)]
    app.slider(key="at_step").set_value(3).run()
    assert not app.warning
    assert_shows(app, settings, 3)


def test_a_bug_that_breaks_the_run_off_is_said_to(open_page):
    app = open_page("training", planted="bias not summed", at_step="10")
    assert "Step 1 could not be taken" in app.info[0].value
    assert not app.warning
    # The right run can go on.
    assert not any(button.disabled for button in app.button if button.label in ("Train", "One step"))


def test_networks_and_histories_are_taken_along_as_they_are_now(open_page, files):
    app = open_page("training", at_step="12")
    for step in (12, 13):
        for run, end in zip(at(DEFAULT, step)[0], ("", "-with-bug"), strict=True):
            network = np.load(io.BytesIO(files[f"run{end}.npz"]), allow_pickle=False)
            for name, values in run.network.parameters().items():
                np.testing.assert_array_equal(network[name], values)
            assert files[f"history{end}.csv"] == history_csv(run)
        press(app, "One step")


def test_the_run_as_code_is_that_of_the_right_gradient(open_page):
    app = open_page("training", python="true", code="numpy")
    assert app.code[-1].value == programs.training(Run(replace(DEFAULT, bug="")))["numpy"].rstrip("\n")


def test_settings_that_cannot_be_are_named_and_what_was_there_stays(open_page):
    app = open_page("training", sizes="2-60-60-2", steps="20", mini_batch="1000", at_step="0")
    before = [c.proto.spec for c in app.get("plotly_chart")]
    app.number_input(key="steps").set_value(100_000).run()
    [error] = app.error
    assert "operations; the limit is" in error.value
    assert [c.proto.spec for c in app.get("plotly_chart")] == before


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("at_step", "1001", "from 0 to 1,000"),
        ("at_step", "-1", "from 0 to 1,000"),
        ("at_step", "ten", "whole number"),
        ("steps", "0", "from 1 to 100,000"),
        ("mini_batch", "1.5", "whole number"),
        ("rate", "3", "power of ten"),
        ("rate", "nan", "power of ten"),
        ("optimiser", "sgd", "Here it can be SGD"),
        ("planted", "a fly", "Here it can be none"),
        ("trained_on", "clouds", "Here it can be random"),
        ("closer", "nowhere", "Here it can be the last step"),
    ],
)
def test_what_the_address_cannot_ask_for_is_named(open_page, key, text, words):
    app = open_page("training", **{key: text})
    [warning] = app.warning
    assert words in warning.value
    assert key not in app.query_params
    assert_shows(app, DEFAULT, 0)


class Place:
    """A place on the page; with `is_left`, there is a new input at the bar's second call, which breaks it off."""

    def __init__(self, is_left=False):
        self.calls, self._is_left = [], is_left

    def progress(self, done, _text):
        self.calls.append(done)
        if self._is_left and len(self.calls) == 2:
            raise InterruptedError

    def empty(self):
        self.calls.append(None)


def test_a_new_input_breaks_a_portion_off_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(training.st, "session_state", {})
    monkeypatch.setattr(training, "LOOK_EVERY", -1.0)  # look after every single step
    data, left, stayed = DEFAULT.dataset(), Place(is_left=True), Place()
    with training.brought(DEFAULT, data, 0, Place()) as held:
        held.drawn_since = time.monotonic()  # a portion has been drawn
    with pytest.raises(InterruptedError), training.brought(DEFAULT, data, 100, left):
        pass
    assert held.step == 2
    assert left.calls == [0.01, 0.02]
    with training.brought(DEFAULT, data, 100, stayed) as same:
        assert same is held
    # The step that leads to the end is inspected, in one go with the one before.
    assert stayed.calls == [*(step / 100 for step in range(3, 99)), 1.0, None]
    runs, inspections = at(DEFAULT, 100)
    assert {name: one.loss_after for name, one in held.inspections.items()} == {
        name: one.loss_after for name, one in inspections.items()
    }
    for run, expected in zip(held.runs, runs, strict=True):
        assert run.history == expected.history


def test_a_new_input_waits_until_the_run_before_has_left(monkeypatch):
    """Streamlit starts the page over in a second thread while the first still takes a step."""
    monkeypatch.setattr(training.st, "session_state", {})
    data, seen = DEFAULT.dataset(), []

    def second():
        with training.brought(DEFAULT, data, 0, Place()) as held:
            seen.append(held.step)

    def download():
        seen.append(held.made(lambda run: b"x" * run.step, held.runs[0]))

    others = [Thread(target=second), Thread(target=download)]
    with training.brought(DEFAULT, data, 10, Place()) as held:
        for thread in others:
            thread.start()
        for thread in others:
            thread.join(0.2)
        assert not seen
        assert held.step == 10
    for thread in others:
        thread.join(10)
    assert sorted(seen, key=str) in ([0, b""], [0, b"x" * 10])
    assert held.step == 0
    assert not held.inspections


def test_a_browser_that_has_not_heard_of_a_jump_does_not_undo_it(open_page, monkeypatch):
    monkeypatch.setattr(training, "STALE", 1000.0)  # however long a busy machine takes
    app = open_page("training", at_step="12")
    press(app, "Start over")
    assert_shows(app, DEFAULT, 0)
    app.slider(key="at_step").set_value(12).run()  # what it told before
    assert app.slider(key="at_step").value == 0
    assert_shows(app, DEFAULT, 0)
    monkeypatch.setattr(training, "STALE", 0.0)
    app.slider(key="at_step").set_value(12).run()  # later it is somebody's wish
    assert_shows(app, DEFAULT, 12)


def test_a_step_that_is_chosen_after_a_jump_counts_at_once(open_page):
    app = open_page("training", at_step="12")
    press(app, "Start over")
    app.slider(key="at_step").set_value(7).run()
    assert_shows(app, DEFAULT, 7)
    app.slider(key="at_step").set_value(12).run()
    assert_shows(app, DEFAULT, 12)


def test_stop_waits_for_the_steps_that_are_being_taken(monkeypatch):
    monkeypatch.setattr(training.st, "session_state", {})
    stopped = Thread(target=training._stop)
    with training.brought(DEFAULT, DEFAULT.dataset(), 3, Place()) as held:
        stopped.start()
        stopped.join(0.2)
        held.advance(4, 100)
    stopped.join(10)
    assert training.st.session_state[training._TO].to == 8


def test_chunks_grow_until_they_take_as_long_as_a_look(monkeypatch):
    clock, taken = [0.0], []
    monkeypatch.setattr(training.time, "monotonic", lambda: clock[0])

    def take(steps):
        taken.append(steps)
        clock[0] += 0.03 * steps

    for _ in training.in_chunks(take, lambda: len(taken) == 5):
        pass
    assert taken == [1, 2, 4, 4, 4]


def test_a_portion_takes_three_times_as_long_as_its_drawing_within_bounds(monkeypatch):
    """So drawing takes a quarter of the time; the clock here goes on by 0.01 s at each look."""
    monkeypatch.setattr(training, "FRAME", 0.2)
    monkeypatch.setattr(training.st, "session_state", {})
    clock = iter(np.arange(0.0, 100.0, 0.01))
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(clock)))
    held = training.Held(DEFAULT, DEFAULT.dataset())
    for drawing, expected in ((0.0, 0.2), (0.05, 0.2), (0.5, 1.5), (5.0, 3.0)):
        start = float(next(clock))
        held.drawn_since = start + 0.01 - drawing if drawing else 0.0
        held.runs[0].step = held.runs[1].step = 0  # far from the end again
        monkeypatch.setattr(held, "advance", lambda *_: None)
        training._go_on(held, 1_000, Place())
        assert held.drawn_since - start == pytest.approx(expected, abs=0.06)


def test_a_check_of_the_run_is_one_of_its_mini_batch_and_of_no_more_rows_than_there_are():
    for mini_batch in (7, 1_000):
        settings = replace(DEFAULT, mini_batch=mini_batch)
        held = training.Held(settings, settings.dataset())
        rows = min(mini_batch, len(held.data.x))
        assert rows < 1_000
        experiment = settings.experiment
        assert training_checks._work(held, experiment) == experiment.changed(batch=rows).work
    large = Experiment((2, 600, 600, 60))
    assert training_checks._work(held, large) == training_checks.MAX_WORK + 1, "one that cannot be checked at all"


def test_what_is_too_much_to_be_done_while_somebody_looks_on():
    """ns of one core for the checks, multiplications for the runs: some seconds each."""
    assert training_checks.MAX_WORK == planted_bug.MAX_WORK
    assert training_checks.MAX_WORK_ON_THE_WAY == training_checks.MAX_WORK / 4
    assert training_bugs.MAX_WORK == 5e9
    assert (training.LONGEST_FRAME, training.PULSE, training.LOOK_EVERY) == (3.0, 0.1, 0.1)
    assert (training.SLOW_FRAMES, training.MANY, training.STALE) == (30, 10, 1.0)


def test_it_opens_with_what_the_page_and_readme_call_the_first():
    assert replace(DEFAULT, bug="") == training_settings.FIRST
    assert DEFAULT.bug == training_settings.FIRST_BUG


@pytest.mark.parametrize(
    ("optimiser", "rate", "name"), [("SGD", 0.5, "right gradient"), ("Adam", 0.01, "derivative missing")]
)
def test_what_the_last_step_did_to_the_entry_that_was_clicked(open_page, optimiser, rate, name):
    settings = replace(DEFAULT, optimiser=optimiser, rate=rate)
    address = {"optimiser": optimiser, "rate": str(rate), "at_step": "3", "moved": "fc1.W", "in_run": f"{name}[2,1]"}
    app = open_page("training", eps="1e-5", method="forward", **address)
    taken = at(settings, 3)[1][name]
    gradient, update, before = (
        float(values["fc1.W"][2, 1]) for values in (taken.gradients, taken.updates, taken.parameters)
    )
    rule = f", -{rate:g} times that" if optimiser == "SGD" else ""
    assert (
        f"**{name}**, step 3: backward gave {gradient:.6g}, and {optimiser} made of it an update of {update:.6g}{rule}"
        f": fc1.W[2,1] went from {before:.6g} to {before + update:.6g}."
    ) in everything(app)
    assert ("The right gradient of this mini-batch" in everything(app)) == (name != "right gradient")
    # What it is made of is of the parameters that the step started from, by the sidebar's step and method.
    run = dict(tables.named(at(settings, 3)[0]))[name]
    problem = without_bug(run, taken.parameters, taken.x, taken.target)
    assert derivation.difference(problem, "fc1.W", (2, 1), 1e-5, "forward") in everything(app)


def test_a_run_that_ended_stays_for_every_step_from_the_one_that_was_asked_for():
    """It ended on its way there, so an earlier step may be one that it has passed."""
    held = training.Held(DEFAULT, DEFAULT.dataset())
    held.asked = 5
    for run in held.runs:
        run.ended = "It diverged."
    assert [held.can_go_to(step) for step in (4, 5, 6)] == [False, True, True]
    assert held.is_at(3), "it can go no further"


def test_what_runs_depend_on():
    data = DEFAULT.dataset()
    held = training.Held(DEFAULT, data)
    assert held.is_of(DEFAULT, replace(data))
    assert not held.is_of(replace(DEFAULT, rate=0.02), data)
    held.training = replace(DEFAULT, data=UPLOAD)
    assert held.is_of(held.training, data)
    assert not held.is_of(held.training, replace(data)), "the settings do not tell these data"


def test_how_far_two_runs_are_is_how_far_the_one_that_goes_on_is():
    held = training.Held(DEFAULT, DEFAULT.dataset())
    held.runs[0].step, held.runs[1].step = 7, 3
    assert held.step == 7
