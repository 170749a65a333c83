"""Training runs in figures, tables and sentences: every number is the run's own, and a bug's cost is called by name."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mlp.lab.checks_on_the_way import Moment
from mlp.lab.dataset import Dataset, Scale
from mlp.lab.datasets import dataset
from mlp.lab.experiment import RANDOM, Experiment
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training import Training
from mlp.lab.training_run import Run
from mlp.report.figures import predictions
from mlp.report.figures import training as curves
from mlp.report.numbers import brief
from mlp.report.tables import training as tables

SETTINGS = Training(Experiment((2, 6, 4, 2)), "spirals", "Adam", 0.01, 300, 16, "derivative missing")


def runs_of(settings, steps, data=None):
    runs = [Run(each, data) for each in (replace(settings, bug=""), settings)]
    for run in runs:
        run.advance(steps)
    return runs


RUNS = runs_of(SETTINGS, 101)


def by_name(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_the_losses_are_the_histories_and_end_at_the_present_step():
    drawn = by_name(curves.losses(RUNS))
    assert list(drawn) == ["right gradient", "right gradient, test", "derivative missing", "derivative missing, test"]
    for name, run in tables.named(RUNS).items():
        for label, column in ((name, "loss"), (f"{name}, test", "test loss")):
            np.testing.assert_array_equal(drawn[label].x, [*run.history["step"], 101])
            np.testing.assert_array_equal(drawn[label].y, [*run.history[column], run.measured()[column]])
    assert [trace.line.dash for trace in drawn.values()] == ["solid", "dot"] * 2
    assert [trace.showlegend for trace in drawn.values()] == [True, False] * 2
    assert [trace.line.color for trace in drawn.values()] == [curves.RIGHT] * 2 + [curves.WRONG] * 2


def test_a_loss_that_is_no_positive_number_is_a_gap():
    run = Run(replace(SETTINGS, bug=""))
    run.history |= {"step": [0.0, 1.0, 2.0, 3.0], "loss": [1.0, 0.0, np.inf, 2.0], "test loss": [1.0] * 4}
    run.step = 3
    [line, _] = curves.losses([run]).data
    np.testing.assert_array_equal(line.y, [1, np.nan, np.nan, 2])


def test_the_norms_are_the_histories_layer_by_layer():
    figure = curves.gradient_norms(RUNS)
    assert [trace.name for trace in figure.data] == ["fc1", "fc2", "fc3"] * 2
    assert [trace.showlegend for trace in figure.data] == [True] * 3 + [False] * 3
    for trace, (run, layer) in zip(figure.data, [(run, f"fc{k}") for run in RUNS for k in (1, 2, 3)], strict=True):
        expected = [*run.history[f"gradient {layer}"], run.measured()[f"gradient {layer}"]]
        np.testing.assert_array_equal(trace.y, expected)


def test_outputs_of_a_layer():
    for trace, run in zip(curves.outputs(RUNS, "activation_fn1").data, RUNS, strict=True):
        outputs = np.tanh(run.data.x @ run.network.fc1.W.T + run.network.fc1.b)
        counts = [np.sum((outputs >= low) & (outputs < high)) for low, high in pairwise(trace.x)]
        counts[-1] += np.sum(outputs == trace.x[-1])
        assert sum(counts) == outputs.size
        np.testing.assert_array_equal(trace.y, [*counts, counts[-1]])


def test_the_outputs_of_either_run_are_all_counted_however_far_apart_they_lie():
    right, wrong = (run.network.apply(run.data.x) for run in RUNS)
    assert wrong.min() < right.min()
    assert right.max() < wrong.max()
    for trace in curves.outputs(RUNS, "fc3").data:
        assert sum(trace.y[:-1]) == right.size
        assert (trace.x[0], trace.x[-1]) == (wrong.min(), wrong.max())


def test_the_checks_on_the_way_are_drawn_one_panel_each():
    moments = {
        name: [Moment(step, *(base + k / 10 for k in range(6))) for step in (0, 5)]
        for name, base in (("right gradient", 0.1), ("a bug", 0.2))
    }
    figures = curves.checked_on_the_way(moments)
    traces = [trace for figure in figures for trace in figure.data]
    titles = [note.text for figure in figures for note in figure.layout.annotations]
    assert titles == [title for title, _ in curves.ON_THE_WAY.values()]
    for k, column in enumerate(curves.ON_THE_WAY):
        for trace, taken in zip(traces[2 * k : 2 * k + 2], moments.values(), strict=True):
            np.testing.assert_array_equal(trace.x, [0, 5])
            np.testing.assert_array_equal(trace.y, [getattr(moment, column) for moment in taken])


BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#8c8c8c"
SHARES = {"tickformat": ".0%", "rangemode": "tozero"}
POWERS = {"type": "log", "exponentformat": "power"}
BESIDE = {"matches": "y", "showticklabels": False}  # on one scale with the panel to its left


def moments_of(*names):
    return {name: [Moment(step, *(0.1 + k / 10 for k in range(6))) for step in (0, 5)] for name in names}


# Of each figure: its height, what its vertical axes are, from left to right, and what the pointer is told of a curve.
LOOKS = {
    "losses": (lambda: curves.losses(RUNS), 340, [POWERS], "right gradient<br>step %{x}: %{y:.4g}"),
    # All runs on one scale, so that a gradient that is a tenth looks like it.
    "norms": (lambda: curves.gradient_norms(RUNS), 300, [POWERS, POWERS | BESIDE], "fc1<br>step %{x}: %{y:.4g}"),
    # Parts of a whole in per cent, and the error bar, which goes over many decades.
    "on the way": (
        lambda: curves.checked_on_the_way(moments_of("a", "b"))[0],
        260,
        [SHARES, SHARES, POWERS],
        "a<br>step %{x}: %{y:.4g}",
    ),
    "further on the way": (
        lambda: curves.checked_on_the_way(moments_of("a", "b"))[1],
        260,
        [SHARES] * 3,
        "a<br>step %{x}: %{y:.4g}",
    ),
    "outputs": (
        lambda: curves.outputs(RUNS, "fc1"),
        260,
        [{"title": {"text": "how often"}, "rangemode": "tozero"}],
        "right gradient<br>%{y} outputs from %{x:.3g}",
    ),
}


@pytest.mark.parametrize("kind", LOOKS)
def test_how_a_run_is_drawn(kind):
    draw, height, axes, told = LOOKS[kind]
    figure = draw()
    margin, legend = figure.layout.margin, figure.layout.legend
    above = 10 if kind == "outputs" else 30  # the titles of panels
    assert (figure.layout.height, margin.l, margin.r, margin.t, margin.b) == (height, 10, 10, above, 78)
    assert (legend.orientation, legend.yref, legend.yanchor, legend.y, legend.x) == ("h", "container", "bottom", 0, 0)
    shown = [axis.to_plotly_json() for axis in figure.select_yaxes()]
    assert [{key: axis[key] for key in axis.keys() - {"domain", "anchor"}} for axis in shown] == axes
    for axis in figure.select_xaxes():
        if kind == "outputs":
            assert axis.title.text == "output of fc1"
        else:
            assert (axis.title.text, axis.rangemode) == ("step", "nonnegative")
    assert {trace.line.width for trace in figure.data} == {2}
    assert figure.data[0].hovertemplate == f"{told}<extra></extra>"
    if kind != "norms":
        assert list(dict.fromkeys(trace.line.color for trace in figure.data)) == [BLUE, VERMILION]
    names = [trace.legendgroup or trace.name for trace in figure.data if trace.showlegend is not False]
    assert len(names) == len(set(names)), "a name stands in the legend once"


def test_panels_of_runs_say_what_is_drawn():
    def titles(figure):
        return [note.text for note in figure.layout.annotations]

    assert titles(curves.losses(RUNS)) == ["loss (dotted: test)"]
    assert titles(curves.losses(runs_of(replace(SETTINGS, data=RANDOM), 1))) == ["loss"]
    assert titles(curves.gradient_norms(RUNS)) == ["right gradient", "derivative missing"]


def test_the_colours_of_layers_are_the_same_in_every_run_and_start_over_after_the_sixth():
    assert [trace.line.color for trace in curves.gradient_norms(RUNS).data] == [*curves.LAYERS[:3]] * 2
    assert len(set(curves.LAYERS)) == 6


def test_outputs_are_counted_in_forty_bins():
    assert len(curves.outputs(RUNS, "fc1").data[0].x) == 41


def test_one_value_is_a_point_and_a_part_of_zero_is_no_gap():
    [only] = curves._by_step({"": [curves.Line("a", [0], [1.0], BLUE)]}).data
    assert only.mode == "markers"
    zero = {"a": [Moment(0, *[0.0] * 6), Moment(5, *[0.0] * 6)]}
    drawn = [trace.y for trace in curves.checked_on_the_way(zero)[0].data]
    np.testing.assert_array_equal(drawn[0], [0, 0])
    np.testing.assert_array_equal(drawn[2], [np.nan, np.nan])  # on a logarithmic axis


def test_the_map_reaches_a_little_beyond_all_rows_and_its_colours_are_the_classes():
    figure = predictions.figure(RUNS)
    drawn = figure.data[0]
    data = RUNS[0].data
    rows = data.x_scale.undo(np.vstack([data.x[: predictions.MAX_ROWS], data.test_x[: predictions.MAX_ROWS]]))
    low, high = rows.min(axis=0), rows.max(axis=0)
    for along, k in ((drawn.x, 0), (drawn.y, 1)):
        assert len(along) == 60
        margin = 0.08 * (high - low)[k]
        np.testing.assert_allclose([along[0], along[-1]], [low[k] - margin, high[k] + margin], rtol=1e-12)
    assert (drawn.zmin, drawn.zmax) == (0, 2)
    # Each class from nearly transparent to its own colour, and never up to the next one's palest.
    assert drawn.colorscale == (
        (0.0, "rgba(86,180,233,0.1)"),
        (0.5, "rgba(86,180,233,0.6)"),
        (0.5, "rgba(230,159,0,0.1)"),
        (1.0, "rgba(230,159,0,0.6)"),
    )
    assert (drawn.showscale, drawn.hoverinfo) == (False, "skip")
    layout = figure.layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("x1", "x2")
    assert (layout.xaxis2.title.text, layout.yaxis2.title.text) == ("x1", None)
    assert (layout.yaxis2.matches, layout.yaxis2.showticklabels, layout.height) == ("y", False, 340)


def test_of_many_rows_five_hundred_are_drawn_and_it_is_said():
    few = predictions.drawn_note(RUNS[0])
    data = RUNS[0].data
    many = replace(data, x=np.zeros((1234, 2)), target=np.zeros((1234, 2)))
    run = Run(replace(SETTINGS, bug=""))
    run.data = many
    assert few is None
    assert predictions.drawn_note(run) == (
        f"Of 1,234 training and {len(data.test_x)} test rows at most 500 each are drawn, "
        "the first ones in random order."
    )
    run.data = replace(data, test_x=np.zeros((501, 2)), test_target=np.zeros((501, 2)))
    assert "501 test rows" in predictions.drawn_note(run)
    run.data = replace(data, x=np.zeros((500, 2)), target=np.zeros((500, 2)), test_x=np.zeros((500, 2)))
    assert predictions.drawn_note(run) is None


def test_every_place_of_the_map_has_the_color_of_the_largest_output():
    figure = predictions.figure(RUNS)
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [note.text for note in figure.layout.annotations] == ["right gradient", "derivative missing"]
    for drawn, run in zip(maps, RUNS, strict=True):
        x1, x2 = np.meshgrid(drawn.x, drawn.y)
        places = run.data.x_scale.apply(np.stack([x1.ravel(), x2.ravel()], axis=1))
        outputs = run.network.apply(places)
        np.testing.assert_array_equal(np.floor(drawn.z).ravel(), outputs.argmax(axis=1))
        lead = np.abs(outputs[:, 0] - outputs[:, 1])
        # The places went through the source's units and back: a few roundings of numbers below 4, times the slope.
        np.testing.assert_allclose(drawn.z.ravel() % 1, 0.999 * np.minimum(lead, 1), rtol=0, atol=1e-9)
    colors = [color for _, color in maps[0].colorscale]
    assert len(colors) == 4
    assert colors[0].startswith("rgba(86,180,233")
    assert colors[2].startswith("rgba(230,159,0")


def test_training_rows_are_filled_and_test_rows_hollow_in_the_units_of_the_source():
    data, drawn = RUNS[0].data, by_name(predictions.figure(RUNS[:1]))
    assert list(drawn) == ["A", "B", "A, test", "B, test"]
    for k, name in enumerate("AB"):
        for label, rows, targets in ((name, data.x, data.target), (f"{name}, test", data.test_x, data.test_target)):
            expected = data.x_scale.undo(rows[targets[:, k] == 1])
            np.testing.assert_array_equal(np.stack([drawn[label].x, drawn[label].y], axis=1), expected)
            hollow = label.endswith("test")
            assert drawn[label].marker.symbol.endswith("-open") == hollow
            # A hollow mark is nothing but its outline; a filled one has a thin dark one, where others lie below it.
            line = (2, predictions.CLASSES[k][0]) if hollow else (1, "#333333")
            assert (drawn[label].marker.line.width, drawn[label].marker.line.color) == line


def test_twenty_classes_have_looks_of_their_own():
    looks = [predictions._look(k) for k in range(20)]
    assert len(set(looks)) == 20
    assert looks[:6] == list(predictions.CLASSES)
    # Then each colour has the symbol of the next one.
    assert looks[6:8] == [("#56B4E9", "diamond"), ("#E69F00", "square")]


def test_a_curve_is_fitted_in_the_units_of_the_source():
    data = dataset("noisy curve", 0)
    runs = runs_of(replace(SETTINGS, experiment=Experiment((1, 6, 1)), data="noisy curve"), 50)
    drawn = by_name(predictions.figure(runs))
    assert list(drawn) == ["samples", "samples, test", "right gradient", "derivative missing"]
    np.testing.assert_array_equal(drawn["samples"].y, data.target_scale.undo(data.target)[:, 0])
    for name, run in tables.named(runs).items():
        x = data.x_scale.apply(drawn[name].x[:, None])
        expected = data.target_scale.undo(run.network.apply(x))[:, 0]
        np.testing.assert_allclose(drawn[name].y, expected, rtol=0, atol=1e-9)  # as above
        # The curve reaches a twentieth beyond the samples to either side.
        low, high = drawn["samples"].x.min(), drawn["samples"].x.max()
        ends = [low - 0.05 * (high - low), high + 0.05 * (high - low)]
        np.testing.assert_allclose([drawn[name].x[0], drawn[name].x[-1]], ends, rtol=1e-12)
        assert len(drawn[name].x) == 240
    assert [drawn[name].line.color for name in tables.named(runs)] == [BLUE, VERMILION]
    assert {drawn[name].line.width for name in tables.named(runs)} == {3}
    assert [drawn[name].marker.symbol for name in ("samples", "samples, test")] == ["circle", "circle-open"]
    assert drawn["samples"].marker.color == GREY
    np.testing.assert_allclose(drawn["samples, test"].y, data.target_scale.undo(data.test_target)[:, 0])


def test_rows_of_more_features_are_counted_by_class():
    runs = runs_of(replace(SETTINGS, experiment=Experiment((4, 6, 3)), data="Iris"), 60)
    for drawn, run in zip(predictions.figure(runs).data, runs, strict=True):
        data = run.data
        said = np.concatenate([run.network.apply(rows).argmax(axis=1) for rows in (data.x, data.test_x)])
        true = np.concatenate([rows.argmax(axis=1) for rows in (data.target, data.test_target)])
        counts = [[np.sum((true == i) & (said == j)) for j in range(3)] for i in range(3)]
        np.testing.assert_array_equal(drawn.z, counts)
        assert drawn.z.sum() == 150


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers_of_more_features_are_drawn_against_their_targets(outputs):
    rng = np.random.RandomState(0)
    x, target = rng.standard_normal((12, 2)), rng.standard_normal((12, outputs))
    scale = Scale(np.full(outputs, 3.0), np.full(outputs, 2.0))
    names, rows = ("y1", "y2")[:outputs], (x[:9], target[:9], x[9:], target[9:])
    data = Dataset("mine", "Mine.", *rows, ("a", "b"), names, False, Scale(0.0, 1.0), scale)
    runs = runs_of(replace(SETTINGS, experiment=Experiment((2, 6, outputs)), data=UPLOAD), 20, data)
    figure = predictions.figure(runs)
    shown = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.showlegend for trace in shown] == [True] * outputs + [False] * outputs
    equal = [trace for trace in figure.data if trace.mode == "lines"]
    for line in equal:
        np.testing.assert_array_equal(line.x, line.y)
        assert (line.x[0], line.x[1]) == (2 * target[:9].min() + 3, 2 * target[:9].max() + 3)
        assert (line.line.dash, line.showlegend) == ("dot", False)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("target", "output")
    assert (figure.layout.yaxis2.matches, figure.layout.yaxis2.showticklabels) == ("y", False)
    for trace, (run, k) in zip(shown, [(run, k) for run in runs for k in range(outputs)], strict=True):
        np.testing.assert_array_equal(trace.x, 2 * target[:9, k] + 3)
        np.testing.assert_array_equal(trace.y, 2 * run.network.apply(data.x)[:, k] + 3)
    assert predictions.alt_text(runs).startswith("Prediction by target, mine, after 20 steps")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("random", "Prediction by target"),
        ("XOR", "Class decided everywhere in the plane"),
        ("noisy curve", "Fitted curve and samples"),
        ("Iris", "Rows by class and decided class"),
    ],
)
def test_every_figure_of_predictions_has_its_words(name, what):
    settings = replace(SETTINGS, data=RANDOM)
    if name != RANDOM:
        settings = replace(SETTINGS, experiment=Experiment().fitted(dataset(name, 0)), data=name)
    runs = runs_of(settings, 1)
    words = predictions.alt_text(runs)
    assert words == f"{what}, {name}, after 1 step: right gradient beside derivative missing"
    assert predictions.figure(runs).data


def test_the_table_of_where_the_runs_stand():
    table = tables.standing(RUNS)
    assert list(table["gradient"]) == ["right gradient", "derivative missing"]
    for row, run in zip(table.to_dict("records"), RUNS, strict=True):
        now = run.measured()
        assert row["step"] == run.step == 101
        assert (row["training loss"], row["test loss"]) == (now["loss"], now["test loss"])
        assert row["training accuracy"] == f"{100 * now['accuracy']:.1f}\u00a0%"
        assert row["test accuracy"] == f"{100 * now['test accuracy']:.1f}\u00a0%"
    assert list(tables.standing([Run(replace(SETTINGS, data=RANDOM, bug=""))])) == ["gradient", "step", "training loss"]


def test_the_table_of_a_step():
    run = Run(SETTINGS)
    step = run.inspect()
    [row] = tables.inspected({"a bug": step}).to_dict("records")
    assert row == {
        "gradient": "a bug",
        "step": 1,
        "loss before": step.loss,
        "|gradient|": step.gradient_norm,
        "|update|": step.update_norm,
        "first-order prediction": step.predicted,
        "loss after": step.loss_after,
    }


def test_the_bug_is_told_in_a_line():
    assert tables.bug_told(RUNS[1]) == (
        "**derivative missing** in activation_fn1, activation_fn2: `dx = dy` for `dx = dy * f'(x)`."
    )


OTHERS = {
    "worst": ({"step": 9.0, "loss": 8.0, "accuracy": 0.5, "test accuracy": 0.4}, ""),
    "broken": ({"step": 3.0, "loss": 0.5, "accuracy": 0.9, "test accuracy": 0.9}, "It broke."),
    "near": ({"step": 9.0, "loss": 1.9, "accuracy": 0.8, "test accuracy": 0.7}, ""),
    "alike": ({"step": 9.0, "loss": 1.0, "accuracy": 0.9, "test accuracy": 0.9}, ""),
}


def test_the_bugs_stand_in_the_order_of_their_losses_and_what_ended_last():
    right = {"step": 9.0, "loss": 1.0, "accuracy": 0.9, "test accuracy": 0.9}
    table = tables.league(right, OTHERS)
    assert list(table["bug"]) == ["alike", "near", "worst", "broken"]
    assert list(table["trains"]) == ["as well", "almost as well", "worse", "not to the end"]
    assert list(table["step"]) == [9, 9, 9, 3]
    assert list(table["training loss"]) == [1.0, 1.9, 8.0, 0.5]
    assert list(table["test accuracy"]) == ["90.0\u00a0%", "70.0\u00a0%", "40.0\u00a0%", "90.0\u00a0%"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["alike", "near", "worst", "broken"], "Of the 4 bugs that fit this network, 2 train as well as the right"),
        (["alike", "near", "worst", "broken"], "or almost: no curve gives them away, and that is why one checks."),
        (["alike", "broken"], "1 trains as well as the right gradient, or almost: no curve gives it away"),
        (["worst"], "Of the only bug that fits this network, 0 train as well as the right gradient, or almost."),
    ],
)
def test_how_many_bugs_no_curve_gives_away(names, words):
    right = {"step": 9.0, "loss": 1.0, "accuracy": 0.9, "test accuracy": 0.9}
    others = {name: OTHERS[name] for name in names}
    assert words in tables.league_told(right, others)
    assert tables.league_told(right, others, is_over=False).startswith("So far: of the ")
    assert "gives" not in tables.league_told(right, others, is_over=False)


class Standing:
    """What a sentence is made from: a run that stands at given numbers."""

    def __init__(self, loss, accuracy=None, bug="", step=7, ended="", test=True, is_over=True):
        self.training, self.step, self.ended = replace(SETTINGS, bug=bug), step, ended
        self.is_over = is_over
        self._now = {"loss": loss}
        if accuracy is not None:
            self._now |= {"accuracy": accuracy - 0.1, "test accuracy": accuracy} if test else {"accuracy": accuracy}

    def measured(self):
        return self._now


BUG = "derivative missing"


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        (Standing(1.0, step=0), Standing(1.0, bug=BUG, step=0), "Press Train"),
        (Standing(1.0), Standing(1.1, bug=BUG), "This bug trains as well"),
        (Standing(1.0), Standing(0.5, bug=BUG), "This bug trains as well"),
        (Standing(1.0, is_over=False), Standing(0.5, bug=BUG), "So far the bug trains as well: the curves do not"),
        (Standing(1.0), Standing(1.11, bug=BUG), "This bug trains almost as well"),
        (Standing(1.0), Standing(2.0, bug=BUG), "This bug trains almost as well"),
        (Standing(1.0), Standing(2.01, bug=BUG), "only a check tells"),
        (Standing(1.0, 0.9), Standing(5.0, 0.88, bug=BUG), "This bug trains almost as well"),
        (Standing(1.0, 0.9), Standing(5.0, 0.87, bug=BUG), "only a check tells"),
        (Standing(1.0, 0.89), Standing(5.0, 0.89, bug=BUG), "only a check tells"),
        (Standing(1.0, 0.9), Standing(5.0, 0.87, bug=BUG), "90.0\u00a0% and 87.0\u00a0% of the test rows are right"),
        (Standing(1.0, 0.9, test=False), Standing(5.0, 0.87, bug=BUG, test=False), "87.0\u00a0% of the rows are right"),
        (
            Standing(1.0),
            Standing(1.0, bug=BUG, step=3, ended="It broke."),
            f"With **{BUG}**: It broke. After 7 steps the loss is 1",
        ),
        (Standing(1.0, step=1), Standing(1.0, bug=BUG, step=1), "After 1 step the loss is 1 with the right gradient"),
    ],
)
def test_what_a_bug_costs_is_said_with_the_numbers(right, wrong, words):
    assert words in tables.compared(right, wrong)


def test_the_sentence_of_real_runs_has_their_losses():
    told = tables.compared(*RUNS)
    for run in RUNS:
        assert brief(run.measured()["loss"]) in told
