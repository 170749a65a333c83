"""From a report that did not pass to sentences that say what to fix: every layer on its own, the last one first.

The gradient comes to the layers from the loss backwards, so the first faulty layer on that way is named first. Layers
before it have wrong gradients too, but only because they were given a wrong dy; on their own they are right, and so
they are not named.
"""

import copy
import functools
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.compare import compare_gradients
from mlp.check.contract import other_input
from mlp.check.diagnosis.attempts import attempted
from mlp.check.diagnosis.containers import goes_through_its_layers
from mlp.check.diagnosis.explaining import explanations_of, findings_of, jointly
from mlp.check.diagnosis.isolated_layer import EPS, IsolatedLayer, Role, said
from mlp.check.diagnosis.sentences import from_remark, of_this_dy, right_line, undiagnosed, wiring
from mlp.check.passes import LOSS, Remark, RemarkKind, Visit, leaves, parameter_name
from mlp.check.projection import Projection, random_dy, random_source, with_apply
from mlp.check.report import Finding
from mlp.differences.methods import CENTRAL
from mlp.nn.activations import Identity
from mlp.nn.arrays import Array, root_mean_square
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, Problem, as_problem

_CAUSES = frozenset({RemarkKind.ACCUMULATES, RemarkKind.INTEGER_GRADIENT, RemarkKind.NOT_REPEATABLE})
_COMPANIONS = 2
_FEW_SAMPLES = 32
_MOVED = 0.3


def diagnose(problem: Problem[Layer], remarks: Iterable[Remark], wrong: bool) -> tuple[Finding, ...]:
    """Everything that is wrong with a network and its loss, the first faulty layer first.

    Args:
        problem: as it was before the check; only copies of its layers are run.
        remarks: what the check remarked.
        wrong: whether the check found a wrong gradient.
    """
    faults = [remark for remark in remarks if remark.is_fault]
    if not wrong and not faults:
        return ()
    with attempted():  # that no cause is found is no reason to keep the verdict back
        return _diagnosed(problem, faults, wrong)
    return (undiagnosed(),)


def _diagnosed(problem: Problem[Layer], faults: list[Remark], wrong: bool) -> tuple[Finding, ...]:
    if any(remark.kind is RemarkKind.NOT_FINITE for remark in faults):
        return tuple(from_remark(remark) for remark in faults)
    few = _of_few_samples(problem)
    with np.errstate(all="ignore"):
        findings = _found(few, faults, wrong)
        if wrong and not findings and few is not problem:
            findings = _found(problem, faults, wrong)
    if wrong and not findings:
        return (wiring() if len(list(leaves(problem.network))) > 1 else of_this_dy(),)
    return tuple(findings)


def _of_few_samples(problem: Problem[Layer]) -> Problem[Layer]:
    """The same network on the first samples alone: what is wrong with a layer shows in them, or is looked for in all.

    The work grows with the square of the batch.
    """
    samples = len(problem.x) if problem.x.ndim > 1 else 1
    if samples <= _FEW_SAMPLES or np.shape(problem.target)[:1] != (samples,):
        return problem
    return problem._replace(x=problem.x[:_FEW_SAMPLES], target=problem.target[:_FEW_SAMPLES])


def _found(problem: Problem[Layer], faults: list[Remark], wrong: bool) -> list[Finding]:
    findings: list[Finding] = []
    cases = list(_cases(problem))
    for case in cases:
        findings += _all_findings(case, [fault for fault in faults if fault.layer == case.name])
    if wrong and not findings:  # on their own inputs all are right, so ask others before blaming the network
        others = [companion for case in cases for companion in _companions(case)]
        findings += [finding for other in others for finding in _findings(other, other.wrong_tensors)][:1]
    return findings


def _all_findings(case: IsolatedLayer, faults: list[Remark]) -> list[Finding]:
    """What is wrong with one layer: the numbers, and what was seen happen."""
    # A fault that was seen explains the numbers that come of it, and not the other way round.
    causes = [fault for fault in faults if fault.kind in _CAUSES]
    unexplained = [tensor for tensor in case.wrong_tensors if not causes or _is_apart(case, tensor)]
    return [
        *(from_remark(fault) for fault in causes),
        *_findings(case, unexplained),
        *(from_remark(fault, _right_lines(case, fault)) for fault in faults if fault not in causes),
    ]


