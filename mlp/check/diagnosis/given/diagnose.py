"""What is wrong with gradients whose backward nobody has: they are held against what other problems would give.

The network and the loss are known, so everything can be computed that somebody may have computed instead. Gradients are
tried as those of this problem, of another one (`changes`), and of one with numbers to find (`curves`, `fits`). What is
left over then is followed from the output down (`walk`). The account with the fewest faults is told.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlp.check.diagnosis.common import FITTED
from mlp.check.diagnosis.composed import two_faults
from mlp.check.diagnosis.facts import FACTS
from mlp.check.diagnosis.given.arrays import misplaced, not_finite, reordered, rounded, scaled_to_norm
from mlp.check.diagnosis.given.changes import changed_alternatives
from mlp.check.diagnosis.given.curves import curve_alternatives
from mlp.check.diagnosis.given.fits import MOST_WEIGHTS, and_times, output_alternatives
from mlp.check.diagnosis.given.gradients import FITTED as SLACK
from mlp.check.diagnosis.given.gradients import Alternative, Backward, GivenGradients, Setup, backward_of
from mlp.check.diagnosis.given.sentences import another, nothing_fits, together
from mlp.check.diagnosis.given.walk import Walk
from mlp.check.diagnosis.losses import LOSSES
from mlp.check.diagnosis.path_faults import PATHS
from mlp.check.diagnosis.sentences import UNRECOGNISED
from mlp.check.diagnosis.slips import ON_THE_WAY, SLIPS
from mlp.check.diagnosis.substitutions import INGREDIENT
from mlp.check.passes import LOSS, leaves
from mlp.check.report import Finding
from mlp.nn.arrays import Array
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.problem import Problem

_MOST_WALKS = 4
# What is said of a loss's dy by numbers that were found to fit, where another problem may explain it with fewer.
_TOLD = {"constant factor", *(hypothesis.pattern for hypothesis in LOSSES)}
_VAGUE = (
    frozenset(
        hypothesis.pattern for hypothesis in (*FACTS, INGREDIENT, *FITTED, *PATHS, *SLIPS, *ON_THE_WAY, two_faults(()))
    )
    - _TOLD
)


def diagnose_given(
    problem: Problem[Layer], gradients: Mapping[str, Array], errors: Mapping[str, Array]
) -> tuple[Finding, ...]:
    """Everything that is wrong with given gradients of a network, the first fault from the loss down first.

    Args:
        problem: the right network and loss.
        gradients: what was given, by tensor name.
        errors: how far rounding may have moved each entry of it.

    Returns:
        The findings; none if the network has layers other than linear ones and activations.
    """
    layers = list(leaves(problem.network))
    if not all(isinstance(layer, Linear | Activation) for _, layer in layers):
        return ()
    with np.errstate(all="ignore"):
        target = problem.loss.as_target(problem.target, problem.network.apply(problem.x))
        setup = Setup(layers, problem.loss, problem.x, target)
        right = backward_of(setup)
        given, coarse = rounded(problem, right.gradients, GivenGradients(gradients, errors))
        clipped, rest = scaled_to_norm(right, given)
        turned, rest = reordered(right, rest)
        found = [*not_finite(given), *coarse, *clipped, *turned, *_Search(setup, right, rest).best().findings]
        return tuple(together(found))


@dataclass(frozen=True)
class _Account:
    """All that is wrong, if one of the alternatives was computed."""

    findings: list[Finding]
    weights: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """The less the better: what has no name, how many faults it takes, and how many numbers were found to fit."""
        nameless = sum(one.pattern == UNRECOGNISED for one in self.findings)
        return nameless, len(self.findings), self.weights


@dataclass(frozen=True)
class _Search:
    """The search for the account with the fewest faults.

    Attributes:
        setup: the right problem.
        right: its backward pass.
        given: what was given.
    """

    setup: Setup
    right: Backward
    given: GivenGradients

    def best(self) -> _Account:
        """The best account."""
        found = self._rest(self.right, is_right=True) or self._rest(self.right, is_right=True, slack=0.0)
        plain = _Account(found, MOST_WEIGHTS * sum(one.layer == LOSS and one.pattern in _VAGUE for one in found))
        if plain.rank <= (0, 1, 0):
            return plain
        whole, part = self._alternatives()
        if whole:
            weights = min(one.weights for one in whole)
            rivals = [one for one in whole if one.weights == weights]
            return min(plain, _Account([another(rivals, self.given)], weights), key=lambda one: one.rank)
        accounts = [_Account([another([one], self.given), *self._rest(one.backward)], one.weights) for one in part]
        best = min([plain, *accounts], key=lambda one: one.rank)
        is_all_strange = all(one.pattern == UNRECOGNISED and one.tensors != ("dy",) for one in best.findings)
        is_strange = is_all_strange and not self.given.agreeing(self.right.gradients)
        return _Account([nothing_fits()], 0) if is_strange else best

    def _alternatives(self) -> tuple[list[Alternative], list[Alternative]]:
        """Those with which all gradients agree, and else the few with which more agree than with the right problem."""
        part: list[tuple[int, Alternative]] = []
        agreeing = len(self.given.agreeing(self.right.gradients))
        changed = list(changed_alternatives(self.setup))
        for family in (  # each with the fewest numbers to find first
            changed,
            self._with_factors(changed),
            curve_alternatives(self.setup, self.right, self.given),
            output_alternatives(self.setup, self.right, self.given),
        ):
            whole: list[Alternative] = []
            for one in family:
                if whole and one.weights > whole[0].weights:
                    break
                count = len(self.given.agreeing(one.backward.gradients))
                if count == len(self.given.gradients):
                    whole.append(one)
                elif count > agreeing:
                    part.append((count, one))
            if whole:
                return whole, []
        part.sort(key=lambda one: (-one[0], one[1].weights))
        return [], [one for _, one in part[:_MOST_WALKS]]

    def _with_factors(self, family: Iterable[Alternative]) -> Iterator[Alternative]:
        """Alternatives that have no number to find, with a factor for all of it beside."""
        names = list(self.given.gradients)
        said = self.given.vector(self.given.gradients, names)
        for one in family:
            plain = self.given.vector(one.backward.gradients, names)
            if np.any(plain):
                # The median, since a tensor with a fault of its own would spoil a mean.
                factor = float(np.median((said / plain)[plain != 0]))
                backward = replace(one.backward, dy=factor * one.backward.dy)
                words = one.words + and_times(factor, self.right.dy)
                yield one._replace(words=words, backward=backward, left=one.left - 1, weights=1)

    def _rest(self, backward: Backward, is_right: bool = False, slack: float = SLACK) -> list[Finding]:
        """What is wrong beside, if this is what was computed."""
        found, given = misplaced(self.setup, backward, self.given)
        return found + Walk(backward, self.setup if is_right else None, given, slack).findings()
