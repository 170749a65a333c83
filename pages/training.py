"""What the gradients are for: a network that trains with the right gradient, beside one whose backward has a bug."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from mlp.lab.training_run import without_bug
from mlp.nn.layers import Linear
from mlp.report import derivation, programs
from mlp.report.figures import predictions
from mlp.report.figures import training as curves
from mlp.report.figures.matrices import Matrix
from mlp.report.files import exchange
from mlp.report.numbers import entry
from mlp.report.tables import training as tables
from pages.ui import (
    address,
    arithmetic,
    entries,
    shell,
    stage,
    training,
    training_bugs,
    training_checks,
    training_settings,
    widgets,
)
from pages.ui.entries import Place
from pages.ui.training import Held

experiment = shell.settings()


def picture(held: Held, has_bug: bool) -> None:
    """How far the runs have come: the loss over the steps, and what the networks predict."""
    runs = held.runs
    if runs[0].ended:
        st.warning(address.plain(runs[0].ended), icon=":material/trending_up:")
    if has_bug:
        st.info(tables.compared(*runs), icon=":material/compare_arrows:")
    left, right = st.columns([2, 3])
    with left:
        widgets.figure(curves.losses(runs), "The loss of each run over its steps", "losses")
    with right:
        widgets.figure(predictions.figure(runs), predictions.alt_text(runs), "predictions")


def last_step(held: Held) -> None:
    """What the last step did to the loss and to the parameters."""
    if not held.inspections:
        st.markdown("No step has been taken yet.")
        return
    widgets.table(tables.inspected(held.inspections))
    st.caption(
        "All losses are those of the step's own mini-batch. To first order, a step changes the loss by the sum of "
        "gradient times update over all parameters, which for SGD is -rate |gradient|². With a wrong gradient that is "
        "a promise that the step does not keep."
    )
    names = list(held.runs[0].network.parameters())
    tensor = widgets.selection("Tensor", names, "moved", "Whose gradient and update are shown.")
    place = asked(held, tensor)
    for what in ("gradients", "updates"):
        shown = [
            (name, Matrix(name, getattr(inspection, what)[tensor])) for name, inspection in held.inspections.items()
        ]
        st.markdown(f"**The {what} of {tensor}**")
        alt = f"The {what} of {tensor} in the last step of each run"
        entries.matrices(shown, place, alt, what, entries.IN_RUN, None)
    moved(held, tensor, place)


def asked(held: Held, tensor: str) -> Place | None:
    """The entry of this tensor that was clicked last in a map of either run, by what the run is called."""
    runs = tables.named(held.runs)
    return entries.kept(entries.IN_RUN, {name: run.network.parameters()[tensor].shape for name, run in runs.items()})


def moved(held: Held, tensor: str, place: Place | None) -> None:
    """What the last step of a run did to an entry of this tensor, and where its gradient comes from."""
    if place is None or place[0] not in held.inspections:
        st.caption("Click a cell to see what the last step did to its entry, and why.")
        return
    name, index = place
    run, taken = tables.named(held.runs)[name], held.inspections[name]
    gradient, update = (float(values[tensor][index]) for values in (taken.gradients, taken.updates))
    before, rate = float(taken.parameters[tensor][index]), run.training.rate
    arithmetic.heading(f"Where {entry(tensor, index)} comes from", entries.IN_RUN)
    rule = f", -{rate:g} times that" if run.training.optimiser == "SGD" else ""
    st.markdown(
        f"**{name}**, step {taken.step:,}: backward gave {gradient:.6g}, and {run.training.optimiser} made of it an "
        f"update of {update:.6g}{rule}: {entry(tensor, index)} went from {before:.6g} to {before + update:.6g}."
    )
    if run.training.bug:
        st.markdown("The right gradient of this mini-batch is made of these numbers:")
    problem = without_bug(run, taken.parameters, taken.x, taken.target)
    arithmetic.written(derivation.both_ways(problem, tensor, index, experiment.eps, experiment.method))


def layers(held: Held) -> None:
    """One layer's weights and outputs."""
    network = held.runs[0].network
    layer = widgets.selection("Layer", list(network.layers), "looked_at", "Whose weights and outputs are shown.")
    if isinstance(network.layers[layer], Linear):
        tensor = f"{layer}.W"
        place = asked(held, tensor)
        shown = [
            (name, Matrix(name, run.network.parameters()[tensor])) for name, run in tables.named(held.runs).items()
        ]
        alt = f"The weights of {layer} in each run"
        entries.matrices(shown, place, alt, "weights", entries.IN_RUN, None)
        moved(held, tensor, place)
    widgets.figure(curves.outputs(held.runs, layer), f"How often {layer} gives which output, in each run", "outputs")


def norms(held: Held) -> None:
    """How large the gradients were on the way."""
    widgets.figure(curves.gradient_norms(held.runs), "The norm of each layer's gradients over the steps", "norms")


stage.opening(
    "Training",
    "After exercise 2.1, section 4: using the gradients",
    "Gradients are there for this: each step moves every weight a little against its gradient.",
)

chosen = training_settings.chosen(experiment)
controls, place, pictures = st.container(horizontal=True), st.empty(), st.container()
closer: dict[str, Callable[[Held], None]] = {
    "the last step": last_step,
    "layers": layers,
    "gradient norms": norms,
    "gradient check": partial(training_checks.show, experiment=chosen.experiment),
    "every bug": training_bugs.show,
}
step = training.step(chosen.training.steps)
with training.brought(chosen.training, chosen.data, step, place) as held:
    runs = held.runs
    with controls:
        training.buttons(held)
    with pictures:
        picture(held, bool(chosen.training.bug))
    note = predictions.drawn_note(runs[0])
    if note:
        st.caption(note)
    training_settings.about(chosen, experiment)
    widgets.table(tables.standing(runs))
    if chosen.training.bug:
        st.caption(f":material/bug_report: {tables.bug_told(runs[1])}")

    st.subheader("A closer look")
    closer[widgets.segments("Look at", list(closer), "closer")](held)

    with st.container(horizontal=True):
        for name, run in tables.named(runs).items():
            end = "-with-bug" if run.training.bug else ""
            npz, csv = partial(held.made, exchange.run_npz, run), partial(held.made, exchange.history_csv, run)
            widgets.download(f"Network, {name} (NPZ)", npz, f"run{end}.npz", "application/octet-stream")
            widgets.download(f"History, {name} (CSV)", csv, f"history{end}.csv", "text/csv")
    widgets.programs(
        lambda: programs.training(runs[0]),
        text="Trains with the right gradient, all the way, and prints losses and accuracies.",
    )
    training.go_on(held)
