"""Tables of numbers that people edit in place; what they change stands in the address."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from mlp.nn.arrays import Array
from pages.ui import address

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
    given = st.session_state["opened"].pop(key, None)
    if given is not None:
        try:
            st.session_state[_kept(key)] = write(read(given, drawn.shape))
        except ValueError as error:
            address.refuse(key, given, f"{error} The drawn numbers are used.")
            st.query_params.pop(key, None)
            st.rerun()
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
