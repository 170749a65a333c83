"""The settings of a training run: widgets in the address, and the sidebar's network fitted to the data."""

from dataclasses import replace
from typing import NamedTuple

import streamlit as st

from mlp.lab.datasets import Dataset, dataset
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import changes
from mlp.lab.settings_text import RATE_STEPS, format_eps, read_rate, read_whole
from mlp.lab.training import DATA, MAX_MINI_BATCH, MAX_STEPS, RANDOM, UPLOAD, Training, fitted
from mlp.lab.training_run import fitting_bugs
from mlp.nn.optimisers import OPTIMISERS
from pages.ui import address, widgets

NO_BUG = "none"
FIRST_BUG = "derivative missing"
FIRST = Training(Experiment(sizes=(2, 10, 20, 2)), "spirals", "Adam", 0.01, 1_000, 16)
_ACCEPTED = "training_accepted"


class Chosen(NamedTuple):
    """What is trained: the settings, the data, and the sidebar's experiment as it fits them."""

    training: Training
    data: Dataset
    experiment: Experiment


def chosen(experiment: Experiment) -> Chosen:
    """Show what a run depends on and return it.

    The sidebar's network is fitted to the data, which is said, with a button that sets the sidebar so. Where the
    settings are impossible a sentence says so, and the last possible ones are used.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = [name for name in DATA if name != UPLOAD]
        name = widgets.selection("Data", options, "trained_on", "What the network is to learn.", FIRST.data)
        bug_place = st.container(width="content")
        with st.popover("How it is trained", icon=":material/tune:"):
            optimiser = widgets.segments("Optimiser", tuple(OPTIMISERS), "optimiser", FIRST.optimiser)
            rate = _rate()
            steps = _whole("Steps", "steps", MAX_STEPS, FIRST.steps, "Of the whole run.")
            mini_batch = _whole("Mini-batch", "mini_batch", MAX_MINI_BATCH, FIRST.mini_batch, "Rows in each step.")
    right, data = _possible(experiment, name, optimiser, rate, steps, mini_batch)
    with bug_place:
        bugs = [NO_BUG, *fitting_bugs(right, data)]
        first = FIRST_BUG if FIRST_BUG in bugs else NO_BUG
        bug = widgets.selection("Bug", bugs, "planted", "What the other network has in its backward pass.", first)
    shown = replace(experiment, sizes=right.experiment.sizes, loss=right.experiment.loss)
    _say_what_changed(experiment, shown, data)
    return Chosen(replace(right, bug="" if bug == NO_BUG else bug), data, shown)


def _possible(experiment: Experiment, *how: object) -> tuple[Training, Dataset]:
    """The settings of the run with the right gradient, or the last possible ones with a sentence that says why."""
    try:
        right = _training(experiment, *how)  # type: ignore[arg-type]
    except ValueError as error:
        accepted = st.session_state.get(_ACCEPTED)
        right = Training.from_settings(accepted) if accepted else FIRST
        st.error(
            address.plain(f"{error} What you see is still for the settings before."),
            title="These settings cannot be used",
            icon=":material/error:",
        )
    st.session_state[_ACCEPTED] = right.settings()
    return right, right.dataset()


def _training(experiment: Experiment, name: str, optimiser: str, rate: float, steps: int, mini_batch: int) -> Training:
    """The settings of the run; what it does not depend on is left at its default, so that it changes nothing."""
    bare = replace(experiment, eps=Experiment.eps, method=Experiment.method)
    if name != RANDOM:
        data = dataset(name, experiment.seed)
        bare = replace(fitted(replace(bare, batch=1), data))
    return Training(bare, name, optimiser, rate, steps, mini_batch)


def _say_what_changed(experiment: Experiment, shown: Experiment, data: Dataset) -> None:
    changed = changes(experiment, shown)
    if changed:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                f":material/info: {data.name} has {data.counted}: what you see has **{' and '.join(changed)}**.",
                width="content",
            )
            st.button("Set the sidebar so", type="tertiary", on_click=st.session_state.update, args=(shown.settings(),))


def _rate() -> float:
    address.opened("rate", read_rate, f"{format_eps(FIRST.rate)} is used.")
    rate = st.select_slider(
        "Learning rate",
        RATE_STEPS,
        FIRST.rate,
        format_func=format_eps,
        key="rate",
        bind="query-params",
        help="What a gradient is multiplied by.",
    )
    return float(rate)


def _whole(label: str, key: str, high: int, default: int, text: str) -> int:
    address.opened(key, lambda given: _read_whole(label, given, high), f"{default:,} is used.")
    return st.number_input(label, 1, high, default, key=key, bind="query-params", help=text)


def _read_whole(label: str, text: str, high: int) -> int:
    number = read_whole(text)
    if not 1 <= number <= high:
        raise ValueError(f"{label} must be a whole number from 1 to {high:,}.")
    return number
