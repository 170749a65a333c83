"""Compare structured differences with others, side by side: `python -m tests.benchmarks`.

Every parameter and the input of tanh networks, one sample, central differences, float64. Nothing is asserted here:
the tables are to be read as ratios, which is all that survives a change of machine.
"""

import argparse
from functools import partial
from itertools import pairwise

import numpy as np

from mlp import loss_gradients
from mlp.differences.parallel import available_cores, run_tasks
from mlp.differences.structured import structured_gradients
from tests.benchmarks.floor import floor_tasks
from tests.benchmarks.measure import peak_megabytes, problem, side_by_side, timed
from tests.benchmarks.rivals import exercise_loop, scipy_three_point, torch_gradcheck

# Sizes; rounds; how often ours and the floor run in each; how many entries of a tensor the slow ones really time.
NETWORKS = (((2, 10, 20, 5), 40, 50, 10**9), ((10, 64, 64, 10), 5, 50, 10**9), ((784, 256, 128, 10), 2, 6, 40))


def compare(sizes, rounds, repeats, sample):
    """Print one line of the table."""
    network, loss, x, target = problem(sizes)
    tensors, cores, floor = [x, *network.parameters().values()], available_cores(), floor_tasks(sizes)
    ours = {
        f"ours, {n}": (repeats, timed(partial(structured_gradients, network, loss, x, target, threads=n)))
        for n in (1, cores)
    }
    floors = {f"floor, {n}": (repeats, timed(partial(run_tasks, floor, n))) for n in (1, cores)}
    others = {
        rival.__name__: (1, partial(rival, tensors, target, sample))
        for rival in (exercise_loop, scipy_three_point, torch_gradcheck)
    }
    default = {"ours": (repeats, timed(partial(loss_gradients, network, loss, x, target)))}
    best = side_by_side({**default, **ours, **floors, **others}, rounds)
    reference, lowest = best["ours"], min(best["floor, 1"], best[f"floor, {cores}"])
    entries = sum(tensor.size for tensor in tensors)
    print(
        f"{'-'.join(map(str, sizes)):>15} {entries:>9,} {1e3 * reference:>10.3f} "
        + " ".join(f"{best[rival] / reference:>9.0f} x" for rival in others)
        + f" {best['ours, 1'] / best['floor, 1']:>9.2f} {best[f'ours, {cores}'] / best[f'floor, {cores}']:>9.2f}"
        + f" {reference / lowest:>9.2f} {peak_megabytes(sizes) or np.nan:>8.0f}",
        flush=True,
    )


def growth(title, cases):
    """Print how the time grows: networks with their work, counted as parameters times the width behind them."""
    print(f"\n{title:<24}{'entries':>10} {'steps x units behind':>21} {'ms, 1 thread':>13} {'ns per step, unit':>21}")
    for sizes, batch in cases:
        network, loss, x, target = problem(sizes, batch)
        work = 2 * (batch or 1) * (sizes[0] * sum(sizes[1:]))
        for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
            work += 2 * (batch or 1) * (inputs + 1) * outputs * (sum(sizes[layer + 2 :]) or outputs)
        run = timed(partial(structured_gradients, network, loss, x, target, threads=1))
        seconds = side_by_side({"ours": (3, run)}, 2 if work > 1e8 else 10)["ours"]
        shown = sizes if len(sizes) < 5 else (sizes[0], f"... {len(sizes) - 3} times ...", *sizes[-2:])
        name = "-".join(map(str, shown)) + (f", batch {batch}" if batch else "")
        entries = x.size + sum(parameter.size for parameter in network.parameters().values())
        print(f"{name:<24}{entries:>10,} {work:>21,} {1e3 * seconds:>13.2f} {1e9 * seconds / work:>21.2f}", flush=True)


def main():
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="time every entry of the largest network, for minutes")
    full = parser.parse_args().full
    print(f"{available_cores()} cores. How many times as long as ours: the exercise's loop, SciPy's 3-point formula,")
    print("torch.autograd.gradcheck. How many times as long as the floor ours takes: with one thread, with all, and by")
    print("default against the faster of the two floors. Peak memory of a fresh interpreter beyond numpy's.")
    how = "in full, once" if full else "from a sample of the entries, extrapolated"
    print(f"Best of several rounds in turn; of 784-256-128-10 the three others {how}.\n")
    print(
        f"{'layers':>15} {'entries':>9} {'ours, ms':>10} {'the loop':>11} {'3-point':>11} {'gradcheck':>11} "
        f"{'floor: 1':>9} {'all':>9} {'default':>9} {'MB':>8}"
    )
    for sizes, rounds, repeats, sample in NETWORKS:
        large = full and sample < 10**9
        compare(sizes, 1 if large else rounds, repeats, 10**9 if large else sample)
    growth("by width", [((w, w, w, 10), None) for w in (16, 32, 64, 128, 256)])
    growth("by depth", [((32,) * depth + (10,), None) for depth in (2, 3, 5, 9, 17)])
    growth("by batch", [((32, 32, 32, 10), batch) for batch in (1, 4, 16, 64, 256)])


if __name__ == "__main__":
    main()
