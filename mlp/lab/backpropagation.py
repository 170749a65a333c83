"""The gradients of a training step: by the network's own forward and backward, or written out where all is plain.

A layer checks what comes in and keeps copies, which is right for a layer and takes as long as the arithmetic of a small
network. What is written out here does that arithmetic alone, operation by operation, to the very same bits.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array, as_real, require_shape
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.losses import Loss, Scalar
from mlp.nn.network import Sequential


class Backpropagation:
    """A network whose parameters lie side by side in one array, and their gradients in another.

    An optimiser then takes its step with one operation instead of one for each tensor.

    Attributes:
        parameters, gradients: all of them, as vectors of one length.
        named_parameters, named_gradients: the same memory, each tensor by its name ("fc1.W") and in its shape. The
            network's own parameters are these.
        layer_gradients: the same memory, a vector for each layer that has parameters.
    """

    def __init__(self, network: Sequential, loss: Loss) -> None:
        """Move the network's parameters, all of float64, into one array."""
        self._network, self._loss = network, loss
        tensors = network.parameters()
        self.parameters = np.concatenate([tensor.ravel() for tensor in tensors.values()])
        self.gradients = np.zeros_like(self.parameters)
        self.named_parameters = _views(self.parameters, {name: tensor.shape for name, tensor in tensors.items()})
        self.named_gradients = _views(self.gradients, {name: tensor.shape for name, tensor in tensors.items()})
        sizes = {name: sum(tensor.size for tensor in layer.parameters().values()) for name, layer in _layers(network)}
        self.layer_gradients = _views(self.gradients, {name: (size,) for name, size in sizes.items() if size})
        for name, layer in _layers(network):
            for parameter in layer.parameter_names:
                setattr(layer, parameter, self.named_parameters[f"{name}.{parameter}"])
        self._plan = _plan(network, self.named_gradients) if _is_plain(loss, Loss) else None

    def run(self, x: Array, target: Array) -> Scalar:
        """Set the gradients to those of a batch x of shape (n, features) and its target, and return the loss.

        Raises:
            ValueError, TypeError: a wrong layer raises it, or its gradient has a wrong shape.
        """
        if self._plan:
            return _written_out(self._plan, self._loss, x, target)
        value = self._loss.forward(self._network.forward(x), target)
        self._network.backward(self._loss.backward())
        gradients = self._network.gradients()
        for name, own in self.named_gradients.items():
            label = f"the gradient of {name}"
            gradient = as_real(label, gradients[name])
            require_shape(label, gradient, own.shape)
            own[...] = gradient
        return value

    def evaluate(self, x: Array, target: Array) -> tuple[Array, Scalar]:
        """The output at a batch x, and the loss there; nothing is kept."""
        if not self._plan:
            y = self._network.apply(x)
            return y, self._loss.apply(y, target)
        for part in self._plan:
            x = x @ part.W.T + part.b if isinstance(part, _Affine) else part.function(x)
        return x, self._loss.value(x, target)


class _Affine(NamedTuple):
    """The arrays of a linear layer, and where its gradients go."""

    W: Array
    b: Array
    weight_gradient: Array
    bias_gradient: Array


def _plan(network: Sequential, gradients: Mapping[str, Array]) -> list[_Affine | Activation] | None:
    """The layers in order, if all of them are plain."""
    plan: list[_Affine | Activation] = []
    for name, layer in _layers(network):
        if type(layer) is Linear:
            plan.append(_Affine(layer.W, layer.b, gradients[f"{name}.W"], gradients[f"{name}.b"]))
        elif isinstance(layer, Activation) and _is_plain(layer, Activation):
            plan.append(layer)
        else:
            return None
    return plan


def _is_plain(part: Layer | Loss, base: type[Activation | Loss]) -> bool:
    """Whether a part is applied, run forward and backward as this base has it."""
    return all(getattr(type(part), rule) is getattr(base, rule) for rule in ("apply", "forward", "backward"))


def _written_out(plan: list[_Affine | Activation], loss: Loss, x: Array, target: Array) -> Scalar:
    kept = []
    for part in plan:
        if isinstance(part, _Affine):
            kept.append(x)
            x = x @ part.W.T
            x += part.b
        else:
            kept.append(part.derivative(x))
            x = part.function(x)
    value, dy = loss.value_and_gradient(x, target)
    for part in reversed(plan):
        x = kept.pop()
        if isinstance(part, _Affine):
            np.matmul(dy.T, x, out=part.weight_gradient)
            np.add.reduce(dy, axis=0, out=part.bias_gradient)
            if kept:
                dy = dy @ part.W
        else:
            dy *= x
    return value


def _layers(network: Sequential) -> list[tuple[str, Layer]]:
    return list(network.layers.items())


def _views(memory: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """The parts of a vector by name, one after the other, in these shapes."""
    ends = np.cumsum([0, *map(np.prod, shapes.values())])
    parts = zip(shapes.items(), pairwise(ends), strict=True)
    return {name: memory[start:end].reshape(shape) for (name, shape), (start, end) in parts}
