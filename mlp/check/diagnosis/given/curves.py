"""Problems that differ from this one by a single number, which is found from the gradients."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.given.gradients import Alternative, Backward, GivenGradients, Setup, backward_of
from mlp.check.passes import parameter_name
from mlp.nn.activations import LeakyReLU, ReLU
from mlp.nn.arrays import Array
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.problem import INPUT

_MOST_STEPS = 12


class Curve(NamedTuple):
    """A row of problems, one for each value of a number.

    Attributes:
        words: what is otherwise, with a place for the number.
        place: a layer's name, "loss" or "x"; "" for the whole network.
        at: the problem for a value.
        starts: values from which to look.
    """

    words: str
    place: str
    at: Callable[[float], Setup]
    starts: Sequence[float]


class _Factor(Layer):
    """Each feature times a factor of its own."""

    def __init__(self, factor: Array | float) -> None:
        self.factor = factor

    def forward(self, x: Array) -> Array:  # type: ignore[override]  # x is an array here
        """Each feature times its factor."""
        return x * self.factor

    def backward(self, dy: Array) -> Array:  # type: ignore[override]
        """The same of dy."""
        return dy * self.factor


class _Leaky(Layer):
    """x above 0, below it x times a slope; or that on the way back alone, and on the way forward another layer."""

    def __init__(self, slope: float, on_the_way: Layer | None = None) -> None:
        self.slope, self.on_the_way = slope, on_the_way
        self._slopes = np.zeros(0)

    def forward(self, x: Array) -> Array:  # type: ignore[override]
        """x or slope x, or what the other layer gives."""
        self._slopes = np.where(x > 0, 1.0, self.slope)
        return self.on_the_way.apply(x) if self.on_the_way else x * self._slopes

    def backward(self, dy: Array) -> Array:  # type: ignore[override]
        """dy times the slopes."""
        return dy * self._slopes


def _curves(setup: Setup, right: Backward, given: GivenGradients) -> Iterator[Curve]:
    """All rows of problems that are tried."""
    words = "at parameters that a step of gradient descent has moved already, by a learning rate of {:.6g}"
    yield Curve(words, "", lambda rate: _after_a_step(setup, right, rate), (0.0, 0.1))
    words = "with the input times {:.6g}"
    yield Curve(words, INPUT, lambda factor: setup._replace(x=factor * setup.x), (0.5, 2.0, 0.1, 10.0))
    words = "with the output times {:.6g} before the loss, as by a temperature"
    yield Curve(words, "loss", lambda factor: _ending_in(setup, _Factor(factor)), (0.5, 2.0, 0.1))
    words = "with a leaky ReLU as activation, of slope {:.6g} below 0"
    yield Curve(words, "", lambda slope: _leaking(setup, lambda _: _Leaky(slope)), (0.1, 0.3))
    if any(isinstance(layer, ReLU | LeakyReLU) for _, layer in setup.layers):
        words = "with the slope {:.6g} below 0 on the way back through its activations, and not on the way forward"
        yield Curve(words, "", lambda slope: _leaking(setup, lambda layer: _Leaky(slope, layer)), (0.1, 0.3))
    yield from _units_left_out(setup, given)


def curve_alternatives(setup: Setup, right: Backward, given: GivenGradients) -> Iterator[Alternative]:
    """Problems that differ by one number, for which all gradients agree."""
    names = list(given.gradients)
    for curve in _curves(setup, right, given):
        for looked_at in (
            names,
            names[: len(names) // 2],
            names[len(names) // 2 :],
        ):  # one of which another fault spares
            found = _solved(curve, given, looked_at)
            if found:
                words = f"of another problem: {curve.words.format(found[0])}"
                yield Alternative("another problem", curve.place, words, found[1], right.dy.size - 1, 1)
                break


def _solved(curve: Curve, given: GivenGradients, names: Sequence[str]) -> tuple[float, Backward] | None:
    """The number for which these tensors' gradients are those of the curve, and its backward pass; None if none."""
    wanted = given.vector(given.gradients, names)
    for start in curve.starts:
        value = _newton(lambda number: given.vector(backward_of(curve.at(number)).gradients, names), wanted, start)
        if np.isfinite(value):
            backward = backward_of(curve.at(value))
            if given.agreeing(backward.gradients).issuperset(names):
                return value, backward
    return None


def _newton(function: Callable[[float], Array], wanted: Array, start: float) -> float:
    """The number at which a curve comes nearest to a point, by the Gauss-Newton method, if that converges."""
    value = start
    for _ in range(_MOST_STEPS):
        step = 1e-5 * max(1.0, abs(value))
        slope = (function(value + step) - function(value - step)) / (2 * step)
        size = float(slope @ slope)
        if not size > 0:
            return np.nan
        move = float(slope @ (wanted - function(value))) / size
        value += move
        if abs(move) <= 1e-10 * max(1.0, abs(value)):
            break
    return value


def _after_a_step(setup: Setup, right: Backward, rate: float) -> Setup:
    layers = []
    for name, layer in setup.layers:
        moved = layer
        for key, value in layer.parameters().items():
            moved = moved.replaced(key, value - rate * right.gradients[parameter_name(name, key)])
        layers.append((name, moved))
    return setup._replace(layers=layers)


def _ending_in(setup: Setup, layer: Layer) -> Setup:
    return setup._replace(layers=[*setup.layers, ("", layer)])


def _leaking(setup: Setup, instead: Callable[[Layer], Layer]) -> Setup:
    layers = [(name, instead(layer) if isinstance(layer, Activation) else layer) for name, layer in setup.layers]
    return setup._replace(layers=layers)


def _units_left_out(setup: Setup, given: GivenGradients) -> Iterator[Curve]:
    """Units whose outputs are set to zero, as by dropout with one mask for the batch: their columns of dW are zero."""
    layers = list(setup.layers)
    for k, (name, layer) in enumerate(layers[1:], start=1):
        before, activation = layers[k - 1]
        if isinstance(layer, Linear) and isinstance(activation, Activation):
            there = np.any(given.gradients[parameter_name(name, "W")] != 0, axis=0)
            if np.any(there) and not np.all(there):
                units = np.flatnonzero(~there).tolist()
                words = f"with the units {units} of {before} set to zero, as by dropout, and the others times {{:.6g}}"
                yield Curve(words, before, _masked(setup, k, there.astype(np.float64)), (1.0,))


def _masked(setup: Setup, k: int, mask: Array) -> Callable[[float], Setup]:
    layers = list(setup.layers)
    return lambda factor: setup._replace(layers=[*layers[:k], ("", _Factor(factor * mask)), *layers[k:]])