def _right_lines(case: IsolatedLayer, fault: Remark) -> str:
    """The lines for what backward should have given, where it gave nothing."""
    missing = [tensor for tensor in case.report if tensor not in case.said]
    return "; ".join(right_line(case, tensor) for tensor in missing) if fault.kind is RemarkKind.RAISES else ""


def _is_apart(case: IsolatedLayer, tensor: str) -> bool:
    """Whether a tensor has nothing to do with what happened to the parameters' gradients."""
    return tensor == INPUT and case.role is Role.LINEAR


def _cases(problem: Problem[Layer]) -> Iterator[IsolatedLayer]:
    """The loss, then the layers from the last to the first, each on its own."""
    visits = _visits(problem.network, problem.x)
    yield _case(LOSS, problem.loss, Identity(), problem.loss, visits[-1].y, problem.target)
    for visit in reversed(visits):
        yield from _cases_of(visit)


def _visits(network: Layer, x: Array, within: str = "") -> list[Visit]:
    """What each of the layers that do the work is given, and what it makes of that."""
    visits: list[Visit] = []
    for name, layer in leaves(network):
        y = np.asarray(with_apply(copy.deepcopy(layer)).apply(x))
        visits.append(Visit(parameter_name(within, name), layer, x, y))
        x = y
    return visits


def _cases_of(visit: Visit) -> Iterator[IsolatedLayer]:
    """A layer on its own; or, of a container that only lets its layers work one after another, each of those."""
    name, layer, x = visit.name, visit.layer, visit.x
    loss = layer.as_loss() if hasattr(layer, "as_loss") else None
    if loss is not None:
        yield _case(name, layer, Identity(), loss, x, loss.target)
        return
    is_one = _has_no_input(layer) or getattr(layer, "has_own_dy", False)
    dy = np.ones(visit.y.shape) if is_one else random_dy(visit.y.shape)
    case = _case(name, layer, with_apply(layer), Projection(), x, dy)
    inside = layer.layers if isinstance(layer, Sequential) and layer not in layer.chain().values() else {}
    if not inside or not goes_through_its_layers(case, inside):
        yield case
    if inside:
        for inner in reversed(_visits(Sequential(**inside), x, name)):
            yield from _cases_of(inner)


def _case(name: str, subject: object, function: Layer, loss: Loss, x: Array, dy: ArrayLike) -> IsolatedLayer:
    check = functools.partial(compare_gradients, as_problem(function, loss, x, dy), EPS, CENTRAL)
    return IsolatedLayer(name, subject, function, loss, x, dy, other_input(x), check, said(function, loss, x, dy))


def _companions(case: IsolatedLayer) -> list[IsolatedLayer]:
    """The same layer on other inputs, of both signs and moderate size, where no explanation can hold by chance."""
    return [replace(one, is_companion=True) for one in _on_other_inputs(case)]


def _on_other_inputs(case: IsolatedLayer) -> list[IsolatedLayer]:
    rng = random_source(3)
    if not _has_no_input(case.function):
        inputs = [rng.standard_normal(case.x.shape) for _ in range(_COMPANIONS)]
        return [_case(case.name, case.subject, case.function, case.loss, x, case.dy) for x in inputs]
    found = []
    for _ in range(_COMPANIONS):
        with attempted():  # whatever somebody's code raises for other parameters
            function = _with_other_parameters(case.function, rng)
            found.append(_case(case.name, case.subject, function, case.loss, case.x, case.dy))
    return found


def _has_no_input(layer: Layer) -> bool:
    """Whether a layer stands for a function of parameters alone; its x and dy are factors, and have to be 1."""
    return bool(getattr(layer, "has_no_input", False))


def _with_other_parameters(layer: Layer, rng: np.random.RandomState) -> Layer:
    for name, value in layer.parameters().items():
        size = float(root_mean_square(value)) or 1.0
        layer = layer.replaced(name, value + _MOVED * size * rng.standard_normal(np.shape(value)))
    return layer


def _findings(case: IsolatedLayer, tensors: list[str]) -> list[Finding]:
    """One finding for each pattern, with all of these tensors that it shows in."""
    with attempted():  # of one layer, so that what is known of the others is told
        return _explained(case, tensors)
    return [undiagnosed(case, tensors)] if tensors else []


def _explained(case: IsolatedLayer, tensors: list[str]) -> list[Finding]:
    companions = _companions(case) if tensors else []
    explained = {tensor: explanations_of(case, tensor, companions) for tensor in tensors}
    findings = findings_of(case, explained)
    joint = jointly(case, tensors, companions) if len(findings) > 1 else {}
    return findings_of(case, joint) if joint else findings
