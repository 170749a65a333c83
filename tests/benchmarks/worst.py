"""The most expensive settings of every page: time, processor time and memory of one visit, found by search.

Run `python -m tests.benchmarks.worst`, with the names of pages if not all are wanted. Each visit is a process of its
own that runs the page once, as Streamlit would, with what it starts in other processes; what it takes beyond the visit
of the default settings is told. Tried are networks that are wide, deep, large at one end, or drawn at random just below
the limits, at every page; on the page Training the longest runs besides, with every closer look at them, and in the
quiz every level. A run goes on in portions: a visit is one of them.
"""

import argparse
import json
import math
import random
import subprocess
import sys
from pathlib import Path

from mlp.lab.experiment import MAX_BATCH, Experiment
from mlp.lab.quiz import LEVELS
from mlp.lab.settings_text import format_sizes, parse_sizes
from mlp.lab.training import MAX_STEPS, Training
from mlp.nn.losses import LOSSES

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
LIMIT = 300  # seconds after which a visit is broken off

# Extremes of one kind each: one wide layer, wide outputs, wide inputs, equal layers, deep, a batch.
EXTREMES = (
    {"sizes": "1-4000-1"},
    {"sizes": "1-10000"},
    {"sizes": "1-100000"},
    {"sizes": "10000-1"},
    {"sizes": "2-10-5000"},
    {"sizes": "10-100-1000"},
    {"sizes": "10-600-600-10"},
    {"sizes": "784-256-128-10"},
    {"sizes": "-".join(["150"] * 21)},
    {"sizes": "30-40-30-10", "batch": "100"},
    {"sizes": "2-10-20-5", "batch": str(MAX_BATCH)},
)

LOOKS = ("the last step", "layers", "gradient norms", "gradient check", "every bug")
# On the page Training: a small network, a wide one, a wide layer and a deep network.
TRAINED = ((2, 10, 2), (2, 300, 300, 2), (2, 5_000, 2), (2, *[80] * 19, 2))

VISIT = """
import json, os, resource, sys, time
from streamlit.testing.v1 import AppTest
path, page, settings = json.loads(sys.argv[1])
app = AppTest.from_file(path, default_timeout=1000)
app.query_params.update(settings)
start, used = time.perf_counter(), sum(os.times()[:4])
app.switch_page(f"pages/{page}.py").run()
report = time.perf_counter() - start, sum(os.times()[:4]) - used
peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
problems = [element.message for element in app.exception] + [element.value for element in app.error]
print(json.dumps([*report, peak, " ".join(problems)[:100]]))
"""


def visit(page: str, settings: dict[str, str]) -> tuple[float, float, float, str]:
    """Seconds, processor seconds and peak megabytes of one visit, and what it says is wrong."""
    request = json.dumps([str(ROOT / "app.py"), page, settings])
    try:
        run = subprocess.run(
            [sys.executable, "-c", VISIT, request], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return LIMIT, LIMIT, 0.0, "broken off"
    if run.returncode:
        return 0.0, 0.0, 0.0, f"ended with code {run.returncode}: {run.stderr[-100:]}"
    return tuple(json.loads(run.stdout.splitlines()[-1]))


def drawn(rng: random.Random) -> dict[str, str]:
    """Settings just below the limits: a random shape, made larger as long as it is allowed."""
    sizes = [max(1, int(10 ** rng.uniform(0, 1.5))) for _ in range(rng.randint(2, 6))]
    batch, loss = rng.choice((1, 1, 10, 100)), rng.choice(list(LOSSES))
    method = rng.choice(("central", "five-point", "complex step"))
    settings: dict[str, str] = {}
    while True:
        text = {"sizes": format_sizes(sizes), "batch": str(batch), "loss": loss, "method": method}
        try:
            Experiment(sizes=parse_sizes(text["sizes"]), batch=batch, loss=loss, method=method)
        except ValueError:
            return settings
        settings = text
        place = rng.randrange(len(sizes))
        sizes[place] = int(sizes[place] * 1.5) + 1


def longest(sizes: tuple[int, ...]) -> int:
    """The most steps that a run of this network may have, of a power of two."""
    steps = 2 ** int(math.log2(MAX_STEPS))
    while True:
        try:
            return Training(Experiment(sizes), "spirals", "Adam", 0.001, steps, 128).steps
        except ValueError:
            steps //= 2


def of_page(page: str) -> list[dict[str, str]]:
    """What is tried on this page alone."""
    if page == "quiz":
        return [{**EXTREMES[-1], "level": level} for level in LEVELS]
    if page != "training":
        return []
    runs = []
    for sizes in TRAINED:
        steps = longest(sizes)  # its first portion, and a step after which it stands still and can be checked
        runs += [{"sizes": format_sizes(sizes), "steps": str(steps), "at_step": str(at)} for at in (1, steps)]
    how = {"trained_on": "spirals", "optimiser": "Adam", "rate": "0.001", "mini_batch": "128", "on_the_way": "true"}
    return [{**how, **run, "closer": look} for run in runs for look in LOOKS]


def main() -> None:
    """Print the three most expensive visits of every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", default=PAGES)
    parser.add_argument("--draw", type=int, default=10, help="how many settings to draw beside the extremes")
    options = parser.parse_args()
    rng = random.Random(0)
    tried = [*EXTREMES, *(drawn(rng) for _ in range(options.draw))]
    for page in options.pages:
        _, _, plain, _ = visit(page, {})
        found = [(*visit(page, settings), settings) for settings in (*tried, *of_page(page))]
        print(f"{page}\n  seconds  processor  MB more")
        for seconds, used, peak, wrong, settings in sorted(found, key=lambda row: -row[0])[:3]:
            print(f"{seconds:9.1f} {used:10.1f} {peak - plain:8.0f}  {settings} {wrong}")
        seconds, _, peak, wrong, settings = max(found, key=lambda row: row[2])
        print(f"  most memory: {peak - plain:.0f} MB in {seconds:.1f} s at {settings}")
        for *_, wrong, settings in found:
            if wrong:
                print(f"  {settings}: {wrong}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
