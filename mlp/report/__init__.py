"""Results as figures, tables and files; nothing here knows of Streamlit."""
