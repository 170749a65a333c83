"""Checking one thing of theirs from end to end; whatever happens, the result is plain data with sentences."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.passes import RemarkKind
from mlp.check.projection import random_dy
from mlp.check.report import GradientReport
from mlp.nn.arrays import Array
from mlp.user_code.interpret import arguments
from mlp.user_code.interpret.search import read
from mlp.user_code.interpret.trial import Attempt, Grade, compare
from mlp.user_code.load import stubs
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import Fact, ForeignError, home_of, problem
from mlp.user_code.run import calls
from mlp.user_code.run.conditions import kept_randomness, other_digits, other_randomness, without_guards
from mlp.user_code.run.gradient_check import Stretched, diagnosed, is_wrong, report_on, stretched
from mlp.user_code.run.pairing import INPUT, Pair
from mlp.user_code.settings import line
from mlp.user_code.tell import remarks

_SPACING = 8  # steps of single precision, of which the second is some times as long as the first
_WIDTH = 6  # over which as many normal numbers are spread
_TIMES = (-1, 4)  # an input of about 1, of which every other entry is beyond 2.7 in the end


@dataclass(frozen=True)
class CaseResult:
    """What came out for one layer, loss or function pair.

    Attributes:
        name, kind, file, line: as in `Case`.
        reading: how the code was read, in words by topic: arguments, input, methods.
        pairs: which array was taken for the gradient of which tensor.
        facts: problems, warnings and notes.
        report: the check, None where it could not be made.
        averages: whether the gradients of its parameters are averages over the batch; None where that was declared, or
            does not show.
    """

    name: str
    kind: str
    file: str
    line: int
    reading: dict[str, str] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    facts: tuple[Fact, ...] = ()
    report: GradientReport | None = None
    averages: bool | None = None

    @property
    def problems(self) -> tuple[Fact, ...]:
        """The facts that make it fail."""
        return tuple(fact for fact in self.facts if fact.level == "problem")

    @property
    def gaps(self) -> tuple[Fact, ...]:
        """The facts that say what was not looked at, without which there is no pass."""
        return tuple(fact for fact in self.facts if fact.level == "unchecked")

    @property
    def left_out(self) -> bool:
        """Whether it turned out to be nothing that can be checked; the facts say why."""
        return self.report is None and not self.problems and not self.gaps

    @property
    def passed(self) -> bool:
        """Whether everything was checked and is consistent."""
        return self.status == "passed"

    @property
    def status(self) -> str:
        """In two words: "passed", "partly checked", "wrong", "cannot tell" (at this step) or "not checked"."""
        if self.report is None:
            return "not checked" if all(pair.fits for pair in self.pairs) else "wrong"
        if self.problems or is_wrong(self.report):
            return "wrong"
        if not self.report.passed:
            return "cannot tell"
        return "partly checked" if self.gaps else "passed"


@dataclass(frozen=True)
class Outline:
    """The cases of a module, none of them checked yet, and what is to be said of the module as a whole."""

    cases: tuple[CaseResult, ...]
    facts: tuple[Fact, ...]


@kept_randomness()
def examine(case: Case, eps: float, method: str, dy: ArrayLike | None = None) -> CaseResult:
    """Read, check and describe one case; nothing that their code does gets out of here as an exception."""
    stubs.called.clear()
    try:
        result = conclude(case, read(case), dy, eps, method)
        return replace(result, facts=(*result.facts, *missing_libraries(case)))
    except ForeignError as error:
        return CaseResult(case.name, case.kind, case.file, case.line, facts=(_placed(error.fact, case),))
    except Exception as error:  # what the check itself cannot deal with must not cost the other cases
        fact = Fact("problem", f"it could not be checked: {type(error).__name__}: {error}", case.file, case.line)
        return CaseResult(case.name, case.kind, case.file, case.line, facts=(fact,))


def missing_libraries(case: Case) -> list[Fact]:
    """What the stand-ins for libraries that are not installed were called for."""
    text = "it calls {}, which is not installed: the call did nothing. Install it if a number depends on it"
    return [_placed(Fact("warning", text.format(library)), case) for library in stubs.called]


def with_one_convention(cases: Sequence[CaseResult]) -> tuple[CaseResult, ...]:
    """The cases of one module: an average over the batch is no pass where another layer's gradients are sums.

    In one network the gradients of one of them are off by a factor of the number of samples.
    """
    sums = sorted(case.name for case in cases if case.averages is False and case.passed)
    text = (
        f"the gradients of its parameters are averages over the batch, those of {' and '.join(sums[:3])} are sums; in "
        "one network, one of the two is off by the number of samples. If both are meant, say {}"
    )
    return tuple(
        replace(case, facts=(*case.facts, _odd(case, text))) if sums and case.averages and case.passed else case
        for case in cases
    )


def _odd(case: CaseResult, text: str) -> Fact:
    return Fact("unchecked", text.format(line(case.name, average=True)), case.file, case.line)


def conclude(case: Case, tried: Attempt, dy: ArrayLike | None, eps: float, method: str) -> CaseResult:
    """The result of the reading that was chosen."""
    facts = list(tried.notes)
    report = None
    if tried.error is not None:
        facts.append(_placed(hinted(tried.error, tried), case))
    if tried.layer is not None and tried.error is None:
        facts += remarks.misfits(tried, case)
        try:
            dy = _start(tried, dy)
            facts += randomness(tried)
            coarse = stretched(tried.layer, tried.x, eps, method)
            if coarse is not None:
                step = f"the step was taken as {coarse.reach:.1g} instead of {eps:.1g}"
                facts.append(Fact("note", f"{coarse.where} computes in less than float64, so {step}"))
            if tried.layer.parameters() or tried.layer.checks_input:
                report = report_on(tried.layer, tried.x, dy, eps, method, coarse)
                drawn = [one.sentence for one in report.remarks if one.kind is RemarkKind.DRAWN]
                facts += [Fact("note", sentence.rstrip(".")) for sentence in drawn]
                if report.passed:
                    report, said = with_other_inputs(report, tried, dy, coarse)
                    facts += said
                elif is_wrong(report):
                    report, said = with_spread_input(report, tried, dy, coarse)
                    facts += said
                if is_wrong(report):
                    report, said = without_small_constants(report, tried, dy, coarse)
                    facts += said
                if is_wrong(report) and remarks.is_fused_softmax(tried):
                    raise ForeignError(remarks.fused(tried))
                if is_wrong(report) and INPUT in report and remarks.is_delta(tried, report[INPUT]):
                    raise ForeignError(remarks.of_delta(tried))
                report = diagnosed(report)
            place = remarks.backward_place(tried, case)
            facts += [
                *dict.fromkeys(tried.layer.facts),
                *remarks.hollow(tried, case),
                *remarks.broadcast(tried),
                *remarks.missing(tried, case),
                *remarks.unheard(tried, case),
                *remarks.nans(report, case),
            ]
            facts += [*remarks.accumulating(tried, place), *remarks.several_outputs(tried, place)]
        except ForeignError as error:
            report = None
            facts.append(_placed(error.fact, case))
    pairs = tuple(tried.layer.pairs.values()) if tried.layer is not None else ()
    averages = _averages_of(tried)
    return CaseResult(case.name, case.kind, case.file, case.line, _words(tried), pairs, tuple(facts), report, averages)


def _averages_of(tried: Attempt) -> bool | None:
    """Whether the gradients of the parameters are averages over the batch, where several samples show it."""
    layer, samples = tried.layer, tried.samples
    if layer is None or not layer.parameters() or tried.reduction or not tried.layout.batch or samples < 2:
        return None
    return None if tried.subject.said.average is not None else layer.parameter_scale == samples


def _start(tried: Attempt, dy: ArrayLike | None) -> ArrayLike | None:
    """The dy that was given; of what ends in a loss one number, in the shape that ours takes.

    Raises:
        ForeignError: it is no single number.
    """
    if dy is None or not tried.reduction:
        return dy
    if np.size(dy) == 1:
        return np.reshape(dy, (1,))
    text = (
        f"{tried.subject.name} ends in its loss, a single number, so a dy of shape {np.shape(dy)} has no place in it: "
        "leave it out, or give the loss and what comes before it as two"
    )
    raise problem(text, tried.subject.sources()[1])


def without_small_constants(
    report: GradientReport, tried: Attempt, dy: ArrayLike | None, coarse: Stretched | None
) -> tuple[GradientReport, list[Fact]]:
    """The report without guards such as that in log(p + 1e-7), or with more digits in the constants of backward.

    If it passes so, with a note; else the report given.
    """
    layer, sources = tried.layer, tried.subject.sources()
    assert layer is not None
    with without_guards(*sources) as guards:
        better = report_on(layer, tried.x, dy, report.eps, report.method.name, coarse) if guards else report
    text = (
        f"the code adds {', '.join(f'{guard:g}' for guard in dict.fromkeys(guards))}, to keep from log(0) or a "
        "division by zero, and backward is the gradient of forward without it; so both were checked without it. With "
        "it, they differ by up to {:.1g} of the largest"
    )
    others = {} if better.passed else _with_more_digits(report, tried, dy)
    if others:
        with other_digits(*sources, others=others):
            better = report_on(layer, tried.x, dy, report.eps, report.method.name, coarse)
        text = (
            f"in backward {', '.join(map(str, others))} have few digits: with more, that round to these, all is right, "
            "as was checked. As they stand, gradients are off by up to {:.1g} of the largest, and whether that is "
            "rounding alone was not checked"
        )
    if not better.passed:
        return report, []
    apart = max(np.abs(check.difference).max() / np.abs(check.numerical).max() for check in report.values())
    return better, [Fact("unchecked" if others else "note", text.format(apart))]


def with_spread_input(
    report: GradientReport, tried: Attempt, dy: ArrayLike | None, coarse: Stretched | None
) -> tuple[GradientReport, list[Fact]]:
    """The report on equally spaced numbers in the order of the input, if it passes; else the report given.

    The long steps of single precision cross corners, as that of a maximum whose two largest are nearly the same, and
    no smaller ones can tell that. Between numbers that are further apart than a step there is no such corner.
    """
    layer, x = tried.layer, tried.x
    if coarse is None or layer is None or not _may_be_any_numbers(tried):
        return report, []
    ranks = np.argsort(np.argsort(x, axis=None)).reshape(x.shape)
    spacing = max(_SPACING * coarse.reach, _WIDTH / x.size)
    spaced = (ranks - x.size / 2 + 0.25) * spacing  # none is 0, nor minus another
    with suppress(ForeignError):
        other = report_on(layer, spaced, dy, report.eps, report.method.name, coarse)
        if other.passed:
            text = "its input was equally spaced numbers, for between others steps as long as these cross corners"
            return other, [Fact("note", text)]
    return report, []


def _may_be_any_numbers(tried: Attempt) -> bool:
    """Whether the input may be others than these: it is no loss's, perhaps probabilities, and nobody gave it."""
    said = tried.subject.said
    return not tried.reduction and not tried.subject.integers and said.x is None and bool(np.any(tried.x < 0))


