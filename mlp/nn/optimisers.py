"""Optimisers: each turns gradients into one step of the parameters, which it changes in place.

A backward pass only differentiates; what becomes of the gradients is decided here. The formulas are those of PyTorch's
optimisers of the same names, which they equal to rounding.
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np

from mlp.nn.arrays import Array, as_positive, as_real, is_number, require_shape, shown


class Optimiser:
    """What every optimiser offers. A subclass writes `update`.

    It keeps what it needs of earlier steps by the parameters' names, so one optimiser belongs to one network.
    """

    def __init__(self, rate: float) -> None:
        """Take a learning rate.

        Raises:
            ValueError: the rate is not a finite number above 0.
        """
        self.rate = as_positive("rate", rate)

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Change every parameter in place by one step against its gradient.

        Args:
            parameters: float arrays by name, as `network.parameters()` gives them.
            gradients: under each of these names an array of the parameter's shape.

        Raises:
            ValueError, TypeError: a gradient is missing, has another shape or holds no real numbers; then
                nothing has been changed.
        """
        for held, what in ((parameters, "parameters"), (gradients, "gradients")):
            if not isinstance(held, Mapping):
                raise TypeError(f"{what} must be a dict of arrays by name, not {shown(held)}")
        fitting = {}
        for name, parameter in parameters.items():
            if not isinstance(parameter, np.ndarray) or parameter.dtype.kind != "f":
                raise TypeError(f"{name} must be an array of floats, to be changed in place, not {shown(parameter)}")
            if name not in gradients:
                raise ValueError(f"gradients lacks {name}")
            fitting[name] = as_real(f"the gradient of {name}", gradients[name])
            require_shape(f"the gradient of {name}", fitting[name], parameter.shape)
        self.update(parameters, fitting)

    def update(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Change the parameters by gradients that fit them."""
        raise NotImplementedError


class SGD(Optimiser):
    """Gradient descent, p -= rate g; stochastic if the gradients are those of mini-batches."""

    def update(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """p -= rate g."""
        for name, parameter in parameters.items():
            np.subtract(parameter, self.rate * gradients[name], out=parameter)


class Momentum(Optimiser):
    """Gradient descent with momentum: v = momentum v + g, starting from v = 0, then p -= rate v."""

    def __init__(self, rate: float, momentum: float = 0.9) -> None:
        """Take a learning rate, and how much of the last step's direction is kept.

        Raises:
            ValueError: the rate is not a finite number above 0, or the momentum not from 0 to below 1.
        """
        super().__init__(rate)
        _require_fraction("momentum", momentum)
        self.momentum = momentum
        self._velocities: dict[str, Array] = {}

    def update(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """v = momentum v + g, p -= rate v."""
        for name, parameter in parameters.items():
            velocity = _kept(self._velocities, name, parameter)
            velocity *= self.momentum
            velocity += gradients[name]
            np.subtract(parameter, self.rate * velocity, out=parameter)


class Adam(Optimiser):
    """Steps of about the same size for every entry: Kingma and Ba (2015), algorithm 1.

    m and v are running means of g and g^2, both corrected for their start at 0, and p -= rate m / (sqrt(v) + eps).
    """

    def __init__(self, rate: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        """Take a learning rate, how much of the means of g and of g^2 is kept, and what keeps from dividing by 0.

        Raises:
            ValueError: the rate or eps is not a finite number above 0, or one of betas not from 0 to below 1.
        """
        super().__init__(rate)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers, such as (0.9, 0.999), not {shown(betas)}")
        for beta in betas:
            _require_fraction("betas", beta)
        self.betas = betas
        self.eps = as_positive("eps", eps)
        self._steps = 0
        self._means: dict[str, Array] = {}
        self._squares: dict[str, Array] = {}

    def update(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Take g into both means, then p -= rate m / (sqrt(v) + eps)."""
        self._steps += 1
        beta1, beta2 = self.betas
        rate = self.rate / (1 - beta1**self._steps)
        correction = sqrt(1 - beta2**self._steps)
        for name, parameter in parameters.items():
            gradient = gradients[name]
            mean, square = _kept(self._means, name, parameter), _kept(self._squares, name, parameter)
            mean += (1 - beta1) * (gradient - mean)
            square *= beta2
            square += (1 - beta2) * np.square(gradient)
            change = rate * mean / (np.sqrt(square) / correction + self.eps)
            np.subtract(parameter, change, out=parameter)


def _kept(state: dict[str, Array], name: str, parameter: Array) -> Array:
    """What is kept for a parameter: zeros before the first step."""
    if name not in state:
        state[name] = np.zeros_like(parameter)
    return state[name]


def _require_fraction(name: str, value: float) -> None:
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{name} must be a number from 0 to below 1, not {shown(value)}")


OPTIMISERS: dict[str, type[Optimiser]] = {"SGD": SGD, "momentum": Momentum, "Adam": Adam}
"""The optimisers by the names that are shown."""
