"""A loss maps the network's output y and a target to one number c, and gives back dc/dy.

Where the mean is taken over follows PyTorch's defaults and stands in each docstring.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, as_array, as_numbers, as_real, require_elements, require_shape
from mlp.nn.changes import forget_inherited
from mlp.nn.functional import log_softmax, magnitude, relu, sigmoid
from mlp.nn.initialisations import RandomSource

Scalar = np.inexact[Any]


class Loss:
    """What every loss offers.

    A subclass writes the static methods `value` and `gradient`, and both as LaTeX for one sample of n outputs.
    """

    formula: ClassVar[str]
    gradient_formula: ClassVar[str]

    kinks: ClassVar[tuple[float, ...]] = ()
    """The values of y - target at which the loss or its slope has a corner."""

    def __init__(self) -> None:
        self._gradient: Array | None = None

    def __init_subclass__(cls) -> None:
        """Forget what an ancestor made of its own loss of one output, if this class rewrites that."""
        super().__init_subclass__()
        for rule in ("apply", "value"):
            forget_inherited(cls, Loss, rule, ("values",))
        for rule in ("value", "gradient"):
            forget_inherited(cls, Loss, rule, ("value_and_gradient",))

    @staticmethod
    def value(y: Array, target: Array) -> Scalar:
        """The loss of checked arrays; y may be complex."""
        raise NotImplementedError

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        """The derivative of that very value with respect to y, in the shape of y."""
        raise NotImplementedError

    @classmethod
    def value_and_gradient(cls, y: Array, target: Array) -> tuple[Scalar, Array]:
        """Both at once, of real y; a loss whose two formulas have much in common writes this as well."""
        return cls.value(y, target), cls.gradient(y, target)

    @staticmethod
    def random_target(rng: RandomSource, shape: tuple[int, ...]) -> Array:
        """Draw a target for outputs of this shape from standard normal numbers."""
        return rng.standard_normal(shape)

    def as_target(self, target: ArrayLike, y: Array) -> Array:
        """Return the target as an array in the shape of y, or raise an error that names what was expected."""
        target = as_real("target", target)
        require_shape("target", target, y.shape)
        return target

    def apply(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Compute the loss, a numpy number, and keep nothing.

        Args:
            y: network output, real or complex, of any rank: (features,), (n, features), (n, steps, features), ...
            target: what the output should be, in the shape of y.

        Raises:
            ValueError: a shape is wrong.
            TypeError: y or target holds no numbers.
        """
        y = as_numbers("y", y)
        require_elements("y", y)
        return self.value(y, self.as_target(target, y))

    def values(self, ys: Array, target: Array) -> Array:
        """The loss of each of a stack of outputs, shape (*target.shape, k), as an array of shape (k,).

        The default takes them singly; a loss whose formula serves a whole stack writes this as well.
        """
        return np.array([self.apply(ys[..., k], target) for k in range(ys.shape[-1])])

    def forward(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Compute the loss, a numpy number, and keep its gradient for backward."""
        y = as_real("y", y)
        loss = self.apply(y, target)
        self._gradient = self.gradient(y, self.as_target(target, y))
        return loss

    def backward(self) -> Array:
        """Return dc/dy in the shape of the last forward's y.

        Raises:
            RuntimeError: there was no forward yet.
        """
        if self._gradient is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        return self._gradient.copy()


class ElementwiseLoss(Loss):
    """The mean, over all elements of a batch, of a function of y_i and t_i. A subclass writes it as `terms`."""

    @staticmethod
    def terms(y: Array, target: Array) -> Array:
        """The function, element by element; y may be complex."""
        raise NotImplementedError

    @classmethod
    def value(cls, y: Array, target: Array) -> Scalar:
        """The mean of the terms."""
        return np.mean(cls.terms(y, target))

    def values(self, ys: Array, target: Array) -> Array:
        """The mean of the terms, for each of the stack."""
        return summed(self.terms(ys, target[..., None])) / target.size


class MSELoss(ElementwiseLoss):
    """The mean-squared error, sum (y_i - t_i)^2 / n; the mean is over all elements of a batch."""

    formula = r"c = \frac{1}{n} \sum_i (y_i - t_i)^2"
    gradient_formula = r"\frac{\partial c}{\partial y_i} = \frac{2}{n} (y_i - t_i)"

    @staticmethod
    def terms(y: Array, target: Array) -> Array:
        """(y - t)^2."""
        return np.square(y - target)

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        """2 (y - t) / n."""
        return 2 * (y - target) / y.size


class HuberLoss(ElementwiseLoss):
    """Squared where |y - t| <= 1, linear beyond; the mean is over all elements. Kinks in the second derivative only."""

    formula = (
        r"c = \frac{1}{n} \sum_i "
        r"\begin{cases} \frac{1}{2} (y_i - t_i)^2 & |y_i - t_i| \le 1 \\ "
        r"|y_i - t_i| - \frac{1}{2} & \text{else} \end{cases}"
    )
    gradient_formula = r"\frac{\partial c}{\partial y_i} = \frac{1}{n} \min(1, \max(-1, y_i - t_i))"
    kinks = (-1.0, 1.0)

    @staticmethod
    def terms(y: Array, target: Array) -> Array:
        """d^2 / 2, or |d| - 1/2 where |d| > 1, for d = y - t."""
        d = y - target
        size = magnitude(d)
        return np.where(size.real <= 1, np.square(d) / 2, size - 0.5)

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        """(y - t) / n, cut off at -1/n and 1/n."""
        return np.clip(y - target, -1, 1) / y.size


class BCEWithLogitsLoss(ElementwiseLoss):
    """Binary cross-entropy of sigmoid(y) and t between 0 and 1; the mean is over all elements."""

    formula = r"c = \frac{1}{n} \sum_i \left[ (1 - t_i)\,y_i + \log(1 + e^{-y_i}) \right]"
    gradient_formula = r"\frac{\partial c}{\partial y_i} = \frac{1}{n} (\sigma(y_i) - t_i)"

    @staticmethod
    def terms(y: Array, target: Array) -> Array:
        """(1 - t) y + log(1 + exp(-y)), free of overflow at any logit."""
        # softplus(-y) is written out, so that its large part cancels against (1 - t) y before the small one is added.
        return ((1 - target) * y + relu(-y)) + np.log1p(np.exp(-magnitude(y)))

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        """(sigmoid(y) - t) / n."""
        return (sigmoid(y) - target) / y.size

    @staticmethod
    def random_target(rng: RandomSource, shape: tuple[int, ...]) -> Array:
        """Zeros and ones, each with probability one half."""
        return (rng.standard_normal(shape) > 0).astype(np.float64)


class CrossEntropyLoss(Loss):
    """Cross-entropy of softmax(y) and a target; the sum is over the classes, which lie along the last axis of y.

    The mean is over all other axes: the samples of a batch, and the steps of sequences. (PyTorch has the classes on the
    second axis.) The target is either probabilities in the shape of y, or class indices: integers of y's shape without
    its last axis.
    """

    formula = r"c = -\sum_i t_i \log \frac{e^{y_i}}{\sum_j e^{y_j}}"
    gradient_formula = r"\frac{\partial c}{\partial y_i} = \frac{e^{y_i}}{\sum_j e^{y_j}} \sum_j t_j - t_i"

    @staticmethod
    def value(y: Array, target: Array) -> Scalar:
        """-sum_j t_j log softmax(y)_j."""
        return _cross_entropy(log_softmax(y), target)

    def values(self, ys: Array, target: Array) -> Array:
        """The same for each of a stack, whose classes lie along the last axis but one."""
        return -summed(target[..., None] * log_softmax(ys, axis=-2)) / _samples(target)

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        """softmax(y) sum_j t_j - t, which is softmax(y) - t for probabilities that add up to 1.

        For the class that the target names this is softmax(y) - 1, which expm1 gives without subtracting.
        """
        return _cross_entropy_gradient(log_softmax(y), target)

    @classmethod
    def value_and_gradient(cls, y: Array, target: Array) -> tuple[Scalar, Array]:
        """Both from the same logarithms."""
        logarithms = log_softmax(y)
        return _cross_entropy(logarithms, target), _cross_entropy_gradient(logarithms, target)

    @staticmethod
    def random_target(rng: RandomSource, shape: tuple[int, ...]) -> Array:
        """One class for each sample, all equally likely, as probabilities of 0 and 1."""
        scores = rng.standard_normal(shape)
        return (scores == scores.max(axis=-1, keepdims=True)).astype(np.float64)

    def as_target(self, target: ArrayLike, y: Array) -> Array:
        """Turn class indices into probabilities of 0 and 1; check probabilities' shape."""
        indices = as_array("target", target)
        if indices.dtype.kind not in "iu" or indices.shape != y.shape[:-1]:
            return super().as_target(target, y)
        classes = y.shape[-1]
        if np.any((indices < 0) | (indices >= classes)):
            raise ValueError(f"target must hold class indices from 0 to {classes - 1}, not {indices.tolist()}")
        return np.eye(classes, dtype=y.real.dtype)[indices]


def _cross_entropy(logarithms: Array, target: Array) -> Scalar:
    return -(target * logarithms).sum() / _samples(target)


def _cross_entropy_gradient(logarithms: Array, target: Array) -> Array:
    total = np.add.reduce(target, axis=-1, keepdims=True)
    named = 2 * target > total
    # Of what is named, the probability less 1, and so the target less the total.
    probabilities = np.where(named, np.expm1(logarithms), np.exp(logarithms))
    return (probabilities * total - (target - named * total)) / _samples(target)


# numpy adds up to 128 / 8 terms one after another.
_IN_A_ROW = 16


def summed(terms: Array) -> Array:
    """The sum over all but the last axis, added up in pairs, as numpy's own sum does over a whole array.

    Added one after another, n terms would be rounded n times, and the loss at a step would be off by more than the
    loss that `value` computes. (Higham, The accuracy of floating point summation, 1993.)
    """
    rows = terms.reshape(-1, terms.shape[-1])
    while len(rows) > _IN_A_ROW:
        half = len(rows) // 2
        pairs = rows[:half] + rows[half : 2 * half]
        if len(rows) % 2:
            pairs[0] += rows[-1]
        rows = pairs
    return np.add.reduce(rows, axis=0)


def _samples(y: Array) -> int:
    return y.size // y.shape[-1]


LOSSES: dict[str, type[Loss]] = {
    loss.__name__: loss for loss in (MSELoss, HuberLoss, BCEWithLogitsLoss, CrossEntropyLoss)
}
