"""Structured differences: every derivative of a loss at the cost of what its step really changes.

These are finite differences of the very function that the plain loop differentiates, many at once. Only forward
arithmetic enters, and nothing is shared between the steps except the activations of the point where the derivative is
taken. In particular no product with weights is ever prepared for several steps, which would be backpropagation itself.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.blocks import batches
from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.parallel import Progress, available_cores, run_tasks
from mlp.differences.perturbations import perturbations, propagate, require_complex, values_and_steps
from mlp.differences.tensors import Block, evaluate, movable_tensors
from mlp.nn.arrays import Array, as_positive, as_real, require_function
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss

# The GNU C library fetches arrays of more than 128 kB from the operating system and gives them back each time, which
# takes longer than to fill them with tanh, until it sees a larger one freed. It is shown one of 8 MB here, which costs
# nothing, and then keeps what is freed at hand. Other allocators do not mind.
np.empty(2**20)

# A batch of perturbations takes some 0.2 milliseconds. With fewer than this, starting threads takes longer than they
# help.
BATCHES_FOR_THREADS = 16


class LossDifferences(NamedTuple):
    """The loss of a network, where it is evaluated, and how its values combine to a derivative."""

    loss: Loss
    y: Array
    target: Array
    precision: np.dtype[Any]
    offsets: Array
    weights: Array

    def differentiate(self, blocks: Sequence[Block], gradients: Mapping[str, Array]) -> None:
        """Put the derivatives for the entries of some blocks, one batch of perturbations, into the gradients.

        As in the plain loop the quotient is over the step that floating point really took, sum_k w_k ((x + o_k h) - x),
        and NaN where that is zero.
        """
        values, steps = values_and_steps(blocks, self.offsets)
        step = (steps @ self.weights).real
        step[step == 0] = np.nan
        quotients = (self.losses(blocks, values, steps) @ self.weights).real / step
        stop = 0
        for block in blocks:
            part = block.of(gradients[block.tensor.name])
            start, stop = stop, stop + part.size
            part[...] = quotients[start:stop].reshape(part.shape)

    def losses(self, blocks: Sequence[Block], values: Array, steps: Array) -> Array:
        """The loss for each step, in the shape (entries, offsets) of `values`.

        Raises:
            TypeError: a complex step met a layer or loss that returns real numbers for complex ones.
        """
        tensor = blocks[0].tensor
        results = np.empty(values.size, np.result_type(values, self.precision))
        for ys, which in propagate(tensor.stages, perturbations(blocks, values, steps)):
            losses = self.loss.values(ys if tensor.sample is None else self._batch(ys, tensor.sample), self.target)
            if results.dtype.kind == "c":
                require_complex(losses)
            results[which] = losses
        return results.reshape(values.shape)

    def _batch(self, ys: Array, sample: int) -> Array:
        """The outputs of the whole batch, for a stack of those of one sample."""
        batch = np.empty((*self.y.shape, ys.shape[-1]), np.result_type(self.y, ys))
        batch[...] = self.y[..., None]
        batch[sample] = ys
        return batch


def structured_gradients(
    network: Layer,
    loss: Loss,
    x: ArrayLike,
    target: ArrayLike,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
    progress: Progress | None = None,
    threads: int | None = None,
) -> dict[str, Array]:
    """The gradients of `mlp.differences.networks.loss_gradients`, whose arguments and errors these are.

    `threads` is how many to use; by default one for each core if the work is worth it. The result is the same to the
    last bit for any number.
    """
    eps, method = as_positive("eps", eps), as_method(method)
    if progress is not None:
        require_function("progress", progress)
    stages = evaluate(network, as_real("x", x))
    y = stages[-1].y
    precision = loss.apply(y, target).dtype
    offsets, weights = np.array(method.offsets) * eps, np.array(method.weights)
    differences = LossDifferences(loss, y, loss.as_target(target, y), precision, offsets, weights)
    everything = tuple(movable_tensors(stages))
    shapes = {tensor.name: tensor.shape for tensor in everything}
    gradients = {name: np.empty(shape, precision) for name, shape in shapes.items()}
    tasks = [partial(differences.differentiate, batch, gradients) for batch in batches(everything, offsets)]
    if threads is None:
        threads = available_cores() if len(tasks) >= BATCHES_FOR_THREADS else 1
    run_tasks(tasks, threads, progress)
    return gradients
