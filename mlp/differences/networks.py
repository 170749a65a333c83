"""Jacobians of layers and gradients of a network's loss, numerically and through `apply` alone.

`backward` is never called, and no array of the network is ever changed: these are the numbers it is checked against.
"""

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.derivatives import Function, numerical_gradient
from mlp.differences.methods import CENTRAL, Method
from mlp.differences.parallel import Progress
from mlp.differences.structured import structured_gradients
from mlp.differences.tensors import INPUT
from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss

__all__ = ["INPUT", "jacobian", "loss_function", "loss_gradients", "loss_gradients_by_loop", "tensors"]


def jacobian(layer: Layer, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> Array:
    """The derivatives of a layer's (or a whole network's) output with respect to its input.

    Args:
        layer: anything with `apply`.
        x: one sample (features,) or a batch (n, features).
        eps: as in `numerical_gradient`, which also tells the errors raised.
        method: likewise.

    Returns:
        Shape (ny, nx) for one sample, (n, ny, n, nx) for a batch.
    """
    return numerical_gradient(layer.apply, x, eps, method)


def loss_function(network: Layer, loss: Loss, x: ArrayLike, target: ArrayLike, name: str) -> Function:
    """The loss as a function of one tensor alone: of the parameter `name`, or of the input if the name is "x"."""
    if name == INPUT:
        return lambda varied: loss.apply(network.apply(varied), target)
    return lambda varied: loss.apply(network.replaced(name, varied).apply(x), target)


def tensors(network: Layer, x: ArrayLike) -> dict[str, Array]:
    """Everything that a loss has gradients with respect to: each parameter by name, then the input as "x".

    Raises:
        ValueError: a parameter has that name already.
    """
    _require_free_name(network)
    return {**network.parameters(), INPUT: as_real("x", x)}


def loss_gradients(
    network: Layer,
    loss: Loss,
    x: ArrayLike,
    target: ArrayLike,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
    progress: Progress | None = None,
) -> dict[str, Array]:
    """The gradient of the loss with respect to every parameter and the input, each in its tensor's shape.

    By structured differences: for each step only that is computed anew which the step changes.

    Args:
        network: a layer or network.
        loss: a loss.
        x: input of shape (features,) or (n, features).
        target: what the loss takes for that input.
        eps: as in `numerical_gradient`, which also tells the errors raised.
        method: likewise.
        progress: called now and then, from the caller's thread, with the fraction of the work that is done. It may
            raise to break off: the work then ends within milliseconds, and the exception passes on.
    """
    _require_free_name(network)
    return structured_gradients(network, loss, x, target, eps, method, progress)


def _require_free_name(network: Layer) -> None:
    if INPUT in network.parameters():
        raise ValueError(f"a parameter is named {INPUT!r}, which here is the input; give it another name")


def loss_gradients_by_loop(
    network: Layer,
    loss: Loss,
    x: ArrayLike,
    target: ArrayLike,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
) -> dict[str, Array]:
    """The same gradients by the plain loop, which evaluates the whole network for every step.

    It is the reference for `loss_gradients`, whose arguments it takes: much slower, and plainly right.
    """
    gradients = {}
    for name, tensor in tensors(network, x).items():
        function = loss_function(network, loss, x, target, name)
        gradients[name] = numerical_gradient(function, tensor, eps, method).reshape(np.shape(tensor))
    return gradients
