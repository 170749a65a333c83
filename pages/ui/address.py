"""What is wrong with the address a session was opened with, in sentences shown above the page until dismissed."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

# The settings that stand on a page instead of in the sidebar.
PAGE_SETTINGS = ("edges", "tensor", "panel")


def refuse(key: str, text: str, sentence: str) -> None:
    """Take a setting out of the address and keep a sentence about it."""
    st.query_params.pop(key, None)
    shown = text if len(text) <= 40 else text[:40] + "..."
    st.session_state.setdefault("address_problems", {})[key] = plain(f"{key}={shown}: {sentence}")


def plain(text: str) -> str:
    """The text such that Markdown shows it as it is: what stands in an address is never a link, image or formula."""
    return re.sub(r"([\\`*_\[\]$<>#~|]|:(?=\w))", r"\\\1", text.replace("\n", " "))


def open_with(parameters: Mapping[str, str]) -> None:
    """Keep the settings that only the pages know; those that no page knows are reported."""
    for key, text in parameters.items():
        if key not in PAGE_SETTINGS:
            refuse(key, text, "There is no setting of this name; it is ignored.")
    st.session_state["opened"] = {key: text for key, text in parameters.items() if key in PAGE_SETTINGS}


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
