"""How long from an address to the first plot, on a server that has just started and on one that is warm.

Run `python -m tests.benchmarks.first_load`. Each round starts a server of the bare app and one of ours, one after the
other, and loads each twice in a browser with an empty cache: the first visitor's load, and the second's.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.servers import BARE, ROOT, serve

ROUNDS = 5


def main() -> None:
    """Print the table."""
    pages = sys.argv[1:] or ["overview", "gradient_check"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "bare.py").write_text(BARE)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        apps = {"bare app": ("bare.py", Path(folder), "")} | {page: ("app.py", ROOT, page) for page in pages}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in apps}
        for _ in range(ROUNDS):
            for name, (script, where, page) in apps.items():
                server = serve(script, where)
                try:
                    address = server.at(page) if page else server.url
                    times[name].append((loaded(browser, address), loaded(browser, address)))
                finally:
                    server.stop()
    first, second = (statistics.median(part) for part in zip(*times["bare app"], strict=True))
    print(f"{'':20} first load, s      second load, s      (times the bare app)")
    for name, measured in times.items():
        ours = [statistics.median(part) for part in zip(*measured, strict=True)]
        print(f"{name:20} {ours[0]:6.2f} {ours[0] / first:8.2f} {ours[1]:11.2f} {ours[1] / second:8.2f}")


def loaded(browser: Browser, address: str) -> float:
    """The seconds from the address to the first drawn plot, in a browser that has been nowhere before."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    start = time.perf_counter()
    tab.goto(address, wait_until="commit")
    tab.locator(".plot-container .cartesianlayer .subplot").first.wait_for(state="attached", timeout=60_000)
    took = time.perf_counter() - start
    context.close()
    return took


if __name__ == "__main__":
    main()
