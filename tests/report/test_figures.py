"""Figures hold the report's numbers: full ones exactly, reduced ones with the largest magnitude of every block."""

import re
from dataclasses import replace

import numpy as np
import pytest
from plotly.colors import sample_colorscale

from mlp import MSELoss, Sequential, check_gradients, dense_layers
from mlp.check.jacobians import jacobian_flow
from mlp.check.kinks import Kink
from mlp.lab.experiment import Experiment
from mlp.nn.trace import trace
from mlp.report.figures import curves, heatmaps, network, steps
from mlp.report.figures.matrices import MAX_DRAWN, Matrix, drawn, matrices
from mlp.report.figures.style import scales_html
from mlp.report.numbers import brief, duration
from tests.report.checks import tensor_check


def check_of(shape, seed=0):
    rng = np.random.default_rng(seed)
    analytical = rng.standard_normal(shape)
    return tensor_check(analytical, analytical + 1e-9 * rng.standard_normal(shape))


def test_both_gradients_share_one_scale_symmetric_about_zero():
    check = check_of((4, 3))
    figure = heatmaps.comparison(check)
    first, second, third = figure.data
    assert first.coloraxis == second.coloraxis != third.coloraxis
    largest = max(np.abs(check.analytical).max(), np.abs(check.numerical).max())
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-largest, largest)


def test_the_difference_is_drawn_by_its_logarithm():
    check = check_of((4, 3))
    np.testing.assert_allclose(heatmaps.comparison(check).data[2].z, np.log10(np.abs(check.difference)), rtol=1e-12)


def test_a_slice_is_the_matrix_at_its_indices_with_its_own_kinks():
    check = check_of((2, 3, 4, 5))
    kinks = (Kink((1, 2, 3, 4), "", 0.0, 1.0, True), Kink((1, 0, 2, 1), "", 0.0, 1.0, True))
    piece = heatmaps.sliced(replace(check, kinks=kinks), (1, 2))
    assert piece.name == f"{check.name}[1,2]"
    for field in ("analytical", "numerical", "truncation", "roundoff", "rounding", "inactive"):
        np.testing.assert_array_equal(getattr(piece, field), getattr(check, field)[1, 2])
    assert [kink.index for kink in piece.kinks] == [(3, 4)]
    assert heatmaps.slices(check) == [(i, j) for i in range(2) for j in range(3)]
    assert heatmaps.counted_axes(check) == ("k", "l")
    assert heatmaps.counted_axes(check_of((3, 4, 5))) == ("j", "k")


@pytest.mark.parametrize("shape", [(), (4,), (4, 3)])
def test_up_to_two_axes_there_is_one_slice_the_tensor_itself(shape):
    check = check_of(shape)
    assert heatmaps.slices(check) == [()]
    piece = heatmaps.sliced(check, ())
    assert piece.name == check.name
    np.testing.assert_array_equal(piece.difference, check.difference)
    assert heatmaps.comparison(piece).data[0].z.shape == (shape[0] if shape else 1, shape[1] if len(shape) > 1 else 1)


def test_row_zero_is_on_top_and_hover_tells_all_three_numbers():
    check = check_of((4, 3))
    figure = heatmaps.comparison(check)
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.data[0].customdata[1][2]) == [
        check.analytical[1, 2],
        check.numerical[1, 2],
        check.difference[1, 2],
        check.ratio[1, 2],
    ]


@pytest.mark.parametrize(
    ("name", "shape", "rows", "columns"),
    [
        ("x", (4, 3), "sample", "feature"),
        ("x", (3,), "feature", ""),
        ("fc1.W", (4, 3), "i, output", "j, input"),
        ("fc1.b", (4,), "i, output", ""),
    ],
)
def test_the_axes_say_what_the_rows_and_columns_are(name, shape, rows, columns):
    layout = heatmaps.comparison(replace(check_of(shape), name=name)).layout
    assert (layout.yaxis.title.text, layout.xaxis.title.text) == (rows, columns)
    layout = heatmaps.comparison(replace(check_of(shape), name=name), axes=heatmaps.Axes("p", "q")).layout
    assert (layout.yaxis.title.text, layout.xaxis.title.text) == ("p", "q")


