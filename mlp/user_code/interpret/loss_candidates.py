"""Every way to read a loss, and a network that has one inside: predictions, targets, and how it becomes one number."""

from collections.abc import Callable, Iterator
from itertools import chain, product
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code.interpret import samples, targets
from mlp.user_code.interpret.inputs import inputs, is_upstream
from mlp.user_code.interpret.predictions import masks, sides, structures
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.targets import loss_inputs
from mlp.user_code.interpret.trial import Candidate
from mlp.user_code.interpret.whole import closed_candidate, costs
from mlp.user_code.load.classes import Kind
from mlp.user_code.load.discovery import Case
from mlp.user_code.run import calls
from mlp.user_code.run.as_layer import REDUCTIONS
from mlp.user_code.run.subject import Subject
from mlp.user_code.settings import Override


def loss_object_candidates(thing: Any, kind: Kind, case: Case) -> Iterator[Candidate]:
    """A loss of theirs as an object, or a network that is a loss as a whole."""
    override = case.said
    for one in costs(thing, kind.forward, kind.backward, case.module):
        for x, target, layout in loss_inputs("", override):
            yield closed_candidate(case, one, x, target, layout)
    both = kind.backward == kind.forward
    ways = _loss_ways(getattr(thing, kind.backward))
    data = [loss_inputs(case.name, override), _network_inputs(override, thing)]
    for x, target, layout in chain(*(reversed(data) if both else data)):
        for way in ways:
            subject = Subject(
                case.name, kind.forward, () if both else override.steps(kind.backward), thing, target=target,
                pass_on=way, module=case.module, **override.of_run(),
            )  # fmt: skip
            yield from (Candidate(subject, x, layout, reduction) for reduction in REDUCTIONS)


def _network_inputs(override: Override, thing: Any) -> Iterator[tuple[Array, Any, Layout]]:
    """Inputs and targets of a network that is a loss as a whole: loss(x, t); its outputs are fewer than its inputs."""
    outputs = Layout("", "rows", (samples.BATCH, samples.OUTPUTS), True)
    for x, layout, form in inputs(override, thing):
        for kind in ("labels", "one-hot", "normal") if layout.shape[:1] == (samples.BATCH,) and form == "x" else ():
            yield x, targets.target(kind, outputs), layout


def loss_function_candidates(case: Case) -> Iterator[Candidate]:
    """A loss and its gradient, on every kind of prediction and target."""
    forward, backward, override = case.first, case.second, case.said
    places = sides(forward, "prediction", "target")
    first = next((argument for argument, side in places.items() if side == "prediction"), "")
    ways = _loss_ways(backward)[:1] if backward is not None else ("gradient",)
    said = {**override.args, **override.forward_args}
    for x, target, layout in loss_inputs(case.name, override):
        for way, masked in product(ways, _masked(forward, x, target, layout)):
            settings = {"settings": {**masked, **{name: {} for name in structures(forward)}, **said}}
            subject = Subject(
                case.name, forward, () if backward is None else (backward,), first=first, target=target, pass_on=way,
                module=case.module, **override.of_run() | settings,
            )  # fmt: skip
            yield from (Candidate(subject, x, layout, reduction) for reduction in REDUCTIONS)


def _masked(forward: Callable[..., Any], x: Array, target: Any, layout: Layout) -> Iterator[dict[str, Array]]:
    """A mask of the target's entries, then of the samples, as bools and as numbers; {} where forward takes none."""
    of_samples = x.shape[1:] if layout.orientation == "columns" else x.shape[:-1]
    shapes = dict.fromkeys((np.shape(target), of_samples if 1 not in x.shape else ()))
    shapes.pop((), None)  # one entry alone would always count
    for shape, kind in product(shapes, (bool, float)) if masks(forward) else (((), bool),):
        yield {name: (np.arange(np.prod(shape)) % 3 != 1).reshape(shape).astype(kind) for name in masks(forward)}


def _loss_ways(function: Callable[..., Any]) -> tuple[str, ...]:
    """What the backward of a loss may be called with, beside the target."""
    arguments = calls.required(calls.parameters_of(function))
    if not arguments:
        takes_any = any(one.kind in calls.VARIABLE for one in calls.parameters_of(function))
        return ("prediction",) if takes_any else ("gradient",)
    if len(arguments) == 1 and is_upstream(arguments[0].name):
        return "gradient", "prediction"
    return "prediction", "kept"
