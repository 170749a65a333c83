"""Gradients that were computed elsewhere, held against a network of ours: no backward is run but our own.

What does not depend on the gradients is computed once and kept as a Reference: the numerical derivatives, which take
the time, and how far off rounding may put an analytical gradient.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.compare import in_float64, tensor_checks
from mlp.check.diagnosis.given.diagnose import diagnose_given
from mlp.check.evaluation_point import EvaluationPoint
from mlp.check.passes import Remark, RemarkKind, run_passes
from mlp.check.report import Finding, GradientReport
from mlp.check.rounding import FLOAT32, FLOAT64, gradient_rounding, precision
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import ROUNDING_FACTOR, Verdict
from mlp.differences.errors import Estimate, estimated_gradients
from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.parallel import Progress
from mlp.nn.arrays import Array, as_real, require_shape, shown
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import INPUT, as_problem


@dataclass(frozen=True)
class Reference:
    """All that gradients are held against.

    Attributes:
        point: where and how the numerical derivatives are taken.
        value: the loss.
        analytical: the gradients by the network's own backward.
        estimates: the numerical gradients with their errors.
        rounding: the rounding errors of analytical gradients, by the machine epsilon of their arithmetic.
    """

    point: EvaluationPoint
    value: float
    analytical: dict[str, Array]
    estimates: dict[str, Estimate]
    rounding: dict[float, dict[str, Array]]


def check_given_gradients(
    network: Layer,
    loss: Loss,
    x: ArrayLike,
    target: ArrayLike,
    gradients: Mapping[str, ArrayLike],
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
) -> GradientReport:
    """Compare gradients that were computed elsewhere with numerical ones of this network.

    Numbers that are float32, or rounded to some digits, are recognised, and the error bars allow for it.

    Args:
        network: a right network with the weights for which the gradients were computed; only copies of it are run.
        loss: its loss.
        x: input of shape (features,) or (n, features).
        target: what the loss takes for that input.
        gradients: by tensor name ("fc1.W"), each in its tensor's shape; that of the input, "x", may be left out.
        eps: the step of the numerical gradients, positive.
        method: a method or the name of one in METHODS.

    Returns:
        A report with the given gradients as `analytical`. Its diagnosis follows the gradients from the loss down.

    Raises:
        ValueError, TypeError: a shape, type, name, step or method is wrong; the message says which and what fits.
    """
    return against(reference(network, loss, x, target, eps, method), gradients)


def reference(
    network: Layer,
    loss: Loss,
    x: ArrayLike,
    target: ArrayLike,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
    progress: Progress | None = None,
) -> Reference:
    """Compute what gradients of this network are held against; arguments and errors as in `check_gradients`."""
    problem = in_float64(as_problem(network, loss, x, target).copied())
    point = EvaluationPoint(problem, eps, as_method(method))
    with np.errstate(all="ignore"):
        estimates = estimated_gradients(problem, eps, point.method, progress)
        passes = run_passes(problem.copied())
        rounding = {unit: gradient_rounding(problem, passes.gradients, unit) for unit in (FLOAT64, FLOAT32)}
    return Reference(point, passes.value, passes.gradients, estimates, rounding)


def against(reference: Reference, gradients: Mapping[str, ArrayLike]) -> GradientReport:
    """The report on these gradients; arguments and errors as in `check_given_gradients`."""
    given = _checked(reference, gradients)
    errors, note = _errors(reference, given)
    point = reference.point
    with np.errstate(all="ignore"):
        checks = tensor_checks(point, {name: reference.estimates[name] for name in given}, given, errors)
    return GradientReport(
        checks, reference.value, point.eps, point.method, note, _Diagnosis(point, reference.analytical, given, errors)
    )


def against_analytical(reference: Reference, gradients: Mapping[str, ArrayLike]) -> dict[str, TensorCheck]:
    """These gradients beside those of the network's own backward, which stand as `numerical` in the checks."""
    given = _checked(reference, gradients)
    errors, _ = _errors(reference, given)
    return {
        name: TensorCheck(
            name,
            gradient,
            reference.analytical[name],
            np.zeros(gradient.shape),
            reference.rounding[FLOAT64][name],
            errors[name],
            (gradient == 0) & (reference.analytical[name] == 0),
        )
        for name, gradient in given.items()
    }


@dataclass(frozen=True)
class _Diagnosis:
    """The diagnosis of a report, for when it is asked for."""

    point: EvaluationPoint
    right: Mapping[str, Array]
    given: Mapping[str, Array]
    errors: Mapping[str, Array]

    def __call__(self, report: GradientReport) -> tuple[Finding, ...]:
        if report.verdict is not Verdict.WRONG:
            return ()
        return diagnose_given(self.point.problem.copied(), self.given, self.errors)


def _checked(reference: Reference, gradients: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """The gradients as float64, in the network's order."""
    if not isinstance(gradients, Mapping):
        raise TypeError(f"gradients must be a dict of arrays by tensor name, not {shown(gradients)}")
    unknown = [name for name in gradients if name not in reference.estimates]
    if unknown:
        names = ", ".join(reference.estimates)
        raise ValueError(f"gradients holds {unknown[0]!r}, but the network's tensors are {names}")
    missing = [name for name in reference.estimates if name not in gradients and name != INPUT]
    if missing:
        raise ValueError(f"gradients lacks {', '.join(missing)}; only that of the input, {INPUT}, may be left out")
    given = {}
    for name in (name for name in reference.estimates if name in gradients):
        array = as_real(f"the gradient of {name}", gradients[name])
        require_shape(f"the gradient of {name}", array, reference.estimates[name].value.shape)
        given[name] = array.astype(np.float64)
    return given


def _errors(reference: Reference, given: Mapping[str, Array]) -> tuple[dict[str, Array], tuple[Remark, ...]]:
    """How far rounding may have moved the given gradients, and the note that says so if it is more than float64's."""
    written = precision(given)
    rounding = reference.rounding[written.unit]
    errors = {name: rounding[name] + written.resolution(array) / ROUNDING_FACTOR for name, array in given.items()}
    kind = RemarkKind.ROUNDED if written.digits or written.decimals else RemarkKind.FLOAT32
    return errors, (Remark(kind, "", written.words),) if written.words else ()
