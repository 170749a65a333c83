"""The entry whose arithmetic is shown: clicked in a figure or typed, and kept in the address."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

import streamlit as st

from mlp.check.tensor import TensorCheck
from mlp.lab.settings_text import format_index, read_index
from mlp.nn.derivation import Index
from mlp.nn.problem import INPUT
from mlp.report.figures import heatmaps
from mlp.report.figures.matrices import Matrix, clickable_matrices, entry_shown
from mlp.report.numbers import entry
from pages.ui import address, drawn, widgets

# An entry of the tensor that the page shows; one of any tensor, by its name.
KEY, NUMBER = "entry", "number"
# A cell of a Jacobian, of that of one of a network's layers, and of a Hessian.
JACOBIAN, LAYER_JACOBIAN, HESSIAN = "jacobian", "layer_jacobian", "second"
# One of the arrays that flow through a network, one of what a training run's step did, one of somebody's own layers.
IN_STEP, IN_RUN, THEIRS = "in_step", "in_run", "theirs"

Place = tuple[str, Index]
"""An entry by its tensor's name and its index."""


def chosen(check: TensorCheck) -> Index:
    """Show the text input and return the entry; where the text is none, say why and return the worst one.

    Left empty, as it is at first and after a change of the tensor or its shape, it stands for the worst entry.
    """
    shape, worst = check.analytical.shape, format_index(check.worst)
    st.session_state.setdefault(KEY, "")
    address.opened(KEY, lambda text: read_index(text, shape), f"{worst}, the worst entry, is shown.")
    of = check.name, shape
    if st.session_state.get("entry_of", of) not in (of, check.name):
        st.session_state[KEY] = ""
    st.session_state["entry_of"] = of
    text = st.text_input(
        "Entry",
        key=KEY,
        bind="query-params",
        placeholder=worst,
        width=160,
        help=f"Click a cell, or type its index. Empty stands for {worst}, the worst entry.",
    )
    if not text.strip():
        return check.worst
    try:
        return read_index(text, shape)
    except ValueError as error:
        st.error(address.plain(f"{error} What you see is for {worst}."), title="This entry cannot be shown")
        return check.worst


def choosing(setting: str, index: Index) -> None:
    """Choose this entry in a setting of the page that holds an index."""
    st.session_state[setting] = format_index(index)


def asking(tensor: str, index: Index) -> None:
    """Ask for the arithmetic of this entry."""
    ask(NUMBER, (tensor, index))


def go_to(tensor: str, index: Index) -> None:
    """Show this tensor and choose this entry of it."""
    st.session_state.update({"tensor": tensor, "entry_of": tensor, KEY: format_index(index)})


def asked(report: Mapping[str, TensorCheck]) -> Place | None:
    """The entry that was clicked last in a map or diagram, of any tensor of the report; at first none."""
    return kept(NUMBER, {name: check.analytical.shape for name, check in report.items()})


def kept(key: str, shapes: Mapping[str, tuple[int, ...]]) -> Place | None:
    """The place in one of the arrays of these shapes that this setting holds, in the address as well.

    One that is in none of them any more, since the network has become another, is forgotten.
    """
    read = partial(_read, shapes)
    given = address.opened(key, read, "None is shown.")
    if given is not None:
        ask(key, given)
    text = st.session_state.get(key, "")
    try:
        place = read(text)
    except ValueError:
        forget(key)
        return None
    if st.query_params.get(key) != text:
        st.query_params[key] = text
    return place


def ask(key: str, place: Place) -> None:
    """Keep this place under the key, for `kept`."""
    st.session_state[key] = entry(*place)


def forget(key: str) -> None:
    """Keep none."""
    st.session_state.pop(key, None)
    if key in st.query_params:
        del st.query_params[key]


def framed(place: Place | None, tensor: str) -> Index | None:
    """The index of the entry that was clicked, if it is one of this tensor."""
    return place[1] if place is not None and place[0] == tensor else None


def maps(
    check: TensorCheck,
    panels: tuple[str, ...],
    index: Index | None,
    settings: tuple[Hashable, ...] | None,
    key: str,
    choose: Callable[[Index], None],
    axes: heatmaps.Axes | None = None,
    names: tuple[str, str] = ("analytical", "numerical"),
) -> None:
    """The heatmaps of a check, with an entry framed; `choose` is called with the one whose cell is clicked.

    Args:
        check: of the tensor.
        panels: as in `heatmaps.comparison`.
        index: of the entry that is framed.
        settings: what the check follows from; None if it is a visitor's own, of which nothing is kept.
        key: the figure's.
        choose: what a click does.
        axes: as in `heatmaps.comparison`.
        names: likewise.
    """
    alt, click = heatmaps.alt_text(check, names), partial(_on_map, key, check, panels, choose)
    of = check, panels, index, axes, names
    if settings is None:
        widgets.figure(heatmaps.marked(*of), alt, key, click)
    else:
        drawn.figure(alt, key, (*settings, check.name, *of[1:]), heatmaps.marked, *of, on_click=click)
    widgets.reduced(check)


