"""The figure, the sentence and the tables about step sizes say what the sweep measured."""

from dataclasses import replace

import numpy as np
import pytest

from mlp.differences.methods import METHODS
from mlp.differences.sweep import Sweep, sampled, sweep
from mlp.lab.settings_text import EPS_STEPS
from mlp.report.figures import step_size

X = np.linspace(0.3, 1.5, 12)


def sweep_of(fun, x=X):
    return sweep(sampled(fun, x, np.ndindex(x.shape)), x, EPS_STEPS)


@pytest.fixture(scope="module")
def result():
    return sweep_of(lambda x: np.sum(np.exp(x)))


def named(figure):
    return {trace.name: trace for trace in figure.data}


@pytest.mark.parametrize("kind", step_size.ERRORS)
def test_every_methods_errors_are_drawn(result, kind):
    figure = named(step_size.errors_by_step(result, result.truth.size, kind, "central", 1e-4))
    for name in METHODS:
        np.testing.assert_array_equal(figure[name].x, EPS_STEPS)
        np.testing.assert_array_equal(figure[name].customdata, result.errors(kind)[name])
        seen = result.errors(kind)[name] > 1e-15
        np.testing.assert_array_equal(figure[name].y[seen], result.errors(kind)[name][seen])
        assert (figure[name].y > 0).all()


