"""The check itself: one forward and one backward pass against differences of the loss."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.report import GradientReport, TensorCheck
from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.networks import INPUT, loss_gradients
from mlp.nn.arrays import Array, require_shape
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss


def check_gradients(
    network: Layer,
    loss: Loss,
    x: ArrayLike,
    target: ArrayLike,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
) -> GradientReport:
    """Compare the gradients that `backward` computes with numerical ones, for every parameter and the input.

    Args:
        network: a layer or network; its stored gradients are those of this check afterwards.
        loss: a loss.
        x: input of shape (features,) or (n, features).
        target: what the loss takes for that input.
        eps: the step of the numerical gradients, positive.
        method: a method or the name of one in METHODS.

    Raises:
        ValueError, TypeError: a shape, type, step or method is wrong, or a gradient that `backward` made has another
            shape than its tensor; the message says which and what fits.
    """
    method = as_method(method)
    numerical = loss_gradients(network, loss, x, target, eps, method)
    value, analytical = analytical_gradients(network, loss, x, target)
    for name, gradient in analytical.items():
        # Compared by broadcasting, a gradient of the wrong shape could pass.
        require_shape(f"the gradient of {name}", gradient, numerical[name].shape)
    checks = {name: TensorCheck(name, analytical[name], numerical[name]) for name in numerical}
    return GradientReport(checks, float(value), eps, method)


def analytical_gradients(network: Layer, loss: Loss, x: ArrayLike, target: ArrayLike) -> tuple[float, dict[str, Array]]:
    """One forward and one backward pass: the loss, and its gradient by tensor name, the input's last as "x"."""
    value = float(loss.forward(network.forward(x), target))
    dx = network.backward(loss.backward())
    return value, {**network.gradients(), INPUT: np.asarray(dx)}
