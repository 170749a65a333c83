"""What eps does: truncation error on one side, round-off on the other, and the best step between them."""

import streamlit as st

from mlp.report import programs
from mlp.report.figures import step_size
from mlp.report.tables.tensors import to_csv
from pages.ui import compute, drawn, shell, stage, widgets

experiment = shell.settings()

stage.opening(
    "Step size",
    "Beyond exercise 2.1: its eps = 1e-4 under test",
    r"A large step sees the curve bend: *truncation* error, which shrinks like $\epsilon^p$ for a method of order $p$. "
    "A tiny step subtracts two nearly equal numbers: *round-off*, which grows like "
    r"$1 / \epsilon$. The best step lies between.",
)

problem = experiment.problem()
sizes = {name: tensor.size for name, tensor in problem.tensors().items()}
with st.container(horizontal=True):
    name = widgets.selection(
        "Gradient with respect to", list(sizes), "gradient_of", "The tensor whose entries are moved."
    )
    kind = widgets.segments("Error over its entries", step_size.ERRORS, "error")
result = compute.swept(experiment, name)

has_kinks = bool(problem.loss.kinks) or any(layer.kinks for layer in problem.network.layers.values())
st.info(
    step_size.verdict(result, sizes[name], kind, experiment.method, experiment.eps, has_kinks),
    icon=":material/straighten:",
)
drawn.figure(
    f"The {step_size.called(kind, result.truth.size, sizes[name])} error of every method in the gradient with respect "
    f"to {name} against eps, on logarithmic axes",
    "errors",
    (experiment, name, kind),
    step_size.errors_by_step,
    result,
    sizes[name],
    kind,
    experiment.method,
    experiment.eps,
)
st.caption(step_size.explanation(result, sizes[name], experiment.method))
drawn.table((experiment, name, kind), step_size.table, result, kind, experiment.eps)

with st.container(horizontal=True):
    widgets.download(
        "All errors as CSV",
        lambda: to_csv(step_size.all_steps(result, sizes[name])),
        f"step-size-{name}.csv",
        "text/csv",
    )
    widgets.download(
        "Best steps as CSV",
        lambda: to_csv(step_size.table(result, kind, experiment.eps)),
        f"step-size-{name}-best.csv",
        "text/csv",
    )

widgets.programs(lambda: programs.step_size(experiment, name))
