"""Each page whole, with settings of which none is the default: every figure, table, sentence, file and program.

A page that leaves one setting out of one of them, or shows another tensor's, another sample's or another layer's, shows
something else here. What the API's results look like as figures, tables and programs is tested in `tests/report`.
"""

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io
import pytest

from mlp import check_gradients, jacobian, loss_hessian
from mlp.check.check import analytical_gradients
from mlp.check.gallery import GALLERY
from mlp.check.given import reference
from mlp.check.jacobians import check_loss, check_products, flow_in_words, jacobian_flow, layer_jacobians
from mlp.differences.estimates import estimates
from mlp.differences.examples import EXAMPLES
from mlp.differences.networks import loss_gradients
from mlp.differences.sweep import leading, sampled, sweep
from mlp.lab.experiment import Experiment
from mlp.lab.lessons import LinearProblem, activation_input, linear_problem
from mlp.lab.planted_bug import fitting_experiment, planted
from mlp.lab.quiz import posed, question
from mlp.lab.settings_text import EPS_STEPS
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.trace import jacobians_by_backward, trace
from mlp.report import derivation, latex, programs
from mlp.report.figures import by_hand, curves, heatmaps, network, step_size, steps
from mlp.report.figures.matrices import Matrix, clickable_matrices
from mlp.report.files import exchange
from mlp.report.numbers import brief
from mlp.report.tables import examples, fixed_rules, given, tensors, user_code
from mlp.user_code.process import check_module
from pages.ui.address import plain
from tests.pages.plots import everything, shown_tables, table_cells

# Of its tensors fc1.b alone cannot be told at this step, another one has the worst entry, and no two targets are equal.
UNUSUAL = Experiment((3, 4, 2), "LeakyReLU", "BCEWithLogitsLoss", "Glorot", 24, 2, 0.1, "forward")


class Expected(NamedTuple):
    """What a page must show.

    Attributes:
        experiment: the settings of the sidebar.
        choices: those of the page.
        figures, tables: all of them, from top to bottom.
        texts: sentences and formulas that are on the page, among others.
        files: all downloads by file name.
        program: the page's numbers in Python, "" if the page has none.
    """

    experiment: Experiment
    choices: Mapping[str, str]
    figures: Sequence[go.Figure]
    tables: Sequence[pd.DataFrame]
    texts: Sequence[str]
    files: Mapping[str, bytes]
    program: str = ""


def report(problem):
    return check_gradients(*problem, UNUSUAL.eps, UNUSUAL.method)


def largest_error(layer, x, exact):
    """How far the numerical Jacobian of a layer's output with respect to x is from this one."""
    return float(np.abs(jacobian(layer, x, UNUSUAL.eps, UNUSUAL.method) - exact).max())


def activations() -> Expected:
    x, dy = np.array([0.05, -0.02, 1.5]), np.array([1.0, -2.0, 0.5])
    activation = ACTIVATIONS[UNUSUAL.activation]()
    check = check_products(activation, x, dy, UNUSUAL.eps, UNUSUAL.method)["x"]
    exact = jacobians_by_backward(activation, x)["x"]
    return Expected(
        UNUSUAL,
        {"act_x": "0.05,-0.02,1.5", "act_dy": "1,-2,0.5"},
        [
            curves.activation_curves(activation, x),
            heatmaps.marked(check, index=check.worst),
            clickable_matrices([Matrix("dy / dx", exact)]),
        ],
        [],
        [
            activation.formula,
            plain(check.summary),
            f"All 9 numbers of it: zero beside the diagonal, which is why `backward` never builds it. The one from "
            f"forward differences differs by at most {brief(largest_error(activation, x, exact))}.",
        ],
        {
            "activation-dx.csv": tensors.to_csv(tensors.entries(check)),
            "activation-jacobian.csv": tensors.matrix_csv(exact),
        },
        programs.activation(UNUSUAL.activation, x, dy, UNUSUAL.eps, UNUSUAL.method)["mlp"],
    )


