"""Every gradient of the network, tensor by tensor: analytical, numerical, and how they differ."""

import streamlit as st

from mlp import loss_hessian
from mlp.report import derivation, latex, numbers, programs
from mlp.report.figures import heatmaps
from mlp.report.figures.matrices import Matrix
from mlp.report.tables import tensors
from pages.ui import arithmetic, compute, drawn, entries, shell, stage, widgets

# The Hessian of a tensor has as many rows and columns as the tensor has entries.
MAX_HESSIAN = 64

experiment = shell.settings()

stage.opening(
    "Gradient check",
    "Exercise 2.1, section 4: every gradient at once",
    "Each gradient that `backward` computed, beside the one measured by moving the entry a small step and watching the "
    "loss. Where the two agree to many digits, the third map is dark.",
)
problem, report, _ = compute.checked(experiment)
widgets.verdict(report)

name = widgets.choice(
    "Tensor",
    list(report),
    [tensors.verdict_markdown(check) for check in report.values()],
    "tensor",
    "A tensor is an array of numbers: the weights W and biases b of each layer, and the input x. "
    "An entry is one number of it. An error bar is how far the two gradients of an entry may lie apart though both are "
    "right, for rounding and the step make each a little wrong.",
)
check = report[name]
maps = st.container()
with st.container(horizontal=True):
    panel = widgets.segments("Show", ("all", "all with error bars", *heatmaps.PANELS, heatmaps.RATIO), "panel")
    index = entries.chosen(check)
panels = {"all": heatmaps.PANELS, "all with error bars": (*heatmaps.PANELS[:2], heatmaps.RATIO)}.get(panel, (panel,))
with maps:
    entries.maps_of_chosen(check, panels, index, (experiment,), "gradients")
widgets.tensor_verdict(check)

st.subheader(f"Where {numbers.entry(name, index)} comes from")
arithmetic.written(arithmetic.both_ways((name, index), problem, report, (experiment,)), entries.go_to)

st.subheader(f"The entries of {name} that differ most")
drawn.table((experiment, name), tensors.worst_entries_with_losses, problem, report, name)
st.caption(
    f"c is the loss; {experiment.method} differences with h = {experiment.eps:g}. The error bar is the largest "
    "difference that the errors of both gradients explain; entries are ordered by their difference in units of it."
)

with widgets.unfolding("Second derivatives: the Hessian", "hessian") as second:
    if second.open and check.analytical.size > MAX_HESSIAN:
        st.markdown(
            f"{name} has {check.analytical.size:,} entries, too many for a map of all pairs. Choose a tensor of at "
            f"most {MAX_HESSIAN}, such as a bias."
        )
    elif second.open:
        value, error = loss_hessian(*problem, name)
        names = tensors.entry_names(name, check.analytical.shape)
        pairs = entries.kept(entries.HESSIAN, {name: value.shape})
        content = [(name, Matrix(f"d²c / d{name}²", value, names, names))]
        alt = f"The Hessian with respect to {name}"
        entries.matrices(content, pairs, alt, "hessian_maps", entries.HESSIAN, (experiment, name, "hessian"))
        if pairs:
            row, column = (latex.place(check.analytical, k) for k in pairs[1])
            moves = f"{numbers.entry(name, row)} changes as {numbers.entry(name, column)} moves"
            arithmetic.heading(f"How the gradient of {moves}", entries.HESSIAN)
            st.latex(derivation.second(problem, name, row, column))
        st.caption(
            "Row i, column j: how the gradient of entry i changes as entry j moves, by central differences of the "
            f"gradients that backward gives, off by at most {numbers.brief(float(error.max()))}."
        )

st.subheader("All tensors")
drawn.table((experiment,), tensors.summary, report)
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
