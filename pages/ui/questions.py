"""The quiz's questions: drawn and checked once for all visitors, answered once in a session."""

from collections.abc import Hashable
from typing import NamedTuple

import streamlit as st

from mlp.check.check import check_gradients
from mlp.check.report import GradientReport
from mlp.lab.experiment import Experiment
from mlp.lab.quiz import (
    LEVELS,
    MAX_NUMBER,
    NOTHING,
    Marks,
    Question,
    examples,
    hints,
    marks,
    posed,
    question,
    seen_on_the_maps,
)
from mlp.lab.settings_text import read_whole
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem
from pages.ui import address, bugs, compute, entries, widgets
from pages.ui.entries import Place

KEY = "quiz"
LAST = "last"


class Asked(NamedTuple):
    """A question, its network without the bug, and the check of the one with it. Read only."""

    question: Question
    problem: Problem[Sequential]
    report: GradientReport


class Answer(NamedTuple):
    """What was answered; no layer where nothing is wrong."""

    pattern: str
    layer: str | None
    marks: Marks


@st.cache_resource(max_entries=32, show_spinner="Hiding a bug ...", hash_funcs=compute.BY_REPR)
def asked(experiment: Experiment, number: int, level: str) -> Asked:
    """Draw the quiz's question of this number, and check the gradients of its network; without a diagnosis."""
    problem = experiment.problem()
    drawn = question(experiment, number, level)
    report = check_gradients(*posed(drawn, problem), experiment.eps, experiment.method)
    return Asked(drawn, problem, report)


def number() -> tuple[int, str]:
    """Show the question's number and its level, in the address, with a button for the next one, and return both."""
    address.opened(KEY, _read, "1 is used.")
    address.opened(LAST, _read, "The series has no end.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.number_input("Question", 1, MAX_NUMBER, 1, key=KEY, bind="query-params", width=160)
        last = st.number_input(
            "Last one",
            1,
            MAX_NUMBER,
            None,
            key=LAST,
            bind="query-params",
            width=160,
            placeholder="no end",
            help="Where a series ends. A link with a first and a last question holds all of them for a class.",
        )
        is_last = last is not None and chosen >= last
        st.button(
            "Next question",
            on_click=st.session_state.update,
            args=({KEY: chosen % MAX_NUMBER + 1},),
            icon=":material/skip_next:",
            disabled=is_last,
            help="This is the last question of the series." if is_last else None,
        )
        level = widgets.segments("Level", tuple(LEVELS), "level", "medium")
    return chosen, level


def answer(experiment: Experiment, number: int, level: str) -> Answer | None:
    """What this session answered, if it did: that counts once and stays."""
    return _answers().get(_name(experiment, number, level))


def ask(experiment: Experiment, number: int, level: str, what: Asked) -> None:
    """Ask for pattern and layer; once answered, show what was said."""
    given, key = answer(experiment, number, level), _name(experiment, number, level)
    for name, hint in zip(("A hint", "Another hint"), hints(what.question, what.report), strict=True):
        with st.expander(name):
            st.markdown(address.plain(hint))
    patterns = (*what.question.patterns, NOTHING)
    pattern = _choice("What is wrong?", patterns, f"pattern_{key}", given and given.pattern, names=True)
    layer = _choice(
        "In which layer?", what.question.layers, f"layer_{key}", given and given.layer, is_idle=pattern == NOTHING
    )
    ready = pattern == NOTHING or (pattern is not None and layer is not None)
    st.button(
        "Reveal",
        type="primary",
        disabled=given is not None or not ready,
        help=None if ready else "Answer first.",
        on_click=_answer,
        args=(key, what, pattern, layer),
    )


def reveal(what: Asked, given: Answer, settings: tuple[Hashable, ...], clicked: Place | None) -> None:
    """Show whether the answer is right, how it could have been seen, then the bug and its diagnosis.

    The settings are those that the question follows from; `clicked` is the entry that stands out in maps.
    """
    bug, place = what.question.bug, what.question.place
    if bug is None:
        st.markdown(_marked(given.marks.pattern, f"You said: {given.pattern}. **Nothing is wrong** with this network."))
        return
    st.markdown(_marked(given.marks.pattern, f"Pattern: you said {given.pattern}; it is **{bug.pattern}**."))
    if given.layer is not None:
        st.markdown(_marked(given.marks.layer, f"Layer: you said {given.layer}; it is **{place}**."))
    if given.marks.both and (given.pattern, given.layer) != (bug.pattern, place):
        st.caption("Your answer gives the very same numbers, so it counts.")
    tensor, sentence = seen_on_the_maps(what.question, what.report)
    st.markdown(f":material/visibility: {sentence}")
    entries.maps_of_asked(what.report[tensor], clicked, settings, "seen_maps")
    st.subheader(f"The bug: {bug.name}")
    bugs.story(bug)
    with st.spinner("Looking for the bug ..."):
        said = bugs.sentences(what.report)
    bugs.diagnosis(what.report, said)


def score() -> None:
    """Say how many of this session's questions were answered right."""
    answers = _answers()
    if answers:
        right = sum(answer.marks.both for answer in answers.values())
        st.metric("Score of this session", f"{right} of {len(answers)} right", border=True, width="content")


def _read(text: str) -> int:
    """The number of a question, from the address; ValueError with a sentence if it is none."""
    try:
        chosen = read_whole(text)
    except ValueError:
        chosen = 0
    if not 1 <= chosen <= MAX_NUMBER:
        raise ValueError(f"Questions are whole numbers from 1 to {MAX_NUMBER:,}.")
    return chosen


def _answers() -> dict[str, Answer]:
    """The session's answers by question."""
    answers: dict[str, Answer] = st.session_state.setdefault("quiz_answers", {})
    return answers


def _name(experiment: Experiment, number: int, level: str) -> str:
    """What makes a question the same: its number, its level and the network."""
    return f"{number} {level} {hash(experiment)}"


def _choice(
    label: str, options: tuple[str, ...], key: str, given: str | None, is_idle: bool = False, names: bool = False
) -> str | None:
    """One of the options, none at first; once given it stays. With names, a line each, and the gallery's bugs below."""
    index = options.index(given) if given else None
    fixed = is_idle or index is not None
    captions = [examples(option) for option in options] if names else None
    return st.radio(label, options, index, key=f"quiz_{key}", horizontal=not names, disabled=fixed, captions=captions)


def _answer(key: str, what: Asked, pattern: str, layer: str | None) -> None:
    layer = None if pattern == NOTHING else layer
    _answers()[key] = Answer(pattern, layer, marks(what.question, what.problem, pattern, layer or ""))


def _marked(right: bool, text: str) -> str:
    """The text with right or wrong in front, in a word and a colour."""
    return f":{'green[:material/check: **Right.**]' if right else 'red[:material/close: **Wrong.**]'} {text}"


# As in pages.ui.compute: results made of classes that have been imported anew since are no instances of the new ones.
asked.clear()
