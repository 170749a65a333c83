"""The steps of both passes as the Network page shows them: formula, shapes and numbers are the step's own."""

import numpy as np
import pytest

from mlp.lab.experiment import Experiment
from mlp.nn.trace import trace
from mlp.report.figures import by_hand, network, steps
from mlp.report.numbers import brief

PROBLEM = Experiment(sizes=(3, 4, 2), seed=3).problem()
STEPS = {(step.direction, step.name): step for step in trace(*PROBLEM)}


@pytest.mark.parametrize(("direction", "name"), STEPS)
def test_the_maps_are_what_comes_in_and_what_goes_out(direction, name):
    step = STEPS[direction, name]
    if name == "loss":
        expected = {"y": step.given} if direction == "forward" else {"dy": step.result}
    else:
        given, result = ("x", "y") if direction == "forward" else ("dy", "dx")
        expected = {given: step.given, result: step.result}
    expected |= {f"d{parameter}": gradient for parameter, gradient in step.gradients.items()}
    shown = steps.arrays(step)
    assert list(shown) == list(expected)
    for array, values in zip(shown.values(), expected.values(), strict=True):
        np.testing.assert_array_equal(array, values)


def test_titles_shapes_and_formulas():
    assert steps.title(STEPS["backward", "fc2"]) == "Backward through fc2"
    assert steps.shapes(STEPS["forward", "fc1"]) == "x (3,), y (4,)"
    assert steps.shapes(STEPS["backward", "fc1"]) == "dy (4,), dx (3,), dW (4, 3), db (4,)"
    assert steps.shapes(STEPS["forward", "loss"]) == "y (2,), c ()"
    assert steps.shapes(STEPS["backward", "loss"]) == "1 (), dy (2,)"
    written = steps.formula(STEPS["forward", "fc2"], PROBLEM.network, PROBLEM.loss)
    assert written.startswith("y = W x + b = [")
    assert PROBLEM.loss.formula in steps.formula(STEPS["forward", "loss"], PROBLEM.network, PROBLEM.loss)
    assert PROBLEM.loss.gradient_formula in steps.formula(STEPS["backward", "loss"], PROBLEM.network, PROBLEM.loss)
    tanh = PROBLEM.network.activation_fn1
    assert tanh.formula in steps.formula(STEPS["forward", "activation_fn1"], PROBLEM.network, PROBLEM.loss)
    assert tanh.derivative_formula in steps.formula(STEPS["backward", "activation_fn1"], PROBLEM.network, PROBLEM.loss)


def test_a_long_vector_is_written_with_its_first_and_last_numbers():
    step = trace(*Experiment(sizes=(2, 6, 3), seed=1).problem())[0]
    written = steps.formula(step, Experiment(sizes=(2, 6, 3), seed=1).problem().network, PROBLEM.loss)
    numbers = written.partition("[")[2].rstrip("]").split(r",\ ")
    assert numbers[3] == r"\dots"
    assert float(numbers[0]) == pytest.approx(step.result[0], rel=1e-2)
    assert float(numbers[-1]) == pytest.approx(step.result[-1], rel=1e-2)
    assert len(numbers) == 5
    of_four = steps.formula(STEPS["forward", "fc1"], PROBLEM.network, PROBLEM.loss)
    assert of_four.endswith("[" + r",\ ".join(f"{value:.3g}" for value in STEPS["forward", "fc1"].result) + "]")


@pytest.mark.parametrize("batch", [1, 4])
def test_a_linear_layers_formulas_are_those_of_one_sample_or_of_a_batch(batch):
    problem = Experiment(sizes=(3, 4, 2), seed=3, batch=batch).problem()
    passes = {(step.direction, step.name): step for step in trace(*problem)}
    forward, backward = passes["forward", "fc2"], passes["backward", "fc2"]
    layer, x, dy = problem.network.fc2, forward.given, backward.given
    rules = [steps.formula(step, problem.network, problem.loss) for step in (forward, backward)]
    if batch == 1:
        assert rules[0].startswith("y = W x + b = [")
        assert rules[1].endswith(r"dW_{ij} = dy_i\, x_j \qquad db = dy")
        by_rule = layer.W @ x + layer.b, np.outer(dy, x), dy
    else:
        assert rules[0].startswith("y = x W^T + b = [")
        assert rules[1].endswith(r"dW = dy^T x \qquad db = \sum_n dy_n")
        by_rule = x @ layer.W.T + layer.b, dy.T @ x, np.sum(dy, axis=0)
    # Of a batch the first sample is written, and dots for the others; of more than four numbers the first and last.
    for rule, step in zip(rules, (forward, backward), strict=True):
        first = [f"{number:.3g}" for number in np.atleast_2d(step.result)[0]]
        assert "= [" + r",\ ".join(first) + "]" + (r",\ \dots" if batch > 1 else "") in rule
    for found, expected in zip(by_rule, (forward.result, *backward.gradients.values()), strict=True):
        # Sums of at most five terms, none above 4, in whatever order: twice 5 roundings of at most 20 * 2^-53 each.
        np.testing.assert_allclose(found, expected, rtol=0, atol=10 * 20 * 2**-53)


