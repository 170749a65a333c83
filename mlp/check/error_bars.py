"""How far off a correct backward pass may be, because it is rounded too.

Every product, sum and function value of forward and backward is off by a relative error of u at most. So we shake all
of them at once by a random relative t, far above u, and see how each entry of the gradient moves: u / t of that, as a
root mean square over a few draws, is the entry's rounding error. (The same backward error analysis as in
`mlp.differences.noise`.) Many layers and wide sums come out as they should, and so does cancellation: an entry that
is a small sum of large terms moves by the size of the terms.

One kind of cancellation needs help. softmax(y) - t is 1 - 1 in all but its last digits for a sure classifier, and
shaking y does not show it. So dy is also shaken by t times the largest dy that the loss gives at y = 0, where no
classifier is sure.

The slope of a saturated unit is another such: 1 - y^2 with y = tanh(x) is off by u however small it is, and may be
computed from x without that loss. So what leaves an element-wise layer is also shaken by t times its dy, as if its
slope, of size 1 at most for the usual functions, were off by u.

A backward that is wrong or plays tricks can widen its own bars this way, but not far: if every shake changed the
gradient by all its size, the bars would be sqrt(u) of it, 1.5e-8.
"""

import copy

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.passes import leaves, parameter_name
from mlp.differences.networks import INPUT
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss

_DRAWS = 6


def gradient_rounding(
    network: Layer, loss: Loss, x: Array, target: ArrayLike, gradients: dict[str, Array], unit: float
) -> dict[str, Array]:
    """The root-mean-square rounding error of each entry of the analytical gradients.

    Args:
        network: as in `check_gradients`; only copies of it are run, and of the loss.
        loss: likewise.
        x: likewise.
        target: likewise.
        gradients: what backward gave, by tensor name.
        unit: the machine epsilon of the arithmetic.
    """
    rng = np.random.RandomState(0)
    amount = float(np.sqrt(unit))
    total = {name: np.zeros(gradient.shape) for name, gradient in gradients.items()}
    for _ in range(_DRAWS):
        moved = _shaken_gradients(copy.deepcopy(network), copy.deepcopy(loss), x, target, amount, rng)
        for name, gradient in gradients.items():
            if name in moved and moved[name].shape == gradient.shape:
                total[name] += np.square((moved[name] - gradient).astype(np.float64))
    moves = {name: unit / amount * np.sqrt(total[name] / _DRAWS) for name in gradients}
    # What is not finite is no gradient at all, and no error explains it.
    return {
        name: np.nan_to_num(moves[name] + unit * np.abs(gradient), posinf=0.0) for name, gradient in gradients.items()
    }


def _shaken_gradients(
    network: Layer, loss: Loss, x: Array, target: ArrayLike, amount: float, rng: np.random.RandomState
) -> dict[str, Array]:
    """The gradients of a network in which everything is off by about `amount`; fewer if a layer raises."""
    gradients: dict[str, Array] = {}
    try:
        dy = _shaken_forward(network, loss, x, target, amount, rng)
        for name, layer in reversed(list(leaves(network))):
            dx = _noisy(np.asarray(layer.backward(dy)), amount, rng)
            if dx.shape == dy.shape and not layer.parameters():
                dx = dx + amount * dy * rng.standard_normal(dy.shape)
            dy = dx
            gradients |= {parameter_name(name, key): np.asarray(value) for key, value in layer.gradients().items()}
    except Exception:
        return gradients
    return {**gradients, INPUT: dy}


def _shaken_forward(
    network: Layer, loss: Loss, x: Array, target: ArrayLike, amount: float, rng: np.random.RandomState
) -> Array:
    """Run forward with everything off by about `amount`, and return the loss's dy, off likewise."""
    x = _noisy(x, amount, rng)
    for _, layer in leaves(network):
        for parameter in layer.parameters().values():
            parameter[...] = _noisy(parameter, amount, rng)
        y = layer.forward(x)
        x = y + amount * _largest(y) * rng.standard_normal(y.shape)
    loss.forward(np.zeros_like(x), target)
    usual = _largest(loss.backward())
    loss.forward(x, target)
    dy = loss.backward()
    return dy + amount * max(usual, _largest(dy)) * rng.standard_normal(dy.shape)


def _noisy(array: Array, amount: float, rng: np.random.RandomState) -> Array:
    return array * (1 + amount * rng.standard_normal(array.shape))


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))
