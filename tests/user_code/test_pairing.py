"""Which gradient belongs to which array: by what is said, by name, and by shape behind these."""

import numpy as np
import pytest

from mlp.user_code.api import examine_object
from mlp.user_code.run.pairing import GIVEN, Pair, as_shaped, may_vary, pair
from mlp.user_code.run.sources import Source

W, B, X = np.zeros((3, 2)), np.zeros(2), np.zeros((4, 3))
PARAMETERS = {"W": ([("W",)], W), "b": ([("b",)], B)}


def source(key, array, place="attribute", path=None, label=""):
    parts = key.split(".")[1:] if place in ("returned", "update", "method") else key.split(".")
    return Source(key, tuple(parts) if path is None else path, place, array, label)


def found(sources, parameters=PARAMETERS, x=X, given=()):
    return {name: (one.gradient, one.reason) for name, one in pair(parameters, x, sources, dict(given)).items()}


def test_names_find_each_other_whatever_the_order():
    sources = [source("db", B), source("dW", W), source("returned", X, "returned", ())]
    assert found(sources[::-1]) == {
        "x": ("returned", "what backward returns"),
        "W": ("dW", "by name"),
        "b": ("db", "by name"),
    }


def test_what_is_said_wins_over_names_and_is_used_once():
    sources = [source("dW", W), source("other", W)]
    assert found(sources, given={"W": "other"})["W"] == ("other", GIVEN)
    # A gradient that is returned may be said with or without that word.
    for said in ("dW", "returned.dW"):
        assert found([source("returned.dW", W, "returned")], given={"b": said}) == {"b": ("returned.dW", GIVEN)}
    assert found([source("dW", W)], given={"K": "dW"}) == {"W": ("dW", "by name")}


@pytest.mark.parametrize(
    ("sources", "which"),
    [
        # What is kept before what the update shows.
        ([source("update.W", W, "update"), source("dW", W)], "dW"),
        ([source("dW", W), source("grads.W", W)], "dW"),
        # What does not fit stands behind an update that does.
        ([source("update.W", W, "update"), source("dW", np.zeros((4, 3, 2)))], "update.W"),
        ([source("dW", np.zeros((4, 3, 2)))], "dW"),
        # A local name stands behind everything that is handed out.
        ([source("dW", W, "local"), source("update.W", W, "update")], "update.W"),
        ([source("dW", W, "local")], "dW"),
        ([source("dW", X, "local")], None),
        ([source("grad", W)], "grad"),  # by shape
        ([source("d", W)], None),  # a lone letter may as well be a variance
        ([source("delta", W)], None),  # from which gradients are still to be made
        ([source("cache", W)], None),
    ],
)
def test_of_several_sources_the_likeliest_is_taken(sources, which):
    pairs = found(sources, {"W": PARAMETERS["W"]}, None)
    assert pairs.get("W", (None,))[0] == which


def test_an_update_is_recovered_for_the_very_parameter_alone():
    update = source("update.W", W, "update", ("W",))
    assert found([update], x=None) == {"W": ("update.W", "recovered from the update that backward makes")}
    assert found([source("update.V", W, "update", ("V",))], x=None) == {}


@pytest.mark.parametrize(
    ("sources", "which"),
    [
        ([source("returned", X, "returned", ()), source("dx", X)], "returned"),
        ([source("returned.0", X, "returned", (0,)), source("returned.dx", X, "returned", ("dx",))], "returned.0"),
        ([source("returned.dx", X, "returned", ("dx",)), source("dx", X)], "returned.dx"),
        ([source("dx", X)], "dx"),
        ([source("returned.1", X, "returned", (1,))], "returned.1"),
        ([source("grad_unknown", X)], None),
        ([source("update.x", X, "update", ("x",))], None),
        # One of another shape counts where it is returned or called so, and is said to be misfit.
        ([source("returned", W, "returned", ())], "returned"),
        ([source("dx", W)], "dx"),
    ],
)
def test_the_gradient_of_the_input(sources, which):
    assert found(sources, {}).get("x", (None,))[0] == which


