"""The page for gradients from elsewhere: out with a problem, back with a file, and what is said of it."""

import io
import json

import numpy as np
import pytest

from mlp import check_given_gradients
from mlp.check.check import analytical_gradients
from mlp.lab.experiment import Experiment
from mlp.report.files import exchange
from mlp.report.tables import tensors
from pages.ui import address
from tests.pages.plots import arrays, shown_table


def right(experiment):
    return analytical_gradients(*experiment.problem())[1]


def npz(gradients):
    buffer = io.BytesIO()
    np.savez(buffer, **gradients)
    return buffer.getvalue()


def upload(app, *files):
    """Drop these (name, content) files into the page's uploader, in the place of what is there."""
    app.file_uploader(key="upload").set_value([(*file, "application/octet-stream") for file in files]).run()
    assert not app.exception
    return app


@pytest.fixture
def page(open_page):
    """The page of a new session, with these settings in the address."""
    return lambda **address: open_page("your_gradients", **address)


def text(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption)).replace("\\", "")


def test_until_something_is_uploaded_the_dashboards_own_gradients_are_compared(page):
    app = page(sizes="3-4-2", seed="5")
    assert "the dashboard's own gradients" in text(app)
    assert not app.success  # no answer before there is a question
    yours, numerical, _ = arrays(app, 0)
    np.testing.assert_array_equal(yours, right(Experiment(sizes=(3, 4, 2), seed=5))["fc1.W"])
    assert numerical.shape == (4, 3)


def test_the_sample_with_a_mistake_is_called_wrong_and_the_mistake_named(page):
    app = upload(page(), ("sample.npz", exchange.sample_npz(Experiment())))
    assert "activation_fn2: dx is dy, passed on unchanged" in app.error[0].value.replace("\\", "")
    found = shown_table(app, "found as").set_index("tensor")
    assert found.loc["fc2.W", "found as"] == "fc2.weight (by name)"
    assert dict(found["verdict"]) == dict.fromkeys(["fc1.W", "fc1.b", "fc2.W", "fc2.b", "x"], "wrong") | dict.fromkeys(
        ["fc3.W", "fc3.b"], "consistent"
    )


@pytest.mark.parametrize("sizes", [(2, 3), (1, 1), (3, 4, 2)])
def test_the_sample_is_wrong_in_every_network(page, sizes):
    experiment = Experiment(sizes=sizes)
    app = upload(page(sizes="-".join(map(str, sizes))), ("sample.npz", exchange.sample_npz(experiment)))
    assert app.error


@pytest.mark.parametrize("beside", ["central", "complex-step", "analytical"])
def test_the_maps_hold_what_was_brought_and_what_it_is_held_against(page, beside):
    gradients = {name: 2 * value for name, value in right(Experiment()).items()}
    app = upload(page(beside=beside, of="fc2.W"), ("g.npz", npz(gradients)))
    yours, other, _ = arrays(app, 0)
    np.testing.assert_array_equal(yours, gradients["fc2.W"])
    method = {"analytical": "central"}.get(beside, beside)
    expected = check_given_gradients(
        *Experiment().problem(), gradients, 1e-20 if method == "complex-step" else 1e-4, method
    )["fc2.W"].numerical
    if beside == "analytical":
        expected = right(Experiment())["fc2.W"]
    np.testing.assert_array_equal(other, expected)


def test_the_verdict_is_that_of_the_chosen_method(page):
    # Off by a millionth, which a step of 1e-12 cannot see and the complex step, shown beside it, can.
    experiment = Experiment(sizes=(3, 4, 2))
    gradients = {name: value * (1 + 1e-6) for name, value in right(experiment).items()}
    app = upload(page(sizes="3-4-2", eps="1e-12"), ("mine.npz", npz(gradients)))
    assert app.warning
    assert not app.error
    table = shown_table(app, "by complex-step")
    assert set(table["verdict"]) == {"consistent"}
    assert set(table["by complex-step"]) == {"wrong"}
    # The tensor's own sentence stays that of the chosen method, whatever it is drawn beside.
    app.button_group(key="beside").set_value("complex-step").run()
    report = check_given_gradients(*experiment.problem(), gradients, 1e-12)
    assert address.plain(report["fc1.W"].summary) in [box.value for box in app.warning]
    assert not app.error


