"""How gradients grow or shrink on their way back: Jacobians layer by layer, their product, and what to call it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import CENTRAL, Method
from mlp.differences.networks import INPUT, jacobian
from mlp.nn.arrays import Array, as_real
from mlp.nn.network import Sequential
from mlp.nn.trace import jacobians_by_backward

# A factor of ten from the loss to the input is ordinary; a hundred starves or floods the first layers.
NOTABLE = 100.0


class Flow(NamedTuple):
    """The Jacobians of a network at one sample.

    Attributes:
        layers: by name, each layer's own analytical Jacobian of shape (outputs, inputs), at the input that reaches it.
        product: all of them multiplied, the last layer's first: the chain rule.
        whole: the analytical Jacobian of the network in one piece.
        numerical: the same from differences.
    """

    layers: dict[str, Array]
    product: Array
    whole: Array
    numerical: Array

    @property
    def error_of_product(self) -> float:
        """The largest difference between the product and the whole: rounding."""
        return float(np.abs(self.product - self.whole).max())

    @property
    def error_of_numerical(self) -> float:
        """The largest difference between the numerical Jacobian and the analytical one."""
        return float(np.abs(self.numerical - self.whole).max())

    @property
    def singular_values(self) -> dict[str, Array]:
        """Of each layer's Jacobian, the largest first."""
        return {name: np.linalg.svd(matrix, compute_uv=False) for name, matrix in self.layers.items()}


def jacobian_flow(network: Sequential, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> Flow:
    """Differentiate every layer, and the whole network, at one sample x of shape (in_features,).

    The network's stored state and gradients are those of these passes afterwards.

    Raises:
        ValueError, TypeError: as `jacobian`.
    """
    x = as_real("x", x)
    layers, value = {}, x
    for name, layer in network.layers.items():
        layers[name] = jacobians_by_backward(layer, value)[INPUT]
        value = layer.apply(value)
    product = np.eye(x.size)
    for matrix in layers.values():
        product = matrix @ product
    return Flow(layers, product, jacobians_by_backward(network, x)[INPUT], jacobian(network, x, eps, method))


def flow_in_words(norms: list[float]) -> str:
    """Say whether the gradient vanishes or explodes, given its norm at each place from the loss back to the input."""
    start, end = norms[0], norms[-1]
    if not start:
        return "The gradient is zero at the loss already: output and target agree."
    if not end:
        return "The gradient **vanishes** altogether on its way back to the input."
    factor = end / start
    if factor < 1 / NOTABLE:
        return f"The gradient **vanishes**: at the input it is {1 / factor:,.0f} times smaller than at the output."
    if factor > NOTABLE:
        return f"The gradient **explodes**: at the input it is {factor:,.0f} times larger than at the output."
    return (
        f"The gradient neither vanishes nor explodes: at the input it is {factor:.2g} times what it is at the output."
    )
