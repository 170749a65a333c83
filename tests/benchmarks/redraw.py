"""How long from a key press to the redrawn page, for every page, beside two apps that compute nothing.

Run `python -m tests.benchmarks.redraw`, or name some of the pages. The bare app has a slider, the page's figures at two
steps, nothing else, and runs with Streamlit's defaults. The replay has all elements of the page and of its sidebar at
the two steps, as they were sent, and runs as ours does: what it takes is what Streamlit takes for such a page. All are
measured in turns in the same browser. A page counts as redrawn at the last change of its main area that the key press
caused.
"""

import json
import pickle
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import Page, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import enqueue_message
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
# Each run shows the other step, whatever moved its slider, which nobody reads.
REPLAY = """
import pickle
from pathlib import Path

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import enqueue_message

st.session_state.step = 1 - st.session_state.get("step", 1)
for sent in pickle.loads(Path(f"{st.query_params['page']}.pickle").read_bytes())[st.session_state.step]:
    enqueue_message(ForwardMsg.FromString(sent))
"""
STEPS = ("0.0001", "0.001")


def main() -> None:
    pages = sys.argv[1:] or sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "bare.py").write_text(BARE)
        (Path(folder) / "replay.py").write_text(REPLAY)
        for page in pages:
            steps = [sent(page, eps) for eps in STEPS]
            (Path(folder) / f"{page}.pickle").write_bytes(pickle.dumps(steps))
            (Path(folder) / f"{page}.json").write_text(json.dumps([figures(messages) for messages in steps]))
        ours, bare = serve("app.py", ROOT), serve("bare.py", folder)
        # From here on whoever starts in the folder runs as ours does.
        shutil.copytree(ROOT / ".streamlit", Path(folder) / ".streamlit")
        replay = serve("replay.py", folder)
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
            )
            for page in pages:
                urls = ours.at(page), f"{bare.url}?page={page}", f"{replay.url}?page={page}"
                print(f"{page:20} {compared([opened(browser.new_page(), url) for url in urls])}", flush=True)
        finally:
            for server in (ours, bare, replay):
                server.stop()


def compared(tabs: list[Page]) -> str:
    """Our milliseconds, and how many times those of each other app they are."""
    keys = ["ArrowLeft", "ArrowRight"] * (ROUNDS // 2)
    ours, bare, replay = map(statistics.median, zip(*(map(redrawn, tabs, [key] * 3) for key in keys), strict=True))
    for tab in tabs:
        tab.close()
    return (
        f"{ours:6.0f} ms, the bare app {bare:6.0f} ms: {ours / bare:5.2f} times; "
        f"the replay {replay:6.0f} ms: {ours / replay:5.2f} times"
    )


def sent(page: str, eps: str) -> list[bytes]:
    """What the page sends to the browser at this step, message by message."""
    messages: list[bytes] = []

    def kept(message: ForwardMsg) -> None:
        if message.HasField("delta"):
            messages.append(message.SerializeToString())
        enqueue_message(message)

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["eps"] = eps
    app.run().switch_page(f"pages/{page}.py").run()
    with patch("streamlit.delta_generator._enqueue_message", kept):
        app.run()
    return messages


def figures(messages: list[bytes]) -> list[dict[str, object]]:
    """Those among the messages."""
    elements = [ForwardMsg.FromString(message).delta.new_element for message in messages]
    return [json.loads(one.plotly_chart.spec) for one in elements if one.HasField("plotly_chart")]


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
