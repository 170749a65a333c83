"""The time that a check announces, against the processor time that it takes, over a sample of allowed settings.

Run `python -m tests.benchmarks.announced` with OMP_NUM_THREADS=1. Sampled are shapes, batches, activations, losses and
methods; each check runs once in a process of its own, on one core.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from mlp.differences.methods import METHODS
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import format_sizes, parse_sizes
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.losses import LOSSES

ROOT = Path(__file__).parents[2]
CHECK = """
import json, os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from mlp.check.check import check_gradients
from mlp.lab.experiment import Experiment
experiment = Experiment.from_settings(json.loads(sys.argv[1]))
problem = experiment.problem()
check_gradients(*Experiment().problem())
start = time.process_time()
check_gradients(*problem, experiment.eps, experiment.method)
print(time.process_time() - start)
"""


def drawn(rng: random.Random, low: float, high: float) -> Experiment:
    """Settings whose work lies between the two."""
    while True:
        sizes = [max(1, int(10 ** rng.uniform(0, 2.5))) for _ in range(rng.randint(2, 6))]
        try:
            experiment = Experiment(
                sizes=parse_sizes(format_sizes(sizes)),
                batch=rng.choice((1, 1, 4, 30, 200, 1000)),
                activation=rng.choice(list(ACTIVATIONS)),
                loss=rng.choice(list(LOSSES)),
                method=rng.choice(list(METHODS)),
            )
        except ValueError:
            continue
        if low <= experiment.work <= high:
            return experiment


def seconds(experiment: Experiment) -> float:
    """Processor seconds of its check."""
    run = subprocess.run(
        [sys.executable, "-c", CHECK, json.dumps(experiment.settings())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def main() -> None:
    """Print measured over announced for each, and how many lie within a factor of 2."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", type=int, default=40)
    parser.add_argument("--low", type=float, default=2e8)
    parser.add_argument("--high", type=float, default=4e9)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, ratios = random.Random(options.seed), []
    print("measured  announced  ratio")
    for _ in range(options.draw):
        experiment = drawn(rng, options.low, options.high)
        measured, announced = seconds(experiment), experiment.work * 1e-9
        ratios.append(measured / announced)
        told = (
            format_sizes(experiment.sizes),
            experiment.batch,
            experiment.activation,
            experiment.loss,
            experiment.method,
        )
        print(f"{measured:8.2f} {announced:10.2f} {ratios[-1]:6.2f}  {told}", flush=True)
    print(f"{sum(0.5 <= ratio <= 2 for ratio in ratios)} of {len(ratios)} within a factor of 2")


if __name__ == "__main__":
    main()
