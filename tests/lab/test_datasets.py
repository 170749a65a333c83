"""Data sets: standardised by what is trained on, drawn from a frozen stream, and as their sources have them."""

import re

import numpy as np
import pytest

from mlp.lab.dataset import TEST_PART, split
from mlp.lab.datasets import DATASETS, dataset
from tests.comparing import U, is_sentence

every_dataset = pytest.mark.parametrize("name", DATASETS)


@every_dataset
def test_what_every_data_set_keeps_to(name):
    source, data = DATASETS[name], dataset(name, 3)
    rows = len(data.x) + len(data.test_x)
    assert rows == source.rows
    assert len(data.test_x) == len(data.test_target) == rows // TEST_PART
    assert data.x.shape == (len(data.target), len(data.features))
    assert data.target.shape[1] == len(data.outputs)
    # A sum of n numbers of size 1, each a few roundings off.
    np.testing.assert_allclose(data.x.mean(axis=0), 0, atol=rows * U)
    np.testing.assert_allclose(data.x.std(axis=0), 1, rtol=rows * U)
    if data.is_classification:
        assert set(np.unique(data.target)) == {0.0, 1.0}
        assert np.all(data.target.sum(axis=1) == 1)
        np.testing.assert_array_equal(data.target[np.arange(len(data.x)), data.labels], 1)
        assert set(data.labels) == set(range(len(data.outputs)))
    else:
        np.testing.assert_allclose(data.target.mean(axis=0), 0, atol=rows * U)
        np.testing.assert_allclose(data.target.std(axis=0), 1, rtol=rows * U)
    assert is_sentence(data.about)


@every_dataset
def test_the_rows_are_those_of_the_source(name):
    source, data = DATASETS[name], dataset(name, 3)
    raw, target = source.draw(np.random.RandomState(3), source.rows)
    values = data.x_scale.undo(np.concatenate([data.x, data.test_x]))
    found = np.concatenate([data.target, data.test_target])
    found = found.argmax(axis=1)[:, None] if data.target_scale is None else data.target_scale.undo(found)
    # Sorted by what was standardised and turned back, four roundings off.
    table, expected = np.hstack([values, found]), np.hstack([raw, target.reshape(len(raw), -1)])
    order, wanted = (np.lexsort(np.round(rows, 9).T) for rows in (table, expected))
    np.testing.assert_allclose(table[order], expected[wanted], atol=8 * U * np.abs(expected).max())


@every_dataset
def test_the_seed_decides_and_nobody_can_write(name):
    one, same, other = dataset(name, 5), DATASETS[name].dataset(name, 5), dataset(name, 6)
    for attribute in ("x", "target", "test_x", "test_target"):
        np.testing.assert_array_equal(getattr(one, attribute), getattr(same, attribute))
        with pytest.raises(ValueError, match="read-only"):
            getattr(one, attribute)[0] = 0
    assert not np.array_equal(one.x, other.x)


def test_iris_is_fishers_table():
    x, labels = DATASETS["Iris"].draw(np.random.RandomState(0), 150)
    assert np.bincount(labels).tolist() == [50, 50, 50]
    # The means that are given of these data everywhere; copies with the two wrong rows that go round have others.
    np.testing.assert_allclose(x.mean(axis=0), [5.843333, 3.057333, 3.758, 1.199333], atol=1e-6)
    np.testing.assert_allclose(x.std(axis=0, ddof=1), [0.828066, 0.435866, 1.765298, 0.762238], atol=1e-6)
    assert x[0].tolist() == [5.1, 3.5, 1.4, 0.2]
    assert x[34].tolist() == [4.9, 3.1, 1.5, 0.2]
    assert x[37].tolist() == [4.9, 3.6, 1.4, 0.1]
    assert x[149].tolist() == [5.9, 3.0, 5.1, 1.8]
    assert "Fisher" in dataset("Iris", 0).about
    assert (len(dataset("Iris", 0).x), len(dataset("Iris", 0).test_x)) == (120, 30)


def test_the_points_lie_as_their_names_say():
    """Noise moves a point by up to four deviations."""
    rng = np.random.RandomState
    points, labels = DATASETS["XOR"].draw(rng(0), 500)
    assert np.mean((points[:, 0] * points[:, 1] < 0) == labels) > 0.99
    points, labels = DATASETS["circles"].draw(rng(0), 500)
    assert np.mean((np.hypot(*points.T) < 0.7) == labels) > 0.99
    points, labels = DATASETS["moons"].draw(rng(0), 500)
    centres = np.where(labels[:, None], [1, 0.5], [0, 0])
    assert np.all(np.abs(np.hypot(*(points - centres).T) - 1) < 4 * 0.15)
    points, labels = DATASETS["spirals"].draw(rng(0), 500)
    assert np.hypot(*points.T).max() < 1 + 4 * 0.03 * 2**0.5
    x, y = DATASETS["noisy curve"].draw(rng(0), 500)
    assert np.all(np.abs(y - np.sin(4 * x) - 0.5 * x) < 4 * 0.15)


def test_a_count_in_words():
    assert dataset("moons", 0).counted == "2 features and 2 classes"
    assert dataset("noisy curve", 0).counted == "1 feature and 1 number to fit"
    assert dataset("Iris", 0).fitting((2, 10, 20, 5)) == (4, 10, 20, 3)


OUT_OF_RANGE = "The numbers in the column {!r} are too large or too small to compute with."


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (np.full(20, 0.1), "The column {!r} is 0.1 in every row to train on: it tells nothing, so leave it out."),
        (np.where(np.arange(20) % 2, 1e308, -1e308), OUT_OF_RANGE),
        (np.where(np.arange(20) % 2, 5e-324, 0), OUT_OF_RANGE),
    ],
)
def test_a_column_that_cannot_be_standardised_is_refused(column, message):
    numbers, rng = np.arange(20.0)[:, None], np.random.RandomState(0)
    for name, x, target in (("b", np.hstack([numbers, column[:, None]]), numbers), ("y", numbers, column[:, None])):
        features = ("a", "b")[: x.shape[1]]
        with pytest.raises(ValueError, match=f"^{re.escape(message.format(name))}$"):
            split("mine", "Mine.", x, target, features, ("y",), False, rng)
    assert is_sentence(message)
