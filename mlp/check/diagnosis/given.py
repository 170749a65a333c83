"""What is wrong with gradients whose backward nobody has: they are followed from the loss down.

A linear layer's dW and db tell of the dy that reached it. Where they are wrong, either that dy was wrong, by the fault
of the loss or of the layers right above; or dW or db is wrong by itself. Each possibility is held against the tables of
faults. Then the walk goes on with the dy that these gradients come from, so that one fault above neither hides another
below nor makes right layers look wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.diagnosis.another import another_function
from mlp.check.diagnosis.arrivals import Arrival
from mlp.check.diagnosis.common import EXACT, FIRST, FITTED
from mlp.check.diagnosis.explaining import explanations_of, findings_of
from mlp.check.diagnosis.given_gradients import GivenGradients
from mlp.check.diagnosis.given_layers import Upstream, loss_source, own_case, sources
from mlp.check.diagnosis.hypotheses import Explanation
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.diagnosis.sentences import FOLLOWED, UNRECOGNISED, nothing_fits, unrecognised_above
from mlp.check.passes import Visit, run_passes
from mlp.check.report import Finding
from mlp.nn.arrays import Array
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.losses import Loss
from mlp.nn.problem import INPUT, Problem

# Faults that any of the layers in question may have; those of the other tables name their layer.
_ANYWHERE = frozenset(hypothesis.pattern for hypothesis in (*FIRST, *EXACT, *FITTED))

Above = list[tuple[Visit, Array]]


def diagnose_given(
    problem: Problem[Layer], gradients: Mapping[str, Array], errors: Mapping[str, Array]
) -> tuple[Finding, ...]:
    """Everything that is wrong with given gradients of a network, the first fault from the loss down first.

    Args:
        problem: the right network and loss; they hold the state of the run in here afterwards.
        gradients: what was given, by tensor name.
        errors: how far rounding may have moved each entry of it.

    Returns:
        The findings; none if the network has layers other than linear ones and activations.
    """
    _, loss, x, target = problem
    visits = run_passes(problem).visits
    if not all(isinstance(visit.layer, Linear | Activation) for visit in visits):
        return ()
    given = GivenGradients(gradients, errors)
    with np.errstate(all="ignore"):
        walk = _Walk(visits, loss, target, given)
        found = walk.findings()
        strange = [finding for finding in found if finding.pattern == UNRECOGNISED]
        another = another_function(visits, loss, x, target, given) if strange else None
        if another:
            return (another,)
        # One strange fault with all below in order is a fault; strange ones throughout belong to something else.
        is_throughout = len(found) > 1 and len(strange) == len(found) and not walk.agreeing(loss.backward())
    return (nothing_fits(),) if is_throughout else tuple(found)


class _Step(NamedTuple):
    """What was found at one linear layer, and the dy that its gradients come from; None if that cannot be told."""

    findings: list[Finding]
    dy: Array | None


class _Candidate(NamedTuple):
    """A fault above that would explain a layer's gradients, and how well what lies below agrees with it."""

    source: Upstream
    case: IsolatedLayer
    explanations: list[Explanation]
    dy: Array
    agreeing: int


