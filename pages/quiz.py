"""A quiz: a hidden bug, or none, to be found from the heatmaps alone."""

import streamlit as st

from mlp.lab.planted_bug import changes, within_reach
from mlp.report.figures import heatmaps
from pages.ui import arithmetic, bugs, drawn, entries, questions, shell, stage, widgets

experiment = shell.settings()

stage.opening(
    "Quiz",
    "Beyond exercise 2.1: what goes wrong in it",
    "There may be a bug in the backward pass of this network. Look at its gradients, analytical beside numerical, and "
    "say what is wrong, and in which layer. Everyone with the same address gets the same question.",
)

number, level = questions.number()
played = within_reach(experiment)
if played != experiment:
    bugs.instead("is too large to look for a bug in", changes(experiment, played))
asked = questions.asked(played, number, level)

of = played, number
drawn.figure(
    "The differences of all tensors side by side",
    "all",
    of,
    heatmaps.differences,
    asked.report,
    on_click=entries.tensor_asked("all", asked.report, "look"),
)
tensor = widgets.segments("Tensor", tuple(asked.report), "look")
clicked = entries.asked(asked.report)
entries.maps_of_asked(asked.report[tensor], clicked, of, "bug_maps")
st.caption(
    "A map without colours: no number there, or a gradient of the wrong shape. Gradients run from the loss backwards, "
    "so a bug also spoils what lies before its layer. Click a cell to see its numbers."
)

answer = questions.answer(played, number, level)
arithmetic.explained(clicked, asked.problem, asked.report, (played,), "Backward gives", is_secret=answer is None)
questions.ask(played, number, level, asked)
if answer:
    questions.reveal(asked, answer, of, clicked)
questions.score()
