"""Analytical against numerical gradients, tensor by tensor: the work behind `check_gradients`, but no diagnosis."""

import numpy as np

from mlp.check.contract import contract_remarks, forward_on_another_input
from mlp.check.evaluation_point import EvaluationPoint, Index
from mlp.check.inactive import inactive_entries
from mlp.check.kinks import Narrow, examine, spread
from mlp.check.passes import Passes, run_passes
from mlp.check.report import GradientReport
from mlp.check.rounding import gradient_rounding
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import GROSS, ROUNDING_FACTOR, advice, error_bar
from mlp.differences.errors import Estimate, estimated_gradients
from mlp.differences.methods import Method
from mlp.differences.noise import machine_epsilon
from mlp.differences.parallel import Progress
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem

# A truncation below this part of an entry is that of any smooth function; a kink that adds less is of no account.
_SMOOTH = 1e-6


def compare_gradients(
    problem: Problem[Layer], eps: float, method: Method, progress: Progress | None = None
) -> GradientReport:
    """The report of `check_gradients`, to whose arguments and errors these are equal, but without a diagnosis."""
    with np.errstate(all="ignore"):  # overflow in a step that is too large is a result here, not an accident
        point = EvaluationPoint(in_float64(problem), eps, method)
        estimates = estimated_gradients(point.problem, eps, method, progress)
        run = problem.copied()
        forward_on_another_input(run)
        passes = run_passes(run)
        remarks = contract_remarks(run, passes)
        analytical = _comparable(passes, estimates)
        rounding = gradient_rounding(problem._replace(x=point.problem.x), analytical, _unit(problem, passes))
        checks = tensor_checks(point, estimates, analytical, rounding)
    return GradientReport(checks, passes.value, eps, method, tuple(remarks))


def in_float64(problem: Problem[Layer]) -> Problem[Layer]:
    """The problem with everything that it has gradients with respect to in float64."""
    return problem._replace(network=as_float64(problem.network), x=np.asarray(problem.x, np.float64))


def as_float64(network: Layer) -> Layer:
    """The network, or a copy with its parameters in float64 if they are in anything else."""
    for name, parameter in network.parameters().items():
        if np.asarray(parameter).dtype != np.float64:
            network = network.replaced(name, np.asarray(parameter, dtype=np.float64))
    return network


def _comparable(passes: Passes, estimates: dict[str, Estimate]) -> dict[str, Array]:
    """The analytical gradients in their tensors' shapes: not a number where backward gave none, or another shape."""
    return {
        name: passes.gradients[name].astype(np.float64)
        if name in passes.gradients and passes.gradients[name].shape == estimate.value.shape
        else np.full(estimate.value.shape, np.nan)
        for name, estimate in estimates.items()
    }


def _unit(problem: Problem[Layer], passes: Passes) -> float:
    """The machine epsilon of backward's arithmetic: the coarsest that turns up anywhere.

    Half precision counts only where the network itself has it: in gradients alone it is digits that were thrown away.
    """
    network = machine_epsilon(*problem.tensors().values(), *(visit.y for visit in passes.visits))
    gradients = machine_epsilon(*passes.gradients.values())
    return max(network, min(gradients, float(np.finfo(np.float32).eps)))


def tensor_checks(
    point: EvaluationPoint, estimates: dict[str, Estimate], analytical: dict[str, Array], rounding: dict[str, Array]
) -> dict[str, TensorCheck]:
    """The check of each tensor that has an estimate, from its two gradients and the error of the analytical one."""
    zeros = {name: _zero(analytical[name], rounding[name], estimate) for name, estimate in estimates.items()}
    noise = max(estimate.noise for estimate in estimates.values())
    inactive = inactive_entries(point, zeros, noise)
    return {
        name: _tensor_check(point, name, estimate, analytical[name], rounding[name], zeros[name], inactive[name])
        for name, estimate in estimates.items()
    }


