"""A random layer is a function all the same once each run starts from the same state of its random source."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_seed = 20_240


@contextmanager
def other_randomness() -> Iterator[None]:
    """Let every run inside start from another state: what comes out differently then is random."""
    global _seed  # noqa: PLW0603  # the one place that changes it, and puts it back
    _seed += 1
    try:
        yield
    finally:
        _seed -= 1


@contextmanager
def same_randomness(module: Any = None) -> Iterator[None]:
    """Run a block from a fixed state of np.random, random and the module's own generators, and restore them after.

    A generator that they make inside without a seed, np.random.default_rng(), gets one.
    """
    generators = [thing for thing in vars(module).values() if _is_generator(thing)] if module else []
    saved = np.random.get_state(), random.getstate(), [_state(generator) for generator in generators]
    np.random.seed(_seed)
    random.seed(_seed)
    fresh = np.random.default_rng
    np.random.default_rng = lambda seed=None: fresh(_seed if seed is None else seed)
    try:
        yield
    finally:
        np.random.default_rng = fresh
        np.random.set_state(saved[0])
        random.setstate(saved[1])
        for generator, state in zip(generators, saved[2], strict=True):
            _set_state(generator, state)


def call_seed_hook(thing: Any, module: Any, name: str) -> None:
    """Seed by the hook that GRADCHECK names: a method or function is called with a number, an attribute replaced.

    Raises:
        AttributeError: there is nothing of this name.
    """
    holder = thing if hasattr(thing, name) else module
    hook: Callable[..., Any] | Any = getattr(holder, name)
    if callable(hook):
        hook(_seed)
    else:
        setattr(holder, name, np.random.RandomState(_seed) if _is_old(hook) else np.random.default_rng(_seed))


def _is_generator(thing: Any) -> bool:
    return issubclass(type(thing), np.random.Generator | np.random.RandomState)  # whatever it says its class is


def _is_old(thing: Any) -> bool:
    return isinstance(thing, np.random.RandomState)


def _state(generator: Any) -> Any:
    return generator.get_state() if _is_old(generator) else generator.bit_generator.state


def _set_state(generator: Any, state: Any) -> None:
    if _is_old(generator):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state
