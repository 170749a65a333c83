"""The check of gradients from elsewhere as a program: the two files are read, and the report is printed."""

from mlp.lab.experiment import Experiment
from mlp.report.files.exchange import GRADIENTS_FILE, PROBLEM_FILE

_PROGRAM = """\
import numpy as np
from mlp import {activation}, {loss}, Sequential, check_given_gradients, dense_layers

problem = np.load("{problem}", allow_pickle=False)
network = Sequential(**dense_layers({sizes}, {activation}))
for name, parameter in network.parameters().items():
    parameter[...] = problem[name]

gradients = dict(np.load("{gradients}", allow_pickle=False))
report = check_given_gradients(
    network, {loss}(), problem["x"], problem["target"], gradients, eps={eps!r}, method="{method}"
)
print(report.verdict.words)
print(report.summary)
"""


def given_gradients(experiment: Experiment) -> str:
    """The program for the experiment's network, step and method."""
    return _PROGRAM.format(
        problem=PROBLEM_FILE,
        gradients=GRADIENTS_FILE,
        sizes=experiment.sizes,
        activation=experiment.activation,
        loss=experiment.loss,
        eps=experiment.eps,
        method=experiment.method,
    )
