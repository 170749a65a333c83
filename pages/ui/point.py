"""Where a function is differentiated, typed as text, and with which step: both kept in the address."""

import streamlit as st

from mlp.differences.examples import Example
from mlp.lab.experiment import EPS_STEPS, format_eps, read_eps
from mlp.nn.arrays import Array
from pages.ui import address, widgets
from pages.ui.editor import read

KEY = "at"


def point(example: Example) -> Array:
    """Show the text input and return the point; where the text is none, say why and return the last possible one.

    Left empty, as it is at first, it stands for the example's own point.
    """
    st.session_state.setdefault(KEY, "")
    _open(example)
    _leave_behind(example)
    own = _written(example.point)
    text = st.text_input(
        f"Point {example.variable}",
        key=KEY,
        bind="query-params",
        placeholder=own,
        help="Numbers with commas between them, rows of a matrix with semicolons between them. Empty stands for "
        f"{own}.",
    )
    try:
        result = _read(text, example)
    except ValueError as error:
        before = st.session_state.get("at_accepted", "")
        st.error(
            address.plain(f"{error} What you see is for {before or own}."),
            title="This point cannot be used",
            icon=":material/error:",
        )
        return _read(before, example)
    st.session_state["at_accepted"] = text
    return result


def step(default: float) -> float:
    """Show the slider of the page's own step and return it."""
    given = st.session_state["opened"].pop("h", None)
    if given is not None:
        try:
            st.session_state["h"] = read_eps(given)
        except ValueError as error:
            address.refuse("h", given, f"{error} {format_eps(default)} is used.")
            st.query_params.pop("h", None)
            st.rerun()
    eps = st.select_slider(
        "eps, this page's own",
        EPS_STEPS,
        default,
        format_func=format_eps,
        key="h",
        bind="query-params",
        help="How far the point is moved to either side. The one in the sidebar is for the network.",
    )
    return float(eps)


def one_of(label: str, names: list[str], key: str) -> int:
    """Show the names of a function's inputs or outputs and return which one is chosen, by its number."""
    if st.session_state.get(key, names[0]) not in names:
        st.session_state[key] = names[0]  # what was chosen belongs to another function; this clears the address of it
    return names.index(widgets.segments(label, names, key))


def _open(example: Example) -> None:
    """Refuse, with a sentence, a point that the session was opened with and that cannot be used."""
    given = st.session_state["opened"].pop(KEY, None)
    if given is None:
        return
    try:
        _read(given, example)
    except ValueError as error:
        address.refuse(KEY, given, f"{error} {_written(example.point)} is used.")
        st.session_state[KEY] = ""
        st.query_params.pop(KEY, None)
        st.rerun()


def _leave_behind(example: Example) -> None:
    """Forget the point of another function that this one cannot take."""
    for key in (KEY, "at_accepted"):
        if st.session_state.get("at_function", example.name) != example.name:
            try:
                _read(st.session_state.get(key, ""), example)
            except ValueError:
                st.session_state[key] = ""
    st.session_state["at_function"] = example.name


def _read(text: str, example: Example) -> Array:
    if not text.strip():
        return example.point.copy()
    result = read(text, example.point.shape)
    problem = example.domain(result)
    if problem:
        raise ValueError(problem)
    return result


def _written(values: Array) -> str:
    rows = values if values.ndim > 1 else [values]
    return "; ".join(", ".join(f"{value:g}" for value in row) for row in rows)
