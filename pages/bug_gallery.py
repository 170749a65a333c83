"""Well-known wrong backward passes: each one's line of code, its heatmaps, and what the check says of it."""

import streamlit as st

from mlp.check.gallery import GALLERY
from mlp.report import programs
from mlp.report.tables import fixed_rules, tensors
from pages.ui import address, bugs, drawn, shell, widgets

TELLING = "most telling"

experiment = shell.settings()

st.title("Bug gallery")
st.markdown(
    f"{len(GALLERY)} ways to get `backward` wrong. Choose one: it is planted in the network of the sidebar, and the "
    "check, which does not know what was planted, has to find it."
)
address.show()

name = st.selectbox(
    "Bug", list(GALLERY), list(GALLERY).index("derivative missing"), key="bug", bind="query-params", width=420
)
address.check("bug", list(GALLERY), name)
bugs.story(GALLERY[name])

shown = bugs.placed(name, experiment)
if shown.changes:
    bugs.instead("has no place for this bug, or is too large to check at a glance", shown.changes)
place = widgets.segments("Planted in", shown.places, "place", shown.places[-1])
report, sentences, telling, changes_values = bugs.diagnosed(name, shown.experiment, place)

bugs.diagnosis(report, sentences)
if not changes_values:
    bugs.no_value_changed(report)

seen = widgets.segments("Tensor", (TELLING, *report), "seen")
tensor = telling if seen == TELLING else seen
st.markdown(f"**{tensor}**: {report[tensor].verdict.words}.")
settings = shown.experiment, name, place
bugs.maps(report, tensor, settings)

st.subheader("What fixed rules say of it")
st.markdown(fixed_rules.misjudged(report))
drawn.table(settings, fixed_rules.readings, report)
st.caption(f"a is the analytical, n the numerical gradient. {fixed_rules.formulas()}")

with st.container(horizontal=True):
    widgets.download("Table as CSV", lambda: tensors.to_csv(fixed_rules.readings(report)), "bug-rules.csv", "text/csv")
    widgets.download("Gradients as CSV", lambda: tensors.to_csv(tensors.all_entries(report)), "bug.csv", "text/csv")

widgets.programs(lambda: programs.bug(shown.experiment, name, place))
