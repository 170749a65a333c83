"""What must hold on every page: it shows a result without a click, follows a setting, and survives any address."""

import json
from itertools import permutations

import pytest

from mlp.report.figures.style import LARGE
from tests.pages.conftest import PAGES

every_page = pytest.mark.parametrize("page", PAGES)

# Pages whose figures show functions of their own.
WITHOUT_NETWORK = {"finite_differences", "your_layers"}

# Settings that cannot be used, and a word that the sentence about each must have in it.
UNUSABLE = [
    ({"sizes": "0-0"}, "at least 1 unit"),
    ({"sizes": "9999999-2"}, "parameters; the limit is"),
    ({"sizes": "2"}, "at least inputs and outputs"),
    ({"sizes": ""}, "at least inputs and outputs"),
    ({"sizes": "2-10-20-5" + "-1" * 40}, "at most 20 linear layers"),
    ({"sizes": "2-" + "9" * 400}, "No layer can have"),
    ({"sizes": "2--5"}, "hyphens"),
    ({"sizes": "2-ten-5"}, "hyphens"),
    ({"sizes": "2-٣-5"}, "hyphens"),  # an Arabic digit, which Python's int() would read
    ({"sizes": "![x](https://example.org/x.png)"}, "hyphens"),
    ({"eps": "banana"}, "power of ten"),
    ({"eps": "3e-4"}, "power of ten"),
    ({"eps": "0"}, "power of ten"),
    ({"eps": "nan"}, "power of ten"),
    ({"eps": "-1e-4"}, "power of ten"),
    ({"seed": "-1"}, "from 0 to 4,294,967,295"),
    ({"seed": "4294967296"}, "from 0 to 4,294,967,295"),
    ({"seed": "1.5"}, "whole number"),
    ({"seed": "9" * 5000}, "whole number"),
    ({"batch": "0"}, "from 1 to"),
    ({"batch": "1e9"}, "whole number"),
    ({"activation": "tanh"}, "one of Tanh"),
    ({"loss": "None"}, "one of MSELoss"),
    ({"initialisation": "xavier"}, "one of standard normal"),
    ({"method": "exact"}, "one of forward"),
    ({"data": "clouds"}, "one of random"),
    ({"data": "moons"}, "must begin with 2 and end with 2"),
    ({"preset": "Nothing"}, "no preset of this name"),
    ({"color": "blue"}, "no setting of this name"),
    ({"sizes": "100-100", "batch": "1000"}, "seconds of one core"),
    ({"batch": "1000", "sizes": "100-100"}, "seconds of one core"),
    ({"broken": "perhaps"}, "Here it can be true, false; false is used"),
]


def charts(app):
    return [chart.proto.spec for chart in app.get("plotly_chart")]


@every_page
def test_it_shows_a_result_at_once_follows_a_setting_and_keeps_it_if_the_next_is_impossible(open_page, page):
    app = open_page(page)
    assert not app.exception
    assert bool(app.error) == (page == "your_layers")  # it opens on the wrong one of its examples
    assert not app.warning
    assert app.title
    assert any("xercise 2.1" in text.value for text in app.caption), "its place in the exercise"
    before = charts(app)
    assert before
    app.number_input(key="seed").set_value(3).run()
    assert not app.exception
    after = charts(app)
    assert (after != before) == (page not in WITHOUT_NETWORK)
    app.text_input(key="sizes").set_value("2-0-5").run()
    assert "at least 1 unit" in app.error[0].value
    assert charts(app) == after


