"""A stack of changed inputs or parameters gives what each of them gives by itself, to the rounding of one formula."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES, CrossEntropyLoss, Layer, Linear, MSELoss, Sequential, Tanh
from mlp.nn.changes import Columns, Moved, as_matrix

RNG = np.random.RandomState(0)
LAYERS = {**{name: activation() for name, activation in ACTIVATIONS.items()}, "Linear": Linear(4, 3, RNG)}
SHAPES = [(4,), (5, 4)]
ROUND_OFF = 1e-13  # numbers of about 1 in sums of at most 20 terms


def written_out(change, base):
    """Whatever a layer gave, as the whole stack."""
    return change.filled(base) if isinstance(change, Columns) else change


def test_columns_written_out_are_the_base_with_one_feature_replaced_in_each_copy():
    base, values = RNG.standard_normal((5, 4)), RNG.standard_normal((5, 2, 3))
    stack = Columns(slice(1, 3), values).filled(base)
    assert stack.shape == (5, 4, 6)
    for k in range(6):
        expected = base.copy()
        expected[:, 1 + k // 3] = values[:, k // 3, k % 3]
        np.testing.assert_array_equal(stack[..., k], expected)
    # A complex step in a real array makes the stack complex.
    assert Columns(slice(0, 1), values[:, :1] * 1j).filled(base).dtype == np.complex128


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_takes_stacks_and_columns(name, shape):
    layer, x = LAYERS[name], RNG.standard_normal(shape)
    xs = RNG.standard_normal((*shape, 6))
    singly = np.stack([layer.apply(xs[..., k]) for k in range(6)], axis=-1)
    np.testing.assert_allclose(layer.apply_stack(xs), singly, rtol=0, atol=ROUND_OFF)
    change = Columns(slice(1, 3), RNG.standard_normal((*shape[:-1], 2, 3)))
    expected = layer.apply_stack(change.filled(x))
    y = layer.apply(x)
    np.testing.assert_allclose(written_out(layer.apply_columns(change, x, y), y), expected, rtol=0, atol=ROUND_OFF)
    if name != "Linear":  # what acts on each element by itself keeps a change in its feature
        assert layer.apply_columns(change, x, y).features == change.features


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "columns"), [("W", slice(1, 4)), ("b", slice(0, 1))])
@pytest.mark.parametrize("knows", [True, False], ids=["Linear's own", "any layer's"])
def test_entries_of_a_parameter_are_moved_one_at_a_time(name, columns, shape, knows):
    layer, x, rows = LAYERS["Linear"], RNG.standard_normal(shape), slice(1, 3)
    parameter = as_matrix(layer.parameters()[name])
    there = parameter[rows, columns, None]
    values = there + np.array([-0.1, 0.1])
    moved = Moved(rows, columns, values, values - there)
    y = layer.apply(x)
    take = type(layer).apply_parameter if knows else super(Linear, layer).apply_parameter.__func__
    found = written_out(take(layer, name, moved, x, y), y)
    expected = []
    for i, j, o in np.ndindex(values.shape):
        varied = parameter.copy()
        varied[1 + i, columns.start + j] = values[i, j, o]
        expected.append(layer.replaced(name, varied.reshape(layer.parameters()[name].shape)).apply(x))
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), rtol=0, atol=ROUND_OFF)


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4)])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_takes_stacks_of_outputs(name, shape):
    loss, ys = LOSSES[name](), RNG.standard_normal((*shape, 6))
    target = loss.random_target(RNG, shape)
    singly = [loss.apply(ys[..., k], target) for k in range(6)]
    np.testing.assert_allclose(loss.values(ys, target), singly, rtol=ROUND_OFF)


def test_what_a_layer_costs_is_what_it_multiplies():
    assert LAYERS["Linear"].multiplications(np.ones((5, 4))) == 60
    assert Tanh().multiplications(np.ones((5, 4))) == 20
    assert Sequential(fc=LAYERS["Linear"]).chain() == {"fc": LAYERS["Linear"]}
    assert Tanh().chain().keys() == {""}


@pytest.mark.parametrize("shape", [(), (3,), (3, 2), (3, 2, 4)])
def test_a_parameter_as_a_matrix_has_its_first_axis_against_all_others(shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    matrix = as_matrix(array)
    assert matrix.shape == (shape[0] if shape else 1, array.size // (shape[0] if shape else 1))
    np.testing.assert_array_equal(matrix.ravel(), array.ravel())


class Shifted(Linear):
    """Another formula, of which what Linear says of stacks and samples does not hold."""

    def apply(self, x):
        y = super().apply(x)
        return y - y.mean(axis=0)


class ShiftedAndStacked(Shifted):
    def apply(self, x):
        return super().apply(x) + 1

    def apply_stack(self, xs):
        return super().apply_stack(xs)


class Renamed(Linear):
    """It rewrites nothing that others follow from."""

    def forward(self, x):
        return super().forward(x)


FOLLOWS = ("apply_stack", "apply_columns", "apply_parameter")


def test_what_follows_from_a_formula_is_forgotten_with_it():
    for name in FOLLOWS:
        assert getattr(Shifted, name) is getattr(Layer, name)
        assert getattr(Renamed, name) is getattr(Linear, name)
    assert (Shifted.samples_apart, Renamed.samples_apart) == (False, True)
    assert ShiftedAndStacked.apply_stack is not Layer.apply_stack
    assert ShiftedAndStacked.apply_columns is Layer.apply_columns


class Doubled(MSELoss):
    @staticmethod
    def value(y, target):
        return 2 * MSELoss.value(y, target)

    @staticmethod
    def gradient(y, target):
        return 2 * MSELoss.gradient(y, target)


class OtherGradient(CrossEntropyLoss):
    @staticmethod
    def gradient(y, target):
        return -CrossEntropyLoss.gradient(y, target)


def test_so_is_what_follows_from_a_loss():
    ys, target = RNG.standard_normal((3, 5)), RNG.standard_normal(3)
    np.testing.assert_allclose(Doubled().values(ys, target), 2 * MSELoss().values(ys, target), rtol=ROUND_OFF)
    np.testing.assert_allclose(Doubled().forward(ys[:, 0], target), Doubled().values(ys, target)[0], rtol=ROUND_OFF)
    y, labels = ys[:, 0], np.array([0.2, 0.3, 0.5])
    value, gradient = OtherGradient.value_and_gradient(y, labels)
    assert value == CrossEntropyLoss.value(y, labels)
    np.testing.assert_array_equal(gradient, -CrossEntropyLoss.gradient(y, labels))
    assert OtherGradient.values is CrossEntropyLoss.values
