"""The session's training runs, brought to the step that is shown.

What is shown follows from the settings and the step alone, both in the address: a link shows the same numbers to the
last bit. The session keeps its runs, to go on from where they are. They go on in portions, and the page is drawn after
each. The next one begins when the browser has drawn, and takes three times as long as that took; whatever a person
does in between breaks it off.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlp.check.report import GradientReport
from mlp.lab.checks_on_the_way import Moment
from mlp.lab.dataset import Dataset
from mlp.lab.settings_text import UPLOAD, read_whole
from mlp.lab.training import Training
from mlp.lab.training_run import Inspection, Run
from mlp.report.tables.training import Standing, named
from pages.ui import address

AT = "at_step"

# Seconds of training between two drawings: three times as long as a drawing takes, within these bounds.
FRAME, LONGEST_FRAME = 0.2, 3.0
PULSE = 0.1  # seconds after which a browser that has nothing to draw asks for the next portion
LOOK_EVERY = 0.1  # seconds between two looks whether there is a new input
SLOW_FRAMES = 30  # of a whole run in slow motion
MANY = 10  # times many steps are a whole run

_HELD, _SLOW = "training_held", "training_slow"
_WIDTH = 160  # pixels, of the button that trains and stops: the others stay where they are
# Where a button leads, until the browser tells the step or another one: what it sends before it has drawn the slider
# anew, or when a new input ends the run before, tells the old step.
_TO = "training_to"
STALE = 1.0  # seconds after which the old step is somebody's wish again


@dataclass
class Held:
    """A session's runs of the same settings: the one with the right gradient, then the one with the bug, if any.

    Attributes:
        training: their settings.
        data: what they train on.
        runs: they.
        inspections: what each one's last step did, by what the run is called.
        reports: checks by name, step, eps and method; moments: those on the way by step, eps and method.
        others: where the runs of other bugs stand at the step `others_at`.
        asked: the last step that was asked for.
        drawn_since: when the last portion of steps was over and drawing began; 0 if nothing goes on.
        is_seen: whether the page has been drawn since then.
        lock: who takes the runs further or draws them holds it. At a new input Streamlit starts the page over beside
            the run before, which goes on until it draws something next.
    """

    training: Training
    data: Dataset
    runs: list[Run] = field(init=False)
    inspections: dict[str, Inspection] = field(init=False)
    reports: dict[tuple[str, int, float, str], GradientReport] = field(default_factory=dict)
    moments: dict[tuple[int, float, str], dict[str, list[Moment]]] = field(default_factory=dict)
    others: dict[str, tuple[Standing, str]] = field(default_factory=dict)
    others_at: int = 0
    asked: int = 0
    drawn_since: float = field(init=False)
    is_seen: bool = False
    lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        """Start the runs."""
        self.start_over()

    def start_over(self) -> None:
        """Have the runs at step 0."""
        settings = [replace(self.training, bug="")] + ([self.training] if self.training.bug else [])
        self.runs = [Run(each, self.data if each.data == UPLOAD else None) for each in settings]
        self.inspections = {}
        self.drawn_since = 0.0

    @property
    def step(self) -> int:
        """How far they are; of one that ended before, the other."""
        return max(run.step for run in self.runs)

    @property
    def is_over(self) -> bool:
        """Whether there is no further step to take."""
        return all(run.is_over for run in self.runs)

    def is_of(self, training: Training, data: Dataset) -> bool:
        """Whether the runs have these settings, and if those do not tell the data, these data."""
        return self.training == training and (training.data != UPLOAD or self.data is data)

    def is_at(self, step: int) -> bool:
        """Whether every run is there with its last step inspected, or can go no further."""
        return all(bool(run.ended) or self._is_at(name, run, step) for name, run in named(self.runs).items())

    def can_go_to(self, step: int) -> bool:
        """Whether no run has to start over to get there: none is beyond, or ended on its way to a later step."""
        return all(
            step >= self.asked if run.ended else run.step < step or self._is_at(name, run, step)
            for name, run in named(self.runs).items()
        )

    def advance(self, steps: int, target: int) -> None:
        """Take each run so many steps further, but not beyond the target; the step that leads there is inspected."""
        for name, run in named(self.runs).items():
            run.advance(min(steps, target - 1 - run.step))
            if run.step == target - 1 and not run.is_over:
                inspection = run.inspect()
                if inspection:
                    self.inspections[name] = inspection

    def made(self, make: Callable[[Run], bytes], run: Run) -> bytes:
        """What is made of the run as it stands between two drawings."""
        with self.lock:
            return make(run)

    def _is_at(self, name: str, run: Run, step: int) -> bool:
        return run.step == step and (step == 0 or (name in self.inspections and self.inspections[name].step == step))


class _Jump(NamedTuple):
    """A step that a button leads to, the one that the browser told before, and when it was last sent the new one."""

    to: int
    before: int
    since: float = math.inf

    def is_unknown_to(self, told: int) -> bool:
        """Whether a browser that tells this step has not heard of the jump yet."""
        return told == self.before and time.monotonic() < self.since + STALE


@contextmanager
def brought(training: Training, data: Dataset, step: int, place: DeltaGenerator) -> Iterator[Held]:
    """The session's runs of these settings, at this step or, if that takes a while, a portion nearer to it.

    Nobody else takes them further meanwhile.

    Args:
        training: the settings.
        data: what they train on.
        step: where to go.
        place: where a bar shows how far they are; at each of its calls a new input breaks off the portion.
    """
    held: Held | None = st.session_state.get(_HELD)
    if held is None or not held.is_of(training, data):
        held = st.session_state[_HELD] = Held(training, data)
    with held.lock:
        if not held.can_go_to(step):
            held.start_over()
        held.asked = step
        _go_on(held, step, place)
        yield held


def go_on(held: Held) -> None:
    """At the page's foot: if the runs have further to go, take the next portion once the browser has drawn this one."""
    if held.drawn_since:
        _next_portion(held)


