"""What came out for a module of somebody's layers, as tables and sentences."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from mlp.user_code.check import CaseResult
from mlp.user_code.messages import Fact, place
from mlp.user_code.run.gradient_check import sentences
from mlp.user_code.settings import line
from mlp.user_code.tell.text import case_columns, csv_text

SHORT = 60
NONE = "–"  # noqa: RUF001  # a dash for a number that there is not
_TITLES = {
    "passed": "{name} is right",
    "wrong": "{name} is wrong",
    "cannot tell": "{name}: cannot tell at this step",
    "partly checked": "{name} is right as far as it was checked, and not all of it was",
    "not checked": "{name} could not be checked",
}


def labels(cases: Iterable[CaseResult]) -> dict[str, CaseResult]:
    """The cases by name; where two have the same one, with the line as well."""
    cases = list(cases)
    counts = Counter(case.name for case in cases)
    return {case.name if counts[case.name] == 1 else f"{case.name}, line {case.line}": case for case in cases}


def summary(cases: Iterable[CaseResult]) -> pd.DataFrame:
    """One row for each layer, loss and function: the verdict, what it comes from, and where the code stands."""
    return pd.DataFrame(
        [
            {
                "name": label,
                "verdict": case.status,
                "kind": case.kind,
                "what was found": _in_short(case),
                "where": place(case.file, case.line) or NONE,
            }
            for label, case in labels(cases).items()
        ]
    )


def _in_short(case: CaseResult) -> str:
    """A few words on the verdict."""
    if case.report and case.report.diagnosis:
        found = case.report.diagnosis[0]
        return f"{', '.join(found.tensors)}: {found.pattern}" if found.tensors else found.pattern
    if case.problems:
        return _shortened(case.problems[0].text)
    if case.report is None:
        return NONE
    tensors = ", ".join(case.report)
    agree = "agrees" if len(case.report) == 1 else "agree"
    if case.status == "cannot tell":
        return f"{tensors}: the error bars are too wide"
    return f"{tensors} {agree}" + (f"; {_shortened(case.gaps[0].text)}" if case.gaps else "")


def _shortened(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT].rpartition(' ')[0]} ..."


def first_to_see(cases: Mapping[str, CaseResult]) -> str:
    """The name of the first case that did not pass; of the very first one where all did."""
    return next((name for name, case in cases.items() if not case.passed), next(iter(cases)))


def counted(cases: Iterable[CaseResult]) -> str:
    """How many cases there are of each verdict, in a line: 4 passed, 1 wrong."""
    counts = Counter(case.status for case in cases)
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())


def title(case: CaseResult) -> str:
    """The verdict as a headline."""
    return _TITLES[case.status].format(name=case.name)


def findings(case: CaseResult) -> list[str]:
    """Everything that there is to say about the verdict, the diagnosis first; never empty."""
    said = sentences(case.report) if case.report and not case.report.passed else []
    told = [sentence(fact) for fact in (*case.problems, *case.gaps)]
    diagnosed = bool(case.report and case.report.diagnosis)
    found = [*said, *told] if diagnosed else [*told, *said]
    return found or [case.report.summary if case.report else "It was not checked."]


def sentence(fact: Fact) -> str:
    """A fact with its place before it."""
    where = place(fact.file, fact.line)
    return f"{where}: {fact.text}." if where else fact.sentence


def asides(facts: Iterable[Fact]) -> list[str]:
    """Warnings, and notes on how the code was understood."""
    said = (fact for fact in facts if fact.level in ("warning", "note"))
    return [f"{fact.level.capitalize()}: {sentence(fact)}" for fact in said]


def lost(facts: Iterable[Fact]) -> list[str]:
    """What could not be defined while the module was imported, so that it was not checked."""
    return [sentence(fact) for fact in facts if fact.level == "problem"]


def trace(facts: Iterable[Fact]) -> str:
    """Their own frames of what was raised, outermost first; "" if nothing was."""
    return "\n".join(line for fact in facts for line in fact.trace)


def pairing(case: CaseResult) -> pd.DataFrame:
    """What was taken for the gradient of what, and why."""
    return pd.DataFrame(
        [
            {
                "tensor": "x, the input" if pair.tensor == "x" else pair.tensor,
                "shape": str(pair.shape),
                "its gradient": _said(pair.gradient),
                "gradient's shape": str(pair.gradient_shape),
                "why": pair.reason,
            }
            for pair in case.pairs
        ]
    )


def _said(key: str) -> str:
    """The place of a gradient in words, where its key is no name of theirs."""
    if key == "returned":
        return "what backward returns"
    held, _, name = key.partition(".")
    return {"returned": f"{name}, returned", "update": f"{name} before and after the update"}.get(held, key)


def reading(case: CaseResult) -> str:
    """How the code was read, in a line."""
    return "; ".join(f"{topic}: {words}" for topic, words in case.reading.items())


def override(case: CaseResult) -> str:
    """The line for their module that says the pairing as it was guessed, for them to change."""
    pairs = {pair.tensor: pair.gradient.removeprefix("returned.") for pair in case.pairs}
    return line(case.name, pairs=pairs)


def to_csv(cases: Iterable[CaseResult]) -> bytes:
    """Every entry of every gradient, as `python -m mlp --csv` writes it."""
    return csv_text(case_columns(cases)).encode()


def commands(spec: str, eps: float, method: str) -> str:
    """The same check in a shell."""
    extra = ("" if eps == 1e-4 else f" --eps {eps:g}") + ("" if method == "central" else f" --method {method}")
    name = spec if " " not in spec else f'"{spec}"'
    return f"python -m mlp {name}{extra}\npython -m mlp {name}{extra} --csv gradients.csv"


def suite(case: CaseResult, spec: str) -> str:
    """The check of a layer or loss as a test; "" in notebooks, and for functions, whose partner it had to name."""
    if case.kind == "function" or not case.name[:1].isupper() or spec.endswith(".ipynb"):
        return ""
    module = Path(spec).stem if spec.endswith(".py") else spec
    return (
        f"from mlp.testing import assert_gradients\nfrom {module} import {case.name}\n\n\n"
        f"def test_{case.name}_goes_backward():\n    assert_gradients({case.name})\n"
    )
