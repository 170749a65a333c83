"""Somebody's own layers, losses and functions, checked each time they save the file."""

from functools import partial

import streamlit as st

from mlp.nn.derivation import Index
from mlp.report import derivation
from mlp.report.figures import heatmaps
from mlp.report.numbers import entry
from mlp.report.tables import tensors, user_code
from pages.ui import address, arithmetic, entries, shell, stage, watch, widgets

experiment = shell.settings()


def clicked(tensor: str, leading: Index, index: Index) -> None:
    """Ask for the numbers of the entry at this index of a slice."""
    entries.ask(entries.THEIRS, (tensor, (*leading, *index)))


stage.opening(
    "Your layers",
    "Exercise 2.1, all sections: your own cells",
    "Every layer, loss and pair of functions in a module of your own: `forward` is run on a random $x$, `backward` on "
    r"a random $dy$, and each gradient is compared with differences of $c = \sum dy \cdot y$. No base class is needed, "
    "and no renaming.",
)

given = watch.given()
if given.problem:
    st.error(address.plain(given.problem), title="The dashboard was started in a way it does not know")
if not given.layers:
    with st.expander(f"You see an example, {watch.EXAMPLE.name}. How to check a file of your own"):
        st.markdown(
            "1. Start the dashboard with your file, `streamlit run app.py -- --layers path/to/my_layers.py`, with a "
            "notebook, `homework.ipynb`, or with the name of a module.\n"
            "2. Open this page. Your file runs in a process of its own; what loops for ever or crashes is cut off.\n"
            "3. Edit and save: the page follows within a second or two."
        )
        widgets.download("Example module", watch.EXAMPLE.read_bytes, watch.EXAMPLE.name, "text/x-python")

shown = watch.checked(experiment)
if given.layers:
    watch.follow(shown)
problem = shown.result.problem
if problem is not None:
    widgets.box("not checked", f"{shown.file} could not be checked", user_code.sentence(problem))
    widgets.points(user_code.asides(shown.result.asides))
    widgets.frames([problem])
    st.stop()

for sentence in user_code.lost(shown.result.asides):
    widgets.box("not checked", f"Not all of {shown.file} could be checked", sentence)
cases = user_code.labels(shown.result.cases)
left, right = st.columns([2, 3])
with left:
    name = widgets.selection(
        "Show",
        list(cases),
        "case",
        "One of the layers, losses and functions in the module. The first that is not right comes first.",
        user_code.first_to_see(cases),
    )
    st.caption(user_code.counted(shown.result.cases))
    case = cases[name]

    first, *others = user_code.findings(case)
    widgets.box(case.status, user_code.title(case), first)
    widgets.points([*others, *user_code.asides(case.facts)])
    widgets.frames(case.problems)

if case.report:
    with right:
        tensor = widgets.choice(
            "Gradient with respect to",
            list(case.report),
            [tensors.verdict_markdown(check) for check in case.report.values()],
            "wrt",
            "The parameters whose gradients were found, and the input x.",
        )
        check = case.report[tensor]
        places = heatmaps.slices(check)
        leading = places[0]
        if len(places) > 1:
            names = [entry(tensor, place) for place in places]
            chosen = widgets.selection("Slice", names, "slice", "The maps show the last two axes of this tensor.")
            leading = places[names.index(chosen)]
        matrix = heatmaps.sliced(check, leading)
        maps = st.container()
        third = widgets.segments("The third map shows", ("difference", heatmaps.RATIO), "third")
        panels = ("analytical", "numerical", third)
        place = entries.kept(entries.THEIRS, {name: one.analytical.shape for name, one in case.report.items()})
        index, axes = entries.framed(place, tensor), len(leading)
        framed = index[axes:] if index is not None and index[:axes] == leading else None
        with maps:
            ask = partial(clicked, tensor, leading)
            entries.maps(matrix, panels, framed, None, "their_gradients", ask, heatmaps.counted_axes(check))
        if place:
            arithmetic.heading(f"The two gradients of {address.plain(entry(*place))}", entries.THEIRS)
            st.latex(derivation.error_bar(case.report[place[0]], place[1]))
            st.caption(
                "a is by backward, n by differences; T is the truncation of the differences, R their round-off, A the "
                "rounding of backward."
            )
        else:
            st.caption("Click a cell to see its numbers.")
    st.subheader(f"The entries of {address.plain(tensor)} that are furthest off")
    widgets.table(tensors.worst_entries(check))
    st.caption(f"By {case.report.method.name} differences with h = {case.report.eps:g}.")
    with st.container(horizontal=True):
        widgets.download(
            f"{tensor} as CSV", lambda: tensors.to_csv(tensors.entries(check)), f"{name}-{tensor}.csv", "text/csv"
        )
        widgets.download(f"{name} as CSV", lambda: user_code.to_csv([case]), f"{name}.csv", "text/csv")
        widgets.download(
            "All of the module as CSV", lambda: user_code.to_csv(cases.values()), "gradients.csv", "text/csv"
        )

if case.pairs:
    st.subheader("What was taken for what")
    widgets.table(user_code.pairing(case))
    st.caption(address.plain(user_code.reading(case)))
    st.markdown("If a guess is wrong, put this line into the module and say it right:")
    st.code(user_code.override(case), language="python", wrap_lines=True)

st.subheader(f"All of {address.plain(shown.file)}")
widgets.table(user_code.summary(shown.result.cases))
if shown.result.asides:
    with st.expander(f"How {address.plain(shown.file)} was imported, and what was left out"):
        widgets.points(user_code.asides(shown.result.asides))

st.subheader("The same in a shell, and in a test suite")
st.code(user_code.commands(shown.spec, experiment.eps, experiment.method), language="sh", wrap_lines=True)
suite = user_code.suite(case, shown.spec)
if suite:
    st.code(suite, language="python", wrap_lines=True)
