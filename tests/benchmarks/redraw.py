"""How long from a key press to the redrawn page, for every page, beside a bare app that shows the very same figures.

Run `python -m tests.benchmarks.redraw`, or name some of the pages. The bare app has a slider, the page's figures at two
steps, nothing else, and runs with Streamlit's defaults; both are measured in turns in the same browser. A page counts
as redrawn at the last change of its main area that the key press caused.
"""

import json
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from streamlit.testing.v1 import AppTest

from tests.benchmarks.servers import ROOT, serve

ROUNDS = 16
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


BARE = """
import json
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

figures = json.loads(Path(f"{st.query_params['page']}.json").read_text())
eps = st.sidebar.select_slider("eps", [0, 1], 1)
for figure in figures[eps]:
    st.plotly_chart(go.Figure(figure))
"""
STEPS = ("0.0001", "0.001")


def main() -> None:
    pages = sys.argv[1:] or sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "bare.py").write_text(BARE)
        for page in pages:
            (Path(folder) / f"{page}.json").write_text(json.dumps([figures(page, eps) for eps in STEPS]))
        bare, ours = serve("bare.py", folder), serve("app.py", ROOT)
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
            )
            for page in pages:
                tabs = [opened(browser.new_page(), url) for url in (ours.at(page), f"{bare.url}?page={page}")]
                keys = ["ArrowLeft", "ArrowRight"] * (ROUNDS // 2)
                mine, theirs = (
                    statistics.median(times)
                    for times in zip(*(map(redrawn, tabs, [key] * 2) for key in keys), strict=True)
                )
                print(
                    f"{page:20} {mine:6.0f} ms, the bare app {theirs:6.0f} ms: {mine / theirs:5.2f} times", flush=True
                )
                for tab in tabs:
                    tab.close()
        finally:
            bare.stop()
            ours.stop()


def figures(page: str, eps: str) -> list[dict[str, object]]:
    """What the page draws at this step."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["eps"] = eps
    app.run().switch_page(f"pages/{page}.py").run()
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


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
