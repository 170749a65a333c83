"""A method of numerical differentiation is a value: where to evaluate, with which weights, and of which order.

Every method here computes

    f'(x) ~ Re( sum_k w_k f(x + o_k h) ) / h

from its offsets o_k and weights w_k. A finite difference has real ones. The complex step f'(x) ~ Im f(x + ih) / h
is the same formula with one imaginary offset and one imaginary weight, since Re(-i z) = Im z.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_numbers, as_real, require_size, shown


@dataclass(frozen=True)
class Method:
    """A formula for the first derivative.

    Attributes:
        name: what people call it.
        offsets: where f is evaluated, in units of the step h. Opposite ones stand side by side: summed in this order,
            the values of a function that does not depend on x cancel to exactly 0, whatever the rounding.
        weights: what each value is multiplied by; they add up to 0 for a finite difference.
        order: p in the truncation error C h^p.

    Raises:
        TypeError, ValueError: offsets and weights are no numbers, or not one weight for each offset, or order is no
            whole number of at least 1.
    """

    name: str
    offsets: tuple[complex, ...]
    weights: tuple[complex, ...]
    order: int

    def __post_init__(self) -> None:
        """Check what a formula is made of."""
        offsets, weights = as_numbers("offsets", self.offsets), as_numbers("weights", self.weights)
        if offsets.ndim != 1 or offsets.size == 0 or weights.shape != offsets.shape:
            raise ValueError(
                f"weights must hold one number for each of the offsets, not {weights.shape} for {offsets.shape}"
            )
        require_size("order", self.order)

    @property
    def is_complex(self) -> bool:
        """Whether f is evaluated off the real axis, where no subtraction of nearby values is needed."""
        return any(complex(offset).imag for offset in self.offsets)


def as_method(method: str | Method) -> Method:
    """Return the method of this name, or the method itself.

    Raises:
        ValueError: there is no method of this name.
    """
    if isinstance(method, Method):
        return method
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {shown(method)}")
    return METHODS[method]


def richardson(method: str | Method, levels: int) -> Method:
    """Extrapolate a method to h -> 0 from the steps h, h/2, ..., h/2^levels.

    Each level removes the leading term of the error: D'(h) = (2^p D(h/2) - D(h)) / (2^p - 1). For a symmetric method,
    whose errors are C2 h^2 + C4 h^4 + ..., it is of order p + 2, for any other of order p + 1. Source: Richardson,
    "The approximate arithmetical solution by finite differences" (1911), in the halving form of Ridders (1982). A
    combination of differences is itself one with more offsets.

    Args:
        method: a method or the name of one in METHODS.
        levels: from 0, which is the method itself, to 8, beyond which rounding has the say.

    Raises:
        ValueError: there is no such method, or levels is none of these.
    """
    method = as_method(method)
    if isinstance(levels, bool) or not isinstance(levels, int) or not 0 <= levels <= 8:
        raise ValueError(f"levels must be a whole number from 0 to 8, not {shown(levels)}")
    for _ in range(levels):
        factor = 2**method.order
        weights: dict[complex, complex] = {}
        for offset, weight in zip(method.offsets, method.weights, strict=True):
            # D(h/2) has the offsets o/2 and, since it divides by h/2, the weights 2w.
            weights[offset / 2] = weights.get(offset / 2, 0) + 2 * weight * factor / (factor - 1)
            weights[offset] = weights.get(offset, 0) - weight / (factor - 1)
        offsets = tuple(sorted(weights, key=abs))
        weighted = tuple(weights[o] for o in offsets)
        method = Method("richardson", offsets, weighted, _order(offsets, weighted))
    return method


def _order(offsets: tuple[complex, ...], weights: tuple[complex, ...]) -> int:
    """The order that offsets and weights have.

    By Taylor's series D(h) = sum over m of h^(m - 1) f^(m)(x) / m! Re(sum_k w_k o_k^m), so the order is that of the
    first m > 1 whose sum over k does not vanish, less one.
    """
    m = 2
    while True:
        terms = [complex(weight * offset**m) for offset, weight in zip(offsets, weights, strict=True)]
        # What is left of terms that cancel is a few roundings of the largest.
        if abs(sum(terms).real) > 1e-12 * max(map(abs, terms)):
            return m - 1
        m += 1


CENTRAL = Method("central", (1, -1), (1 / 2, -1 / 2), order=2)
COMPLEX_STEP = Method("complex-step", (1j,), (-1j,), order=2)

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("forward", (1, 0), (1, -1), order=1),
        Method("backward", (0, -1), (1, -1), order=1),
        CENTRAL,
        Method("five-point", (1, -1, 2, -2), (8 / 12, -8 / 12, -1 / 12, 1 / 12), order=4),
        COMPLEX_STEP,
        richardson(CENTRAL, levels=2),
    )
}


def optimal_step(method: str | Method, x: ArrayLike) -> Array:
    """The step size that theory recommends for each element of x, in its shape.

    It assumes that the function and its derivatives change on the scale of max(1, |x|), and that values are rounded to
    the precision of x. A function of x / 1000 wants a step a thousand times as long, one of 1000 x a shorter one.

    A method of order p balances truncation C h^p against round-off u |f| / h at h ~ u^(1 / (p + 1)), u being the
    machine epsilon of x's dtype; the step grows with |x| beyond 1. Source: Press et al., Numerical Recipes, section
    5.7. The complex step subtracts nothing, so for it any tiny step will do: 1e-20.

    Raises:
        ValueError: there is no method of this name.
        TypeError: x is not real.
    """
    method, x = as_method(method), as_real("x", x)
    scale = np.maximum(1, np.abs(x))
    if method.is_complex:
        return 1e-20 * scale
    return np.finfo(x.dtype).eps ** (1 / (method.order + 1)) * scale