def test_a_dx_of_another_shape_stands_behind_a_parameter_that_it_fits():
    assert found([source("returned", W, "returned", ())], {"V": ([("V",)], W)}) == {"V": ("returned", "by shape")}


def test_lists_side_by_side_and_objects_that_hold_both():
    listed = {"weights.0": ([("weights", "0")], W), "weights.1": ([("weights", "1")], W)}
    sources = [source("grad_weights.1", W), source("grad_weights.0", W)]
    assert {name: one[0] for name, one in found(sources, listed, None).items()} == {
        "weights.0": "grad_weights.0",
        "weights.1": "grad_weights.1",
    }
    held = {"W.data": ([("W", "data")], W)}
    assert found([source("W.grad", W), source("V.grad", W)], held, None) == {"W.data": ("W.grad", "by name")}


def test_a_parameter_with_a_gradient_is_none_itself():
    parameters = {"g": ([("g",)], W), "W": ([("W",)], W)}
    sources = [source("dg", W), source("grad_g", W), source("g", W)]
    assert found(sources, parameters, None)["g"][0] in ("dg", "grad_g")
    assert "g" not in {one[0] for one in found(sources, parameters, None).values()}


def test_the_shapes_of_a_pair():
    def of(shape, gradient, key="dW"):
        return Pair("W", key, shape, gradient, "by name")

    assert of((3,), (1, 3)).fits
    assert of((3, 1), (3,)).fits
    assert not of((2, 3), (3, 2)).fits
    assert of((2, 3), (2, 4)).is_of_another
    assert not of((2, 3), (3, 2)).is_of_another, "transposed is its own"
    assert not of((2,), (4, 2)).is_of_another, "not summed is its own"
    assert of((2,), (2,), "update.W").is_step
    assert not of((2,), (2,)).is_step


def test_a_gradient_is_copied_as_floating_point_in_its_tensor_s_shape():
    gradient = np.array([[1, 2, 3]])
    shaped = as_shaped(gradient, (3,))
    assert (shaped.shape, shaped.dtype.kind) == ((3,), "f")
    shaped[0] = 9
    assert gradient[0, 0] == 1
    assert as_shaped(np.ones(2, np.float32), (2,)).dtype == np.float32


@pytest.mark.parametrize(
    ("name", "varies"), [("W", True), ("grads.W", False), ("grad", False), ("d", True), ("params.W", True)]
)
def test_what_is_called_a_gradient_is_no_parameter(name, varies):
    assert may_vary(name) == varies


@pytest.mark.parametrize("start", [np.ones(3), np.full(3, 0.01), np.zeros(3)], ids=["ones", "tiny", "zeros"])
def test_a_parameter_that_starts_as_if_it_were_not_there_is_given_other_numbers(start):
    class Scaled:
        def __init__(self):
            self.gamma = start.copy()

        def forward(self, x):
            self.x = x
            return self.gamma * x

        def backward(self, dy):
            self.dgamma = (dy * self.x).sum(axis=0)
            return start * dy  # right while gamma is what it starts as

    result = examine_object(Scaled, np.random.RandomState(0).standard_normal((4, 3)))
    assert {name for name, check in result.report.items() if not check.passed} == {"x"}


@pytest.mark.parametrize(
    ("shape", "gradient", "other"),
    [
        ((4, 3), (2, 5, 5), True),
        ((4, 3), (4, 5), True),
        ((3,), (5, 3), False),
        ((4, 3), (3,), False),
        ((4, 3), (3, 4), False),
    ],
)
def test_a_gradient_of_other_sizes_is_that_of_another_tensor_and_one_of_more_or_fewer_is_not(shape, gradient, other):
    assert Pair("W", "returned", shape, gradient, "by shape").is_of_another == other
