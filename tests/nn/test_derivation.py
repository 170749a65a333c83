"""Where a number comes from: each line's products add up to what the layers computed, and the chain has no gap."""

from itertools import pairwise
from math import prod

import numpy as np
import pytest

from mlp.lab.experiment import Experiment
from mlp.nn.derivation import Passes
from mlp.nn.trace import LOSS, trace

EXPERIMENTS = [
    Experiment(),
    Experiment(sizes=(1, 1, 1)),
    Experiment(sizes=(3, 4, 2), batch=4, activation="ReLU", loss="CrossEntropyLoss", seed=3),
]


def passes(experiment):
    problem = experiment.problem()
    steps = trace(*problem)
    return problem, steps, Passes(problem.network, steps)


def total(line):
    return sum(prod(number.value for number in term) for term in line.terms)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: f"{one.sizes} {one.batch}")
def test_the_products_of_every_gradient_add_up_to_it(experiment):
    problem, steps, both = passes(experiment)
    backward = {step.name: step for step in steps if step.direction == "backward"}
    gradients = {f"{name}.{p}": g for name, step in backward.items() for p, g in step.gradients.items()}
    gradients["x"] = backward["fc1"].result
    assert set(gradients) == set(problem.tensors())
    for tensor, gradient in gradients.items():
        for index in np.ndindex(gradient.shape):
            first = both.chain(tensor, index)[0]
            assert first.result.value == gradient[index]
            # The rounding of a sum of k products is at most about k eps times the sum of their magnitudes.
            size = sum(abs(prod(number.value for number in term)) for term in first.terms)
            assert abs(total(first) - gradient[index]) <= 2 * len(first.terms) * np.finfo(float).eps * size


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: f"{one.sizes} {one.batch}")
def test_the_chain_follows_the_largest_product_to_the_loss(experiment):
    problem, steps, both = passes(experiment)
    lines = both.chain("fc1.W", (0, 0))
    assert [line.layer for line in lines] == [*problem.network.layers, LOSS]
    for line, behind in pairwise(lines):
        largest = max(line.terms, key=lambda term: abs(prod(number.value for number in term)))
        [dy] = [number for number in largest if number.array == "dy"]
        assert (dy.place, dy.value) == (behind.result.place, behind.result.value)
    assert lines[-1].terms == ()
    assert lines[-1].result.value == steps[len(steps) // 2].result[lines[-1].result.place]


def test_names_are_those_of_numpy():
    _, _, both = passes(Experiment())
    first, second, *_ = both.chain("fc1.W", (7, 1))
    assert first.result.name == "dW[7,1]"
    assert [number.name for number in first.terms[0]] == ["dy[7]", "x[1]"]
    assert [number.name for number in second.terms[0]] == ["f'(x[7])", "dy[7]"]
    _, _, of_a_batch = passes(EXPERIMENTS[2])
    assert [[number.name for number in term] for term in of_a_batch.chain("fc2.b", (1,))[0].terms] == [
        [f"dy[{n},1]"] for n in range(4)
    ]


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: f"{one.sizes} {one.batch}")
def test_outputs_are_the_sums_of_forward(experiment):
    _, steps, both = passes(experiment)
    for step in steps:
        if step.direction == "forward" and step.name != LOSS:
            for index in np.ndindex(step.result.shape):
                line = both.output(step.name, index)
                assert line.result.value == step.result[index]
                assert total(line) == pytest.approx(step.result[index], rel=1e-12, abs=1e-14)


def test_the_gradient_of_a_bias_is_the_dy_that_is_followed():
    problem, steps, both = passes(Experiment())
    lines = both.chain("fc1.W", (7, 1))
    found = both.biases(lines)
    assert list(found) == ["fc1.b", "fc2.b", "fc3.b"]
    gradients = {step.name: step.gradients for step in steps if step.direction == "backward"}
    followed = {line.layer: line.by_size[0] for line in lines if line.terms}
    for tensor, index in found.items():
        layer = tensor.removesuffix(".b")
        [dy] = [number for number in followed[layer] if number.array == "dy"]
        assert gradients[layer]["b"][index] == dy.value
    _, _, of_a_batch = passes(EXPERIMENTS[2])
    assert of_a_batch.biases(of_a_batch.chain("fc1.W", (0, 0))) == {}, "there it is a sum over the samples"
    assert problem.network.layers


def test_what_is_not_there_is_refused():
    _, _, both = passes(Experiment())
    with pytest.raises(KeyError):
        both.chain("fc9.W", (0, 0))
    with pytest.raises(IndexError):
        both.chain("fc1.W", (10, 0))
