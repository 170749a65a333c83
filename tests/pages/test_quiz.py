"""The quiz's page hides its bug until an answer is given, marks it, and counts each question once."""

import pytest

from mlp.lab.experiment import Experiment
from mlp.lab.quiz import NOTHING, question
from pages.ui.address import plain

EXPERIMENT = Experiment()
FAULTY = next(number for number in range(1, 50) if question(EXPERIMENT, number).bug)
RIGHT = next(number for number in range(1, 50) if not question(EXPERIMENT, number).bug)


def everything(app):
    """All text of the page, and its figures."""
    elements = [*app.markdown, *app.code, *app.info, *app.caption, *app.subheader]
    return "\n".join([*(str(element.value) for element in elements), *(c.proto.spec for c in app.get("plotly_chart"))])


def answer(app, pattern, layer=None):
    what, where = (next(r for r in app.radio if r.label == label) for label in ("What is wrong?", "In which layer?"))
    what.set_value(pattern)
    if layer:
        where.set_value(layer)
    app.run()
    button(app, "Reveal").click().run()
    assert not app.exception


def button(app, label):
    return next(one for one in app.button if one.label == label)


def score(app):
    return app.metric[0].value


def test_the_bug_is_hidden_until_it_is_answered(open_page):
    hidden = question(EXPERIMENT, FAULTY)
    app = open_page("quiz", quiz=str(FAULTY))
    assert button(app, "Reveal").disabled
    assert not app.metric
    for secret in (plain(hidden.bug.story), hidden.bug.wrong, hidden.bug.right, hidden.bug.name):
        assert secret not in everything(app)
    answer(app, hidden.bug.pattern, hidden.place)
    for secret in (plain(hidden.bug.story), hidden.bug.wrong, hidden.bug.right, hidden.bug.name):
        assert secret in everything(app)
    assert app.info
    assert score(app) == "1 of 1 right"
    assert "very same numbers" not in everything(app)  # it is the bug itself


@pytest.mark.parametrize("wrong", ["pattern", "layer"])
def test_a_wrong_answer_is_marked_and_cannot_be_changed(open_page, wrong):
    hidden = question(EXPERIMENT, FAULTY)
    pattern, layer = hidden.bug.pattern, hidden.place
    if wrong == "pattern":
        pattern = next(other for other in hidden.patterns if other != pattern)
    else:
        layer = next(other for other in hidden.layers if other != layer)
    app = open_page("quiz", quiz=str(FAULTY))
    answer(app, pattern, layer)
    for kind in ("pattern", "layer"):
        [line] = [text.value for text in app.markdown if f"{kind.capitalize()}: you said" in text.value]
        assert ("**Wrong.**" in line, "**Right.**" in line) == (kind == wrong, kind != wrong)
    assert score(app) == "0 of 1 right"
    assert button(app, "Reveal").disabled
    assert all(radio.disabled for radio in app.radio)


def test_nothing_wrong_is_an_answer_and_needs_no_layer(open_page):
    app = open_page("quiz", quiz=str(RIGHT))
    answer(app, NOTHING)
    assert score(app) == "1 of 1 right"
    assert "Nothing is wrong" in everything(app)
    assert not app.code


def test_each_question_counts_once_and_the_next_is_a_new_one(open_page):
    app = open_page("quiz", quiz=str(FAULTY))
    answer(app, NOTHING)
    assert score(app) == "0 of 1 right"
    button(app, "Next question").click().run()
    assert app.number_input(key="quiz").value == FAULTY + 1
    following = question(EXPERIMENT, FAULTY + 1)
    answer(app, following.bug.pattern if following.bug else NOTHING, following.place or None)
    assert score(app) == "1 of 2 right"
    app.number_input(key="quiz").set_value(FAULTY).run()
    assert score(app) == "1 of 2 right"
    assert button(app, "Reveal").disabled
    app.switch_page("pages/overview.py").run()
    app.switch_page("pages/quiz.py").run()
    assert not app.exception
    assert score(app) == "1 of 2 right"


@pytest.mark.parametrize("text", ["0", "10000", "1.5", "banana", ""])
def test_a_number_that_is_no_questions_is_named(open_page, text):
    app = open_page("quiz", quiz=text)
    assert not app.exception
    [warning] = app.warning
    assert "whole numbers from 1 to 9,999" in warning.value
    assert app.number_input(key="quiz").value == 1


@pytest.mark.parametrize("changed", ["sizes", "seed"])
def test_another_network_is_another_question(open_page, changed):
    app = open_page("quiz", quiz=str(FAULTY))
    answer(app, NOTHING)
    if changed == "sizes":
        app.text_input(key="sizes").set_value("3-4-2").run()
    else:
        app.number_input(key="seed").set_value(1).run()
    assert not app.exception
    assert not button(app, "Next question").disabled
    assert all(radio.value is None for radio in app.radio)
    assert score(app) == "0 of 1 right"


def test_a_link_holds_the_level_and_an_answer_at_one_is_none_at_another(open_page):
    app = open_page("quiz", quiz=str(FAULTY), level="easy")
    [what] = [radio for radio in app.radio if radio.label == "What is wrong?"]
    assert what.options == [*question(EXPERIMENT, FAULTY, "easy").patterns, NOTHING]
    hidden = question(EXPERIMENT, FAULTY)
    answer(app, hidden.bug.pattern, hidden.place)
    app.button_group(key="level").set_value("hard").run()
    assert not app.exception
    assert all(radio.value is None for radio in app.radio)
    assert score(app) == "1 of 1 right"


def test_after_the_answer_the_telling_maps_are_shown(open_page):
    app = open_page("quiz", quiz=str(FAULTY))
    assert len(app.get("plotly_chart")) == 2
    answer(app, NOTHING)
    assert len(app.get("plotly_chart")) == 3
    assert any("You could have seen it on the maps of" in text.value for text in app.markdown)


def test_a_link_can_hold_a_series_that_ends(open_page):
    app = open_page("quiz", quiz="5", last="6")
    assert not button(app, "Next question").disabled
    button(app, "Next question").click().run()
    assert app.number_input(key="quiz").value == 6
    assert button(app, "Next question").disabled
    assert not button(open_page("quiz", quiz="6"), "Next question").disabled
    [warning] = open_page("quiz", last="0").warning
    assert "last=0: Questions are whole numbers from 1 to 9,999" in warning.value


def test_after_the_last_question_comes_the_first(open_page):
    app = open_page("quiz", quiz="9999")
    button(app, "Next question").click().run()
    assert not app.exception
    assert app.number_input(key="quiz").value == 1
