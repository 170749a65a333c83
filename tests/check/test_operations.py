"""The derivative of each operation by itself: against differences, and gone back to each operand's own shape."""

import numpy as np
import pytest

from mlp.check.tape import operations
from mlp.check.tape.operations import PAIRS, SLOPES

RNG = np.random.RandomState(0)
# Central differences with h = 1e-6 err by some 1e-9 of numbers of about 1.
H, ERROR = 1e-6, 1e-7
POSITIVE = np.array([0.3, 0.9, 1.7, 2.4])
ANY = np.array([-1.6, -0.4, 0.7, 1.3])
ONLY_POSITIVE = {np.log, np.log1p, np.log2, np.log10, np.sqrt, np.cbrt, np.power}


def points(ufunc):
    return POSITIVE if ufunc in ONLY_POSITIVE else ANY


@pytest.mark.parametrize("ufunc", SLOPES, ids=lambda ufunc: ufunc.__name__)
def test_the_slope_of_a_function_of_one_number(ufunc):
    x = points(ufunc)
    expected = (ufunc(x + H) - ufunc(x - H)) / (2 * H)
    np.testing.assert_allclose(SLOPES[ufunc](x), expected, rtol=0, atol=ERROR)
    [edge] = operations.of_function(ufunc, [x], [7], ufunc(x))
    dy = RNG.standard_normal(x.shape)
    np.testing.assert_allclose(edge.pull(dy), dy * expected, rtol=0, atol=10 * ERROR)
    assert (edge.parent, edge.operand) == (7, 0)
    # With another array in its place, the slope is taken there.
    other = x + 0.1
    np.testing.assert_allclose(edge.with_used(other)(dy), dy * SLOPES[ufunc](other), rtol=1e-14)


# For each operand, from which one people compute the factor on the way back; -1 where it is a number.
SOURCES = {
    np.add: (-1, -1),
    np.subtract: (-1, -1),
    np.multiply: (1, 0),
    np.divide: (1, 1),
    np.power: (0, 0),
    np.maximum: (0, 1),
    np.minimum: (0, 1),
    np.logaddexp: (0, 1),
}


@pytest.mark.parametrize("operand", [0, 1])
@pytest.mark.parametrize("ufunc", PAIRS, ids=lambda ufunc: ufunc.__name__)
def test_the_slopes_of_a_function_of_two(ufunc, operand):
    a, b = points(ufunc), points(ufunc)[[2, 0, 3, 1]]
    step = [H * (operand == k) for k in (0, 1)]
    expected = (ufunc(a + step[0], b + step[1]) - ufunc(a - step[0], b - step[1])) / (2 * H)
    source, slope = PAIRS[ufunc][operand]
    assert source == SOURCES[ufunc][operand]
    np.testing.assert_allclose(slope(a, b), expected, rtol=0, atol=ERROR)
    edge = operations.of_function(ufunc, [a, b], [7, 8], ufunc(a, b))[operand]
    dy = RNG.standard_normal(a.shape)
    np.testing.assert_allclose(edge.pull(dy), dy * expected, rtol=0, atol=10 * ERROR)
    assert (edge.parent, edge.operand) == ([7, 8][operand], operand)
    if source >= 0:  # what the factor is computed from is one of the operands, and may be exchanged
        assert edge.using == source
        np.testing.assert_array_equal(edge.used, [a, b][source])
        other = [a, b]
        other[source] = other[source] + 0.05
        np.testing.assert_allclose(edge.with_used(other[source])(dy), dy * slope(*other), rtol=1e-14)
    else:
        assert np.all(np.abs(slope(a, b)) == 1), "that depends on no array"


