"""Computation, cached by the settings alone."""

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import streamlit as st

from mlp.check.flow import Flow, jacobian_flow
from mlp.check.gradients import check_gradients
from mlp.check.report import GradientReport
from mlp.differences.networks import loss_function, tensors
from mlp.differences.sweep import Sweep, affordable, sampled, spread, sweep
from mlp.experiment import EPS_STEPS, Experiment, Problem
from mlp.nn.arrays import Array
from mlp.nn.trace import Step, trace
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


@st.cache_resource(max_entries=32)
def first_sample(experiment: Experiment) -> dict[str, Array]:
    """What the loss takes of the experiment's first sample: the network's output and the target."""
    problem = experiment.problem()
    y = problem.network.apply(problem.x)
    first = 0 if experiment.batch > 1 else ...
    return {"loss_y": y[first], "loss_t": problem.target[first]}


@st.cache_resource(max_entries=32)
def traced(experiment: Experiment) -> list[Step]:
    """One forward and one backward pass, step by step."""
    return trace(*experiment.problem())


@st.cache_resource(max_entries=32, show_spinner="Differentiating every layer ...")
def flow(experiment: Experiment) -> Flow:
    """The Jacobians of the layers and of the whole network at the first sample."""
    problem = experiment.problem()
    sample = problem.x if experiment.batch == 1 else problem.x[0]
    return jacobian_flow(problem.network, sample, experiment.eps, experiment.method)


def swept(experiment: Experiment, name: str) -> Sweep:
    """The error of every method at every step for one tensor, whatever the experiment's own step and method."""
    return _swept(replace(experiment, eps=Experiment.eps, method=Experiment.method), name)


@st.cache_resource(max_entries=32, show_spinner="Trying every step ...")
def _swept(experiment: Experiment, name: str) -> Sweep:
    problem = experiment.problem()
    tensor = tensors(problem.network, problem.x)[name]
    indices = spread(tensor.shape, affordable(experiment.multiplications // experiment.evaluations))
    entries = np.array([tensor[index] for index in indices])
    return sweep(sampled(loss_function(*problem, name), tensor, indices), entries, EPS_STEPS)


def packed(experiment: Experiment) -> bytes:
    """Everything about the check as a ZIP."""
    result = checked(experiment)
    return archive(experiment, result.problem, result.report)


# An edit of any module that Streamlit watches makes it import this one anew, and every class of ours with it. Results
# made of the classes before are no instances of the new ones.
for cached in (checked, first_sample, traced, flow):
    cached.clear()