def test_each_of_several_mistakes_is_told(page):
    problem, gradients = Experiment().problem(), right(Experiment())
    wrong = gradients | {"fc1.b": 2 * gradients["fc1.b"], "fc2.W": -gradients["fc2.W"], "fc3.W": 3 * gradients["fc3.W"]}
    first, *others = check_given_gradients(*problem, wrong).diagnosis
    assert len(others) == 2
    app = upload(page(), ("g.npz", npz(wrong)))
    assert app.error[0].value == address.plain(first.sentence)
    assert [box.value for box in app.warning] == [address.plain(finding.sentence) for finding in others]


def test_our_own_csv_plain_matrices_and_an_npz_give_the_same_answer(page):
    experiment = Experiment(sizes=(3, 4, 2))
    gradients = right(experiment) | {"fc2.b": -right(experiment)["fc2.b"]}
    report = check_given_gradients(*experiment.problem(), gradients)
    long = tensors.to_csv(tensors.all_entries(report))
    plain = [
        (f"{name}.csv", "\n".join(",".join(map(repr, row.tolist())) for row in np.atleast_2d(value)).encode())
        for name, value in gradients.items()
    ]
    for files in ([("g.npz", npz(gradients))], [("gradients.csv", long)], plain):
        app = upload(page(sizes="3-4-2"), *files)
        assert "fc2: db has the wrong sign throughout" in app.error[0].value
        assert list(shown_table(app, "found as")["verdict"]).count("wrong") == 1


def test_what_was_turned_left_out_and_not_used_is_said(page):
    gradients = {f"{name[-1]}{name[2]}": value.T for name, value in right(Experiment()).items() if name != "x"}
    app = upload(page(), ("g.npz", npz(gradients | {"epoch": np.ones(1)})))
    assert app.success
    assert "Transposed, so it was turned: fc1.W, fc2.W, fc3.W." in text(app)
    assert "No gradient came for x" in text(app)
    assert "Not used, since no tensor here is called so: epoch." in text(app)


BAD = [
    (("g.npz", b"no zip"), "not a readable NPZ file"),
    (("g.npz", npz({"fc1.W": np.ones((10, 2))})), "There is no gradient of fc1.b"),
    (("g.npz", npz(right(Experiment(sizes=(2, 9, 20, 5))))), "has shape (9, 2), but"),
    (("g.npz", npz(right(Experiment()) | {"fc1.b": np.full(10, np.nan)})), "is nan at [0]"),
    (("g.npz", npz(right(Experiment()) | {"fc1.b": np.array([None] * 10)})), "never loaded"),
    (("g.csv", b"tensor,i,j,gradient\nfc1.W,0,0,many\n"), "'many', which is no number"),
    (("g.npz", exchange.problem_npz(Experiment())), "fc1.W is the parameter itself, not its gradient"),
    (("g.npz", npz(right(Experiment()) | {"x": Experiment().problem().x})), "x is the input itself, not its gradient"),
]


@pytest.mark.parametrize(("file", "words"), BAD)
def test_a_file_that_cannot_be_used_is_told_and_what_was_there_stays(page, file, words):
    app = upload(page(), file)
    assert words in app.error[0].value.replace("\\", "")
    assert "the dashboard's own gradients" in text(app)
    wrong = right(Experiment()) | {"fc1.b": np.zeros(10)}
    app = upload(app, ("mine.npz", npz(wrong)))
    assert len(app.error) == 1 + (app.radio(key="of").value == "fc1.b")
    before = [chart.proto.spec for chart in app.get("plotly_chart")]
    app = upload(app, file)
    assert words in app.error[0].value.replace("\\", "")
    assert "What you see below is from before." in app.error[0].value
    assert "mine.npz" in text(app)
    assert [chart.proto.spec for chart in app.get("plotly_chart")] == before


def test_a_file_taken_out_again_is_forgotten(page):
    app = upload(page(), ("mine.npz", npz(right(Experiment()))))
    assert "mine.npz" in text(app)
    app.file_uploader(key="upload").set_value(None).run()
    assert "the dashboard's own gradients" in text(app)


