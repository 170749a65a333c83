"""Gradient Lab: backpropagation made visible and checkable. Start it with `streamlit run app.py`."""

# Everything heavy is imported here, before the first visitor's run: streamlit itself imports pandas lazily, and several
# first visitors at once then meet a half-imported module.
import pandas  # noqa: F401
import plotly.graph_objects  # noqa: F401

from pages.ui import shell, sidebar, watch

shell.settle_memory()
watch.given()  # what is wrong with them is said in the terminal at once
page = shell.navigation()
sidebar.open_address(page)
with shell.serving(sidebar.experiment()):
    page.run()
