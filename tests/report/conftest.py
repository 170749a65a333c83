"""JAX for the programs that are written for it."""

import sys
from importlib.util import find_spec

import pytest

from tests.report.jax_by_autograd import modules


@pytest.fixture(autouse=True)
def jax_or_its_stand_in(monkeypatch):
    """Where JAX is not installed, programs that import it get autograd under its names."""
    if find_spec("jax") is None:
        for name, module in modules().items():
            monkeypatch.setitem(sys.modules, name, module)