def test_the_later_of_two_files_of_one_name_counts_and_that_is_said(page):
    app = upload(page(), ("g.npz", npz({name: -value for name, value in right(Experiment()).items()})))
    assert app.error
    app.file_uploader(key="upload").upload("g.npz", npz(right(Experiment())))
    app = upload(
        page(),
        ("g.npz", npz({name: -value for name, value in right(Experiment()).items()})),
        ("g.npz", npz(right(Experiment()))),
    )
    assert app.success
    assert "the one that came later is used" in text(app)


def test_an_upload_stays_with_its_problem_when_the_sidebar_moves_on(page):
    app = upload(page(), ("mine.npz", npz(right(Experiment()))))
    before = arrays(app, 0)[0]
    app.number_input(key="seed").set_value(9).run()
    assert "other settings than the sidebar has now" in app.info[0].value
    np.testing.assert_array_equal(arrays(app, 0)[0], before)
    assert not app.error
    app.button[[b.label for b in app.button].index("Set the sidebar back to them")].click().run()
    assert app.number_input(key="seed").value == 0
    assert not app.info


def test_an_upload_can_be_taken_for_the_sidebars_problem(page):
    app = upload(page(), ("mine.npz", npz(right(Experiment(seed=9)))))
    assert "Not one of these gradients fits" in app.error[0].value
    app.number_input(key="seed").set_value(9).run()
    app.button[[b.label for b in app.button].index("Compare them with the sidebar's problem")].click().run()
    assert app.success
    assert not app.error
    assert not app.info


def test_step_and_method_of_the_sidebar_are_followed_by_an_upload(page):
    app = upload(page(), ("mine.npz", npz(right(Experiment()))))
    app.select_slider(key="eps").set_value(0.5).run()
    assert not app.info
    assert app.warning[0].value
    assert "The complex step, which subtracts nothing, says: **consistent**" in text(app)
    app.select_slider(key="eps").set_value(1e-12)
    app.selectbox(key="method").set_value("complex-step").run()
    assert not app.warning
    assert list(app.segmented_control(key="beside").options) == ["complex-step", "analytical"]


def test_float32_gradients_are_right_and_that_they_are_float32_is_said(page):
    gradients = {name: value.astype(np.float32) for name, value in right(Experiment()).items()}
    app = upload(page(), ("mine.npz", npz(gradients)))
    assert app.success
    assert "float32" in app.info[0].value


def test_an_upload_survives_a_visit_to_another_page(page):
    app = upload(page(), ("mine.npz", npz(right(Experiment()))))
    app.switch_page("pages/overview.py").run()
    app.switch_page("pages/your_gradients.py").run()
    assert "mine.npz" in text(app)


def test_the_csv_can_be_uploaded_again(page, files):
    gradients = {name: 3 * value for name, value in right(Experiment(sizes=(3, 4, 2))).items()}
    upload(page(sizes="3-4-2"), ("mine.npz", npz(gradients)))
    content = files["gradients.csv"]
    app = upload(page(sizes="3-4-2"), ("gradients.csv", content))
    assert "the factor is 3" in app.error[0].value


@pytest.mark.parametrize("library", ["numpy", "PyTorch", "JAX"])
def test_the_ready_code_is_shown_when_it_is_opened(page, library):
    app = page(ready="true", library=library)
    assert any("problem.npz" in block.value and "np.savez" in block.value for block in app.code)


def test_the_settings_that_are_handed_out_make_the_problem_again():
    told = json.loads(exchange.problem_json(Experiment(sizes=(3, 4, 2), batch=5, loss="HuberLoss")))
    assert Experiment.from_settings(told["settings"]) == Experiment(sizes=(3, 4, 2), batch=5, loss="HuberLoss")


def test_a_network_that_the_complex_step_would_take_too_long_for_is_refused_in_a_sentence(open_page):
    """By five points it may be checked; the complex step is dearer."""
    app = open_page("your_gradients", sizes="200-92-112-1165", loss="BCEWithLogitsLoss", method="five-point")
    assert not app.exception
    [error] = app.error
    assert error.value.startswith(
        "Here the complex step is compared with as well. Checking 200-92-112-1165 on 1 sample"
    )
    assert error.value.endswith("Take smaller layers or fewer samples.")
