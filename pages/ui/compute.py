"""Computation, cached by the settings alone."""

import time
from typing import NamedTuple

import streamlit as st

from mlp.check.gradients import check_gradients
from mlp.check.report import GradientReport
from mlp.experiment import Experiment, Problem
from mlp.report.archive import archive


class Checked(NamedTuple):
    """An experiment's network with its gradients checked.

    Shared between all visitors who ask for the same experiment: read only.
    """

    problem: Problem
    report: GradientReport
    seconds: float


@st.cache_resource(max_entries=32, show_spinner="Checking every gradient ...")
def checked(experiment: Experiment) -> Checked:
    """Draw the experiment's network and check its gradients; `seconds` is what the check took."""
    problem = experiment.problem()
    start = time.perf_counter()
    report = check_gradients(*problem, experiment.eps, experiment.method)
    return Checked(problem, report, time.perf_counter() - start)


def packed(experiment: Experiment) -> bytes:
    """Everything about the check as a ZIP."""
    result = checked(experiment)
    return archive(experiment, result.problem, result.report)
