"""What stands after the two hyphens on the command line: `streamlit run app.py -- --layers my_layers.py`."""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

import streamlit as st

from mlp.user_code.load.files import source_file
from mlp.user_code.messages import ForeignError

APP = "app.py"
USAGE = "Say: streamlit run app.py -- --layers path/to/my_layers.py"


class Options(NamedTuple):
    """The module of layers that was named, "" for none, and what is wrong with the command line, "" for nothing.

    A module that is not there yet is no such problem: the page says so and waits for it.
    """

    layers: str = ""
    problem: str = ""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def given() -> Options:
    """The options of this server."""
    return _read(tuple(sys.argv))


@st.cache_resource
def _read(arguments: tuple[str, ...]) -> Options:
    """Read them; what cannot be used is said in the terminal at once, and the server runs on."""
    options = _parsed(arguments)
    problem = options.problem
    if options.layers:
        try:
            source_file(options.layers)
        except ForeignError as error:
            problem = f"--layers: {error}."
    if problem:
        sys.stderr.write(f"{problem}\n")
    return options


def _parsed(arguments: tuple[str, ...]) -> Options:
    program, *rest = arguments or ("",)
    if Path(program).name != APP:  # under a test runner, its options stand here
        return Options()
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--layers", default="")
    try:
        return Options(parser.parse_args(rest).layers)
    except ValueError as error:
        return Options(problem=f"The options of the dashboard cannot be used: {error}. {USAGE}")
