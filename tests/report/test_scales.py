"""A figure's colour scales in HTML: what they show, where they end, and which colours lie between."""

import numpy as np
import plotly.graph_objects as go

from mlp.report.figures import heatmaps
from mlp.report.figures.matrices import Matrix, matrices
from mlp.report.figures.style import scales_html
from tests.report.checks import tensor_check


def test_a_figure_without_scales_has_no_strip():
    assert scales_html(go.Figure()) is None


def test_the_strips_are_those_of_the_panels():
    check = tensor_check(np.array([[3.0, -20.0]]), np.array([[3.0, -20.5]]))
    both = scales_html(heatmaps.comparison(check))
    assert "gradient: -20.5 " in both
    assert " 20.5</span>" in both
    # The top of the difference's scale is the next power of ten, its bottom sixteen digits below.
    assert "|difference|: 1e-14 " in both
    assert " 1e2</span>" in both
    assert "error bar" not in both
    ratio = scales_html(heatmaps.comparison(check, (heatmaps.RATIO,)))
    assert "wrong above 1" in ratio
    assert "gradient: " not in ratio
    assert "gradient: " not in scales_html(heatmaps.comparison(check, ("difference",)))


def test_no_figure_draws_colour_bars_of_its_own():
    check = tensor_check(np.ones((2, 2)), np.ones((2, 2)))
    for figure in (heatmaps.comparison(check), matrices([Matrix("A", np.eye(2))])):
        axes = [figure.layout[name] for name in figure.layout if name.startswith("coloraxis")]
        assert axes
        assert not any(axis.showscale for axis in axes)
        assert "linear-gradient" in scales_html(figure)