@st.fragment(run_every=PULSE)
def _next_portion(held: Held) -> None:
    """Start the page over when the browser asks for it; the first time is the page's own run.

    A browser that is busy drawing asks later, so that no drawings pile up before it.
    """
    if held.drawn_since and held.is_seen:
        st.rerun()
    held.is_seen = True


def step(steps: int) -> int:
    """Show the slider of the step that is shown, 0 to `steps`, and return it."""
    address.opened(AT, lambda text: _read(text, steps), "0 is used.")
    told = st.session_state.get(AT, 0)
    jump: _Jump | None = st.session_state.get(_TO)
    if jump is not None and jump.is_unknown_to(told):
        told, st.session_state[_TO] = jump.to, jump._replace(since=time.monotonic())
    else:
        st.session_state.pop(_TO, None)
    st.session_state[AT] = min(told, steps)
    return st.slider("Step that is shown", 0, steps, key=AT, bind="query-params", label_visibility="collapsed")


def buttons(held: Held) -> None:
    """Start, stop, one step, many steps, and back to the start."""
    going, steps = held.drawn_since > 0, held.training.steps
    if going:
        st.button("Stop training", type="primary", icon=":material/stop:", on_click=_stop, width=_WIDTH)
    else:
        _button("Train", "play_arrow", (steps,), held.is_over, type="primary", width=_WIDTH)
    _button("In slow motion", "slow_motion_video", (steps, True), going or held.is_over)
    many = -(-steps // MANY)
    leaps = [(1, "One step", "skip_next")] + ([(many, f"{many:,} steps", "fast_forward")] if many > 1 else [])
    for count, label, icon in leaps:
        _button(label, icon, (min(held.step + count, steps),), going or held.is_over, key=f"{icon}_steps")
    _button("Start over", "replay", (0,), going or not held.step)


def _button(label: str, icon: str, to: tuple[int, bool] | tuple[int], disabled: bool, **looks: Any) -> None:
    st.button(label, icon=f":material/{icon}:", on_click=_go, args=to, disabled=disabled, **looks)


def in_chunks(take: Callable[[int], None], is_over: Callable[[], bool], steps: int = 1) -> Iterator[None]:
    """Take so many steps at once, then more and more until that takes LOOK_EVERY; after each time, yield."""
    while not is_over():
        before = time.monotonic()
        take(steps)
        is_short = time.monotonic() < before + LOOK_EVERY
        yield
        steps = 2 * steps if is_short else steps


def _go_on(held: Held, target: int, place: DeltaGenerator) -> None:
    """Take a portion of the steps that lead to the target."""
    start = time.monotonic()
    is_first = not held.drawn_since
    portion = FRAME if is_first else min(max(FRAME, 3 * (start - held.drawn_since)), LONGEST_FRAME)
    is_slow = st.session_state.get(_SLOW, False)
    first = -(-held.training.steps // SLOW_FRAMES) if is_slow else 1
    for _ in in_chunks(lambda steps: held.advance(steps, target), lambda: held.is_at(target), first):
        now = time.monotonic()
        if not is_first:  # a run that is over at once needs no bar
            place.progress(held.step / target, f"Step {held.step:,} of {target:,}")
        if is_slow or now >= start + portion:
            break
    held.drawn_since, held.is_seen = 0.0, False
    if held.is_at(target):
        st.session_state[_SLOW] = False
        place.empty()
    else:
        held.drawn_since = time.monotonic()


def _go(step: int, slowly: bool = False) -> None:
    st.session_state.update({_TO: _Jump(step, st.session_state.get(AT, 0)), _SLOW: slowly})


def _stop() -> None:
    held: Held = st.session_state[_HELD]
    with held.lock:  # or the step would be one that the run before is already beyond
        _go(min(held.step + 1, held.training.steps))


def _read(text: str, steps: int) -> int:
    step = read_whole(text)
    if not 0 <= step <= steps:
        raise ValueError(f"Steps are whole numbers from 0 to {steps:,}.")
    return step
