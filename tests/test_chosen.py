"""Of the parameters of a dear test one in n is taken in every run: as many of their values as so few can have."""

from dataclasses import dataclass, field
from itertools import product
from types import SimpleNamespace

import pytest

from tests.conftest import chosen


@dataclass(eq=False)
class Item:
    """As pytest's, as far as it is looked at."""

    pair: tuple[int, int]
    callspec: SimpleNamespace = field(init=False)

    def __post_init__(self):
        self.callspec = SimpleNamespace(params=dict(zip("ab", self.pair, strict=True)))


@pytest.mark.parametrize(("outer", "inner", "n"), [(7, 6, 3), (7, 3, 3), (4, 6, 2), (8, 4, 4)])
def test_no_value_is_left_out_where_one_parameter_goes_round_within_another(outer, inner, n):
    taken = [item.pair for item in chosen([Item(pair) for pair in product(range(outer), range(inner))], n)]
    assert len(taken) == outer * inner // n
    assert [set(values) for values in zip(*taken, strict=True)] == [set(range(outer)), set(range(inner))]
