"""Section 3 of the exercise: the linear layer, its three Jacobians and its three gradients."""

from functools import partial

import streamlit as st

from mlp.check.jacobians import check_products, jacobian_error
from mlp.lab.lessons import LinearProblem, linear_problem
from mlp.nn.trace import jacobians_by_backward
from mlp.report import programs
from mlp.report.figures import heatmaps
from mlp.report.figures.matrices import Matrix
from mlp.report.numbers import brief
from mlp.report.programs import exercise
from mlp.report.tables import tensors
from mlp.report.tables.tensors import entry_names
from pages.ui import arithmetic, drawn, editor, entries, shell, stage, widgets

MAX_SIZE = 8

experiment = shell.settings()

stage.opening(
    "Linear layer",
    "Exercise 2.1, section 3: A linear layer",
    "The layer computes $y = W x + b$. Backward it receives $dy$, the gradient with respect to its output, and owes "
    "three answers: $dx$ for the layer before it, $dW$ and $db$ for its own parameters.",
)

left, right = st.columns([2, 3])
with left, st.container(horizontal=True):
    sizes = [str(size) for size in range(1, MAX_SIZE + 1)]
    inputs = int(widgets.selection("Inputs", sizes, "inputs", "Length of x.", default="2"))
    outputs = int(widgets.selection("Outputs", sizes, "outputs", "Length of y, b and dy.", default="3"))
given = linear_problem(experiment.seed, inputs, outputs)
with left, st.container(horizontal=True):
    with st.container(width="content"):
        values = editor.edited("W", {"lin_W": given.W}, "As drawn from the seed in the sidebar: x, then W, then b.")
    with st.container(width="content"):
        values |= editor.edited("x", {"lin_x": given.x}, "As drawn from the seed in the sidebar.")
    with st.container(width="content"):
        values |= editor.edited(
            "b and dy", {"lin_b": given.b, "lin_dy": given.dy}, "b as drawn; dy = 1, 2, 3 as in the exercise."
        )
problem = LinearProblem(values["lin_x"], values["lin_W"], values["lin_b"], values["lin_dy"])
layer = problem.layer()

checks = check_products(layer, problem.x, problem.dy, experiment.eps, experiment.method)
with right:
    name = widgets.choice(
        "Gradient",
        ["W", "b", "x"],
        [tensors.verdict_markdown(checks[name]) for name in ("W", "b", "x")],
        "gradient",
        "dW, db or dx.",
    )
    check = checks[name]
    maps = st.container()
    index = entries.chosen(check)
    with maps:
        settings = experiment, drawn.numbers(*values.values())
        entries.maps_of_chosen(check, heatmaps.PANELS, index, settings, "gradient_maps")
    st.markdown("In numpy: `dx = dy @ W`, `dW = np.outer(dy, x)`, `db = dy`.")
    arithmetic.of_layer(layer, problem.x, problem.dy, (name, index), experiment)
    widgets.tensor_verdict(check)

st.subheader("The Jacobians")
st.markdown(
    "`numerical_gradient` takes vectors to vectors. To differentiate with respect to the matrix W, flatten it row by "
    f"row: `lambda w: linear_forward(x, w.reshape({outputs}, {inputs}), b)` is a function of {outputs * inputs} "
    f"number{'s' if outputs * inputs > 1 else ''}, and its Jacobian has shape ({outputs}, {outputs}·{inputs}). Each "
    "output depends on its own row of W only. Multiplied by dy from the left, each Jacobian gives a gradient: $dW$ is "
    f"$dy \\cdot \\partial y / \\partial W$, reshaped to ({outputs}, {inputs})."
)
jacobians = jacobians_by_backward(layer, problem.x)
rows = entry_names("y", (outputs,))
shown = [
    (name, Matrix(f"dy/d{name}", jacobians[name], rows, entry_names(name, tensor.shape)))
    for name, tensor in (("x", problem.x), ("W", problem.W), ("b", problem.b))
]
alt = "The Jacobians of y with respect to x, W and b"
arithmetic.jacobians(layer, problem.x, shown, alt, entries.JACOBIAN, settings, experiment)
st.caption(
    "Analytical: row i is what `backward` makes of dy = e_i. The numerical Jacobians differ from these by at most "
    f"{brief(jacobian_error(layer, problem.x, experiment.eps, experiment.method))}."
)
with st.container(horizontal=True):
    widgets.download(
        "Gradients as CSV", lambda: tensors.to_csv(tensors.all_entries(checks)), "linear-gradients.csv", "text/csv"
    )
    for name, jacobian in jacobians.items():
        widgets.download(
            f"dy/d{name} as CSV",
            partial(tensors.matrix_csv, jacobian),
            f"linear-dy-d{name}.csv",
            "text/csv",
        )

widgets.cell(exercise.linear(problem))
widgets.programs(
    lambda: programs.linear(
        problem.W, problem.x, problem.b, problem.dy, experiment.eps, experiment.method, experiment.seed
    )
)
