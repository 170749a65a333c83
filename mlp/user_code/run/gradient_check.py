"""The one place where an adapted layer meets the check itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.check import check_layer
from mlp.check.model import check_model, seconds_of
from mlp.check.passes import Remark, RemarkKind
from mlp.check.projection import random_dy
from mlp.check.report import Finding, GradientReport
from mlp.check.verdict import Verdict
from mlp.differences.methods import Method, as_method, optimal_step
from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Layer
from mlp.user_code.clock import TimeIsUpError, limited, remaining
from mlp.user_code.run.as_layer import Foreign
from mlp.user_code.run.pairing import INPUT

_UNSEEN = 1e-10
_DRAWN_INPUT = "the input"  # x is what a model has beside its parameters
# Of the time that is left.
_FOR_CHECK, _FOR_DIAGNOSIS, _FOR_MODEL, _AT_MOST = 0.5, 0.7, 0.4, 20.0  # the last in seconds
_DRAWN = (0.5, 0.05, 0.005)


def computing_in_single(layer: Foreign, x: Array) -> str:
    """Which of forward and backward gives numbers of single precision, or rounds what it gets to it; "" for neither."""
    if _is_single(layer.apply, x):
        return "forward"

    def gradients(dy: Array) -> Array:
        layer.forward(x)
        dx = layer.backward(dy)
        found = [*layer.gradients().values(), *([dx] if layer.checks_input else [])]
        narrowest = min((one.dtype for one in found), key=lambda dtype: dtype.itemsize, default=dy.dtype)
        return np.concatenate([dy[:0].ravel(), *(one.ravel() for one in found)]).astype(narrowest)

    return "backward" if _is_single(gradients, random_dy(layer.apply(x).shape)) else ""


def _is_single(function: Callable[[Array], Array], x: Array) -> bool:
    y = function(x)
    if y.dtype.itemsize < np.dtype(np.float64).itemsize:
        return True
    seen = function(x * (1 + 1e-3))
    return bool(np.array_equal(y, function(x * (1 + _UNSEEN))) and not np.array_equal(y, seen))


class Stretched(NamedTuple):
    """A method with longer offsets and the step for it; `reach` is their product, the step that is really taken.

    `where` says what computes in single precision, forward or backward.
    """

    method: Method
    step: float
    reach: float
    where: str


def stretched(layer: Foreign, x: Array, eps: float, method: str) -> Stretched | None:
    """The method for single precision, where a step of 1e-4 would drown in round-off; None where eps will do.

    The error of a method is measured with a second step that is best for float64. With offsets that are longer by as
    much as the best step for float32 is, that second step is a good one for float32.
    """
    plain = as_method(method)
    where = "" if plain.is_complex else computing_in_single(layer, x)
    if not where:
        return None
    reach = max(eps, float(optimal_step(plain, np.zeros((), np.float32))))
    best = float(optimal_step(plain, 1.0))
    factor = reach / best
    offsets = tuple(offset * factor for offset in plain.offsets)
    weights = tuple(weight / factor for weight in plain.weights)
    return Stretched(replace(plain, offsets=offsets, weights=weights), best, reach, where)


def report_on(
    layer: Layer, x: ArrayLike, dy: ArrayLike | None, eps: float, method: str, coarse: Stretched | None = None
) -> GradientReport:
    """Check a layer, leaving the input out where backward gives no gradient of it.

    With `coarse`, its method and step are used, and the report tells them as people know them.

    Where all entries would take longer than the time that is left, as many as fit are drawn at random.
    """
    x = as_real("x", x)
    if isinstance(layer, Foreign) and layer.is_model and coarse is None:
        return _as_model(layer, x, dy, eps, method, min(_AT_MOST, _FOR_MODEL * remaining()))
    if coarse is None:
        report = _within_time(layer, x, dy, eps, method) if isinstance(layer, Foreign) else None
        report = check_layer(layer, x, dy, eps, method) if report is None else report
    else:
        taken = check_layer(layer, x, dy, coarse.step, coarse.method)
        report = replace(taken, eps=coarse.reach, method=as_method(method), diagnose=lambda _: taken.diagnosis)
    if isinstance(layer, Foreign) and not layer.checks_input and INPUT in report:
        return _without_input(report)
    return report


def _without_input(report: GradientReport) -> GradientReport:
    checks = {name: check for name, check in report.items() if name != INPUT}
    return replace(
        report,
        checks=checks,
        remarks=(),
        diagnose=lambda _: tuple(one for one in report.diagnosis if one.tensors != (f"d{INPUT}",)),
    )


def _within_time(layer: Foreign, x: Array, dy: ArrayLike | None, eps: float, method: str) -> GradientReport | None:
    """The report on all entries if the time that is left suffices, else on fewer and fewer; None without a limit."""
    if remaining() == float("inf"):
        return None
    entries = x.size * layer.checks_input + sum(array.size for array in layer.parameters().values())
    # Each is moved for two steps of the method, and wrong ones are looked at more closely.
    needed = entries * 2 * len(as_method(method).offsets) * seconds_of(lambda: layer.apply(x))
    for share in (1.0, *_DRAWN) if needed < _FOR_CHECK * remaining() else _DRAWN:
        try:
            with limited(_FOR_CHECK * remaining()):
                drawn = share < 1
                seconds = share * remaining()
                return (
                    _as_model(layer, x, dy, eps, method, seconds) if drawn else check_layer(layer, x, dy, eps, method)
                )
        except TimeIsUpError as error:
            if error.file:  # it is one call of theirs that does not come back
                raise
    return None


def _as_model(
    layer: Foreign, x: Array, dy: ArrayLike | None, eps: float, method: str, seconds: float
) -> GradientReport:
    """The report on as many entries, drawn at random over all tensors, as this time allows."""
    drawn = np.ones(1) if layer.is_model else random_dy(layer.apply(x).shape)
    given = drawn if dy is None else as_real("dy", dy)

    def function(tensors: dict[str, Array]) -> tuple[Array, Callable[[], dict[str, Array]]]:
        moved = layer
        for name in layer.parameters():
            moved = moved.replaced(name, tensors[name])
        y = moved.forward(tensors.get(_DRAWN_INPUT, x))

        def gradients() -> dict[str, Array]:
            dx = moved.backward(given)
            return {**moved.gradients(), _DRAWN_INPUT: dx}

        return np.asarray(np.sum(given * y)), gradients

    function.__name__ = layer.name
    tensors = {**layer.parameters(), **({_DRAWN_INPUT: x} if layer.checks_input else {})}
    report = check_model(function, tensors, eps, method, seconds)
    named = {INPUT if name == _DRAWN_INPUT else name: check for name, check in report.items()}
    return replace(report, checks={name: replace(check, name=name) for name, check in named.items()})


def diagnosed(report: GradientReport) -> GradientReport:
    """The report with its diagnosis made, unless that takes most of the time that is left; then it says so.

    Afterwards it is plain data, which can leave the process.
    """
    left = remaining()
    if left == float("inf"):
        return replace(report, diagnose=Told(report.diagnosis))
    try:
        with limited(_FOR_DIAGNOSIS * left):
            return replace(report, diagnose=Told(report.diagnosis))
    except TimeIsUpError:
        text = "A diagnosis would have taken longer than the time that was left; --seconds gives it more"
        remark = Remark(RemarkKind.READ, "", text)
        return replace(report, remarks=(*report.remarks, remark), diagnose=Told(()))


def is_wrong(report: GradientReport) -> bool:
    """Whether a gradient is wrong, rather than too small to tell at this step."""
    return report.verdict is Verdict.WRONG


def sentences(report: GradientReport) -> list[str]:
    """What there is to say of a report that did not pass, the place to look at first; that it was drawn is a fact."""
    findings = [finding.sentence for finding in report.diagnosis]
    remarks = [remark.sentence for remark in report.remarks if remark.kind is not RemarkKind.DRAWN]
    summaries = [check.summary for check in report.values() if not check.passed]
    return list(dict.fromkeys([*findings, *remarks, *summaries]))  # a fault that was seen is a finding as well


@dataclass(frozen=True)
class Told:
    """A diagnosis that was made before."""

    findings: tuple[Finding, ...]

    def __call__(self, _: GradientReport) -> tuple[Finding, ...]:
        """The findings."""
        return self.findings


# A relative change far below the last bit of float32, 1.2e-7, and far above that of float64, 2.2e-16.
