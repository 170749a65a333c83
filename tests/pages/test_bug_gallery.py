"""The gallery's page shows the bug, and what the API says of the network that it is planted in."""

import numpy as np
import pytest

from mlp import check_gradients
from mlp.check.fixed_rules import RULES
from mlp.check.gallery import GALLERY, groups
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import fitting_experiment, planted, why_not
from mlp.nn.trace import trace
from mlp.report import derivation
from pages.ui import address
from tests.pages.plots import arrays, everything, shown_table


def checked(name, place, experiment):
    return check_gradients(*planted(GALLERY[name], experiment.problem(), place), experiment.eps, experiment.method)


def markdown(app):
    return "\n".join(element.value for element in app.markdown)


# Of a layer, an activation and a loss; for the sidebar's network, or one with another batch, activation, loss or sizes;
# with wrong values, or with right ones and a remark. That every bug is found, `tests/check` tests.
@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "name",
    [
        "derivative missing",
        "bias not summed",
        "leak forgotten",
        "not clipped",
        "output kept for input",
        "batch mean forgotten",
        "target minus output",
        "dy changed in place",
    ],
)
def test_a_bug_is_told_and_found(open_page, name):
    app = open_page("bug_gallery", bug=name)
    assert not app.exception
    assert not app.warning
    shown = fitting_experiment(GALLERY[name], Experiment())
    report = checked(name, shown.places[-1], shown.experiment)
    assert [code.value for code in app.code][:2] == [GALLERY[name].wrong, GALLERY[name].right]
    assert app.info[0].value.startswith(address.plain(report.diagnosis[0].sentence))
    assert address.plain(GALLERY[name].story) in markdown(app)
    assert f"Verdict: {report.verdict.words}." in markdown(app)
    assert all(text in markdown(app) for text in shown.changes)
    assert ("You see it with" in markdown(app)) == bool(shown.changes)
    assert all(reason in markdown(app) for reason in why_not(shown.bug, Experiment(), shown.experiment))


def test_the_bugs_of_one_group_can_be_leafed_through(open_page):
    app = open_page("bug_gallery", group="losses")
    assert app.selectbox(key="bug").options == groups()["losses"]
    assert app.selectbox(key="bug").value == groups()["losses"][0]
    app.selectbox(key="group").set_value("activations").run()
    assert not app.exception
    assert app.selectbox(key="bug").value == "derivative missing"


def test_the_maps_are_those_of_the_chosen_tensor(open_page):
    app = open_page("bug_gallery", bug="minus in the gradient", place="fc2", seen="fc2.W", seed="3")
    expected = checked("minus in the gradient", "fc2", Experiment(seed=3))["fc2.W"]
    analytical, numerical = arrays(app, 0)[:2]
    np.testing.assert_array_equal(analytical, expected.analytical)
    np.testing.assert_array_equal(numerical, expected.numerical)
    app.button_group(key="seen").set_value("x").run()
    assert arrays(app, 0)[0].size == 2


def test_the_most_telling_tensor_is_shown_at_first(open_page):
    app = open_page("bug_gallery", bug="nothing passed on")
    assert "**fc2.W**: wrong." in markdown(app)
    assert not arrays(app, 0)[0].any()


def test_the_table_holds_what_the_rules_say(open_page):
    report = checked("one entry one per cent off", "fc1", Experiment())
    app = open_page("bug_gallery", bug="one entry one per cent off", place="fc1")
    table = shown_table(app, "by error bars")
    assert list(table["tensor"]) == list(report)
    assert list(table["by error bars"]) == [check.verdict.words for check in report.values()]
    for rule in RULES:
        verdicts = [cell.split(":")[0] for cell in table[rule]]
        assert verdicts == ["pass" if check.judgements[rule].accepted else "fail" for check in report.values()]


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("dy changed in place", {}, "the verdict is wrong all the same"),
        ("derivative twice", {"activation": "ReLU"}, "No comparison"),  # 1 and 0 are their own squares
        ("derivative missing", {}, None),
        ("one entry one per cent off", {}, None),
    ],
)
def test_it_says_where_no_value_changes(open_page, name, settings, words):
    app = open_page("bug_gallery", bug=name, **settings)
    assert ("changes no value" in markdown(app)) == (words is not None)
    assert (words or "") in markdown(app)


@pytest.mark.parametrize(
    ("setting", "used"),
    [({"bug": "banana"}, "derivative missing"), ({"place": "fc9"}, "activation_fn2"), ({"seen": "w"}, "most")],
)
def test_what_cannot_be_chosen_is_named(open_page, setting, used):
    app = open_page("bug_gallery", **setting)
    assert not app.exception
    [warning] = app.warning
    assert used.replace("_", r"\_") in warning.value


def test_a_place_that_the_next_bug_cannot_have_gives_way(open_page):
    app = open_page("bug_gallery", place="activation_fn1")
    for name in ("bias not summed", "target minus output", "a sign too many"):
        app.selectbox(key="bug").set_value(name).run()
        assert not app.exception
        assert not app.warning
        shown = fitting_experiment(GALLERY[name], Experiment())
        assert app.button_group(key="place").value == shown.places[-1]


def test_a_place_that_was_not_chosen_is_that_of_a_link_without_one(open_page):
    app = open_page("bug_gallery", bug="W transposed on the way back")  # which fits in fc2 alone
    app.selectbox(key="bug").set_value("minus in the gradient").run()
    again = open_page("bug_gallery", bug="minus in the gradient")
    assert app.button_group(key="place").value == again.button_group(key="place").value == "fc3"


def test_a_bug_with_every_tensor_consistent_is_told_to_be_wrong_all_the_same(open_page):
    app = open_page("bug_gallery", bug="gradients pile up")
    shown = everything(app)
    assert "**Verdict: wrong.** By tensor, consistent: fc1.W, fc1.b, fc2.W, fc2.b, fc3.W, fc3.b, x." in shown
    assert "Every tensor is consistent, and the verdict is wrong all the same: what the check names above" in shown


def test_a_forgotten_row_is_told_in_one_piece(open_page):
    shown = everything(open_page("bug_gallery", bug="last row forgotten"))
    assert "dW is right but for one place: row 4, which stayed zero. Look at the ends" in shown
    shown = everything(open_page("bug_gallery", bug="features from the wrong end", sizes="2-2-2", batch="4"))
    assert "one out of step. This is" in shown


def test_the_arithmetic_is_of_the_network_that_is_shown(open_page):
    """The bug needs another network than the sidebar's, whose numbers are not those of the maps."""
    experiment, name = Experiment(sizes=(3, 2), seed=3), "W transposed on the way back"
    fitting = fitting_experiment(GALLERY[name], experiment)
    assert fitting.experiment != experiment
    problem = fitting.experiment.problem()
    app = open_page("bug_gallery", sizes="3-2", seed="3", bug=name, number="fc1.W[1,0]")
    for _, line in derivation.origin(problem, trace(*problem), "fc1.W", (1, 0)):
        assert f"${line}$" in everything(app)
