"""What forward gives: which of several things is the output, which the cache, and what is none."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlp.user_code.messages import ForeignError
from mlp.user_code.run.outputs import Outputs, as_output, outputs_of

Y, H, C = np.ones((2, 3)), np.zeros((2, 4)), np.full((2, 4), 2.0)


def found(returned, labels=(), upstream=(), chosen=(), thing=None, forward=lambda: None):
    labels = labels or tuple(range(len(returned) if isinstance(returned, tuple) else 1))
    return outputs_of(thing, returned, chosen, labels, upstream, "forward", forward)


def test_several_outputs_are_one_vector_and_apart_again():
    both = Outputs((Y, H), ("y", "h"))
    packed = both.packed()
    assert packed.shape == (14,)
    y, h = both.unpacked(np.arange(14.0))
    np.testing.assert_array_equal(y, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(h, np.arange(6.0, 14.0).reshape(2, 4))
    assert Outputs((Y,), ("y",)).packed() is Y
    assert Outputs((Y,), ("y",)).unpacked(H) == (H,)


@pytest.mark.parametrize(
    ("returned", "labels", "upstream", "names", "cache"),
    [
        ((Y, (H, C)), ("y", "cache"), ("dy",), ("y",), (H, C)),
        ((Y, H), ("y", "h"), ("dy",), ("y",), H),  # the only other
        ((Y, H, (C,)), ("y", "h", 2), ("dy",), ("y",), (C,)),  # the last, which looks like one
        ((Y, (C,), H), ("y", "cache", "h"), ("dy",), ("y",), (C,)),  # by its name
        ((Y, H, C), ("y", "h", "c"), ("dy",), ("y",), (H, C)),
        ((Y,), ("y",), ("dy",), ("y",), None),
        # Several of which backward takes a gradient, in the order of its arguments.
        ((H, C, {"x": Y}), ("h", "c", "cache"), ("dh", "dc"), ("h", "c"), {"x": Y}),
        ((H, C, {"x": Y}), ("h", "c", "cache"), ("dc", "dh"), ("c", "h"), {"x": Y}),
        ((H, C), ("h_next", "c_next"), ("dh", "dc"), ("h_next", "c_next"), None),
        ((H, C, Y), (0, 1, 2), ("da", "db"), ("0", "1"), Y),  # no name tells: as they come
    ],
)
def test_outputs_are_told_from_the_cache(returned, labels, upstream, names, cache):
    outputs = found(returned, labels, upstream)
    assert outputs.names == names
    for array, name in zip(outputs.arrays, names, strict=True):
        np.testing.assert_array_equal(array, returned[labels.index(name) if name in labels else int(name)])
    if isinstance(cache, tuple):
        assert all(one is other for one, other in zip(outputs.cache, cache, strict=True))
    else:
        assert outputs.cache is cache or outputs.cache == cache


def test_of_a_dict_the_first_array_is_the_output():
    np.testing.assert_array_equal(found({"n": 3, "y": Y, "h": H}).arrays[0], Y)


class Keeps:
    def forward(self, x):
        self.hidden = 2 * x
        self.output = 3 * x

    def only(self, x):
        self.somewhere = x


def test_what_is_returned_by_nobody_is_what_is_kept():
    thing = Keeps()
    thing.forward(Y)
    outputs = found(None, thing=thing, forward=thing.forward)
    np.testing.assert_array_equal(outputs.arrays[0], 3 * Y)
    assert outputs.names == ("y",)
    thing.only(H)
    np.testing.assert_array_equal(found(None, thing=thing, forward=thing.only).arrays[0], H)
    with pytest.raises(ForeignError, match=r"^forward returns nothing and keeps no `output`$"):
        found(None, thing=SimpleNamespace())


def test_outputs_may_be_named_by_place_name_key_or_attribute():
    thing = SimpleNamespace(state=C)
    assert found((Y, H), ("y", "h"), chosen=("h", 0)).names == ("h", "0")
    for returned, chosen, expected in (
        ((Y, H), (1,), H),
        ((Y, H), (-2,), Y),
        ((Y, H), ("h",), H),
        ({"a": Y, "b": H}, ("b",), H),
        (Y, (0,), Y),
        (Y, ("state",), C),
    ):
        np.testing.assert_array_equal(found(returned, ("y", "h"), chosen=chosen, thing=thing).arrays[0], expected)
    for returned, chosen in (((Y, H), 2), ((Y, H), -3), ({"a": Y}, "b"), (Y, 1)):
        with pytest.raises(ForeignError, match=f'^forward has no output {chosen!r}, as "outputs" in GRADCHECK says$'):
            found(returned, ("y", "h"), chosen=(chosen,))


def test_an_output_is_an_array_of_its_own_in_floating_point():
    y = as_output(Y, "forward")
    assert y is not Y
    y[0] = 9
    assert Y[0, 0] == 1
    assert as_output(3, "forward").dtype.kind == "f"
    assert as_output(np.ones(2, np.float32), "forward").dtype == np.float32
    assert as_output([1, 2], "forward").dtype == np.float64
    assert as_output(np.array([1.0, 2.0], object), "forward").dtype == np.float64
    assert as_output(1j, "forward").dtype.kind == "c"
    for value in ("text", np.array(["a"]), object()):
        with pytest.raises(ForeignError, match=r"^forward returns \w+, not an array of numbers"):
            as_output(value, "forward")
