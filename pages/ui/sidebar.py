"""The sidebar: keyed widgets bound to the address, read as one Experiment.

The address bar is the saved state. Streamlit drops what it cannot use from an address without a word, so a session's
first run reads the address itself and keeps what is wrong with it as sentences before the widgets see it. A preset in
the address stands for its settings; which preset is shown follows from the settings.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from mlp.differences.methods import METHODS
from mlp.lab.dataset import Dataset
from mlp.lab.datasets import DATASETS, dataset
from mlp.lab.experiment import MAX_BATCH, MAX_SEED, RANDOM, Experiment, MisfitError
from mlp.lab.own_rows import write_rows
from mlp.lab.presets import PRESETS
from mlp.lab.settings_text import EPS_STEPS, READERS, UPLOAD, format_eps, format_setting
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.initialisations import INITIALISATIONS
from mlp.nn.losses import LOSSES
from pages.ui import address, tables

OWN = "Own settings"
DEFAULT = Experiment()
DEFAULTS = DEFAULT.settings()
_OF_PRESETS = {name: preset.experiment.settings() for name, preset in PRESETS.items()}
# A network that makes any other setting possible that can be possible at all.
SMALLEST = Experiment(sizes=(1, 1))
TYPED = "typed_sizes"
# What an experiment's cost depends on, in the order in which an address has to do without it.
COSTLY = ("batch", "method", "sizes")


def open_address(page: StreamlitPage) -> None:
    """On a session's first run, read the address, and start over with one that holds just what could be used.

    What could not be used is kept as sentences for `address.show`.
    """
    if "accepted" in st.session_state:
        return
    given = st.query_params.to_dict()
    repeated = [key for key in given if len(st.query_params.get_all(key)) > 1]
    for key in repeated:
        address.refuse(key, given[key], "It stands in the address more than once; this one, the last, is used.")
    opened = _read(given)
    st.session_state["accepted"] = opened.settings()
    st.session_state.update(opened.settings())
    usable = _changed(opened) | address.page_settings(given)
    if usable != given or repeated:
        st.switch_page(page, query_params=usable)


def experiment(acting: Sequence[str]) -> Experiment:
    """Show the sidebar and return its settings; where they are impossible, say so and return the last possible ones.

    Args:
        acting: the settings that matter on the present page, in the order in which they are shown.
    """
    with st.sidebar:
        _widgets(acting)
    return _accepted()


def _read(given: Mapping[str, str]) -> Experiment:
    """The address's experiment, with a sentence kept for each setting that cannot be used."""
    preset = given.get("preset", OWN)
    result = DEFAULT
    if preset in PRESETS:
        result = PRESETS[preset].experiment
    elif preset != OWN:
        address.refuse("preset", preset, f"There is no preset of this name; there are: {', '.join(PRESETS)}.")
    usable = {}
    for key, text in given.items():
        if key in READERS:
            try:
                usable[key] = READERS[key](text)
                replace(SMALLEST, **{key: usable[key]})
            except MisfitError:
                pass  # of what fits the data, all settings together decide
            except ValueError as error:
                usable.pop(key, None)
                _refuse(key, text, error, result)
        elif key != "preset" and key not in address.PAGE_SETTINGS:
            address.refuse(key, text, "There is no setting of this name; it is ignored.")
    while True:
        try:
            return replace(result, **usable)
        except MisfitError as error:
            _refuse("data", usable.pop("data"), error, result)
        except ValueError as error:  # each is possible, and all together would take too long
            key = next(key for key in COSTLY if usable.pop(key, None) is not None)
            _refuse(key, given[key], error, result)


def _refuse(key: str, text: str, error: ValueError, instead: Experiment) -> None:
    address.refuse(key, text, f"{error} Instead, {format_setting(instead.settings()[key])} is used.")


def _changed(shown: Experiment) -> dict[str, str]:
    """The settings that differ from the exercise's, as the address holds them."""
    return {key: format_setting(value) for key, value in shown.settings().items() if value != DEFAULTS[key]}


def _accepted() -> Experiment:
    """The experiment that the widgets show, or the last possible one with a sentence that says what is wrong."""
    accepted = st.session_state["accepted"]
    shown = _shown()
    try:
        result = _possible(shown)
    except ValueError as error:
        result = Experiment.from_settings(accepted)
        if _unfinished(shown["sizes"]):
            st.sidebar.caption(f"Layer sizes so far: {shown['sizes']}. What you see is for {accepted['sizes']}.")
            return result
        st.error(
            address.plain(f"{error} What you see is still for the settings before."),
            title="These settings cannot be used",
            icon=":material/error:",
        )
        if isinstance(error, MisfitError):
            with suppress(ValueError):  # what fits may be too large
                st.button("Fit the settings to the data", on_click=st.session_state.update, args=(_fitting(shown),))
    st.session_state["accepted"] = result.settings()
    return result


def _shown() -> dict[str, Any]:
    """What the widgets hold, the sizes as they are typed."""
    return {key: st.session_state[key] for key in DEFAULTS} | {"sizes": st.session_state[TYPED]}


def _possible(shown: Mapping[str, Any]) -> Experiment:
    """The experiment of what the widgets hold; ValueError with a sentence if there is none."""
    return Experiment.from_settings({**shown, "data": _data(shown)})


def _unfinished(sizes: str) -> bool:
    """Whether these sizes are the beginning of possible ones, as between two keys: 2-10-, 2, nothing at all."""
    return re.fullmatch(r"([0-9]+-)*", sizes) is not None or re.fullmatch(r"[0-9]+", sizes) is not None


