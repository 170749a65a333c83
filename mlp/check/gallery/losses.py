"""Bugs of losses: each class has one wrong line; the loss it replaces lends it the right value."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.gallery.bug import bug, has_batch
from mlp.nn.arrays import Array, as_real
from mlp.nn.functional import log_softmax, sigmoid
from mlp.nn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, Loss, MSELoss, Scalar


class WrongLoss(Loss):
    """A loss to spoil: the value is right."""

    replaces: tuple[type, ...] = (MSELoss, HuberLoss, BCEWithLogitsLoss, CrossEntropyLoss)

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
        self._gradient = self._wrong(y, self.as_target(target, y))
        return self.apply(y, target)

    def _wrong(self, y: Array, target: Array) -> Array:
        """The dy of this loss, which each subclass gets wrong."""
        return self.inner.gradient(y, target)


def has_outputs(_loss: Loss, y: Array) -> bool:
    """Whether there is more than one output."""
    return y.shape[-1] > 1


def samples(y: Array) -> int:
    """Over how many the mean of the cross-entropy is taken."""
    return y.size // y.shape[-1]


@bug(
    "the 2 of the square",
    wrong="dy = (y - t) / y.size",
    right="dy = 2 * (y - t) / y.size",
    pattern="constant factor",
    replaces=(MSELoss,),
)
class TwoForgotten(WrongLoss):
    """Half of the derivative of a square. It acts as if the learning rate were half of what it is."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return (y - target) / y.size


@bug(
    "mean forgotten",
    wrong="dy = 2 * (y - t)",
    right="dy = 2 * (y - t) / y.size",
    pattern="constant factor",
    replaces=(MSELoss, HuberLoss, BCEWithLogitsLoss),
)
class MeanForgotten(WrongLoss):
    """The value is a mean and its gradient that of a sum. The lines are those of the squared error."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return self.inner.gradient(y, target) * y.size


@bug(
    "mean over samples only",
    wrong="dy = 2 * (y - t) / len(y)",
    right="dy = 2 * (y - t) / y.size",
    pattern="constant factor",
    replaces=(MSELoss, HuberLoss, BCEWithLogitsLoss),
    fits=lambda loss, y: has_batch(loss, y) and has_outputs(loss, y),
)
class MeanOverSamplesOnly(WrongLoss):
    """The value divides by the number of all elements, the gradient by that of the samples. The lines are those of the
    squared error.
    """

    def _wrong(self, y: Array, target: Array) -> Array:
        return self.inner.gradient(y, target) * y.shape[-1]


@bug(
    "batch mean forgotten",
    wrong="dy = softmax(y) - t",
    right="dy = (softmax(y) - t) / len(y)",
    pattern="constant factor",
    replaces=(CrossEntropyLoss,),
    fits=has_batch,
)
class BatchMeanForgotten(WrongLoss):
    """Right for one sample, and too large by the size of the batch."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return self.inner.gradient(y, target) * samples(y)


@bug(
    "target minus output",
    wrong="dy = 2 * (t - y) / y.size",
    right="dy = 2 * (y - t) / y.size",
    pattern="sign flipped",
)
class TargetMinusOutput(WrongLoss):
    """The square does not mind the order, its derivative does. The lines are those of the squared error."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return -self.inner.gradient(y, target)


@bug(
    "gradient kept from the first forward",
    wrong="if self.dy is None: self.dy = ...",
    right="self.dy = ...",
    pattern="stale cache",
)
class CachedOnce(WrongLoss):
    """The loss's gradient is computed once and kept for good."""

    def forward(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Compute the value, and keep the gradient only if none is kept yet."""
        kept = self._gradient
        value = super().forward(y, target)
        if kept is not None and np.shape(kept) == np.shape(y):
            self._gradient = kept
        return value


@bug(
    "softmax forgotten",
    wrong="dy = (y - t) / n",
    right="dy = (softmax(y) - t) / n",
    pattern="derivative missing",
    replaces=(CrossEntropyLoss,),
)
class SoftmaxForgotten(WrongLoss):
    """The gradient of the squared error has strayed into the cross-entropy."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return (y - target) / samples(y)


@bug(
    "target never subtracted",
    wrong="dy = softmax(y) / n",
    right="dy = (softmax(y) - t) / n",
    pattern="target forgotten",
    replaces=(CrossEntropyLoss,),
)
class TargetForgotten(WrongLoss):
    """Stops at the probabilities. Every class is pushed down, the right one too."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return np.exp(log_softmax(y)) / samples(y)


@bug(
    "softmax taken one by one",
    wrong="dy = dp * p * (1 - p)",
    right="dy = (softmax(y) - t) / n",
    pattern="diagonal taken for the Jacobian",
    replaces=(CrossEntropyLoss,),
    fits=has_outputs,
)
class SoftmaxDiagonal(WrongLoss):
    """p (1 - p) is the diagonal of softmax's Jacobian. Raising one output also lowers all the other probabilities."""

    def _wrong(self, y: Array, target: Array) -> Array:
        p = np.exp(log_softmax(y))
        dp = -target / p / samples(y)
        return dp * p * (1 - p)


@bug(
    "sigmoid's slope twice",
    wrong="dy = (s - t) * s * (1 - s) / y.size",
    right="dy = (s - t) / y.size",
    pattern="derivative doubled",
    replaces=(BCEWithLogitsLoss,),
)
class SigmoidTwice(WrongLoss):
    """In the cross-entropy with logits s (1 - s) cancels. With it, hardly anything is learnt from a sure mistake."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return self.inner.gradient(y, target) * sigmoid(y) * sigmoid(-y)


@bug(
    "by the probability",
    wrong="dy = (s - t) / (s * (1 - s)) / y.size",
    right="dy = (s - t) / y.size",
    pattern="derivative at the wrong place",
    replaces=(BCEWithLogitsLoss,),
)
class ByProbability(WrongLoss):
    """The derivative of the loss by s = sigmoid(y): the factor s (1 - s), which leads on to y, is missing."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return self.inner.gradient(y, target) / (sigmoid(y) * sigmoid(-y))


@bug(
    "not clipped",
    wrong="dy = (y - t) / y.size",
    right="dy = np.clip(y - t, -1, 1) / y.size",
    pattern="not clipped",
    replaces=(HuberLoss,),
)
class NotClipped(WrongLoss):
    """The gradient of the parabola, also where the loss is a straight line: outliers rule again, as in the squared
    error.
    """

    def _wrong(self, y: Array, target: Array) -> Array:
        return (y - target) / y.size


@bug(
    "sign only",
    wrong="dy = np.sign(y - t) / y.size",
    right="dy = np.clip(y - t, -1, 1) / y.size",
    pattern="sign taken for the error",
    replaces=(HuberLoss,),
)
class SignOnly(WrongLoss):
    """The gradient of the absolute error, also near zero, where the loss is a parabola."""

    def _wrong(self, y: Array, target: Array) -> Array:
        return np.sign(y - target) / y.size