def drawn_activations() -> Expected:
    """With the numbers as drawn, which the program draws as well."""
    x, dy = activation_input(UNUSUAL.seed)
    return activations()._replace(
        choices={},
        figures=[curves.activation_curves(ACTIVATIONS[UNUSUAL.activation](), x)],
        texts=[],
        files={},
        program=programs.activation(UNUSUAL.activation, x, dy, UNUSUAL.eps, UNUSUAL.method, UNUSUAL.seed)["mlp"],
    )


def bug_gallery() -> Expected:
    """A bug that needs another network than the sidebar's, and a tensor that is not the most telling one."""
    name, place = "W transposed on the way back", "fc2"
    fitting = fitting_experiment(GALLERY[name], UNUSUAL)
    assert fitting.experiment != UNUSUAL
    checked = report(planted(GALLERY[name], fitting.experiment.problem(), place))
    by_verdict = {
        words: [tensor for tensor, check in checked.items() if check.verdict.words == words]
        for words in ("wrong", "cannot tell", "consistent")
    }
    assert by_verdict["wrong"]
    assert "fc3.b" in by_verdict["consistent"]
    table = fixed_rules.readings(checked)
    return Expected(
        UNUSUAL,
        {"bug": name, "seen": "fc3.b"},
        [heatmaps.marked(checked["fc3.b"])],
        [table],
        [
            f"**{' and '.join(fitting.changes)}**",
            "**Verdict: wrong.** By tensor, "
            + "; ".join(f"{words}: {', '.join(names)}" for words, names in by_verdict.items() if names),
            "**fc3.b**: consistent.",
            fixed_rules.misjudged(checked),
            fixed_rules.formulas(),
            *(plain(finding.sentence) for finding in checked.diagnosis),
        ],
        {"bug-rules.csv": tensors.to_csv(table), "bug.csv": tensors.to_csv(tensors.all_entries(checked))},
        programs.bug(fitting.experiment, name, place)["mlp"],
    )


def finite_differences() -> Expected:
    example, eps = EXAMPLES["matrix input"], 0.01
    x, index = np.array([[1.0, 2, 3], [-1, 0.5, 2]]), (1, 0)
    results = estimates(example, x, index, 1, eps)
    inputs = [f"A[{i},{j}]" for i in range(2) for j in range(3)]
    return Expected(
        UNUSUAL,
        {"function": "matrix input", "at": "1,2,3;-1,0.5,2", "h": "1e-2", "component": "A[1,0]", "output": "f[1]"},
        [
            curves.secant(example, x, index, 1, eps),
            clickable_matrices(
                [
                    Matrix(name, value, ["f[0]", "f[1]"], inputs)
                    for name, value in examples.jacobians(example, x, eps).items()
                ]
            ),
        ],
        [examples.methods(results)],
        [
            example.formula,
            latex.analytical(example, x),
            latex.quotient(example, x, index, 1, eps),
            latex.compared(example, x, index, 1, eps),
            latex.reshaping((2, 3), 2),
            "The derivative of f[1] with respect to A[1,0] with eps = 0.01; the error is the value minus the "
            "analytical derivative. In the sidebar, forward is chosen for the network.",
            "f[1] along A[1,0] with its tangent and the secant from 0.01 below to 0.01 above",
        ],
        {
            "finite-difference-methods.csv": tensors.to_csv(examples.methods_csv(results)),
            "finite-difference-derivatives.csv": tensors.to_csv(examples.entries(example, x, eps)),
        },
        programs.finite_differences(example, x, eps)["mlp"],
    )


