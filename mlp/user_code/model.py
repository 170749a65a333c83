"""Checking a whole model that is written as functions: each way to read it is one call of `check_model`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from mlp.check.model import check_model
from mlp.check.passes import RemarkKind
from mlp.check.report import GradientReport
from mlp.nn.arrays import Array
from mlp.user_code.clock import remaining
from mlp.user_code.interpret import model_data, samples
from mlp.user_code.interpret.losses_inside import OBJECTIVES
from mlp.user_code.interpret.models import Parts, has_target
from mlp.user_code.messages import Fact, ForeignError, place_of
from mlp.user_code.run import pairing
from mlp.user_code.run.gradient_check import diagnosed
from mlp.user_code.run.model import Model
from mlp.user_code.run.pairing import Pair
from mlp.user_code.settings import Override
from mlp.user_code.tell import remarks

_ENTRIES = 24  # that are looked at to choose between readings
_FOR_CHECK, _AT_MOST = 0.4, 20.0  # of the processor seconds that are left, and of those no more than these


@dataclass
class Read:
    """A way to read a model that ran: how, which array is which gradient, and what came of the check."""

    model: Model
    words: dict[str, str]
    pairs: dict[str, Pair]
    report: GradientReport
    facts: tuple[Fact, ...] = ()

    @property
    def agreeing(self) -> int:
        """How many parameters have a gradient that is right."""
        return sum(check.passed for check in self.report.values())


def read_model(parts: Parts, module: ModuleType | None, override: Override, eps: float, method: str) -> Read:
    """The first reading of which everything is right, else the one of which most is.

    Raises:
        ForeignError: none ran, or the loss had to be guessed and no guess suits.
    """
    found: list[Read] = []
    errors: list[Fact] = []
    for model, words in _readings(parts, module, override, errors):
        try:
            read = _checked(model, words, override, eps, method, entries=_ENTRIES)
        except ForeignError as error:
            errors.append(error.fact)
            continue
        except (ValueError, TypeError) as error:
            errors.append(Fact("problem", f"{parts.name} could not be checked: {error}"))
            continue
        found.append(read)
        if read.report.passed:
            break
    best = max(found, key=lambda read: read.agreeing, default=None)
    if best is None or (best.model.objective is not None and not best.agreeing):
        raise _unread(parts, errors, best)
    seconds = min(_AT_MOST, _FOR_CHECK * remaining())
    best = _checked(best.model, best.words, override, eps, method, seconds)
    return replace(best, report=diagnosed(best.report), facts=tuple(_with_more_outputs(best, found)))


def _with_more_outputs(best: Read, found: list[Read]) -> Iterator[Fact]:
    """That all is right for one output alone, where the model ran with more."""
    more = max((read for read in found if read.model.outputs > 1), key=lambda read: read.agreeing, default=None)
    if best.report.passed and best.model.outputs == 1 and more is not None:
        wrong = [name for name, check in more.report.items() if not check.passed]
        text = (
            f"with one output all gradients are right, with {more.model.outputs} those of {' and '.join(wrong)} are "
            "not; if the model is made for one alone, that is no mistake"
        )
        yield Fact("unchecked", text)


def _readings(
    parts: Parts, module: ModuleType | None, override: Override, errors: list[Fact]
) -> Iterator[tuple[Model, dict[str, str]]]:
    """Every way to run a model, and in words what it is run on."""
    settings = {**override.forward_args, **override.backward_args}
    is_guess = parts.loss is None and parts.forward is not None and not has_target(parts.forward)
    predicts = is_guess or (parts.forward is not None and parts.loss is not None)
    objectives = OBJECTIVES if is_guess else (None,)
    for made, place in product(model_data.parameters(parts, override), (-1, 0) if predicts else (-1,)):
        for x in model_data.inputs(made, override):
            model = Model(parts, made.parameters, x, None, None, objectives[0], settings, module, place, made.outputs)
            try:
                y = model.prediction() if predicts else None
            except ForeignError as error:
                errors.append(error.fact)
                continue
            for target, objective in product(model_data.targets(y, made, x, override), objectives):
                words = {
                    "parameters": made.words,
                    "input": f"X, here {x.shape}",
                    "target": f"{target.words}, here {target.given.shape}",
                }
                words |= {"loss": objective.words} if objective else {}
                yield replace(model, target=target.given, t=target.plain, objective=objective), words


def _checked(
    model: Model,
    words: dict[str, str],
    override: Override,
    eps: float,
    method: str,
    seconds: float = 0.0,
    entries: int | None = None,
) -> Read:
    arrays = model.arrays
    _, found = model.run({})
    wanted = {name: one for name, one in arrays.items() if name not in override.constants}
    pairs = pairing.pair(wanted, None, found, override.pairs)
    if not pairs:
        raise ForeignError(Fact("problem", "no gradient was found in what backward returns"))

    def function(values: dict[str, Array]) -> tuple[Any, dict[str, Array]]:
        value, found = model.run(values)
        by_key = {source.key: source.array for source in found}
        return value, {
            name: _shaped(by_key[one.gradient], one) for name, one in pairs.items() if one.gradient in by_key
        }

    function.__name__ = model.parts.name
    values = {name: value for name, (_, value) in arrays.items() if name in pairs}
    return Read(model, words, pairs, check_model(function, values, eps, method, seconds, entries))


def _shaped(gradient: Array, one: Pair) -> Array:
    return pairing.as_shaped(gradient, one.shape) if one.fits else np.array(gradient, float)


def facts_of(read: Read, override: Override) -> list[Fact]:
    """What there is to say of a reading: the loss that was guessed, and what was not compared."""
    facts = [Fact("note", sentence.rstrip(".")) for sentence in _drawn(read.report)]
    if read.model.objective is not None:
        facts.append(Fact("note", f"no loss was found, so it was taken to be {read.model.objective.words}"))
    return [*read.facts, *facts, *_unchecked(read, override)]


def _drawn(report: GradientReport) -> list[str]:
    return [remark.sentence for remark in report.remarks if remark.kind is RemarkKind.DRAWN]


def _unchecked(read: Read, override: Override) -> list[Fact]:
    """The parameters that move the loss, of which no gradient was found."""
    arrays, before = read.model.arrays, read.model.run({})[0]
    rest = [name for name in arrays if name not in {*read.pairs, *override.constants}]
    others = {name: arrays[name][1] + 0.1 * samples.normal(arrays[name][1].shape, seed=9) for name in rest}
    moving = [name for name, value in others.items() if read.model.run({name: value})[0] != before]
    return [remarks.uncompared(moving, "loss", read.model.parts.name, override)] if moving else []


def _unread(parts: Parts, errors: list[Fact], best: Read | None) -> ForeignError:
    """That the model is not checked, and what would help."""
    place = place_of(parts.backward or parts.loss)
    if best is not None:
        text = (
            f"{parts.name} and {getattr(parts.backward, '__name__', '')} need a loss. The module has none, and none of "
            "the usual ones has these gradients; write it as a function of prediction and target, "
            'and name it as "loss" in GRADCHECK'
        )
        return ForeignError(Fact("note", text, *place))
    why = f": {errors[0].text}" if errors else ""
    return ForeignError(Fact("problem", f"the model of {parts.name} could not be run{why}", *place))
