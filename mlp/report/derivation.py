"""The arithmetic behind one gradient in LaTeX, with its numbers put in: backpropagation's, and the difference's."""

from fractions import Fraction

import numpy as np

from mlp.check.report import GradientReport
from mlp.differences.derivatives import Samples, sample
from mlp.differences.methods import Method
from mlp.nn.arrays import Array
from mlp.nn.derivation import Index, Line, Number, Passes
from mlp.nn.layers import Layer, Linear
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, Problem
from mlp.nn.trace import LOSS, Step, layer_steps
from mlp.report.latex import enclosed, number
from mlp.report.tables.tensors import offset_name

MAX_TERMS = 3  # of a sum, the largest are written out
DIGITS = 4
MAX_LINES = 8  # of a step whose every number is written out


def line(shown: Line) -> str:
    """One number by its names, its factors and its value: dW[7,1] = dy[7] x[1] = 3.02 · 1.764 = 5.327."""
    terms = shown.terms if len(shown.terms) <= MAX_TERMS else shown.by_size[:MAX_TERMS]
    left_out = len(shown.terms) - len(terms)
    rest = rf" + \dots \text{{ ({left_out} smaller)}}" if left_out else ""
    names = " + ".join(r"\,".join(factor.name for factor in term) for term in terms)
    values = " + ".join(r" \cdot ".join(map(_factor, term)) for term in terms)
    rows = [names + rest, values + rest, _rounded(shown.result.value)]
    return " = ".join([shown.result.name, *dict.fromkeys(rows)])  # a lone dy with its value is not said twice


def origin(problem: Problem[Sequential], steps: list[Step], name: str, index: Index) -> list[tuple[str, str]]:
    """Where an entry of a gradient comes from, from its own layer back to the loss.

    Args:
        problem: the network with its loss, input and target.
        steps: the `trace` of it.
        name: the tensor, "fc1.W", or "x" for the input.
        index: of the entry.

    Returns:
        For each layer on the way its name, and its line in LaTeX, along the largest product of each sum.
    """
    chain = Passes(problem.network, steps).chain(name, index)
    output = next(step.given for step in steps if step.name == LOSS)
    return [
        (one.layer, line(one) if one.terms else start(problem.loss, output, problem.target, one.result.place))
        for one in chain
    ]


def forward(problem: Problem[Sequential], steps: list[Step], name: str, index: Index) -> list[str]:
    """Of one sample what the unit of a bias computes on the way forward: y, and f of it; nothing for other tensors."""
    layer, _, parameter = name.partition(".")
    if parameter != "b" or problem.x.ndim > 1:
        return []
    layers = list(problem.network.layers.items())
    place = [one for one, _ in layers].index(layer)
    passes = Passes(problem.network, steps)
    behind = [one for one, made in layers[place + 1 : place + 2] if not isinstance(made, Linear)]
    return [line(passes.output(one, index)) for one in (layer, *behind)]


def biases(problem: Problem[Sequential], steps: list[Step], name: str, index: Index) -> dict[str, Index]:
    """Along the `origin` of one sample's entry, the biases whose gradient is the dy that is followed."""
    passes = Passes(problem.network, steps)
    return passes.biases(passes.chain(name, index))


def difference(problem: Problem[Sequential], report: GradientReport, name: str, index: Index) -> str:
    """The numerical derivative of an entry: the values of the loss on both sides, and their quotient."""
    samples = sample(problem.function(name), problem.tensors()[name], index, report.eps, report.method)
    return quotient(samples, f"d{name.rpartition('.')[2]}[{','.join(map(str, index))}]")


def written_out(problem: Problem[Sequential], steps: list[Step], step: Step) -> list[str]:
    """Every number that a step computes, each as a line in LaTeX, where there are few; else nothing.

    Args:
        problem: the network with its loss, input and target.
        steps: the `trace` of it.
        step: one of them.
    """
    results = {"": step.result, **step.gradients}
    if sum(array.size for array in results.values()) > MAX_LINES or step.given.ndim > 1:
        return []
    passes = Passes(problem.network, steps)
    if step.name == LOSS:
        output = next(one.given for one in steps if one.name == LOSS)
        if step.direction == "forward":
            return [rf"{problem.loss.formula} = {_rounded(float(step.result))}"]
        return [start(problem.loss, output, problem.target, index) for index in np.ndindex(output.shape)]
    if step.direction == "forward":
        return [line(passes.output(step.name, index)) for index in np.ndindex(step.result.shape)]
    lines = [passes.input_gradient(step.name, index) for index in np.ndindex(step.result.shape)]
    for parameter, gradient in step.gradients.items():
        lines += [passes.parameter_gradient(step.name, parameter, index) for index in np.ndindex(gradient.shape)]
    return [line(one) for one in lines]