def gradient_check() -> Expected:
    problem = UNUSUAL.problem()
    checked, name = report(problem), "fc2.b"
    second = loss_hessian(*problem, name)
    rows = [f"fc2.b[{i}]" for i in range(2)]
    captions = dict.fromkeys(checked, ":green[consistent]") | {"fc1.b": ":orange[cannot tell]"}
    return Expected(
        UNUSUAL,
        {"tensor": name, "panel": "all with error bars", "hessian": "true", "entry": "1"},
        [
            heatmaps.marked(checked[name], ("analytical", "numerical", heatmaps.RATIO), (1,)),
            clickable_matrices([Matrix("d²c / dfc2.b²", second.value, rows, rows)]),
        ],
        [tensors.worst_entries_with_losses(problem, checked, name), tensors.summary(checked)],
        [
            f"It cannot be told at this step: {plain(checked.summary)}",
            plain(checked[name].summary),
            " | ".join(captions.values()),
            heatmaps.alt_text(checked[name]),
            derivation.difference(problem, name, (1,), UNUSUAL.eps, UNUSUAL.method),
            *(f"{layer}: ${line}$" for layer, line in derivation.origin(problem, trace(*problem), name, (1,))),
            "c is the loss; forward differences with h = 0.1.",
            f"off by at most {brief(second.error.max())}.",
        ],
        {
            "fc2.b.csv": tensors.to_csv(tensors.entries(checked[name])),
            "gradients.csv": tensors.to_csv(tensors.all_entries(checked)),
            "gradient-lab.zip": exchange.archive(UNUSUAL, checked),
        },
        programs.gradient_check(UNUSUAL, name)["mlp"],
    )


def linear_layer() -> Expected:
    drawn = linear_problem(UNUSUAL.seed, 2, 3)
    problem = LinearProblem(np.array([300.0, -0.125]), drawn.W, np.array([1.0, 2, 3]), np.array([2.0, -1, 0.5]))
    layer = problem.layer()
    checks = check_products(layer, problem.x, problem.dy, UNUSUAL.eps, UNUSUAL.method)
    exact = jacobians_by_backward(layer, problem.x)
    outputs, weights = [f"y[{i}]" for i in range(3)], [f"W[{i},{j}]" for i in range(3) for j in range(2)]
    columns = {"x": ["x[0]", "x[1]"], "W": weights, "b": ["b[0]", "b[1]", "b[2]"]}
    numerical = layer_jacobians(layer, problem.x, UNUSUAL.eps, UNUSUAL.method)
    error = max(np.abs(numerical[name] - exact[name]).max() for name in exact)
    alone = derivation.alone(layer, problem.x, problem.dy)
    both_ways = derivation.both_ways(alone, "layer.b", (2,), UNUSUAL.eps, UNUSUAL.method)
    return Expected(
        UNUSUAL,
        {
            **{"inputs": "2", "outputs": "3", "lin_x": "300,-0.125", "lin_b": "1,2,3", "lin_dy": "2,-1,0.5"},
            **{"gradient": "b", "entry": "2"},
        },
        [
            heatmaps.marked(checks["b"], heatmaps.PANELS, (2,)),
            clickable_matrices(
                [Matrix(f"dy/d{name}", exact[name], outputs, columns[name]) for name in ("x", "W", "b")]
            ),
        ],
        [],
        [
            both_ways.backward[0][1],
            both_ways.difference,
            plain(checks["b"].summary),
            f"The numerical Jacobians differ from these by at most {brief(error)}.",
            "`lambda w: linear_forward(x, w.reshape(3, 2), b)` is a function of 6 numbers, and its Jacobian has shape "
            "(3, 3·2).",
            r"$dW$ is $dy \cdot \partial y / \partial W$, reshaped to (3, 2).",
        ],
        {
            "linear-gradients.csv": tensors.to_csv(tensors.all_entries(checks)),
            **{f"linear-dy-d{name}.csv": tensors.matrix_csv(matrix) for name, matrix in exact.items()},
        },
        programs.linear(problem.W, problem.x, problem.b, problem.dy, UNUSUAL.eps, UNUSUAL.method, UNUSUAL.seed)["mlp"],
    )


def drawn_linear_layer() -> Expected:
    """With the numbers as drawn, which the program draws as well."""
    x, W, b, dy = linear_problem(UNUSUAL.seed, 4, 2)
    program = programs.linear(W, x, b, dy, UNUSUAL.eps, UNUSUAL.method, UNUSUAL.seed)["mlp"]
    return Expected(
        UNUSUAL, {"inputs": "4", "outputs": "2"}, [], [], ["and its Jacobian has shape (2, 2·4)"], {}, program
    )


