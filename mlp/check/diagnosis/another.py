"""Gradients that are right, but of another function: with another activation, loss or end than this network has."""

import copy
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.diagnosis.given_gradients import GivenGradients
from mlp.check.passes import Visit, parameter_name
from mlp.check.report import Certainty, Finding
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.arrays import Array
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.losses import LOSSES, Loss
from mlp.nn.problem import INPUT

Layers = list[tuple[str, Layer]]


def another_function(
    visits: Sequence[Visit], loss: Loss, x: Array, target: ArrayLike, given: GivenGradients
) -> Finding | None:
    """The finding that all given gradients are right for some other function, if they are for one of the usual."""
    layers = [(visit.name, copy.deepcopy(visit.layer)) for visit in visits]
    for words, place, other, other_loss in _functions(layers, loss):
        if _all_agree(other, other_loss, x, target, given):
            return Finding(
                layer=place,
                tensors=tuple(given.gradients),
                pattern="another function",
                measured=words,
                certainty=Certainty.CERTAIN,
                sentence=f"These are the right gradients of another function: {words}. So the backward pass may "
                "well be right; look at the forward pass, and at the settings it was run with.",
                algebra="",
            )
    return None


def _functions(layers: Layers, loss: Loss) -> Iterator[tuple[str, str, Layers, Loss]]:
    """Functions that are taken for this one, each in words, with the layer's name that differs."""
    used = {type(layer).__name__ for _, layer in layers if isinstance(layer, Activation)}
    for name, activation in ACTIVATIONS.items():
        if used and used != {name}:
            swapped = [(key, activation() if isinstance(layer, Activation) else layer) for key, layer in layers]
            yield f"with {name} where {' and '.join(sorted(used))} should be", "", swapped, loss
    for name, kind in LOSSES.items():
        if type(loss) is not kind:
            yield f"of {name} where {type(loss).__name__} should be", "loss", layers, kind()
    last = next((layer for _, layer in reversed(layers) if isinstance(layer, Activation)), None)
    if last is not None and isinstance(layers[-1][1], Linear):
        again: Layers = [*layers, ("", copy.deepcopy(last))]
        yield f"with {type(last).__name__} after the last layer too, where only the loss follows", "", again, loss
    yield "without the biases, which were left out or set to zero", "", [_without_bias(*one) for one in layers], loss


def _without_bias(name: str, layer: Layer) -> tuple[str, Layer]:
    return name, layer.replaced("b", np.zeros_like(layer.b)) if isinstance(layer, Linear) else layer


def _all_agree(layers: Layers, loss: Loss, x: Array, target: ArrayLike, given: GivenGradients) -> bool:
    try:
        gradients = _gradients(layers, loss, x, target)
    except (ValueError, TypeError):  # a target that this loss cannot take
        return False
    return all(given.is_as(name, gradients[name]) for name in given.gradients)


def _gradients(layers: Layers, loss: Loss, x: Array, target: ArrayLike) -> dict[str, Array]:
    """One forward and one backward pass through a list of layers."""
    y = x
    for _, layer in layers:
        y = layer.forward(y)
    loss.forward(y, target)
    dy = loss.backward()
    gradients: dict[str, Array] = {}
    for name, layer in reversed(layers):
        dy = layer.backward(dy)
        gradients |= {parameter_name(name, key): gradient for key, gradient in layer.gradients().items()}
    return {**gradients, INPUT: dy}