def with_other_inputs(
    report: GradientReport, tried: Attempt, dy: ArrayLike | None, coarse: Stretched | None
) -> tuple[GradientReport, list[Fact]]:
    """The report on another input, with a note, where one is wrong that theirs is right for one of; else as it is.

    What looks at one entry, as np.vectorize does at the first to know its type, may be right for one sign alone;
    branches beyond some bound, such as that of a hard tanh, are not reached by numbers of about 1; and height and width
    may be exchanged where they are the same.
    """
    layer = tried.layer
    assert layer is not None
    for x, words in _other_inputs(tried, dy):
        with suppress(ForeignError):  # of code that does not take it
            if np.all(np.isfinite(layer.apply(x))) and {*compare(layer, x).values()} != {1}:
                other = report_on(layer, x, dy, report.eps, report.method.name, coarse)
                if is_wrong(other):
                    return other, [Fact("note", f"it is right for one input, and wrong for {words}: this is that one")]
    return report, []


def _other_inputs(tried: Attempt, dy: ArrayLike | None) -> Iterator[tuple[Array, str]]:
    x = tried.x
    if not _may_be_any_numbers(tried):
        return
    for times in _TIMES:
        yield times * x, f"the same times {times}"
    axes = tried.layout.axes
    if "width" in axes and len(axes) == x.ndim and dy is None:
        wide = np.concatenate([x, -x], axis=axes.index("width"))
        yield wide, f"images of shape {wide.shape}, wider than high"


