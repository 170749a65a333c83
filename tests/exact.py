"""The textbook formulas in 400-digit decimal arithmetic: what floating point should have come to.

400 digits, because 1 + exp(-745), the smallest that float64 can see, needs 324 of them.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import NamedTuple

Formula = Callable[..., Decimal]

# Zero, and both signs of powers of ten from the tiniest to 1000, and numbers around the places where exp(-x) vanishes
# beside 1 (37), where cosh overflows (710), and where exp(-x) underflows (745).
MAGNITUDES = (*(10.0**k for k in range(-300, -1, 23)), 0.01, 0.25, 0.5, 3.0, 10.0, 19.0, 20.5, 37.0, 100.0, 345.0)
LARGE = (700.0, 709.5, 710.5, 740.0, 746.0, 1000.0)
POINTS = (0.0, *(sign * size for size in MAGNITUDES + LARGE for sign in (1, -1)))


def exactly(formula: Formula, *numbers: float) -> float:
    """Evaluate the formula at these floats and round once, to the nearest float."""
    with localcontext(prec=400):
        return float(formula(*map(Decimal, numbers)))


def sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def softplus(x: Decimal) -> Decimal:
    return (1 + x.exp()).ln()


def tanh(x: Decimal) -> Decimal:
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


class Pair(NamedTuple):
    """A function and its derivative."""

    function: Formula
    derivative: Formula


ACTIVATIONS: dict[str, Pair] = {
    "Tanh": Pair(tanh, lambda x: 4 / (x.exp() + (-x).exp()) ** 2),
    "Sigmoid": Pair(sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "ReLU": Pair(lambda x: max(x, Decimal(0)), lambda x: Decimal(x > 0)),
    # PyTorch's slope is the float nearest to 0.01.
    "LeakyReLU": Pair(
        lambda x: x if x > 0 else Decimal.from_float(0.01) * x,
        lambda x: Decimal(1) if x > 0 else Decimal.from_float(0.01),
    ),
    "Softplus": Pair(softplus, sigmoid),
    "SiLU": Pair(lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "Identity": Pair(lambda x: x, lambda _: Decimal(1)),
}
