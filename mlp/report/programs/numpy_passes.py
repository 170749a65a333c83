"""The lines of numpy programs that run a network forward, and backward by hand."""

from mlp.lab.experiment import Experiment
from mlp.report.programs.formulas import NUMPY_ACTIVATIONS, NUMPY_HELPERS, NUMPY_LOSSES
from mlp.report.programs.passes import depth, outputs
from mlp.report.programs.writing import function, lines, unpacked


def definitions(experiment: Experiment, is_complex: bool, backward: bool = True) -> list[str]:
    """Define the activation f, its derivative df and the loss, with the functions that all these call before them.

    Without backward there is no df, and nothing that the loss's gradient calls.
    """
    loss = NUMPY_LOSSES[experiment.loss]
    blocks = activation(experiment.activation)[: 2 if backward else 1] if depth(experiment) > 1 else []
    blocks.append(function("loss(y, target)", f"The loss, {experiment.loss}", loss.value))
    return with_helpers(blocks, is_complex, also=loss.derivative if backward else "")


def activation(name: str) -> list[str]:
    """Define the activation f and its derivative df."""
    formula = NUMPY_ACTIVATIONS[name]
    return [
        function("f(z)", f"The activation, {name}", formula.value),
        function("df(z)", "Its derivative", formula.derivative),
    ]


def with_helpers(blocks: list[str], is_complex: bool, also: str = "") -> list[str]:
    """Put the functions that these blocks, or the expression `also`, call before the blocks."""
    text = lines([*blocks, also])
    helpers = [helper for name, helper in NUMPY_HELPERS.items() if f"{name}(" in text]
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
            f"dy = {NUMPY_LOSSES[experiment.loss].derivative}",
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
