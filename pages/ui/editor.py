"""Numbers that people type: tables edited in place, a point and a step, all kept in the address."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from mlp.differences.examples import Example
from mlp.lab.settings_text import EPS_STEPS, format_eps, read_eps
from mlp.nn.arrays import Array
from pages.ui import address

POINT = "at"

MAX_ROWS = 64


def edited(label: str, drawn: Mapping[str, Array], help_text: str) -> dict[str, Array]:
    """Show the arrays side by side as an editable table and return them with the session's own numbers put in.

    Args:
        label: stands above the table.
        drawn: by the setting's name, such as "loss_y": vectors of one length, or one matrix.
        help_text: what the numbers are where nobody has changed them.
    """
    values = {key: _own(key, array) for key, array in drawn.items()}
    table = pd.DataFrame({name: column for key, array in values.items() for name, column in _columns(key, array)})
    # The key holds the numbers, so that a table whose numbers have changed underneath is a new one, without edits.
    key = "editor" + "".join(f"{name}:{write(array)}" for name, array in values.items())
    st.markdown(f"**{label}**", help=help_text)
    result = st.data_editor(table, key=key, alt=label, width="content", num_rows="fixed")
    if result.isna().any(axis=None):
        st.error("Each cell needs a number; the empty one keeps the number it had.", icon=":material/error:")
    elif not result.equals(table):
        for name, array in _arrays(result, values).items():
            if not np.array_equal(array, values[name]):
                st.session_state[_kept(name)] = write(array)
        st.rerun()
    if any(_kept(name) in st.session_state for name in drawn):
        st.button("Back to the drawn numbers", on_click=_forget, args=(tuple(drawn),), key=f"forget_{'_'.join(drawn)}")
    return values


def point(example: Example) -> Array:
    """Show the text input and return the point; where the text is none, say why and return the last possible one.

    Left empty, as it is at first, it stands for the example's own point.
    """
    own = _written(example.point)
    st.session_state.setdefault(POINT, "")
    address.opened(POINT, lambda text: _read_point(text, example), f"{own} is used.")
    _leave_point_behind(example)
    text = st.text_input(
        f"Point {example.variable}",
        key=POINT,
        bind="query-params",
        placeholder=own,
        help="Numbers with commas between them, rows of a matrix with semicolons between them. Empty stands for "
        f"{own}.",
    )
    try:
        result = _read_point(text, example)
    except ValueError as error:
        before = st.session_state.get("at_accepted", "")
        st.error(
            address.plain(f"{error} What you see is for {before or own}."),
            title="This point cannot be used",
            icon=":material/error:",
        )
        return _read_point(before, example)
    st.session_state["at_accepted"] = text
    return result


def step(default: float) -> float:
    """Show the slider of the page's own step and return it."""
    given = address.opened("h", read_eps, f"{format_eps(default)} is used.")
    if given is not None:
        st.session_state["h"] = given
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


def write(array: Array) -> str:
    """An array as the address holds it: numbers with commas, rows with semicolons, every bit kept."""
    return ";".join(",".join(repr(float(number)) for number in row) for row in np.atleast_2d(array))


def read(text: str, shape: tuple[int, ...]) -> Array:
    """Read what `write` wrote, for an array of this shape.

    Raises:
        ValueError: another shape, or something that is no finite number, in a sentence.
    """
    rows = [row.split(",") for row in text.split(";")]
    expected = (1, *shape) if len(shape) == 1 else shape
    if len(rows) != expected[0] or any(len(row) != expected[1] for row in rows):
        raise ValueError(f"It must hold {_counted(shape)}.")
    if not all(
        re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?\s*", number, re.I | re.A)
        for row in rows
        for number in row
    ):
        raise ValueError(f"It must hold {_counted(shape)}, such as 0.5,-1,2e-3.")
    array = np.array(rows, dtype=np.float64).reshape(shape)
    if not np.isfinite(array).all() or np.abs(array).max() > 1e6:
        raise ValueError("Its numbers must lie between -1,000,000 and 1,000,000.")
    return array


def _own(key: str, drawn: Array) -> Array:
    """The session's own numbers for this setting if it has any of the right shape, else those drawn."""
    given = address.opened(key, lambda text: read(text, drawn.shape), "The drawn numbers are used.")
    if given is not None:
        st.session_state[_kept(key)] = write(given)
    kept = st.session_state.get(_kept(key))
    if kept is not None:
        try:
            own = read(kept, drawn.shape)
        except ValueError:
            # Another network has another number of outputs: these numbers belong to the one before.
            _forget((key,))
        else:
            st.query_params[key] = kept
            return own
    return drawn


def _kept(key: str) -> str:
    return f"own_{key}"


def _forget(keys: tuple[str, ...]) -> None:
    for key in keys:
        st.session_state.pop(_kept(key), None)
        st.query_params.pop(key, None)


def _columns(key: str, array: Array) -> list[tuple[str, Array]]:
    """The table's columns: one for a vector, one for each column of a matrix."""
    name = key.rpartition("_")[2]
    if array.ndim == 1:
        return [(name, array)]
    return [(f"{name}[:, {j}]", array[:, j]) for j in range(array.shape[1])]


def _arrays(table: pd.DataFrame, like: Mapping[str, Array]) -> dict[str, Array]:
    """The table's columns as arrays again."""
    columns = {key: [name for name, _ in _columns(key, array)] for key, array in like.items()}
    return {key: table[names].to_numpy(np.float64).reshape(like[key].shape) for key, names in columns.items()}


def _counted(shape: tuple[int, ...]) -> str:
    if shape == (1,):
        return "one number"
    if len(shape) == 1:
        return f"{shape[0]} numbers with commas between them"
    return f"{shape[0]} rows of {shape[1]} numbers, with commas between numbers and semicolons between rows"


def _leave_point_behind(example: Example) -> None:
    """Forget the point of another function that this one cannot take."""
    for key in (POINT, "at_accepted"):
        if st.session_state.get("at_function", example.name) != example.name:
            try:
                _read_point(st.session_state.get(key, ""), example)
            except ValueError:
                st.session_state[key] = ""
    st.session_state["at_function"] = example.name


def _read_point(text: str, example: Example) -> Array:
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
