"""Structured differences against the plain loop: the same finite differences of the same function, within round-off.

How far apart may they be? Both evaluate the same loss c at the same points, each with rounding errors of its own. If
each value of c is off by at most E, a quotient sum_k w_k c_k / h is off by at most sum_k |w_k| E / |h|, and the two
differ by at most twice that. `rounding` bounds E by running error analysis (Higham, Accuracy and Stability of
Numerical Algorithms, 2002, sections 3.1 and 3.3): a sum of m products, in whatever order, is off by gamma_m times the
sum of their magnitudes, gamma_m = m u / (1 - m u), and an error in a layer's input passes through |W|, or through an
activation, whose slope is at most 1.1.
"""

import numpy as np
import pytest

from mlp import ACTIVATIONS, INITIALISATIONS, LOSSES, METHODS, Activation, Layer, Linear, Sequential, dense_layers
from mlp.differences.networks import loss_gradients, loss_gradients_by_loop
from mlp.differences.tensors import evaluate, movable_tensors

SLOPE = 1.1  # the largest of any activation's, SiLU's
ULPS = 8  # what numpy's functions and the few operations around them are off by, generously


def rounding(network, loss, x, target):
    """A bound of the rounding error of the loss near x."""
    u = np.finfo(x.dtype).eps / 2
    error = np.zeros_like(x)
    for layer in network.layers.values():
        y = layer.apply(x)
        if isinstance(layer, Linear):
            # Eight more than the sum itself needs: a rank-one change adds a difference, a product and a sum.
            gamma = (x.shape[-1] + 8) * u
            error = (error + gamma * np.abs(x)) @ np.abs(layer.W).T + gamma * (np.abs(layer.b) + np.abs(y))
        else:
            error = SLOPE * error + ULPS * u * np.abs(y)
        x = y
    # Of the loss: its slope times the errors of y, and those of its own sum, whose terms are the loss's and y's size.
    own = (x.size + ULPS) * u * (abs(loss.apply(x, target)) + 2 * np.abs(x).max() + np.abs(target).max())
    return np.sum(np.abs(loss.gradient(x, target)) * error) + np.sum(error**2) + own


def assert_agree(network, loss, x, target, eps, method):
    """Every derivative must agree with the plain loop's, within twice the bound (and twice again for the far end of
    the step, where values are a little larger).
    """
    expected = loss_gradients_by_loop(network, loss, x, target, eps, method)
    actual = loss_gradients(network, loss, x, target, eps, method)
    weights = np.sum(np.abs(METHODS[method].weights))
    checked = loss.as_target(target, network.apply(x))
    tolerance = 4 * weights * rounding(network, loss, x, checked) / eps
    assert list(actual) == list(expected)
    for name, gradient in expected.items():
        assert actual[name].shape == gradient.shape
        assert actual[name].dtype == gradient.dtype
        # The step (x + h) - x is itself rounded in its tensor's precision, where |x| < h.
        of_step = ULPS * np.finfo({**network.parameters(), "x": x}[name].dtype).eps
        np.testing.assert_allclose(actual[name], gradient, rtol=of_step, atol=tolerance, err_msg=name)


def problem(rng, sizes, activation, loss, batch=None, initialisation="Glorot"):
    network = Sequential(**dense_layers(sizes, ACTIVATIONS[activation], rng, INITIALISATIONS[initialisation]))
    lead, loss = () if batch is None else (batch,), LOSSES[loss]()
    return network, loss, rng.standard_normal((*lead, sizes[0])), loss.random_target(rng, (*lead, sizes[-1]))


@pytest.mark.one_in(3)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_and_method_with_every_loss_in_turn(activation, method):
    turn = list(ACTIVATIONS).index(activation) + list(METHODS).index(method)
    for k, batch in enumerate((None, 3)):
        loss = list(LOSSES)[(turn + k) % len(LOSSES)]
        assert_agree(*problem(np.random.RandomState(1), (3, 4, 5, 2), activation, loss, batch), 1e-4, method)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("seed", range(60))
def test_random_networks(seed):
    rng = np.random.RandomState(seed)
    hidden = seed % 5
    sizes = tuple(int(size) for size in rng.randint(1, 9, hidden + 2))
    choices = [str(rng.choice(list(known))) for known in (ACTIVATIONS, LOSSES, INITIALISATIONS, METHODS)]
    activation, loss, initialisation, method = choices
    batch = [None, 1, 2, 5][rng.randint(4)]
    eps = float(10.0 ** rng.randint(-7, -1))
    assert_agree(*problem(rng, sizes, activation, loss, batch, initialisation), eps, method)


