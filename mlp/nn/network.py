"""A network is layers in a row: forward is a loop, backward the same loop reversed."""

import copy
from itertools import pairwise
from typing import Self

from numpy.typing import ArrayLike

from mlp.nn.activations import Tanh
from mlp.nn.arrays import Array, require_function, require_methods, shown
from mlp.nn.initialisations import Initialisation, RandomSource, standard_normal
from mlp.nn.layers import Activation, Layer, Linear


class Sequential(Layer):
    """Named layers, applied in the order in which they are given and reachable as attributes.

    Parameters are named after their layer: {"fc1.W": array, "fc1.b": array, ...}. A Sequential is itself a layer.
    """

    def __init__(self, **layers: Layer) -> None:
        """Keep the layers under their names.

        Raises:
            ValueError: no layers, a name that Sequential itself uses or that holds a dot, or one layer object in two
                places (its second forward would overwrite what the first one keeps for backward).
            TypeError: one of them is no layer.
        """
        if not layers:
            raise ValueError("Sequential needs at least one layer")
        if len({id(layer) for layer in layers.values()}) < len(layers):
            raise ValueError("each layer must be an object of its own, but one object was given under two names")
        self._names: tuple[str, ...] = ()
        for name, layer in layers.items():
            if hasattr(self, name):
                raise ValueError(f"a layer cannot be named {name!r}: Sequential has an attribute of that name")
            if "." in name:
                raise ValueError(f"a layer cannot be named {name!r}: a dot parts layer and parameter, as in fc1.W")
            require_methods(name, layer, "a layer, such as Tanh()", "apply", "forward", "backward", "parameters")
            setattr(self, name, layer)
        self._names = tuple(layers)

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers by name, in order."""
        return {name: getattr(self, name) for name in self._names}

    def apply(self, x: ArrayLike) -> Array:
        """Compute the output from x and keep nothing."""
        for layer in self.layers.values():
            x = layer.apply(x)
        return x  # type: ignore[return-value]  # an array after the first layer, and there is always one

    def forward(self, x: ArrayLike) -> Array:
        """Compute the output from x; each layer keeps what its backward needs."""
        for layer in self.layers.values():
            x = layer.forward(x)
        return x  # type: ignore[return-value]

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx for this dy and set every layer's gradients."""
        for layer in reversed(self.layers.values()):
            dy = layer.backward(dy)
        return dy  # type: ignore[return-value]

    def parameters(self) -> dict[str, Array]:
        """Every layer's parameters, as {"fc1.W": array, ...}."""
        return {
            f"{name}.{key}": value for name, layer in self.layers.items() for key, value in layer.parameters().items()
        }

    def gradients(self) -> dict[str, Array]:
        """Every layer's gradients, under the names of the parameters."""
        return {
            f"{name}.{key}": value for name, layer in self.layers.items() for key, value in layer.gradients().items()
        }

    def replaced(self, name: str, value: Array) -> Self:
        """Return a copy with another array as its parameter `name` ("fc1.W"); all the rest is shared."""
        layer_name, _, parameter = name.partition(".")
        if layer_name not in self._names:
            raise KeyError(f"the network has no layer {layer_name!r}; its layers: {', '.join(self._names)}")
        twin = copy.copy(self)
        setattr(twin, layer_name, self.layers[layer_name].replaced(parameter, value))
        return twin

    def chain(self) -> dict[str, Layer]:
        """The layers one after the other, a Sequential among them taken apart as well."""
        return {
            f"{name}.{inner}".rstrip("."): part
            for name, layer in self.layers.items()
            for inner, part in layer.chain().items()
        }


def dense_layers(
    sizes: tuple[int, ...],
    activation: type[Activation] = Tanh,
    rng: RandomSource | None = None,
    initialisation: Initialisation = standard_normal,
) -> dict[str, Layer]:
    """Make the layers fc1, activation_fn1, fc2, ..., fcN of a multilayer perceptron, for `Sequential(**layers)`.

    Args:
        sizes: number of inputs, of units in each hidden layer, and of outputs: at least two numbers.
        activation: the class of the activations between the linear layers.
        rng: the random source, passed on to each `Linear` in turn.
        initialisation: how each `Linear` draws from it.

    Raises:
        ValueError: fewer than two sizes, or one below 1.
        TypeError: a size is not a whole number, or sizes or activation is no such thing.
    """
    if not isinstance(sizes, tuple | list):
        raise TypeError(f"sizes must be a tuple, such as (2, 10, 20, 5), not {shown(sizes)}")
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least the inputs and the outputs, not {sizes!r}")
    require_function("activation", activation)
    layers: dict[str, Layer] = {}
    for i, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        if i > 1:
            layers[f"activation_fn{i - 1}"] = activation()
        layers[f"fc{i}"] = Linear(inputs, outputs, rng, initialisation)
    return layers


class MLP(Sequential):
    """The exercise's network: fc1, activation_fn1, fc2, activation_fn2, fc3 with tanh between linear layers."""

    def __init__(
        self, in_features: int, hidden_size1: int, hidden_size2: int, out_features: int, rng: RandomSource | None = None
    ) -> None:
        """Draw the linear layers in order; without rng from numpy's global stream, as the exercise does."""
        super().__init__(**dense_layers((in_features, hidden_size1, hidden_size2, out_features), rng=rng))
