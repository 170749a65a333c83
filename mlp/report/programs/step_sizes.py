"""Programs that print the error of every method over a range of steps, for one tensor of a network."""

from collections.abc import Iterable
from functools import partial

from mlp.differences.methods import METHODS
from mlp.experiment import EPS_STEPS, Experiment
from mlp.report.programs.draws import draws
from mlp.report.programs.languages import MLP, NUMPY, Programs, for_experiment
from mlp.report.programs.numerics import difference, stencil
from mlp.report.programs.numpy_passes import definitions
from mlp.report.programs.passes import forward_function, variables
from mlp.report.programs.writing import PRINT_ALL, WIDTH, folded, lines, program, settings, shown, step

EXACT = "# The complex step subtracts nothing, so its eps may be tiny: this is the true gradient."


def step_size(experiment: Experiment, tensor: str, steps: Iterable[float] = EPS_STEPS) -> Programs:
    """Programs that print the largest and the median error over the entries, for every method and step.

    Args:
        experiment: its network, loss, input and target; its eps and method play no part.
        tensor: "fc1.W", or "x" for the input.
        steps: the steps eps.

    Raises:
        KeyError: the network has no tensor of this name.
    """
    variable = variables(experiment)[tensor]
    written = folded("steps = [", map(step, steps), "]")
    writers = {NUMPY: partial(_numpy, experiment, variable, written)}
    return {MLP: _mlp(experiment, tensor, written)} | for_experiment(experiment, writers)


def _mlp(experiment: Experiment, tensor: str, steps: str) -> str:
    return program(
        "import numpy as np\n\n"
        "from mlp import METHODS, numerical_gradient\n"
        "from mlp.differences.networks import loss_function, tensors\n"
        f"from mlp.experiment import Experiment\n\n{PRINT_ALL}",
        settings(experiment),
        steps,
        "network, loss, x, target = experiment.problem()\n"
        f'tensor = tensors(network, x)["{tensor}"]\n'
        f'fun = loss_function(network, loss, x, target, "{tensor}")\n'
        f'{EXACT}\nexact = numerical_gradient(fun, tensor, eps=1e-20, method="complex-step")',
        lines(
            [
                "for name in METHODS:",
                "    errors = [np.abs(numerical_gradient(fun, tensor, eps, name) - exact) for eps in steps]",
                *_PRINTED,
            ]
        ),
    )


def _numpy(experiment: Experiment, variable: str, steps: str) -> str:
    return program(
        NUMPY.header,
        draws(experiment),
        *definitions(experiment, is_complex=True, backward=False),
        forward_function(experiment),
        difference(is_complex=True),
        "def gradient(fun, x, eps, offsets, weights):\n"
        "    entries = [difference(fun, x, i, eps, offsets, weights) for i in np.ndindex(x.shape)]\n"
        "    return np.reshape(entries, x.shape)",
        lines(["# Offsets and weights of each method.", "methods = {", *map(_method, METHODS), "}", steps]),
        f"fun = lambda {variable}: loss(forward({variable}={variable})[-1], target)\n"
        f"{EXACT}\nexact = gradient(fun, {variable}, 1e-20, {', '.join(stencil('complex-step'))})",
        lines(
            [
                "for name, (offsets, weights) in methods.items():",
                f"    errors = [np.abs(gradient(fun, {variable}, eps, offsets, weights) - exact) for eps in steps]",
                *_PRINTED,
            ]
        ),
    )


def _method(name: str) -> str:
    offsets, weights = stencil(name)
    row = f'    "{name}": ({offsets}, {weights}),'
    return row if len(row) <= WIDTH else row.replace("], [", "],\n" + " " * (len(name) + 9) + "[")


_PRINTED = [
    f"    {shown('largest error of {name}', 'np.array([np.max(error) for error in errors])', 'f')}",
    f"    {shown('median error of {name}', 'np.array([np.median(error) for error in errors])', 'f')}",
]
