"""The exercise's opening: a derivative measured instead of derived, step by step, and the reshaping trick."""

import streamlit as st

from mlp.differences.estimates import estimates
from mlp.differences.examples import EXAMPLES
from mlp.report import latex, programs
from mlp.report.figures import curves
from mlp.report.figures.matrices import Matrix, clickable_matrices
from mlp.report.tables import examples, tensors
from pages.ui import editor, entries, shell, stage, widgets

experiment = shell.settings()

stage.opening(
    "Finite differences",
    "Exercise 2.1, introduction: numerical_gradient",
    "Move an input a small step to either side, see how the function changes, divide: a *numerical* derivative needs "
    r"nothing but values of the function. How near it comes to the analytical one depends on the step $\epsilon$ and "
    "on the method.",
)

left, right = st.columns([2, 3])
with left:
    example = EXAMPLES[widgets.selection("Function", list(EXAMPLES), "function", "What is differentiated.")]
    with st.container(horizontal=True):
        x = editor.point(example)
        eps = editor.step(0.5)
    inputs, outputs = examples.input_names(example), examples.output_names(example)
    with st.container(horizontal=True):
        chosen = inputs.index(widgets.segments("Move the input", inputs, "component"))
        output = outputs.index(widgets.segments("Watch the output", outputs, "output"))
index = latex.place(x, chosen)
with right:
    widgets.figure(
        curves.secant(example, x, index, output, eps),
        f"{outputs[output]} along {inputs[chosen]} with its tangent and the secant from {eps:g} below to {eps:g} above",
        "secant",
    )
st.latex(example.formula)
st.latex(latex.analytical(example, x))
st.markdown(example.note)

st.subheader("Step by step")
st.markdown(
    r"The central difference: $f$ a step $\epsilon$ above and a step $\epsilon$ below, over the distance of the two."
)
places = latex.shown(x, index)
with st.container(horizontal=True):
    for place in places:
        with st.container(width="content" if len(places) > 1 else "stretch"):
            st.latex(latex.quotient(example, x, place, output, eps))
            st.caption(latex.compared(example, x, place, output, eps))

st.subheader("Every method")
results = estimates(example, x, index, output, eps)
widgets.table(examples.methods(results))
st.markdown(examples.remarks(results))
st.caption(
    f"The derivative of {outputs[output]} with respect to {inputs[chosen]} with eps = {eps:g}; the error is the value "
    f"minus the analytical derivative. In the sidebar, {experiment.method} is chosen for the network."
)

if example.outputs > 1:
    st.subheader("The Jacobian")
    jacobians = examples.jacobians(example, x, eps)
    if x.ndim > 1:
        st.markdown(latex.reshaping(x.shape, example.outputs))
    shown = [Matrix(name, values, outputs, inputs) for name, values in jacobians.items()]
    click = entries.cell_chosen("jacobians", {"output": outputs, "component": inputs})
    widgets.figure(clickable_matrices(shown), "The analytical and the numerical Jacobian", "jacobians", click)
    st.caption("Click a cell to see its difference step by step, above.")

with st.container(horizontal=True):
    widgets.download(
        "Methods as CSV",
        lambda: tensors.to_csv(examples.methods_csv(results)),
        "finite-difference-methods.csv",
        "text/csv",
    )
    widgets.download(
        "Derivatives as CSV",
        lambda: tensors.to_csv(examples.entries(example, x, eps)),
        "finite-difference-derivatives.csv",
        "text/csv",
    )

widgets.programs(lambda: programs.finite_differences(example, x, eps))
