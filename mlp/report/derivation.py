"""The arithmetic behind one gradient in LaTeX, with its numbers put in: backpropagation's, and the difference's."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from mlp.check.passes import run_passes
from mlp.check.projection import Projection
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import ROUNDING_FACTOR, TRUNCATION_FACTOR
from mlp.differences.derivatives import Samples, sample
from mlp.differences.methods import CENTRAL, Method, optimal_step
from mlp.nn.arrays import Array
from mlp.nn.derivation import Index, Line, Number, Passes
from mlp.nn.layers import Layer, Linear
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, Problem
from mlp.nn.trace import LOSS, Step, trace
from mlp.report.latex import enclosed, number
from mlp.report.numbers import entry
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
    value = _alone if len(terms) == len(terms[0]) == 1 else _factor
    values = " + ".join(r" \cdot ".join(map(value, term)) for term in terms)
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
        For each layer on the way its name, and its line in LaTeX, along the largest product of each sum. That of the
        loss comes last, unless the dy there was given.
    """
    chain = Passes(problem.network, steps).chain(name, index)
    if isinstance(problem.loss, Projection):
        chain.pop()
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


def difference(problem: Problem[Sequential], name: str, index: Index, eps: float, method: str | Method) -> str:
    """The numerical derivative of an entry: the values of the loss on both sides, and their quotient."""
    samples = sample(problem.function(name), problem.tensors()[name], index, eps, method)
    return quotient(samples, f"d{entry(name.rpartition('.')[2], index)}")


class BothWays(NamedTuple):
    """Where a number of a network's passes comes from.

    Attributes:
        forward: what is computed on the way forward, a line in LaTeX for each number.
        backward: by layer, the `origin` of a gradient.
        biases: those whose gradient is the dy that is followed.
        moved: the name of the entry that is moved in the difference.
        difference: the quotient.
    """

    forward: tuple[str, ...] = ()
    backward: tuple[tuple[str, str], ...] = ()
    biases: Mapping[str, Index] = {}
    moved: str = ""
    difference: str = ""


def both_ways(problem: Problem[Sequential], name: str, index: Index, eps: float, method: str | Method) -> BothWays:
    """An entry of a gradient by backpropagation and by differences.

    Args:
        problem: it is left as it is.
        name: the tensor, "fc1.W", or "x" for the input.
        index: of the entry.
        eps: the step of the difference.
        method: the difference's.
    """
    steps = trace(*problem.copied())
    return BothWays(
        tuple(forward(problem, steps, name, index)),
        tuple(origin(problem, steps, name, index)),
        biases(problem, steps, name, index),
        entry(name, index),
        difference(problem, name, index, eps, method),
    )


def in_pass(
    problem: Problem[Sequential], layer: str, array: str, index: Index, eps: float, method: str | Method
) -> BothWays:
    """Where an entry of any array in a step of the passes comes from.

    Args:
        problem: it is left as it is.
        layer: the step's, or "loss".
        array: forward its "x" or "y", backward "dy", "dx", "dW" or "db"; of the loss "y" is what comes in.
        index: of the entry.
        eps: the step of the difference, of a gradient: that of what comes in is one of the layers from there on.
        method: the difference's.
    """
    if array in ("dW", "db"):
        return both_ways(problem, f"{layer}.{array[1:]}", index, eps, method)
    steps, names = trace(*problem.copied()), [*problem.network.layers, LOSS]
    place = names.index(layer)
    if array in ("x", "y"):
        made_by = place if array == "y" and layer != LOSS else place - 1
        return BothWays((_made(problem, steps, names[made_by] if made_by >= 0 else INPUT, index),))
    is_result = array == "dx" or layer == LOSS
    first = names[place if is_result else place + 1]
    return _handed_back(problem, next(step.given for step in steps if step.name == first), first, index, eps, method)


def _made(problem: Problem[Sequential], steps: list[Step], name: str, index: Index) -> str:
    """What a layer of this name puts out, or what comes into the network."""
    if name == INPUT:
        return rf"{entry(name, index)} = {_rounded(float(problem.x[index]))} \text{{, given to the network}}"
    return line(Passes(problem.network, steps).output(name, index))


def _handed_back(
    problem: Problem[Sequential], x: Array, first: str, index: Index, eps: float, method: str | Method
) -> BothWays:
    """The dx of a layer, or the dy of the loss: the gradient of all there is from there on with respect to its x."""
    if first == LOSS:
        backward = start(problem.loss, x, problem.target, index)
        by_difference = loss_quotient(problem.loss, x, problem.target, index, eps, method)
        return BothWays((), ((LOSS, backward),), moved=entry("y", index), difference=by_difference)
    layers = list(problem.network.layers.items())
    rest = Sequential(**dict(layers[[name for name, _ in layers].index(first) :]))
    ways = both_ways(Problem(rest, problem.loss, x, problem.target), INPUT, index, eps, method)
    return ways._replace(biases={}, moved=entry(f"{first}.x", index))


