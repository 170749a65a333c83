"""Checking one thing of theirs from end to end; whatever happens, the result is plain data with sentences."""

from dataclasses import dataclass, field, replace
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.report import GradientReport
from mlp.user_code import constants
from mlp.user_code.interpret import arguments
from mlp.user_code.interpret.search import read_class, read_functions
from mlp.user_code.interpret.trial import Attempt, Grade
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import Fact, ForeignError
from mlp.user_code.run import calls
from mlp.user_code.run.gradient_check import is_wrong, report_on, stretched
from mlp.user_code.run.pairing import Pair
from mlp.user_code.run.randomness import other_randomness
from mlp.user_code.run.subject import ObjectSubject
from mlp.user_code.settings import Override
from mlp.user_code.tell import remarks


@dataclass(frozen=True)
class CaseResult:
    """What came out for one layer, loss or function pair.

    Attributes:
        name, kind, file, line: as in `Case`.
        reading: how the code was read, in words by topic: arguments, input, methods.
        pairs: which array was taken for the gradient of which tensor.
        facts: problems, warnings and notes.
        report: the check, None where it could not be made.
    """

    name: str
    kind: str
    file: str
    line: int
    reading: dict[str, str] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    facts: tuple[Fact, ...] = ()
    report: GradientReport | None = None

    @property
    def problems(self) -> tuple[Fact, ...]:
        """The facts that make it fail."""
        return tuple(fact for fact in self.facts if fact.level == "problem")

    @property
    def left_out(self) -> bool:
        """Whether it turned out to be nothing that can be checked; the facts say why."""
        return self.report is None and not self.problems

    @property
    def passed(self) -> bool:
        """Whether everything was checked and is consistent."""
        return self.report is not None and self.report.passed and not self.problems

    @property
    def status(self) -> str:
        """In two words: "passed", "wrong", "cannot tell" (at this step) or "not checked"."""
        if self.passed:
            return "passed"
        if self.report is None:
            return "not checked" if all(pair.fits for pair in self.pairs) else "wrong"
        return "wrong" if self.problems or is_wrong(self.report) else "cannot tell"


@dataclass(frozen=True)
class Outline:
    """The cases of a module, none of them checked yet, and what is to be said of the module as a whole."""

    cases: tuple[CaseResult, ...]
    facts: tuple[Fact, ...]


def examine(case: Case, module: ModuleType | None, override: Override, eps: float, method: str) -> CaseResult:
    """Read, check and describe one case; nothing that their code does gets out of here as an exception."""
    try:
        if isinstance(case.first, type):
            tried = read_class(case.first, module, override)
        else:
            tried = read_functions(case.name, case.first, case.second, module, override)
        return conclude(case, tried, None, eps, method)
    except ForeignError as error:
        return CaseResult(case.name, case.kind, case.file, case.line, facts=(_placed(error.fact, case),))
    except Exception as error:  # what the check itself cannot deal with must not cost the other cases
        fact = Fact("problem", f"it could not be checked: {type(error).__name__}: {error}", case.file, case.line)
        return CaseResult(case.name, case.kind, case.file, case.line, facts=(fact,))


def conclude(case: Case, tried: Attempt, dy: ArrayLike | None, eps: float, method: str) -> CaseResult:
    """The result of the reading that was chosen."""
    facts = list(tried.notes)
    report = None
    if tried.error is not None:
        facts.append(_placed(hinted(tried.error, tried), case))
    if tried.layer is not None and tried.error is None:
        facts += remarks.misfits(tried, case)
        try:
            facts += randomness(tried)
            coarse = stretched(tried.layer, tried.x, eps, method)
            if coarse is not None:
                text = f"forward computes in float32, so the step was taken as {coarse.reach:.1g} instead of {eps:.1g}"
                facts.append(Fact("note", text))
            if tried.layer.parameters() or tried.layer.checks_input:
                report, said = forgiving(report_on(tried.layer, tried.x, dy, eps, method, coarse), tried)
                facts += said
            place = remarks.backward_place(tried, case)
            facts += [*dict.fromkeys(tried.layer.facts), *remarks.missing(tried, case), *remarks.nans(report, case)]
            facts += [*remarks.named_factors(tried, report, place), *remarks.accumulating(tried, place)]
        except ForeignError as error:
            facts.append(_placed(error.fact, case))
    pairs = tuple(tried.layer.pairs.values()) if tried.layer is not None else ()
    return CaseResult(case.name, case.kind, case.file, case.line, _words(tried), pairs, tuple(facts), report)


