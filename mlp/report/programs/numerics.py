"""A method of numerical differentiation as a numpy function, as one would write it in a notebook.

The simple methods are written out; every other one is its offsets and weights in the formula that all share.
"""

import textwrap
from collections.abc import Iterable
from fractions import Fraction
from math import isclose
from typing import NamedTuple

from mlp.differences.methods import METHODS
from mlp.report.programs.writing import WIDTH, lines


class Quotient(NamedTuple):
    """The lines that shift entry i of x, and the quotient that approximates the derivative."""

    shift: str
    value: str


_STEP = "# Divide by the step that was really taken: x + eps is rounded."
WRITTEN_OUT: dict[str, Quotient] = {
    "forward": Quotient(f"up = x.copy()\nup[i] += eps\n{_STEP}", "(fun(up) - fun(x)) / (up[i] - x[i])"),
    "backward": Quotient(f"down = x.copy()\ndown[i] -= eps\n{_STEP}", "(fun(x) - fun(down)) / (x[i] - down[i])"),
    "central": Quotient(
        f"up, down = x.copy(), x.copy()\nup[i] += eps\ndown[i] -= eps\n{_STEP}",
        "(fun(up) - fun(down)) / (up[i] - down[i])",
    ),
    "complex-step": Quotient("shifted = x.astype(complex)\nshifted[i] += 1j * eps", "fun(shifted).imag / eps"),
}

_DIFFERENCE = '''\
def difference(fun, x, i, eps, offsets, weights):
    """{formula}, with the step that floating point really takes."""
    total = step = 0
    for offset, weight in zip(offsets, weights):
        shifted = {shifted}
        shifted[i] += offset * eps
        total = total + weight * fun(shifted)
        step += {step}
    return {total} / step'''


def difference(is_complex: bool) -> str:
    """Define `difference(fun, x, i, eps, offsets, weights)`, for complex offsets too or for real ones only."""
    if is_complex:
        return _DIFFERENCE.format(
            formula="Re(sum_k w_k f(x + o_k eps)) / eps",
            shifted="x.astype(np.result_type(x, offset))",
            step="np.real(weight * (shifted[i] - x[i]))",
            total="np.real(total)",
        )
    return _DIFFERENCE.format(
        formula="sum_k w_k f(x + o_k eps) / eps",
        shifted="x.copy()",
        step="weight * (shifted[i] - x[i])",
        total="total",
    )


def numerical_gradient(method: str) -> list[str]:
    """Define `numerical_gradient(fun, x, eps)` for a function of an array to a number."""
    return _function(method, "numerical_gradient", "gradient", "np.zeros_like(x)", ("np.ndindex(x.shape)", "i"))


def numerical_jacobian(method: str) -> list[str]:
    """Define `numerical_jacobian(fun, x, eps)` for a function of a vector to a vector, as the exercise does."""
    empty = "np.zeros((fun(x).size, x.size))"
    return _function(method, "numerical_jacobian", "jacobian", empty, ("range(x.size)", ":, i"))


def stencil(method: str) -> tuple[str, str]:
    """Write a method's offsets and its weights as lists."""
    offsets, weights = METHODS[method].offsets, METHODS[method].weights
    return f"[{', '.join(map(_written, offsets))}]", f"[{', '.join(map(_written, weights))}]"


def method_table(methods: Iterable[str]) -> str:
    """Define `methods`: offsets and weights by name."""
    return lines(["# Offsets and weights of each method.", "methods = {", *map(_row, methods), "}"])


def _row(name: str) -> str:
    offsets, weights = stencil(name)
    row = f'    "{name}": ({offsets}, {weights}),'
    return row if len(row) <= WIDTH else row.replace("], [", "],\n" + " " * (len(name) + 9) + "[")


def _function(method: str, name: str, result: str, empty: str, loop: tuple[str, str]) -> list[str]:
    """Define a function that fills its result entry by entry; `loop` is what i runs over, and the index it fills."""
    blocks, before, (over, index) = [], "", loop
    quotient = WRITTEN_OUT.get(method)
    if quotient is None:
        blocks, before = (
            [difference(METHODS[method].is_complex)],
            "    offsets = {}\n    weights = {}\n".format(*stencil(method)),
        )
        quotient = Quotient("", "difference(fun, x, i, eps, offsets, weights)")
    body = textwrap.indent(f"{quotient.shift}\n{result}[{index}] = {quotient.value}".strip(), " " * 8)
    text = (
        f"def {name}(fun, x, eps):\n"
        f'    """The {method} method: shift one entry of x at a time."""\n'
        f"{before}    {result} = {empty}\n    for i in {over}:\n{body}\n    return {result}"
    )
    return [*blocks, text]


def _written(number: complex) -> str:
    """Write a number as people do: a fraction where it is one, up to rounding."""
    if complex(number).imag:
        return repr(number) if number.real else f"{number.imag:g}j"
    fraction = Fraction(float(number.real)).limit_denominator(1000)
    is_close = isclose(fraction, number.real, rel_tol=1e-15)
    return str(fraction).replace("/", " / ") if is_close else repr(number)
