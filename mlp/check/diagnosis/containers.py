"""A container with a backward of its own: whether it goes through its layers as it should, or which other way."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT

Walk = Callable[[Mapping[str, Layer], Array], Array]


def _wired_otherwise(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    if not isinstance(case.subject, Sequential):
        return
    for words, walk in _walks(case.subject.layers):
        gradients = _gradients(case, case.subject.layers, walk)
        if case.says(gradients):
            yield Prediction(gradients[tensor], words, key=words)


def goes_through_its_layers(case: IsolatedLayer, layers: Mapping[str, Layer]) -> bool:
    """Whether a container says what its layers say one after another, so that what is wrong is in one of them."""
    return case.says(_gradients(case, layers, _without([])))


def _gradients(case: IsolatedLayer, layers: Mapping[str, Layer], walk: Walk) -> dict[str, Array]:
    """What copies of the layers say if backward goes this way through them; nothing if they cannot be run so."""
    layers = copy.deepcopy(layers)
    x = np.asarray(case.x, dtype=np.float64)
    try:
        for layer in layers.values():
            x = layer.forward(x)
        gradients = {INPUT: walk(layers, np.asarray(case.dy, dtype=np.float64))}
    except Exception:  # whatever somebody's layer raises for a dy that is not its own
        return {}
    for name, layer in layers.items():
        with contextlib.suppress(RuntimeError, AttributeError):  # a layer that this way leaves out
            gradients |= {f"{name}.{key}": gradient for key, gradient in layer.gradients().items()}
    return gradients


def _walks(layers: Mapping[str, Layer]) -> Iterator[tuple[str, Walk]]:
    yield "its layers are visited in the order of forward, not in the reverse", _in_order
    yield "each layer is given the same dy, that of the container", _same_dy
    plain = [name for name, layer in layers.items() if not layer.parameters()]
    left_out = [(f"{name} is skipped in backward", [name]) for name in layers]
    for words, names in [
        *left_out,
        ("its activations are skipped in backward, and with them their derivatives", plain),
    ]:
        yield words, _without(names)
    for name in layers:
        yield f"the dx of {name} is not passed on: the layer before it is given {name}'s own dy", _bypassing(name)


def _in_order(layers: Mapping[str, Layer], dy: Array) -> Array:
    for layer in layers.values():
        dy = layer.backward(dy)
    return dy


def _same_dy(layers: Mapping[str, Layer], dy: Array) -> Array:
    for layer in reversed(list(layers.values())):
        dx = layer.backward(dy)
    return dx


def _without(names: list[str]) -> Walk:
    def walk(layers: Mapping[str, Layer], dy: Array) -> Array:
        for name, layer in reversed(list(layers.items())):
            dy = dy if name in names else layer.backward(dy)
        return dy

    return walk


def _bypassing(skipped: str) -> Walk:
    def walk(layers: Mapping[str, Layer], dy: Array) -> Array:
        for name, layer in reversed(list(layers.items())):
            dx = layer.backward(dy)
            dy = dy if name == skipped else dx
        return dy

    return walk


WIRED = Hypothesis(
    "wiring",
    "{tensor} is wrong because of the way backward goes through the layers: {measured}.",
    _wired_otherwise,
)
