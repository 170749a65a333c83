"""Streamlit servers to be visited or measured: ours, and a bare app of three heatmaps under Streamlit's defaults."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
BARE = """
import numpy as np
import streamlit as st
from plotly.subplots import make_subplots

eps = st.sidebar.select_slider("eps", [10.0 ** -k for k in range(12, 0, -1)], 1e-4, format_func=lambda eps: f"{eps:g}")
rng = np.random.default_rng(int(-np.log10(eps)))
figure = make_subplots(cols=3)
for column in (1, 2, 3):
    figure.add_heatmap(z=rng.standard_normal((10, 2)), row=1, col=column)
st.plotly_chart(figure)
"""


def unused() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """A Streamlit server of our own.

    Args:
        script: what it serves.
        folder: where it starts.
        options: what comes behind on its command line.
        port: where it answers; any free port if none is given.
        log: a file for all that it says.
    """

    def __init__(
        self,
        script: str,
        folder: str | Path,
        options: Sequence[str] = (),
        port: int | None = None,
        log: IO[str] | None = None,
    ) -> None:
        port = port or unused()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true", f"--server.port={port}"]
        command += ["--server.address=127.0.0.1", "--browser.gatherUsageStats=false", *options]
        said = {"stdout": log, "stderr": subprocess.STDOUT} if log else {"stdout": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=folder, env=os.environ, **said)

    @property
    def has_ended(self) -> bool:
        """Whether it has gone by itself."""
        return self._process.poll() is not None

    def at(self, page: str) -> str:
        """The address of one of our pages; the first has none of its own."""
        return self.url if page == "overview" else f"{self.url}/{page}"

    def processor_seconds(self) -> float:
        """What the server has used of its processors so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """The memory that the server holds now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    def use_one_core(self) -> None:
        """Keep it to a single core."""
        os.sched_setaffinity(self._process.pid, {0})

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def serve(
    script: str, folder: str | Path, options: Sequence[str] = (), port: int | None = None, log: IO[str] | None = None
) -> Served:
    """Start a server, as `Served` says, and wait until it answers."""
    server = Served(script, folder, options, port, log)
    for _ in range(300):
        assert not server.has_ended, "the server ended before it answered"
        try:
            urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return server
    server.stop()
    raise SystemExit("the server did not answer within 30 seconds")