def forgiving(report: GradientReport, tried: Attempt) -> tuple[GradientReport, list[Fact]]:
    """The report, with wider error bars if a small constant such as the one in log(p + 1e-7) explains what is left."""
    part = constants.allowance(*tried.subject.sources()) if is_wrong(report) else 0.0
    wider = constants.allowed(report, part) if part else report
    if wider is report or not wider.passed:
        return report, []
    text = (
        f"backward is right but for less than {part:.0e} of the gradient, as much as a small constant in the code "
        "explains that keeps forward from log(0) or a division by zero; the error bars allow for it"
    )
    return wider, [Fact("note", text)]


def randomness(tried: Attempt) -> list[Fact]:
    """Whether forward draws random numbers, and whether fixing the seed makes it repeat itself."""
    layer = tried.layer
    assert layer is not None
    first = layer.apply(tried.x)
    if not np.array_equal(first, layer.apply(tried.x), equal_nan=True):
        text = (
            f"{tried.subject.name} gives another output for the same input each time, and fixing the seeds of "
            f'np.random does not help; name its seed hook: GRADCHECK = {{"{tried.subject.name}": {{"seed": "name"}}}}'
        )
        raise ForeignError(Fact("problem", text))
    with other_randomness():
        again = layer.apply(tried.x)
    if np.array_equal(first, again, equal_nan=True):
        return []
    return [Fact("note", "forward draws random numbers; every run was started from the same seed, so it drew the same")]


def hinted(fact: Fact, tried: Attempt) -> Fact:
    """The fact with what may help: their code wants tensors, or its arguments were guessed badly."""
    hint = ""
    module = getattr(tried.subject, "module", None)
    if "numpy.ndarray" in fact.text and "has no attribute" in fact.text and _uses_torch(module):
        hint = ". The check gives numpy arrays; this code computes with torch tensors, which cannot be checked here"
    elif tried.grade is Grade.NOTHING and tried.args and "GRADCHECK" not in fact.text:
        args = arguments.plain_arguments(tried.args)
        shown = ", ".join(f"{name}={value}" for name, value in args.items())
        known = [one.name for one in calls.parameters_of(type(getattr(tried.subject, "thing", None)))]
        line = ", ".join(f'"{name}": ...' for name in dict.fromkeys([*args, *known]))
        hint = (
            f". It was made as {tried.subject.name}({shown}); if it needs others, say them in one line, "
            f'GRADCHECK = {{"{tried.subject.name}": {{"args": {{{line}}}}}}}, or an input, {{"x": (5, 4)}}'
        )
    return replace(fact, text=fact.text + hint)


def _uses_torch(module: ModuleType | None) -> bool:
    """Whether a module holds something of torch."""
    held = vars(module).values() if module else ()
    homes = [getattr(one, "__module__", None) or getattr(one, "__name__", "") for one in held]
    return any(str(home).partition(".")[0] == "torch" for home in homes)


def _words(tried: Attempt) -> dict[str, str]:
    subject = tried.subject
    args = arguments.plain_arguments(tried.args)
    words = {"arguments": ", ".join(f"{name}={value}" for name, value in args.items())} if args else {}
    if isinstance(subject, ObjectSubject):
        words |= {"forward": subject.forward, "backward": subject.backward}
    return words | {"input": f"{tried.layout.words}, here {tried.x.shape}"}


def _placed(fact: Fact, case: Case) -> Fact:
    return fact if fact.file else Fact(fact.level, fact.text, case.file, case.line, fact.trace)
