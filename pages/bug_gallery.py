"""Well-known wrong backward passes: each one's line of code, its heatmaps, and what the check says of it."""

import streamlit as st

from mlp.check.gallery import GALLERY, groups
from mlp.lab.planted_bug import why_not
from mlp.report import programs
from mlp.report.tables import fixed_rules, tensors
from pages.ui import arithmetic, bugs, drawn, entries, shell, stage, widgets

TELLING = "most telling"
SLIP = "derivative missing"  # the one that is made most

experiment = shell.settings()

stage.opening(
    "Bug gallery",
    "Beyond exercise 2.1: what goes wrong in it",
    f"{len(GALLERY)} ways to get `backward` wrong. Choose one: it is planted in the network of the sidebar, and the "
    "check, which does not know what was planted, has to find it.",
)

left, right = st.columns([2, 3])
with left:
    group = widgets.selection("Bugs of", list(groups()), "group", "Where in a network they are made.", width="stretch")
    names = groups()[group]
    name = widgets.selection(
        "Bug", names, "bug", "Type a few letters to find one.", SLIP if SLIP in names else None, "stretch"
    )
    shown = bugs.placed(name, experiment)
    place = widgets.segments("Planted in", shown.places, "place", shown.places[-1])
    bugs.story(GALLERY[name])
    if shown.changes:
        bugs.instead(" and ".join(why_not(shown.bug, experiment, shown.experiment)), shown.changes)
report, sentences, telling, changes_values = bugs.diagnosed(name, shown.experiment, place)
settings = shown.experiment, name, place
with right:
    maps = st.container()
    seen = widgets.segments("Tensor", (TELLING, *report), "seen")
    tensor = telling if seen == TELLING else seen
    asked = entries.asked(report)
    with maps:
        entries.maps_of_asked(report[tensor], asked, settings, "bug_maps")
    st.caption("Click a cell to see where its gradient comes from.")
st.markdown(f"**{tensor}**: {report[tensor].verdict.words}.")
if asked is not None:
    unspoiled, of = shown.experiment.problem(), (shown.experiment,)
    arithmetic.explained(asked, unspoiled, report, of, f"With the bug in {place} backward gives")
bugs.diagnosis(report, sentences)
if not changes_values:
    bugs.no_value_changed(report)

st.subheader("What fixed rules say of it")
st.markdown(fixed_rules.misjudged(report))
drawn.table(settings, fixed_rules.readings, report)
st.caption(f"a is the analytical, n the numerical gradient. {fixed_rules.formulas()}")

with st.container(horizontal=True):
    widgets.download("Table as CSV", lambda: tensors.to_csv(fixed_rules.readings(report)), "bug-rules.csv", "text/csv")
    widgets.download("Gradients as CSV", lambda: tensors.to_csv(tensors.all_entries(report)), "bug.csv", "text/csv")

widgets.programs(lambda: programs.bug(shown.experiment, name, place))
