r"""The arithmetic behind an entry as LaTeX: what is written, read as a formula again, gives the number it ends with."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mlp import METHODS, check_gradients, loss_hessian
from mlp.lab.experiment import Experiment
from mlp.lab.lessons import linear_problem
from mlp.nn.losses import LOSSES
from mlp.nn.trace import jacobians_by_backward, trace
from mlp.report import derivation
from mlp.report.figures import steps
from tests.report.checks import tensor_check


def evaluated(latex):
    """The value of a formula of numbers, sums, products and one fraction."""
    text = re.sub(r"\\cdot 10\^\{(-?\d+)\}", r"*1e\1", latex).replace(r"\cdot", "*")
    text = re.sub(r"(?<![\d.])10\^\{(-?\d+)\}", r"1e\1", text)
    text = re.sub(r"\\frac\{(.*)\}\{(.*)\}", r"(\1)/(\2)", text)
    assert re.fullmatch(r"[-+*/().\de ]+", text), text
    return eval(text)


def put_in(difference):
    """What a quotient is of, what its formula gives with the values above it put in, and what it says that it gives."""
    *values, last = difference.removeprefix(r"\begin{aligned} ").removesuffix(r" \end{aligned}").split(r" \\[4pt] ")
    left, _, right = last.partition(r" &\approx ")
    formula, _, result = right.rpartition(" = ")
    for symbol, value in (line.split(" &= ") for line in values):  # h last: it stands in the others' names
        formula = formula.replace(symbol, f"({value})")
    return left, evaluated(formula), evaluated(result)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["fc1.W", "fc2.b", "x"])
def test_the_quotient_is_the_numerical_gradient(method, name):
    problem = Experiment(sizes=(2, 3, 2), seed=1).problem()
    report = check_gradients(*problem, 1e-3, method)
    check = report[name]
    left, numbers, value = put_in(derivation.difference(problem, name, check.worst, 1e-3, method))
    assert re.fullmatch(rf"d{name[-1]}\[[\d,]+\]", left)
    # The written values have all their digits, so only the sum's own rounding is left: c is about 1, the step 1e-3.
    assert numbers == pytest.approx(value, rel=1e-9, abs=1e-10)
    assert abs(value - check.analytical[check.worst]) <= 2 * check.error_bar[check.worst]


def test_a_difference_is_written_as_on_the_blackboard():
    problem = Experiment(seed=1).problem()
    for method, expected in (
        ("central", r"\frac{c(+h) - c(-h)}{2 \cdot h}"),
        ("forward", r"\frac{c(+h) - c(0)}{h}"),
        ("five-point", r"\frac{8 \cdot c(+h) - 8 \cdot c(-h) - c(+2h) + c(-2h)}{12 \cdot h}"),
        ("complex-step", r"\frac{\mathrm{Im}\, c(+ih)}{h}"),
    ):
        assert expected in derivation.difference(problem, "fc1.b", (0,), 1e-4, method)


def test_each_line_ends_with_its_value_and_names_what_was_left_out():
    problem = Experiment().problem()
    steps = trace(*problem)
    lines = derivation.origin(problem, steps, "fc1.W", (7, 1))
    assert [layer for layer, _ in lines] == ["fc1", "activation_fn1", "fc2", "activation_fn2", "fc3", "loss"]
    gradient = check_gradients(*problem)["fc1.W"].analytical[7, 1]
    names, numbers, value = lines[0][1].split(" = ")[1:]
    assert names == r"dy[7]\,x[1]"
    assert evaluated(numbers) == pytest.approx(gradient, rel=2e-3)  # factors of four digits
    assert float(value) == float(f"{gradient:.4g}")
    assert r"\dots \text{ (17 smaller)}" in lines[2][1]
    assert lines[2][1].count("dy[") == derivation.MAX_TERMS


def test_a_number_that_is_another_s_is_said_once():
    problem = Experiment(sizes=(1, 1, 1)).problem()
    [_, (_, line), *_] = derivation.origin(problem, trace(*problem), "fc1.b", (0,))
    assert line.startswith("dx[0] = f'(x[0])")
    (_, line), *_ = derivation.origin(problem, trace(*problem), "fc1.b", (0,))
    assert re.fullmatch(r"db\[0\] = dy\[0\] = -?[\d.]+", line)
    negative = Experiment(sizes=(1, 1)).problem()
    (_, line), *_ = derivation.origin(negative, trace(*negative), "fc1.b", (0,))
    assert line == "db[0] = dy[0] = -0.2284"


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch", [1, 4])
def test_the_chain_ends_in_the_loss_s_own_rule_with_its_numbers(loss, batch):
    experiment = Experiment(sizes=(3, 4, 2), loss=loss, batch=batch)
    problem = experiment.problem()
    steps = trace(*problem)
    name, last = derivation.origin(problem, steps, "fc2.b", (1,))[-1]
    assert name == "loss"
    y = problem.network.apply(problem.x)
    place = re.search(r"dy\[([\d,]+)\] = ", last)[1]
    index = tuple(map(int, place.split(",")))
    gradient = problem.loss.gradient(y, problem.target)[index]
    rule, *known = last.split(r", \quad ")
    assert rule == problem.loss.gradient_formula
    over = [f"n = {2 * batch}"] if "{n}" in rule else [r"\text{over 4 samples}"] if batch > 1 else []
    y_there, target_there = (f"{array[index]:.4g}" for array in (y, problem.loss.as_target(problem.target, y)))
    assert known == [
        *(f"y[{place}] = {float(y_there):g}", f"t[{place}] = {float(target_there):g}", *over),
        f"dy[{place}] = {float(f'{gradient:.4g}'):g}",
    ]
    left, numbers, value = put_in(
        derivation.loss_quotient(problem.loss, y, problem.target, index, 1e-20, "complex-step")
    )
    assert left == f"dy[{place}]"
    assert (numbers, value) == pytest.approx((gradient, gradient), rel=1e-12)


@pytest.mark.parametrize(("name", "index"), [("W", (2, 1)), ("b", (1,)), ("x", (0,))])
@pytest.mark.parametrize("method", METHODS)
def test_a_layer_alone_both_ways(name, index, method):
    problem = linear_problem(seed=4)
    exact = {
        "W": np.outer(problem.dy, problem.x),
        "b": problem.dy,
        "x": problem.dy @ problem.W,
    }[name][index]
    alone = derivation.alone(problem.layer(), problem.x, problem.dy)
    ways = derivation.both_ways(alone, name if name == "x" else f"layer.{name}", index, 1e-4, method)
    [(_, products)], difference = ways.backward, ways.difference
    assert products.startswith(f"d{name}[{','.join(map(str, index))}] = ")
    assert float(products.split(" = ")[-1]) == float(f"{exact:.4g}")
    # c is linear in each tensor: there is no truncation, and what is left is eps |c| / h, some 1e-11.
    assert put_in(difference)[1:] == pytest.approx((exact, exact), abs=1e-9)


def test_every_number_of_a_small_step_is_written_out():
    problem = Experiment(sizes=(1, 1, 1)).problem()
    steps = trace(*problem)
    W, x, b = problem.network.fc1.W[0, 0], problem.x[0], problem.network.fc1.b[0]
    [line] = derivation.written_out(problem, steps, steps[0])
    assert line == (rf"y[0] = W[0,0]\,x[0] + b[0] = {W:.4g} \cdot {x:.4g} + {b:.4g} = {W * x + b:.4g}")
    [line] = derivation.written_out(problem, steps, steps[1])
    assert line == f"y[0] = f(x[0]) = f({W * x + b:.4g}) = {np.tanh(W * x + b):.4g}"
    names = [one.partition(" = ")[0] for one in derivation.written_out(problem, steps, steps[-1])]
    assert names == ["dx[0]", "dW[0,0]", "db[0]"]
    for step in steps:
        assert len(derivation.written_out(problem, steps, step)) == step.result.size + sum(
            gradient.size for gradient in step.gradients.values()
        )


def test_a_large_step_and_a_batch_are_not_written_out():
    for experiment in (Experiment(), Experiment(sizes=(1, 1), batch=2)):
        problem = experiment.problem()
        steps = trace(*problem)
        assert derivation.written_out(problem, steps, steps[0]) == []


NUMBERS = [
    ("activation_fn1", "x"),
    ("activation_fn1", "y"),
    ("activation_fn1", "dy"),
    ("activation_fn1", "dx"),
    ("fc1", "x"),
    ("fc1", "dW"),
    ("fc2", "db"),
    ("fc2", "dy"),
    ("loss", "y"),
    ("loss", "dy"),
]


@pytest.mark.parametrize(("layer", "array"), NUMBERS)
@pytest.mark.parametrize("batch", [1, 3])
def test_any_number_that_flows_through_a_network_ends_with_its_value_both_ways(layer, array, batch):
    problem = Experiment(sizes=(3, 4, 2), batch=batch, seed=2).problem()
    [values] = [
        found[array] for step in trace(*problem) if step.name == layer and array in (found := steps.arrays(step))
    ]
    index = tuple(size - 1 for size in values.shape)
    ways = derivation.in_pass(problem, layer, array, index, 1e-4, "central")
    first = [*(text for _, text in ways.backward), *ways.forward][0]
    assert f" = {derivation._rounded(float(values[index]))}" in first
    assert bool(ways.backward) == array.startswith("d")
    if ways.backward:
        # Truncation h^2 f''' / 6 and round-off eps |c| / h, both some 1e-8 or less.
        assert put_in(ways.difference)[2] == pytest.approx(values[index], abs=1e-7)
        assert ways.backward[-1][0] == "loss"
        # The dy of a layer is the dx of the next one, and its x is what is moved; at the end it is the loss's y.
        held = {"fc1 dW": "fc1.W", "fc2 db": "fc2.b", "fc2 dy": "y", "loss dy": "y"}
        there = held.get(f"{layer} {array}", "fc2.x" if array == "dy" else f"{layer}.x")
        assert ways.moved == f"{there}[{','.join(map(str, index))}]"


def test_an_entry_of_a_network_s_jacobian_goes_through_every_layer_and_no_loss():
    problem = Experiment(sizes=(3, 4, 2), seed=2).problem()
    value = jacobians_by_backward(problem.network, problem.x)["x"][1, 2]
    ways = derivation.both_ways(derivation.alone(problem.network, problem.x, np.eye(2)[1]), "x", (2,), 1e-4, "central")
    assert [layer for layer, _ in ways.backward] == ["fc1", "activation_fn1", "fc2"]
    assert ways.backward[0][1].endswith(f" = {float(f'{value:.4g}')}")


@pytest.mark.parametrize("name", ["fc1.W", "fc2.b", "x"])
def test_an_entry_of_a_hessian_is_a_difference_of_gradients(name):
    problem = Experiment(sizes=(3, 4, 2), seed=2).problem()
    value, error = loss_hessian(*problem, name)
    shape = problem.tensors()[name].shape
    row, column = (tuple(int(i) for i in np.unravel_index(k, shape)) for k in (0, 1))
    written = derivation.second(problem, name, row, column)
    left, numbers, result = put_in(written)
    letter = name.rpartition(".")[2]
    assert rf"\partial {letter}[{','.join(map(str, row))}]" in left
    assert f"d{letter}[{','.join(map(str, row))}](+h) &= " in written
    # The page's own Hessian takes the step as asked, this line the one that was really taken.
    assert result == pytest.approx(value[0, 1], abs=2 * error[0, 1] + 1e-9)
    assert numbers == pytest.approx(result, rel=1e-9, abs=1e-9)


def test_the_error_bar_is_made_of_its_three_parts():
    check = check_gradients(*Experiment(sizes=(3, 4, 2)).problem())["fc1.W"]
    a, n, apart, *errors, last = derivation.error_bar(check, (1, 2)).removesuffix(r" \end{aligned}").split(r" \\ ")
    assert a.endswith(f"a &= {float(check.analytical[1, 2])!r}")
    assert n == f"n &= {float(check.numerical[1, 2])!r}"
    assert apart.endswith(f" &= {derivation._rounded(abs(check.difference[1, 2]))}")
    rule, bar = last.split(" = ")
    assert rule == r"\text{error bar} &= 2\, T + 4\, (R + A)"
    parts = zip("TRA", (check.truncation, check.roundoff, check.rounding), strict=True)
    assert errors == [f"{symbol} &= {derivation._rounded(values[1, 2])}" for symbol, values in parts]
    assert len(set(errors)) == 3
    made = rule.removeprefix(r"\text{error bar} &= ").replace(r"\,", "*")
    for symbol, value in (line.split(" &= ") for line in errors):
        made = made.replace(symbol, value)
    assert evaluated(made) == pytest.approx(check.error_bar[1, 2], rel=1e-3)  # of four digits
    assert evaluated(bar) == pytest.approx(check.error_bar[1, 2], rel=1e-3)


def test_a_number_without_axes_has_an_error_bar_too():
    check = replace(tensor_check(np.array(2.0), np.array(2.5)), truncation=0.25, roundoff=0.0, rounding=0.0)
    a, n, apart, *_, last = derivation.error_bar(check, ()).removesuffix(r" \end{aligned}").split(r" \\ ")
    assert (a[-4:], n, apart) == ("&= 2", "n &= 2.5", "|a - n| &= 0.5")
    assert last.endswith(" = 0.5")
