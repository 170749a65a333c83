"""Losses whose backward is wrong. Each class has one wrong line; the loss it replaces lends it the right value."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_real
from mlp.nn.functional import log_softmax, sigmoid
from mlp.nn.losses import Loss, Scalar


class WrongLoss(Loss):
    """A loss to spoil: the value is right, and each subclass gets `wrong` wrong."""

    def __init__(self, right: Loss) -> None:
        super().__init__()
        self.inner = right
        self.kinks = right.kinks  # type: ignore[misc]  # a constant of the class for all others

    def as_target(self, target: ArrayLike, y: Array) -> Array:
        """As the right loss has it."""
        return self.inner.as_target(target, y)

    def apply(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """The right value."""
        return self.inner.apply(y, target)

    def forward(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Compute the right value, and keep the wrong gradient."""
        y = as_real("y", y)
        self._gradient = self.wrong(y, self.as_target(target, y))
        return self.apply(y, target)

    def wrong(self, y: Array, target: Array) -> Array:
        """The dy of this loss, which is wrong."""
        return self.inner.gradient(y, target)


class TwoForgotten(WrongLoss):
    """Forgets the 2 of the square."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: half of it."""
        return (y - target) / y.size


class MeanForgotten(WrongLoss):
    """Differentiates the sum."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: y.size times too large."""
        return self.inner.gradient(y, target) * y.size


class MeanOverSamplesOnly(WrongLoss):
    """Divides by the samples, while the value divides by all elements."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: too large by the number of outputs."""
        return self.inner.gradient(y, target) * y.shape[-1]


class BatchMeanForgotten(WrongLoss):
    """Forgets the mean over the batch."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: too large by the number of samples."""
        return self.inner.gradient(y, target) * len(y)


class TargetMinusOutput(WrongLoss):
    """Subtracts the wrong way round."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: the sign."""
        return -self.inner.gradient(y, target)


class CachedOnce(WrongLoss):
    """Keeps the gradient of the first forward for good."""

    def forward(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Compute the value, and keep the gradient only if none is kept yet."""
        kept = self._gradient
        value = super().forward(y, target)
        if kept is not None and np.shape(kept) == np.shape(y):
            self._gradient = kept
        return value


class SoftmaxForgotten(WrongLoss):
    """Subtracts the target from the logits."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: y where softmax(y) belongs."""
        return (y - target) / (len(y) if y.ndim == 2 else 1)


class TargetForgotten(WrongLoss):
    """Stops at the probabilities."""

    def wrong(self, y: Array, target: Array) -> Array:  # noqa: ARG002 - that is the bug
        """Wrong: the target is not subtracted."""
        return np.exp(log_softmax(y)) / (len(y) if y.ndim == 2 else 1)


class SoftmaxDiagonal(WrongLoss):
    """Multiplies by p (1 - p), as for a sigmoid."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: the other columns of the Jacobian are missing."""
        p = np.exp(log_softmax(y))
        dp = -target / p / (len(y) if y.ndim == 2 else 1)
        return dp * p * (1 - p)


class SigmoidTwice(WrongLoss):
    """Multiplies by the sigmoid's derivative although it has cancelled."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: s (1 - s) too often."""
        return self.inner.gradient(y, target) * sigmoid(y) * sigmoid(-y)


class ByProbability(WrongLoss):
    """Differentiates by the probability and stops there."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: s (1 - s) is missing."""
        return self.inner.gradient(y, target) / (sigmoid(y) * sigmoid(-y))


class NotClipped(WrongLoss):
    """Has the gradient of the parabola everywhere."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: not cut off at -1 and 1."""
        return (y - target) / y.size


class SignOnly(WrongLoss):
    """Has the gradient of the absolute error everywhere."""

    def wrong(self, y: Array, target: Array) -> Array:
        """Wrong: near zero it should be y - t."""
        return np.sign(y - target) / y.size