def test_the_alternative_text_names_the_tensor_its_shape_and_the_largest_difference():
    check = tensor_check(np.array([[1.0, 2.0]]), np.array([[1.0, 2.25]]))
    assert heatmaps.alt_text(check) == (
        "Heatmaps of two gradients of fc1.W, analytical and numerical, shape (1, 2), and of their difference, at most "
        "0.25"
    )
    assert "gradients of fc1.W, yours and forward, shape" in heatmaps.alt_text(check, ("yours", "forward"))
    assert network.alt_text((3, 4, 2), "weight") == (
        "The network as a graph, 3-4-2 units; edge colour and width show each weight"
    )


def test_a_vector_is_a_column():
    assert heatmaps.comparison(check_of(5)).data[0].z.shape == (5, 1)


@pytest.mark.parametrize("shape", [(4, 3), (60, 60)])
def test_only_small_maps_carry_numbers(shape):
    labelled = heatmaps.comparison(check_of(shape)).data[0].texttemplate is not None
    assert labelled == (shape == (4, 3))


@pytest.mark.parametrize("values", [0.0, np.nan, np.inf])
def test_constant_and_broken_gradients_can_be_drawn(values):
    full = np.full((2, 2), values)
    with np.errstate(invalid="ignore"):
        figure = heatmaps.comparison(tensor_check(full, full))
    assert np.isfinite(figure.layout.coloraxis.cmax)
    assert np.isfinite(figure.layout.coloraxis2.cmax)


@pytest.mark.parametrize("shape", [(1, 1), (MAX_DRAWN, 7), (MAX_DRAWN + 1, 3), (784, 256), (3, 5000)])
def test_reduction_keeps_the_largest_magnitude_of_every_block(shape):
    tensor = np.random.default_rng(1).standard_normal(shape)
    reduced = drawn(tensor)
    assert max(reduced.values.shape) <= MAX_DRAWN
    for r in range(reduced.values.shape[0]):
        for c in range(0, reduced.values.shape[1], 7):
            block = tensor[reduced.rows[r] : reduced.rows[r + 1], reduced.columns[c] : reduced.columns[c + 1]]
            assert reduced.values[r, c] == block.flat[np.abs(block).argmax()]


def test_nothing_is_reduced_that_fits_and_nan_is_never_hidden():
    small = np.random.default_rng(2).standard_normal((MAX_DRAWN, MAX_DRAWN))
    np.testing.assert_array_equal(drawn(small).values, small)
    large = np.ones((500, 500))
    large[321, 123] = np.nan
    assert np.isnan(drawn(large).values).sum() == 1


def test_a_reduced_map_says_so():
    assert heatmaps.reduction_note(check_of((5, 5))) is None
    assert "40,000 entries" in heatmaps.reduction_note(check_of((200, 200)))
    assert "up to 2 x 3 of them" in heatmaps.reduction_note(check_of((200, 300)))


def test_the_cells_of_a_reduced_map_are_square():
    layout = heatmaps.comparison(check_of((200, 200))).layout
    for x, y, anchor in (("xaxis", "yaxis", "x"), ("xaxis2", "yaxis2", "x2"), ("xaxis3", "yaxis3", "x3")):
        assert (layout[x].constrain, layout[y].constrain, layout[y].scaleanchor) == ("domain", "domain", anchor)
    assert heatmaps.comparison(check_of((4, 3))).layout.yaxis.scaleanchor is None


def test_gradients_are_written_with_their_signs_and_differences_without():
    figure = heatmaps.comparison(tensor_check(np.array([[-0.5, 0.25]]), np.array([[-0.25, 0.5]])), (*heatmaps.PANELS,))
    assert [[*map(tuple, drawn.text)] for drawn in figure.data] == [
        [("-0.5", "0.25")],
        [("-0.25", "0.5")],
        [("0.25", "0.25")],
    ]


@pytest.mark.parametrize(("largest", "top"), [(0.02, -1), (0.1, -1), (3.0, 1), (0.0, 0)])
def test_the_differences_scale_spans_sixteen_digits_below_the_largest_gradient(largest, top):
    layout = heatmaps.comparison(tensor_check(np.array([largest, 0.0]), np.zeros(2))).layout
    assert layout.coloraxis.cmax == -layout.coloraxis.cmin == (largest or 1)
    assert (layout.coloraxis2.cmin, layout.coloraxis2.cmax) == (top - 16, top)
    assert (layout.coloraxis3.cmin, layout.coloraxis3.cmax) == (-3, 3)


