"""A network written out as a program: its numbers drawn, forward layer by layer, backward by hand or automatically.

The layers fc1, activation_fn1, fc2, ... give z1, h1, z2, ..., and the last one y; their gradients are dz1, dh1, ...
"""

from itertools import pairwise

from mlp.lab.experiment import RANDOM, Experiment
from mlp.lab.settings_text import format_setting
from mlp.report.programs.catalogue import ACTIVATIONS, HELPERS, INITIALISATIONS, LOSSES, TARGETS
from mlp.report.programs.writing import array, folded, function, lines, unpacked

TORCH_LINEAR = "F.linear({x}, W{i}, b{i})"


def draws(experiment: Experiment) -> str:
    """Draw W1, b1, W2, ..., then x, then target; those two as numbers where they are rows of a data set."""
    if experiment.data != RANDOM:
        *_, x, target = experiment.problem()
        rows = [f"# Rows of the data, {format_setting(experiment.data)}.", array("x", x), array("target", target)]
        return lines(["# Weights and biases layer by layer.", *weights(experiment), *rows])
    samples = f"{experiment.batch}, " if experiment.batch > 1 else ""
    return lines(
        [
            "# Weights and biases layer by layer, then the input, then the target.",
            *weights(experiment),
            f"x = np.random.randn({samples}{experiment.sizes[0]})",
            TARGETS[experiment.loss].format(shape=f"{samples}{experiment.sizes[-1]}"),
        ]
    )


def weights(experiment: Experiment) -> list[str]:
    """Draw W1, b1, W2, ... after seeding."""
    initialisation = INITIALISATIONS[experiment.initialisation]
    sizes = enumerate(pairwise(experiment.sizes), start=1)
    return [
        f"np.random.seed({experiment.seed})",
        *(f"W{i}, b{i} = {initialisation.format(inputs=n, outputs=m)}" for i, (n, m) in sizes),
    ]


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


def definitions(experiment: Experiment, is_complex: bool, backward: bool = True) -> list[str]:
    """Define the activation f, its derivative df and the loss, with the functions that all these call before them.

    Without backward there is no df, and nothing that the loss's gradient calls.
    """
    loss = LOSSES[experiment.loss]
    blocks = numpy_activation(experiment.activation)[: 2 if backward else 1] if depth(experiment) > 1 else []
    blocks.append(function("loss(y, target)", f"The loss, {experiment.loss}", loss.numpy))
    return with_helpers(blocks, is_complex, also=loss.derivative if backward else "")


def numpy_activation(name: str) -> list[str]:
    """Define the activation f and its derivative df."""
    formula = ACTIVATIONS[name]
    return [
        function("f(z)", f"The activation, {name}", formula.numpy),
        function("df(z)", "Its derivative", formula.derivative),
    ]


def with_helpers(blocks: list[str], is_complex: bool, also: str = "") -> list[str]:
    """Put the functions that these blocks, or the expression `also`, call before the blocks."""
    text = lines([*blocks, also])
    helpers = [helper for name, helper in HELPERS.items() if f"{name}(" in text]
    return [_for_numbers(block, is_complex) for block in (*helpers, *blocks)]


def _for_numbers(text: str, is_complex: bool) -> str:
    """Leave out `.real` where only real numbers come."""
    return text if is_complex else text.replace(".real", "")


def both_passes(experiment: Experiment) -> str:
    """Run forward and backward at the tensors as drawn; leaves dW1, db1, ..., dx."""
    return lines(
        [
            unpacked("", [*outputs(experiment).values()], " = forward()"),
            "",
            "# Backward, by the chain rule: from the loss to the input.",
            f"dy = {LOSSES[experiment.loss].derivative}",
            *(line for i in range(depth(experiment), 0, -1) for line in _backward_lines(experiment, i)),
        ]
    )


def _backward_lines(experiment: Experiment, i: int) -> list[str]:
    """Write the backward pass through the linear layer i and the activation before it."""
    d, x, dx = ("dy" if i == depth(experiment) else f"dz{i}"), f"h{i - 1}", f"dh{i - 1}"
    if i == 1:
        x, dx = "x", "dx"
    parameters = f"np.outer({d}, {x}), {d}" if experiment.batch == 1 else f"{d}.T @ {x}, {d}.sum(axis=0)"
    activation = [f"dz{i - 1} = dh{i - 1} * df(z{i - 1})"] if i > 1 else []
    return [f"dW{i}, db{i} = {parameters}", f"{dx} = {d} @ W{i}", *activation]


def torch_tensors(experiment: Experiment) -> str:
    """Make tensors of the drawn arrays."""
    made = (f"{name} = torch.tensor({name}, requires_grad=True)" for name in variables(experiment).values())
    return lines(["# The same numbers as PyTorch's tensors.", *made, "target = torch.tensor(target)"])


def torch_activation(experiment: Experiment) -> str:
    """Define f, where there are hidden layers."""
    return _activation(experiment, ACTIVATIONS[experiment.activation].torch)


def jax_functions(experiment: Experiment) -> list[str]:
    """Define f, where there are hidden layers, forward and loss."""
    return [
        _activation(experiment, ACTIVATIONS[experiment.activation].jax),
        forward_function(experiment),
        function("loss(y)", f"The loss, {experiment.loss}", LOSSES[experiment.loss].jax),
    ]


def _activation(experiment: Experiment, formula: str) -> str:
    if depth(experiment) == 1:
        return ""
    return function("f(z)", f"The activation, {experiment.activation}", formula)
