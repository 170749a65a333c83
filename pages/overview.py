"""The first page: in ten seconds, what this is and the answer for the network in the sidebar."""

import streamlit as st

from mlp.report import numbers
from mlp.report.figures import network, step_size
from mlp.report.files.exchange import versions
from pages.ui import arithmetic, bugs, compute, drawn, entries, shell, sidebar, stage, widgets

experiment = shell.settings()

stage.opening(
    "Gradient Lab",
    "Exercise 2.1: Backpropagation",
    "Backpropagation computes the gradient of a loss with respect to every weight. Is it right? Here each weight was "
    "moved by **a small step, eps**, and the loss measured. Break it, and move eps.",
)

problem, report, seconds = compute.checked(experiment)
plain = bugs.plain_bug(experiment)
with st.container(horizontal=True, vertical_alignment="center", gap="large"):
    label = f"Break it: `{plain[0].wrong}` in {plain[1]}" if plain else "Break it (only smaller networks)"
    broken = stage.switch(label, "broken", disabled=plain is None)
    sidebar.eps_beside()
planted = (plain[0].name, plain[1]) if broken and plain else None
if planted:
    report = bugs.diagnosed(planted[0], experiment, planted[1]).report
widgets.verdict(report)

check = next(iter(report.values()))
asked = entries.asked(report)
maps, curve = st.columns([3, 1])
with maps:
    entries.maps_of_asked(check, asked, (experiment, planted), "maps")
numerical = compute.numerical_by_step(experiment, check.name)
if numerical is not None:
    with curve:
        drawn.figure(
            f"The largest difference in {check.name} against eps",
            "by_step",
            (experiment, planted),
            step_size.difference_by_step,
            numerical,
            check.analytical,
            experiment.eps,
        )

arithmetic.explained(
    asked,
    problem,
    report,
    (experiment,),
    f"With the bug in {planted[1]} backward gives" if planted else "",
)

worst = report.worst
with st.container(horizontal=True):
    st.metric(
        "Worst difference",
        numbers.brief(abs(float(worst.difference[worst.worst]))),
        help="Of the entry that differs most for its error bar: how far its two gradients may lie apart though both "
        "are right, for rounding and the step make each a little wrong.",
        border=True,
    )
    st.metric(
        "Worst entry",
        numbers.entry(worst.name, worst.worst),
        help="An entry is one number of a tensor, such as a weight of fc1.W.",
        border=True,
    )
    st.metric("Loss", numbers.brief(report.loss), help=f"The {experiment.loss} of this input and target.", border=True)
    st.metric("Parameters", f"{experiment.parameters:,}", help="Weights and biases, every one checked.", border=True)
    st.metric("Checked in", numbers.duration(seconds), help="One backward pass and all differences.", border=True)

heading, toggle = st.columns([3, 2], vertical_alignment="bottom")
heading.subheader("The network")
with toggle:
    shown = widgets.segments("Edges show", ("weights", "gradients"), "edges")
edges = network.weights(problem.network) if shown == "weights" else network.weight_gradients(problem.network, report)
what = shown.removesuffix("s")
drawn.figure(
    network.alt_text(experiment.sizes, what),
    "diagram",
    (experiment, planted, what),
    network.diagram,
    problem.network,
    edges,
    what,
    on_click=entries.part_asked("diagram", tuple(edges), problem.x.ndim > 1),
)
st.caption("Click a cell of a map, a unit, or an edge near its start to see where its gradient comes from.")

st.subheader("Where to go next")
with st.container(horizontal=True):
    for name, label in (
        ("gradient_check", "Every gradient as a heatmap"),
        ("finite_differences", "What a difference is"),
        ("network", "Forward and backward, step by step"),
        ("step_size", "Which epsilon is best"),
    ):
        shell.link(name, label)

st.caption(
    f"Input {problem.x.shape}, target {problem.target.shape}, float64. "
    + ", ".join(f"{name} {version}" for name, version in versions().items())
)
