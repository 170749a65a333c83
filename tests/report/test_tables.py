"""Tables and files hold the report's numbers, bit for bit."""

import io
import json
import platform
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlp import check_gradients
from mlp.check.entries import entry_columns
from mlp.check.jacobians import jacobian_flow
from mlp.check.tensor import TensorCheck
from mlp.lab.experiment import Experiment
from mlp.report.files.exchange import archive, versions
from mlp.report.files.uploads import read_files
from mlp.report.tables.tensors import (
    all_entries,
    entries,
    flow,
    matrix_csv,
    summary,
    to_csv,
    verdict_markdown,
    worst_entries,
    worst_entries_with_losses,
)
from mlp.user_code.tell.text import csv_text
from tests.report.checks import tensor_check


@pytest.fixture(params=[1, 3], ids=["sample", "batch"])
def experiment(request):
    return Experiment(sizes=(2, 4, 3), seed=1, batch=request.param)


@pytest.fixture
def problem(experiment):
    return experiment.problem()


@pytest.fixture
def report(problem):
    return check_gradients(*problem)


# As the README says; later releases read every bit by themselves, and deprecate the argument.
EVERY_BIT = {"float_precision": "round_trip"} if pd.__version__.startswith("3.0.") else {}


def test_csv_gives_back_every_bit(report):
    table = pd.read_csv(io.BytesIO(to_csv(all_entries(report))), **EVERY_BIT)
    for name, check in report.items():
        rows = table[table["tensor"] == name]
        for column in ("analytical", "numerical", "difference", "error_bar", "relative_error"):
            np.testing.assert_array_equal(rows[column].to_numpy(), getattr(check, column).ravel())


@pytest.mark.parametrize("name", ["=1+1", "+W", "-W", "@W", "\tW"])
def test_no_name_is_a_formula_of_a_spreadsheet(name):
    one = np.ones(2)
    table = pd.read_csv(io.BytesIO(to_csv(entries(tensor_check(one, one, name)))))
    assert set(table["tensor"]) == {f"'{name}"}
    assert set(entries(tensor_check(one, one, "W=-1"))["tensor"]) == {"W=-1"}
    assert set(entries(tensor_check(one, one, "\r=W"))["tensor"]) == {r"\r=W"}  # pandas would not quote it


def test_csv_gives_back_extreme_numbers():
    hard = np.array([5e-324, 1.7976931348623157e308, 0.1, -1 / 3, 2.5e-310, np.nan, np.inf])
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf and the like are not what is tested here
        table = pd.read_csv(io.BytesIO(to_csv(entries(tensor_check(hard, hard, "b")))))
    np.testing.assert_array_equal(table["analytical"].to_numpy(), hard)


def test_indices_lead_to_the_entry(report):
    for name, check in report.items():
        for row in entries(check).itertuples():
            index = (row.i,) if check.analytical.ndim == 1 else (row.i, row.j)
            assert check.analytical[index] == row.analytical, name
            assert pd.isna(row.j) == (check.analytical.ndim == 1)


def test_a_tensor_of_four_axes_keeps_all_its_indices_and_comes_back():
    values = np.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    checks = {"K": tensor_check(values, values, "K"), "b": tensor_check(values[0, 0, 0], values[0, 0, 0], "b")}
    content = to_csv(all_entries(checks))
    table = pd.read_csv(io.BytesIO(content))
    assert list(table.columns[:5]) == ["tensor", "i", "j", "k", "l"]
    kernel = table[table["tensor"] == "K"]
    index = tuple(kernel[axis].to_numpy(int) for axis in "ijkl")
    np.testing.assert_array_equal(values[index], kernel["analytical"])
    assert table[table["tensor"] == "b"][["j", "k", "l"]].isna().all(axis=None)
    read = read_files({"gradients.csv": content})
    for name, check in checks.items():
        np.testing.assert_array_equal(read[name], check.analytical)


def test_the_command_line_and_the_dashboard_write_the_same_csv(report):
    hard = np.array([[5e-324, 0.1], [-1 / 3, 2.5e-310]])
    checks = [*report.values(), tensor_check(hard, hard * (1 + 1e-9), "U"), tensor_check(hard[0], hard[1], "c")]
    assert csv_text(entry_columns(checks)).encode() == to_csv(all_entries({check.name: check for check in checks}))


def test_the_summary_names_what_differs(report):
    assert set(summary(report)["verdict"]) == {"consistent"}
    broken = tensor_check(np.ones((2, 2)), np.array([[1, 1], [1, 1.1]]))
    [row] = summary({"fc1.W": broken}).itertuples()
    assert row.verdict == "wrong"
    assert row[4] == "fc1.W[1,1]"


def test_the_worst_entry_is_that_of_the_largest_difference_for_its_error_bar():
    # The first entry is off by more, the second by more error bars.
    bar = np.array([1.0, 1e-6])
    check = TensorCheck("b", np.zeros(2), np.array([0.5, 0.125]), bar, 0 * bar, 0 * bar, np.zeros(2, bool))
    [row] = summary({"b": check}).to_dict("records")
    assert row["worst entry"] == "b[1]"
    assert (row["its |difference|"], row["its error bar"]) == (0.125, check.error_bar[1])
    assert row["shape"] == "(2,)"
    for rule, reading in check.judgements.items():
        assert row[rule] == reading.words


