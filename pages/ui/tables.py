"""A person's own table: brought as a file, kept for the session, and made a data set of the columns that are chosen."""

import streamlit as st

from mlp.lab.dataset import Dataset
from mlp.lab.tables import Table, table_data
from mlp.report.files import UploadError
from mlp.report.files.table_files import MAX_BYTES, read_table
from pages.ui import address

_TABLE, _PROBLEM, _FILE, _DATA = "own_table", "own_table_problem", "own_table_file", "own_table_data"
# What the widgets show, which Streamlit forgets with the page, and what was chosen last.
_FEATURES, _TARGET, _CHOSEN = "own_table_features", "own_table_target", "own_table_chosen"


def own_data(seed: int) -> Dataset | None:
    """Show where to bring a table and which columns to choose; return the data set, None until there is one.

    What is wrong with a file or a choice is said, and what was there before stays.
    """
    st.file_uploader(
        "A table as CSV",
        ["csv"],
        key=_FILE,
        on_change=_take,
        max_upload_size=MAX_BYTES // 1_000_000,
        help="The first row names the columns, each further row is a sample. The file is read as numbers and text, and "
        "kept in memory for this session alone; it is no part of the address.",
    )
    problem = st.session_state.get(_PROBLEM)
    if problem:
        _refused(problem)
    table: Table | None = st.session_state.get(_TABLE)
    if table is not None:
        if st.session_state.get(_FILE) is None:
            st.caption(f":material/upload_file: {address.plain(table.name)} is kept until this session ends.")
        _choose(table, seed)
    held = st.session_state.get(_DATA)
    return held[1] if held else None


def _choose(table: Table, seed: int) -> None:
    """Show the choice of columns, and make a data set of them if that is another one than before."""
    features, target = st.session_state[_CHOSEN]
    st.session_state.setdefault(_TARGET, target)
    with st.container(horizontal=True):
        target = st.selectbox("Target", table.columns, key=_TARGET, width=220)
        options = [name for name in table.numbers if name != target]
        st.session_state[_FEATURES] = [name for name in st.session_state.get(_FEATURES, features) if name in options]
        features = st.multiselect("Features", options, key=_FEATURES, help="Columns that hold a number in every row.")
    st.session_state[_CHOSEN] = features, target
    try:
        kept(seed)
    except ValueError as error:
        _refused(str(error))


def kept(seed: int) -> Dataset | None:
    """The data set of the table and the columns that were chosen last, or None if there is no table.

    Raises:
        ValueError: the columns cannot be what they were chosen for; a sentence that says which.
    """
    table: Table | None = st.session_state.get(_TABLE)
    if table is None:
        return None
    features, target = st.session_state[_CHOSEN]
    key = (tuple(features), target, seed)
    held: tuple[object, Dataset] | None = st.session_state.get(_DATA)
    if held is None or held[0] != key:
        held = st.session_state[_DATA] = key, table_data(table, features, target, seed)
    return held[1]


def _take() -> None:
    """Read the file in the uploader; without one, forget what was brought."""
    file = st.session_state.get(_FILE)
    st.session_state.pop(_PROBLEM, None)
    if file is None:
        for key in (_TABLE, _DATA):
            st.session_state.pop(key, None)
        return
    try:
        table = read_table(file.name, file.getvalue())
    except UploadError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    features, target = table.suggested()
    st.session_state.update({_TABLE: table, _FEATURES: list(features), _TARGET: target, _CHOSEN: (features, target)})
    st.session_state.pop(_DATA, None)


def _refused(sentence: str) -> None:
    stays = " What you see below is from before." if _DATA in st.session_state else ""
    st.error(address.plain(f"{sentence}{stays}"), title="This table cannot be used", icon=":material/upload_file:")
