"""What is to be said of a backward beside its verdict: a factor that it is off by, gradients that add up over calls."""

import numpy as np

from mlp.check.foreign.facts import Fact, ForeignError
from mlp.check.foreign.pairing import INPUT
from mlp.check.foreign.trial import Attempt, random
from mlp.check.report import GradientReport
from mlp.nn.arrays import Array

_UNEXPLAINED = "unrecognised"  # the pattern of a finding that knows no cause
_SQUARE = "the 2 of a square's derivative, or a half, is there twice or not at all"
_CLOSE = 1e-4  # a first look at a few entries knows a factor no better


def named_factors(tried: Attempt, report: GradientReport | None, place: tuple[str, int]) -> list[Fact]:
    """The factor by which a gradient is off, where the diagnosis does not say it: it knows no images, for one."""
    facts = []
    explained = {
        tensor for finding in (report.diagnosis if report else ()) if finding.pattern != _UNEXPLAINED
        for tensor in finding.tensors
    }  # fmt: skip
    for name, factor in tried.factors.items():
        wrong = report is not None and name in report and not report[name].passed
        is_one = abs(factor - 1) < 10 * _CLOSE
        if wrong and f"d{name}" not in explained and np.isfinite(factor) and factor and not is_one:
            what = "the input x" if name == INPUT else name
            text = f"the gradient of {what} is {factor:.6g} times what it should be{_origin(factor, tried.x.shape)}"
            facts.append(Fact("problem", text, *place))
    return facts


def _origin(factor: float, shape: tuple[int, ...]) -> str:
    """Where a factor probably comes from, in words."""
    counts = {"samples": shape[0], "outputs": shape[-1], "entries": int(np.prod(shape))} if shape else {}
    causes = {-1.0: "its sign is wrong", 2.0: _SQUARE, 0.5: _SQUARE}
    for what, count in counts.items():
        causes[float(count)] = f"it is not divided by the number of {what}, over which forward takes the mean"
        causes[1.0 / count] = f"it is divided by the number of {what}, over which forward takes no mean"
    found = next((words for size, words in causes.items() if size != 1 and abs(factor / size - 1) < _CLOSE), "")
    return f": {found}" if found else ""


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
