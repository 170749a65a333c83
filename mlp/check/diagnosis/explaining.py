"""From hypotheses to findings: what explains each wrong gradient, and one finding for each pattern that shows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlp.check.diagnosis.common import EXACT, FIRST, FITTED, IN_PART
from mlp.check.diagnosis.composed import two_faults
from mlp.check.diagnosis.containers import WIRED
from mlp.check.diagnosis.elementwise import ANOTHER_SLOPE, DIAGONAL, ELEMENTWISE, TRANSPOSED, WRONG_SLOPE
from mlp.check.diagnosis.facts import ANOTHER_TENSOR, FACTOR_ALONG, FACTS
from mlp.check.diagnosis.hypotheses import Explanation, Hypothesis, explain, holds, is_same
from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.check.diagnosis.limits import WITHIN
from mlp.check.diagnosis.linear import LINEAR
from mlp.check.diagnosis.losses import LOSSES
from mlp.check.diagnosis.observations import what_holds
from mlp.check.diagnosis.path_faults import PATHS
from mlp.check.diagnosis.sentences import ALONE, from_explanations, unrecognised
from mlp.check.diagnosis.slips import ANOTHER_DY, ON_THE_WAY, SLIPS, TERMS_WEIGHED, TWO_STEPS
from mlp.check.diagnosis.substitutions import FIXED, INGREDIENT, OTHER_TARGET, SETTING
from mlp.check.report import Finding

_BY_ROLE: dict[Role, tuple[tuple[Hypothesis, ...], tuple[Hypothesis, ...]]] = {
    Role.LINEAR: (LINEAR, ()),
    Role.ELEMENTWISE: (ELEMENTWISE, (ANOTHER_SLOPE,)),
    Role.OTHER: ((DIAGONAL,), ()),
    Role.LOSS: ((), LOSSES),
}


def _stages(
    role: Role, first: tuple[Hypothesis, ...], after: tuple[Hypothesis, ...]
) -> tuple[tuple[Hypothesis, ...], ...]:
    """The tables for a role, in the order in which they are tried.

    What comes later is tried only if nothing before it explains a gradient: it takes more work, and fits more.
    """
    facts = (*FACTS, *after)
    two = two_faults([*first, *EXACT, *SLIPS, *facts])
    # A linear layer is told by its one formula, a loss by its target, all others by the operations they are made of.
    middle = {
        Role.LINEAR: ((SETTING, *facts, INGREDIENT, *FITTED), PATHS, SLIPS),
        Role.LOSS: (
            (TERMS_WEIGHED, OTHER_TARGET, *SLIPS, INGREDIENT, SETTING, *facts, *FITTED),
            (FIXED, WITHIN, *PATHS, *ON_THE_WAY),
        ),
    }.get(role, ((*SLIPS, SETTING, *facts, *FITTED), (*PATHS, INGREDIENT, FIXED, WITHIN, TRANSPOSED), ON_THE_WAY))
    return (
        (WIRED, ANOTHER_TENSOR),
        (*FIRST, *first, *EXACT, *after),
        *middle,
        (two, TWO_STEPS, *ANOTHER_DY, *(ON_THE_WAY if role is Role.LINEAR else ())),
        (IN_PART, FACTOR_ALONG, WRONG_SLOPE),
    )


TABLES = {role: _stages(role, *tables) for role, tables in _BY_ROLE.items()}


def explanations_of(case: IsolatedLayer, tensor: str, companions: Sequence[IsolatedLayer] = ()) -> list[Explanation]:
    """The hypotheses that explain a gradient here and on the other inputs, the best first."""
    if tensor not in case.wrong_tensors:
        return []
    for table in TABLES[case.role]:
        found = [
            one
            for hypothesis in table
            if hypothesis.is_about(case, tensor)
            for one in explain(hypothesis, case, tensor)
        ]
        holding: list[Explanation] = []
        for one in sorted(found, key=lambda one: one.prediction.fitted):
            is_new = all(one.hypothesis is not other.hypothesis for other in holding)
            if is_new and all(holds(one, companion, tensor) for companion in companions):
                holding.append(one)
        if holding:
            return holding if len(holding) > 1 else [_with_rival(holding[0], found, companions, tensor)]
    return []


def _with_rival(
    best: Explanation, found: Sequence[Explanation], companions: Sequence[IsolatedLayer], tensor: str
) -> Explanation:
    """With another ingredient beside it, if a change of that one would give the same numbers."""
    for one in found if best.hypothesis in (INGREDIENT, OTHER_TARGET, FIXED) and not best.prediction.rival else ():
        is_other = one.hypothesis is best.hypothesis and one.prediction.measured != best.prediction.measured
        is_as_plain = is_other and one.prediction.fitted <= best.prediction.fitted
        if is_as_plain and all(holds(one, companion, tensor) for companion in companions):
            return replace(best, prediction=replace(best.prediction, rival=one.prediction.measured))
    return best


def jointly(
    case: IsolatedLayer, tensors: Sequence[str], companions: Sequence[IsolatedLayer]
) -> dict[str, list[Explanation]]:
    """One wrong way back through forward's operations that explains all of these tensors; none if there is none."""
    for hypothesis in (*SLIPS, *ON_THE_WAY):
        found: dict[str, list[Explanation]] = {}
        for tensor in tensors:
            best = explain(hypothesis, case, tensor)[:1]
            if not best or not all(is_same(one.prediction, best[0].prediction) for (one,) in found.values()):
                break
            found[tensor] = best
        is_one = len(found) == len(tensors)
        if is_one and all(holds(one, other, tensor) for tensor, (one,) in found.items() for other in companions):
            return found
    return {}


def findings_of(case: IsolatedLayer, explained: Mapping[str, list[Explanation]], why: str = ALONE) -> list[Finding]:
    """One finding for each pattern, with all the tensors that it shows in, and one for each tensor without any.

    Args:
        case: the layer.
        explained: what explains each tensor's gradient, the best first.
        why: why a fault without explanation must lie in this layer, as a sentence.
    """
    groups = _grouped({tensor: explanations for tensor, explanations in explained.items() if explanations})
    strange: dict[tuple[str, ...], list[str]] = {}
    for tensor, explanations in explained.items():
        if not explanations and case.said[tensor].shape == case.right(tensor).shape:
            strange.setdefault(tuple(what_holds(case, tensor)), []).append(tensor)
    return [from_explanations(case, group) for group in groups] + [
        unrecognised(case, tensors, holds, why) for holds, tensors in strange.items()
    ]


def _grouped(explained: dict[str, list[Explanation]]) -> list[list[tuple[str, list[Explanation]]]]:
    """The tensors by pattern: by one that explains all of them if there is one, else each by its best."""
    shared = [
        pattern
        for pattern in (one.hypothesis.pattern for explanations in explained.values() for one in explanations)
        if all(pattern in {one.hypothesis.pattern for one in _best(others)} for others in explained.values())
    ]
    groups: dict[str, list[tuple[str, list[Explanation]]]] = {}
    for tensor, explanations in explained.items():
        pattern = shared[0] if shared else explanations[0].hypothesis.pattern
        ranked = sorted(explanations, key=lambda one: one.hypothesis.pattern != pattern)
        groups.setdefault(pattern, []).append((tensor, ranked))
    return list(groups.values())


def _best(explanations: list[Explanation]) -> list[Explanation]:
    """Those that fit no more numbers than the first."""
    return [one for one in explanations if (one.prediction.fitted > 0) == (explanations[0].prediction.fitted > 0)]
