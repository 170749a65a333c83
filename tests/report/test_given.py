"""Gradients from elsewhere stand beside all three that they are compared with, each in its column."""

import io

import numpy as np
import pandas as pd
import pytest

from mlp.check.check import analytical_gradients
from mlp.check.given import reference
from mlp.lab.experiment import Experiment
from mlp.report.files import UploadError
from mlp.report.tables import given
from mlp.report.tables.tensors import to_csv
from tests.report.test_uploads import npz

PROBLEM = Experiment(sizes=(3, 4, 2), seed=3).problem()
ANALYTICAL = analytical_gradients(*PROBLEM)[1]
# One entry is off by a thousandth of it, all of fc2.W by another factor.
FAR = {**ANALYTICAL, "fc1.W": ANALYTICAL["fc1.W"].copy(), "fc2.W": 3 * ANALYTICAL["fc2.W"]}
FAR["fc1.W"][2, 1] *= 1.001


@pytest.fixture
def compared():
    return given.compared(reference(*PROBLEM, 0.1, "forward"), reference(*PROBLEM, 1e-20, "complex-step"), FAR)


def test_each_tensor_is_held_against_all_three(compared):
    beside = compared.beside("fc1.W")
    assert list(beside) == ["forward", "complex-step", "analytical"]
    for check in beside.values():
        np.testing.assert_array_equal(check.analytical, FAR["fc1.W"])
    np.testing.assert_array_equal(beside["analytical"].numerical, ANALYTICAL["fc1.W"])
    # The complex step has no error to speak of, forward differences with a step of 0.1 have.
    np.testing.assert_allclose(beside["complex-step"].numerical, ANALYTICAL["fc1.W"], rtol=1e-12)
    assert np.abs(beside["forward"].numerical - ANALYTICAL["fc1.W"]).max() > 1e-3


def test_beside_the_complex_step_itself_there_is_no_second_one():
    references = [reference(*PROBLEM, eps, "complex-step") for eps in (1e-8, 1e-20)]
    beside = given.compared(*references, FAR).beside("fc1.W")
    assert list(beside) == ["complex-step", "analytical"]
    np.testing.assert_array_equal(beside["complex-step"].numerical, references[0].estimates["fc1.W"].value)


def test_the_summary_has_both_verdicts_and_the_distance_from_each(compared):
    table = given.summary(compared, {name: f"found {name}" for name in FAR})
    assert list(table["tensor"]) == list(FAR)
    assert list(table["found as"]) == [f"found {name}" for name in FAR]
    rows = table.set_index("tensor")
    # What a thousandth changes, such a step cannot see; the complex step sees it.
    assert (rows.loc["fc1.W", "verdict"], rows.loc["fc1.W", "by complex-step"]) == ("consistent", "wrong")
    assert (rows.loc["fc2.W", "verdict"], rows.loc["fc2.b", "by complex-step"]) == ("wrong", "consistent")
    for name, gradient in FAR.items():
        check = compared.numerical[name]
        assert rows.loc[name, "worst entry"] == f"{name}[{','.join(map(str, check.worst))}]"
        assert rows.loc[name, "its error bar"] == check.error_bar[check.worst]
        for other, one in compared.beside(name).items():
            assert rows.loc[name, f"off {other}"] == np.abs(gradient - one.numerical).max()


def test_the_worst_entries_have_a_column_for_each(compared):
    table = given.worst_entries(compared, "fc2.W")
    check = compared.numerical["fc2.W"]
    indices = check.worst_entries(10)
    assert len(table) == 8
    assert list(table["entry"]) == [f"fc2.W[{i},{j}]" for i, j in indices]
    for column, values in {
        "yours": FAR["fc2.W"],
        "forward": check.numerical,
        "complex-step": compared.complex_step["fc2.W"].numerical,
        "analytical": ANALYTICAL["fc2.W"],
        "difference": check.difference,
        "error bar": check.error_bar,
    }.items():
        np.testing.assert_array_equal(table[column], [values[index] for index in indices])
    assert set(table["verdict"]) == {"wrong"}


def test_the_csv_holds_every_number_bit_by_bit(compared):
    read = pd.read_csv(io.BytesIO(to_csv(given.all_entries(compared))))
    assert list(read.columns) == [
        *("tensor", "i", "j", "gradient", "analytical", "numerical", "complex_step"),
        *("difference", "error_bar", "verdict", "relative_error", "allclose"),
    ]
    for name, gradient in FAR.items():
        rows = read[read["tensor"] == name]
        np.testing.assert_array_equal(rows["gradient"], gradient.ravel())
        np.testing.assert_array_equal(rows["analytical"], ANALYTICAL[name].ravel())
        np.testing.assert_array_equal(rows["numerical"], compared.numerical[name].numerical.ravel())
        np.testing.assert_array_equal(rows["complex_step"], compared.complex_step[name].numerical.ravel())
        np.testing.assert_array_equal(rows["difference"], compared.numerical[name].difference.ravel())
        one = pd.read_csv(io.BytesIO(to_csv(given.entries(compared, name))))
        np.testing.assert_array_equal(one["gradient"], rows["gradient"])
        assert set(one["tensor"]) == {name}


def test_the_problem_itself_is_no_gradient():
    values = PROBLEM.tensors()
    for tensors, words in (
        (["x"], "What came as the gradient of x is the input itself, not its gradient."),
        (["fc1.b", "fc2.W"], "What came as the gradient of fc1.b is the parameter itself, not its gradient."),
    ):
        with pytest.raises(UploadError) as error:
            given.read_upload({"g.npz": npz(ANALYTICAL | {name: values[name] for name in tensors})}, PROBLEM)
        assert str(error.value) == words
