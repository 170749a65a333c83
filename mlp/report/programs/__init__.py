"""What a page shows as short programs that run without the dashboard and print the same numbers.

Every function returns the programs by the label of their language: mlp, numpy, PyTorch, JAX. A language that does not
know an activation or a loss is left out.
"""

from mlp.report.programs.activations import activation
from mlp.report.programs.examples import finite_differences
from mlp.report.programs.gradients import bug, gradient_check
from mlp.report.programs.linear_layer import linear
from mlp.report.programs.losses import loss
from mlp.report.programs.networks import network
from mlp.report.programs.step_sizes import step_size
from mlp.report.programs.training import training
from mlp.report.programs.your_gradients import checking, computing

__all__ = [
    "activation",
    "bug",
    "checking",
    "computing",
    "finite_differences",
    "gradient_check",
    "linear",
    "loss",
    "network",
    "step_size",
    "training",
]
