"""TensorCheck and GradientReport: the same verdict as np.allclose, the worst entry, and the mapping by name."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.check.report import GradientReport, TensorCheck
from mlp.differences.methods import METHODS
from tests.comparing import U

NAN, INF = np.nan, np.inf

# Pairs of entries that lie close together, far apart, at zero, and on both sides of what np.allclose allows.
VALUES = st.floats(-1e3, 1e3) | st.sampled_from([0.0, 1e-8, -1e-8, 1.0, 1e-300])
NUDGES = st.sampled_from([0.0, 1e-9, 9.9e-9, 1.1e-8, 1e-5, 1.1e-5, 1e-3, 1.0])
PAIRS = st.tuples(VALUES, NUDGES).map(lambda pair: (pair[0], pair[0] + pair[1]))
MATRICES = st.lists(st.tuples(PAIRS, PAIRS, PAIRS), min_size=1, max_size=3).map(lambda rows: np.moveaxis(rows, 2, 0))


def check(analytical, numerical, name="fc1.W"):
    return TensorCheck(name, np.array(analytical, float), np.array(numerical, float))


@given(MATRICES)
def test_every_number_by_its_definition(pair):
    tensor, used = check(*pair), {}
    for index in np.ndindex(pair[0].shape):
        a, n = float(pair[0][index]), float(pair[1][index])
        used[index] = abs(a - n) / (1e-8 + 1e-5 * abs(n))
        assert tensor.difference[index] == a - n
        relative = abs(a - n) / (abs(a) + abs(n)) if a or n else 0
        assert abs(tensor.relative_error[index] - relative) <= 2 * U * relative
        assert abs(tensor.tolerance_used[index] - used[index]) <= 4 * U * used[index]
    assert tensor.max_abs_difference == np.max(np.abs(pair[0] - pair[1]))
    assert tensor.max_relative_error == np.max(tensor.relative_error)
    assert used[tensor.worst] >= max(used.values()) * (1 - 8 * U)
    assert tensor.passed == np.allclose(*pair)
    # The verdict and the worst entry tell the same story, but for rounding exactly at the limit.
    assert tensor.passed or used[tensor.worst] > 1 - 8 * U
    assert not tensor.passed or used[tensor.worst] < 1 + 8 * U


@given(MATRICES)
def test_worst_entries_are_all_entries_in_order(pair):
    tensor = check(*pair)
    order = tensor.worst_entries(100)
    assert sorted(order) == list(np.ndindex(pair[0].shape))
    assert order[0] == tensor.worst
    assert order[:2] == tensor.worst_entries(2)
    used = [tensor.tolerance_used[index] for index in order]
    assert used == sorted(used, reverse=True)


def test_the_worst_entry_is_the_one_that_uses_most_of_its_tolerance_not_the_largest_difference():
    # Off by 0.001 of 1000, which is a tenth of what is allowed, and by 1e-6 of nothing, which is a hundred times that.
    tensor = check([1000.001, 1e-6], [1000.0, 0.0])
    assert tensor.worst == (1,)
    assert tensor.max_abs_difference == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("analytical", "numerical"),
    [([1, NAN, 2], [1, 1, 9]), ([1, 1, 2], [1, NAN, 9]), ([1, NAN, 2], [1, NAN, 9]), ([1, INF, 2], [1, 1, 9])],
)
def test_nan_and_infinity_never_pass_and_are_the_worst(analytical, numerical):
    tensor = check(analytical, numerical)
    assert not tensor.passed
    assert tensor.worst == (1,)
    assert tensor.tolerance_used[1] == INF
    assert not tensor.max_abs_difference < INF


def test_two_nans_do_not_agree():
    assert not check([1, NAN], [1, NAN]).passed


def test_the_tolerance_is_relative_to_the_numerical_value():
    # 1e-8 + 1e-5 * 1000 is below this difference, 1e-8 + 1e-5 * 1000.01 above.
    assert not check([1000.01 + 6e-8], [1000.0]).passed
    assert check([1000.0], [1000.01 + 6e-8]).passed


def test_relative_errors_of_tiny_numbers():
    tensor = check([1e-20, 3e-20, 1e-20, 0.0], [-1e-20, 1e-20, 0.0, 1e-20])
    assert tensor.relative_error.tolist() == [1, pytest.approx(0.5), 1, 1]


def test_two_zeros_agree():
    tensor = check([0.0, -0.0], [0.0, 0.0])
    assert tensor.passed
    assert tensor.relative_error.tolist() == [0, 0]


def report(**tensors):
    checks = {name: check(*pair, name) for name, pair in tensors.items()}
    return GradientReport(checks, 0.5, 1e-4, METHODS["central"])


def test_a_report_is_a_mapping_from_name_to_check():
    found = report(W=([1.0], [1.0]), b=([2.0], [2.0]), x=([3.0], [3.0]))
    assert isinstance(found, Mapping)
    assert list(found) == list(found.keys()) == ["W", "b", "x"]
    assert len(found) == 3
    assert "b" in found
    assert "c" not in found
    assert found["b"].analytical.tolist() == [2.0]
    assert dict(found.items()) == found.checks
    with pytest.raises(KeyError, match="fc9"):
        found["fc9.W"]
    with pytest.raises(FrozenInstanceError):
        found.loss = 0.0
    with pytest.raises(FrozenInstanceError):
        found["b"].name = "c"


@pytest.mark.parametrize("wrong", ["W", "b", "x"])
def test_one_wrong_tensor_fails_the_report_and_is_the_worst(wrong):
    right = {"W": ([1.0], [1.0]), "b": ([2.0], [2.0]), "x": ([3.0], [3.0])}
    assert report(**right).passed
    found = report(**right | {wrong: ([1.0, 1.1, NAN], [1.0, 1.0, 1.0])})
    assert not found.passed
    assert found.worst is found[wrong]
    found = report(**{name: (pair[0], [pair[1][0] + 1e-4]) for name, pair in right.items()} | {wrong: ([1.0], [1.1])})
    assert found.worst is found[wrong]
