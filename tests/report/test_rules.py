"""The table of fixed rules says what the rules say, and its sentence where they err."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlp import check_gradients
from mlp.check.fixed_rules import RULES
from mlp.check.gallery import GALLERY
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import fitting_experiment, planted
from mlp.lab.presets import PRESETS
from mlp.report.programs import bug
from mlp.report.tables.fixed_rules import VERDICT, formulas, misjudged, readings
from tests.check.networks import Scaled

TORCH = "torch.autograd.gradcheck"


def checked(name, place, factor=1.0):
    """The report of a bug in the exercise's network, whose loss is scaled."""
    network, loss, x, target = planted(GALLERY[name], Experiment().problem(), place)
    return check_gradients(network, Scaled(loss, factor), x, target)


def test_a_row_for_each_tensor_and_a_column_for_each_rule():
    report = checked("a sign too many", "activation_fn2")
    table = readings(report)
    assert list(table["tensor"]) == list(report)
    assert list(table.columns) == ["tensor", VERDICT, *RULES]
    assert table.set_index("tensor").loc["fc2.W", VERDICT] == "wrong"
    assert table.set_index("tensor").loc["fc2.b", "np.allclose"] == "fail: 20 of 20 entries differ"
    assert table.set_index("tensor").loc["fc3.b", "np.allclose"] == "pass: all entries close"


def test_where_all_agree_it_says_so():
    assert "agree on every tensor" in misjudged(checked("a sign too many", "activation_fn2"))


def test_what_it_says_of_the_preset_is_so():
    """With a bug in the loss's gradient nothing right is left to fail; with one further down there is."""
    preset = PRESETS["Epsilon too small"].experiment
    problem = planted(GALLERY["a sign too many"], preset.problem(), "activation_fn2")
    report = check_gradients(*problem, preset.eps, preset.method)
    assert misjudged(report).startswith("Failed although consistent: np.allclose on fc3.W")


def test_a_loss_of_a_small_scale_slips_through_absolute_tolerances():
    # Gradients of about 1e-9 differ by less than either absolute tolerance, 1e-8 and 1e-5; a relative error is 1.
    sentence = misjudged(checked("gradient never filled in", "fc3", 1e-10))
    assert sentence == f"Passed although wrong: np.allclose on fc3.W; {TORCH} on fc3.W."


def test_right_code_can_fail_a_fixed_rule():
    network, loss, x, target = Experiment().problem()
    report = check_gradients(network, loss, x, target, 0.01)
    assert report.passed
    assert misjudged(report).startswith("Failed although consistent: np.allclose on ")


def test_every_rules_formula_is_told():
    assert [f"{name}: `{rule.formula}`" for name, rule in RULES.items()] == formulas().split("; ")


@pytest.mark.parametrize("name", ["derivative missing", "sigmoid's slope twice", "bias not summed"])
def test_the_program_prints_verdicts_and_diagnosis(name):
    shown = fitting_experiment(GALLERY[name], Experiment(seed=3))
    place = shown.places[0]
    [text] = bug(shown.experiment, name, place).values()
    run = subprocess.run(
        [sys.executable, "-c", text], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    report = check_gradients(*planted(GALLERY[name], shown.experiment.problem(), place))
    verdicts = [f"{tensor}: {check.verdict.words}" for tensor, check in report.items()]
    assert run.stdout.splitlines() == [*verdicts, *(finding.sentence for finding in report.diagnosis)]
