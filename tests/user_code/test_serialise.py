"""Results as plain data: what was saved comes back, and nothing else is read."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mlp.check.check import check_layer
from mlp.check.verdict import Verdict
from mlp.nn.layers import Linear
from mlp.user_code.check import CaseResult
from mlp.user_code.messages import Fact
from mlp.user_code.run.gradient_check import Told
from mlp.user_code.serialise import load, save

X = np.random.RandomState(0).standard_normal((4, 3))


def back(value, tmp_path):
    save(value, tmp_path / "result")
    return load(tmp_path / "result")


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -0.1, "a", 1 + 2j, [1, [2]], (1, (2, "b")), {"a": 1, (1, 2): [3]}, Verdict.WRONG),
        Fact("note", "x", "a.py", 3, ("one",)),
    ],
    ids=repr,
)
def test_plain_data_come_back(value, tmp_path):
    found = back(value, tmp_path)
    assert found == value
    assert type(found) is type(value)


def test_a_case_comes_back_with_every_bit_of_its_report(tmp_path):
    report = replace(check_layer(Linear(3, 2, np.random), X), diagnose=Told(()))
    case = CaseResult("Dense", "layer", "a.py", 3, {"x": "rows"}, report=report)
    found = back(case, tmp_path)
    assert (found.name, found.reading, found.status) == ("Dense", {"x": "rows"}, "passed")
    for name, check in case.report.items():
        for part in ("analytical", "numerical", "error_bar", "verdicts"):
            np.testing.assert_array_equal(getattr(found.report[name], part), getattr(check, part))


def test_several_arrays_are_not_mixed_up_and_keep_their_types(tmp_path):
    arrays = [np.arange(3), np.ones((2, 2), np.float32), np.array([True])]
    for found, array in zip(back(arrays, tmp_path), arrays, strict=True):
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype
    assert back(np.float64(0.5), tmp_path) == 0.5


def test_half_of_a_character_becomes_text(tmp_path):
    assert back("a\ud800b", tmp_path) == "a\\ud800b"


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.array([None]), "an array of object is no plain data"), (object(), "object is no plain data")],
)
def test_what_is_no_plain_data_is_not_written(value, words, tmp_path):
    with pytest.raises(TypeError, match=f"^{words}$"):
        save(value, tmp_path / "result")
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("name", ["os:system", "mlp.nn.layers:Linear", "mlp.check.check:check_layer", "mlp.check:none"])
def test_only_types_of_results_are_made(name, tmp_path):
    save(Fact("note", "x"), tmp_path / "result")
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"type": name, "fields": {}}))
    with pytest.raises(ValueError, match=f"^{name} is not a type of results$"):
        load(tmp_path / "result")
