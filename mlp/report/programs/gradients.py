"""Programs that check gradients: of one tensor with every number, or of a planted bug."""

from functools import partial

from mlp.differences.methods import METHODS
from mlp.lab.experiment import Experiment
from mlp.report.programs.catalogue import LOSSES
from mlp.report.programs.languages import JAX, MLP, NUMPY, TORCH, Programs, for_experiment
from mlp.report.programs.numerics import numerical_gradient
from mlp.report.programs.passes import (
    TORCH_LINEAR,
    both_passes,
    definitions,
    draws,
    forward_function,
    forward_lines,
    jax_functions,
    torch_activation,
    torch_tensors,
    variables,
)
from mlp.report.programs.writing import PRINT_ALL, lines, program, settings, shown, step


def gradient_check(experiment: Experiment, tensor: str) -> Programs:
    """Programs that print the loss, and one tensor's gradients.

    The numerical gradient and the largest difference are printed by mlp and numpy; PyTorch and JAX print the gradient
    that they derive themselves.

    Args:
        experiment: what is checked.
        tensor: "fc1.W", or "x" for the input.

    Raises:
        KeyError: the network has no tensor of this name.
    """
    variable = variables(experiment)[tensor]
    writers = {
        NUMPY: partial(_numpy, experiment, tensor, variable),
        TORCH: partial(_torch, experiment, tensor, variable),
        JAX: partial(_jax, experiment, tensor, variable),
    }
    return {MLP: _mlp(experiment, tensor)} | for_experiment(experiment, writers)


def bug(experiment: Experiment, name: str, place: str) -> Programs:
    """The program that prints the verdict of every tensor, and the diagnosis.

    Args:
        experiment: whose network the bug is planted in.
        name: the bug's, in the gallery.
        place: the name of the layer, or "loss".
    """
    return {
        MLP: program(
            "from mlp import check_gradients\n"
            "from mlp.check.gallery.bug import plant\n"
            "from mlp.check.gallery import GALLERY\n"
            "from mlp.lab.experiment import Experiment",
            settings(experiment),
            "network, loss, x, target = experiment.problem()\n"
            f'planted = plant(GALLERY["{name}"], network, loss, "{place}")\n'
            "report = check_gradients(\n"
            "    planted.network, planted.loss, x, target, experiment.eps, experiment.method\n"
            ")",
            "for name, check in report.items():\n"
            '    print(f"{name}: {check.verdict.words}")\n'
            "for finding in report.diagnosis:\n"
            "    print(finding.sentence)",
        )
    }


def _mlp(experiment: Experiment, tensor: str) -> str:
    return program(
        "import numpy as np\n\nfrom mlp import check_gradients\nfrom mlp.lab.experiment import Experiment\n\n"
        + PRINT_ALL,
        settings(experiment),
        "network, loss, x, target = experiment.problem()\n"
        "report = check_gradients(network, loss, x, target, experiment.eps, experiment.method)\n"
        f'check = report["{tensor}"]',
        lines(
            [
                'print("loss:", report.loss)',
                shown(f"analytical gradient of {tensor}", "check.analytical"),
                shown(f"numerical gradient of {tensor}", "check.numerical"),
                'print("largest difference:", check.max_abs_difference)',
                'print("np.allclose:", np.allclose(check.analytical, check.numerical))',
            ]
        ),
    )


def _numpy(experiment: Experiment, tensor: str, variable: str) -> str:
    return program(
        NUMPY.header,
        draws(experiment),
        *definitions(experiment, METHODS[experiment.method].is_complex),
        forward_function(experiment),
        both_passes(experiment),
        *numerical_gradient(experiment.method),
        f"fun = lambda {variable}: loss(forward({variable}={variable})[-1], target)\n"
        f"numerical = numerical_gradient(fun, {variable}, eps={step(experiment.eps)})",
        lines(
            [
                'print("loss:", loss(y, target))',
                shown(f"analytical gradient of {tensor}", f"d{variable}"),
                shown(f"numerical gradient of {tensor}", "numerical"),
                f'print("largest difference:", np.max(np.abs(d{variable} - numerical)))',
                f'print("np.allclose:", np.allclose(d{variable}, numerical))',
            ]
        ),
    )


def _torch(experiment: Experiment, tensor: str, variable: str) -> str:
    return program(
        TORCH.header,
        draws(experiment),
        torch_tensors(experiment),
        torch_activation(experiment),
        lines(
            [*forward_lines(experiment, TORCH_LINEAR), f"c = {LOSSES[experiment.loss].torch}", "c.backward()"],
        ),
        'print("loss:", c.item())\n' + shown(f"analytical gradient of {tensor}", f"{variable}.grad.numpy()"),
    )


def _jax(experiment: Experiment, tensor: str, variable: str) -> str:
    return program(
        JAX.header,
        draws(experiment),
        *jax_functions(experiment),
        f"fun = lambda {variable}: loss(forward({variable}={variable})[-1])\n"
        f"c, gradient = jax.value_and_grad(fun)({variable})",
        'print("loss:", c)\n' + shown(f"analytical gradient of {tensor}", "np.asarray(gradient)"),
    )
