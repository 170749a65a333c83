"""Linear layers whose backward is wrong. Each class has one wrong line; the layer it replaces lends it W and b."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array
from mlp.nn.functional import linear_backward
from mlp.nn.layers import Linear

_RATE = 0.1
_DECAY = 0.01


class WrongLinear(Linear):
    """A linear layer to spoil: `gradients_of` is right here, and each subclass gets something in it wrong."""

    def __init__(self, right: Linear) -> None:
        self.inner = right
        self.W, self.b = right.W.copy(), right.b.copy()
        self.grad_W = self.grad_b = None
        self._x = None

    def backward(self, dy: ArrayLike) -> Array:
        """Set grad_W and grad_b and return dx, by `wrong`."""
        if self._x is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        dx, self.grad_W, self.grad_b = self.wrong(np.asarray(dy), self._x)
        return dx

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """The dx, dW and db of this layer, of which something is wrong."""
        return linear_backward(dy, x, self.W, self.b)


class TransposedWeights(WrongLinear):
    """Goes back through W transposed."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dx."""
        _, dW, db = super().wrong(dy, x)
        return dy @ self.W.T, dW, db


class TransposedGradient(WrongLinear):
    """Has the outer product the wrong way round."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, _, db = super().wrong(dy, x)
        return dx, np.atleast_2d(x).T @ np.atleast_2d(dy), db


class ReshapedGradient(WrongLinear):
    """Makes the shape right with a reshape instead of a transpose."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, _, db = super().wrong(dy, x)
        return dx, (np.atleast_2d(x).T @ np.atleast_2d(dy)).reshape(self.W.shape), db


class NegatedGradient(WrongLinear):
    """Has the minus of the update rule in the gradient already."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, dW, db = super().wrong(dy, x)
        return dx, -dW, db


class BiasNotSummed(WrongLinear):
    """Leaves one bias gradient for each sample."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in db."""
        dx, dW, _ = super().wrong(dy, x)
        return dx, dW, dy.copy()


class BiasAveraged(WrongLinear):
    """Takes the mean over the batch a second time."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in db."""
        dx, dW, _ = super().wrong(dy, x)
        return dx, dW, dy.mean(axis=0)


class BiasOfFirstSample(WrongLinear):
    """Was written for one sample and given a batch."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in db."""
        dx, dW, _ = super().wrong(dy, x)
        return dx, dW, dy[0].copy()


class WeightsAveraged(WrongLinear):
    """Divides by the number of samples, which the loss has done already."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, dW, db = super().wrong(dy, x)
        return dx, dW / len(x), db


class LastSampleOnly(WrongLinear):
    """Loops over the samples and overwrites where it should add."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, dW, db = super().wrong(dy, x)
        for dy_of_one, x_of_one in zip(dy, x, strict=True):
            dW = np.outer(dy_of_one, x_of_one)
        return dx, dW, db


class NeverFilled(WrongLinear):
    """Makes the array for dW and forgets to fill it in."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, _, db = super().wrong(dy, x)
        return dx, np.zeros_like(self.W), db


class NothingPassedOn(WrongLinear):
    """Computes its own gradients and passes zeros to the layer below."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dx."""
        _, dW, db = super().wrong(dy, x)
        return np.zeros_like(x), dW, db


class UpdatedTooEarly(WrongLinear):
    """Updates W first, and computes dx with the new W."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dx, and in that it changes W at all."""
        _, dW, db = super().wrong(dy, x)
        self.W -= _RATE * dW
        return dy @ self.W, dW, db


class CachedOnce(WrongLinear):
    """Keeps the input of the first forward for good."""

    def forward(self, x: ArrayLike) -> Array:
        """Compute W x + b and keep x, but only if nothing is kept yet."""
        kept = self._x
        y = super().forward(x)
        if kept is not None:
            self._x = kept
        return y


class UpstreamIgnored(WrongLinear):
    """Differentiates its own output and forgets the chain rule."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, _, db = super().wrong(dy, x)
        return dx, linear_backward(np.ones_like(dy), x, self.W, self.b)[1], db


class LastRowForgotten(WrongLinear):
    """Stops its loop over the outputs one too early."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, dW, db = super().wrong(dy, x)
        dW[-1] = 0
        return dx, dW, db


class OneEntryOff(WrongLinear):
    """Has a single wrong number, as after a debugging session."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, dW, db = super().wrong(dy, x)
        dW[0, 0] *= 1.01
        return dx, dW, db


class Accumulating(WrongLinear):
    """Adds to the gradients of the last run."""

    def backward(self, dy: ArrayLike) -> Array:
        """Add to grad_W and grad_b and return dx."""
        old_W, old_b = self.grad_W, self.grad_b
        dx = super().backward(dy)
        if old_W is not None and old_b is not None:
            self.grad_W, self.grad_b = old_W + self.grad_W, old_b + self.grad_b
        return dx


class ReversedInput(WrongLinear):
    """Reads the features from the wrong end."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, _, db = super().wrong(dy, x)
        return dx, linear_backward(dy, x[..., ::-1], self.W, self.b)[1], db


class DecayInBackward(WrongLinear):
    """Adds the gradient of a penalty that is not in the loss."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, dW, db = super().wrong(dy, x)
        return dx, dW + _DECAY * self.W, db


class OutputForInput(WrongLinear):
    """Keeps y where it should keep x."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, _, db = super().wrong(dy, x)
        return dx, linear_backward(dy, self.apply(x), self.W, self.b)[1], db


class IntegerGradient(WrongLinear):
    """Fills the gradient into an array of integers."""

    def wrong(self, dy: Array, x: Array) -> tuple[Array, Array, Array]:
        """Wrong in dW."""
        dx, dW, db = super().wrong(dy, x)
        return dx, dW.astype(int), db
