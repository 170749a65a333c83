"""Programs that show what flows through a network: every layer's output and gradient, and the Jacobians."""

from functools import partial

from mlp.differences.methods import METHODS
from mlp.lab.experiment import Experiment
from mlp.report.programs.catalogue import LOSSES
from mlp.report.programs.languages import JAX, MLP, NUMPY, TORCH, Programs, for_experiment
from mlp.report.programs.numerics import numerical_jacobian
from mlp.report.programs.passes import (
    TORCH_LINEAR,
    both_passes,
    definitions,
    depth,
    draws,
    forward_function,
    jax_functions,
    outputs,
    torch_activation,
    torch_tensors,
    variables,
)
from mlp.report.programs.writing import PRINT_ALL, folded, lines, program, settings, shown, step, unpacked


def network(experiment: Experiment) -> Programs:
    """Programs that print the result of every step forward and backward, and Jacobians at the first sample.

    mlp and numpy print the singular values of each layer's Jacobian and the numerical Jacobian of the network, too. JAX
    hands out no gradients between the layers, so its program prints those of the parameters and the input.
    """
    writers = {
        NUMPY: partial(_numpy, experiment),
        TORCH: partial(_torch, experiment),
        JAX: partial(_jax, experiment),
    }
    return {MLP: _mlp(experiment)} | for_experiment(experiment, writers)


def _mlp(experiment: Experiment) -> str:
    return program(
        "import numpy as np\n\n"
        "from mlp.check.jacobians import jacobian_flow\n"
        "from mlp.lab.experiment import Experiment\n"
        f"from mlp.nn.trace import trace\n\n{PRINT_ALL}",
        settings(experiment),
        "network, loss, x, target = experiment.problem()\n"
        "for step in trace(network, loss, x, target):\n"
        f"    {shown('{step.direction} {step.name}', 'step.result', 'f')}\n"
        "    for name, gradient in step.gradients.items():\n"
        f"        {shown('d{name} of {step.name}', 'gradient', 'f')}",
        f"flow = jacobian_flow(network, {_first(experiment)}, experiment.eps, experiment.method)\n"
        "for name, values in flow.singular_values.items():\n"
        f"    {shown('singular values of {name}', 'values', 'f')}\n"
        f"{shown('Jacobian of the network', 'flow.whole')}\n"
        f"{shown('numerical Jacobian of the network', 'flow.numerical')}",
    )


def _numpy(experiment: Experiment) -> str:
    return program(
        NUMPY.header,
        draws(experiment),
        *definitions(experiment, METHODS[experiment.method].is_complex),
        forward_function(experiment),
        both_passes(experiment),
        lines([*_shown_forward(experiment, "{}", "loss(y, target)"), *_shown_backward(experiment, "d{}")]),
        _numpy_jacobians(experiment),
        *numerical_jacobian(experiment.method),
        "fun = lambda x: forward(x=x)[-1]\n"
        f"numerical = numerical_jacobian(fun, {_first(experiment)}, eps={step(experiment.eps)})\n"
        + shown("numerical Jacobian of the network", "numerical"),
    )


def _numpy_jacobians(experiment: Experiment) -> str:
    """Every layer's Jacobian with its singular values, and the product of all."""
    sample = "" if experiment.batch == 1 else "[0]"
    layers = ['    "fc1": W1,']
    for i in range(1, depth(experiment)):
        layers += [f'    "activation_fn{i}": np.diag(df(z{i}{sample})),', f'    "fc{i + 1}": W{i + 1},']
    return lines(
        [
            "# The Jacobian of each layer; their product, the last one first, is that of the network.",
            *("jacobians = {", *layers, "}"),
            "product = np.eye(x.shape[-1])",
            "for name, J in jacobians.items():",
            f"    {shown('singular values of {name}', 'np.linalg.svd(J, compute_uv=False)', 'f')}",
            "    product = J @ product",
            shown("Jacobian of the network", "product"),
        ]
    )


def _torch(experiment: Experiment) -> str:
    names = [*outputs(experiment).values()]
    parameters = [name for name in variables(experiment).values() if name != "x"]
    wanted = [*reversed(names), "x", *parameters]
    return program(
        TORCH.header,
        draws(experiment),
        torch_tensors(experiment),
        torch_activation(experiment),
        forward_function(experiment, TORCH_LINEAR),
        lines(
            [
                unpacked("", names, " = forward()"),
                f"c = {LOSSES[experiment.loss].torch}",
                folded("wanted = [", wanted, "]"),
                unpacked("", [f"d{name}" for name in wanted], " = torch.autograd.grad(c, wanted)"),
                f"J = torch.autograd.functional.jacobian(lambda x: forward(x=x)[-1], {_first(experiment)})",
            ]
        ),
        lines(
            [
                *_shown_forward(experiment, "{}.detach().numpy()", "c.item()"),
                *_shown_backward(experiment, "d{}.numpy()"),
                shown("Jacobian of the network", "J.numpy()"),
            ]
        ),
    )


def _jax(experiment: Experiment) -> str:
    names = [*variables(experiment).values()]
    return program(
        JAX.header,
        draws(experiment),
        *jax_functions(experiment),
        lines(
            [
                unpacked("", [*outputs(experiment).values()], " = forward()"),
                folded("tensors = dict(", (f"{name}={name}" for name in names), ")"),
                "gradients = jax.grad(lambda tensors: loss(forward(**tensors)[-1]))(tensors)",
                f"J = jax.jacobian(lambda x: forward(x=x)[-1])({_first(experiment)})",
            ]
        ),
        lines(
            [
                *_shown_forward(experiment, "np.asarray({})", "loss(y)"),
                *(shown(f"d{name[0]} of fc{name[1:]}", f'np.asarray(gradients["{name}"])') for name in names[:-1]),
                shown("backward fc1", 'np.asarray(gradients["x"])'),
                shown("Jacobian of the network", "np.asarray(J)"),
            ]
        ),
    )


def _shown_forward(experiment: Experiment, form: str, loss: str) -> list[str]:
    """Print the result of every step forward."""
    layers = (shown(f"forward {name}", form.format(value)) for name, value in outputs(experiment).items())
    return [*layers, shown("forward loss", loss)]


def _shown_backward(experiment: Experiment, form: str) -> list[str]:
    """Print the result of every step backward: the gradient handed on, and those of the parameters."""
    steps, values = [*outputs(experiment)][::-1], [*outputs(experiment).values()][::-1]
    printed = []
    for name, value in zip(["loss", *steps], [*values, "x"], strict=True):
        printed.append(shown(f"backward {name}", form.format(value)))
        if name.startswith("fc"):
            i = name.removeprefix("fc")
            printed += [shown(f"d{parameter} of {name}", form.format(f"{parameter}{i}")) for parameter in "Wb"]
    return printed


def _first(experiment: Experiment) -> str:
    return "x" if experiment.batch == 1 else "x[0]"
