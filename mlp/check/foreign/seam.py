"""The one place where an adapted layer meets the check itself."""

from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from mlp.check.findings import Finding
from mlp.check.foreign.adapter import Foreign
from mlp.check.foreign.pairing import INPUT
from mlp.check.foreign.steps import Stretched
from mlp.check.layer import check_layer
from mlp.check.report import GradientReport
from mlp.check.verdict import Verdict
from mlp.differences.methods import as_method
from mlp.nn.layers import Layer


def report_on(
    layer: Layer, x: ArrayLike, dy: ArrayLike | None, eps: float, method: str, coarse: Stretched | None = None
) -> GradientReport:
    """Check a layer, leaving the input out where backward gives no gradient of it.

    With `coarse`, its method and step are used, and the report tells them as people know them.

    The diagnosis is made at once: afterwards the report is plain data, which can leave the process.
    """
    if coarse is None:
        report = check_layer(layer, x, dy, eps, method)
    else:
        report = check_layer(layer, x, dy, coarse.step, coarse.method)
        report = replace(report, eps=coarse.reach, method=as_method(method), diagnose=Told(_diagnosis(report)))
    if isinstance(layer, Foreign) and not layer.checks_input:
        checks = {name: check for name, check in report.items() if name != INPUT}
        found = tuple(one for one in _diagnosis(report) if one.tensors != (f"d{INPUT}",))
        report = replace(report, checks=checks, remarks=(), diagnose=Told(found))
    return replace(report, diagnose=Told(_diagnosis(report)))


def _diagnosis(report: GradientReport) -> tuple[Finding, ...]:
    """The diagnosis; none where its rules, made for samples of one axis, cannot take an input of theirs."""
    try:
        return report.diagnosis
    except ValueError:
        return ()


def is_wrong(report: GradientReport) -> bool:
    """Whether a gradient is wrong, rather than too small to tell at this step."""
    return report.verdict is Verdict.WRONG


def sentences(report: GradientReport) -> list[str]:
    """What there is to say of a report that did not pass, the place to look at first."""
    findings = [finding.sentence for finding in report.diagnosis]
    remarks = [remark.sentence for remark in report.remarks]
    summaries = [check.summary for check in report.values() if not check.passed]
    return list(dict.fromkeys([*findings, *remarks, *summaries]))  # a fault that was seen is a finding as well


@dataclass(frozen=True)
class Told:
    """A diagnosis that was made before."""

    findings: tuple[Finding, ...]

    def __call__(self, _: GradientReport) -> tuple[Finding, ...]:
        """The findings."""
        return self.findings
