"""Gradients that were computed elsewhere, held against backpropagation, differences and the complex step."""

import streamlit as st

from mlp.check.verdict import Verdict
from mlp.report import programs
from mlp.report.files import exchange
from mlp.report.tables import given, tensors
from pages.ui import address, arithmetic, compute, entries, shell, stage, uploads, widgets

TITLES = {
    Verdict.CONSISTENT: "These gradients are right",
    Verdict.WRONG: "These gradients are wrong",
    Verdict.CANNOT_TELL: "It cannot be told at this step",
}

experiment = shell.settings()

stage.opening(
    "Your gradients",
    "Exercise 2.1, section 4: your own gradients",
    "Take this problem along, compute its gradients with code of your own, in any language, and bring them back. Each "
    "is compared with differences, the complex step and backpropagation, and what is wrong is named from the numbers "
    "alone.",
)

left, right = st.columns([2, 3])
with left:
    st.subheader("1. Take the problem along", anchor=False)
    with st.container(horizontal=True):
        widgets.download(
            "Weights, input, target (NPZ)",
            lambda: exchange.problem_npz(experiment),
            exchange.PROBLEM_FILE,
            "application/octet-stream",
        )
        widgets.download(
            "Settings and shapes (JSON)",
            lambda: exchange.problem_json(experiment).encode(),
            exchange.SETTINGS_FILE,
            "application/json",
        )
    st.subheader(
        "2. Bring your gradients back",
        anchor=False,
        help="One NPZ; or one CSV with the columns `tensor`, `i`, `j`, `gradient`; or a plain matrix as CSV for each "
        "tensor, the file named after it. Names such as `W1`, `fc1.weight` and `layers.0.W` are understood.",
    )
    uploads.uploader(experiment)
    widgets.download(
        "A file to try it with: somebody's mistake",
        lambda: exchange.sample_npz(experiment),
        "sample.npz",
        "application/octet-stream",
    )

with right:
    st.subheader("3. How they compare")
    shown = uploads.brought(experiment)
    uploads.about(shown, experiment)
    held_against = compute.references(shown.experiment)
    result = given.compared(held_against.numerical, held_against.complex_step, shown.gradients)
    if not shown.is_example:  # no answer before there is a question
        widgets.verdict(result.numerical, TITLES)
    if result.numerical.verdict is Verdict.CANNOT_TELL:
        st.markdown(
            f"The complex step, which subtracts nothing, says: **{result.complex_step.verdict.words}**. "
            f"{address.plain(result.complex_step.summary)}"
        )
    name = widgets.choice(
        "Tensor",
        list(result.numerical),
        [tensors.verdict_markdown(check) for check in result.numerical.values()],
        "of",
        "The weights W and biases b of each layer, and the input x.",
    )
    checks = result.beside(name)
    maps = st.container()
    beside = widgets.segments("Compared with", tuple(checks), "beside")
    check = checks[beside]
    asked = entries.asked(result.numerical)
    with maps:
        entries.maps_of_asked(check, asked, None, "their_gradients", ("yours", beside))
    if not shown.is_example:
        widgets.tensor_verdict(result.numerical[name])
    st.caption("Click a cell to see where its gradient comes from.")

arithmetic.explained(
    asked,
    held_against.problem,
    result.numerical,
    (shown.experiment,),
    "" if shown.is_example else "The gradient that you brought is",
)

widgets.programs(
    lambda: programs.computing(experiment),
    "Ready code for step 1: numpy, PyTorch, JAX",
    f"Loads {exchange.PROBLEM_FILE}, computes every gradient and saves them as {exchange.GRADIENTS_FILE}.",
    ("ready", "library"),
)

st.markdown("**All tensors**")
widgets.table(given.summary(result, shown.origins))
st.caption(
    f"The verdict follows from the error bars of {shown.experiment.method} differences with "
    f"h = {shown.experiment.eps:g}, the last one from those of the complex step. Off is the largest difference of any "
    "entry; analytical is the dashboard's own backpropagation."
)
st.markdown(f"**The entries of {name} that differ most**")
widgets.table(given.worst_entries(result, name))

with st.container(horizontal=True):
    widgets.download(f"{name} as CSV", lambda: tensors.to_csv(given.entries(result, name)), f"{name}.csv", "text/csv")
    widgets.download(
        "All tensors as CSV", lambda: tensors.to_csv(given.all_entries(result)), "gradients.csv", "text/csv"
    )

st.subheader("The same in Python")
st.caption(widgets.NEEDS_MLP)
st.code(programs.checking(shown.experiment), language="python", wrap_lines=True)
