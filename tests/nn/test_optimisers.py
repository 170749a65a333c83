"""Optimisers: equal to PyTorch's over many steps, in place, and nothing changed by gradients that do not fit."""

import re

import numpy as np
import pytest

from mlp import OPTIMISERS, SGD, Adam, CrossEntropyLoss, Momentum, Sequential, dense_layers
from tests.comparing import assert_close, counterpart

STEPS = 100
# Each of the steps rounds a few times by U / 2 = 1e-16 of the largest parameter, and training on carries what is off
# along: on this smooth loss by less than a factor of 1e3 over all steps. A wrong formula is off by 1e-3.
RTOL = 1e-10


def torch_counterparts(torch):
    """PyTorch's optimiser beside each of ours, as it is by default and with other settings."""
    optim = torch.optim
    return {
        "SGD": [(SGD(0.1), lambda p: optim.SGD(p, 0.1))],
        "momentum": [
            (Momentum(0.05), lambda p: optim.SGD(p, 0.05, momentum=0.9)),
            (Momentum(0.05, 0.3), lambda p: optim.SGD(p, 0.05, momentum=0.3)),
            (Momentum(0.05, 0), lambda p: optim.SGD(p, 0.05)),
        ],
        "Adam": [
            (Adam(0.01), lambda p: optim.Adam(p, 0.01)),
            (Adam(0.02, (0.7, 0.9), 1e-3), lambda p: optim.Adam(p, 0.02, (0.7, 0.9), 1e-3)),
        ],
    }


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_hundred_steps_are_those_of_pytorch(name, torch):
    for ours, make_theirs in counterpart(torch_counterparts(torch), name, "torch_counterparts"):
        assert type(ours) is OPTIMISERS[name]
        rng = np.random.RandomState(1)
        network, loss = Sequential(**dense_layers((4, 16, 16, 3), rng=rng)), CrossEntropyLoss()
        parameters = network.parameters()
        tensors = {key: torch.tensor(value, requires_grad=True) for key, value in parameters.items()}
        theirs = make_theirs(list(tensors.values()))
        for _ in range(STEPS):
            x, labels = rng.standard_normal((8, 4)), rng.randint(3, size=8)
            loss.forward(network.forward(x), labels)
            network.backward(loss.backward())
            ours.step(parameters, network.gradients())
            h = torch.tensor(x)
            for i in (1, 2, 3):
                h = torch.nn.functional.linear(h, tensors[f"fc{i}.W"], tensors[f"fc{i}.b"])
                h = torch.tanh(h) if i < 3 else h
            theirs.zero_grad()
            torch.nn.functional.cross_entropy(h, torch.tensor(labels, dtype=torch.long)).backward()
            theirs.step()
        for key, value in network.parameters().items():
            assert_close(value, tensors[key].detach().numpy(), RTOL, key)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_step_changes_the_arrays_themselves_and_no_gradient(name):
    parameter, gradient = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    optimiser = OPTIMISERS[name](0.1)
    for _ in range(3):
        optimiser.step({"w": parameter}, {"w": gradient})
    assert parameter[0] < 1
    assert parameter[1] > 2
    np.testing.assert_array_equal(gradient, [0.5, -0.5])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_gradient_that_does_not_fit_changes_nothing(name):
    parameters = {"a": np.ones(2), "b": np.ones((2, 3))}
    optimiser = OPTIMISERS[name](0.1)
    right = {"a": np.ones(2), "b": np.ones((2, 3))}
    with pytest.raises(ValueError, match=re.escape("the gradient of b must have shape (2, 3), not (3,)")):
        optimiser.step(parameters, right | {"b": np.ones(3)})
    with pytest.raises(ValueError, match="gradients lacks b"):
        optimiser.step(parameters, {"a": np.ones(2)})
    assert all(np.all(parameter == 1) for parameter in parameters.values())
    # The refused steps were none: the next one is the first.
    untouched = {key: value.copy() for key, value in parameters.items()}
    OPTIMISERS[name](0.1).step(untouched, right)
    optimiser.step(parameters, right)
    for key, value in parameters.items():
        np.testing.assert_array_equal(value, untouched[key])


@pytest.mark.parametrize("rate", [0, -0.1, float("inf"), float("nan"), True, "0.1", None, 1j])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_rate_must_be_a_finite_number_above_zero(name, rate):
    with pytest.raises(ValueError, match=re.escape(f"rate must be a positive, finite number, not {rate!r}")):
        OPTIMISERS[name](rate)


@pytest.mark.parametrize("part", [1, 1.5, -0.1, float("nan"), True, "0.9"])
def test_what_is_kept_of_earlier_steps_is_a_part_below_one(part):
    with pytest.raises(ValueError, match=re.escape(f"momentum must be a number from 0 to below 1, not {part!r}")):
        Momentum(0.1, part)
    for betas in ((part, 0.9), (0.9, part)):
        with pytest.raises(ValueError, match=re.escape(f"betas must be a number from 0 to below 1, not {part!r}")):
            Adam(0.1, betas)
    with pytest.raises(ValueError, match="eps must be a positive, finite number, not 0"):
        Adam(0.1, eps=0)