def loss() -> Expected:
    problem = UNUSUAL.problem()
    y, target = problem.network.apply(problem.x)[0], problem.target[0]
    check = check_loss(problem.loss, y, target, UNUSUAL.eps, UNUSUAL.method)
    return Expected(
        UNUSUAL,
        {"loss_i": "1"},
        [heatmaps.marked(check, index=(1,)), curves.loss_along(problem.loss, y, target, 1, check.analytical[1])],
        [],
        [
            f"{problem.loss.formula} = {brief(float(problem.loss.apply(y, target)))}",
            derivation.start(problem.loss, y, target, (1,)),
            derivation.loss_quotient(problem.loss, y, target, (1,), UNUSUAL.eps, UNUSUAL.method),
            plain(check.summary),
            f"at the present $y_{{1}} = {brief(y[1])}$ is the gradient's entry 1: {brief(check.analytical[1])}.",
        ],
        {"loss-gradient.csv": tensors.to_csv(tensors.entries(check))},
        programs.loss(UNUSUAL.loss, y, target, UNUSUAL.eps, UNUSUAL.method)["mlp"],
    )


def network_page() -> Expected:
    problem = UNUSUAL.problem()
    checked, passes = report(problem), trace(*problem)
    [step] = [step for step in passes if (step.direction, step.name) == ("backward", "fc2")]
    flow = jacobian_flow(problem.network, problem.x[0], UNUSUAL.eps, UNUSUAL.method)
    norms = steps.gradient_norms(passes)
    edges = network.weight_gradients(problem.network, checked)
    table = tensors.flow(flow, norms)
    return Expected(
        UNUSUAL,
        {"step": "backward fc2", "layer": "fc2"},
        [
            by_hand.diagram(problem, passes, edges, "gradient", step),
            clickable_matrices([Matrix(name, array) for name, array in steps.arrays(step).items()]),
            steps.flow_figure(norms, flow),
            clickable_matrices([Matrix("product of layers", flow.product), Matrix("whole network", flow.whole)]),
            clickable_matrices([Matrix("dy / dx of fc2", flow.layers["fc2"])]),
        ],
        [tensors.exercise_test(problem, flow), table],
        [
            steps.formula(step, problem.network, problem.loss),
            "Shapes: dy (2, 2), dx (2, 4), dW (2, 4), db (2,)",
            flow_in_words(list(norms.values())),
            f"at most {brief(flow.error_of_product)}, and that from the numerical one by at most "
            f"{brief(flow.error_of_numerical)}, all for the first sample.",
            network.alt_text((3, 4, 2), "gradient"),
        ],
        {"jacobian.csv": tensors.matrix_csv(flow.whole), "layers.csv": tensors.to_csv(table)},
        programs.network(UNUSUAL)["mlp"],
    )


def overview() -> Expected:
    """The entry furthest off for its error bar is not the one with the largest difference."""
    experiment = replace(UNUSUAL, seed=23)
    problem = experiment.problem()
    checked = report(problem)
    worst, shown = checked.worst, checked["fc1.W"]
    assert brief(abs(worst.difference[worst.worst])) != brief(worst.max_abs_difference)
    numerical = np.array([loss_gradients(*problem, eps, UNUSUAL.method)["fc1.W"] for eps in EPS_STEPS])
    return Expected(
        experiment,
        {"edges": "gradients"},
        [
            heatmaps.marked(shown),
            step_size.difference_by_step(numerical, shown.analytical, UNUSUAL.eps),
            network.diagram(problem.network, network.weight_gradients(problem.network, checked), "gradient"),
        ],
        [],
        [
            plain(checked.summary),
            f"Worst difference: {brief(abs(worst.difference[worst.worst]))}",
            f"Worst entry: fc2.b[{','.join(map(str, worst.worst))}]",
            f"Loss: {brief(checked.loss)}",
            "Parameters: 26",
            "Input (2, 3), target (2, 2), float64.",
            network.alt_text((3, 4, 2), "gradient"),
        ],
        {},
    )


def overview_of_weights() -> Expected:
    expected = overview()
    network_drawn = expected.experiment.problem().network
    diagram = network.diagram(network_drawn, network.weights(network_drawn), "weight")
    return expected._replace(
        choices={"edges": "weights"},
        figures=[*expected.figures[:-1], diagram],
        texts=[network.alt_text((3, 4, 2), "weight")],
    )


