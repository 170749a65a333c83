"""Error against step size: every method over a range of steps, compared with the true derivatives.

The truth is the complex step at 1e-20, which subtracts nothing and so is right to the last digits; where a function
takes no complex numbers, it is Richardson's extrapolation at the step that theory recommends.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.derivatives import Function
from mlp.differences.methods import COMPLEX_STEP, METHODS, Method, optimal_step
from mlp.nn.arrays import Array, as_positive, as_real
from mlp.nn.layers import Layer
from mlp.nn.problem import INPUT, Problem

TINY = 1e-20
# What a sweep may cost. A small network's evaluation takes some 20 µs, whatever it multiplies.
EVALUATIONS = 190  # of the function for each entry, about, by all methods at 36 steps of 1, 2, 5
MIN_ENTRIES, MAX_ENTRIES = 3, 50
MAX_MULTIPLICATIONS = 500_000_000

# From a method and steps of shape (n,) to derivatives of shape (n, entries).
Derivatives = Callable[[Method, Array], Array]


@dataclass(frozen=True, eq=False)
class Sweep:
    """How far each method is off at each step.

    Attributes:
        steps: the steps eps, growing, shape (n,).
        largest, median: by the method's name, the largest and the median |error| over the entries at each step, in
            units of the derivative; shape (n,). NaN where no step was taken because x is too large for it.
        truth: the derivatives that count as true, shape (entries,).
        reference: the name of the method they are from.
        theory: by the method's name, the step that theory recommends for the median entry.
    """

    steps: Array
    largest: dict[str, Array]
    median: dict[str, Array]
    truth: Array
    reference: str
    theory: dict[str, float]

    def errors(self, kind: str) -> dict[str, Array]:
        """The largest or the median errors, by the method's name."""
        return {"largest": self.largest, "median": self.median}[kind]

    def best(self, kind: str, method: str) -> int:
        """The position of the step at which a method's largest or median error is smallest; of several, the last."""
        errors = self.errors(kind)[method]
        return int(np.flatnonzero(errors == np.nanmin(errors))[-1])

    def position(self, eps: float) -> int:
        """The position of the step nearest to this one."""
        return int(np.abs(np.log(self.steps / eps)).argmin())


def sweep(derivatives: Derivatives, entries: Array, steps: Iterable[float]) -> Sweep:
    """Differentiate by every method that applies at every step, and compare with the truth.

    Args:
        derivatives: differentiates with respect to these entries, for example `sampled(...)`.
        entries: the numbers that are moved, shape (entries,).
        steps: the steps eps, all positive.

    Raises:
        ValueError: a step is not positive and finite.
        TypeError: from `derivatives`, for a real method.
    """
    steps = np.sort(np.array(list(steps), dtype=np.float64))
    for eps in steps:
        as_positive("eps", eps)
    methods = dict(METHODS)
    try:
        truth, reference = derivatives(COMPLEX_STEP, np.array([TINY]))[0], COMPLEX_STEP
    except TypeError:
        del methods[COMPLEX_STEP.name]
        reference = METHODS["richardson"]
        truth = derivatives(reference, np.array([_recommended(reference, entries)]))[0]
    errors = {name: np.abs(derivatives(method, steps) - truth) for name, method in methods.items()}
    return Sweep(
        steps,
        {name: np.max(error, axis=1) for name, error in errors.items()},
        {name: np.median(error, axis=1) for name, error in errors.items()},
        truth,
        reference.name,
        {name: _recommended(method, entries) for name, method in methods.items()},
    )


def sampled(fun: Function, x: ArrayLike, indices: Iterable[tuple[int, ...]]) -> Derivatives:
    """Differentiate a function of an array to a number with respect to these of its entries.

    No point is evaluated twice: all methods share their values of `fun`, and with steps 1, 2, 5, 10, ... the points
    x + 2h of one step are the points x + h of another. The numbers are those of `numerical_gradient`, to the last bit.
    """
    x = as_real("x", x)
    entries = [_Entry(fun, x, index) for index in indices]
    return lambda method, steps: np.stack([entry.quotients(method, steps) for entry in entries], axis=1)


def leading(derivatives: Array, count: int) -> list[tuple[int, ...]]:
    """The indices of all entries in C order, or of the `count` with the largest derivatives, the largest first.

    Where a derivative is large the higher ones are too, as a rule, and with them the truncation error: in layers of
    tanh with up to 200,704 weights the largest error of any entry is that of one of these, to two digits, while most
    entries belong to saturated units and have next to none.
    """
    if derivatives.size <= count:
        return list(np.ndindex(derivatives.shape))
    largest = np.argsort(-np.abs(derivatives), axis=None, kind="stable")[:count]
    return [tuple(map(int, np.unravel_index(flat, derivatives.shape))) for flat in largest]


def swept_entries(problem: Problem[Layer], name: str, count: int) -> list[tuple[int, ...]]:
    """Those entries of a problem's tensor that are `leading`, from its gradient by backpropagation on a copy.

    To move each of half a million entries only to choose some would take longer than to sweep those.
    """
    tensor = problem.tensors()[name]
    if tensor.size <= count:
        return leading(tensor, count)  # all of them, whatever the gradients are
    network, loss, x, target = problem.copied()
    loss.forward(network.forward(x), target)
    dx = network.backward(loss.backward())
    return leading(dx if name == INPUT else network.gradients()[name], count)


def affordable(multiplications: int) -> int:
    """How many entries to sweep so that it takes about a second at most, if one evaluation takes these."""
    return min(MAX_ENTRIES, max(MIN_ENTRIES, MAX_MULTIPLICATIONS // (EVALUATIONS * multiplications)))


class _Entry:
    """One entry of x, and the values of the function that are known along it."""

    def __init__(self, fun: Function, x: Array, index: tuple[int, ...]) -> None:
        self._fun, self._x, self._index = fun, x, index
        self._known: dict[complex, complex] = {}

    def quotients(self, method: Method, steps: Array) -> Array:
        """As `Samples.quotient`, for all steps at once."""
        at = self._x[self._index]
        step: Array = np.zeros(steps.shape)
        total: Array = np.zeros(steps.shape)
        for offset, weight in zip(method.offsets, method.weights, strict=True):
            points = at + offset * steps
            step = step + np.real(weight * (points - at))
            total = total + weight * self._values(points)
        step[step == 0] = np.nan
        return np.real(total) / step

    def _values(self, points: Array) -> Array:
        return np.array([self._value(point) for point in points.tolist()])

    def _value(self, point: complex) -> complex:
        if point not in self._known:
            shifted = self._x.astype(np.result_type(self._x, type(point)))
            shifted[self._index] = point
            value = np.asarray(self._fun(shifted))
            if isinstance(point, complex) and value.dtype.kind != "c":
                raise TypeError(f"a complex step needs a function that returns complex numbers, not {value.dtype}")
            self._known[point] = value.item()
        return self._known[point]


def _recommended(method: Method, entries: Array) -> float:
    return float(np.median(optimal_step(method, entries)))