def test_methods_differ_in_symbol_and_colour(result):
    figure = named(step_size.errors_by_step(result, result.truth.size, "largest", "central", 1e-4))
    looks = {(figure[name].marker.symbol, figure[name].line.color) for name in METHODS}
    assert len({symbol for symbol, _ in looks}) == len({colour for _, colour in looks}) == len(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_the_guides_have_the_methods_slopes_and_run_along_its_errors(result, method):
    figure = named(step_size.errors_by_step(result, result.truth.size, "largest", method, 1e-4))
    order = METHODS[method].order
    guides = {f"truncation, slope {order}": order}
    if not METHODS[method].is_complex:
        guides["round-off, slope -1"] = -1
    for name, slope in guides.items():
        line = figure[name]
        rise = np.log(line.y[-1] / line.y[0]) / np.log(line.x[-1] / line.x[0])
        assert rise == pytest.approx(slope, abs=1e-9)
    assert ("round-off, slope -1" in figure) == (not METHODS[method].is_complex)
    truncation, round_off = step_size.guide_constants(result, "largest", METHODS[method])
    # exp: the error at the largest x is eps^p e^1.5 times 1/2 down to 1/50400, to which the medians come near.
    errors, best = result.largest[method], result.best("largest", method)
    above = np.log10(result.steps / result.steps[best]).searchsorted(1.5)
    if above < len(errors):
        assert truncation * result.steps[above] ** order == pytest.approx(errors[above], rel=0.5)
    if not METHODS[method].is_complex:
        # Round-off is erratic: a factor of ten either way.
        assert 0.1 < round_off / result.steps[0] / errors[0] < 10


def test_the_guides_end_above_the_bottom_with_their_labels_at_the_ends_away_from_the_curve(result):
    drawn = step_size.errors_by_step(result, result.truth.size, "largest", "central", 1e-4)
    bottom = drawn.layout.yaxis.range[0]
    for name, slope, end in (("truncation, slope 2", 2, 0), ("round-off, slope -1", -1, -1)):
        line = named(drawn)[name]
        [label] = [note for note in drawn.layout.annotations if note.text == name]
        assert (label.x, label.y) == (np.log10(line.x[end]), np.log10(line.y[end]))
        assert (label.xanchor, label.yanchor) == ({0: "left", -1: "right"}[end], "top")
        # It is the lower end; the next step, a factor of 2 or 2.5 further on, would leave no room for the label.
        assert line.y[end] == min(line.y)
        room = np.log10(line.y[end]) - bottom
        assert room > 0.8
        assert room <= 0.8 + abs(slope) * np.log10(2.5) or line.x[end] == EPS_STEPS[end]


def test_the_constants_of_the_guides_are_medians_over_the_steps_where_each_error_rules():
    steps = np.array(EPS_STEPS)
    best = EPS_STEPS.index(5e-11)
    errors = np.ones(steps.size)  # where neither rules, and large enough to be noticed
    # Round-off rules from one decade below the best step, 5e-12, and truncation from one to three decades above.
    errors[: best - 2] = [3, 1, 2] / steps[: best - 2]
    errors[best + 3 : best + 10] = [7, 1, 6, 2, 5, 3, 4] * steps[best + 3 : best + 10] ** 2
    errors[best] = 0
    swept = Sweep(steps, {"central": errors}, {"central": errors}, np.ones(1), "complex-step", {})
    assert step_size.guide_constants(swept, "largest", METHODS["central"]) == pytest.approx((4, 2), rel=1e-14)


def test_the_errors_of_one_entry_are_not_those_of_several(result):
    one = replace(result, truth=result.truth[:1])
    assert step_size.explanation(one, 1, "central").startswith("Errors of the only entry, against complex-step")
    several = step_size.explanation(result, result.truth.size, "central")
    assert several.startswith(f"Errors over all {result.truth.size} entries, ")


@pytest.mark.parametrize("method", ["central", "forward"])
def test_eps_theory_and_best_are_marked(result, method):
    figure = step_size.errors_by_step(result, result.truth.size, "median", method, 2e-3)
    assert [shape.x0 for shape in figure.layout.shapes] == [2e-3, result.theory[method]]
    texts = {note.text: note.x for note in figure.layout.annotations}
    assert texts["your eps"] == pytest.approx(np.log10(2e-3))
    assert texts["theory"] == pytest.approx(np.log10(result.theory[method]))
    # One below the other, so that they can be read where the two steps are near each other.
    assert {note.text: note.y for note in figure.layout.annotations if note.yref == "paper"} == {
        "your eps": 1.0,
        "theory": 0.94,
    }
    star, best = named(figure)["measured best"], result.best("median", method)
    assert (star.x[0], star.y[0]) == (result.steps[best], result.median[method][best])


def test_the_complex_step_has_no_theory_on_the_axis(result):
    figure = step_size.errors_by_step(result, result.truth.size, "largest", "complex-step", 1e-4)
    assert len(figure.layout.shapes) == 1


@pytest.mark.parametrize("kind", step_size.ERRORS)
def test_the_sentence_says_on_which_side_eps_lies(result, kind):
    best = result.best(kind, "central")
    assert "**too large** for central: truncation" in step_size.verdict(result, result.truth.size, kind, "central", 0.5)
    assert "**too small** for central: round-off" in step_size.verdict(
        result, result.truth.size, kind, "central", 1e-12
    )
    near = step_size.verdict(result, result.truth.size, kind, "central", EPS_STEPS[best])
    assert "**near the best**" in near
    for eps in (0.5, 1e-12, EPS_STEPS[best]):
        sentence = step_size.verdict(result, result.truth.size, kind, "central", eps)
        assert f"{result.errors(kind)['central'][result.position(eps)]:.3g}" in sentence
        assert f"{result.errors(kind)['central'][best]:.3g}" in sentence
        ratio = result.errors(kind)["central"][result.position(eps)] / result.errors(kind)["central"][best]
        assert (f", {ratio:.3g} times what it could be" in sentence) == (sentence != near)
        assert "Theory recommends about 6.06e-06" in sentence  # the cube root of 2^-52


def test_near_is_within_a_factor_of_ten(result):
    errors = result.largest["central"]
    smallest = np.nanmin(errors)
    for eps, error in zip(EPS_STEPS, errors, strict=True):
        is_near = "near the best" in step_size.verdict(result, result.truth.size, "largest", "central", eps)
        assert is_near == (error <= 10 * smallest)


def test_the_complex_step_is_never_too_small(result):
    for eps in EPS_STEPS:
        sentence = step_size.verdict(result, result.truth.size, "largest", "complex-step", eps)
        assert "too small**" not in sentence
        # The truncation error of exp at the largest x, 1.5, is eps^2 e^1.5 / 6; round-off is a unit or two of 2^-52.
        assert ("too large**" in sentence) == (eps**2 * np.exp(1.5) / 6 > 10 * np.min(result.largest["complex-step"]))


def test_a_method_that_does_not_apply_is_neither_drawn_nor_judged():
    result = sweep_of(lambda x: np.sum(np.abs(x)))
    assert "does not apply" in step_size.verdict(result, result.truth.size, "largest", "complex-step", 1e-4)
    figure = named(step_size.errors_by_step(result, result.truth.size, "largest", "complex-step", 1e-4))
    assert set(figure) == set(METHODS) - {"complex-step"}
    assert "richardson" in step_size.explanation(result, X.size, "central")


def test_the_axis_holds_what_was_measured_and_room_for_the_names_of_the_marks(result):
    figure = named(drawn := step_size.errors_by_step(result, result.truth.size, "largest", "central", 1e-4))
    heights = np.concatenate([figure[name].y for name in METHODS])
    assert drawn.layout.yaxis.range == pytest.approx((np.log10(heights.min()) - 0.5, np.log10(heights.max()) + 0.7))


@pytest.mark.parametrize(("slope", "floor"), [(0, 1e-17), (8, 8e-17)])
def test_an_error_of_zero_is_drawn_at_the_floor(slope, floor):
    swept = sweep_of(lambda x: slope * np.sum(x), np.array([1.0]))
    figure = named(step_size.errors_by_step(swept, 1, "largest", "central", 1e-4))
    assert figure["complex-step"].y.min() == pytest.approx(floor, rel=1e-9, abs=0)
    assert figure["complex-step"].customdata.min() == 0


@pytest.mark.parametrize(("eps", "side"), [(5e-4, "left"), (1e-3, "right"), (0.5, "right")])
def test_the_mark_of_eps_has_its_name_on_the_side_with_more_room(result, eps, side):
    layout = step_size.errors_by_step(result, result.truth.size, "largest", "complex-step", eps).layout
    [mark] = layout.shapes
    assert (mark.y0, mark.y1, mark.yref) == (0, 1, "paper")
    [note] = [note for note in layout.annotations if note.text == "your eps"]
    assert (note.xanchor, note.y, note.yref) == (side, 1, "paper")


def test_the_largest_difference_of_any_entry_is_drawn_at_every_step():
    analytical = np.array([[1.0, 2.0], [3.0, 4.0]])
    # At each step another entry is off by as much as the step; at the first one none is.
    numerical = np.stack([analytical] * len(EPS_STEPS))
    for k, eps in enumerate(EPS_STEPS[1:], start=1):
        numerical[k].flat[k % 4] += eps if k % 2 else -eps
    figure = step_size.difference_by_step(numerical, analytical, 1e-4)
    [curve] = figure.data
    np.testing.assert_array_equal(curve.x, EPS_STEPS)
    assert np.isnan(curve.y[0])  # no zero on a logarithmic axis
    # Differences of numbers of at most 4 keep a step to within an eighth of 2^-49.
    np.testing.assert_allclose(curve.y[1:], EPS_STEPS[1:], rtol=0, atol=2**-51)
    [mark] = figure.layout.shapes
    assert (mark.x0, mark.x1) == (1e-4, 1e-4)
    assert figure.layout.yaxis.range == (-16, 1)
    assert (figure.layout.xaxis.dtick, figure.layout.yaxis.dtick) == (6, 4)
    assert [(note.text, note.y) for note in figure.layout.annotations] == [("your eps", 0.12)]
    numerical[-1, 0, 0] += 1e3
    top = step_size.difference_by_step(numerical, analytical, 1e-4).layout.yaxis.range[1]
    assert top == pytest.approx(3.5, abs=1e-3)


def test_errors_of_zero_can_be_drawn():
    result = sweep_of(lambda x: 0 * np.sum(x))
    for method in METHODS:
        figure = step_size.errors_by_step(result, result.truth.size, "largest", method, 1e-4)
        assert np.isfinite(figure.layout.yaxis.range).all()
        assert "near the best" in step_size.verdict(result, result.truth.size, "largest", method, 1e-4)


def test_the_tables_hold_the_sweep(result):
    table = step_size.table(result, "median", 1e-4)
    everything = step_size.all_steps(result, X.size)
    assert list(table["method"]) == list(METHODS)
    assert len(everything) == len(METHODS) * len(EPS_STEPS)
    for k, name in enumerate(METHODS):
        best = result.best("median", name)
        assert table["error at 1e-4"][k] == result.median[name][EPS_STEPS.index(1e-4)]
        assert float(table["best eps"][k]) == result.steps[best]
        assert table["error there"][k] == result.median[name][best]
        assert table["eps by theory"][k] == result.theory[name]
        rows = everything[everything["method"] == name]
        np.testing.assert_array_equal(rows["eps"], EPS_STEPS)
        np.testing.assert_array_equal(rows["largest"], result.largest[name])
        np.testing.assert_array_equal(rows["median"], result.median[name])


def test_it_is_said_when_not_all_entries_are_swept(result):
    assert "all 12 entries" in step_size.explanation(result, 12, "central")
    assert "those 12 of the 2,000 entries with the largest gradients" in step_size.explanation(result, 2000, "central")


@pytest.mark.parametrize("kind", step_size.ERRORS)
def test_the_errors_of_a_sample_are_never_called_those_of_all_entries(result, kind):
    best = result.best(kind, "central")
    for eps in (0.5, 1e-12, EPS_STEPS[best]):
        sampled_only = step_size.verdict(result, X.size + 1, kind, "central", eps)
        assert f"{kind} sampled error is " in sampled_only
        assert "for central at 12 sampled entries: " in sampled_only
        assert "Entries that were not sampled may be further off." in sampled_only
        assert "The best measured is" in sampled_only
        everything = step_size.verdict(result, X.size, kind, "central", eps)
        assert f"{kind} error is " in everything
        assert "sampled" not in everything
    for size, name in ((X.size, kind), (X.size + 1, f"{kind} sampled")):
        figure = step_size.errors_by_step(result, size, kind, "central", 1e-4)
        assert figure.layout.yaxis.title.text == f"{name} |error|"
        columns = step_size.all_steps(result, size)
        np.testing.assert_array_equal(columns[name][columns["method"] == "central"], result.errors(kind)["central"])


def test_where_a_function_has_no_truncation_theory_is_said_to_reckon_with_more():
    square = sweep_of(lambda x: np.sum(x * x))
    told = step_size.verdict(square, X.size, "largest", "central", 1e-4)
    assert "too small" in told
    assert "Theory, which reckons with more truncation than there is here, recommends about" in told
    assert "reckons" not in step_size.verdict(square, X.size, "largest", "forward", 1e-4)
    assert "reckons" not in step_size.verdict(square, X.size, "largest", "central", 1e-12)


def test_where_there_are_kinks_a_large_step_may_have_crossed_one():
    bent = sweep_of(lambda x: np.sum(np.maximum(x - 0.25, 0)))  # 0.05 below the smallest entry
    assert "a kink that it crosses, dominates" in step_size.verdict(bent, X.size, "largest", "central", 0.5, True)
    assert "too large** for central: truncation dominates" in step_size.verdict(bent, X.size, "largest", "central", 0.5)
    assert "kink" not in step_size.verdict(bent, X.size, "largest", "central", 1e-12, True)