def quiz() -> Expected:
    number = next(number for number in range(1, 50) if question(UNUSUAL, number).bug)
    problem = UNUSUAL.problem()
    checked = report(posed(question(UNUSUAL, number), problem))
    return Expected(
        UNUSUAL,
        {"quiz": str(number), "look": "fc2.b"},
        [heatmaps.differences(checked), heatmaps.marked(checked["fc2.b"])],
        [],
        [],
        {},
    )


def step_size_page() -> Expected:
    """A tensor of 200 entries, of which some are taken."""
    experiment, name = replace(UNUSUAL, sizes=(2, 10, 20, 5)), "fc2.W"
    problem = experiment.problem()
    tensor = problem.tensors()[name]
    indices = leading(loss_gradients(*problem, 1e-20, "complex-step")[name], 50)
    entries = np.array([tensor[index] for index in indices])
    result = sweep(sampled(problem.function(name), tensor, indices), entries, EPS_STEPS)
    table = step_size.table(result, "median", experiment.eps)
    return Expected(
        experiment,
        {"gradient_of": name, "error": "median"},
        [step_size.errors_by_step(result, 200, "median", "forward", experiment.eps)],
        [table],
        [
            step_size.verdict(result, 200, "median", "forward", experiment.eps, has_kinks=True),
            step_size.explanation(result, 200, "forward"),
            "The median sampled error of every method in the gradient with respect to fc2.W against eps",
        ],
        {
            "step-size-fc2.W.csv": tensors.to_csv(step_size.all_steps(result, 200)),
            "step-size-fc2.W-best.csv": tensors.to_csv(table),
        },
        programs.step_size(experiment, name)["mlp"],
    )


def your_gradients() -> Expected:
    """An upload for UNUSUAL, with a mistake in fc2.W, after seed and activation have been changed.

    By forward differences fc1.b cannot be told, by complex step it can.
    """
    moved_on, name = replace(UNUSUAL, seed=5, activation="SiLU"), "fc1.b"
    problem = UNUSUAL.problem()
    result = given.compared(reference(*problem, 0.1, "forward"), reference(*problem, 1e-20, "complex-step"), brought())
    checks = result.beside(name)
    titles = {tensor: f"{tensor} (by name)" for tensor in result.numerical}
    captions = dict.fromkeys(titles, ":green[consistent]") | {name: ":orange[cannot tell]", "fc2.W": ":red[wrong]"}
    return Expected(
        moved_on,
        {"of": name, "beside": "complex-step", "ready": "true"},
        [heatmaps.marked(checks["complex-step"], names=("yours", "complex-step"))],
        [given.summary(result, titles), given.worst_entries(result, name)],
        [
            f"These gradients are wrong: {plain(result.numerical.summary)}",
            plain(result.numerical[name].summary),
            " | ".join(captions.values()),
            heatmaps.alt_text(checks["complex-step"], ("yours", "complex-step")),
            "the error bars of forward differences with h = 0.1, the last one from those of the complex step",
        ],
        {
            "problem.npz": exchange.problem_npz(moved_on),
            "problem.json": exchange.problem_json(moved_on).encode(),
            "sample.npz": exchange.sample_npz(moved_on),
            "fc1.b.csv": tensors.to_csv(given.entries(result, name)),
            "gradients.csv": tensors.to_csv(given.all_entries(result)),
        },
        programs.checking(UNUSUAL),
    )


def brought():
    """The right gradients of UNUSUAL, but for fc2.W."""
    gradients = analytical_gradients(*UNUSUAL.problem())[1]
    return gradients | {"fc2.W": 2 * gradients["fc2.W"]}


LAYERS = """\
import numpy as np

class Scale:
    def __init__(self, n):
        self.a, self.shift = np.linspace(1, 2, n), np.zeros(n)

    def forward(self, x):
        self.x = x
        return self.a * x**2 + self.shift

    def backward(self, dy):
        self.da, self.dshift = (dy * self.x**2).sum(axis=0), {sign}dy.sum(axis=0)
        return 2 * self.a * dy * self.x

class Right(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dshift = dy.sum(axis=0)
        return dx
"""