@pytest.mark.parametrize("batch", [1, 4])
def test_the_code_of_each_step_pasted_into_numpy_gives_its_numbers(batch):
    problem = Experiment(sizes=(3, 4, 2), seed=3, batch=batch).problem()
    passes = trace(*problem)
    forward = {step.name: step for step in passes if step.direction == "forward"}
    for step in passes:
        layer = problem.network.layers.get(step.name, problem.loss)
        known = {"x": forward[step.name].given, "y": forward[step.name].given, "dy": step.given, "t": problem.target}
        known |= {"loss": problem.loss, "np": np, **layer.parameters()} if step.name != "loss" else {"loss": layer}
        known |= {"f": getattr(layer, "function", None), "df": getattr(layer, "derivative", None)}
        for line in steps.code(step, problem.network).strip("`").split("`, `"):
            name, _, expression = line.partition(" = ")
            expected = step.gradients.get(name[1:], step.result)
            np.testing.assert_allclose(eval(expression, known), expected, rtol=1e-14)


SMALL = Experiment(sizes=(2, 2, 1), seed=1)


def test_a_small_network_carries_every_number_of_both_passes():
    problem = SMALL.problem()
    passes = trace(*problem)
    fc1, fc2 = problem.network.fc1, problem.network.fc2
    figure = by_hand.diagram(problem, passes, network.weights(problem.network), "weight", passes[0])
    texts = [text for trace in figure.data if trace.mode == "text" for text in trace.text]
    assert texts[:6] == [brief(value) for value in (*fc1.W.ravel(), *fc2.W.ravel())]
    z = fc1.apply(problem.x)
    y = fc2.apply(np.tanh(z))
    assert by_hand.units(problem, passes, "forward") == [
        [f"x = {value:.4g}" for value in problem.x],
        [f"b = {b:.4g}<br>y = {value:.4g}<br>f(y) = {np.tanh(value):.4g}" for b, value in zip(fc1.b, z, strict=True)],
        [f"b = {fc2.b[0]:.4g}<br>y = {y[0]:.4g}<br>t = {problem.target[0]:.4g}"],
    ]
    dy = 2 * (y - problem.target)
    back = dy @ fc2.W
    through = back * (1 - np.tanh(z) ** 2)
    assert by_hand.units(problem, passes, "backward") == [
        [f"dx = {value:.4g}" for value in through @ fc1.W],
        [f"dy = {before:.4g}<br>f'(y) dy = {after:.4g}" for before, after in zip(back, through, strict=True)],
        [f"dy = {dy[0]:.4g}"],
    ]


def test_weights_stand_a_third_along_their_edges_and_the_numbers_of_a_pass_below_their_units():
    problem = SMALL.problem()
    passes, weights = trace(*problem), network.weights(problem.network)
    plain = network.diagram(problem.network, weights, "weight", passes[0].name)
    figure = by_hand.diagram(problem, passes, weights, "weight", passes[0])
    on_edges, below = figure.data[len(plain.data) : len(plain.data) + 2], figure.data[len(plain.data) + 2 :]
    for k, (texts, matrix) in enumerate(zip(on_edges, weights.values(), strict=True)):
        right, left = (network.heights(size) for size in matrix.shape)
        np.testing.assert_allclose(texts.y, (left + (right[:, None] - left) / 3).ravel(), atol=1e-15)
        assert (set(texts.x), texts.textposition) == ({k + 1 / 3}, "top center")
    for k, (texts, column) in enumerate(zip(below, by_hand.units(problem, passes, "forward"), strict=True)):
        assert texts.text == tuple(f"<br>{text}" for text in column)
        np.testing.assert_array_equal(texts.y, network.heights(len(column)))
        assert (set(texts.x), texts.textposition) == ({k}, "bottom center")
    for texts in (*on_edges, *below):  # they can be read where a click elsewhere makes the rest pale, and hide no hover
        assert (texts.textfont.size, texts.unselected.textfont.color, texts.hoverinfo) == (14, "#757575", "skip")
    # What stands below the lowest units, at -1, has its room, and the names of layers stand below that.
    assert figure.layout.height - plain.layout.height == 120
    assert figure.layout.yaxis.range == (-1.9, plain.layout.yaxis.range[1])
    assert {note.y for note in figure.layout.annotations} == {-1.9}


@pytest.mark.parametrize(
    ("experiment", "is_small"),
    [
        (SMALL, True),
        (Experiment((3, 4)), True),
        (Experiment((1, 13)), False),
        (Experiment(), False),
        (Experiment((1, 1), batch=2), False),
    ],
)
def test_numbers_stand_on_a_small_network_of_one_sample_alone(experiment, is_small):
    problem = experiment.problem()
    passes = trace(*problem)
    figure = by_hand.diagram(problem, passes, network.weights(problem.network), "weight", passes[0])
    assert by_hand.is_small(problem) == is_small
    assert any(trace.mode == "text" for trace in figure.data) == is_small


def test_the_colours_of_gradients_are_each_layers_own():
    problem = Experiment(sizes=(1, 1, 1)).problem()
    edges = {"fc1": np.array([[1e-6]]), "fc2": np.array([[1.0]])}
    plain = network.diagram(problem.network, edges, "gradient")
    own = network.diagram(problem.network, edges, "gradient", by_layer=True)
    widths = [[trace.line.width for trace in figure.data if trace.mode == "lines"] for figure in (plain, own)]
    assert widths[0][0] < widths[0][1]
    assert widths[1][0] == widths[1][1]
    assert own.layout.coloraxis.cmax == 1
