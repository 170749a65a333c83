"""Where one number of a forward or backward pass comes from: the products that add up to it, factor by factor.

Names are those of the layer's own arrays, indexed as numpy does: dW[7,1] = dy[7] x[1], and dy[7] of one layer is dx[7]
of the layer behind it. The sums are those of `mlp.nn.functional.linear_forward` and `linear_backward`, one sample's
vectors without a sample's index, a batch's with it in front.
"""

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.nn.layers import Linear
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT
from mlp.nn.trace import LOSS, Step

Index = tuple[int, ...]


class Number(NamedTuple):
    """An entry of an array: "x", (1,) and its value; or a function of one, "f" of it.

    The argument stands where the function's value is no more than the result again.
    """

    array: str
    place: Index
    value: float
    function: str = ""
    argument: float | None = None

    @property
    def name(self) -> str:
        """As it is written: dW[7,1], f'(x[7]); a single number without an index."""
        plain = f"{self.array}[{','.join(map(str, self.place))}]" if self.place else self.array
        return f"{self.function}({plain})" if self.function else plain


class Line(NamedTuple):
    """One number as a sum of products.

    Attributes:
        layer: the name of the layer that computes it, or "loss".
        result: the number.
        terms: the products that add up to it, each by its factors; none for the gradient that starts at the loss.
    """

    layer: str
    result: Number
    terms: tuple[tuple[Number, ...], ...]

    @property
    def by_size(self) -> list[tuple[Number, ...]]:
        """The terms, the one of largest magnitude first."""
        return sorted(self.terms, key=lambda term: -abs(prod(number.value for number in term)))


class Passes:
    """Both passes of a network, which can be asked where any number in them comes from."""

    def __init__(self, network: Sequential, steps: Iterable[Step]) -> None:
        """Take the steps of `mlp.nn.trace.trace`, or those of a single layer."""
        self._layers = network.layers
        self._steps = {(step.direction, step.name): step for step in steps}

    def output(self, layer: str, index: Index) -> Line:
        """The entry y[index] of a layer's output, or of the loss's input where the layer is the last."""
        step, *sample, i = self._steps["forward", layer], *index
        result = _entry("y", step.result, index)
        x = step.given
        linear = self._layers[layer]
        if not isinstance(linear, Linear):
            return Line(layer, result, ((Number("x", index, result.value, "f", float(x[index])),),))
        products = [(_entry("W", linear.W, (i, j)), _entry("x", x, (*sample, j))) for j in range(x.shape[-1])]
        return Line(layer, result, (*products, (_entry("b", linear.b, (i,)),)))

    def input_gradient(self, layer: str, index: Index) -> Line:
        """The entry dx[index] that a layer hands back; of the loss its dy[index], where backward starts."""
        step, *sample, j = self._steps["backward", layer], *index
        if layer == LOSS:
            return Line(layer, _entry("dy", step.result, index), ())
        result, dy, linear = _entry("dx", step.result, index), step.given, self._layers[layer]
        if isinstance(linear, Linear):
            terms = [(_entry("dy", dy, (*sample, k)), _entry("W", linear.W, (k, j))) for k in range(dy.shape[-1])]
            return Line(layer, result, tuple(terms))
        x = self._steps["forward", layer].given
        slope = float(linear.derivative(x)[index])  # type: ignore[attr-defined]  # an activation's
        return Line(layer, result, ((Number("x", index, slope, "f'"), _entry("dy", dy, index)),))

    def parameter_gradient(self, layer: str, parameter: str, index: Index) -> Line:
        """The entry of dW or db of a linear layer: over a batch a sum of one product for each sample."""
        step, x = self._steps["backward", layer], self._steps["forward", layer].given
        terms = []
        for sample in np.ndindex(step.given.shape[:-1]):
            dy = _entry("dy", step.given, (*sample, index[0]))
            terms.append((dy, _entry("x", x, (*sample, index[1]))) if parameter == "W" else (dy,))
        return Line(layer, _entry(f"d{parameter}", step.gradients[parameter], index), tuple(terms))

    def chain(self, tensor: str, index: Index) -> list[Line]:
        """From an entry of a tensor's gradient back to the loss, at each layer along the largest product.

        Args:
            tensor: "fc1.W", "fc1.b", ..., or "x" for the input.
            index: of the entry.

        Returns:
            The entry's own line first, then that of the dy in its largest product, and so on; the loss's last.

        Raises:
            KeyError, IndexError: there is no such tensor or entry.
        """
        names = [*self._layers, LOSS]
        if tensor == INPUT:
            lines = [self.input_gradient(names[0], index)]
        else:
            layer, _, parameter = tensor.partition(".")
            lines = [self.parameter_gradient(layer, parameter, index)]
        while lines[-1].layer != LOSS:
            followed = next(number for number in lines[-1].by_size[0] if number.array == "dy")
            behind = names[names.index(lines[-1].layer) + 1]
            lines.append(self.input_gradient(behind, followed.place))
        return lines

    def biases(self, lines: Iterable[Line]) -> dict[str, Index]:
        """Along a chain of one sample, the entries of biases whose gradient is the dy that is followed, by tensor.

        The gradient of a bias is dy itself; over a batch it is a sum, and is none of them.
        """
        found: dict[str, Index] = {}
        for line in lines:
            if isinstance(self._layers.get(line.layer), Linear):
                followed = next(number for number in line.by_size[0] if number.array == "dy")
                if len(followed.place) == 1:
                    found[f"{line.layer}.b"] = followed.place
        return found


def _entry(name: str, array: Array, index: Index) -> Number:
    return Number(name, index, float(array[index]))
