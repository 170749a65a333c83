"""Where a number of a figure comes from: its arithmetic with the numbers put in, by backpropagation and differences."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
import streamlit as st

from mlp.check.report import GradientReport
from mlp.lab.experiment import Experiment
from mlp.nn.arrays import Array
from mlp.nn.derivation import Index
from mlp.nn.layers import Layer
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, Problem
from mlp.nn.trace import Step
from mlp.report import derivation, latex
from mlp.report.derivation import BothWays
from mlp.report.figures import steps
from mlp.report.figures.matrices import Matrix
from mlp.report.numbers import entry
from pages.ui import drawn, entries
from pages.ui.entries import Place


def both_ways(
    place: Place, problem: Problem[Sequential], report: GradientReport, settings: tuple[Hashable, ...] | None
) -> BothWays:
    """Both ways to an entry of a problem, with the report's step and method.

    Kept for all who have the same settings, from which the problem follows; None if it is a visitor's own.
    """
    of = problem, *place, report.eps, report.method
    return drawn.text((*settings, place), derivation.both_ways, *of) if settings else derivation.both_ways(*of)


def written(ways: BothWays, go_to: Callable[[str, Index], None] | None = None) -> None:
    """Show where a number comes from, with buttons to others along the way if something goes there."""
    lines = []
    if ways.forward:
        lines += ["**Forward**, in this unit:", *(f"- ${text}$" for text in ways.forward), ""]
    if ways.backward:
        lines += ["**By backpropagation**, from the entry back to the loss, along the largest term of each sum:", ""]
        lines += [f"- {layer}: ${text}$" for layer, text in ways.backward]
    if lines:
        st.markdown("\n".join(lines))
    if ways.biases and go_to:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("The gradient of a bias is the dy of its layer. On to", width="content")
            for tensor, where in ways.biases.items():
                st.button(entry(tensor, where), on_click=go_to, args=(tensor, where), key=f"to_{tensor}")
    if ways.difference:
        st.markdown(f"**By differences**, all else held: the loss c with {ways.moved} moved by steps of h.")
        st.latex(ways.difference)


def explained(
    place: Place | None,
    problem: Problem[Sequential],
    report: GradientReport,
    settings: tuple[Hashable, ...] | None,
    instead: str = "",
    is_secret: bool = False,
) -> None:
    """Where the entry that was clicked comes from, in a problem whose backward is right; nothing if none was.

    Args:
        place: the entry.
        problem: the right one, whatever the report is of.
        report: what the page shows.
        settings: what the problem follows from, as in `both_ways`.
        instead: the start of a sentence that says whose the report's gradients are, if they need not be right.
        is_secret: whether that is still to be found out, and only the difference may be seen beside it.
    """
    if place is None:
        return
    heading(f"Where {entry(*place)} comes from", entries.NUMBER)
    if instead:
        name, index = place
        rest = "" if is_secret else " The right gradient is made of these numbers:"
        st.markdown(f"{instead} **{_told(float(report[name].analytical[index]))}** here.{rest}")
    ways = both_ways(place, problem, report, settings)
    written(BothWays(moved=ways.moved, difference=ways.difference) if is_secret else ways, entries.asking)


def _told(value: float) -> str:
    return "no number" if np.isnan(value) else f"{value:.6g}"


def heading(text: str, key: str) -> None:
    """What the arithmetic that follows is of, and the button that closes it again; `key` is where the entry is kept."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(text, anchor=False, width="content")
        st.button("Close", on_click=entries.forget, args=(key,), key=f"close_{key}", icon=":material/close:")


def of_layer(layer: Layer, x: Array, dy: Array, place: Place, experiment: Experiment) -> None:
    """Both ways to an entry of what a layer alone, or a network, makes of dy, by the experiment's step and method."""
    name, index = place
    tensor = name if name == INPUT or isinstance(layer, Sequential) else f"layer.{name}"
    problem = derivation.alone(layer, x, dy)
    ways = derivation.both_ways(problem, tensor, index, experiment.eps, experiment.method)
    several = len(ways.backward) > 1
    st.markdown("\n".join(f"- {part}: ${line}$" if several else f"${line}$" for part, line in ways.backward))
    st.latex(ways.difference)
    st.caption("Above by backpropagation, below by differences of c = dy @ y.")


def jacobians(
    layer: Layer,
    x: Array,
    content: Sequence[tuple[str, Matrix]],
    alt: str,
    setting: str,
    settings: tuple[Hashable, ...],
    experiment: Experiment,
) -> None:
    """Jacobians of a layer or network, and below them the arithmetic of the cell that was clicked last, if any.

    Args:
        layer: whose they are.
        x: one sample, at which they are taken.
        content: the tensor that each is with respect to, and the Jacobian.
        alt: they in words.
        setting: what keeps the cell.
        settings: what the Jacobians follow from.
        experiment: for step and method of the difference.
    """
    place = entries.kept(setting, {name: matrix.values.shape for name, matrix in content})
    entries.matrices(content, place, alt, f"{setting}_maps", setting, settings)
    if place is None:
        st.caption("Click a cell to see its arithmetic.")
        return
    name, (output, column) = place
    index = latex.place(x if name == INPUT else layer.parameters()[name], column)
    rows = len(content[0][1].values)
    others = " and every other entry of dy is 0" if rows > 1 else ""
    heading(f"dy[{output}] / d{entry(name, index)}", setting)
    st.markdown(
        f"It is what `backward` gives for {entry(name, index)} where dy[{output}] is 1{others}. Then c = dy @ y is "
        f"y[{output}] alone."
    )
    of_layer(layer, x, np.eye(rows)[output], (name, index), experiment)


def step(shown: Step, place: Place | None, problem: Problem[Sequential], experiment: Experiment) -> None:
    """The arrays of a step of both passes as maps, and where the number comes from whose cell was clicked last."""
    content = [(f"{shown.name}.{name}", Matrix(name, array)) for name, array in steps.arrays(shown).items()]
    key, alt = f"{shown.direction} {shown.name}", f"The numbers of the step: {steps.title(shown)}"
    entries.matrices(content, place, alt, key, entries.IN_STEP, (experiment, key))
    if place is None or place[0] not in dict(content):
        return
    heading(f"Where {entry(*place)} comes from", entries.IN_STEP)
    layer, array = place[0].split(".")
    how = experiment.eps, experiment.method
    written(drawn.text((experiment, place), derivation.in_pass, problem, layer, array, place[1], *how))
