"""A quiz about bugs: each number stands for one question about an experiment's network, the same on every machine."""

from typing import NamedTuple

import numpy as np

from mlp.check.gallery import GALLERY, groups
from mlp.check.gallery.bug import LOSS, Bug, places
from mlp.check.report import GradientReport
from mlp.check.verdict import Verdict
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import change, clearest_tensor, gradients, planted
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem

NOTHING = "nothing is wrong"
MAX_NUMBER = 9_999

# How many patterns there are to choose from; no gallery has as many as the last.
LEVELS = {"easy": 3, "medium": 6, "hard": 100}

_PATTERNS = LEVELS["medium"]
_VISIBLE = 1e-3  # of a tensor's largest entry: smaller changes cannot be seen on a heatmap's colours
_EQUAL = 1e-9


class Question(NamedTuple):
    """A hidden bug and what may be answered.

    Attributes:
        bug: the bug, or None if nothing is wrong.
        place: the name of the layer that has it, or "loss"; "" if nothing is wrong.
        patterns: the patterns to choose from, the right one among them, without NOTHING.
        layers: the places to choose from: all layers, and the loss.
    """

    bug: Bug | None
    place: str
    patterns: tuple[str, ...]
    layers: tuple[str, ...]


class Marks(NamedTuple):
    """Whether an answer names the pattern and the layer."""

    pattern: bool
    layer: bool

    @property
    def both(self) -> bool:
        """Whether the answer is right."""
        return self.pattern and self.layer


def question(experiment: Experiment, number: int, level: str = "medium") -> Question:
    """Draw the question of this number: a bug that can be seen in the experiment's network, or none.

    Args:
        experiment: whose network the bug is planted in.
        number: the question's, from 0 to MAX_NUMBER; it seeds `np.random.RandomState`.
        level: one of LEVELS; the bug is the same at each, the answers to choose from are more.
    """
    rng = np.random.RandomState(number)
    problem = experiment.problem()
    is_right = rng.randint(_PATTERNS + 1) == 0  # as often as if NOTHING were drawn like the other answers
    bug, place = (None, "") if is_right else _draw(problem, rng)
    fitting = {one.pattern for one in GALLERY.values() if places(one, problem.network, problem.loss, problem.x)}
    others = sorted(fitting - {bug.pattern if bug else ""})
    drawn = [others[k] for k in rng.permutation(len(others))][: LEVELS[level] - (bug is not None)]
    patterns = sorted([*drawn, bug.pattern] if bug else drawn)
    return Question(bug, place, tuple(patterns), (*problem.network.layers, LOSS))


def examples(pattern: str) -> str:
    """The names of the gallery's bugs of this pattern."""
    return ", ".join(bug.name for bug in GALLERY.values() if bug.pattern == pattern)


def hints(asked: Question, report: GradientReport) -> tuple[str, str]:
    """Two hints, each a sentence: which tensors are wrong, and what kind of thing has the bug."""
    wrong = [name for name, check in report.items() if check.verdict is Verdict.WRONG]
    right = [name for name in report if name not in wrong]
    told = f"Wrong: {', '.join(wrong) or 'none'}. Not wrong: {', '.join(right) or 'none'}."
    if asked.bug is None:
        return told, "No layer has a bug."
    [group] = [group for group, names in groups().items() if asked.bug.name in names and len(names) < len(GALLERY)]
    return told, f"The bug is one of those of {group}."


def seen_on_the_maps(asked: Question, report: GradientReport) -> tuple[str, str]:
    """The tensor whose maps show the hidden bug best, and in a sentence why it points to the layer."""
    *layers, _ = asked.layers
    tensor = clearest_tensor(report, layers, asked.place)
    behind = [name for name in report if report[name].verdict is not Verdict.WRONG]
    rest = f" {' and '.join(behind)} {'is' if len(behind) == 1 else 'are'} not wrong." if 0 < len(behind) <= 6 else ""
    is_wrong = report[tensor].verdict is Verdict.WRONG
    way = ", the first wrong tensor on the way back from the loss" if is_wrong else ""
    return tensor, f"You could have seen it on the maps of {tensor}{way}.{rest}"


def posed(asked: Question, problem: Problem[Sequential]) -> Problem[Sequential]:
    """The problem with the question's bug in it."""
    return planted(asked.bug, problem, asked.place) if asked.bug else problem


def marks(asked: Question, problem: Problem[Sequential], pattern: str, layer: str) -> Marks:
    """Mark an answer; one that gives the very same gradients as the hidden bug is as right.

    Args:
        asked: the question.
        problem: the experiment's, without the bug.
        pattern: one of the question's patterns, or NOTHING.
        layer: one of its layers; of no account with NOTHING.
    """
    if asked.bug is None or pattern == NOTHING:
        right = asked.bug is None and pattern == NOTHING
        return Marks(right, right)
    if _same_gradients(asked, problem, pattern, layer):
        return Marks(pattern=True, layer=True)
    return Marks(pattern == asked.bug.pattern, layer == asked.place)


def _draw(problem: Problem[Sequential], rng: np.random.RandomState) -> tuple[Bug | None, str]:
    """A bug and a place in which it can be seen; None if no bug can, as where all gradients are zero."""
    bugs, right = list(GALLERY.values()), gradients(problem)
    for k in rng.permutation(len(bugs)):
        found = places(bugs[k], problem.network, problem.loss, problem.x)
        if found:
            place = found[rng.randint(len(found))]
            if change(gradients(planted(bugs[k], problem, place)), right) > _VISIBLE:
                return bugs[k], place
    return None, ""


def _same_gradients(asked: Question, problem: Problem[Sequential], pattern: str, layer: str) -> bool:
    """Whether a bug of this pattern in this layer would give the gradients that were shown."""
    hidden = gradients(posed(asked, problem))
    return any(
        change(gradients(planted(bug, problem, layer)), hidden) < _EQUAL
        for bug in GALLERY.values()
        if bug.pattern == pattern and layer in places(bug, problem.network, problem.loss, problem.x)
    )
