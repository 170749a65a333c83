"""The one place where an adapted layer meets the check itself."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.foreign.adapter import Foreign
from mlp.check.foreign.pairing import INPUT
from mlp.check.report import GradientReport, TensorCheck
from mlp.differences.derivatives import numerical_gradient
from mlp.differences.methods import as_method
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer


def report_on(layer: Layer, x: Array, dy: ArrayLike | None, eps: float, method: str) -> GradientReport:
    """Check a layer, leaving the input out where backward gives no gradient of it."""
    y = layer.forward(x)
    dy = np.random.RandomState(5).standard_normal(y.shape) if dy is None else np.asarray(dy)
    dx = layer.backward(dy)
    checks = {}
    for name, gradient in {**layer.gradients(), INPUT: dx}.items():
        if name == INPUT and isinstance(layer, Foreign) and not layer.checks_input:
            continue

        def c(varied: Array, name: str = name) -> Array:
            y = layer.apply(varied) if name == INPUT else layer.replaced(name, varied).apply(x)
            return np.asarray(np.sum(dy * y))

        tensor = x if name == INPUT else layer.parameters()[name]
        checks[name] = TensorCheck(name, gradient, numerical_gradient(c, tensor, eps, method).reshape(tensor.shape))
    return GradientReport(checks, float(np.sum(dy * y)), eps, as_method(method))


def is_wrong(report: GradientReport) -> bool:
    """Whether a gradient is wrong, rather than too small to tell at this step."""
    return not report.passed


def sentences(report: GradientReport) -> list[str]:
    """What there is to say of a report that did not pass, the place to look at first."""
    return [
        f"{name}: off by up to {check.max_abs_difference:.3g}" for name, check in report.items() if not check.passed
    ]