def test_the_diagram_abbreviates_and_names_its_layers():
    problem = Experiment().problem()
    figure = network.diagram(problem.network, network.weights(problem.network), "weight")
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert "+12<br>more" in texts
    assert "fc1<br>Tanh" in texts


@pytest.mark.parametrize(("size", "units", "rest"), [(1, 1, []), (2, 2, []), (10, 10, []), (11, 8, ["+3<br>more"])])
def test_up_to_ten_units_are_drawn_and_the_others_counted(size, units, rest):
    problem = Experiment(sizes=(size, 3)).problem()
    figure = network.diagram(problem.network, network.weights(problem.network), "weight")
    drawn = next(trace for trace in figure.data if trace.hovertext)
    assert list(drawn.hovertext) == [f"unit {k}" for k in range(units)]
    assert [note.text for note in figure.layout.annotations if "more" in note.text] == rest
    # Few units stand as close as in a column of four; more fill the height, the first on top.
    top = {1: 0, 2: 0.5}.get(size, 1)
    assert drawn.y[0] == top
    if not rest:
        assert drawn.y[-1] == -top
    else:
        [more] = [note for note in figure.layout.annotations if "more" in note.text]
        assert more.y == -1
    edges = [trace for trace in figure.data if trace.customdata is not None]
    assert len(edges[0].x) == 3 * units
    assert set(edges[0].x) == {1 / 3}


def test_an_edge_is_as_wide_and_as_dark_as_its_weight_is_large():
    problem = Experiment(sizes=(2, 3)).problem()
    weights = np.array([[-0.4, -0.2], [0.0, 0.1], [0.2, 0.4]])  # quarters of the largest
    figure = network.diagram(problem.network, {"fc1": weights}, "weight")
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-0.4, 0.4)
    starts, ends = network.heights(2), network.heights(3)
    lines = {
        (ends.tolist().index(right), starts.tolist().index(left)): edges.line
        for edges in figure.data
        if edges.mode == "lines"
        for left, right in zip(edges.y[::3], edges.y[1::3], strict=True)
    }
    for (row, column), line in lines.items():
        share = weights[row, column] / 0.4
        assert line.width == pytest.approx(0.6 + 3.4 * abs(share))
        assert line.color == sample_colorscale(["#1f78d1", "#8c8c8c", "#d6404e"], [(share + 1) / 2])[0]
    assert len(lines) == 6
    # The strongest are drawn last, on top.
    widths = [edges.line.width for edges in figure.data if edges.mode == "lines"]
    assert widths == sorted(widths)
    [hover] = [markers for markers in figure.data if markers.customdata is not None]
    rows, columns = hover.customdata[:, :2].astype(int).T
    np.testing.assert_array_equal(hover.customdata[:, 2], weights[rows, columns])
    # A third of the way along the edge.
    np.testing.assert_allclose(hover.x, 1 / 3)
    np.testing.assert_allclose(hover.y, starts[columns] + (ends[rows] - starts[columns]) / 3, atol=1e-15)


def test_weights_of_zero_can_be_drawn():
    problem = Experiment(sizes=(2, 3)).problem()
    figure = network.diagram(problem.network, {"fc1": np.zeros((3, 2))}, "weight")
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-1, 1)


def test_the_diagrams_edges_are_weights_or_gradients():
    problem = Experiment(sizes=(2, 3)).problem()
    report = check_gradients(*problem)
    edges = {"weight": network.weights(problem.network), "gradient": network.weight_gradients(problem.network, report)}
    for what, expected in (("weight", problem.network.fc1.W), ("gradient", report["fc1.W"].analytical)):
        figure = network.diagram(problem.network, edges[what], what)
        [hover] = [trace for trace in figure.data if trace.customdata is not None]
        np.testing.assert_array_equal(hover.customdata[:, 2], expected.ravel())


def test_an_edge_is_the_wider_the_larger_its_weight_and_has_the_colour_of_its_sign():
    layers = dense_layers((3, 1))
    layers["fc1"].W = np.array([[-2.0, 0.0, 1.0]])
    model = Sequential(**layers)
    figure = network.diagram(model, network.weights(model), "weight")
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    # One trace a colour; its edge starts at the input that it comes from, the first input on top.
    width = {k: edge.line.width for k, edge in enumerate(sorted(lines, key=lambda edge: -edge.y[0]))}
    assert [width[k] for k in range(3)] == pytest.approx([0.6 + 3.4, 0.6, 0.6 + 3.4 / 2])
    colour = {edge.line.width: edge.line.color for edge in lines}
    assert colour[width[1]] == "rgb(140, 140, 140)"
    negative, positive = ([int(part) for part in re.findall(r"\d+", colour[width[k]])] for k in (0, 2))
    assert negative[2] > negative[0]  # blue
    assert positive[0] > positive[2]  # red


