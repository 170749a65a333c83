"""How long from a key press to the redrawn page, for every page, beside a bare app with one figure of three heatmaps.

Run `python -m tests.benchmarks.redraw`, or name some of the pages. The bare app runs with Streamlit's defaults; both
are measured in turns in the same browser. A page counts as redrawn at the last change of its main area that the key
press caused.
"""

import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.servers import BARE, ROOT, serve

ROUNDS = 15
SLIDER = "[data-testid=stSidebar] input[type=range]"
# Resolves with the milliseconds from the key press to the last change of the main area, once it has been quiet.
WATCH = """
() => new Promise(resolve => {
    let start = null, last = null;
    const main = document.querySelector('[data-testid=stMain]');
    const observer = new MutationObserver(() => { if (start !== null) last = performance.now(); });
    observer.observe(main, {subtree: true, childList: true, attributes: true, characterData: true});
    document.addEventListener('keydown', () => { start = performance.now(); }, {once: true, capture: true});
    const timer = setInterval(() => {
        if (last !== null && performance.now() - last > 700) {
            clearInterval(timer); observer.disconnect(); resolve(last - start);
        }
    }, 20);
})
"""


def main() -> None:
    pages = sys.argv[1:] or sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "bare.py").write_text(BARE)
        bare, ours = serve("bare.py", folder), serve("app.py", ROOT)
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
            )
            tabs = {"bare app": opened(browser.new_page(), bare.url)}
            tabs |= {page: opened(browser.new_page(), ours.at(page)) for page in pages}
            times: dict[str, list[float]] = {name: [] for name in tabs}
            for turn in range(ROUNDS):
                for name, tab in tabs.items():
                    times[name].append(redrawn(tab, "ArrowLeft" if turn % 2 else "ArrowRight"))
        finally:
            bare.stop()
            ours.stop()
    reference = statistics.median(times["bare app"])
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"{name:20} {median:6.0f} ms   {median / reference:5.2f} times the bare app")


def opened(tab: Page, url: str) -> Page:
    tab.bring_to_front()
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.goto(url)
    tab.locator(".plot-container").first.wait_for(timeout=30_000)
    tab.wait_for_timeout(1000)
    if not tab.locator(SLIDER).first.is_visible():
        tab.get_by_text(re.compile("^(More s|S)ettings$")).click()  # folded away where it does not matter
    tab.wait_for_timeout(2000)
    return tab


def redrawn(tab: Page, key: str) -> float:
    """Press the key on the sidebar's slider and return the milliseconds until the page has been redrawn."""
    tab.bring_to_front()
    tab.locator(SLIDER).first.focus()
    watching = tab.evaluate_handle(f"() => ({{done: ({WATCH})()}})")
    tab.keyboard.press(key)
    return float(watching.evaluate("watched => watched.done"))


if __name__ == "__main__":
    main()
