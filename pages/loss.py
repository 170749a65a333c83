"""Section 1 of the exercise: the loss, and its gradient with respect to the network's output."""

import streamlit as st

from mlp.check.jacobians import check_loss
from mlp.nn.losses import LOSSES
from mlp.report import derivation, programs
from mlp.report.figures import curves, heatmaps
from mlp.report.numbers import brief
from mlp.report.programs import exercise
from mlp.report.tables import tensors
from pages.ui import compute, drawn, editor, entries, shell, stage, widgets

experiment = shell.settings()

stage.opening(
    "Loss",
    "Exercise 2.1, section 1: Gradient of the loss",
    "The loss turns the network's output $y$ and the target $t$ into one number $c$. Its gradient "
    r"$\partial c / \partial y$ is where backpropagation starts: it tells each output which way is up.",
)

loss = LOSSES[experiment.loss]()
left, right = st.columns([2, 3])
with left:
    values = editor.edited(
        "Output y and target t",
        compute.first_sample(experiment),
        "As drawn: what the network in the sidebar makes of its first sample, and that sample's target.",
    )
y, target = values["loss_y"], values["loss_t"]
settings = experiment, drawn.numbers(y, target)
check = check_loss(loss, y, target, experiment.eps, experiment.method)
with right:
    maps = st.container()
widgets.tensor_verdict(check)
st.latex(rf"{loss.formula} = {brief(float(loss.apply(y, target)))}")

outputs = [str(k) for k in range(len(y))]
i = int(widgets.selection("Vary the output", outputs, "loss_i", "The index i of y. A click on a cell chooses it too."))
with maps:
    entries.maps_of_chosen(check, heatmaps.PANELS, (i,), settings, "loss_gradient", "loss_i")
st.markdown(f"${derivation.start(loss, y, target, (i,))}$")
st.latex(derivation.loss_quotient(loss, y, target, (i,), experiment.eps, experiment.method))
st.markdown(
    f"All else held, the loss follows the curve as $y_{{{i}}}$ varies. Its slope at the present "
    f"$y_{{{i}}} = {brief(y[i])}$ is the gradient's entry {i}: {brief(check.analytical[i])}."
)
drawn.figure(
    f"The loss along y[{i}] with its tangent",
    "loss_curve",
    (*settings, i),
    curves.loss_along,
    loss,
    y,
    target,
    i,
    check.analytical[i],
)
widgets.download("Gradient as CSV", lambda: tensors.to_csv(tensors.entries(check)), "loss-gradient.csv", "text/csv")

widgets.cell(exercise.loss(experiment.loss, y, target))
widgets.programs(lambda: programs.loss(experiment.loss, y, target, experiment.eps, experiment.method))
