"""What the gradients are for: a network that trains with the right gradient, beside one whose backward has a bug."""

from functools import partial

import streamlit as st

from mlp.nn.layers import Linear
from mlp.report import programs
from mlp.report.figures import predictions
from mlp.report.figures import training as curves
from mlp.report.figures.matrices import Matrix, matrices
from mlp.report.files import exchange
from mlp.report.tables import training as tables
from pages.ui import address, shell, stage, training, training_bugs, training_checks, training_settings, widgets

LAST, LAYERS, NORMS, CHECK, BUGS = CLOSER = ("the last step", "layers", "gradient norms", "gradient check", "every bug")

experiment = shell.settings()

stage.opening(
    "Training",
    "After exercise 2.1, section 4: using the gradients",
    "Gradients are there for this: each step moves every weight a little against its gradient.",
)

chosen = training_settings.chosen(experiment)
controls, place, pictures = st.container(horizontal=True), st.empty(), st.container()
step = training.step(chosen.training.steps)
held = training.brought(chosen.training, chosen.data, step, place)
runs = held.runs

with controls:
    training.buttons(held)
with pictures:
    if runs[0].ended:
        st.warning(address.plain(runs[0].ended), icon=":material/trending_up:")
    if chosen.training.bug:
        st.info(tables.compared(*runs), icon=":material/compare_arrows:")
    left, right = st.columns([2, 3])
    with left:
        widgets.figure(curves.losses(runs), "The loss of each run over its steps", "losses")
    with right:
        widgets.figure(predictions.figure(runs), predictions.alt_text(runs), "predictions")
note = predictions.drawn_note(runs[0])
if note:
    st.caption(note)
training_settings.about(chosen, experiment)
widgets.table(tables.standing(runs))
if chosen.training.bug:
    st.caption(f":material/bug_report: {tables.bug_told(runs[1])}")

st.subheader("A closer look")
closer = widgets.segments("Look at", CLOSER, "closer")
network = runs[0].network
if closer == LAST and not held.inspections:
    st.markdown("No step has been taken yet.")
elif closer == LAST:
    widgets.table(tables.inspected(held.inspections))
    st.caption(
        "All losses are those of the step's own mini-batch. To first order, a step changes the loss by the sum of "
        "gradient times update over all parameters, which for SGD is -rate |gradient|². With a wrong gradient that is "
        "a promise that the step does not keep."
    )
    tensor = widgets.selection("Tensor", list(network.parameters()), "moved", "Whose gradient and update are shown.")
    for what in ("gradients", "updates"):
        shown = [Matrix(name, getattr(inspection, what)[tensor]) for name, inspection in held.inspections.items()]
        widgets.figure(matrices(shown), f"The {what} of {tensor} in the last step of each run", what)
elif closer == LAYERS:
    layer = widgets.selection("Layer", list(network.layers), "looked_at", "Whose weights and outputs are shown.")
    if isinstance(network.layers[layer], Linear):
        widgets.figure(curves.weights(runs, layer), f"The weights of {layer} in each run", "weights")
    widgets.figure(curves.outputs(runs, layer), f"How often {layer} gives which output, in each run", "outputs")
elif closer == NORMS:
    widgets.figure(curves.gradient_norms(runs), "The norm of each layer's gradients over the steps", "norms")
elif closer == CHECK:
    training_checks.show(held, chosen.experiment)
else:
    training_bugs.show(held)

with st.container(horizontal=True):
    for name, run in tables.named(runs).items():
        end = "-with-bug" if run.training.bug else ""
        widgets.download(
            f"Network, {name} (NPZ)", partial(exchange.run_npz, run), f"run{end}.npz", "application/octet-stream"
        )
        widgets.download(f"History, {name} (CSV)", partial(exchange.history_csv, run), f"history{end}.csv", "text/csv")
widgets.programs(
    lambda: programs.training(runs[0]),
    text="Trains with the right gradient, all the way, and prints losses and accuracies.",
)
training.go_on(held)
