"""What a reader sees of each kind of figure beside its numbers: one table of its sizes, colours and order of drawing.

A value stands here because another would hide something: a margin holds titles, ticks or a legend, a size or a colour
tells one thing from another, and what is drawn later lies on top.
"""

from itertools import pairwise

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES, check_gradients
from mlp.check.jacobians import jacobian_flow
from mlp.differences.examples import EXAMPLES
from mlp.differences.methods import METHODS
from mlp.differences.sweep import sampled, sweep
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from mlp.nn.trace import trace as passes
from mlp.report.figures import curves, heatmaps, matrices, network, step_size, steps
from mlp.report.figures.style import LARGE, enlarged

BLUE, VERMILION, GREEN, ORANGE, YELLOW = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#F0E442"  # of Okabe and Ito
GREY = "#8c8c8c"
X = np.array([0.1, 0.4])
PROBLEM = Experiment(sizes=(3, 4, 2), seed=3).problem()


def step_size_figure():
    result = sweep(sampled(lambda x: np.sum(np.exp(x)), X, np.ndindex(X.shape)), X, EPS_STEPS)
    return step_size.errors_by_step(result, X.size, "largest", "central", 1e-4)


FIGURES = {
    "secant": lambda: curves.secant(EXAMPLES["cubic"], np.array([1.0]), (0,), 0, 0.5),
    "loss": lambda: curves.loss_along(LOSSES["MSELoss"](), X, X + 1, 0, 0.1),
    "activation": lambda: curves.activation_curves(ACTIVATIONS["Tanh"](), X[:1]),
    "comparison": lambda: heatmaps.comparison(check_gradients(*PROBLEM)["fc1.W"]),
    "differences": lambda: heatmaps.differences(check_gradients(*PROBLEM)),
    "matrices": lambda: matrices.matrices([matrices.Matrix("A", np.eye(3))]),
    "network": lambda: network.diagram(PROBLEM.network, network.weights(PROBLEM.network), "weight", "fc1"),
    "step size": step_size_figure,
    "difference": lambda: step_size.difference_by_step(np.array(EPS_STEPS)[:, None] * X, 0 * X, 1e-4),
    "flow": lambda: steps.flow_figure(
        steps.gradient_norms(passes(*PROBLEM)), jacobian_flow(PROBLEM.network, PROBLEM.x)
    ),
}
# Height, then the margins left, right, above and below, in pixels. The margins of curves grow with their labels by
# themselves; those of maps and of errors do not, so that nothing moves while a slider does.
SIZES = {
    "secant": (360, (10, 10, 10, 10)),
    "loss": (330, (10, 10, 40, 10)),
    "activation": (330, (10, 10, 40, 10)),
    "comparison": (104 + 52 + 50, (64, 10, 52, 50)),  # 26 for each of four rows
    "differences": (52 + 120, (10, 10, 52, 10)),
    "matrices": (102 + 102, (10, 10, 52, 40)),  # 34 for each of three rows
    "network": (140 + 32 * 4, (10, 10, 10, 50)),  # 32 for each of at most ten units, which are 15 high
    "step size": (500, (75, 15, 95, 55)),
    "difference": (300, (62, 10, 15, 50)),
    "flow": (380, (10, 10, 60, 10)),  # titles of two lines
}
# Each trace in the order of drawing: colour, width and dash of its line; colour, size and symbol of its markers.
PLAIN = (None, None, None)
TANGENT, POINT = ((VERMILION, None, "solid"), PLAIN), (PLAIN, (VERMILION, 10, None))
TRACES = {
    "secant": [
        ((BLUE, None, "solid"), PLAIN),
        ((VERMILION, None, "dash"), PLAIN),
        ((GREEN, None, "dash"), PLAIN),
        (PLAIN, (GREEN, 10, None)),
        POINT,
    ],
    "loss": [((BLUE, None, "solid"), PLAIN), TANGENT, POINT],
    "activation": [((BLUE, None, "solid"), PLAIN), TANGENT, POINT, ((BLUE, None, "solid"), PLAIN), POINT],
    # The chosen method's line is thick; the star of the best step lies on top of it, the guides on all curves.
    "step size": [
        *(
            ((colour, 3.5 if name == "central" else 1.2, None), (None, 8 if name == "central" else 5, symbol))
            for name, (colour, symbol) in zip(METHODS, step_size.LOOKS, strict=True)
        ),
        (PLAIN, (YELLOW, 16, "star")),
        *[(("#888888", None, "dash"), PLAIN)] * 2,
    ],
    "flow": [((VERMILION, None, None), PLAIN), *[(PLAIN, (BLUE, None, None))] * 3],
}


