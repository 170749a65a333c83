"""The gradient check of training runs: at the present weights, and at several steps on the way there."""

import streamlit as st

from mlp.check.check import check_gradients
from mlp.check.gallery.bug import LOSS
from mlp.check.report import GradientReport
from mlp.lab.checks_on_the_way import CHECKS, Moment, moments
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import MAX_WORK, clearest_tensor
from mlp.lab.training_run import Run, without_bug
from mlp.report.figures import training as curves
from mlp.report.tables.training import named
from pages.ui import arithmetic, entries, stage, widgets
from pages.ui.training import Held

# There are CHECKS of them, but each without a diagnosis, and a new input ends them.
MAX_WORK_ON_THE_WAY = MAX_WORK // 4


def show(held: Held, experiment: Experiment) -> None:
    """Check every run on the mini-batch of its next step, with the experiment's eps and method."""
    work = _work(held, experiment)
    if held.drawn_since:
        st.markdown("The gradients are checked when the runs stand still.")
    elif work > MAX_WORK:
        st.info("This network is too large to be checked at a glance. Take smaller layers or a smaller mini-batch.")
    else:
        for name, run in named(held.runs).items():
            report = _report(held, name, run, experiment)
            st.markdown(f"**{name}**, after {held.step:,} steps")
            widgets.verdict(report)
        check = report[clearest_tensor(report, tuple(run.network.layers), run.places[-1] if run.places else LOSS)]
        asked = entries.asked(report)
        entries.maps_of_asked(check, asked, None, "training_maps")
        if asked:
            network, _, x, target = run.problem()
            right = without_bug(run, network.parameters(), x, target)
            arithmetic.explained(asked, right, report, None, "With the bug backward gives" if run.training.bug else "")
        if work <= MAX_WORK_ON_THE_WAY:
            _on_the_way(held, experiment)


def _on_the_way(held: Held, experiment: Experiment) -> None:
    if not stage.switch("Check on the way here, too", "on_the_way", disabled=not held.step):
        return
    taken = _moments(held, experiment)
    for k, figure in enumerate(curves.checked_on_the_way(taken)):
        widgets.figure(figure, "What a gradient check says at several steps of each run", f"on_the_way_{k}")
    st.caption(
        f"{CHECKS} checks on the way, each on the mini-batch of the next step: the parts of all entries that are "
        "wrong, that cannot be told at this eps, and whose step crosses a kink. A hidden unit is dead if the slope of "
        "its activation is 0 for every training row."
    )


def _report(held: Held, name: str, run: Run, experiment: Experiment) -> GradientReport:
    key = (name, run.step, experiment.eps, experiment.method)
    if key not in held.reports:
        with st.spinner("Checking every gradient ..."):
            report = check_gradients(*run.problem(), experiment.eps, experiment.method)
            report.diagnosis  # noqa: B018  # computed when it is first asked for, and kept
        held.reports[key] = report
    return held.reports[key]


def _moments(held: Held, experiment: Experiment) -> dict[str, list[Moment]]:
    """The moments of each run; where they are not known yet, a bar shows how far they are, and a new input ends it."""
    place = st.empty()
    key = (held.step, experiment.eps, experiment.method)
    if key not in held.moments:
        taken: dict[str, list[Moment]] = {name: [] for name in named(held.runs)}
        for name, run in named(held.runs).items():
            for moment in moments(run.training, held.data, held.step, experiment.eps, experiment.method):
                taken[name].append(moment)
                place.progress(moment.step / held.step, f"Checking {name} at step {moment.step:,}")
        held.moments[key] = taken
    place.empty()
    return held.moments[key]


def _work(held: Held, experiment: Experiment) -> int:
    rows = min(held.training.mini_batch, len(held.data.x))
    try:
        return experiment.changed(batch=rows).work
    except ValueError:
        return MAX_WORK + 1
