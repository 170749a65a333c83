"""Results as text: a table for a terminal, sentences for a failure, and rows for a CSV file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlp.check.report import GradientReport
from mlp.user_code.check import CaseResult
from mlp.user_code.process import ModuleResult
from mlp.user_code.run.gradient_check import sentences

CSV_HEADER = ("layer", "tensor", "i", "j", "analytical", "numerical", "difference")
_WORST = 3


def module_text(result: ModuleResult) -> str:
    """The table that `python -m mlp` prints."""
    asides = [line for fact in result.asides for line in f"{fact.level}: {fact}".splitlines()]
    if result.problem is not None:
        return "\n".join([str(result.problem), *asides])
    width = max(len(case.name) for case in result.cases)
    lines = [line for case in result.cases for line in _case_lines(case, width)]
    failed = sum(not case.passed for case in result.cases)
    total = f"{len(result.cases)} checked, {failed} not right" if failed else f"{len(result.cases)} checked, all right"
    return "\n".join([*lines, "", *asides, total])


def _case_lines(case: CaseResult, width: int) -> Iterator[str]:
    place = f"{Path(case.file).name}:{case.line}" if case.file else ""
    yield f"{case.name:<{width}}  {case.kind:<8}  {case.status:<11}  {place}"
    if case.pairs:
        pairs = ", ".join(f"{pair.tensor} with {pair.gradient}" for pair in case.pairs)
        yield f"    compared: {pairs}"
    for fact in case.facts:
        yield from ("    " + line for line in f"{fact.level}: {fact}".splitlines())
    if case.report is not None and not case.report.passed:
        yield from ("    " + line for line in report_lines(case.report))


def report_lines(report: GradientReport) -> Iterator[str]:
    """What is wrong and where to look, then the worst entries of each tensor that did not pass."""
    yield from sentences(report)
    for name, check in report.items():
        if not check.passed:
            yield from ("  " + line for line in entry_lines(report, name))


def entry_lines(report: GradientReport, name: str) -> Iterator[str]:
    """The worst entries of one tensor."""
    check = report[name]
    for index in check.worst_entries(min(_WORST, check.analytical.size)):
        place = f"{check.name}{list(index)}" if index else check.name
        a, n = check.analytical[index], check.numerical[index]
        yield f"{place}: backward gives {a:.9g}, differences give {n:.9g}"


def failure_text(case: CaseResult) -> str:
    """What an assertion says when it fails: verdict, facts, worst entries, how the code was read."""
    wrong = [name for name, check in case.report.items() if not check.passed] if case.report is not None else []
    if wrong:
        verdict = f"the gradient of {' and of '.join(wrong)} is wrong"
    elif case.report is None:
        verdict = "the gradients could not be checked"
    else:
        verdict = "the gradients cannot all be right"
    lines = [f"{case.name}: {verdict}", *(str(fact) for fact in case.problems)]
    if case.report is not None:
        lines += report_lines(case.report)
    lines += [str(fact) for fact in case.facts if fact.level != "problem"]
    if case.pairs:
        lines.append("compared: " + ", ".join(f"{pair.tensor} with {pair.gradient}" for pair in case.pairs))
    lines += [f"{topic}: {words}" for topic, words in case.reading.items()]
    return "\n  ".join("\n".join(lines).splitlines())


def csv_rows(result: ModuleResult) -> Iterator[tuple[object, ...]]:
    """One row for each entry of each tensor; of more than two axes, j counts through all after the first."""
    for case in result.cases:
        for name, check in case.report.items() if case.report is not None else ():
            flat = check.analytical.reshape(check.analytical.shape[0] if check.analytical.ndim else 1, -1)
            numerical = check.numerical.reshape(flat.shape)
            for i, j in np.ndindex(flat.shape):
                a, n = float(flat[i, j]), float(numerical[i, j])
                yield case.name, name, i, j if check.analytical.ndim > 1 else "", repr(a), repr(n), repr(a - n)
