"""What comes in is turned into floating-point numbers, or refused with a sentence that names both sides."""

import re

import numpy as np
import pytest

from mlp import Tanh
from mlp.nn.arrays import (
    as_array,
    as_numbers,
    as_positive,
    as_real,
    is_number,
    require_elements,
    require_features,
    require_function,
    require_methods,
    require_shape,
    require_size,
    root_mean_square,
    shown,
)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_floating_point_arrays_come_back_as_they_are(dtype):
    array = np.ones(3, dtype)
    assert as_numbers("x", array) is array


@pytest.mark.parametrize("value", [3, [1, 2], np.arange(3, dtype=np.int8), np.arange(3, dtype=np.uint64)])
def test_integers_become_float64(value):
    array = as_numbers("x", value)
    assert array.dtype == np.float64
    assert array.tolist() == np.asarray(value).tolist()


@pytest.mark.parametrize(
    ("convert", "value", "came"),
    [
        (as_numbers, "2", "<U1"),
        (as_numbers, [True, False], "bool"),
        (as_numbers, None, "object"),
        (as_numbers, np.array(["2020-03-09"], "datetime64[D]"), "datetime64[D]"),
        (as_real, "2", "<U1"),
        (as_real, 1j, "complex128"),
        (as_real, np.zeros(2, np.complex64), "complex64"),
    ],
)
def test_what_is_not_a_number_of_that_kind_is_a_type_error(convert, value, came):
    with pytest.raises(TypeError, match=rf"^dy must .*{re.escape(came)}"):
        convert("dy", value)


@pytest.mark.parametrize(
    ("require", "shape", "wanted", "message"),
    [
        (require_shape, (3,), (1, 3), "x must have shape (1, 3), not (3,)"),
        (require_features, (4,), 3, "x must have shape (3,) or (n, 3), not (4,)"),
        (require_features, (), 3, "x must have shape (3,) or (n, 3), not ()"),
        (require_features, (2, 2, 3), 3, "x must have shape (3,) or (n, 3), not (2, 2, 3)"),
    ],
)
def test_a_wrong_shape_is_named_beside_the_right_one(require, shape, wanted, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        require("x", np.zeros(shape), wanted)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 0, 3)])
def test_an_array_without_elements_is_no_input(shape):
    message = f"y must have at least one axis and not be empty, not the shape {shape}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        require_elements("y", np.zeros(shape))


def test_right_shapes_and_sizes_pass():
    require_shape("x", np.zeros((2, 3)), (2, 3))
    for shape in ((3,), (1, 3), (5, 3)):
        require_features("x", np.zeros(shape), 3)
    for shape in ((3,), (5, 3), (2, 4, 3), (1, 2, 3, 4)):
        require_elements("x", np.zeros(shape))
    for size in (1, 7, np.int64(2)):
        require_size("in_features", size)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "in_features must be at least 1, not 0"),
        (-2, ValueError, "in_features must be at least 1, not -2"),
        (3.0, TypeError, "in_features must be a whole number, not 3.0"),
        (True, TypeError, "in_features must be a whole number, not True"),
        ("3", TypeError, "in_features must be a whole number, not '3'"),
    ],
)
def test_a_size_is_a_whole_number_of_at_least_one(value, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        require_size("in_features", value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Tanh, "the class Tanh itself"),
        (np.zeros((2, 3), np.float32), "an array of shape (2, 3) and dtype float32"),
        ([1, 2], "an object of type list"),
        (Tanh(), "an object of type Tanh"),
        (2**31 - 1, "2147483647"),
        (-(2**31), "a whole number of 32 bits"),
        (10**5000, "a whole number of 16610 bits"),
        ("a" * 100, "'" + "a" * 39),
        (None, "None"),
        (np.float64(0.5), "np.float64(0.5)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_came_is_told_in_a_few_words(value, words):
    assert shown(value) == words


class Refuses:
    """It raises whatever it is asked for."""

    def __getattr__(self, name):
        raise OSError(name)


@pytest.mark.parametrize("made", [lambda: Tanh, Refuses, lambda: 3, object], ids=["class", "raises", "3", "object"])
def test_an_object_without_the_methods_is_refused(made):
    require_methods("layer", Tanh(), "a layer", "forward", "backward")
    value = made()
    with pytest.raises(TypeError, match=f"^layer must be a layer, not {re.escape(shown(value))}$"):
        require_methods("layer", value, "a layer", "forward", "backward")


def test_what_cannot_be_called_is_no_function():
    require_function("fun", np.sum)
    with pytest.raises(TypeError, match=r"^fun must be a function, not 3$"):
        require_function("fun", 3)


def test_what_numpy_makes_no_array_of_is_told_with_the_reason():
    with pytest.raises(
        TypeError, match=r"^x must be a number or an array of numbers, not an object of type list \(.+\)$"
    ):
        as_array("x", [[1, 2], [3]])


def test_masked_entries_have_no_value():
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    with pytest.raises(
        ValueError, match=r"^x has masked entries, which have no value here; fill them, or leave them out$"
    ):
        as_array("x", masked)
    assert as_array("x", np.ma.masked_array([1.0, 2.0])).tolist() == [1, 2]


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, "1", None, True, 10**400])
def test_a_step_is_a_positive_finite_number(value):
    with pytest.raises(ValueError, match=f"^eps must be a positive, finite number, not {re.escape(shown(value))}$"):
        as_positive("eps", value)


def test_numbers_of_any_kind_are_numbers():
    for value in (1, 2.5, np.float32(0.5), np.int8(3), np.nan):
        assert is_number(value)
    assert as_positive("eps", np.float32(0.5)) == 0.5
    assert type(as_positive("eps", 1)) is float
    with pytest.raises(ValueError, match=r"^in_features must be at most 2,147,483,647, not a whole number of 32 bits$"):
        require_size("in_features", 2**31)


def test_a_root_mean_square_is_that_of_numbers_whose_squares_are_0_or_too_large():
    values = np.array([[3.0, 4.0], [5.0, 12.0]])
    for scale in (1.0, 1e-300, 1e300):  # 1e-600 and 1e600 are no float64
        np.testing.assert_allclose(root_mean_square(scale * values) / scale, np.sqrt(194 / 4), rtol=1e-14)
        along = root_mean_square(scale * values, axis=1) / scale
        np.testing.assert_allclose(along, [np.sqrt(12.5), np.sqrt(84.5)], rtol=1e-14)
    assert np.isnan(root_mean_square([1.0, np.nan]))