def second(problem: Problem[Sequential], name: str, row: Index, column: Index) -> str:
    """An entry of the Hessian of one tensor: the gradient of one entry on both sides of another, and their quotient."""
    copy, tensor, short = problem.copied(), problem.tensors()[name], name.rpartition(".")[2]

    def gradient(varied: Array) -> Array:
        return run_passes(copy.replaced(name, varied)).gradients[name][row]

    samples = sample(gradient, tensor, column, float(np.min(optimal_step(CENTRAL, tensor))), CENTRAL)
    left = rf"\frac{{\partial^2 c}}{{\partial {entry(short, row)}\, \partial {entry(short, column)}}}"
    return quotient(samples, left, f"d{entry(short, row)}")


def alone(layer: Layer, x: Array, dy: Array) -> Problem[Sequential]:
    """One layer, or a network, of which nothing is known but the dy that comes back: c = dy @ y."""
    return Problem(layer if isinstance(layer, Sequential) else Sequential(layer=layer), Projection(), x, dy)


def error_bar(check: TensorCheck, index: Index) -> str:
    """How far the two gradients of an entry lie apart, and how far their errors let them."""
    of = check.analytical, check.numerical, check.truncation, check.roundoff, check.rounding
    # A number without axes may be a plain float.
    analytical, numerical, *errors = (float(np.asarray(values)[index]) for values in of)
    bar = float(np.asarray(check.error_bar)[index])
    rows = [
        rf"a &= {number(analytical)} \\ n &= {number(numerical)}",
        rf"|a - n| &= {_rounded(abs(analytical - numerical))}",
        *(rf"{symbol} &= {_rounded(error)}" for symbol, error in zip("TRA", errors, strict=True)),
        rf"\text{{error bar}} &= {TRUNCATION_FACTOR:g}\, T + {ROUNDING_FACTOR:g}\, (R + A) = {_rounded(bar)}",
    ]
    written = r" \\ ".join(rows)
    return rf"\begin{{aligned}} {written} \end{{aligned}}"


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


def loss_quotient(loss: Loss, y: Array, target: Array, index: Index, eps: float, method: str | Method) -> str:
    """The numerical derivative of a loss with respect to an entry of the output y, as `quotient` writes it."""
    samples = sample(lambda varied: loss.apply(varied, target), y, index, eps, method)
    return quotient(samples, f"d{entry('y', index)}")


def quotient(samples: Samples, left: str, function: str = "c") -> str:
    """What stands behind a numerical derivative: the values, a line each, the step, and the quotient made of them.

    Args:
        samples: the values.
        left: what it is the derivative of, as LaTeX.
        function: what the values are those of.

    The weights are written as whole multiples of the smallest: c(+h) - c(-h) over 2h.
    """
    method = samples.method
    smallest = min(abs(weight) for weight in method.weights)
    multiples = [
        Fraction(complex(weight).real or -complex(weight).imag) / Fraction(smallest) for weight in method.weights
    ]
    part = r"\mathrm{Im}\, " if method.is_complex else ""
    names = [f"{part}{function}({offset_name(offset)})" for offset in method.offsets]
    values = [value.item().imag if method.is_complex else value.item() for value in samples.values]
    divisor = _multiple(1 / Fraction(smallest))
    rows = [
        *(rf"{name} &= {number(value)}" for name, value in zip(names, values, strict=True)),
        rf"h &= {number(float(samples.step))}",
        rf"{left} &\approx \frac{{{_sum(multiples, names)}}}{{{divisor}h}} = {number(float(samples.quotient))}",
    ]
    written = r" \\[4pt] ".join(rows)
    return rf"\begin{{aligned}} {written} \end{{aligned}}"


def start(loss: Loss, y: Array, target: Array, index: Index) -> str:
    """Where backward starts, at one entry of the output y: the loss's rule, the numbers in it, and what comes out."""
    rule = loss.gradient_formula
    known = [f"{entry('y', index)} = {_rounded(float(y[index]))}"]
    known.append(f"{entry('t', index)} = {_rounded(float(loss.as_target(target, y)[index]))}")
    if "{n}" in rule:  # the mean is over all elements
        known.append(f"n = {y.size}")
    elif y.ndim > 1:
        known.append(rf"\text{{over {len(y)} samples}}")
    known.append(f"{entry('dy', index)} = {_rounded(float(loss.gradient(y, target)[index]))}")
    return r", \quad ".join([rule, *known])


def _rounded(value: float) -> str:
    return number(float(f"{value:.{DIGITS}g}"))


def _value(value: float) -> str:
    """As a factor or a term."""
    return enclosed(float(f"{value:.{DIGITS}g}"))


def _factor(shown: Number) -> str:
    """The value of a factor, in brackets if it is negative."""
    return _alone(shown) if shown.argument is not None else _value(shown.value)


def _alone(shown: Number) -> str:
    """The value of a number; of a function's the function of its argument's: f(2.228)."""
    if shown.argument is None:
        return _rounded(shown.value)
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
