"""The forward pass of a network, written out layer by layer, the same in every language but for the linear layer.

The layers fc1, activation_fn1, fc2, ... give z1, h1, z2, ..., and the last one y; their gradients are dz1, dh1, ...
"""

from mlp.lab.experiment import Experiment
from mlp.report.programs.writing import folded, lines, unpacked


def depth(experiment: Experiment) -> int:
    """The number of linear layers."""
    return len(experiment.sizes) - 1


def variables(experiment: Experiment) -> dict[str, str]:
    """The variable of each tensor, in the network's order with the input last: {"fc1.W": "W1", ..., "x": "x"}."""
    layers = range(1, depth(experiment) + 1)
    return {f"fc{i}.{name}": f"{name}{i}" for i in layers for name in "Wb"} | {"x": "x"}


def outputs(experiment: Experiment) -> dict[str, str]:
    """The variable of each layer's output: {"fc1": "z1", "activation_fn1": "h1", ..., "fc3": "y"}."""
    last = depth(experiment)
    hidden = {
        key: value for i in range(1, last) for key, value in ((f"fc{i}", f"z{i}"), (f"activation_fn{i}", f"h{i}"))
    }
    return hidden | {f"fc{last}": "y"}


def forward_lines(experiment: Experiment, linear: str = "") -> list[str]:
    """Write the forward pass; `linear` is the layer's expression, with numpy's and JAX's as the default."""
    linear = linear or ("W{i} @ {x} + b{i}" if experiment.batch == 1 else "{x} @ W{i}.T + b{i}")
    written, given = [], "x"
    for name, result in outputs(experiment).items():
        rule = linear.format(x=given, i=name.removeprefix("fc")) if name.startswith("fc") else f"f({given})"
        written.append(f"{result} = {rule}")
        given = result
    return written


def forward_function(experiment: Experiment, linear: str = "") -> str:
    """Define `forward`: every tensor is an argument with itself as the default, every layer's output is returned."""
    names = variables(experiment).values()
    return lines(
        [
            folded("def forward(", (f"{name}={name}" for name in names), "):"),
            '    """Every layer\'s output. To vary one tensor alone, pass it: forward(W1=...)."""',
            *(f"    {line}" for line in forward_lines(experiment, linear)),
            unpacked("    return ", [*outputs(experiment).values()], ""),
        ]
    )
