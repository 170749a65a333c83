"""Every gradient of the network, tensor by tensor: analytical, numerical, and how they differ."""

import streamlit as st

from mlp.report import heatmaps, programs, tables
from pages.ui import address, compute, shell, widgets

experiment = shell.settings()

st.title("Gradient check")
st.markdown(
    "Each gradient that `backward` computed, beside the one measured by moving the entry a small step and watching the "
    "loss. Where the two agree to many digits, the third map is dark."
)
address.show()
problem, report, _ = compute.checked(experiment)
widgets.verdict(report)

name = widgets.choice(
    "Tensor",
    list(report),
    [tables.verdict_markdown(check) for check in report.values()],
    "tensor",
    "The weights W and biases b of each layer, and the input x.",
)
check = report[name]
panel = widgets.segments("Show", ("all", *heatmaps.PANELS), "panel")
panels = heatmaps.PANELS if panel == "all" else (panel,)
widgets.figure(heatmaps.comparison(check, panels), heatmaps.alt_text(check), "gradients")
note = heatmaps.reduction_note(check)
if note:
    st.caption(note)

st.subheader(f"The entries of {name} that differ most")
widgets.table(tables.worst_entries(problem, report, name))
st.caption(
    f"c is the loss; {experiment.method} differences with h = {experiment.eps:g}. "
    "Entries are ordered by the part of np.allclose's tolerance that they use."
)

st.subheader("All tensors")
widgets.table(tables.summary(report))

with st.container(horizontal=True):
    widgets.download(f"{name} as CSV", lambda: tables.to_csv(tables.entries(check)), f"{name}.csv", "text/csv")
    widgets.download(
        "All tensors as CSV", lambda: tables.to_csv(tables.all_entries(report)), "gradients.csv", "text/csv"
    )
    widgets.download("Everything as ZIP", lambda: compute.packed(experiment), "gradient-lab.zip", "application/zip")

widgets.programs(lambda: programs.gradient_check(experiment, name))