def test_the_norms_on_the_way_back_are_euclidean():
    problem = Experiment(sizes=(3, 4, 2), seed=3).problem()
    passes = trace(*problem)
    norms = steps.gradient_norms(passes)
    backward = [step for step in passes if step.direction == "backward"]
    assert list(norms) == ["output", "fc2", "activation_fn1", "fc1"]
    for step, norm in zip(backward, norms.values(), strict=True):
        assert norm == pytest.approx(np.sqrt(np.sum(step.result**2)), rel=1e-15)
    flow = jacobian_flow(problem.network, problem.x)
    way, *spectra = steps.flow_figure(norms, flow).data
    assert (list(way.x), list(way.y)) == (list(norms), list(norms.values()))
    for spectrum, (name, values) in zip(spectra, flow.singular_values.items(), strict=True):
        assert set(spectrum.x) == {name}
        np.testing.assert_array_equal(spectrum.y, values)


def test_every_edge_goes_from_one_unit_to_another():
    problem = Experiment(sizes=(2, 3)).problem()
    figure = network.diagram(problem.network, network.weights(problem.network), "weight")
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    units = {(x, y) for trace in figure.data if trace.hovertext for x, y in zip(trace.x, trace.y, strict=True)}
    ends = [
        (x, y) for trace in lines for x, y in zip(trace.x, trace.y, strict=True) if not (np.isnan(x) or np.isnan(y))
    ]
    assert len(ends) == 2 * 2 * 3
    assert set(ends) == units


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (-0.0, "0"), (-1.5e-9, "-1.5e-09"), (18.38, "18.4")])
def test_brief_numbers(value, text):
    assert brief(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((8.5e-4, "850 µs"), (0.001, "1 ms"), (0.0123, "12 ms"), (0.123, "123 ms"), (0.9994, "999 ms")),
        *((1, "1 s"), (1.26, "1.3 s"), (75, "75 s")),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_the_third_map_can_show_the_difference_in_units_of_its_error_bar():
    check = check_of((4, 3))
    figure = heatmaps.comparison(check, (heatmaps.RATIO,))
    expected = np.clip(np.log10(np.abs(check.ratio)), -heatmaps.RATIO_DECADES, heatmaps.RATIO_DECADES)
    np.testing.assert_allclose(figure.data[0].z, expected, rtol=1e-12)
    breaks = [place for place, _ in figure.layout.coloraxis3.colorscale]
    assert breaks == [0, 0.5, 0.5, 1], "the colours break where the difference is just its error bar"
    scale = scales_html(figure)
    assert "|difference| / error bar, wrong above 1: 1e-3 <" in scale
    assert "> 1e3</span>" in scale
    assert "#440154, #31688e 50%, #E69F00 50%, #D55E00" in scale
    assert figure.layout.coloraxis3.cmin == -figure.layout.coloraxis3.cmax


def test_a_gradient_that_is_no_number_anywhere_says_so_in_its_title():
    figure = heatmaps.comparison(tensor_check(np.full((3, 2), np.nan), np.ones((3, 2))))
    titles = [annotation.text for annotation in figure.layout.annotations]
    assert titles == ["analytical: no number", "numerical", "difference: no number"]


@pytest.mark.parametrize(("columns", "has_numbers"), [(12, True), (13, False)])
def test_up_to_twelve_columns_carry_their_numbers(columns, has_numbers):
    figure = heatmaps.comparison(check_of((2, columns)))
    assert (figure.data[0].texttemplate is not None) == has_numbers


@pytest.mark.parametrize(("cells", "has_numbers"), [((15, 10), True), ((16, 10), False)])
def test_up_to_150_cells_carry_their_numbers(cells, has_numbers):
    assert (heatmaps.comparison(check_of(cells)).data[0].texttemplate is not None) == has_numbers


def test_a_map_is_as_high_as_its_rows_need():
    def height(*shape):
        return heatmaps.comparison(check_of(shape)).layout.height - heatmaps.TOP - heatmaps.BOTTOM

    assert height(2, 3) == 90
    assert height(10, 3) == 260
    assert height(50, 3) == 460
    assert height(50, 40) == 300


def test_matrices_side_by_side_are_as_high_as_the_highest_needs():
    def height(*rows):
        return matrices([Matrix("A", np.ones((count, 3))) for count in rows]).layout.height - 102

    assert [height(1), height(2, 5), height(12), height(13)] == [100, 170, 408, 420]


def test_matrices_share_one_scale_and_carry_their_names_or_numbers():
    names = ["p", "q"]
    figure = matrices([Matrix("A", np.array([[0.25, -0.5], [0, 0]]), names, names), Matrix("b", np.array([0.1, 0.2]))])
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-0.5, 0.5)
    assert "value: -0.5 " in scales_html(figure)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert (axis.tickvals, axis.ticktext, axis.dtick) == ((0, 1), ("p", "q"), None)
    for axis in (figure.layout.xaxis2, figure.layout.yaxis2):
        assert (axis.tickvals, axis.dtick, axis.tick0) == (None, 1, 0)
    # Each is as wide as it has columns, plus two for its title.
    assert np.ptp(figure.layout.xaxis.domain) / np.ptp(figure.layout.xaxis2.domain) == pytest.approx(4 / 3)
    assert figure.layout.yaxis.autorange == figure.layout.yaxis2.autorange == "reversed"


