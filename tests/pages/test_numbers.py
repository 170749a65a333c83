"""Every number that a page shows is the API's, asserted once: not that there is a chart, but what it draws."""

import io

import numpy as np
import pytest

from mlp import check_gradients
from mlp.check.check import analytical_gradients
from mlp.check.jacobians import jacobian_flow
from mlp.lab.experiment import Experiment
from mlp.nn.trace import trace
from mlp.report.figures import network as diagram
from mlp.report.numbers import brief
from tests.pages.plots import arrays, shown_table, traces

EXPERIMENT = Experiment(sizes=(3, 4, 2), seed=3, batch=2)
ADDRESS = {"sizes": "3-4-2", "seed": "3", "batch": "2"}


def number_after(texts, words):
    """The number that follows these words in one of the texts."""
    [text] = [text for text in texts if words in text]
    return float(text.partition(words)[2].split()[0].rstrip(".,"))


def test_the_overviews_figures_are_the_reports(open_page):
    report = check_gradients(*EXPERIMENT.problem(), EXPERIMENT.eps, EXPERIMENT.method)
    app = open_page("overview", **ADDRESS)
    shown = {metric.label: metric.value for metric in app.metric}
    worst = max(report.values(), key=lambda check: np.abs(check.ratio).max())
    place = np.unravel_index(np.argmax(np.abs(worst.ratio)), worst.ratio.shape)
    assert shown["Worst difference"] == brief(abs(worst.difference[place]))
    assert shown["Worst entry"] == f"{worst.name}[{','.join(map(str, place))}]"
    assert shown["Loss"] == brief(report.loss)
    assert shown["Parameters"] == str(3 * 4 + 4 + 4 * 2 + 2)


@pytest.mark.parametrize("edges", ["weights", "gradients"])
def test_the_edges_of_the_diagram_are_the_weights_or_their_gradients(open_page, edges):
    problem = EXPERIMENT.problem()
    report = check_gradients(*problem, EXPERIMENT.eps, EXPERIMENT.method)
    expected = diagram.weights(problem.network) if edges == "weights" else diagram.weight_gradients(problem[0], report)
    app = open_page("overview", edges=edges, **ADDRESS)
    drawn = [trace["customdata"] for trace in traces(app, 0) if "[%{customdata[0]}" in str(trace.get("hovertemplate"))]
    assert len(drawn) == 2
    for values, matrix in zip(drawn, expected.values(), strict=True):
        np.testing.assert_array_equal(values[:, 2], matrix.ravel())


def test_the_maps_of_the_gradient_check_are_those_that_were_chosen(open_page):
    check = check_gradients(*EXPERIMENT.problem(), EXPERIMENT.eps, EXPERIMENT.method)["fc2.W"]
    for panel, expected in (
        ("analytical", [check.analytical]),
        ("numerical", [check.numerical]),
        ("difference", [np.log10(np.abs(check.difference))]),
        ("difference / error bar", [np.log10(np.abs(check.ratio))]),
        ("all with error bars", [check.analytical, check.numerical, np.log10(np.abs(check.ratio))]),
    ):
        maps = arrays(open_page("gradient_check", tensor="fc2.W", panel=panel, **ADDRESS), 0)
        assert len(maps) == len(expected)
        for drawn, values in zip(maps, expected, strict=True):
            # Logarithms are cut off below, where the scale ends.
            seen = drawn > drawn.min() if len(expected) == 1 and "difference" in panel else np.full(drawn.shape, True)
            np.testing.assert_allclose(drawn[seen], np.maximum(values, -3 if "bar" in panel else -99)[seen], rtol=1e-12)


def test_the_networks_jacobians_are_the_products_and_the_whole_networks(open_page):
    problem = EXPERIMENT.problem()
    flow = jacobian_flow(problem.network, problem.x[0], EXPERIMENT.eps, EXPERIMENT.method)
    app = open_page("network", layer="fc2", **ADDRESS)
    product, whole = arrays(app, 3)
    np.testing.assert_array_equal(product, flow.product)
    np.testing.assert_array_equal(whole, flow.whole)
    # Two ways to the same numbers, so one map drawn twice is noticed by their rounding.
    assert not np.array_equal(product, whole)
    [layer] = arrays(app, 4)
    np.testing.assert_array_equal(layer, flow.layers["fc2"])
    texts = [text.value for text in app.markdown]
    assert number_after(texts, "in one piece by at most ") == float(brief(flow.error_of_product))
    assert number_after(texts, "and that from its differences by ") == float(brief(flow.error_of_numerical))


def test_the_networks_norms_are_euclidean_and_its_singular_values_the_jacobians(open_page):
    problem = EXPERIMENT.problem()
    backward = [step for step in trace(*problem) if step.direction == "backward"]
    norms = [np.sqrt(np.sum(step.result**2)) for step in backward]
    flow = jacobian_flow(problem.network, problem.x[0], EXPERIMENT.eps, EXPERIMENT.method)
    app = open_page("network", **ADDRESS)
    way, *spectra = traces(app, 2)
    np.testing.assert_allclose(way["y"], norms, rtol=1e-14)
    for drawn, values in zip(spectra, flow.singular_values.values(), strict=True):
        np.testing.assert_array_equal(drawn["y"], values)
    table = shown_table(app, "norm of dx").set_index("layer")
    for step, norm in zip(backward[1:], norms[1:], strict=True):
        assert float(table.loc[step.name, "norm of dx"]) == pytest.approx(norm, rel=1e-3)  # shown with few digits
    for name, values in flow.singular_values.items():
        assert float(table.loc[name, "spectral norm"]) == pytest.approx(values[0], rel=1e-3)
        assert float(table.loc[name, "smallest singular value"]) == pytest.approx(values[-1], rel=1e-3)


def test_the_loss_pages_curve_is_the_loss_and_its_tangent_has_the_gradient_for_a_slope(open_page):
    problem = Experiment(sizes=(3, 4, 2), seed=3).problem()
    y = problem.network.apply(problem.x)
    app = open_page("loss", sizes="3-4-2", seed="3", loss_i="1")
    curve, tangent, point = traces(app, 1)
    for at, value in zip(curve["x"][::50], curve["y"][::50], strict=True):
        assert problem.loss.apply(np.array([y[0], at]), problem.target) == pytest.approx(value, rel=1e-14)
    assert (point["x"][0], point["y"][0]) == (y[1], problem.loss.apply(y, problem.target))
    rise, run = np.diff(tangent["y"])[0], np.diff(tangent["x"])[0]
    problem.loss.forward(y, problem.target)
    assert rise / run == pytest.approx(problem.loss.backward()[1], rel=1e-12)


def test_your_gradients_verdict_is_that_of_the_chosen_method(open_page):
    # Off by a millionth, which a step of 1e-12 cannot see and the complex step, shown beside it, can.
    experiment = Experiment(sizes=(3, 4, 2))
    gradients = {name: value * (1 + 1e-6) for name, value in analytical_gradients(*experiment.problem())[1].items()}
    content = io.BytesIO()
    np.savez(content, **gradients)
    app = open_page("your_gradients", sizes="3-4-2", eps="1e-12")
    app.file_uploader(key="upload").set_value([("mine.npz", content.getvalue(), "application/octet-stream")]).run()
    assert app.success
    assert not app.error
    table = shown_table(app, "by complex-step")
    assert set(table["verdict"]) == {"consistent"}
    assert set(table["by complex-step"]) == {"wrong"}
