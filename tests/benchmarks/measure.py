"""Timing side by side, so that what else the machine does hits all alike, and the memory of a run of its own."""

import subprocess
import sys
from time import perf_counter

import numpy as np

from mlp import MSELoss, Sequential, Tanh, dense_layers


def problem(sizes, batch=None):
    """The exercise's kind of network: tanh, one sample (or a batch), mean-squared error."""
    rng = np.random.RandomState(0)
    network = Sequential(**dense_layers(sizes, Tanh, rng))
    lead = () if batch is None else (batch,)
    return network, MSELoss(), rng.standard_normal((*lead, sizes[0])), rng.standard_normal((*lead, sizes[-1]))


def side_by_side(contestants, rounds):
    """The best seconds of each in so many rounds; in every round each has its turn.

    Args:
        contestants: by name, how often it runs in a turn, and a function that returns its seconds, or None.
        rounds: how many.
    """
    best = dict.fromkeys(contestants, np.inf)
    for _ in range(rounds):
        for name, (repeats, seconds) in contestants.items():
            for _ in range(repeats):
                taken = seconds()
                best[name] = min(best[name], np.nan if taken is None else taken)
    return best


def timed(function):
    """A function without arguments as one that returns its seconds."""

    def seconds():
        start = perf_counter()
        function()
        return perf_counter() - start

    return seconds


MEMORY_RUN = """
import numpy
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
before = peak()
from mlp import loss_gradients
from tests.benchmarks.measure import problem
loss_gradients(*problem({sizes}))
print(peak() - before)
"""


def peak_megabytes(sizes):
    """The most memory a fresh interpreter takes for these gradients beyond what numpy takes; None but on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    run = subprocess.run([sys.executable, "-c", MEMORY_RUN.format(sizes=sizes)], capture_output=True, check=True)
    return float(run.stdout)