# The sidebar is the same on every page, so each refusal is seen once, on the page that is drawn in the shortest time.
@pytest.mark.one_in(3)
@pytest.mark.parametrize(("address", "words"), UNUSABLE, ids=lambda value: str(value)[:40])
def test_an_unusable_setting_is_named_and_the_rest_is_used(open_page, address, words):
    app = open_page("overview" if "broken" in address else "finite_differences", **{"loss": "HuberLoss", **address})
    assert not app.exception
    [warning] = app.warning
    assert words in warning.value
    assert len(warning.value) < 600
    assert app.text_input(key="sizes").value == (
        "100-100" if "batch" in address and "sizes" in address else "2-10-20-5"
    )
    assert app.selectbox(key="loss").value == ("MSELoss" if address == {"loss": "None"} else "HuberLoss")
    assert not set(address) - {"sizes", "loss"} & set(app.query_params)


def test_in_class_text_is_larger_and_the_switch_goes_from_page_to_page(open_page):
    def font(app):
        return json.loads(app.get("plotly_chart")[0].proto.spec)["layout"].get("font")

    app = open_page("gradient_check")
    assert font(app) is None
    app.toggle(key="present").set_value(True).run()
    assert font(app) == {"size": LARGE}
    app.switch_page("pages/loss.py").run()
    assert font(app) == {"size": LARGE}
    assert font(open_page("gradient_check", present="true")) == {"size": LARGE}
    [warning] = open_page("gradient_check", present="1").warning
    assert "Here it can be true, false; false is used." in warning.value


def test_settings_survive_a_page_switch(open_page):
    app = open_page(PAGES[-1], sizes="3-4-2", activation="ReLU", eps="1e-5")
    for other in PAGES:
        app.switch_page(f"pages/{other}.py").run()
        assert not app.exception
        assert app.text_input(key="sizes").value == "3-4-2"
        assert app.selectbox(key="activation").value == "ReLU"
        assert app.select_slider(key="eps").value == 1e-5


def test_the_pages_lead_from_the_first_to_the_last(open_page):
    page, seen = "overview", []
    while page:
        seen.append(page)
        links = [link.proto for link in open_page(page).get("page_link") if link.proto.label.startswith("Next: ")]
        assert len(links) <= 1
        page = links[0].page if links else None
    assert sorted(seen) == PAGES


@pytest.mark.parametrize(
    ("page", "address", "words"),
    [
        ("network", {"all_steps": "banana"}, "all\\_steps=banana: Here it can be true, false; false is used."),
        ("gradient_check", {"hessian": "1"}, "Here it can be true, false; false is used."),
        ("gradient_check", {"python": "yes"}, "Here it can be true, false; false is used."),
        ("gradient_check", {"code": "cobol"}, "Here it can be numpy, mlp, PyTorch, JAX; numpy is used."),
        (
            "gradient_check",
            {"python": "true", "code": "cobol"},
            "Here it can be numpy, mlp, PyTorch, JAX; numpy is used.",
        ),
        ("your_gradients", {"ready": "no"}, "Here it can be true, false; false is used."),
        ("your_gradients", {"library": "cobol"}, "Here it can be"),
    ],
)
def test_what_is_on_or_off_or_written_in_a_language_cannot_be_anything_else(open_page, page, address, words):
    app = open_page(page, **address)
    [warning] = app.warning
    assert words in warning.value


@pytest.mark.parametrize(
    "settings", [*permutations([("sizes", "80-60-40"), ("batch", "1000"), ("method", "five-point")])]
)
def test_settings_in_any_order_mean_the_same(open_page, settings):
    """Too much for 1,000 samples, as the sentence says, so one sample is taken, and the other two are kept."""
    app = open_page(**dict(settings))
    assert "batch=1000: Checking 80-60-40 on 1,000 samples" in app.warning[0].value
    assert app.text_input(key="sizes").value == "80-60-40"
    assert app.selectbox(key="method").value == "five-point"
    assert app.number_input(key="batch").value == 1


def test_a_setting_that_is_repeated_is_named(open_page):
    app = open_page(eps=["1e-6", "1e-5"])
    assert "eps=1e-5: It stands in the address more than once; this one, the last, is used." in app.warning[0].value
    assert app.select_slider(key="eps").value == 1e-5
