"""The entries of a check as columns: each row's indices lead to the numbers beside them."""

import numpy as np
import pytest

from mlp.check.entries import AXES, entry_columns
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict

RNG = np.random.RandomState(0)
COLUMNS = ["analytical", "numerical", "difference", "error_bar", "verdict", "relative_error", "allclose"]


def check_of(name, shape):
    analytical, truncation, roundoff, rounding = (np.array(RNG.random_sample(shape)) for _ in range(4))
    numerical = analytical + RNG.choice([0, 1e-9, 1.0], shape)
    return TensorCheck(
        name, analytical, numerical, truncation / 1e3, roundoff / 1e3, rounding / 1e3, np.zeros(shape, bool)
    )


def test_the_indices_of_a_row_lead_to_its_numbers():
    checks = {check.name: check for check in (check_of("fc.W", (2, 3)), check_of("b", (4,)), check_of("K", (2, 1, 3)))}
    columns = entry_columns(checks.values())
    assert list(columns) == ["tensor", "i", "j", "k", *COLUMNS]
    assert columns["tensor"] == ["fc.W"] * 6 + ["b"] * 4 + ["K"] * 6
    seen = []
    for row in range(16):
        check = checks[columns["tensor"][row]]
        index = tuple(columns[axis][row] for axis in "ijk")
        rank = check.analytical.ndim
        assert index[rank:] == (None,) * (3 - rank), "an index that a tensor does not have is empty"
        index = index[:rank]
        seen.append((check.name, index))
        for name in ("analytical", "numerical", "difference", "error_bar", "relative_error"):
            assert columns[name][row] == getattr(check, name)[index]
        assert columns["verdict"][row] == Verdict(check.verdicts[index]).words
        assert columns["allclose"][row] == np.isclose(check.analytical[index], check.numerical[index])
    assert seen == [(name, index) for name, check in checks.items() for index in np.ndindex(check.analytical.shape)]
    assert {True, False} == set(columns["allclose"])


@pytest.mark.parametrize(("shape", "axes"), [((), "ij"), ((2,), "ij"), ((1, 2, 1, 2), "ijkl")])
def test_there_are_two_columns_of_indices_at_least_and_one_for_each_axis(shape, axes):
    assert list(entry_columns([check_of("x", shape)])) == ["tensor", *axes, *COLUMNS]
    assert len(AXES) == len(set(AXES)) == 16


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("W", "W"),
        ("=1+1", "'=1+1"),
        ("+W", "'+W"),
        ("-W", "'-W"),
        ("@W", "'@W"),
        ("\tW", "'\tW"),
        ("a\r\nb", "a\\r\\nb"),
    ],
)
def test_a_name_is_one_line_and_no_formula_of_a_spreadsheet(name, written):
    assert entry_columns([check_of(name, (1,))])["tensor"] == [written]


def test_nothing_is_no_rows():
    assert entry_columns([]) == {name: [] for name in ("tensor", "i", "j", *COLUMNS)}
