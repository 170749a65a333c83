"""Runs from one state of every random source, put back afterwards; and code without its guards."""

import random
from types import ModuleType

import numpy as np
import pytest

from mlp.user_code.run.conditions import (
    LARGEST,
    call_seed_hook,
    global_arrays,
    kept_randomness,
    other_digits,
    other_randomness,
    reached,
    same_randomness,
    without_guards,
)


@pytest.fixture
def module():
    made = ModuleType("theirs")
    made.rng, made.old = np.random.default_rng(1), np.random.RandomState(1)
    return made


def drawn(module):
    """From every source there is."""
    return [np.random.rand(), random.random(), module.rng.random(), module.old.rand(), np.random.default_rng().random()]


def test_each_run_draws_the_same_and_what_was_before_goes_on(module):
    np.random.seed(5)
    random.seed(5)
    expected = [np.random.rand(), random.random(), np.random.default_rng(1).random(), np.random.RandomState(1).rand()]
    np.random.seed(5)
    random.seed(5)
    runs = []
    for _ in range(2):
        with same_randomness(module):
            runs.append(drawn(module))
    assert runs[0] == runs[1]
    assert drawn(module)[:4] == expected
    assert np.random.default_rng(3).random() == np.random.default_rng(3).random()


def test_a_seed_that_they_give_themselves_counts():
    with same_randomness():
        given = np.random.default_rng(3).random()
    assert given == np.random.default_rng(3).random()


def test_backward_draws_other_numbers_than_forward_and_another_run_yet_others(module):
    runs = []
    for is_backward, context in ((False, kept_randomness), (True, kept_randomness), (False, other_randomness)):
        with context(), same_randomness(module, is_backward):
            runs.append(drawn(module))
    forward, backward, other = runs
    assert all(a != b for a, b in zip(forward, backward, strict=True))
    # The module's own generators go on from where they are: nobody but they can tell another state.
    assert [a != b for a, b in zip(forward, other, strict=True)] == [True, True, False, False, True]
    with same_randomness(module):
        assert drawn(module) == forward, "and afterwards as before"


class Hooked:
    def __init__(self):
        self.seeds, self.old, self.new = [], np.random.RandomState(9), np.random.default_rng(9)

    def reseed(self, seed):
        self.seeds.append(seed)


def test_a_hook_is_called_or_replaced_by_a_generator_of_its_kind(module):
    thing = Hooked()
    for name in ("reseed", "old", "new"):
        call_seed_hook(thing, module, name)
    [seed] = thing.seeds
    assert thing.old.rand() == np.random.RandomState(seed).rand()
    assert thing.new.random() == np.random.default_rng(seed).random()
    call_seed_hook(thing, module, "rng")
    assert module.rng.random() == np.random.default_rng(seed).random()
    with pytest.raises(AttributeError):
        call_seed_hook(thing, module, "nothing")


class Guarded:
    def forward(self, x):
        return np.log(x + 1e-7) + 1e-4 * x + (x + 1e-3) + np.sqrt(x + 1e-5)

    def backward(self, x):
        return 1 / (np.abs(x) + 1e-8) + 1e-8


def test_small_constants_that_guard_go_and_all_others_stay():
    thing = Guarded()
    with without_guards(thing, thing.forward, thing.backward) as guards:
        assert thing.forward(2.0) == np.log(2.0) + 1e-4 * 2.0 + (2.0 + 1e-3) + np.sqrt(2.0)
        assert thing.backward(0.5) == 1 / 0.5 + 1e-8, "by itself it is an error in the gradient"
    assert sorted(guards) == [1e-8, 1e-7, LARGEST]
    assert thing.forward(2.0) == np.log(2.0 + 1e-7) + 1e-4 * 2.0 + (2.0 + 1e-3) + np.sqrt(2.0 + 1e-5)
    assert LARGEST == 1e-5, "a larger constant is part of the formula"


class Rounded:
    def forward(self, x):
        return np.pi * x

    def backward(self, dy):
        return 3.1416 * dy


def test_backward_can_be_run_with_other_digits_of_its_constants():
    thing = Rounded()
    with other_digits(thing, thing.forward, thing.backward, others={3.1416: np.pi}) as seen:
        assert thing.backward(1.0) == np.pi
    assert list(seen) == [3.1416]
    assert thing.backward(1.0) == 3.1416


class Helper:
    def work(self, x):
        return helped(x)


def helped(x):
    return x


def unrelated(x):
    return x


class Helped:
    def __init__(self):
        self.inner = [Guarded()]

    def forward(self, x):
        return Helper().work(x) + self.inner[0].forward(x)


def test_what_a_method_runs_is_reached_through_objects_it_holds_and_makes():
    thing = Helped()
    found = reached(thing, thing.forward)
    assert set(found) == {Helped.forward, Helper.work, helped, Guarded.forward}
    assert found[Helped.forward] is thing
    assert found[Guarded.forward] is thing.inner[0]
    assert found[helped] is None


NUMBERS = np.array([1.0, 2.0])
IDS = np.array([1, 2])


def takes_global(x):
    return x * NUMBERS + IDS


def test_floating_point_arrays_that_stand_in_the_module():
    assert list(global_arrays(None, takes_global)) == ["NUMBERS"]
    assert global_arrays(None, unrelated) == {}