def your_layers(path) -> Expected:
    """A module of two layers, of which the first is shown: its second gradient is wrong."""
    result = check_module(str(path), UNUSUAL.eps, UNUSUAL.method)
    case, other = result.cases
    check = case.report["shift"]
    assert [other.verdict.words for other in case.report.values()] == ["consistent", "wrong", "consistent"]
    return Expected(
        UNUSUAL,
        {"case": "Scale", "wrt": "shift", "third": heatmaps.RATIO},
        [heatmaps.marked(check, ("analytical", "numerical", heatmaps.RATIO), axes=heatmaps.counted_axes(check))],
        [tensors.worst_entries(check), user_code.pairing(case), user_code.summary([case, other])],
        [
            f"Scale is wrong: {plain(user_code.findings(case)[0])}",
            *(plain(aside) for aside in user_code.asides(case.facts)),
            plain(user_code.reading(case)),
            " | ".join(tensors.verdict_markdown(check) for check in case.report.values()),
            heatmaps.alt_text(check),
            "forward differences with h = 0.1.",
        ],
        {
            "Scale-shift.csv": tensors.to_csv(tensors.entries(check)),
            "Scale.csv": user_code.to_csv([case]),
            "gradients.csv": user_code.to_csv([case, other]),
        },
        user_code.commands(str(path), UNUSUAL.eps, UNUSUAL.method),
    )


PAGES = {
    "activations": [activations, drawn_activations],
    "bug_gallery": [bug_gallery],
    "finite_differences": [finite_differences],
    "gradient_check": [gradient_check],
    "linear_layer": [linear_layer, drawn_linear_layer],
    "loss": [loss],
    "network": [network_page],
    "overview": [overview, overview_of_weights],
    "quiz": [quiz],
    "step_size": [step_size_page],
}


def opened(open_page, page, expected):
    settings = {key: str(value) for key, value in expected.experiment.settings().items()}
    return open_page(page, python="true", code="mlp", **settings, **expected.choices)


def assert_shown(app, files, expected):
    assert not app.exception
    shown = [chart.proto.spec for chart in app.get("plotly_chart")]
    for k, figure in enumerate(expected.figures):
        assert shown[k] == plotly.io.to_json(figure, validate=False), f"figure {k}"
    assert shown_tables(app) == [table_cells(table) for table in expected.tables]
    for text in expected.texts:
        assert text in everything(app)
    for name, content in expected.files.items():
        assert files[name] == content, name
    if expected.program:
        assert expected.program.strip() in [block.value for block in app.code]


@pytest.mark.parametrize(("page", "made"), [(page, made) for page, several in PAGES.items() for made in several])
def test_it_shows_what_the_api_gives(open_page, files, page, made):
    expected = made()
    assert_shown(opened(open_page, page, expected), files, expected)


def test_your_gradients_are_held_against_the_problem_that_they_were_uploaded_for(open_page, files):
    expected = your_gradients()
    app = opened(open_page, "your_gradients", expected._replace(experiment=UNUSUAL))
    content = io.BytesIO()
    np.savez(content, **brought())
    app.file_uploader(key="upload").set_value([("mine.npz", content.getvalue(), "application/octet-stream")]).run()
    app.number_input(key="seed").set_value(5)
    app.selectbox(key="activation").set_value("SiLU").run()
    assert_shown(app, files, expected)
    assert programs.computing(expected.experiment)["numpy"].strip() in [block.value for block in app.code]


def test_your_layers_are_checked_by_the_sidebars_step_and_method(monkeypatch, tmp_path, open_page, files):
    path = tmp_path / "mine.py"
    path.write_text(LAYERS.format(sign="-"))
    monkeypatch.setattr(sys, "argv", ["app.py", "--layers", str(path)])
    expected = your_layers(path)
    app = opened(open_page, "your_layers", expected)
    assert_shown(app, files, expected)
    case = check_module(str(path), UNUSUAL.eps, UNUSUAL.method).cases[0]
    blocks = [block.value for block in app.code]
    assert user_code.override(case).strip() in blocks
    assert user_code.suite(case, str(path)).strip() in blocks
