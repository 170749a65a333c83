"""Gradient Lab: backpropagation made visible and checkable. Start it with `streamlit run app.py`."""

import streamlit as st

from pages.ui import shell, sidebar, stage

if __name__ == "__main__":  # a visitor's run
    page = shell.navigation()
    sidebar.open_address(page)
    stage.frame()
    with shell.serving(sidebar.experiment(shell.settings_of(page))):
        page.run()
        shell.lead_on(page)
else:  # Streamlit imports this file once, for the server
    app = st.App(__file__, lifespan=shell.started)
