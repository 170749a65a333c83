"""Jacobians of layers and gradients of a network's loss, numerically and through `apply` alone.

`backward` is never called, and no array of the network is ever changed: these are the numbers it is checked against.
"""

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.derivatives import differentiate
from mlp.differences.methods import CENTRAL, Method
from mlp.differences.parallel import Progress
from mlp.differences.structured import structured_gradients
from mlp.nn.arrays import Array, require_methods
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import as_problem


def jacobian(layer: Layer, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> Array:
    """The derivatives of a layer's (or a whole network's) output with respect to its input.

    Args:
        layer: anything with `apply`.
        x: one sample (features,) or a batch (n, features).
        eps: as in `differentiate`, which also tells the errors raised.
        method: likewise.

    Returns:
        Shape (ny, nx) for one sample, (n, ny, n, nx) for a batch.
    """
    require_methods("layer", layer, "a layer, such as Tanh()", "apply")
    return differentiate(layer.apply, x, eps, method)


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
        eps: as in `differentiate`, which also tells the errors raised.
        method: likewise.
        progress: called now and then, from the caller's thread, with the fraction of the work that is done. It may
            raise to break off: the work then ends within milliseconds, and the exception passes on.
    """
    as_problem(network, loss, x, target).tensors()  # refuses a parameter named as the input
    return structured_gradients(network, loss, x, target, eps, method, progress)


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
    problem = as_problem(network, loss, x, target)
    for name, tensor in problem.tensors().items():
        gradient = differentiate(problem.function(name), tensor, eps, method)
        gradients[name] = gradient.reshape(np.shape(tensor))
    return gradients
