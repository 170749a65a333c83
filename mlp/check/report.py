"""A finding: one fault of one layer, as a sentence that tells a person what to fix."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np

from mlp.check.html import PASSED, as_html
from mlp.check.passes import Remark, RemarkKind
from mlp.check.tensor import TensorCheck, agreement, mostly_undecided
from mlp.check.verdict import Verdict, overall
from mlp.differences.methods import Method, optimal_step


class Certainty(StrEnum):
    """How sure a finding is, in the words that its sentence uses."""

    CERTAIN = "certainly"
    LIKELY = "very likely"
    POSSIBLE = "possibly"


@dataclass(frozen=True)
class Finding:
    """What is wrong with one layer.

    Attributes:
        layer: the layer's name ("fc2"), "loss", or "" for a network that is one layer.
        tensors: the gradients it shows in: "dW", "db", "dx", or "dy" of a loss.
        pattern: the name of the pattern, such as "sign flipped".
        measured: the pattern's measured value, such as "factor 2.000000".
        certainty: how sure it is.
        sentence: all of this for a person to read, ending in the line of algebra that would be right.
        algebra: that line alone.
    """

    layer: str
    tensors: tuple[str, ...]
    pattern: str
    measured: str
    certainty: Certainty
    sentence: str
    algebra: str


Diagnose = Callable[["GradientReport"], tuple[Finding, ...]]


def _no_diagnosis(_: "GradientReport") -> tuple[Finding, ...]:
    return ()


@dataclass(frozen=True)
class GradientReport(Mapping[str, TensorCheck]):
    """Every tensor's check by name, in the network's order with the input last, and what they add up to.

    Attributes:
        checks: the checks by tensor name; the report itself is this mapping.
        loss: the loss at which the gradients were taken.
        eps, method: the step and the method of the numerical gradients.
        remarks: what there is to say about the code beside the numbers: its arrays, NaN, state that it keeps.
        diagnose: makes the diagnosis of a report that did not pass, when it is first asked for.
    """

    checks: Mapping[str, TensorCheck]
    loss: float
    eps: float
    method: Method
    remarks: tuple[Remark, ...] = ()
    diagnose: Diagnose = field(default=_no_diagnosis, repr=False, compare=False)

    def __getitem__(self, name: str) -> TensorCheck:
        """The check of one tensor."""
        return self.checks[name]

    def __iter__(self) -> Iterator[str]:
        """The tensors' names."""
        return iter(self.checks)

    def __len__(self) -> int:
        """The number of tensors."""
        return len(self.checks)

    @cached_property
    def verdict(self) -> Verdict:
        """WRONG if a tensor is, or if a remark is a fault; else CANNOT_TELL if a tensor is; else CONSISTENT."""
        if any(remark.is_fault for remark in self.remarks):
            return Verdict.WRONG
        return overall(check.verdict for check in self.values())

    @property
    def passed(self) -> bool:
        """Whether the verdict is CONSISTENT, and nothing that moves the output was left uncompared."""
        partly = any(remark.kind is RemarkKind.UNCHECKED for remark in self.remarks)
        return self.verdict is Verdict.CONSISTENT and not partly

    @cached_property
    def counts(self) -> dict[Verdict, int]:
        """How many entries of all tensors have each verdict."""
        return {verdict: sum(check.counts[verdict] for check in self.values()) for verdict in Verdict}

    @property
    def tells_little(self) -> bool:
        """Whether the verdict is CONSISTENT, though of most entries it cannot be told."""
        return self.verdict is Verdict.CONSISTENT and mostly_undecided(self.counts)

    @property
    def worst(self) -> TensorCheck:
        """The tensor with the entry whose difference is largest for its error bar."""
        return max(self.values(), key=lambda check: float(np.abs(check.ratio[check.worst])))

    @cached_property
    def diagnosis(self) -> tuple[Finding, ...]:
        """What is wrong, layer by layer, the first faulty layer first; empty if the report is consistent.

        Computed on first use, since it checks every layer once more on its own.
        """
        return () if self.verdict is Verdict.CONSISTENT else self.diagnose(self)

    @property
    def summary(self) -> str:
        """The verdict in a sentence or two: what to fix if anything is wrong, else what was found."""
        if self.diagnosis:
            return self.diagnosis[0].sentence
        faults = [remark.sentence for remark in self.remarks if remark.is_fault]
        if faults:
            return faults[0]
        if self.verdict is Verdict.CONSISTENT:
            partly = [remark.sentence for remark in self.remarks if remark.kind is RemarkKind.UNCHECKED]
            if partly:
                return partly[0]
            drawn = [f" {remark.sentence}" for remark in self.remarks if remark.kind is RemarkKind.DRAWN]
            agreed = agreement("Backward agrees with the numerical gradient", self.counts)
            return f"{agreed}{self._larger_step(self.counts[Verdict.CANNOT_TELL])}{''.join(drawn)}"
        return next(check.summary for check in self.values() if check.verdict is self.verdict)

    def _larger_step(self, undecided: int) -> str:
        """What would tell more where the step is too small; above the best one, small gradients gain nothing by it."""
        best = float(optimal_step(self.method, 1.0))
        return f" A larger step tells more: {best:.0e} is near the best." if undecided and self.eps < best / 3 else ""

    def _repr_html_(self) -> str:
        """What a notebook shows for a cell that ends in the report."""
        answer = self.verdict.words
        if self.verdict is Verdict.CONSISTENT:
            answer = PASSED if self.passed else "partly checked"
        said = [finding.sentence for finding in self.diagnosis] + [remark.sentence for remark in self.remarks]
        how = f"{self.method.name.capitalize()} differences with h = {self.eps:g}"
        return as_html(answer, dict.fromkeys([self.summary, *said]), list(self.values()), self.worst, how)
