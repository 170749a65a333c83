"""The linear layer and what all layers promise: nothing kept by apply, nothing stale in backward, clear errors."""

import re

import numpy as np
import pytest

from mlp.nn.activations import ACTIVATIONS
from mlp.nn.functional import linear_backward, linear_forward
from mlp.nn.initialisations import INITIALISATIONS, glorot
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.network import MLP

# Every kind of layer there is, each taking 3 inputs.
LAYERS = {
    "Linear": lambda: Linear(3, 2, np.random.RandomState(0)),
    **ACTIVATIONS,
    "MLP": lambda: MLP(3, 4, 5, 2, np.random.RandomState(0)),
}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
every_shape = pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 3)])


def copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def same(actual, expected):
    return list(actual) == list(expected) and all(np.array_equal(actual[name], expected[name]) for name in expected)


@every_layer
@every_shape
def test_apply_and_forward_agree_and_backward_has_the_shape_of_x(make, shape):
    layer, x = make(), np.random.RandomState(1).randn(*shape)
    y = layer.forward(x)
    assert np.array_equal(y, layer.apply(x))
    assert layer.backward(np.ones_like(y)).shape == shape
    assert {name: g.shape for name, g in layer.gradients().items()} == {
        name: p.shape for name, p in layer.parameters().items()
    }


@every_layer
@every_shape
def test_backward_belongs_to_the_last_forward_whatever_callers_do_with_their_arrays(make, shape):
    layer, rng = make(), np.random.RandomState(2)
    x = rng.randn(*shape)
    y = layer.forward(x)
    dy = rng.randn(*y.shape)
    expected = layer.backward(dy).copy()
    gradients = copies(layer.gradients())

    layer.forward(x)
    x += 5
    y[:] = 7
    layer.apply(rng.randn(*shape))
    layer.apply(rng.randn(6, 3))
    with pytest.raises(ValueError, match=r"^x must .*\(2, 0\)$"):
        layer.forward(np.zeros((2, 0)))
    assert np.array_equal(layer.backward(dy), expected)
    assert same(layer.gradients(), gradients)


@every_layer
@every_shape
def test_gradients_are_of_one_backward_and_outlive_changes_to_dy_and_dx(make, shape):
    layer, rng = make(), np.random.RandomState(3)
    y = layer.forward(rng.randn(*shape))
    dy = rng.randn(*y.shape)
    dx = layer.backward(dy)
    first, gradients = dx.copy(), copies(layer.gradients())
    dy[:] = 9
    dx[:] = 9
    assert same(layer.gradients(), gradients)
    layer.backward(2 * np.ones_like(y))
    layer.backward(np.zeros_like(y))
    assert not any(gradient.any() for gradient in layer.gradients().values()), "gradients were accumulated"
    assert not np.array_equal(first, dx)


@every_layer
def test_backward_changes_neither_parameters_nor_its_arguments(make):
    layer, rng = make(), np.random.RandomState(4)
    before, x = copies(layer.parameters()), rng.randn(4, 3)
    x_before = x.copy()
    y = layer.forward(x)
    dy = rng.randn(*y.shape)
    dy_before = dy.copy()
    layer.backward(dy)
    layer.apply(x)
    assert same(layer.parameters(), before)
    assert np.array_equal(x, x_before)
    assert np.array_equal(dy, dy_before)


@every_layer
def test_apply_keeps_nothing(make):
    layer = make()
    before = {name: vars(part).copy() for name, part in parts(layer).items()}
    layer.apply(np.ones(3))
    layer.apply(np.ones((2, 3), complex))
    for name, part in parts(layer).items():
        assert all(vars(part)[key] is value for key, value in before[name].items())
        assert len(vars(part)) == len(before[name])
    with pytest.raises(RuntimeError, match=r"^call forward\(\) first"):
        layer.backward(np.ones(3))


def parts(layer):
    return {"itself": layer, **getattr(layer, "layers", {})}


@every_layer
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((2, 0)), ValueError, "(2, 0)"),
        (1.0, ValueError, "()"),
        ("abc", TypeError, "x must hold numbers (float or integer), not <U3"),
        ([True, False, True], TypeError, "x must hold numbers (float or integer), not bool"),
        ([None, 1, 2], TypeError, "x must hold numbers (float or integer), not object"),
    ],
)
def test_what_is_no_input(make, x, error, message):
    for function in (make().apply, make().forward):
        with pytest.raises(error, match=f"^x must .*{re.escape(message.removeprefix('x must '))}"):
            function(x)


@every_layer
@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (lambda y: np.zeros((*y.shape[:-1], 7)), ValueError, "dy must have shape {0}, not (4, 7)"),
        (lambda y: np.zeros(y.shape[1:]), ValueError, "dy must have shape {0}, not ({0[1]},)"),
        (lambda y: y[:1], ValueError, "dy must have shape {0}, not (1, {0[1]})"),
        (lambda y: y.astype(complex), TypeError, "dy must be real, not complex128"),
        (lambda y: y > 0, TypeError, "dy must hold numbers (float or integer), not bool"),
    ],
)
def test_what_is_no_gradient_of_the_output(make, dy, error, message):
    layer = make()
    y = layer.forward(np.random.RandomState(5).randn(4, 3))
    with pytest.raises(error, match=f"^{re.escape(message.format(y.shape))}"):
        layer.backward(dy(y))


