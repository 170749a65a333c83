"""A network, its loss, an input and a target as one value: its number, its tensors, and copies that share nothing."""

import threading

import numpy as np
import pytest

from mlp import MLP, Layer, Linear, MSELoss, Sequential, Tanh
from mlp.nn.problem import as_problem, is_ours

RNG = np.random.RandomState(0)


@pytest.fixture
def problem():
    return as_problem(Sequential(fc=Linear(3, 2, RNG), act=Tanh()), MSELoss(), [0.1, 0.2, 0.3], [1, 0])


def test_its_value_is_the_loss_of_the_output_and_nothing_is_kept(problem):
    y = np.tanh(problem.network.fc.W @ problem.x + problem.network.fc.b)
    assert problem.value() == pytest.approx(np.mean((y - [1, 0]) ** 2), rel=1e-14)
    with pytest.raises(RuntimeError, match="call forward"):
        problem.loss.backward()


def test_its_tensors_are_the_parameters_then_the_input(problem):
    assert list(problem.tensors()) == ["fc.W", "fc.b", "x"]
    assert problem.tensors()["x"] is problem.x
    assert problem.tensors()["fc.W"] is problem.network.fc.W


@pytest.mark.parametrize("name", ["fc.W", "fc.b", "x"])
def test_one_tensor_is_replaced_and_all_the_rest_is_shared(problem, name):
    before = {key: array.copy() for key, array in problem.tensors().items()}
    other = problem.replaced(name, before[name] + 1)
    for key, array in other.tensors().items():
        np.testing.assert_array_equal(array, before[key] + (key == name))
        np.testing.assert_array_equal(problem.tensors()[key], before[key])
    assert problem.function(name)(before[name] + 1) == other.value() != problem.value()
    assert other.target is problem.target


def test_a_copy_shares_nothing(problem):
    twin = problem.copied()
    twin.network.fc.W += 1
    twin.x[...] = 0
    twin.network.forward(twin.x)
    assert problem.x[0] == 0.1
    assert not np.array_equal(twin.network.fc.W, problem.network.fc.W)
    with pytest.raises(RuntimeError, match="call forward"):
        problem.network.backward(np.ones(2))


def test_what_cannot_be_copied_is_told_with_the_reason(problem):
    problem.loss.lock = threading.Lock()
    words = (
        r"^a layer or loss cannot be copied \(TypeError: cannot pickle '_thread.lock' object\)\. A check runs on a copy"
    )
    with pytest.raises(TypeError, match=words):
        problem.copied()


class NamedAsTheInput(Layer):
    parameter_names = ("x",)
    x = np.ones(2)


def test_no_parameter_may_have_the_input_s_name():
    with pytest.raises(ValueError, match=r"^a parameter is named 'x', which here is the input; give it another name$"):
        as_problem(NamedAsTheInput(), MSELoss(), np.ones(2), np.ones(2)).tensors()


@pytest.mark.parametrize(
    ("network", "loss", "message"),
    [
        (MLP, MSELoss(), "network must be a layer or network, such as MLP(2, 10, 20, 5), not the class MLP itself"),
        (None, MSELoss(), "network must be a layer or network, such as MLP(2, 10, 20, 5), not None"),
        (Tanh(), MSELoss, "loss must be a loss, such as MSELoss(), not the class MSELoss itself"),
        (Tanh(), Tanh(), "loss must be a loss, such as MSELoss(), not an object of type Tanh"),
    ],
)
def test_what_is_no_network_or_loss_is_named(network, loss, message):
    with pytest.raises(TypeError) as refusal:
        as_problem(network, loss, np.ones(2), np.ones(2))
    assert str(refusal.value) == message


def test_ours_is_what_this_package_wrote():
    class Own(Tanh):
        pass

    assert is_ours(Tanh())
    assert is_ours(MSELoss())
    assert not is_ours(Own())
