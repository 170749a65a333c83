"""Layers in a row: their order, their names, the chain rule through them, and the rules for putting them together."""

import re

import numpy as np
import pytest

from mlp.nn.activations import Identity, ReLU, Sigmoid, Tanh
from mlp.nn.initialisations import he
from mlp.nn.layers import Linear
from mlp.nn.network import MLP, Sequential, dense_layers
from tests.comparing import U, assert_close


def small():
    return Sequential(**dense_layers((3, 4, 2), Sigmoid, np.random.RandomState(0)))


@pytest.mark.parametrize("leading", [(), (5,)])
def test_forward_applies_the_layers_in_order_and_backward_in_reverse(leading):
    rng, net = np.random.RandomState(1), small()
    x, dy = rng.randn(*leading, 3), rng.randn(*leading, 2)
    hidden = net.fc1.apply(x)
    assert np.array_equal(net.forward(x), net.fc2.apply(net.activation_fn1.apply(hidden)))
    dx = net.backward(dy)

    fc1, activation, fc2 = Linear(3, 4), Sigmoid(), Linear(4, 2)
    fc1.W, fc1.b, fc2.W, fc2.b = net.parameters().values()
    fc2.forward(activation.forward(fc1.forward(x)))
    assert np.array_equal(dx, fc1.backward(activation.backward(fc2.backward(dy))))
    expected = {"fc1.W": fc1.grad_W, "fc1.b": fc1.grad_b, "fc2.W": fc2.grad_W, "fc2.b": fc2.grad_b}
    assert list(net.gradients()) == list(net.parameters()) == list(expected)
    for name, gradient in expected.items():
        assert np.array_equal(net.gradients()[name], gradient)


def test_a_batch_is_its_samples_one_by_one():
    rng, net = np.random.RandomState(2), small()
    x, dy = rng.randn(6, 3), rng.randn(6, 2)
    y, dx = net.forward(x), net.backward(dy)
    gradients = {name: gradient.copy() for name, gradient in net.gradients().items()}
    totals = {name: np.zeros_like(gradient) for name, gradient in gradients.items()}
    # The same sums in another order: some twenty roundings by u/2 of terms like the largest entry.
    for i in range(6):
        assert_close(net.forward(x[i]), y[i], 20 * U, "y")
        assert_close(net.backward(dy[i]), dx[i], 20 * U, "dx")
        for name, gradient in net.gradients().items():
            totals[name] += gradient
    for name, gradient in gradients.items():
        assert_close(gradient, totals[name], 20 * U, name)


def test_layers_are_attributes_under_their_names():
    first, second = Linear(3, 4), Tanh()
    net = Sequential(encoder=first, squash=second)
    assert net.layers == {"encoder": first, "squash": second}
    assert net.encoder is first
    assert list(net.parameters()) == ["encoder.W", "encoder.b"]
    assert net.parameters()["encoder.W"] is first.W


def test_assigning_to_the_attribute_puts_another_layer_in_its_place():
    net, x = small(), np.ones(3)
    net.activation_fn1 = ReLU()
    assert np.array_equal(net.forward(x), net.fc2.apply(np.maximum(net.fc1.apply(x), 0)))


def test_a_sequential_is_a_layer_of_another():
    net = Sequential(first=small(), act=Tanh(), last=Linear(2, 1, np.random.RandomState(3)))
    flat = Sequential(**net.first.layers, act=net.act, last=net.last)
    assert list(net.parameters())[:2] == ["first.fc1.W", "first.fc1.b"]
    x = np.ones((2, 3))
    assert np.array_equal(net.forward(x), flat.forward(x))
    assert np.array_equal(net.backward(np.ones((2, 1))), flat.backward(np.ones((2, 1))))
    assert [g.tolist() for g in net.gradients().values()] == [g.tolist() for g in flat.gradients().values()]

    twin = net.replaced("first.fc1.b", np.zeros(4))
    assert not twin.parameters()["first.fc1.b"].any()
    assert net.parameters()["first.fc1.b"].all()
    assert twin.first.fc2 is net.first.fc2


