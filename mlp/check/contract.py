"""The contract a layer keeps beside its formulas: arrays of numbers, finite ones, and the same result each time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.passes import Passes, Remark, RemarkKind, leaves, parameter_name, run_passes, shown
from mlp.check.projection import random_source
from mlp.differences.noise import machine_epsilon
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem


def forward_on_another_input(problem: Problem[Layer]) -> None:
    """Run forward on another input, so that a backward that remembers the wrong forward has one to remember."""
    try:
        problem.loss.forward(problem.network.forward(other_input(problem.x)), problem.target)
    except Exception:
        return


_MOST_NAMES = 3


def other_input(x: Array) -> Array:
    """An input of the same shape, type and size, but other numbers."""
    size = float(np.max(np.abs(x), initial=0.0)) or 1.0
    return (size * random_source(1).uniform(-1, 1, x.shape)).astype(x.dtype)


def contract_remarks(problem: Problem[Layer], passes: Passes) -> list[Remark]:
    """Everything there is to say about the arrays and the passes, the most basic first.

    Args:
        problem: the very objects that were run; they are run twice more.
        passes: what the run found.
    """
    found = [*_dtypes(problem, passes), *_not_finite(problem, passes), *passes.remarks]
    if not any(remark.kind in (RemarkKind.RAISES, RemarkKind.NOT_FINITE) for remark in found):
        found += _forward_against_apply(passes)
        found += _again(problem, passes)
    return found


def _dtypes(problem: Problem[Layer], passes: Passes) -> Iterator[Remark]:
    arrays = problem.tensors()
    integers = [name for name, array in problem.network.parameters().items() if np.asarray(array).dtype.kind in "iu"]
    if integers:
        yield Remark(
            RemarkKind.INTEGERS,
            "",
            f"{_listed(integers)} held integers, which have no room for a small step; here they were taken as "
            f"float64. Write 1.0 instead of 1, or use .astype(float).",
        )
    outputs = {shown(visit.name, visit.layer): visit.y for visit in passes.visits}
    single = [name for name, array in {**arrays, **outputs}.items() if np.asarray(array).dtype == np.float32]
    if single:
        yield Remark(
            RemarkKind.FLOAT32,
            "",
            f"{_listed(single)}: float32, which carries about 7 digits. The error bars allow for it, so correct code "
            f"passes; float64 would show errors a hundred million times smaller.",
        )


def _not_finite(problem: Problem[Layer], passes: Passes) -> Iterator[Remark]:
    """Where NaN or infinity first appears, in the order in which the numbers are computed."""
    for where, layer, array in _computed(problem, passes):
        if np.asarray(array).dtype.kind in "fc" and not np.all(np.isfinite(array)):
            kind = "NaN" if np.any(np.isnan(array)) else "infinity"
            count = int(np.sum(~np.isfinite(array)))
            yield Remark(
                RemarkKind.NOT_FINITE,
                layer,
                f"{kind} first appears in {where} ({count} of {np.size(array)} numbers). Everything computed from it "
                f"means nothing, so start there.",
            )
            return


def _computed(problem: Problem[Layer], passes: Passes) -> Iterator[tuple[str, str, ArrayLike]]:
    for name, array in problem.network.parameters().items():
        yield f"the parameter {name}", name.rpartition(".")[0], array
    yield "the input x", "", problem.x
    for visit in passes.visits:
        yield f"the output of {shown(visit.name, visit.layer)}", visit.name, visit.y
    yield "the target", "loss", problem.target
    yield "the loss", "loss", passes.value
    for visit in reversed(passes.visits):
        if visit.dy is not None:
            yield f"the dy that {shown(visit.name, visit.layer)}.backward is given", visit.name, visit.dy
        for parameter in visit.layer.parameters():
            name = parameter_name(visit.name, parameter)
            if name in passes.gradients:
                yield f"the gradient of {name}", visit.name, passes.gradients[name]
        if visit.dx is not None:
            yield f"the dx that {shown(visit.name, visit.layer)}.backward returns", visit.name, visit.dx


def _forward_against_apply(passes: Passes) -> Iterator[Remark]:
    for visit in passes.visits:
        applied = np.asarray(visit.layer.apply(visit.x))
        if applied.shape != visit.y.shape or not _close(applied, visit.y, _slack(visit.y)):
            yield Remark(
                RemarkKind.TWO_FORWARDS,
                visit.name,
                f"{shown(visit.name, visit.layer)}.forward and .apply give different outputs for the same x. "
                f"The numerical gradients come from apply, so this is not one function that could be checked.",
            )


def _again(problem: Problem[Layer], first: Passes) -> Iterator[Remark]:
    """Two more runs must give what the first gave."""
    try:
        second = run_passes(problem)
        kept = {name: _kept(layer) for name, layer in leaves(problem.network)}
        third = run_passes(problem)
    except Exception as error:
        yield Remark(
            RemarkKind.NOT_REPEATABLE, "", f"Run once more, the network raises {type(error).__name__} ({error})."
        )
        return
    for name, layer in reversed(list(leaves(problem.network))):
        tensors = [parameter_name(name, parameter) for parameter in layer.parameters()]
        yield from _compared(name, layer, tensors, (first, second, third), _changing(kept[name], _kept(layer)))


def _kept(layer: Layer) -> dict[str, Array]:
    """What a layer keeps from run to run, and is no gradient."""
    held = {name: value for name, value in vars(layer).items() if isinstance(value, np.ndarray)}
    return {name: value.copy() for name, value in held.items() if not name.startswith("grad_")}


def _changing(before: dict[str, Array], after: dict[str, Array]) -> str:
    """The names of what is kept and has changed, as the end of a sentence."""
    names = [f"`{name}`" for name, value in before.items() if name in after and not np.array_equal(value, after[name])]
    return f", such as {' or '.join(names[:_MOST_NAMES])}, which is another in each run" if names else ""


def _compared(
    name: str, layer: Layer, tensors: list[str], runs: tuple[Passes, Passes, Passes], changing: str
) -> Iterator[Remark]:
    for tensor in tensors:
        one, two, three = (run.gradients.get(tensor) for run in runs)
        if one is None or two is None or three is None or not one.shape == two.shape == three.shape:
            continue
        if not _close(one, two, _slack(one)) and _close(two - one, three - two, 4 * _slack(three)):
            yield Remark(
                RemarkKind.ACCUMULATES,
                name,
                f"{shown(name, layer)}.backward adds to the gradient of {tensor} that is already there: each run "
                f"makes it larger. Write grad = ... instead of grad += ..., or set it to zero first.",
            )
            return
    if _differs(name, runs):
        yield Remark(
            RemarkKind.NOT_REPEATABLE,
            name,
            f"{shown(name, layer)} gives different results when run twice on the same numbers. Look for random "
            f"draws (fix the mask while checking) or for something kept from an earlier forward pass{changing}.",
        )


def _differs(name: str, runs: tuple[Passes, Passes, Passes]) -> bool:
    """Whether a layer gave something else in the second run, from the very same x and dy."""
    one, two = (next(visit for visit in run.visits if visit.name == name) for run in runs[:2])
    if not _close(one.x, two.x, _slack(one.x)):
        return False  # an earlier layer's doing
    if not _close(one.y, two.y, _slack(one.y)):
        return True
    if one.dy is None or two.dy is None or not _close(one.dy, two.dy, _slack(one.dy)):
        return False  # a later layer's doing
    pairs = [(one.dx, two.dx)] + [
        (runs[0].gradients.get(tensor), runs[1].gradients.get(tensor))
        for tensor in (parameter_name(name, parameter) for parameter in one.layer.parameters())
    ]
    return any(a is not None and b is not None and not _close(a, b, _slack(a)) for a, b in pairs)


def _slack(array: Array) -> float:
    """What a changed order of summation may do to equal computations: a few hundred units in the last place."""
    finite = np.abs(array[np.isfinite(array)]) if array.size else array
    return 256 * machine_epsilon(array) * float(np.max(finite, initial=0.0))


def _close(left: Array, right: Array, slack: float) -> bool:
    return left.shape == right.shape and bool(np.allclose(left, right, rtol=0, atol=slack, equal_nan=True))


def _listed(names: list[str]) -> str:
    shown_names = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return shown_names[0] if len(shown_names) == 1 else ", ".join(shown_names[:-1]) + " and " + shown_names[-1]