def product(
    layer: Layer, x: Array, dy: Array, name: str, index: Index, eps: float, method: str | Method
) -> tuple[str, str]:
    """Both ways to an entry of what a layer alone makes of dy: its products, and the difference of c = dy @ y.

    Args:
        layer: its stored state and gradients are those of this pass afterwards.
        x: one sample of shape (in_features,).
        dy: the gradient with respect to the output, of shape (out_features,).
        name: "W", "b", or "x" for the input.
        index: of the entry.
        eps: the step of the difference.
        method: the difference's.

    Raises:
        ValueError, TypeError: as the layer and `sample`.
    """
    passes = Passes(Sequential(layer=layer), layer_steps("layer", layer, x, dy))
    if name == INPUT:
        one, tensor = passes.input_gradient("layer", index), x
    else:
        one, tensor = passes.parameter_gradient("layer", name, index), layer.parameters()[name]

    def moved(varied: Array) -> Array:
        return dy @ (layer.apply(varied) if name == INPUT else layer.replaced(name, varied).apply(x))

    return line(one), quotient(sample(moved, tensor, index, eps, method), one.result.name)


def loss_quotient(loss: Loss, y: Array, target: Array, i: int, eps: float, method: str | Method) -> str:
    """The numerical derivative of a loss with respect to entry i of one sample's output y, as `quotient` writes it."""
    samples = sample(lambda varied: loss.apply(varied, target), y, (i,), eps, method)
    return quotient(samples, f"dy[{i}]")


def quotient(samples: Samples, left: str) -> str:
    """What stands behind a numerical derivative: sum of weights times values, over the step; formula, numbers, result.

    The weights are written as whole multiples of the smallest: c(+h) - c(-h) over 2h.
    """
    method = samples.method
    smallest = min(abs(weight) for weight in method.weights)
    multiples = [
        Fraction(complex(weight).real or -complex(weight).imag) / Fraction(smallest) for weight in method.weights
    ]
    part = r"\mathrm{Im}\, " if method.is_complex else ""
    names = [f"{part}c({offset_name(offset)})" for offset in method.offsets]
    values = [value.item().imag if method.is_complex else value.item() for value in samples.values]
    divisor = _multiple(1 / Fraction(smallest))
    above = _sum(multiples, names), _sum(multiples, [enclosed(value) for value in values])
    rows = [
        rf"\frac{{{above[0]}}}{{{divisor}h}}",
        rf"\frac{{{above[1]}}}{{{number(float(1 / Fraction(smallest)) * samples.step)}}}",
        number(float(samples.quotient)),
    ]
    body = r" \\[6pt] &= ".join(rows)
    return rf"\begin{{aligned}} {left} &\approx {body} \end{{aligned}}"


def start(loss: Loss, y: Array, target: Array, index: Index) -> str:
    """Where backward starts, at one entry of the output y: the loss's rule, the numbers in it, and what comes out."""
    rule, entry = loss.gradient_formula, f"[{','.join(map(str, index))}]"
    known = [f"y{entry} = {_rounded(float(y[index]))}"]
    known.append(f"t{entry} = {_rounded(float(loss.as_target(target, y)[index]))}")
    if "{n}" in rule:  # the mean is over all elements
        known.append(f"n = {y.size}")
    elif y.ndim > 1:
        known.append(rf"\text{{over {len(y)} samples}}")
    known.append(f"dy{entry} = {_rounded(float(loss.gradient(y, target)[index]))}")
    return r", \quad ".join([rule, *known])


def _rounded(value: float) -> str:
    return number(float(f"{value:.{DIGITS}g}"))


def _value(value: float) -> str:
    """As a factor or a term."""
    return enclosed(float(f"{value:.{DIGITS}g}"))


def _factor(shown: Number) -> str:
    """A factor's value; of a function's the function of its argument's: f(2.228)."""
    if shown.argument is None:
        return _value(shown.value)
    return f"{shown.function}({_rounded(shown.argument)})"


def _multiple(factor: Fraction) -> str:
    """A factor in front of what it multiplies, left out where it is 1."""
    whole = factor.limit_denominator(1000)
    return "" if whole == 1 else rf"{whole} \cdot "


def _sum(multiples: list[Fraction], names: list[str]) -> str:
    terms = [
        f"{'-' if factor < 0 else '+'} {_multiple(abs(factor))}{name}"
        for factor, name in zip(multiples, names, strict=True)
    ]
    return " ".join(terms).removeprefix("+ ")
