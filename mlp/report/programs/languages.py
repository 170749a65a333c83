"""The languages that programs are written in: how each begins, and what it writes for a formula."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlp.lab.experiment import Experiment
from mlp.report.programs.catalogue import ACTIVATIONS, INITIALISATIONS, LOSSES, TARGETS, Formula
from mlp.report.programs.writing import PRINT_ALL

Programs = dict[str, str]
MLP = "mlp"


@dataclass(frozen=True, eq=False)
class Language:
    """A language beside `mlp` itself.

    Attributes:
        label: what people call it.
        header: the first lines of its programs.
        written: picks what the language writes for a formula.
    """

    label: str
    header: str
    written: Callable[[Formula], str]

    def knows(self, name: str | None, formulas: Mapping[str, Formula]) -> bool:
        """Whether it can write the formula of this name; None needs no knowing."""
        return name is None or (name in formulas and bool(self.written(formulas[name])))


NUMPY = Language("numpy", f"import numpy as np\n\n{PRINT_ALL}", lambda formula: formula.numpy)
TORCH = Language(
    "PyTorch",
    f"import numpy as np\nimport torch\nimport torch.nn.functional as F\n\n{PRINT_ALL}",
    lambda formula: formula.torch,
)
JAX = Language(
    "JAX",
    'import jax\nimport jax.numpy as jnp\nimport numpy as np\n\njax.config.update("jax_enable_x64", True)\n'
    + PRINT_ALL,
    lambda formula: formula.jax,
)

# As they are offered: first what runs wherever there is numpy.
LABELS = (NUMPY.label, MLP, TORCH.label, JAX.label)


def offered(
    writers: Mapping[Language, Callable[[], str]], activation: str | None = None, loss: str | None = None
) -> Programs:
    """Write a program in each language that knows this activation and this loss; None needs no knowing."""
    return {
        language.label: write()
        for language, write in writers.items()
        if language.knows(activation, ACTIVATIONS) and language.knows(loss, LOSSES)
    }


def for_experiment(experiment: Experiment, writers: Mapping[Language, Callable[[], str]]) -> Programs:
    """Write a program in each language that knows everything in the experiment."""
    if experiment.initialisation not in INITIALISATIONS or experiment.loss not in TARGETS:
        return {}
    return offered(writers, experiment.activation, experiment.loss)
