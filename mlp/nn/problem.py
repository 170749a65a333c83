"""What gradients are taken of: a network, its loss, an input and a target, which travel as one value."""

import copy
from collections.abc import Callable
from typing import Generic, NamedTuple, Self, TypeVar

from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_array, as_real, require_methods
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss, Scalar

INPUT = "x"
"""The name of the input among the tensors of a problem."""


Network_co = TypeVar("Network_co", bound=Layer, covariant=True)


class Problem(NamedTuple, Generic[Network_co]):
    """The number c = loss(network(x), target).

    Attributes:
        network: a layer or network.
        loss: a loss.
        x: an input that the network takes.
        target: what the loss takes for that input.
    """

    network: Network_co
    loss: Loss
    x: Array
    target: Array

    def value(self) -> Scalar:
        """Compute the loss and keep nothing."""
        return self.loss.apply(self.network.apply(self.x), self.target)

    def tensors(self) -> dict[str, Array]:
        """Everything that the loss has gradients with respect to: each parameter by name, then the input as "x".

        Raises:
            ValueError: a parameter has that name already.
        """
        parameters = self.network.parameters()
        if INPUT in parameters:
            raise ValueError(f"a parameter is named {INPUT!r}, which here is the input; give it another name")
        return {**parameters, INPUT: self.x}

    def function(self, name: str) -> Callable[[Array], Scalar]:
        """The loss as a function of one tensor alone: of the parameter `name`, or of the input if the name is "x"."""
        return lambda varied: self.replaced(name, varied).value()

    def replaced(self, name: str, value: Array) -> Self:
        """The same problem with another array as one of its tensors; all the rest is shared."""
        if name == INPUT:
            return self._replace(x=value)
        return self._replace(network=self.network.replaced(name, value))

    def copied(self) -> Self:
        """A copy that shares nothing; errors raised as by `copied`."""
        return copied(self)


def as_problem(network: Layer, loss: Loss, x: ArrayLike, target: ArrayLike) -> Problem[Layer]:
    """The problem of these, with whatever the two arrays are written as.

    Raises:
        TypeError: network or loss is no such thing, or x is not real.
        ValueError: entries of x or target are masked.
    """
    require_network(network)
    require_methods("loss", loss, "a loss, such as MSELoss()", "apply", "as_target", "values")
    return Problem(network, loss, as_real("x", x), as_array("target", target))


def is_ours(part: object) -> bool:
    """Whether a layer or loss is of this package: it says where its corners are, and computes in its arrays' type."""
    return type(part).__module__.startswith("mlp.nn.")


def require_network(network: Layer) -> None:
    """Raise a TypeError unless this is a layer or network."""
    methods = ("apply", "parameters", "replaced", "chain")
    require_methods("network", network, "a layer or network, such as MLP(2, 10, 20, 5)", *methods)


Copied = TypeVar("Copied")


def copied(original: Copied) -> Copied:
    """A copy of a layer, a loss or both that shares nothing: to run it leaves alone what the original keeps.

    Raises:
        TypeError: they hold something that cannot be copied.
    """
    try:
        return copy.deepcopy(original)
    except Exception as error:  # whatever a person's class raises
        raise TypeError(
            f"a layer or loss cannot be copied ({type(error).__name__}: {error}). A check runs on a copy, to leave "
            f"what the layers keep as it was: keep open files, generators and locks out of them"
        ) from error
