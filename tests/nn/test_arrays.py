"""What comes in is turned into floating-point numbers, or refused with a sentence that names both sides."""

import re

import numpy as np
import pytest

from mlp.nn.arrays import as_numbers, as_real, require_elements, require_features, require_shape, require_size


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
