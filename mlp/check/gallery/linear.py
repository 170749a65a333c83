"""Bugs of linear layers: each class has one wrong line; the layer it replaces lends it W and b."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.gallery.bug import bug, has_batch
from mlp.nn.arrays import Array
from mlp.nn.functional import linear_backward
from mlp.nn.layers import Linear

_RATE = 0.1
_DECAY = 0.01


class Gradients(NamedTuple):
    """What backward of a linear layer finds."""

    dx: Array
    dW: Array  # noqa: N815
    db: Array


class WrongLinear(Linear):
    """A linear layer to spoil."""

    replaces = (Linear,)

    def __init__(self, right: Linear) -> None:
        self.inner = right
        self.W, self.b = right.W.copy(), right.b.copy()
        self.grad_W = self.grad_b = None
        self._x = None

    def backward(self, dy: ArrayLike) -> Array:
        """Set grad_W and grad_b and return dx, after `_wrong`."""
        if self._x is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        dy, x = np.asarray(dy), self._x
        dx, self.grad_W, self.grad_b = self._wrong(dy, x, Gradients(*linear_backward(dy, x, self.W, self.b)))
        return dx

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        """The gradients of this layer, of which each subclass gets something wrong."""
        return right


def is_square(layer: Linear, _x: Array) -> bool:
    """Whether W has as many rows as columns, and more than one."""
    return layer.W.shape[0] == layer.W.shape[1] > 1


def is_oblong(layer: Linear, _x: Array) -> bool:
    """Whether W has more than one row and more than one column, and not as many of each."""
    return layer.W.shape[0] != layer.W.shape[1] and min(layer.W.shape) > 1


def has_rows(layer: Linear, _x: Array) -> bool:
    """Whether W has more than one row."""
    return layer.W.shape[0] > 1


def has_columns(layer: Linear, _x: Array) -> bool:
    """Whether W has more than one column."""
    return layer.W.shape[1] > 1


@bug(
    "W transposed on the way back",
    wrong="dx = dy @ W.T",
    right="dx = dy @ W",
    pattern="ingredient changed",
    fits=is_square,
)
class TransposedWeights(WrongLinear):
    """The forward pass has W.T in it, so the backward pass gets one too. With square layers all shapes fit and nothing
    complains.
    """

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dx=dy @ self.W.T)


@bug(
    "outer product the wrong way round",
    wrong="dW = x.T @ dy",
    right="dW = dy.T @ x",
    pattern="transposed",
    fits=is_square,
)
class TransposedGradient(WrongLinear):
    """x and dy have changed places. Only a layer with as many inputs as outputs hides it."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=np.atleast_2d(x).T @ np.atleast_2d(dy))


@bug(
    "reshape for transpose",
    wrong="dW = (x.T @ dy).reshape(W.shape)",
    right="dW = (x.T @ dy).T",
    pattern="rows or columns permuted",
    fits=is_oblong,
)
class ReshapedGradient(WrongLinear):
    """The shape did not fit, a reshape made the error message go away, and with it went the order of the numbers."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=(np.atleast_2d(x).T @ np.atleast_2d(dy)).reshape(self.W.shape))


@bug(
    "minus in the gradient",
    wrong="dW = -dy.T @ x",
    right="dW = dy.T @ x",
    pattern="sign flipped",
)
class NegatedGradient(WrongLinear):
    """The minus of the update W -= rate * dW has found its way into dW. This W then climbs the loss that it should
    descend.
    """

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=-right.dW)


@bug(
    "bias not summed",
    wrong="db = dy",
    right="db = dy.sum(axis=0)",
    pattern="bias not summed over the batch",
    fits=has_batch,
)
class BiasNotSummed(WrongLinear):
    """Right for one sample, where db is dy. With a batch, b = b - rate * db still runs, and broadcasting makes of b one
    row for each sample.
    """

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(db=dy.copy())


@bug(
    "bias averaged",
    wrong="db = dy.mean(axis=0)",
    right="db = dy.sum(axis=0)",
    pattern="bias not summed over the batch",
    fits=has_batch,
)
class BiasAveraged(WrongLinear):
    """The loss takes a mean over the batch, so the bias gradient takes one as well: once too often."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(db=dy.mean(axis=0))


@bug(
    "bias of the first sample",
    wrong="db = dy[0]",
    right="db = dy.sum(axis=0)",
    pattern="one sample only",
    fits=has_batch,
)
class BiasOfFirstSample(WrongLinear):
    """Code for one sample was made to run on a batch by taking element 0."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(db=dy[0].copy())


@bug(
    "weights averaged",
    wrong="dW = dy.T @ x / len(x)",
    right="dW = dy.T @ x",
    pattern="constant factor",
    fits=has_batch,
)
class WeightsAveraged(WrongLinear):
    """Divides by the number of samples, which the loss has done already. The larger the batch, the slower W learns."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=right.dW / len(x))


