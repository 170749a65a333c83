"""The exercise's own checks, and those that it leaves to its students, run against `mlp` under the same names.

Like the exercise, these compare with `np.allclose` at its defaults and eps 1e-4, and draw from numpy's global stream.
"""

import numpy as np
import pytest

from mlp import MLP, Linear, MSELoss, Tanh, linear_backward, linear_forward, numerical_gradient
from mlp.lab.experiment import Experiment


@pytest.fixture(autouse=True)
def seed():
    np.random.seed(0)


def plain_network(x, parameters):
    """The exercise's network in a line of numpy, from its weights and biases in order."""
    W1, b1, W2, b2, W3, b3 = parameters
    return W3 @ np.tanh(W2 @ np.tanh(W1 @ x + b1) + b2) + b3


def test_opening_example():
    # f(x) = x^T x at (1, 2), whose gradient is 2 x. For a quadratic the central difference is exact at any step; with
    # eps = 0.5 and these numbers not even a bit is rounded.
    assert numerical_gradient(lambda x: x @ x, np.array([1.0, 2.0]), eps=0.5).tolist() == [[2.0, 4.0]]


def test_numerical_gradient_of_a_vector_function_has_outputs_as_rows():
    W = np.random.randn(3, 2)
    gradient = numerical_gradient(lambda x: W @ x, np.random.randn(2))
    assert gradient.shape == (3, 2)
    assert np.allclose(gradient, W)


def test_reshaping_trick():
    x, b, W = np.random.randn(2), np.random.randn(3), np.random.randn(3, 2)
    flat = numerical_gradient(lambda w: linear_forward(x, w.reshape(3, 2), b), W.flatten())
    assert flat.shape == (3, 3 * 2)
    # y_i depends on row i of W alone, through x.
    assert np.allclose(flat.reshape(3, 3, 2), np.einsum("ik,l->ikl", np.eye(3), x))
    # Without the trick the same numbers come in the shape of W.
    assert np.array_equal(numerical_gradient(lambda W: linear_forward(x, W, b), W), flat.reshape(3, 3, 2))


def test_loss_shapes():
    y, loss = np.random.randn(3), MSELoss()
    value = loss.forward(y, np.zeros(3))
    assert np.shape(value) == ()
    assert np.allclose(value, (y[0] ** 2 + y[1] ** 2 + y[2] ** 2) / 3)
    assert loss.backward().shape == y.shape


def test_loss_backward():
    y, target, loss = np.random.randn(3), np.zeros(3), MSELoss()
    loss.forward(y, target)
    dy = loss.backward()
    dy_num = numerical_gradient(lambda y: loss.forward(y, target), y)
    assert dy_num.shape == (1, 3)
    assert dy_num[0].shape == dy.shape
    assert np.allclose(dy, dy_num)
    assert np.allclose(dy, dy_num[0])


def test_tanh_shapes():
    x, act_fn = np.random.randn(3), Tanh()
    y = act_fn.forward(x)
    assert y.shape == x.shape
    assert act_fn.backward(np.arange(1, 4)).shape == x.shape


def test_tanh_backward():
    # "This cell tests Tanh": the diagonal of the Jacobian, times dy.
    x, act_fn, dy = np.random.randn(3), Tanh(), np.arange(1, 4)
    act_fn.forward(x)
    dx = act_fn.backward(dy)
    jacobian = numerical_gradient(Tanh().forward, x)
    assert np.allclose(jacobian, np.diag(np.diag(jacobian)))
    assert np.allclose(dx, dy * np.diag(jacobian))
    assert np.allclose(dx, np.dot(dy.T, jacobian))


@pytest.fixture
def linear():
    x, W, b = np.random.randn(2), np.random.randn(3, 2), np.random.randn(3)
    return x, W, b, np.arange(1, 4)


def test_linear_shapes(linear):
    x, W, b, dy = linear
    assert linear_forward(x, W, b).shape == (3,)
    dx, dW, db = linear_backward(dy, x, W, b)
    assert dx.shape == x.shape
    assert dW.shape == W.shape
    assert db.shape == b.shape


def test_linear_forward(linear):
    # "This cell tests linear_forward and linear_backward", the first of three.
    x, W, b, _ = linear
    assert np.allclose(linear_forward(x, W, b), [W[i, 0] * x[0] + W[i, 1] * x[1] + b[i] for i in range(3)])


def test_linear_gradient_of_weights(linear):
    x, W, b, dy = linear
    _, dW, _ = linear_backward(dy, x, W, b)
    numerical = numerical_gradient(lambda w: linear_forward(x, w.reshape(3, 2), b), W.flatten())
    assert np.allclose(dW, np.dot(dy.T, numerical).reshape(3, 2))


