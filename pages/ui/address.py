"""What is wrong with the address a session was opened with, in sentences shown above the page until dismissed."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

Read = TypeVar("Read")

# What stands in the address for something that is on or off.
SWITCH = ("true", "false")

# The settings that stand on a page, or in its frame, instead of in the sidebar.
PAGE_SETTINGS = (
    "present",
    *("function", "at", "h", "component", "output"),
    *("gradient_of", "error"),
    *("broken", "edges", "tensor", "panel", "hessian", "python", "code", "cell"),
    *("entry", "number", "jacobian", "layer_jacobian", "second", "in_step", "in_run", "theirs"),
    *("loss_y", "loss_t", "loss_i"),
    *("act_x", "act_dy"),
    *("inputs", "outputs", "lin_x", "lin_b", "lin_dy", "lin_W", "gradient"),
    *("step", "all_steps", "layer"),
    *("group", "bug", "place", "seen", "quiz", "last", "level", "look"),
    *("case", "wrt", "slice", "third"),
    *("ready", "library", "beside", "of"),
    *("trained_on", "planted", "optimiser", "rate", "steps", "mini_batch", "at_step"),
    *("closer", "moved", "looked_at", "on_the_way"),
)


def refuse(key: str, text: str, sentence: str) -> None:
    """Keep a sentence about a setting of the address that cannot be used."""
    shown = text if len(text) <= 40 else text[:40] + "..."
    st.session_state.setdefault("address_problems", {})[key] = plain(f"{key}={shown}: {sentence}")


# What Markdown takes for a mark: of text anywhere, of a list only where a line begins.
_MARKS = re.compile(r"([\\`*_\[\]$<>#~|&]|:(?=\w)|^\s*[-+=](?=\s)|(?<=\d)[.)](?=\s))")
# What is made a link, an arrow or an emoji even where its marks are escaped: they must not stand side by side.
_PAIRS = re.compile(r"(https?:)(?=//)|(www)(?=\.)|(@)(?=\w)|([-<>~])(?=[-=>])|(:)(?=[a-z+-][\w+-]*:)", re.IGNORECASE)
_JOINER = "\N{WORD JOINER}"  # has no width


def plain(text: str) -> str:
    """The text such that Markdown shows it as it is: nothing that somebody wrote is a link, image, formula or list."""
    joined = _PAIRS.sub(lambda pair: pair[0] + _JOINER, " ".join(text.split()))
    return _MARKS.sub(r"\\\1", joined)


def page_settings(given: Mapping[str, str]) -> dict[str, str]:
    """Those of the given settings that stand on a page, kept for its `check`."""
    st.session_state["opened"] = {key: text for key, text in given.items() if key in PAGE_SETTINGS}
    return dict(st.session_state["opened"])


def opened(key: str, read: Callable[[str], Read], instead: str) -> Read | None:
    """What the session was opened with for the page's own setting `key`, the first time it is asked for.

    None if it was opened with nothing, or with what `read` raises ValueError for: then a sentence that ends with
    `instead` says so, the address loses it, and the run starts over.
    """
    text = st.session_state["opened"].pop(key, None)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        refuse(key, text, f"{error} {instead}")
        st.query_params.pop(key, None)
        st.rerun()


def check(key: str, options: Sequence[str], used: str) -> None:
    """Report the page's own setting `key` if the session was opened with one that is none of the options."""
    text = st.session_state["opened"].pop(key, None)
    if text is not None and text not in options:
        refuse(key, text, f"Here it can be {', '.join(options)}; {used} is used.")
        st.rerun()  # the sentence stands above what has been shown already


def show() -> None:
    """Show what was wrong, with a button that puts it away."""
    problems = st.session_state.get("address_problems")
    if not problems:
        return
    with st.container(border=True):
        st.warning(
            "\n".join(f"- {sentence}" for sentence in problems.values()),
            title="The address asks for something that is not possible",
            icon=":material/link_off:",
        )
        st.button("Understood", on_click=problems.clear, key="address_understood")