def _with_more_digits(report: GradientReport, tried: Attempt, dy: ArrayLike | None) -> dict[float, float]:
    """For each constant of backward one that rounds to it, such that its gradients may be right; {} without such."""
    layer, sources = tried.layer, tried.subject.sources()
    assert layer is not None
    with other_digits(*sources) as exact:
        pass

    def gradients(others: Mapping[float, float]) -> Array:
        with other_digits(*sources, others=others):
            y = layer.forward(tried.x)
            dx = layer.backward(random_dy(y.shape) if dy is None else np.asarray(dy))
        held = {**layer.gradients(), INPUT: dx}
        return np.concatenate([held[name].ravel() for name in report])

    off = np.concatenate([(check.numerical - check.analytical).ravel() for check in report.values()])
    now = gradients({})
    if not 0 < len(exact) < off.size or now.shape != off.shape:
        return {}
    moved = np.array([gradients({one: one + unit}) - now for one, unit in exact.items()]).T
    units = np.linalg.lstsq(moved, off, rcond=None)[0]
    is_rounding = np.max(np.abs(units)) <= 1
    return {one: one + unit * float(n) for (one, unit), n in zip(exact.items(), units, strict=True) if is_rounding}


def randomness(tried: Attempt) -> list[Fact]:
    """Whether forward draws random numbers, and whether fixing the seed makes it repeat itself."""
    layer = tried.layer
    assert layer is not None
    first = layer.apply(tried.x)
    if not np.array_equal(first, layer.apply(tried.x), equal_nan=True):
        text = (
            f"{tried.subject.name} gives another output for the same input each time, and fixing the seeds of "
            f"np.random does not help{_seed_hint(tried)}"
        )
        raise ForeignError(Fact("problem", text))
    with other_randomness():
        again = layer.apply(tried.x)
    if np.array_equal(first, again, equal_nan=True):
        return []
    return [Fact("note", "forward draws random numbers; every run was started from the same seed, so it drew the same")]