def test_replaced_shares_the_rest_and_leaves_the_original_alone():
    net, x = small(), np.ones(3)
    before, y = dict(net.parameters()), net.apply(x)
    value = np.zeros((2, 4))
    twin = net.replaced("fc2.W", value)
    assert type(twin) is Sequential
    assert twin.fc2.W is value
    assert {name for name in before if twin.parameters()[name] is not before[name]} == {"fc2.W"}
    assert twin.fc1 is net.fc1
    assert twin.activation_fn1 is net.activation_fn1
    assert all(net.parameters()[name] is array for name, array in before.items())
    assert np.array_equal(net.apply(x), y)
    assert np.array_equal(twin.apply(x), net.fc2.b)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fc3.W", "the network has no layer 'fc3'; its layers: fc1, activation_fn1, fc2"),
        ("W", "the network has no layer 'W'; its layers: fc1, activation_fn1, fc2"),
        ("fc1.V", "Linear has no parameter 'V'; it has: W, b"),
        ("fc1", "Linear has no parameter ''; it has: W, b"),
        ("activation_fn1.W", "Sigmoid has no parameter 'W'; it has: none"),
    ],
)
def test_replacing_what_is_not_there(name, message):
    with pytest.raises(KeyError, match=re.escape(message)):
        small().replaced(name, np.zeros(1))


def test_no_layers():
    with pytest.raises(ValueError, match=r"^Sequential needs at least one layer$"):
        Sequential()


def test_one_layer_cannot_stand_in_two_places():
    act = Tanh()
    with pytest.raises(ValueError, match="each layer must be an object of its own"):
        Sequential(fc1=Linear(2, 2), act1=act, fc2=Linear(2, 2), act2=act)


@pytest.mark.parametrize("name", ["apply", "backward", "layers", "parameters", "replaced", "__dict__", "_names", "a.b"])
def test_a_name_that_sequential_uses_itself_or_could_not_find_again(name):
    with pytest.raises(ValueError, match=f"^a layer cannot be named '{name}'"):
        Sequential(**{name: Tanh()})


@pytest.mark.parametrize("make", [lambda: MLP(3, 4, 5, 2), lambda: Sequential(act=Tanh(), fc=Linear(3, 2))])
def test_what_does_not_fit_is_reported_by_the_layer_it_meets(make):
    net = make()
    with pytest.raises(ValueError, match=r"^x must have shape \(3,\) or \(n, 3\), not \(5,\)$"):
        net.forward(np.zeros(5))
    net.forward(np.zeros(3))
    with pytest.raises(ValueError, match=r"^dy must have shape \(2,\), not \(3,\)$"):
        net.backward(np.zeros(3))


@pytest.mark.parametrize("depth", range(5))
def test_dense_layers_are_named_and_sized_in_order(depth):
    sizes = (*(3, 7, 5, 8, 6)[: depth + 1], 2)
    layers = dense_layers(sizes, ReLU)
    expected = ["fc1"]
    for i in range(1, depth + 1):
        expected += [f"activation_fn{i}", f"fc{i + 1}"]
    assert list(layers) == expected
    assert [layers[name].W.shape for name in expected[::2]] == [(sizes[i + 1], sizes[i]) for i in range(depth + 1)]
    assert all(type(layers[name]) is ReLU for name in expected[1::2])
    assert len({id(layer) for layer in layers.values()}) == len(layers)


def test_dense_layers_hand_their_source_and_initialisation_on():
    layers, rng = dense_layers((3, 4, 2), Identity, np.random.RandomState(4), he), np.random.RandomState(4)
    for name, inputs, outputs in (("fc1", 3, 4), ("fc2", 4, 2)):
        W, b = he(rng, inputs, outputs)
        assert np.array_equal(layers[name].W, W)
        assert np.array_equal(layers[name].b, b)


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ((), ValueError, "sizes must name at least the inputs and the outputs, not ()"),
        ((3,), ValueError, "sizes must name at least the inputs and the outputs, not (3,)"),
        ((3, 0, 2), ValueError, "out_features must be at least 1, not 0"),
        ((3, 2.5), TypeError, "out_features must be a whole number, not 2.5"),
    ],
)
def test_sizes_that_make_no_network(sizes, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        dense_layers(sizes)


def test_the_exercises_network_is_a_sequential_of_its_five_layers():
    net = MLP(2, 10, 20, 5, np.random.RandomState(5))
    assert isinstance(net, Sequential)
    assert list(net.layers) == ["fc1", "activation_fn1", "fc2", "activation_fn2", "fc3"]
    assert all(type(layer) is Tanh for name, layer in net.layers.items() if name.startswith("activation"))
    same = Sequential(**dense_layers((2, 10, 20, 5), Tanh, np.random.RandomState(5)))
    assert np.array_equal(net.apply([1, 2]), same.apply([1, 2]))
