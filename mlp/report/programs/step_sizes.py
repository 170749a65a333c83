"""Programs that print the error of every method over a range of steps, for one tensor of a network."""

from functools import partial

from mlp.differences.methods import METHODS
from mlp.differences.sweep import affordable, swept_entries
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from mlp.report.figures.step_size import called
from mlp.report.programs.languages import MLP, NUMPY, Programs, for_experiment
from mlp.report.programs.numerics import difference, method_table, stencil
from mlp.report.programs.passes import definitions, draws, forward_function, variables
from mlp.report.programs.writing import PRINT_ALL, folded, lines, program, settings, shown, step


def step_size(experiment: Experiment, tensor: str) -> Programs:
    """Programs that print the largest and the median error over the entries, of every method at each of EPS_STEPS.

    Of a tensor with many entries they take as many, and the same ones, as the page does, and call the errors sampled.

    Args:
        experiment: its network, loss, input and target; its eps and method play no part.
        tensor: "fc1.W", or "x" for the input.

    Raises:
        KeyError: the network has no tensor of this name.
    """
    variable = variables(experiment)[tensor]
    writers = {NUMPY: partial(_numpy, experiment, tensor, variable)}
    return {MLP: _mlp(experiment, tensor)} | for_experiment(experiment, writers)


def _mlp(experiment: Experiment, tensor: str) -> str:
    return program(
        "import numpy as np\n\n"
        "from mlp.differences.sweep import sampled, sweep, swept_entries\n"
        f"from mlp.lab.experiment import Experiment\nfrom mlp.lab.settings_text import EPS_STEPS\n\n{PRINT_ALL}",
        settings(experiment),
        "problem = experiment.problem()\n"
        f'tensor = problem.tensors()["{tensor}"]\n'
        f'fun = problem.function("{tensor}")\n'
        "# All entries, or as many of those with the largest gradients.\n"
        f'indices = swept_entries(problem, "{tensor}", {_count(experiment)})\n'
        "entries = np.array([tensor[index] for index in indices])\n"
        "result = sweep(sampled(fun, tensor, indices), entries, EPS_STEPS)",
        lines(
            [
                shown("steps", "result.steps"),
                "for name in result.largest:",
                f"    {shown(_label(experiment, tensor, 'largest'), 'result.largest[name]', 'f')}",
                f"    {shown(_label(experiment, tensor, 'median'), 'result.median[name]', 'f')}",
            ]
        ),
    )


def _numpy(experiment: Experiment, tensor: str, variable: str) -> str:
    return program(
        NUMPY.header,
        draws(experiment),
        *definitions(experiment, is_complex=True, backward=False),
        forward_function(experiment),
        difference(is_complex=True),
        "def gradient(eps, offsets, weights):\n"
        f"    fun = lambda {variable}: loss(forward({variable}={variable})[-1], target)\n"
        f"    return np.array([difference(fun, {variable}, i, eps, offsets, weights) for i in entries])",
        f"{_entries(experiment, tensor, variable)}\n{folded('steps = np.array([', map(step, EPS_STEPS), '])')}",
        method_table(METHODS),
        "# The complex step subtracts nothing, so its eps may be tiny: this is the true gradient.\n"
        f"truth = gradient(1e-20, {', '.join(stencil('complex-step'))})",
        lines(
            [
                shown("steps", "steps"),
                "for name, (offsets, weights) in methods.items():",
                "    errors = np.abs([gradient(eps, offsets, weights) - truth for eps in steps])",
                f"    {shown(_label(experiment, tensor, 'largest'), 'np.max(errors, axis=1)', 'f')}",
                f"    {shown(_label(experiment, tensor, 'median'), 'np.median(errors, axis=1)', 'f')}",
            ]
        ),
    )


def _count(experiment: Experiment) -> int:
    return affordable(experiment.forward_multiplications)


def _label(experiment: Experiment, tensor: str, kind: str) -> str:
    """What the page calls this error: a sample's is not all entries'."""
    size = experiment.problem().tensors()[tensor].size
    return f"{called(kind, min(_count(experiment), size), size)} error of {{name}}"


def _entries(experiment: Experiment, tensor: str, variable: str) -> str:
    """The list of the entries to move."""
    problem, count = experiment.problem(), _count(experiment)
    size = problem.tensors()[tensor].size
    if size <= count:
        return f"entries = list(np.ndindex({variable}.shape))"
    indices = swept_entries(problem, tensor, count)
    return f"# Those {count} of the {size:,} entries that have the largest gradients.\n" + folded(
        "entries = [", map(str, indices), "]"
    )
