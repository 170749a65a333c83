"""What the fixed rules in common use would say, to stand beside the verdict: a table of small functions.

None of them looks at the step, the arithmetic or the size of the loss, so each of them fails correct code and passes
wrong code at some scale; that is worth seeing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlp.nn.arrays import Array


@dataclass(frozen=True)
class Judgement:
    """What a rule says of one tensor: whether it accepts it, and in which words."""

    accepted: bool
    words: str


@dataclass(frozen=True)
class Rule:
    """A fixed rule: its name, the formula that it applies, and its judgement of (analytical, numerical)."""

    name: str
    formula: str
    judge: Callable[[Array, Array], Judgement]


def relative_error(analytical: Array, numerical: Array) -> Array:
    """|a - n| / (|a| + |n|) for each entry, between 0 and 1; 0 where both are 0."""
    total = np.abs(analytical) + np.abs(numerical)
    return np.divide(np.abs(analytical - numerical), total, out=np.zeros_like(total), where=total != 0)


def tolerance_used(analytical: Array, numerical: Array, rtol: float, atol: float) -> Array:
    """The part of atol + rtol |n| that |a - n| takes, at most 1 where allclose holds; NaN counts as infinite."""
    used = np.abs(analytical - numerical) / (atol + rtol * np.abs(numerical))
    return np.where(np.isnan(used), np.inf, used)


_ALL_CLOSE = "all entries close"


def _allclose(rtol: float, atol: float) -> Callable[[Array, Array], Judgement]:
    def judge(analytical: Array, numerical: Array) -> Judgement:
        used = tolerance_used(analytical, numerical, rtol, atol)
        over = int(np.sum(used > 1))
        if used.size == 1:
            words = "the only entry differs" if over else "the only entry is close"
        else:
            words = f"{over:,} of {used.size:,} entries {'differs' if over == 1 else 'differ'}" if over else _ALL_CLOSE
        return Judgement(over == 0, words)

    return judge


# Upper ends of the relative error, from the CS231n course notes, "Gradient checks".
_CS231N = (
    (1e-7, True, "small: you should be happy"),
    (1e-4, True, "okay if there are kinks, too high without"),
    (1e-2, False, "should make you uncomfortable"),
)


def _cs231n(analytical: Array, numerical: Array) -> Judgement:
    worst = float(np.max(relative_error(analytical, numerical)))
    for limit, accepted, words in _CS231N:
        if worst <= limit:
            return Judgement(accepted, f"{worst:.1e}, {words}")
    return Judgement(False, f"{worst:.1e}, the gradient is probably wrong")


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("np.allclose", "|a - n| <= 1e-8 + 1e-5 |n|", _allclose(rtol=1e-5, atol=1e-8)),
        Rule("torch.autograd.gradcheck", "|a - n| <= 1e-5 + 1e-3 |n|", _allclose(rtol=1e-3, atol=1e-5)),
        Rule("CS231n", "max |a - n| / (|a| + |n|)", _cs231n),
    )
}
