"""Rows of a person's own as text: every bit comes back, an experiment takes them, and what is none is refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mlp.lab.datasets import dataset
from mlp.lab.experiment import Experiment, MisfitError
from mlp.lab.own_rows import MAX_NUMBERS, read_rows, write_rows
from mlp.lab.settings_text import ROWS, UPLOAD, format_setting
from tests.comparing import is_sentence


@pytest.mark.parametrize("name", ["Iris", "noisy curve"])
@pytest.mark.parametrize("count", [1, 5])
def test_every_bit_comes_back(name, count):
    data = dataset(name, 3)
    text = write_rows(data, count)
    rows = read_rows(text)
    np.testing.assert_array_equal(rows.x, data.x[:count])
    np.testing.assert_array_equal(rows.target, data.target[:count])
    assert (rows.is_classification, rows.counted) == (data.is_classification, data.counted)
    assert (rows.name, len(rows.test_x)) == (UPLOAD, 0)
    assert text.startswith(ROWS)
    assert format_setting(text) == UPLOAD


@pytest.mark.parametrize("batch", [1, 4])
def test_an_experiment_takes_them_and_keeps_them_in_its_settings(batch):
    data = dataset("Iris", 1)
    experiment = Experiment((4, 5, 3), loss="CrossEntropyLoss", batch=batch, seed=1, data=write_rows(data, batch))
    problem, expected = experiment.problem(), replace(experiment, data="Iris").problem()
    np.testing.assert_array_equal(problem.x, expected.x)
    np.testing.assert_array_equal(problem.target, expected.target)
    assert Experiment.from_settings(json.loads(json.dumps(experiment.settings()))) == experiment
    with pytest.raises(MisfitError):
        replace(experiment, sizes=(2, 3))


def test_numbers_to_be_fitted_have_a_loss_for_numbers():
    rows = write_rows(dataset("noisy curve", 0), 2)
    with pytest.raises(MisfitError, match=r"^CrossEntropyLoss is for classes"):
        Experiment((1, 2, 1), loss="CrossEntropyLoss", batch=2, data=rows)


@pytest.mark.parametrize(("count", "words"), [(121, "Your data have 120 training rows;"), (120, "numbers;")])
def test_more_rows_than_there_are_or_than_a_setting_holds_are_refused(monkeypatch, count, words):
    monkeypatch.setattr("mlp.lab.own_rows.MAX_NUMBERS", 120 * 7 - 1)
    with pytest.raises(ValueError, match=re.escape(words)) as refusal:
        write_rows(dataset("Iris", 0), count)
    assert is_sentence(str(refusal.value))
    assert MAX_NUMBERS > 1_000


@pytest.mark.parametrize(
    "text",
    ["", "1>2", ROWS, f"{ROWS}classes: ", f"{ROWS}classes: 1>x", f"{ROWS}numbers: 1,2>1;1>1", f"{ROWS}flowers: 1>1"],
)
def test_what_is_no_such_text_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match=r"^Rows of your own must be numbers with their targets, not ") as refusal:
        read_rows(text)
    assert is_sentence(str(refusal.value))
