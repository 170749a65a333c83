"""How the work of structured differences is cut, run and broken off."""

import threading
import time
import tracemalloc

import numpy as np
import pytest

from mlp import METHODS, MSELoss, Sequential, Tanh, dense_layers
from mlp.differences import blocks
from mlp.differences.blocks import batches, structured_cost
from mlp.differences.networks import loss_gradients
from mlp.differences.parallel import available_cores, run_tasks
from mlp.differences.structured import structured_gradients
from mlp.differences.tensors import evaluate, movable_tensors


def problem(sizes, batch=()):
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers(sizes, Tanh, rng))
    return network, MSELoss(), rng.standard_normal((*batch, sizes[0])), rng.standard_normal((*batch, sizes[-1]))


@pytest.mark.parametrize("method", ["central", "complex-step"])
@pytest.mark.parametrize("batch", [(), (5,)])
def test_the_result_does_not_depend_on_the_number_of_threads(monkeypatch, method, batch):
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 2_000)
    case = problem((11, 40, 30, 3), batch)
    reference = structured_gradients(*case, method=method, threads=1)
    for threads in (2, 3, 7):
        for name, gradient in structured_gradients(*case, method=method, threads=threads).items():
            assert gradient.tobytes() == reference[name].tobytes()


def test_large_work_runs_in_several_threads_and_small_in_the_callers_alone(monkeypatch):
    monkeypatch.setattr("mlp.differences.structured.available_cores", lambda: 3)
    seen = set()

    class Noting(Tanh):
        @staticmethod
        def function(x):
            seen.add(threading.get_ident())
            time.sleep(0.001)
            return np.tanh(x)

    def threads_for(sizes):
        seen.clear()
        _, *rest = problem(sizes)
        rng = np.random.RandomState(1)
        loss_gradients(Sequential(**dense_layers(sizes, Noting, rng)), *rest)
        return seen.copy()

    assert threads_for((3, 4, 2)) == {threading.get_ident()}
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 1_000)
    assert len(threads_for((20, 30, 30, 2))) == 3


@pytest.mark.parametrize("method", METHODS)
def test_every_entry_is_in_exactly_one_block_and_no_block_is_too_large(monkeypatch, method):
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 1_000)
    monkeypatch.setattr(blocks, "BLOCK_STEPS", 1)
    network, _, x, _ = problem((11, 40, 30, 3))
    offsets = np.array(METHODS[method].offsets)
    counts = {name: np.zeros(value.shape, int) for name, value in {**network.parameters(), "x": x}.items()}
    for batch in batches(movable_tensors(evaluate(network, x)), offsets):
        together = 0
        for block in batch:
            block.of(counts[block.tensor.name])[...] += 1
            # Of the arrays that a step moves in full, the largest is the 40 or 30 units behind it, or all 3 outputs.
            behind = {"x": 40, "fc1": 30}.get(block.tensor.name.split(".")[0], 3)
            together += block.entries().size * offsets.size * behind
        assert together <= 1_000 or (len(batch) == 1 and batch[0].entries().size == 1)
    for count in counts.values():
        np.testing.assert_array_equal(count, 1)


@pytest.mark.parametrize(
    ("sizes", "batch", "largest"),
    [
        ((60, 100, 80, 5), (), 60 * 100 * 80),  # what passes through
        ((3, 4, 600), (), 4 * 600 * 600),  # what the loss takes of a step on the last layer: all outputs
        ((60, 4, 50), (60,), 60 * 60 * 60 * 50),  # what it takes of a step on one sample: the whole batch
    ],
)
def test_memory_is_bounded_by_the_blocks(monkeypatch, sizes, batch, largest):
    """Each block holds its steps, the largest array a few times over (product, sum, activation, loss), and no more."""
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 20_000)
    case = problem(sizes, batch)
    everything = 8 * 2 * largest  # bytes, were all steps on one tensor stacked at once
    results = 8 * (case[2].size + sum(parameter.size for parameter in case[0].parameters().values()))
    tracemalloc.start()
    loss_gradients(*case)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Eight steps are taken at once however large a batch is, see BLOCK_STEPS.
    block = max(20_000, 8 * case[3].size)
    assert peak < results + 8 * 8 * block + 500_000
    assert peak < everything / 2


