"""One loss or one layer alone: its gradient checked, its Jacobians as the exercise makes them."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.gradients import check_gradients
from mlp.check.layer import check_layer
from mlp.check.tensor import TensorCheck
from mlp.differences.derivatives import Function, numerical_gradient
from mlp.differences.methods import CENTRAL, Method
from mlp.differences.networks import INPUT
from mlp.nn.activations import Identity
from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential
from mlp.nn.trace import jacobians_by_backward


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
    numerical = numerical_gradient(lambda varied: loss.apply(varied, target), y, eps, method)
    return replace(report[INPUT], name="y", numerical=numerical.reshape(y.shape))


def layer_jacobians(layer: Layer, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> dict[str, Array]:
    """The numerical Jacobians of a layer's output for one sample x, by tensor name, "x" for the input.

    Each has a row for each output and a column for each entry of the tensor, a matrix counted row by row: the
    exercise's reshaping trick.

    Raises:
        ValueError: x is not one sample of shape (features,), or as `numerical_gradient`.
    """
    x = as_real("x", x)
    if x.ndim != 1:
        raise ValueError(f"x must be one sample of shape (features,), not of shape {x.shape}")
    outputs = layer.apply(x).size
    jacobians = {INPUT: numerical_gradient(layer.apply, x, eps, method)}
    for name, parameter in layer.parameters().items():
        jacobian = numerical_gradient(_output_of(layer, name, x), parameter, eps, method)
        jacobians[name] = jacobian.reshape(outputs, -1)
    return jacobians


def _output_of(layer: Layer, name: str, x: Array) -> Function:
    return lambda varied: layer.replaced(name, varied).apply(x)


def jacobian_error(layer: Layer, x: ArrayLike, eps: float = 1e-4, method: str | Method = CENTRAL) -> float:
    """The largest difference between any entry of a layer's numerical Jacobians and of those that backward makes.

    Raises:
        ValueError, TypeError: as `layer_jacobians`.
    """
    analytical = jacobians_by_backward(layer, x)
    numerical = layer_jacobians(layer, x, eps, method)
    return max(float(np.abs(numerical[name] - analytical[name]).max()) for name in analytical)


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
