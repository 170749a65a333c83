"""Functions to differentiate by hand, by formula and numerically: each with its derivative and what it teaches.

All of them take an array in the shape of their point; all but |x| also take complex ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlp.nn.arrays import Array

VECTOR = np.array([1.0, 2.0, 3.0])


def anywhere(x: Array) -> str | None:  # noqa: ARG001
    """The domain of a function that has a value at every point."""
    return None


@dataclass(frozen=True, eq=False)
class Example:
    """A function with its analytical derivative.

    Attributes:
        name: what people call it.
        formula, derivative_formula: both as LaTeX, with indices from 0.
        function: takes an array in the shape of `point` and returns a number or a vector.
        jacobian: takes the same and returns the derivatives as a matrix of shape (outputs, inputs), the inputs counted
            row by row; NaN where there is no derivative.
        point: where to start looking.
        note: in Markdown, what to see here.
        variable: the name of the argument.
        domain: a sentence that says why there is nothing to see at a point, or None.
    """

    name: str
    formula: str
    derivative_formula: str
    function: Callable[[Array], Array]
    jacobian: Callable[[Array], Array]
    point: Array
    note: str
    variable: str = "x"
    domain: Callable[[Array], str | None] = anywhere

    @property
    def outputs(self) -> int:
        """The number of values that the function returns."""
        return int(np.size(self.function(self.point)))


def _no_overflow(x: Array) -> str | None:
    return (
        "Between -100 and 100, please: beyond, exp(x) soon leaves the range of floating point."
        if (abs(x[0]) > 100)
        else None
    )


def _not_zero(x: Array) -> str | None:
    return "1 / x has its pole at 0: there is no value there, and no derivative." if x[0] == 0 else None


def _slope_of_magnitude(x: Array) -> Array:
    return np.where(x == 0, np.nan, np.sign(x)).reshape(1, 1)


def _polar(x: Array) -> Array:
    return np.array([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])


def _polar_jacobian(x: Array) -> Array:
    r, phi = x
    return np.array([[np.cos(phi), -r * np.sin(phi)], [np.sin(phi), r * np.cos(phi)]])


def _sine_of_product_jacobian(A: Array) -> Array:
    # Output i depends on row i of A alone.
    slopes = np.cos(A @ VECTOR)
    return np.kron(np.eye(len(A)), VECTOR) * slopes[:, None]


EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        Example(
            "sum of squares",
            r"f(\mathbf{x}) = \mathbf{x}^T \mathbf{x} = x_0^2 + x_1^2",
            r"\nabla f(\mathbf{x}) = 2 \mathbf{x}",
            lambda x: np.sum(x * x),
            lambda x: 2 * x.reshape(1, -1),
            np.array([1.0, 2.0]),
            r"The central difference of a quadratic is **exact but for round-off**, however large $\epsilon$ is: "
            r"$(x + \epsilon)^2 - (x - \epsilon)^2 = 4 x \epsilon$ has no further term. The exercise prints 1.9999 and "
            r"4.0000 for $\epsilon = 0.5$ at $(1, 2)$; what comes out is 2 and 4, to the last bit. Make $\epsilon$ "
            "tiny to see round-off grow, or look at *forward*, which is off by $\\epsilon$.",
        ),
        Example(
            "cubic",
            r"f(x) = x^3",
            r"f'(x) = 3 x^2",
            lambda x: x**3,
            lambda x: 3 * np.square(x).reshape(1, 1),
            np.array([1.0]),
            r"$(x + \epsilon)^3 - (x - \epsilon)^3 = 6 x^2 \epsilon + 2 \epsilon^3$: the central difference is off by "
            r"exactly $\epsilon^2$, at every $x$. Half the step, a quarter of the error: that is what *order 2* means. "
            "Five-point, of order 4, is exact here.",
        ),
        Example(
            "sine",
            r"f(x) = \sin x",
            r"f'(x) = \cos x",
            np.sin,
            lambda x: np.cos(x).reshape(1, 1),
            np.array([1.0]),
            r"The central quotient is $\cos x \cdot \frac{\sin \epsilon}{\epsilon}$: always too flat, by about "
            r"$\epsilon^2 / 6$ of the slope.",
        ),
        Example(
            "exponential",
            r"f(x) = e^x",
            r"f'(x) = e^x",
            np.exp,
            lambda x: np.exp(x).reshape(1, 1),
            np.array([1.0]),
            r"The central quotient is $e^x \cdot \frac{\sinh \epsilon}{\epsilon}$: always too steep, by about "
            r"$\epsilon^2 / 6$ of the slope, wherever $x$ is. The forward difference is off by about $\epsilon / 2$ of "
            "it.",
            domain=_no_overflow,
        ),
        Example(
            "pole",
            r"f(x) = \frac{1}{x}",
            r"f'(x) = -\frac{1}{x^2}",
            lambda x: 1 / x,
            lambda x: -1 / np.square(x).reshape(1, 1),
            np.array([1.0]),
            r"The central quotient is $-\frac{1}{x^2 - \epsilon^2}$: too steep near the pole at 0. Move $x$ closer "
            r"than $\epsilon$ to it and the secant spans the pole: it then *rises* where the curve falls everywhere.",
            domain=_not_zero,
        ),
        Example(
            "absolute value",
            r"f(x) = |x|",
            r"f'(x) = \begin{cases} 1 & x > 0 \\ -1 & x < 0 \end{cases}",
            np.abs,
            _slope_of_magnitude,
            np.array([0.2]),
            r"The kink at 0: as soon as $\epsilon > |x|$, the central difference mixes both slopes and gives "
            r"$x / \epsilon$. At 0 itself, where there is no derivative, forward says 1, backward -1 and central 0. "
            "ReLU has the same kink.",
        ),
        Example(
            "polar coordinates",
            r"f(r, \varphi) = \begin{bmatrix} r \cos \varphi \\ r \sin \varphi \end{bmatrix}, \quad "
            r"r = x_0, \; \varphi = x_1",
            r"J = \begin{bmatrix} \cos \varphi & -r \sin \varphi \\ \sin \varphi & r \cos \varphi \end{bmatrix}",
            _polar,
            _polar_jacobian,
            np.array([2.0, 0.5]),
            r"Two inputs, two outputs, four derivatives: $J_{ij} = \partial f_i / \partial x_j$. Shifting one input "
            r"gives a whole column of $J$. In $r$ the function is linear, so only round-off is left there.",
        ),
        Example(
            "matrix input",
            r"f(A) = \sin(A v), \quad v = (1, 2, 3)^T",
            r"\frac{\partial f_i}{\partial A_{kl}} = \delta_{ik} \cos((A v)_i)\, v_l",
            lambda A: np.sin(A @ VECTOR),
            _sine_of_product_jacobian,
            np.array([[0.1, 0.2, 0.3], [0.4, -0.5, 0.6]]),
            r"Output $i$ depends on row $i$ of $A$ alone, so half of the Jacobian is zero. A linear layer's "
            r"$\partial y / \partial W$ looks just like this.",
            variable="A",
        ),
    )
}