def test_a_huge_output_is_not_moved_eight_steps_at_once(monkeypatch):
    """Eight steps on 50 outputs would be 400 numbers, more than the 300 that are allowed here: six steps are 300."""
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 100)
    monkeypatch.setattr(blocks, "MOST_ELEMENTS", 300)
    network, _, x, _ = problem((2, 50))
    cut = batches(movable_tensors(evaluate(network, x)), np.array(METHODS["central"].offsets))
    largest = [sum(block.entries().size for block in batch) for batch in cut]
    assert max(largest) == 3  # of two offsets each


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_rises_to_one_in_the_callers_thread(threads):
    told = []
    tasks = [lambda: time.sleep(0.001)] * 100
    run_tasks(tasks, threads, lambda done: told.append((done, threading.get_ident())))
    fractions = [done for done, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(fractions) > 5
    assert all(0 < done <= 1 for done in fractions)
    assert {thread for _, thread in told} == {threading.get_ident()}


class NewInputError(Exception):
    """As a dashboard raises it when its user has changed a setting."""


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_can_break_off(threads):
    done = []

    def task():
        time.sleep(0.001)
        done.append(threading.get_ident())

    def progress(_):
        raise NewInputError

    with pytest.raises(NewInputError):
        run_tasks([task] * 5_000, threads, progress)
    # The first report comes after a two-hundredth of the tasks; each other thread then ends the one that it is at.
    assert len(done) < 500
    finished = len(done)
    time.sleep(0.02)
    assert len(done) == finished, "a thread went on after the call had ended"


def test_breaking_off_reaches_the_caller_of_loss_gradients(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 2_000)

    def progress(done):
        if done > 0.3:
            raise NewInputError

    before = threading.active_count()
    with pytest.raises(NewInputError):
        loss_gradients(*problem((11, 40, 30, 3)), progress=progress)
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_any_thread_is_raised_and_ends_the_work(threads):
    begun = []

    def task(number):
        begun.append(number)
        time.sleep(0.001)
        if number == 20:
            raise ZeroDivisionError("in task 20")

    with pytest.raises(ZeroDivisionError, match="in task 20"):
        run_tasks([lambda number=number: task(number) for number in range(2_000)], threads)
    assert len(begun) < 100


def test_an_error_in_another_thread_than_the_callers_is_raised():
    caller = threading.get_ident()

    def task():
        time.sleep(0.001)
        if threading.get_ident() != caller:
            raise ZeroDivisionError("elsewhere")

    with pytest.raises(ZeroDivisionError, match="elsewhere"):
        run_tasks([task] * 1_000, 2)


def test_numpy_error_states_hold_in_every_thread(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 2_000)
    network, loss, x, target = problem((11, 40, 30, 3))
    network.fc3.W[...] = 1e200  # the loss overflows at every step
    with np.errstate(over="ignore", invalid="ignore"):
        gradients = structured_gradients(network, loss, x, target, threads=3)
    assert np.isnan(gradients["fc1.W"]).all()


def test_cost_counts_what_the_steps_move():
    """By hand for 3-4-5-2, per step: (numbers moved behind each layer, the loss's outputs last) and multiplications."""
    network, _, x, _ = problem((3, 4, 5, 2))
    steps = {name: 2 * parameter.size for name, parameter in {**network.parameters(), "x": x}.items()}
    moved = {
        "fc1": 1 + 1 + 5 + 5 + 2 + 2,
        "fc2": 1 + 1 + 2 + 2,
        "fc3": 1 + 2,
        "x": 1 + 4 + 4 + 5 + 5 + 2 + 2,
    }
    products = {"fc1": 5 * 2, "fc2": 0, "fc3": 0, "x": 4 * 5 + 5 * 2}
    cost = structured_cost(network, x)
    assert cost.elements == sum(count * moved[name.split(".")[0]] for name, count in steps.items())
    # An activation of n numbers counts as n multiplications as well.
    activations = {"fc1": 5, "fc2": 0, "fc3": 0, "x": 4 + 5}
    assert cost.multiplications == sum(
        count * (products[name.split(".")[0]] + activations[name.split(".")[0]]) for name, count in steps.items()
    )
    assert structured_cost(network, x, "five-point").elements == 2 * cost.elements
    assert structured_cost(network, np.stack([x, x])).elements > 2 * cost.elements


def test_the_cost_is_that_of_real_inputs():
    with pytest.raises(TypeError, match=r"^x must be real, not complex128"):
        structured_cost(Tanh(), np.ones(3) + 0j)


def test_there_is_at_least_one_core():
    assert available_cores() >= 1


def test_a_block_takes_two_megabytes_and_of_a_large_batch_no_more_than_sixteen():
    """What a core's cache holds, and what a server of many visitors can spare each thread; measured as blocks says."""
    assert (8 * blocks.BLOCK_ELEMENTS, 8 * blocks.MOST_ELEMENTS) == (2 * 2**20, 16 * 2**20)
    assert blocks.BLOCK_STEPS == 8