@bug(
    "last sample wins",
    wrong="for ...: dW = np.outer(dy[i], x[i])",
    right="for ...: dW += np.outer(dy[i], x[i])",
    pattern="one sample only",
    fits=has_batch,
)
class LastSampleOnly(WrongLinear):
    """A loop over the samples assigns where it should add, so only the last one is left."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        for dy_of_one, x_of_one in zip(dy, x, strict=True):
            dW = np.outer(dy_of_one, x_of_one)
        return right._replace(dW=dW)


@bug(
    "gradient never filled in",
    wrong="dW = np.zeros_like(W)",
    right="dW = dy.T @ x",
    pattern="zero gradient",
)
class NeverFilled(WrongLinear):
    """The array is made, the line that fills it is missing. All other parameters learn, so the loss still falls."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=np.zeros_like(self.W))


@bug(
    "nothing passed on",
    wrong="dx = np.zeros_like(x)",
    right="dx = dy @ W",
    pattern="zero gradient",
)
class NothingPassedOn(WrongLinear):
    """The layer itself learns, but it hands back zeros, and whatever lies before it stands still."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dx=np.zeros_like(x))


@bug(
    "updated too early",
    wrong="W -= rate * dW; dx = dy @ W",
    right="dx = dy @ W, and the update outside backward",
    pattern="W already updated",
)
class UpdatedTooEarly(WrongLinear):
    """backward also updates, and computes dx after it. The smaller the learning rate, the smaller the error in dx."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        self.W -= _RATE * right.dW
        return right._replace(dx=dy @ self.W)


@bug(
    "input kept from the first forward",
    wrong="if self.x is None: self.x = x",
    right="self.x = x",
    pattern="stale cache",
)
class CachedOnce(WrongLinear):
    """The cache is filled if it is empty and never again. A test with one forward pass cannot see it."""

    def forward(self, x: ArrayLike) -> Array:
        """Compute W x + b and keep x, but only if nothing is kept yet."""
        kept = self._x
        y = super().forward(x)
        if kept is not None:
            self._x = kept
        return y


@bug(
    "dy left out of dW",
    wrong="dW = np.ones_like(dy).T @ x",
    right="dW = dy.T @ x",
    pattern="dy ignored",
)
class UpstreamIgnored(WrongLinear):
    """The derivative of y by W, and not yet of the loss: the chain rule's other factor is missing."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=linear_backward(np.ones_like(dy), x, self.W, self.b)[1])


@bug(
    "last row forgotten",
    wrong="for i in range(out_features - 1): dW[i] = dy[i] * x",
    right="for i in range(out_features): dW[i] = dy[i] * x",
    pattern="entry, row or column wrong",
    fits=has_rows,
)
class LastRowForgotten(WrongLinear):
    """A loop over the outputs that stops one too early. The weights of the last unit never learn; in a large layer
    nobody misses them.
    """

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        right.dW[-1] = 0
        return right


@bug(
    "one entry one per cent off",
    wrong="dW = dy.T @ x; dW[0, 0] *= 1.01",
    right="dW = dy.T @ x",
    pattern="entry, row or column wrong",
    fits=lambda layer, _x: layer.W.size > 1,
)
class OneEntryOff(WrongLinear):
    """A single number, a little wrong. Where that number is small, so is its error, and a rule with an absolute
    tolerance may pass it.
    """

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        right.dW[0, 0] *= 1.01
        return right


@bug(
    "gradients pile up",
    wrong="self.grad_W += dy.T @ x",
    right="self.grad_W = dy.T @ x",
    pattern="accumulates",
)
class Accumulating(WrongLinear):
    """Adds to what is there, as PyTorch does on purpose, but nothing sets it to zero. The first backward is right, and
    its tensors are consistent; the next one adds to them, which shows when backward runs twice.
    """

    def backward(self, dy: ArrayLike) -> Array:
        """Add to grad_W and grad_b and return dx."""
        old_W, old_b = self.grad_W, self.grad_b
        dx = super().backward(dy)
        if old_W is not None and old_b is not None:
            self.grad_W, self.grad_b = old_W + self.grad_W, old_b + self.grad_b
        return dx


@bug(
    "features from the wrong end",
    wrong="dW = dy.T @ x[:, ::-1]",
    right="dW = dy.T @ x",
    pattern="rows or columns permuted",
    fits=has_columns,
)
class ReversedInput(WrongLinear):
    """The features are read in reverse order, as after a flip that was meant for a convolution."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=linear_backward(dy, x[..., ::-1], self.W, self.b)[1])


@bug(
    "weight decay in backward",
    wrong="dW = dy.T @ x + 0.01 * W",
    right="dW = dy.T @ x",
    pattern="term added or missing",
)
class DecayInBackward(WrongLinear):
    """A good idea in the wrong place: the loss that is checked has no such term."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=right.dW + _DECAY * self.W)


@bug(
    "output kept for input",
    wrong="dW = dy.T @ y",
    right="dW = dy.T @ x",
    pattern="ingredient changed",
    fits=is_square,
)
class OutputForInput(WrongLinear):
    """forward keeps y instead of x. With as many inputs as outputs the shapes do not mind."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=linear_backward(dy, self.apply(x), self.W, self.b)[1])


@bug(
    "gradient in integers",
    wrong="dW = np.zeros(W.shape, dtype=int); dW[...] = dy.T @ x",
    right="dW = np.zeros(W.shape); dW[...] = dy.T @ x",
    pattern="integer gradient",
)
class IntegerGradient(WrongLinear):
    """dW is written into an array that was made like an integer one, and everything after the point is cut off."""

    def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:
        return right._replace(dW=right.dW.astype(int))
