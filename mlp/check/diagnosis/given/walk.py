"""Gradients whose backward nobody has are followed from the output down.

A linear layer's dW and db tell of the dy that reached it. Where they are wrong, either that dy was wrong, by the fault
of the loss or of the layers right above; or dW or db is wrong by itself. Each possibility is held against the tables of
faults. Then the walk goes on with the dy that these gradients come from, so that one fault above neither hides another
below nor makes right layers look wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from mlp.check.diagnosis.common import EXACT, FIRST, FITTED
from mlp.check.diagnosis.explaining import explanations_of, findings_of
from mlp.check.diagnosis.given.fits import MOST_WEIGHTS, Parts, elements
from mlp.check.diagnosis.given.gradients import FOUND, Backward, GivenGradients, Setup
from mlp.check.diagnosis.given.layers import Arrival, Upstream, loss_source, own_cases, sources
from mlp.check.diagnosis.given.sentences import BY_ITSELF, OF_INPUT, SPARED, from_above, not_told
from mlp.check.diagnosis.hypotheses import Explanation
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.diagnosis.path_faults import PATHS
from mlp.check.diagnosis.slips import ON_THE_WAY, SLIPS
from mlp.check.passes import LOSS, Visit, parameter_name
from mlp.check.report import Finding
from mlp.nn.arrays import Array
from mlp.nn.layers import Linear
from mlp.nn.problem import INPUT

# Faults that any of the layers in question may have; those of the other tables name their layer.
_ANYWHERE = frozenset(hypothesis.pattern for hypothesis in (*FIRST, *EXACT, *FITTED))
_OF_OUR_CODE = (*PATHS, *SLIPS, *ON_THE_WAY)

Above = list[tuple[Visit, Array]]


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
class Walk:
    """The walk from the output to the input.

    Attributes:
        backward: what the gradients are held against.
        setup: whose loss may have given another dy; None if the dy of `backward` is what was found to explain them.
        given: what was given.
        slack: how well the gradients of `backward` are known, as a part of each tensor's largest.
    """

    backward: Backward
    setup: Setup | None
    given: GivenGradients
    slack: float = 0.0

    def findings(self) -> list[Finding]:
        """All findings, from the output down; it stops where it cannot be told what reaches the layers below."""
        found: list[Finding] = []
        above: Above = []
        dy, slack = self.backward.dy, self.slack
        for k in reversed(range(len(self.backward.visits))):
            visit = self.backward.visits[k]
            if isinstance(visit.layer, Linear):
                step = self._at(k, above, dy, slack)
                found += step.findings
                if step.dy is None:
                    return found
                slack = slack if step.dy is dy else FOUND
                dy, above = step.dy, []
            above.append((visit, dy))
            dy = visit.layer.backward(dy)
        return found + self._at_input(above, dy, slack)

    def _at(self, k: int, above: Above, dy: Array, slack: float) -> _Step:
        visit = self.backward.visits[k]
        right = _gradients(visit, dy)
        wrong = [key for key in right if not self.given.agrees(visit, key, right[key], slack)]
        if not wrong:
            return _Step([], dy)
        said = self.given.of(visit, right)
        arrival = Arrival(visit.x, said["W"], said["b"])
        is_spared = 0 < self._agreeing_below(k, dy) == self._given_below(k)
        findings, is_named = self._own(visit, dy, wrong, BY_ITSELF if not arrival.is_one else SPARED)
        if not arrival.is_one or is_spared or (is_named and len(wrong) < len(right)):
            return _Step(findings, dy)
        candidates = self._candidates(k, above, arrival)
        best = max(candidates, key=lambda one: (one.agreeing, -one.explanations[0].prediction.fitted), default=None)
        if is_named and (best is None or self._agreeing_below(k, dy) > best.agreeing):
            return _Step(findings, dy)
        if is_named and best and self._agreeing_below(k, dy) == best.agreeing and _may_be_anywhere(best):
            # What is done to dW and db alike may have been done to the dy they come from, and nothing below decides.
            place = " or ".join([visit.name, *(source.name for source in self._sources(k, above))])
            return _Step([replace(one, layer=place) for one in findings], dy)
        return self._from_above(k, above, arrival, dy, best)

    def _own(self, visit: Visit, dy: Array, tensors: list[str], why: str) -> tuple[list[Finding], bool]:
        """The findings if the layer's own gradients are at fault, and whether all of them have a name."""
        findings, is_named = [], True
        beside = {f"what goes into {one.name}": one.x for one in self.backward.visits if one is not visit}
        for alone in own_cases(visit, dy, tensors, self.given):
            case = replace(alone, beside=beside)
            explained = {tensor: explanations_of(case, tensor) for tensor in case.said}
            is_named &= all(explained.values())
            findings += findings_of(case, explained, why)
        return findings, is_named

    def _from_above(self, k: int, above: Above, arrival: Arrival, dy: Array, best: _Candidate | None) -> _Step:
        names = [source.name for source in self._sources(k, above)]
        if best:
            case = best.case
            if _may_be_anywhere(best):
                case = replace(case, name=" or ".join(names))
            return _Step(findings_of(case, {INPUT: best.explanations}), best.dy)
        layer = self.backward.visits[k].name
        below = Backward(self.backward.visits[: k + 1], dy)
        tensors = [name for name in below.gradients if name in self.given.gradients]
        fitted = Parts(self.given, below, 0 * dy, elements(dy)).fit(tensors) if dy.size <= MOST_WEIGHTS else None
        if fitted and names:
            return _Step([from_above(layer, names, fitted, dy)], None)
        return _Step([not_told(layer, names, arrival)], None)

    def _candidates(self, k: int, above: Above, arrival: Arrival) -> list[_Candidate]:
        found = []
        for source in self._sources(k, above):
            case = source.case(arrival)
            explanations = [one for one in explanations_of(case, INPUT) if 2 * one.prediction.fitted <= arrival.told]
            if source.name == LOSS:
                explanations = [_of_any_loss(one) for one in explanations]
            if explanations:
                dy = source.handed_down(explanations[0].prediction.gradient)
                found.append(_Candidate(source, case, explanations, dy, self._agreeing_below(k, dy)))
        return found

    def _sources(self, k: int, above: Above) -> list[Upstream]:
        """All that may have spoiled what reaches layer k, the nearest first."""
        found, visits = list(sources(above)), self.backward.visits
        if self.setup and not any(isinstance(visit.layer, Linear) for visit in visits[k + 1 :]):
            found.append(loss_source(self.setup.loss, self.setup.target, visits[-1].y, above))
        return found

    def _given_below(self, k: int) -> int:
        """How many gradients were given below layer k."""
        return len(_own_names(self.backward.visits[:k])) + self.given.has_input

    def _agreeing_below(self, k: int, dy: Array) -> int:
        """How many of the gradients below layer k are as they should be if this dy reached it."""
        own = _own_names(self.backward.visits[k : k + 1])
        return sum(
            name not in own and name in self.given.gradients and self.given.is_as(name, gradient, FOUND)
            for name, gradient in Backward(self.backward.visits[: k + 1], dy).gradients.items()
        )

    def _at_input(self, above: Above, dx: Array, slack: float) -> list[Finding]:
        """The finding about the gradient of the input, which the first layer hands back."""
        if not self.given.has_input or self.given.is_as(INPUT, dx, slack) or len(above) > 1:
            return []
        return self._own(*above[0], [INPUT], OF_INPUT)[0]


def _of_any_loss(one: Explanation) -> Explanation:
    """That a way back through our loss is wrong is not the only account: whose loss it was is not known."""
    if one.hypothesis not in _OF_OUR_CODE:
        return one
    return replace(one, prediction=replace(one.prediction, rival=one.prediction.rival or "another loss or target"))


def _may_be_anywhere(candidate: _Candidate) -> bool:
    return candidate.explanations[0].hypothesis.pattern in _ANYWHERE


def _own_names(visits: Sequence[Visit]) -> list[str]:
    return [parameter_name(visit.name, key) for visit in visits for key in visit.layer.parameters()]


def _gradients(visit: Visit, dy: Array) -> Mapping[str, Array]:
    """What the right layer says of its parameters for this dy."""
    visit.layer.backward(dy)
    return visit.layer.gradients()
