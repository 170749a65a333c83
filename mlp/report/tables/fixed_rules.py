"""What the fixed rules in common use say of a report, beside the verdict by error bars."""

import pandas as pd

from mlp.check.fixed_rules import RULES
from mlp.check.report import GradientReport
from mlp.check.verdict import Verdict

VERDICT = "by error bars"


def readings(report: GradientReport) -> pd.DataFrame:
    """One row for each tensor: the verdict by error bars, then what each of the RULES says, "pass" or "fail" first."""
    return pd.DataFrame(
        [
            {
                "tensor": name,
                VERDICT: check.verdict.words,
                **{
                    rule: f"{'pass' if reading.accepted else 'fail'}: {reading.words}"
                    for rule, reading in check.judgements.items()
                },
            }
            for name, check in report.items()
        ]
    )


def misjudged(report: GradientReport) -> str:
    """Where a fixed rule passes a wrong tensor or fails a consistent one, in a sentence."""
    passed, failed = (
        _said_of(report, accepted, verdict)
        for accepted, verdict in ((True, Verdict.WRONG), (False, Verdict.CONSISTENT))
    )
    if not passed and not failed:
        return (
            "Here the fixed rules and the error bars agree on every tensor. With the preset *Epsilon too small* the "
            "rules fail tensors that are right."
        )
    sentences = (
        f"{subject}: {'; '.join(found)}."
        for subject, found in (("Passed although wrong", passed), ("Failed although consistent", failed))
        if found
    )
    return " ".join(sentences)


def formulas() -> str:
    """The rules' formulas in a line of Markdown."""
    return "; ".join(f"{rule.name}: `{rule.formula}`" for rule in RULES.values())


def _said_of(report: GradientReport, accepted: bool, verdict: Verdict) -> list[str]:
    """For each rule that gave this answer on tensors of this verdict: "np.allclose on fc1.W, fc1.b"."""
    found = []
    for rule in RULES:
        names = [
            name
            for name, check in report.items()
            if check.verdict is verdict and check.judgements[rule].accepted == accepted
        ]
        if names:
            found.append(f"{rule} on {', '.join(names)}")
    return found