def maps_of_asked(
    check: TensorCheck,
    asked: Place | None,
    settings: tuple[Hashable, ...] | None,
    key: str,
    names: tuple[str, str] = ("analytical", "numerical"),
) -> None:
    """The heatmaps of a check as in `maps`, with the entry that was asked for framed; a click asks for another."""
    choose = partial(asking, check.name)
    maps(check, heatmaps.PANELS, framed(asked, check.name), settings, key, choose, names=names)


def maps_of_chosen(
    check: TensorCheck,
    panels: tuple[str, ...],
    index: Index,
    settings: tuple[Hashable, ...],
    key: str,
    setting: str = KEY,
) -> None:
    """The heatmaps of a check as in `maps`; a click chooses its entry in this setting of the page."""
    maps(check, panels, index, settings, key, partial(choosing, setting))


def matrices(
    content: Sequence[tuple[str, Matrix]],
    place: Place | None,
    alt: str,
    key: str,
    setting: str,
    settings: tuple[Hashable, ...] | None,
) -> None:
    """Matrices with their names, with a place in one of them framed; a click on a cell keeps its place.

    Args:
        content: the matrices; those of one name are framed together.
        place: what `kept` says.
        alt: they in words.
        key: the figure's.
        setting: where the place is kept.
        settings: as in `maps`.
    """
    framed = {number: place[1] for number, (name, _) in enumerate(content) if place and place[0] == name}
    shown, click = [matrix for _, matrix in content], partial(_on_matrix, key, content, setting)
    if settings is None:
        widgets.figure(clickable_matrices(shown, framed), alt, key, click)
    else:
        titles = *(matrix.title for matrix in shown), *framed.items()
        drawn.figure(alt, key, (*settings, titles), clickable_matrices, shown, framed, on_click=click)


def part_asked(key: str, layers: tuple[str, ...], is_batch: bool) -> Callable[[], None]:
    """What a click on the network's diagram of this key does: an edge asks for its weight, a unit for its bias.

    `layers` are the names of the linear layers, whose edges start one column after another; a unit of the first column
    asks for the input, of a batch for its first sample's.
    """
    return partial(_ask_part, key, layers, is_batch)


def cell_chosen(key: str, settings: Mapping[str, Sequence[str]]) -> Callable[[], None]:
    """What a click on a cell of the figure does: its row and its column choose an option of a setting each."""
    return partial(_choose_options, key, settings)


def tensor_asked(key: str, report: Mapping[str, TensorCheck], setting: str) -> Callable[[], None]:
    """What a click on a cell of all differences does: it asks for its entry, and chooses its tensor in the setting."""
    return partial(_ask_tensor, key, report, setting)


def _read(shapes: Mapping[str, tuple[int, ...]], text: str) -> Place:
    """Read a place as `numbers.entry` writes it; ValueError with a sentence if it is none."""
    if shapes.get(text) == ():
        return text, ()
    match = re.fullmatch(r"(.+)\[([^\[\]]*)\]", text)
    if match is None or match[1] not in shapes:
        first, shape = next(iter(shapes.items()))
        raise ValueError(f"It must be an entry of {', '.join(shapes)}, such as {entry(first, (0,) * len(shape))}.")
    return match[1], read_index(match[2], shapes[match[1]])


def _cell(key: str) -> tuple[int, tuple[int, int]] | None:
    """The map and the cell, row and column, that were clicked in the figure of this key, if any were."""
    points = st.session_state[key].selection.points
    return (int(points[0]["legendgroup"]), (int(points[0]["y"]), int(points[0]["x"]))) if points else None


def _on_map(key: str, check: TensorCheck, panels: tuple[str, ...], choose: Callable[[Index], None]) -> None:
    clicked = _cell(key)
    if clicked is not None:
        choose(heatmaps.entry_at(check, panels[clicked[0]], clicked[1]))


def _on_matrix(key: str, content: Sequence[tuple[str, Matrix]], setting: str) -> None:
    clicked = _cell(key)
    if clicked is not None:
        name, matrix = content[clicked[0]]
        ask(setting, (name, entry_shown(matrix.values, clicked[1])))


def _ask_tensor(key: str, report: Mapping[str, TensorCheck], setting: str) -> None:
    clicked = _cell(key)
    if clicked is not None:
        check = list(report.values())[clicked[0]]
        st.session_state[setting] = check.name
        asking(check.name, heatmaps.entry_at(check, "difference", clicked[1]))


def _choose_options(key: str, settings: Mapping[str, Sequence[str]]) -> None:
    clicked = _cell(key)
    if clicked is not None:
        chosen = zip(settings.items(), clicked[1], strict=True)
        st.session_state.update({setting: options[i] for (setting, options), i in chosen})


def _ask_part(key: str, layers: tuple[str, ...], is_batch: bool) -> None:
    for point in st.session_state[key].selection.points[:1]:
        column = int(point["x"])
        if "customdata" in point:
            row, weight, *_ = dict(point["customdata"]).values()
            ask(NUMBER, (f"{layers[column]}.W", (int(row), int(weight))))
            return
        unit = int(point["point_index"])
        if column:
            ask(NUMBER, (f"{layers[column - 1]}.b", (unit,)))
        else:
            ask(NUMBER, (INPUT, (0, unit) if is_batch else (unit,)))
