"""The lines of PyTorch and JAX programs that hand a drawn network over to automatic differentiation."""

from mlp.lab.experiment import Experiment
from mlp.report.programs.formulas import JAX_ACTIVATIONS, JAX_LOSSES, TORCH_ACTIVATIONS
from mlp.report.programs.passes import depth, forward_function, variables
from mlp.report.programs.writing import function, lines

TORCH_LINEAR = "F.linear({x}, W{i}, b{i})"


def torch_tensors(experiment: Experiment) -> str:
    """Make tensors of the drawn arrays."""
    made = (f"{name} = torch.tensor({name}, requires_grad=True)" for name in variables(experiment).values())
    return lines(["# The same numbers as PyTorch's tensors.", *made, "target = torch.tensor(target)"])


def torch_activation(experiment: Experiment) -> str:
    """Define f, where there are hidden layers."""
    return _activation(experiment, TORCH_ACTIVATIONS)


def jax_functions(experiment: Experiment) -> list[str]:
    """Define f, where there are hidden layers, forward and loss."""
    return [
        _activation(experiment, JAX_ACTIVATIONS),
        forward_function(experiment),
        function("loss(y)", f"The loss, {experiment.loss}", JAX_LOSSES[experiment.loss]),
    ]


def _activation(experiment: Experiment, formulas: dict[str, str]) -> str:
    if depth(experiment) == 1:
        return ""
    return function("f(z)", f"The activation, {experiment.activation}", formulas[experiment.activation])
