"""How every page opens: its title, its place in the exercise, what it is about; and how it looks on a projector."""

from pathlib import Path

import streamlit as st

from pages.ui import address

# Read once: every run sends them.
SCREENS, PRESENT = (
    f"<style>{Path(__file__).with_name(name).read_text()}</style>" for name in ("screens.css", "present.css")
)
KEY = "present"

# On a phone the menu lies over the page: a tap on a page's name shows that page, not the menu still. And whatever is
# changed on a page, Back leaves it in one step: its address gives way to the new one, and only another page adds one.
IN_BROWSER = """
<script>
if (!window.gradientLab) {
  window.gradientLab = true;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const stays = new URL(url ?? location.href, location.href).pathname === location.pathname;
    (stays ? history.replaceState.bind(history) : push)(state, title, url);
  };
  document.addEventListener("click", (event) => {
    const button = document.querySelector('[data-testid="stSidebarCollapseButton"] button');
    if (button && window.innerWidth < 768 && event.target.closest('[data-testid="stSidebarNavLink"]')) {
      setTimeout(() => button.click());
    }
  });
}
</script>
"""


def frame() -> None:
    """Fit the page to the screen, and show the switch that makes it fit for a class: first of all in a run."""
    st.html(SCREENS)
    st.html(IN_BROWSER, unsafe_allow_javascript=True)
    with st.container(key="present_place"):
        presenting = switch("Present", KEY, "For a projector: large, without navigation, settings and side remarks.")
    if presenting:
        st.html(PRESENT)


def switch(label: str, key: str, text: str | None = None, disabled: bool = False) -> bool:
    """Something that is on or off, in the address like `widgets.choice`; `text` explains it."""
    on = st.toggle(label, key=key, bind="query-params", help=text, disabled=disabled)
    address.check(key, address.SWITCH, "false")
    return on


def presenting() -> bool:
    """Whether the page is shown to a class."""
    return bool(st.session_state.get(KEY))


def opening(title: str, section: str, text: str) -> None:
    """Show a page's title, its section of the exercise and what it is about; then what is wrong with the address."""
    with st.container(key="opening"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.title(title, width="content")
            st.caption(section, width="content")
        with st.container(key="opening_text"):
            st.markdown(text)
    address.show()
