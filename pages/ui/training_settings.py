"""The settings of a training run: widgets in the address, and the sidebar's network fitted to the data."""

from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st

from mlp.lab.dataset import Dataset
from mlp.lab.datasets import dataset
from mlp.lab.experiment import RANDOM, Experiment
from mlp.lab.own_rows import write_rows
from mlp.lab.planted_bug import changes
from mlp.lab.settings_text import RATE_STEPS, UPLOAD, format_eps, read_rate, read_whole
from mlp.lab.training import DATA, MAX_MINI_BATCH, MAX_STEPS, Training
from mlp.lab.training_run import fitting_bugs
from mlp.nn.optimisers import OPTIMISERS
from pages.ui import address, sidebar, tables, widgets

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

    The sidebar's network is fitted to the data, which `about` says. Where the settings are impossible a sentence says
    so, and the last possible ones are used.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = widgets.selection("Data", DATA, "trained_on", "What the network is to learn.", FIRST.data, 160)
        bug_place = st.container(width="content")
        with st.popover("How it is trained", icon=":material/tune:"):
            optimiser = widgets.segments("Optimiser", tuple(OPTIMISERS), "optimiser", FIRST.optimiser)
            rate = _rate()
            steps = _whole("Steps", "steps", MAX_STEPS, FIRST.steps, "Of the whole run.")
            mini_batch = _whole("Mini-batch", "mini_batch", MAX_MINI_BATCH, FIRST.mini_batch, "Rows in each step.")
    own = tables.own_data(experiment.seed) if name == UPLOAD else None
    if name == UPLOAD and own is None:
        name = FIRST.data
        st.markdown(f":material/info: Until you bring a table you see **{name}**. A table is not in the address.")
    right, data = _possible(experiment, own, (name, optimiser, rate, steps, mini_batch))
    with bug_place:
        bugs = [NO_BUG, *fitting_bugs(right, data)]
        first = FIRST_BUG if FIRST_BUG in bugs else NO_BUG
        bug = widgets.selection("Bug", bugs, "planted", "What the other network has in its backward pass.", first)
    shown = experiment.changed(sizes=right.experiment.sizes, loss=right.experiment.loss)
    return Chosen(replace(right, bug="" if bug == NO_BUG else bug), data, shown)


How = tuple[str, str, float, int, int]
"""The name of the data, the optimiser, its rate, the steps and the rows of a mini-batch."""


def _possible(experiment: Experiment, own: Dataset | None, how: How) -> tuple[Training, Dataset]:
    """The settings of the run with the right gradient and its data, or the last possible ones, which is said."""
    accepted: tuple[dict[str, Any], Dataset] = st.session_state.get(_ACCEPTED, (FIRST.settings(), FIRST.dataset()))
    try:
        right, data = _fitting(experiment, own, how)
    except ValueError as error:
        right, data = Training.from_settings(accepted[0]), accepted[1]
        st.error(
            address.plain(f"{error} What you see is still for the settings before."),
            title="These settings cannot be used",
            icon=":material/error:",
        )
    st.session_state[_ACCEPTED] = right.settings(), data
    return right, data


def _fitting(experiment: Experiment, own: Dataset | None, how: How) -> tuple[Training, Dataset]:
    """The settings of the run and its data; what the run does not depend on is left at its default."""
    bare, name = replace(experiment, eps=Experiment.eps, method=Experiment.method), how[0]
    if name == RANDOM:
        right = Training(bare, *how)
        return right, right.dataset()
    data = own or dataset(name, experiment.seed)
    return Training(replace(bare, batch=1, data=RANDOM).fitted(data), *how), data


def about(chosen: Chosen, experiment: Experiment) -> None:
    """Say what the data are and in what the network is not the sidebar's, with buttons that take it there."""
    data, shown = chosen.data, chosen.experiment
    changed = changes(experiment.changed(data=shown.data), shown)  # whatever the other pages' input is
    told = f": what you see has **{' and '.join(changed)}**" if changed else ""
    st.caption(f":material/info: {address.plain(f'{data.name}: {data.about} It has {data.counted}')}{told}.")
    with st.container(horizontal=True):
        if changed:
            st.button("Set the sidebar so", on_click=sidebar.show, args=(shown.settings(),))
        everywhere = _everywhere(chosen)
        if everywhere is not None and everywhere != experiment:
            st.button(
                "Use its rows on every page",
                on_click=sidebar.show,
                args=(everywhere.settings(),),
                help="Sets Input in the sidebar, and what does not fit it.",
            )


def _everywhere(chosen: Chosen) -> Experiment | None:
    """The experiment whose input is a batch of these data; None if there is none."""
    name, shown = chosen.training.data, chosen.experiment
    if name == RANDOM:
        return None
    try:
        return replace(shown, data=write_rows(chosen.data, shown.batch) if name == UPLOAD else name)
    except ValueError:  # the batch is too large
        return None


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
