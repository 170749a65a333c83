"""`gradient-lab`: start the dashboard, where the packages that it needs are installed."""

import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("streamlit", "plotly", "pandas")
INSTALL = "pip install 'gradient-lab[dashboard]'"
# Where `pip install` puts app.py and its pages, below the environment's data folder.
SHARE = "share/gradient-lab"


def app_file() -> Path:
    """The dashboard's script: beside this package in a checkout, else where the installation put it.

    Raises:
        FileNotFoundError: it stands in neither place.
    """
    places = (Path(__file__).parents[1], Path(sysconfig.get_path("data"), SHARE))
    for folder in places:
        if (folder / "app.py").is_file() and (folder / "pages" / "ui").is_dir():
            return folder / "app.py"
    raise FileNotFoundError(f"the dashboard's app.py is neither in {places[0]} nor in {places[1]}")


def main() -> int:
    """Run `streamlit run app.py` with the words that follow; 1, with a sentence, if it cannot be started."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(f"The dashboard needs packages that are not installed here, {', '.join(missing)}: {INSTALL}\n")
        return 1
    try:
        app = app_file()
    except FileNotFoundError as error:
        sys.stderr.write(f"The dashboard cannot be started: {error}.\n")
        return 1
    return subprocess.call([sys.executable, "-m", "streamlit", "run", str(app), *sys.argv[1:]])
