"""Every gradient of the network, tensor by tensor: analytical, numerical, and how they differ."""

import streamlit as st

from mlp.report import programs
from mlp.report.figures import heatmaps
from mlp.report.tables import tensors
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
    [tensors.verdict_markdown(check) for check in report.values()],
    "tensor",
    "The weights W and biases b of each layer, and the input x.",
)
check = report[name]
panel = widgets.segments("Show", ("all", "all with error bars", *heatmaps.PANELS, heatmaps.RATIO), "panel")
panels = {"all": heatmaps.PANELS, "all with error bars": (*heatmaps.PANELS[:2], heatmaps.RATIO)}.get(panel, (panel,))
widgets.tensor_verdict(check)
widgets.figure(heatmaps.comparison(check, panels), heatmaps.alt_text(check), "gradients")
note = heatmaps.reduction_note(check)
if note:
    st.caption(note)

st.subheader(f"The entries of {name} that differ most")
widgets.table(tensors.worst_entries(problem, report, name))
st.caption(
    f"c is the loss; {experiment.method} differences with h = {experiment.eps:g}. The error bar is the largest "
    "difference that the errors of both gradients explain; entries are ordered by their difference in units of it."
)

st.subheader("All tensors")
widgets.table(tensors.summary(report))
st.caption(
    "The verdict follows from error bars. Beside it stands what fixed tolerances say: np.allclose and torch's "
    "gradcheck with their defaults, and the relative error as the CS231n course reads it. They fail right code and "
    "pass wrong code."
)

with st.container(horizontal=True):
    widgets.download(f"{name} as CSV", lambda: tensors.to_csv(tensors.entries(check)), f"{name}.csv", "text/csv")
    widgets.download(
        "All tensors as CSV", lambda: tensors.to_csv(tensors.all_entries(report)), "gradients.csv", "text/csv"
    )
    widgets.download("Everything as ZIP", lambda: compute.packed(experiment), "gradient-lab.zip", "application/zip")

widgets.programs(lambda: programs.gradient_check(experiment, name))
