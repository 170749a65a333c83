"""Somebody's own layers, losses and functions, checked each time they save the file."""

import streamlit as st

from mlp.report import foreign, heatmaps, tables
from pages.ui import address, answer, layers, options, shell, widgets

experiment = shell.settings()

st.title("Your layers")
st.markdown(
    "Every layer, loss and pair of functions in a module of your own: `forward` is run on a random $x$, `backward` on "
    r"a random $dy$, and each gradient is compared with differences of $c = \sum dy \cdot y$. No base class is needed, "
    "and no renaming."
)
address.show()

given = options.given()
if given.problem:
    st.error(address.plain(given.problem), title="The dashboard was started in a way it does not know")
if not given.layers:
    with st.container(border=True):
        st.markdown(
            "1. Start the dashboard with your file, `streamlit run app.py -- --layers path/to/my_layers.py`, or with "
            "the name of a module.\n"
            "2. Open this page. Your file runs in a process of its own; what loops for ever or crashes is cut off.\n"
            "3. Edit and save: the page follows within a second or two.\n\n"
            f"Until then you see **an example**, `{layers.EXAMPLE.name}`. One of its layers has a mistake in it."
        )
        widgets.download("Example module", layers.EXAMPLE.read_bytes, layers.EXAMPLE.name, "text/x-python")

shown = layers.checked(experiment)
if given.layers:
    layers.follow(shown)
problem = shown.result.problem
if problem is not None:
    answer.box("not checked", f"{shown.file} could not be checked", foreign.sentence(problem))
    answer.points(foreign.asides(shown.result.asides))
    answer.frames([problem])
    st.stop()

cases = foreign.labels(shown.result.cases)
widgets.table(foreign.summary(shown.result.cases))
if shown.result.asides:
    with st.expander(f"How {address.plain(shown.file)} was imported, and what was left out"):
        answer.points(foreign.asides(shown.result.asides))
name = widgets.selection("Show", list(cases), "case", "One of the layers, losses and functions in the module.")
case = cases[name]

first, *others = foreign.findings(case)
answer.box(case.status, foreign.title(case), first)
answer.points([*others, *foreign.asides(case.facts)])
answer.frames(case.problems)

if case.pairs:
    st.subheader("What was taken for what")
    widgets.table(foreign.pairing(case))
    st.caption(address.plain(foreign.reading(case)))
    st.markdown("If a guess is wrong, put this line into the module and say it right:")
    st.code(foreign.override(case), language="python", wrap_lines=True)

if case.report:
    st.subheader("Gradients")
    tensor = widgets.choice(
        "Gradient with respect to",
        list(case.report),
        [tables.verdict_markdown(check) for check in case.report.values()],
        "wrt",
        "The parameters whose gradients were found, and the input x.",
    )
    check = case.report[tensor]
    flat = foreign.flattened(check)
    third = widgets.segments("The third map shows", ("difference", heatmaps.RATIO), "third")
    panels = ("analytical", "numerical", third)
    widgets.figure(heatmaps.comparison(flat, panels, foreign.axes(check)), heatmaps.alt_text(check), "their_gradients")
    note = heatmaps.reduction_note(flat)
    if note:
        st.caption(note)
    st.markdown(f"**The entries of {address.plain(tensor)} that are furthest off**")
    widgets.table(foreign.worst_entries(check))
    st.caption(f"{case.report.method.name} differences with h = {case.report.eps:g}.")
    with st.container(horizontal=True):
        widgets.download(
            f"{tensor} as CSV", lambda: tables.to_csv(tables.entries(flat)), f"{name}-{tensor}.csv", "text/csv"
        )
        widgets.download(f"{name} as CSV", lambda: foreign.to_csv([case]), f"{name}.csv", "text/csv")
        widgets.download(
            "All of the module as CSV", lambda: foreign.to_csv(cases.values()), "gradients.csv", "text/csv"
        )

st.subheader("The same in a shell, and in a test suite")
st.code(foreign.commands(shown.spec, experiment.eps, experiment.method), language="sh", wrap_lines=True)
suite = foreign.suite(case, shown.spec)
if suite:
    st.code(suite, language="python", wrap_lines=True)