@pytest.mark.parametrize(
    ("shape", "whole"), [((3, 4), (3, 4)), ((4,), (3, 4)), ((3, 1), (3, 4)), ((), (3, 4)), ((1, 4), (2, 3, 4))]
)
def test_what_an_operand_was_repeated_for_is_added_up(shape, whole):
    gradient = RNG.standard_normal(whole)
    back = operations.unbroadcast(gradient, shape)
    assert back.shape == shape
    # The derivative of sum(gradient * broadcast(operand + d)) by d in a direction.
    direction = RNG.standard_normal(shape)
    np.testing.assert_allclose(
        np.sum(back * direction), np.sum(gradient * np.broadcast_to(direction, whole)), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [((2,), (2,)), ((3, 2), (2,)), ((2,), (2, 4)), ((3, 2), (2, 4)), ((5, 3, 2), (5, 2, 4)), ((5, 3, 2), (2, 4))],
)
def test_a_matrix_product_is_a_sum_of_products(a, b):
    left, right = RNG.standard_normal(a), RNG.standard_normal(b)
    found = np.einsum(operations.product_subscripts(left, right), left, right)
    np.testing.assert_allclose(found, left @ right, rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1, None, (0, 1)])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_a_sum_goes_back_to_all_that_it_adds(axis, scale):
    value = RNG.standard_normal((3, 4))
    result = scale * value.sum(axis=axis)
    edge = operations.of_sum(2, value, axis, scale)
    dy = RNG.standard_normal(np.shape(result))
    kept = np.reshape(dy, value.sum(axis=axis, keepdims=True).shape)
    np.testing.assert_allclose(edge.pull(dy), np.broadcast_to(scale * kept, value.shape))
    for words, pick in {"first": 0, "last": -1}.items():
        if axis == 0:
            expected = np.zeros_like(value)
            expected[pick] = scale * dy
            np.testing.assert_allclose(edge.routes[f"to the {words} entry"](dy), expected)
    if axis == 0:
        for words, pick in {"largest": value.argmax(0), "smallest": value.argmin(0)}.items():
            expected = np.zeros_like(value)
            expected[pick, np.arange(4)] = scale * dy
            np.testing.assert_allclose(edge.routes[f"to the {words} entry"](dy), expected)


def test_a_sum_along_the_wrong_axis_of_a_square_is_one_of_its_routes():
    value, dy = RNG.standard_normal((3, 3)), RNG.standard_normal(3)
    edge = operations.of_sum(0, value, 0, 1.0)
    [words] = [words for words in edge.routes if words.startswith("along")]
    assert words == "along axis 1 where it should be along axis 0"
    np.testing.assert_allclose(edge.routes[words](dy), np.broadcast_to(dy[:, None], (3, 3)))
    assert not [words for words in operations.of_sum(0, value[:2], 0, 1.0).routes if words.startswith("along")]


def test_a_maximum_goes_back_to_the_largest_and_equal_ones_share_it():
    value = np.array([[1.0, 5.0, 2.0], [4.0, 4.0, 0.0]])
    edge = operations.of_extreme(0, value, value.max(axis=1), 1)
    dy = np.array([2.0, 6.0])
    np.testing.assert_array_equal(edge.pull(dy), [[0, 2, 0], [3, 3, 0]])
    np.testing.assert_array_equal(edge.routes["to all entries"](dy), [[2, 2, 2], [6, 6, 6]])
    parts = edge.routes["to all entries in equal parts, as from an average,"](dy)
    np.testing.assert_allclose(parts, [[2 / 3] * 3, [2] * 3])
    np.testing.assert_array_equal(edge.routes["to the first entry"](dy), [[2, 0, 0], [6, 0, 0]])
    np.testing.assert_array_equal(edge.routes["to the smallest entry"](dy), [[2, 0, 0], [0, 0, 6]])


def test_entries_that_are_taken_get_what_was_taken_and_twice_what_was_taken_twice():
    edge = operations.of_index(3, 0, np.array([[1, 6], [6, 0]]), (2, 3))
    np.testing.assert_array_equal(edge.pull(np.array([[10.0, 20.0], [30.0, 40.0]])), [[10, 0, 0], [0, 0, 50]])


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "ij,ij->", "nij,jk->nk", "i,j->ij", "ij->j"])
def test_a_sum_of_products(subscripts):
    inputs = subscripts.split("->")[0].split(",")
    sizes = dict(zip("ijkn", (2, 3, 4, 5), strict=True))
    values = [RNG.standard_normal([sizes[one] for one in name]) for name in inputs]
    dy = RNG.standard_normal(np.shape(np.einsum(subscripts, *values)))
    for k, edge in enumerate(operations.of_einsum(subscripts, values, [5, 6][: len(values)])):
        direction = RNG.standard_normal(values[k].shape)
        moved = [direction if j == k else value for j, value in enumerate(values)]  # it is linear in each
        np.testing.assert_allclose(np.sum(edge.pull(dy) * direction), np.sum(dy * np.einsum(subscripts, *moved)))
        assert edge.parent == [5, 6][k]
        if len(values) == 2:
            assert edge.using == 1 - k
    with pytest.raises(ValueError, match="ii"):
        operations.of_einsum("ii->i", [np.eye(2)], [0])
