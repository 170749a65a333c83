"""Where a number of a figure comes from: its arithmetic with the numbers put in, by backpropagation and differences."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import streamlit as st

from mlp.check.report import GradientReport
from mlp.lab.experiment import Experiment
from mlp.nn.arrays import Array
from mlp.nn.derivation import Index
from mlp.nn.layers import Layer
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, Problem
from mlp.report import derivation
from mlp.report.figures.matrices import Matrix, clickable_matrices
from mlp.report.numbers import entry
from pages.ui import compute, drawn, entries
from pages.ui.entries import Place


def both_ways(
    experiment: Experiment,
    problem: Problem[Sequential],
    report: GradientReport,
    place: Place,
    go_to: Callable[[str, Index], None] = entries.go_to,
) -> None:
    """Both ways to an entry of the experiment's problem, and buttons along the analytical one that `go_to` others.

    Of the report, step and method count, which are the experiment's.
    """
    text, biases, difference = drawn.text((experiment, place), _written, experiment, problem, report, place)
    st.markdown(text)
    if biases:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("The gradient of a bias is the dy of its layer. On to", width="content")
            for tensor, where in biases.items():
                st.button(entry(tensor, where), on_click=go_to, args=(tensor, where), key=f"to_{tensor}")
    st.markdown(f"**By differences**, all else held: the loss c with {entry(*place)} moved by steps of h.")
    st.latex(difference)


def _written(
    experiment: Experiment, problem: Problem[Sequential], report: GradientReport, place: Place
) -> tuple[str, dict[str, Index], str]:
    """The passes to an entry and back as Markdown, the biases on the way, and the difference as LaTeX."""
    steps = compute.traced(experiment)
    forward = [f"- ${text}$" for text in derivation.forward(problem, steps, *place)]
    lines = ["**Forward**, in this unit:", *forward, ""] if forward else []
    lines += ["**By backpropagation**, from the entry back to the loss, along the largest term of each sum:", ""]
    lines += [f"- {layer}: ${text}$" for layer, text in derivation.origin(problem, steps, *place)]
    biases = derivation.biases(problem, steps, *place)
    return "\n".join(lines), biases, derivation.difference(problem, report, *place)


def explained(
    place: Place | None,
    experiment: Experiment,
    problem: Problem[Sequential],
    report: GradientReport,
    instead: str = "",
) -> None:
    """Where the entry that was clicked comes from, in a problem whose backward is right; nothing if none was.

    Args:
        place: the entry.
        experiment: whose problem it is.
        problem: the right one, whatever the report is of.
        report: what the page shows.
        instead: the start of a sentence that says whose the report's gradients are, if they need not be right.
    """
    if place is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Where {entry(*place)} comes from", anchor=False, width="content")
        st.button("Close", on_click=entries.forget, args=(entries.NUMBER,), key="close", icon=":material/close:")
    if instead:
        name, index = place
        value = float(report[name].analytical[index])
        st.markdown(f"{instead} **{value:.6g}** here. The right gradient is made of these numbers:")
    both_ways(experiment, problem, report, place, _ask)


def of_layer(layer: Layer, x: Array, dy: Array, place: Place, experiment: Experiment) -> None:
    """Both ways to an entry of what a layer alone makes of dy, by the experiment's step and method."""
    by_products, by_difference = derivation.product(layer, x, dy, *place, experiment.eps, experiment.method)
    st.markdown(f"${by_products}$")
    st.latex(by_difference)
    st.caption("Above by backpropagation, below by differences of c = dy @ y.")


def jacobians(layer: Layer, x: Array, content: Mapping[str, Matrix], alt: str, experiment: Experiment) -> None:
    """A layer's Jacobians by tensor name, and below them the arithmetic of the cell that was clicked last, if any."""
    names = list(content)
    place = entries.kept(entries.JACOBIAN, {name: one.values.shape for name, one in content.items()})
    cell = None if place is None else (names.index(place[0]), place[1])
    click = partial(_ask_jacobian, "jacobians", names)
    matrices = list(content.values())
    settings = *(matrix.title for matrix in matrices), drawn.numbers(*(matrix.values for matrix in matrices)), cell
    drawn.figure(alt, "jacobians", settings, clickable_matrices, matrices, cell, on_click=click)
    if place is None:
        st.caption("Click a cell to see its arithmetic.")
        return
    name, (output, column) = place
    shape = x.shape if name == INPUT else layer.parameters()[name].shape
    index = tuple(int(i) for i in np.unravel_index(column, shape))
    st.markdown(
        f"**dy[{output}] / d{entry(name, index)}** is what `backward` gives for {entry(name, index)} where dy is 1 at "
        f"{output} and 0 elsewhere. Then c = dy @ y is y[{output}] alone."
    )
    of_layer(layer, x, np.eye(len(content[name].values))[output], (name, index), experiment)


def _ask(tensor: str, index: Index) -> None:
    entries.ask(entries.NUMBER, (tensor, index))


def _ask_jacobian(key: str, names: list[str]) -> None:
    for point in st.session_state[key].selection.points[:1]:
        entries.ask(entries.JACOBIAN, (names[int(point["legendgroup"])], (int(point["y"]), int(point["x"]))))