@every_layer
def test_forward_takes_no_complex_numbers(make):
    with pytest.raises(TypeError, match=r"^x must be real, not complex128; only apply\(\) takes complex numbers$"):
        make().forward(np.ones(3, complex))


@every_layer
def test_a_parameter_that_does_not_exist(make):
    with pytest.raises(KeyError, match=r"has no (parameter|layer) 'V'"):
        make().replaced("V", np.zeros(3))


def test_gradients_before_backward():
    layer = Linear(3, 2)
    layer.forward(np.zeros(3))
    assert layer.grad_W is None
    assert layer.grad_b is None
    with pytest.raises(RuntimeError, match=r"^call backward\(\) first"):
        layer.gradients()


@pytest.mark.parametrize("shape", [(4,), (), (2, 2), (3, 1)])
def test_a_linear_layer_names_the_features_that_it_takes(shape):
    message = f"x must have shape (3,) or (n, 3), not {shape}"
    for function in (Linear(3, 2).apply, Linear(3, 2).forward):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            function(np.zeros(shape))


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ((0, 2), ValueError, "in_features must be at least 1, not 0"),
        ((3, -1), ValueError, "out_features must be at least 1, not -1"),
        ((3.0, 2), TypeError, "in_features must be a whole number, not 3.0"),
        ((3, "2"), TypeError, "out_features must be a whole number, not '2'"),
        ((True, 2), TypeError, "in_features must be a whole number, not True"),
    ],
)
def test_sizes_of_a_linear_layer(sizes, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Linear(*sizes)


@every_shape
def test_a_linear_layer_is_the_linear_functions_with_its_own_parameters(shape):
    layer, rng = Linear(3, 2, np.random.RandomState(0)), np.random.RandomState(6)
    x, dy = rng.randn(*shape), rng.randn(*shape[:-1], 2)
    assert np.array_equal(layer.forward(x), linear_forward(x, layer.W, layer.b))
    dx, dW, db = linear_backward(dy, x, layer.W, layer.b)
    assert np.array_equal(layer.backward(dy), dx)
    assert same(layer.gradients(), {"W": dW, "b": db})
    assert layer.grad_W is layer.gradients()["W"]
    assert layer.grad_b is layer.gradients()["b"]


@pytest.mark.parametrize("initialisation", INITIALISATIONS.values())
def test_a_linear_layer_draws_its_parameters_from_the_source_it_is_given(initialisation):
    layer = Linear(3, 2, np.random.RandomState(7), initialisation)
    W, b = initialisation(np.random.RandomState(7), 3, 2)
    assert same(layer.parameters(), {"W": W, "b": b})


def test_without_a_source_it_draws_from_the_global_stream():
    np.random.seed(8)
    layer = Linear(3, 2, initialisation=glorot)
    W, b = glorot(np.random.RandomState(8), 3, 2)
    assert same(layer.parameters(), {"W": W, "b": b})


def test_parameters_are_the_arrays_themselves():
    layer = Linear(3, 2)
    assert layer.parameters()["W"] is layer.W
    assert layer.parameters()["b"] is layer.b


def test_replaced_shares_the_rest_and_leaves_the_original_alone():
    layer = Linear(3, 2, np.random.RandomState(0))
    W, x = layer.W, np.ones(3)
    y, other = layer.forward(x), 2 * layer.W
    twin = layer.replaced("W", other)
    assert type(twin) is Linear
    assert twin.W is other
    assert twin.b is layer.b
    assert layer.W is W
    twin.forward(np.zeros(3))
    twin.backward(np.ones(2))
    assert np.array_equal(layer.apply(x), y)
    assert layer.grad_W is None
    layer.backward(np.ones(2))
    assert layer.grad_W.tolist() == [[1, 1, 1], [1, 1, 1]]  # still that of its own forward at x = 1


def test_the_base_classes_leave_the_mathematics_to_their_subclasses():
    unfinished = (
        lambda: Layer().apply([1.0]),
        lambda: Layer().forward([1.0]),
        lambda: Layer().backward([1.0]),
        lambda: Activation().apply([1.0]),
        lambda: Activation.derivative(np.ones(1)),
    )
    for call in unfinished:
        with pytest.raises(NotImplementedError):
            call()
    assert Layer().parameters() == Layer().gradients() == {}


@every_layer
def test_a_batch_without_samples_is_refused_in_words(make):
    for run in (make().apply, make().forward):
        with pytest.raises(ValueError, match=r"at least one sample|not be empty"):
            run(np.zeros((0, 3)))
