"""Section 2 of the exercise: backpropagation through a function applied element by element."""

import streamlit as st

from mlp.check.jacobians import check_products, jacobian_error
from mlp.lab.lessons import activation_input
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.problem import INPUT
from mlp.nn.trace import input_jacobian
from mlp.report import programs
from mlp.report.figures import curves, heatmaps
from mlp.report.figures.matrices import Matrix
from mlp.report.numbers import brief
from mlp.report.programs import exercise
from mlp.report.tables import tensors
from pages.ui import arithmetic, drawn, editor, entries, shell, stage, widgets

experiment = shell.settings()

stage.opening(
    "Activations",
    "Exercise 2.1, section 2: Activation functions",
    "An activation acts on each element by itself: $y_i = f(x_i)$. No output depends on another element's input, so "
    "the Jacobian is diagonal, and backpropagation multiplies $dy$ by $f'(x)$ element by element.",
)

activation = ACTIVATIONS[experiment.activation]()
given = activation_input(experiment.seed)
left, right = st.columns([2, 3])
with left:
    values = editor.edited(
        "Input x, and the gradient dy that comes back",
        {"act_x": given.x, "act_dy": given.dy},
        "As drawn: x from the seed in the sidebar, dy = 1, 2, 3 as in the exercise.",
    )
    st.latex(rf"f(x) = {activation.formula}")
    st.latex(rf"f'(x) = {activation.derivative_formula}")
x, dy = values["act_x"], values["act_dy"]
with right:
    drawn.figure(
        f"{experiment.activation} and its derivative, with the points x",
        "curves",
        (experiment.activation, drawn.numbers(x)),
        curves.activation_curves,
        activation,
        x,
    )

st.subheader(
    "From dy to dx: the vector-Jacobian product",
    help="The vector dy times the Jacobian, the matrix of all derivatives of outputs with respect to inputs. Every "
    "backward is one, and none has to make the matrix.",
)
check = check_products(activation, x, dy, experiment.eps, experiment.method)[INPUT]
st.latex(r"dx_i = f'(x_i)\, dy_i \qquad dx = dy \cdot J, \quad J_{ij} = \frac{\partial y_i}{\partial x_j}")
widgets.tensor_verdict(check)
maps = st.container()
index = entries.chosen(check)
with maps:
    settings = experiment, drawn.numbers(x, dy)
    entries.maps_of_chosen(check, heatmaps.PANELS, index, settings, "dx_maps")
arithmetic.of_layer(activation, x, dy, (INPUT, index), experiment)

st.subheader("The Jacobian")
jacobian = input_jacobian(activation, x)
st.markdown(
    f"All {jacobian.size} numbers of it: zero beside the diagonal, which is why `backward` never builds it. The one "
    f"from {experiment.method} differences differs by at most "
    f"{brief(jacobian_error(activation, x, experiment.eps, experiment.method))}."
)
arithmetic.jacobians(
    activation,
    x,
    [(INPUT, Matrix("dy / dx", jacobian))],
    "The Jacobian of the activation",
    entries.JACOBIAN,
    (experiment.activation, drawn.numbers(x)),
    experiment,
)
with st.container(horizontal=True):
    widgets.download("dx as CSV", lambda: tensors.to_csv(tensors.entries(check)), "activation-dx.csv", "text/csv")
    widgets.download("Jacobian as CSV", lambda: tensors.matrix_csv(jacobian), "activation-jacobian.csv", "text/csv")

widgets.cell(exercise.activation(experiment.activation, x, dy))
widgets.programs(
    lambda: programs.activation(experiment.activation, x, dy, experiment.eps, experiment.method, experiment.seed)
)
