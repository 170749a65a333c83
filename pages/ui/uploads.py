"""Gradients that a person brought: kept for the session as plain data, with the problem that they belong to."""

from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from mlp.check.check import analytical_gradients
from mlp.lab.experiment import Experiment
from mlp.nn.arrays import Array
from mlp.report.files import UploadError, listed
from mlp.report.files.uploads import MAX_BYTES
from mlp.report.tables.given import read_upload
from pages.ui import address, sidebar

_HELD, _PROBLEM, _FILES = "uploaded", "upload_problem", "upload"
# What an upload does not depend on: how it is checked.
_OF_THE_CHECK = ("eps", "method")
EXAMPLE = "the dashboard's own"
_LATER = "Of files with the same name, the one that came later is used."


class Brought(NamedTuple):
    """Gradients to compare.

    Attributes:
        experiment: whose gradients they are, to be checked by the sidebar's step and method.
        gradients: by tensor name.
        origins: where each was found, in words.
        is_example: whether nothing was uploaded, and these are the dashboard's own.
    """

    experiment: Experiment
    gradients: Mapping[str, Array]
    origins: Mapping[str, str]
    is_example: bool


def uploader(experiment: Experiment) -> None:
    """The place where files are dropped; what is wrong with them is said below it, and what was there before stays."""
    st.file_uploader(
        "NPZ or CSV files with your gradients",
        ["npz", "csv"],
        accept_multiple_files=True,
        key=_FILES,
        on_change=_take,
        args=(experiment,),
        max_upload_size=MAX_BYTES // 1_000_000,
        help="Files are read as numbers, never run; pickled objects are refused.",
    )
    problem = st.session_state.get(_PROBLEM)
    if problem:
        stays = " What you see below is from before." if _HELD in st.session_state else ""
        st.error(address.plain(f"{problem}{stays}"), title="This upload cannot be used", icon=":material/upload_file:")


def brought(experiment: Experiment) -> Brought:
    """What was uploaded last, or the dashboard's own gradients until then."""
    held = st.session_state.get(_HELD)
    if held is None:
        gradients = analytical_gradients(*experiment.problem())[1]
        return Brought(experiment, gradients, dict.fromkeys(gradients, EXAMPLE), True)
    settings = experiment.settings()
    now = held["settings"] | {key: settings[key] for key in _OF_THE_CHECK}
    return Brought(_affordable(now, held["settings"]), held["gradients"], held["origins"], False)


def about(shown: Brought, experiment: Experiment) -> None:
    """Say what is shown: an example, or an upload and how it was read; and that the sidebar has moved on, if so."""
    if shown.is_example:
        st.markdown(
            ":material/info: Until you bring yours, you see **the dashboard's own gradients** in their place, so all "
            "of this is right."
        )
        return
    held = st.session_state[_HELD]
    st.markdown(f":material/upload_file: **{address.plain(listed(held['files']))}** {address.plain(held['told'])}")
    if _of_the_problem(held["settings"]) != _of_the_problem(experiment.settings()):
        st.info(
            "They were uploaded for other settings than the sidebar has now, and are compared with the problem that "
            "they were uploaded for.",
            icon=":material/sync_problem:",
        )
        with st.container(horizontal=True):
            st.button("Set the sidebar back to them", on_click=_set_back)
            st.button("Compare them with the sidebar's problem", on_click=_take, args=(experiment,))


def _affordable(wanted: dict[str, object], before: dict[str, object]) -> Experiment:
    """The upload's problem with the sidebar's step and method, or with those of the upload if that is too much work."""
    try:
        return Experiment.from_settings(wanted)
    except ValueError as error:
        st.error(address.plain(f"{error} Here the settings of the upload are used."))
        return Experiment.from_settings(before)


def _of_the_problem(settings: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in settings.items() if key not in _OF_THE_CHECK}


def _set_back() -> None:
    sidebar.show(_of_the_problem(st.session_state[_HELD]["settings"]))


def _take(experiment: Experiment) -> None:
    """Read what lies in the uploader; without a file, forget what was uploaded."""
    uploaded = st.session_state.get(_FILES) or ()
    files = {file.name: file.getvalue() for file in uploaded}  # of two with the same name the later one
    st.session_state.pop(_PROBLEM, None)
    if not files:
        st.session_state.pop(_HELD, None)
        return
    try:
        upload = read_upload(files, experiment.problem())
    except UploadError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    st.session_state[_HELD] = {
        "settings": experiment.settings(),
        "files": list(files),
        "gradients": upload.gradients,
        "origins": {found.tensor: found.origin for found in upload.matches},
        "told": f"{_LATER} {upload.told}" if len(files) < len(uploaded) else upload.told,
    }