def test_linear_gradient_of_input(linear):
    # The second of the three.
    x, W, b, dy = linear
    dx, _, _ = linear_backward(dy, x, W, b)
    assert np.allclose(dx, np.dot(dy.T, numerical_gradient(lambda x: linear_forward(x, W, b), x)))


def test_linear_gradient_of_bias(linear):
    # The third.
    x, W, b, dy = linear
    _, _, db = linear_backward(dy, x, W, b)
    assert np.allclose(db, np.dot(dy.T, numerical_gradient(lambda b: linear_forward(x, W, b), b)))


def test_linear_layer():
    layer, x = Linear(in_features=3, out_features=2), np.random.randn(3)
    assert layer.grad_W is None
    assert layer.grad_b is None
    assert layer.W.shape == (2, 3)
    assert layer.b.shape == (2,)
    y = layer.forward(x)
    assert np.allclose(y, layer.W @ x + layer.b)
    dy = np.arange(1, 3)
    dx = layer.backward(dy)
    assert dx.shape == x.shape
    assert layer.grad_W.shape == layer.W.shape
    assert layer.grad_b.shape == layer.b.shape
    assert np.allclose(dx, layer.W.T @ dy)
    assert np.allclose(layer.grad_W, [dy[0] * x, dy[1] * x])
    assert np.allclose(layer.grad_b, dy)


def test_mlp():
    x, mlp = np.random.randn(2), MLP(2, 10, 20, 5)
    y = mlp.forward(x)
    dy = np.arange(1, 6)
    dx = mlp.backward(dy)
    assert dx.shape == x.shape
    assert np.allclose(y, plain_network(x, mlp.parameters().values()))
    dx_num = np.dot(dy.T, numerical_gradient(mlp.forward, x))
    assert np.allclose(dx, dx_num)


def test_mlp_has_the_exercises_parts():
    mlp = MLP(2, 10, 20, 5)
    for layer, inputs, outputs in ((mlp.fc1, 2, 10), (mlp.fc2, 10, 20), (mlp.fc3, 20, 5)):
        assert isinstance(layer, Linear)
        assert layer.W.shape == (outputs, inputs)
        assert layer.b.shape == (outputs,)
    assert isinstance(mlp.activation_fn1, Tanh)
    assert isinstance(mlp.activation_fn2, Tanh)


def test_full_backpropagation():
    # "This cell tests MLP": every gradient of the whole, each parameter in turn.
    mlp, loss = MLP(2, 10, 20, 5), MSELoss()
    x, target = np.random.randn(2), np.random.randn(5)
    y = mlp.forward(x)
    assert y.shape == target.shape
    loss.forward(y, target)
    dy = loss.backward()
    assert dy.shape == y.shape
    dx = mlp.backward(dy)

    def plain_loss(x, parameters):
        return np.mean((plain_network(x, parameters) - target) ** 2)

    names, parameters = list(mlp.parameters()), list(mlp.parameters().values())
    assert np.allclose(dx, numerical_gradient(lambda x: plain_loss(x, parameters), x)[0])
    for k, name in enumerate(names):
        numerical = numerical_gradient(
            lambda p, k=k: plain_loss(x, [*parameters[:k], p.reshape(parameters[k].shape), *parameters[k + 1 :]]),
            parameters[k].flatten(),
        )
        layer_name, _, tensor = name.partition(".")
        gradient = getattr(getattr(mlp, layer_name), f"grad_{tensor}")
        assert gradient is mlp.gradients()[name]
        assert np.allclose(gradient, numerical.reshape(gradient.shape)), name


def test_a_seeded_notebook_holds_the_same_numbers():
    # What the exercise's code draws, line by line: Linear's W, then b, three times; then x; then the target.
    np.random.seed(3)
    notebook = []
    for inputs, outputs in ((2, 10), (10, 20), (20, 5)):
        notebook += [np.random.randn(outputs, inputs), np.random.randn(outputs)]
    x, target = np.random.randn(2), np.random.randn(5)

    np.random.seed(3)
    mlp = MLP(2, 10, 20, 5)
    drawn = [np.random.randn(2), np.random.randn(5)]
    problem = Experiment(seed=3).problem()

    for ours in ([*mlp.parameters().values(), *drawn], [*problem.network.parameters().values(), *problem[2:]]):
        assert len(ours) == 8
        for mine, theirs in zip(ours, [*notebook, x, target], strict=True):
            assert np.array_equal(mine, theirs)
    assert list(problem.network.parameters()) == list(mlp.parameters())
    assert isinstance(problem.loss, MSELoss)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Tanh().backward(np.ones(3)), r"call forward\(\) first"),
        (lambda: MSELoss().backward(), r"call forward\(\) first"),
        (lambda: Linear(3, 2).backward(np.ones(2)), r"call forward\(\) first"),
        (lambda: MLP(2, 3, 4, 5).backward(np.ones(5)), r"call forward\(\) first"),
    ],
)
def test_backward_asks_for_forward(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()
