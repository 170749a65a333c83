"""Problems that are taken for this one: with another activation, loss, target, input or parameters than it has.

Their gradients are right, but of another function. Each change here has no number to fit, so that all gradients
together cannot agree with it by chance.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mlp.check.diagnosis.changes import PRECISIONS
from mlp.check.diagnosis.given.gradients import Alternative, Setup, backward_of
from mlp.nn.activations import ACTIVATIONS, Identity
from mlp.nn.arrays import Array
from mlp.nn.functional import log_softmax
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.losses import LOSSES, BCEWithLogitsLoss, CrossEntropyLoss, ElementwiseLoss, Loss
from mlp.nn.problem import INPUT


class Change(NamedTuple):
    """Another problem that may have been differentiated.

    Attributes:
        words: what is otherwise, as in "the gradients of another problem: ...".
        place: the layer's name, "loss", "target" or "x"; "" for the whole network.
        setup: the other problem.
    """

    words: str
    place: str
    setup: Setup


class _Softmax(Layer):
    """Softmax over the last axis, or its logarithm."""

    def __init__(self, is_logarithm: bool = False) -> None:
        self.is_logarithm = is_logarithm
        self._probabilities = np.zeros(0)

    def forward(self, x: Array) -> Array:  # type: ignore[override]  # x is an array here
        """The probabilities, or their logarithms."""
        logarithms = log_softmax(x)
        self._probabilities = np.exp(logarithms)
        return logarithms if self.is_logarithm else self._probabilities

    def backward(self, dy: Array) -> Array:  # type: ignore[override]
        """p (dy - sum(p dy)) for softmax, dy - p sum(dy) for its logarithm."""
        p = self._probabilities
        if self.is_logarithm:
            return dy - p * dy.sum(axis=-1, keepdims=True)
        return p * (dy - (p * dy).sum(axis=-1, keepdims=True))


class _AbsoluteError(ElementwiseLoss):
    """The mean absolute error."""

    @staticmethod
    def terms(y: Array, target: Array) -> Array:
        """|y - t|."""
        return np.abs(y - target)

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        """sign(y - t) / n."""
        return np.sign(y - target) / y.size


class _TransposedLinear(Linear):
    """y = W.T x + b, where gradients are still those of W."""

    def __init__(self, layer: Linear) -> None:
        self.W, self.b = layer.W.T, layer.b

    def gradients(self) -> dict[str, Array]:
        """The gradient of W, which is the transpose of that of W.T, and of b."""
        return {key: value.T for key, value in super().gradients().items()}


def changed_alternatives(setup: Setup) -> Iterator[Alternative]:
    """All problems that are tried in the place of this one."""
    for make in _CHANGES:
        for words, place, other in make(setup):
            with contextlib.suppress(ValueError, TypeError):  # such as a target that another loss cannot take
                backward = backward_of(other)
                yield Alternative("another problem", place, f"of another problem: {words}", backward, backward.dy.size)


def _activations(setup: Setup) -> Iterator[Change]:
    there = [(name, layer) for name, layer in setup.layers if isinstance(layer, Activation)]
    used = sorted({type(layer).__name__ for _, layer in there})
    for name, activation in ACTIVATIONS.items():
        if used and used != [name]:
            layers = [(key, activation() if isinstance(old, Activation) else old) for key, old in setup.layers]
            yield Change(f"with {name} where {' and '.join(used)} should be", "", setup._replace(layers=layers))
        for key, layer in there if len(there) > 1 else ():
            if type(layer) is not activation:
                what = "without an activation" if activation is Identity else f"with {name}"
                words = f"{what} in {key}, where {type(layer).__name__} should be"
                yield Change(words, key, setup.with_layer(key, activation()))


def _ends(setup: Setup) -> Iterator[Change]:
    """Another loss, another function after the last layer, or both."""
    here = type(setup.loss)
    losses: dict[str, type[Loss]] = {**LOSSES, "the mean absolute error": _AbsoluteError}
    functions: dict[str, Callable[[], Layer]] = {
        "": Identity,
        **{name: activation for name, activation in ACTIVATIONS.items() if activation is not Identity},
        "softmax": _Softmax,
        "the logarithm of softmax": lambda: _Softmax(is_logarithm=True),
    }
    for function, layer in functions.items():
        for name, loss in losses.items():
            words = [f"of {name} where {here.__name__} should be"] if loss is not here else []
            why = (
                "and so twice, since the loss has it in it"
                if (function, loss) in _IN_LOSSES
                else "where only the loss follows"
            )
            words += [f"with {function} after the last layer too, {why}"] if function else []
            if words:
                end = setup._replace(layers=[*setup.layers, ("", layer())], loss=loss())
                yield Change(", and ".join(words), "loss", end)


# Functions that a loss applies to what it is given, by their names here.
_IN_LOSSES = {("softmax", CrossEntropyLoss), ("Sigmoid", BCEWithLogitsLoss)}


def _biases(setup: Setup) -> Iterator[Change]:
    bare = {
        name: layer.replaced("b", np.zeros_like(layer.b))
        for name, layer in setup.layers
        if isinstance(layer, Linear) and np.any(layer.b)
    }
    for name, layer in bare.items() if len(bare) > 1 else ():
        yield Change(f"without the bias of {name}, left out or set to zero", name, setup.with_layer(name, layer))
    if bare:
        layers = [(name, bare.get(name, layer)) for name, layer in setup.layers]
        yield Change("without the biases, which were left out or set to zero", "", setup._replace(layers=layers))


def _weights(setup: Setup) -> Iterator[Change]:
    linear = {name: layer for name, layer in setup.layers if isinstance(layer, Linear)}
    for name, layer in linear.items():
        if layer.W.shape[0] == layer.W.shape[1] > 1:
            words = f"with W of {name} transposed in the forward pass, as in x @ W where x @ W.T should be"
            yield Change(words, name, setup.with_layer(name, _TransposedLinear(layer)))
        for other, its in linear.items():
            if name < other and its.W.shape == layer.W.shape:
                exchanged = setup.with_layer(name, its).with_layer(other, layer)
                yield Change(f"with the parameters of {name} and {other} exchanged", f"{name} or {other}", exchanged)


def _precisions(setup: Setup) -> Iterator[Change]:
    for words, rounded, _ in PRECISIONS:
        layers = [
            (name, layer.replaced("W", rounded(layer.W)).replaced("b", rounded(layer.b)))
            if isinstance(layer, Linear)
            else (name, layer)
            for name, layer in setup.layers
        ]
        moved = setup._replace(layers=layers, x=rounded(setup.x), target=rounded(setup.target))
        yield Change(f"with its numbers rounded to {words}", "", moved)
        yield Change(f"with its parameters rounded to {words}", "", setup._replace(layers=layers))


def _orders(array: Array, what: str) -> Iterator[tuple[str, Array]]:
    """An array with its samples, or its features, in another order."""
    for axis, name in ((0, "samples"), (-1, "features" if what == "input" else "classes or outputs")):
        if array.ndim == 2 and array.shape[axis] > 1:
            yield f"with the {name} of the {what} in reverse order", np.flip(array, axis)
            for move in (1, -1):
                words = f"with the {name} of the {what} moved by one, each in the place of the one"
                yield f"{words} {'after' if move > 0 else 'before'} it", np.roll(array, move, axis)


def _targets(setup: Setup) -> Iterator[Change]:
    t = setup.target
    others = [*_orders(t, "target"), *_scales(t, "the target")]
    others += [("with the target's sign changed", -t), ("with one less the target, 1 - t, as the target", 1 - t)]
    if t.ndim == 2 and t.shape[0] == t.shape[1]:
        others.append(("with the target transposed", t.T))
    for words, target in others:
        yield Change(words, "target", setup._replace(target=target))


def _inputs(setup: Setup) -> Iterator[Change]:
    for words, x in (
        *_orders(setup.x, "input"),
        *_scales(setup.x, "the input"),
        ("with the input's sign changed", -setup.x),
    ):
        yield Change(words, INPUT, setup._replace(x=x))


def _scales(array: Array, what: str) -> Iterator[tuple[str, Array]]:
    """An array as it is after one of the usual preparations."""
    for axis, over in ((0, "each feature over the samples"), (None, "over all entries"), (-1, "each sample by itself")):
        centred = array - array.mean(axis=axis, keepdims=True)
        spread = array.std(axis=axis, keepdims=True)
        low, high = array.min(axis=axis, keepdims=True), array.max(axis=axis, keepdims=True)
        norm = np.sqrt(np.sum(np.square(array), axis=axis, keepdims=True))
        yield f"with {what} less its mean, {over}", centred
        if np.all(spread > 0) and np.all(norm > 0):
            count = array.size if axis is None else array.shape[axis]
            yield f"with {what} standardised, {over}", centred / spread
            if count > 1:
                words = f"with {what} standardised, {over}, its variance divided by n - 1"
                yield words, centred / spread * np.sqrt((count - 1) / count)
            yield f"with {what} scaled to lie between 0 and 1, {over}", (array - low) / (high - low)
            yield f"with {what} divided by its norm, {over}", array / norm


_CHANGES: tuple[Callable[[Setup], Iterator[Change]], ...] = (
    _activations,
    _ends,
    _biases,
    _weights,
    _targets,
    _inputs,
    _precisions,
)
