"""Programs that train as a run does: the same rows in the same order, the same weights, the same steps.

They print the columns of the run's history that are about losses and accuracies.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial

from mlp.lab.experiment import RANDOM
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training import Training
from mlp.lab.training_run import EVALUATED, Run
from mlp.report.programs.catalogue import LOSSES, OPTIMISERS, Update
from mlp.report.programs.datasets import rows, uploaded
from mlp.report.programs.languages import MLP, NUMPY, TORCH, Programs, for_experiment
from mlp.report.programs.passes import (
    TORCH_LINEAR,
    both_passes,
    definitions,
    draws,
    forward_function,
    torch_activation,
    variables,
    weights,
)
from mlp.report.programs.writing import PRINT_ALL, folded, function, lines, program, setting, settings, shown


def training(run: Run) -> Programs:
    """Programs that go all the way that the settings of this run say; with a bug, which only mlp has, in mlp alone.

    Those for an upload read its rows from `mlp.report.files.exchange.RUN_FILE`.
    """
    update = OPTIMISERS.get(run.training.optimiser, Update((), "", ""))
    written = ((NUMPY, _numpy, update.numpy), (TORCH, _torch, update.torch))
    writers = {language: partial(write, run) for language, write, text in written if text and not run.training.bug}
    return {MLP: _mlp(run)} | for_experiment(run.training.experiment, writers)


def _mlp(run: Run) -> str:
    chosen = (f"    {name}={setting(value)}," for name, value in _chosen(run.training))
    return program(
        lines(
            [
                "import numpy as np",
                "",
                *(["from mlp.lab.dataset import Dataset, Scale"] if run.training.data == UPLOAD else []),
                "from mlp.lab.experiment import Experiment",
                "from mlp.lab.training import Training",
                "from mlp.lab.training_run import Run",
                "",
                PRINT_ALL,
            ]
        ),
        settings(run.training.experiment),
        lines(["training = Training(", "    experiment,", *chosen, ")"]),
        uploaded(run.data) if run.training.data == UPLOAD else "run = Run(training)",
        "run.advance(training.steps)\n"
        "for name, column in run.history.items():\n"
        '    if "loss" in name or "accuracy" in name:\n'
        f"        {shown('{name}', 'np.array(column)', 'f')}",
    )


def _chosen(settings: Training) -> Iterator[tuple[str, object]]:
    """The settings beside the experiment that are not those of every run."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name != "experiment" and (value or field.name != "bug"):
            yield field.name, value


def _numpy(run: Run) -> str:
    experiment = replace(run.training.experiment, batch=2, data=RANDOM)  # a batch, whatever its rows
    names = [name for name in variables(experiment).values() if name != "x"]
    update = OPTIMISERS[run.training.optimiser]
    return program(
        NUMPY.header,
        *rows(run),
        *_weights(run),
        *definitions(experiment, is_complex=False),
        forward_function(experiment),
        lines(
            [
                "def gradients(x, target):",
                '    """Forward and backward: the gradient of every parameter."""',
                textwrap.indent(both_passes(experiment).replace("forward()", "forward(x=x)"), "    "),
                folded("    return [", (f"d{name}" for name in names), "]"),
            ]
        ),
        _batches(run),
        lines(
            [
                folded("parameters = [", names, "]"),
                *(f"{name}s = [np.zeros_like(p) for p in parameters]" for name in update.kept),
            ]
        ),
        *_loop(
            run,
            [
                f"for {', '.join(['p', 'g', *update.kept])} in zip("
                + ", ".join(["parameters", "gradients(rows, wanted)", *(f"{name}s" for name in update.kept)])
                + "):",
                textwrap.indent(update.numpy, "    "),
            ],
            "y = forward(x=some_x)[-1]",
            "loss(y, some_target)",
        ),
    )


def _torch(run: Run) -> str:
    experiment = replace(run.training.experiment, batch=2, data=RANDOM)
    names = [name for name in variables(experiment).values() if name != "x"]
    parts = ["x", "target", *(["test_x", "test_target"] if len(run.data.test_x) else [])]
    return program(
        TORCH.header,
        *rows(run),
        *_weights(run),
        lines(
            [
                "# The same numbers as PyTorch's tensors.",
                *(f"{name} = torch.tensor({name}, requires_grad=True)" for name in names),
                *(f"{name} = torch.tensor({name})" for name in parts),
            ]
        ),
        torch_activation(experiment),
        forward_function(experiment, TORCH_LINEAR),
        function("loss(y, target)", f"The loss, {experiment.loss}", LOSSES[experiment.loss].torch),
        _batches(run),
        lines(
            [
                folded("parameters = [", names, "]"),
                f"rate = {run.training.rate!r}",
                f"optimiser = {OPTIMISERS[run.training.optimiser].torch}",
            ]
        ),
        *_loop(
            run,
            ["optimiser.zero_grad()", "loss(forward(x=rows)[-1], wanted).backward()", "optimiser.step()"],
            "y = forward(x=some_x)[-1].detach()",
            "loss(y, some_target).item()",
        ),
    )


def _weights(run: Run) -> Iterator[str]:
    experiment = run.training.experiment
    if run.training.data == RANDOM:
        yield draws(experiment)
        yield "x, target = np.atleast_2d(x), np.atleast_2d(target)"
    else:
        yield lines(["# Weights and biases layer by layer.", *weights(experiment)])


def _batches(run: Run) -> str:
    size = run.training.mini_batch
    return lines(
        [
            "def batches():",
            '    """The mini-batches, epoch after epoch, each epoch in another order."""',
            f"    np.random.seed({run.training.experiment.seed})",
            "    while True:",
            "        order = np.random.permutation(len(x))",
            f"        for start in range(0, len(x), {size}):",
            f"            some = order[start : start + {size}]",
            "            yield x[some], target[some]",
        ]
    )


def _loop(run: Run, step: list[str], output: str, value: str) -> Iterator[str]:
    """Take every step, and note losses and accuracies where the run records them."""
    parts = [("", "x", "target"), *([("test ", "test_x", "test_target")] if len(run.data.test_x) else [])]
    noted = []
    for prefix, x, target in parts:
        first = f"[:{EVALUATED}]" if len(run.data.x) > EVALUATED else ""
        noted += [
            line.replace("some_x", f"{x}{first}").replace("some_target", f"{target}{first}")
            for line in (output, f'note("{prefix}loss", {value})')
        ]
        if run.data.is_classification:
            noted.append(f'note("{prefix}accuracy", float((y.argmax(1) == {target}{first}.argmax(1)).sum()) / len(y))')
    yield "history = {}"
    yield lines(
        [
            "def note(name, value):",
            '    """Add a value to a column of the history."""',
            "    history.setdefault(name, []).append(value)",
        ]
    )
    yield lines(["def record():", '    """Note how well all rows are done."""', *(f"    {line}" for line in noted)])
    yield lines(
        [
            *([f"rate = {run.training.rate!r}"] if step[0].startswith("for") else []),
            "record()",
            f"for step, (rows, wanted) in zip(range(1, {run.training.steps + 1}), batches()):",
            *(textwrap.indent(line, "    ") for line in step),
            *_recording(run),
            "for name, column in history.items():",
            f"    {shown('{name}', 'np.array(column)', 'f')}",
        ]
    )


def _recording(run: Run) -> list[str]:
    """Record every step, or some, the last one among them."""
    every, steps = run.record_every, run.training.steps
    if every == 1:
        return ["    record()"]
    last = f" or step == {steps}" if steps % every else ""
    return [f"    if step % {every} == 0{last}:", "        record()"]