@pytest.mark.parametrize("kind", FIGURES)
def test_height_and_margins(kind):
    layout = FIGURES[kind]().layout
    margin = layout.margin
    assert (layout.height, (margin.l, margin.r, margin.t, margin.b)) == SIZES[kind]
    assert margin.autoexpand is (False if kind in ("comparison", "step size") else None)


@pytest.mark.parametrize("kind", TRACES)
def test_lines_and_markers_in_the_order_of_drawing(kind):
    drawn = [
        (
            (trace.line.color, trace.line.width, trace.line.dash),
            (trace.marker.color, trace.marker.size, trace.marker.symbol),
        )
        for trace in FIGURES[kind]().data
    ]
    assert drawn == TRACES[kind]


def test_a_legend_stands_above_the_curves_and_only_where_it_tells_them_apart():
    for kind, figure in FIGURES.items():
        layout = figure().layout
        if kind in ("secant", "step size"):
            assert layout.showlegend is None
            legend = layout.legend
            assert (legend.orientation, legend.yanchor, legend.y, legend.x) == ("h", "bottom", 1.02, 0)
        elif kind in ("loss", "activation", "network", "flow"):
            assert layout.showlegend is False


def test_names_of_equal_width_stand_below_each_other_in_the_legend_of_six_methods():
    legend = FIGURES["step size"]().layout.legend
    assert (legend.entrywidth, legend.font.size) == (80, 11)


def test_panels_lie_side_by_side_with_their_titles_above_the_middle():
    # Of matrices that name their rows, room for these on a phone too.
    several = matrices.matrices([matrices.Matrix("A", np.eye(3)), matrices.Matrix("B", np.ones((3, 3)))])
    figures = {kind: figure() for kind, figure in FIGURES.items()} | {"several matrices": several}
    for kind, gap in (("activation", 0.1), ("comparison", 0.05), ("flow", 0.12), ("several matrices", 0.08)):
        layout = figures[kind].layout
        panels = [layout[name] for name in sorted(layout) if name.startswith("xaxis")]
        assert panels[0].domain[0] == 0
        assert panels[-1].domain[1] == pytest.approx(1)
        for left, right in pairwise(panels):
            assert right.domain[0] - left.domain[1] == pytest.approx(gap)
            assert np.ptp(right.domain) == pytest.approx(np.ptp(left.domain))
        for panel, title in zip(panels, layout.annotations, strict=True):
            assert title.x == pytest.approx(np.mean(panel.domain))
            assert (title.y, title.xanchor, title.yanchor, title.font.size) == (1, "center", "bottom", 15)
            assert (title.xref, title.yref, title.showarrow) == ("paper", "paper", False)


def test_titles_of_panels_say_what_is_drawn():
    titles = {kind: [note.text for note in FIGURES[kind]().layout.annotations] for kind in ("activation", "flow")}
    assert titles == {
        "activation": ["f(x)", "f'(x)"],
        "flow": ["norm of the gradient<br>on its way back", "singular values<br>of each layer's Jacobian"],
    }


def test_only_the_first_map_names_its_rows_and_all_scroll_together():
    layout = FIGURES["comparison"]().layout
    assert (layout.yaxis.title.text, layout.yaxis.showticklabels, layout.yaxis.matches) == ("i, output", None, None)
    for axis in (layout.yaxis2, layout.yaxis3):
        assert (axis.title.text, axis.showticklabels, axis.matches) == (None, False, "y")
        assert axis.autorange == "reversed"
    assert {axis.title.text for axis in (layout.xaxis, layout.xaxis2, layout.xaxis3)} == {"j, input"}


