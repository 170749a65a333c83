"""The overview's switch and slider: what is broken lights up, and no step mends it."""

import numpy as np
import pytest

from mlp.check.check import analytical_gradients
from mlp.check.gallery import GALLERY
from mlp.differences.networks import loss_gradients
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import planted
from mlp.lab.settings_text import EPS_STEPS
from pages.ui import bugs
from tests.pages.plots import arrays, everything, traces

EXPERIMENT = Experiment(sizes=(3, 4, 2), seed=3, batch=2)
ADDRESS = {"sizes": "3-4-2", "seed": "3", "batch": "2"}


@pytest.mark.parametrize("broken", [False, True])
def test_the_overviews_maps_and_its_curve_follow_the_switch(open_page, broken):
    """The curve of a bug is flat: no step makes a wrong gradient right."""
    problem, steps = EXPERIMENT.problem(), np.array(EPS_STEPS)
    right = analytical_gradients(*problem)[1]["fc1.W"]
    network = planted(GALLERY["derivative missing"], problem, "activation_fn1").network if broken else problem.network
    analytical = analytical_gradients(network, *problem[1:])[1]["fc1.W"]
    app = open_page("overview", **ADDRESS, broken=str(broken).lower())
    maps = arrays(app, 0)
    np.testing.assert_array_equal(maps[0], analytical)
    np.testing.assert_allclose(maps[1], right, rtol=1e-5)
    (curve,) = traces(app, 1)
    expected = [np.abs(loss_gradients(*problem, eps)["fc1.W"] - analytical).max() for eps in EPS_STEPS]
    np.testing.assert_array_equal(curve["x"], steps)
    np.testing.assert_array_equal(curve["y"], expected)
    assert ("dx is dy, passed on unchanged" in everything(app)) == broken
    flat = np.ptp(np.log10(curve["y"][(steps > 1e-9) & (steps < 1e-2)])) < 1e-3
    assert flat == broken


def test_the_overviews_slider_is_the_sidebars(open_page):
    app = open_page("overview", **ADDRESS)
    app.select_slider(key="eps_beside").set_value(1e-2).run()
    assert app.select_slider(key="eps").value == 1e-2
    np.testing.assert_array_equal(arrays(app, 0)[1], loss_gradients(*EXPERIMENT.problem(), 1e-2)["fc1.W"])
    app.select_slider(key="eps").set_value(1e-6).run()
    assert app.select_slider(key="eps_beside").value == 1e-6


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ({"sizes": "3-2"}, "fc1: dW has the wrong sign"),  # no activation whose derivative could be missing
        ({"sizes": "3-4-2", "activation": "Identity"}, "dW has the wrong sign"),  # its derivative is 1
    ],
)
def test_a_network_without_a_slope_is_broken_by_a_sign(open_page, address, wrong):
    app = open_page("overview", broken="true", **address)
    assert wrong in everything(app)
    assert "`dW = -dy.T @ x`" in app.toggle(key="broken").label


def test_what_breaks_a_network_stands_in_the_last_layer_that_it_fits():
    # From there the wrong gradient goes on to all the layers before.
    assert bugs.plain_bug(Experiment()) == (GALLERY["derivative missing"], "activation_fn2")


def test_a_large_network_is_neither_broken_nor_swept_in_passing(open_page):
    app = open_page("overview", sizes="120-120-60", batch="8")
    assert app.toggle(key="broken").disabled
    assert len(app.get("plotly_chart")) == 2  # the maps and the network


@pytest.mark.parametrize(("eps", "told"), [("1e-09", True), ("1e-12", False)])
def test_an_answer_of_which_most_entries_tell_nothing_does_not_look_like_one_of_all(open_page, eps, told):
    """327 of 357 entries are told at 1e-9, 127 at 1e-12; the maps of the page's own tensor likewise."""
    app = open_page("gradient_check", eps=eps, tensor="fc2.W")
    answers = [box.value for box in (app.success if told else app.warning)]
    assert len(answers) == 2
    assert "of 357 entries" in answers[0]
    assert "of 200 entries" in answers[1]
    assert not (app.warning if told else app.success)
