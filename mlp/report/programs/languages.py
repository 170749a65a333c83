"""The languages that programs are written in: how each begins, and which activations and losses it knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlp.lab.experiment import Experiment
from mlp.report.programs import draws
from mlp.report.programs.formulas import (
    JAX_ACTIVATIONS,
    JAX_LOSSES,
    NUMPY_ACTIVATIONS,
    NUMPY_LOSSES,
    TORCH_ACTIVATIONS,
    TORCH_LOSSES,
)
from mlp.report.programs.writing import PRINT_ALL

Programs = dict[str, str]
MLP = "mlp"


@dataclass(frozen=True, eq=False)
class Language:
    """A language beside `mlp` itself.

    Attributes:
        label: what people call it.
        header: the first lines of its programs.
        activations, losses: its formulas by name.
    """

    label: str
    header: str
    activations: Mapping[str, object]
    losses: Mapping[str, object]


NUMPY = Language("numpy", f"import numpy as np\n\n{PRINT_ALL}", NUMPY_ACTIVATIONS, NUMPY_LOSSES)
TORCH = Language(
    "PyTorch",
    f"import numpy as np\nimport torch\nimport torch.nn.functional as F\n\n{PRINT_ALL}",
    TORCH_ACTIVATIONS,
    TORCH_LOSSES,
)
JAX = Language(
    "JAX",
    'import jax\nimport jax.numpy as jnp\nimport numpy as np\n\njax.config.update("jax_enable_x64", True)\n'
    + PRINT_ALL,
    JAX_ACTIVATIONS,
    JAX_LOSSES,
)


def offered(
    writers: Mapping[Language, Callable[[], str]], activation: str | None = None, loss: str | None = None
) -> Programs:
    """Write a program in each language that knows this activation and this loss; None needs no knowing."""
    return {
        language.label: write()
        for language, write in writers.items()
        if (activation is None or activation in language.activations) and (loss is None or loss in language.losses)
    }


def for_experiment(experiment: Experiment, writers: Mapping[Language, Callable[[], str]]) -> Programs:
    """Write a program in each language that knows everything in the experiment."""
    if experiment.initialisation not in draws.INITIALISATIONS or experiment.loss not in draws.TARGETS:
        return {}
    return offered(writers, experiment.activation, experiment.loss)