@pytest.mark.parametrize("block", [1, 7, 60, 1000])
@pytest.mark.parametrize("batch", [None, 4])
def test_any_size_of_blocks(monkeypatch, block, batch):
    """Cut into blocks of one row or a part of one, gathered or not, joined or not, moved sample by sample or not."""
    monkeypatch.setattr("mlp.differences.blocks.BLOCK_ELEMENTS", block)
    monkeypatch.setattr("mlp.differences.blocks.BLOCK_STEPS", 1)
    monkeypatch.setattr("mlp.differences.perturbations.SMALL", block)
    monkeypatch.setattr("mlp.differences.tensors.SMALL", block)
    for method in ("central", "five-point", "complex-step"):
        assert_agree(*problem(np.random.RandomState(2), (5, 6, 7, 3), "Tanh", "CrossEntropyLoss", batch), 1e-4, method)


@pytest.mark.parametrize("largest", [1, 30, 500])
def test_any_size_of_tiles_in_products(monkeypatch, largest):
    monkeypatch.setattr("mlp.nn.products.LARGEST_PRODUCT", largest)
    monkeypatch.setattr("mlp.nn.products.FEW_OUTPUTS", 2)
    monkeypatch.setattr("mlp.nn.products.FEW_STEPS", 3)
    monkeypatch.setattr("mlp.nn.products.FEW_NUMBERS", 0)
    for batch in (None, 3):
        assert_agree(*problem(np.random.RandomState(3), (4, 5, 7, 3), "Sigmoid", "MSELoss", batch), 1e-4, "central")


def test_a_network_large_enough_for_blocks_and_tiles_as_they_are():
    assert_agree(*problem(np.random.RandomState(4), (12, 150, 90, 3), "Tanh", "MSELoss"), 1e-4, "central")


@pytest.mark.parametrize("batch", [None, 3])
def test_complex_step_is_exact_at_a_tiny_step(batch):
    """At h = 1e-20 nothing is subtracted, so the rounding errors are relative ones and no 1/h enters: each is u times
    the derivative's largest path through the network, for a few hundred operations on each path.
    """
    network, loss, x, target = problem(np.random.RandomState(5), (4, 6, 5, 3), "Tanh", "MSELoss", batch)
    expected = loss_gradients_by_loop(network, loss, x, target, 1e-20, "complex-step")
    actual = loss_gradients(network, loss, x, target, 1e-20, "complex-step")
    paths = np.prod([np.abs(p).sum() for name, p in network.parameters().items() if name.endswith("W")])
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=300 * np.finfo(float).eps * paths)
        assert np.abs(expected[name]).max() > 1e6 * 300 * np.finfo(float).eps * paths


def test_nested_and_single_layers():
    rng = np.random.RandomState(6)
    inner = Sequential(**dense_layers((3, 4, 5), ACTIVATIONS["Tanh"], rng))
    nested = Sequential(first=inner, between=ACTIVATIONS["Softplus"](), last=Linear(5, 2, rng))
    flat = Sequential(**inner.layers, between=nested.between, last=nested.last)
    x, target = rng.standard_normal(3), rng.standard_normal(2)
    gradients = loss_gradients(nested, LOSSES["MSELoss"](), x, target)
    assert list(gradients) == [*nested.parameters(), "x"]
    for (name, actual), expected in zip(
        gradients.items(), loss_gradients(flat, LOSSES["MSELoss"](), x, target).values(), strict=True
    ):
        np.testing.assert_array_equal(actual, expected, err_msg=name)
    alone = loss_gradients(nested.last, LOSSES["MSELoss"](), rng.standard_normal(5), target)
    assert list(alone) == ["W", "b", "x"]


def test_float32_stays_float32():
    """The step is then the one that float32 really takes, which is far from eps itself."""
    rng = np.random.RandomState(7)
    network, loss, x, target = problem(rng, (3, 4, 2), "Tanh", "MSELoss")
    for name, value in network.parameters().items():
        network = network.replaced(name, value.astype(np.float32))
    for method in METHODS:
        assert_agree(network, loss, x.astype(np.float32), target.astype(np.float32), 1e-2, method)


def test_a_float32_parameter_in_a_float64_network():
    """The step is float32's, the loss and the derivative are float64's."""
    network, loss, x, target = problem(np.random.RandomState(15), (3, 4, 2), "Tanh", "MSELoss")
    network = network.replaced("fc1.W", network.fc1.W.astype(np.float32))
    for method in METHODS:
        assert_agree(network, loss, x, target, 1e-2, method)


@pytest.mark.parametrize(("dtype", "large"), [(np.float64, 1e17), (np.float32, 1e5)])
def test_no_step_at_all_gives_nan(dtype, large):
    """Where eps = 1e-4 is lost in the rounding of the parameter, whatever the precision of all else."""
    network, loss, x, target = problem(np.random.RandomState(8), (2, 3, 2), "Tanh", "MSELoss")
    network.fc1.W = network.fc1.W.astype(dtype)
    network.fc1.W[1, 0] = large
    gradients = loss_gradients(network, loss, x, target)
    assert np.isnan(gradients["fc1.W"][1, 0])
    assert sum(np.isnan(gradient).sum() for gradient in gradients.values()) == 1


