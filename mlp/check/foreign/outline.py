"""What a module holds, told before the first case is checked."""

from dataclasses import dataclass

from mlp.check.foreign.examine import CaseResult
from mlp.check.foreign.facts import Fact


@dataclass(frozen=True)
class Outline:
    """The cases of a module, none of them checked yet, and what is to be said of the module as a whole."""

    cases: tuple[CaseResult, ...]
    facts: tuple[Fact, ...]
