"""One loss or one layer alone: its gradient checked, its Jacobians as the exercise makes them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.check import check_gradients, check_layer
from mlp.check.compare import in_float64
from mlp.check.passes import from_layer_on, run_passes
from mlp.check.tensor import TensorCheck
from mlp.differences.derivatives import Function, differentiate
from mlp.differences.hessians import SecondDerivative, hessian
from mlp.differences.methods import CENTRAL, Method
from mlp.differences.networks import jacobian
from mlp.nn.activations import Identity
from mlp.nn.arrays import Array, as_real, shown
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, as_problem, copied
from mlp.nn.trace import input_jacobian, jacobians_by_backward


def check_loss(
    loss: Loss, y: ArrayLike, target: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL
) -> TensorCheck:
    """Compare a loss's gradient with respect to y, of shape (features,) or (n, features), with the numerical one.

    Raises:
        ValueError, TypeError: as `check_gradients`.
    """
    y = as_real("y", y)
    report = check_gradients(Sequential(output=Identity()), loss, y, target, eps, method)
    # The same differences one by one, as a notebook takes them, so that it prints these very digits.
    numerical = differentiate(lambda varied: loss.apply(varied, target), y, eps, method)
    return replace(report[INPUT], name="y", numerical=numerical.reshape(y.shape))


def layer_jacobians(layer: Layer, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> dict[str, Array]:
    """The numerical Jacobians of a layer's output for one sample x, by tensor name, "x" for the input.

    Each has a row for each output and a column for each entry of the tensor, a matrix counted row by row: the
    exercise's reshaping trick.

    Raises:
        ValueError: x is not one sample of shape (features,), or as `differentiate`.
    """
    x = as_real("x", x)
    if x.ndim != 1:
        raise ValueError(f"x must be one sample of shape (features,), not of shape {x.shape}")
    outputs = layer.apply(x).size
    jacobians = {INPUT: differentiate(layer.apply, x, eps, method)}
    for name, parameter in layer.parameters().items():
        jacobian = differentiate(_output_of(layer, name, x), parameter, eps, method)
        jacobians[name] = jacobian.reshape(outputs, -1)
    return jacobians


def _output_of(layer: Layer, name: str, x: Array) -> Function:
    return lambda varied: layer.replaced(name, varied).apply(x)


def jacobian_error(layer: Layer, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> float:
    """The largest difference between any entry of a layer's numerical Jacobians and of those that backward makes.

    Raises:
        ValueError, TypeError: as `layer_jacobians`.
    """
    analytical = jacobians_by_backward(copied(layer), x)
    numerical = layer_jacobians(layer, x, eps, method)
    return max(float(np.abs(numerical[name] - analytical[name]).max()) for name in analytical)


def loss_hessian(network: Layer, loss: Loss, x: ArrayLike, target: ArrayLike, name: str) -> SecondDerivative:
    """The second derivatives of a loss with respect to one tensor: differences of the gradients that backward gives.

    For a parameter only its layer and those after it are run: what comes before does not move.

    Args:
        network: a layer or network; only copies of it are run.
        loss: a loss.
        x: an input that the network takes.
        target: what the loss takes for that input.
        name: the tensor, "fc1.W", or "x" for the input.

    Returns:
        The Hessian of shape (n, n) for the n entries of the tensor in C order, and how far off it may be.

    Raises:
        ValueError, TypeError: there is no tensor of this name, or as `check_gradients`.
    """
    problem = in_float64(as_problem(network, loss, x, target).copied())
    known = problem.tensors()
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}, not {shown(name)}")

    part, tensor = from_layer_on(problem, name)

    def gradient(values: Array) -> Array:
        return run_passes(part.replaced(tensor, values)).gradients[tensor]

    return hessian(part.function(tensor), known[name], gradient)


def check_products(
    layer: Layer, x: ArrayLike, dy: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL
) -> dict[str, TensorCheck]:
    """Compare what backward makes of dy with dy times each numerical Jacobian, for one sample x, as the exercise does.

    Arguments and errors raised are those of `check_layer`, whose error bars these are: the differences are of the same
    outputs, only multiplied by dy afterwards instead of before.
    """
    jacobians = layer_jacobians(layer, x, eps, method)
    return {
        name: replace(check, numerical=(np.asarray(dy) @ jacobians[name]).reshape(check.numerical.shape))
        for name, check in check_layer(layer, x, dy, eps, method).items()
    }


# A factor of ten from the loss to the input is ordinary; a hundred starves or floods the first layers.
NOTABLE = 100.0


@dataclass(frozen=True, eq=False)
class Flow:
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

    @cached_property
    def singular_values(self) -> dict[str, Array]:
        """Of each layer's Jacobian, the largest first."""
        return {name: _singular_values(matrix) for name, matrix in self.layers.items()}


def _singular_values(matrix: Array) -> Array:
    diagonal = np.diagonal(matrix)
    if matrix.shape[0] == matrix.shape[1] and np.count_nonzero(matrix) == np.count_nonzero(diagonal):
        return np.sort(np.abs(diagonal))[::-1]  # an activation's: at 1,000 units 100 times as fast as the general way
    values: Array = np.linalg.svd(matrix, compute_uv=False)
    return values


def jacobian_flow(network: Sequential, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> Flow:
    """Differentiate every layer, and the whole network, at one sample x of shape (in_features,).

    Raises:
        ValueError, TypeError: as `jacobian`, or the network cannot be copied.
    """
    network, x = copied(network), as_real("x", x)
    layers, value = {}, x
    for name, layer in network.layers.items():
        layers[name] = input_jacobian(layer, value)
        value = layer.apply(value)
    product = np.eye(x.size)
    for matrix in layers.values():
        product = matrix @ product
    return Flow(layers, product, input_jacobian(network, x), jacobian(network, x, eps, method))


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