def test_matrices_of_zeros_can_be_drawn():
    assert matrices([Matrix("A", np.zeros((2, 2)))]).layout.coloraxis.cmax == 1


def test_the_loss_stands_out_at_the_outputs():
    problem = Experiment(sizes=(3, 4, 2)).problem()
    figure = network.diagram(problem.network, network.weights(problem.network), "weight", "loss")
    units = [markers.marker.color for markers in figure.data if markers.hovertext]
    assert units == [network.NEUTRAL, network.NEUTRAL, network.HIGHLIGHT]
    assert {edges.opacity for edges in figure.data if edges.mode == "lines"} == {1}


def test_ticks_are_thinned_to_twelve_and_tell_the_entries_of_a_reduced_cell():
    axis = matrices([Matrix("A", np.ones((25, 13)))]).layout
    assert (axis.yaxis.dtick, axis.xaxis.dtick) == (3, 2)
    axis = matrices([Matrix("A", np.ones((250, 101)))]).layout
    assert axis.yaxis.ticktext == ("0-1", "47-49", "97-99", "147-149", "197-199", "247-249")
    assert list(axis.yaxis.tickvals) == [0, 19, 39, 59, 79, 99]
    assert axis.xaxis.ticktext[0] == "0"  # of 101 columns only one cell holds two
    assert axis.xaxis.ticktext[-1] == "99-100"


@pytest.mark.parametrize(("shape", "place"), [((4,), "[%{y}]"), ((4, 3), "[%{y}, %{x}]")])
def test_the_hover_names_the_entry_by_as_many_indices_as_it_has(shape, place):
    hover = heatmaps.comparison(check_of(shape)).data[0].hovertemplate
    assert place in hover
    assert ("%{x}" in hover) == (len(shape) > 1)


@pytest.mark.parametrize("page", [(255, 255, 255), (0x16, 0x15, 0x13)], ids=["light", "dark"])
def test_every_edge_and_guide_stands_out_from_the_page(page):
    """By the contrast ratio of WCAG 2.2, from the relative luminances of the two colours: 3 to 1 for graphics."""

    def luminance(color):
        shares = [part / 255 for part in color]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    edges = [re.findall(r"[\d.]+", network._color(share)) for share in np.linspace(-1, 1, network.BINS)]
    target = curves.loss_along(MSELoss(), np.array([1.0]), np.array([0.0]), 0, 2.0).layout.shapes[0].line.color
    for color in [*edges, [int(target[i : i + 2], 16) for i in (1, 3, 5)]]:
        darker, lighter = sorted([luminance([float(part) for part in color]), luminance(page)])
        assert (lighter + 0.05) / (darker + 0.05) > 3


