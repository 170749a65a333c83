"""One layer checked on its own, through the number c = sum(dy * y)."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.gradients import check_gradients
from mlp.check.projection import Projection, random_dy, with_apply
from mlp.check.report import GradientReport
from mlp.differences.methods import CENTRAL, Method
from mlp.nn.arrays import as_real
from mlp.nn.layers import Layer


def check_layer(
    layer: Layer,
    x: ArrayLike,
    dy: ArrayLike | None = None,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
) -> GradientReport:
    """Check one layer's backward: dx and the gradients of its parameters, of the number c = sum(dy * y).

    Args:
        layer: an object with `forward`, `backward`, `parameters`, `gradients` and `replaced` as `Layer` has them;
            without an `apply`, a copy's `forward` takes its place.
        x: an input that the layer takes.
        dy: the gradient with respect to its output, in the shape of y; None for random numbers, the same each time.
        eps: the step of the numerical gradients, positive.
        method: a method or the name of one in METHODS.

    Raises:
        ValueError, TypeError: a shape, type, step or method is wrong; the message says which and what fits.
    """
    applicable = with_apply(layer)
    if dy is None:
        dy = random_dy(np.shape(applicable.apply(as_real("x", x))))
    return check_gradients(applicable, Projection(), x, dy, eps, method)
