"""Results as text: a table for a terminal, sentences for a failure, and every entry for a CSV file."""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from mlp.check.entries import Columns, entry_columns
from mlp.check.report import GradientReport
from mlp.user_code.check import CaseResult
from mlp.user_code.messages import place
from mlp.user_code.process import ModuleResult
from mlp.user_code.run.gradient_check import sentences

_WORST = 3


def module_text(result: ModuleResult) -> str:
    """The table that `python -m mlp` prints."""
    asides = [line for fact in result.asides for line in f"{fact.level}: {fact}".splitlines()]
    if result.problem is not None:
        return "\n".join([str(result.problem), *asides])
    width = max(len(case.name) for case in result.cases)
    lines = [line for case in result.cases for line in _case_lines(case, width)]
    return "\n".join([*lines, "", *asides, _total(result.cases)])


def _total(cases: tuple[CaseResult, ...]) -> str:
    """How many came out how: "3 right", or "2 right, 1 wrong, 1 partly checked"."""
    counts = Counter("right" if case.passed else case.status for case in cases)
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())


def _case_lines(case: CaseResult, width: int) -> Iterator[str]:
    yield f"{case.name:<{width}}  {case.kind:<8}  {case.status:<14}  {place(case.file, case.line)}"
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
    elif case.problems:
        verdict = "the gradients cannot all be right"
    else:
        verdict = "not everything was checked"
    lines = [f"{case.name}: {verdict}", *(str(fact) for fact in (*case.problems, *case.gaps))]
    if case.report is not None:
        lines += report_lines(case.report)
    lines += [str(fact) for fact in case.facts if fact.level in ("warning", "note")]
    if case.pairs:
        lines.append("compared: " + ", ".join(f"{pair.tensor} with {pair.gradient}" for pair in case.pairs))
    lines += [f"{topic}: {words}" for topic, words in case.reading.items()]
    return "\n  ".join("\n".join(lines).splitlines())


def case_columns(cases: Iterable[CaseResult]) -> Columns:
    """Every entry of every gradient, in the columns of `mlp.check.entries`, after one that names the layer."""
    checked = [(case.name, check) for case in cases if case.report is not None for check in case.report.values()]
    layers = [name for name, check in checked for _ in range(check.analytical.size)]
    return {"layer": layers} | entry_columns(check for _, check in checked)


def csv_text(columns: Columns) -> str:
    """Columns as CSV: floats with 17 significant digits, which give back every bit; None and NaN as empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_cell, row) for row in zip(*columns.values(), strict=True))
    return text.getvalue()


def _cell(value: Any) -> Any:
    return ("" if math.isnan(value) else f"{value:.17g}") if isinstance(value, float) else value
