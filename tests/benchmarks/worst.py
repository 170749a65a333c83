"""The most expensive settings of every page: time, processor time and memory of one visit, found by search.

Run `python -m tests.benchmarks.worst`, with the names of pages if not all are wanted. Each visit is a process of its
own that runs the page once, as Streamlit would; what it takes beyond the visit of the default settings is told. Tried
are networks that are wide, deep, large at one end, or drawn at random just below the limits, at every page.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from mlp.lab.experiment import MAX_BATCH, Experiment
from mlp.lab.settings_text import format_sizes, parse_sizes
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

VISIT = """
import json, resource, sys, time
from streamlit.testing.v1 import AppTest
path, page, settings = json.loads(sys.argv[1])
app = AppTest.from_file(path, default_timeout=1000)
app.query_params.update(settings)
start, used = time.perf_counter(), time.process_time()
app.switch_page(f"pages/{page}.py").run()
report = time.perf_counter() - start, time.process_time() - used
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
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
        found = [(*visit(page, settings), settings) for settings in tried]
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
