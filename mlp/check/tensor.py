"""The check of one tensor: its two gradients, their error bar, and what follows for every entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlp.check import fixed_rules
from mlp.check.evaluation_point import Index
from mlp.check.kinks import Kink
from mlp.check.verdict import Verdict, entry_verdicts, error_bar, tensor_verdict
from mlp.nn.arrays import Array

# np.allclose's defaults, with which the exercise compares.
RTOL = 1e-5
ATOL = 1e-8


def agreement(both_agree: str, counts: Mapping[Verdict, int]) -> str:
    """How many entries agree, and what there is to say of the others, in a sentence; none of them is wrong."""
    total, agree = sum(counts.values()), counts[Verdict.CONSISTENT]
    entries = f"{agree:,} of {total:,} entries"
    if agree == total:
        entries = "the only entry" if total == 1 else f"all {total:,} entries"
    first = f"{both_agree} in {entries}, within {'its error bar' if agree == 1 else 'their error bars'}"
    told = []
    kinked, undecided = counts[Verdict.KINK_CROSSED], counts[Verdict.CANNOT_TELL]
    if kinked:
        steps = "1 step crosses" if kinked == 1 else f"{kinked:,} steps cross"
        told.append(f"{steps} a kink, where differences mix two slopes")
    if undecided:
        told.append(f"{undecided:,} {'is' if undecided == 1 else 'are'} too small to tell at this step")
    return f"{'; '.join([first, *told])}." if agree else f"No entry contradicts backward: {'; '.join(told)}."


def mostly_undecided(counts: Mapping[Verdict, int]) -> bool:
    """Whether of more than half of the entries it cannot be told."""
    return 2 * counts[Verdict.CANNOT_TELL] > sum(counts.values())


@dataclass(frozen=True)
class TensorCheck:
    """The analytical and the numerical gradient of one tensor, compared entry by entry.

    All arrays have the tensor's shape, and but for `inactive` the unit of the loss per unit of the tensor.

    Attributes:
        name: "fc1.W", or "x" for the input.
        analytical, numerical: the gradients; an analytical one of the wrong shape, or missing, is NaN throughout.
        truncation, roundoff: the errors of the numerical gradient, as `mlp.differences.errors` estimates them.
        rounding: the error of the analytical gradient, as `mlp.check.rounding` estimates it.
        inactive: whether the entry is known to have no influence on the loss.
        kinks: the entries whose step crosses a corner.
        advice: what to do where the verdict is "cannot tell".
    """

    name: str
    analytical: Array
    numerical: Array
    truncation: Array
    roundoff: Array
    rounding: Array
    inactive: Array
    kinks: tuple[Kink, ...] = ()
    advice: str = ""

    @cached_property
    def difference(self) -> Array:
        """The difference analytical - numerical."""
        return self.analytical - self.numerical

    @cached_property
    def error_bar(self) -> Array:
        """The largest |a - n| that the errors of both gradients explain; infinite where there is nothing to go on."""
        return error_bar(self.truncation, self.roundoff, self.rounding)

    @cached_property
    def ratio(self) -> Array:
        """The difference in units of its error bar, with its sign: consistent entries lie between -1 and 1."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.difference / self.error_bar
        ratio = np.where((self.difference == 0) | (np.isinf(self.error_bar)), 0.0, ratio)
        return np.where(np.isnan(self.analytical), np.inf, ratio)

    @cached_property
    def verdicts(self) -> Array:
        """The verdict of every entry, as the integers of `Verdict`."""
        kinked = np.zeros(self.analytical.shape, dtype=bool)
        for kink in self.kinks:
            kinked[kink.index] = True
        return entry_verdicts(self.analytical, self.numerical, self.error_bar, self.inactive, kinked)

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict of the tensor."""
        undecided = self.verdicts == Verdict.CANNOT_TELL
        bar = self.error_bar.copy()
        for kink in self.kinks:
            if not kink.explained:
                undecided[kink.index], bar[kink.index] = True, np.abs(self.difference[kink.index])
        return tensor_verdict(self.verdicts, undecided, self.analytical, self.numerical, bar)

    @property
    def passed(self) -> bool:
        """Whether the tensor is consistent."""
        return self.verdict is Verdict.CONSISTENT

    @cached_property
    def counts(self) -> dict[Verdict, int]:
        """How many entries have each verdict."""
        return {verdict: int(np.sum(self.verdicts == verdict)) for verdict in Verdict}

    @property
    def tells_little(self) -> bool:
        """Whether it passed, though of most entries it cannot be told."""
        return self.passed and mostly_undecided(self.counts)

    @property
    def worst(self) -> Index:
        """The index of the entry with the largest difference for its error bar."""
        return self.worst_entries(1)[0]

    def worst_entries(self, count: int) -> list[Index]:
        """The indices of the `count` entries with the largest difference for their error bar, the worst first.

        Entries that a kink excuses come last.
        """
        badness = np.where(self.verdicts == Verdict.KINK_CROSSED, -1.0, np.abs(self.ratio))
        order = np.argsort(-badness, axis=None, kind="stable")[:count]
        return [tuple(int(i) for i in np.unravel_index(flat, self.analytical.shape)) for flat in order]

    @property
    def summary(self) -> str:
        """The verdict in one sentence, with the number behind it."""
        name, counts, size = self.name, self.counts, self.analytical.size
        if self.verdict is Verdict.WRONG:
            are = "is" if counts[Verdict.WRONG] == 1 else "are"
            wrong = f"{counts[Verdict.WRONG]:,} of {size:,} entries {are}" if size > 1 else "the only entry is"
            return f"{name}: {wrong} wrong. {self._worst_sentence()}"
        if self.verdict is Verdict.CANNOT_TELL and counts[Verdict.CANNOT_TELL]:
            return f"{name}: cannot tell at this step, the error bars are as wide as the gradient. {self.advice}"
        if self.verdict is Verdict.CANNOT_TELL:
            return (
                f"{name}: cannot tell at this step, which crosses a kink, and what backward says there is none of the "
                "slopes beside it. Take a smaller step, or another input."
            )
        return f"{name}: consistent. {agreement('Both gradients agree', counts)}"

    def _worst_sentence(self) -> str:
        index = self.worst
        a, n, bar = float(self.analytical[index]), float(self.numerical[index]), float(self.error_bar[index])
        if not np.isfinite(a):
            return f"Backward gave no number at {list(index)}, where the numerical derivative is {n:.6g}."
        return (
            f"The worst is {list(index)}: backward says {a:.6g}, the numerical derivative is {n:.6g}, "
            f"and no more than {bar:.1g} of the difference can be the method's error."
        )

    @cached_property
    def relative_error(self) -> Array:
        """|a - n| / (|a| + |n|) for each entry, between 0 and 1; 0 where both are 0.

        Source: the CS231n course notes, "Gradient checks". Without meaning where a and n are themselves of the size
        of the numerical error.
        """
        return fixed_rules.relative_error(self.analytical, self.numerical)

    @cached_property
    def tolerance_used(self) -> Array:
        """The part of what np.allclose allows, atol + rtol |n|, that |a - n| takes; NaN counts as infinite."""
        return fixed_rules.tolerance_used(self.analytical, self.numerical, RTOL, ATOL)

    @property
    def max_abs_difference(self) -> float:
        """The largest |a - n|, NaN if any entry is."""
        return float(np.max(np.abs(self.difference)))

    @property
    def max_relative_error(self) -> float:
        """The largest relative error of any entry, NaN if any is."""
        return float(np.max(self.relative_error))

    @property
    def judgements(self) -> dict[str, fixed_rules.Judgement]:
        """What the fixed rules in common use say of this tensor, by the rule's name."""
        return {name: rule.judge(self.analytical, self.numerical) for name, rule in fixed_rules.RULES.items()}
