"""Structured differences: every derivative of a loss at the cost of what its step really changes.

These are finite differences of the very function that the plain loop differentiates, many at once. Only forward
arithmetic enters, and nothing is shared between the steps except the activations of the point where the derivative is
taken. In particular no product with weights is ever prepared for several steps, which would be backpropagation itself.
"""

from collections import deque
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.blocks import Block, cut
from mlp.differences.derivatives import require_step
from mlp.differences.memory import WarmMemory
from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.parallel import Progress, available_cores, run_tasks
from mlp.differences.tensors import Tensor, evaluate, tensors
from mlp.nn.arrays import Array, as_numbers, as_real
from mlp.nn.changes import Columns
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss

# With less work than this, a few milliseconds, starting other threads takes longer than they help.
WORK_FOR_THREADS = 4_000_000


class Problem(NamedTuple):
    """The loss of a network's output, and how its values combine to a derivative."""

    loss: Loss
    y: Array
    target: Array
    method: Method
    weights: Array
    memory: WarmMemory

    def values(self, tensor: Tensor, block: Block) -> tuple[Array, Array]:
        """The loss for every offset of every entry of a block, shape (i, j, o), and the steps that were taken.

        Raises:
            TypeError: a complex step met a layer or loss that returns real numbers for complex ones.
        """
        empty = self.memory.reuse()
        moved = tensor.moved(*block)
        change = deque(tensor.changes(moved, empty), maxlen=1).pop()
        ys = change.filled(self.y, empty) if isinstance(change, Columns) else change
        values = as_numbers("the loss", self.loss.values(ys, self.target))
        if np.iscomplexobj(tensor.offsets) and values.dtype.kind != "c":
            raise TypeError(
                f"the {self.method.name} method needs a network that returns complex numbers for complex ones, but "
                f"between {tensor.name} and the loss they became {values.dtype}; take a real method such as central"
            )
        return values.reshape(moved.values.shape), moved.steps

    def differentiate(self, tensor: Tensor, block: Block, derivatives: Array) -> None:
        """Put the derivatives of a block of entries into their places in the matrix of all.

        As in the plain loop the quotient is over the step that floating point really took, sum_k w_k ((x + o_k h) - x),
        and NaN where that is zero.
        """
        values, steps = self.values(tensor, block)
        change, step = np.real(values @ self.weights), np.real(steps @ self.weights)
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
    problem = Problem(loss, y, loss.as_target(target, y), method, np.array(method.weights), WarmMemory())
    everything = [(tensor, np.empty(tensor.matrix.shape, precision)) for tensor in tensors(stages, eps, method)]
    tasks = [
        partial(problem.differentiate, tensor, block, derivatives)
        for tensor, derivatives in everything
        for block in cut(tensor)
    ]
    if threads is None:
        threads = available_cores() if sum(tensor.work for tensor, _ in everything) > WORK_FOR_THREADS else 1
    run_tasks(tasks, threads, progress)
    return {tensor.name: tensor.in_shape(derivatives) for tensor, derivatives in everything}