def test_linear_functions_come_out_exactly_because_the_step_is_the_one_taken():
    """A linear network's loss difference over eps itself would be off by u |W| / eps; over the real step it is not."""
    rng = np.random.RandomState(9)
    network = Linear(1, 1, rng)
    network.W[...] = 1000.1
    network.b[...] = 0

    class Output(LOSSES["MSELoss"]):
        @staticmethod
        def value(y, target):
            return np.sum(y - target)

    gradient = loss_gradients(network, Output(), np.array([2.0]), np.array([0.0]), eps=1e-4)["W"]
    # f = 2 W: products with 2 are exact, and so is a difference of nearby numbers; the quotient is then 2 exactly.
    assert gradient[0, 0] == 2.0


def test_nothing_is_changed_on_the_way():
    network, loss, x, target = problem(np.random.RandomState(10), (3, 4, 2), "Tanh", "MSELoss", batch=2)
    loss.forward(network.forward(x), target)
    dx = network.backward(loss.backward())

    def state():
        gradients = {f"grad {name}": value for name, value in network.gradients().items()}
        return {**network.parameters(), **gradients, "x": x, "target": target}

    before = {name: value.copy() for name, value in state().items()}
    loss_gradients(network, loss, x, target)
    for name, value in state().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    np.testing.assert_array_equal(network.backward(loss.backward()), dx)


def test_class_indices_as_target():
    network, loss, x, _ = problem(np.random.RandomState(14), (3, 4, 3), "Tanh", "CrossEntropyLoss", batch=2)
    assert_agree(network, loss, x, np.array([2, 0]), 1e-4, "central")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"eps": 0}, ValueError),
        ({"eps": -1e-4}, ValueError),
        ({"eps": float("nan")}, ValueError),
        ({"method": "centre"}, ValueError),
        ({"x": np.ones(4)}, ValueError),
        ({"x": np.ones((1, 1, 3))}, ValueError),
        ({"x": np.ones(3) * 1j}, TypeError),
        ({"x": ["a", "b", "c"]}, TypeError),
        ({"target": np.ones(3)}, ValueError),
        ({"target": ["a", "b"]}, TypeError),
    ],
    ids=str,
)
def test_the_same_errors_as_the_loop(change, error):
    network, loss, x, target = problem(np.random.RandomState(11), (3, 4, 2), "Tanh", "MSELoss")
    arguments = {"network": network, "loss": loss, "x": x, "target": target, **change}
    with pytest.raises(error) as expected:
        loss_gradients_by_loop(**arguments)
    with pytest.raises(error) as actual:
        loss_gradients(**arguments)
    assert str(actual.value) == str(expected.value)


@pytest.mark.parametrize("behind", [{}, {"fc2": Linear(2, 2, np.random.RandomState(0))}])
def test_a_complex_step_through_a_real_function_is_an_error(behind):
    class Modulus(Activation):
        @staticmethod
        def function(x):
            return np.abs(x)

    network = Sequential(fc1=Linear(3, 2, np.random.RandomState(12)), modulus=Modulus(), **behind)
    with pytest.raises(TypeError, match="take a real method"):
        loss_gradients(network, LOSSES["MSELoss"](), np.ones(3), np.ones(2), method="complex-step")


def test_the_bound_is_sharp_enough_to_see_a_small_mistake(monkeypatch):
    """Were a single weight off by a part in a million on the way of a change, the comparison would notice."""
    columns = Linear.apply_columns

    def slightly_wrong(self, change, x, y):
        twin = self.replaced("W", self.W * np.where(np.arange(self.W.size).reshape(self.W.shape) == 3, 1 + 1e-6, 1))
        return columns(twin, change, x, y)

    case = problem(np.random.RandomState(13), (3, 4, 2), "Tanh", "MSELoss")
    assert_agree(*case, 1e-4, "central")
    monkeypatch.setattr(Linear, "apply_columns", slightly_wrong)
    with pytest.raises(AssertionError, match="Not equal"):
        assert_agree(*case, 1e-4, "central")


class Gain(Layer):
    parameter_names = ("gain",)

    def __init__(self, gain):
        self.gain = gain

    def apply(self, x):
        return x * self.gain


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Gain(np.ones(())), "x must not be empty"),
        (Gain(np.zeros(0)), "gain must not be empty"),
        (Sequential(last=Gain(np.zeros(0))), r"last\.gain must not be empty"),
    ],
)
def test_a_tensor_without_entries_is_refused_by_name(layer, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        list(movable_tensors(evaluate(layer, np.zeros(0))))