@dataclass(frozen=True)
class _Walk:
    """The walk from the loss to the input.

    Attributes:
        visits: the layers in order, each with what it was given and gave.
        loss, target: the right loss and its target.
        given: what was given.
    """

    visits: Sequence[Visit]
    loss: Loss
    target: ArrayLike
    given: GivenGradients

    def findings(self) -> list[Finding]:
        """All findings, from the loss down; it stops where it cannot be told what reaches the layers below."""
        found: list[Finding] = []
        above: Above = []
        dy, is_exact = self.loss.backward(), True
        for k in reversed(range(len(self.visits))):
            visit = self.visits[k]
            if isinstance(visit.layer, Linear):
                step = self._at(k, above, dy, is_exact)
                found += step.findings
                if step.dy is None:
                    return found
                is_exact &= step.dy is dy
                dy, above = step.dy, []
            above.append((visit, dy))
            dy = visit.layer.backward(dy)
        return found + self._at_input(above, dy, is_exact)

    def _at(self, k: int, above: Above, dy: Array, is_exact: bool) -> _Step:
        visit = self.visits[k]
        said, right = self.given.of(visit), _gradients(visit, dy)
        wrong = [key for key in right if not self.given.agrees(visit, key, right[key], is_exact)]
        if not wrong:
            return _Step([], dy)
        case = own_case(visit, dy, said)
        explained = {key: explanations_of(case, key) for key in wrong}
        own = _Step(findings_of(case, explained, FOLLOWED), dy)
        arrival = Arrival(visit.x, said["W"], said["b"])
        if len(wrong) < len(said) or not arrival.is_one:
            return own
        candidates = self._candidates(k, above, arrival)
        best = max(candidates, key=lambda one: (one.agreeing, -one.explanations[0].prediction.fitted), default=None)
        if all(explained.values()) and (best is None or self._agreeing_below(k, dy) > best.agreeing):
            return own
        return self._from_above(k, above, arrival, dy, best)

    def _from_above(self, k: int, above: Above, arrival: Arrival, dy: Array, best: _Candidate | None) -> _Step:
        names = [source.name for source in self._sources(k, above)]
        if best:
            case = best.case
            if best.explanations[0].hypothesis.pattern in _ANYWHERE:
                case = replace(case, name=" or ".join(names))
            return _Step(findings_of(case, {INPUT: best.explanations}, FOLLOWED), best.dy)
        if arrival.is_whole and self._agreeing_below(k, arrival.dy):
            return _Step([unrecognised_above(self.visits[k].name, names, arrival.dy, dy)], arrival.dy)
        return _Step([unrecognised_above(self.visits[k].name, names, arrival.dy, arrival.seen(dy))], None)

    def _candidates(self, k: int, above: Above, arrival: Arrival) -> list[_Candidate]:
        found = []
        for source in self._sources(k, above):
            case = source.case(arrival)
            explanations = explanations_of(case, INPUT)
            if explanations:
                dy = source.handed_down(np.asarray(explanations[0].prediction.gradient))
                found.append(_Candidate(source, case, explanations, dy, self._agreeing_below(k, dy)))
        return found

    def _sources(self, k: int, above: Above) -> list[Upstream]:
        """All that may have spoiled what reaches layer k, the nearest first."""
        is_last = k == self._last
        return [*sources(above), *([loss_source(self.loss, self.target, self.visits[-1].y, above)] if is_last else [])]

    def agreeing(self, dy: Array) -> int:
        """How many of all gradients are right, for the dy of the loss."""
        return self._agreeing_below(len(self.visits), dy)

    @property
    def _last(self) -> int:
        """The place of the last linear layer."""
        return max(k for k, visit in enumerate(self.visits) if isinstance(visit.layer, Linear))

    def _agreeing_below(self, k: int, dy: Array) -> int:
        """How many of the gradients below layer k are as they should be if this dy reached it."""
        count = 0
        for place, visit in reversed(list(enumerate(self.visits[: k + 1]))):
            if place < k and isinstance(visit.layer, Linear):
                right = _gradients(visit, dy)
                count += sum(self.given.agrees(visit, key, right[key]) for key in right)
            dy = visit.layer.backward(dy)
        return count + self.given.agrees_at_input(dy)

    def _at_input(self, above: Above, dx: Array, is_exact: bool) -> list[Finding]:
        """The finding about the gradient of the input, which the first layer hands back."""
        if not self.given.has_input or self.given.agrees_at_input(dx, is_exact) or len(above) > 1:
            return []
        visit, dy = above[0]
        case = own_case(visit, dy, {INPUT: self.given.input})
        return findings_of(case, {INPUT: explanations_of(case, INPUT)}, FOLLOWED)


def _gradients(visit: Visit, dy: Array) -> dict[str, Array]:
    """What the right layer says of its parameters for this dy."""
    visit.layer.backward(dy)
    return visit.layer.gradients()