@pytest.mark.parametrize("shape", [(3, 2), (4,)])
def test_what_is_marked_has_something_to_click_on_in_each_cell_and_a_frame(shape):
    check = check_of(shape)
    plain = heatmaps.comparison(check)
    figure = heatmaps.marked(check, heatmaps.PANELS, check.worst)
    maps, clicked = figure.data[:3], figure.data[3:]
    assert [trace.type for trace in clicked] == ["scatter"] * 3
    for cell, markers in zip(maps, clicked, strict=True):
        assert (cell.xaxis, cell.yaxis) == (markers.xaxis, markers.yaxis)
        assert markers.marker.opacity == 0
        assert len(markers.x) == check.analytical.size
        for x, y, data in zip(markers.x, markers.y, markers.customdata, strict=True):
            assert data[0] == check.analytical[(y, x)[: len(shape)]]
    row, column = (*check.worst, 0)[:2]
    assert [(shape.x0, shape.y1) for shape in figure.layout.shapes] == [(column - 0.5, row + 0.5)] * 3
    assert list(figure.layout.yaxis.range) == [shape[0] - 0.5, -0.5]
    assert figure.layout.height == plain.layout.height


def test_rows_that_matrices_share_are_named_once_beside_the_first():
    names = ["y[0]", "y[1]"]
    same, other = Matrix("a", np.ones((2, 3)), names), Matrix("b", np.ones((3, 1)))
    figure = matrices([same, same, other])
    shown = [axis.showticklabels for axis in (figure.layout.yaxis, figure.layout.yaxis2, figure.layout.yaxis3)]
    assert shown == [True, False, True]


@pytest.mark.parametrize("panel", [*heatmaps.PANELS, heatmaps.RATIO])
@pytest.mark.parametrize("shape", [(), (5,), (40, 30), (150, 230), (1000,)])
def test_a_click_on_any_cell_finds_the_entry_that_it_shows_and_frames_it(shape, panel):
    check = check_of(shape)
    values = {**{name: getattr(check, name) for name in heatmaps.PANELS}, heatmaps.RATIO: check.ratio}[panel]
    cells = drawn(values).values
    figure = heatmaps.marked(check, (panel,))
    assert len(figure.data[1].x) == cells.size
    for row, column in [(0, 0), (cells.shape[0] - 1, cells.shape[1] // 2)]:
        index = heatmaps.entry_at(check, panel, (row, column))
        assert np.abs(values[index]) == np.abs(cells[row, column])
        [frame] = heatmaps.marked(check, (panel,), index).layout.shapes
        assert (frame.x0, frame.y0) == (column - 0.5, row - 0.5)


def test_the_hover_of_a_cell_that_stands_for_several_entries_names_none_of_them():
    hover = heatmaps.marked(check_of((150, 230))).data[3].hovertemplate
    assert "the largest of up to 2 x 3 entries" in hover
    assert "%{x}" not in hover
    assert "row %{y}" not in matrices([Matrix("A", np.ones((150, 3)))]).data[0].hovertemplate


def test_however_many_cells_can_be_clicked_the_browser_draws_one_marker_and_finds_all():
    figure = heatmaps.marked(check_of((90, 90)))
    assert [trace.marker.maxdisplayed for trace in figure.data[3:]] == [1, 1, 1]
    assert figure.layout.hoverdistance == -1


def test_all_differences_side_by_side_are_shares_of_their_own_largest_gradient():
    report = {name: check_of(shape) for name, shape in (("fc1.W", (3, 2)), ("fc1.b", (3,)))}
    figure = heatmaps.differences(report)
    assert [note.text for note in figure.layout.annotations] == [check.name for check in report.values()]
    maps, markers = figure.data[:2], figure.data[2:]
    for cell, marker, check in zip(maps, markers, report.values(), strict=True):
        largest = np.abs([check.analytical, check.numerical]).max()
        share = np.abs(check.difference).reshape(len(check.difference), -1) / largest
        np.testing.assert_allclose(marker.customdata, share.reshape(-1, 1))
        np.testing.assert_allclose(cell.z, np.log10(np.maximum(share, 1e-16)))


def test_the_only_column_of_a_vector_has_no_number():
    assert heatmaps.comparison(check_of(4)).layout.xaxis.showticklabels is False
    assert heatmaps.comparison(check_of((4, 1))).layout.xaxis.showticklabels is None
    assert matrices([Matrix("a", np.ones(3))]).layout.xaxis.showticklabels is False
    assert matrices([Matrix("a", np.ones((3, 1)))]).layout.xaxis.showticklabels is None
