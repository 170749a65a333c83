"""What is to be said of a backward beside its numbers: shapes that do not fit, gradients that are missing or add up."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret.trial import Attempt, compare
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import Fact, ForeignError, place_of, told
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.run.conditions import global_arrays, other_randomness, same_randomness
from mlp.user_code.run.pairing import GIVEN, INPUT, Pair, matters, random
from mlp.user_code.settings import line

_CLOSE = 1e-4  # a first look at a few entries knows a factor no better


def misfits(tried: Attempt, case: Case) -> list[Fact]:
    """Gradients of another shape than their tensor."""
    facts = []
    for pair in tried.layer.pairs.values() if tried.layer else ():
        if not pair.fits:
            what = "the input x" if pair.tensor == INPUT else pair.tensor
            turned = "; it is transposed" if pair.gradient_shape == pair.shape[::-1] and len(pair.shape) == 2 else ""
            summed = "; it is not summed over the batch" if _is_unsummed(pair) else ""
            text = f"the gradient {pair.gradient} has shape {pair.gradient_shape}, but {what} has shape {pair.shape}"
            facts.append(Fact("problem", text + (turned or summed), *backward_place(tried, case)))
    return facts


def _is_unsummed(pair: Pair) -> bool:
    sizes = [size for size in pair.shape if size != 1]
    return len(pair.gradient_shape) == 2 and len(sizes) == 1 and sizes[0] in pair.gradient_shape


def hollow(tried: Attempt, case: Case) -> list[Fact]:
    """That a pass would be none, since no mistake could show."""
    if not tried.is_hollow:
        return []
    text = (
        f"it could only be run on an input of shape {tried.x.shape}, for which the output is constant or a single "
        f'number, or all gradients are 0, so that most mistakes cannot show; give it another, with the setting "x"'
    )
    return [Fact("unchecked", text, case.file, case.line)]


def is_fused_softmax(tried: Attempt) -> bool:
    """Whether backward is right for what is given before the softmax that forward ends in, as by a loss with p - t."""
    layer = tried.layer
    if layer is None or len(tried.y_shape) != 2 or tried.reduction:
        return False
    y, dy = layer.forward(tried.x), random(tried.y_shape)
    for axis in (0, 1, None):
        behind = _behind_softmax(y, dy, axis)
        if (axis is None or y.shape[axis] > 1) and behind is not None:
            factors = compare(layer, tried.x, dy, behind)
            of_input = factors.pop(INPUT, 1.0)  # those of parameters may be averages
            return of_input == 1 and (not factors or np.ptp(list(factors.values())) < _CLOSE)
    return False


def _behind_softmax(y: Array, dy: Array, axis: int | None) -> Array | None:
    """The gradient before a softmax, or its logarithm, that gives y; None where y comes from neither."""
    p = np.exp(y)
    if np.allclose(y.sum(axis=axis), 1):
        return y * (dy - (dy * y).sum(axis=axis, keepdims=True))
    return dy - p * dy.sum(axis=axis, keepdims=True) if np.allclose(p.sum(axis=axis), 1) else None


def fused(tried: Attempt) -> Fact:
    """That such a softmax cannot be told from a wrong one by itself."""
    text = (
        f"backward of {tried.subject.name} leaves out the softmax that forward ends in. That is no gradient by itself, "
        "but right where the loss behind it gives p - t, of softmax and cross-entropy together; so it was not judged"
    )
    return Fact("problem", text, *place_of(tried.subject.sources()[-1]))


def is_delta(tried: Attempt, found: TensorCheck) -> bool:
    """Whether a loss's backward is right for what stands before a sigmoid or softmax that gives the prediction.

    That may be the softmax's logarithm as well.
    """
    p, d = tried.x, found.numerical
    is_said = bool(tried.subject.said.backward_args)  # that the slope of what stands before it is 1
    if not tried.reduction or is_said:
        return False
    behind = [d - np.exp(p) * d.sum(axis=axis, keepdims=True) for axis in range(p.ndim)]
    if np.all((p > 0) & (p < 1)):
        behind += [d * p * (1 - p), *(p * (d - (d * p).sum(axis=axis, keepdims=True)) for axis in range(p.ndim))]
    return any(np.allclose(found.analytical, one, rtol=_CLOSE, atol=_CLOSE**2) for one in behind)


def of_delta(tried: Attempt) -> Fact:
    """That such a backward is no gradient of the loss by itself."""
    backward, name = tried.subject.sources()[-1], tried.subject.name
    own = getattr(backward, "__name__", name)
    text = (
        f"{name if own == name else f'{own} of {name}'} gives no gradient by the prediction, but what is right by what "
        "stands before the sigmoid or softmax that gives the prediction; whether that follows elsewhere was not seen, "
        "so it was not judged"
    )
    return Fact("problem", text, *place_of(backward))


def missing(tried: Attempt, case: Case) -> list[Fact]:
    """Arrays that move the output and were not compared, unless they are constants, and an input without a gradient."""
    layer, facts = tried.layer, []
    if layer is None:
        return []
    held = {name: value for name, (_, value) in tried.subject.tensors().items()} | layer.parameters()
    constants = tried.subject.said.constants
    done = {*layer.pairs, *constants}
    shaped = {name for name, value in held.items() if value.ndim or _sounds_learnt(name)}
    rest = [name for name in held if name in shaped - done]
    without_dx = INPUT not in layer.pairs and tried.subject.has_dx and not tried.subject.integers
    states = [name for name in rest if vocabulary.roles(name.rpartition(".")[2])[:1] == ("state",)]
    starts = [name for name in states if name not in tried.subject.arrays and not np.any(held[name])]
    states = states if without_dx else starts
    moving = [name for name in rest if name not in states and matters(tried.subject, tried.x, held, name)]
    known = _encodings(tried) | tried.subject.filled_by_forward(tried.x) if moving else set()
    moving = [name for name in moving if name not in known]
    others = [*_moving_settings(tried), *_moving_globals(tried)]
    moving += [name for name in others if name not in done]
    if moving:
        facts.append(
            uncompared(
                moving, "loss" if tried.reduction else "output", case.name, constants, *backward_place(tried, case)
            )
        )
    if tried.subject.integers and _takes_any_numbers(tried):
        text = "the input was read as whole numbers, but forward takes any, and no gradient of it could be compared"
        facts.append(Fact("unchecked", text, *backward_place(tried, case)))
    elif tried.subject.integers:
        facts.append(Fact("note", "the input was read as whole numbers, which have no gradient"))
    elif without_dx:
        given = " and ".join(["the input", *states])
        facts.append(Fact("note", f"backward gives no gradient of {given}, so only the parameters' were checked"))
    if starts and not without_dx:
        text = f"{' and '.join(starts)}, the zeros that a state starts with, were taken as constants"
        facts.append(Fact("note", text))
    if any(pair.is_step for pair in layer.pairs.values()):
        text = "backward updates the parameters itself; their gradients are (before - after) / learning rate"
        facts.append(Fact("note", text))
    return facts


def _takes_any_numbers(tried: Attempt) -> bool:
    """Whether forward gives a little more or less where what was read as whole numbers is a little more."""
    subject = replace(tried.subject, integers=False)
    try:
        before, after = (subject.run(tried.x + step * np.abs(random(tried.x.shape)), {}).y for step in (0, 1e-6))
    except ForeignError:
        return False
    return before.shape == after.shape and 0 < np.max(np.abs(after - before), initial=0) < 1e-3


def _encodings(tried: Attempt) -> set[str]:
    """The encodings of positions that a formula gives: random numbers have no part in them."""
    thing, module = tried.subject.thing, tried.subject.module
    held = {path: one for path, one in object_arrays.arrays(thing).items() if _ENCODING.search(str(path[-1]))}
    try:
        with other_randomness(), same_randomness(module), told("", type(thing)):
            again = object_arrays.arrays(type(thing)(**tried.args)) if held else {}
    except ForeignError:
        return set()
    return {object_arrays.text(path) for path in held.keys() & again.keys() if np.array_equal(held[path], again[path])}


_ENCODING = re.compile(r"(^|_)(pe$|pos(?!.*emb)|encoding)", re.IGNORECASE)


def unheard(tried: Attempt, case: Case) -> Iterator[Fact]:
    """What GRADCHECK names and the code does not have: a misspelt name would otherwise change nothing in silence."""
    said, pairs, tensors = tried.subject.said, tried.layer.pairs if tried.layer else {}, named(tried)
    keys = {key for one in pairs.values() for key in (one.gradient, one.gradient.rpartition(".")[2])}
    given = {tensor for tensor, one in pairs.items() if one.reason == GIVEN}
    arguments = [one for thing in _called(case) for one in calls.parameters_of(thing)]
    taken = {one.name for one in arguments}
    takes_all = not arguments or any(one.kind is one.VAR_KEYWORD for one in arguments)
    unknown = {
        "pairs": [tensor for tensor in said.pairs if tensor not in given],
        "constants": [name for name in said.constants if name not in tensors and name.partition(".")[0] not in taken],
        "per_sample": [name for name in said.per_sample if name not in keys],
        "args": [] if takes_all else [name for name in said.args if name not in taken],
    }
    for setting, names in unknown.items():
        for name in names:
            text = f'"{setting}" in GRADCHECK names {name!r}, which {case.name} does not have; it changed nothing'
            yield Fact("unchecked", text, case.file, case.line)


def _called(case: Case) -> list[Any]:
    """What takes the arguments that GRADCHECK names: the constructor and the methods, or the functions."""
    if isinstance(case.first, type):
        return [case.first, *filter(callable, vars(case.first).values())]
    return [one for one in (case.first, case.second) if callable(one)]


def broadcast(tried: Attempt) -> list[Fact]:
    """That a loss of n samples comes out as n times n numbers."""
    n = tried.samples
    if n < 2 or not tried.reduction or tried.y_shape != (n, n) or tried.x.shape == (n, n):
        return []
    text = (
        f"forward gives {n} times {n} losses for {n} samples: two arrays of shapes ({n},) and ({n}, 1) were combined, "
        f"which numpy broadcasts to ({n}, {n}); give both the same shape"
    )
    return [Fact("problem", text, *place_of(tried.subject.sources()[1]))]


def several_outputs(tried: Attempt, place: tuple[str, int]) -> list[Fact]:
    """Of several outputs, those whose gradient alone gives wrong results, and whether it is left out altogether."""
    layer, facts = tried.layer, []
    outputs = tried.subject.run(tried.x, {}).outputs
    if layer is None or len(outputs) < 2:
        return []
    start = 0
    for name, size in outputs:
        dy = np.zeros(layer.apply(tried.x).shape)
        dy[start : start + size] = random((size,))
        start += size
        factors = compare(layer, tried.x, dy)
        wrong = [tensor for tensor, factor in factors.items() if factor != 1]
        if wrong and all(abs(factors[tensor]) < _CLOSE for tensor in wrong):
            text = f"the gradient that arrives at {name}, one of the outputs, is thrown away"
        elif wrong:
            text = f"with a gradient at {name} alone, the gradient of {' and of '.join(wrong)} is wrong"
        else:
            text = f"with a gradient at {name} alone, all gradients are right"
        facts.append(Fact("problem" if wrong else "note", text, *(place if wrong else ("", 0))))
    return facts if any(fact.level == "problem" for fact in facts) else []


def named(tried: Attempt) -> set[str]:
    """The names of all arrays that may be compared, or declared as constants."""
    return {*tried.subject.tensors(), *global_arrays(*tried.subject.sources()[:2])}


def _sounds_learnt(name: str) -> bool:
    """Whether a single number is a weight or bias by its name, and no setting such as a rate."""
    return re.fullmatch(r"[wb]\d*", vocabulary.family(name.rpartition(".")[2])) is not None


def uncompared(moving: list[str], what: str, name: str, constants: Sequence[str], file: str = "", at: int = 0) -> Fact:
    """That arrays move the output, or the loss, and were not compared."""
    move, were, it = ("move", "they were", "them") if len(moving) > 1 else ("moves", "it was", "it")
    text = (
        f"{' and '.join(moving)} {move} the {what}, but no gradient of {it} was found in what backward returns or "
        f"keeps, so {were} not compared; if nobody trains {it}, say "
        f"{line(name, constants=[*constants, *moving])}"
    )
    return Fact("unchecked", text, file, at)


def _moving_settings(tried: Attempt) -> list[str]:
    """The floating-point arrays in what GRADCHECK, or a cache, gives forward beside x that move the output."""
    subject, found = tried.subject, []
    before = subject.run(tried.x, {}).y
    for path, array in object_arrays.arrays(dict(subject.settings)).items():
        given = path[0] in {**subject.said.args, **subject.said.forward_args} or "cache" in vocabulary.roles(
            str(path[0])
        )
        if not given or not array.ndim or array.dtype.kind != "f":
            continue
        moved = object_arrays.duplicate(dict(subject.settings))
        object_arrays.put(moved, path, array + 1e-3 * random(array.shape))
        if not np.array_equal(replace(subject, settings=moved).run(tried.x, {}).y, before, equal_nan=True):
            found.append(object_arrays.text(path))
    return found


def _moving_globals(tried: Attempt) -> list[str]:
    """The floating-point arrays that stand in no object but in the module itself, and move the output."""
    subject, found = tried.subject, []
    before = subject.run(tried.x, {}).y
    for name, array in global_arrays(*subject.sources()[:2]).items():
        kept = array.copy()
        if array.flags.writeable:
            np.add(array, 1e-3 * random(array.shape), out=array)
            with suppress(ForeignError):
                moved = subject.run(tried.x, {}).y
                found += [] if np.array_equal(moved, before, equal_nan=True) else [name]
            array[...] = kept
    return found


def nans(report: GradientReport | None, case: Case) -> list[Fact]:
    """Gradients that are not finite."""
    facts = []
    for name, check in report.items() if report is not None else ():
        bad = np.argwhere(~np.isfinite(check.analytical))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            text = f"backward gives {check.analytical[index]} as gradient of {name} at index {list(index)}"
            facts.append(Fact("problem", text, case.file, case.line))
    return facts


def backward_place(tried: Attempt, case: Case) -> tuple[str, int]:
    """File and line of their backward, of the whole where it has none of its own."""
    *_, last = tried.subject.sources()
    return place_of(last) if tried.subject.backward else (case.file, case.line)


def _is_twice(second: Array | None, first: Array) -> bool:
    largest = float(np.max(np.abs(first), initial=0.0))
    return second is not None and largest > 0 and bool(np.allclose(second, 2 * first, rtol=0, atol=1e-9 * largest))


def accumulating(tried: Attempt, place: tuple[str, int]) -> list[Fact]:
    """A warning for gradients that backward adds to those of the call before."""
    layer = tried.layer
    if layer is None or tried.reduction:
        return []
    try:
        run = tried.subject.run(tried.x, layer.parameters())
        dy = random(run.y.shape)
        first = {source.key: np.array(source.array) for source in run.backward(dy)}
        second = {source.key: source.array for source in run.backward(dy)}
    except ForeignError:
        return []
    added = [
        pair.gradient
        for pair in layer.pairs.values()
        if not pair.gradient.startswith(("update.", "returned"))
        and pair.gradient in first
        and _is_twice(second.get(pair.gradient), first[pair.gradient])
    ]
    if not added:
        return []
    keep = "keeps" if len(added) == 1 else "keep"
    text = (
        f"{' and '.join(added)} {keep} adding up from one call of backward to the next; if nothing sets "
        f"{'it' if len(added) == 1 else 'them'} to zero in between, the second step already is wrong"
    )
    return [Fact("warning", text, *place)]
