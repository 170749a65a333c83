"""Results as figures, tables and files; nothing here knows of Streamlit."""

try:
    import pandas  # noqa: F401
    import plotly  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"mlp.report needs {error.name}, which is not installed here; pip install 'gradient-lab[dashboard]' brings it",
        name=error.name,
    ) from error
