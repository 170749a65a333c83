"""Structured differences: every derivative of a loss at the cost of what its step really changes.

These are finite differences of the very function that the plain loop differentiates, many at once. Only forward
arithmetic enters, and nothing is shared between the steps except the activations of the point where the derivative is
taken. In particular no product with weights is ever prepared for several steps, which would be backpropagation itself.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.blocks import Block, cut, most_work
from mlp.differences.derivatives import require_step
from mlp.differences.memory import WarmMemory
from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.parallel import Progress, available_cores, run_tasks
from mlp.differences.tensors import INPUT, Tensor, evaluate, tensors
from mlp.nn.arrays import Array, as_real
from mlp.nn.changes import PIECE, Moved
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss

# With less work than this, a few milliseconds, starting other threads takes longer than they help.
WORK_FOR_THREADS = 4_000_000


class Problem(NamedTuple):
    """The loss of a network, where it is evaluated, and how its values combine to a derivative."""

    loss: Loss
    y: Array
    target: Array
    offsets: Array
    weights: Array
    memory: WarmMemory

    def values(self, tensor: Tensor, moved: Moved) -> Array:
        """The loss for every value of every moved entry, in the shape (i, j, o) of `moved.values`.

        Raises:
            TypeError: a complex step met a layer or loss that returns real numbers for complex ones.
        """
        ys = tensor.outputs(moved, self.y, self.memory.reuse())
        step = max(1, PIECE // self.y.size)
        pieces = [self.loss.values(ys[..., k : k + step], self.target) for k in range(0, ys.shape[-1], step)]
        values = np.concatenate(pieces)
        if moved.values.dtype.kind == "c" and values.dtype.kind != "c":
            raise TypeError(
                f"a complex step needs a network that returns complex numbers for complex ones, but between "
                f"{tensor.name} and the loss they became {values.dtype}; take a real method such as central"
            )
        return values.reshape(moved.values.shape)

    def differentiate(self, tensor: Tensor, block: Block, derivatives: Array) -> None:
        """Put the derivatives of a block of entries into their places in the matrix of all.

        As in the plain loop the quotient is over the step that floating point really took, sum_k w_k ((x + o_k h) - x),
        and NaN where that is zero.
        """
        moved = tensor.moved(*block, self.offsets)
        change = np.real(self.values(tensor, moved) @ self.weights)
        step = np.real(moved.steps @ self.weights)
        derivatives[block] = np.divide(change, step, out=np.full(step.shape, np.nan), where=step != 0)


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
    """The gradient of the loss with respect to every parameter and the input, each in its tensor's shape.

    Args:
        network: a layer or network.
        loss: a loss.
        x: input of shape (features,) or (n, features).
        target: what the loss takes for that input.
        eps: the step h, positive; see `numerical_gradient`.
        method: a method or the name of one in METHODS.
        progress: called now and then, from the caller's thread, with the fraction of the work that is done. It may
            raise to break off: the work then ends within milliseconds, and the exception passes on.
        threads: how many threads to use; by default one for each core if the work is worth it. The result is the same
            to the last bit for any number.

    Raises:
        ValueError, TypeError: a shape, type, step or method is wrong; the message says which and what fits.
    """
    require_step(eps)
    method = as_method(method)
    stages = evaluate(network, as_real("x", x))
    y = stages[-1].y
    precision = loss.apply(y, target).real.dtype
    offsets, weights = np.array(method.offsets) * eps, np.array(method.weights)
    problem = Problem(loss, y, loss.as_target(target, y), offsets, weights, WarmMemory())
    gradients = {name: np.empty(np.shape(value), precision) for name, value in network.parameters().items()}
    gradients[INPUT] = np.empty(stages[0].x.shape, precision)
    parts = tuple(tensors(stages))
    tasks = [
        partial(problem.differentiate, tensor, block, tensor.see(gradients[tensor.name]))
        for tensor in parts
        for block in cut(tensor, offsets)
    ]
    if threads is None:
        work = sum(most_work(tensor, offsets) for tensor in parts)
        threads = available_cores() if work > WORK_FOR_THREADS else 1
    run_tasks(tasks, threads, progress)
    return gradients