def _preset_of_widgets() -> str:
    """The name of the preset that has just the settings that the widgets show."""
    shown = {key: st.session_state[key] for key in DEFAULTS}
    return next((name for name, settings in _OF_PRESETS.items() if settings == shown), OWN)


def _choose_preset() -> None:
    preset = st.session_state["preset"]
    if preset in PRESETS:
        st.session_state.update(_OF_PRESETS[preset])


def _reset() -> None:
    st.session_state.update(DEFAULTS)


def show(settings: Mapping[str, Any]) -> None:
    """Set the sidebar to an experiment's settings."""
    st.session_state.update({**settings, "data": format_setting(settings["data"])})


def _data(shown: Mapping[str, Any]) -> str:
    """The data that the widgets show as an experiment has them: of a person's own the rows of the batch."""
    if shown["data"] != UPLOAD:
        return str(shown["data"])
    return write_rows(_own(shown["seed"]), shown["batch"])


def _own(seed: int) -> Dataset:
    data = tables.kept(seed)
    if data is None:
        raise ValueError("There is no file of your own yet: bring a table on the page Training.")
    return data


def _fitting(shown: Mapping[str, Any]) -> dict[str, Any]:
    """These settings with sizes, loss and batch that fit their data."""
    data = _own(shown["seed"]) if shown["data"] == UPLOAD else dataset(shown["data"], shown["seed"])
    without = Experiment.from_settings({**shown, "data": RANDOM, "batch": min(shown["batch"], len(data.x))})
    return {**without.fitted(data).settings(), "data": shown["data"]}


def _draw_seed() -> None:
    st.session_state["seed"] = secrets.randbelow(10_000)


def _widgets(acting: Sequence[str]) -> None:
    """Every setting is there on every page; those that do not act on it fold away."""
    top = st.container()
    for key in acting:
        _WIDGETS[key]()
    with st.expander("Settings" if not acting else "More settings", key="more_settings"):
        for key in DEFAULTS:
            if key not in acting:
                _WIDGETS[key]()
        st.button("Reset to the exercise", on_click=_reset, icon=":material/restart_alt:", width="stretch")
    # Last, because browser history changes the other widgets' values only as they are shown.
    with top:
        _preset()


def _sizes() -> None:
    """The sizes as they are typed, and those that the address holds: the last that were possible, in a hidden widget.

    A widget in the address puts every text there, between two keys too. Sizes count as shown when both widgets have
    been sent: a new input may end this run before that, and the next one then does it again.
    """
    shown = st.session_state.get("sizes_shown")
    if st.session_state["sizes"] == shown != st.session_state[TYPED]:
        with suppress(ValueError):
            _possible(_shown())
            st.session_state["sizes"] = st.session_state[TYPED]
    with st.container(key="sizes_in_address"):
        possible = st.text_input("Sizes in the address", DEFAULTS["sizes"], key="sizes", bind="query-params")
    if shown != possible:
        st.session_state[TYPED] = possible
    st.text_input(
        "Layer sizes",
        possible,
        key=TYPED,
        live=True,
        help="Inputs, units of each hidden layer, outputs, with hyphens between them: 2-10-20-5.",
    )
    st.session_state["sizes_shown"] = possible


def eps_beside() -> None:
    """The slider of eps once more, beside what it moves."""
    st.session_state["eps_beside"] = st.session_state["eps"]
    _eps("eps_beside", on_change=lambda: st.session_state.update(eps=st.session_state["eps_beside"]))


def _eps(key: str = "eps", **bound: Any) -> None:
    st.select_slider(
        "eps, the step of the difference",
        EPS_STEPS,
        format_func=format_eps,
        key=key,
        help="How far each parameter is moved to see how the loss changes. Too large: truncation error. Too small: "
        "round-off error.",
        **bound,
    )


def _seed() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _whole("Seed", "seed", 0, MAX_SEED, "For np.random.RandomState, whose numbers are the same on every machine.")
        st.button("New seed", on_click=_draw_seed)


def _preset() -> None:
    st.session_state["preset"] = _preset_of_widgets()
    preset = st.selectbox(
        "Preset",
        [*PRESETS, OWN],
        key="preset",
        on_change=_choose_preset,
        help="Experiments worth a look. Choosing one sets everything below.",
    )
    if preset in PRESETS:
        st.caption(PRESETS[preset].shows)


def _choice(label: str, key: str, registry: Iterable[str], text: str) -> None:
    options = list(registry)
    default = options.index(DEFAULTS[key])
    st.selectbox(label, options, default, key=key, bind="query-params", help=text)


def _whole(label: str, key: str, low: int, high: int, text: str) -> None:
    st.number_input(label, low, high, DEFAULTS[key], key=key, bind="query-params", help=text)


_WIDGETS: dict[str, Callable[[], None]] = {
    "sizes": _sizes,
    "eps": partial(_eps, value=DEFAULT.eps, bind="query-params"),
    "seed": _seed,
    "activation": partial(_choice, "Activation", "activation", ACTIVATIONS, "The function between the layers."),
    "loss": partial(_choice, "Loss", "loss", LOSSES, "What turns the network's output and the target into one number."),
    "method": partial(
        _choice, "Method", "method", METHODS, "How the numerical derivative is put together from values."
    ),
    "batch": partial(
        _whole, "Batch size", "batch", 1, MAX_BATCH, "Number of samples; with 1 the arrays have no batch axis."
    ),
    "data": partial(
        _choice,
        "Input",
        "data",
        (RANDOM, *DATASETS, UPLOAD),
        "Where input and target come from: drawn at random, or rows of a data set. A file of your own is brought on "
        "the page Training.",
    ),
    "initialisation": partial(
        _choice, "Initialisation", "initialisation", INITIALISATIONS, "How weights and biases are drawn."
    ),
}
