"""One forward and one backward pass, layer by layer, with everything that flows written down."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential

LOSS = "loss"


class Step(NamedTuple):
    """What one layer, or the loss, does in one direction.

    Attributes:
        direction: "forward" or "backward".
        name: the layer's name, or "loss".
        given: what comes in, x forward and dy backward; for the loss backward, its gradient starts from the number 1.
        result: what goes out, y forward and dx backward.
        gradients: backward, the gradients of the layer's parameters by name ("W", "b").
    """

    direction: str
    name: str
    given: Array
    result: Array
    gradients: dict[str, Array]


def trace(network: Sequential, loss: Loss, x: ArrayLike, target: ArrayLike) -> list[Step]:
    """Run forward through every layer and the loss, then backward through the loss and every layer.

    Args:
        network: its stored state and gradients are those of this pass afterwards.
        loss: likewise.
        x: input of shape (features,) or (n, features).
        target: what the loss takes for it.

    Raises:
        ValueError, TypeError: a shape or a type does not fit, as the layers and the loss say.
    """
    value, steps = as_real("x", x), []
    for name, layer in network.layers.items():
        result = layer.forward(value)
        steps.append(Step("forward", name, value, result, {}))
        value = result
    steps.append(Step("forward", LOSS, value, np.asarray(loss.forward(value, target)), {}))
    gradient = loss.backward()
    steps.append(Step("backward", LOSS, np.ones(()), gradient, {}))
    for name, layer in reversed(network.layers.items()):
        dx = layer.backward(gradient)
        steps.append(Step("backward", name, gradient, dx, layer.gradients()))
        gradient = dx
    return steps


def jacobians_by_backward(layer: Layer, x: ArrayLike) -> dict[str, Array]:
    """The analytical Jacobians of a layer's or network's output for one sample, row i from backward with dy = e_i.

    Args:
        layer: its stored state and gradients are those of the last of these passes afterwards.
        x: one sample of shape (in_features,).

    Returns:
        By tensor name, "x" for the input: a row for each output, a column for each entry of the tensor, a
        matrix counted row by row.

    Raises:
        ValueError: x is a batch.
    """
    rows = [{"x": dx.ravel(), **_raveled(layer.gradients())} for dx in _rows(layer, x)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def input_jacobian(layer: Layer, x: ArrayLike) -> Array:
    """The one of `jacobians_by_backward` with respect to the input, of shape (out_features, in_features)."""
    return np.stack([dx.ravel() for dx in _rows(layer, x)])


def _rows(layer: Layer, x: ArrayLike) -> Iterator[Array]:
    y = layer.forward(x)
    if y.ndim != 1:
        raise ValueError(f"x must be one sample of shape (features,), not of shape {np.shape(x)}")
    for output in range(y.size):
        unit = np.zeros(y.size)
        unit[output] = 1.0
        yield layer.backward(unit)


def _raveled(gradients: Mapping[str, Array]) -> dict[str, Array]:
    return {name: gradient.ravel() for name, gradient in gradients.items()}