def test_the_diagram_shows_the_chosen_layer_and_lets_the_others_stand_back():
    figure = FIGURES["network"]()
    edges = [trace for trace in figure.data if trace.mode == "lines"]
    for edge in edges:
        assert edge.opacity == (1 if edge.x[0] == 0 else 0.25)
        assert edge.hoverinfo == "skip"
    # Units lie on top of the edges, with a white ring between.
    *inputs_and_edges, hidden, outputs = figure.data
    units = [inputs_and_edges[-1], hidden, outputs]
    assert [trace.marker.color for trace in units] == [GREY, ORANGE, GREY]
    for trace in units:
        assert (trace.marker.size, trace.marker.line.width, trace.marker.line.color) == (15, 1.5, "white")
        assert trace.unselected.marker.opacity == 1  # a click on one leaves the others as they are
        assert list(trace.hovertext) == [f"unit {k}" for k in range(len(trace.y))]
    hovers = [trace for trace in figure.data if trace.customdata is not None]
    assert [trace.marker.opacity for trace in hovers] == [0, 0]
    bar = figure.layout.coloraxis.colorbar
    assert (bar.title.text, bar.title.side, bar.thickness) == ("weight", "right", 10)
    # Half a unit beside the outer columns, and the columns' names below the lowest unit.
    assert figure.layout.xaxis.range == (-0.4, 2.4)
    assert figure.layout.yaxis.range == (-1.1, 1.1)
    assert {note.y for note in figure.layout.annotations} == {-1.1}


def test_logarithmic_axes_are_labelled_with_powers():
    layout = FIGURES["step size"]().layout
    assert (layout.xaxis.type, layout.xaxis.exponentformat, layout.xaxis.dtick) == ("log", "power", 2)
    assert {FIGURES[kind]().layout.xaxis.title.text for kind in ("step size", "difference")} == {"eps"}
    for axis in (layout.yaxis, FIGURES["flow"]().layout.yaxis, FIGURES["flow"]().layout.yaxis2):
        assert (axis.type, axis.exponentformat) == ("log", "power")


def test_numbers_in_cells_are_parted_by_lines():
    for kind in ("comparison", "matrices"):
        assert {(trace.xgap, trace.ygap) for trace in FIGURES[kind]().data} == {(1, 1)}


ENTRY = (
    "<b>fc1.W[%{y}, %{x}]</b><br>analytical %{customdata[0]:.9g}<br>numerical %{customdata[1]:.9g}"
    "<br>difference %{customdata[2]:.3g}<br>difference / error bar %{customdata[3]:.3g}"
)
CURVE, MARK = "{}<br>%{{x:.4g}}: %{{y:.9g}}".format, "%{text} = %{x:.9g}<br>%{y:.9g}"
WEIGHT = "weight {}.W[%{{customdata[0]}}, %{{customdata[1]}}] = %{{customdata[2]:.6g}}".format
# What the pointer is told of each trace that answers it, in the order of drawing.
HOVERS = {
    "secant": [CURVE("f"), CURVE("tangent, slope 3"), CURVE("secant, slope 3.25"), MARK, MARK],
    "loss": [CURVE("c"), CURVE("tangent, slope 0.1"), MARK],
    "activation": [CURVE("f(x)"), CURVE("tangent, slope 0.99"), MARK, CURVE("f'(x)"), MARK],
    "comparison": [ENTRY] * 3,
    "differences": [
        f"<b>{place}</b><br>%{{customdata[0]:.2g}} of the largest"
        for place in ("fc1.W[%{y}, %{x}]", "fc1.b[%{y}]", "fc2.W[%{y}, %{x}]", "fc2.b[%{y}]", "x[%{y}]")
    ],
    "matrices": ["A<br>row %{y}, column %{x}: %{z:.9g}"],
    "network": [WEIGHT("fc1"), WEIGHT("fc2")],
    "step size": [f"{name}<br>eps %{{x:.0e}}: %{{customdata:.3g}}" for name in METHODS],
    "difference": ["eps %{x:.0e}: %{y:.3g}"],
    "flow": ["%{x}: %{y:.4g}", *(f"{name}: %{{y:.4g}}" for name in ("fc1", "activation_fn1", "fc2"))],
}


@pytest.mark.parametrize("kind", FIGURES)
def test_what_the_pointer_is_told(kind):
    told = [trace.hovertemplate for trace in FIGURES[kind]().data if trace.hovertemplate]
    assert told == [f"{text}<extra></extra>" for text in HOVERS[kind]]


@pytest.mark.parametrize("kind", FIGURES)
def test_what_is_projected_has_larger_text_and_the_room_that_it_takes(kind):
    figure = FIGURES[kind]()
    large = enlarged(figure)
    assert large.layout.font.size == LARGE
    assert {axis.tickfont.size for axis in (*large.select_xaxes(), *large.select_yaxes())} == {LARGE}
    assert all(note.font.size > LARGE for note in large.layout.annotations)
    fixed = figure.layout.margin.autoexpand is False
    assert large.layout.height - figure.layout.height == fixed * LARGE
    assert figure.layout.font.size is None, "the figure itself is left as it is"
