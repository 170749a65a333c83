"""What to do where a check cannot tell: which step would do, or which method if no step would."""

import numpy as np

from mlp.check.verdict import GROSS, ROUNDING_FACTOR
from mlp.differences.errors import Estimate
from mlp.differences.methods import Method, optimal_step
from mlp.nn.arrays import Array


def advice(estimate: Estimate, analytical: Array, eps: float, method: Method) -> str:
    """The sentence for one tensor whose error bars are too wide at this step."""
    best = float(optimal_step(method, 1.0))
    larger = np.fmax(np.abs(analytical), np.abs(estimate.value))
    gradient = float(np.linalg.norm(larger[np.isfinite(larger)]))
    expected = ROUNDING_FACTOR * _roundoff(estimate, best, method) * np.sqrt(analytical.size)
    if not method.is_complex and not (expected <= GROSS * gradient):
        return (
            f"No step of the {method.name} method would do: a gradient as small as this one ({gradient:.0e}) "
            f"is lost in the rounding of the loss ({estimate.noise:.0e}). The complex-step method has no such limit."
        )
    if best / 3 <= eps <= 3 * best:
        return f"A step near {best:.0e} is the best for this method; the loss bends too sharply for it here."
    return f"This step is too {'large' if eps > best else 'small'}: {best:.0e} would do."


def _roundoff(estimate: Estimate, step: float, method: Method) -> float:
    """The round-off to expect at another step."""
    return 0.0 if method.is_complex else estimate.noise * sum(abs(weight) for weight in method.weights) / step
