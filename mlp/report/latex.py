"""A central difference written out in LaTeX with its numbers put in, as one would do it on the blackboard."""

import numpy as np

from mlp.differences.derivatives import sample
from mlp.differences.examples import Example
from mlp.differences.methods import CENTRAL
from mlp.nn.arrays import Array
from mlp.report.numbers import brief


def number(value: float) -> str:
    r"""A number with all the digits it has: 6.25, 2 \cdot 10^{-12}."""
    if not np.isfinite(value):
        return r"\text{no value}"
    mantissa, _, exponent = repr(float(value) + 0.0).removesuffix(".0").partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def matrix(values: Array) -> str:
    """A matrix; a vector as a row."""
    rows = r" \\ ".join(" & ".join(map(number, row)) for row in np.atleast_2d(values))
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"


def analytical(example: Example, x: Array) -> str:
    """The derivative's formula, and what it gives at x to four digits."""
    exact = example.jacobian(x)
    if np.isnan(exact).any():
        return rf"{example.derivative_formula} \quad \text{{(here there is none)}}"
    rounded = np.array([[float(f"{value:.4g}") for value in row] for row in exact])
    sign = "=" if np.array_equal(rounded, exact) else r"\approx"
    values = number(rounded.item()) if rounded.size == 1 else matrix(rounded)
    return rf"{example.derivative_formula} {sign} {values}"


def quotient(example: Example, x: Array, index: tuple[int, ...], output: int, eps: float) -> str:
    """The central difference of one output with respect to one entry: formula, values of f, result."""
    with np.errstate(divide="ignore"):
        samples = sample(example.function, x, index, eps, CENTRAL)
        up, down = (float(value.flat[output]) for value in samples.values)
        result = float(samples.quotient.flat[output])
    function = "f" if example.outputs == 1 else f"f_{{{output}}}"
    shifted = [f"{function}({_argument(example, x, index, sign, eps)})" for sign in "+-"]
    name = _derivative(example, index, function)
    return (
        r"\begin{aligned} "
        rf"{name} &\approx \frac{{{shifted[0]} - {shifted[1]}}}{{2 \cdot {number(eps)}}} "
        rf"\\[4pt] &= \frac{{{number(up)} - {enclosed(down)}}}{{{number(2 * samples.step)}}} "
        rf"\\[4pt] &= {number(result)} "
        r"\end{aligned}"
    )


def compared(example: Example, x: Array, index: tuple[int, ...], output: int, eps: float) -> str:
    """What the central difference has missed, in words."""
    exact = float(example.jacobian(x)[output, np.ravel_multi_index(index, x.shape)])
    with np.errstate(divide="ignore", invalid="ignore"):
        error = float(sample(example.function, x, index, eps, CENTRAL).quotient.flat[output]) - exact
    if np.isnan(exact):
        return "There is no derivative here."
    if error == 0:
        return f"The analytical derivative is {exact:.10g}, and so is the quotient, to the last bit."
    if not np.isfinite(error):
        return f"The analytical derivative is {exact:.10g}."
    return f"The analytical derivative is {exact:.10g}: the quotient is off by {brief(error)}."


def place(x: Array, number: int) -> tuple[int, ...]:
    """The index of the entry that is this one in C order."""
    return tuple(int(i) for i in np.unravel_index(number, x.shape))


def shown(x: Array, index: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The entries whose quotients are written out: all of a short vector, else the chosen one."""
    return list(np.ndindex(x.shape)) if x.size <= 2 else [index]


def reshaping(shape: tuple[int, ...], outputs: int) -> str:
    """The exercise's reshaping trick for a matrix of this shape, in Markdown."""
    rows, columns = shape
    return (
        f"**The reshaping trick.** A is a matrix of shape ({rows}, {columns}), but a Jacobian has one column for each "
        f"input. So count the entries of A row by row: `fun2 = lambda a: fun(a.reshape({rows}, {columns}))` is a "
        f"function of a vector of {rows * columns} numbers, and `numerical_gradient(fun2, A.flatten())` has shape "
        f"({outputs}, {rows}·{columns}): {outputs} outputs, and a column for each A[k,l]. Reshaped to "
        f"({outputs}, {rows}, {columns}), its entry [i, k, l] is the derivative of output i with respect to A[k, l]. "
        "(`mlp.numerical_gradient` takes the matrix itself and returns that shape at once.)"
    )


def _derivative(example: Example, index: tuple[int, ...], function: str) -> str:
    if example.point.size == 1:
        return f"f'({example.variable})"
    return rf"\frac{{\partial {function}}}{{\partial {example.variable}_{{{','.join(map(str, index))}}}}}"


def _argument(example: Example, x: Array, index: tuple[int, ...], sign: str, eps: float) -> str:
    """The point with eps added to one entry: "1 + 0.5, 2"; of a matrix its name, with E_{kl} for the entry."""
    if x.ndim > 1:
        return rf"{example.variable} {sign} {number(eps)}\, E_{{{','.join(map(str, index))}}}"
    entries = [number(value) for value in x]
    entries[index[0]] += f" {sign} {number(eps)}"
    return r",\, ".join(entries)


def enclosed(value: float) -> str:
    """A number, a negative one in brackets, as it stands within a sum or product."""
    return f"({number(value)})" if value < 0 else number(value)