def _seed_hint(tried: Attempt) -> str:
    """The line that names what seeds it, where a method of theirs sounds so; else what would be needed."""
    hooks = [name for name in dir(tried.subject.thing) if "seed" in name.lower() and not name.startswith("__")]
    if not hooks:
        return '; give it a method that seeds its generator, and name that as "seed" in GRADCHECK'
    return f"; if {hooks[0]} seeds it, say {line(tried.subject.name, seed=hooks[0])}"


def hinted(fact: Fact, tried: Attempt) -> Fact:
    """The fact with what may help: their code wants tensors, or its arguments were guessed badly."""
    hint = ""
    module = tried.subject.module
    if "numpy.ndarray" in fact.text and "has no attribute" in fact.text and _uses_torch(module):
        hint = ". The check gives numpy arrays; this code computes with torch tensors, which cannot be checked here"
    elif tried.grade is Grade.NOTHING and tried.args and "GRADCHECK" not in fact.text:
        parameters = calls.parameters_of(type(tried.subject.thing))
        defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
        made = arguments.plain_arguments({**defaults, **tried.args})
        shown = ", ".join(f"{name}={value}" for name, value in made.items())
        hint = (
            f". It was made as {type(tried.subject.thing).__name__}({shown}) and given an x of shape {tried.x.shape}; "
            f"say yours in {line(tried.subject.name, args=dict.fromkeys(made, ...), x=...)}"
        )
    return replace(fact, text=fact.text + hint)


def _uses_torch(module: ModuleType | None) -> bool:
    """Whether a module holds something of torch."""
    held = vars(module).values() if module else ()
    homes = [vars(one)["__name__"] if type(one) is ModuleType else home_of(one) for one in held]
    return any(home.partition(".")[0] == "torch" for home in homes)


def _words(tried: Attempt) -> dict[str, str]:
    subject = tried.subject
    args = arguments.plain_arguments(tried.args)
    words = {"arguments": ", ".join(f"{name}={value}" for name, value in args.items())} if args else {}
    if subject.thing is not None:
        words |= {"forward": str(subject.forward), "backward": ", ".join(map(str, subject.backward))}
    return words | {"input": f"{tried.layout.words}, here {tried.x.shape}"}


def _placed(fact: Fact, case: Case) -> Fact:
    return fact if fact.file else Fact(fact.level, fact.text, case.file, case.line, fact.trace)
