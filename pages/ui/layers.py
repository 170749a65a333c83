"""The module that the server was started with, checked whenever it is saved."""

import time
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from mlp.check.foreign.facts import ForeignError
from mlp.check.foreign.files import source_file
from mlp.check.foreign.isolate import ModuleResult
from mlp.experiment import Experiment
from pages.ui import options
from pages.ui.bench import Progress, Request, bench, request

# Never imported here, only checked in a process of its own as anybody's module is.
EXAMPLE = Path(__file__).parents[2] / "mlp" / "example_layers.py"


class Shown(NamedTuple):
    """What the page shows: a finished result, and the request that it answers."""

    result: ModuleResult
    request: Request

    @property
    def file(self) -> str:
        """The module's name as people know it."""
        spec = self.request.spec
        return Path(spec).name if spec.endswith(".py") else spec

    @property
    def spec(self) -> str:
        """The module as it would be named in a shell in the folder of this server."""
        path = Path(self.request.spec)
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else self.request.spec


def module() -> str:
    """The module to check: the one that was named, or the example."""
    return options.given().layers or str(EXAMPLE)


def checked(experiment: Experiment) -> Shown:
    """The last finished result; the very first one is waited for."""
    wanted = request(module(), experiment.eps, experiment.method)
    for one in (wanted, bench().last(wanted)):
        result = bench().result(one) if one and one.stamp else None
        if one and result:
            return Shown(result, one)
    try:
        source_file(wanted.spec)
    except ForeignError as error:
        return Shown(ModuleResult(problem=error.fact), wanted)
    return _waited_for(experiment)


@st.fragment(run_every=1.0)
def follow(shown: Shown) -> None:
    """Say that the module is watched, and start over when it has been saved and checked anew."""
    before = shown.request
    wanted = request(before.spec, before.eps, before.method)
    if wanted == before:
        st.caption(f"Save {shown.file} in your editor, and this page follows.")
    elif not wanted.stamp:
        st.caption(f"{shown.file} is not there any more; what you see is from before.")
    elif bench().result(wanted) is not None:
        st.rerun()
    else:
        st.caption(f"{shown.file} was saved. {told(bench().progress)} What you see is from before.")


def told(progress: Progress) -> str:
    """How far a check is, in a sentence."""
    if not progress.total:
        return "Importing it ..."
    return f"Checking {progress.name or 'it'} ({min(progress.done + 1, progress.total)} of {progress.total}) ..."


def _waited_for(experiment: Experiment) -> Shown:
    """The result for the module as it is when the check ends, with the progress shown meanwhile."""
    bar = st.progress(0.0, told(Progress()))
    while True:
        wanted = request(module(), experiment.eps, experiment.method)
        result = bench().result(wanted)
        if result is not None:
            bar.empty()
            return Shown(result, wanted)
        progress = bench().progress
        bar.progress(progress.done / max(1, progress.total), told(progress))
        time.sleep(0.05)
