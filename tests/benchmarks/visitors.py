"""Many people on one server, each moving epsilon every two seconds, beside a bare app of three heatmaps.

Run `python -m tests.benchmarks.visitors`, with the numbers of people if others than 20, 50 and 100 are wanted. Every
visitor is a session of its own over a real WebSocket; no browser draws. Measured is what happens once all are there,
newcomers included: every second one comes, looks and leaves. The bare app runs with Streamlit's defaults. Last of all
eight servers start at once, and the first four visitors of each come together, to pages of their own.

`--seconds 600 100 --one-core` is a class of a hundred for ten minutes on a single core. Who waits for a message longer
than PATIENCE, or loses the connection, is an error and gone.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.benchmarks.servers import BARE, ROOT, Served, serve

EVERY = 2.0  # seconds between two moves of one visitor
PATIENCE = 120  # seconds that a message may take
LOOKS = 10  # times the memory is looked at on the way


class Visitor:
    """One session. Of what it shows it knows the slider of epsilon and the end of a run."""

    def __init__(self, socket: websockets.ClientConnection, page: str) -> None:
        self._socket, self._page = socket, page
        self._slider, self._state = Slider(), WidgetState()
        self._kept: set[str] = set()
        self._hash = self._query = ""
        self.errors = 0

    async def run(self, option: int | None = None) -> float:
        """Ask for a run, with the slider at another option if one is given; the seconds until it has finished."""
        if option is not None:
            self._state.id = self._slider.id
            self._state.string_array_value.data[:] = [self._slider.options[option % len(self._slider.options)]]
        request = BackMsg()
        state = request.rerun_script
        state.query_string, state.page_script_hash = self._query, self._hash
        state.page_name = "" if self._hash else self._page
        state.cached_message_hashes.extend(self._kept)
        if self._state.id:
            state.widget_states.widgets.append(self._state)
        start = time.perf_counter()
        await self._socket.send(request.SerializeToString())
        while not self._is_over(await self._message()):
            pass
        return time.perf_counter() - start

    async def _message(self) -> ForwardMsg:
        message = ForwardMsg.FromString(await asyncio.wait_for(self._socket.recv(), PATIENCE))
        if message.metadata.cacheable:
            self._kept.add(message.hash)
        return message

    def _is_over(self, message: ForwardMsg) -> bool:
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta":
            element = message.delta.new_element
            self.errors += element.WhichOneof("type") == "exception"
            if element.WhichOneof("type") == "slider" and element.slider.label.startswith("eps"):
                self._slider = element.slider
        return kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY


@dataclass
class Seen:
    """What the visitors saw: the seconds of first and of later runs, how many errors, and how many have left."""

    firsts: list[float] = field(default_factory=list)
    laters: list[float] = field(default_factory=list)
    errors: int = 0
    left: int = 0


async def visit(server: Served, page: str, number: int, end: asyncio.Event, seen: Seen) -> None:
    """Come, and move epsilon every two seconds until the end; what goes wrong on the way is an error."""
    try:
        await _visit(server, page, number, end, seen)
    except (TimeoutError, OSError, websockets.WebSocketException):
        seen.errors += 1
    finally:
        seen.left += 1


async def _visit(server: Served, page: str, number: int, end: asyncio.Event, seen: Seen) -> None:
    address = f"{server.url.replace('http', 'ws')}/_stcore/stream"
    async with websockets.connect(address, subprotocols=["streamlit"], max_size=None) as socket:
        visitor, came = Visitor(socket, page), time.perf_counter()
        seen.firsts.append(await visitor.run())
        turn = number
        while not end.is_set():
            # In a rhythm of one's own: who was kept waiting by the others at first does not move with them ever after.
            await asyncio.sleep(EVERY - (time.perf_counter() - came) % EVERY)
            turn += 1
            seen.laters.append(await visitor.run(turn))
        seen.errors += visitor.errors


async def crowd(server: Served, page: str, people: int, seconds: float) -> str:
    """What so many people at once saw, as one line of the table."""
    end, early, seen, at_once = asyncio.Event(), Seen(), Seen(), asyncio.Event()
    at_once.set()
    memory = server.megabytes()
    visits = []
    for number in range(people):  # spread evenly over the two seconds, and not all at once
        visits.append(asyncio.create_task(visit(server, page, number, end, early)))
        await asyncio.sleep(EVERY / people)
    while len(early.firsts) + early.left < people:
        await asyncio.sleep(0.1)
    await asyncio.sleep(2 * EVERY)
    held = [server.megabytes()]
    start, used, early.laters[:] = time.perf_counter(), server.processor_seconds(), []
    while (passed := time.perf_counter() - start) < seconds:
        await asyncio.sleep(1)
        if passed > len(held) * seconds / LOOKS:
            held.append(server.megabytes())
        visits.append(asyncio.create_task(visit(server, page, len(visits), at_once, seen)))
    took, used = time.perf_counter() - start, server.processor_seconds() - used
    held.append(server.megabytes())
    laters, firsts = sorted(early.laters) or [nan], seen.firsts or [nan]
    runs = len(laters) + len(firsts)
    end.set()
    await asyncio.gather(*visits)
    return (
        f"{people:7} {len(laters) / took:10.1f} {1e3 * statistics.median(firsts):14.0f} "
        f"{1e3 * statistics.median(laters):8.0f} {1e3 * laters[int(0.95 * len(laters))]:8.0f} "
        f"{1e3 * used / runs:13.1f} {(held[-1] - memory) / len(visits):13.2f} {held[-1] - held[0]:8.0f} "
        f"{early.errors + seen.errors:7}\n        MB over time: {' '.join(f'{megabytes:.0f}' for megabytes in held)}"
    )


async def arrivals(servers: Sequence[Served], pages: Sequence[str]) -> Seen:
    """What the first visitors of these servers see, who all come at once, one to each page."""
    seen, end = Seen(), asyncio.Event()
    end.set()
    await asyncio.gather(*(visit(server, page, 0, end, seen) for server in servers for page in pages))
    return seen


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", nargs="*", type=int, default=[20, 50, 100])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--page", default="gradient_check")
    parser.add_argument("--one-core", action="store_true", help="the server may use one core")
    options = parser.parse_args()
    print(" people   reruns/s  first run, ms  p50, ms  p95, ms  CPU a run, ms  MB a session  MB more  errors")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare.py").write_text(BARE)
        for script, where, page in (("bare.py", folder, ""), ("app.py", ROOT, options.page)):
            print(page or "bare app")
            for people in options.people:
                server = serve(script, where)
                if options.one_core:
                    server.use_one_core()
                try:
                    print(asyncio.run(crowd(server, page, people, options.seconds)), flush=True)
                finally:
                    server.stop()
    servers = [serve("app.py", ROOT) for _ in range(8)]
    seen = asyncio.run(arrivals(servers, ["gradient_check", "network", "bug_gallery", "your_gradients"]))
    for server in servers:
        server.stop()
    firsts = seen.firsts or [nan]
    print(
        f"eight fresh servers, four first visitors each: {seen.errors} errors, "
        f"{statistics.median(firsts):.2f} s in the median, {max(firsts):.2f} s at most"
    )


if __name__ == "__main__":
    main()
