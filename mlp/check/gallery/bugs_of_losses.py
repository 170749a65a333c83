"""The bugs of losses, told."""

from mlp.check.gallery import losses
from mlp.check.gallery.bug import Bug, has_batch
from mlp.nn.arrays import Array
from mlp.nn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, Loss, MSELoss


def _has_outputs(_loss: Loss, y: Array) -> bool:
    return y.shape[-1] > 1


BUGS: tuple[Bug, ...] = (
    Bug(
        "the 2 of the square",
        "Half of the derivative of a square. Nothing but the learning rate seems to change.",
        "dy = (y - t) / y.size",
        "dy = 2 * (y - t) / y.size",
        "constant factor",
        (MSELoss,),
        losses.TwoForgotten,
    ),
    Bug(
        "mean forgotten",
        "The value is a mean and its gradient that of a sum.",
        "dy = 2 * (y - t)",
        "dy = 2 * (y - t) / y.size",
        "constant factor",
        (MSELoss, HuberLoss, BCEWithLogitsLoss),
        losses.MeanForgotten,
    ),
    Bug(
        "mean over samples only",
        "The value divides by all elements, the gradient by the number of samples.",
        "dy = 2 * (y - t) / len(y)",
        "dy = 2 * (y - t) / y.size",
        "constant factor",
        (MSELoss, HuberLoss, BCEWithLogitsLoss),
        losses.MeanOverSamplesOnly,
        _has_outputs,
    ),
    Bug(
        "batch mean forgotten",
        "Right for one sample, and too large by the size of the batch.",
        "dy = softmax(y) - t",
        "dy = (softmax(y) - t) / len(y)",
        "constant factor",
        (CrossEntropyLoss,),
        losses.BatchMeanForgotten,
        has_batch,
    ),
    Bug(
        "target minus output",
        "The square does not mind the order, its derivative does.",
        "dy = 2 * (t - y) / y.size",
        "dy = 2 * (y - t) / y.size",
        "sign flipped",
        (MSELoss, HuberLoss, BCEWithLogitsLoss, CrossEntropyLoss),
        losses.TargetMinusOutput,
    ),
    Bug(
        "gradient kept from the first forward",
        "The loss's gradient is computed once and kept for good.",
        "if self.dy is None: self.dy = ...",
        "self.dy = ...",
        "stale cache",
        (MSELoss, HuberLoss, BCEWithLogitsLoss, CrossEntropyLoss),
        losses.CachedOnce,
    ),
    Bug(
        "softmax forgotten",
        "The gradient of the squared error has strayed into the cross-entropy.",
        "dy = (y - t) / n",
        "dy = (softmax(y) - t) / n",
        "derivative missing",
        (CrossEntropyLoss,),
        losses.SoftmaxForgotten,
    ),
    Bug(
        "target never subtracted",
        "Stops at the probabilities. Every class is pushed down, the right one too.",
        "dy = softmax(y) / n",
        "dy = (softmax(y) - t) / n",
        "target forgotten",
        (CrossEntropyLoss,),
        losses.TargetForgotten,
    ),
    Bug(
        "softmax taken one by one",
        "p (1 - p) is the diagonal of softmax's Jacobian. Raising one output also lowers all the other probabilities.",
        "dy = dp * p * (1 - p)",
        "dy = (softmax(y) - t) / n",
        "diagonal taken for the Jacobian",
        (CrossEntropyLoss,),
        losses.SoftmaxDiagonal,
        _has_outputs,
    ),
    Bug(
        "sigmoid's slope twice",
        "In the cross-entropy with logits s (1 - s) cancels. With it, sure mistakes hardly learn.",
        "dy = (s - t) * s * (1 - s) / y.size",
        "dy = (s - t) / y.size",
        "derivative doubled",
        (BCEWithLogitsLoss,),
        losses.SigmoidTwice,
    ),
    Bug(
        "by the probability",
        "The derivative by s = sigmoid(y); the way on to y is missing.",
        "dy = (s - t) / (s * (1 - s)) / y.size",
        "dy = (s - t) / y.size",
        "derivative at the wrong place",
        (BCEWithLogitsLoss,),
        losses.ByProbability,
    ),
    Bug(
        "not clipped",
        "The gradient of the parabola, also where the loss is a straight line: outliers rule again.",
        "dy = (y - t) / y.size",
        "dy = np.clip(y - t, -1, 1) / y.size",
        "not clipped",
        (HuberLoss,),
        losses.NotClipped,
    ),
    Bug(
        "sign only",
        "The gradient of the absolute error, also near zero, where the loss is a parabola.",
        "dy = np.sign(y - t) / y.size",
        "dy = np.clip(y - t, -1, 1) / y.size",
        "sign taken for the error",
        (HuberLoss,),
        losses.SignOnly,
    ),
)