def test_each_verdict_has_a_colour_of_its_own_as_its_box_has():
    colours = {}
    for numerical, truncation in ((1.0, 0.0), (2.0, 0.0), (2.0, 10.0)):
        bar = np.full(1, 1e-6 + truncation)
        check = TensorCheck("b", np.ones(1), np.full(1, numerical), bar, 0 * bar, 0 * bar, np.zeros(1, bool))
        colours[check.verdict.words] = verdict_markdown(check)
    assert colours == {
        "consistent": ":green[consistent]",
        "wrong": ":red[wrong]",
        "cannot tell": ":orange[cannot tell]",
    }


def test_worst_entries_explain_their_quotients(problem, report):
    table = worst_entries_with_losses(problem, report, "fc1.W")
    upper, lower = table["c(+h)"].astype(float), table["c(-h)"].astype(float)
    # Structured differences round the two values otherwise than evaluating the network whole does: by some twenty
    # roundings of the loss each, which the step divides.
    allowed = 20 * 2**-52 * report.loss / 1e-4
    np.testing.assert_allclose((upper - lower) / 2e-4, table["numerical"], rtol=0, atol=allowed)


def test_the_archive_holds_everything(experiment, problem, report):
    packed = zipfile.ZipFile(io.BytesIO(archive(experiment, report)))
    told = {"settings": experiment.settings(), "loss": report.loss, "passed": True, "versions": versions()}
    assert packed.read("settings.json").decode() == json.dumps(told, indent=2)  # a setting a line, for people
    assert versions()["python"] == platform.python_version()
    assert (versions()["numpy"], versions()["pandas"]) == (np.__version__, pd.__version__)
    failed = replace(report, checks={**report.checks, "x": tensor_check(np.ones(2), np.zeros(2), "x")})
    packed_failure = zipfile.ZipFile(io.BytesIO(archive(experiment, failed)))
    assert json.loads(packed_failure.read("settings.json"))["passed"] is False
    arrays = np.load(io.BytesIO(packed.read("problem.npz")), allow_pickle=False)
    for name, array in {**problem.network.parameters(), "x": problem.x, "target": problem.target}.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert len(pd.read_csv(packed.open("gradients.csv"))) == sum(check.analytical.size for check in report.values())
    for name, check in report.items():
        assert packed.read(f"gradients/{name}.csv") == to_csv(entries(check))


def test_the_archive_of_the_same_experiment_is_the_same_file(experiment, report):
    packed = archive(experiment, report)
    assert packed == archive(experiment, check_gradients(*experiment.problem()))
    # Also on another day.
    assert {info.date_time[:3] for info in zipfile.ZipFile(io.BytesIO(packed)).infolist()} == {(1980, 1, 1)}


def test_a_layers_stretching_is_its_largest_and_smallest_singular_value(problem):
    jacobians = jacobian_flow(problem.network, np.atleast_2d(problem.x)[0])
    table = flow(jacobians, {"fc1": 1.0, "activation_fn1": 2.0, "fc2": 3.0})
    assert list(table["layer"]) == ["fc1", "activation_fn1", "fc2"]
    assert list(table["Jacobian"]) == ["(4, 2)", "(4, 4)", "(3, 4)"]
    for k, (name, norm) in enumerate((("fc1", 1.0), ("activation_fn1", 2.0), ("fc2", 3.0))):
        values = np.linalg.svd(jacobians.layers[name], compute_uv=False)
        assert table["spectral norm"][k] == values.max()
        assert table["smallest singular value"][k] == values.min()
        assert table["norm of dx"][k] == norm


def test_a_matrix_as_csv_has_its_row_numbers_first():
    matrix = np.array([[0.1, -1 / 3], [5e-324, 2.0]])
    read = pd.read_csv(io.BytesIO(matrix_csv(matrix)))
    assert list(read.columns) == ["row", "0", "1"]
    assert list(read["row"]) == [0, 1]
    np.testing.assert_array_equal(read[["0", "1"]], matrix)


def test_the_worst_entries_come_first_and_are_ten():
    check = tensor_check(np.arange(12.0), np.arange(12.0) + 1e-7 * np.arange(12) ** 2, "b")
    table = worst_entries(check)
    # The error bars are all the same, so the entries come in the order of their differences.
    assert list(table["entry"]) == [f"b[{i}]" for i in range(11, 1, -1)]
    indices = list(range(11, 1, -1))
    for column in ("analytical", "numerical", "difference", "error_bar"):
        np.testing.assert_array_equal(table[column.replace("_", " ")], getattr(check, column)[indices])
    is_wrong = np.abs(table["difference"]) > table["error bar"]
    assert list(table["verdict"]) == ["wrong" if wrong else "consistent" for wrong in is_wrong]
    assert set(is_wrong) == {True, False}
