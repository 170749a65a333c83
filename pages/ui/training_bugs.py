"""Every bug that fits the network, trained like the one that is shown: which of them would anybody notice?"""

from dataclasses import replace
from functools import partial

import streamlit as st

from mlp.lab.settings_text import UPLOAD
from mlp.lab.training_run import Run, fitting_bugs
from mlp.report.tables import training as tables
from pages.ui import widgets
from pages.ui.training import Held, in_chunks

# In multiplications for each parameter and row of all runs together: what is more takes longer than a page is watched.
MAX_WORK = 5_000_000_000


def show(held: Held) -> None:
    """Take every bug to the step that is shown, and say how many of them train as well as the right gradient."""
    names = fitting_bugs(held.training, held.data)
    work = (
        len(names) * held.step * min(held.training.mini_batch, len(held.data.x)) * held.training.experiment.parameters
    )
    if not held.step or held.drawn_since:
        st.markdown("The bugs are trained up to the step that is shown, when the runs stand still there.")
    elif work > MAX_WORK:
        st.info(f"To train all {len(names)} bugs up to this step takes too long. Take fewer steps or smaller layers.")
    else:
        others = _trained(held, names)
        right = held.runs[0].measured()
        st.markdown(tables.league_told(right, others, held.runs[0].is_over))
        widgets.table(tables.league(right, others))


def _trained(held: Held, names: list[str]) -> dict[str, tuple[tables.Standing, str]]:
    """Where the run of each bug stands at the step that is shown; a bar shows how far they are, a new input ends it."""
    place, step = st.empty(), held.step
    if held.others_at != step:
        held.others, held.others_at = {}, step
    for k, name in enumerate(names):
        if name not in held.others:
            run = Run(replace(held.training, bug=name), held.data if held.training.data == UPLOAD else None)
            for _ in in_chunks(partial(_towards, run, step), partial(_is_there, run, step)):
                place.progress((k + run.step / step) / len(names), f"Training with {name}")
            held.others[name] = run.measured(), run.ended
    place.empty()
    return held.others


def _towards(run: Run, step: int, steps: int) -> None:
    run.advance(min(steps, step - run.step))


def _is_there(run: Run, step: int) -> bool:
    return run.step == step or bool(run.ended)