def _zero(analytical: Array, rounding: Array, estimate: Estimate) -> Array:
    """Whether both gradients show nothing but rounding."""
    return (np.abs(analytical) <= ROUNDING_FACTOR * rounding) & (
        np.abs(estimate.value) <= ROUNDING_FACTOR * estimate.roundoff
    )


def _tensor_check(
    point: EvaluationPoint,
    name: str,
    estimate: Estimate,
    analytical: Array,
    rounding: Array,
    zero: Array,
    inactive: Array,
) -> TensorCheck:
    bar = error_bar(estimate.truncation, estimate.roundoff, rounding)
    doubtful_zero = zero & (analytical == 0) & ~inactive
    outside, doubtful = _suspects(estimate, analytical, bar, doubtful_zero, point.has_declared_kinks)
    examined = spread(outside, count := point.affordable)
    kinks, narrow = examine(
        point, name, np.concatenate([examined, doubtful[:count]]), analytical, estimate.value, estimate.noise
    )
    truncation = _as_seen(estimate, narrow)
    within = np.abs(analytical - estimate.value) <= error_bar(truncation, estimate.roundoff, rounding)
    excused = [kink.index for kink in kinks] + [one.index for one in narrow if within[one.index]]
    narrowest = min((one.step for one in narrow if _is_missed(estimate, one)), default=np.inf)
    return TensorCheck(
        name,
        analytical,
        estimate.value,
        _excused(truncation, outside, examined, excused),
        estimate.roundoff,
        rounding,
        inactive,
        tuple(kinks),
        advice(estimate, analytical, point.eps, point.method, narrowest),
    )


def _suspects(
    estimate: Estimate, analytical: Array, bar: Array, doubtful_zero: Array, has_kinks: bool
) -> tuple[Array, Array]:
    """Flat indices of the entries outside their bars, and of those that a kink may have widened, worst first."""
    difference = np.abs(analytical - estimate.value).ravel()
    bar, truncation = bar.ravel(), estimate.truncation.ravel()
    outside = np.flatnonzero(difference > bar)
    with np.errstate(divide="ignore"):
        outside = outside[np.argsort(-difference[outside] / bar[outside], kind="stable")]
    size = np.fmax(np.abs(analytical), np.abs(estimate.value)).ravel()
    threshold = np.maximum(estimate.roundoff.ravel(), (_SMOOTH if has_kinks else GROSS) * size)
    rough = (truncation > threshold) & ~(difference > bar)
    # Two slopes that cancel, as those of |x| at 0, leave a zero that something does depend on.
    rough |= doubtful_zero.ravel()
    doubtful = np.flatnonzero(rough & np.isfinite(truncation))
    return outside, doubtful[np.argsort(-truncation[doubtful], kind="stable")]


def _as_seen(estimate: Estimate, narrow: list[Narrow]) -> Array:
    """The truncation, at least what a smaller step shows of it beyond its own rounding."""
    truncation = estimate.truncation.copy()
    for one in narrow:
        seen = abs(estimate.value[one.index] - one.slope) - one.error
        truncation[one.index] = max(truncation[one.index], seen)
    return truncation


def _is_missed(estimate: Estimate, one: Narrow) -> bool:
    """Whether the slope at a smaller step is another one than the steps' errors and its own explain."""
    explained = error_bar(estimate.truncation[one.index], estimate.roundoff[one.index], np.array(one.error))
    return bool(abs(estimate.value[one.index] - one.slope) > explained)


def _excused(truncation: Array, outside: Array, examined: Array, excused: list[Index]) -> Array:
    """The truncation, infinite for entries nobody looked at if all that were examined turned out to be excused."""
    flat = {int(np.ravel_multi_index(index, truncation.shape)) for index in excused}
    if len(examined) == len(outside) or not flat.issuperset(examined.tolist()):
        return truncation
    truncation = truncation.copy()
    truncation.flat[np.setdiff1d(outside, examined)] = np.inf
    return truncation
